"""The measured conductance curve."""

import math
from importlib import resources

import numpy as np
import pytest

from crossbar_hil import Pulse
from crossbar_hil.errors import DataError, LimitError
from crossbar_hil.sim_backend import ConductanceCurve

SHIPPED = resources.files("crossbar_hil.data") / "figure2a.csv"


@pytest.fixture(scope="module")
def shipped():
    return ConductanceCurve.from_csv(SHIPPED)


# ---------------------------------------------------------------------- arrays


def test_rises_count_from_level_0():
    # 0.51 - 0.45 and 0.43 - 0.45 uS.
    assert np.allclose(ConductanceCurve([4.5e-7, 5.1e-7, 4.3e-7]).rises, [0, 6e-8, -2e-8], rtol=0, atol=1e-20)


def test_the_span_is_the_largest_rise_wherever_it_is():
    assert math.isclose(ConductanceCurve([4.5e-7, 6.1e-7, 5.3e-7]).span, 1.6e-7, rel_tol=1e-12)


def test_a_noisy_curve_is_kept_as_it_was_measured():
    assert ConductanceCurve([3e-7, 5e-7, 4e-7]).levels_siemens.tolist() == [3e-7, 5e-7, 4e-7]


def test_levels_are_a_copy_that_cannot_be_written():
    levels = np.array([3e-7, 5e-7])
    curve = ConductanceCurve(levels)
    levels[0] = 0.0
    assert curve.levels_siemens[0] == 3e-7
    with pytest.raises(ValueError, match="read-only"):
        curve.levels_siemens[0] = 0.0


def test_a_curve_cannot_be_changed():
    with pytest.raises(AttributeError):
        ConductanceCurve([3e-7, 5e-7]).pulse = Pulse(2.0, 0.05)


@pytest.mark.parametrize(
    ("levels", "message"),
    [
        ([4e-7], "of 1 point is too short, at least 2 needed"),
        ([], "shape"),
        ([[4e-7, 5e-7]], "shape"),
        ([4e-7, math.nan], r"nan at \[1\]"),
        ([4e-7, math.inf], r"inf at \[1\]"),
        ([4e-7, -1e-9], "-1e-09 S at level 1, a conductance is not negative"),
        ([4e-7, 5e-7, 0.2], "0.2 S at level 2, above 0.1 S; it must be in siemens"),
        (["a", "b"], "numbers"),
    ],
)
def test_levels_that_are_no_conductances_are_refused(levels, message):
    with pytest.raises(DataError, match=message):
        ConductanceCurve(levels)


# ---------------------------------------------------------------------- the shipped table


def test_the_shipped_table_holds_five_potentiation_and_five_depression_curves(shipped):
    pulses = {curve.pulse for curve in (shipped, *shipped.others)}
    widths = (0.001, 0.002, 0.005, 0.01, 0.05)
    assert pulses == {Pulse(volts, width) for volts in (2.0, -2.8) for width in widths}
    assert all(len(curve.levels_siemens) == 51 for curve in (shipped, *shipped.others))


def test_without_a_pulse_the_longest_potentiation_is_taken(shipped):
    assert shipped.pulse == Pulse(2.0, 0.05)
    # Read off figure 2a: 0.454, 0.515, 0.520 uS; the maximum after pulse 46, the last point after pulse 51.
    assert shipped.levels_siemens[:3].tolist() == [4.54e-7, 5.15e-7, 5.2e-7]
    assert shipped.levels_siemens[45] == shipped.levels_siemens.max() == 6.6437e-7
    assert shipped.levels_siemens[50] == 6.4047e-7


def test_a_pulse_chooses_its_curve():
    curve = ConductanceCurve.from_csv(SHIPPED, Pulse(2.0, 0.01))
    assert curve.pulse == Pulse(2.0, 0.01)
    assert curve.levels_siemens[:2].tolist() == [4.5e-7, 4.95e-7]


def test_the_other_curves_stay_beside_the_chosen_one():
    curve = ConductanceCurve.from_csv(SHIPPED, Pulse(2.0, 0.01))
    assert len(curve.others) == 9
    assert curve.for_pulse(Pulse(2.0, 0.05)).levels_siemens[1] == 5.15e-7


