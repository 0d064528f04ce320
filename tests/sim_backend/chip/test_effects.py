import math

import numpy as np
import pytest

from crossbar_hil import Pulse, Trainer
from crossbar_hil.bench.effects import Effects
from crossbar_hil.errors import DataError
from crossbar_hil.shipped import data_file
from crossbar_hil.sim_backend.chip.curve import ConductanceCurve
from crossbar_hil.sim_backend.chip.reading_noise import FLICKER_S, ReadingNoise
from crossbar_hil.sim_backend.chip.simulated import SimulatedBackend

PULSE = Pulse(2.0, 0.05)
SHAPE = (4, 4)
SHIFT = 50e-9
EVERYTHING = {
    "read_noise": 0.02,
    "telegraph": 0.1,
    "telegraph_s": 0.3,
    "flicker": 0.05,
    "step_variation": 0.3,
    "step_spread": 0.3,
    "shape_spread": 0.2,
    "relaxation": 0.5,
    "relaxation_s": 5.0,
    "relaxation_exponent": 0.6,
    "drift": 0.05,
    "column_offset_a": 1e-8,
    "disturb": 0.1,
}


@pytest.fixture(scope="module")
def figure2a():
    return ConductanceCurve.from_csv(data_file("figure2a"))


def chip(curve, shape=SHAPE, seed=1, **settings):
    return SimulatedBackend(curve, np.full(shape, SHIFT), rng=np.random.default_rng(seed), **settings)


def counts(*cells, shape=SHAPE):
    found = np.zeros(shape, dtype=np.int64)
    for row, column, number in cells:
        found[row, column] = number
    return found


class PlainChip:
    """The model in a few plain lines: loops over cells, and a list of what was risen when."""

    def __init__(self, rises, factors, exponents, offsets, drifts, settings):
        self.rises, self.factors, self.exponents, self.offsets, self.drifts = rises, factors, exponents, offsets, drifts
        self.s = {"relaxation": 0.0, "relaxation_s": 1.0, "drift": 0.0, "disturb": 0.0, "read_s": 0.0, **settings}
        self.levels = np.zeros(SHAPE)
        self.time, self.history = 0.0, {cell: [] for cell in np.ndindex(SHAPE)}

    def rise(self, cell):
        level, last, top = self.levels[cell], len(self.rises) - 1, max(self.rises)
        below = min(int(level), last - 1)
        rise = self.rises[below] + (level - below) * (self.rises[below + 1] - self.rises[below])
        return top * (rise / top) ** self.exponents[cell] if rise > 0 else rise

    def lost(self, cell):
        share, seconds, exponent = self.s["relaxation"], self.s["relaxation_s"], self.s.get("relaxation_exponent", 1.0)
        total = 0.0
        for when, rise in self.history[cell]:
            age = (self.time - when) / seconds
            if self.s.get("relaxation_law") == "logarithmic":
                total += rise * share * math.log10(1 + age)
            else:
                total += rise * share * (1 - math.exp(-(age**exponent)))
        return total

    def conductance(self, cell):
        drift = 1 + self.s["drift"] * self.drifts[cell] * math.log10(1 + self.time)
        return 10 * (self.factors[cell] * (self.rise(cell) - self.lost(cell)) + SHIFT) * drift

    def currents(self, voltages):
        found = np.zeros((len(voltages), SHAPE[1]))
        for p, volts in enumerate(voltages):
            for column in range(SHAPE[1]):
                found[p, column] = self.offsets[column] + sum(
                    volts[row] * self.conductance((row, column)) for row in range(SHAPE[0])
                )
        self.time += found.size * self.s["read_s"]
        return found

    def pulse(self, many):
        before = {cell: self.rise(cell) for cell in np.ndindex(SHAPE)}
        for row, column in np.ndindex(SHAPE):
            for _ in range(many[row, column]):
                for cell in np.ndindex(SHAPE):
                    step = 1.0 if cell == (row, column) else 0.0
                    if (cell[0] == row) != (cell[1] == column):
                        step = self.s["disturb"]
                    self.levels[cell] = min(self.levels[cell] + step, len(self.rises) - 1)
        for cell in np.ndindex(SHAPE):
            self.history[cell].append((self.time, self.rise(cell) - before[cell]))
        self.time += many.sum() * PULSE.width_s


