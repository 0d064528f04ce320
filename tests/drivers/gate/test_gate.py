import inspect
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from crossbar_hil.backend import Limits, Pulse
from crossbar_hil.drivers.gate.disturb import DisturbLimit
from crossbar_hil.drivers.gate.gate import Gate
from crossbar_hil.drivers.gate.matrix import GatedMatrix, put_behind_gate
from crossbar_hil.drivers.gate.shadow import Shadow
from crossbar_hil.drivers.gate.source import GatedSource
from crossbar_hil.drivers.schemes.read_schemes import read_scheme
from crossbar_hil.drivers.schemes.write_schemes import write_scheme
from crossbar_hil.errors import (
    ComplianceError,
    ConfigError,
    DeadlineError,
    InstrumentError,
    LimitError,
    TransportError,
)
from crossbar_hil.instrument import SourceMeter, SourceSettings, SwitchMatrix
from crossbar_hil.spent import Spent

READ = ("drive", "ground", "drive", "ground", "meter", "ground", "ground", "ground")
CELL = (1, 2)
WRITE = ("ground", "drive", "ground", "ground", "ground", "ground", "meter", "ground")
PAIR = ("drive", "meter", *["ground"] * 6)
GUARDED = ("guard", "ground", "guard", "guard", "guard", "drive", "guard", "guard")
SINGLE = ("drive", "ground", "guard", "divider")
DIVIDED = ("divider", "drive", "divider", "divider", "divider", "divider", "ground", "divider")
DISCHARGE_S = 1e-3
SETTINGS = SourceSettings(range_v=1.5, compliance_a=1e-3, range_a=1e-3, read_range_a=1e-5)


@pytest.fixture
def behind(fakes):
    """A bench of fakes behind a gate: behind(dual=True, **what the gate is given)."""

    def make(*, dual=True, settings=None, pulse_v=3.0, pulses=None, dose_vs=None, disturb_v=None, **given):
        bench = fakes.FakeBench(fakes.drawn_chip(), dual=dual)
        settings = settings or (SETTINGS if dual else replace(SETTINGS, range_v=3.0, guard=True, compliance_a=2e-2))
        ports = bench.wiring.ports
        write = write_scheme("symmetric half-select" if dual else "divider half-select", ports)
        gate = Gate(
            bench.wiring.on(bench.matrix),
            limits=Limits(0.2, pulse_v, 0.1, pulses, dose_vs),
            settings=dict.fromkeys(bench.sources, settings),
            names={port: source.name for port, source in bench.sources.items()},
            read=read_scheme("virtual ground" if dual else "guarded", ports),
            write=DisturbLimit(write, (4, 4), disturb_v),
            **{"discharge_s": DISCHARGE_S, **given},
        )
        sources, matrix = put_behind_gate(gate, bench.sources, bench.matrix)
        return Bench(bench=bench, gate=gate, matrix=matrix, sources=sources, settings=settings, **sources)

    return make


class Bench(SimpleNamespace):
    @property
    def sent(self):
        return list(self.bench.journal)

    def prepare(self):
        for source in self.sources.values():
            source.prepare(self.settings)
        self.matrix.wait(DISCHARGE_S)
        self.matrix.prepare()
        return self

    def arm(self):
        self.prepare()
        for source in self.sources.values():
            source.enable()
        return self

    def at(self, assignment):
        """Armed, with the relays in a state."""
        self.arm()
        self.matrix.connect(self.names(assignment))
        return self

    def names(self, assignment):
        return sorted(self.bench.wiring.on(self.bench.matrix).crosspoints(assignment, may_open=True))

    def pulse(self, volt=2.0, width_s=0.05, count=1):
        return self.drive.pulse_together(volt / 2, self.meter, -volt / 2, width_s, count)


@contextmanager
def refused(bench, words=None):
    """The gate refuses it in one sentence, and no instrument hears of it."""
    before, log = bench.sent, list(bench.bench.world.log.events)
    with pytest.raises(LimitError, match=words) as caught:
        yield caught
    assert bench.sent == before
    assert bench.bench.world.log.events == log
    message = str(caught.value)
    assert "\n" not in message
    assert ". " not in message
    assert not message.endswith(".")
    assert 20 < len(message) < 400


# ---------------------------------------------------------------------- what a careful bench does


@pytest.mark.parametrize("dual", [True, False])
def test_a_careful_bench_passes(behind, dual):
    bench = behind(dual=dual).at(READ if dual else GUARDED)
    bench.drive.set_voltage(-0.1)
    bench.drive.measure()
    bench.drive.set_voltage(0.0)
    bench.drive.wait(DISCHARGE_S)
    bench.matrix.connect(bench.names(WRITE if dual else DIVIDED))
    if dual:
        assert len(bench.pulse(2.0, 0.05, 3)) == 3
    else:
        assert len(bench.drive.pulse(2.0, 0.05, 3)) == 3
    bench.drive.wait(DISCHARGE_S)
    bench.matrix.connect([])
    bench.drive.set_range(1e-5)
    assert bench.bench.chip.levels[CELL] == 3
    assert bench.bench.world.log.of("violation") == []


# ---------------------------------------------------------------------- nobody goes round


@pytest.mark.parametrize(("role", "door"), [(SourceMeter, GatedSource), (SwitchMatrix, GatedMatrix)])
def test_every_method_of_a_role_passes_the_gate(role, door):
    methods = {name for name, _ in inspect.getmembers(role, inspect.isfunction) if not name.startswith("_")}
    assert methods <= set(vars(door))


@pytest.mark.parametrize("dual", [True, False])
def test_the_chip_has_its_instruments_behind_the_gate_alone(fakes, dual):
    backend = fakes.FakeBench(fakes.drawn_chip(), dual=dual).backend()
    assert type(backend._rig.matrix) is GatedMatrix
    assert {type(source) for source in backend._rig.sources.values()} == {GatedSource}
    raw = (fakes.FakeSource, fakes.FakeMatrix)
    for held in (backend, backend._rig, backend.gate):
        for value in vars(held).values():
            inside = value.values() if isinstance(value, dict) else [value]
            assert not any(isinstance(each, raw) for each in inside)


def test_what_a_source_says_of_itself_is_what_its_driver_says(behind):
    bench = behind()
    driver = bench.bench.sources["drive"]
    driver.has_guard, driver.shortest_pulse_s, driver.least_compliance_a = True, 0.125, 5e-8
    door = GatedSource(driver, bench.gate, bench.gate.channels["drive"])
    for name in ("name", "least_compliance_a", "has_guard", "shortest_pulse_s"):
        assert getattr(door, name) == getattr(driver, name)
    assert bench.drive.identify() == driver.identify()
    assert bench.drive.pulses_with(bench.meter)
    assert not bench.drive.pulses_with(bench.bench.sources["meter"])
    told = []
    bench.bench.sources["drive"].check_beside = lambda own, other, theirs: told.append(other)
    bench.drive.check_beside(bench.settings, bench.meter, bench.settings)
    assert told == [bench.bench.sources["meter"]]
    assert bench.matrix.crosspoint(1, "A", 5) == "1A05"
    bench.bench.matrix.explain = lambda ports, lines: told.append((ports, lines))
    bench.matrix.explain({"A": "drive"}, {(1, 1): "row 1"})
    assert told[1:] == [({"A": "drive"}, {(1, 1): "row 1"})]


