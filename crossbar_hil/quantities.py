"""Numbers that people type: plain SI numbers, or quantities such as "50 ms" and "100 uA"."""

import functools
import re
from contextlib import suppress
from typing import Any

from crossbar_hil.errors import ConfigError
from crossbar_hil.text import PREFIXES, shown


def si(value: str | float, unit: str) -> float:
    """Return a number in the given SI unit.

    Parameters
    ----------
    value : float or str
        A number, already in `unit`; or text, a number with or without a unit.
    unit : str
        The SI unit wanted: "V", "A", "s", "ohm", "siemens", "1/A", "V s".

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
    example = f"such as {_EXAMPLES[unit]!r}"
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ConfigError(f"{shown(value)} is not a number with a unit, {example}")
    try:
        return float(value)
    except OverflowError:
        raise ConfigError(f"{shown(value)} is beyond every number in {unit}") from None
    except ValueError:
        pass
    found = _QUANTITY.fullmatch(str(value).strip())
    if not found:
        raise ConfigError(f"{shown(value)} is not a number with a unit, {example}")
    typed = ["1/" + found["unit"].strip("/ ")] if found["per"] else found["unit"].split()
    wanted = unit.split()
    if len(typed) != len(wanted):
        raise ConfigError(f"{shown(value)} is not in {unit}, {example}")
    factor = 1.0
    for word, one in zip(typed, wanted, strict=True):
        known = _USUAL.get((word, one))
        try:
            factor *= factor_by_pint(word, one) if known is None else known
        except ValueError:
            raise ConfigError(f"{shown(value)} has an unknown unit, {example}") from None
        except TypeError:
            raise ConfigError(f"{shown(value)} is not in {unit}, {example}") from None
    return float(f"{float(found['number']) * factor:.15g}")


def kelvin(value: str | float) -> float:
    """Return a temperature in kelvin; a text must say its unit, as 25 is a warm day or a cryostat.

    Raises
    ------
    ConfigError
        If it is no temperature with a unit.

    Examples
    --------
    >>> kelvin("25 degC"), kelvin("77 K"), kelvin(4.2)
    (298.15, 77.0, 4.2)
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        return si(value, "K")
    found = _TEMPERATURE.fullmatch(value.strip()) if isinstance(value, str) else None
    scale = _SCALES.get(found["unit"]) if found else None
    if found is None or scale is None:
        raise ConfigError(f"{shown(value)} is not a temperature with its unit, such as '25 degC' or '298.15 K'")
    factor, zero = scale
    return float(f"{float(found['number']) * factor + zero:.15g}")


def factor_by_pint(word: str, unit: str) -> float:
    """Return what one of a unit is in another, for words such as "nanosiemens" and "minutes".

    Raises
    ------
    ValueError
        If the word is no unit.
    TypeError
        If it is one of another dimension.
    """
    # Only the unit goes to pint: it evaluates what it reads, drops a decimal comma, and takes "V" for 1 V.
    import pint  # noqa: PLC0415 - with its registry it takes longer to load than a training lasts

    try:
        return float(_registry().Quantity(1.0, word).m_as(unit))
    except pint.DimensionalityError as error:  # which is a TypeError, but not in the words of its documentation
        raise TypeError(str(error)) from None
    except (pint.UndefinedUnitError, AssertionError) as error:  # pint stumbles over "nan" and "dB"
        raise ValueError(str(error)) from None


def number(value: str | float) -> float:
    """Return a number as it is, or that of a text.

    Raises
    ------
    ConfigError
        If it is none, such as a truth value, which Python takes for 0 or 1.
    """
    with suppress(ValueError, OverflowError):
        if not isinstance(value, bool) and isinstance(value, str | int | float):
            return float(value)
    raise ConfigError(f"{shown(value)} is not a number, such as 0.5 or 1e-6")


def whole(value: str | float) -> int:
    """Return a whole number, also one that is written with an exponent.

    Raises
    ------
    ConfigError
        If it is none, such as a truth value or 2.5.

    Examples
    --------
    >>> whole("1e3"), whole(48)
    (1000, 48)
    """
    with suppress(ValueError, OverflowError):
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if isinstance(value, str | float) and float(value).is_integer():
            return int(value) if isinstance(value, float) or value.strip().lstrip("+-").isdigit() else int(float(value))
    raise ConfigError(f"{shown(value)} is not a whole number, such as 48")


def share(value: str | float) -> float:
    """Return a share as a number: 0.1 for 0.1, "0.1" and "10 %".

    Raises
    ------
    ConfigError
        If it is none of these.

    Examples
    --------
    >>> share("10 %"), share(0.1)
    (0.1, 0.1)
    """
    text = value.strip() if isinstance(value, str) else ""
    with suppress(ValueError, OverflowError):
        if text.endswith("%"):
            return float(f"{float(text[:-1]) / 100:.15g}")
        if not isinstance(value, bool) and isinstance(value, str | int | float):
            return float(value)
    raise ConfigError(f"{shown(value)} is not a share, such as '10 %' or 0.1")


_QUANTITY = re.compile(
    r"(?P<number>[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?)\s*(?P<unit>(?P<per>/)\s*[A-Za-zµμΩ]+|[A-Za-zµμΩ]+(\s+[A-Za-zµμΩ]+)?)"
)
_EXAMPLES = {
    "V": "100 mV",
    "A": "100 uA",
    "s": "50 ms",
    "ohm": "1 ohm",
    "siemens": "20 nS",
    "1/A": "5e7 / A",
    "V s": "100 V s",
    "K": "298.15 K",
}
_TEMPERATURE = re.compile(r"(?P<number>[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?)\s*(?P<unit>°?\s?[A-Za-z]+)")
# BIPM, SI brochure, 9th edition: t/degC = T/K - 273.15. One degree, and its zero, in kelvin.
_SCALES = {
    **dict.fromkeys(("degC", "°C", "° C", "C", "celsius", "Celsius"), (1.0, 273.15)),
    **dict.fromkeys(("K", "kelvin", "Kelvin"), (1.0, 0.0)),
    "mK": (1e-3, 0.0),
}


_PREFIXES = {**dict(PREFIXES), "µ": 1e-6, "μ": 1e-6}
_SYMBOLS = {"V": "V", "A": "A", "s": "s", "ohm": "ohm", "Ohm": "ohm", "Ω": "ohm", "S": "siemens"}
# What nearly everybody types, so that it need not wait for pint: (word, SI unit) -> factor.
_USUAL = {
    (f"{prefix}{symbol}", unit): factor for prefix, factor in _PREFIXES.items() for symbol, unit in _SYMBOLS.items()
} | {(f"1/{prefix}A", "1/A"): 1 / factor for prefix, factor in _PREFIXES.items()}


@functools.cache
def _registry() -> Any:
    import pint  # noqa: PLC0415

    return pint.UnitRegistry()
