from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest

from crossbar_hil.backend import Pulse
from crossbar_hil.errors import (
    BackendError,
    ChipStateUnknown,
    ComplianceError,
    ConfigError,
    DeadlineError,
    ImpossibleReading,
    InstrumentError,
    LimitError,
    Stopped,
)
from crossbar_hil.instrument import MOST_PULSES, PulseMemory, Reading, SourceSettings

PULSE = Pulse(2.0, 0.05)
BENCHES = [{}, {"dual": False}, {"dual": False, "divider_from": "guard"}]
IDS = ["symmetric", "divider on hi", "divider on guard"]


def counts_of(cells, shape=(4, 4)):
    counts = np.zeros(shape, dtype=int)
    for cell, number in cells.items():
        counts[cell] = number
    return counts


@pytest.mark.parametrize("kind", BENCHES, ids=IDS)
def test_pulses_move_the_chosen_cells_by_their_counts_and_no_other(fakes, kind):
    bench = fakes.FakeBench(fakes.drawn_chip(4), **kind)
    counts = counts_of({(0, 2): 3, (3, 1): 1, (2, 2): 2})
    bench.backend().send_pulses(counts, PULSE)
    assert np.array_equal(bench.chip.levels, counts)
    felt = {(each["row"], each["column"]) for each in bench.world.log.of("exposure")}
    assert felt == {(0, 2), (3, 1), (2, 2)}
    assert bench.world.log.of("violation") == []


def test_the_lines_have_their_halves_of_the_pulse(fakes):
    bench = fakes.FakeBench(fakes.drawn_chip(4))
    bench.backend().send_pulses(counts_of({(1, 3): 1}), PULSE)
    events = [each for each in bench.world.log.of("source") if each["level_v"] != 0]
    assert [(each["name"], each["level_v"]) for each in events] == [("smu.a", 1.0), ("smu.b", -1.0)]


@pytest.mark.parametrize("kind", BENCHES, ids=IDS)
def test_a_negative_amplitude_reaches_the_cell_with_its_sign(fakes, kind):
    bench = fakes.FakeBench(fakes.drawn_chip(4), **kind)
    backend = bench.backend()
    backend.send_pulses(counts_of({(1, 1): 20}), PULSE)
    before = bench.chip.conductances
    backend.send_pulses(counts_of({(1, 1): 5}), Pulse(-2.0, 0.05))
    after = bench.chip.conductances
    assert after[1, 1] < before[1, 1]
    after[1, 1] = before[1, 1]
    assert np.array_equal(after, before)
    assert bench.world.log.of("exposure")[-1]["volt"] == pytest.approx(-2.0, rel=1e-5)


def test_the_instrument_counts_the_pulses(fakes):
    bench = fakes.FakeBench(fakes.drawn_chip())
    bench.backend().send_pulses(counts_of({(0, 0): 7}), PULSE)
    drive = bench.sources["drive"]
    assert [call for call in drive.calls if call[1] == "pulse_together"] == [("smu.a", "pulse_together", 1.0, -1.0, 7)]


def test_readings_inside_the_pulses_are_kept_by_cell(fakes):
    bench = fakes.FakeBench(fakes.chip_of(np.full((4, 4), 1e-6)))
    backend = bench.backend()
    backend.send_pulses(counts_of({(0, 0): 2, (3, 3): 1}), PULSE)
    kept = backend.last_pulse_readings
    assert {cell: len(readings) for cell, readings in kept.items()} == {(0, 0): 2, (3, 3): 1}
    # The row is at 1 V: the cell of 1 uS at 2 V and three mates at 1 V draw 5 uA; the column takes as much.
    assert kept[3, 3][0]["drive"].current_a == pytest.approx(5e-6, rel=1e-6)
    assert kept[3, 3][0]["meter"].current_a == pytest.approx(-5e-6, rel=1e-6)
    backend.send_pulses(counts_of({}), PULSE)
    assert backend.last_pulse_readings == {}