def test_what_the_gate_agrees_to_reaches_the_driver_as_it_was_asked(behind):
    bench = behind().arm()
    bench.drive.set_range(1e-5)
    bench.drive.recover()
    bench.matrix.recover()
    assert bench.sent[-3:] == [("smu.a", "set_range", 1e-5), ("smu.a", "recover"), ("matrix", "recover")]
    bench.matrix.connect(bench.names(WRITE))
    bench.drive.pulse_together(1.0, bench.meter, -1.0, 0.05)
    assert bench.sent[-1] == ("smu.a", "pulse_together", 1.0, -1.0, 1)
    bench.drive.close()
    bench.matrix.close()
    assert bench.sent[-2:] == [("smu.a", "close"), ("matrix", "close")]
    with pytest.raises(ConfigError, match=r"smu\.a has no range"):
        bench.drive.check(replace(SETTINGS, read_range_a=1.0))
    single = behind(dual=False).at(DIVIDED)
    single.drive.pulse(2.0, 0.05)
    assert single.sent[-1] == ("smu", "pulse", 2.0, 1)


def test_relay_operations_are_those_of_the_driver(behind):
    bench = behind()
    bench.bench.matrix.operations, bench.bench.matrix.settle_s = 7, 0.25
    door = GatedMatrix(bench.bench.matrix, bench.gate, ())
    assert (door.operations, door.settle_s) == (7, 0.25)
    bench = behind().at(READ)
    assert bench.matrix.operations == bench.bench.matrix.operations == 8


# ---------------------------------------------------------------------- relays


@pytest.mark.fault("R5")
@pytest.mark.fault("V8")
def test_relays_move_only_while_every_source_is_at_0_v(behind):
    bench = behind().at(READ)
    bench.drive.set_voltage(0.1)
    for crosspoints in ([], bench.names(WRITE), bench.names(READ)):
        with refused(bench, r"smu\.a is at 0.1 V, relays move at 0 V alone"):
            bench.matrix.connect(crosspoints)
    with refused(bench, r"smu\.a is at 0.1 V"):
        bench.matrix.prepare()


@pytest.mark.fault("R5")
@pytest.mark.fault("V8")
def test_relays_wait_for_the_lines_to_discharge(behind):
    bench = behind().at(READ)
    bench.drive.set_voltage(0.1)
    bench.drive.set_voltage(0.0)
    with refused(bench, r"smu\.a has rested at 0 V for 0 s, relays move 0.001 s after a source was above 0.05 V"):
        bench.matrix.connect([])
    bench.meter.wait(0.6e-3)
    with refused(bench, r"for 0.0006 s"):
        bench.matrix.connect([])
    bench.matrix.wait(0.4e-3)
    bench.matrix.connect([])


@pytest.mark.fault("R5")
def test_a_pulse_charges_the_lines_too(behind):
    bench = behind().at(WRITE)
    bench.pulse()
    with refused(bench, r"smu\.a has rested at 0 V for 0 s"):
        bench.matrix.connect([])


def test_time_that_passed_under_voltage_discharges_nothing(behind):
    bench = behind().at(READ)
    bench.drive.set_voltage(0.1)
    bench.drive.wait(1.0)
    bench.drive.set_voltage(0.0)
    bench.drive.wait(0.0)
    with refused(bench, "for 0 s"):
        bench.matrix.connect([])


@pytest.mark.fault("R5")
def test_time_that_passed_before_a_source_was_set_up_discharges_nothing(behind):
    bench = behind()
    bench.matrix.wait(1.0)
    for source in bench.sources.values():
        source.prepare(bench.settings)
    with refused(bench, "for 0 s, relays move 0.001 s after"):
        bench.matrix.prepare()
    bench.matrix.wait(0.4e-3)
    with refused(bench, "for 0.0004 s"):
        bench.matrix.prepare()
    bench.matrix.wait(0.6e-3)
    bench.matrix.prepare()


def test_below_50_mv_no_line_is_charged(behind):
    bench = behind().at(READ)
    bench.drive.set_voltage(0.05)
    bench.drive.set_voltage(0.0)
    bench.matrix.connect([])


def test_a_bench_without_a_time_to_discharge_waits_for_none(behind):
    bench = behind(discharge_s=0.0).at(WRITE)
    bench.pulse()
    bench.matrix.connect([])


@pytest.mark.fault("R8")
def test_two_rows_on_the_meter_are_not_connected(behind):
    bench = behind().arm()
    with refused(bench, "relays would connect row 1, row 2 to meter"):
        bench.matrix.connect(bench.names(("meter", "meter", *["ground"] * 6)))
    with refused(bench, "relays would join the ports drive and meter on row 1"):
        bench.matrix.connect(["1A01", "1B01"])


@pytest.mark.fault("X14")
@pytest.mark.parametrize("names", [["1A01;OUTP ON"], ["1A13"], "1A01", [True], [b"1A01"], None, 7])
def test_names_that_are_not_those_of_the_wiring_reach_no_matrix(behind, names):
    bench = behind().arm()
    with refused(bench):
        bench.matrix.connect(names)


def test_before_the_relays_were_opened_none_is_closed(behind):
    bench = behind()
    with refused(bench, r"smu\.a is not known to be at 0 V"):
        bench.matrix.connect(bench.names(READ))
    for source in bench.sources.values():
        source.prepare(bench.settings)
    bench.matrix.wait(DISCHARGE_S)
    with refused(bench, "which relays are closed is not known"):
        bench.matrix.connect(bench.names(READ))


def test_other_relays_than_were_told_make_the_shadow_uncertain(behind):
    bench = behind().at(READ)
    bench.bench.matrix._move({"1A01", "1B05"})
    assert bench.matrix.connected() == {"1A01", "1B05"}
    for voltage_v in (0.1, 1e-3):
        with refused(bench, "which relays are closed is not known"):
            bench.drive.set_voltage(voltage_v)
    bench.matrix.disconnect_all()
    with refused(bench, "which relays are closed is not known"):
        bench.matrix.connect(bench.names(READ))
    assert bench.matrix.connected() == frozenset()
    bench.matrix.connect(bench.names(READ))


def test_a_matrix_is_asked_for_states_that_may_be_alone_and_its_answer_counts(behind):
    bench = behind().at(READ)
    with refused(bench, "is none of those between a port and a line"):
        bench.matrix.changes(["1A01;OUTP ON"])
    assert bench.matrix.changes(bench.names(READ)) == []
    bench.drive.set_voltage(0.1)
    bench.drive.set_voltage(0.0)
    assert bench.matrix.changes(bench.names(WRITE)) != []
    with refused(bench, "which relays are closed is not known"):
        bench.drive.set_voltage(0.1)
    bench.bench.matrix._move(frozenset())
    assert bench.matrix.changes([]) == []
    bench.drive.wait(DISCHARGE_S)
    bench.matrix.connect(bench.names(READ))


