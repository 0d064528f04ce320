"""The simulated chip."""

import math
from importlib import resources

import numpy as np
import pytest

from crossbar_hil import Limits, Pulse, Trainer
from crossbar_hil.errors import DataError, LimitError
from crossbar_hil.sim_backend import ConductanceCurve, SimulatedBackend, lognormal_shifts
from crossbar_hil.sim_backend.circuit.cells import Sinh

from .chance import p_of_normal, variance_bounds

UP, DOWN = Pulse(2.0, 0.05), Pulse(-2.8, 0.05)
SHIPPED = resources.files("crossbar_hil.data") / "figure2a.csv"


@pytest.fixture(scope="module")
def figure2a():
    return ConductanceCurve.from_csv(SHIPPED)


def chip(curve, shift=2e-8, shape=(2, 2), **options):
    return SimulatedBackend(curve, np.full(shape, shift), **options)


def pulse(backend, kind, times=1, cell=(0, 0)):
    """Send `times` pulses of one kind to one cell, one by one, and return its conductance after each."""
    counts = np.zeros(backend.shape, int)
    counts[cell] = 1
    seen = []
    for _ in range(times):
        backend.send_pulses(counts, kind)
        seen.append(backend.conductances[cell])
    return seen


def ladder(steps=10):
    """A curve of equal steps of 1e-7 S up, and one of a fifth of the whole range down."""
    top = 1e-7 * steps
    down = ConductanceCurve(np.linspace(5e-7, 0, 6), DOWN)
    return ConductanceCurve(np.linspace(1e-7, 1e-7 + top, steps + 1), UP, [down])


# ---------------------------------------------------------------------- G = K ((G_exp(m) - G_exp(0)) + shift)


def test_a_fresh_cell_has_scale_times_shift(figure2a):
    backend = SimulatedBackend(figure2a, [[2e-8, 5e-8]], scale=7.0)
    assert np.allclose(backend.conductances, [[1.4e-7, 3.5e-7]], rtol=1e-15, atol=0)


def test_the_conductance_after_m_pulses_is_that_of_the_equation(figure2a):
    # Level 1 and 3 of figure 2a at 50 ms: 0.515 and 0.540 uS, level 0 is 0.454 uS; shifts 20 and 50 nS, K = 10.
    backend = SimulatedBackend(figure2a, [[2e-8, 5e-8]], scale=10.0)
    backend.send_pulses([[1, 3]], UP)
    # Differences of numbers of 1e-7: 15 digits remain.
    assert np.allclose(backend.conductances, [[10 * (0.061e-6 + 2e-8), 10 * (0.086e-6 + 5e-8)]], rtol=1e-13, atol=0)


def test_a_curve_that_goes_the_wrong_way_lowers_the_conductance(figure2a):
    # After pulse 4 of figure 2a: 0.5400 uS, after pulse 5: 0.53914 uS.
    fourth, fifth = pulse(chip(figure2a), UP, 4)[2:]
    assert math.isclose(fifth - fourth, 10 * (0.53914e-6 - 0.54e-6), rel_tol=1e-9)


def test_three_pulses_at_once_are_three_pulses(figure2a):
    at_once, one_by_one = chip(figure2a), chip(figure2a)
    at_once.send_pulses([[3, 0], [0, 0]], UP)
    pulse(one_by_one, UP, 3)
    assert np.array_equal(at_once.conductances, one_by_one.conductances)


def test_a_pulse_moves_only_the_cells_that_are_counted(figure2a):
    backend = chip(figure2a)
    before = backend.conductances
    pulse(backend, UP, cell=(1, 0))
    assert np.argwhere(backend.conductances != before).tolist() == [[1, 0]]


def test_currents_add_up_along_a_column(figure2a):
    # G = 1e-7, 2e-7; 3e-7, 4e-7 S with K = 1; 0.1 and -0.2 V: 1e-8 - 6e-8 and 2e-8 - 8e-8 A.
    backend = SimulatedBackend(figure2a, [[1e-7, 2e-7], [3e-7, 4e-7]], scale=1.0)
    assert np.allclose(backend.read_currents([[0.1, -0.2]]), [[-5e-8, -6e-8]], rtol=1e-12, atol=0)


def test_a_nonlinear_cell_changes_the_current_and_not_the_conductance(figure2a):
    backend = SimulatedBackend(figure2a, [[1e-7], [2e-7]], scale=1.0, cell=Sinh(4.0))
    expected = 1e-7 * math.sinh(4 * 0.5) / 4 + 2e-7 * math.sinh(4 * -0.3) / 4
    assert math.isclose(backend.read_currents([[0.5, -0.3]])[0, 0], expected, rel_tol=1e-12)
    assert np.allclose(backend.conductances, [[1e-7], [2e-7]], rtol=1e-15, atol=0)


