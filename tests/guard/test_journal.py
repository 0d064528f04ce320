import hashlib
import json
import os
import random
import runpy
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbar_hil.errors import DataError, JournalDamaged, JournalError
from crossbar_hil.guard import storage
from crossbar_hil.guard.chain import body_text, verify_rows
from crossbar_hil.guard.inspection import left_safe
from crossbar_hil.guard.journal import Journal, read_journal, verify_journal
from crossbar_hil.guard.snapshot import PAGE, _image_of
from crossbar_hil.guard.storage import mounted_type, replace_file, why_not_all_ours, why_not_ours, why_unfit

damage = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("damage.py"))))
INTENT = {"op": 1, "seq": 1, "row": 0, "column": 2, "count": 3, "amplitude_v": 1.1, "width_s": 1e-6}
LOCAL = "/dev/sda1 / ext4 rw 0 0\n"
posix = pytest.mark.skipif(os.name == "nt", reason="links and modes of POSIX")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal.sqlite"


def filled(path, entries=3, **how):
    journal = Journal.create(path, {"run": "r", "token": "t"}, **how)
    for number in range(entries):
        journal.append("intent", {**INTENT, "seq": number})
        journal.commit()
    return journal


def factory(kind):
    return lambda path: sqlite3.connect(path, isolation_level=None, factory=kind, check_same_thread=False, timeout=0.0)


@posix
def test_head_and_folder_are_flushed_when_a_journal_begins_and_the_head_whenever_the_log_is_carried_over(
    path, monkeypatch
):
    flushed, real = [], os.fsync

    def fsync(handle):
        real(handle)
        flushed.append((os.fstat(handle).st_ino, path.with_name("journal.head").read_bytes()[:12]))

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Journal, "LOG_COMMITS", 3)
    journal = filled(path, 3)
    head, folder = path.with_name("journal.head").stat().st_ino, path.parent.stat().st_ino
    # The names last, when there is something behind them; at the third commit the head that names it.
    assert flushed == [(head, b"000000000001"), (folder, b"000000000001"), (head, b"000000000004")]
    journal.close()
    assert flushed[3:] == [(head, b"000000000004")]


def test_sqlite_flushes_at_every_commit_as_its_manual_says_for_power_cuts(path):
    """https://www.sqlite.org/pragma.html: with a write-ahead log only FULL (2) is durable; macOS needs fullfsync."""
    with closing(filled(path, 0)) as journal:
        ask = lambda name: journal._database.execute(f"PRAGMA {name}").fetchone()[0]  # noqa: E731
        names = ("journal_mode", "synchronous", "fullfsync", "locking_mode", "cache_spill")
        assert [ask(name) for name in names] == ["wal", 2, 1, "exclusive", 0]


# --- the format


def test_a_journal_begins_with_its_header_and_keeps_every_entry_in_order(path):
    with closing(filled(path)) as journal:
        assert journal.header == {"run": "r", "token": "t"}
        assert [entry.kind for entry in journal.entries] == ["start"]
    with closing(Journal.open(path)) as journal:
        assert journal.header == {"run": "r", "token": "t"}
        assert [entry.number for entry in journal.entries] == [1, 2, 3, 4]
        assert journal.entries[3].body == {**INTENT, "seq": 2}
        assert journal.append("ended", {"op": 1}) == 5


def test_table_chain_and_head_are_as_documented(path):
    clock = iter([1.5, 2.0])
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    with closing(Journal.create(path, {"b": 1, "a": [0.1]}, now=lambda: now, monotonic=lambda: next(clock))) as journal:
        journal.append("note", {"text": "\n"})
    with closing(sqlite3.connect(path)) as plain:
        rows = plain.execute("SELECT number, kind, utc, monotonic_s, body, chain FROM entry").fetchall()
    utc = "2026-03-01T12:00:00.000+00:00"
    first = hashlib.sha256(("0" * 64 + f'\n1\nstart\n{utc}\n1.5\n{{"a":[0.1],"b":1}}').encode()).hexdigest()
    second = hashlib.sha256((first + f'\n2\nnote\n{utc}\n2.0\n{{"text":"\\n"}}').encode()).hexdigest()
    assert rows == [
        (1, "start", utc, 1.5, '{"a":[0.1],"b":1}', first),
        (2, "note", utc, 2.0, '{"text":"\\n"}', second),
    ]
    number, chain = path.with_name("journal.head").read_text().split()
    assert (int(number), chain) == (2, second)
    assert verify_journal(path).chain == second


