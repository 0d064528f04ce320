import numpy as np
import pytest

import crossbar_hil
from crossbar_hil.backend import Limits, Pulse
from crossbar_hil.errors import ConfigError, DataError, LimitError
from crossbar_hil.programming.estimate import CellEstimate
from crossbar_hil.programming.loop import BUDGET, NO_TARGET, OUTSIDE, REACHED, STEP, STUCK, WORDS, Loop
from crossbar_hil.programming.planning import Burst
from crossbar_hil.programming.response import Response
from crossbar_hil.programming.settings import ProgramSettings
from crossbar_hil.sim_backend import ConductanceCurve, SimulatedBackend

from .conftest import DOWN, SPAN, UP, chip
from .curve_by_hand import Cell

SHIFTS = np.array([[2e-8, 5e-8], [3e-8, 8e-8]])
LOW = 10 * SHIFTS


def test_what_was_sent_brings_cells_of_a_plain_loop_to_the_same_conductances(reference):
    targets = LOW + SPAN * np.array([[0.31, 0.62], [0.1, 0.85]])
    found = crossbar_hil.program(reference, targets)
    cells = {place: Cell() for place in np.ndindex(2, 2)}
    for rising, falling, conductances in zip(found.rising, found.falling, found.conductances, strict=True):
        for place, cell in cells.items():
            assert 10 * cell.rise + LOW[place] == pytest.approx(float(conductances[place]), abs=1e-15)
            # Of two bursts in a round the second is of the other kind than the first; which came first the end tells.
            orders = ((True, False), (False, True))
            ends = []
            for order in orders:
                twin = Cell()
                twin.up, twin.level = cell.up, cell.level
                for up in order:
                    for _ in range((rising if up else falling)[place]):
                        twin.pulse(up)
                ends.append(twin)
            after = found.conductances[min(_next(found, conductances), found.rounds - 1)][place]
            cells[place] = min(ends, key=lambda twin: abs(10 * twin.rise + LOW[place] - after))
    assert found.verdict == "converged"
    assert (np.abs(found.conductances[-1] - targets) <= 0.01 * SPAN).all()
    assert found.standing.tolist() == [[REACHED] * 2] * 2
    assert (np.median(found.pulses), found.rounds) <= (30, 5)


def _next(found, conductances):
    return 1 + next(
        k for k, each in enumerate(found.conductances) if each is conductances or (each == conductances).all()
    )


@pytest.mark.parametrize("before", [0, 1, 7, 30, 50])
@pytest.mark.parametrize("share", [0.05, 0.35, 0.7])
@pytest.mark.parametrize("known", [True, False])
def test_targets_are_reached_from_anywhere_on_the_curve_whether_the_start_is_known_or_not(before, share, known):
    backend = chip(SHIFTS)
    backend.send_pulses(np.full((2, 2), before), UP)
    found = crossbar_hil.program(backend, LOW + share * SPAN, low=LOW if known else None)
    assert np.isin(found.standing, [REACHED, STEP]).all() or not known
    assert np.abs(found.errors).max() < (0.04 if known else 0.07)


def test_each_cell_says_what_it_reached_and_why_not():
    shifts = np.array([[2e-8] * 3, [5e-8] * 3])
    backend = chip(
        shifts,
        stuck=[[False, True, False], [False] * 3],
        dead=[[False] * 3, [False, True, False]],
    )
    low = 10 * shifts
    targets = low + SPAN * np.array([[0.5, 0.5, 1.3], [-0.1, 0.5, np.nan]])
    found = crossbar_hil.program(backend, targets, low=np.where(np.isnan(targets), np.nan, np.maximum(low, 1e-9)))
    words = [[WORDS[each] for each in row] for row in found.standing]
    assert words == [["reached", "stuck", "outside its range"], ["outside its range", "stuck", "no target"]]
    assert not found.pulses[1, [0, 2]].any()
    assert found.pulses[0, 1] <= 40
    assert "stuck: pulses do not move it from 200 nS" in found.why((0, 1))
    assert found.why((1, 0)) == "target outside the range of this cell: 10 % of the range below what it can be"
    assert found.conductances[-1, 0, 2] == pytest.approx(low[0, 2] + SPAN)  # as near as it can be
    assert found.verdict == "partly"