def test_reading_leaves_the_chip_as_it_is(figure2a):
    backend = chip(figure2a)
    before = backend.conductances
    for _ in range(100):
        backend.read_currents([[1.0, -1.0]])
    assert np.array_equal(backend.conductances, before)


def test_conductances_handed_out_are_a_copy(figure2a):
    backend = chip(figure2a)
    backend.conductances[:] = 0
    assert (backend.conductances > 0).all()


def test_the_shifts_of_the_caller_may_change_afterwards(figure2a):
    shifts = np.full((2, 2), 2e-8)
    backend = SimulatedBackend(figure2a, shifts)
    shifts[:] = 1e-6
    pulse(backend, UP)
    assert math.isclose(backend.conductances[1, 1], 2e-7, rel_tol=1e-12)


# ---------------------------------------------------------------------- saturation


@pytest.mark.fault("C4")
def test_a_cell_at_the_end_of_its_curve_stays_there_for_thousands_of_pulses(figure2a):
    backend = chip(figure2a, scale=1.0)
    end = pulse(backend, UP, 50)[-1]
    # The last point of figure 2a at 50 ms: 0.64047 uS.
    assert math.isclose(end, 0.64047e-6 - 0.454e-6 + 2e-8, rel_tol=1e-12)
    backend.send_pulses([[5000, 0], [0, 0]], UP)
    assert set(pulse(backend, UP, 300)) == {end}


def test_saturation_is_reported_from_the_last_level_on(figure2a):
    backend = chip(figure2a)
    pulse(backend, UP, 49)
    assert not backend.saturated_cells().any()
    pulse(backend, UP)
    assert backend.saturated_cells().tolist() == [[True, False], [False, False]]


@pytest.mark.parametrize("before", [0, 1, 50])
def test_the_largest_accepted_count_saturates(figure2a, before):
    backend = chip(figure2a)
    pulse(backend, UP, before)
    backend.send_pulses(np.full((2, 2), 10**9), UP)
    assert backend.saturated_cells().all()


def test_an_absurd_count_is_refused_and_the_chip_goes_on(figure2a):
    backend = chip(figure2a)
    with pytest.raises(DataError, match="pulse counts hold 9223372036854775807, expected 0 to 1000000000"):
        backend.send_pulses(np.full((2, 2), np.iinfo(np.int64).max), UP)
    pulse(backend, UP, 1)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.uint64])
def test_counts_of_a_narrow_integer_type_do_not_overflow(figure2a, dtype):
    backend = chip(figure2a)
    for _ in range(3):
        backend.send_pulses(np.full((2, 2), 100, dtype), UP)
    assert backend.saturated_cells().all()


@pytest.mark.fault("C4")
@pytest.mark.parametrize(
    ("settings", "epochs", "pulses"),
    [
        ({"give_up": False, "unresponsive": 0}, 200, 2 * 199),
        ({"give_up": False, "unresponsive": 5}, 200, 2 * (1 + 5)),  # one that moves it, five that do not
        ({}, 2, 2),  # after the first pulse nothing can move any more
    ],
)
def test_training_on_a_saturated_chip_goes_on_or_ends_as_it_is_told_to(settings, epochs, pulses):
    backend = chip(ConductanceCurve([4e-7, 4.1e-7], UP))
    result = Trainer(backend, pulse=UP, beta=1e5, epochs=200, **settings).run([[0, 1], [1, 0]], [[1], [0]])
    assert (result.converged, result.epochs, result.pulses) == (False, epochs, pulses)
    assert ("end of its curve" in (result.given_up or "")) == (settings == {})


# ---------------------------------------------------------------------- depression

# Figure 2a, -2.8 V, 50 ms: 0.39, 0.11, 0.077381 uS after 1, 2, 3 pulses, lowest 0.018403 uS. Its start is laid on the
# largest rise of the 2 V, 50 ms curve, 0.66437 - 0.454 uS, and its lowest point on zero.
SPAN = 0.66437e-6 - 0.454e-6
DEPRESSED = [SPAN * (g - 0.018403e-6) / (0.39e-6 - 0.018403e-6) for g in (0.39e-6, 0.11e-6, 0.077381e-6, 0.066327e-6)]


def test_depression_follows_the_measured_curve_by_normalised_position(figure2a):
    backend = chip(figure2a, scale=1.0)
    start = pulse(backend, UP, 3)[-1]
    # After three pulses the cell stands at 0.54 - 0.454 = 0.086 uS, between the first two points of the depression.
    entry = (DEPRESSED[0] - 0.086e-6) / (DEPRESSED[0] - DEPRESSED[1])
    assert 0 < entry < 1
    expected = [
        2e-8 + (1 - entry) * DEPRESSED[n] + entry * DEPRESSED[n + 1]  # as far between the next two points
        for n in (1, 2)
    ]
    assert math.isclose(start, 2e-8 + 0.086e-6, rel_tol=1e-12)
    # Differences of 1e-7 and one division: 13 digits remain.
    assert np.allclose(pulse(backend, DOWN, 2), expected, rtol=1e-11, atol=0)