ALONE = [
    {"step_spread": 0.3},
    {"shape_spread": 0.5},
    {"column_offset_a": 5e-8},
    {"disturb": 0.3},
    {"relaxation": 1.0, "relaxation_s": 3.0, "read_s": 0.02},
    {"relaxation": 0.4, "relaxation_s": 3.0, "relaxation_exponent": 0.5, "read_s": 0.02},
    {"relaxation": 0.1, "relaxation_s": 0.5, "relaxation_law": "logarithmic", "read_s": 0.02},
    {"drift": 0.1, "read_s": 0.05},
]
TOGETHER = {name: value for part in ALONE[:5] for name, value in part.items()} | {"drift": 0.1}


@pytest.mark.parametrize("settings", [*ALONE, TOGETHER], ids="-".join)
def test_every_effect_that_is_not_noise_agrees_with_a_plain_transcription(figure2a, settings):
    backend = chip(figure2a, **settings)
    drifts = backend.state().get("drift", np.zeros(SHAPE))
    ones = np.ones(SHAPE)
    plain = PlainChip(
        figure2a.rises.tolist(),
        ones if backend.step_factors is None else backend.step_factors,
        ones if backend.shape_exponents is None else backend.shape_exponents,
        np.zeros(SHAPE[1]) if backend.column_offsets is None else backend.column_offsets,
        drifts,
        settings,
    )
    rng = np.random.default_rng(7)
    for _ in range(25):
        voltages = rng.choice([-0.1, 0.1], size=(3, 4))
        found, expected = backend.read_currents(voltages), plain.currents(voltages)
        np.testing.assert_allclose(found, expected, rtol=0, atol=2e-4 * np.abs(expected).max())
        many = rng.integers(0, 3, size=SHAPE)
        backend.send_pulses(many, PULSE)
        plain.pulse(many)
    exact = settings.get("relaxation_exponent", 1.0) == 1 and "relaxation_law" not in settings
    if exact:
        expected = [plain.conductance(cell) for cell in np.ndindex(SHAPE)]
        np.testing.assert_allclose(backend.conductances.ravel(), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("law", "exponent"), [("stretched", 0.2), ("stretched", 0.5), ("stretched", 0.93), ("logarithmic", 1.0)]
)
def test_a_single_rise_is_lost_as_its_law_says_over_ten_decades(law, exponent):
    curve = ConductanceCurve([0.0, 1e-6])
    share = 0.08
    backend = chip(
        curve, (1, 1), relaxation=share, relaxation_s=2.0, relaxation_law=law, relaxation_exponent=exponent, read_s=0.0
    )
    backend.send_pulses([[1]], Pulse(2.0, 1e-9))
    time = 1e-9
    for until in np.logspace(-4, 6, 21):
        backend.pass_time(until - time)
        time = until
        lost = 1 - (backend.conductances[0, 0] / 10 - SHIFT) / 1e-6
        law_says = math.log10(1 + time / 2) if law == "logarithmic" else 1 - math.exp(-((time / 2) ** exponent))
        assert lost == pytest.approx(share * law_says, abs=1e-4 * share)


def test_what_is_lost_is_the_same_whatever_steps_time_takes(figure2a):
    once, often = (chip(figure2a, relaxation=1.0, relaxation_s=7.0, relaxation_exponent=0.7, read_s=0.0) for _ in "ab")
    for backend in (once, often):
        backend.send_pulses(counts((0, 0, 3)), PULSE)
    once.pass_time(20.0)
    for _ in range(100):
        often.pass_time(0.2)
    np.testing.assert_allclose(often.conductances, once.conductances, rtol=1e-12)


def test_the_share_of_an_epoch_is_lost_for_good_when_evaluations_take_so_long(figure2a):
    # Definition of the study: after each evaluation the share r of what a cell has risen and not yet lost is lost.
    share, read_s = 0.05, 1e4
    seconds = -4 * read_s / math.log(1 - share)  # an evaluation of one vector has four readings
    backend = chip(figure2a, relaxation=1.0, relaxation_s=seconds, read_s=read_s)
    risen, lost = 0.0, 0.0
    for _ in range(10):
        backend.read_currents([[0.1] * 4])
        lost += share * (risen - lost)
        backend.send_pulses(counts((0, 0, 1)), Pulse(2.0, 0.05))
        risen = figure2a.rises[int(backend.levels[0, 0])]
        assert backend.conductances[0, 0] == pytest.approx(10 * (risen - lost + SHIFT), rel=1e-5)


