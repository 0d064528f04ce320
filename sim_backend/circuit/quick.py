"""The short way through the commonest case: arrays of doubles, one resistance for all wires, compiled kernels."""

import functools
import math
from typing import TypeGuard

import numpy as np
from numpy.typing import ArrayLike

from crossbar_hil.arrays import FloatArray

from .compiled import run_kernel, work_memory
from .engine import kernels_ready
from .network import Lines, WireOhm

_NUMBERS = (float, int)


def quick_currents(conductances: ArrayLike, voltages: ArrayLike, wire_ohm: WireOhm) -> FloatArray | None:
    """Return the currents (P, C) of a crossbar of the standard topology, None if this is not the case for this way.

    Arguments as of `solve_crossbar`. The kernel checks the numbers; whatever it declines is left to the long way,
    which finds the words for what is wrong.
    """
    if not (kernels_ready() and is_plain(conductances) and is_plain(voltages) and isinstance(wire_ohm, _NUMBERS)):
        return None
    shape, many = conductances.shape, voltages.shape[0]
    if not (0.0 < wire_ohm < math.inf and 0 < many <= min(shape) and voltages.shape[1] == shape[0]):
        return None
    memory = work_memory(shape, whole=False, shared=True)
    outcome, _, currents = run_kernel(_lines(*shape, float(wire_ohm)), conductances, voltages, memory)
    return None if outcome else currents


def is_plain(values: object) -> TypeGuard[FloatArray]:
    """Whether something is a matrix of doubles that needs no conversion."""
    return type(values) is np.ndarray and values.dtype == np.float64 and values.ndim == 2 and values.flags.carray


@functools.lru_cache(maxsize=64)
def _lines(rows: int, columns: int, ohm: float) -> Lines:
    """Resistances and ends of the lines; nobody writes to them."""
    ends = np.ones(max(rows, columns), dtype=np.int64)
    return np.full(rows, ohm), np.full(columns, ohm), ends[:rows], ends[:columns]
