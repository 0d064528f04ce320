"""How noisy the readings of a chip are, from cells that are read several times with nothing done to them."""

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


def find_read_noise(*rounds: FloatArray) -> ReadNoise:
    """Estimate the noise of readings: how much one differs from the next.

    Slow drift is none, and telegraph noise is as far as it is not much slower than the readings. Half the mean square
    of successive differences is the variance; of N readings they have 2 (N - 1)^2 / (3 N - 4) degrees of freedom:
    J. von Neumann and others, Ann. Math. Stat. 12 (1941) 153, doi:10.1214/aoms/1177731746.

    Parameters
    ----------
    *rounds : ndarray of float, shape (N, ...)
        N readings of every cell, in siemens, one after the other; what was done to the chip was done between rounds.

    Raises
    ------
    DataError
        If a round has fewer than two, or no cell conducts.
    """
    from scipy.special import chdtri  # noqa: PLC0415 - scipy takes a while to import

    if min(map(len, rounds)) < 2:
        raise DataError(f"{min(map(len, rounds))} reading of each cell shows no noise, at least 2 are needed")
    squares, cells, freedom = [], 0, 0.0
    for readings in rounds:
        reads, means = len(readings), readings.mean(axis=0)
        taken = means > LEAST_SHARE * float(np.median(np.abs(means)))
        squares.append(np.square(np.diff(readings, axis=0)[:, taken] / means[taken]).ravel())
        freedom += int(taken.sum()) * 2 * (reads - 1) ** 2 / (3 * reads - 4)
        cells = max(cells, int(taken.sum()))
    if not cells:
        raise DataError("no cell conducts, so the noise of its readings cannot be found")
    share = float(np.sqrt(np.concatenate(squares).mean() / 2))
    low, high = (share * float(np.sqrt(freedom / chdtri(freedom, tail))) for tail in (0.025, 0.975))
    return ReadNoise(share, low, high, sum(map(len, rounds)), cells, rounds[0][0].size)


def in_percent(share: float) -> str:
    """Write a share with three digits.

    >>> in_percent(0.0123456), in_percent(2e-10)
    ('1.23 %', '2e-08 %')
    """
    return f"{100 * share:.3g} %"
