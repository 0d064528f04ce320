"""How well predictions held: Brier score, and what happened of what was given so many per cent."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from crossbar_hil.arrays import FloatArray
from crossbar_hil.confidence import wilson
from crossbar_hil.errors import DataError

BINS = 5
"""Bins of the predicted probability, equally wide."""
_WIDTH = 40


@dataclass(frozen=True, slots=True)
class Foretold:
    """One prediction beside what then happened."""

    probability: float
    """Of convergence, as predicted."""
    happened: bool
    """Whether it converged."""
    epochs_predicted: float
    epochs: float
    pulses_predicted: float
    pulses: float


@dataclass(frozen=True, slots=True)
class Bin:
    """The predictions between two probabilities."""

    low: float
    high: float
    count: int
    predicted: float
    """Their mean."""
    happened: int

    @property
    def share(self) -> float:
        """Share that happened."""
        return self.happened / self.count

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of that share."""
        return wilson(self.happened, self.count)

    @property
    def holds(self) -> bool:
        """Whether what was predicted lies within that interval."""
        low, high = self.interval
        return low <= self.predicted <= high


@dataclass(frozen=True, slots=True)
class Tally:
    """All predictions together."""

    count: int
    happened: int
    brier: float
    """Mean square of probability minus outcome, G. W. Brier, Mon. Weather Rev. 78 (1950) 1; 0 is best."""
    brier_of_base_rate: float
    """That of whoever always says the share that happened, and knows it beforehand."""
    epochs_correlation: float | None
    """Of predicted and real epochs; None where one of them never differs."""
    pulses_ratio: float | None
    """Predicted pulses over those that were sent; None if none were."""
    bins: tuple[Bin, ...]
    """Those that are not empty, the least probable first."""

    def as_record(self) -> dict[str, Any]:
        """Return plain numbers."""
        return {
            "runs": self.count,
            "converged": self.happened,
            "brier": self.brier,
            "brier_of_base_rate": self.brier_of_base_rate,
            "epochs_correlation": self.epochs_correlation,
            "pulses_ratio": self.pulses_ratio,
            "bins": [
                {
                    "low": each.low,
                    "high": each.high,
                    "runs": each.count,
                    "predicted": each.predicted,
                    "happened": each.share,
                    "happened_low": each.interval[0],
                    "happened_high": each.interval[1],
                }
                for each in self.bins
            ],
        }

    def lines(self) -> list[str]:
        """Write it as text, the bins as a reliability diagram: ``o`` predicted, ``=`` the interval of what happened."""
        return [
            f"{self.count} predictions, {self.happened} converged",
            f"Brier score {self.brier:.3f}; {self.brier_of_base_rate:.3f} by the base rate alone, 0 is best",
            *([] if self.epochs_correlation is None else [f"epochs      correlation {self.epochs_correlation:.2f}"]),
            *([] if self.pulses_ratio is None else [f"pulses      predicted over sent {self.pulses_ratio:.2f}"]),
            "",
            f"predicted      runs   mean  happened  95 % interval   0 %{'100 %':>{_WIDTH - 3}}",
            *(_line(each) for each in self.bins),
        ]


def _line(each: Bin) -> str:
    low, high = each.interval
    drawn = [" "] * (_WIDTH + 1)
    drawn[round(low * _WIDTH) : round(high * _WIDTH) + 1] = "=" * (round(high * _WIDTH) - round(low * _WIDTH) + 1)
    drawn[round(each.predicted * _WIDTH)] = "o"
    return (
        f"{100 * each.low:3.0f} to {100 * each.high:3.0f} %  {each.count:5d}  {100 * each.predicted:3.0f} %    "
        f"{100 * each.share:3.0f} %   {100 * low:5.1f} to {100 * high:5.1f} %  |{''.join(drawn)}|"
        + ("" if each.holds else "  beyond it")
    )


def tally(told: Sequence[Foretold]) -> Tally:
    """Hold predictions against what happened.

    Raises
    ------
    DataError
        If there is none.

    Examples
    --------
    >>> told = [Foretold(0.9, True, 10, 12, 100, 110), Foretold(0.3, False, 40, 48, 300, 330)]
    >>> found = tally(told)
    >>> round(found.brier, 3), found.brier_of_base_rate, len(found.bins)
    (0.05, 0.25, 2)
    """
    if not told:
        raise DataError("there is no prediction to be held against what happened")
    probability = np.array([each.probability for each in told])
    happened = np.array([each.happened for each in told])
    rate = happened.mean()
    place = np.minimum((probability * BINS).astype(np.int64), BINS - 1)
    sent, expected = (
        sum(values) for values in zip(*((each.pulses, each.pulses_predicted) for each in told), strict=True)
    )
    return Tally(
        count=len(told),
        happened=int(happened.sum()),
        brier=float(np.square(probability - happened).mean()),
        brier_of_base_rate=float(rate * (1 - rate)),
        epochs_correlation=_correlation(
            np.array([each.epochs_predicted for each in told]), np.array([each.epochs for each in told])
        ),
        pulses_ratio=expected / sent if sent else None,
        bins=tuple(
            Bin(
                number / BINS,
                (number + 1) / BINS,
                int((place == number).sum()),
                float(probability[place == number].mean()),
                int(happened[place == number].sum()),
            )
            for number in range(BINS)
            if (place == number).any()
        ),
    )


def _correlation(predicted: FloatArray, real: FloatArray) -> float | None:
    spread = float(predicted.std() * real.std())
    if not (math.isfinite(spread) and spread > 0):
        return None
    return float(((predicted - predicted.mean()) * (real - real.mean())).mean() / spread)
