import numpy as np
import pytest

from crossbar_hil.backend import Pulse
from crossbar_hil.drivers.schemes.read_schemes import READ_SCHEMES
from crossbar_hil.errors import (
    ComplianceError,
    ConfigError,
    DeadlineError,
    InstrumentError,
    LimitError,
    OverrangeError,
    Stopped,
)
from crossbar_hil.instrument import Reading, SourceSettings

RNG = np.random.default_rng(5)
BIPOLAR = np.where(RNG.random((5, 4)) < 0.5, 0.1, -0.1)[:3]
MIXED = RNG.choice([0.0, 0.05, -0.15, 0.2], size=(5, 4))[:3]


@pytest.mark.parametrize("voltages", [BIPOLAR, MIXED], ids=["bipolar", "many levels"])
@pytest.mark.parametrize("kind", [{}, {"dual": False, "divider_from": None}], ids=["virtual ground", "guarded"])
def test_currents_are_the_matrix_product(fakes, voltages, kind):
    bench = fakes.FakeBench(fakes.drawn_chip(2), **kind)
    expected = voltages @ bench.chip.conductances
    scale = np.abs(voltages) @ bench.chip.conductances
    assert (np.abs(bench.backend().read_currents(voltages) - expected) <= 1e-6 * scale).all()


def test_a_divider_on_hi_is_taken_out_of_the_currents_by_the_zero_reading(fakes):
    # 1 kilohm at 0.1 V draws 100 uA, a thousand times the current of the cells.
    bench = fakes.FakeBench(fakes.drawn_chip(2), dual=False, divider_from="hi")
    expected = BIPOLAR @ bench.chip.conductances
    np.testing.assert_allclose(bench.backend().read_currents(BIPOLAR), expected, rtol=1e-5, atol=1e-12)


@pytest.mark.parametrize("dual", [True, False])
def test_the_offset_of_a_meter_is_taken_out_by_the_zero_reading(fakes, dual):
    bench = fakes.FakeBench(fakes.drawn_chip(2), dual=dual, divider_from="guard")
    for source in bench.sources.values():
        measure = source.measure

        def with_offset(measure=measure):
            reading = measure()
            return Reading(reading.current_a + 3e-9, reading.limited)

        source.measure = with_offset
    expected = MIXED @ bench.chip.conductances
    np.testing.assert_allclose(bench.backend().read_currents(MIXED), expected, rtol=1e-5, atol=1e-13)


def test_a_zero_is_read_once_a_state_and_batch(fakes):
    bench = fakes.FakeBench(fakes.drawn_chip(2))
    backend = bench.backend()
    for batch in (1, 2):
        backend.read_currents(np.vstack([BIPOLAR[:1]] * 3))
        # Four columns, rows at plus and rows at minus, each at its voltage and at 0 V.
        assert bench.sources["meter"].times("measure") == batch * 4 * 2 * 2


def nodal_currents(conductances, pads_v, line_ohm):
    """Currents out of column pads at 0 V, with a resistance between each pad and its cells."""
    rows, columns = conductances.shape
    line = 1 / line_ohm
    matrix = np.zeros((rows + columns, rows + columns))
    matrix[:rows, :rows] = np.diag(line + conductances.sum(axis=1))
    matrix[rows:, rows:] = np.diag(line + conductances.sum(axis=0))
    matrix[:rows, rows:] = -conductances
    matrix[rows:, :rows] = -conductances.T
    inner = np.linalg.solve(matrix, np.concatenate([line * pads_v, np.zeros(columns)]))
    return line * inner[rows:]


