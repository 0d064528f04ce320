"""Units of conductance, resistance, current, voltage and time, with every SI prefix, as headers write them."""

import functools
import re
import unicodedata
from typing import NamedTuple

PREFIXES = {
    "": 1.0, "f": 1e-15, "p": 1e-12, "n": 1e-9, "u": 1e-6, "μ": 1e-6, "m": 1e-3,
    "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12,
    "п": 1e-12, "н": 1e-9, "мк": 1e-6, "м": 1e-3, "к": 1e3, "М": 1e6, "Г": 1e9,
}  # fmt: skip
_LONG_PREFIXES = {
    "femto": 1e-15, "pico": 1e-12, "nano": 1e-9, "micro": 1e-6, "mikro": 1e-6, "milli": 1e-3, "kilo": 1e3, "mega": 1e6,
    "giga": 1e9, "tera": 1e12,
}  # fmt: skip
_UNITS = {
    "conductance": ("S", "Siemens", "siemens", "mho", "℧", "См"),
    "resistance": ("Ohm", "ohm", "Ohms", "ohms", "OHM", "OHMS", "Ω", "Ом"),
    "current": ("A", "Amp", "amp", "Amps", "amps", "Ampere", "ampere", "Amperes", "amperes", "А"),
    "voltage": ("V", "Volt", "volt", "Volts", "volts", "В"),
    "time": ("s", "sec", "Sec", "secs", "second", "seconds", "Sekunden", "с"),
}
CONDUCTANCE_QUANTUM_SIEMENS = 7.748091729e-5
"""G0 = 2 e^2 / h, exact in the SI since 2019 (CODATA 2018)."""
SYMBOLS = {"conductance": "S", "resistance": "ohm", "current": "A", "voltage": "V", "time": "s"}


class Unit(NamedTuple):
    """A unit: of what, and how many SI units it is."""

    quantity: str
    factor: float
    text: str


@functools.cache
def unit(text: str, quantity: str | None = None) -> Unit | None:
    """Return the unit that a text is, None if it is none.

    Parameters
    ----------
    text : str
        The unit alone, such as ``µS``.
    quantity : str, optional
        What is measured, if that is known: then the case of the letters does not matter, but for m and M.

    Examples
    --------
    >>> unit("µS"), unit("Mohm").factor, unit("1/kΩ").factor, unit("us").quantity, unit("us", "conductance").quantity
    (Unit(quantity='conductance', factor=1e-06, text='μS'), 1000000.0, 0.001, 'time', 'conductance')
    """
    text = " ".join(unicodedata.normalize("NFKC", text).split()).strip(" .")  # the signs for ohm and micro, full width
    found = _exact(text) or _compound(text)
    if found is not None and (quantity is None or found.quantity == quantity):
        return found
    return None if quantity is None else _whatever_case(text, quantity)


def multiple(text: str, quantity: str | None = None) -> Unit | None:
    """Return a unit that a person gives, perhaps some times another: ``100 uS`` for numbers that are shares of 100 uS.

    >>> multiple("uS").factor, multiple("100 uS"), multiple("1/ohm").factor
    (1e-06, Unit(quantity='conductance', factor=0.0001, text='100 uS'), 1.0)
    """
    found = unit(text)
    parts = re.fullmatch(r"(\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)\s*([^\d\s/].*)", text.strip())
    if found is not None or parts is None:
        return found
    found = unit(parts[2]) or unit(parts[2], quantity or "conductance")
    times = float(parts[1])
    return Unit(found.quantity, float(f"{times * found.factor:.15g}"), text.strip()) if found and times else None


def _exact(text: str) -> Unit | None:
    for quantity, names in _UNITS.items():
        for name in names:
            if not text.endswith(name):
                continue
            head = text[: -len(name)].rstrip(" -")
            if head in PREFIXES and (len(name) > 1 or " " not in text):
                return Unit(quantity, PREFIXES[head], text)
            if head.lower() in _LONG_PREFIXES:
                return Unit(quantity, _LONG_PREFIXES[head.lower()], text)
    return None


def _compound(text: str) -> Unit | None:
    """Return 1/ohm, ohm^-1, A/V, G0, V/A."""
    if text in {"G0", "G_0"}:
        return Unit("conductance", CONDUCTANCE_QUANTUM_SIEMENS, text)
    if inverse := re.fullmatch(r"(?:1\s*/\s*(.+)|(.+?)\s*(?:\^|\*\*)?\s*(?:\(-1\)|-1|−1))", text):
        inner = _exact((inverse[1] or inverse[2]).strip("() "))
        other = {"resistance": "conductance", "conductance": "resistance"}
        return Unit(other[inner.quantity], 1 / inner.factor, text) if inner and inner.quantity in other else None
    upper, _, lower = text.partition("/")
    first, second = _exact(upper.strip()), _exact(lower.strip())
    if first and second and {first.quantity, second.quantity} == {"current", "voltage"}:
        kind = "conductance" if first.quantity == "current" else "resistance"
        return Unit(kind, first.factor / second.factor, text)
    return None


def _whatever_case(text: str, quantity: str) -> Unit | None:
    for name in sorted(_UNITS[quantity], key=len, reverse=True):
        if not text.lower().endswith(name.lower()):
            continue
        head = text[: len(text) - len(name)].rstrip(" -")
        factor = PREFIXES.get(head, PREFIXES.get(head.lower()))
        if factor is not None:
            return Unit(quantity, factor, text)
    return None
