"""Two ways to the potentials of one crossbar: compiled kernels, or dense matrices while those are not ready."""

import functools
from typing import TypeAlias

import numpy as np

from crossbar_hil.arrays import FloatArray
from crossbar_hil.errors import BackendError

from .bounds import TOLERANCE
from .compiled import run_kernel, work_memory
from .dense import dense_potentials
from .network import Network

SMALL = 64
"""So many cells are solved in numpy rather than that anybody waits for the compiler."""
PATIENCE = 2000
"""After so many small solutions in one process the kernels are worth their compilation."""

_small_solutions = [0]
_ready = [False]


def kernels_ready() -> bool:
    """Whether the kernels are compiled, or loaded, in this process."""
    return _ready[0]


def compile_kernels() -> None:
    """Compile the kernels now, or load them from disk; takes seconds the first time on a machine."""
    net = Network(np.ones((2, 2)), np.ones(2), np.ones(2), np.ones(2, np.int64), np.ones(2, np.int64))
    CompiledEngine(net).currents(np.ones((1, 2)), TOLERANCE)


def uses_kernels(net: Network) -> bool:
    """Whether a network is worth the kernels: numpy solves a small one while nothing is compiled."""
    rows, columns = net.shape
    if rows * columns <= SMALL and not kernels_ready():
        _small_solutions[0] += 1
        return _small_solutions[0] > PATIENCE
    return True


class DenseEngine:
    """A dense solution of the wires each time."""

    def __init__(self, net: Network) -> None:
        self.net = net

    def solve(
        self,
        cells: FloatArray,
        drive: FloatArray,
        emf: FloatArray | None,
        tolerance: float,  # noqa: ARG002 - always exact
    ) -> tuple[FloatArray, FloatArray]:
        """Return potentials (R, C) of word-line and bit-line nodes, in volts, for cells (R, C) in siemens."""
        words, bits = dense_potentials(self.net, cells, drive[None], emf)
        return words[0], bits[0]


class CompiledEngine:
    """The kernels for the wires, and the cells of `currents`, with the memory that holds the last solution."""

    def __init__(self, net: Network) -> None:
        self.net = net
        self._memory: FloatArray | None = None
        self.iterations = 0
        """Iterations of the last linear solution."""

    @functools.cached_property
    def points(self) -> FloatArray:
        """Memory (2, 5, R, C) for the cells at two operating points: the system hands out fresh memory slowly."""
        return np.empty((2, 5, *self.net.shape))

    def solve(
        self, cells: FloatArray, drive: FloatArray, emf: FloatArray | None, tolerance: float
    ) -> tuple[FloatArray, FloatArray]:
        """Return potentials (R, C) of word-line and bit-line nodes, in volts, starting from the last solution.

        Raises
        ------
        BackendError
            If the iteration does not settle; the next solution starts afresh.
        """
        warm = self._memory is not None
        memory = work_memory(self.net.shape, whole=True) if self._memory is None else self._memory
        words, bits = np.empty((1, *self.net.shape)), np.empty((1, *self.net.shape))
        outcome, self.iterations, _ = run_kernel(
            self.net.lines, cells, drive[None], memory, emf=emf, warm=warm, tolerance=tolerance, nodes=(words, bits)
        )
        self._memory = None if outcome else memory
        self._check(outcome, tolerance)
        return words[0], bits[0]

    def currents(self, drives: FloatArray, tolerance: float) -> FloatArray:
        """Return currents (P, C) for drives (P, R), each from scratch, in amperes.

        Raises
        ------
        BackendError
            If the iteration does not settle.
        """
        net = self.net
        memory = work_memory(net.shape, whole=net.strict, shared=True)
        outcome, iterations, currents = run_kernel(net.lines, net.conductances, drives, memory, tolerance=tolerance)
        if outcome and not iterations:  # a wire so near to negligible that the kernel takes it for ideal
            memory = work_memory(net.shape, whole=True)
            outcome, iterations, currents = run_kernel(net.lines, net.conductances, drives, memory, tolerance=tolerance)
        self.iterations = iterations
        self._check(outcome, tolerance)
        return currents

    def _check(self, outcome: int, tolerance: float) -> None:
        _ready[0] = True
        if outcome:
            rows, columns = self.net.shape
            raise BackendError(
                f"the potentials of a crossbar of {rows} by {columns} cells did not settle "
                f"to {tolerance:g} in {self.iterations} iterations"
            )


Engine: TypeAlias = DenseEngine | CompiledEngine
"""Finds the potentials of a network whose cells may change from one solution to the next."""


def engine_for(net: Network) -> Engine:
    """Return the dense engine for a small network while nothing is compiled, else the compiled one."""
    return CompiledEngine(net) if uses_kernels(net) else DenseEngine(net)
