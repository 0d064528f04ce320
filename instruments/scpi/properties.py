"""Settings of SCPI instruments as PyMeasure properties: one line that sets, one query that gets."""

from typing import Any

from pymeasure.instruments.instrument import Instrument
from pymeasure.instruments.validators import strict_discrete_set, strict_range

from .answers import flag


def number_property(header: str, doc: str, least: float, most: float, form: str = "%.9e") -> Any:
    """Return a property that is a number, strictly within bounds, which are told in its docstring.

    Parameters
    ----------
    header : str
        Command without its value, such as ``:SOUR:VOLT``.
    doc : str
        What it controls, with its unit.
    least, most : float
        The bounds.
    form : str
        How a value is written.
    """
    return Instrument.control(
        f"{header}?",
        f"{header} {form}",
        f"Control {doc} (float strictly from {least:.7g} to {most:.7g}).",
        validator=strict_range,
        values=(least, most),
    )


def word_property(header: str, doc: str, *words: str, of: str = "") -> Any:
    """Return a property that is one of some words; `of` is what a command has before its value, such as a card."""
    return Instrument.control(
        f"{header}? {of}".rstrip(),
        f"{header} {of},%s" if of else f"{header} %s",
        f"Control {doc} (str, strictly {', '.join(map(repr, words))}).",
        validator=strict_discrete_set,
        values=words,
        cast=str,
    )


def switch_property(header: str, doc: str, *, of: str = "") -> Any:
    """Return a property that is on or off."""
    return Instrument.control(
        f"{header}? {of}".rstrip(),
        f"{header} {of},%s" if of else f"{header} %s",
        f"Control whether {doc} (bool).",
        validator=strict_discrete_set,
        values={True: "ON", False: "OFF"},
        map_values=True,
        cast=str,
        get_process=lambda reply: "ON" if flag(reply) else "OFF",
    )


def tripped_property(query: str) -> Any:
    """Return a property that says whether a source is at its current limit."""
    return Instrument.measurement(
        query, "Get whether the source is at its current limit (bool).", cast=str, get_process=flag
    )
