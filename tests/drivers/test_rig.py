"""The rig by itself: in which order what is asked of the instruments, and which readings are believed."""

import math
from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from crossbar_hil.drivers.rig import Rig
from crossbar_hil.drivers.schemes.wiring import Wiring
from crossbar_hil.errors import ComplianceError, DeadlineError, InstrumentError, OverrangeError
from crossbar_hil.instrument import PulseMemory, Reading, SourceMeter, SourceSettings

LIMIT_A, RANGE_A, READ_A = 1e-3, 1e-4, 1e-5
READ, PULSE = ("drive", "ground", "meter", "ground"), ("ground", "drive", "ground", "meter")
GOOD = Reading(1e-6, False)


class Fake:
    """A source or a matrix that notes what it is asked, in one list for all, and answers as told."""

    # in as many exchanges as a source needs that is alone in its box
    measure_at, changes_beside = SourceMeter.measure_at, SourceMeter.changes_beside

    def __init__(self, notes, name, **answers):
        self.notes, self.name, self.answers, self.operations = notes, name, answers, 0

    def __getattr__(self, what):
        if what.startswith("__"):
            raise AttributeError(what)

        def ask(*words, **more):
            self.notes.append((self.name, what, *words, *more.values()))
            answer = self.answers.get(what)
            if isinstance(answer, BaseException):
                raise answer
            return answer

        return ask

    def crosspoint(self, slot, port, line):
        return f"{slot}{port}{line}"

    def hurried(self, share):
        self.notes.append((self.name, "hurried", share))
        return nullcontext()


@pytest.fixture
def rig():
    """A rig of two sources and a matrix on 2 x 2 cells, and what its instruments were asked."""

    def make(verify=True, discharge_s=0.0):
        notes = []
        usual = {"output_is_on": False, "changes": [], "measure": GOOD, "measure_beside": (GOOD, [False])}
        sources = {
            "drive": Fake(notes, "smu.a", **usual),
            "meter": Fake(notes, "smu.b", **usual),
        }
        wiring = Wiring(1, {"drive": "A", "meter": "B", "ground": "C"}, (1, 2), (3, 4))
        relays = Fake(notes, "matrix", connected=frozenset(), changes=[])
        settings = SourceSettings(range_v=2.0, compliance_a=LIMIT_A, range_a=RANGE_A, nplc=3.0, read_range_a=READ_A)
        made = Rig(
            sources,
            dict.fromkeys(sources, settings),
            relays,
            wiring.on(relays),
            meters=("meter",),
            verify_relays=verify,
            may_open=False,
            discharge_s=discharge_s,
        )
        return SimpleNamespace(it=made, notes=notes, settings=settings, matrix=relays, sources=sources)

    return make


def closed(of, assignment):
    return sorted(of.it.wired.crosspoints(assignment))


def armed(of):
    of.it._enabled = of.it._prepared = True
    of.it._volts = dict.fromkeys(of.sources, 0.0)
    of.it._ranges = {"drive": RANGE_A, "meter": READ_A}
    of.notes.clear()
    return of


def test_every_source_is_set_up_with_all_relays_open_and_both_are_asked_before_it_counts(rig):
    of = rig(discharge_s=0.01)
    of.it.prepare()
    names = ("smu.a", "smu.b")
    begun = of.notes.index(("smu.a", "prepare", of.settings))
    assert ("matrix", "disconnect_all") in of.notes[:begun]  # all was made safe first
    assert of.notes[begun:] == [
        *[(name, "prepare", of.settings) for name in names],
        ("matrix", "wait", 0.01),
        ("matrix", "prepare"),
        *[(name, "output_is_on") for name in names],
        ("matrix", "connected"),
    ]
    of.notes.clear()
    of.it.arm()
    assert of.notes == [(name, "enable") for name in names]
    of.notes.clear()
    of.it.arm()  # now nothing may have changed
    assert of.notes == [*[(name, "changes", False) for name in names], ("matrix", "changes", ())]


@pytest.mark.parametrize(
    ("who", "answers", "said"),
    [
        ("drive", {"output_is_on": True}, "smu.a is on"),
        ("meter", {"output_is_on": True}, "smu.b is on"),
        ("matrix", {"connected": frozenset({"1A1"})}, "matrix matrix has 1A1 closed"),
    ],
)
def test_what_is_on_or_closed_after_the_bench_was_prepared_is_named_and_it_does_not_count(rig, who, answers, said):
    of = rig()
    (of.matrix if who == "matrix" else of.sources[who]).answers.update(answers)
    with pytest.raises(InstrumentError, match=f"after the bench was prepared {said}"):
        of.it.prepare()
    assert not of.it._prepared


