"""What is counted over virtual chips, in whole numbers only, so that shares add up the same in any order."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from crossbar_hil.confidence import Z95, wilson

_AFTER_DRIFT = ("drifted", "right", "held")
"""Fields with a number for each drift."""


class TrainedChips(Protocol):
    """What M trainings came to, one number a chip."""

    converged: NDArray[Any]
    """(M,) whether every target was met."""
    epochs: NDArray[Any]
    """(M,) evaluations, counted from 1."""
    pulses: NDArray[Any]
    """(M,) pulses sent, over all cells."""
    saturated: NDArray[Any]
    """(M,) cells at the end of their curve."""
    fresh: NDArray[Any]
    """(M,) whether a chip converged and still met every target in a fresh read."""
    drifted: NDArray[Any]
    """(M, D) whether it converged and still met every target after each of D drifts."""
    right: NDArray[Any]
    """(M, D) whether it converged and every output was still nearer to its own target than to the other one."""


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
    fresh: int = 0
    """Chips that converged and still met every target in a fresh read."""
    drifted: tuple[tuple[float, int], ...] = ()
    """(drift, chips that converged and still met every target after it), as they were asked for."""
    right: tuple[tuple[float, int], ...] = ()
    """(drift, chips that converged and still answered right after it: each output nearer to its own target)."""
    held: tuple[tuple[float, int], ...] = ()
    """(drift, chips of these that met every target in a fresh read too): what `tune` ranks settings by."""

    @classmethod
    def of(cls, trained: TrainedChips, drifts: Sequence[float] = ()) -> "Counts":
        """Count the outcome of M trainings, whose chips were judged after some drifts too."""
        converged, epochs = trained.converged, trained.epochs
        pulses, saturated = trained.pulses, trained.saturated
        at, chips = np.unique(np.asarray(epochs)[converged], return_counts=True)
        held = np.asarray(trained.right) & np.asarray(trained.fresh)[:, None]

        def after(met: NDArray[Any]) -> tuple[tuple[float, int], ...]:
            return tuple(zip(drifts, map(int, np.count_nonzero(met, axis=0)), strict=True))

        return cls(
            len(converged),
            tuple((int(epoch), int(count)) for epoch, count in zip(at, chips, strict=True)),
            int(pulses.sum()),
            int(pulses[converged].sum()),
            int(np.count_nonzero(saturated[~converged])),
            int(np.count_nonzero(trained.fresh)),
            after(trained.drifted),
            after(trained.right),
            after(held),
        )

    @classmethod
    def sum(cls, shares: Iterable["Counts"]) -> "Counts":
        """Add up the counts of different chips."""
        epochs: Counter[int] = Counter()
        after: dict[str, Counter[float]] = {name: Counter() for name in _AFTER_DRIFT}
        totals = [0, 0, 0, 0, 0]
        for each in shares:
            epochs.update(dict(each.epochs))
            for name, met in after.items():
                met.update(dict(getattr(each, name)))
            for place, value in enumerate((each.chips, each.pulses, each.pulses_converged, each.ended, each.fresh)):
                totals[place] += value
        chips, pulses, pulses_converged, ended, fresh = totals
        drifted = {name: tuple(met.items()) for name, met in after.items()}
        return cls(chips, tuple(sorted(epochs.items())), pulses, pulses_converged, ended, fresh, **drifted)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Read back `as_record`."""
        epochs = tuple((int(at), int(chips)) for at, chips in record["epochs"])
        after = {name: tuple((float(drift), int(met)) for drift, met in record[name]) for name in _AFTER_DRIFT}
        return cls(**{**record, "epochs": epochs, **after})

    def as_record(self) -> dict[str, Any]:
        """Return plain numbers, as a file holds them."""
        held = {each.name: getattr(self, each.name) for each in fields(self)}
        return {
            name: [list(each) for each in value] if isinstance(value, tuple) else value for name, value in held.items()
        }

    @property
    def converged(self) -> int:
        """Chips that met every target."""
        return sum(chips for _, chips in self.epochs)

    @property
    def lasting(self) -> int:
        """Chips that held the largest drift; those that met every target in a fresh read if none was asked for."""
        return max(self.held)[1] if self.held else self.fresh

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
    after = [("fresh", "_met", counts.fresh)]
    for (drift, met), (_, right) in zip(counts.drifted, counts.right, strict=True):
        after += [(f"drift_{drift:g}", "_met", met), (f"drift_{drift:g}_right", "", right)]
    for name, ending, chips in after:
        found[name + ending] = chips
        found[f"{name}_share"] = chips / good if good else None
        found[f"{name}_low"], found[f"{name}_high"] = wilson(chips, good) if good else (None, None)
    found |= {f"drift_{drift:g}_held": held for drift, held in counts.held}
    return found


def describe_share(counts: Counts) -> str:
    """Write the share of chips that converge, with its interval, for a message."""
    share, interval = _in_percent(counts.converged, counts.chips)
    return f"{share} converge (95 % interval {interval})"


def table_of_counts(points: Sequence[Counts], *, noisy: bool) -> tuple[list[str], list[list[str]]]:
    """Return columns and a row a point: the share that converges, how long that takes, and what holds later of these.

    >>> table_of_counts([Counts(10, ((3, 4), (5, 1)), pulses=70)], noisy=False)
    (['converge', '95 % interval', 'epochs', 'pulses'], [['50.0 %', '23.7 to 76.3 %', '3', '7']])
    """
    header = ["converge", "95 % interval", "epochs", "pulses"]
    later = [name for name, _ in _afterwards(points[0], noisy=noisy)]
    header += [f"of these {name}" for name in later[:1]] + later[1:]
    rows = []
    for counts in points:
        epochs = counts.epoch_of(0.5)
        row = [*_in_percent(counts.converged, counts.chips), "-" if epochs is None else str(epochs)]
        row.append(f"{counts.pulses_mean:.0f}")
        for _, met in _afterwards(counts, noisy=noisy):
            row.append(_in_percent(met, counts.converged)[0] if counts.converged else "-")
        rows.append(row)
    return header, rows


def _afterwards(counts: Counts, *, noisy: bool) -> list[tuple[str, int]]:
    """Return how many of the chips that converge still met every target, or answered right, and when."""
    asked = [("on a fresh read", counts.fresh)] if noisy else []
    for (drift, met), (_, right) in zip(counts.drifted, counts.right, strict=True):
        asked += [(f"after drift of {100 * drift:g} %", met), ("still answer right", right)]
    return asked


def describe_afterwards(counts: Counts, *, noisy: bool) -> str:
    """Write how many of the chips that converge still meet every target later; empty if nothing was asked for.

    >>> describe_afterwards(Counts(10, ((3, 4),), drifted=((0.1, 2),), right=((0.1, 3),)), noisy=False)[:61]
    'of these 50.0 % still meet every target after drift of 10 % ('
    """
    asked = _afterwards(counts, noisy=noisy)
    if not asked or not counts.converged:
        return ""
    parts: list[str] = []
    for what, met in asked:
        share, interval = _in_percent(met, counts.converged)
        parts.append(f"{share}{'' if parts else ' still meet every target'} {what} ({interval})")
    return f"of these {', '.join(parts)}"


def _in_percent(successes: int, trials: int) -> tuple[str, str]:
    """Write a share and its 95 % interval."""
    low, high = (100 * end for end in wilson(successes, trials))
    digits = 1 if low >= 0.1 and high <= 99.9 else 3  # so that an interval at the end of its range shows its width
    return f"{100 * successes / trials:.{digits}f} %", f"{low:.{digits}f} to {high:.{digits}f} %"
