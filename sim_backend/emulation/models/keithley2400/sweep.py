"""What an emulated Keithley 2400 sources at each trigger of a start: one level, a list or a staircase."""

from ...scpi import reading
from ...scpi.source import staircase
from ...scpi.status import ScpiError
from .state import Keithley2400State


def levels(smu: Keithley2400State) -> list[float]:
    """Return the levels of a sweep, none if the source is fixed, and choose its range.

    Raises
    ------
    ScpiError
        -221 if a fixed range cannot hold them, or for an impossible logarithmic sweep.
    """
    now = smu.now
    source = now.source[now.function]
    if source.mode == "FIX":
        return []
    if source.mode == "LIST":
        found = source.list_levels()
    else:
        found = staircase(source.start, source.stop, now.points, now.spacing == "LOG")
        if now.direction == "DOWN":
            found.reverse()
    if now.ranging == "FIX" or not source.auto:
        if not reading.holds(source.range, max(map(abs, found))):
            raise ScpiError(-221)
    elif now.ranging == "BEST":
        source.range = reading.range_holding(source.ranges, max(map(abs, found)))
    return found


def prepare_trigger(smu: Keithley2400State, number: int, swept: list[float]) -> None:
    """Bring what the next trigger brings: a level of the sweep, or a level that waits for it."""
    now = smu.now
    source = now.source[now.function]
    if swept:
        source.level = swept[number % len(swept)]
        if now.ranging == "AUTO" and source.auto:
            source.range = reading.range_holding(source.ranges, source.level)
    elif source.triggered is not None:
        source.level, source.triggered = source.triggered, None
