"""What an emulated Keithley 2400 sources at each trigger of a start: one level, a list, a staircase, or its memory."""

import copy

from ...scpi import reading
from ...scpi.source import staircase
from ...scpi.status import ScpiError
from .settings import SOURCE_MEMORY
from .state import Keithley2400State

LOCATIONS = range(1, 101)
"""Locations of the source memory (page 18-92)."""


def levels(smu: Keithley2400State) -> list[float]:
    """Return the levels of a sweep, none if the source is fixed, and choose its range.

    Raises
    ------
    ScpiError
        -221 if a fixed range cannot hold them, or for an impossible logarithmic sweep.
    """
    now = smu.now
    source = now.source[now.function]
    if now.memory_sweep or source.mode == "FIX":
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
    """Bring what the next trigger brings: a setup of the memory, a level of the sweep, or a level that waits for it."""
    now = smu.now
    if now.memory_sweep:
        location = now.memory_start + number % now.memory_points
        recall(smu, (location - 1) % LOCATIONS[-1] + 1)
        return
    source = now.source[now.function]
    if swept:
        source.level = swept[number % len(swept)]
        if now.ranging == "AUTO" and source.auto:
            source.range = reading.range_holding(source.ranges, source.level)
    elif source.triggered is not None:
        source.level, source.triggered = source.triggered, None


def save(smu: Keithley2400State, location: int) -> None:
    """Keep the present setup in the source memory."""
    smu.source_memory[location] = {name: copy.deepcopy(getattr(smu.now, name)) for name in SOURCE_MEMORY}


def recall(smu: Keithley2400State, location: int) -> None:
    """Bring a setup back from the source memory; an empty location holds what ``*RST`` sets."""
    kept = smu.source_memory.get(location)
    for name in SOURCE_MEMORY:
        value = getattr(type(smu.now)(), name) if kept is None else copy.deepcopy(kept[name])
        setattr(smu.now, name, value)


def recall_off(smu: Keithley2400State, location: int) -> None:
    """Bring a setup back with the output off, as after any change of function."""
    smu.on = False
    recall(smu, location)
    smu.apply()
