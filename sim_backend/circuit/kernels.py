"""Compiled kernels: one vector of drive voltages through a crossbar with wires.

The word-line potentials a and the bit-line potentials b obey, line by line,

    A_i a_i = G_i b_i + drive        (word line i)
    B_j b_j = G_j a_j                (bit line j)

with tridiagonal A_i and B_j. The word lines are eliminated exactly; what is left for b is solved by conjugate
gradients, preconditioned by the B_j (P. Concus, G. H. Golub, D. P. O'Leary, in Sparse Matrix Computations, 1976,
309). With this preconditioner the iteration needs only the correction z = B^-1 (residual), never the residual.

Every line is eliminated in terms of the conductance e that it shows towards its far end, a sum of positive numbers:
nothing cancels, and a wire of exactly zero ohm needs no case of its own (u = 1 / (1 + r e) is then 1).

Word lines are taken four at a time, so that four recurrences overlap. Arrays have their number of rows rounded up to
a multiple of four by empty rows at the top, which dangle at the bit lines and carry no current.

Letters: R rows (rounded up), C columns, r ohm of a segment, g its inverse (0 where r is 0), ends 0 for a floating
line, 1 for one end joined to source or ground, 2 for both ends.
"""

from typing import Any

import numba
import numpy as np

_FAST = {"contract", "reassoc", "nsz", "arcp"}  # neither infinities nor nans are assumed away


def compiled(function: Any) -> Any:
    """Compile at the first call, keep the result on disk."""
    return numba.njit(cache=True, fastmath=_FAST, error_model="numpy")(function)


def part(function: Any) -> Any:
    """Compile as a part of the kernels that call it: a function of its own would be compiled twice."""
    return numba.njit(inline="always")(function)


# Indices without a sign spare numba the test for negative ones, which would double the time of `_solve_four`.
_0, _1, _2, _3, _4 = np.uint64(0), np.uint64(1), np.uint64(2), np.uint64(3), np.uint64(4)