def test_a_closed_journal_is_one_file_and_its_head(path):
    filled(path).close()
    assert sorted(os.listdir(path.parent)) == ["journal.head", "journal.sqlite"]


@posix
@pytest.mark.fault("X9")
def test_every_file_of_a_journal_is_for_its_owner_only(path):
    with closing(filled(path)):
        assert {name: os.stat(path.parent / name).st_mode & 0o777 for name in os.listdir(path.parent)} == {
            "journal.sqlite": 0o600,
            "journal.sqlite-wal": 0o600,
            "journal.head": 0o600,
        }


def test_closing_commits_what_is_open(path):
    journal = filled(path, 0)
    journal.append("note", {"text": "last"})
    journal.close()
    journal.close()
    assert read_journal(path)[-1].body == {"text": "last"}


def test_what_is_not_committed_is_not_there(path):
    with closing(filled(path, 0)) as journal:
        journal.append("note", {})
        assert len(read_journal(path)) == 1
        journal.commit()
        assert len(read_journal(path)) == 2


@settings(derandomize=True, database=None, deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_float_comes_back_equal(value):
    found = json.loads(body_text("note", {"value": value}))["value"]
    assert found.hex() == value.hex()


@pytest.mark.parametrize(
    "body",
    [{"v": float("nan")}, {"v": [1.0, float("inf")]}, {"v": -float("inf")}, {"v": b"raw"}, {1: 0, "a": 0}],
    ids=str,
)
def test_what_json_does_not_hold_is_refused_and_the_journal_goes_on(path, body):
    with closing(filled(path, 0)) as journal:
        with pytest.raises(DataError, match="kind 'read' cannot be written as JSON"):
            journal.append("read", body)
        assert journal.append("note", {}) == 2


@pytest.mark.parametrize("kind", ["", "Note", "two words", "a\nb", "x" * 33])
def test_a_kind_that_is_no_word_is_refused(path, kind):
    with closing(filled(path, 0)) as journal, pytest.raises(DataError, match="a kind is"):
        journal.append(kind, {})


def test_a_header_that_cannot_be_written_leaves_no_file(path):
    with pytest.raises(DataError):
        Journal.create(path, {"beta": float("nan")})
    assert os.listdir(path.parent) == []


# --- where and by whom


@pytest.mark.fault("X10")
@pytest.mark.parametrize("name", ["", "-wal", "-shm", "-journal"])
def test_nothing_is_overwritten(path, name):
    there = path.with_name(path.name + name)
    there.write_text("somebody's")
    with pytest.raises(JournalError, match=f"{there.name} is there already"):
        Journal.create(path, {})
    assert there.read_text() == "somebody's"
    assert os.listdir(path.parent) == [there.name]


@posix
@pytest.mark.fault("X9")
@pytest.mark.parametrize("name", ["journal.sqlite", "journal.head", "journal.sqlite-wal"])
def test_no_file_is_made_or_opened_through_a_link(path, name):
    elsewhere = path.parent / "elsewhere"
    (path.parent / name).symlink_to(elsewhere)
    with pytest.raises(JournalError, match="is there already"):
        Journal.create(path, {})
    assert not elsewhere.exists()
    (path.parent / name).unlink()
    filled(path).close()
    (path.parent / name).write_bytes(b"") if name.endswith("wal") else None
    (path.parent / name).rename(elsewhere)
    (path.parent / name).symlink_to(elsewhere)
    with pytest.raises(JournalError, match=f"{name} is a link"):
        Journal.open(path)
    assert not verify_journal(path).notes
    assert "cannot be read" in verify_journal(path).problems[0]


@posix
@pytest.mark.fault("X9")
def test_a_folder_that_is_a_link_and_a_file_of_two_names_are_refused(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(JournalError, match="is a link"):
        Journal.create(tmp_path / "link" / "journal.sqlite", {})
    path = tmp_path / "real" / "journal.sqlite"
    filled(path).close()
    os.link(path, tmp_path / "twin")
    with pytest.raises(JournalError, match="has 2 names"):
        Journal.open(path)


@pytest.mark.fault("D8")
@pytest.mark.parametrize("kind", ["nfs4", "cifs", "9p", "fuse", "fuse.sshfs", "fuseblk", "virtiofs"])
def test_a_network_or_fuse_folder_is_refused_by_name(path, kind):
    mounts = f"{LOCAL}lab:/data {path.parent.resolve()} {kind} rw 0 0\n"
    with pytest.raises(JournalError, match=f"of type {kind}"):
        Journal.create(path, {}, mounts=mounts)
    assert os.listdir(path.parent) == []
    filled(path, mounts=LOCAL).close()
    with pytest.raises(JournalError, match=f"of type {kind}"):
        Journal.open(path, mounts=mounts)


def test_below_a_folder_every_file_is_looked_at_the_links_of_each_folder_first(tmp_path):
    for each in ("b/deep", "a"):
        (tmp_path / each).mkdir(parents=True)
    for each in ("1", "2", "a/1", "b/deep/1"):
        (tmp_path / each).touch()
    assert why_not_all_ours(tmp_path) == ""
    (tmp_path / "b/deep/2").symlink_to(tmp_path / "1")
    assert why_not_all_ours(tmp_path) == f"{tmp_path / 'b/deep/2'} is a link"
    for place, target in {"3": "1", "0": "1", "d": "a", "c": "a"}.items():  # each is found before those above it
        (tmp_path / place).symlink_to(tmp_path / target)
        assert why_not_all_ours(tmp_path) == f"{tmp_path / place} is a link"
    assert why_not_ours(tmp_path / "none") == f"{tmp_path / 'none'} cannot be opened: No such file or directory"
    assert why_not_ours(tmp_path / "a") == f"{tmp_path / 'a'} is no plain file"
    assert mounted_type(Path("/a"), "too few\nlab / ext4 rw\nlab /a") == ("/", "ext4")


def test_a_page_that_neither_database_nor_log_holds_is_named(path):
    filled(path).close()
    database = path.read_bytes()
    pages = len(database) // PAGE
    assert _image_of(database, {pages + 2: bytes(PAGE)}, pages + 2)[1] == f"page {pages + 1} of the database is missing"
    assert "does not name its" in _image_of(database, {pages + 1: bytes(PAGE)}, pages + 1)[1]


REMOTE = (
    "9p acfs afp afs beegfs ceph cifs coda davfs gfs gfs2 glusterfs gpfs lustre ncpfs nfs nfs4 ocfs2 orangefs smb3 "
    "smbfs virtiofs"
)
"""File systems on another machine: remote by coreutils (stat.c) and gnulib (mountlist.c), or of a cluster."""
ON_THE_MACHINE = "ext2 ext3 ext4 xfs btrfs f2fs jfs reiserfs zfs vfat exfat ntfs ntfs3 hfsplus apfs"


@pytest.mark.parametrize(("kinds", "remote"), [(REMOTE, True), (ON_THE_MACHINE, False)])
def test_what_lies_on_another_machine_is_no_place_for_a_record(tmp_path, kinds, remote):
    for kind in kinds.split():
        mounts = f"{LOCAL}lab:/data {tmp_path.resolve()} {kind} rw 0 0\n"
        assert bool(why_unfit(tmp_path, needed_bytes=0, mounts=mounts)) is remote, kind


@pytest.mark.fault("D8")
def test_what_is_not_told_of_mounts_is_read_from_the_table_of_the_machine_if_it_has_one(tmp_path, monkeypatch):
    for table, kind in (("none", ""), ("mounts", "nfs4")):
        monkeypatch.setattr(storage, "MOUNTS", tmp_path / table)
        (tmp_path / "mounts").write_text(f"{LOCAL}lab:/data {tmp_path.resolve()} nfs4 rw 0 0\n")
        assert kind in (why := why_unfit(tmp_path, needed_bytes=0, mounts=None))
        assert bool(why) is bool(kind)


@pytest.mark.fault("D8")
def test_the_mount_that_counts_is_the_nearest_and_the_last():
    table = "d / ext4 rw\nh:/ /data nfs rw\nd /data/local ext4 rw\nh:/ /data/local/a\\040b nfs rw\nd /data xfs rw\n"
    places = ["/x", "/data/x", "/database/x", "/data/local/x", "/data/local/a b/x"]
    assert [mounted_type(Path(place), table)[1] for place in places] == ["ext4", "xfs", "ext4", "ext4", "nfs"]


@pytest.mark.fault("D12", "X25")
def test_a_disk_with_too_little_room_is_refused_before_anything_is_made(path):
    assert why_unfit(path.parent, needed_bytes=1000, mounts=LOCAL, free=lambda _: 1000) == ""
    assert "999 bytes free, 1000 are needed" in why_unfit(
        path.parent, needed_bytes=1000, mounts=LOCAL, free=lambda _: 999
    )
    with pytest.raises(JournalError, match="are needed"):
        Journal.create(path, {}, needed_bytes=1 << 80)
    assert os.listdir(path.parent) == []


@pytest.mark.fault("D10")
def test_a_second_writer_is_refused_in_this_process_and_in_another(path):
    with closing(filled(path)):
        with pytest.raises(JournalError, match="is being written by another process"):
            Journal.open(path)
        program = f"from crossbar_hil.guard.journal import Journal\nJournal.open({str(path)!r})"
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
        assert "is being written by another process" in done.stderr
    Journal.open(path).close()


@pytest.mark.fault("D9")
def test_a_database_that_something_else_has_locked_is_refused_and_kept(path):
    filled(path).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(JournalError, match="locked"):
            Journal.open(path, connect=factory(sqlite3.Connection))
    assert len(read_journal(path)) == 4


@pytest.mark.parametrize(
    ("pragma", "answer"), [("synchronous", 1), ("journal_mode", "memory"), ("locking_mode", "normal")]
)
def test_a_database_that_does_not_do_as_told_is_refused(path, pragma, answer):
    class Deaf(sqlite3.Connection):
        def execute(self, sql, *values):
            if sql == f"PRAGMA {pragma}":
                return super().execute("SELECT ?", (answer,))
            return super().execute(sql, *values)

    with pytest.raises(JournalError, match=f"SQLite has {pragma} at {answer!r}, not at"):
        Journal.create(path, {}, connect=factory(Deaf))
    assert os.listdir(path.parent) == []
    filled(path).close()
    with pytest.raises(JournalError, match=f"SQLite has {pragma} at {answer!r}, not at"):
        Journal.open(path, connect=factory(Deaf))


def test_a_journal_that_is_not_there_is_not_called_damaged(path):
    with pytest.raises(JournalError, match="there is none") as refusal:
        Journal.open(path)
    assert not isinstance(refusal.value, JournalDamaged)


# --- disks that fail


@pytest.mark.fault("D1", "D3", "D4", "V2")
@pytest.mark.parametrize("failing", range(2, 7))
@pytest.mark.parametrize(
    ("why", "told"),
    [
        ("disk I/O error", "disk I/O error"),
        ("database or disk is full", "the disk is full: make room on it"),
        ("attempt to write a readonly database", "readonly database"),
    ],
)
def test_after_the_first_commit_that_fails_nothing_is_written_any_more(path, failing, why, told):
    class Failing(sqlite3.Connection):
        commits = 0

        def commit(self):
            self.commits += 1
            if self.commits == failing:
                raise sqlite3.OperationalError(why)
            super().commit()

    journal = Journal.create(path, {"run": "r"}, connect=factory(Failing))
    for number in range(failing - 2):
        journal.append("intent", {"seq": number})
        journal.commit()
    journal.append("intent", {"seq": 99})
    for act in (journal.commit, journal.commit, lambda: journal.append("note", {})):
        with pytest.raises(JournalError, match=told):
            act()
    journal.close()
    assert [entry.body.get("seq") for entry in read_journal(path)[1:]] == list(range(failing - 2))
    with closing(Journal.open(path)) as again:
        assert again.append("note", {}) == failing


def test_a_journal_whose_last_of_it_is_not_sure_to_be_on_disk_does_not_close_well(path, monkeypatch):
    journal = filled(path)

    def fail():
        raise OSError("disk I/O error")

    monkeypatch.setattr(journal, "_carry_over", fail)
    with pytest.raises(JournalError, match="the last of it is not sure to be on disk: disk I/O error"):
        journal.close()
    journal.close()  # again does nothing
    for act in (lambda: journal._database.execute("SELECT 1"), lambda: os.fstat(journal._head)):
        with pytest.raises((sqlite3.ProgrammingError, OSError)):
            act()


def test_one_thread_at_a_time_writes(path):
    """Each step of an entry, a commit and an end is seen by another thread that tries to begin one of its own."""
    free = []

    def begin():
        free.append(journal._lock.acquire(blocking=False))
        if free[-1]:
            journal._lock.release()

    def look(*_):
        thread = threading.Thread(target=begin)
        thread.start()
        thread.join()

    journal = filled(path)
    journal._now, journal._monotonic = lambda: look() or datetime.now(UTC), lambda: look() or 0.0
    journal._write_head = look
    journal.append("note", {})
    journal.commit()
    journal.close()
    assert free == [False] * 4  # two clocks, the commit, carrying over at the end


@pytest.mark.fault("D1", "D2")
def test_a_full_disk_refuses_the_entry_and_keeps_all_before(path):
    class Small(sqlite3.Connection):
        def execute(self, sql, *values):
            if sql.startswith("BEGIN"):
                super().execute("PRAGMA max_page_count = 12")
            return super().execute(sql, *values)

    journal = Journal.create(path, {}, connect=factory(Small))
    kept = 1
    with pytest.raises(JournalError, match="full"):  # noqa: PT012 - how many fit is SQLite's affair
        while True:
            journal.append("note", {"text": "x" * 3000})
            journal.commit()
            kept += 1
    assert kept > 3
    journal.close()
    assert len(read_journal(path)) == kept


@pytest.mark.fault("D3")
def test_a_log_that_cannot_be_carried_over_stops_the_journal_and_loses_nothing(path):
    class Failing(sqlite3.Connection):
        broken = False

        def execute(self, sql, *values):
            if self.broken and "wal_checkpoint" in sql:
                raise sqlite3.OperationalError("disk I/O error")
            return super().execute(sql, *values)

    class Short(Journal):
        LOG_COMMITS = 3

    made = []

    def connect(path):
        made.append(factory(Failing)(path))
        return made[-1]

    journal = Short.create(path, {}, connect=connect)
    made[0].broken = True
    for _ in range(2):
        journal.append("note", {})
        journal.commit()
    journal.append("note", {})
    with pytest.raises(JournalError, match="disk I/O error"):
        journal.commit()
    with pytest.raises(JournalError, match="not trusted any more"):
        journal.append("note", {})
    assert len(read_journal(path)) == 4
    journal.close()
    assert len(read_journal(path)) == 4


@posix
@pytest.mark.fault("O10", "D4")
@pytest.mark.parametrize("name", ["journal.sqlite", "journal.sqlite-wal", "journal.head"])
def test_a_file_that_was_deleted_or_replaced_is_noticed_by_the_next_commit(path, name):
    journal = filled(path)
    content = (path.parent / name).read_bytes()
    (path.parent / name).rename(path.parent / "moved")
    (path.parent / name).write_bytes(content)
    journal.append("intent", INTENT)
    with pytest.raises(JournalError, match=f"{name} was replaced"):
        journal.commit()
    journal.close()


@posix
@pytest.mark.fault("O10")
def test_a_run_folder_that_was_deleted_is_named(tmp_path):
    path = tmp_path / "run" / "journal.sqlite"
    path.parent.mkdir()
    journal = filled(path)
    shutil.rmtree(path.parent)
    journal.append("intent", INTENT)
    with pytest.raises(JournalError, match=r"journal\.sqlite"):
        journal.commit()
    journal.close()


def test_an_interruption_inside_a_commit_goes_on_and_the_journal_is_not_used_any_more(path):
    class Interrupted(sqlite3.Connection):
        commits = 0

        def commit(self):
            super().commit()
            self.commits += 1
            if self.commits == 2:
                raise KeyboardInterrupt

    journal = Journal.create(path, {}, connect=factory(Interrupted))
    journal.append("intent", INTENT)
    with pytest.raises(KeyboardInterrupt):
        journal.commit()
    with pytest.raises(JournalError, match="not trusted any more"):
        journal.append("note", {})
    journal.close()
    assert [entry.kind for entry in read_journal(path)] == ["start", "intent"]


# --- the death


WRITER = """
import sys
from pathlib import Path
from crossbar_hil.guard.journal import Journal
journal = Journal.create(Path(sys.argv[1]), {"run": "r"})
while True:
    number = journal.append("intent", {"text": "x" * 300})
    journal.commit()
    print(number, flush=True)
"""


@posix
@pytest.mark.fault("V12", "H2")
def test_after_a_kill_every_acknowledged_entry_is_there(path):
    with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True) as child:
        for _ in range(40):
            acknowledged = int(child.stdout.readline())
        child.send_signal(signal.SIGKILL)
        acknowledged = max([acknowledged, *(int(line) for line in child.stdout if line.endswith("\n"))])
    names = sorted(os.listdir(path.parent))
    assert len(read_journal(path)) >= acknowledged
    assert sorted(os.listdir(path.parent)) == names, "reading must leave nothing behind"
    with closing(Journal.open(path)) as journal:
        assert len(journal.entries) >= acknowledged
        assert journal.append("note", {}) == len(journal.entries) + 1
    assert sorted(os.listdir(path.parent)) == ["journal.head", "journal.sqlite"]


def test_a_journal_can_be_read_at_any_moment_of_its_being_written(path):
    class Short(Journal):
        LOG_COMMITS = 5

    acknowledged, looked = [1], threading.Event()
    journal = Short.create(path, {})

    def write():
        for number in range(120):
            if number == 60:
                looked.wait()
            acknowledged.append(journal.append("intent", {"text": "x" * 900}))
            journal.commit()
            acknowledged[0] = acknowledged[-1]

    writer = threading.Thread(target=write)
    writer.start()
    while writer.is_alive():
        known = acknowledged[0]
        assert len(read_journal(path)) >= known
        looked.set()
    writer.join()
    journal.close()
    assert len(read_journal(path)) == 121


# --- the damage


@pytest.mark.fault("D6", "X24")
@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("UPDATE entry SET body = replace(body, '1.1', '1.2') WHERE number = 3", "entry 3 ('intent') does not match"),
        ("UPDATE entry SET kind = 'outcome' WHERE number = 3", "entry 3 ('outcome') does not match its hash"),
        ("UPDATE entry SET monotonic_s = monotonic_s + 1 WHERE number = 2", "entry 2 ('intent') does not match"),
        ("UPDATE entry SET body = CAST(body AS BLOB) WHERE number = 2", "entry 2 holds values of the wrong type"),
        ("DELETE FROM entry WHERE number = 2", "entry 2 is missing, entry 3 stands in its place"),
        ("DELETE FROM entry WHERE number = 1", "entry 1 is missing, entry 2 stands in its place"),
        ("DELETE FROM entry WHERE number = 4", "journal.head names entry 4, the database ends at entry 3"),
        ("DELETE FROM entry", "entry 1 is missing: the journal is empty"),
        ("CREATE TABLE more (a)", "the tables of the database are not those of a journal"),
        ("CREATE TRIGGER t AFTER INSERT ON entry BEGIN SELECT 1; END", "are not those of a journal"),
        ("PRAGMA user_version = 2", "the header of the database is damaged at byte 60"),
    ],
)
def test_an_edited_journal_is_refused_and_the_place_is_named(path, sql, said):
    filled(path).close()
    with closing(sqlite3.connect(path)) as plain, plain:
        plain.execute(sql)
    assert said in "; ".join(verify_journal(path).problems)
    for act in (Journal.open, read_journal):
        with pytest.raises(JournalDamaged) as refusal:
            act(path)
        assert said in str(refusal.value)


