"""What an emulated Keithley 2400 sources at each trigger of a start: one level, a list or a staircase."""

from ...scpi.source import staircase
from .memory import recall_next
from .state import Keithley2400State


def levels(smu: Keithley2400State) -> list[float]:
    """Return the levels of a sweep, none if the source is fixed, and choose its range (page 18-83).

    ``BEST`` is one range that holds them all, even if another was chosen by hand (page 18-85), and it stays. On a fixed
    range levels end at what it holds.

    Raises
    ------
    ScpiError
        -221 for an impossible logarithmic sweep.
    """
    now = smu.now
    source = now.source[now.function]
    if source.mode == "FIX" or now.from_memory:
        return []
    if source.mode == "LIST":
        # From the start point to the end and on from the first, or in the other direction from the last (page 18-93).
        start = 0 if now.direction == "DOWN" else source.list_start - 1
        found = [*source.values[start:], *source.values[:start]]
    else:
        found = staircase(source.start, source.stop, now.points, now.spacing == "LOG")
    if now.direction == "DOWN":
        found.reverse()
    if now.ranging == "BEST":
        source.range = source.range_holding(max(map(abs, found)))
    return found


def prepare_trigger(smu: Keithley2400State, number: int, swept: list[float]) -> None:
    """Bring what the next trigger brings: a setup of the source memory, a level of the sweep, or one that waits."""
    now = smu.now
    if now.from_memory:
        recall_next(smu, number)
    source = now.source[now.function]
    if swept:
        source.level = swept[number % len(swept)]
        if now.ranging == "AUTO":
            source.range = source.range_holding(source.level)
    elif source.triggered is not None:
        source.level, source.triggered = source.triggered, None