def test_what_a_source_finds_changed_leaves_it_uncertain(behind):
    bench = behind().at(READ)
    assert bench.drive.changes() == []
    bench.drive.set_voltage(0.1)
    bench.bench.world.set_terminal("smu.a", on=False)
    assert bench.drive.changes() == ["smu.a is off"]
    with refused(bench, r"smu\.a is not known"):
        bench.drive.set_voltage(0.1)


# ---------------------------------------------------------------------- steady voltages


@pytest.mark.fault("C13")
@pytest.mark.fault("V4")
def test_no_steady_voltage_exceeds_the_read_limit_whatever_is_connected(behind):
    bench = behind().at(READ)
    for voltage_v in (0.2001, -0.21, 1.4):
        with refused(bench, r"V on smu\.a exceeds the 0.2 V that may last longer than a pulse"):
            bench.drive.set_voltage(voltage_v)
    with refused(bench, "1.6 V on port drive exceeds its range of 1.5 V"):
        bench.drive.set_voltage(1.6)
    bench.drive.set_voltage(0.2)
    bench.drive.set_voltage(-0.2)


@pytest.mark.fault("V4")
def test_two_sources_together_do_not_put_more_across_a_cell_than_one_may(behind):
    bench = behind().at(READ)
    bench.drive.set_voltage(0.15)
    with refused(bench, r"-0.1 V on smu\.b could put 0.25 V across cell \[0, 0\].*, more than the 0.2 V"):
        bench.meter.set_voltage(-0.1)
    bench.meter.set_voltage(-0.05)
    bench.meter.set_voltage(0.1)


@pytest.mark.fault("V4")
def test_a_guard_and_a_divider_follow_their_source(behind):
    bench = behind(dual=False).at(GUARDED)
    bench.drive.set_voltage(0.2)
    world = bench.bench.world
    assert np.abs(world._cell_volts()).max() == pytest.approx(0.2, rel=1e-3)
    bench.drive.set_voltage(0.0)
    bench.matrix.wait(DISCHARGE_S)
    bench.matrix.connect(bench.names(DIVIDED))
    bench.drive.set_voltage(0.2)
    assert np.abs(world._cell_volts()).max() == pytest.approx(0.2, rel=1e-3)


def test_where_no_cell_is_read_there_is_no_voltage(behind):
    bench = behind().arm()
    for assignment in (["open"] * 8, ["ground"] * 8, ("drive", "drive", *["ground"] * 6)):
        bench.matrix.connect(bench.names(assignment))
        with refused(bench, r"0.1 V on smu\.a finds no cell to be read"):
            bench.drive.set_voltage(0.1)
        bench.drive.set_voltage(0.0)


def test_a_source_sources_nothing_before_it_is_on(behind):
    bench = behind().prepare()
    with refused(bench, r"smu\.a is off, it must be switched on at 0 V before it sources 0.1 V"):
        bench.drive.set_voltage(0.1)
    bench.drive.set_voltage(0.0)


def test_a_source_waits_until_the_other_one_is_known(behind):
    bench = behind().at(READ)
    bench.bench.sources["meter"].broken["set_voltage"] = InstrumentError("no")
    with pytest.raises(InstrumentError):
        bench.meter.set_voltage(0.05)
    with refused(bench, r"smu\.b is not known to be at 0 V"):
        bench.drive.set_voltage(0.1)
    bench.drive.set_voltage(0.0)


NO_NUMBERS = [float("nan"), float("inf"), -float("inf"), True, False, "0.1", None, 0.1 + 0j, [0.1], 10**400]


@pytest.mark.fault("F4")
@pytest.mark.parametrize("value", NO_NUMBERS, ids=lambda value: repr(value)[:12])
def test_what_is_no_finite_number_reaches_no_instrument(behind, value):
    bench = behind().at(WRITE)
    with refused(bench):
        bench.drive.set_voltage(value)
    with refused(bench):
        bench.drive.pulse_together(value, bench.meter, -1.0, 0.05)
    with refused(bench):
        bench.drive.pulse_together(1.0, bench.meter, value, 0.05)
    with refused(bench):
        bench.drive.pulse_together(1.0, bench.meter, -1.0, value)
    with refused(bench):
        bench.drive.pulse_together(1.0, bench.meter, -1.0, 0.05, value)
    with refused(bench):
        bench.drive.pulse(value, 0.05)
    with refused(bench):
        bench.drive.set_range(value)
    with refused(bench):
        bench.drive.wait(value)
    with refused(bench):
        bench.matrix.wait(value)
    with refused(bench):
        bench.drive.number_next("run", value)


def test_numbers_of_numpy_are_numbers_and_arrive_as_plain_ones(behind):
    bench = behind().at(READ)
    bench.drive.set_voltage(np.float32(0.125))
    assert type(bench.sent[-1][2]) is float
    bench.drive.set_voltage(np.int64(0))
    bench.drive.wait(DISCHARGE_S)
    bench.matrix.connect(bench.names(WRITE))
    bench.drive.pulse_together(np.float64(1.0), bench.meter, np.float64(-1.0), np.float64(0.05), np.int64(2))
    assert [type(each) for each in bench.sent[-1][2:]] == [float, float, int]


# ---------------------------------------------------------------------- pulses


@pytest.mark.fault("F7")
@pytest.mark.fault("V18")
@pytest.mark.parametrize(
    ("pulse", "words"),
    [
        ({"volt": 3.1}, "1.55 V on port drive exceeds its range of 1.5 V"),
        ({"width_s": 0.1001}, "pulse width 0.1001 s is not above 0 and up to the limit of 0.1 s"),
        ({"width_s": 0.0}, "pulse width 0 s is not above 0"),
        ({"width_s": -0.05}, "pulse width -0.05 s is not above 0"),
        ({"count": 0}, "0 pulses are not 1 to 1000"),
        ({"count": 1001}, "1001 pulses are not 1 to 1000"),
        ({"volt": 0.0}, r"puts 0 V across cell \[1, 2\] \(row 2, column 3\), which is not above 0"),
    ],
)
def test_a_pulse_beyond_a_limit_is_refused(behind, pulse, words):
    bench = behind().at(WRITE)
    with refused(bench, words):
        bench.pulse(**pulse)


def test_a_pulse_beyond_the_limit_is_refused_though_the_sources_could(behind):
    bench = behind(pulse_v=1.9).at(WRITE)
    with refused(bench, r"puts 2 V across cell \[1, 2\].*, which is not above 0 and up to the limit of 1.9 V"):
        bench.pulse(2.0)
    bench.pulse(-1.9)


def test_a_pulse_at_every_limit_passes(behind):
    bench, seen = behind(pulse_v=2.0, pulses=1000, dose_vs=200.0).at(WRITE), []
    bench.bench.sources["drive"].pulse_together = lambda *details: seen.append(details)
    bench.pulse(2.0, 0.1, 1000)
    assert seen == [(1.0, bench.bench.sources["meter"], -1.0, 0.1, 1000)]


