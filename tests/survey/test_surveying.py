"""Planted faults are found by name, by readings and by as few pulses as show them; healthy chips are left in peace."""

from dataclasses import replace

import numpy as np
import pytest

from crossbar_hil.backend import Pulse
from crossbar_hil.bench.file import load_bench
from crossbar_hil.bench.opening import open_backend
from crossbar_hil.errors import DataError, LimitError
from crossbar_hil.sim_backend import ConductanceCurve, SimulatedBackend
from crossbar_hil.sim_backend.chip.starting import draw_shifts
from crossbar_hil.survey.judging import Healthy, Looks, healthy_by_chip, judge_reads
from crossbar_hil.survey.on_bench.surveying import healthy_of
from crossbar_hil.survey.surveying import Probe, survey

UP, DOWN = Pulse(2.0, 0.05), Pulse(-2.8, 0.05)
BENCH = load_bench("simulated")
HEALTHY = healthy_of(BENCH)


def planted(noise=0.0, **more):
    """A chip of 5 x 4 cells with one of each fault, whose cells start at 450 nS and rise by 2 uS."""
    siemens = np.full((5, 4), 450e-9)
    siemens[2, 0], siemens[2, 3], siemens[4, 1] = 2.4e-6, 90e-6, 300e-9
    fixed = np.zeros((5, 4), dtype=bool)
    fixed[2, 0] = fixed[2, 3] = fixed[4, 1] = True
    dead, unformed, factors = np.zeros_like(fixed), np.zeros_like(fixed), np.ones((5, 4))
    dead[0, 1], unformed[1, 2], factors[3, 3] = True, True, 0.02
    return SimulatedBackend(
        ConductanceCurve.from_csv(BENCH.chip.curve_file),
        siemens / 10,
        read_noise=noise,
        rng=np.random.default_rng(1),
        stuck=fixed,
        dead=dead,
        unformed=unformed,
        step_factors=factors,
        **more,
    )


BY_READS = {(0, 1): "open", (1, 2): "unformed", (2, 3): "shorted"}
BY_PULSES = BY_READS | {(2, 0): "stuck high", (4, 1): "stuck low", (3, 3): "weak"}


def found(result):
    return {cell: verdict for cell, verdict in np.ndenumerate(result.verdicts) if verdict}


@pytest.mark.parametrize("noise", [0.0, 0.02])
def test_readings_alone_find_open_unformed_and_shorted_cells_and_send_nothing(noise):
    result = survey(planted(noise), read_v=0.1, healthy=HEALTHY)
    assert found(result) == BY_READS
    assert not result.potentiating.any()
    assert not result.depressing.any()
    assert result.after is result.before


@pytest.mark.parametrize("down", [DOWN, None])
@pytest.mark.parametrize("noise", [0.0, 0.005])
def test_a_few_pulses_find_stuck_and_weak_cells_too_and_spare_those_that_readings_know(noise, down):
    result = survey(planted(noise), read_v=0.1, healthy=HEALTHY, probe=Probe(2, UP, down))
    assert found(result) == BY_PULSES
    sent = result.potentiating + result.depressing
    assert not any(sent[cell] for cell in BY_READS)
    assert result.potentiating[0, 0] == 1  # it moved at once
    assert result.potentiating[2, 0] == 2
    assert bool(result.depressing.any()) is (down is not None)


def test_a_cell_at_the_end_of_its_curve_is_not_called_stuck_as_a_depressing_pulse_moves_it():
    chip = open_backend(BENCH, seed=3)
    chip.send_pulses(60 * np.eye(4, dtype=np.int64), UP)
    assert not found(survey(chip, read_v=0.1, healthy=HEALTHY, probe=Probe(1, UP, DOWN)))


def test_depressing_pulses_bring_the_chip_nearer_to_where_it_was():
    kept, back = (
        survey(open_backend(BENCH, seed=3), read_v=0.1, healthy=HEALTHY, probe=Probe(3, UP, down))
        for down in (None, DOWN)
    )
    left = [np.abs(each.after.means - each.before.means).max() for each in (kept, back)]
    assert left[1] < left[0] / 2


def test_a_depressing_pulse_that_takes_one_cell_further_away_is_sent_to_no_other():
    chip = planted()
    chip.send_pulses(20 * np.ones((5, 4), dtype=np.int64), UP)  # one pulse down now undoes many pulses up
    result = survey(chip, read_v=0.1, healthy=HEALTHY, probe=Probe(1, UP, DOWN))
    moved = result.depressing * (result.verdicts == "")
    assert moved.sum() <= 1


