"""``bit``: logic on whole numbers of 32 bits; bits count from 1 (2600B reference manual, bit functions)."""

from collections.abc import Callable
from functools import partial
from operator import and_, or_, xor

from .lua.objects import Value, whole

WIDTH, WIDEST_FIELD = 32, 24
ALL = 2**WIDTH - 1


def _number(value: Value) -> int:
    return whole(value, 0, ALL)


def _combination(operation: Callable[[int, int], int], first: Value = None, second: Value = None) -> float:
    return float(operation(_number(first), _number(second)))


def _changed_bit(change: Callable[[int, int], int], value: Value = None, index: Value = None) -> float:
    return float(change(_number(value), 1 << (whole(index, 1, WIDTH) - 1)))


def _field(index: Value, width: Value) -> tuple[int, int]:
    count = whole(width, 1, WIDEST_FIELD)
    return whole(index, 1, WIDTH + 1 - count) - 1, (1 << count) - 1


def _get_field(value: Value = None, index: Value = None, width: Value = None) -> float:
    lowest, field = _field(index, width)
    return float(_number(value) >> lowest & field)


def _set_field(value: Value = None, index: Value = None, width: Value = None, written: Value = None) -> float:
    lowest, field = _field(index, width)
    return float(_number(value) & ~(field << lowest) | (_number(written) & field) << lowest)


BITS: dict[str, Callable[..., Value]] = {
    "bitand": partial(_combination, and_),
    "bitor": partial(_combination, or_),
    "bitxor": partial(_combination, xor),
    "clear": partial(_changed_bit, lambda value, mask: value & ~mask),
    "get": partial(_changed_bit, and_),
    "set": partial(_changed_bit, or_),
    "test": lambda value=None, index=None: bool(_changed_bit(and_, value, index)),
    "toggle": partial(_changed_bit, xor),
    "getfield": _get_field,
    "setfield": _set_field,
}
"""Its functions.

>>> BITS["setfield"](21.0, 2.0, 3.0, 5.0)
27.0
"""
