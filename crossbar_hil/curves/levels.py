"""Readings in siemens, each with its line, checked: overflow, gaps, signs and sizes are named and never mended."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from .columns import Value, label
from .files.options import Options
from .files.questions import Asker
from .files.tables import Layout
from .files.units import unit

LARGEST_SIEMENS = 0.1
"""A cell of more than this (10 ohm) is taken for a number in another unit."""
SMALLEST_SIEMENS = 1e-12
"""A curve that never rises to this (1 Tohm) is in another unit: no source-measure unit reads it at 0.1 V."""
PULSE_UNSAID = (
    "the curve {} does not say its pulse; give curve_amplitude_v and curve_width_s in [chip], or write one that does: "
    '`crossbar-hil curve FILE --amplitude 2 --width "50 ms" --to NEW.csv`'
)
"""Said of a curve whose chip is behind instruments, where pulses have a height."""
UNITS = {
    "conductance": ("uS", "nS", "mS", "S", "pS"),
    "resistance": ("Mohm", "kohm", "ohm", "Gohm"),
    "current": ("nA", "uA", "mA", "A", "pA"),
}
"""Those that are offered for a column in another one, the likeliest first."""
USUAL = (1e-9, 1e-2)
"""Conductances that cells have, in siemens."""
OVERFLOW = 1e20
"""Instruments write 9.9e37, 9.91e37 or 199.999e99 for a reading beyond their range or none at all."""
MOST_LEFT_OUT = 10
"""Lines up to which a sentence offers to leave readings out; with more, the column is another or the file is broken."""
WITHIN_NOISE = 0.05
"""Readings below zero by up to this share of the largest may be noise."""


class Level(NamedTuple):
    """A reading."""

    line: int
    siemens: float


def checked_levels(
    lines: Sequence[int], found: Sequence[float | None], value: Value, layout: Layout, options: Options, ask: Asker
) -> list[Level]:
    """Return the readings of one column; cells missing at its end are left away.

    Readings below zero are set to zero where the options say so.

    Parameters
    ----------
    lines : sequence of int
        Line of each reading.
    found : sequence of float or None
        Readings, in siemens; None where the cell is empty.
    """
    last = max((place for place, each in enumerate(found) if each is not None), default=-1) + 1
    kept = list(zip(lines[:last], found[:last], strict=True))
    what = f"conductance of column {label(layout, value.place)}" if layout.width > 1 else "conductance"
    without = [line for line, each in kept if each is None or not math.isfinite(each) or abs(each) >= OVERFLOW]
    for line, each in kept:
        if each is None:
            raise ask.refused_line(line, f"{what} is missing, a gap in the curve{_leave_out(without, ask)}")
        if not math.isfinite(each):
            raise ask.refused_line(line, f"{what} {each:g} is not finite{_leave_out(without, ask)}")
        if abs(each) >= OVERFLOW:
            raise ask.refused_line(
                line, f"{each:g} is what instruments write for an overflow, no reading{_leave_out(without, ask)}"
            )
    levels = [Level(line, each) for line, each in kept if each is not None]
    if len(levels) < 2:
        raise ask.refusal(f"holds {len(levels)} point(s) of a curve, at least 2 needed")
    _check_sizes(levels, value, what, ask)
    return _check_signs(levels, value, what, options, ask)


def _leave_out(lines: Sequence[int], ask: Asker) -> str:
    if len(lines) > MOST_LEFT_OUT:
        return f", one of {len(lines)}"
    return f"; {ask.command(leave_out=(*ask.options.leave_out, *lines))} leaves it out"


def _check_sizes(levels: Sequence[Level], value: Value, what: str, ask: Asker) -> None:
    highest = max(levels, key=lambda level: abs(level.siemens))
    wrong = next((level for level in levels if level.siemens > LARGEST_SIEMENS), None)
    why = f"exceeds {LARGEST_SIEMENS:g} S"
    if wrong is None and abs(highest.siemens) < SMALLEST_SIEMENS:
        wrong, why = highest, f"is the largest and below {SMALLEST_SIEMENS:g} S"
    if wrong is None:
        return
    sign = ask.options.decimal and {".": ",", ",": "."}[ask.options.decimal]
    other = f", or another decimal sign, {ask.command(decimal=sign)}" if sign else ""
    raise ask.refused_line(
        wrong.line,
        f"{what} {wrong.siemens:g} S {why}; the column must be {_unit(value)}, or its unit be said, such as by "
        f"{ask.command(unit=_other(value, abs(highest.siemens)))}{other}",
    )


def _unit(value: Value) -> str:
    own = {"conductance": "in siemens, not in uS or ohm", "resistance": "in ohm", "current": "in ampere"}
    return f"in {value.unit.text}" if value.unit.text else own[value.unit.quantity]


def _other(value: Value, largest: float) -> str:
    """Return the unit, another than that of the column, in which its largest reading is one that a cell may have."""
    quantity = value.unit.quantity
    times = 1 / value.unit.factor
    told = [each for each in map(unit, UNITS[quantity]) if each is not None and each.factor != value.unit.factor]
    sizes = [
        largest * times * each.factor if quantity != "resistance" else largest / times / each.factor for each in told
    ]
    return next(
        (each.text for each, size in zip(told, sizes, strict=True) if USUAL[0] <= size <= USUAL[1]), told[-1].text
    )


def _check_signs(levels: list[Level], value: Value, what: str, options: Options, ask: Asker) -> list[Level]:
    below = [level for level in levels if level.siemens < 0]
    if not below:
        return levels
    lowest, highest = min(level.siemens for level in levels), max(level.siemens for level in levels)
    first = below[0]
    if highest <= 0 or len(below) > len(levels) / 2:
        turned = (
            f"; if the currents were read at a negative voltage, say it, such as by {ask.command(voltage=-0.1)}"
            if value.unit.quantity == "current"
            else ""
        )
        raise ask.refused_line(
            first.line, f"{what} {first.siemens:g} S is negative, as are {len(below)} of {len(levels)}{turned}"
        )
    if -lowest > WITHIN_NOISE * highest:
        raise ask.refused_line(
            first.line, f"{what} {first.siemens:g} S is negative, by more than noise explains (largest {highest:g} S)"
        )
    if not options.zero_negative:
        raise ask.refused_line(
            first.line,
            f"{what} {first.siemens:g} S is negative, within noise of zero ({-lowest / highest:.2g} of the largest); "
            f"{ask.command(zero_negative=True)} sets such readings to zero",
        )
    ask.say("set to zero", f"{len(below)} reading(s) below zero, line(s) {', '.join(str(each.line) for each in below)}")
    return [Level(level.line, max(level.siemens, 0.0)) for level in levels]