def test_a_step_that_is_too_large_is_said_with_the_error_that_it_allows():
    coarse = SimulatedBackend(ConductanceCurve([1e-7, 5e-7, 9e-7], pulse=UP), [[1e-7]], scale=1.0)
    found = crossbar_hil.program(coarse, [[3.4e-7]])
    assert found.standing[0, 0] == STEP
    assert found.why((0, 0)) == "step size allows 20 % of the range"  # 160 of 800 nS beyond, instead of 240 before
    assert found.pulses[0, 0] == 1


def test_a_budget_that_is_too_small_is_named(reference):
    found = crossbar_hil.program(reference, LOW + 0.8 * SPAN, pulses=3)
    assert set(found.standing.ravel()) == {BUDGET}
    assert found.pulses.max() <= 3
    assert "3 pulses were not enough" in found.why((0, 0))


def test_steps_that_vary_from_cell_to_cell_and_pulse_to_pulse_are_learnt():
    rng = np.random.default_rng(3)
    backend = chip(np.full((4, 4), 5e-8), rng=rng, step_spread=0.26, step_variation=0.1)
    factors = backend.step_factors
    targets, low = 5e-7 + SPAN * factors * rng.uniform(0.1, 0.9, (4, 4)), np.full((4, 4), 5e-7)
    found = crossbar_hil.program(backend, targets, spread=0.26, low=low)
    assert (found.standing == REACHED).mean() >= 0.6
    assert np.median(found.pulses) <= 30


def test_noise_and_wires_are_lived_with():
    rng = np.random.default_rng(4)
    noisy = chip(np.full((4, 4), 5e-8), rng=rng, read_noise=0.01)
    targets = 5e-7 + SPAN * rng.uniform(0.05, 0.7, (4, 4))
    assert (np.abs(crossbar_hil.program(noisy, targets, reads=9).errors) <= 0.015).mean() >= 0.85
    wired = chip(np.full((4, 4), 5e-8), wire_ohm=1000.0)
    found = crossbar_hil.program(wired, targets)
    np.testing.assert_array_equal(found.conductances[-1], wired.read_conductances(0.1))  # the effective ones
    assert (found.standing == REACHED).mean() >= 0.85


def test_a_cell_that_has_reached_its_target_and_is_moved_by_its_neighbours_is_brought_back():
    targets = 5e-7 + SPAN * np.array([[0.3, 0.9], [0.95, 0.31]])
    found = crossbar_hil.program(chip(np.full((2, 2), 5e-8), disturb=0.01), targets, pulses=100)
    assert np.abs(found.errors).max() <= 0.03


@pytest.mark.parametrize(
    ("targets", "error", "said"),
    [
        ([[1e-6, 1e-6]], DataError, "1 rows and 2 columns, the chip has 2 rows and 2 columns; nothing was sent"),
        ([[1e-6, 1.0], [1e-6, 1e-6]], DataError, "is 1 S, it must be from 0"),
        ([[np.nan] * 2] * 2, DataError, "no cell has a target"),
    ],
)
def test_targets_that_do_not_fit_are_refused_before_anything_is_sent(reference, targets, error, said):
    with pytest.raises(error, match=said):
        crossbar_hil.program(reference, targets)
    assert not reference.pulsed


@pytest.mark.parametrize(
    ("more", "error", "said"),
    [
        ({"tolerance": 0}, ConfigError, "tolerance = 0 must be above 0"),
        ({"pulses": 0}, ConfigError, "pulses = 0 must be at least 1"),
        ({"reads": 0}, ConfigError, "reads = 0 must be at least 1"),
        ({"range_siemens": -1.0}, ConfigError, "range_siemens"),
        ({"down": Pulse(2.0, 0.05)}, ConfigError, "depressed below, got pulses of 2 V, 50 ms and 2 V"),
        ({"spread": -1}, ConfigError, "spread -1"),
        ({"pulses": 5000}, LimitError, "5000"),
    ],
)
def test_settings_that_cannot_be_are_refused_before_anything_is_sent(more, error, said):
    backend = chip(limits=Limits(1.0, 3.0, 1.0, pulses=1000))
    with pytest.raises(error, match=said):
        crossbar_hil.program(backend, np.full((2, 2), 1e-6), **more)
    assert not backend.pulsed


