"""Currents: the most that each source may have to deliver, for a chip whose cells all conduct the same."""

from collections.abc import Mapping, Sequence

import numpy as np

from ..schemes.read_schemes import ReadScheme
from ..schemes.wiring import Assignment
from ..schemes.write_schemes import WriteScheme


def largest_read_currents(
    scheme: ReadScheme, shape: tuple[int, int], siemens: float, voltage_v: float
) -> dict[str, float]:
    """Return the largest current of each source in a read, in amperes, by its port: with every row active.

    Parameters
    ----------
    scheme : ReadScheme
        How columns are read.
    shape : tuple of int
        (R, C) of the chip.
    siemens : float
        Conductance of every cell, in siemens.
    voltage_v : float
        Read voltage, in volts.

    Examples
    --------
    >>> from crossbar_hil.drivers.schemes.read_schemes import VirtualGround
    >>> {port: f"{ampere:g}" for port, ampere in largest_read_currents(VirtualGround(()), (2, 3), 1e-6, 0.1).items()}
    {'drive': '6e-07', 'meter': '2e-07'}
    """
    state = scheme.assignment(np.ones(shape[0], dtype=bool), 0, shape)
    return _source_currents(state, scheme.port_volts(voltage_v), scheme.sources, shape, siemens)


def largest_pulse_currents(
    scheme: WriteScheme, shape: tuple[int, int], siemens: float, amplitude_v: float
) -> dict[str, float]:
    """Return the largest current of each source in a pulse, in amperes, by its port; without that of a divider."""
    state = scheme.assignment((0, 0), shape)
    return _source_currents(state, scheme.port_volts(amplitude_v), scheme.sources, shape, siemens)


def _source_currents(
    state: Assignment,
    port_volts: Mapping[str, float],
    sources: Sequence[str],
    shape: tuple[int, int],
    siemens: float,
) -> dict[str, float]:
    """Sum what flows through the cells of the lines of each source."""
    volts = np.array([port_volts[port] for port in state])
    across = np.abs(volts[: shape[0], None] - volts[shape[0] :])
    flows = np.concatenate([across.sum(axis=1), across.sum(axis=0)])
    return {source: float(siemens * flows[[port == source for port in state]].sum()) for source in sources}
