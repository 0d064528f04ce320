"""One call of the compiled kernel, with its memory."""

import functools
import threading
from typing import Any

import numpy as np

from crossbar_hil.arrays import FloatArray

from .bounds import TOLERANCE
from .layout import BLOCK, memory_size
from .network import Lines

KEPT = 2**23
"""Most numbers (64 MiB) that a thread keeps for its next solution: the system hands out fresh memory slowly."""

_NO_CELLS, _NO_NODES = np.empty((0, 0)), (np.empty((0, 0, 0)), np.empty((0, 0, 0)))
_kept = threading.local()


def work_memory(shape: tuple[int, int], *, whole: bool, shared: bool = False) -> FloatArray:
    """Return memory of the kernel for one shape (R, C).

    Parameters
    ----------
    whole : bool
        Whether all potentials will be asked for.
    shared : bool
        Whether it may be what the last solution of this thread used.
    """
    size = memory_size(shape, whole)
    if not shared or size > KEPT:
        return aligned(size)
    kept: FloatArray = getattr(_kept, "memory", _NO_CELLS)
    if kept.size < size:
        _kept.memory = kept = aligned(size)
    return kept


def aligned(size: int) -> FloatArray:
    """Return doubles of which every eighth, from the first on, begins a line of the processor's cache."""
    memory = np.empty(size + BLOCK)
    first = -(memory.ctypes.data // memory.itemsize) % BLOCK
    return memory[first : first + size]


def run_kernel(
    lines: Lines,
    cells: FloatArray,
    drives: FloatArray,
    memory: FloatArray,
    *,
    emf: FloatArray | None = None,
    warm: bool = False,
    tolerance: float = TOLERANCE,
    nodes: tuple[FloatArray, FloatArray] | None = None,
) -> tuple[int, int, FloatArray]:
    """Solve a crossbar of cells (R, C), in siemens, for drives (P, R), in volts.

    Parameters
    ----------
    lines
        `Network.lines`.
    cells, drives, memory, emf, warm, tolerance
        As of `kernels.crossbar`; memory is that of `work_memory`.
    nodes : pair of ndarray, shape (P, R, C)
        Filled with the potentials of the word-line and the bit-line nodes.

    Returns
    -------
    outcome, iterations, currents : int, int, ndarray of float of shape (P, C)
        As of `kernels.crossbar`.
    """
    currents = np.empty((len(drives), cells.shape[1]))
    words, bits = nodes or _NO_NODES
    outcome, iterations = _crossbar()(
        np.ascontiguousarray(cells), np.ascontiguousarray(drives), *lines, _NO_CELLS if emf is None else emf, warm,
        nodes is not None, tolerance, memory, words, bits, currents,
    )  # fmt: skip
    return outcome, iterations, currents


@functools.cache
def _crossbar() -> Any:
    from .kernels import crossbar  # noqa: PLC0415 - numba is loaded when it is needed

    return crossbar