def test_a_depressed_cell_ends_at_the_end_of_the_depression_curve(figure2a):
    backend = chip(figure2a, scale=1.0)
    pulse(backend, UP, 20)
    pulse(backend, DOWN, 60)
    # The last point, 0.019793 uS, lies a little above the lowest.
    end = SPAN * (0.019793e-6 - 0.018403e-6) / (0.39e-6 - 0.018403e-6)
    assert math.isclose(backend.conductances[0, 0], 2e-8 + end, rel_tol=1e-11)
    assert backend.saturated_cells()[0, 0]


def test_depression_never_takes_a_cell_below_its_fresh_conductance(figure2a):
    backend = chip(figure2a)
    fresh = backend.conductances[0, 0]
    pulse(backend, UP, 50)
    assert min(pulse(backend, DOWN, 100)) >= fresh * (1 - 1e-12)


def test_up_down_and_up_again_is_continuous_at_each_change_of_direction():
    backend = chip(ladder(), scale=1.0, shift=0.0)
    # Steps of 1e-7 up and 2e-7 down, by hand, from wherever the cell stands.
    assert np.allclose(pulse(backend, UP, 5), [1e-7, 2e-7, 3e-7, 4e-7, 5e-7], rtol=1e-12, atol=0)
    assert np.allclose(pulse(backend, DOWN, 2), [3e-7, 1e-7], rtol=1e-12, atol=1e-20)
    assert np.allclose(pulse(backend, UP, 3), [2e-7, 3e-7, 4e-7], rtol=1e-12, atol=0)
    assert np.allclose(pulse(backend, DOWN, 1), [2e-7], rtol=1e-12, atol=0)


def test_zero_pulses_of_the_other_direction_change_nothing(figure2a):
    backend = chip(figure2a)
    pulse(backend, UP, 7)
    before = backend.conductances
    backend.send_pulses(np.zeros((2, 2), int), DOWN)
    assert np.array_equal(backend.conductances, before)
    follow = chip(figure2a)
    assert pulse(follow, UP, 8)[-1] == pulse(backend, UP)[-1]


def test_cells_that_are_not_depressed_stay_where_they_are(figure2a):
    backend = chip(figure2a)
    backend.send_pulses([[4, 9], [16, 25]], UP)
    before = backend.conductances
    pulse(backend, DOWN, 3, cell=(0, 1))
    after = backend.conductances
    after[0, 1] = before[0, 1]
    assert np.array_equal(after, before)


def test_cells_on_both_curves_move_in_one_call(figure2a):
    mixed, alone = chip(figure2a), chip(figure2a)
    mixed.send_pulses([[9, 9], [0, 0]], UP)
    pulse(mixed, DOWN, 2)
    mixed.send_pulses([[2, 2], [2, 0]], UP)
    pulse(alone, UP, 11, cell=(0, 1))
    pulse(alone, UP, 2, cell=(1, 0))
    assert mixed.conductances[0, 1] == alone.conductances[0, 1]
    assert mixed.conductances[1, 0] == alone.conductances[1, 0]
    assert mixed.conductances[1, 1] == alone.conductances[1, 1]


# ---------------------------------------------------------------------- other pulses


@pytest.mark.parametrize(
    ("width_s", "start", "points"),
    [
        (0.001, 0.454e-6, {1: 0.49e-6, 2: 0.49787e-6, 50: 0.52047e-6}),
        (0.005, 0.453e-6, {1: 0.486e-6, 2: 0.49478e-6, 50: 0.56669e-6}),
        (0.01, 0.45e-6, {1: 0.495e-6, 2: 0.50119e-6, 50: 0.5569e-6}),
    ],
)
def test_a_fresh_cell_follows_the_measured_curve_of_another_width(figure2a, width_s, start, points):
    seen = pulse(chip(figure2a, scale=1.0), Pulse(2.0, width_s), 60)
    for level, conductance in points.items():
        # Differences of numbers of 5e-7: 14 digits remain.
        assert math.isclose(seen[level - 1], conductance - start + 2e-8, rel_tol=1e-12)
    assert len(set(seen[50:])) == 1


def test_a_width_between_two_measured_ones_moves_a_cell_between_them(figure2a):
    middle = math.sqrt(0.01 * 0.05)
    short, between, long = (pulse(chip(figure2a), Pulse(2.0, w), 50) for w in (0.01, middle, 0.05))
    assert (np.array(between) >= np.minimum(short, long)).all()
    assert (np.array(between) <= np.maximum(short, long)).all()
    # Half-way in the logarithm: the mean.
    assert np.allclose(between, (np.array(short) + long) / 2, rtol=1e-12, atol=0)


