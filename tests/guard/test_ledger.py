import os
import random
import shutil
import sqlite3
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from crossbar_hil.errors import DataError, LedgerError, reason_of
from crossbar_hil.guard.chain import Entry
from crossbar_hil.guard.ledger import DoseLedger, default_path, why_dose_unknown
from crossbar_hil.guard.names import file_name

SHAPE = (2, 3)
PULSES = np.array([[1, 0, 2], [0, 0, 5]])
DOSE = PULSES * 2.0**-20  # volt-seconds whose sums are exact


@pytest.fixture
def path(tmp_path):
    return tmp_path / "chips" / "chip.sqlite"


def nasty_names():
    """200 names that would do harm as paths, or look like another."""
    reserved = [
        f"{name}{end}" for name in ("CON", "PRN", "AUX", "NUL", "COM1", "LPT9", "CLOCK$") for end in ("", ".txt")
    ]
    ways_out = [
        f"{lead}{way}{tail}" for lead in ("", "a", "/") for way in ("../", "..\\", "./", "//", "\\\\") for tail in "xy"
    ]
    signs = [f"chip{sign}A" for sign in "\0\1\n\r\t\x1b\x7f:*?\"<>|/\\$`~!#%&'();{}[]^=+,@ \u202e\u200b\ufeff\ud800"]
    alike = ["chip A", "Chip A", "CHIP A", "chip  A", " chip A", "chip A ", "chip-A", "chip_A", "chip.A", "chip A."]
    alike += ["chıp A", "сhip A", "ｃhip A", "cafe\u0301", "caf\u00e9", "ﬁ", "fi", "K", "\u212a", "ß", "ss", "ẞ"]
    long = [letter * size for letter in ("x", "é", "../", "\U0001f600") for size in (39, 40, 41, 255, 256, 300, 5000)]
    odd = [
        ".",
        "..",
        "...",
        ".hidden",
        "-",
        "--help",
        "-rf",
        "~",
        "~root",
        "$HOME",
        "%TEMP%",
        "a:b",
        "C:",
        "C:\\x",
        "d:x",
    ]
    odd += ["\\\\server\\share", "file:///x", "x.sqlite", "x.sqlite-wal", "x.lock", "0", "00", "1e5", "None", "nan"]
    names = [*dict.fromkeys([*reserved, *ways_out, *signs, *alike, *long, *odd])]
    return names + [f"wafer {number}/die {number % 7}" for number in range(200 - len(names))]


ONE_CHIP = [
    *(
        ("chip A", "Chip A"),
        ("chip A", "CHIP A"),
        ("K", "\u212a"),
        ("ß", "ss"),
        ("ß", "ẞ"),
        ("cafe\u0301", "caf\u00e9"),
    ),
    ("ﬁ", "fi"),
]
"""Names among those above that differ in case only, by the full case folding of Unicode, or in how a letter is made."""


@pytest.mark.fault("C11", "V5")
def test_totals_count_all_runs_together_and_outlive_the_process(path):
    with closing(DoseLedger.open(path, SHAPE)) as ledger:
        ledger.reserve("first", 1, PULSES, DOSE)
        ledger.reserve("first", 2, PULSES, DOSE)
    with closing(DoseLedger.open(path, SHAPE)) as ledger:
        ledger.reserve("second", 1, PULSES, DOSE)
        pulses, dose_vs = ledger.totals()
    assert pulses.tolist() == [[3, 0, 6], [0, 0, 15]]
    assert dose_vs.tolist() == [[3 / 2**20, 0, 6 / 2**20], [0, 0, 15 / 2**20]]


def test_a_reservation_is_on_disk_when_it_returns(path):
    with closing(DoseLedger.open(path, SHAPE)) as ledger:
        ledger.reserve("r", 1, PULSES, DOSE)
        with closing(sqlite3.connect(path)) as plain:
            assert plain.execute("PRAGMA synchronous").fetchone()[0] >= 2
            assert plain.execute("SELECT run, op, cells FROM reservation").fetchall() == [
                ("r", 1, "[[0,0,1,9.5367431640625e-07],[0,2,2,1.9073486328125e-06],[1,2,5,4.76837158203125e-06]]")
            ]


def test_a_ledger_is_on_disk_as_the_manual_of_sqlite_says_for_power_cuts(path, monkeypatch):
    """https://www.sqlite.org/pragma.html: with a rollback journal EXTRA (3) flushes its folder too."""
    flushed, real = [], os.fsync
    monkeypatch.setattr(os, "fsync", lambda handle: (real(handle), flushed.append(os.fstat(handle).st_ino)))
    with closing(DoseLedger.open(path, (2, 2))) as ledger:
        ask = lambda name: ledger._database.execute(f"PRAGMA {name}").fetchone()[0]  # noqa: E731
        assert [ask(name) for name in ("journal_mode", "synchronous", "fullfsync")] == ["delete", 3, 1]
    assert path.parent.stat().st_ino in flushed


