"""What chance allows, by `scipy.special` alone: `scipy.stats` takes half a second to load."""

import math

import numpy as np
from scipy.special import gammaincinv, kolmogorov, ndtr


def variance_bounds(degrees):
    """Return between what an estimated variance lies, by the true one, but for 1e-4 on either side: chi-squared."""
    return 2 * gammaincinv(degrees / 2, [1e-4, 1 - 1e-4]) / degrees


def p_of_normal(sample, mean=0.0, sigma=1.0):
    """Return the p-value of the test of Kolmogorov and Smirnov that many numbers are of a normal distribution."""
    count = len(sample)
    expected, steps = ndtr((np.sort(sample) - mean) / sigma), np.arange(count + 1) / count
    furthest = max((steps[1:] - expected).max(), (expected - steps[:-1]).max())
    return kolmogorov(math.sqrt(count) * furthest)