def test_with_lines_of_10_ohm_the_currents_are_those_of_a_nodal_analysis(fakes):
    conductances = np.random.default_rng(1).uniform(1e-6, 1e-5, (4, 4))
    bench = fakes.FakeBench(fakes.chip_of(conductances), line_ohm=10.0)
    expected = np.array([nodal_currents(conductances, vector, 10.0) for vector in BIPOLAR])
    found = bench.backend().read_currents(BIPOLAR)
    scale = np.abs(BIPOLAR) @ conductances
    assert (np.abs(found - expected) <= 1e-6 * scale).all()
    assert (np.abs(expected - BIPOLAR @ conductances) > 1e-4 * scale).any()  # the lines do matter here


@pytest.mark.parametrize("line_ohm", [0.0, 10.0, 1000.0])
@pytest.mark.parametrize("kind", [{}, {"dual": False, "divider_from": None}], ids=["virtual ground", "guarded"])
def test_by_cell_ohmic_cells_read_as_by_pattern_whatever_the_lines_take_away(fakes, line_ohm, kind):
    conductances = np.random.default_rng(1).uniform(1e-6, 1e-5, (4, 4))
    bench = fakes.FakeBench(fakes.chip_of(conductances), line_ohm=line_ohm, **kind)
    found = {by: bench.backend(read_by=by).read_currents(MIXED) for by in ("pattern", "cell")}
    scale = np.abs(MIXED) @ conductances
    assert (np.abs(found["cell"] - found["pattern"]) <= 2e-6 * scale).all()
    if line_ohm and not kind:
        expected = np.array([nodal_currents(conductances, vector, line_ohm) for vector in MIXED])
        assert (np.abs(found["cell"] - expected) <= 2e-6 * scale).all()


def test_by_cell_cells_that_are_not_ohmic_read_as_by_pattern_on_lines_without_resistance(fakes):
    def off(line_ohm):
        """Largest difference of the two, and largest share that lines take away, of what the cells would deliver."""
        chip = {"cell": "sinh", "cell_options": {"b_per_v": 10.0}}
        bench = fakes.FakeBench(fakes.drawn_chip(2, **chip), line_ohm=line_ohm)
        pattern, cell = (bench.backend(read_by=by).read_currents(MIXED) for by in ("pattern", "cell"))
        amperes = np.sinh(10.0 * MIXED) / 10.0
        ideal, scale = amperes @ bench.chip.conductances, np.abs(amperes) @ bench.chip.conductances
        return (np.abs(cell - pattern) / scale).max(), (np.abs(pattern - ideal) / scale).max()

    assert max(off(0.0)) < 1e-9
    difference, loss = off(100.0)
    # What a line takes away depends on what else is driven, and changes a cell by the slope of its own curve.
    assert 1e-5 < difference < loss / 5 < 1e-3


def test_a_zero_reading_may_serve_several_batches_and_what_drifts_meanwhile_is_told(fakes):
    bench = fakes.FakeBench(fakes.drawn_chip(2))
    backend = bench.backend(zero_every=3)
    meter, offset_a = bench.sources["meter"], [0.0]
    measure = meter.measure
    meter.measure = lambda: Reading(measure().current_a + offset_a[0], limited=False)
    one = BIPOLAR[:1]  # four columns, rows at plus and rows at minus
    expected = one @ bench.chip.conductances
    for batch, (offset, readings) in enumerate([(3e-9, 16), (4e-9, 8), (5e-9, 8), (7e-9, 16), (7e-9, 8)]):
        offset_a[0], before = offset, meter.times("measure")
        found = backend.read_currents(one)
        assert meter.times("measure") - before == readings
        drift_a = offset - (3e-9, 3e-9, 3e-9, 7e-9, 7e-9)[batch]
        np.testing.assert_allclose(
            found, expected - 2 * drift_a, rtol=1e-5, atol=1e-13
        )  # in both readings of a pattern
    told = backend.work_done()
    assert (told["readings"], told["zero_every"], told["zeros_taken_again"]) == (56, 3, 8)
    assert told["zero_drift_largest_a"] == pytest.approx(4e-9, rel=1e-6)
    assert told["zero_drift_rms_a"] == pytest.approx(4e-9, rel=1e-6)
    backend.make_safe()
    before = meter.times("measure")
    backend.read_currents(one)  # nothing is known of a bench that was set up anew
    assert meter.times("measure") - before == 16


