"""Eight doubles side by side in compiled code, for what numba's loops do not turn into vector instructions.

An `eight` is loaded from an array or spread from a number, added, subtracted, multiplied, divided, and stored. It lives
in one register of 512 bits, or in as many narrower ones as the processor needs. Nothing checks an index.
"""

import operator
from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba import extending, types
from numba.core import cgutils
from numba.extending import lower_builtin, models, register_model, type_callable

WIDTH = 8
_FAST = ("contract", "nsz", "arcp")
_VECTOR = ir.VectorType(ir.DoubleType(), WIDTH)
_NOTHING = ir.Constant(_VECTOR, ir.Undefined)
_INDEX = ir.IntType(32)
_compiled_in: Any = extending.intrinsic
"""Calls become the instructions that the function generates; only the names of its arguments count."""


class Eight(types.Type):
    """Numba's type of eight doubles."""

    def __init__(self) -> None:
        super().__init__(name="Eight")


eight = Eight()


@register_model(Eight)
class _Model(models.PrimitiveModel):
    def __init__(self, manager: Any, of: Any) -> None:
        super().__init__(manager, of, _VECTOR)  # type: ignore[no-untyped-call]


def _type_operation(_context: Any) -> Callable[[Any, Any], Eight | None]:
    return lambda one, other: eight if one == other == eight else None


def _lower(instruction: str) -> Callable[..., Any]:
    def lower(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        return getattr(builder, instruction)(*values, flags=_FAST)

    return lower


for _operation, _instruction in (
    (operator.add, "fadd"),
    (operator.sub, "fsub"),
    (operator.mul, "fmul"),
    (operator.truediv, "fdiv"),
):
    type_callable(_operation)(_type_operation)
    lower_builtin(_operation, Eight, Eight)(_lower(_instruction))  # type: ignore[no-untyped-call]


def _read(context: Any, builder: Any, kind: Any, array: Any, place: Any) -> Any:
    value = builder.load(_address(context, builder, kind, array, place))
    value.align = WIDTH
    return value


def _write(context: Any, builder: Any, kind: Any, array: Any, place: Any, value: Any) -> None:
    builder.store(value, _address(context, builder, kind, array, place)).align = WIDTH


def _address(context: Any, builder: Any, kind: Any, array: Any, place: Any) -> Any:
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [place]), _VECTOR.as_pointer())


def _chosen(builder: Any, one: Any, other: Any, places: Sequence[int]) -> Any:
    return builder.shuffle_vector(one, other, ir.Constant(ir.VectorType(_INDEX, WIDTH), list(places)))


def _transposed(builder: Any, rows: list[Any]) -> list[Any]:
    """Return the columns of eight rows: blocks of 4, of 2, of 1 change places across the diagonal."""
    size = WIDTH // 2
    while size:
        for k in range(WIDTH):
            if not k & size:
                one, other = rows[k], rows[k + size]
                low = [WIDTH + c - size if c & size else c for c in range(WIDTH)]
                high = [WIDTH + c if c & size else c + size for c in range(WIDTH)]
                rows[k], rows[k + size] = _chosen(builder, one, other, low), _chosen(builder, one, other, high)
        size //= 2
    return rows


@_compiled_in
def load(_typing: Any, array: Any, place: Any) -> Any:
    """Return the eight doubles from `place` on of a contiguous array, which is taken as flat."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return _read(context, builder, signature.args[0], *values)

    return eight(array, types.intp), generate


@_compiled_in
def store(_typing: Any, array: Any, place: Any, value: Any) -> Any:
    """Write eight doubles into an array from `place` on."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        _write(context, builder, signature.args[0], *values)
        return context.get_dummy_value()

    return types.void(array, types.intp, eight), generate


@_compiled_in
def spread(_typing: Any, number: Any) -> Any:
    """Return a number eight times."""

    def generate(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        one = builder.insert_element(_NOTHING, values[0], ir.Constant(_INDEX, 0))
        return _chosen(builder, one, _NOTHING, [0] * WIDTH)

    return eight(types.float64), generate


@_compiled_in
def total(_typing: Any, value: Any) -> Any:
    """Return the sum of eight doubles."""

    def generate(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        (value,), size = values, WIDTH // 2
        while size:
            value = builder.fadd(value, _chosen(builder, value, value, [k ^ size for k in range(WIDTH)]))
            size //= 2
        return builder.extract_element(value, ir.Constant(_INDEX, 0))

    return types.float64(eight), generate


def _of_each_pair(relation: str, doc: str) -> Any:
    def chosen(_typing: Any, one: Any, other: Any) -> Any:
        def generate(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:
            return builder.select(builder.fcmp_ordered(relation, *values), *values)

        return eight(one, other), generate

    chosen.__doc__ = doc
    return _compiled_in(chosen)


least = _of_each_pair("<", "Return the lower one of each pair, the second if one is no number.")
greatest = _of_each_pair(">", "Return the higher one of each pair, the second if one is no number.")


@_compiled_in
def root(_typing: Any, value: Any) -> Any:
    """Return the square roots."""

    def generate(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        declare: Any = cgutils.get_or_insert_function
        kind = ir.FunctionType(_VECTOR, [_VECTOR])
        return builder.call(declare(builder.module, kind, f"llvm.sqrt.v{WIDTH}f64"), values)

    return eight(value), generate


@_compiled_in
def turn(_typing: Any, source: Any, first: Any, apart: Any, target: Any, place: Any, step: Any) -> Any:
    """Turn 8 x 8 doubles: rows from `first` on, so far `apart`, become columns of rows from `place` on, by `step`."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        source, first, apart, target, place, step = values
        rows = []
        for _ in range(WIDTH):
            rows.append(_read(context, builder, signature.args[0], source, first))
            first = builder.add(first, apart)
        for column in _transposed(builder, rows):
            _write(context, builder, signature.args[3], target, place, column)
            place = builder.add(place, step)
        return context.get_dummy_value()

    return types.void(source, types.intp, types.intp, target, types.intp, types.intp), generate


@_compiled_in
def turn_product(_typing: Any, one: Any, other: Any, first: Any, apart: Any, target: Any, place: Any) -> Any:
    """Turn products of what stands in the same places of two arrays, as `turn` does, into 64 doubles in a row."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        arrays, (first, apart, target, place) = values[:2], values[2:]
        rows = []
        for _ in range(WIDTH):
            rows.append(builder.fmul(*(_read(context, builder, signature.args[k], arrays[k], first) for k in (0, 1))))
            first = builder.add(first, apart)
        for k, column in enumerate(_transposed(builder, rows)):
            here = builder.add(place, ir.Constant(place.type, WIDTH * k))
            _write(context, builder, signature.args[4], target, here, column)
        return context.get_dummy_value()

    return types.void(one, other, types.intp, types.intp, target, types.intp), generate