def test_an_operation_that_is_resumed_is_not_counted_twice(path):
    for _ in range(3):
        with closing(DoseLedger.open(path, SHAPE)) as ledger:
            ledger.reserve("r", 7, PULSES, DOSE)
            ledger.reserve("r", 7, PULSES, DOSE)
            assert ledger.totals()[0].tolist() == PULSES.tolist()


def test_an_operation_is_not_reserved_again_for_other_pulses(path):
    with closing(DoseLedger.open(path, SHAPE)) as ledger:
        ledger.reserve("r", 7, PULSES, DOSE)
        with pytest.raises(LedgerError, match="operation 7 of run r is reserved for other pulses"):
            ledger.reserve("r", 7, PULSES + 1, DOSE)
        assert ledger.totals()[0].tolist() == PULSES.tolist()


def test_totals_are_copies(path):
    with closing(DoseLedger.open(path, SHAPE)) as ledger:
        ledger.totals()[0][:] = 9
        assert not ledger.totals()[0].any()


def test_two_that_have_a_ledger_open_see_each_others_reservations(path):
    with closing(DoseLedger.open(path, SHAPE)) as one, closing(DoseLedger.open(path, SHAPE)) as other:
        one.reserve("a", 1, PULSES, DOSE)
        other.reserve("b", 1, PULSES, DOSE)
        one.reserve("a", 2, PULSES, DOSE)
        for ledger in (one, other):
            assert ledger.totals()[0].tolist() == (3 * PULSES).tolist()