def test_floating_lines_show_sixteen_sevenths_of_a_uniform_array(fakes):
    bench = fakes.FakeBench(fakes.chip_of(np.full((4, 4), 7e-6)))
    backend = bench.backend(read_scheme="floating", write_scheme=None, continuity_only=True)
    # The leakage that the emulated circuit gives to floating lines is far below a part in 10^6.
    np.testing.assert_allclose(backend.read_conductances(0.1), 16e-6, rtol=1e-6)


def test_a_floating_bench_is_refused_unless_it_is_for_continuity_only(fakes):
    bench = fakes.FakeBench(fakes.drawn_chip())
    with pytest.raises(ConfigError, match="floating reads other cells too"):
        bench.backend(read_scheme="floating")
    assert bench.journal == []


@pytest.mark.parametrize("read_scheme", ["floating", "virtual ground"])
def test_a_bench_for_continuity_sends_no_pulse(fakes, read_scheme):
    bench = fakes.FakeBench(fakes.drawn_chip())
    backend = bench.backend(read_scheme=read_scheme, write_scheme=None, continuity_only=True)
    with pytest.raises(LimitError, match="for continuity only"):
        backend.send_pulses(np.ones((4, 4), dtype=int), Pulse(2.0, 0.05))
    backend.read_conductances(0.1)


BOUNDS = {"chip": ("MOST_PLANS", "LONG_BATCH"), "gate.gate": ("MOST_VERDICTS",), "schemes.wiring": ("MOST_KEPT",)}
"""What is remembered of plans, verdicts and crosspoints, and from how many patterns on a batch is not planned whole."""


@pytest.mark.parametrize("kind", [{}, {"dual": False, "divider_from": None}], ids=["virtual ground", "guarded"])
def test_where_next_to_nothing_may_be_remembered_all_is_asked_and_read_as_before(fakes, monkeypatch, kind):
    def done():
        bench = fakes.FakeBench(fakes.drawn_chip(2), **kind)
        backend = bench.backend()
        checkpoints = []
        backend.witness.checkpoint = lambda: checkpoints.append(0)
        read = [backend.read_currents(each).tolist() for each in (BIPOLAR, MIXED, BIPOLAR)]
        backend.send_pulses(np.eye(4, dtype=int), Pulse(2.0, 0.05))
        kept = [backend._plans, backend.gate._judged, backend.gate._across, backend.gate._wired._found]
        return (read, bench.journal), len(checkpoints), [len(each) for each in kept]

    usual, stops, _ = done()
    for module, names in BOUNDS.items():
        for name in names:
            monkeypatch.setattr(f"crossbar_hil.drivers.{module}.{name}", 1)
    few, more_stops, kept = done()
    assert few == usual
    assert more_stops > stops  # a batch that is long may be left while it is planned
    assert max(kept) == 1


@pytest.mark.fault("C13")
def test_every_read_scheme_leaves_the_cells_and_the_bench_log_as_they_were(fakes):
    for name in READ_SCHEMES:
        bench = fakes.FakeBench(fakes.drawn_chip(), dual=name != "guarded")
        before = bench.chip.conductances
        bench.backend(read_scheme=name, write_scheme=None, continuity_only=True).read_currents(BIPOLAR)
        assert np.array_equal(bench.chip.conductances, before)
        assert bench.world.log.of("exposure") == []
        assert bench.world.log.of("violation") == []


def limited(bench, **limits_a):
    return bench.backend(
        settings={
            port: SourceSettings(range_v=3.0, compliance_a=limits_a.get(port, 1e-3), range_a=1e-3)
            for port in bench.sources
        }
    )