@pytest.mark.fault("I8")
@pytest.mark.parametrize(
    ("amplitude_v", "drive_a", "meter_a", "wrong"),
    [  # of a range of 100 uA, so that 1 uA may be noise; the column is at minus half
        (2.0, 5e-6, -5e-6, ""),
        (2.0, -0.7e-6, 0.7e-6, ""),
        (2.0, -1.1e-6, -5e-6, r"smu\.a on row [12] measured -1\.1e-06 A inside a pulse of 1 V"),
        (2.0, 5e-6, 1.1e-6, r"smu\.b on column [12] measured 1\.1e-06 A inside a pulse of -1 V"),
        (-2.0, -5e-6, -1.1e-6, r"smu\.b on column [12] measured -1\.1e-06 A inside a pulse of 1 V"),
    ],
)
def test_a_current_against_the_pulse_stops_after_pulses_that_count_as_sent(fakes, amplitude_v, drive_a, meter_a, wrong):
    bench = fakes.FakeBench(fakes.drawn_chip())
    settings = {port: SourceSettings(range_v=3.0, compliance_a=1e-3, range_a=1e-4) for port in bench.sources}
    backend, told = bench.backend(settings=settings), []
    backend.witness.failed = lambda sequence, outcome, cause: told.append(outcome)
    backend.witness.done = lambda sequence, readings: told.append("all well")
    inside = [(Reading(drive_a, limited=False), Reading(meter_a, limited=False))]
    bench.sources["drive"].pulse_together = lambda *asked: inside
    with pytest.raises(ImpossibleReading, match=wrong) if wrong else nullcontext():
        backend.send_pulses(counts_of({(0, 0): 1, (1, 1): 1}), Pulse(amplitude_v, 0.05))
    assert told == (["done"] if wrong else ["all well"] * 2)
    assert not wrong or bench.is_safe()


@pytest.mark.fault("I8")
def test_currents_that_noise_could_make_are_not_believed_where_all_of_them_flow_against_the_pulse(fakes):
    bench = fakes.FakeBench(fakes.drawn_chip())
    settings = {port: SourceSettings(range_v=3.0, compliance_a=1e-3, range_a=1e-4) for port in bench.sources}
    backend = bench.backend(settings=settings)
    # 0.3 % of the range: of one pulse 1 % may be noise, of n pulses 0.1 % and the root of n less of 0.9 %, so of 21.
    currents = iter([-3e-7] * 21)
    bench.sources["drive"].pulse_together = lambda *_: [(Reading(next(currents), False), Reading(-5e-6, False))]
    for _ in range(20):
        backend.send_pulses(counts_of({(0, 0): 1}), PULSE)
    said = r"0\.30% of its range of 0\.0001 A in the mean of 21 pulses, which is 0\.30%"
    with pytest.raises(ImpossibleReading, match=said):
        backend.send_pulses(counts_of({(0, 0): 1}), PULSE)
    assert bench.is_safe()


def test_no_counts_touch_no_instrument(fakes):
    bench = fakes.FakeBench(fakes.drawn_chip())
    backend = bench.backend()
    before = len(bench.journal)
    backend.send_pulses(counts_of({}), PULSE)
    assert len(bench.journal) == before


@pytest.mark.fault("I7")
def test_a_pulse_at_the_current_limit_leaves_the_chip_in_doubt_and_the_sources_at_0_v(fakes):
    bench = fakes.FakeBench(fakes.chip_of(np.full((4, 4), 1e-6)))
    settings = {port: SourceSettings(range_v=3.0, compliance_a=2e-6, range_a=1e-3) for port in bench.sources}
    backend = bench.backend(settings=settings)
    with pytest.raises(ComplianceError, match=r"smu\.a on row 3 reached its current limit of 2e-06 A"):
        backend.send_pulses(counts_of({(2, 1): 1}), PULSE)
    assert all(bench.world.terminal(name).level_v == 0 for name in ("smu.a", "smu.b"))
    with pytest.raises(ChipStateUnknown):
        backend.send_pulses(counts_of({(2, 1): 1}), PULSE)


