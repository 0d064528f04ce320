"""Cell models."""

import math

import numpy as np
import pytest

from crossbar_hil.errors import DataError
from crossbar_hil.sim_backend.circuit.cells import Cubic, Ohmic, Sinh, Tabulated


def test_an_ohmic_cell_carries_conductance_times_voltage():
    # 2 uS at -0.5 V; one product of doubles.
    assert math.isclose(Ohmic().current(np.array([2e-6]), np.array([-0.5]))[0], -1e-6, rel_tol=1e-15)


@pytest.mark.parametrize("voltage", [-0.7, 0.05, 1.0])
def test_a_sinh_cell_follows_the_hyperbolic_sine(voltage):
    expected = 3e-6 * (math.exp(2.5 * voltage) - math.exp(-2.5 * voltage)) / 2 / 2.5
    # The difference of exponentials loses a digit at 0.05 V.
    assert math.isclose(Sinh(2.5).current(np.array([3e-6]), np.array([voltage]))[0], expected, rel_tol=1e-13)


def test_a_sinh_cell_is_ohmic_at_small_voltages():
    # sinh(x)/x - 1 = x^2 / 6, 1.7e-9 at x = 1e-4.
    assert math.isclose(Sinh(1.0).current(np.array([3e-6]), np.array([1e-4]))[0], 3e-10, rel_tol=2e-9)


def test_the_current_of_a_sinh_cell_is_odd_in_the_voltage():
    forward, backward = Sinh(4.0).current(np.array([1e-6, 1e-6]), np.array([0.3, -0.3]))
    assert forward == -backward


def test_cells_of_a_crossbar_broadcast_over_patterns():
    currents = Ohmic().current(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 10.0]])[:, :, None])
    assert currents.tolist() == [[[1.0, 2.0], [30.0, 40.0]]]


@pytest.mark.parametrize("b_per_v", [0.0, -1.0, math.nan, math.inf])
def test_a_nonlinearity_that_is_not_positive_is_refused(b_per_v):
    with pytest.raises(DataError, match=f"b_per_v {b_per_v} per volt must be finite and above zero"):
        Sinh(b_per_v)


def test_a_sinh_cell_goes_through_two_points_of_one_cell():
    # A cell of 2.42e-8 A at 50 mV and 1.81e-3 A at 2 V; b from sinh(2 b) / sinh(0.05 b) = 1.81e-3 / 2.42e-8 by hand:
    # exp(1.95 b) (1 - exp(-4 b)) / (1 - exp(-0.1 b)) = 74793.4 has its root at b = 5.2996.
    cell = Sinh(siemens=2.42e-8 / 0.05, reference_v=0.05, current_a=1.81e-3, at_v=2.0)
    assert math.isclose(math.sinh(2 * cell.b_per_v) / math.sinh(0.05 * cell.b_per_v), 1.81e-3 / 2.42e-8, rel_tol=1e-12)
    currents = cell.current(np.array([2.42e-8 / 0.05]), np.array([0.05, -0.05, 2.0]))
    assert np.allclose(currents, [2.42e-8, -2.42e-8, 1.81e-3], rtol=1e-12, atol=0)
    # The small-signal conductance as the reference: 3420 = sinh(2 b) / b, b = 5.2438.
    small = Sinh(siemens=1e-6, current_a=3.42e-3, at_v=2.0)
    assert math.isclose(math.sinh(2 * small.b_per_v) / small.b_per_v, 3420, rel_tol=1e-12)
    assert math.isclose(small.slope(np.array(1e-6), np.array(0.0)), 1e-6, rel_tol=1e-15)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, "b_per_v 0.0 per volt must be finite and above zero, or siemens, current_a and at_v"),
        ({"b_per_v": 2.0, "at_v": 2.0}, "either b_per_v or siemens, current_a and at_v, not at_v with b_per_v"),
        ({"current_a": 1e-3}, "given by its current_a needs siemens, at_v too"),
        ({"siemens": 1e-3, "current_a": 1e-3, "at_v": 2.0}, "does not conduct better there"),
        ({"siemens": 1e-7, "current_a": 1e-3, "at_v": 0.1, "reference_v": 0.1}, "must lie above reference_v 0.1 V"),
        ({"siemens": -1e-7, "current_a": 1e-3, "at_v": 2.0}, "siemens -1e-07 S must be finite and above zero"),
        ({"b_per_v": 2.0, "reference_v": -1.0}, "reference_v -1.0 V must be finite and at least zero"),
    ],
)
def test_what_gives_no_sinh_cell_is_refused(options, sentence):
    with pytest.raises(DataError, match=sentence):
        Sinh(**options)