def test_a_shorter_pulse_goes_on_from_where_a_longer_one_left_the_cell(figure2a):
    backend = chip(figure2a, scale=1.0)
    start = pulse(backend, UP, 1)[-1]
    # A rise of 0.061 uS lies between levels 5 and 6 of the 10 ms curve (0.51007 and 0.50569 fall short, 0.51123 passes
    # 0.511), so one more pulse ends between its levels 6 and 7: rises of 0.06123 and 0.06493 uS.
    moved = pulse(backend, Pulse(2.0, 0.01))[-1]
    share = (0.511e-6 - 0.50569e-6) / (0.51123e-6 - 0.50569e-6)
    assert start == pytest.approx(0.061e-6 + 2e-8, rel=1e-12)
    assert moved == pytest.approx(2e-8 + 0.06123e-6 + share * (0.06493e-6 - 0.06123e-6), rel=1e-11)


def test_a_pulse_whose_curve_never_rises_so_far_does_nothing(figure2a):
    backend = chip(figure2a)
    high = pulse(backend, UP, 45)[-1]
    assert set(pulse(backend, Pulse(2.0, 0.001), 20)) == {high}


REFUSED = [Pulse(2.0, 0.0005), Pulse(2.0, 0.06), Pulse(1.5, 0.05), Pulse(-2.8, 0.5), Pulse(-1.0, 0.05)]


@pytest.mark.parametrize("unknown", REFUSED, ids=str)
def test_a_pulse_outside_the_measurement_is_refused_and_changes_nothing(figure2a, unknown):
    backend = chip(figure2a)
    pulse(backend, UP, 3)
    before, state = backend.conductances, backend.state()
    with pytest.raises(LimitError) as refusal:
        backend.send_pulses(np.ones((2, 2), int), unknown)
    assert str(unknown) in str(refusal.value)
    assert "2 V from 1 ms to 50 ms and -2.8 V from 1 ms to 50 ms" in str(refusal.value)
    assert np.array_equal(backend.conductances, before)
    assert all(np.array_equal(backend.state()[key], value) for key, value in state.items())


@pytest.mark.parametrize("unknown", REFUSED, ids=str)
def test_a_refused_pulse_is_no_reason_to_refuse_the_next(figure2a, unknown):
    backend, twin = chip(figure2a), chip(figure2a)
    for _ in range(2):
        with pytest.raises(LimitError):
            backend.send_pulses(np.ones((2, 2), int), unknown)
    assert pulse(backend, UP, 2) == pulse(twin, UP, 2)


def test_the_limits_of_the_chip_count_beside_the_measurement(figure2a):
    backend = chip(figure2a, limits=Limits(read_v=0.2, pulse_v=2.5, width_s=0.02))
    with pytest.raises(LimitError, match=r"pulse width 0\.05 s exceeds the limit of 0\.02 s"):
        pulse(backend, UP)
    with pytest.raises(LimitError, match=r"pulse amplitude -2\.8 V exceeds the limit of 2\.5 V"):
        pulse(backend, Pulse(-2.8, 0.01))
    with pytest.raises(LimitError, match=r"read voltage 0\.3 V"):
        backend.read_currents([[0.3, 0.0]])


@pytest.mark.parametrize("first", [UP, Pulse(1.3, 0.2)], ids=str)
def test_a_curve_without_a_pulse_takes_the_first_for_its_own(first):
    backend = chip(ConductanceCurve([4e-7, 5e-7, 6e-7]), scale=1.0)
    assert pulse(backend, first, 1) == pytest.approx([1.2e-7], rel=1e-12)
    before = backend.conductances
    with pytest.raises(LimitError, match=f"taken to be {first}"):
        pulse(backend, Pulse(2.2, 0.01))
    assert np.array_equal(backend.conductances, before)
    assert pulse(backend, first, 1) == pytest.approx([2.2e-7], rel=1e-12)


def test_a_curve_without_a_pulse_cannot_be_depressed():
    backend = chip(ConductanceCurve([4e-7, 5e-7]))
    with pytest.raises(LimitError, match="one potentiating pulse"):
        pulse(backend, DOWN)
    assert len(pulse(backend, UP)) == 1


def test_a_refused_first_pulse_is_not_taken_for_the_curves_own():
    backend = chip(ConductanceCurve([4e-7, 5e-7]))
    with pytest.raises(LimitError):
        pulse(backend, Pulse(9.0, 0.05))
    assert len(pulse(backend, UP)) == 1


# ---------------------------------------------------------------------- faults


