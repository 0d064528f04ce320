"""Readings that the channels of a 2600 series box take at the same time, in the background, one of each.

They end up in the first buffer of each channel, which is emptied before and after, so that none is taken for another
one (Keithley 2600B reference manual, smuX.measure.overlappedY(), waitcomplete(), bufferVar.clear()).
"""

from collections.abc import Sequence

FIELDS_OF_READING = 3
"""What is printed for each channel: readings in its buffer, the first of them, and whether it is at its limit."""


def begin_line(smus: Sequence[str]) -> str:
    """Return the line that begins a reading on each channel, and prints how many errors there are at once.

    So it is known that this box has begun before another one is waited for.

    >>> begin_line(["smub"])
    'smub.nvbuffer1.clear() smub.measure.overlappedi(smub.nvbuffer1) print(errorqueue.count)'
    """
    buffers = [f"{smu}.nvbuffer1" for smu in smus]
    starts = (f"{smu}.measure.overlappedi({buffer})" for smu, buffer in zip(smus, buffers, strict=True))
    return " ".join([*(f"{buffer}.clear()" for buffer in buffers), *starts, "print(errorqueue.count)"])


def fetch_line(smus: Sequence[str], asked: Sequence[str]) -> str:
    """Return the line that waits for these readings, prints them and the limits of more channels, and forgets them.

    >>> fetch_line(["smub"], ["smua"])  # doctest: +NORMALIZE_WHITESPACE
    'waitcomplete() print(smub.nvbuffer1.n, smub.nvbuffer1.readings[1], smub.source.compliance,
    smua.source.compliance) smub.nvbuffer1.clear()'
    """
    parts = [part for smu in smus for part in (f"{smu}.nvbuffer1.n", f"{smu}.nvbuffer1.readings[1]", limit_of(smu))]
    clear = " ".join(f"{smu}.nvbuffer1.clear()" for smu in smus)
    return f"waitcomplete() print({', '.join([*parts, *map(limit_of, asked)])}) {clear}"


def limit_of(smu: str) -> str:
    """Return how Lua reads whether a channel is at its limit."""
    return f"{smu}.source.compliance"
