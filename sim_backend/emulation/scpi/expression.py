"""Arithmetic that a user sends to an instrument, such as ``(VOLT * CURR)``, worked out on one set of numbers."""

import ast
import math
import operator
from collections.abc import Callable, Mapping

from .status import ScpiError
from .values import OVERFLOW

LONGEST = 256
"""Most letters of an expression (Keithley 2400 user's manual, page 18-27, allows 256 characters)."""
_BINARY: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: math.pow,
}
_FUNCTIONS: Mapping[str, Callable[[float], float]] = {
    "ABS": abs, "EXP": math.exp, "LN": math.log, "LOG": math.log10, "SIN": math.sin, "COS": math.cos, "TAN": math.tan,
}  # fmt: skip


def parse(text: str) -> ast.expr:
    """Read an expression; ``^`` is a power.

    Raises
    ------
    ScpiError
        -223 if it is too long, -171 if it is none.
    """
    if len(text) > LONGEST:
        raise ScpiError(-223)
    try:
        return ast.parse(text.replace("^", "**"), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ScpiError(-171) from None


def evaluate(expression: ast.expr, numbers: Mapping[str, float]) -> float:
    """Work an expression out; what has no value is 9.9e37.

    >>> evaluate(parse("(VOLT * CURR)^2"), {"VOLT": 2.0, "CURR": 3.0})
    36.0

    Raises
    ------
    ScpiError
        -171 for a name or a sign that has no meaning here.
    """
    try:
        value = _value(expression, numbers)
    except (ArithmeticError, ValueError):
        return OVERFLOW
    return value if abs(value) < OVERFLOW else math.copysign(OVERFLOW, value)


def _value(node: ast.expr, numbers: Mapping[str, float]) -> float:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        return float(node.value)
    if isinstance(node, ast.Name) and node.id.upper() in numbers:
        return numbers[node.id.upper()]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        value = _value(node.operand, numbers)
        return -value if isinstance(node.op, ast.USub) else value
    if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
        return _BINARY[type(node.op)](_value(node.left, numbers), _value(node.right, numbers))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and len(node.args) == 1 and not node.keywords:
        function = _FUNCTIONS.get(node.func.id.upper())
        if function:
            return function(_value(node.args[0], numbers))
    raise ScpiError(-171)