def test_a_stuck_cell_keeps_its_conductance_and_still_conducts(figure2a):
    stuck = np.array([[True, False], [False, False]])
    backend = chip(figure2a, stuck=stuck)
    before = backend.conductances
    backend.send_pulses(np.full((2, 2), 60), UP)
    backend.send_pulses(np.full((2, 2), 3), DOWN)
    assert backend.conductances[0, 0] == before[0, 0] == pytest.approx(2e-7)
    assert (backend.conductances[~stuck] != before[~stuck]).all()


def test_a_dead_cell_carries_no_current_for_ever(figure2a):
    backend = chip(figure2a, dead=[[False, True], [False, True]])
    backend.send_pulses(np.full((2, 2), 5), UP)
    assert backend.read_currents([[0.1, 0.1]])[0, 1] == 0
    assert backend.conductances[:, 1].tolist() == [0, 0]
    assert (backend.conductances[:, 0] > 0).all()


def test_stuck_and_dead_cells_are_not_reported_as_saturated(figure2a):
    backend = chip(figure2a, stuck=[[True, False], [False, False]], dead=[[False, True], [False, False]])
    backend.send_pulses(np.full((2, 2), 60), UP)
    assert backend.saturated_cells().tolist() == [[False, False], [True, True]]


@pytest.mark.parametrize("name", ["stuck", "dead"])
@pytest.mark.parametrize("mask", [np.ones((3, 2), bool), [[1, 0], [0, 0]], True])
def test_a_mask_of_another_shape_or_type_is_refused(figure2a, name, mask):
    with pytest.raises(DataError, match=rf"{name} must be bool of shape \(2, 2\)"):
        chip(figure2a, **{name: mask})


# ---------------------------------------------------------------------- noise


def test_read_noise_of_the_cells_of_a_column_adds_in_squares(figure2a):
    # 4 % of each cell: the variance of a column is 0.04^2 times the sum of the squared cell currents.
    conductances = np.array([[1e-7, 5e-7], [4e-7, 0.0], [2e-7, 3e-7]])
    voltages, reads = np.array([0.1, -0.2, 0.15]), 20000
    backend = SimulatedBackend(figure2a, conductances, scale=1.0, read_noise=0.04, rng=np.random.default_rng(11))
    currents = backend.read_currents(np.tile(voltages, (reads, 1)))
    cells = conductances * voltages[:, None]
    expected = 0.04 * np.sqrt((cells**2).sum(axis=0))
    # (n - 1) s^2 / sigma^2 is chi-squared; of one fixed seed, so 1e-4 on either side is generous.
    low, high = variance_bounds(reads - 1)
    ratio = currents.var(axis=0, ddof=1) / expected**2
    assert ((ratio > low) & (ratio < high)).all()
    # The mean of n reads errs by sigma / sqrt(n).
    assert (np.abs(currents.mean(axis=0) - cells.sum(axis=0)) < 4 * expected / math.sqrt(reads)).all()


def test_read_noise_is_normal_and_independent_from_read_to_read(figure2a):
    backend = chip(figure2a, read_noise=0.1, rng=np.random.default_rng(12), shape=(1, 2))
    currents = backend.read_currents(np.full((5000, 1), 0.1))
    noise = (currents / 2e-8 - 1) / 0.1
    assert p_of_normal(noise.ravel()) > 0.01
    # A correlation of n = 5000 independent pairs is 0 +- 0.014.
    assert abs(np.corrcoef(noise[1:, 0], noise[:-1, 0])[0, 1]) < 0.06
    assert abs(np.corrcoef(noise[:, 0], noise[:, 1])[0, 1]) < 0.06


def test_read_noise_leaves_the_true_conductances_alone(figure2a):
    backend = chip(figure2a, read_noise=0.1, rng=np.random.default_rng(1))
    measured = backend.read_conductances(0.1)
    assert not np.isclose(measured, backend.conductances, rtol=1e-6, atol=0).any()
    assert np.allclose(backend.conductances, 2e-7, rtol=1e-12, atol=0)


def test_read_noise_of_a_nonlinear_cell_is_relative_to_its_current(figure2a):
    backend = chip(
        figure2a, shape=(1, 1), read_noise=0.05, rng=np.random.default_rng(3), cell=Sinh(3.0), limits=Limits(1, 3, 1)
    )
    currents = backend.read_currents(np.full((20000, 1), 0.8))
    expected = 0.05 * 2e-7 * math.sinh(2.4) / 3
    low, high = variance_bounds(19999)
    assert low < currents.var(ddof=1) / expected**2 < high


def linear(levels=400):
    return ConductanceCurve(np.linspace(1e-7, 1e-7 + 1e-10 * (levels - 1), levels), UP)