# ---------------------------------------------------------------------- statistics


def test_step_factors_shape_exponents_and_column_offsets_have_the_spread_that_was_asked_for(figure2a):
    backend = chip(figure2a, (60, 60), step_spread=0.3, shape_spread=0.5, column_offset_a=1e-8)
    for found, sigma in ((backend.step_factors, 0.3), (backend.shape_exponents, 0.5)):
        logs = np.log(found)
        assert abs(logs.mean()) < 4 * sigma / 60
        assert logs.std() == pytest.approx(sigma, rel=4 / math.sqrt(2 * 3600))
        assert np.abs(np.corrcoef(logs[:-1].ravel(), logs[1:].ravel())[0, 1]) < 0.07
    wide = chip(figure2a, (2, 4000), column_offset_a=1e-8)
    assert wide.column_offsets.std() == pytest.approx(1e-8, rel=4 / math.sqrt(8000))
    assert not np.array_equal(backend.step_factors, backend.shape_exponents)


def readings(settings, number, dt, shape=(20, 20), seed=3):
    noise = ReadingNoise(Effects(**settings), shape, np.random.default_rng(seed))
    found = np.empty((number, *shape))
    for place in range(number):
        found[place] = noise.factors()
        noise.pass_time(dt)
    return found


def test_telegraph_noise_is_high_in_its_share_of_reads_and_forgets_as_fast_as_it_says():
    fresh = readings({"telegraph": 0.3, "telegraph_share": 0.1}, 400, 1.0)
    assert set(np.unique(fresh)) == {1.0, 1.3}
    assert (fresh > 1).mean() == pytest.approx(0.1, abs=4 * math.sqrt(0.09 / fresh.size))
    slow = readings({"telegraph": 0.3, "telegraph_share": 0.1, "telegraph_s": 4.0}, 3000, 1.0) > 1
    assert slow.mean() == pytest.approx(0.1, abs=0.003)
    for lag in (1, 4, 10):  # the correlation of a Markov chain of two states is an exponential (Machlup 1954)
        together = (slow[:-lag] & slow[lag:]).mean() - slow.mean() ** 2
        assert together / (0.1 * 0.9) == pytest.approx(math.exp(-lag / 4.0), abs=0.02)


def test_flicker_noise_has_its_standard_deviation_and_a_spectrum_that_falls_as_one_over_f():
    found = readings({"flicker": 0.05}, 4096, 0.1, shape=(8, 8)) - 1
    many = readings({"flicker": 0.05}, 1, 0.1, shape=(200, 200)) - 1
    assert many.std() == pytest.approx(0.05, rel=4 / math.sqrt(80000))
    power = (np.abs(np.fft.rfft(found * np.hanning(4096)[:, None, None], axis=0)) ** 2).mean(axis=(1, 2))
    frequency = np.fft.rfftfreq(4096, 0.1)
    band = (frequency > 0.01) & (frequency < 1.0)
    bins = np.logspace(-2, 0, 9)
    places = np.digitize(frequency[band], bins)
    centres = [np.log(frequency[band][places == k]).mean() for k in range(1, 9)]
    heights = [np.log(power[band][places == k].mean()) for k in range(1, 9)]
    slope = np.polyfit(centres, heights, 1)[0]
    assert slope == pytest.approx(-1.0, abs=0.1)
    assert FLICKER_S.min() < 0.1 < FLICKER_S.max()


def test_noise_of_readings_multiplies_and_reaches_the_currents(figure2a):
    backend = chip(figure2a, (1, 1), telegraph=0.5, telegraph_share=1.0, read_noise=0.02, read_s=0.0)
    found = backend.read_currents(np.full((4000, 1), 0.1))[:, 0] / (0.1 * 10 * SHIFT)
    assert found.mean() == pytest.approx(1.5, abs=4 * 0.03 / math.sqrt(4000))
    assert found.std() == pytest.approx(0.03, rel=0.06)