@pytest.mark.fault("V9")
@pytest.mark.parametrize("assignment", [READ, PAIR, ["open"] * 8, ["ground"] * 8])
def test_a_pulse_finds_exactly_one_cell_selected_or_is_refused(behind, assignment):
    bench = behind().at(assignment)
    with refused(bench, "finds no cell selected, the relays must select exactly one"):
        bench.pulse()


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        (2.0, 0.0, "2 V on port drive exceeds its range of 1.5 V"),
        (1.5, -0.5, "is none of write scheme symmetric half-select"),
        (1.2, 1.0, r"is none of write scheme .*, which has 0.1 V on drive and -0.1 V on meter"),
        (-1.0, -1.0, r"puts 0 V across cell"),
    ],
)
def test_pulses_that_the_write_scheme_does_not_have_are_refused(behind, first, second, words):
    bench = behind().at(WRITE)
    with refused(bench, words):
        bench.drive.pulse_together(first, bench.meter, second, 0.05)


def test_one_source_alone_sends_no_symmetric_pulse(behind):
    bench = behind().at(WRITE)
    with refused(bench, "1 V on smu.a is none of write scheme symmetric half-select"):
        bench.drive.pulse(1.0, 0.05)
    with refused(bench, "is none of write scheme"):
        bench.meter.pulse(-1.0, 0.05)


def test_what_an_unselected_cell_may_see_is_worked_out_from_the_relays(behind):
    class Wrong(type(write_scheme("symmetric half-select", ()))):
        """Divides a pulse badly, and says so nowhere."""

        def source_volts(self, amplitude_v):
            return {"drive": amplitude_v * 0.75, "meter": -amplitude_v * 0.25}

        def port_volts(self, amplitude_v):
            return {"drive": amplitude_v / 2, "meter": -amplitude_v / 2, "ground": 0.0}

    bench = behind()
    bench.gate._write.scheme = Wrong(())
    bench.at(WRITE)
    with refused(bench, r"puts 1.5 V across cell \[1, 0\].* besides cell \[1, 2\].*, more than the 1.1 V"):
        bench.drive.pulse_together(1.5, bench.meter, -0.5, 0.05)


def test_a_cell_must_bear_the_pulse_of_each_source_alone_since_no_two_begin_at_once(fakes):
    class Leaning(type(write_scheme("divider half-select", SINGLE))):
        """The idle lines follow the one source, and the other source leans on the same side."""

        def _needed_ports(self, ports):
            return "drive", "meter", "divider"

        def source_volts(self, amplitude_v):
            return {"drive": 4 * amplitude_v, "meter": 3 * amplitude_v}

        def port_volts(self, amplitude_v):
            return {**self.source_volts(amplitude_v), "divider": 2 * amplitude_v}

        def assignment(self, cell, shape):
            lines = ["divider"] * sum(shape)
            lines[cell[0]], lines[shape[0] + cell[1]] = "drive", "meter"
            return tuple(lines)

    bench = fakes.FakeBench(fakes.drawn_chip())
    ports = {**bench.wiring.ports, "divider": "D"}
    wired = replace(bench.wiring, ports=ports).on(bench.matrix)
    settings = replace(SETTINGS, range_v=3.0)
    gate = Gate(
        wired,
        limits=Limits(0.2, 3.0, 0.1),
        settings={"drive": settings, "meter": settings},
        names={"drive": "smu.a", "meter": "smu.b"},
        read=read_scheme("virtual ground", ports),
        write=DisturbLimit(Leaning(ports), (4, 4), 1.0),
    )
    sources, matrix = put_behind_gate(gate, bench.sources, bench.matrix)
    for source in sources.values():
        source.prepare(settings)
    matrix.prepare()
    for source in sources.values():
        source.enable()
    matrix.connect(wired.crosspoints(Leaning(ports).assignment(CELL, (4, 4))))
    # Together 2 V and 1.5 V leave 0.5 V to the mates of the column; 1.5 V alone are 1.5 V.
    with pytest.raises(
        LimitError, match=r"puts 1.5 V across cell \[0, 2\].* besides cell \[1, 2\].*, more than the 1 V"
    ):
        sources["drive"].pulse_together(2.0, sources["meter"], 1.5, 0.05)
    assert bench.sources["drive"].times("pulse_together") == 0


def test_a_disturb_limit_in_volts_holds(behind):
    bench = behind(disturb_v=0.9).at(WRITE)
    with refused(bench, r"puts 1 V across cell \[1, 0\].* besides cell \[1, 2\].*, more than the 0.9 V"):
        bench.pulse(2.0)
    bench.pulse(1.8)


def test_a_pulse_begins_with_every_source_on_and_at_0_v(behind):
    bench = behind().at(WRITE)
    bench.drive.set_voltage(0.1)
    with refused(bench, r"smu\.a is at 0.1 V, it must be at 0 V before a pulse"):
        bench.pulse()
    bench = behind().prepare()
    bench.matrix.connect(bench.names(WRITE))
    bench.drive.enable()
    with refused(bench, r"smu\.b is off, it must be on for a pulse"):
        bench.pulse()


def test_sources_pulse_together_only_behind_the_same_gate(behind):
    bench, another = behind().at(WRITE), behind().at(WRITE)
    for other in (bench.bench.sources["meter"], another.meter, bench.drive, None, "smu.b"):
        with refused(bench, r"smu\.a works together with another source of its bench alone"):
            bench.drive.pulse_together(1.0, other, -1.0, 0.05)


def test_a_bench_without_a_write_scheme_sends_no_pulse(fakes):
    bench = fakes.FakeBench(fakes.drawn_chip())
    backend = bench.backend(read_scheme="virtual ground", write_scheme=None, continuity_only=True)
    backend.read_conductances(0.1)
    before = len(bench.journal)
    drive, meter = (backend._rig.sources[port] for port in ("drive", "meter"))
    with pytest.raises(LimitError, match="finds no cell selected"):
        drive.pulse_together(1.0, meter, -1.0, 0.05)
    assert len(bench.journal) == before


# ---------------------------------------------------------------------- budgets


@pytest.mark.fault("C11")
@pytest.mark.fault("V5")
def test_a_cell_gets_no_more_pulses_than_its_budget(behind):
    bench = behind(pulses=5).at(WRITE)
    bench.pulse(count=3)
    with refused(bench, r"cell \[1, 2\].* has had 3 pulses, so 3 more would exceed its limit of 5 pulses"):
        bench.pulse(count=3)
    bench.pulse(count=2)
    with refused(bench, "has had 5 pulses, so 1 more"):
        bench.pulse()
    assert bench.bench.chip.levels[CELL] == 5


@pytest.mark.fault("C11")
@pytest.mark.fault("V5")
def test_a_cell_gets_no_more_dose_than_its_budget(behind):
    # 2 V for 50 ms are 0.1 V s; ten of them are as much as one, whatever the rounding of the sum.
    bench = behind(dose_vs=1.0).at(WRITE)
    for _ in range(10):
        bench.pulse()
    with refused(bench, r"cell \[1, 2\].* has had a dose of 1 V s, so 0.05 V s more would exceed its limit of 1 V s"):
        bench.pulse(1.0)


