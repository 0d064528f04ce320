"""tanh(beta I) and its slope."""

import math

import numpy as np
import pytest

from crossbar_hil.training.activation import Tanh


@pytest.mark.parametrize("current", [-3e-7, -1e-9, 0.0, 2e-8, 5e-7])
def test_the_activation_is_the_hyperbolic_tangent(current):
    # Two libraries' tanh agree to a few roundings of 1e-16.
    assert math.isclose(Tanh(6e6)(np.array([current]))[0], math.tanh(6e6 * current), rel_tol=1e-14)


@pytest.mark.parametrize("current", [-3e-7, -1e-9, 0.0, 2e-8, 5e-7])
def test_the_slope_is_beta_over_cosh_squared(current):
    expected = 6e6 / math.cosh(6e6 * current) ** 2
    assert math.isclose(Tanh(6e6).slope(np.array([current]))[0], expected, rel_tol=1e-13)


def test_the_slope_is_what_a_small_step_of_the_activation_shows():
    f, current, step = Tanh(6e6), 1e-7, 1e-12
    rise = float(f(np.array([current + step]))[0] - f(np.array([current - step]))[0])
    # The central difference errs by (beta step)^2, 4e-11, and by rounding, 1e-16 / 1e-5.
    assert math.isclose(f.slope(np.array([current]))[0], rise / (2 * step), rel_tol=1e-8)


def test_the_slope_is_symmetric():
    slopes = Tanh(5e7).slope(np.array([-2e-8, 2e-8]))
    assert slopes[0] == slopes[1]


def test_the_slope_far_from_zero_is_zero_without_a_warning():
    assert Tanh(1e300).slope(np.array([1.0, -1.0])).tolist() == [0.0, 0.0]


@pytest.mark.parametrize("beta", [1e290, 1e300])
def test_the_slope_at_zero_is_beta(beta):
    assert Tanh(beta).slope(np.array([0.0]))[0] == beta
