"""Cell models."""

import math

import numpy as np
import pytest

from crossbar_hil.errors import DataError
from crossbar_hil.sim_backend.cells import Ohmic, Sinh


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