def test_a_drifting_cell_changes_by_its_share_in_a_decade_and_keeps_its_direction(figure2a):
    backend = chip(figure2a, (50, 50), drift=0.1, read_s=0.0)
    start = backend.conductances
    backend.pass_time(9.0)  # log10(1 + 9) = 1
    first = backend.conductances / start - 1
    assert first.std() == pytest.approx(0.1, rel=0.06)
    backend.pass_time(90.0)
    np.testing.assert_allclose(backend.conductances / start - 1, 2 * first, atol=1e-12)


# ---------------------------------------------------------------------- cells, disturb, offsets


def test_a_pulse_moves_the_others_of_its_row_and_column_by_the_disturb_and_nothing_else(figure2a):
    backend = chip(figure2a, (3, 4), disturb=0.25)
    backend.send_pulses(counts((1, 2, 2), shape=(3, 4)), PULSE)
    expected = [[0, 0, 0.5, 0], [0.5, 0.5, 2, 0.5], [0, 0, 0.5, 0]]
    assert backend.levels.tolist() == expected


def test_the_average_step_of_a_disturbed_cell_is_right_when_steps_vary(figure2a):
    backend = chip(figure2a, (2, 2000), disturb=0.1, step_variation=0.5)
    many = np.zeros((2, 2000), dtype=np.int64)
    many[0] = 1
    backend.send_pulses(many, PULSE)
    assert backend.levels[1].mean() == pytest.approx(0.1, rel=0.15)


def test_a_cell_that_was_never_formed_conducts_next_to_nothing_and_does_not_move(figure2a):
    mask = counts((1, 1, 1)).astype(bool)
    backend = chip(figure2a, unformed=mask, unformed_siemens=2e-9)
    backend.send_pulses(np.full(SHAPE, 5), PULSE)
    assert backend.conductances[1, 1] == 2e-9
    assert backend.levels[1, 1] == 0
    assert (backend.conductances[~mask] > 1e-7).all()
    assert not backend.saturated_cells()[1, 1]


def test_an_offset_of_a_column_is_in_every_reading_and_not_in_the_conductances(figure2a):
    offsets = np.array([1e-8, -2e-8, 0.0, 5e-9])
    backend, ideal = chip(figure2a, column_offsets=offsets), chip(figure2a)
    voltages = np.full((3, 4), 0.1)
    np.testing.assert_allclose(backend.read_currents(voltages), ideal.read_currents(voltages) + offsets, rtol=1e-14)
    assert np.array_equal(backend.conductances, ideal.conductances)


def test_a_chip_never_conducts_less_than_nothing(figure2a):
    backend = chip(figure2a, relaxation=1.0, relaxation_s=1.0, read_s=0.0)
    backend.send_pulses(np.full(SHAPE, 40), PULSE)
    backend.pass_time(1e3)
    backend.send_pulses(np.full(SHAPE, 40), Pulse(-2.8, 0.05))
    assert backend.conductances.min() >= 0


# ---------------------------------------------------------------------- saved and brought back


def go_on(backend, seed=5):
    rng = np.random.default_rng(seed)
    seen = []
    for _ in range(4):
        seen.append(backend.read_currents(rng.choice([-0.1, 0.1], size=(2, 4))))
        backend.send_pulses(rng.integers(0, 2, size=SHAPE), PULSE)
        backend.pass_time(0.5)
        seen.append(backend.read_siemens())
    return np.concatenate(seen)


@pytest.mark.parametrize("generator", [np.random.PCG64, np.random.Philox, np.random.MT19937, np.random.SFC64])
def test_a_restored_chip_goes_on_bit_by_bit_with_every_effect_on(figure2a, generator):
    def fresh(seed):
        rng = np.random.Generator(generator(seed))
        return SimulatedBackend(figure2a, np.full(SHAPE, SHIFT), rng=rng, **EVERYTHING)

    saved = fresh(1)
    go_on(saved)
    state, other = saved.state(), fresh(2)
    assert all(array.ndim == 2 for array in state.values())
    other.restore(state)
    assert np.array_equal(go_on(other), go_on(saved))
    assert all(np.array_equal(other.state()[name], value) for name, value in saved.state().items())


