"""Compiled: random numbers of chips side by side, each a function of seed, chip, what it is for and its number.

They are those of Philox 4x32 with 10 rounds (J. K. Salmon and others, Proc. SC11 (2011) 16,
doi:10.1145/2063384.2063405): the cipher of the counter (number, what, chip low, chip high) under the key of the seed.
So a chip is the same whatever else is drawn, beside it or of it. Normal numbers are those of G. E. P. Box and M. E.
Muller (Ann. Math. Stat. 29 (1958) 610) in single precision, with tails up to 6.7; gamma numbers are exact (G. Marsaglia
and W. W. Tsang, ACM TOMS 26 (2000) 363).
"""

import math
from typing import Any

import numba
import numpy as np

from .apart import Counts, Part, Singles, apart
from .functions import EFFECT_LANES, INNER, SMALL, quick_exp, quick_log

_L = EFFECT_LANES
WHITE, CELLS, TELEGRAPH, TELEGRAPH_START, FLICKER, FLICKER_START, STEPS, DRIFT = range(1, 9)
"""What numbers are for; the steps that are tried once more have these of `_AGAIN` more."""
_AGAIN = 16
_OPEN = np.float32(1e-6)
"""What the test of a gamma number leaves open in single precision, relative to its terms."""
_MASK, _WORD = np.uint64(0xFFFFFFFF), np.uint64(32)
_FIRST, _SECOND = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_KEY_FIRST, _KEY_SECOND = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_f = np.float32
_UNIT, _HALF_UNIT = _f(2.0**-31), _f(2.0**-32)
_SINE = tuple(_f((-1) ** k * (2 * math.pi) ** (2 * k + 1) / math.factorial(2 * k + 1)) for k in range(6))


@numba.njit(**SMALL)
def philox(a: Any, b: Any, c: Any, d: Any, low: Any, high: Any) -> Any:
    """Encipher four 32-bit words under a key of two; all are kept in 64-bit numbers."""
    for _ in range(10):
        first, second = _FIRST * a, _SECOND * c
        a, c = ((second >> _WORD) ^ b ^ low) & _MASK, ((first >> _WORD) ^ d ^ high) & _MASK
        b, d = second & _MASK, first & _MASK
        low, high = (low + _KEY_FIRST) & _MASK, (high + _KEY_SECOND) & _MASK
    return a, b, c, d


@numba.njit(**SMALL)
def uniform(word: Any) -> Any:
    """Make of a word a number between 0 and 1, neither included, good near 0."""
    return (np.float64(np.int64(word)) + 0.5) * 2.0**-32


@numba.njit(**SMALL)
def _sine(turns: Any) -> Any:
    """Give the sine of an angle from -1/4 to 1/4 of a turn."""
    square = turns * turns
    value = _SINE[5] * square + _SINE[4]
    value = value * square + _SINE[3]
    value = value * square + _SINE[2]
    value = value * square + _SINE[1]
    return (value * square + _SINE[0]) * turns


@numba.njit(**SMALL)
def normal_pair(first: Any, second: Any) -> Any:
    """Make of two words two standard normal numbers."""
    share = _f(np.int32(first >> np.uint64(1))) * _UNIT + _HALF_UNIT
    radius = math.sqrt(max(_f(-2.0) * quick_log(share), _f(0.0)))
    turns = _f(np.int32(second)) * _HALF_UNIT
    quarter, half = _f(0.25), _f(0.5)
    folded = turns if abs(turns) <= quarter else math.copysign(half, turns) - turns
    return radius * _sine(quarter - abs(turns)), radius * _sine(folded)


@apart(Part.FILL_NORMALS)
def fill_normals(counts: Counts, blocks: int, what: int, chips: Counts, key: Counts, found: Singles) -> None:
    """Draw the blocks of four normal numbers of a count, of chips side by side.

    Parameters
    ----------
    counts, chips : ndarray of uint64, shape (L,)
        How many such sets were drawn before, and the numbers of the chips.
    blocks, what : int
        Of a set, and what it is for.
    key : ndarray of uint64, shape (2,)
        Of the seed.
    found : ndarray of float32, shape (4 blocks L,)
        Result.
    """
    low, high = key[0], key[1]
    for block in range(blocks):
        part = found[4 * block * _L : 4 * (block + 1) * _L]
        for i in range(_L):
            number = (counts[i] * np.uint64(blocks) + np.uint64(block)) & _MASK
            a, b, c, d = philox(number, np.uint64(what), chips[i] & _MASK, chips[i] >> _WORD, low, high)
            part[i], part[_L + i] = normal_pair(a, b)
            part[2 * _L + i], part[3 * _L + i] = normal_pair(c, d)


@apart(Part.FILL_UNIFORMS)
def fill_uniforms(counts: Counts, blocks: int, what: int, chips: Counts, key: Counts, found: Singles) -> None:
    """Draw numbers between 0 and 1 as `fill_normals` draws normal ones."""
    low, high = key[0], key[1]
    for block in range(blocks):
        part = found[4 * block * _L : 4 * (block + 1) * _L]
        for i in range(_L):
            number = (counts[i] * np.uint64(blocks) + np.uint64(block)) & _MASK
            a, b, c, d = philox(number, np.uint64(what), chips[i] & _MASK, chips[i] >> _WORD, low, high)
            part[i], part[_L + i] = _f(uniform(a)), _f(uniform(b))
            part[2 * _L + i], part[3 * _L + i] = _f(uniform(c)), _f(uniform(d))


