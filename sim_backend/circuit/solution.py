"""Everything about a solved crossbar: potentials of all nodes and currents of all branches."""

from dataclasses import dataclass

import numpy as np

from crossbar_hil.arrays import FloatArray

from .network import Network


@dataclass(frozen=True, eq=False, slots=True)
class CrossbarSolution:
    """Potentials and currents for P vectors of drive voltages.

    Attributes
    ----------
    currents : ndarray of float, shape (P, C)
        Current out of each bit line into 0 V, in amperes.
    word_potentials, bit_potentials : ndarray of float, shape (P, R, C)
        Potential of each cell's node on its word line and on its bit line, in volts.
    cell_currents : ndarray of float, shape (P, R, C)
        From word line to bit line, in amperes.
    word_currents : ndarray of float, shape (P, R, C + 1)
        Through the segments of each word line, to the right, in amperes; the first and the last lead to its ends.
    bit_currents : ndarray of float, shape (P, R + 1, C)
        Through the segments of each bit line, downwards, in amperes; the first and the last lead to its ends.

    Notes
    -----
    Two joined ends of a line without resistance could share its current in any way; the first one named by
    `Topology`, left or bottom, is taken to carry all of it.
    """

    currents: FloatArray
    word_potentials: FloatArray
    bit_potentials: FloatArray
    cell_currents: FloatArray
    word_currents: FloatArray
    bit_currents: FloatArray


def output_currents(net: Network, bits: FloatArray, cell_currents: FloatArray) -> FloatArray:
    """Return the currents (..., C) into 0 V, given potentials and cell currents (..., R, C)."""
    if net.plain:
        return bits[..., -1, :] / net.column_ohm
    wired = net.column_ohm > 0
    ohm = np.where(wired, net.column_ohm, 1.0)
    ends = bits[..., -1, :] / ohm + np.where(net.column_ends > 1, bits[..., 0, :] / ohm, 0.0)
    return np.where(net.column_ends == 0, 0.0, np.where(wired, ends, cell_currents.sum(axis=-2)))


def complete_solution(
    net: Network, drives: FloatArray, words: FloatArray, bits: FloatArray, cell_currents: FloatArray
) -> CrossbarSolution:
    """Complete potentials (P, R, C) to a solution, in the caller's order of lines."""
    currents = output_currents(net, bits, cell_currents)
    # What enters at the far end, then cell by cell: a difference of potentials would lose digits.
    row_ohm, column_ohm = net.row_ohm, net.column_ohm
    far = (words[:, :, -1] - drives) / np.where(row_ohm > 0, row_ohm, 1.0)
    far = np.where((net.row_ends > 1) & (row_ohm > 0), far, 0.0)
    along = np.concatenate([cell_currents, far[:, :, None]], axis=2)
    word_currents = np.cumsum(along[:, :, ::-1], axis=2)[:, :, ::-1]
    top = -bits[:, 0, :] / np.where(column_ohm > 0, column_ohm, 1.0)
    top = np.where((net.column_ends > 1) & (column_ohm > 0), top, 0.0)
    bit_currents = np.cumsum(np.concatenate([top[:, None, :], cell_currents], axis=1), axis=1)
    word_currents[:, net.row_ends == 0, 0] = 0.0
    bit_currents[:, -1, net.column_ends == 0] = 0.0
    if net.upside_down:
        bit_currents = -bit_currents[:, ::-1]
        word_currents = word_currents[:, ::-1]
    if net.mirrored:
        word_currents = -word_currents[:, :, ::-1]
        bit_currents = bit_currents[:, :, ::-1]
        currents = currents[:, ::-1]
    return CrossbarSolution(
        np.ascontiguousarray(currents),
        net.turn(words),
        net.turn(bits),
        net.turn(cell_currents),
        np.ascontiguousarray(word_currents),
        np.ascontiguousarray(bit_currents),
    )