@pytest.mark.fault("D6")
def test_what_sqlite_itself_finds_damaged_is_refused_although_every_row_can_be_read(path):
    filled(path).close()
    content = bytearray(path.read_bytes())
    content[4096 + 7] = 50  # fragmented free bytes in the page of the table (file format, section 1.6)
    path.write_bytes(content)
    assert "the database is damaged: " in verify_journal(path).problems[0]
    assert verify_journal(path).entries == 0


@pytest.mark.fault("X24")
def test_a_journal_rewritten_with_fitting_hashes_is_not_the_one_that_its_head_names(tmp_path):
    for name, volts in (("true", 1.1), ("false", 1.2)):
        (tmp_path / name).mkdir()
        with closing(Journal.create(tmp_path / name / "journal.sqlite", {})) as journal:
            journal.append("intent", {"amplitude_v": volts})
    shutil.copy(tmp_path / "true" / "journal.head", tmp_path / "false" / "journal.head")
    assert verify_journal(tmp_path / "false" / "journal.sqlite").problems == (
        "entry 2 is not the one that journal.head names",
    )


@pytest.mark.fault("D5", "D6")
@pytest.mark.parametrize("content", [None, b"", b"000000000004 ", b"garbage\n", b"\0" * 78], ids=str)
def test_a_head_that_is_missing_or_torn_is_named_and_nothing_is_guessed(path, content):
    filled(path).close()
    head = path.with_name("journal.head")
    head.unlink() if content is None else head.write_bytes(content)
    (problem,) = verify_journal(path).problems
    assert problem.startswith(f"journal.head is {'missing' if content is None else 'not one line'}")
    assert verify_journal(path).entries == 4
    with pytest.raises(JournalDamaged, match=r"journal\.head is"):
        Journal.open(path)