@pytest.mark.fault("T3", "V1")
def test_a_failed_pulse_makes_the_bench_safe_and_is_not_repeated(fakes):
    bench = fakes.FakeBench(fakes.drawn_chip())
    backend = bench.backend()
    bench.sources["drive"].broken["pulse_together"] = InstrumentError("no answer")
    with pytest.raises(InstrumentError, match="no answer"):
        backend.send_pulses(counts_of({(2, 1): 1, (3, 3): 1}), PULSE)
    assert bench.sources["drive"].times("pulse_together") == 1
    assert bench.is_safe()


@pytest.mark.fault("T3", "V1", "V7")
@pytest.mark.parametrize("mute", ["", "output_off"])  # or another source cannot be switched off
@pytest.mark.parametrize(
    ("begun", "done", "outcome"), [(3, 3, "done"), (3, 2, "in_doubt"), (2, 2, "not_sent"), (None, None, "in_doubt")]
)
def test_what_became_of_a_pulse_is_asked_when_the_bench_is_safe(fakes, begun, done, outcome, mute):
    bench = fakes.FakeBench(fakes.drawn_chip())
    backend = bench.backend()
    told, shares, drive = [], [], bench.sources["drive"]
    backend.witness.intend = lambda cell, count, pulse: 3
    drive.hurried = lambda share: nullcontext(shares.append(share))
    backend.witness.failed = lambda sequence, found, cause: told.append(found)

    def memory(token):
        assert mute or bench.is_safe()
        told.append(shares[-1:])
        return None if begun is None else PulseMemory(begun, done)

    drive.number_next, drive.pulse_memory = (lambda token, sequence: None), memory
    drive.broken["pulse_together"] = DeadlineError("no answer")
    bench.sources["meter"].broken[mute] = InstrumentError("mute")
    backend.number_pulses("run")
    told.clear()
    with pytest.raises(DeadlineError, match="no answer"):
        backend.send_pulses(counts_of({(2, 1): 1}), PULSE)
    assert told == [[0.5], outcome]  # in half of its deadline, as a person waits to be told


@pytest.mark.fault("T3", "V3")
@pytest.mark.parametrize(
    ("fails", "outcome"),
    [("connect", "not_sent"), ("pulse_memory", "in_doubt"), ("limit", "done"), ("refusal", "not_sent")],
)
def test_a_pulse_that_failed_is_told_to_be_what_it_became(fakes, fails, outcome):
    bench = fakes.FakeBench(fakes.chip_of(np.full((4, 4), 1e-6)))
    limit_a = 2e-6 if fails == "limit" else 1e-3  # which shows in the readings of pulses that were sent
    settings = {port: SourceSettings(range_v=3.0, compliance_a=limit_a, range_a=1e-3) for port in bench.sources}
    backend, told = bench.backend(settings=settings), []
    backend.witness.failed = lambda sequence, found, cause: told.append(found)

    def nobody(token):
        raise DeadlineError("no answer")

    if fails == "connect":  # no pulse was sent before the relays were there
        bench.matrix.broken["connect"] = DeadlineError("no answer")
    if fails == "pulse_memory":
        bench.sources["drive"].broken["pulse_together"] = DeadlineError("no answer")
        bench.sources["drive"].pulse_memory = nobody
    if fails == "refusal":  # by the contract of the role nothing was sent, and nobody need be asked
        bench.sources["drive"].broken["pulse_together"] = LimitError("no such width")
    with pytest.raises((DeadlineError, ComplianceError, LimitError)):
        backend.send_pulses(counts_of({(2, 1): 1}), PULSE)
    assert told == [outcome]


def test_a_pulse_that_a_source_is_not_set_up_for_is_refused_when_it_is_asked_about(fakes):
    bench = fakes.FakeBench(fakes.drawn_chip())
    settings = {port: SourceSettings(range_v=0.9, compliance_a=1e-3, range_a=1e-3) for port in bench.sources}
    backend = bench.backend(settings=settings)
    backend.check_pulses(counts_of({}), Pulse(1.8, 0.05))  # half of it from each
    with pytest.raises(LimitError, match=r"1 V on port drive exceeds its range of 0\.9 V"):
        backend.check_pulses(counts_of({}), PULSE)