def test_without_a_depressing_pulse_an_overshoot_stays_and_is_told():
    curve = ConductanceCurve([1e-7, 2e-7, 3e-7, 4e-7], pulse=UP)
    backend = SimulatedBackend(curve, [[1e-7, 3e-7]], scale=1.0)
    backend.send_pulses([[0, 2]], UP)
    found = crossbar_hil.program(backend, [[3e-7, 2e-7]])
    assert found.standing.tolist() == [[REACHED, OUTSIDE]]
    assert not found.falling.any()


def test_a_trained_chip_goes_back_by_the_fewest_depressing_pulses(reference):
    reference.send_pulses([[0, 3], [20, 50]], UP)
    found = crossbar_hil.reset(reference, LOW)
    assert found.verdict == "converged"
    assert not found.rising.any()
    for place, before in (((0, 1), 3), ((1, 0), 20), ((1, 1), 50)):
        cell = Cell()
        for _ in range(before):
            cell.pulse(True)
        fewest = 0
        while 10 * cell.rise > 0.05 * SPAN:
            cell.pulse(False)
            fewest += 1
        assert abs(found.pulses[place] - fewest) <= 2  # the measured curve goes up and down there
    assert found.pulses[0, 0] == 0


def test_what_cannot_be_brought_back_is_said():
    backend = chip(stuck=[[True, False], [False, False]])
    found = crossbar_hil.reset(backend, LOW - np.array([[1e-7, 2e-7], [-2e-7, 0.0]]) + 0.0, tolerance=0.01)
    assert found.standing[1, 1] == REACHED
    assert "cannot be brought back: depressing pulses do not lower it from 500 nS" in found.why((0, 1))
    assert "cannot be brought back: depressing pulses cannot raise it" in found.why((1, 0))
    assert found.standing[0, 0] in (STUCK, OUTSIDE)
    assert NO_TARGET not in found.standing


def test_a_result_tells_draws_and_hands_out_what_it_is(reference):
    found = crossbar_hil.program(reference, LOW + SPAN * np.array([[0.3, 1.4], [0.6, np.nan]]))
    assert "2 of 3 cells within 1 % of the range of 2.1 uS" in repr(found)
    assert "not 1 outside its range" in repr(found)
    assert len(list(found.series().rows)) == 4
    assert found.variables()["rising"].values.shape == (found.rounds, 2, 2)
    assert found.plot("errors").axes[0].get_xlabel().endswith("(% of the range)")
    np.testing.assert_allclose(found.dose_vs, 0.1 * found.rising.sum(axis=0) + 0.14 * found.falling.sum(axis=0))


def decided_after(history, target):
    """Return where a cell stands that read so after such bursts, and what it gets next; all as shares of its range.

    Ten potentiating or fifteen depressing pulses, of even steps, take a cell through it.
    """
    even = Response.of(UP, DOWN, SPAN * np.linspace(0, 1, 11), np.linspace(1, 0, 16))
    loop = Loop(chip(), np.array([[target * SPAN]]), even, ProgramSettings(range_siemens=SPAN))
    cell = CellEstimate(even, history[0] * SPAN, 0.0)
    for burst, share in zip(history[1::2], history[2::2], strict=True):
        cell.take(share * SPAN, burst)
    stands, burst = loop._decide(cell, target * SPAN)
    return WORDS[stands], burst


def test_a_cell_that_went_up_and_down_again_is_read_in_between_before_it_is_judged():
    plan = Burst(True, 3, 1)  # 0.3 - 0.0667 is the target
    assert decided_after([0.0], 0.2333) == ("under way", plan)
    assert decided_after([0.0, plan, 0.0], 0.2333) == ("under way", Burst(True, 3))


def test_a_cell_that_moved_and_then_moves_no_further_is_at_its_end_and_not_stuck():
    assert decided_after([0.0, Burst(True, 6), 0.6, *3 * [Burst(True, 2), 0.6]], 0.9)[0] == "outside its range"
    assert decided_after([0.0, *3 * [Burst(True, 2), 0.0]], 0.9)[0] == "stuck"
