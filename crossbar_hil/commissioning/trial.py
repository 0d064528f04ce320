"""The states of its relays in which a bench on trial is seen, one by one."""

from collections.abc import Mapping
from dataclasses import dataclass

from crossbar_hil.witness import Volts


@dataclass(frozen=True, slots=True)
class Sight:
    """One state of the relays, and how sources are set in it."""

    assignment: tuple[str, ...]
    """Port of every line of the chip, rows first; ``open`` for none."""
    volts: Volts
    """What each source is set to for one volt."""
    sign: int = 1
    """What the meter's current is multiplied by to give that from the rows into the columns."""


@dataclass(frozen=True)
class TrialPlan:
    """The states in which a bench can be seen, by what is between the two lines that they are about."""

    meter: str
    """Port of the source that measures in a read."""
    pairs: Mapping[tuple[int, int], Sight]
    """Two lines, every other line held out of it; the first is driven. Lines are counted rows first."""
    reads: Mapping[int, Sight]
    """A column, all rows active; further meters are on the columns after it, and round to the first."""
    writes: Mapping[tuple[int, int], Sight]
    """A cell (row, column), as the write scheme connects it."""
    floating: Mapping[tuple[int, int], Sight]
    """A cell (row, column), every other line open."""
    nothing: Sight
    """Every line open."""
