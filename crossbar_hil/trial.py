"""A bench on trial: states of its relays that it is seen in one by one, and the raw current of every source in each.

Nothing is subtracted from these currents, and one at its limit is no error: what is wrong with a bench shows in them.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Volts = Mapping[str, float]
"""Voltage of each source, by the port that it is on."""


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
    """A column, all rows active."""
    writes: Mapping[tuple[int, int], Sight]
    """A cell (row, column), as the write scheme connects it."""
    floating: Mapping[tuple[int, int], Sight]
    """A cell (row, column), every other line open."""
    nothing: Sight
    """Every line open."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a source showed."""

    current_a: float
    """Current out of its HI terminal, in amperes; infinite if it was beyond every range."""
    limited: bool = False
    """Whether it was at its current limit."""

    def as_json(self) -> list[Any]:
        """Return it as JSON."""
        return [self.current_a if math.isfinite(self.current_a) else None, self.limited]

    @classmethod
    def from_json(cls, found: Sequence[Any]) -> "Seen":
        """Return what `as_json` wrote."""
        return cls(math.inf if found[0] is None else float(found[0]), bool(found[1]))


Sights = list[list[dict[str, Seen]]]
"""By state, by setting of the sources, by port."""


@dataclass(frozen=True)
class Train:
    """What a train of pulses for one cell showed."""

    inside: list[dict[str, Seen]]
    """By pulse, by port."""
    clock_s: float | None
    """How long the instrument's clock says it took, with everything around it; None if it has none."""
    widths: tuple[int, int] = field(default=(0, 0))
    """As of `crossbar_hil.instrument.SourceMeter.train_widths`."""
