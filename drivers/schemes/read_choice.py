"""Which way of reading a batch of patterns is the better one: by pattern or by cell, by its cost and by its noise.

The meter's noise is the same in every reading and independent of all others, so that of a pattern's current is the root
of the summed squares of what its readings count, whichever of several meters took them. By cell, a pattern of R rows
rests on 2 R readings instead of on 4 (two voltages, a zero for each), so its noise is sqrt(R / 2) times as large; what
the cells add is the same either way.
"""

import math
from dataclasses import asdict, dataclass
from typing import Any, get_args

import numpy as np

from crossbar_hil.arrays import FloatArray

from .read_schemes import By, ReadScheme, Shares

WORTH = 0.5
"""By cell is taken where it needs at most this share of the readings: it is noisier, and a few readings are no gain."""
MOST_NOISE = 4.0
"""It is taken where the noise of no pattern's current grows by more than this: 32 rows of two voltages."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What it costs to read a batch in one way."""

    readings: int
    """Of all columns, zero readings among them."""
    noise: float
    """Standard deviation of the noisiest pattern's current, in those of one reading."""
    integrations: int
    """Times that pass one after the other: readings of several meters at the same time are one."""


@dataclass(frozen=True, slots=True)
class ReadChoice:
    """How a batch is read, and what the other way would cost."""

    by: By
    fixed: bool
    """Whether a person has said so."""
    cost: Cost
    other: Cost
    meters: int = 1
    """So many columns are measured at the same time."""

    def __str__(self) -> str:
        other = "pattern" if self.by == "cell" else "cell"
        told = ", as the bench file says" if self.fixed else ""
        if not self.other.readings:
            return f"by {self.by}{told}"
        once = f", {self.meters} at a time in the time of {self.cost.integrations}" if self.meters > 1 else ""
        return (
            f"by {self.by}{told}: {self.cost.readings} readings{once}, where by {other} it is {self.other.readings} "
            f"with {self.other.noise / self.cost.noise:.3g} times the noise of the meter in a pattern's current"
        )

    def as_record(self) -> dict[str, Any]:
        """Return plain numbers."""
        return asdict(self)


def choose_reading(
    scheme: ReadScheme, voltages: FloatArray, columns: int, fixed: By | None = None
) -> tuple[ReadChoice, Shares]:
    """Return how (P, R) row voltages are best read on so many columns, and the readings of one of them.

    By cell where that needs at most `WORTH` of the readings and no more than `MOST_NOISE` times the noise; as `fixed`
    says, if it says anything.
    """
    ways: dict[By, Shares] = {by: scheme.shares(voltages, by) for by in get_args(By)}
    rounds = len(scheme.groups(columns))
    costs = {by: cost_of(shares, len(voltages), columns, rounds) for by, shares in ways.items()}
    pattern, cell = costs["pattern"], costs["cell"]
    worth = cell.readings <= WORTH * pattern.readings and cell.noise <= MOST_NOISE * pattern.noise
    by: By = fixed or ("cell" if worth and pattern.readings else "pattern")
    other = cell if by == "pattern" else pattern
    choice = ReadChoice(by, fixed is not None, costs[by], other, min(len(scheme.meters), columns))
    return choice, ways[by]


def cost_of(shares: Shares, patterns: int, columns: int, rounds: int) -> Cost:
    """Return what the readings of one column cost on so many columns that are measured in so many rounds."""
    variances = np.zeros(patterns)
    for counted in shares.values():
        for pattern, share in counted.items():
            variances[pattern] += share**2
    return Cost(columns * len(shares), math.sqrt(variances.max(initial=0.0)), rounds * len(shares))
