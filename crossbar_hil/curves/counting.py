"""The numbers of the pulses, where a column counts them: of each line, without a gap."""

from collections.abc import Sequence
from itertools import pairwise

from .columns import Columns, Value, label
from .files.options import Options
from .files.questions import Asker
from .files.tables import Layout
from .levels import Level
from .rows import Rows
from .runs import Run


def counts_of(
    whole: Layout, layout: Layout, columns: Columns, value: Value, rows: Rows, options: Options, ask: Asker
) -> tuple[dict[int, float], list[float]]:
    """Return the pulse number of each line, from the column of counts nearest to the left, and those left out."""
    beside = {each.place for each in columns.values}
    places = [
        place
        for place, name in enumerate(columns.names)
        if (name.counts or (name.cycle and name.quantity is None)) and layout.numeric[place] and place not in beside
    ]
    places = [place for place in places if place < value.place][-1:] or places[:1]
    for place in places:
        found = [layout.column(place)[row] for row in rows.kept]
        if not columns.names[place].counts and len(set(found)) < len(found):
            return {}, []  # numbers of cycles
        if len(set(found)) == 1:
            ask.say(f"column {place + 1}", f"{layout.names[place]!r} is {found[0]:g} everywhere and counts nothing")
            return {}, []
        every = layout.column(place)
        if len(rows.kept) < len(every) and all(
            before is not None and after == before + 1 for before, after in pairwise(every)
        ):
            ask.say(f"column {place + 1}", f"{layout.names[place]!r} counts the lines, pulses and readings alike")
            return {}, []
        counts = {}
        for row, number in zip(rows.kept, found, strict=True):
            line = layout.rows[row].line
            if number is None and layout.column(value.place)[row] is None:
                continue
            if number is None:
                raise ask.refused_line(line, f"pulse number of column {label(layout, place)} is missing")
            counts[line] = number
        left = [whole.column(place)[at] for at, row in enumerate(whole.rows) if row.line in options.leave_out]
        ask.say(f"column {place + 1}", f"{layout.names[place]!r} counts the pulses")
        return counts, [number for number in left if number is not None]
    return {}, []


def _check_steps(found: list[float], run: Run, ask: Asker) -> None:
    """Refuse pulse numbers that no reading left out explains: parts of a pulse, one twice, every so many."""
    parts = [level.line for level, each in zip(run.levels, found, strict=True) if not float(each).is_integer()]
    if parts:
        out = f"; {ask.command(leave_out=(*ask.options.leave_out, *parts))} leaves it out" if len(parts) <= 10 else ""
        first = next(each for each in found if not float(each).is_integer())
        raise ask.refused_line(parts[0], f"pulse number {first:g} is no whole number{out}")
    steps = [after - before for before, after in pairwise(found)]
    twice = next((place for place, step in enumerate(steps) if step == 0), None)
    if twice is not None:
        raise ask.refused_line(
            run.levels[twice + 1].line,
            f"pulse number {found[twice + 1]:g}, expected {found[twice] + 1:g}; {steps.count(0) + 1} readings or more "
            "share a number, and a curve has one reading after each pulse: write their mean into one line",
        )
    if len(steps) > 1 and min(steps) == max(steps) > 1:
        raise ask.refused_line(
            run.levels[1].line,
            f"pulse number {found[1]:g}, expected {found[0] + 1:g}; the file holds a reading after every {steps[0]:g} "
            "pulses, and a curve needs one after each: measure so, or write what lies between into the file",
        )


def check_counts(run: Run, counts: dict[int, float], left_out: Sequence[float], ask: Asker) -> Run:
    """Check that the pulse numbers of a run have no gap, and fill one that a reading left out has made.

    Parameters
    ----------
    counts : dict
        Pulse number by line; empty if the file does not count.
    left_out : sequence of float
        Pulse numbers of readings that a person left out.
    """
    if not counts:
        return run
    _check_steps([counts[level.line] for level in run.levels], run, ask)
    levels = [run.levels[0]]
    at = counts[levels[0].line]
    for level in run.levels[1:]:
        found = counts[level.line]
        while at + 1 < found and at + 1 in left_out:
            before, missing = levels[-1].siemens, found - at
            levels.append(Level(level.line, before + (level.siemens - before) / missing))
            at += 1
            ask.say("filled", f"pulse {at:g}, left out, lies half way between its neighbours")
        if found != at + 1:
            raise ask.refused_line(
                level.line, f"pulse number {found:g}, expected {at + 1:g}; the curve must have no gap"
            )
        levels.append(level)
        at = found
    return Run(run.way, tuple(levels))