@pytest.mark.parametrize("who", ["drive", "meter", "matrix"])
def test_what_somebody_else_has_changed_is_named_before_anything_is_done(rig, who):
    of = armed(rig())
    (of.matrix if who == "matrix" else of.sources[who]).answers["changes"] = [f"{who} is other"]
    with pytest.raises(InstrumentError, match=f"somebody else changed the bench: {who} is other"):
        of.it.arm()
    if who != "matrix":  # which is read back anyway
        with pytest.raises(InstrumentError, match=f"{who} is other"):
            of.it.connect(PULSE, pulsing=True)
    assert all(each[1] == "changes" for each in of.notes)


def test_a_range_changes_between_moves_with_its_port_on_no_line_and_what_was_closed_is_asked(rig):
    of = armed(rig(discharge_s=0.01))
    of.matrix.answers["connected"] = frozenset(closed(of, READ))
    of.it.connect(READ)
    assert of.notes == [("matrix", "connect", closed(of, READ)), ("matrix", "connected")]
    of.it.apply({"drive": 0.1})
    of.notes.clear()
    of.it.connect(READ)  # there already: nothing moves, and it was seen
    assert of.notes == [("smu.a", "set_voltage", 0.0)]
    of.notes.clear()
    between = ("ground", "drive", "ground", "ground")
    answers = [frozenset(closed(of, each)) for each in (between, PULSE)]
    of.matrix.connected = lambda: of.notes.append(("matrix", "connected")) or answers.pop(0)
    of.it.connect(PULSE, pulsing=True)
    assert of.notes == [
        *[(name, "changes", True) for name in ("smu.a", "smu.b")],
        ("smu.a", "wait", 0.01, 3.0),  # a source was at a voltage since the lines were last discharged
        ("matrix", "connect", closed(of, between)),
        ("matrix", "connected"),
        ("smu.b", "set_range", RANGE_A),
        ("matrix", "connect", closed(of, PULSE)),
        ("matrix", "connected"),
    ]


def test_a_state_that_is_not_found_is_not_known(rig):
    of = armed(rig())
    with pytest.raises(InstrumentError, match="matrix matrix has no crosspoint closed instead of"):
        of.it.connect(READ)
    assert of.it.state is None
    of = armed(rig(verify=False))
    of.it.connect(READ)
    assert (of.it.state, of.notes) == (READ, [("matrix", "connect", closed(of, READ))])


def test_a_source_is_told_its_voltage_once_and_again_where_it_may_not_have_taken_it(rig):
    of = armed(rig())
    of.it.apply({"drive": 0.1})
    of.it.apply({"drive": 0.1})
    assert of.notes == [("smu.a", "set_voltage", 0.1)]
    of.sources["drive"].answers["set_voltage"] = DeadlineError("mute")
    with pytest.raises(DeadlineError):
        of.it.rest()
    del of.sources["drive"].answers["set_voltage"]
    of.notes.clear()
    of.it.apply({"drive": 0.1})
    assert of.notes == [("smu.a", "set_voltage", 0.1)]


@pytest.mark.parametrize(
    ("reading", "error"),
    [
        (Reading(READ_A * 0.999, False), None),
        (Reading(-READ_A * 0.999, False), None),
        (Reading(READ_A, False), OverrangeError),
        (Reading(-READ_A, False), OverrangeError),
        (Reading(1e-9, True), ComplianceError),
        (Reading(2 * LIMIT_A, True), ComplianceError),
        (Reading(2.001 * LIMIT_A, True), InstrumentError),
        (Reading(-2.001 * LIMIT_A, False), InstrumentError),
        (Reading(math.nan, False), InstrumentError),
        (Reading(math.inf, False), InstrumentError),
    ],
)
def test_a_current_is_believed_within_its_range_and_below_twice_its_limit(rig, reading, error):
    of = armed(rig())
    of.it._check("drive", Reading(RANGE_A * 0.999, False))  # each has the range that it is set up for
    of.sources["meter"].answers.update(measure=reading, measure_beside=(reading, [False]))
    for asked in ({"meter": 0.1}, {"drive": 0.1, "meter": 0.0}):
        if error is None:
            assert of.it.measure(asked) == reading.current_a
            continue
        with pytest.raises(error) as caught:
            of.it.measure(asked)
        assert type(caught.value) is error
        assert "smu.b on " in str(caught.value)


