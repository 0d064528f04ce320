"""Compiled: `compiled.wired_lanes` and `compiled.wired_pulses` written out for crossbars of four equal bit lines.

Far ends of all lines are open. Everything of a row stays in registers, which makes it several times as fast as loops
over the columns.
"""

from typing import Any

import numba

from .compiled.functions import INNER
from .compiled.wired_lanes import OHM
from .sizes import WIRED_LANES

_L = WIRED_LANES
K, F = 0, 10
"""Places in the memory: the ten numbers of two symmetric matrices."""
_Q, _KEPT = 10, 20
"""Places in what is kept of a row: the ten numbers of F come first, then the currents of the source."""


@numba.njit(**INNER)
def add_row(  # noqa: PLR0915
    cells: Any, row: float, column: float, work: Any, found: Any
) -> None:
    """Fold a word line and the segments below it, of so many ohm, into what `work` has of the rows above.

    With the far end of the word line at 1 V, v0 to v3 would be the voltages of its nodes and i0 to i3 the currents in
    its segments; l0 to l3 and y0 to y3 are the same from the near end, for 1 A into a line held at 0 V.
    """
    for n in range(_L):
        g0, g1, g2, g3 = cells[n], cells[_L + n], cells[2 * _L + n], cells[3 * _L + n]
        i3 = g3
        v2 = 1.0 + row * i3
        i2 = i3 + g2 * v2
        v1 = v2 + row * i2
        i1 = i2 + g1 * v1
        v0 = v1 + row * i1
        i0 = i1 + g0 * v0
        share = 1.0 / (v0 + row * i0)
        m0, m1, m2, m3 = g0 * v0 * share, g1 * v1 * share, g2 * v2 * share, g3 * share
        a0 = g0 * row
        y1 = 1.0 + a0
        l1 = row + row * y1
        a1 = g1 * l1
        y2 = y1 + a1
        l2 = l1 + row * y2
        a2 = g2 * l2
        y3 = y2 + a2
        found[n], found[_L + n], found[2 * _L + n], found[3 * _L + n] = m0, m1, m2, m3
        e00 = work[F * _L + n] + m0 + a0 * i1 * share
        e11 = work[(F + 1) * _L + n] + m1 * y1 + a1 * i2 * share
        e22 = work[(F + 2) * _L + n] + m2 * y2 + a2 * i3 * share
        e33 = work[(F + 3) * _L + n] + m3 * y3
        e01, e02, e03 = (
            work[(F + 4) * _L + n] - a0 * m1,
            work[(F + 5) * _L + n] - a0 * m2,
            work[(F + 6) * _L + n] - a0 * m3,
        )
        e12, e13, e23 = (
            work[(F + 7) * _L + n] - a1 * m2,
            work[(F + 8) * _L + n] - a1 * m3,
            work[(F + 9) * _L + n] - a2 * m3,
        )
        # The inverse of I + r E, two rows and columns at a time.
        p00, p01, p11 = 1.0 + column * e00, column * e01, 1.0 + column * e11
        q00, q01, q10, q11 = column * e02, column * e03, column * e12, column * e13
        det = 1.0 / (p00 * p11 - p01 * p01)
        h00, h01, h11 = p11 * det, -p01 * det, p00 * det
        w00, w01 = h00 * q00 + h01 * q10, h00 * q01 + h01 * q11
        w10, w11 = h01 * q00 + h11 * q10, h01 * q01 + h11 * q11
        s00 = 1.0 + column * e22 - (q00 * w00 + q10 * w10)
        s01 = column * e23 - (q00 * w01 + q10 * w11)
        s11 = 1.0 + column * e33 - (q01 * w01 + q11 * w11)
        det = 1.0 / (s00 * s11 - s01 * s01)
        k22, k23, k33 = s11 * det, -s01 * det, s00 * det
        k02, k03 = -(w00 * k22 + w01 * k23), -(w00 * k23 + w01 * k33)
        k12, k13 = -(w10 * k22 + w11 * k23), -(w10 * k23 + w11 * k33)
        k00, k11 = h00 - (k02 * w00 + k03 * w01), h11 - (k12 * w10 + k13 * w11)
        k01 = h01 - (k02 * w10 + k03 * w11)
        work[F * _L + n] = k00 * e00 + k01 * e01 + k02 * e02 + k03 * e03
        work[(F + 1) * _L + n] = k01 * e01 + k11 * e11 + k12 * e12 + k13 * e13
        work[(F + 2) * _L + n] = k02 * e02 + k12 * e12 + k22 * e22 + k23 * e23
        work[(F + 3) * _L + n] = k03 * e03 + k13 * e13 + k23 * e23 + k33 * e33
        work[(F + 4) * _L + n] = k00 * e01 + k01 * e11 + k02 * e12 + k03 * e13
        work[(F + 5) * _L + n] = k00 * e02 + k01 * e12 + k02 * e22 + k03 * e23
        work[(F + 6) * _L + n] = k00 * e03 + k01 * e13 + k02 * e23 + k03 * e33
        work[(F + 7) * _L + n] = k01 * e02 + k11 * e12 + k12 * e22 + k13 * e23
        work[(F + 8) * _L + n] = k01 * e03 + k11 * e13 + k12 * e23 + k13 * e33
        work[(F + 9) * _L + n] = k02 * e03 + k12 * e13 + k22 * e23 + k23 * e33
        work[K * _L + n], work[(K + 1) * _L + n], work[(K + 2) * _L + n], work[(K + 3) * _L + n] = k00, k11, k22, k33
        work[(K + 4) * _L + n], work[(K + 5) * _L + n], work[(K + 6) * _L + n] = k01, k02, k03
        work[(K + 7) * _L + n], work[(K + 8) * _L + n], work[(K + 9) * _L + n] = k12, k13, k23


