"""Ranges of reads and of pulses, and the currents that they must hold."""

import numpy as np
import pytest

from crossbar_hil.backend import Pulse
from crossbar_hil.drivers.gate.currents import largest_pulse_currents, largest_read_currents
from crossbar_hil.drivers.schemes.read_schemes import read_scheme
from crossbar_hil.drivers.schemes.write_schemes import write_scheme
from crossbar_hil.errors import ChipStateUnknown, ConfigError, InstrumentError
from crossbar_hil.instrument import Reading, SourceSettings
from crossbar_hil.shipped import data_file
from crossbar_hil.training.patterns import PatternSet
from crossbar_hil.training.trainer import Trainer

PULSE = Pulse(2.0, 0.05)
READS = np.array([[0.1, -0.1, 0.1, -0.1], [0.1, 0.0, 0.0, 0.0]])
SOME = np.eye(4, dtype=int)
READ_A = 1e-4
BENCHES = [{}, {"dual": False, "divider_from": "guard"}]
IDS = ["two sources", "one with a guard"]
TASK = PatternSet.from_csv(data_file("perceptron"))


def meter_of(bench):
    return bench.sources["meter" if bench.dual else "drive"]


@pytest.mark.parametrize("kind", BENCHES, ids=IDS)
def test_every_reading_is_taken_in_the_range_of_what_is_measured(fakes, kind):
    bench = fakes.FakeBench(fakes.drawn_chip(), read_range_a=READ_A, **kind)
    seen = []

    def noted(source, method, real):
        def wrapped(*arguments):
            seen.append((source is meter_of(bench) and method == "measure", source.range_a))
            return real(*arguments)

        return wrapped

    for source in bench.sources.values():
        for method in ("measure", "_pulses"):
            setattr(source, method, noted(source, method, getattr(source, method)))
    backend = bench.backend()
    for _ in range(2):
        backend.read_currents(READS)
        backend.send_pulses(SOME, PULSE)
    whole = 1e-3 if bench.dual else 2e-2
    assert set(seen) == {(True, READ_A), (False, whole)}


@pytest.mark.fault("I16", "V4")
@pytest.mark.parametrize("kind", BENCHES, ids=IDS)
def test_a_glitch_of_5_v_at_every_change_of_a_range_reaches_no_cell(fakes, kind):
    bench = fakes.FakeBench(fakes.drawn_chip(), read_range_a=READ_A, **kind)
    backend = bench.backend()
    for _ in range(3):
        backend.read_currents(READS)
        backend.send_pulses(SOME, PULSE)
    assert meter_of(bench).times("set_range") == 2 * 3
    assert np.array_equal(bench.chip.levels, 3 * SOME)
    assert len(bench.world.log.of("exposure")) == 3 * 4
    assert bench.world.log.of("violation") == []


def test_the_glitch_of_the_fake_source_does_reach_a_cell_that_is_connected(fakes):
    bench = fakes.FakeBench(fakes.drawn_chip(), read_range_a=READ_A)
    bench.backend().read_currents(READS)
    bench.sources["meter"].set_range(1e-3)
    assert bench.world.log.of("exposure")


def test_lines_are_open_while_the_range_changes_only_where_they_go_back_to_the_same_source(fakes):
    bench = fakes.FakeBench(fakes.drawn_chip(), read_range_a=READ_A)
    backend = bench.backend()
    one = np.zeros((4, 4), dtype=int)
    one[0, 3] = 1
    backend.read_currents([[0.1, 0.0, 0.0, 0.0]])
    last_read = [call[2] for call in bench.matrix.calls if call[1] == "connect"][-1]
    before = len(bench.matrix.calls)
    backend.send_pulses(one, PULSE)
    between, pulsing = [call[2] for call in bench.matrix.calls[before:] if call[1] == "connect"]
    assert not any(name[1] == "B" for name in between)  # row B is the meter's
    staying = {name for name in last_read & pulsing if name[1] == "B"}
    assert pulsing - between == {name for name in pulsing if name[1] == "B"}
    assert len(between) == 8 - len(staying)