@pytest.mark.fault("D5", "V12")
def test_a_head_older_than_the_database_is_what_a_power_cut_leaves(path):
    journal = filled(path, 1)
    old = path.with_name("journal.head").read_bytes()
    journal.append("note", {})
    journal.close()
    path.with_name("journal.head").write_bytes(old)
    with closing(Journal.open(path)) as journal:
        assert len(journal.entries) == 3


@pytest.mark.fault("D6")
def test_a_rollback_log_beside_a_journal_is_refused(path):
    filled(path).close()
    path.with_name("journal.sqlite-journal").write_bytes(b"")
    with pytest.raises(JournalDamaged, match=r"journal\.sqlite-journal does not belong here"):
        Journal.open(path)


@pytest.mark.fault("D5")
def test_a_log_without_its_database_is_refused_and_kept(tmp_path):
    whole = damage.sample(tmp_path)
    entries, verdict = damage.examine_content(b"", whole.log, whole.head)
    assert not entries
    assert verdict.problems
    damage.opened_like_examined(whole, tmp_path / "x", b"", whole.log, whole.head)


@pytest.mark.fault("D5")
def test_a_transaction_that_was_never_finished_is_left_out_and_said(tmp_path):
    whole = damage.sample(tmp_path)
    half = whole.log[: whole.durable[-1][0] - 100]
    entries, verdict = damage.examine_content(whole.database, half, whole.old_head)
    assert [entry.body for entry in entries] == whole.bodies[:-1]
    assert verdict.notes == ("the log ends in a transaction that was never finished; it is left out",)
    damage.opened_like_examined(whole, tmp_path / "x", whole.database, half, whole.old_head)