def test_a_source_beside_the_meter_that_is_at_its_limit_is_named(rig):
    of = armed(rig())
    of.sources["meter"].answers["measure_beside"] = GOOD, [True]
    with pytest.raises(ComplianceError, match=r"smu\.a on .* reached its current limit of 0\.001 A \(or"):
        of.it.measure({"drive": 0.1, "meter": 0.0})
    assert of.notes == [("smu.a", "set_voltage", 0.1), ("smu.b", "measure_beside", [of.sources["drive"]])]


@pytest.mark.parametrize(
    ("answer", "seen"),
    [
        (Reading(1e-6, False), Reading(1e-6, False)),
        (Reading(2 * LIMIT_A, True), Reading(2 * LIMIT_A, True)),
        (Reading(-2.001 * LIMIT_A, False), Reading(math.inf, True)),
        (Reading(math.nan, False), Reading(math.inf, True)),
        (InstrumentError("9.9e37"), Reading(math.inf, True)),
    ],
)
def test_a_look_shows_what_every_source_says_and_calls_limited_what_is_no_current(rig, answer, seen):
    of = armed(rig())
    of.it.apply({"meter": 0.1})
    of.notes.clear()
    of.sources["drive"].answers["measure"] = answer
    assert of.it.look({"drive": 0.1}) == {"drive": seen, "meter": GOOD}
    assert of.notes[:2] == [("smu.a", "set_voltage", 0.1), ("smu.b", "set_voltage", 0.0)]
    of.sources["drive"].answers["measure"] = DeadlineError("mute")
    with pytest.raises(DeadlineError):
        of.it.look({"drive": 0.1})


def test_pulses_have_their_number_before_they_leave_and_a_reading_each(rig):
    of, back = armed(rig()), Reading(-GOOD.current_a, False)
    of.sources["drive"].answers.update(
        pulse_together=[(GOOD, back)] * 3, pulse=[GOOD] * 2, pulse_memory=PulseMemory(3, 2)
    )
    found = of.it.pulse({"drive": 1.0, "meter": -1.0}, 0.05, 3, "run", 7)
    assert found == [{"drive": GOOD, "meter": back}] * 3
    assert of.notes == [
        ("smu.a", "number_next", "run", 7),
        ("smu.a", "pulse_together", 1.0, of.sources["meter"], -1.0, 0.05, 3),
    ]
    of.notes.clear()
    assert of.it.pulse({"drive": 2.0}, 0.05, 2) == [{"drive": GOOD}] * 2
    assert of.notes == [("smu.a", "pulse", 2.0, 0.05, 2)]
    with pytest.raises(InstrumentError, match=r"smu\.a answered with 2 readings for 3 pulses"):
        of.it.pulse({"drive": 2.0}, 0.05, 3)
    of.sources["drive"].answers["pulse"] = [GOOD, Reading(RANGE_A, False)]
    with pytest.raises(OverrangeError, match=r"smu\.a on "):
        of.it.pulse({"drive": 2.0}, 0.05, 2)
    of.sources["drive"].answers["pulse"] = DeadlineError("mute")
    with pytest.raises(DeadlineError):
        of.it.pulse({"drive": 2.0}, 0.05, 2)
    assert "drive" not in of.it._volts  # it is told 0 V again
    of.notes.clear()
    assert of.it.pulse_memory_in_a_hurry("drive", "run") == PulseMemory(3, 2)
    assert of.notes == [("smu.a", "hurried", 0.5), ("smu.a", "pulse_memory", "run")]


@pytest.mark.parametrize("off", ["drive", "meter"])
def test_an_output_that_went_off_meanwhile_is_named(rig, off):
    of = armed(rig())
    for port, source in of.sources.items():
        source.answers["output_is_on"] = port != off
    with pytest.raises(InstrumentError, match=rf"the output of {of.sources[off].name} is off"):
        of.it.confirm()
    of.sources[off].answers["output_is_on"] = True
    of.it.confirm()


def test_after_all_is_made_safe_nothing_is_known(rig):
    of = armed(rig())
    of.it.state, of.it._verified, of.it._charged = READ, {READ}, True
    of.it.make_safe()
    assert of.it.state is None
    assert (of.it._volts, of.it._ranges, of.it._verified) == ({}, {}, set())
    assert [of.it._prepared, of.it._enabled, of.it._charged] == [False] * 3
