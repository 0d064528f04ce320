"""How noisy the readings of a chip are, found by reading it several times."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from crossbar_hil.arrays import FloatArray
from crossbar_hil.errors import DataError
from crossbar_hil.training.confirmation import suggested_confirmations

LEAST_SHARE = 1e-3
"""A cell that conducts less than this share of the median one is open: a relative noise of it means nothing."""


@dataclass(frozen=True, slots=True)
class ReadNoise:
    """Relative standard deviation of a cell's reading."""

    share: float
    low: float
    high: float
    """95 % interval, of normal noise that is the same for every cell."""
    reads: int
    cells: int
    """Those that were taken, of `all_cells`."""
    all_cells: int

    @property
    def confirm(self) -> int:
        """Evaluations in a row that should meet every target before a chip with this noise is called converged."""
        return suggested_confirmations(self.share)

    @property
    def sentence(self) -> str:
        """What was found, and what follows."""
        left_out = self.all_cells - self.cells
        without = f", {left_out} that conduct next to nothing left out" if left_out else ""
        found = f"of {self.reads} reads of {self.cells} cells{without}"
        if self.share == 0:
            return f"read noise none: {found} all repeat; confirm = {self.confirm} is enough"
        return (
            f"read noise {in_percent(self.share)} of a cell's reading "
            f"(95 % interval {in_percent(self.low)} to {in_percent(self.high)}), {found}; "
            f"suggested: confirm = {self.confirm}"
        )

    def as_record(self) -> dict[str, Any]:
        """Return plain numbers."""
        return {
            "share": self.share,
            "share_low": self.low,
            "share_high": self.high,
            "reads": self.reads,
            "cells": self.cells,
            "suggested_confirm": self.confirm,
        }


def find_read_noise(maps: FloatArray) -> ReadNoise:
    """Estimate the noise of readings.

    Parameters
    ----------
    maps : ndarray of float, shape (N, R, C)
        N readings of every cell, in siemens, with nothing done to the chip between them.

    Raises
    ------
    DataError
        If there are fewer than two, or no cell conducts.
    """
    from scipy.special import chdtri  # noqa: PLC0415 - scipy takes a while to import

    reads = len(maps)
    if reads < 2:
        raise DataError(f"{reads} reading of each cell shows no noise, at least 2 are needed")
    means = maps.mean(axis=0)
    taken = means > LEAST_SHARE * float(np.median(np.abs(means)))
    if not taken.any():
        raise DataError("no cell conducts, so the noise of its readings cannot be found")
    cells = int(np.count_nonzero(taken))
    changes = maps - maps[0]  # so that readings that repeat have no noise by the rounding of their mean
    share = float(np.sqrt((changes.var(axis=0, ddof=1)[taken] / np.square(means[taken])).mean()))
    freedom = cells * (reads - 1)
    low, high = (share * float(np.sqrt(freedom / chdtri(freedom, tail))) for tail in (0.025, 0.975))
    return ReadNoise(share, low, high, reads, cells, means.size)


def in_percent(share: float) -> str:
    """Write a share with three digits.

    >>> in_percent(0.0123456), in_percent(2e-10)
    ('1.23 %', '2e-08 %')
    """
    return f"{100 * share:.3g} %"
