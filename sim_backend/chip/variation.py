"""Spread from cell to cell: random shifts of the conductance curve, drawn from a lognormal distribution."""

import math
from typing import TypedDict

import numpy as np

from crossbar_hil.arrays import FloatArray
from crossbar_hil.confidence import Z95
from crossbar_hil.errors import DataError


class SpreadNumbers(TypedDict, total=False):
    """How the shifts are spread, by median and sigma or by a span; see `lognormal_shifts`."""

    median_siemens: float | None
    sigma: float | None
    span_siemens: tuple[float, float] | None


def lognormal_shifts(
    shape: tuple[int, int] = (4, 4),
    *,
    rng: np.random.Generator,
    median_siemens: float | None = None,
    sigma: float | None = None,
    span_siemens: tuple[float, float] | None = None,
) -> FloatArray:
    """Draw independent lognormal shifts, one for each cell.

    The logarithm of a shift is normal with mean ln(median) and standard deviation sigma. A span low..high stands for
    the central 95 % of the distribution: median = sqrt(low high), sigma = ln(high / low) / (2 x 1.95996). Five cells
    in a hundred lie outside it: nothing is clipped.

    Parameters
    ----------
    shape : (int, int)
        (R, C).
    rng : numpy.random.Generator
        The source of randomness; the same state gives the same shifts.
    median_siemens, sigma : float
        Median in siemens and standard deviation of the logarithm (no unit); together, instead of a span.
    span_siemens : (float, float)
        Low and high end, in siemens; instead of median and sigma.

    Returns
    -------
    ndarray of float, shape (R, C)
        Shifts, in siemens.

    Raises
    ------
    DataError
        If neither or both ways are used, or a number is out of range.

    Examples
    --------
    >>> shifts = lognormal_shifts((200, 200), rng=np.random.default_rng(1), span_siemens=(1e-8, 1e-7))
    >>> float(((shifts > 1e-8) & (shifts < 1e-7)).mean())
    0.952
    """
    if (span_siemens is None) == (median_siemens is None and sigma is None):
        raise DataError("the spread of the shifts must be given either as median and sigma or as a span")
    if span_siemens is not None:
        low, high = _checked_span(span_siemens)
        median_siemens = math.sqrt(low * high)
        sigma = math.log(high / low) / (2 * Z95)
    if median_siemens is None or not (math.isfinite(median_siemens) and median_siemens > 0):
        raise DataError(f"median of the shifts {median_siemens} S must be finite and above zero")
    if sigma is None or not (math.isfinite(sigma) and sigma >= 0):
        raise DataError(f"sigma of the shifts {sigma} must be finite and not negative")
    return median_siemens * np.exp(sigma * rng.standard_normal(shape))


def lognormal_factors(shape: tuple[int, ...], sigma: float, rng: np.random.Generator) -> FloatArray:
    """Draw factors of median 1, whose logarithm has the standard deviation `sigma`; no unit."""
    return np.exp(sigma * rng.standard_normal(shape))


def rescaled_lognormal_shifts(
    shape: tuple[int, int] = (4, 4), *, rng: np.random.Generator, span_siemens: tuple[float, float], sigma: float = 1.0
) -> FloatArray:
    """Draw shifts the way the reference study does: lognormal, then stretched to touch both ends of the span.

    The result is not lognormal: the smallest shift of every chip is `low` and the largest is `high`, whatever was
    drawn. It is here for comparison with the reference study only.

    Parameters
    ----------
    shape : (int, int)
        (R, C); at least two cells.
    rng : numpy.random.Generator
        The source of randomness.
    span_siemens : (float, float)
        Low and high end, in siemens.
    sigma : float
        Standard deviation of the logarithm before stretching, above zero.

    Returns
    -------
    ndarray of float, shape (R, C)
        Shifts, in siemens.

    Examples
    --------
    >>> shifts = rescaled_lognormal_shifts(rng=np.random.default_rng(1), span_siemens=(1e-8, 1e-7))
    >>> float(shifts.min()), float(shifts.max())
    (1e-08, 1e-07)
    """
    low, high = _checked_span(span_siemens)
    if math.prod(shape) < 2:
        raise DataError(f"a chip of {math.prod(shape)} cell cannot touch both ends of a span, two are needed")
    if not (math.isfinite(sigma) and sigma > 0):
        raise DataError(f"sigma of the shifts {sigma} must be finite and above zero")
    drawn = np.exp(sigma * rng.standard_normal(shape))
    share = (drawn - drawn.min()) / (drawn.max() - drawn.min())
    return np.where(share == 1, high, low + share * (high - low))


def _checked_span(span_siemens: tuple[float, float]) -> tuple[float, float]:
    low, high = span_siemens
    if not (math.isfinite(low) and math.isfinite(high) and 0 < low < high):
        raise DataError(f"span of the shifts {low} S to {high} S must have 0 < low < high, both finite")
    return low, high