def test_noise_in_which_a_step_drowns_makes_a_cell_unclear_and_not_stuck():
    result = survey(planted(0.5), read_v=0.1, healthy=HEALTHY, reads=4, probe=Probe(1, UP, DOWN))
    assert "stuck low" not in found(result).values()
    assert found(result)[4, 1] == "unclear"


def test_cells_of_a_thousand_healthy_chips_are_accused_of_nothing_by_their_readings():
    chip = BENCH.chip.model_copy(update={"rows": 4000})
    rng = np.random.default_rng(5)
    curve = ConductanceCurve.from_csv(BENCH.chip.curve_file)
    siemens = 10 * draw_shifts(chip.resolved, curve, rng)
    ends = siemens + 10 * curve.span
    for states in (siemens, ends):
        readings = states * (1 + 0.05 * rng.standard_normal((6, *states.shape)))
        assert not judge_reads(Looks.of(readings), HEALTHY).any()


def test_healthy_chips_with_noise_and_spread_steps_are_accused_of_nothing_by_pulses():
    bench = load_bench("simulated", overrides={"chip": {"read_noise": 0.01, "step_spread": 0.3}})
    for seed in range(10):
        result = survey(open_backend(bench, seed=seed), read_v=0.1, healthy=healthy_of(bench), probe=Probe(2, UP, DOWN))
        assert not found(result), seed


def test_without_a_curve_the_median_cell_says_what_is_usual():
    siemens = np.full((3, 3), 1e-6)
    siemens[0, 0], siemens[1, 1], siemens[2, 2] = 0.0, 2e-4, 1e-9
    usual = healthy_by_chip(siemens)
    assert (usual.low_siemens, usual.high_siemens) == pytest.approx((1e-7, 1e-5))
    verdicts = judge_reads(Looks.of(np.array([siemens, siemens])), usual)
    assert [verdicts[each, each] for each in range(3)] == ["open", "shorted", "unformed"]
    with pytest.raises(DataError, match="2 of 4 cells conduct"):
        healthy_by_chip(np.array([[1e-6, 0.0], [1e-6, 0.0]]))


@pytest.mark.parametrize(
    ("how", "error", "told"),
    [
        ({"reads": 1}, DataError, "reads 1 must be at least 2: one reading shows no noise"),
        ({"read_v": 1.5}, LimitError, "exceeds the limit of 1 V"),
        ({"probe": Probe(1, Pulse(3.5, 0.05), None)}, LimitError, "exceeds the limit of 3 V"),
        ({"probe": Probe(1, UP, Pulse(-3.5, 0.05))}, LimitError, "exceeds the limit of 3 V"),
    ],
)
def test_what_the_chip_does_not_bear_is_refused_before_anything_is_sent(how, error, told):
    chip = planted()
    with pytest.raises(error, match=told):
        survey(chip, **{"read_v": 0.1, "healthy": HEALTHY, **how})
    assert not chip.pulsed


@pytest.mark.parametrize("limits", [{"pulses": 3}, {"dose_vs": 0.4}])
def test_a_survey_whose_two_kinds_of_pulses_are_together_too_many_is_refused_before_the_first(limits):
    chip = planted()
    chip.limits = replace(chip.limits, **limits)  # two of 0.1 V s and two of 0.14 V s, for a cell that does not move
    with pytest.raises(LimitError, match=r"so (4|0\.56 V s) more would"):
        survey(chip, read_v=0.1, healthy=HEALTHY, probe=Probe(2, UP, DOWN))
    assert not chip.pulsed


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((0, UP, None), "pulses 0 must be from 1 to 100"),
        ((101, UP, None), "pulses 101 must be from 1 to 100"),
        ((1, DOWN, None), "potentiation needs a positive"),
        ((1, UP, UP), "potentiation needs a positive"),
    ],
)
def test_a_probe_that_makes_no_sense_is_refused(arguments, told):
    with pytest.raises(DataError, match=told):
        Probe(*arguments)


@pytest.mark.parametrize("ends", [(0.0, 1e-6, 1e-5), (2e-6, 1e-6, 1e-5), (1e-7, 1e-4, 1e-5), (1e-7, 1e-6, np.inf)])
def test_what_healthy_cells_conduct_must_rise(ends):
    with pytest.raises(DataError, match="must be above zero and rise"):
        Healthy(*ends, 1e-6, "nowhere")


def test_what_healthy_cells_rise_by_must_be_a_number():
    with pytest.raises(DataError, match="rise by -1e-06 S"):
        Healthy(1e-7, 1e-6, 1e-5, -1e-6, "nowhere")
