"""Compiled functions that are called by their address: each is compiled by itself, and only if somebody needs it.

What calls them is compiled without them, which takes a fraction of the time. They are called by a table of addresses,
each at a place of its own; one that is not in the table does nothing, which is how effects are switched off.
"""

import inspect
from collections.abc import Callable, Iterable
from enum import IntEnum, auto
from functools import cache
from typing import Annotated, Any

import numba
import numpy as np
from llvmlite import ir
from numba.core import types
from numba.core.compiler import Compiler
from numba.extending import intrinsic

from crossbar_hil.arrays import IntArray

from .functions import INNER


def _array(kind: Any, ndim: int = 1) -> Any:
    return types.Array(kind, ndim, "C")


Reals = Annotated[Any, _array(types.float64)]
Matrix = Annotated[Any, _array(types.float64, 2)]
Blocks = Annotated[Any, _array(types.float64, 3)]
Singles = Annotated[Any, _array(types.float32)]
Counts = Annotated[Any, _array(types.uint64)]
Wholes = Annotated[Any, _array(types.int64)]
Truths = Annotated[Any, _array(types.boolean)]
Table = Wholes
"""Arrays that such functions take, by what they hold."""
_TABLE = _array(types.int64)
_NUMBERS = {float: types.float64, int: types.int64, bool: types.boolean}
_PLAIN = inspect.Parameter.POSITIONAL_OR_KEYWORD


class _Distinct(Compiler):
    """Compiles functions whose arrays do not overlap: so loops need not ask."""

    def define_pipelines(self) -> Any:
        self.state.flags.noalias = True
        return super().define_pipelines()  # type: ignore[no-untyped-call]


class Part(IntEnum):
    """Places in the table."""

    FILL_NORMALS = 0
    FILL_UNIFORMS = auto()
    ENTER = auto()
    BEGIN_CELLS = auto()
    BEGIN_NOISE = auto()
    LEAVE = auto()
    TRANSFER = auto()
    WEIGH_CELLS = auto()
    SEE_CELLS = auto()
    READ_COLUMNS = auto()
    READ_CELLS = auto()
    KEEP_READING = auto()
    SUM_OUTPUTS = auto()
    JOIN_COLUMNS = auto()
    WEIGH_OUTPUTS = auto()
    DOUBT_OUTPUTS = auto()
    COUNT_EVALUATION = auto()
    LOOK = auto()
    JUDGE = auto()
    CHOOSE = auto()
    COUNT_PULSES = auto()
    KEEP_PULSES = auto()
    AIM = auto()
    SEE_PULSE = auto()
    EXPOSE = auto()
    DISTURB_OTHERS = auto()
    VARY_STEPS = auto()
    MOVE_CELLS = auto()
    KEEP = auto()
    LOSE = auto()
    GO_ON = auto()
    DRIFT_BY = auto()
    CONDUCT = auto()
    SEE_CHANGES = auto()


_KNOWN: dict[Part, tuple[Any, Any]] = {}


def apart(part: Part) -> Callable[[Callable[..., None]], Any]:
    """Put a function at a place of the table; its annotations say what it takes.

    Compiled code calls it as ``function(table, ...)``. A function that calls others so has the table as its own first
    argument too.
    """

    def wrap(function: Callable[..., None]) -> Any:
        compiled: Any = function
        if not hasattr(function, "py_func"):
            compiled = numba.njit(**INNER, pipeline_class=_Distinct)(function)
        named = list(inspect.signature(compiled.py_func, eval_str=True).parameters.values())
        takes = tuple(_NUMBERS.get(each.annotation) or each.annotation.__metadata__[0] for each in named)
        _KNOWN[part] = compiled, takes
        table = [] if named[0].name == "table" else [inspect.Parameter("table", _PLAIN)]

        def call(_typing: Any, *_: Any) -> Any:
            def generate(context: Any, builder: Any, _signature: Any, values: Any) -> Any:
                addresses = context.make_array(_TABLE)(context, builder, values[0])
                address = builder.load(builder.gep(addresses.data, [ir.IntType(64)(int(part))]))
                with builder.if_then(builder.icmp_unsigned("!=", address, address.type(0))):
                    convention, given = context.call_conv, values[len(table) :]
                    pointer = builder.inttoptr(address, convention.get_function_type(types.none, takes).as_pointer())
                    convention.call_function(builder, pointer, types.none, takes, given)
                return context.get_dummy_value()

            return types.void(*[_TABLE] * len(table), *takes), generate

        context = inspect.Parameter("_typing", _PLAIN)
        call.__signature__ = inspect.Signature([context, *table, *named])  # type: ignore[attr-defined]
        return intrinsic(call)

    return wrap


def table_of(parts: Iterable[Part]) -> IntArray:
    """Return the table that has these parts, compiled now unless they are on disk."""
    table = np.zeros(len(Part), dtype=np.int64)
    for part in parts:
        table[part] = _address(part)
    return table


@cache
def _address(part: Part) -> int:
    function, takes = _KNOWN[part]
    function.compile(takes)
    found = function.overloads[takes]
    return int(found.library.get_pointer_to_function(found.fndesc.llvm_func_name))
