"""Whether readings that nothing numbers were taken at one pace, as they are with one pulse between each two."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from .columns import Columns
from .files.questions import Asker
from .files.tables import Layout
from .levels import Level
from .rows import Rows
from .runs import Order

UNEVEN = 3.0
"""Times between readings that differ by this factor from those at the start are no jitter."""
FIRST = 5
"""Times at the start whose median is the pace."""


def times_of(layout: Layout, columns: Columns, rows: Rows) -> dict[int, float]:
    """Return the time of each reading by its line, in the unit of the file; empty if no column says it."""
    taken = {value.place for value in columns.values}
    for place, name in enumerate(columns.names):
        if name.quantity == "time" and not name.width and layout.numeric[place] and place not in taken:
            found = [layout.column(place)[row] for row in rows.kept]
            if None not in found:
                lines = [layout.rows[row].line for row in rows.kept]
                return dict(zip(lines, (each for each in found if each is not None), strict=True))
    return {}


def check_pace(levels: Sequence[Level], times: dict[int, float], order: Order, ask: Asker) -> None:
    """Ask about readings that were not taken at one pace: a pause, a missing reading, or readings after the pulses.

    A person settles it by saying how many readings are which.

    Parameters
    ----------
    levels : sequence of Level
        Readings of one column that no column of the file numbers.
    times : dict
        When each was taken, by line.
    order : Order
        What the file says of its order; between cycles may be a pause.
    """
    lines = [level.line for level in levels]
    if ask.options.up is not None or ask.options.down is not None or len(lines) < 4:
        return
    same = [order.cycles.get(before) == order.cycles.get(after) for before, after in pairwise(lines)]
    apart = np.diff([times[line] for line in lines])
    usual = float(np.median(apart[same][:FIRST])) if any(same) else 0.0
    if order.ways or not np.any(apart):
        return  # a pulse or a word for each reading says more, and a clock that stands still says nothing
    odd = [k for k, step in enumerate(apart) if same[k] and not usual / UNEVEN < step < usual * UNEVEN]
    if usual > 0 and not odd:
        return
    at = odd[0] if odd else 0
    before = f"those before it by {ask.command(lines=(lines[0], lines[at]))}, or " if at > 1 else ""
    raise ask.question(
        f"line {lines[at + 1]} was read {apart[at]:g} after the line before by its time, those at the start {usual:g} "
        f"apart: such readings may not have one pulse between each two; take {before}all {len(lines)} as potentiation "
        f"by {ask.command(up=len(lines))}"
    )