def test_a_cubic_cell_has_its_resistance_at_the_reference_voltage():
    # The states of the source are numbered by the resistance between 0.20 and 0.25 V, the highest 11177 ohm.
    current = Cubic().current(np.array([1 / 11177]), np.array([0.225]))[0]
    assert math.isclose(0.225 / current, 11177, rel_tol=1e-13)


def test_a_cubic_cell_grows_with_the_published_coefficients():
    # I(0.5) / I(0.225) = (c1 0.5 + c3 0.125) / (c1 0.225 + c3 0.011390625)
    # = (3.122160655e-5 + 3.33307565e-5) / (1.404972295e-5 + 3.037265186e-6) = 6.455236305e-5 / 1.708698813e-5.
    half, reference = Cubic().current(np.array([1.0, 1.0]), np.array([0.5, 0.225]))
    assert math.isclose(half / reference, 3.7778667, rel_tol=1e-7)


@pytest.mark.parametrize(
    "cell",
    [
        Ohmic(),
        Sinh(3.0),
        Sinh(3.0, reference_v=0.5),
        Cubic(),
        Tabulated([0.1, 0.3, 0.7, 1.0], [1e-6, 4e-6, 3e-5, 9e-5]),
    ],
)
def test_the_slope_is_the_derivative_of_the_current_which_is_odd_and_rises(cell):
    voltages = np.linspace(-0.97, 0.97, 41)
    siemens, step = np.array(2e-5), 1e-6
    below, above = cell.current(siemens, voltages - step), cell.current(siemens, voltages + step)
    # The third derivative times the step squared is far below this.
    assert np.allclose((above - below) / (2 * step), cell.slope(siemens, voltages), rtol=1e-4)
    assert (cell.slope(siemens, voltages) > 0).all()
    assert np.allclose(cell.current(siemens, -voltages), -cell.current(siemens, voltages), rtol=1e-15)
    assert cell.current(siemens, np.array(0.0)) == 0


def test_a_table_goes_through_its_points_and_is_scaled_at_its_reference():
    table = Tabulated([0.1, 0.3, 0.5], [1e-6, 4e-6, 9e-6], reference_v=0.3)
    # 1 / G is 0.3 V / 4 uA at the point of reference, so all currents are as measured.
    assert np.allclose(table.current(np.array(4e-6 / 0.3), np.array([0.1, -0.3, 0.5])), [1e-6, -4e-6, 9e-6])


def test_a_table_of_a_straight_line_is_ohmic():
    table = Tabulated([0.1, 0.25, 0.5], [1e-6, 2.5e-6, 5e-6])
    assert np.allclose(table.current(np.array(3e-6), np.array([0.02, 0.17, 0.44])), 3e-6 * np.array([0.02, 0.17, 0.44]))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (([0.1, 0.2], [1e-6, 1e-6]), r"table current 1e-06 of point 1 must lie above the one before"),
        (([0.1, 0.05], [1e-6, 2e-6]), r"table voltage 0.05 of point 1 must lie above the one before"),
        (([-0.1, 0.05], [1e-6, 2e-6]), r"table voltage -0.1 of point 0 must lie above the one before"),
        (([0.0, 0.05], [0.0, 2e-6]), r"begins with \(0, 0\), which is always added"),
        (([0.1], [1e-6]), "1 voltages and 1 currents, expected two or more of both"),
        (([0.1, 0.2], [1e-6, 2e-6], 0.3), "reference_v 0.3 V must lie above 0 and at most at 0.2 V"),
    ],
)
def test_a_table_that_is_no_rising_curve_is_refused(table, message):
    with pytest.raises(DataError, match=message):
        Tabulated(*table)


def test_a_voltage_beyond_the_table_is_refused_and_its_extension_goes_straight_on():
    table = Tabulated([0.1, 0.2], [1e-6, 3e-6])
    with pytest.raises(DataError, match=r"0\.21 V across a cell lies outside the table, which ends at 0.2 V"):
        table.current(np.array(1e-5), np.array([0.1, -0.21]))
    # 1e-5 S is 2 uA at the reference of 0.2 V, two thirds of the table; the last secant has 20 uA/V.
    assert np.isclose(table.extended().current(np.array(1e-5), np.array(0.3)), (3e-6 + 2e-6) * 2 / 3)


@pytest.mark.parametrize("wrong", [{"c1_siemens": 0.0}, {"c3_a_per_v3": -1.0}, {"reference_v": math.inf}])
def test_a_cubic_that_does_not_rise_is_refused(wrong):
    with pytest.raises(DataError, match=next(iter(wrong))):
        Cubic(**wrong)