@pytest.mark.fault("D6", "D5")
def test_a_damaged_frame_with_a_commit_behind_it_is_named_even_if_no_head_knows_of_it(tmp_path):
    whole = damage.sample(tmp_path)
    for at, said in ((100, "at or before frame 1, which was committed"), (40, "frame 1 of the log is damaged")):
        log = bytearray(whole.log)
        log[at] ^= 4
        _, verdict = damage.examine_content(whole.database, bytes(log), whole.old_head)
        assert said in verdict.problems[0]


@pytest.mark.fault("H13")
@pytest.mark.fault("D5", "V12")
def test_cut_at_any_byte_a_journal_opens_at_its_last_durable_entry_or_is_refused(tmp_path):
    (tmp_path / "killed").mkdir()
    (tmp_path / "rest").mkdir()
    killed = damage.sample(tmp_path / "killed", carried=1, logged=2)
    rest = damage.sample(tmp_path / "rest", at_rest=True)
    at_some = partial(damage.cuts, window=2 * 4120, step=31)  # two frames; at every byte in the campaign
    assert at_some(killed, "log", killed.old_head).keys() == {"older"}
    assert at_some(killed, "log", killed.head).keys() == {"refused"}
    assert at_some(killed, "head", killed.head, step=1) == {"refused": 78}
    assert at_some(rest, "database", rest.head).keys() == {"refused"}
    for length in range(0, len(killed.log), 3001):
        for head in (killed.head, killed.old_head):
            damage.opened_like_examined(killed, tmp_path / "x", killed.database, killed.log[:length], head)


