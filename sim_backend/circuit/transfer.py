"""The transfer matrix of a crossbar: currents are linear in the drive voltages as long as the cells are ohmic."""

import numpy as np

from crossbar_hil.arrays import FloatArray

from .bounds import TOLERANCE
from .dense import dense_potentials
from .engine import CompiledEngine, uses_kernels
from .network import Network
from .solution import output_currents


def transfer(net: Network) -> FloatArray:
    """Return T (R, C) in siemens, with which currents are drives @ T, by as few solutions as there are rows or columns.

    A circuit of resistors is reciprocal: 1 V at the end of bit line j, all else at 0 V, draws from word line i the
    current T[i, j]. So the solutions may be those of the circuit turned round.
    """
    rows, columns = net.shape
    if net.ideal:
        return net.conductances
    if columns < rows:
        return np.ascontiguousarray(_solve_forward(net.transposed())[::-1, ::-1].T)
    return _solve_forward(net)


def ohmic_currents(net: Network, drives: FloatArray) -> FloatArray:
    """Return currents (P, C) for drives (P, R) in the cheapest way for so many vectors of ohmic cells."""
    if net.ideal:
        return drives.dot(net.conductances)
    if len(drives) > min(net.shape):
        return drives @ transfer(net)
    return _solve(net, drives)


def _solve_forward(net: Network) -> FloatArray:
    return _solve(net, np.diag((net.row_ends > 0).astype(np.float64)))


def _solve(net: Network, drives: FloatArray) -> FloatArray:
    if uses_kernels(net):
        return CompiledEngine(net).currents(drives, TOLERANCE)
    words, bits = dense_potentials(net, net.conductances, drives)
    return output_currents(net, bits, net.conductances * (words - bits))