@pytest.mark.parametrize("kind", BENCHES, ids=IDS)
def test_a_training_with_two_ranges_is_the_same_and_moves_at_most_four_relays_an_epoch_more(fakes, kind):
    results, moved = [], []
    for ranges in ({}, {"read_range_a": READ_A}):
        bench = fakes.FakeBench(fakes.drawn_chip(1), **ranges, **kind)
        with bench.backend() as backend:
            results.append(Trainer(backend, epochs=3, pull_back=True).run(TASK.train, TASK.train_labels))
            moved.append(backend.relay_operations)
        if ranges:
            assert meter_of(bench).times("set_range") <= 2 * 3
            assert sum(source.times("set_range") for source in bench.sources.values()) <= 2 * 3
    assert np.array_equal(results[0].counts, results[1].counts)
    np.testing.assert_allclose(results[0].conductances, results[1].conductances, rtol=1e-9)
    # The column of the meter is opened and closed once more at each of two changes, unless it had to move anyway.
    assert moved[1] - moved[0] <= 4 * 3


@pytest.mark.parametrize("kind", BENCHES, ids=IDS)
def test_a_bench_of_one_range_never_changes_it(fakes, kind):
    bench = fakes.FakeBench(fakes.drawn_chip(), **kind)
    backend = bench.backend()
    backend.read_currents(READS)
    backend.send_pulses(SOME, PULSE)
    backend.read_currents(READS)
    assert not any(source.times("set_range") for source in bench.sources.values())


@pytest.mark.parametrize("current_a", [READ_A, -READ_A, 1.5 * READ_A])
def test_a_reading_at_or_beyond_the_range_of_reads_is_refused_though_pulses_may_have_it(fakes, current_a):
    bench = fakes.FakeBench(fakes.drawn_chip(), read_range_a=READ_A)
    backend = bench.backend()
    bench.sources["meter"].measure = lambda: Reading(current_a, limited=False)
    with pytest.raises(
        InstrumentError, match=rf"smu\.b on column \d measured {current_a:g} A, which its range of 0.0001"
    ):
        backend.read_currents(READS)
    assert bench.is_safe()
    backend.send_pulses(SOME, PULSE)


def test_a_reading_below_the_range_is_taken_as_it_is(fakes):
    bench = fakes.FakeBench(fakes.chip_of(np.full((4, 4), 2.5e-4)), read_range_a=1.001e-4)
    np.testing.assert_allclose(bench.backend().read_currents([[0.1] * 4]), 1e-4, rtol=1e-5)


def test_a_current_inside_a_pulse_at_its_range_leaves_the_chip_in_doubt(fakes):
    bench = fakes.FakeBench(fakes.chip_of(np.full((4, 4), 1e-6)))
    # A cell at 2 V and three mates at 1 V draw 5 uA.
    settings = {port: SourceSettings(range_v=3.0, compliance_a=1e-4, range_a=5e-6) for port in bench.sources}
    backend = bench.backend(settings=settings)
    with pytest.raises(InstrumentError, match=r"smu\.a on row 1 measured 5e-06 A, which its range of 5e-06 A does not"):
        backend.send_pulses(np.eye(4, dtype=int) * [1, 0, 0, 0], PULSE)
    assert bench.is_safe()
    with pytest.raises(ChipStateUnknown):
        backend.send_pulses(SOME, PULSE)


@pytest.mark.parametrize("error", [InstrumentError("reads back 1e-05"), KeyboardInterrupt()])
def test_a_range_that_cannot_be_set_leaves_the_bench_safe_and_is_set_anew_the_next_time(fakes, error):
    bench = fakes.FakeBench(fakes.drawn_chip(), read_range_a=READ_A)
    backend = bench.backend()
    expected = backend.read_currents(READS)
    meter = bench.sources["meter"]
    meter.broken["set_range"] = error
    with pytest.raises(type(error)):
        backend.send_pulses(SOME, PULSE)
    assert bench.is_safe()
    assert bench.world.log.of("exposure") == []
    meter.broken.clear()
    np.testing.assert_array_equal(backend.read_currents(READS), expected)
    assert meter.range_a == READ_A


