"""Functions that compiled kernels share, and how these are compiled: exp and log that become vectors."""

import math
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numba.extending import overload
from numpy.polynomial import Chebyshev, Polynomial

from ...circuit.caching import KEPT

FAST: Any = {
    **KEPT,
    "nogil": True,
    "no_cfunc_wrapper": True,
    "error_model": "numpy",
    "fastmath": {"contract", "nsz"},
}
INNER: Any = {**FAST, "no_cpython_wrapper": True}
"""Of what only compiled code calls: wrappers take a third of the time to compile."""
SMALL: Any = {**INNER, "forceinline": True}
"""Of what must become part of a loop, or that makes no vectors."""
EFFECT_LANES = 64
"""Chips with effects that are trained side by side: so many that a call of a function costs little of each."""
FAR = 380.0
"""Outputs beyond this have slope zero in `Trainer` too: exp(-2 x 380) is below half the smallest double."""
_HALF_LN2 = math.log(2) / 2
_ATANH = tuple(2 / (2 * k + 1) for k in range(10))
_SQRT_HALF = int(np.float64(math.sqrt(0.5)).view(np.int64)), int(np.float32(math.sqrt(0.5)).view(np.int32))


def types_of(single: bool) -> tuple[Any, Any]:
    """Return the types of real and whole numbers."""
    return (np.float32, np.int32) if single else (np.float64, np.int64)


def exponential_coefficients(degree: int) -> tuple[float, ...]:
    """Polynomial, highest power first, that interpolates exp at the Chebyshev nodes of -ln(2)/2 to ln(2)/2."""
    fit = Chebyshev.interpolate(np.exp, degree, domain=[-_HALF_LN2, _HALF_LN2])
    return tuple(float(each) for each in fit.convert(kind=Polynomial).coef[::-1])


def quick_exp(argument: Any) -> Any:
    """Give exp of an argument from -80 (single) or -700 (double precision) to 0; for compiled callers.

    The argument is split into k ln(2) + r with k the nearest integer; k is added to the exponent of a polynomial in r.
    Adding 1.5 x 2^23 (or 2^52) rounds to an integer that stands in the lowest bits of the sum. The relative error is
    below 1.8e-7 (three roundoffs) in single and 1e-12 in double precision.
    """
    return np.exp(argument)


@overload(quick_exp, jit_options={"fastmath": {"contract"}})
def _compiled_decay(argument: Any) -> Callable[[Any], Any]:
    single = argument == numba.float32
    real, whole = types_of(single)
    bits = 23 if single else 52
    shift, magic, per_ln2 = whole(bits), real(1.5 * 2.0**bits), real(1 / math.log(2))
    high = real(np.floor(math.log(2) * 2**12) / 2**12)  # so short that k times it is exact
    low = real(math.log(2) - float(high))
    factors = tuple(real(each) for each in exponential_coefficients(6 if single else 10))
    start, middle, last = factors[0], factors[1:-1], factors[-1]

    def compiled(argument: Any) -> Any:
        shifted = real(argument * per_ln2 + magic)
        k = shifted - magic
        r = (argument - k * high) - k * low
        value = start
        for factor in middle:
            value = value * r + factor
        power = real(value * r + last)
        pattern = whole(power.view(whole) + (shifted.view(whole) << shift))
        return pattern.view(real)

    return compiled


def quick_log(argument: Any) -> Any:
    """Give the logarithm of a number above zero that is not subnormal, for compiled callers.

    A number is 2^k m with m from 0.707 to 1.414, and log(m) the series of 2 artanh((m - 1) / (m + 1)). The error is
    below 2e-7 in single and 1e-15 in double precision, relative to the logarithm or to 1, whatever is less.
    """
    return np.log(argument)


@overload(quick_log, jit_options={"fastmath": {"contract"}})
def _compiled_log(argument: Any) -> Callable[[Any], Any]:
    single = argument == numba.float32
    real: Any = np.float32 if single else np.float64
    whole: Any = np.int32 if single else np.int64
    start, shift = whole(_SQRT_HALF[single]), whole(23 if single else 52)
    factors = tuple(real(each) for each in _ATANH[: 5 if single else 10][::-1])
    highest, lower = factors[0], factors[1:]
    ln2, one = real(math.log(2)), real(1)

    def compiled(argument: Any) -> Any:
        number = real(argument)
        pattern = number.view(whole)
        k = whole((pattern - start) >> shift)
        rest = whole(pattern - (k << shift))
        m = rest.view(real)
        s = (m - one) / (m + one)
        square = real(s * s)
        value = highest
        for factor in lower:
            value = real(value * square + factor)
        return real(real(k) * ln2 + s * value)

    return compiled