@pytest.mark.fault("D6", "X24", "V12")
def test_with_any_bit_flipped_a_journal_is_whole_or_refused(tmp_path):
    (tmp_path / "killed").mkdir()
    (tmp_path / "rest").mkdir()
    rng = random.Random(7)
    killed = damage.sample(tmp_path / "killed", carried=1, logged=2)
    rest = damage.sample(tmp_path / "rest", at_rest=True)
    assert "older" not in damage.flips(killed, "log", killed.head, 60, rng)
    damage.flips(killed, "log", killed.old_head, 60, rng)
    assert damage.flips(killed, "head", killed.head, 60, rng) == {"refused": 60}
    assert damage.flips(rest, "database", rest.head, 90, rng)["refused"] > 0
    for _ in range(6):
        log = bytearray(killed.log)
        log[rng.randrange(len(log))] ^= 16
        for head in (killed.head, killed.old_head):
            damage.opened_like_examined(killed, tmp_path / "x", killed.database, bytes(log), head)


def linked(*contents):
    """Return rows with fitting hashes of entries (number, kind, body text)."""
    rows, chain = [], "0" * 64
    for number, kind, body in contents:
        text = "\n".join([chain, str(number), kind, "utc", "0.5", body])
        chain = hashlib.sha256(text.encode()).hexdigest()
        rows.append((number, kind, "utc", 0.5, body, chain))
    return rows


