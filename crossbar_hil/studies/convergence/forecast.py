"""What a training on a bench may come to: its outcome on many virtual chips, foretold before the first pulse.

The chips are those that [chip] of the bench describes: draws of a twin if it names one, else of its curve and spread.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from crossbar_hil.bench.file import Bench, Chip
from crossbar_hil.bench.virtual_chips import all_alike, virtual_chips
from crossbar_hil.confidence import next_succeeds, wilson
from crossbar_hil.errors import DataError
from crossbar_hil.studies.convergence.opened_chips import has_chips_of_its_own, whose
from crossbar_hil.studies.convergence.points import Point, check_point
from crossbar_hil.studies.settings import virtual_chip
from crossbar_hil.training.patterns import PatternSet
from crossbar_hil.twins.file import read_twin

CHIPS, SINGLE_CHIPS, TWIN_CHIPS = 1000, 100, 200
"""Virtual chips unless told otherwise: trained side by side, or one by one, which takes seconds, or draws of a twin."""
MOST_CHIPS = 100_000
"""With so many, what is foretold as 50 % is known to 0.3 % (95 % interval of a proportion)."""


class Range(NamedTuple):
    """Median of a number, and the ends of its central 90 %, over the chips that converge."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.0f}" + (f" ({self.low:.0f} to {self.high:.0f})" if self.low < self.high else "")


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a number of virtual chips came to."""

    chips: int
    converged: int
    epochs: Range | None
    """None if no chip converges."""
    pulses: Range | None
    about: str
    """What virtual chips these are."""
    epochs_mean: float
    pulses_mean: float
    """Of all chips, whether they converge or not; it too is held against what happened."""
    alike: bool = False
    """Whether nothing of a chip is drawn, so that one was trained and all others would be copies."""

    @property
    def share(self) -> float:
        """Share of the chips that converge."""
        return self.converged / self.chips

    @property
    def probability(self) -> float:
        """Probability that a chip of these converges: what `crossbar-hil twins` holds against what happened."""
        return self.share if self.alike else next_succeeds(self.converged, self.chips)

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of that share."""
        return wilson(self.converged, self.chips)

    @property
    def sentence(self) -> str:
        """What is foretold, in one line."""
        effort = "" if self.epochs is None else f" at epoch {self.epochs} with {self.pulses} pulses"
        if self.alike:
            return f"{'all converge' if self.converged else 'none converges'}{effort}"
        low, high = (100 * end for end in self.interval)
        digits = 0 if low >= 1 and high <= 99 else 1
        return (
            f"{100 * self.share:.{digits}f} % converge (95 % interval {low:.{digits}f} to {high:.{digits}f} %){effort}"
        )

    def as_record(self) -> dict[str, Any]:
        """Return plain numbers, as a run keeps them."""
        low, high = self.interval
        return {
            "chips": self.chips,
            "converged": self.converged,
            "share": self.share,
            "probability": self.probability,
            "share_low": round(low, 4),
            "share_high": round(high, 4),
            "epochs": None if self.epochs is None else self.epochs._asdict(),
            "pulses": None if self.pulses is None else self.pulses._asdict(),
            "epochs_mean": self.epochs_mean,
            "pulses_mean": self.pulses_mean,
            "about": self.about,
            "sentence": self.sentence,
        }

    @classmethod
    def of(cls, converged: NDArray[Any], epochs: NDArray[Any], pulses: NDArray[Any], about: str) -> Self:
        """Sum up the outcome of M trainings: whether converged, epochs, pulses; (M,) each."""
        good = int(np.count_nonzero(converged))
        of_epochs, of_pulses = (_range_of(each[converged]) if good else None for each in (epochs, pulses))
        return cls(len(converged), good, of_epochs, of_pulses, about, float(np.mean(epochs)), float(np.mean(pulses)))


def forecast(bench: Bench, *, seed: int, chips: int | None = None) -> Forecast:
    """Train virtual chips of a checked bench of any kind; nothing is recorded and no instrument is touched.

    Parameters
    ----------
    seed : int
        Of the virtual chips.
    chips : int, optional
        How many; `CHIPS` if not given, or `SINGLE_CHIPS` where they are trained one by one, `TWIN_CHIPS` of a twin;
        of a twin at most its draws, each once, so that the interval is that of independent ones.

    Raises
    ------
    CrossbarError
        If such chips cannot be trained.
    """
    if bench.chip is None and bench.wiring is None:
        task = PatternSet.from_csv(bench.training.pattern_file)
        rows, columns = bench.training.arrangement.least_shape(task.train.shape[1], task.train_labels.shape[1])
        chip = Chip(rows=rows, columns=columns)
        point = Point.of(bench.model_copy(update={"chip": chip}), {})
    else:
        point = Point.of(bench, {})
    ensemble = check_point(point, seed, "")
    if chips is None:
        chips = TWIN_CHIPS if point.twin is not None else CHIPS if ensemble.lockstep else SINGLE_CHIPS
    if chips < 1:
        raise DataError(f"a forecast of {chips} virtual chips says nothing, at least one is needed")
    if chips > MOST_CHIPS:
        raise DataError(f"a forecast by more than {MOST_CHIPS} virtual chips tells hardly more than by so many")
    held = None if point.twin is None else read_twin(point.twin).count
    few = "" if held is None or chips <= held else f", all that it holds: `calibrate --draws {chips}` makes more"
    chips = chips if held is None else min(chips, held)  # a draw that comes again tells hardly more
    own = has_chips_of_its_own(point.bench)
    alike = not own and all_alike(virtual_chip(point.bench))
    found = ensemble.train(seed, 0, 1 if alike else chips, ())
    if own:
        about = f"{chips} {whose(point.bench)}"
    elif point.twin is not None:
        about = f"{chips} draws of the twin {Path(point.twin.name).name}{few}"
    else:
        described = virtual_chips(point.bench)
        kind = "copies of one virtual chip (nothing of it is drawn)" if alike else f"{chips} virtual chips"
        kind += "" if bench.chip is not None else " of the shipped curve (the bench describes none)"
        about = kind + (f": {described.line}" if described is not None else "")
    told = Forecast.of(found.converged, found.epochs, found.pulses, about)
    return replace(told, alike=alike)


def _range_of(numbers: NDArray[Any]) -> Range:
    """Return a range whose ends are numbers that occur."""
    low, median, high = np.quantile(numbers, (0.05, 0.5, 0.95), method="inverted_cdf")
    return Range(float(median), float(low), float(high))
