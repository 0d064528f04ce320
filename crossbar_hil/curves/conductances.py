"""The readings of a table in siemens: from conductances, resistances, or currents at a voltage."""

import re

import numpy as np

from .columns import Columns, Value, label
from .files.options import Options
from .files.questions import Asker
from .files.tables import Layout
from .levels import OVERFLOW
from .rows import HIGHEST_READ_V, Rows, in_volts

FAR_OFF = 3.0
"""Conductances that differ from current over voltage by this factor are in another unit than the header says."""


def conductances(
    layout: Layout, columns: Columns, rows: Rows, options: Options, read_v: float | None, ask: Asker
) -> dict[int, list[float | None]]:
    """Return the readings of each column of the curve in siemens, by its place; None where there is none.

    Raises
    ------
    DataError
        If currents have no voltage, or resistances and currents of the file disagree.
    """
    found: dict[int, list[float | None]] = {}
    for value in columns.values:
        numbers = [layout.column(value.place)[row] for row in rows.kept]
        if value.unit.quantity == "conductance":
            found[value.place] = [_times(n, value.unit.factor) for n in numbers]
        elif value.unit.quantity == "resistance":
            found[value.place] = [_inverse(n, value.unit.factor) for n in numbers]
        elif value.partner is not None:
            found[value.place] = _from_pairs(layout, value, value.partner, rows, ask)
        else:
            found[value.place] = _from_currents(
                layout, columns, value.place, value.unit.factor, rows, options, read_v, ask
            )
        if value.unit.quantity != "current":
            _check_against_currents(layout, columns, value, rows, found[value.place], ask)
    return found


def _from_pairs(layout: Layout, value: Value, partner: int, rows: Rows, ask: Asker) -> list[float | None]:
    """Return the slope between two readings at opposite voltages, which no offset of the current moves."""
    factors = dict(rows.voltages)
    places = ((value.place, value.place - 1), (partner, partner - 1))
    found: list[float | None] = []
    for row in rows.kept:
        (i1, v1), (i2, v2) = ((layout.column(i)[row], layout.column(v)[row]) for i, v in places)
        if i1 is None or i2 is None or v1 is None or v2 is None:
            found.append(None)
        elif max(abs(i1), abs(i2)) >= OVERFLOW:
            found.append(max(i1, i2, key=abs))
        else:
            volts = v1 * factors[places[0][1]] - v2 * factors[places[1][1]]
            found.append(_rounded((i1 - i2) * value.unit.factor / volts))
    ask.say("read voltage", "both signs, by their difference, which no offset of the current moves")
    return found


def _check_against_currents(
    layout: Layout, columns: Columns, value: Value, rows: Rows, levels: list[float | None], ask: Asker
) -> None:
    """Refuse conductances or resistances that the currents and voltages of the same rows contradict."""
    for place, name in enumerate(columns.names[1:], start=1):
        before = next((factor for volt, factor in rows.voltages if volt == place - 1), None)
        if name.quantity != "current" or name.unit is None or before is None:
            continue
        ratios = []
        for row, level in zip(rows.kept, levels, strict=True):
            volt, current = layout.column(place - 1)[row], layout.column(place)[row]
            if volt and current and level and abs(level) < OVERFLOW and abs(current) < OVERFLOW:
                ratios.append(level / (current * name.unit.factor / (volt * before)))
        if ratios and not 1 / FAR_OFF < float(np.median(ratios)) < FAR_OFF:
            raise ask.question(
                f"column {label(layout, value.place)} is {float(np.median(ratios)):.3g} times what column "
                f"{label(layout, place)} over column {label(layout, place - 1)} gives; take the right one, such "
                f"as by {ask.command(column=(str(place + 1),))}"
            )
        return


def _times(number: float | None, factor: float) -> float | None:
    """Return a conductance in siemens; an overflow stays as the file has it."""
    return number if number is None or abs(number) >= OVERFLOW else _rounded(number * factor)


def _inverse(resistance: float | None, factor: float) -> float | None:
    if resistance is None:
        return None
    if abs(resistance) >= OVERFLOW:
        return resistance  # an overflow, to be named as the file has it
    return float("inf") if resistance == 0 else _rounded(1.0 / (resistance * factor))


def _rounded(siemens: float) -> float:
    """Return a conductance without the noise of its conversion: 0.4508 uS are 4.508e-07 S."""
    return float(f"{siemens:.15g}")


def _from_currents(
    layout: Layout, columns: Columns, place: int, factor: float, rows: Rows, options: Options, read_v: float | None,
    ask: Asker,
) -> list[float | None]:  # fmt: skip
    currents = [layout.column(place)[row] for row in rows.kept]
    beside = [each for each in rows.voltages if each[0] != place]
    before = [each for each in beside if each[0] < place]
    given = options.voltage
    source = (before or beside)[-1:] if given is None else []
    if source:
        where, volt = source[0]
        volts = [layout.column(where)[row] for row in rows.kept]
        voltages = [None if v is None else v * volt for v in volts]
        high = max((abs(v) for v in voltages if v is not None), default=0.0)
        if high > HIGHEST_READ_V and not columns.names[where].reading:
            raise ask.question(
                f"column {label(layout, where)} holds {high:g} V, perhaps that of the pulses; say at which voltage "
                f"the currents of column {label(layout, place)} were read by {ask.command(voltage=high)}"
            )
        ask.say(
            "read voltage",
            f"{in_volts(np.array([np.nan if v is None else v for v in voltages]))}, column {label(layout, where)}",
        )
    else:
        given = given if given is not None else _voltage_in_name(columns.names[place].text)
        given = given if given is not None else read_v
        if given is None:
            raise ask.question(
                f"column {label(layout, place)} holds currents, and nothing says at which voltage they were read; "
                f"say it by {ask.command(voltage=0.1)} if it was 0.1 V"
            )
        voltages = [given] * len(currents)
        ask.say("read voltage", f"{given:g} V")
    return [
        None if current is None or volt is None
        else current if abs(current) >= OVERFLOW
        else _rounded(current * factor / volt) if volt else float("inf")
        for current, volt in zip(currents, voltages, strict=True)
    ]  # fmt: skip


def _voltage_in_name(text: str) -> float | None:
    """Return the voltage of a name such as ``I (A) @ 0.1 V``."""
    found = re.search(r"(?:@|\bat\b|\bbei\b|\bà\b)\s*([+-]?\d*[.,]?\d+)\s*(mV|V)\b", text)
    return float(found[1].replace(",", ".")) * (1e-3 if found[2] == "mV" else 1.0) if found else None