@pytest.mark.fault("D6", "X24")
@pytest.mark.parametrize(
    ("contents", "problem", "good"),
    [
        ([(1, "start", "{}"), (2, "note", "{}")], "", 2),
        ([(1, "note", "{}")], "entry 1 is of kind 'note', not 'start'", 0),
        ([(1, "start", "{}"), (2, "note", "{")], "entry 2 holds no JSON", 1),
        ([(1, "start", "{}"), (2, "note", "[" * 99999)], "entry 2 holds no JSON", 1),
        ([(1, "start", "[]")], "entry 1 holds no JSON object", 0),
        ([(2, "start", "{}")], "entry 1 is missing, entry 2 stands in its place", 0),
        ([], "entry 1 is missing: the journal is empty", 0),
    ],
    ids=str,
)
def test_fitting_hashes_do_not_make_nonsense_into_an_entry(contents, problem, good):
    entries, _, found = verify_rows(linked(*contents))
    assert (len(entries), found) == (good, problem)


@pytest.mark.fault("D5", "D6")
def test_a_log_that_was_only_begun_is_empty_and_one_with_a_damaged_header_is_damage(tmp_path):
    whole = damage.sample(tmp_path)
    for log in (whole.log[:31], whole.log[:31] + bytes([whole.log[31] ^ 0x99])):  # what stands there differs each time
        entries, verdict = damage.examine_content(whole.database, log, whole.old_head)
        assert [entry.body for entry in entries] == whole.bodies[:7]
        assert not verdict.problems
        assert "nothing was in it yet" in verdict.notes[0]
    assert damage.examine_content(whole.database, whole.log[:32], whole.old_head)[1].notes == ()  # begun, and empty
    _, verdict = damage.examine_content(whole.database, b"\x99" + whole.log[1:], whole.old_head)
    assert verdict.problems == ("the header of the log is damaged, so that what the log holds would be lost",)


