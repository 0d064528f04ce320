"""Currents: the most that each source may have to deliver, for a chip whose cells all conduct the same."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np

from crossbar_hil.arrays import FloatArray

from ..schemes.read_schemes import ReadScheme
from ..schemes.wiring import Assignment
from ..schemes.write_schemes import WriteScheme

CellCurrent: TypeAlias = Callable[[FloatArray, FloatArray], FloatArray]
"""From conductances in siemens and voltages in volts to the currents of the cells, in amperes."""


def ohmic(conductances: FloatArray, voltages: FloatArray) -> FloatArray:
    """Ohm's law."""
    return conductances * voltages


def largest_read_currents(
    scheme: ReadScheme,
    shape: tuple[int, int],
    siemens: float,
    voltage_v: float,
    cell_current: CellCurrent = ohmic,
) -> dict[str, float]:
    """Return the largest current of each source in a read, in amperes, by its port: with every row active.

    Every cell of the (R, C) chip has the same conductance.

    Examples
    --------
    >>> from crossbar_hil.drivers.schemes.read_schemes import VirtualGround
    >>> {port: f"{ampere:g}" for port, ampere in largest_read_currents(VirtualGround(()), (2, 3), 1e-6, 0.1).items()}
    {'drive': '6e-07', 'meter': '2e-07'}
    """
    state = scheme.assignment(np.ones(shape[0], dtype=bool), scheme.groups(shape[1])[0], shape)
    return _source_currents(state, scheme.port_volts(voltage_v), scheme.sources, shape, siemens, cell_current)


def largest_pulse_currents(
    scheme: WriteScheme,
    shape: tuple[int, int],
    siemens: float,
    amplitude_v: float,
    cell_current: CellCurrent = ohmic,
) -> dict[str, float]:
    """Return the largest current of each source in a pulse, in amperes, by its port; without that of a divider."""
    state = scheme.assignment((0, 0), shape)
    return _source_currents(state, scheme.port_volts(amplitude_v), scheme.sources, shape, siemens, cell_current)


def _source_currents(
    state: Assignment,
    port_volts: Mapping[str, float],
    sources: Sequence[str],
    shape: tuple[int, int],
    siemens: float,
    cell_current: CellCurrent,
) -> dict[str, float]:
    """Sum what flows through the cells of the lines of each source."""
    volts = np.array([port_volts[port] for port in state])
    currents = np.abs(cell_current(np.array(siemens), volts[: shape[0], None] - volts[shape[0] :]))
    flows = np.concatenate([currents.sum(axis=1), currents.sum(axis=0)])
    return {source: float(flows[[port == source for port in state]].sum()) for source in sources}
