"""Two ways to the potentials of one crossbar: compiled kernels, or dense matrices while those are not ready."""

from typing import Protocol

import numpy as np

from crossbar_hil.arrays import FloatArray
from crossbar_hil.errors import BackendError

from .dense import dense_potentials
from .network import Network

TOLERANCE = 1e-11
"""Relative error of a current at which the iteration stops, as far as it can tell."""
SMALL = 64
"""So many cells are solved in numpy rather than that anybody waits for the compiler."""
PATIENCE = 2000
"""After so many small solutions in one process the kernels are worth their compilation."""

_NONE = np.empty((0, 0))
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
    """Compile the linear kernels now, or load them from disk; takes seconds the first time on a machine."""
    net = Network(np.ones((2, 2)), np.ones(2), np.ones(2), np.ones(2, np.int64), np.ones(2, np.int64))
    CompiledEngine(net).solve(np.ones(2), None, TOLERANCE)


def engine_for(net: Network) -> Engine:
    """Return the dense engine for a small network while nothing is compiled, else the compiled one."""
    rows, columns = net.shape
    if rows * columns <= SMALL and not kernels_ready():
        _small_solutions[0] += 1
        if _small_solutions[0] <= PATIENCE:
            return DenseEngine(net)
    return CompiledEngine(net)


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
    """The kernels, with their memory: the factors of the last cells and the last solution.

    Parameters
    ----------
    net : Network
    """

    def __init__(self, net: Network) -> None:
        from . import kernels  # noqa: PLC0415 - numba is loaded when it is needed

        self._kernels = kernels
        self.net = net
        rows, columns = net.shape
        self._pad = pad = -rows % 4
        high = rows + pad
        self._row_ohm = np.concatenate([np.zeros(pad), net.row_ohm]) if pad else net.row_ohm
        self._row_ends = np.concatenate([np.ones(pad, dtype=np.int64), net.row_ends]) if pad else net.row_ends
        self._drive = np.zeros(high)
        self._cells, self._bits = np.zeros((high, columns)), np.zeros((high, columns))
        self._u_rows = np.empty((high // 4, 4 * columns))
        self._e_rows, self._e_columns = np.empty(high), np.empty(columns)
        self._u_columns, self._z, self._p, self._t = np.empty((4, high, columns))
        self._most = 10_000 + 20 * (rows + columns)
        self.iterations = 0
        """Iterations of the last solution."""
        self.set_cells(net.conductances)

    def set_cells(self, cells: FloatArray) -> None:
        """Take conductances (R, C) in siemens."""
        net = self.net
        self._cells[self._pad :] = cells
        self._kernels.factor(
            self._cells, self._pad, self._row_ohm, net.column_ohm, self._row_ends, net.column_ends,
            self._u_rows, self._u_columns, self._e_rows, self._e_columns,
        )  # fmt: skip

    def forget(self) -> None:
        """Start the next solution from 0 V everywhere."""
        self._bits[:] = 0.0

    def _iterate(self, drive: FloatArray, emf: FloatArray, strict: bool, whole: bool, tolerance: float) -> None:
        net = self.net
        self._drive[self._pad :] = drive
        done = self._kernels.iterate(
            self._cells, self._pad, self._row_ohm, net.column_ohm, self._row_ends, net.column_ends,
            self._u_rows, self._u_columns, self._e_rows, self._e_columns,
            self._drive, emf, self._bits, self._z, self._p, self._t, strict, whole, tolerance, self._most,
        )  # fmt: skip
        _ready[0] = True
        self.iterations = abs(done)
        if done < 0:
            self.forget()
            raise BackendError(
                f"the potentials of a crossbar of {net.shape[0]} by {net.shape[1]} cells did not settle "
                f"to {tolerance:g} in {-done} iterations"
            )

    def solve(self, drive: FloatArray, emf: FloatArray | None, tolerance: float) -> tuple[FloatArray, FloatArray]:
        """Return potentials (R, C) of word-line and bit-line nodes, in volts, starting from the last solution.

        Raises
        ------
        BackendError
            If the iteration does not settle; the next solution starts afresh.
        """
        if emf is None:
            padded = _NONE
        elif self._pad:
            padded = np.concatenate([np.zeros((self._pad, self.net.shape[1])), emf])
        else:
            padded = emf
        self._iterate(drive, padded, self.net.strict, True, tolerance)
        words = np.empty_like(self._bits)
        self._kernels.word_potentials(
            self._cells, self._row_ohm, self._row_ends, self._u_rows, self._e_rows,
            self._drive, padded, self._bits, words,
        )  # fmt: skip
        return words[self._pad :], self._bits[self._pad :].copy()

    def last_nodes(self, drive: FloatArray, tolerance: float) -> FloatArray:
        """Return potentials (C,) of the last nodes of the bit lines, in volts, of cells without emf, from scratch.

        Raises
        ------
        BackendError
            If the iteration does not settle.
        """
        self.forget()
        self._iterate(drive, _NONE, False, False, tolerance)
        return self._bits[-1].copy()
