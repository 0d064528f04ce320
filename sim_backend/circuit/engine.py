"""Two ways to the potentials of one crossbar: compiled kernels, or dense matrices while those are not ready."""

from typing import Protocol

import numpy as np

from crossbar_hil.arrays import FloatArray
from crossbar_hil.errors import BackendError

from .bounds import TOLERANCE
from .compiled import Work, run_kernel
from .dense import dense_potentials
from .network import Network

SMALL = 64
"""So many cells are solved in numpy rather than that anybody waits for the compiler."""
PATIENCE = 2000
"""After so many small solutions in one process the kernels are worth their compilation."""

_small_solutions = [0]
_ready = [False]


class Engine(Protocol):
    """Potentials of a network whose cells may be changed."""

    net: Network

    def set_cells(self, cells: FloatArray) -> None:
        """Take conductances (R, C) in siemens."""
        ...

    def solve(self, drive: FloatArray, emf: FloatArray | None, tolerance: float) -> tuple[FloatArray, FloatArray]:
        """Return potentials (R, C) of word-line and bit-line nodes, in volts, starting from the last solution."""
        ...


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


def engine_for(net: Network) -> Engine:
    """Return the dense engine for a small network while nothing is compiled, else the compiled one."""
    return CompiledEngine(net) if uses_kernels(net) else DenseEngine(net)


class DenseEngine:
    """A dense solution each time.

    Parameters
    ----------
    net : Network
    """

    def __init__(self, net: Network) -> None:
        self.net = net
        self._cells = net.conductances

    def set_cells(self, cells: FloatArray) -> None:
        """Take conductances (R, C) in siemens."""
        self._cells = cells

    def solve(
        self,
        drive: FloatArray,
        emf: FloatArray | None,
        tolerance: float,  # noqa: ARG002 - always exact
    ) -> tuple[FloatArray, FloatArray]:
        """Return potentials (R, C) of word-line and bit-line nodes, in volts."""
        words, bits = dense_potentials(self.net, self._cells, drive[None], emf)
        return words[0], bits[0]


class CompiledEngine:
    """The kernels, with the memory that holds the last solution.

    Parameters
    ----------
    net : Network
    """

    def __init__(self, net: Network) -> None:
        self.net = net
        self._cells = net.conductances
        self._work: Work | None = None
        self.iterations = 0
        """Iterations of the last linear solution."""

    def set_cells(self, cells: FloatArray) -> None:
        """Take conductances (R, C) in siemens."""
        self._cells = cells

    def solve(self, drive: FloatArray, emf: FloatArray | None, tolerance: float) -> tuple[FloatArray, FloatArray]:
        """Return potentials (R, C) of word-line and bit-line nodes, in volts, starting from the last solution.

        Raises
        ------
        BackendError
            If the iteration does not settle; the next solution starts afresh.
        """
        warm = self._work is not None
        if self._work is None:
            self._work = Work(self.net.shape, whole=True)
        words, bits = np.empty((1, *self.net.shape)), np.empty((1, *self.net.shape))
        found = run_kernel(
            self.net, self._cells, drive[None], self._work, emf=emf, warm=warm, tolerance=tolerance, nodes=(words, bits)
        )
        self._check_settled(found.outcome, found.iterations, tolerance)
        return words[0], bits[0]

    def currents(self, drives: FloatArray, tolerance: float) -> FloatArray:
        """Return currents (P, C) for drives (P, R), each from scratch, in amperes.

        Raises
        ------
        BackendError
            If the iteration does not settle.
        """
        work = Work(self.net.shape, whole=self.net.strict, shared=True)
        found = run_kernel(self.net, self._cells, drives, work, tolerance=tolerance)
        if found.outcome and not found.iterations:  # a wire so near to negligible that the kernel takes it for ideal
            found = run_kernel(self.net, self._cells, drives, Work(self.net.shape, whole=True), tolerance=tolerance)
        self._check_settled(found.outcome, found.iterations, tolerance)
        return found.currents

    def _check_settled(self, outcome: int, iterations: int, tolerance: float) -> None:
        _ready[0] = True
        self.iterations = iterations
        if outcome:
            self._work = None
            raise unsettled_linear(self.net, iterations, tolerance)


def unsettled_linear(net: Network, iterations: int, tolerance: float) -> BackendError:
    """Return the error of a linear solution that does not come to an end."""
    return BackendError(
        f"the potentials of a crossbar of {net.shape[0]} by {net.shape[1]} cells did not settle "
        f"to {tolerance:g} in {iterations} iterations"
    )