@numba.njit(**INNER)
def pass_on(work: Any, found: Any) -> None:
    """Send the currents of a source through the segments below a row."""
    for n in range(_L):
        q0, q1, q2, q3 = found[n], found[_L + n], found[2 * _L + n], found[3 * _L + n]
        k01, k02, k03 = work[(K + 4) * _L + n], work[(K + 5) * _L + n], work[(K + 6) * _L + n]
        k12, k13, k23 = work[(K + 7) * _L + n], work[(K + 8) * _L + n], work[(K + 9) * _L + n]
        found[n] = work[K * _L + n] * q0 + k01 * q1 + k02 * q2 + k03 * q3
        found[_L + n] = k01 * q0 + work[(K + 1) * _L + n] * q1 + k12 * q2 + k13 * q3
        found[2 * _L + n] = k02 * q0 + k12 * q1 + work[(K + 2) * _L + n] * q2 + k23 * q3
        found[3 * _L + n] = k03 * q0 + k13 * q1 + k23 * q2 + work[(K + 3) * _L + n] * q3


@numba.njit(**INNER)
def transfer_of_four(cells: Any, word_lines: Any, bit_lines: Any, work: Any, found: Any) -> None:
    """Do what `transfer_of_any` does, for four columns of one and the same resistance; `work` (20, L)."""
    # Parts of one dimension: the compiler then sees that no two places are the same, and makes vectors.
    flat, siemens, currents = work.reshape(-1), cells.reshape(-1), found.reshape(-1)
    for n in range(F * _L, (F + 10) * _L):
        flat[n] = 0.0
    size = 4 * _L
    for row in range(len(word_lines)):
        start = row * size
        add_row(
            siemens[start : start + size], word_lines[row, OHM], bit_lines[0, OHM], flat, currents[start : start + size]
        )
        for source in range(0, start + size, size):
            pass_on(flat, currents[source : source + size])


@numba.njit(**INNER)
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


@numba.njit(**INNER)
def pulse_volts_of_four(
    cells: Any, word_lines: Any, bit_lines: Any, driven: int, drive: float, ends: Any, work: Any, kept: Any, volts: Any
) -> None:  # fmt: skip
    """Do what `pulse_volts` does, for four equal columns, in the memory of `transfer_of_four`."""
    flat, siemens, found = work.reshape(-1), cells.reshape(-1), volts.reshape(-1)
    held, rows, size = kept.reshape(-1), len(word_lines), 4 * _L
    for n in range(F * _L, (F + 10) * _L):
        flat[n] = 0.0
    for row in range(rows):
        part = held[row * _KEPT * _L : (row + 1) * _KEPT * _L]
        currents = part[_Q * _L : (_Q + 4) * _L]
        add_row(siemens[row * size : (row + 1) * size], word_lines[row, OHM], bit_lines[0, OHM], flat, currents)
        if row > driven:
            before = ((row - 1) * _KEPT + _Q) * _L
            for n in range(size):
                currents[n] = held[before + n]
        pass_on(flat, currents)
        for n in range(10 * _L):
            part[n] = flat[F * _L + n]
    for row in range(rows - 1, -1, -1):
        _go_up(
            held[row * _KEPT * _L : (row + 1) * _KEPT * _L], siemens[row * size : (row + 1) * size],
            word_lines[row, OHM], bit_lines[0, OHM], drive if row >= driven else 0.0,
            drive if row == driven else 0.0, ends.reshape(-1), found[row * size : (row + 1) * size],
        )  # fmt: skip
