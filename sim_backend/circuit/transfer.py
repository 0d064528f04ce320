"""The transfer matrix of a crossbar: currents are linear in the drive voltages as long as the cells are ohmic."""

import numpy as np

from crossbar_hil.arrays import FloatArray

from .dense import dense_potentials
from .engine import TOLERANCE, CompiledEngine, DenseEngine, engine_for
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
        return np.ascontiguousarray(_forward(net.transposed())[::-1, ::-1].T)
    return _forward(net)


def ohmic_currents(net: Network, drives: FloatArray) -> FloatArray:
    """Return currents (P, C) for drives (P, R) in the cheapest way for so many vectors of ohmic cells."""
    if net.ideal:
        return drives.dot(net.conductances)
    if len(drives) > min(net.shape):
        return drives @ transfer(net)
    return _solved(net, drives)


def _forward(net: Network) -> FloatArray:
    return _solved(net, np.diag((net.row_ends > 0).astype(np.float64)))


def _solved(net: Network, drives: FloatArray) -> FloatArray:
    engine = engine_for(net)
    if isinstance(engine, DenseEngine):
        words, bits = dense_potentials(net, net.conductances, drives)
        return output_currents(net, bits, net.conductances * (words - bits))
    if isinstance(engine, CompiledEngine) and not net.strict:
        return np.array([engine.last_nodes(each, TOLERANCE) for each in drives]) * _siemens(net)
    found = np.empty((len(drives), net.shape[1]))
    for each, drive in enumerate(drives):
        words, bits = engine.solve(drive, None, TOLERANCE)
        found[each] = output_currents(net, bits, net.conductances * (words - bits))
    return found


def _siemens(net: Network) -> FloatArray:
    """Conductance of the segment at the bottom of each bit line; 0 where it floats, so that no current is there."""
    if net.plain:
        return 1.0 / net.column_ohm
    joined = (net.column_ends > 0) & (net.column_ohm > 0)
    return np.where(joined, 1.0 / np.where(joined, net.column_ohm, 1.0), 0.0)