def test_an_old_state_without_effects_still_restores_and_leaves_what_was_drawn(figure2a):
    backend = chip(figure2a, **EVERYTHING)
    old = chip(figure2a)
    old.send_pulses(counts((0, 0, 3)), PULSE)
    factors = backend.step_factors
    backend.restore(old.state())
    assert backend.levels[0, 0] == 3
    assert np.array_equal(backend.step_factors, factors)


def test_a_state_that_does_not_fit_leaves_the_chip_as_it_was(figure2a):
    backend = chip(figure2a, **EVERYTHING)
    before = backend.state()
    for name in ("step_factor", "relaxing_siemens", "flicker", "column_offset_a", "generator"):
        moved = {**before, "level": before["level"] + 1, name: before[name][:, :1]}
        with pytest.raises(DataError, match=f"saved {name}"):
            backend.restore(moved)
        assert all(np.array_equal(backend.state()[key], value) for key, value in before.items())


def test_a_chip_without_effects_has_the_state_it_always_had(figure2a):
    assert set(chip(figure2a).state()) == {"shift_siemens", "level", "curve_amplitude_v", "curve_width_s"}


# ---------------------------------------------------------------------- refused


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"relaxation": 0.1}, "relaxation 0.1 needs relaxation_s"),
        ({"relaxation": 1.5, "relaxation_s": 1.0}, "relaxation = 1.5 must be at most 1"),
        ({"relaxation_exponent": 0.1}, "relaxation_exponent = 0.1 must be at least 0.2"),
        ({"relaxation_law": "power"}, "relaxation_law = 'power' must be 'stretched' or"),
        ({"relaxation_law": "logarithmic", "relaxation_exponent": 0.5}, "belongs to the stretched law"),
        ({"telegraph": -0.1}, "telegraph: -0.1"),
        ({"telegraph_share": 1.1}, "telegraph_share = 1.1"),
        ({"telegraph_s": 0.0}, "telegraph_s = 0.0"),
        ({"flicker": math.nan}, "flicker = nan must be a finite number"),
        ({"step_spread": -1.0}, "step_spread: -1"),
        ({"read_s": -1.0}, "read_s = -1.0"),
        ({"disturb": 0.1, "write": "half-select"}, "disturb 0.1 is what a pulse does"),
        ({"step_factors": np.zeros(SHAPE)}, "step_factors hold 0, they must be above zero"),
        ({"step_factors": np.ones((2, 2))}, "step_factors have shape"),
        ({"column_offsets": np.ones(3)}, "column_offsets have shape"),
        ({"rng": None, "step_spread": 0.1, "drift": 0.1}, "step_spread and drift, need a random generator rng"),
    ],
)
def test_a_setting_out_of_range_or_against_another_is_refused_by_name(figure2a, settings, message):
    with pytest.raises(DataError, match=message):
        SimulatedBackend(figure2a, np.full(SHAPE, SHIFT), **{"rng": np.random.default_rng(1), **settings})


def test_time_that_runs_backwards_is_refused(figure2a):
    with pytest.raises(DataError, match="time in seconds -1"):
        chip(figure2a).pass_time(-1.0)


@pytest.mark.parametrize("noisy", [{}, {"read_noise": 0.05, "step_variation": 0.3}])
def test_effects_that_are_off_change_no_bit_of_a_training(figure2a, noisy):
    patterns, labels = [[0, 0, 1, 1], [1, 1, 0, 0], [0, 1, 0, 1]], [[1, 0], [0, 1], [1, 1]]
    shifts = np.random.default_rng(4).uniform(2e-8, 1e-7, SHAPE)
    off = dict.fromkeys(("telegraph", "flicker", "step_spread", "shape_spread", "relaxation", "drift", "disturb"), 0.0)
    off |= {"column_offset_a": 0.0, "read_s": 3.0, "relaxation_s": 1.0, "telegraph_s": 1.0}
    plain, also = (
        Trainer(SimulatedBackend(figure2a, shifts, rng=np.random.default_rng(1), **noisy, **more)).run(patterns, labels)
        for more in ({}, off)
    )
    assert np.array_equal(plain.currents, also.currents)
    assert np.array_equal(plain.counts, also.counts)
