from types import SimpleNamespace

import pytest

from crossbar_hil.errors import ConfigError, InstrumentError, Stopped, Unconfirmed
from crossbar_hil.instrument import Identity
from crossbar_hil.instruments import manual
from crossbar_hil.instruments.manual import ManualSwitchMatrix


class Person:
    def __init__(self, *answers):
        self.answers = list(answers)
        self.seen = []

    def ask(self, text):
        self.seen.append(text)
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer


def by(person):
    return ManualSwitchMatrix("panel", ask=person.ask, tell=person.seen.append)


def test_the_person_is_told_exactly_what_to_move():
    person = Person("", "y", "Done ")
    matrix = by(person)
    matrix.prepare()
    matrix.connect(["B-5", "A-1"])
    matrix.connect(["B-5", "C-2"])
    assert person.seen[0] == "panel: take every connection off, so that no port touches a line."
    assert person.seen[2] == "panel:\n  connect  A - 1\n  connect  B - 5"
    assert person.seen[4] == "panel:\n  take off A - 1\n  connect  C - 2"
    assert matrix.connected() == {"B-5", "C-2"}
    assert matrix.operations == 4


def test_port_and_line_are_named_as_the_bench_file_and_the_chip_call_them():
    person = Person("", "")
    matrix = by(person)
    matrix.explain({"a": "drive", "2": "meter"}, {(1, 5): "row 2 of the chip", (3, 12): "column 1 of the chip"})
    matrix.connect(["A-5", "3:2-12", "C-9"])
    assert person.seen[2].splitlines()[1:] == [
        "  connect  3:2 (meter) - 12 (column 1 of the chip)",
        "  connect  A (drive) - 5 (row 2 of the chip)",
        "  connect  C - 9",
    ]


def test_what_is_connected_already_is_not_asked_for():
    person = Person("", "")
    matrix = by(person)
    matrix.connect(["A-1"])
    matrix.connect(["A-1"])
    assert person.answers == []


def test_the_first_connection_begins_with_everything_off():
    person = Person("", "")
    by(person).connect(["A-1"])
    assert "every connection off" in person.seen[0]


@pytest.mark.parametrize("answer", ["n", "no", "wait", "q"])
def test_without_a_confirmation_the_state_is_unknown(answer):
    person = Person("", answer, "", "")
    matrix = by(person)
    matrix.prepare()
    with pytest.raises(InstrumentError, match=f"panel: '{answer}' is no confirmation"):
        matrix.connect(["A-1"])
    with pytest.raises(InstrumentError, match="what is connected is not known"):
        matrix.connected()
    matrix.connect(["A-1"])
    assert matrix.connected() == {"A-1"}
    assert "every connection off" in person.seen[4]


def test_opening_everything_tells_and_never_asks():
    person = Person("", "")
    matrix = by(person)
    matrix.connect(["A-1"])
    matrix.disconnect_all()
    assert person.seen[-1] == "panel: take every connection off now."
    assert matrix.operations == 2


def test_what_was_confirmed_to_be_off_is_not_asked_for_again():
    person = Person("")
    matrix = by(person)
    matrix.prepare()
    told = len(person.seen)
    matrix.disconnect_all()
    assert matrix.connected() == frozenset()
    assert len(person.seen) == told


def test_after_opening_everything_the_person_is_asked_whether_it_is_done():
    person = Person("", "", "y")
    matrix = by(person)
    matrix.connect(["A-1"])
    matrix.disconnect_all()
    assert matrix.connected() == frozenset()
    assert person.seen[-2] == "panel: every connection must be off."


def test_whoever_does_not_confirm_that_everything_is_off_leaves_it_unknown():
    matrix = by(Person("", "", "no"))
    matrix.connect(["A-1"])
    matrix.disconnect_all()
    with pytest.raises(InstrumentError, match="'no' is no confirmation"):
        matrix.connected()
    with pytest.raises(InstrumentError, match="nobody has confirmed it"):
        matrix.connected()