@pytest.mark.parametrize("times", [1, 7])
def test_varied_steps_make_one_level_a_pulse_on_average(times):
    backend = chip(linear(), shape=(100, 100), step_variation=0.3, rng=np.random.default_rng(21))
    backend.send_pulses(np.full((100, 100), times), UP)
    # n steps of relative standard deviation 0.3: n +- 0.3 sqrt(n), and a hundredth of that for the mean of 10^4 cells.
    spread = 0.3 * math.sqrt(times)
    assert abs(backend.levels.mean() - times) < 4 * spread / 100
    low, high = variance_bounds(9999)
    # Gamma is more peaked than normal: its variance errs a little more than chi-squared says, so twice as wide.
    assert 1 - 2 * (1 - low) < backend.levels.var(ddof=1) / spread**2 < 1 + 2 * (high - 1)


@pytest.mark.parametrize("variation", [0.3, 3.0])
def test_a_varied_step_never_goes_downward(variation):
    backend = chip(linear(), shape=(20, 20), step_variation=variation, rng=np.random.default_rng(22))
    before = backend.conductances
    for _ in range(30):
        backend.send_pulses(np.ones((20, 20), int), UP)
        assert (backend.conductances >= before).all()
        before = backend.conductances


def test_a_varied_step_moves_no_cell_without_a_pulse():
    backend = chip(linear(), step_variation=0.5, rng=np.random.default_rng(23))
    before = backend.conductances
    pulse(backend, UP, 5, cell=(1, 1))
    assert np.argwhere(backend.conductances != before).tolist() == [[1, 1]]


def test_a_level_between_two_measured_ones_is_interpolated():
    backend = chip(ConductanceCurve([1e-7, 2e-7, 2e-7, 5e-7], UP), step_variation=0.4, rng=np.random.default_rng(2))
    backend.send_pulses(np.full((2, 2), 2), UP)
    expected = [[np.interp(level, [0, 1, 2, 3], [0, 1e-7, 1e-7, 4e-7]) for level in row] for row in backend.levels]
    assert np.allclose(backend.conductances, 10 * (np.array(expected) + 2e-8), rtol=1e-12, atol=0)


def test_varied_steps_saturate_at_the_last_level():
    backend = chip(ladder(), step_variation=0.5, rng=np.random.default_rng(24))
    backend.send_pulses(np.full((2, 2), 1000), UP)
    assert backend.saturated_cells().all()
    assert (backend.levels == 10).all()


# ---------------------------------------------------------------------- seeds


def noisy(figure2a, seed):
    rng = np.random.default_rng(seed)
    shifts = lognormal_shifts((4, 4), rng=rng, span_siemens=(2e-8, 1e-7))
    return SimulatedBackend(figure2a, shifts, read_noise=0.02, rng=rng, step_variation=0.3)


PATTERNS, LABELS = [[0, 0, 0, 1], [0, 1, 1, 0], [1, 0, 0, 1]], [[0, 1], [1, 0], [0, 1]]


@pytest.mark.fault("V11")
def test_the_same_seed_trains_the_same_run_to_the_bit(figure2a):
    first, second = (
        Trainer(noisy(figure2a, 3), beta=2e7, target=0.99, epochs=12, confirm=1).run(PATTERNS, LABELS) for _ in range(2)
    )
    assert first.epochs > 1
    for name in ("conductances", "currents", "activations", "errors", "counts"):
        assert np.array_equal(getattr(first, name), getattr(second, name)), name


def test_another_seed_trains_another_run(figure2a):
    first, second = (
        Trainer(noisy(figure2a, seed), beta=2e7, target=0.99, epochs=3, confirm=1).run(PATTERNS, LABELS)
        for seed in (3, 4)
    )
    assert not np.array_equal(first.currents[0], second.currents[0])


# ---------------------------------------------------------------------- state and restore


def mixed(figure2a):
    backend = SimulatedBackend(figure2a, [[2e-8, 3e-8, 4e-8], [5e-8, 6e-8, 7e-8]])
    backend.send_pulses([[5, 0, 9], [2, 50, 0]], UP)
    backend.send_pulses([[2, 0, 0], [0, 1, 0]], DOWN)
    backend.send_pulses([[0, 0, 0], [0, 0, 4]], Pulse(2.0, 0.02))
    backend.send_pulses([[1, 0, 0], [0, 0, 0]], Pulse(-2.8, 0.01))
    return backend


def test_a_restored_chip_has_the_conductances_of_the_saved_one(figure2a):
    saved = mixed(figure2a)
    fresh = SimulatedBackend(figure2a, np.full((2, 3), 1e-8))
    fresh.restore(saved.state())
    assert np.array_equal(fresh.conductances, saved.conductances)
    assert np.array_equal(fresh.saturated_cells(), saved.saturated_cells())


