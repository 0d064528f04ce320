"""Compiled kernels: vectors of drive voltages through a crossbar with wires.

The word-line potentials a and the bit-line potentials b obey, line by line,

    A_i a_i = G_i b_i + drive        (word line i)
    B_j b_j = G_j a_j                (bit line j)

with tridiagonal A_i and B_j. The word lines are eliminated exactly; what is left for b is solved by conjugate
gradients, preconditioned by the B_j (P. Concus, G. H. Golub, D. P. O'Leary, in Sparse Matrix Computations, 1976,
309), in the form that takes both inner products at once (A. T. Chronopoulos, C. W. Gear, J. Comput. Appl. Math. 25
(1989) 153). With this preconditioner the iteration needs only the correction z = B^-1 (residual), never the residual.

Every line is eliminated in terms of the conductance e that it shows towards its far end, a sum of positive numbers:
nothing cancels, and a wire of exactly zero ohm needs no case of its own (u = 1 / (1 + r e) is then 1).

Word lines are taken four at a time, so that four recurrences overlap. Arrays have their number of rows rounded up to
a multiple of four by empty rows at the top, which dangle at the bit lines and carry no current.

Letters: R rows (rounded up), C columns, r ohm of a segment, g its inverse (0 where r is 0), ends 0 for a floating
line, 1 for one end joined to source or ground, 2 for both ends.

All of it stands in one module, for numba's cache on disk looks at the file of `crossbar` only, and has one entry, for
numba would compile what two of them share twice.
"""

from typing import Any

import numba
import numpy as np

from .bounds import NEGLIGIBLE

_FAST = {"contract", "reassoc", "nsz", "arcp"}  # neither infinities nor nans are assumed away

DECLINED, UNSETTLED = 1, 2
"""Outcomes other than 0: input that is no crossbar; an iteration that does not end."""
LINEAR_SLOTS, ALL_SLOTS = 7, 9
"""Arrays (R, C) of work memory for output currents only, and for all potentials."""


def inlined(function: Any) -> Any:
    """Compile as a part of the function that calls it."""
    return numba.njit(inline="always")(function)


def separate(function: Any) -> Any:
    """Compile as a function of its own, at the first call of `crossbar`, which keeps the result on disk."""
    return numba.njit(fastmath=_FAST, error_model="numpy")(function)


# Indices without a sign spare numba the test for negative ones, which would double the time of `_solve_four`.
_0, _1, _2, _3, _4 = np.uint64(0), np.uint64(1), np.uint64(2), np.uint64(3), np.uint64(4)