def test_reservations_that_race_are_all_counted(path):
    DoseLedger.open(path, SHAPE).close()

    def spend(run):
        with closing(DoseLedger.open(path, SHAPE)) as ledger:
            for op in range(5):
                ledger.reserve(run, op, PULSES, DOSE)

    threads = [threading.Thread(target=spend, args=(f"run {number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with closing(DoseLedger.open(path, SHAPE)) as ledger:
        assert ledger.totals()[0].tolist() == (20 * PULSES).tolist()


@pytest.mark.fault("C10")
def test_a_chip_of_another_shape_is_refused(path):
    DoseLedger.open(path, SHAPE).close()
    with pytest.raises(LedgerError, match="is of a chip of 2x3 cells, not 3x2"):
        DoseLedger.open(path, (3, 2))
    with closing(DoseLedger.open(path, SHAPE)) as ledger, pytest.raises(LedgerError, match=r"shape \(2, 3\)"):
        ledger.reserve("r", 1, PULSES.T, DOSE)


@pytest.mark.parametrize(
    ("pulses", "dose", "said"),
    [
        (-PULSES, DOSE, "whole numbers from 0 on, the least is -5"),
        (PULSES * 1.0, DOSE, "whole numbers"),
        (PULSES, -DOSE, "not negative"),
        (PULSES, DOSE + np.nan, "finite"),
        (PULSES, DOSE + np.inf, "finite"),
    ],
)
def test_what_is_no_dose_is_refused_and_not_counted(path, pulses, dose, said):
    with closing(DoseLedger.open(path, SHAPE)) as ledger:
        with pytest.raises(LedgerError, match=said):
            ledger.reserve("r", 1, pulses, dose)
        assert not ledger.totals()[0].any()


@pytest.mark.fault("D1", "D3")
@pytest.mark.parametrize("why", ["disk I/O error", "database or disk is full"])
def test_a_disk_that_fails_refuses_the_reservation(path, why):
    class Failing(sqlite3.Connection):
        fails = False

        def commit(self):
            if self.fails:
                raise sqlite3.OperationalError(why)
            super().commit()

    made = []

    def connect(path):
        made.append(sqlite3.connect(path, isolation_level=None, factory=Failing))
        return made[-1]

    with closing(DoseLedger.open(path, SHAPE, connect=connect)) as ledger:
        ledger.reserve("r", 1, PULSES, DOSE)
        made[0].fails = True
        with pytest.raises(
            LedgerError, match=f"operation 2 was not reserved: {reason_of(sqlite3.OperationalError(why))}"
        ):
            ledger.reserve("r", 2, PULSES, DOSE)
        made[0].fails = False
        assert ledger.totals()[0].tolist() == PULSES.tolist()
    with closing(DoseLedger.open(path, SHAPE)) as ledger:
        assert ledger.totals()[0].tolist() == PULSES.tolist()


@pytest.mark.fault("D6", "X24")
@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE reservation SET cells = '[]' WHERE number = 2",
        "UPDATE reservation SET run = 'other' WHERE number = 1",
        "UPDATE reservation SET cells = CAST(cells AS BLOB) WHERE number = 2",
        "DELETE FROM reservation WHERE number = 1",
        "DELETE FROM reservation WHERE number = 3",
        "DELETE FROM reservation",
        "UPDATE chip SET reservations = 2",
        "DELETE FROM chip",
        "CREATE TABLE more (a)",
        "PRAGMA user_version = 9",
        "PRAGMA application_id = 9",
    ],
)
def test_an_edited_ledger_is_refused(path, sql):
    with closing(DoseLedger.open(path, SHAPE)) as ledger:
        for op in range(3):
            ledger.reserve("r", op, PULSES, DOSE)
    with closing(sqlite3.connect(path)) as plain, plain:
        plain.execute(sql)
    with pytest.raises(LedgerError, match="is damaged"):
        DoseLedger.open(path, SHAPE)


@pytest.mark.fault("D5", "D6")
@pytest.mark.parametrize(
    ("step", "flips"), [(397, 90), pytest.param(13, 1500, marks=pytest.mark.campaign)], ids=["some", "many"]
)
def test_cut_or_flipped_anywhere_a_ledger_is_whole_or_refused(path, step, flips):
    with closing(DoseLedger.open(path, SHAPE)) as ledger:
        for op in range(8):
            ledger.reserve("r", op, PULSES, DOSE)
    content = path.read_bytes()
    rng = random.Random(3)
    damaged = [content[:length] for length in range(0, len(content), step)]
    for _ in range(flips):
        flipped = bytearray(content)
        flipped[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        damaged.append(bytes(flipped))
    refused = 0
    for number, bad in enumerate(damaged):
        path.write_bytes(bad)
        try:
            with closing(DoseLedger.open(path, SHAPE)) as ledger:
                assert ledger.totals()[0].tolist() == (8 * PULSES).tolist(), number
        except LedgerError:
            refused += 1
    assert refused > len(range(0, len(content), step))


@pytest.mark.fault("D6")
def test_what_sqlite_itself_finds_damaged_is_refused_although_every_row_can_be_read(path):
    with closing(DoseLedger.open(path, SHAPE)) as ledger:
        ledger.reserve("r", 1, PULSES, DOSE)
    content = bytearray(path.read_bytes())
    content[2 * 4096 + 7] = 50  # fragmented free bytes in the page of the rows (file format, section 1.6)
    path.write_bytes(content)
    with pytest.raises(LedgerError, match=r"(?s)is damaged: .*Fragmentation of 0 bytes reported as 50"):
        DoseLedger.open(path, SHAPE)


@pytest.mark.skipif(os.name == "nt", reason="links and modes of POSIX")
@pytest.mark.fault("X9")
def test_a_ledger_is_for_its_owner_only_and_never_a_link(path):
    DoseLedger.open(path, SHAPE).close()
    assert [os.stat(place).st_mode & 0o777 for place in (path, path.parent)] == [0o600, 0o700]
    shutil.move(path, path.with_name("elsewhere"))
    path.symlink_to(path.with_name("elsewhere"))
    with pytest.raises(LedgerError, match="is a link"):
        DoseLedger.open(path, SHAPE)
    path.unlink()
    shutil.move(path.with_name("elsewhere"), path)
    beside = path.with_name(f"{path.name}-journal")  # what SQLite would roll back by
    beside.symlink_to("elsewhere")
    with pytest.raises(LedgerError, match="journal is a link"):
        DoseLedger.open(path, SHAPE)


def test_an_empty_file_is_no_ledger_of_a_chip_that_got_nothing(path):
    path.parent.mkdir()
    path.touch()
    with pytest.raises(LedgerError, match="is empty, so that what the chip received is not known"):
        DoseLedger.open(path, SHAPE)


def test_what_a_run_sent_is_told_whole_though_the_clock_was_set_back(path):
    moment = now = datetime(2026, 5, 1, tzinfo=UTC)
    ledger = DoseLedger.open(path, SHAPE, now=lambda: now)
    for op, back in enumerate((timedelta(0), timedelta(hours=1)), start=1):
        now = moment - back
        ledger.reserve("a", op, PULSES, DOSE)
    assert [each.tolist() for each in ledger.pulses_by_run(moment)] == [(2 * PULSES).tolist()]
    ledger.close()


@pytest.mark.fault("X8")
def test_no_name_of_a_chip_leads_out_of_the_folder_or_stands_for_two_chips(tmp_path):
    names = nasty_names()
    assert len(set(names)) == 200
    state = {"XDG_STATE_HOME": str(tmp_path)}
    places = []
    for name in names:
        if not name.strip():
            continue
        place = default_path(name, state)
        assert place.parent == tmp_path / "crossbar-hil" / "chips"
        assert place.resolve().parent == place.parent.resolve()
        assert place.name.isascii()
        assert len(place.name) < 80
        assert set(place.name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.")
        assert place.name[0] not in ".-"
        places.append(place)
    # Case alone makes no other chip, also where files are told apart by it.
    assert [place.name.lower() for place in places] == [place.name for place in places]
    named = [name for name in names if name.strip()]
    assert len(set(places)) == len(named) - len(ONE_CHIP)
    for one, other in ONE_CHIP:
        assert default_path(one, state) == default_path(other, state)


@pytest.mark.fault("C10", "C11")
def test_a_ledger_from_before_case_made_no_other_chip_is_gone_on_with(tmp_path):
    state = {"XDG_STATE_HOME": str(tmp_path)}
    old = default_path("x", state).parent / file_name("Wafer 3", ".sqlite")
    DoseLedger.open(old, SHAPE).close()
    assert default_path("Wafer 3", state) == old
    assert why_dose_unknown("Wafer 3", state) == ""
    said = why_dose_unknown("wafer 3", state)  # of which nothing tells whether it is the same
    assert "is counted from zero" in said
    assert said.endswith(f"ledgers of names much like it: {old.name}")
    assert "much like" not in why_dose_unknown("wafer 4", state)


def entry(number, kind, **body):
    return Entry(number, kind, "", 0.0, body)


ASKED = {"counts": PULSES.tolist(), "amplitude_v": -2.0, "width_s": 2.0**-21}
JOURNAL = [
    entry(1, "start", run="r"),
    entry(2, "read", op=1),
    entry(3, "pulses", op=2, **ASKED),
    entry(4, "intent", op=2, seq=1, row=0, column=0, count=1),
    entry(5, "exposed", op=2, **ASKED),
    entry(6, "pulses", op=3, **ASKED),  # of which none was begun
]


@pytest.mark.fault("C11", "D3")
def test_what_a_journal_holds_and_a_ledger_does_not_is_counted_once(path):
    with closing(DoseLedger.open(path, SHAPE)) as ledger:
        assert ledger.count_again("r", JOURNAL) == 2
        assert ledger.count_again("r", JOURNAL) == 0
        pulses, dose_vs = ledger.totals()
    assert pulses.tolist() == (2 * PULSES).tolist()
    assert dose_vs.tolist() == (2 * DOSE).tolist()


def test_a_ledger_may_be_one_operation_ahead_of_its_journal_and_no_more(path):
    with closing(DoseLedger.open(path, SHAPE)) as ledger:
        ledger.reserve("r", 2, PULSES, DOSE)
        ledger.reserve("r", 4, PULSES, DOSE)  # its guard died before the first intent
        ledger.reserve("another", 9, PULSES, DOSE)
        assert ledger.count_again("r", JOURNAL) == 1
        ledger.reserve("r", 5, PULSES, DOSE)
        with pytest.raises(LedgerError, match=r"holds operation 5 of run r, but its journal ends at operation 3"):
            ledger.count_again("r", JOURNAL)
        nothing_done = [entry(1, "start", run="new")]
        ledger.reserve("new", 1, PULSES, DOSE)
        assert ledger.count_again("new", nothing_done) == 0
        ledger.reserve("new", 2, PULSES, DOSE)
        with pytest.raises(LedgerError, match=r"holds operation 2 of run new, but its journal ends at operation 0"):
            ledger.count_again("new", nothing_done)


def test_a_ledger_with_other_pulses_than_the_journal_is_refused(path):
    with closing(DoseLedger.open(path, SHAPE)) as ledger:
        ledger.reserve("r", 2, PULSES + 1, DOSE)
        with pytest.raises(LedgerError, match="operation 2 of run r is reserved for other pulses"):
            ledger.count_again("r", JOURNAL)


@pytest.mark.parametrize("name", ["", " ", "\n\t"])
def test_a_chip_without_a_name_has_no_ledger(name):
    with pytest.raises(DataError, match="has no letter"):
        file_name(name, ".sqlite")


def test_a_ledger_is_kept_in_the_state_folder_of_the_user(tmp_path):
    assert default_path("A", {"XDG_STATE_HOME": str(tmp_path)}).is_relative_to(tmp_path / "crossbar-hil" / "chips")
    for ignored in ({}, {"XDG_STATE_HOME": ""}, {"XDG_STATE_HOME": "relative"}):
        assert default_path("A", ignored).is_relative_to(Path.home() / ".local" / "state" / "crossbar-hil")


def test_a_ledger_to_which_another_run_is_writing_is_waited_for_five_seconds(path):
    """How long SQLite waits, in milliseconds (sqlite3_busy_timeout); a reservation takes a few of them."""
    with closing(DoseLedger.open(path, SHAPE)) as ledger:
        assert ledger._database.execute("PRAGMA busy_timeout").fetchone() == (5000,)