def test_a_restored_chip_goes_on_like_the_saved_one(figure2a):
    saved = mixed(figure2a)
    fresh = SimulatedBackend(figure2a, saved.shifts)
    fresh.restore(saved.state())
    for one in (UP, Pulse(-2.8, 0.01), DOWN, UP, Pulse(2.0, 0.02), Pulse(2.0, 0.002), UP):
        for backend in (saved, fresh):
            backend.send_pulses([[1, 0, 2], [1, 1, 1]], one)
        assert np.array_equal(fresh.conductances, saved.conductances)


def test_a_fresh_chip_can_be_saved_and_restored(figure2a):
    saved, fresh = chip(figure2a), chip(figure2a)
    fresh.restore(saved.state())
    assert pulse(fresh, UP, 3) == pulse(saved, UP, 3)


def test_restoring_twice_gives_the_same_chip(figure2a):
    saved = mixed(figure2a)
    state = saved.state()
    saved.send_pulses(np.full((2, 3), 4), UP)
    saved.restore(state)
    assert np.array_equal(saved.conductances, mixed(figure2a).conductances)


def test_a_saved_state_does_not_change_with_the_chip(figure2a):
    backend = chip(figure2a)
    state = backend.state()
    copies = {key: value.copy() for key, value in state.items()}
    pulse(backend, UP, 3)
    pulse(backend, DOWN, 1)
    assert all(np.array_equal(state[key], copies[key]) for key in copies)


def test_a_state_of_varied_steps_keeps_levels_between_two(figure2a):
    saved = noisy(figure2a, 8)
    saved.send_pulses(np.full((4, 4), 6), UP)
    fresh = SimulatedBackend(figure2a, saved.shifts)
    fresh.restore(saved.state())
    assert np.array_equal(fresh.conductances, saved.conductances)


def test_stuck_and_dead_cells_stay_so_after_restoring(figure2a):
    faults = {"stuck": [[True, False], [False, False]], "dead": [[False, True], [False, False]]}
    saved, fresh = chip(figure2a, **faults), chip(figure2a, **faults)
    pulse(saved, UP, 3, cell=(1, 1))
    fresh.restore(saved.state())
    fresh.send_pulses(np.ones((2, 2), int), UP)
    saved.send_pulses(np.ones((2, 2), int), UP)
    assert np.array_equal(fresh.conductances, saved.conductances)
    assert fresh.conductances[0, 1] == 0


@pytest.mark.parametrize("key", ["shift_siemens", "level", "curve_amplitude_v", "curve_width_s"])
@pytest.mark.parametrize("bad", [np.full((3, 3), 1e-8), np.full((2, 2), np.nan)], ids=["shape", "nan"])
def test_a_state_of_another_chip_is_refused_and_changes_nothing(figure2a, key, bad):
    backend = chip(figure2a)
    pulse(backend, UP, 3)
    pulse(backend, DOWN, 1)
    before, state = backend.conductances, backend.state()
    with pytest.raises(DataError):
        backend.restore({**state, "shift_siemens": 2 * state["shift_siemens"], key: bad})
    assert np.array_equal(backend.conductances, before)
    pulse(backend, UP)
    twin = chip(figure2a)
    twin.restore(state)
    pulse(twin, UP)
    assert np.array_equal(backend.conductances, twin.conductances)


# ---------------------------------------------------------------------- pulses timed by a real clock


def worn(figure2a, monkeypatch, kept, times=300):
    """A chip after pulses of ever new widths, some pulses of measured widths, and saving and restoring in between."""
    monkeypatch.setattr("crossbar_hil.sim_backend.chip.tracks.MOST_PULSES_KEPT", kept)
    rng = np.random.default_rng(8)
    backend = SimulatedBackend(figure2a, rng.uniform(2e-8, 9e-8, (3, 4)))
    seen = []
    for number in range(times):
        cell = tuple(int(place) for place in rng.integers(0, (3, 4)))
        width = float(10 ** rng.uniform(math.log10(0.0021), math.log10(0.049)))
        backend.expose(*cell, 2.0 if rng.random() < 0.6 else -2.8, width)
        if number % 7 == 0:
            backend.send_pulses(rng.integers(0, 2, (3, 4)), UP if rng.random() < 0.5 else Pulse(2.0, width))
        if number % 50 == 0:
            backend.restore(backend.state())
        seen.append(backend.conductances)
    return backend, np.array(seen)