@pytest.mark.fault("C11")
def test_what_a_cell_had_in_earlier_runs_counts(behind):
    had = np.zeros((4, 4), dtype=int)
    had[CELL] = 99
    bench = behind(pulses=100, spent=Spent((4, 4), had)).at(WRITE)
    bench.pulse()
    with refused(bench, "has had 100 pulses"):
        bench.pulse()
    bench.drive.wait(DISCHARGE_S)
    another = ("drive", "ground", "ground", "ground", "ground", "ground", "meter", "ground")
    bench.matrix.connect(bench.names(another))
    bench.pulse(count=100)


def test_half_selected_cells_are_not_charged(behind):
    bench = behind(pulses=5).at(WRITE)
    bench.pulse(count=4)
    assert bench.gate.spent.pulses.sum() == 4
    assert bench.gate.spent.dose_vs.sum() == pytest.approx(0.4)


@pytest.mark.parametrize("error", [DeadlineError("late"), KeyboardInterrupt(), InstrumentError("no"), ValueError("x")])
def test_pulses_that_failed_count_as_sent(behind, error):
    bench = behind(pulses=5).at(WRITE)
    bench.bench.sources["drive"].broken["pulse_together"] = error
    with pytest.raises(type(error)):
        bench.pulse(count=4)
    assert bench.gate.spent.pulses[CELL] == 4


@pytest.mark.parametrize("error", [LimitError("too short"), ConfigError("another box")])
def test_pulses_that_a_driver_refused_do_not_count(behind, error):
    bench = behind(pulses=5).at(WRITE)
    bench.bench.sources["drive"].broken["pulse_together"] = error
    with pytest.raises(type(error)):
        bench.pulse(count=4)
    assert bench.gate.spent.pulses.sum() == 0
    assert bench.gate.spent.dose_vs.sum() == 0


# ---------------------------------------------------------------------- the front door


def counts_of(**cells):
    counts = np.zeros((4, 4), dtype=int)
    for name, count in cells.items():
        counts[int(name[1]), int(name[2])] = count
    return counts


@pytest.mark.fault("C11")
@pytest.mark.fault("V18")
@pytest.mark.parametrize("limits", [Limits(0.2, 3.0, 0.1, pulses=3), Limits(0.2, 3.0, 0.1, dose_vs=0.3)])
def test_a_batch_that_exceeds_a_budget_somewhere_is_refused_before_its_first_byte(fakes, limits):
    bench = fakes.FakeBench(fakes.drawn_chip())
    backend = bench.backend(limits=limits)
    backend.send_pulses(counts_of(c00=2, c33=1), Pulse(2.0, 0.05))
    before, log = list(bench.journal), len(bench.world.log.events)
    with pytest.raises(LimitError, match=r"cell \[0, 0\] \(row 1, column 1\) has had"):
        backend.send_pulses(counts_of(c11=1, c00=2), Pulse(2.0, 0.05))
    with pytest.raises(LimitError, match=r"cell \[0, 0\] \(row 1, column 1\) has had"):
        backend.check_pulses(counts_of(c11=1, c00=2), Pulse(2.0, 0.05))
    assert bench.journal == before
    assert len(bench.world.log.events) == log
    assert backend.cause_of_doubt is None
    backend.send_pulses(counts_of(c11=1, c00=1), Pulse(2.0, 0.05))
    assert np.array_equal(bench.chip.levels, counts_of(c00=3, c33=1, c11=1))
    assert np.array_equal(backend.spent.pulses, bench.chip.levels)


@pytest.mark.fault("C11")
def test_a_chip_is_told_what_its_cells_had_before(fakes):
    bench = fakes.FakeBench(fakes.drawn_chip())
    limits = Limits(0.2, 3.0, 0.1, pulses=10)
    backend = bench.backend(limits=limits, spent=(np.full((4, 4), 9), np.zeros((4, 4))))
    with pytest.raises(LimitError, match=r"cell \[2, 1\] \(row 3, column 2\) has had 9 pulses, so 2 more"):
        backend.send_pulses(counts_of(c21=2), Pulse(2.0, 0.05))
    backend.spent = Spent((4, 4), np.full((4, 4), 8))
    backend.send_pulses(counts_of(c21=2), Pulse(2.0, 0.05))
    assert backend.gate.spent.pulses[2, 1] == 10


def test_every_limit_of_a_backend_holds_at_the_gate_when_the_front_door_is_left_open(fakes):
    bench = fakes.FakeBench(fakes.drawn_chip())
    backend = bench.backend()
    backend.limits = Limits(100.0, 100.0, 100.0)
    with pytest.raises(LimitError, match=r"0.3 V on smu\.a exceeds the 0.2 V"):
        backend.read_currents(np.full((1, 4), 0.3))
    with pytest.raises(LimitError, match=r"pulse width 0.2 s"):
        backend.send_pulses(counts_of(c21=1), Pulse(2.0, 0.2))
    assert bench.world.log.of("exposure") == []
    assert bench.is_safe()


# ---------------------------------------------------------------------- setting up


def test_a_source_is_set_up_in_the_one_way_of_its_bench(behind):
    bench = behind()
    for other in (
        replace(SETTINGS, compliance_a=1e-2),
        replace(SETTINGS, range_v=200.0),
        replace(SETTINGS, guard=True),
        None,
        "1 mA",
    ):
        with refused(bench, r"smu\.a may be set up with SourceSettings\(.*\) alone, not with"):
            bench.drive.prepare(other)


def test_an_object_that_calls_itself_equal_does_not_set_a_source_up(behind):
    class Sly:
        compliance_a = 1.0

        def __eq__(self, other):
            return True

        def __ne__(self, other):
            return False

        __hash__ = None

    bench, seen = behind(), []
    bench.bench.sources["drive"].prepare = seen.append
    bench.drive.prepare(Sly())
    assert [type(each) for each in seen] == [SourceSettings]  # what calls itself equal to all is equal to this too


def test_a_source_goes_on_only_when_it_was_set_up_and_the_relays_are_known(behind):
    bench = behind()
    with refused(bench, "which relays are closed is not known, it must be for smu.a to be switched on"):
        bench.drive.enable()
    bench.drive.prepare(bench.settings)
    with refused(bench, "which relays are closed is not known"):
        bench.drive.enable()
    bench = behind().at(READ)
    bench.drive.output_off()
    with refused(bench, r"smu\.a is not known to be at 0 V"):
        bench.drive.enable()
    bench = behind().at(READ)
    bench.drive.set_voltage(0.1)
    with refused(bench, r"smu\.a is at 0.1 V, it must be at 0 V to be switched on"):
        bench.drive.enable()