@pytest.mark.fault("O1")
def test_a_stop_among_the_pulses_of_a_batch_comes_before_the_next_is_in_the_journal(fakes):
    bench = fakes.FakeBench(fakes.drawn_chip())
    backend, intents = bench.backend(), []

    def checkpoint():
        if bench.sources["drive"].times("pulse_together"):
            raise Stopped("Ctrl-C was pressed")

    backend.witness.checkpoint, backend.witness.intend = checkpoint, lambda cell, count, pulse: intents.append(count)
    with pytest.raises(Stopped):
        backend.send_pulses(counts_of({(2, 1): MOST_PULSES + 1, (3, 3): 1}), PULSE)
    assert len(intents) == bench.sources["drive"].times("pulse_together") == 1
    assert bench.is_safe()


def test_an_instrument_that_tells_of_fewer_pulses_than_asked_for_is_not_believed(fakes):
    bench = fakes.FakeBench(fakes.drawn_chip())
    backend = bench.backend()
    drive = bench.sources["drive"]
    together = drive.pulse_together
    drive.pulse_together = lambda *details: together(*details)[:-1]
    with pytest.raises(BackendError, match=r"smu\.a answered with 2 readings for 3 pulses"):
        backend.send_pulses(counts_of({(2, 1): 3}), PULSE)
    assert bench.is_safe()


@pytest.mark.fault("C7", "V4")
def test_a_pulse_that_others_would_see_too_much_of_is_refused_and_nothing_is_sent(fakes):
    bench = fakes.FakeBench(fakes.drawn_chip())
    backend = bench.backend(disturb_v=0.9)
    before = len(bench.journal)
    with pytest.raises(LimitError, match=r"puts 1 V across cell \[0, 1\].*more than the 0.9 V"):
        backend.send_pulses(counts_of({(2, 1): 1}), PULSE)
    assert len(bench.journal) == before
    backend.send_pulses(counts_of({(2, 1): 1}), Pulse(1.8, 0.05))


def test_a_pulse_beyond_the_range_of_a_source_is_refused_and_nothing_is_sent(fakes):
    bench = fakes.FakeBench(fakes.drawn_chip())
    settings = {port: SourceSettings(range_v=0.9, compliance_a=1e-3, range_a=1e-3) for port in bench.sources}
    backend = bench.backend(settings=settings)
    before = len(bench.journal)
    with pytest.raises(LimitError, match=r"1 V on port drive exceeds its range of 0.9 V"):
        backend.send_pulses(counts_of({(2, 1): 1}), PULSE)
    assert len(bench.journal) == before


def test_two_channels_of_two_boxes_make_no_bench_of_symmetric_pulses(fakes):
    bench = fakes.FakeBench(fakes.drawn_chip())
    bench.sources["meter"].box = "another"
    with pytest.raises(ConfigError, match=r"pulses two sources .* but smu\.a and smu\.b are not channels of one"):
        bench.backend()
    assert bench.journal == []
    bench.backend(write_scheme=None, continuity_only=True).read_conductances(0.1)  # reading they can do


@pytest.mark.parametrize("amplitude_v", [2.0, -2.0])
def test_a_range_bounds_pulses_of_both_signs(fakes, amplitude_v):
    bench = fakes.FakeBench(fakes.drawn_chip(), dual=False)
    settings = bench.backend().gate.channels["drive"].settings
    backend = bench.backend(settings={"drive": replace(settings, range_v=1.0)})
    before = len(bench.journal)
    with pytest.raises(LimitError, match=rf"{amplitude_v:g} V on port drive exceeds its range of 1 V"):
        backend.send_pulses(counts_of({(2, 1): 1}), Pulse(amplitude_v, 0.05))
    assert len(bench.journal) == before