@pytest.mark.fault("C1")
def test_a_meter_at_its_limit_is_named_with_its_column_and_nothing_is_returned(fakes):
    backend = limited(bench := fakes.FakeBench(fakes.chip_of(np.full((4, 4), 1e-6))), meter=1e-8)
    with pytest.raises(ComplianceError, match=r"smu\.b on column \d reached its current limit of 1e-08 A at -?1e-08"):
        backend.read_currents(BIPOLAR)
    assert all(bench.world.terminal(name).level_v == 0 for name in ("smu.a", "smu.b"))


@pytest.mark.fault("C1")
def test_a_drive_at_its_limit_is_named_with_its_rows_though_the_meter_is_not(fakes):
    backend = limited(bench := fakes.FakeBench(fakes.chip_of(np.full((4, 4), 1e-6))), drive=1e-8)
    with pytest.raises(ComplianceError, match=r"smu\.a on row 2, row 3 reached its current limit of 1e-08 A "):
        backend.read_currents([[0.0, 0.1, 0.1, 0.0]])
    assert bench.world.terminal("smu.a").level_v == 0


@pytest.mark.parametrize("voltage_v", [0.0, 0.21, -0.21])
def test_lines_are_measured_within_the_limit_of_reads_or_nothing_is_sent(fakes, voltage_v):
    bench = fakes.FakeBench(fakes.drawn_chip())
    backend = bench.backend()
    before = len(bench.journal)
    with pytest.raises(LimitError, match=r"must be above zero and within 0\.2 V"):
        backend.line_conductances(voltage_v)
    assert len(bench.journal) == before


def test_a_stop_ends_a_batch_of_reads_between_two_readings_and_two_states_of_the_relays(fakes):
    bench = fakes.FakeBench(fakes.drawn_chip())
    backend, looks = bench.backend(), []

    def checkpoint():
        looks.append(sum(call[1] == "connect" for call in bench.journal))
        if len(looks) == 4:
            raise Stopped("Ctrl-C was pressed")

    backend.witness.checkpoint = checkpoint
    with pytest.raises(Stopped):
        backend.read_conductances(0.1)
    assert looks == [0, 1, 1, 2]
    assert bench.is_safe()


def test_after_a_limit_the_next_batch_is_read_from_the_beginning(fakes):
    bench = fakes.FakeBench(fakes.chip_of(np.full((4, 4), 1e-6)))
    backend = limited(bench, meter=3e-7)
    with pytest.raises(ComplianceError):
        backend.read_currents(np.full((1, 4), 0.1))
    np.testing.assert_allclose(backend.read_currents([[0.1, 0, 0, 0]]), 1e-7, rtol=1e-6)


@pytest.mark.fault("I8", "T6")
@pytest.mark.parametrize("current_a", [9.91e37, float("nan"), float("inf"), 3e-3])
def test_a_current_that_cannot_be_is_an_instrument_error(fakes, current_a):
    bench = fakes.FakeBench(fakes.drawn_chip())
    backend = bench.backend()
    bench.sources["meter"].measure = lambda: Reading(current_a, limited=False)
    with pytest.raises(InstrumentError, match=r"smu\.b on column .* which its limit of 0.001 A rules out"):
        backend.read_currents(BIPOLAR)
    assert bench.is_safe()


def test_a_read_beyond_the_range_of_a_source_is_refused_before_anything_is_sent(fakes):
    bench = fakes.FakeBench(fakes.drawn_chip())
    settings = {port: SourceSettings(range_v=0.15, compliance_a=1e-3, range_a=1e-3) for port in bench.sources}
    backend = bench.backend(settings=settings)
    before = len(bench.journal)
    with pytest.raises(LimitError, match=r"0.2 V on port drive exceeds its range of 0.15 V"):
        backend.read_currents([[0.1, 0.2, 0, 0]])
    assert len(bench.journal) == before


# ---------------------------------------------------------------------- raw currents, for proving a bench

