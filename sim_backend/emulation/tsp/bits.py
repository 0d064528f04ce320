"""``bit``: logic on whole numbers of 32 bits; bits count from 1 (2600B reference manual, bit functions)."""

from collections.abc import Callable
from functools import partial
from operator import and_, or_, xor

from .lua.objects import Value, whole

WIDTH = 32
ALL = 2**WIDTH - 1


def _number(value: Value) -> int:
    return whole(value, 0, ALL)


def _combination(operation: Callable[[int, int], int], first: Value = None, second: Value = None) -> float:
    return float(operation(_number(first), _number(second)))


def _changed_bit(change: Callable[[int, int], int], value: Value = None, index: Value = None) -> float:
    return float(change(_number(value), 1 << (whole(index, 1, WIDTH) - 1)))


BITS: dict[str, Callable[..., Value]] = {
    "bitand": partial(_combination, and_),
    "bitor": partial(_combination, or_),
    "bitxor": partial(_combination, xor),
    "clear": partial(_changed_bit, lambda value, mask: value & ~mask),
    "get": partial(_changed_bit, and_),
    "set": partial(_changed_bit, or_),
    "test": lambda value=None, index=None: bool(_changed_bit(and_, value, index)),
}
"""Its functions.

>>> BITS["bitand"](21.0, 25.0)
17.0
"""
