"""Sessions that are recorded by --record-visa, and the recorded ones played to the drivers again."""

import json
import os
import tomllib
from pathlib import Path

import pytest

from crossbar_hil.errors import DataError, DeadlineError, TransportError
from crossbar_hil.instruments.transport.adapter import BenchAdapter
from crossbar_hil.instruments.transport.link import Chunk, Link
from crossbar_hil.instruments.transport.recorded import RecordedLink, claim
from crossbar_hil.testing import _lay_out, replay
from crossbar_hil.visa_record import REPLAY, Recorder, begin, blank, read_recording

RECORDINGS = sorted((Path(__file__).parent / "recorded").glob("*.jsonl"))


class Instrument(Link):
    """Answers what it is asked from a list; a failure in the list is raised."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.sent = []

    def write(self, content, until):
        self.sent.append(content)

    def read(self, until):
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def unread(self):
        return b""

    def close(self):
        pass


@pytest.fixture
def recording(tmp_path):
    """Record a session by hand: an identity in two pieces, a reading, a wait that was too long."""
    path = tmp_path / "day.jsonl"
    recorder = begin(path, ["read", "lab.toml"], "0.1.0")
    answers = (
        Chunk(b"KEITHLEY,MODEL 2400,04", ended=False),
        Chunk(b"0711,C30\n", ended=False),
        Chunk(b"+1.5E-06\n", ended=False),
        DeadlineError("no answer from 040711"),
    )
    link = RecordedLink("smu", "USB0::0x05E6::0x2400::040711::INSTR", recorder, lambda: Instrument(*answers))
    link.write(b"*IDN?\n", 0.0)
    assert link.read(0.0).content + link.read(0.0).content == b"KEITHLEY,MODEL 2400,040711,C30\n"
    link.write(b'print("tok-0123456789ab")\n', 0.0)
    link.read(0.0)
    link.write(b":READ?\n", 0.0)
    with pytest.raises(DeadlineError):
        link.read(0.0)
    link.close()
    recorder.add(code=1)
    return path


def test_a_recording_holds_every_event_and_no_serial_number(recording):
    text = recording.read_text()
    assert "040711" not in text
    told = read_recording(recording)
    assert (told.command, told.code) == (["read", "lab.toml"], 1)
    (session,) = told.sessions
    assert session.instrument == "smu"
    assert [next(key for key in ("write", "read", "fail") if key in each) for each in session.events] == [
        *("write", "read", "write", "read", "write", "fail")
    ]
    assert session.events[1]["read"] == "KEITHLEY,MODEL 2400,000000,C30\n"
    times = [each["t"] for each in session.events]
    assert times == sorted(times)


@pytest.mark.parametrize(
    ("asked", "answer", "told"),
    [
        (b"*IDN?\n", b"KEITHLEY,MODEL 2400,040711,C30\n", True),
        (b'"*IDN?";:SYST:ERR?\n', b'"KEITHLEY,MODEL 2400,040711,C30"\n', True),
        (b"SYST:CTYP? 1\n", b"AGILENT,34931A,040711,1.2\n", True),
        (b"print(localnode.serialno)\n", b"040711\n", True),
        (b":READ?\n", b"1,2,040711\n", False),
        (b"*IDN?\n", b"KEITHLEY,040711\n", False),  # which of two fields it is nobody can say
    ],
)
def test_a_serial_number_is_learnt_wherever_one_is_asked_for_and_blanked_from_then_on(tmp_path, asked, answer, told):
    answers = Chunk(answer, ended=False), Chunk(b"2,040711\n", ended=False)
    recorder = begin(tmp_path / "day.jsonl", [], "0.1.0")
    link = RecordedLink("smu", "GPIB0::26::INSTR", recorder, lambda: Instrument(*answers))
    for each in (asked, b":READ?\n"):
        link.write(each, 0.0)
        assert link.read(0.0).content in {answer, b"2,040711\n"}
    assert ("040711" in (tmp_path / "day.jsonl").read_text()) is not told


def test_what_came_unasked_what_is_left_of_a_reply_and_what_was_not_sent_whole_are_recorded(tmp_path):
    inside = Instrument(Chunk(b"1.5", ended=False))
    inside.unread, inside.finish, inside.torn = lambda: b"TSP>\n", lambda until: until > 1, True
    link = RecordedLink("smu", "GPIB0::26::INSTR", begin(tmp_path / "day.jsonl", [], "0.1.0"), lambda: inside)
    assert link.torn
    assert link.unread() == b"TSP>\n"
    inside.unread = lambda: b""
    assert link.unread() == b""
    assert link.finish(2.0)
    assert not link.finish(0.5)
    assert link.read(0.0).content == b"1.5"
    link.close()
    (session,) = read_recording(tmp_path / "day.jsonl").sessions
    assert [{key: each[key] for key in each if key not in {"t", "session"}} for each in session.events] == [
        {"unread": "TSP>\n"},
        {"unfinished": True},
        {"read": "1.5", "ended": False},
    ]


@pytest.mark.parametrize("unfinished", [True, False])
def test_a_session_that_is_played_took_all_or_not_as_it_did_then(tmp_path, unfinished):
    inside = Instrument(Chunk(b"1.5\n", ended=False))
    inside.finish = lambda until: not unfinished
    link = RecordedLink("smu", "GPIB0::26::INSTR", begin(tmp_path / "day.jsonl", [], "0.1.0"), lambda: inside)
    link.write(b":READ?\n", 0.0)
    assert link.finish(1.0) is not unfinished
    link.read(0.0)
    link.close()
    (tmp_path / "claims").mkdir()
    played = claim("smu", tmp_path / "day.jsonl", tmp_path / "claims")
    played.write(b":READ?\n", 0.0)
    assert played.finish(1.0) is not unfinished
    assert played.finish(1.0)  # once, as then
    assert played.read(0.0).content == b"1.5\n"
    assert played.finish(1.0)
    played.close()


def test_what_could_not_be_sent_is_recorded_before_it_fails(tmp_path):
    inside = Instrument()
    link = RecordedLink("smu", "GPIB0::26::INSTR", begin(tmp_path / "day.jsonl", [], "0.1.0"), lambda: inside)

    def full(content, until):
        raise DeadlineError("no room")

    inside.write = full
    with pytest.raises(DeadlineError):
        link.write(b"OUTP OFF\n", 0.0)
    (session,) = read_recording(tmp_path / "day.jsonl").sessions
    sent, failed = session.events
    assert (sent["write"], failed["fail"], failed["in"], failed["text"]) == (
        "OUTP OFF\n",
        "DeadlineError",
        "write",
        "no room",
    )


@pytest.mark.parametrize("how", ["gone", "a link", "full"])
def test_a_recording_that_cannot_be_written_keeps_nothing_from_an_instrument(tmp_path, capsys, monkeypatch, how):
    path = tmp_path / "day.jsonl"
    inside = Instrument(Chunk(b"0\n", ended=False))
    link = RecordedLink("smu", "GPIB0::26::INSTR", begin(path, [], "0.1.0"), lambda: inside)
    if how == "full":
        monkeypatch.setattr(os, "write", lambda handle, content: len(content) - 1)
    else:
        path.rename(tmp_path / "elsewhere")
    if how == "a link":
        path.symlink_to(tmp_path / "elsewhere")
    before = (tmp_path / "elsewhere").read_text() if how != "full" else ""
    link.write(b"OUTP OFF\n", 0.0)
    assert link.read(0.0).content == b"0\n"
    assert inside.sent == [b"OUTP OFF\n"]
    assert capsys.readouterr().err.count(f"{path}, of VISA exchanges, ends in the middle") == 1
    assert how == "full" or (tmp_path / "elsewhere").read_text() == before
    if how == "full":
        with pytest.raises(DataError, match="cannot be written: the disk is full"):
            begin(tmp_path / "other", [], "0.1.0")


def test_who_waits_impatiently_for_a_recorded_session_is_asked_by_the_session_itself(tmp_path):
    inside = Instrument()
    link = RecordedLink("smu", "GPIB0::26::INSTR", begin(tmp_path / "day.jsonl", [], "0.1.0"), lambda: inside)
    link.sooner = min
    assert inside.sooner is link.sooner is min


def test_a_serial_number_that_is_asked_for_alone_is_blanked_from_then_on(tmp_path):
    path = tmp_path / "day.jsonl"
    box = Instrument(Chunk(b"4101123\n", ended=False), Chunk(b"box 4101123\n", ended=False))
    link = RecordedLink("smu", "GPIB0::26::INSTR", begin(path, [], "0.1.0"), lambda: box)
    for question in (b"print(localnode.serialno)\n", b"print(x)\n"):
        link.write(question, 0.0)
        link.read(0.0)
    link.close()
    assert "4101123" not in path.read_text()


def test_what_came_of_an_answer_that_never_ended_is_recorded_too(tmp_path):
    path = tmp_path / "day.jsonl"
    half = Instrument(Chunk(b"+1.5", ended=False))
    link = RecordedLink("smu", "GPIB0::26::INSTR", begin(path, [], "0.1.0"), lambda: half)
    link.write(b":READ?\n", 0.0)
    link.read(0.0)
    link.close()
    (session,) = read_recording(path).sessions
    assert [(each["read"], each["ended"]) for each in session.events if "read" in each] == [("+1.5", False)]


def played(recording, tmp_path):
    (tmp_path / "claims").mkdir(exist_ok=True)
    return claim("smu", recording, tmp_path / "claims")


def test_a_played_session_answers_as_the_instrument_did(recording, tmp_path, monkeypatch):
    monkeypatch.setenv(REPLAY, f"{recording}{os.pathsep}{tmp_path}")
    adapter = BenchAdapter("GPIB0::16::INSTR", name="smu")  # nothing is opened there
    adapter.write("*IDN?")
    assert adapter.read() == "KEITHLEY,MODEL 2400,000000,C30"
    adapter.write('print("tok-ba9876543210")')  # what is drawn anew each time may differ
    assert adapter.read() == "+1.5E-06"
    adapter.write(":READ?")
    with pytest.raises(DeadlineError, match="no answer"):
        adapter.read()
    left = (tmp_path / "smu.1").read_text()  # also of a guard that is killed now, as `commission` does
    adapter.close()
    assert left == (tmp_path / "smu.1").read_text()
    assert "0 of 6 events were not played" in (tmp_path / "smu.1").read_text()
    with pytest.raises(TransportError, match=r"holds 1 session\(s\) with smu, and no further one"):
        BenchAdapter("GPIB0::16::INSTR", name="smu")


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (b"*RST\n", r"session 1 with smu, event 1: then '\*IDN\?\\n' was sent, now '\*RST\\n'"),
        (None, r"event 0: then write '\*IDN\?\\n', now read 'a reply is waited for'"),
    ],
)
def test_another_message_or_another_order_is_named(recording, tmp_path, sent, told):
    link = played(recording, tmp_path)
    with pytest.raises(TransportError, match=told):
        link.read(0.0) if sent is None else link.write(sent, 0.0)
    link.close()
    assert "0 of 6" not in (tmp_path / "claims" / "smu.1").read_text()


def test_the_name_of_a_run_in_an_answer_is_that_of_this_run(tmp_path):
    path = tmp_path / "day.jsonl"
    recorder = begin(path, [], "0.1.0")
    answer = Chunk(b"0123456789abcdef\t3\t3\n", ended=False)
    link = RecordedLink("smu", "GPIB0::26::INSTR", recorder, lambda: Instrument(answer))
    link.write(b'send("0123456789abcdef", 3)\n', 0.0)
    link.read(0.0)
    again = played(path, tmp_path)
    again.write(b'send("fedcba9876543210", 3)\n', 0.0)
    assert again.read(0.0).content == b"fedcba9876543210\t3\t3\n"


def test_files_that_a_command_names_are_kept_without_serial_numbers(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mine.csv").write_text("1e-6\n")
    Path("lab.toml").write_text('serial = "4711"\nresource = "USB0::1::2::4711::INSTR"\n[chip]\ncurve = "mine.csv"\n')
    Path("other.toml").write_text(
        """instruments.a = {'serial' = '4711', resource = "TCPIP::K-2602B-0471147.local::5025::SOCKET"}\n"""
        """[instruments.b]\nidentity = "Box, 1,MY4711,4711"\nresource = "TCPIP::192.168.47.11::5025::SOCKET"\n"""
    )
    begin(tmp_path / "day.jsonl", ["train", "--bench", "lab.toml", "--start=map.json", "other.toml"], "0.1.0")
    kept = read_recording(tmp_path / "day.jsonl").files
    assert set(kept) == {"lab.toml", "mine.csv", "other.toml"}
    assert kept["other.toml"] == (
        """instruments.a = {'serial' = '0000', resource = "TCPIP::K-2602B-0000000.local::5025::SOCKET"}\n"""
        """[instruments.b]\nidentity = "Box, 1,000000,4711"\nresource = "TCPIP::192.168.47.11::5025::SOCKET"\n"""
    )
    assert "4711" not in kept["lab.toml"]
    assert 'serial = "0000"' in kept["lab.toml"]
    assert blank("usb0::0x1::0x2::AB12::instr") == "usb0::0x1::0x2::0000::instr"


def test_files_of_other_folders_are_found_beside_the_bench_file_when_played(tmp_path, monkeypatch):
    (tmp_path / "lab" / "curves").mkdir(parents=True)
    (tmp_path / "played").mkdir()
    monkeypatch.chdir(tmp_path)
    Path("mine.csv").write_text("1e-6\n")
    Path("lab/curves/mine.csv").write_text("2e-6\n")
    Path("lab/p.toml").write_text("""chip.curve = "curves/mine.csv"\nchip.start = '../mine.csv'\n""")
    begin(tmp_path / "day.jsonl", ["train", "--bench=lab/p.toml"], "0.1.0")
    words = _lay_out(read_recording(tmp_path / "day.jsonl"), tmp_path / "played")
    assert words == ["train", f"--bench={tmp_path / 'played' / 'p.toml'}"]
    told = tomllib.loads((tmp_path / "played" / "p.toml").read_text())["chip"]
    assert {key: (tmp_path / "played" / name).read_text() for key, name in told.items()} == {
        "curve": "2e-6\n",
        "start": "1e-6\n",
    }


def test_what_is_no_recording_is_said(tmp_path):
    (tmp_path / "x").write_text(json.dumps({"visa_recording": 7}) + "\n")
    head = {"visa_recording": 1, "command": [], "files": {}}
    for number, lines in enumerate(
        [[{"visa_recording": 1}], [{**head, "files": []}], [head, {"write": ""}], [head, []], [head, 5]]
    ):
        (tmp_path / str(number)).write_text("".join(json.dumps(line) + "\n" for line in lines))
    for name in ("nothing", "x", *"01234"):
        with pytest.raises(DataError, match="recording of VISA exchanges"):
            read_recording(tmp_path / name)
    with pytest.raises(DataError, match="exists; a recording of VISA exchanges is never written over"):
        begin(tmp_path / "x", [], "0.1.0")
    with pytest.raises(DataError, match="cannot be written"):
        begin(tmp_path / "no" / "x", [], "0.1.0")


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_the_shipped_recordings_are_what_the_drivers_do_today(path, tmp_path):
    """Where a driver is meant to send something else, record anew by record_again.py in this folder."""
    told = replay(path, tmp_path)
    runs = list((tmp_path / "runs").iterdir()) if (tmp_path / "runs").exists() else []
    assert len(runs) == ("train" in path.stem)
    assert told.out


def test_every_verb_takes_the_option(cli, tmp_path):
    assert cli("--record-visa").code == 2
    assert cli("runs", "--record-visa", "day.jsonl").code == 0
    assert read_recording(tmp_path / "day.jsonl").command == ["runs"]
    again = cli("runs", "--record-visa=day.jsonl")
    assert again.code == 1
    assert "never written over" in again.err
    assert "--record-visa" in cli("safe", "--help").out


def test_a_command_that_met_no_instrument_leaves_no_recording_unless_it_did_what_it_should(cli, tmp_path):
    for words in (("read", "nowhere.toml"), ("read",), ("check", "emulated", "--voltage")):
        assert cli(*words, "--record-visa", "day.jsonl").code in (1, 2)
        assert not (tmp_path / "day.jsonl").exists()
    began = begin(tmp_path / "x", ["check"], "0.1.0")
    began.add(open="smu", session="1.1")
    began.end(1)
    assert read_recording(tmp_path / "x").code == 1


def test_recorders_of_several_processes_write_whole_lines(tmp_path):
    begin(tmp_path / "x", [], "0.1.0")
    for number in range(3):
        Recorder(tmp_path / "x").add(open="smu", session=f"{number}.1")
    assert [each.instrument for each in read_recording(tmp_path / "x").sessions] == ["smu"] * 3