ROWS_0_AND_2 = ("drive", "ground", "drive", "ground", "meter", "ground", "ground", "ground")


def test_every_source_that_is_not_named_is_at_0_v_while_raw_currents_are_looked_at(fakes):
    bench = fakes.FakeBench(fakes.drawn_chip())
    ((one, other),) = bench.backend().look([(ROWS_0_AND_2, [{"drive": 0.1}, {"meter": 0.1}])])
    assert one["drive"].current_a == pytest.approx(0.1 * bench.chip.conductances[[0, 2]].sum(), rel=1e-6)
    assert other["meter"].current_a == pytest.approx(0.1 * bench.chip.conductances[:, 0].sum(), rel=1e-6)
    assert other["drive"].current_a == pytest.approx(one["meter"].current_a, rel=1e-6)  # by reciprocity


@pytest.mark.parametrize(
    ("shows", "told", "shorted"),
    [
        (Reading(-1.9e-3, limited=False), (-1.9e-3, False), True),  # of a limit of 1 mA
        (Reading(1e-3, limited=True), (1e-3, True), True),
        (Reading(2.1e-3, limited=False), (np.inf, True), False),
        (Reading(float("nan"), limited=False), (np.inf, True), False),
        (OverrangeError("measured 9.91e37 A"), (np.inf, True), True),
        (InstrumentError("nan stands for no number"), (np.inf, True), False),
        (DeadlineError("no answer"), None, False),
    ],
)
def test_a_current_beyond_a_limit_is_looked_at_and_a_lost_answer_is_an_error(fakes, shows, told, shorted):
    bench = fakes.FakeBench(fakes.drawn_chip())
    backend = bench.backend()

    def measure():
        if isinstance(shows, Exception):
            raise shows
        return shows

    bench.sources["meter"].measure = measure
    if told is None:
        for look in (lambda: backend.look([(ROWS_0_AND_2, [{"drive": 0.1}])]), lambda: backend.line_conductances(0.1)):
            with pytest.raises(DeadlineError):
                look()
            assert bench.is_safe()
    else:
        ((found,),) = backend.look([(ROWS_0_AND_2, [{"drive": 0.1}])])
        assert (found["meter"].current_a, found["meter"].limited) == told
        if not shorted:  # what is no current tells of no short
            with pytest.raises(InstrumentError, match="that is no current, so nothing is said of the wiring"):
                backend.line_conductances(0.1)
            assert bench.is_safe()
            return
        beyond = backend.line_conductances(0.1) == np.inf  # a short between any two lines, as far as the meter shows
        assert np.array_equal(beyond, ~np.eye(8, dtype=bool))


def test_nobody_is_asked_for_settings_while_a_voltage_is_on(fakes):
    bench = fakes.FakeBench(fakes.drawn_chip())
    backend, levels = bench.backend(), []
    backend.read_currents(BIPOLAR)
    backend._rig.apply({"drive": 0.1})  # as an operation leaves it that was broken off
    bench.sources["meter"].changes = lambda *, pulsing=False: levels.append(bench.world.terminal("smu.a").level_v) or []
    backend._rig.arm()
    assert levels == [0.0]


def test_a_stop_ends_a_look_between_two_states_and_each_is_asked_whether_anything_changed(fakes):
    bench = fakes.FakeBench(fakes.drawn_chip())
    backend, looks = bench.backend(), []
    asked = [0]
    for source in bench.sources.values():
        source.changes = lambda *, pulsing=False: asked.append(asked[-1] + 1) or []

    def checkpoint():
        looks.append(asked[-1])
        if len(looks) == 3:
            raise Stopped("Ctrl-C was pressed")

    backend.witness.checkpoint = checkpoint
    with pytest.raises(Stopped):
        backend.look([(ROWS_0_AND_2, [{"drive": 0.1}])] * 3)
    assert looks == [0, 2, 4]  # two sources
    assert bench.is_safe()