def test_a_range_changes_at_0_v_and_with_no_line_connected(behind):
    bench = behind().at(READ)
    with refused(bench, r"smu\.a is on drive with lines of the chip, its range may change at 0 V and with no line"):
        bench.drive.set_range(1e-5)
    with refused(bench, r"smu\.a has ranges for 0.001 A and 1e-05 A, not for 0.1 A"):
        bench.drive.set_range(0.1)
    bench.matrix.connect(bench.names(("drive", *["ground"] * 3, *["ground"] * 4)))
    bench.meter.set_range(1e-5)
    bench.meter.set_range(1e-3)
    assert not bench.bench.world._cell_volts().any()
    single = behind(dual=False).at(DIVIDED)
    with refused(single, "smu is on divider and drive with lines of the chip"):
        single.drive.set_range(1e-5)


@pytest.mark.fault("I9")
def test_a_source_that_is_off_is_not_measured_with(behind):
    bench = behind().prepare()
    for question in (
        bench.drive.measure,
        bench.drive.limit_tripped,
        bench.drive.changes,
        lambda: bench.drive.wait(0.1),
        lambda: bench.drive.measure_at(0.0, bench.drive),
        lambda: bench.drive.limit_then_rest(1e-3),
        lambda: bench.drive.changes_beside([bench.meter]),
    ):
        with refused(bench, r"smu\.a is off, it must be on to be measured with"):
            question()


@pytest.mark.parametrize("seconds", [-1e-3, 10.1])
def test_a_wait_is_bounded(behind, seconds):
    bench = behind().at(READ)
    with refused(bench, "it must be from 0 to 10 s"):
        bench.drive.wait(seconds)
    with refused(bench, "it must be from 0 to 10 s"):
        bench.matrix.wait(seconds)
    bench.drive.wait(10.0)
    bench.matrix.wait(0.0)


@pytest.mark.fault("X14")
@pytest.mark.parametrize("token", ['x") smua.source.output=1 --', "a;b", "", "a b", "é", 5, None, "a\n"])
def test_only_letters_and_digits_stand_for_a_run(behind, token):
    bench = behind().at(WRITE)
    with refused(bench, r"the name of a run for smu\.a is .*, it must be letters and digits"):
        bench.drive.number_next(token, 1)


# ---------------------------------------------------------------------- what is not certain


ACTIONS = {
    "prepare": lambda bench: bench.drive.prepare(bench.settings),
    "enable": lambda bench: bench.drive.enable(),
    "set_voltage": lambda bench: bench.drive.set_voltage(0.1),
    "pulse_together": lambda bench: bench.pulse(),
}
WAYS_OUT = ("output_off", "output_is_on", "identify", "recover", "close")


@pytest.mark.parametrize("error", [TransportError("gone"), InstrumentError("no"), KeyboardInterrupt(), ValueError("x")])
@pytest.mark.parametrize("method", ACTIONS)
def test_after_an_action_failed_a_source_may_only_be_set_up_asked_or_switched_off(behind, method, error):
    bench = behind().at(WRITE)
    driver = bench.bench.sources["drive"]
    driver.broken[method] = error
    with pytest.raises(type(error)):
        ACTIONS[method](bench)
    driver.broken.clear()
    for refuse in (
        bench.drive.enable,
        bench.drive.measure,
        bench.drive.limit_tripped,
        bench.pulse,
        lambda: bench.drive.set_voltage(0.0),
        lambda: bench.drive.set_voltage(0.1),
        lambda: bench.meter.set_voltage(0.1),
        lambda: bench.drive.set_range(1e-3),
        lambda: bench.drive.wait(0.1),
        lambda: bench.matrix.connect([]),
        bench.matrix.prepare,
    ):
        with refused(bench, r"smu\.[ab] is not known|lines of the chip"):
            refuse()
    for way in WAYS_OUT:
        getattr(bench.drive, way)()
    bench.matrix.connected()
    bench.matrix.disconnect_all()
    bench.prepare()
    bench.drive.enable()


@pytest.mark.parametrize("error", [DeadlineError("late"), KeyboardInterrupt(), ComplianceError("no driver's word")])
@pytest.mark.parametrize("method", ["measure", "limit_tripped", "output_is_on"])
def test_a_question_that_was_not_answered_leaves_a_source_uncertain(behind, method, error):
    bench = behind().at(READ)
    bench.bench.sources["drive"].broken[method] = error
    with pytest.raises(type(error)):
        getattr(bench.drive, method)()
    with refused(bench, r"smu\.a is not known"):
        bench.drive.set_voltage(0.1)


def test_a_source_that_is_asked_beside_another_becomes_as_uncertain_as_that(behind):
    bench = behind().at(READ)
    bench.bench.sources["meter"].broken["measure"] = DeadlineError("no answer")
    with pytest.raises(DeadlineError):
        bench.meter.measure_beside([bench.drive])
    for source, name in ((bench.drive, "a"), (bench.meter, "b")):
        with refused(bench, rf"smu\.{name} is not known"):
            source.set_voltage(0.0)


def test_the_range_of_a_source_of_which_nothing_is_known_stays_though_nothing_is_connected_to_it(behind):
    bench = behind().arm()
    bench.drive.set_range(1e-5)
    bench.bench.sources["drive"].broken["measure"] = DeadlineError("no answer")
    with pytest.raises(DeadlineError):
        bench.drive.measure()
    with refused(bench, r"smu\.a is not known to be at 0 V"):
        bench.drive.set_range(1e-3)


@pytest.mark.parametrize("answers", ["nothing", "on"])
def test_a_source_that_was_told_to_be_off_is_not_told_again_before_relays_open(behind, answers):
    bench = behind().at(READ)
    driver = bench.bench.sources["drive"]
    bench.drive.set_voltage(0.1)
    bench.drive.output_off()
    if answers == "nothing":
        driver.broken["output_is_on"] = DeadlineError("no answer")
        with pytest.raises(DeadlineError):
            bench.drive.output_is_on()
    else:
        driver.enable()  # by somebody else
        assert bench.drive.output_is_on()
    before = driver.times("output_off")
    bench.matrix.disconnect_all()
    assert driver.times("output_off") - before == (0 if answers == "nothing" else 1)
    assert bench.bench.world.log.of("violation") == []


@pytest.mark.parametrize("method", ["measure", "limit_tripped", "output_is_on"])
def test_an_answer_that_is_an_error_changes_nothing(behind, method):
    bench = behind().at(READ)
    bench.drive.set_voltage(0.1)
    bench.bench.sources["drive"].broken[method] = InstrumentError("measured 9.91e37 A, which is an overrange")
    with pytest.raises(InstrumentError):
        getattr(bench.drive, method)()
    bench.drive.set_voltage(0.0)
    bench.drive.set_voltage(0.1)