@pytest.mark.parametrize("kind", BENCHES, ids=IDS)
def test_a_pulse_that_a_source_cannot_time_is_refused_before_anything_is_sent(fakes, kind):
    bench = fakes.FakeBench(fakes.drawn_chip(), **kind)
    bench.sources["drive"].shortest_pulse_s = 1e-3
    backend = bench.backend()
    before = len(bench.journal)
    with pytest.raises(LimitError, match=r"pulse width 0.0009 s is below the 0.001 s that smu(\.a)? can time"):
        backend.send_pulses(counts_of({(2, 1): 1}), Pulse(2.0, 0.9e-3))
    assert len(bench.journal) == before
    assert backend.cause_of_doubt is None


def test_a_long_train_is_sent_in_parts_that_add_up(fakes, monkeypatch):
    assert MOST_PULSES == 1000
    monkeypatch.setattr("crossbar_hil.drivers.chip.MOST_PULSES", 100)
    bench = fakes.FakeBench(fakes.drawn_chip())
    backend = bench.backend()
    backend.send_pulses(counts_of({(1, 1): 250}), PULSE)
    trains = [call[4] for call in bench.sources["drive"].calls if call[1] == "pulse_together"]
    assert trains == [100, 100, 50]
    assert len(backend.last_pulse_readings[1, 1]) == 250


@pytest.mark.fault("I13", "I15")
@pytest.mark.parametrize("kind", BENCHES, ids=IDS)
def test_pulses_that_an_output_switched_off_by_somebody_kept_from_the_chip_leave_it_in_doubt(fakes, kind):
    bench = fakes.FakeBench(fakes.drawn_chip(), **kind)
    backend = bench.backend()
    backend.send_pulses(counts_of({(0, 0): 1}), PULSE)
    connect = bench.matrix.connect

    def then_somebody_switches_off(crosspoints):
        connect(crosspoints)
        bench.world.set_terminal(bench.sources["drive"].name, on=False)

    bench.matrix.connect = then_somebody_switches_off
    with pytest.raises(InstrumentError, match=r"smu.* is off"):
        backend.send_pulses(counts_of({(0, 1): 1}), PULSE)
    assert bench.is_safe()
    with pytest.raises(ChipStateUnknown):
        backend.send_pulses(counts_of({(0, 1): 1}), PULSE)


@pytest.mark.parametrize("pulsed", [True, False])
def test_what_the_last_pulses_showed_is_told_with_the_time_after_the_bench_was_seen_to_be_as_it_was(fakes, pulsed):
    bench = fakes.FakeBench(fakes.drawn_chip())
    backend, drive = bench.backend(), bench.sources["drive"]
    cell = counts_of({(2, 1): 2, (3, 3): 1})
    if pulsed:
        backend.send_pulses(cell, PULSE)
    drive.clock_s = lambda: drive.note("clock_s") or 7.5
    bench.journal.clear()
    train = backend.last_train()
    assert (train.clock_s, train.widths) == (7.5, drive.train_widths)
    assert train.inside == (list(backend.last_pulse_readings.values())[-1] if pulsed else [])
    looked = [each[1] for each in bench.journal]
    assert pulsed or looked.index("enable") < looked.index("clock_s")
    drive.changes = lambda *, pulsing: ["it is other"]
    drive.clock_s = lambda: pytest.fail("it was asked")
    with pytest.raises(InstrumentError, match="somebody else changed the bench: it is other"):
        backend.last_train()
    assert bench.is_safe()


@pytest.mark.parametrize("on_trial", [True, False])
def test_lines_may_be_left_open_where_a_board_of_resistors_is_in_place_of_the_chip(fakes, on_trial):
    backend = fakes.FakeBench(fakes.drawn_chip()).backend(on_trial=on_trial)
    one_cell = ("drive", *["open"] * 3, "ground", *["open"] * 3)
    if on_trial:
        assert len(backend.look([(one_cell, [{"drive": 0.1}])])) == 1
        return
    with pytest.raises(ConfigError, match="row 2 is left open"):
        backend.look([(one_cell, [{"drive": 0.1}])])
