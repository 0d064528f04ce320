"""What voltages between and beside the measured amplitudes do to a cell."""

import numpy as np
import pytest

from crossbar_hil.backend import Pulse
from crossbar_hil.errors import LimitError
from crossbar_hil.sim_backend import ConductanceCurve, SimulatedBackend

WHOLE = [100e-9, 150e-9, 180e-9, 200e-9]
HALF = [100e-9, 104e-9, 107e-9]
DOWN = [90e-9, 60e-9, 40e-9]
CURVE = ConductanceCurve(
    WHOLE,
    Pulse(2.0, 0.05),
    [ConductanceCurve(HALF, Pulse(1.0, 0.05)), ConductanceCurve(DOWN, Pulse(-2.0, 0.05))],
)


def chip(shape=(1, 1), curve=CURVE, **settings):
    return SimulatedBackend(curve, np.full(shape, 50e-9), scale=1.0, **settings)


def rise_after(*exposures):
    """Rise of one cell in nanosiemens after some (voltage, seconds)."""
    backend = chip()
    for volt, seconds in exposures:
        backend.expose(0, 0, volt, seconds)
    return float((backend.conductances[0, 0] - 50e-9) * 1e9)


@pytest.mark.parametrize(
    ("volt", "rise_ns"),
    [
        (2.0, 50.0),
        (1.97, 50.0),  # within 2 % of 2 V
        (1.0, 4.0),
        (1.019, 4.0),
        (0.59, 0.0),  # below 0.6 of the smallest amplitude
        (0.8, 2.0),  # (0.8 - 0.6) / 0.4 of the first step of the half pulse
        (1.5, 27.0),  # half way between 4 and 50
        (1.25, 15.5),  # 4 + 46 / 4
        (2.2, 57.5),  # (1.1 - 0.6) / 0.4 = 1.25 levels: 50 + 30 / 4
    ],
)
def test_a_voltage_moves_a_cell_along_the_curves_of_the_amplitudes_beside_it(volt, rise_ns):
    assert rise_after((volt, 0.05)) == pytest.approx(rise_ns, abs=1e-9)


@pytest.mark.parametrize(
    ("seconds", "rise_ns"),
    [(0.05, 27.0), (0.0502, 27.0), (0.025, 13.5), (0.1, 43.5)],  # the second level: half way between 7 and 80
)
def test_a_time_counts_in_measured_pulses_between_amplitudes_too(seconds, rise_ns):
    assert rise_after((1.5, seconds)) == pytest.approx(rise_ns, abs=1e-9)


def test_a_shorter_curve_stays_at_its_end_between_two_amplitudes():
    # Level 3 half way between 7 nS, where the half pulses end, and 100 nS.
    assert rise_after(*[(1.5, 0.05)] * 3) == pytest.approx(53.5, abs=1e-9)
    assert rise_after(*[(1.5, 0.05)] * 9) == pytest.approx(53.5, abs=1e-9)


def test_a_cell_beyond_the_reach_of_the_half_pulse_is_not_moved_by_it():
    assert rise_after((2.0, 0.05), (1.0, 0.05)) == pytest.approx(50.0, abs=1e-9)
    # From 4 nS, the first level of the half pulse, the whole one has 46 of its first 50 to go, and then goes on.
    assert rise_after((1.0, 0.05), (2.0, 0.05)) == pytest.approx(50 + 30 * 4 / 50, abs=1e-9)


def test_a_negative_voltage_takes_the_curves_of_its_own_sign():
    # One amplitude: (1 - 0.6) / 0.4 levels at 2 V; 1.6 V is half of that. The depression is stretched to 0 .. 100 nS.
    assert rise_after(*[(2.0, 0.05)] * 3, (-2.0, 0.05)) == pytest.approx(40.0, abs=1e-9)
    assert rise_after(*[(2.0, 0.05)] * 3, (-1.6, 0.05)) == pytest.approx(70.0, abs=1e-9)
    with pytest.raises(LimitError, match="-1 V: the curve array holds no pulse of that sign"):
        chip(curve=ConductanceCurve(WHOLE, Pulse(2.0, 0.05))).expose(0, 0, -1.0, 0.05)


def test_half_selected_cells_move_along_the_measured_half_pulse_curve():
    backend = chip((3, 2), write="half-select")
    counts = np.zeros((3, 2), dtype=int)
    counts[1, 0] = 2
    backend.send_pulses(counts, Pulse(2.0, 0.05))
    expected = 50e-9 + 1e-9 * np.array([[7.0, 0.0], [80.0, 7.0], [7.0, 0.0]])
    np.testing.assert_allclose(backend.conductances, expected, rtol=1e-12)


def test_a_pulse_of_an_amplitude_between_is_refused_also_after_a_cell_has_seen_it():
    backend = chip()
    for _ in range(2):
        with pytest.raises(LimitError, match=r"pulse of 1\.5 V.* is not in the measured curves"):
            backend.send_pulses([[1]], Pulse(1.5, 0.05))
        backend.expose(0, 0, 1.5, 0.05)


def test_a_chip_goes_on_from_its_saved_state_between_two_amplitudes():
    first, second = chip(), chip()
    first.expose(0, 0, 1.5, 0.05)
    second.restore(first.state())
    np.testing.assert_array_equal(second.conductances, first.conductances)
    for backend in (first, second):
        backend.expose(0, 0, 1.5, 0.05)
    np.testing.assert_array_equal(second.conductances, first.conductances)
    assert second.conductances[0, 0] > 90e-9


def test_a_file_with_half_pulses_beside_whole_ones_starts_from_the_whole_ones(tmp_path):
    (tmp_path / "two.csv").write_text(
        "polarity,amplitude_v,width_s,pulse,conductance_siemens\n"
        + "".join(f"potentiation,1.0,0.1,{pulse},{value}\n" for pulse, value in enumerate(HALF, 1))
        + "".join(f"potentiation,2.0,0.05,{pulse},{value}\n" for pulse, value in enumerate(WHOLE, 1))
    )
    curve = ConductanceCurve.from_csv(tmp_path / "two.csv")
    assert curve.pulse == Pulse(2.0, 0.05)
    assert [each.pulse for each in curve.others] == [Pulse(1.0, 0.1)]