@pytest.mark.parametrize("gone", [Stopped("stopped: Ctrl-C was pressed"), EOFError(), KeyboardInterrupt()])
def test_where_nobody_answers_whether_everything_is_off_that_is_said_and_nobody_is_asked_again(gone):
    person = Person("", "", gone)
    matrix = by(person)
    matrix.connect(["A-1"])
    told = []
    for _ in range(2):
        matrix.disconnect_all()
        with pytest.raises(Unconfirmed, match=r"^panel: nobody has confirmed that every connection is off$"):
            matrix.connected()
        told.append(len(person.seen))
    assert told[0] == told[1]
    person.answers = ["", "n", ""]  # somebody is there again, for another connection
    with pytest.raises(
        Unconfirmed, match=r"'n' is no confirmation \(connect A - 1\), so what is connected is not known"
    ):
        matrix.connect(["A-1"])
    matrix.disconnect_all()
    assert matrix.connected() == frozenset()


def test_an_answer_that_confirms_nothing_is_told_with_what_was_asked_for():
    person = Person("", "", "wait", "n")
    matrix = by(person)
    matrix.explain({"A": "drive", "B": "meter"}, {(1, 5): "row 2 of the chip", (1, 6): "column 1 of the chip"})
    matrix.connect(["A-5"])
    words = r"'wait' is no confirmation \(take off A \(drive\) - 5 \(row 2 of the chip\), and 1 more\), so what is conn"
    with pytest.raises(Unconfirmed, match=words):
        matrix.connect(["B-6"])
    with pytest.raises(Unconfirmed, match=r"'n' is no confirmation \(every connection off\), so what is connected is"):
        matrix.prepare()


def test_an_emulated_panel_is_told_what_a_person_does_and_let_go_of_at_the_end():
    heard, said = [], ["no", "done"]
    panel = SimpleNamespace(write=heard.append, read=lambda: said.pop(0), close=lambda: heard.append("closed"))
    matrix = ManualSwitchMatrix("panel", ask=lambda text: "y", tell=lambda text: None, panel=panel)
    matrix.prepare()
    matrix.close()
    assert heard == ["ANSWERS?", "CONNECT ", "closed"]


def test_an_interrupt_while_asking_leaves_the_state_unknown():
    def interrupted(text):
        raise KeyboardInterrupt

    matrix = ManualSwitchMatrix("panel", ask=interrupted, tell=lambda text: None)
    with pytest.raises(KeyboardInterrupt):
        matrix.prepare()
    with pytest.raises(InstrumentError):
        matrix.connected()


def test_a_crosspoint_is_port_and_line():
    matrix = by(Person())
    assert matrix.crosspoint(1, "a", 5) == "A-5"
    assert matrix.crosspoint(2, "3", 12) == "2:3-12"


@pytest.mark.parametrize(("slot", "port", "line"), [(0, "A", 1), (1, "A", 0), (1, "drive", 1)])
def test_a_crosspoint_that_cannot_be_is_refused(slot, port, line):
    with pytest.raises(ConfigError):
        by(Person()).crosspoint(slot, port, line)


def test_connections_are_listed_by_the_numbers_of_their_lines():
    person = Person("", "")
    by(person).connect(["A-12", "A-2", "B-1"])
    assert person.seen[2] == "panel:\n  connect  A - 2\n  connect  A - 12\n  connect  B - 1"


def test_an_emulated_panel_has_the_name_of_its_instrument_by_which_a_recording_is_found(monkeypatch):
    opened = []
    panel = SimpleNamespace(write=lambda _: None, read=lambda: "yes", close=lambda: None)
    monkeypatch.setattr(manual, "BenchAdapter", lambda *_, **keys: opened.append(keys["name"]) or panel)
    ManualSwitchMatrix.open("TCPIP::127.0.0.1::1::SOCKET", name="panel", ask=input, tell=print)
    assert opened == ["panel"]


def test_without_anybody_to_ask_it_is_not_opened():
    with pytest.raises(ConfigError, match="panel is moved by hand"):
        ManualSwitchMatrix.open("", name="panel")


def test_it_is_opened_with_somebody_to_ask():
    person = Person("")
    matrix = ManualSwitchMatrix.open("", name="panel", ask=person.ask, tell=person.seen.append)
    matrix.prepare()
    assert matrix.connected() == frozenset()
    assert matrix.identify() == Identity("crossbar-hil", "MANUAL", "0", "0")
    assert matrix.settle_s == 0
    matrix.close()
