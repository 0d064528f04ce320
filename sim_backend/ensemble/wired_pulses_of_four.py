"""Compiled: what every cell sees of a half-select pulse, written out for four equal bit lines; as `wired_pulses`."""

from typing import Any

import numba

from .sizes import WIRED_LANES
from .wired_lanes import FAST
from .wired_of_four import F, add_row, pass_on

_L = WIRED_LANES
_Q, _KEPT = 10, 20
"""Places in what is kept of a row: the ten numbers of F come first, then the currents of the source."""


@numba.njit(**FAST)
def _go_up(part: Any, cells: Any, row: float, column: float, share: float, drive: float, ends: Any, volts: Any) -> None:
    """From the potentials below a row to those at it, and to the voltages across its cells."""
    for n in range(_L):
        b0, b1, b2, b3 = ends[n], ends[_L + n], ends[2 * _L + n], ends[3 * _L + n]
        f01, f02, f03 = part[4 * _L + n], part[5 * _L + n], part[6 * _L + n]
        f12, f13, f23 = part[7 * _L + n], part[8 * _L + n], part[9 * _L + n]
        j0 = share * part[_Q * _L + n] - (part[n] * b0 + f01 * b1 + f02 * b2 + f03 * b3)
        j1 = share * part[(_Q + 1) * _L + n] - (f01 * b0 + part[_L + n] * b1 + f12 * b2 + f13 * b3)
        j2 = share * part[(_Q + 2) * _L + n] - (f02 * b0 + f12 * b1 + part[2 * _L + n] * b2 + f23 * b3)
        j3 = share * part[(_Q + 3) * _L + n] - (f03 * b0 + f13 * b1 + f23 * b2 + part[3 * _L + n] * b3)
        b0, b1, b2, b3 = b0 + column * j0, b1 + column * j1, b2 + column * j2, b3 + column * j3
        ends[n], ends[_L + n], ends[2 * _L + n], ends[3 * _L + n] = b0, b1, b2, b3
        g0, g1, g2, g3 = cells[n], cells[_L + n], cells[2 * _L + n], cells[3 * _L + n]
        u3 = 1.0 / (1.0 + row * g3)
        t3, s2 = g3 * b3, g2 + g3 * u3
        u2 = 1.0 / (1.0 + row * s2)
        t2, s1 = g2 * b2 + t3 * u3, g1 + s2 * u2
        u1 = 1.0 / (1.0 + row * s1)
        t1, s0 = g1 * b1 + t2 * u2, g0 + s1 * u1
        w0 = (drive + row * (g0 * b0 + t1 * u1)) / (1.0 + row * s0)
        w1 = (w0 + row * t1) * u1
        w2 = (w1 + row * t2) * u2
        w3 = (w2 + row * t3) * u3
        volts[n], volts[_L + n], volts[2 * _L + n], volts[3 * _L + n] = w0 - b0, w1 - b1, w2 - b2, w3 - b3


@numba.njit(**FAST)
def pulse_volts_of_four(
    cells: Any, row_ohm: Any, column_ohm: Any, driven: int, drive: float, ends: Any, work: Any, kept: Any, volts: Any
) -> None:  # fmt: skip
    """Do what `pulse_volts` does, for four equal columns, in the memory of `transfer_of_four`."""
    flat, siemens, found = work.reshape(-1), cells.reshape(-1), volts.reshape(-1)
    held, rows, size = kept.reshape(-1), len(row_ohm), 4 * _L
    for n in range(F * _L, (F + 10) * _L):
        flat[n] = 0.0
    for row in range(rows):
        part = held[row * _KEPT * _L : (row + 1) * _KEPT * _L]
        currents = part[_Q * _L : (_Q + 4) * _L]
        add_row(siemens[row * size : (row + 1) * size], row_ohm[row], column_ohm[0], flat, currents)
        if row > driven:
            before = ((row - 1) * _KEPT + _Q) * _L
            for n in range(size):
                currents[n] = held[before + n]
        pass_on(flat, currents)
        for n in range(10 * _L):
            part[n] = flat[F * _L + n]
    for row in range(rows - 1, -1, -1):
        _go_up(
            held[row * _KEPT * _L : (row + 1) * _KEPT * _L], siemens[row * size : (row + 1) * size], row_ohm[row],
            column_ohm[0], drive if row >= driven else 0.0, drive if row == driven else 0.0, ends.reshape(-1),
            found[row * size : (row + 1) * size],
        )  # fmt: skip