def test_the_tracks_of_widths_that_never_recur_are_forgotten_without_changing_a_conductance(figure2a, monkeypatch):
    few, seen = worn(figure2a, monkeypatch, kept=4)
    many, expected = worn(figure2a, monkeypatch, kept=10**6)
    assert np.array_equal(seen, expected)
    assert np.array_equal(few.saturated_cells(), many.saturated_cells())
    assert {key: value.tolist() for key, value in few.state().items()} == {
        key: value.tolist() for key, value in many.state().items()
    }
    assert len(many._cells.tracks) > 250
    # One for each of the twelve cells, twice that before the next look, and a few asked for lately.
    assert len(few._cells.tracks) <= 2 * (12 + 4) + 2


def test_a_thousand_odd_widths_leave_the_chip_with_a_bounded_number_of_tracks(figure2a):
    backend = chip(figure2a)
    for number in range(1000):
        backend.expose(0, 0, 2.0, 0.003 + 1e-5 * number)
    assert len(backend._cells.tracks) <= 130
    assert len(backend._cells.track_of_pulse) <= 130


def test_a_pulse_that_a_cell_saw_beyond_the_limits_is_still_refused_from_whoever_asks(figure2a):
    backend = chip(figure2a, limits=Limits(read_v=0.5, pulse_v=1.0, width_s=1.0))
    backend.expose(0, 0, 2.0, 0.05)
    with pytest.raises(LimitError, match="pulse amplitude 2 V exceeds the limit of 1 V"):
        backend.send_pulses(np.ones((2, 2), int), UP)
    fresh = chip(figure2a, limits=backend.limits)
    fresh.restore(backend.state())
    with pytest.raises(LimitError, match="pulse amplitude 2 V exceeds the limit of 1 V"):
        fresh.send_pulses(np.ones((2, 2), int), UP)


# ---------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scale": 0.0}, "scale 0.0 must be finite and above zero"),
        ({"scale": -1.0}, "scale -1.0 must be finite and above zero"),
        ({"scale": math.nan}, "scale nan must be finite"),
        ({"scale": math.inf}, "scale inf must be finite"),
        ({"read_noise": -0.1, "rng": np.random.default_rng(1)}, "read_noise -0.1 must be finite and not negative"),
        ({"read_noise": math.nan, "rng": np.random.default_rng(1)}, "read_noise nan"),
        ({"step_variation": -0.1, "rng": np.random.default_rng(1)}, "step_variation -0.1 must be finite and not"),
        ({"step_variation": math.inf, "rng": np.random.default_rng(1)}, "step_variation inf"),
        ({"read_noise": 0.1}, "need a random generator rng"),
        ({"step_variation": 0.1}, "need a random generator rng"),
        ({"wire_ohm": math.nan}, "wire_ohm"),
        ({"wire_ohm": -1.0}, "wire_ohm"),
        ({"shift": math.nan}, r"shifts hold nan at \[0, 0\]"),
        ({"shift": math.inf}, r"shifts hold inf at \[0, 0\]"),
        ({"shift": -1e-9}, r"shift -1e-09 S of cell \[0, 0\] .*conductance negative"),
        ({"shape": (4,)}, "shifts have shape"),
        ({"shape": (0, 4)}, "shifts have shape"),
    ],
)
def test_an_argument_out_of_range_is_refused_by_name(figure2a, options, message):
    with pytest.raises(DataError, match=message):
        chip(figure2a, **options)


def test_a_shift_that_a_dip_of_the_curve_would_make_negative_is_refused_with_the_bound():
    dipping = ConductanceCurve([4e-7, 3.5e-7, 5e-7], UP)
    with pytest.raises(DataError, match=r"shift 4e-08 S of cell \[0, 1\] .* at least 5e-08 S"):
        SimulatedBackend(dipping, [[6e-8, 4e-8]])
    assert (SimulatedBackend(dipping, [[6e-8, 6e-8]]).conductances > 0).all()


def test_no_pulse_ever_makes_a_conductance_negative():
    # The nominal curve only rises, so a shift of 10 nS passes; that of the shorter pulse dips by 50 nS.
    curve = ConductanceCurve([4e-7, 5e-7], UP, [ConductanceCurve([4e-7, 3.5e-7, 5e-7], Pulse(2.0, 0.01))])
    try:
        backend = chip(curve, shift=1e-8)
        seen = pulse(backend, Pulse(2.0, 0.01), 2)
    except (DataError, LimitError):
        return
    assert min(seen) >= 0


def test_a_chip_says_what_it_is_made_of(figure2a):
    said = chip(figure2a, scale=3.0).identify()
    expected = {"curve": "figure2a.csv", "pulse": "2 V, 50 ms", "scale": 3.0, "cell": "ohmic"}
    assert {key: said[key] for key in expected} == expected


def test_making_it_safe_any_number_of_times_changes_nothing(figure2a):
    with chip(figure2a) as backend:
        before = backend.conductances
        backend.make_safe()
        backend.make_safe()
    assert np.array_equal(backend.conductances, before)
    assert backend.kind == "simulated"