def test_a_depression_pulse_chooses_a_depression_curve(shipped):
    assert shipped.for_pulse(Pulse(-2.8, 0.05)).levels_siemens[:3].tolist() == [3.9e-7, 1.1e-7, 7.7381e-8]


@pytest.mark.parametrize(("volts", "short", "long"), [(2.0, 0.01, 0.05), (2.0, 0.001, 0.002), (-2.8, 0.005, 0.01)])
@pytest.mark.parametrize("share", [0.25, 0.5, 0.9])
def test_an_interpolated_width_lies_between_its_neighbours_linearly_in_the_logarithm(
    shipped, volts, short, long, share
):
    width = short * (long / short) ** share
    between = shipped.for_pulse(Pulse(volts, width)).levels_siemens
    low, high = (shipped.for_pulse(Pulse(volts, width)).levels_siemens for width in (short, long))
    # The logarithms round at 1e-16.
    assert np.allclose(between, low + share * (high - low), rtol=1e-12, atol=0)
    assert (between >= np.minimum(low, high) * (1 - 1e-12)).all()
    assert (between <= np.maximum(low, high) * (1 + 1e-12)).all()


def test_a_width_equal_but_for_rounding_is_the_measured_one(shipped):
    assert shipped.for_pulse(Pulse(2.0, 0.01 * (1 + 1e-15))).pulse == Pulse(2.0, 0.01)


@pytest.mark.parametrize("width_s", [0.0009, 0.051, 1.0])
@pytest.mark.parametrize("amplitude_v", [2.0, -2.8])
def test_a_width_outside_the_measured_ones_is_refused_with_their_range(shipped, amplitude_v, width_s):
    with pytest.raises(LimitError) as refusal:
        shipped.for_pulse(Pulse(amplitude_v, width_s))
    assert f"{amplitude_v:g} V, {width_s * 1e3:g} ms" in str(refusal.value)
    assert f"{amplitude_v:g} V from 1 ms to 50 ms" in str(refusal.value)


@pytest.mark.parametrize("amplitude_v", [1.9, 3.0, -2.0])
def test_an_amplitude_that_was_not_measured_is_refused_with_those_that_were(shipped, amplitude_v):
    with pytest.raises(LimitError, match=r"2 V from 1 ms to 50 ms and -2\.8 V from 1 ms to 50 ms"):
        shipped.for_pulse(Pulse(amplitude_v, 0.05))


def test_curves_of_different_length_are_not_interpolated():
    curve = ConductanceCurve([4e-7, 5e-7, 6e-7], Pulse(2.0, 0.05), [ConductanceCurve([4e-7, 5e-7], Pulse(2.0, 0.01))])
    with pytest.raises(DataError, match="have 2 and 3 points and cannot be interpolated"):
        curve.for_pulse(Pulse(2.0, 0.02))


def test_a_curve_without_a_pulse_serves_any():
    curve = ConductanceCurve([4e-7, 5e-7])
    assert curve.for_pulse(Pulse(1.3, 0.7)) is curve


# ---------------------------------------------------------------------- from_csv


def test_a_curve_whose_height_alone_is_known_serves_any_width_of_that_height(tmp_path):
    rows = "".join(f"0.1,{g}e-8\n1.8,1e-3\n" for g in (40, 45, 47, 50, 52, 53, 55))
    (tmp_path / "log.csv").write_text(f"V (V),I (A)\n{rows}")
    curve = ConductanceCurve.from_csv(tmp_path / "log.csv")
    assert curve.for_pulse(Pulse(1.8, 0.02)) is curve
    assert ConductanceCurve.of_device(tmp_path / "log.csv", Pulse(1.8, 0.02), smoothed=False).pulse == Pulse(1.8, 0.02)
    for asked in (
        lambda: curve.for_pulse(Pulse(2.0, 0.02)),
        lambda: curve.smoothed().for_pulse(Pulse(-1.8, 0.02)),
        lambda: ConductanceCurve.from_csv(tmp_path / "log.csv", Pulse(2.0, 0.02)),
        lambda: ConductanceCurve.of_device(tmp_path / "log.csv", Pulse(2.0, 0.02), smoothed=False),
    ):
        with pytest.raises(
            LimitError,
            match=r"log\.csv.*, measured by pulses of 1\.8 V .*--amplitude 1\.8 or --set amplitude=1\.8 sends them",
        ):
            asked()


