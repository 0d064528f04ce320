"""Numbers that people type: plain SI numbers, or quantities such as "50 ms" and "100 uA"."""

import functools
from tokenize import TokenError
from typing import Any

from crossbar_hil.errors import ConfigError


def si(value: str | float, unit: str) -> float:
    """Return a number in the given SI unit.

    Parameters
    ----------
    value : float or str
        A number, already in `unit`; or text, a number with or without a unit.
    unit : str
        The SI unit wanted: "V", "A", "s", "ohm", "siemens", "1/A".

    Raises
    ------
    ConfigError
        If the text is not a number with a unit of the same dimension.

    Examples
    --------
    >>> si("50 ms", "s")
    0.05
    >>> si(0.05, "s")
    0.05
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ConfigError(f"{value!r} is not a number with a unit, such as {_EXAMPLES[unit]!r}")
    if not isinstance(value, str):
        return float(value)
    try:
        return float(value)
    except ValueError:
        pass
    import pint  # noqa: PLC0415 - takes 0.2 s to import, and most numbers are plain

    try:
        quantity = _registry().Quantity(value)
        return float(f"{quantity.m_as(unit):.15g}")
    except pint.DimensionalityError:
        raise ConfigError(f"{value!r} is not in {unit}") from None
    except (
        pint.PintError,
        ArithmeticError,
        AssertionError,
        AttributeError,
        TypeError,
        ValueError,
        TokenError,
    ) as error:
        raise ConfigError(f"{value!r} is not a number with a unit, such as {_EXAMPLES[unit]!r}") from error


_EXAMPLES = {"V": "100 mV", "A": "100 uA", "s": "50 ms", "ohm": "1 ohm", "siemens": "20 nS", "1/A": "5e7 / A"}


@functools.cache
def _registry() -> Any:
    import pint  # noqa: PLC0415

    return pint.UnitRegistry()