def test_ranges_that_a_model_does_not_have_are_refused_before_anything_is_sent(fakes):
    bench = fakes.FakeBench(fakes.drawn_chip(), read_range_a=1.0)
    with pytest.raises(ConfigError, match=r"smu\.a has no range of 1 A; smu\.b has no range of 1 A"):
        bench.backend()
    assert bench.journal == []


# ---------------------------------------------------------------------- what the ranges must hold

DUAL, SINGLE = ("drive", "meter", "ground"), ("drive", "ground", "guard", "divider")


@pytest.mark.parametrize("shape", [(4, 4), (3, 5), (1, 2)])
@pytest.mark.parametrize("dual", [True, False])
def test_the_largest_currents_of_reads_and_pulses_are_those_of_the_bench(fakes, dual, shape):
    siemens = 2e-6
    bench = fakes.FakeBench(fakes.chip_of(np.full(shape, siemens)), dual=dual, divider_from="guard")
    backend = bench.backend()
    read, write = ("virtual ground", "symmetric half-select") if dual else ("guarded", "divider half-select")
    ports = DUAL if dual else SINGLE
    most = dict.fromkeys(bench.sources, 0.0)
    for port, source in bench.sources.items():

        def noted(voltage_v, port=port, real=source.set_voltage):
            real(voltage_v)
            for each, other in bench.sources.items():
                most[each] = max(most[each], abs(bench.world.measure(other.name)[0]))

        source.set_voltage = noted
    backend.read_currents(np.full((1, shape[0]), 0.1))
    expected = largest_read_currents(read_scheme(read, ports), shape, siemens, 0.1)
    assert {port: most[port] for port in expected} == pytest.approx(expected, rel=1e-6)

    counts = np.zeros(shape, dtype=int)
    counts[0, 0] = 1
    backend.send_pulses(counts, PULSE)
    inside = {port: abs(reading.current_a) for port, reading in backend.last_pulse_readings[0, 0][0].items()}
    expected = largest_pulse_currents(write_scheme(write, ports), shape, siemens, 2.0)
    assert inside == pytest.approx(expected, rel=1e-3)  # the divider of the fake bench is not quite stiff


def test_the_current_of_a_pulse_is_that_counted_by_hand():
    # 2 V on the cell and 1 V on each of its three mates, all of 2.5 uS: docs/bench.md.
    scheme = write_scheme("divider half-select", SINGLE)
    assert largest_pulse_currents(scheme, (4, 4), 2.5e-6, 2.0) == pytest.approx({"drive": 12.5e-6})
    assert largest_pulse_currents(scheme, (4, 4), 2.5e-6, -2.0) == pytest.approx({"drive": 12.5e-6})


@pytest.mark.parametrize("kind", BENCHES, ids=IDS)
def test_no_line_of_the_chip_floats_while_a_source_is_at_a_voltage(fakes, kind):
    bench = fakes.FakeBench(fakes.drawn_chip(), read_range_a=READ_A, **kind)
    with bench.backend() as backend:
        for _ in range(2):
            backend.read_currents(READS)
            backend.send_pulses(SOME, PULSE)
    closed, seen = frozenset(), 0
    for _, method, *details in bench.journal:
        if method == "connect":
            closed = details[0]
        elif method == "disconnect_all":
            closed = frozenset()
        elif (method == "set_voltage" and details[0] != 0) or method.startswith("pulse"):
            seen += 1
            assert sorted(name[2:] for name in closed) == [f"{line:02d}" for line in range(1, 9)]
    assert seen > 8