def test_a_path_may_be_text(tmp_path):
    (tmp_path / "c.txt").write_text("G (S)\n4e-7\n5e-7\n")
    curve = ConductanceCurve.from_csv(str(tmp_path / "c.txt"))
    assert curve.levels_siemens.tolist() == [4e-7, 5e-7]
    assert curve.pulse is None
    assert curve.source == "c.txt"


def test_a_plain_file_takes_the_pulse_it_is_given(tmp_path):
    (tmp_path / "c.txt").write_text("G (S)\n4e-7\n5e-7\n")
    assert ConductanceCurve.from_csv(tmp_path / "c.txt", Pulse(1.5, 0.01)).pulse == Pulse(1.5, 0.01)


def test_a_pulse_between_measured_widths_makes_an_interpolated_curve_with_the_measured_ones_beside_it():
    curve = ConductanceCurve.from_csv(SHIPPED, Pulse(2.0, 0.02))
    assert curve.pulse == Pulse(2.0, 0.02)
    assert len(curve.others) == 10


def test_a_pulse_that_the_table_does_not_hold_is_refused():
    with pytest.raises(LimitError, match="is not in the measured curves"):
        ConductanceCurve.from_csv(SHIPPED, Pulse(1.0, 0.05))


OF_STUDIES = '(with `tune` and `sweep`: --set amplitude=1.8 --set "width=20 ms")'


@pytest.mark.parametrize(
    ("pulse", "way"),
    [
        (Pulse(2.0, 0.05), f'1.8 V of 20 ms; --amplitude 1.8 --width "20 ms" takes one of them {OF_STUDIES}'),
        (Pulse(1.8, 0.05), f'1.8 V of 20 ms; --amplitude 1.8 --width "20 ms" takes one of them {OF_STUDIES}'),
        (Pulse(-2.0, 0.05), "which hold 1.8 V of 20 ms"),
    ],
)
def test_the_refusal_of_a_pulse_names_the_options_of_the_nearest_that_was_measured(pulse, way):
    with pytest.raises(LimitError) as refusal:
        ConductanceCurve([4e-7, 5e-7], Pulse(1.8, 0.02)).for_pulse(pulse)
    assert str(refusal.value).endswith(way)


def test_a_table_without_potentiation_is_refused(tmp_path):
    (tmp_path / "c.csv").write_text(
        "polarity,amplitude_v,width_s,pulse,conductance_siemens\ndepression,-2,0.05,1,4e-7\ndepression,-2,0.05,2,3e-7\n"
    )
    with pytest.raises(DataError, match=r"c\.csv holds no potentiation curve"):
        ConductanceCurve.from_csv(tmp_path / "c.csv")


# ---------------------------------------------------------------------- smoothed


def test_a_smoothed_curve_pools_adjacent_violators():
    # By hand: 5 and 3 violate and become their mean 4; 4, 4 and then 2 violate: mean of 5, 3, 2 is 10/3.
    smooth = ConductanceCurve([1e-7, 5e-7, 3e-7, 2e-7, 6e-7]).smoothed()
    assert np.allclose(smooth.levels_siemens, [1e-7, 10e-7 / 3, 10e-7 / 3, 10e-7 / 3, 6e-7], rtol=1e-12, atol=0)


def test_a_smoothed_depression_curve_falls(shipped):
    for curve in shipped.smoothed().others:
        steps = np.diff(curve.levels_siemens)
        assert (steps <= 0).all() if curve.pulse.amplitude_v < 0 else (steps >= 0).all()


def test_smoothing_keeps_the_mean(shipped):
    # Pools are replaced by their means, so the sum stays, but for rounding.
    assert math.isclose(shipped.smoothed().levels_siemens.sum(), shipped.levels_siemens.sum(), rel_tol=1e-12)
