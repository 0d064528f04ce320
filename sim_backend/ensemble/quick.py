"""The compiled kernel of a training with all that is the same for every chip."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from crossbar_hil.arrays import FloatArray

from .result import EnsembleResult
from .sizes import LANES, PATTERN_BLOCK, ROW_BLOCK
from .task import Task, margins

Quick: TypeAlias = Callable[[FloatArray, EnsembleResult], None]
"""Trains chips of shifts (M, R, C); those that stay undecided have epoch number 0."""


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
) -> Quick | None:
    """Return the kernel of one precision; None if its margins would not hold."""
    span = float(np.abs(rises).max())
    limits = margins(task, single=single, gain=gain, beta=beta, span=span, largest_shift=largest_shift)
    if not limits.safe:
        return None
    from .kernels import lockstep_kernel  # noqa: PLC0415 - numba takes long to import

    real, grid = (np.float32, np.int32) if single else (np.float64, np.float64)
    rows = task.bits.shape[1]
    last = len(rises) - 1
    steps = np.zeros(max(epochs, last) + 1)
    steps[:last] = np.diff(np.rint(rises * (gain / limits.quantum)))
    voltages = _fill_to_blocks(task.voltages, (1, ROW_BLOCK))
    pulls = _fill_to_blocks(task.voltages * task.times[:, None], (PATTERN_BLOCK, ROW_BLOCK))
    pulls[:, rows:] = pulls[:, :1]
    blocks = pulls.reshape(-1, PATTERN_BLOCK, pulls.shape[1] // ROW_BLOCK, ROW_BLOCK).swapaxes(1, 2)
    senses = 2.0 * task.labels - 1.0
    settings = (
        gain / limits.quantum, np.concatenate([steps, -steps, [0.0]]).astype(grid), last, epochs,
        voltages.astype(grid), real(limits.quantum),
        np.ascontiguousarray(blocks).reshape(*blocks.shape[:2], -1).astype(real),
        task.targets.astype(real), senses.astype(real), (senses * np.arctanh(task.targets) + limits.near).astype(real),
        task.times.astype(real), real(limits.near), real(limits.close), real(limits.basis), real(limits.tiny),
        pull_back,
    )  # fmt: skip
    kernel = lockstep_kernel(single)

    def train(chips: FloatArray, out: EnsembleResult) -> None:
        lanes = min(LANES, -(-len(chips) // 8) * 8)
        kernel(chips, *settings, lanes, out.epochs, out.converged, out.saturated, out.pulses, out.levels)

    return train


def _fill_to_blocks(values: FloatArray, blocks: tuple[int, int]) -> FloatArray:
    """Fill up both sizes with zeros to whole blocks."""
    sizes = [-(-size // block) * block for size, block in zip(values.shape, blocks, strict=True)]
    out = np.zeros(sizes)
    out[: values.shape[0], : values.shape[1]] = values
    return out