@numba.njit(**SMALL)
def _proposed_gamma(shape: Any, number: Any, what: Any, chip: Any, low: Any, high: Any) -> Any:
    """Propose a gamma number of scale 1, below zero if it is not accepted."""
    a, b, c, d = philox(number, what, chip & _MASK, chip >> _WORD, low, high)
    x, _ = normal_pair(a, b)
    boosted = shape < 1.0
    raised = shape + 1.0 if boosted else shape
    size = raised - 1.0 / 3.0
    root = 1.0 + np.float64(x) / math.sqrt(9.0 * size)
    cube = max(root * root * root, 1e-300)
    accepted = quick_log(uniform(c)) < 0.5 * x * x + size * (1.0 - cube + quick_log(cube))
    power = quick_log(uniform(d)) / shape if boosted else 0.0
    found = size * cube * quick_exp(max(power, -700.0))
    return found if accepted & (root > 0.0) else -1.0


@numba.njit(**SMALL)
def _quick_gamma(size: Any, three: Any, x: Any, short_log: Any) -> Any:
    """Propose the same number for a shape of 1 or more, below zero too if single precision cannot tell.

    `size` is the shape less 1/3 and `three` the root of nine times that, `x` the normal number and `short_log` the
    logarithm of the uniform one.
    """
    root = 1.0 + np.float64(x) / three
    cube = max(root * root * root, 1e-30)
    short, many, one = _f(cube), _f(size), _f(1.0)
    open_by = _OPEN * (_f(10.0) + many * (one + short))
    accepted = short_log + open_by < _f(0.5) * x * x + many * (one - short + quick_log(short))
    return size * cube if accepted & (root > 0.0) else -1.0


@numba.njit(**INNER)
def _next_gamma(shape: Any, number: Any, what: Any, chip: Any, low: Any, high: Any) -> Any:
    """Propose one for a single chip."""
    return _proposed_gamma(shape, number, what, chip, low, high)


@numba.njit(**INNER)
def draw_gammas(  # noqa: PLR0912
    shapes: Any, usual: float, counts: Any, cells: Any, many: int, chips: Any, key: Any, found: Any, memory: Any
) -> None:
    """Draw a gamma number of scale 1 for a cell of each chip; nothing where the shape is 0.

    Which of both ways a number is made must not depend on who lies beside it.

    Parameters
    ----------
    shapes, found : ndarray, shape (L,)
        Shapes, and the result.
    usual : float
        If every shape is this, or 0, it is quicker.
    counts, cells, chips : ndarray of uint64, shape (L,)
        Sets that were drawn before, which of `many` cells it is, and the numbers of the chips.
    many : int
        Numbers of a set.
    key : ndarray of uint64, shape (2,)
        Of the seed.
    memory : ndarray of float32, shape (at least 2 L,)
    """
    normals, logs = memory[:_L], memory[_L : 2 * _L]
    low, high, small, large, others = key[0], key[1], 0, 0, 0
    for i in range(_L):
        others += 1 if (shapes[i] != 0.0) & (shapes[i] != usual) else 0
        small += 1 if (shapes[i] > 0.0) & (shapes[i] < 1.0) else 0
        large += 1 if shapes[i] >= 1.0 else 0
    if large > 0:
        for i in range(_L):  # in two loops, whose steps wait less for each other
            number = (counts[i] * np.uint64(many) + cells[i]) & _MASK
            a, b, c, _ = philox(number, np.uint64(STEPS), chips[i] & _MASK, chips[i] >> _WORD, low, high)
            normals[i], _ = normal_pair(a, b)
            logs[i] = quick_log(_f(uniform(c)))
        if others == 0:
            size = usual - 1.0 / 3.0
            three = math.sqrt(9.0 * size)
            for i in range(_L):
                drawn = _quick_gamma(size, three, normals[i], logs[i])
                found[i] = drawn if shapes[i] >= 1.0 else 0.0
        else:
            for i in range(_L):
                size = max(shapes[i], 1.0) - 1.0 / 3.0
                drawn = _quick_gamma(size, math.sqrt(9.0 * size), normals[i], logs[i])
                found[i] = drawn if shapes[i] >= 1.0 else 0.0
    else:
        for i in range(_L):
            found[i] = 0.0
    if small > 0:
        for i in range(_L):
            number, shape = (counts[i] * np.uint64(many) + cells[i]) & _MASK, shapes[i]
            drawn = _proposed_gamma(max(shape, 1e-12), number, np.uint64(STEPS), chips[i], low, high)
            found[i] = drawn if (shape > 0.0) & (shape < 1.0) else found[i]
    for i in range(_L):
        what = STEPS
        while found[i] < 0.0:
            number = (counts[i] * np.uint64(many) + cells[i]) & _MASK
            found[i] = _next_gamma(shapes[i], number, np.uint64(what), chips[i], low, high)
            what += _AGAIN