@pytest.mark.fault("R5", "V8")
def test_a_reading_at_a_new_voltage_leaves_the_source_there_or_at_rest(behind):
    bench = behind().at(READ)
    bench.meter.measure_at(0.1, bench.drive, [bench.drive])
    with refused(bench, r"smu\.a is at 0.1 V, relays move at 0 V alone"):
        bench.matrix.connect([])
    bench.meter.measure_at(-0.1, bench.drive, [bench.drive], rest_s=0.6e-3)
    assert bench.bench.world.terminal("smu.a").level_v == 0
    with refused(bench, r"smu\.a has rested at 0 V for 0.0006 s"):
        bench.matrix.connect([])
    bench.meter.measure_at(0.1, bench.drive, [bench.drive], rest_s=1e-3)
    bench.matrix.connect([])


@pytest.mark.fault("V8")
def test_a_source_that_reached_its_limit_counts_as_not_at_rest(behind):
    bench = behind().at(READ)
    bench.bench.world.set_terminal("smu.a", limit_a=1e-12)
    _, tripped = bench.meter.measure_at(0.1, bench.drive, [bench.drive], rest_s=1e-3)
    assert tripped == [True]
    with refused(bench, r"smu\.a is at 0.1 V, relays move at 0 V alone"):
        bench.matrix.connect([])
    bench.drive.set_voltage(0.0)


@pytest.mark.fault("V8")
def test_a_source_rests_after_the_question_for_its_limit_unless_it_is_there(behind):
    bench = behind().at(READ)
    bench.drive.set_voltage(0.1)
    assert not bench.drive.limit_then_rest(1e-3)
    bench.matrix.connect(bench.names(READ))
    bench.drive.set_voltage(0.1)
    bench.bench.world.set_terminal("smu.a", limit_a=1e-12)
    assert bench.drive.limit_then_rest(1e-3)
    with refused(bench, r"smu\.a is at 0.1 V, relays move at 0 V alone"):
        bench.matrix.connect([])
    with refused(bench, "time to wait is 11 s"):
        bench.drive.limit_then_rest(11.0)


@pytest.mark.fault("V8")
@pytest.mark.parametrize("rest_s", [None, 1e-3])
@pytest.mark.parametrize("error", [InstrumentError("measured 9.91e37 A"), DeadlineError("no answer")])
def test_a_source_that_was_to_be_measured_at_a_voltage_is_uncertain_after_any_failure(behind, rest_s, error):
    bench = behind().at(READ)
    bench.bench.sources["meter"].broken["measure"] = error
    with pytest.raises(type(error)):
        bench.meter.measure_at(0.1, bench.drive, [bench.drive], rest_s=rest_s)
    with refused(bench, r"smu\.a is not known"):
        bench.drive.set_voltage(0.0)


@pytest.mark.fault("V3", "V8")
def test_nothing_is_measured_at_a_voltage_or_for_a_rest_that_may_not_be(behind):
    bench = behind().at(READ)
    with refused(bench, r"0\.3 V on smu\.a exceeds the 0\.2 V that may last longer than a pulse"):
        bench.meter.measure_at(0.3, bench.drive, [bench.drive])
    with refused(bench, r"voltage of smu\.a is nan V"):
        bench.meter.measure_at(float("nan"), bench.drive, [bench.drive])
    with refused(bench, "time to wait is 11 s"):
        bench.meter.measure_at(0.1, bench.drive, [bench.drive], rest_s=11.0)
    with refused(bench, r"smu\.b works together with another source of its bench alone"):
        bench.meter.measure_at(0.1, bench.bench.sources["drive"], [bench.drive])


@pytest.mark.fault("V14")
def test_what_somebody_changed_on_one_source_leaves_all_that_were_asked_uncertain(behind):
    bench = behind().at(READ)
    assert bench.drive.changes_beside([bench.meter]) == []
    bench.bench.world.set_terminal("smu.b", on=False)
    assert bench.drive.changes_beside([bench.meter]) == ["smu.b is off"]
    for source in (bench.drive, bench.meter):
        with refused(bench, "is not known"):
            source.set_voltage(0.0)


@pytest.mark.fault("V14")
def test_an_output_that_is_not_as_it_was_told_leaves_a_source_uncertain(behind):
    bench = behind().at(READ)
    bench.bench.world.set_terminal("smu.a", on=False)
    assert not bench.drive.output_is_on()
    with refused(bench, r"smu\.a is not known"):
        bench.drive.set_voltage(0.1)
    bench = behind().prepare()
    bench.bench.world.set_terminal("smu.a", on=True)
    assert bench.drive.output_is_on()
    with refused(bench, r"smu\.a is not known"):
        bench.matrix.connect([])


@pytest.mark.parametrize("method", ["prepare", "connect", "connected"])
def test_after_a_matrix_failed_nothing_is_sourced(behind, method):
    bench = behind().at(READ)
    bench.bench.matrix.broken[method] = TransportError("gone")
    calls = {
        "prepare": bench.matrix.prepare,
        "connect": lambda: bench.matrix.connect(bench.names(WRITE)),
        "connected": bench.matrix.connected,
    }
    with pytest.raises(TransportError):
        calls[method]()
    bench.bench.matrix.broken.clear()
    for refuse in (
        lambda: bench.drive.set_voltage(0.1),
        bench.pulse,
        lambda: bench.matrix.connect([]),
        bench.drive.enable,
        lambda: bench.drive.set_range(1e-3),
    ):
        with refused(bench, "which relays are closed is not known"):
            refuse()
    bench.matrix.identify()
    bench.matrix.recover()
    bench.matrix.disconnect_all()
    assert bench.matrix.connected() == frozenset()
    bench.matrix.connect(bench.names(READ))


def test_a_session_that_was_closed_leaves_everything_uncertain(behind):
    bench = behind().at(READ)
    bench.matrix.close()
    with refused(bench, "which relays are closed is not known"):
        bench.drive.set_voltage(0.1)
    bench.drive.close()
    with refused(bench, r"smu\.a is not known"):
        bench.drive.set_voltage(0.1)