@separate
def _factor(  # type: ignore[no-untyped-def]  # noqa: PLR0912 - numba compiles one function faster than many
    cells, pad, r_rows, r_columns, row_ends, column_ends, u_rows, u_columns, e_rows, e_columns
):  # fmt: skip
    """Eliminate every line.

    Parameters
    ----------
    cells : (R, C) S, the first `pad` rows zero
    r_rows, r_columns : (R,), (C,) ohm
    row_ends, column_ends : (R,), (C,) 0, 1 or 2
    u_rows : (R/4, 4 C), out
        Share of a potential that reaches the next node away from the source, four word lines interleaved.
    u_columns : (R, C), out
        The same of the bit lines, away from ground.
    e_rows, e_columns : (R,), (C,) ohm, out
        Inverse pivot of the last node of each line.
    """
    rows, columns = cells.shape
    for block in range(rows // 4):
        u = u_rows[block]
        for k in range(4):
            i = 4 * block + k
            r = r_rows[i]
            for j in range(columns):
                u[4 * j + k] = cells[i, j]
            if row_ends[i] == 2 and r > 0:
                u[4 * columns - 4 + k] += 1 / r
        i = 4 * block
        r0, r1, r2, r3 = r_rows[i], r_rows[i + 1], r_rows[i + 2], r_rows[i + 3]
        s0 = s1 = s2 = s3 = 0.0
        for j in range(columns - 1, -1, -1):
            n = 4 * j
            s0 += u[n]
            s1 += u[n + 1]
            s2 += u[n + 2]
            s3 += u[n + 3]
            v0 = 1 / (1 + r0 * s0)
            v1 = 1 / (1 + r1 * s1)
            v2 = 1 / (1 + r2 * s2)
            v3 = 1 / (1 + r3 * s3)
            if j == 0:
                _ends(u, e_rows, i, row_ends, (v0, v1, v2, v3), (s0, s1, s2, s3), (r0, r1, r2, r3))
            else:
                u[n] = v0
                u[n + 1] = v1
                u[n + 2] = v2
                u[n + 3] = v3
            s0 *= v0
            s1 *= v1
            s2 *= v2
            s3 *= v3
    seen = np.zeros(columns)
    for i in range(rows):
        if i == pad:
            for j in range(columns):
                if column_ends[j] == 2 and r_columns[j] > 0:
                    seen[j] += 1 / r_columns[j]
        line, u = cells[i], u_columns[i]
        if i == rows - 1:
            for j in range(columns):
                e_columns[j] = seen[j] + line[j]
        for j in range(columns):
            s = seen[j] + line[j]
            v = 1 / (1 + r_columns[j] * s)
            u[j] = v
            seen[j] = s * v
    for j in range(columns):
        s = e_columns[j]
        if column_ends[j] == 0:
            e_columns[j] = 1 / s if s > 0 else 0.0
        else:
            e_columns[j] = r_columns[j] * u_columns[rows - 1, j]


@inlined
def _ends(u, e_rows, i, row_ends, shares, seen, r):  # type: ignore[no-untyped-def]
    for k in range(4):
        if row_ends[i + k] == 0:
            u[k] = 0.0
            e_rows[i + k] = 1 / seen[k] if seen[k] > 0 else 0.0
        else:
            u[k] = shares[k]
            e_rows[i + k] = r[k] * shares[k]


@inlined
def _solve_four(u, q, x, block, e_rows, r_rows, drive, columns):  # type: ignore[no-untyped-def]
    """Solve four word lines: q (4 C) A injected, x (4 C) V out; return the sum of q x, in watt."""
    i = 4 * block
    v0, v1, v2, v3 = drive[i], drive[i + 1], drive[i + 2], drive[i + 3]
    r0, r1, r2, r3 = r_rows[i], r_rows[i + 1], r_rows[i + 2], r_rows[i + 3]
    y0 = y1 = y2 = y3 = 0.0
    n = _4 * np.uint64(columns - 1)
    for _ in range(columns - 1):
        y0 = (y0 + q[n]) * u[n]
        y1 = (y1 + q[n + _1]) * u[n + _1]
        y2 = (y2 + q[n + _2]) * u[n + _2]
        y3 = (y3 + q[n + _3]) * u[n + _3]
        x[n] = y0
        x[n + _1] = y1
        x[n + _2] = y2
        x[n + _3] = y3
        n -= _4
    x0 = e_rows[i] * (y0 + q[0]) + u[0] * v0
    x1 = e_rows[i + 1] * (y1 + q[1]) + u[1] * v1
    x2 = e_rows[i + 2] * (y2 + q[2]) + u[2] * v2
    x3 = e_rows[i + 3] * (y3 + q[3]) + u[3] * v3
    x[0] = x0
    x[1] = x1
    x[2] = x2
    x[3] = x3
    s0, s1, s2, s3 = x0 * q[0], x1 * q[1], x2 * q[2], x3 * q[3]
    n = _4
    for _ in range(columns - 1):
        x0 = u[n] * x0 + r0 * x[n]
        x1 = u[n + _1] * x1 + r1 * x[n + _1]
        x2 = u[n + _2] * x2 + r2 * x[n + _2]
        x3 = u[n + _3] * x3 + r3 * x[n + _3]
        x[n] = x0
        x[n + _1] = x1
        x[n + _2] = x2
        x[n + _3] = x3
        s0 += x0 * q[n]
        s1 += x1 * q[n + _1]
        s2 += x2 * q[n + _2]
        s3 += x3 * q[n + _3]
        n += _4
    return s0 + s1 + s2 + s3


@inlined
def _gather(cells, p, block, q):  # type: ignore[no-untyped-def]
    i = 4 * block
    g0, g1, g2, g3 = cells[i], cells[i + 1], cells[i + 2], cells[i + 3]
    p0, p1, p2, p3 = p[i], p[i + 1], p[i + 2], p[i + 3]
    for j in range(len(g0)):
        q[4 * j] = g0[j] * p0[j]
        q[4 * j + 1] = g1[j] * p1[j]
        q[4 * j + 2] = g2[j] * p2[j]
        q[4 * j + 3] = g3[j] * p3[j]


@inlined
def _scatter(x, block, out):  # type: ignore[no-untyped-def]
    i = 4 * block
    x0, x1, x2, x3 = out[i], out[i + 1], out[i + 2], out[i + 3]
    for j in range(len(x0)):
        x0[j] = x[4 * j]
        x1[j] = x[4 * j + 1]
        x2[j] = x[4 * j + 2]
        x3[j] = x[4 * j + 3]


@inlined
def _down(cells, u_columns, t, i, zero):  # type: ignore[no-untyped-def]
    """Go one row down in the elimination of the bit lines: t (R, C) holds word-line potentials from row i on."""
    line, g = t[i], cells[i]
    above, u = t[i - 1] if i > 0 else zero, u_columns[i - 1 if i > 0 else 0]
    for j in range(len(line)):
        line[j] = g[j] * line[j] + u[j] * above[j]


@separate
def _inject(q, block, drive, r_rows, row_ends):  # type: ignore[no-untyped-def]
    """Add what flows in at the right end of word lines that are driven there too."""
    for k in range(4):
        i = 4 * block + k
        if row_ends[i] == 2 and r_rows[i] > 0:
            q[len(q) - 4 + k] += drive[i] / r_rows[i]


@inlined
def _energy(cells, between, z, i):  # type: ignore[no-untyped-def]
    """Return the part of z B z, a sum of positive terms, that row i adds, in watt."""
    total = 0.0
    now, above, g = z[i], z[i - 1 if i > 0 else 0], cells[i]
    for j in range(len(now)):
        change = now[j] - above[j]
        total += between[j] * change * change + g[j] * now[j] * now[j]
    return total


@inlined
def _up(u_columns, e_columns, r_columns, z, d, t, alpha, beta, s):  # type: ignore[no-untyped-def]
    """Go back up the bit lines; renew d, the direction in which z changes, and z."""
    rows, columns = z.shape
    for i in range(rows - 1, -1, -1):
        now, step, here, u = z[i], d[i], t[i], u_columns[i]
        if i == rows - 1:
            for j in range(columns):
                s[j] = e_columns[j] * here[j]
        else:
            for j in range(columns):
                s[j] = u[j] * (r_columns[j] * here[j] + s[j])
        for j in range(columns):
            value = now[j] - s[j] + beta * step[j]
            step[j] = value
            now[j] -= alpha * value


@separate
def _step(b, p, z, alpha, beta, first, strict, r_columns, column_ends):  # type: ignore[no-untyped-def]
    """Go along p, from row `first` on; return the largest relative change of a current into ground.

    Currents below 1e-12 of the largest one are compared with that. If `strict`, the largest change of any potential
    counts too, relative to the largest potential.
    """
    for i in range(first, len(b)):
        here, step, now = b[i], p[i], z[i]
        for j in range(len(here)):
            value = now[j] + beta * step[j]
            step[j] = value
            here[j] += alpha * value
    last, step = b[len(b) - 1], p[len(b) - 1]
    largest = 0.0
    for j in range(len(last)):
        largest = max(largest, abs(last[j]))
    worst = 0.0
    for j in range(len(last)):
        if column_ends[j] > 0 and r_columns[j] > 0:
            change = abs(alpha * step[j])
            if change > 0.0:
                worst = max(worst, change / max(abs(last[j]), 1e-12 * largest))
    if strict:
        most, change = 0.0, 0.0
        for i in range(len(b)):
            for j in range(len(last)):
                most = max(most, abs(b[i, j]))
                change = max(change, abs(alpha * p[i, j]))
        if change > 0.0:
            worst = max(worst, change / most)
    return worst


@inlined
def _iterate(  # type: ignore[no-untyped-def]  # noqa: PLR0912, PLR0915 - numba compiles one function faster than many
    cells, pad, r_rows, r_columns, g_columns, row_ends, column_ends, u_rows, u_columns, e_rows, e_columns,
    drive, emf, a, b, z, d, p, t, q, x, s, sourced, warm, strict, whole, tolerance, most,
):  # fmt: skip
    """Solve for the bit-line potentials and, if `whole`, for the word-line potentials.

    Parameters
    ----------
    cells : (R, C) S
    pad, r_rows, r_columns, row_ends, column_ends, u_rows, u_columns, e_rows, e_columns
        As of `_factor`.
    g_columns : (3, C) S
        A segment of each bit line, its segment to ground below and the one above; 0 for none.
    drive : (R,) V
    emf : (R, C) V
        If `sourced`, source in series with each cell: its current is G (a - b - emf).
    a : (R, C) V, out
    b : (R, C) V, in and out
        First guess, 0 everywhere unless `warm`, then the solution. Unless `whole`, only its last row is brought up to
        date.
    z, d, p, t : (R, C), q, x : (4 C,), s : (C,)
        Work.
    strict : bool
        Ask for every potential, not only for the currents into ground. Needs `whole`.
    tolerance : float
        Largest relative error that is left in a current, as far as the iteration can tell.
    most : int
        Iterations allowed.

    Returns
    -------
    int
        Iterations done, negative if they were not enough.
    """
    rows, columns = cells.shape
    first = 0 if whole else rows - 1
    source, zero = drive.copy(), np.zeros(columns)
    for i in range(rows):
        guess, new, change = b[i], z[i], d[i]
        for j in range(columns):
            new[j], change[j] = guess[j], 0.0
    for i in range(first, rows):
        for j in range(columns):
            p[i, j] = 0.0
    before, alpha, beta, previous = 0.0, 1.0, 0.0, np.inf
    answer, final = 0, False
    # Round 0 finds the first correction, z = B^-1 G (a - emf) - b with the a that belongs to b. The last one only
    # finds the a that belongs to the b found.
    for done in range(most + 2):
        special = done == 0 or final
        if special and sourced:
            for i in range(rows):
                for j in range(columns):
                    z[i, j] += emf[i, j]
        energy = mixed = 0.0
        for block in range(rows // 4):
            i = 4 * block
            _gather(cells, z, block, q)
            if special:
                _inject(q, block, source, r_rows, row_ends)
            mixed += _solve_four(u_rows[block], q, x, block, e_rows, r_rows, source, columns)
            _scatter(x, block, a if final else t)
            if not final:
                for i in range(4 * block, 4 * block + 4):
                    if done:
                        energy += _energy(cells, g_columns[0], z, i)
                    elif sourced:
                        for j in range(columns):
                            t[i, j] -= emf[i, j]
                    _down(cells, u_columns, t, i, zero)
        if final:
            break
        if done:
            for j in range(columns):
                energy += g_columns[1, j] * z[rows - 1, j] ** 2 + g_columns[2, j] * z[pad, j] ** 2
            if energy > 0.0:
                ratio = energy / before if done > 1 else 0.0
                beta = ratio
                alpha = energy / (energy - mixed - beta * energy / alpha)
                if not (alpha > 0.0 and alpha < 1e300):
                    return -done
                before = energy
                change = _step(b, p, z, alpha, beta, first, strict, r_columns, column_ends)
                # What is still to come is taken for a geometric series.
                slow = np.sqrt(ratio) if done > 1 else 0.999
                if previous > 0.0:
                    slow = max(slow, change / previous)
                slow = min(slow, 0.999)
                previous = change
                final = change * slow / (1.0 - slow) < tolerance
            else:
                final = True
            if final:
                answer = done
                if not whole:
                    break
                for i in range(rows):
                    source[i] = drive[i]
                    for j in range(columns):
                        z[i, j] = b[i, j]
            elif done == most:
                return -done
        if not final:
            _up(u_columns, e_columns, r_columns, z, d, t, alpha, beta, s)
            if done == 0:
                for i in range(rows):
                    source[i] = 0.0
                    if warm:
                        for j in range(columns):
                            z[i, j] -= b[i, j]
    return answer


@separate
def _lay_out(  # type: ignore[no-untyped-def]
    conductances, pad, row_ohm, column_ohm, row_ends, cells, r_rows, r_columns, ends
):  # fmt: skip
    """Copy the crossbar below `pad` empty rows; make negligible wires ideal; return whether all numbers may be so."""
    rows, columns = cells.shape
    lowest, total = 0.0, 0.0
    load = np.zeros(columns)
    for i in range(pad):
        r_rows[i], ends[i] = 0.0, 1
        for j in range(columns):
            cells[i, j] = 0.0
    for i in range(pad, rows):
        line, given, of_row = cells[i], conductances[i - pad], 0.0
        for j in range(columns):
            line[j] = given[j]
            of_row += given[j]
            load[j] += given[j]
            lowest = min(lowest, given[j])
        total += of_row
        ohm, of_row = row_ohm[i - pad], of_row * columns
        r_rows[i] = 0.0 if of_row > 0.0 and of_row * ohm < NEGLIGIBLE else ohm
        ends[i] = row_ends[i - pad]
    for j in range(columns):
        ohm, of_column = column_ohm[j], load[j] * (rows - pad)
        r_columns[j] = 0.0 if of_column > 0.0 and of_column * ohm < NEGLIGIBLE else ohm
    return lowest >= 0.0 and total < np.inf


@numba.njit(cache=True, fastmath=_FAST, error_model="numpy")
def crossbar(  # type: ignore[no-untyped-def]  # noqa: PLR0912 - numba compiles one function faster than many
    conductances, voltages, row_ohm, column_ohm, row_ends, column_ends, emf,
    warm, whole, tolerance, memory, words, bits, currents,
):  # fmt: skip
    """Solve a crossbar for each of P vectors.

    Parameters
    ----------
    conductances : (R, C) S
        Here R is the number of rows that there are.
    voltages : (P, R) V
    row_ohm, column_ohm : (R,), (C,) ohm
    row_ends, column_ends : (R,), (C,) int64
        0, 1 or 2.
    emf : (R, C) V, or (0, 0) for none
        Source in series with each cell: its current is G (a - b - emf).
    warm : bool
        Start each vector from the last solution, which `memory` must hold.
    whole : bool
        Fill `words` and `bits`.
    tolerance : float
        Largest relative error that is left in a current, as far as the iteration can tell.
    memory : (`LINEAR_SLOTS` or `ALL_SLOTS`, R rounded up, C)
        The second with `emf`, `whole`, or bit lines that are ideal or joined at both ends.
    words, bits : (P, R, C) V, out, or (0, 0, 0)
    currents : (P, C) A, out

    Returns
    -------
    outcome, iterations : int
        0, `DECLINED` or `UNSETTLED`; iterations of the last vector.
    """
    columns = conductances.shape[1]
    rows = memory.shape[1]
    pad = rows - conductances.shape[0]
    cells, u_columns, z, d, t, b, p = memory[0], memory[1], memory[2], memory[3], memory[4], memory[5], memory[6]
    u_rows = np.empty((rows // 4, 4 * columns))
    many = len(memory) > LINEAR_SLOTS
    a, source = (memory[7], memory[8]) if many else (z, z)
    r_rows, e_rows, drive, ends = np.empty(rows), np.empty(rows), np.zeros(rows), np.empty(rows, np.int64)
    r_columns, e_columns, s = np.empty(columns), np.empty(columns), np.empty(columns)
    q, x = np.empty(4 * columns), np.empty(4 * columns)
    if not _lay_out(conductances, pad, row_ohm, column_ohm, row_ends, cells, r_rows, r_columns, ends):
        return DECLINED, 0
    g_columns = np.zeros((3, columns))
    # Bit lines that are ideal or joined at both ends are counted: for a truth value numba would compile `_step` twice.
    sourced, special = emf.size > 0, 0
    for j in range(columns):
        if r_columns[j] > 0:
            for k in range(1 + column_ends[j]):
                g_columns[k, j] = 1 / r_columns[j]
            special += column_ends[j] == 2
        else:
            special += column_ends[j] > 0
    strict = special > 0
    if (strict or whole or sourced) and not many:
        return DECLINED, 0
    if sourced and pad == 0:
        source = emf
    elif sourced:
        for i in range(rows):
            for j in range(columns):
                source[i, j] = emf[i - pad, j] if i >= pad else 0.0
    _factor(cells, pad, r_rows, r_columns, ends, column_ends, u_rows, u_columns, e_rows, e_columns)
    most, done = 10_000 + 20 * (rows + columns), 0
    for each in range(len(voltages)):
        total = 0.0
        for i in range(pad, rows):
            total += abs(voltages[each, i - pad])
            drive[i] = voltages[each, i - pad] if ends[i] > 0 else 0.0
        if not total < np.inf:
            return DECLINED, 0
        if not warm:
            for i in range(rows):
                for j in range(columns):
                    b[i, j] = 0.0
        if whole and pad == 0:
            a = words[each]
        done = _iterate(
            cells, pad, r_rows, r_columns, g_columns, ends, column_ends, u_rows, u_columns, e_rows, e_columns,
            drive, source, a, b, z, d, p, t, q, x, s, sourced, warm, strict, strict or whole, tolerance, most,
        )  # fmt: skip
        if done < 0:
            return UNSETTLED, -done
        for j in range(columns):
            value = 0.0
            if column_ends[j] > 0:
                if r_columns[j] > 0:
                    value = b[rows - 1, j] / r_columns[j]
                    if column_ends[j] == 2:
                        value += b[pad, j] / r_columns[j]
                else:
                    for i in range(pad, rows):
                        value += cells[i, j] * (a[i, j] - b[i, j] - (source[i, j] if sourced else 0.0))
            currents[each, j] = value
        if whole:
            for i in range(pad, rows):
                for j in range(columns):
                    bits[each, i - pad, j] = b[i, j]
                    if pad:
                        words[each, i - pad, j] = a[i, j]
    return 0, done
