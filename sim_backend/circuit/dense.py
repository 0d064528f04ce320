"""Small crossbars by dense nodal analysis in numpy, for as long as the kernels are not compiled."""

import numpy as np

from crossbar_hil.arrays import BoolArray, FloatArray, IntArray

from .network import Network


def dense_potentials(
    net: Network, cells: FloatArray, drives: FloatArray, emf: FloatArray | None = None
) -> tuple[FloatArray, FloatArray]:
    """Return the potentials (P, R, C) of the word-line nodes and of the bit-line nodes, in volts.

    Parameters
    ----------
    cells : ndarray of float, shape (R, C)
        Conductances, in siemens.
    drives : ndarray of float, shape (P, R)
        In volts.
    emf : ndarray of float, shape (R, C), optional
        Source in series with each cell, in volts.

    Notes
    -----
    Node 0 is ground, nodes 1 to R the sources. All cells of an ideal line share one node. Takes memory (2 R C)^2.
    """
    rows, columns = net.shape
    words, after = _number_nodes(net.row_ohm, net.row_ends, columns, np.arange(1, rows + 1), 1 + rows)
    bits, total = _number_nodes(net.column_ohm, net.column_ends, rows, np.zeros(columns, dtype=np.int64), after)
    matrix = np.zeros((total, total))

    def join(one: IntArray, other: IntArray, siemens: FloatArray) -> None:
        np.add.at(matrix, (one, one), siemens)
        np.add.at(matrix, (other, other), siemens)
        np.add.at(matrix, (one, other), -siemens)
        np.add.at(matrix, (other, one), -siemens)

    for ohm, ends, nodes, outside in (
        (net.row_ohm, net.row_ends, words, np.arange(1, rows + 1)),
        (net.column_ohm, net.column_ends, bits[:, ::-1], np.zeros(columns, dtype=np.int64)),
    ):
        wired = ohm > 0
        g = 1 / ohm[wired]
        for k in range(nodes.shape[1] - 1):
            join(nodes[wired, k], nodes[wired, k + 1], g)
        for which, end in ((ends > 0, 0), (ends > 1, -1)):
            chosen = wired & which
            join(nodes[chosen, end], outside[chosen], 1 / ohm[chosen])
    join(words.ravel(), bits.T.ravel(), cells.ravel())
    injected = np.zeros(total)
    if emf is not None:
        np.add.at(injected, words.ravel(), (cells * emf).ravel())
        np.add.at(injected, bits.T.ravel(), -(cells * emf).ravel())
    unknown = np.arange(1 + rows, total)
    known = np.vstack([np.zeros(len(drives)), drives.T])
    right = injected[unknown, None] - matrix[unknown, : 1 + rows] @ known
    inner = matrix[np.ix_(unknown, unknown)]
    held = np.ones(len(unknown), dtype=bool)
    if (net.row_ends == 0).any() or (net.column_ends == 0).any():
        held = _nodes_reached(matrix, rows)[unknown]  # an island has no definite potential: it is left at 0 V
    solved = np.zeros(right.shape)
    solved[held] = np.linalg.solve(inner[np.ix_(held, held)], right[held])
    potentials = np.vstack([known, solved]).T
    return potentials[:, words], np.ascontiguousarray(potentials[:, bits].transpose(0, 2, 1))


def _number_nodes(ohm: FloatArray, ends: IntArray, cells: int, outside: IntArray, first: int) -> tuple[IntArray, int]:
    """Return a number for each node (lines, cells), from `first` on, and the next number.

    An ideal line is one node; if it is joined to something outside, it is that.
    """
    nodes = np.empty((len(ohm), cells), dtype=np.int64)
    for line in range(len(ohm)):
        if ohm[line] > 0:
            nodes[line] = np.arange(first, first + cells)
            first += cells
        elif ends[line]:
            nodes[line] = outside[line]
        else:
            nodes[line] = first
            first += 1
    return nodes, first


def _nodes_reached(matrix: FloatArray, rows: int) -> BoolArray:
    """Nodes joined to ground or to a source."""
    reached = np.zeros(len(matrix), dtype=bool)
    reached[: 1 + rows] = True
    while True:
        more = reached | (matrix[:, reached] != 0).any(axis=1)
        if (more == reached).all():
            return reached
        reached = more