def test_a_session_that_could_not_be_closed_leaves_everything_uncertain_too(behind, monkeypatch):
    bench = behind().at(READ)
    for each in (bench.matrix, bench.drive):
        monkeypatch.setattr(each._driver, "close", lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            each.close()
    assert bench.gate.relays is None
    assert bench.drive._channel.volts is None


# ---------------------------------------------------------------------- making safe is never refused


@pytest.mark.fault("V7")
def test_opening_all_relays_first_switches_off_what_is_not_at_0_v_and_waits(behind):
    bench = behind().at(READ)
    bench.drive.set_voltage(0.1)
    before, time = len(bench.sent), bench.bench.world.clock.now()
    bench.matrix.disconnect_all()
    assert [call[:2] for call in bench.sent[before:]] == [("smu.a", "output_off"), ("matrix", "disconnect_all")]
    assert bench.bench.world.clock.now() - time >= DISCHARGE_S
    assert bench.bench.world.log.of("violation") == []


@pytest.mark.fault("V7")
@pytest.mark.parametrize("broken", [["output_off"], ["wait"], ["output_off", "wait"]])
def test_relays_are_opened_though_a_source_could_not_be_switched_off(behind, broken):
    bench = behind().at(READ)
    bench.drive.set_voltage(0.1)
    if "output_off" in broken:
        bench.bench.sources["drive"].broken["output_off"] = TransportError("gone")
    if "wait" in broken:

        def wait(seconds):
            raise TransportError("gone too")

        bench.bench.matrix.wait = wait
    with pytest.raises(TransportError):
        bench.matrix.disconnect_all()
    assert bench.bench.world.closed("matrix") == frozenset()


@pytest.mark.fault("V7")
def test_a_source_that_was_told_to_go_off_is_not_told_again(behind):
    bench = behind().at(READ)
    for source in bench.sources.values():
        source.output_off()
        assert not source.output_is_on()
    bench.matrix.wait(DISCHARGE_S)
    before = len(bench.sent)
    bench.matrix.disconnect_all()
    assert [call[:2] for call in bench.sent[before:]] == [("matrix", "disconnect_all")]


@pytest.mark.fault("V7")
def test_a_source_whose_off_was_lost_is_where_nobody_knows(behind):
    bench = behind().at(READ)
    bench.drive.set_voltage(0.1)
    bench.bench.sources["drive"].broken["output_off"] = DeadlineError("no answer")
    with pytest.raises(DeadlineError):
        bench.drive.output_off()
    with refused(bench, "is not known to be at 0 V"):
        bench.drive.set_voltage(0.0)


def test_crosspoints_that_can_be_looked_at_once_alone_are_closed_as_they_were_judged(behind):
    bench = behind()
    bench.at(READ)
    names = sorted(bench.matrix.connected())
    for source in bench.sources.values():
        source.set_voltage(0.0)
    bench.matrix.connect(iter(()))
    bench.matrix.connect(iter(names))
    assert sorted(bench.matrix.connected()) == names


@pytest.mark.fault("I18")
@pytest.mark.fault("V7")
def test_a_source_that_did_not_go_off_is_told_again(behind):
    bench = behind().at(READ)
    for source in bench.sources.values():
        source.output_off()
    bench.bench.world.set_terminal("smu.a", on=True)
    assert bench.drive.output_is_on()
    before = len(bench.sent)
    bench.matrix.disconnect_all()
    assert [call[:2] for call in bench.sent[before:]] == [("smu.a", "output_off"), ("matrix", "disconnect_all")]


@pytest.mark.parametrize(
    ("discharge_s", "voltage_v", "off", "waits"),
    [
        (1e-3, 0.1, False, [1e-3]),
        (1e-3, 0.1, True, [1e-3]),
        (1e-3, 0.0, True, [1e-3]),
        (1e-3, 0.0, False, []),
        (0.0, 0.1, False, []),
    ],
)
def test_relays_that_are_opened_wait_where_a_line_may_be_charged(behind, discharge_s, voltage_v, off, waits):
    bench, waited = behind(discharge_s=discharge_s).at(READ), []
    bench.drive.set_voltage(voltage_v)
    if off:
        for source in bench.sources.values():
            source.output_off()
    bench.bench.matrix.wait = waited.append
    bench.matrix.disconnect_all()
    assert waited == waits


@pytest.mark.fault("V7")
def test_make_safe_is_0_v_and_off_then_a_wait_then_open_relays(fakes):
    bench = fakes.FakeBench(fakes.drawn_chip())
    backend = bench.backend(discharge_s=2e-3)
    backend.read_currents(np.full((1, 4), 0.1))
    backend._rig.sources["drive"].set_voltage(0.1)
    begin = len(bench.world.log.events)
    backend.make_safe()
    events = bench.world.log.events[begin:]
    off = [each for each in events if each["event"] == "source"]
    opened = [each for each in events if each["event"] == "relays"]
    assert [(each["name"], each["level_v"], each["on"]) for each in off] == [
        ("smu.a", 0.0, False),
        ("smu.b", 0.0, False),
    ]
    assert events.index(opened[0]) > events.index(off[-1])
    assert opened[0]["t"] - off[-1]["t"] >= 2e-3
    assert bench.is_safe()


@pytest.mark.fault("V8")
@pytest.mark.parametrize("dual", [True, False])
def test_a_chip_leaves_its_lines_time_to_discharge_before_any_relay_moves(fakes, dual):
    bench = fakes.FakeBench(fakes.drawn_chip(), dual=dual)
    with bench.backend(discharge_s=2e-3) as backend:
        backend.read_currents(np.array([[0.1, -0.1, 0.1, 0.2]]))
        backend.send_pulses(counts_of(c21=2, c03=1), Pulse(2.0, 0.05))
        backend.read_currents(np.array([[0.1, -0.1, 0.1, 0.2]]))
    hot_until, level = 0.0, {}
    for event in bench.world.log.events:
        if event["event"] == "source":
            if abs(level.get(event["name"], 0.0)) > 0.05:
                hot_until = event["t"]
            level[event["name"]] = event["level_v"] if event["on"] else 0.0
        elif event["event"] == "relays":
            assert not any(level.values())
            assert event["t"] - hot_until >= 2e-3 * (1 - 1e-9)


def test_a_chip_that_is_not_charged_does_not_wait(fakes):
    bench = fakes.FakeBench(fakes.drawn_chip())
    waits = []
    bench.sources["drive"].wait = lambda seconds, nplc: waits.append(seconds)
    backend = bench.backend(discharge_s=2e-3)
    backend.read_currents(np.zeros((2, 4)))
    assert waits == []
    backend.read_currents(np.array([[0.1, 0.0, 0.0, 0.0]]))
    assert waits == [2e-3] * 4  # after each column


def test_of_a_source_that_was_told_nothing_yet_the_worst_is_thought():
    new = Shadow("drive", "smu.a", None)
    assert (new.volts, new.on, new.told_off, new.charged, new.rested_s) == (None, False, False, True, 0.0)


@pytest.mark.parametrize(("role", "door"), [(SourceMeter, GatedSource), (SwitchMatrix, GatedMatrix)])
def test_what_is_not_said_at_the_door_is_what_the_role_says(role, door):
    """Another count, or another kind of look, than that of the driver itself would be something else in a chip."""
    for name, each in inspect.getmembers(role, inspect.isfunction):
        if name.startswith("_"):
            continue
        said, wanted = (inspect.signature(each).parameters for each in (getattr(door, name), each))
        assert [(each.name, each.default, each.kind) for each in said.values()] == [
            (each.name, each.default, each.kind) for each in wanted.values()
        ], name


@pytest.mark.parametrize("first_v", [0.15, -0.15])
def test_the_voltage_of_each_source_counts_whichever_changes_last(behind, first_v):
    for hot, next_ in (("drive", "meter"), ("meter", "drive")):
        bench = behind().at(READ)
        bench.sources[hot].set_voltage(first_v)
        with refused(bench, r"could put 0\.3 V across cell"):
            bench.sources[next_].set_voltage(-first_v)
        bench.sources[next_].set_voltage(-first_v / 3)  # exactly what may last


def test_settings_that_are_refused_leave_certain_what_was(behind):
    bench = behind().at(READ)
    with refused(bench, "may be set up with"):
        bench.drive.prepare(replace(bench.settings, nplc=3.0))
    bench.drive.set_voltage(0.1)