@pytest.mark.fault("D5")
def test_a_database_that_lacks_a_page_or_has_one_too_many_is_refused(tmp_path):
    whole = damage.sample(tmp_path, at_rest=True, carried=60)
    more = whole.database + bytes(4096)
    assert "does not name its" in damage.examine_content(more, b"", whole.head)[1].problems[0]
    assert "does not name its" in damage.examine_content(whole.database[:-4096], b"", whole.head)[1].problems[0]


@pytest.mark.fault("D9")
def test_a_log_that_is_in_use_stops_the_journal(path):
    class Busy(sqlite3.Connection):
        def execute(self, sql, *values):
            return super().execute("SELECT 1, 9, 0" if "wal_checkpoint" in sql else sql, *values)

    with pytest.raises(JournalError, match="it is in use"):
        Journal.create(path, {}, connect=factory(Busy))
    assert os.listdir(path.parent) == []


@posix
@pytest.mark.fault("X9")
@pytest.mark.parametrize("name", ["journal.sqlite", "journal.head", "journal.sqlite-wal"])
def test_a_planted_pipe_is_refused_and_nobody_waits_for_it(path, name):
    filled(path).close()
    (path.parent / name).unlink(missing_ok=True)
    os.mkfifo(path.parent / name)
    assert f"{name} cannot be read: it is no plain file" in verify_journal(path).problems[0]
    with pytest.raises(JournalError, match=f"{name} is no plain file"):
        Journal.open(path)


@posix
@pytest.mark.fault("X9")
def test_another_users_file_is_not_opened_for_writing(path, monkeypatch):
    filled(path).close()
    mine = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: mine + 1)
    with pytest.raises(JournalError, match=f"belongs to user {mine}, not to user {mine + 1}"):
        Journal.open(path)


def test_a_file_is_replaced_whole_although_a_crash_left_half_of_another(tmp_path):
    file = tmp_path / "report.txt"
    for text in ("first", "second"):
        (tmp_path / ".report.txt.new").write_text("half")
        replace_file(file, text)
        assert [each.name for each in tmp_path.iterdir()] == ["report.txt"]
        assert file.read_text() == text


def test_a_bench_was_left_safe_if_a_whole_journal_says_so_last(path):
    assert left_safe(path)  # nothing was ever done
    journal = Journal.create(path, {"run": "r"})
    assert left_safe(path)
    for kind, body, safe in [
        ("pulses", {"op": 1}, False),
        ("safe", {"confirmed": True}, True),
        ("read", {"op": 2}, False),
        ("safe", {"confirmed": False}, False),
        ("safe", {"confirmed": True}, True),
    ]:
        journal.append(kind, body)
        journal.commit()
        assert left_safe(path) is safe, kind
    journal.close()
    path.with_name("journal.head").write_text("nonsense")
    assert not left_safe(path)