@compiled
def factor(  # type: ignore[no-untyped-def]  # noqa: PLR0912 - numba compiles one function faster than many
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


@part
def _ends(u, e_rows, i, row_ends, shares, seen, r):  # type: ignore[no-untyped-def]
    for k in range(4):
        if row_ends[i + k] == 0:
            u[k] = 0.0
            e_rows[i + k] = 1 / seen[k] if seen[k] > 0 else 0.0
        else:
            u[k] = shares[k]
            e_rows[i + k] = r[k] * shares[k]


@part
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


@part
def _gather(cells, p, block, q):  # type: ignore[no-untyped-def]
    i = 4 * block
    g0, g1, g2, g3 = cells[i], cells[i + 1], cells[i + 2], cells[i + 3]
    p0, p1, p2, p3 = p[i], p[i + 1], p[i + 2], p[i + 3]
    for j in range(len(g0)):
        q[4 * j] = g0[j] * p0[j]
        q[4 * j + 1] = g1[j] * p1[j]
        q[4 * j + 2] = g2[j] * p2[j]
        q[4 * j + 3] = g3[j] * p3[j]


@part
def _scatter(x, block, out):  # type: ignore[no-untyped-def]
    i = 4 * block
    x0, x1, x2, x3 = out[i], out[i + 1], out[i + 2], out[i + 3]
    for j in range(len(x0)):
        x0[j] = x[4 * j]
        x1[j] = x[4 * j + 1]
        x2[j] = x[4 * j + 2]
        x3[j] = x[4 * j + 3]


@part
def _down(cells, u_columns, t, i):  # type: ignore[no-untyped-def]
    """Go one row down in the elimination of the bit lines: t (R, C) holds word-line potentials from row i on."""
    line, g = t[i], cells[i]
    if i == 0:
        for j in range(len(line)):
            line[j] = g[j] * line[j]
    else:
        above, u = t[i - 1], u_columns[i - 1]
        for j in range(len(line)):
            line[j] = g[j] * line[j] + u[j] * above[j]


@part
def _up(cells, pad, u_columns, e_columns, r_columns, g_columns, z, p, t, alpha, s):  # type: ignore[no-untyped-def]
    """Go back up the bit lines and renew z; return z B z, a sum of positive terms."""
    rows, columns = cells.shape
    total = 0.0
    i = rows - 1
    g, now, step, down = cells[i], z[i], p[i], t[i]
    between, bottom, top = g_columns[0], g_columns[1], g_columns[2]
    for j in range(columns):
        s[j] = e_columns[j] * down[j]
        value = now[j] - alpha * (step[j] - s[j])
        now[j] = value
        total += (bottom[j] + g[j]) * value * value
    for i in range(rows - 2, -1, -1):
        g, now, step, down, u, below = cells[i], z[i], p[i], t[i], u_columns[i], z[i + 1]
        for j in range(columns):
            s[j] = u[j] * (r_columns[j] * down[j] + s[j])
        for j in range(columns):
            now[j] -= alpha * (step[j] - s[j])
        for j in range(columns):
            change = now[j] - below[j]
            total += between[j] * change * change + g[j] * now[j] * now[j]
    now = z[pad]
    for j in range(columns):
        total += top[j] * now[j] * now[j]
    return total


@compiled
def segments(r_columns, column_ends):  # type: ignore[no-untyped-def]
    """Return (3, C) S: a segment of each bit line, its segment to ground below and the one above; 0 for none."""
    g = np.zeros((3, len(r_columns)))
    for j in range(len(r_columns)):
        if r_columns[j] > 0:
            for k in range(1 + column_ends[j]):
                g[k, j] = 1 / r_columns[j]
    return g


@part
def _step(b, p, alpha, first, strict, r_columns, column_ends):  # type: ignore[no-untyped-def]
    """Go along p, from row `first` on; return the largest relative change of a current into ground.

    Currents below 1e-12 of the largest one are compared with that. If `strict`, the largest change of any potential
    counts too, relative to the largest potential.
    """
    for i in range(first, len(b)):
        here, step = b[i], p[i]
        for j in range(len(here)):
            here[j] += alpha * step[j]
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


@part
def _inject(q, block, drive, r_rows, row_ends):  # type: ignore[no-untyped-def]
    """Add what flows in at the right end of word lines that are driven there too."""
    for k in range(4):
        i = 4 * block + k
        if row_ends[i] == 2 and r_rows[i] > 0:
            q[len(q) - 4 + k] += drive[i] / r_rows[i]


@compiled
def word_potentials(cells, r_rows, row_ends, u_rows, e_rows, drive, emf, b, a):  # type: ignore[no-untyped-def]
    """Fill a (R, C) V, the word-line potentials that belong to b (R, C) V; the rest as of `iterate`."""
    rows, columns = cells.shape
    q, x = np.empty(4 * columns), np.empty(4 * columns)
    for block in range(rows // 4):
        for i in range(4 * block, 4 * block + 4):
            for j in range(columns):
                a[i, j] = b[i, j] + emf[i, j] if emf.size else b[i, j]
        _gather(cells, a, block, q)
        _inject(q, block, drive, r_rows, row_ends)
        _solve_four(u_rows[block], q, x, block, e_rows, r_rows, drive, columns)
        _scatter(x, block, a)


@compiled
def iterate(  # type: ignore[no-untyped-def]  # noqa: PLR0912 - numba compiles one function faster than many
    cells, pad, r_rows, r_columns, row_ends, column_ends, u_rows, u_columns, e_rows, e_columns,
    drive, emf, b, z, p, t, strict, whole, tolerance, most,
):  # fmt: skip
    """Solve for the bit-line potentials.

    Parameters
    ----------
    cells : (R, C) S
    pad, r_rows, r_columns, row_ends, column_ends, u_rows, u_columns, e_rows, e_columns
        As of `factor`.
    drive : (R,) V
    emf : (R, C) V, or (0, 0) for none
        Source in series with each cell: its current is G (a - b - emf).
    b : (R, C) V, in and out
        First guess, then the solution. Unless `whole`, only its last row is brought up to date.
    z, p, t : (R, C), work
    strict : bool
        Ask for every potential, not only for the currents into ground. Implies `whole`.
    whole : bool
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
    q, x, s = np.empty(4 * columns), np.empty(4 * columns), np.empty(columns)
    source = drive.copy()
    g_columns = np.zeros((3, columns))  # S of a segment, of the one to ground below, of the one to ground above
    for j in range(columns):
        if r_columns[j] > 0:
            for k in range(1 + column_ends[j]):
                g_columns[k, j] = 1 / r_columns[j]
    for i in range(rows):
        for j in range(columns):
            p[i, j] = b[i, j]
            z[i, j] = emf[i, j] if emf.size else 0.0
    square, before, alpha, beta, curvature = 0.0, np.inf, 1.0, 1.0, 0.0
    # Round 0 finds the first correction, z = B^-1 G (a - emf) - b with the a that belongs to b.
    for done in range(most + 1):
        mixed = 0.0
        for block in range(rows // 4):
            for i in range(4 * block, 4 * block + 4):
                new, old = z[i], p[i]
                for j in range(columns):
                    old[j] = new[j] + beta * old[j]
            _gather(cells, p, block, q)
            if done == 0:
                _inject(q, block, source, r_rows, row_ends)
            mixed += _solve_four(u_rows[block], q, x, block, e_rows, r_rows, source, columns)
            _scatter(x, block, t)
            for i in range(4 * block, 4 * block + 4):
                if done == 0 and emf.size:
                    for j in range(columns):
                        t[i, j] -= emf[i, j]
                _down(cells, u_columns, t, i)
        change = np.inf
        if done:
            curvature = square + beta * beta * curvature  # p B p
            alpha = square / (curvature - mixed)
            if not (alpha > 0.0 and alpha < 1e300):
                return -done
            change = _step(b, p, alpha, 0 if whole or strict else rows - 1, strict, r_columns, column_ends)
        after = _up(cells, pad, u_columns, e_columns, r_columns, g_columns, z, p, t, alpha, s)
        if done == 0:
            source[:] = 0.0
            beta = 0.0
        else:
            # What is still to come is taken for a geometric series.
            change /= 1.0 - min(np.sqrt(after / square), 0.999)
            if change < tolerance and before < 30.0 * tolerance:
                return done
            beta = after / square
        if after <= 0.0:
            return done
        before, square = change, after
    return -most
