"""What readings say of each cell: open, never formed, shorted, stuck or weak, with a stated chance of being wrong.

A verdict is one of means over many readings: it stands where the mean lies `SIGMAS` standard errors beyond a threshold,
which noise alone makes of a healthy cell less than once in a million. Nothing is said of a cell where the readings
leave it open.
"""

from dataclasses import dataclass

import numpy as np

from crossbar_hil.arrays import BoolArray, FloatArray
from crossbar_hil.errors import DataError

SIGMAS = 5.0
"""Standard errors beyond a threshold; normal noise reaches as far in 3 of 10 million means."""
FAR = 10.0
"""Factor beyond the ends of what healthy cells conduct at which a cell is taken for never formed, or for shorted."""
OPEN_SIEMENS = 1e-10
"""Below this nothing conducts: a tenth of the path through a relay card, whose isolation is of the order of 1 Gohm."""
WEAK = 0.1
"""A cell is weak that moves by less than this share of what the median cell moves; with a lognormal step factor of
sigma 0.4 one healthy cell in 200 million does."""
OUTLIERS = 3
"""Cells that conduct, at least, from which the middle of a chip is known without a curve."""

OPEN, UNFORMED, SHORTED, STUCK_LOW, STUCK_HIGH, WEAK_CELL, UNCLEAR = (
    "open", "unformed", "shorted", "stuck low", "stuck high", "weak", "unclear",
)  # fmt: skip
VERDICTS = (OPEN, UNFORMED, SHORTED, STUCK_LOW, STUCK_HIGH, WEAK_CELL, UNCLEAR)
LEFT_OUT = (OPEN, UNFORMED, SHORTED, STUCK_LOW, STUCK_HIGH)
"""Verdicts whose cells get no pulse in a training; a weak one may still learn, of an unclear one nothing is known."""
MEANING = {
    OPEN: "no current within its noise",
    UNFORMED: f"conducts, but less than a {FAR:g}th of the lowest that a healthy cell does",
    SHORTED: f"conducts more than {FAR:g} times the highest that a healthy cell does",
    STUCK_LOW: "in the lower half, and no pulse moves it",
    STUCK_HIGH: "in the upper half, and no pulse moves it",
    WEAK_CELL: f"moves by less than {WEAK:.0%} of what the median cell does",
    UNCLEAR: "the readings do not tell",
}


@dataclass(frozen=True, slots=True)
class Healthy:
    """What healthy cells of a kind conduct, in siemens."""

    low_siemens: float
    middle_siemens: float
    """Between the lower and the upper half."""
    high_siemens: float
    rise_siemens: float
    """By how much potentiating pulses raise one that is fresh."""
    source: str
    """Where that is known from."""

    def __post_init__(self) -> None:
        if not 0 < self.low_siemens <= self.middle_siemens <= self.high_siemens < np.inf:
            raise DataError(
                f"healthy cells from {self.low_siemens:g} S over {self.middle_siemens:g} S to {self.high_siemens:g} S: "
                "they must be above zero and rise"
            )
        if not 0 <= self.rise_siemens < np.inf:
            raise DataError(f"healthy cells rise by {self.rise_siemens:g} S, that must be finite and not negative")


def healthy_by_chip(siemens: FloatArray) -> Healthy:
    """Return what healthy cells conduct where no curve says it: about the median of those that conduct at all.

    Raises
    ------
    DataError
        If fewer than `OUTLIERS` do.
    """
    conducting = siemens[siemens > OPEN_SIEMENS]
    if conducting.size < OUTLIERS:
        raise DataError(
            f"{conducting.size} of {siemens.size} cells conduct more than {OPEN_SIEMENS:g} S, at least {OUTLIERS} are "
            "needed to tell what is usual without a curve: name the curve of the device in [chip]"
        )
    median = float(np.median(conducting))
    how = f"within a factor of {FAR:g} of the median cell, as no curve is known"
    return Healthy(median / FAR, median, median * FAR, (FAR - 1) * median, how)


@dataclass(frozen=True, slots=True, eq=False)
class Looks:
    """Means of so many readings of every cell, and how sure each is."""

    means: FloatArray
    """(R, C), in siemens."""
    errors: FloatArray
    """(R, C) standard error of each mean, in siemens."""
    noise: float
    """Relative standard deviation of one reading of the median cell."""

    @classmethod
    def of(cls, readings: FloatArray) -> "Looks":
        """Take (M, R, C) readings, in siemens; a cell's noise is its own, or that of the median cell if less.

        Raises
        ------
        DataError
            If there are fewer than two.
        """
        count = len(readings)
        if count < 2:
            raise DataError(f"{count} reading of each cell shows no noise, at least 2 are needed")
        means = readings.mean(axis=0)
        spread = readings.std(axis=0, ddof=1)
        conducting = means > OPEN_SIEMENS
        noise = float(np.median(spread[conducting] / means[conducting])) if conducting.any() else 0.0
        errors = np.maximum(spread, noise * np.abs(means)) / np.sqrt(count)
        return cls(means, errors, noise)


def judge_reads(look: Looks, healthy: Healthy) -> np.ndarray:
    """Return the (R, C) verdicts that readings alone allow, as text; empty where they find nothing."""
    found = np.full(look.means.shape, "", dtype=object)
    low, high = healthy.low_siemens / FAR, healthy.high_siemens * FAR
    least, most = look.means - SIGMAS * look.errors, look.means + SIGMAS * look.errors
    found[(least <= low) & (most >= low)] = UNCLEAR
    found[(least <= high) & (most >= high)] = UNCLEAR
    found[most < low] = UNFORMED
    found[(most < low) & (np.abs(look.means) <= np.maximum(SIGMAS * look.errors, OPEN_SIEMENS))] = OPEN
    found[least > high] = SHORTED
    return found


def moved(before: Looks, after: Looks) -> BoolArray:
    """Return the (R, C) cells that changed by more than noise explains."""
    far: BoolArray = np.abs(after.means - before.means) > hidden_by_noise(before, after)
    return far


def hidden_by_noise(before: Looks, after: Looks) -> FloatArray:
    """Return the change of each mean that noise may hide, in siemens; never zero, as the last digit is noise."""
    rounding = 1e-6 * np.maximum(np.abs(before.means), OPEN_SIEMENS)
    return np.maximum(SIGMAS * np.hypot(before.errors, after.errors), rounding)


def judge_unmoved(
    look: Looks, unmoved: BoolArray, healthy: Healthy, told: FloatArray, rise_siemens: float
) -> np.ndarray:
    """Return the (R, C) verdicts on cells that no pulse moved, as text.

    Parameters
    ----------
    look : Looks
        Before the pulses.
    unmoved : ndarray of bool, shape (R, C)
        Those cells.
    told : ndarray of float, shape (R, C)
        Smallest change of each that would have been seen, in siemens.
    rise_siemens : float
        What the median of the cells that moved did, 0 if none did; a cell is unclear if half of that would have drowned
        in noise.
    """
    found = np.full(unmoved.shape, "", dtype=object)
    upper = look.means > healthy.middle_siemens
    found[unmoved & upper], found[unmoved & ~upper] = STUCK_HIGH, STUCK_LOW
    found[unmoved & (2 * told > rise_siemens)] = UNCLEAR
    return found


def judge_weak(rises: FloatArray, allowed: FloatArray, candidates: BoolArray) -> BoolArray:
    """Return the (R, C) cells, of some, whose rise by one pulse is surely below `WEAK` of the median one's."""
    if not candidates.any():
        return candidates
    weak: BoolArray = candidates & (rises + allowed < WEAK * float(np.median(rises[candidates])))
    return weak
