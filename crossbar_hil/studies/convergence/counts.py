"""What is counted over virtual chips, in whole numbers only, so that shares add up the same in any order."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from crossbar_hil.training.confidence import Z95, wilson


@dataclass(frozen=True, slots=True)
class Counts:
    """Outcome of a number of trainings."""

    chips: int = 0
    epochs: tuple[tuple[int, int], ...] = ()
    """(epoch, chips that converged at it), the earliest first; epochs are counted from 1."""
    pulses: int = 0
    """Sent to all chips together."""
    pulses_converged: int = 0
    """Sent to those that converged."""
    ended: int = 0
    """Chips that did not converge and had a cell at the end of its curve."""

    @classmethod
    def of(
        cls, converged: NDArray[Any], epochs: NDArray[Any], pulses: NDArray[Any], saturated: NDArray[Any]
    ) -> "Counts":
        """Count the outcome of M trainings: whether converged, epochs, pulses, cells at the end of their curve.

        Parameters
        ----------
        converged, epochs, pulses, saturated : ndarray, shape (M,)
        """
        at, chips = np.unique(np.asarray(epochs)[converged], return_counts=True)
        return cls(
            len(converged),
            tuple((int(epoch), int(count)) for epoch, count in zip(at, chips, strict=True)),
            int(pulses.sum()),
            int(pulses[converged].sum()),
            int(np.count_nonzero(saturated[~converged])),
        )

    @classmethod
    def sum(cls, shares: Iterable["Counts"]) -> "Counts":
        """Add up the counts of different chips."""
        epochs: Counter[int] = Counter()
        totals = [0, 0, 0, 0]
        for each in shares:
            epochs.update(dict(each.epochs))
            for place, value in enumerate((each.chips, each.pulses, each.pulses_converged, each.ended)):
                totals[place] += value
        return cls(totals[0], tuple(sorted(epochs.items())), *totals[1:])

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Read back `as_record`."""
        return cls(**{**record, "epochs": tuple((int(at), int(chips)) for at, chips in record["epochs"])})

    def as_record(self) -> dict[str, Any]:
        """Return plain numbers, as a file holds them."""
        return {
            "chips": self.chips,
            "epochs": [list(each) for each in self.epochs],
            "pulses": self.pulses,
            "pulses_converged": self.pulses_converged,
            "ended": self.ended,
        }

    @property
    def converged(self) -> int:
        """Chips that met every target."""
        return sum(chips for _, chips in self.epochs)

    @property
    def pulses_mean(self) -> float:
        """Pulses a chip, whether it converged or not."""
        return self.pulses / self.chips

    def epoch_of(self, share: float) -> int | None:
        """Return the earliest epoch by which that share of the converging chips had converged; None without any."""
        wanted = share * self.converged
        total = 0
        for epoch, chips in self.epochs:
            total += chips
            if total >= wanted:
                return epoch
        return None


def summary(counts: Counts) -> dict[str, float | int | None]:
    """Return the statistics of a point, each with its 95 % interval; None where no chip converged.

    The share that converges has Wilson's interval; the mean of the epochs that of a normal distribution; a quantile of
    the epochs the ranks that Wilson's interval of its share gives.
    """
    good = counts.converged
    low, high = wilson(good, counts.chips)
    found: dict[str, float | int | None] = {
        "chips": counts.chips,
        "converged": good,
        "yield": good / counts.chips,
        "yield_low": low,
        "yield_high": high,
    }
    mean = sum(epoch * chips for epoch, chips in counts.epochs) / good if good else None
    half = None
    if mean is not None and good > 1:
        spread = sum(chips * (epoch - mean) ** 2 for epoch, chips in counts.epochs)
        half = Z95 * math.sqrt(spread / (good - 1) / good)
    found["epochs_mean"] = mean
    found["epochs_mean_low"] = None if mean is None or half is None else mean - half
    found["epochs_mean_high"] = None if mean is None or half is None else mean + half
    for percent in (5, 50, 95):
        ends = wilson(percent * good // 100, good) if good else (0.0, 0.0)
        found[f"epochs_{percent}"] = counts.epoch_of(percent / 100)
        found[f"epochs_{percent}_low"] = counts.epoch_of(ends[0])
        found[f"epochs_{percent}_high"] = counts.epoch_of(ends[1])
    found["epochs_most"] = counts.epochs[-1][0] if good else None
    found["pulses_mean"] = counts.pulses_mean
    found["pulses_mean_converged"] = counts.pulses_converged / good if good else None
    found["failed_at_end_of_curve"] = counts.ended
    return found


def describe_share(counts: Counts) -> str:
    """Write the share of chips that converge, with its interval, for a message."""
    numbers = summary(counts)
    low, high = (100 * float(numbers[f"yield_{end}"] or 0) for end in ("low", "high"))
    digits = 1 if low >= 0.1 and high <= 99.9 else 3  # so that an interval at the end of its range shows its width
    share = 100 * counts.converged / counts.chips
    return f"{share:.{digits}f} % converge (95 % interval {low:.{digits}f} to {high:.{digits}f} %)"
