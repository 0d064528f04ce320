"""The compiled kernel of a training with all that is the same for every chip."""

import math
from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from crossbar_hil.arrays import FloatArray

from .result import EnsembleResult
from .sizes import LANES, PATTERN_BLOCK, ROW_BLOCK
from .task import Task, margins

Quick: TypeAlias = Callable[[FloatArray, EnsembleResult], None]
"""Trains chips of shifts (M, R, C); those that stay undecided have epoch number 0."""


LEAST_STEP = 1e-12
"""Steps below this share of a conductance might not be seen by `Trainer`, which judges by readings."""
ANY_NUMBER = 1 << 30
"""Of pulses: more than a training has epochs."""


def most_pulses(rises: FloatArray, unresponsive: int) -> int:
    """Return after how many pulses a cell is unresponsive: once so many in a row have changed nothing.

    >>> most_pulses(np.array([0.0, 1.0, 2.0, 2.0]), 3), most_pulses(np.array([0.0, 1.0, 2.0]), 0) == ANY_NUMBER
    (5, True)
    """
    if not unresponsive:
        return ANY_NUMBER
    idle = 0
    for pulses, step in enumerate(np.diff(rises), start=1):
        idle = 0 if step else idle + 1
        if idle == unresponsive:
            return pulses
    return len(rises) - 1 + unresponsive - idle


def quick_kernel(
    task: Task,
    rises: FloatArray,
    *,
    single: bool,
    gain: float,
    beta: float,
    largest_shift: float,
    epochs: int,
    pull_back: bool,
    confirm: int,
    give_up: bool,
    unresponsive: int,
) -> Quick | None:
    """Return the kernel of one precision; None if its margins would not hold, or steps drown in roundoff."""
    span = float(np.abs(rises).max())
    changes = np.abs(np.diff(rises))
    if unresponsive and changes[changes > 0].min(initial=math.inf) < LEAST_STEP * (span + largest_shift):
        return None
    limits = margins(task, single=single, gain=gain, beta=beta, span=span, largest_shift=largest_shift)
    if not limits.safe:
        return None
    from .kernels import lockstep_kernel  # noqa: PLC0415 - numba takes long to import

    real, grid = (np.float32, np.int32) if single else (np.float64, np.float64)
    rows = task.bits.shape[1]
    last = len(rises) - 1
    most = most_pulses(rises, unresponsive)
    steps = np.zeros(max(epochs, last) + 1)
    steps[:last] = np.diff(np.rint(rises * (gain / limits.quantum)))
    steps[most:] = 0.0
    voltages = fill_to_blocks(task.voltages, (1, ROW_BLOCK))
    pulls = fill_to_blocks(task.voltages * task.times[:, None], (PATTERN_BLOCK, ROW_BLOCK))
    pulls[:, rows:] = pulls[:, :1]
    blocks = pulls.reshape(-1, PATTERN_BLOCK, pulls.shape[1] // ROW_BLOCK, ROW_BLOCK).swapaxes(1, 2)
    senses = 2.0 * task.labels - 1.0
    settings = (
        gain / limits.quantum, np.concatenate([steps, -steps, [0.0]]).astype(grid), last, epochs,
        voltages.astype(grid), real(limits.quantum),
        np.ascontiguousarray(blocks).reshape(*blocks.shape[:2], -1).astype(real),
        task.targets.astype(real), senses.astype(real), (senses * np.arctanh(task.targets) + limits.near).astype(real),
        task.times.astype(real), real(limits.near), real(limits.close), real(limits.basis), real(limits.tiny),
        pull_back, min(last, most) if give_up else -1, most,
    )  # fmt: skip
    kernel = lockstep_kernel(single)

    def train(chips: FloatArray, out: EnsembleResult) -> None:
        lanes = min(LANES, -(-len(chips) // 16) * 16)
        kernel(chips, *settings, lanes, out.epochs, out.converged, out.saturated, out.pulses, out.levels)
        if confirm > 1:  # readings repeat: a chip that meets every target meets them again and again
            out.epochs[out.converged] += confirm - 1
            out.converged[:] &= out.epochs <= epochs
            np.minimum(out.epochs, epochs, out=out.epochs)

    return train


def fill_to_blocks(values: FloatArray, blocks: tuple[int, int]) -> FloatArray:
    """Fill up both sizes with zeros to whole blocks."""
    sizes = [-(-size // block) * block for size, block in zip(values.shape, blocks, strict=True)]
    out = np.zeros(sizes)
    out[: values.shape[0], : values.shape[1]] = values
    return out
