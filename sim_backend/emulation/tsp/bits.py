"""``bit``: logic on whole numbers of 32 bits; bits count from 1 (2600B reference manual, bit functions)."""

from collections.abc import Callable
from functools import partial
from operator import and_, or_, xor

from .lua.objects import Node, Returned, Value, whole

WIDTH, WIDEST_FIELD = 32, 24
ALL = 2**WIDTH - 1


def bits() -> Node:
    """Make the object.

    >>> bits().methods["setfield"](21.0, 2.0, 3.0, 5.0)
    27.0
    """
    node = Node()
    for name, operation in (("bitand", and_), ("bitor", or_), ("bitxor", xor)):
        node.methods[name] = partial(_combine, operation)
    node.methods |= {
        "clear": lambda value=None, index=None: float(_number(value) & ~_mask(index)),
        "get": lambda value=None, index=None: float(_number(value) & _mask(index)),
        "set": lambda value=None, index=None: float(_number(value) | _mask(index)),
        "test": lambda value=None, index=None: bool(_number(value) & _mask(index)),
        "toggle": lambda value=None, index=None: float(_number(value) ^ _mask(index)),
        "getfield": _get_field,
        "setfield": _set_field,
    }
    return node


def _combine(operation: Callable[[int, int], int], first: Value = None, second: Value = None) -> Returned:
    return float(operation(_number(first), _number(second)))


def _get_field(value: Value = None, index: Value = None, width: Value = None) -> Returned:
    lowest, field = _field(index, width)
    return float(_number(value) >> lowest & field)


def _set_field(value: Value = None, index: Value = None, width: Value = None, written: Value = None) -> Returned:
    lowest, field = _field(index, width)
    return float(_number(value) & ~(field << lowest) | (_number(written) & field) << lowest)


def _number(value: Value) -> int:
    return whole(value, 0, ALL)


def _mask(index: Value) -> int:
    return 1 << (whole(index, 1, WIDTH) - 1)


def _field(index: Value, width: Value) -> tuple[int, int]:
    count = whole(width, 1, WIDEST_FIELD)
    return whole(index, 1, WIDTH + 1 - count) - 1, (1 << count) - 1
