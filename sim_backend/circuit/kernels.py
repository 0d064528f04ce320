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

Eight doubles are taken at once: along a row for the bit lines, and of eight word lines, which are turned for that.
Rows are filled up to a multiple of eight by empty ones at the top, which dangle at the bit lines, columns by empty ones
at the far end of the word lines; they carry no current.

Letters: R rows, C columns (both filled up), r ohm of a segment, g its inverse (0 where r is 0), ends 0 for a floating
line, 1 for one end joined to source or ground, 2 for both ends. Arrays (R, C) are flat, one row after another.

All of it but the instructions has one entry, for numba would compile what two of them share twice.
"""

from typing import Any

import numba
import numpy as np

from .bounds import NEGLIGIBLE
from .caching import KEPT, WITHIN
from .eight import least, load, spread, store, total, turn, turn_product
from .layout import ALL_SLOTS, BLOCK, LINES

_FAST = {"contract", "reassoc", "nsz", "arcp"}  # neither infinities nor nans are assumed away

DECLINED, UNSETTLED = 1, 2
"""Outcomes other than 0: input that is no crossbar; an iteration that does not end."""


def separate(function: Any) -> Any:
    """Compile as a function of its own, at the first call of `crossbar`, which keeps the result on disk."""
    return numba.njit(fastmath=_FAST, error_model="numpy", **WITHIN)(function)


@separate
def _copy(source, first, target, place, count):  # type: ignore[no-untyped-def]
    """Copy numbers of arrays that are taken as flat; the last eight may overlap those before."""
    if count < BLOCK:
        for k in range(count):
            target[place + k] = source[first + k]
    else:
        for k in range(0, count, BLOCK):
            n = min(k, count - BLOCK)
            store(target, place + n, load(source, first + n))


@separate
def _lay_out(conductances, wide, pad, row_ohm, column_ohm, cells, r_rows, r_columns, loads):  # type: ignore[no-untyped-def]
    """Copy the crossbar below `pad` empty rows; make negligible wires ideal; return whether all numbers may be so.

    `loads` (C,) gets the sums over the columns, in siemens.
    """
    rows, columns = conductances.shape
    lowest = zero = spread(0.0)
    everything = 0.0
    r_rows[:pad], r_columns[columns:], cells[: pad * wide] = 0.0, 0.0, 0.0
    for n in range(0, wide, BLOCK):
        store(loads, n, zero)
    for i in range(rows):
        at, of_row = (pad + i) * wide, zero
        for n in range(0, wide, BLOCK):
            if n + BLOCK <= columns:
                g = load(conductances, i * columns + n)
                store(cells, at + n, g)
            else:
                for j in range(n, n + BLOCK):
                    cells[at + j] = conductances[i, j] if j < columns else 0.0
                g = load(cells, at + n)
            of_row = of_row + g
            lowest = least(lowest, g)
            store(loads, n, load(loads, n) + g)
        here = total(of_row)
        everything += here
        here *= columns
        r_rows[pad + i] = 0.0 if here > 0.0 and here * row_ohm[i] < NEGLIGIBLE else row_ohm[i]
    for j in range(columns):
        here = loads[j] * rows
        r_columns[j] = 0.0 if here > 0.0 and here * column_ohm[j] < NEGLIGIBLE else column_ohm[j]
    return total(lowest) >= 0.0 and everything < np.inf


@separate
def _factor_rows(cells, wide, columns, r_rows, row_ends, pad, u_rows, shares):  # type: ignore[no-untyped-def]
    """Eliminate the word lines.

    Parameters
    ----------
    cells : (R, C) S
    wide, columns : int
        C, and the number of columns that there are.
    r_rows : (R,) ohm
    row_ends : int
        Of all rows but the first `pad`.
    u_rows : (R/8, C, 8), out
        Share of a potential that reaches the next node away from the source, of eight word lines; at the first node
        the inverse pivot, in ohm.
    shares : (R,), out
        Share of the potential of the source that reaches the first node.
    """
    one, seen, rows = spread(1.0), np.zeros(2 * BLOCK), len(r_rows)
    # Twice eight lines, so that divisions overlap; twice the same ones if no others are left.
    for first in range(0, rows, 2 * BLOCK):
        other = min(first + BLOCK, rows - BLOCK)
        for k in range(2 * BLOCK):
            i = first + k if k < BLOCK else other + k - BLOCK
            seen[k] = 1.0 / r_rows[i] if i >= pad and row_ends[i - pad] == 2 and r_rows[i] > 0.0 else 0.0
        at, apart = first * wide, (other - first) * wide
        for n in range(at, at + wide, BLOCK):
            m = at + BLOCK * (n - at)
            turn(cells, n, wide, u_rows, m, BLOCK)
            turn(cells, n + apart, wide, u_rows, m + apart, BLOCK)
        for n in range(at + BLOCK * columns, at + BLOCK * wide, BLOCK):
            store(u_rows, n, one)
            store(u_rows, n + apart, one)
        r1, r2, s1, s2 = load(r_rows, first), load(r_rows, other), load(seen, 0), load(seen, BLOCK)
        for n in range(at + BLOCK * (columns - 1), at, -BLOCK):
            s1, s2 = s1 + load(u_rows, n), s2 + load(u_rows, n + apart)
            u1, u2 = one / (one + r1 * s1), one / (one + r2 * s2)
            store(u_rows, n, u1)
            store(u_rows, n + apart, u2)
            s1, s2 = s1 * u1, s2 * u2
        store(seen, 0, s1 + load(u_rows, at))
        store(seen, BLOCK, s2 + load(u_rows, at + apart))
        for k in range(2 * BLOCK):
            i, n = (first + k, at + k) if k < BLOCK else (other + k - BLOCK, at + apart + k - BLOCK)
            if i >= pad and row_ends[i - pad] == 0:
                shares[i], u_rows[n] = 0.0, (1.0 / seen[k] if seen[k] > 0.0 else 0.0)
            else:
                shares[i] = 1.0 / (1.0 + r_rows[i] * seen[k])
                u_rows[n] = r_rows[i] * shares[i]


@separate
def _factor_columns(cells, wide, pad, r_columns, column_ends, u_columns, e_columns, seen):  # type: ignore[no-untyped-def]
    """Eliminate the bit lines.

    Parameters
    ----------
    cells, wide, pad
        As of `_factor_rows`.
    r_columns, column_ends
        (C,) ohm, and the ends of those that there are.
    u_columns : (R, C), out
        In row i the share of a potential that reaches the node of row i - 1, away from ground; 0 in row 0.
    e_columns : (C,) ohm, out
        Inverse pivot of the last node.
    seen : (C,)
        Work.
    """
    one, zero, rows = spread(1.0), spread(0.0), len(cells) // wide
    for n in range(0, wide, BLOCK):
        store(u_columns, n, zero)
        store(seen, n, zero)
    for i in range(rows):
        at = i * wide
        if i == pad:
            for j in range(len(column_ends)):
                if column_ends[j] == 2 and r_columns[j] > 0.0:
                    seen[j] += 1.0 / r_columns[j]
        if i < rows - 1:
            for n in range(0, wide, BLOCK):
                s = load(seen, n) + load(cells, at + n)
                u = one / (one + load(r_columns, n) * s)
                store(u_columns, at + wide + n, u)
                store(seen, n, s * u)
        else:
            for n in range(0, wide, BLOCK):
                store(seen, n, load(seen, n) + load(cells, at + n))
    for j in range(wide):
        s = seen[j]
        if j < len(column_ends) and column_ends[j] == 0:
            e_columns[j] = 1.0 / s if s > 0.0 else 0.0
        else:
            e_columns[j] = r_columns[j] / (1.0 + r_columns[j] * s)


@separate
def _solve_words(cells, z, empty, wide, first, u_rows, r_rows, shares, source, far, x, out):  # type: ignore[no-untyped-def]
    """Solve eight word lines from row `first` on: G z injected, or nothing if `empty`; potentials (R, C) V to `out`."""
    at = first * wide
    y, zero = load(far, first), spread(0.0)
    for j in range(wide - BLOCK, -1, -BLOCK):
        if empty:
            for n in range(BLOCK * j, BLOCK * (j + BLOCK), BLOCK):
                store(x, n, zero)
        else:
            turn_product(cells, z, at + j, wide, x, BLOCK * j)
        for n in range(BLOCK * (j + BLOCK - 1), BLOCK * (j - 1), -BLOCK):
            u = load(u_rows, at + n)
            y = y * u + load(x, n) * u
            store(x, n, y)
    r = load(r_rows, first)
    v = load(shares, first) * load(source, first) + load(x, 0)
    store(x, 0, v)
    begin = BLOCK
    for j in range(0, wide, BLOCK):
        end = BLOCK * (j + BLOCK)
        for n in range(begin, end, BLOCK):
            v = load(u_rows, at + n) * v + load(x, n) * r
            store(x, n, v)
        begin = end
        turn(x, BLOCK * j, BLOCK, out, at + j, wide)


@separate
def _down(cells, z, wide, first, u_columns, between, t):  # type: ignore[no-untyped-def]
    """Go eight rows down in the elimination of the bit lines: t (R, C) holds word-line potentials from row `first` on.

    Returns
    -------
    energy, mixed : float
        What these rows add to z B z, a sum of positive terms, and to z G t, in watt.
    """
    energy = mixed = spread(0.0)
    for i in range(first, first + BLOCK):
        at = i * wide
        up = at - wide if i > 0 else at
        for n in range(0, wide, BLOCK):
            g, now = load(cells, at + n), load(z, at + n)
            current = g * load(t, at + n)
            change = now - load(z, up + n)
            mixed = mixed + current * now
            energy = energy + load(between, n) * change * change + g * now * now
            store(t, at + n, current + load(u_columns, at + n) * load(t, up + n))
    return total(energy), total(mixed)


@separate
def _down_first(cells, emf, sourced, wide, first, u_columns, t):  # type: ignore[no-untyped-def]
    """As `_down`, of word-line potentials less the sources in series with the cells, if there are any."""
    for i in range(first, first + BLOCK):
        at = i * wide
        up = at - wide if i > 0 else at
        for n in range(0, wide, BLOCK):
            v = load(t, at + n)
            if sourced:
                v = v - load(emf, at + n)
            store(t, at + n, load(cells, at + n) * v + load(u_columns, at + n) * load(t, up + n))


@separate
def _up(wide, u_columns, e_columns, r_columns, z, d, t, alpha, beta, s):  # type: ignore[no-untyped-def]
    """Go back up the bit lines; renew d, the direction in which z changes, and z."""
    a, b = spread(alpha), spread(beta)
    last = len(z) - wide
    for at in range(last, -1, -wide):
        for n in range(0, wide, BLOCK):
            here, now = load(t, at + n), load(z, at + n)
            if at == last:
                v = load(e_columns, n) * here
            else:
                v = load(u_columns, at + wide + n) * (load(r_columns, n) * here + load(s, n))
            store(s, n, v)
            v = now - v + b * load(d, at + n)
            store(d, at + n, v)
            store(z, at + n, now - a * v)


@separate
def _up_first(wide, u_columns, e_columns, r_columns, b, warm, z, d, t, s):  # type: ignore[no-untyped-def]
    """As `_up` where z is what the bit lines differ by from b, or from 0 V unless `warm`."""
    zero, last = spread(0.0), len(z) - wide
    for at in range(last, -1, -wide):
        for n in range(0, wide, BLOCK):
            here = load(t, at + n)
            if at == last:
                v = load(e_columns, n) * here
            else:
                v = load(u_columns, at + wide + n) * (load(r_columns, n) * here + load(s, n))
            store(s, n, v)
            if warm:
                v = v - load(b, at + n)
            store(z, at + n, v)
            store(d, at + n, zero)


@separate
def _step(b, p, z, wide, alpha, beta, strict, r_columns, column_ends):  # type: ignore[no-untyped-def]
    """Go along p, in all rows that b has; return the largest relative change of a current into ground.

    Currents below 1e-12 of the largest one are compared with that. If `strict`, the largest change of any potential
    counts too, relative to the largest potential.
    """
    a, c, skipped, last = spread(alpha), spread(beta), len(z) - len(b), len(b) - wide
    for n in range(0, len(b), BLOCK):
        step = load(z, skipped + n) + c * load(p, n)
        store(p, n, step)
        store(b, n, load(b, n) + a * step)
    largest = 0.0
    for j in range(last, len(b)):
        largest = max(largest, abs(b[j]))
    worst = 0.0
    for j in range(len(column_ends)):
        if column_ends[j] > 0 and r_columns[j] > 0:
            change = abs(alpha * p[last + j])
            if change > 0.0:
                worst = max(worst, change / max(abs(b[last + j]), 1e-12 * largest))
    if strict:
        most, change = 0.0, 0.0
        for n in range(len(b)):
            most = max(most, abs(b[n]))
            change = max(change, abs(alpha * p[n]))
        if change > 0.0:
            worst = max(worst, change / most)
    return worst


@separate
def _start(z, b, emf, sourced, warm):  # type: ignore[no-untyped-def]
    """Let z be what drives currents into the word lines: the potentials b, if `warm`, and the sources in the cells."""
    zero = spread(0.0)
    for n in range(0, len(z), BLOCK):
        v = load(b, n) if warm else zero
        if sourced:
            v = v + load(emf, n)
        store(z, n, v)


@separate
def _iterate(  # type: ignore[no-untyped-def]  # noqa: PLR0912 - numba compiles one function faster than many
    cells, pad, wide, r_rows, r_columns, g_columns, column_ends, u_rows, shares, u_columns, e_columns,
    drive, far, idle, emf, a, b, z, d, p, t, x, s, sourced, warm, strict, whole, tolerance, most,
):  # fmt: skip
    """Solve for the bit-line potentials and, if `whole`, for the word-line potentials.

    Parameters
    ----------
    cells : (R, C) S
    pad, wide, r_rows, r_columns, column_ends, u_rows, shares, u_columns, e_columns
        As of `_factor_rows` and `_factor_columns`.
    g_columns : (3 C,) S
        A segment of each bit line, its segment to ground below and the one above; 0 for none.
    drive : (R,) V
    far : (R,) A
        What would flow into a word line that is driven at its far end too, were that at 0 V.
    idle : (R,)
        Zeros.
    emf : (R, C) V
        If `sourced`, source in series with each cell: its current is G (a - b - emf).
    a : (R, C) V, out
    b : (R, C) V, in and out
        First guess if `warm`, then the solution; unless `whole` there is only its last row.
    z, d, t : (R, C), p as b, x : (8 C,), s : (C,)
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
    if not warm:
        b[:] = 0.0
    p[:] = 0.0
    before, alpha, beta, previous = 0.0, 1.0, 0.0, np.inf
    answer, final = 0, False
    # Round 0 finds the first correction, z = B^-1 G (a - emf) - b with the a that belongs to b. The last one only
    # finds the a that belongs to the b found.
    for done in range(most + 2):
        special = done == 0 or final
        empty = special and not (sourced or warm or final)
        if special and not empty:
            _start(z, b, emf, sourced, warm or final)
        energy = mixed = 0.0
        for first in range(0, len(drive), BLOCK):
            _solve_words(
                cells, z, empty, wide, first, u_rows, r_rows, shares, drive if special else idle,
                far if special else idle, x, a if final else t,
            )  # fmt: skip
            if done == 0:
                _down_first(cells, emf, sourced, wide, first, u_columns, t)
            elif not final:
                more = _down(cells, z, wide, first, u_columns, g_columns, t)
                energy += more[0]
                mixed += more[1]
        if final:
            break
        if done == 0:
            _up_first(wide, u_columns, e_columns, r_columns, b, warm, z, d, t, s)
            continue
        for j in range(wide):
            low, high = z[len(z) - wide + j], z[pad * wide + j]
            energy += g_columns[wide + j] * low * low + g_columns[2 * wide + j] * high * high
        if energy > 0.0:
            ratio = energy / before if done > 1 else 0.0
            beta = ratio
            alpha = energy / (energy - mixed - beta * energy / alpha)
            if not (alpha > 0.0 and alpha < 1e300):
                return -done
            before = energy
            change = _step(b, p, z, wide, alpha, beta, strict, r_columns, column_ends)
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
        elif done == most:
            return -done
        else:
            _up(wide, u_columns, e_columns, r_columns, z, d, t, alpha, beta, s)
    return answer


@numba.njit(**KEPT, fastmath=_FAST, error_model="numpy")
def crossbar(  # type: ignore[no-untyped-def]  # noqa: PLR0912, PLR0915 - numba compiles one function faster than many
    conductances, voltages, row_ohm, column_ohm, row_ends, column_ends, emf,
    warm, whole, tolerance, memory, words, bits, currents,
):  # fmt: skip
    """Solve a crossbar for each of P vectors.

    Parameters
    ----------
    conductances : (R, C) S
        Here R and C are the numbers of rows and columns that there are.
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
    memory : (`memory_size` or more,)
        For all potentials with `emf`, `whole`, or bit lines that are ideal or joined at both ends.
    words, bits : (P, R, C) V, out, or (0, 0, 0)
    currents : (P, C) A, out

    Returns
    -------
    outcome, iterations : int
        0, `DECLINED` or `UNSETTLED`; iterations of the last vector.
    """
    rows, columns = conductances.shape
    pad, wide = -rows % BLOCK, columns + -columns % BLOCK
    high = rows + pad
    size, after_x = high * wide, BLOCK * wide
    after_columns = after_x + LINES * wide
    start = after_columns + LINES * high
    x, of_columns, of_rows = memory[:after_x], memory[after_x:after_columns], memory[after_columns:start]
    slots = memory[start:]
    cells, u_rows, u_columns = slots[:size], slots[size : 2 * size], slots[2 * size : 3 * size]
    z, d, t = slots[3 * size : 4 * size], slots[4 * size : 5 * size], slots[5 * size : 6 * size]
    r_columns, e_columns, s = of_columns[:wide], of_columns[wide : 2 * wide], of_columns[2 * wide : 3 * wide]
    b, p, g_columns = of_columns[3 * wide : 4 * wide], of_columns[4 * wide : 5 * wide], of_columns[5 * wide : 8 * wide]
    r_rows, shares, drive = of_rows[:high], of_rows[high : 2 * high], of_rows[2 * high : 3 * high]
    far, idle = of_rows[3 * high : 4 * high], of_rows[4 * high : 5 * high]
    drive[:], far[:], idle[:], g_columns[:] = 0.0, 0.0, 0.0, 0.0
    if not _lay_out(conductances, wide, pad, row_ohm, column_ohm, cells, r_rows, r_columns, s):
        return DECLINED, 0
    # Bit lines that are ideal or joined at both ends are counted: for a truth value numba would compile `_step` twice.
    sourced, special = emf.size > 0, 0
    for j in range(columns):
        if r_columns[j] > 0:
            for k in range(1 + column_ends[j]):
                g_columns[k * wide + j] = 1 / r_columns[j]
            special += column_ends[j] == 2
        else:
            special += column_ends[j] > 0
    strict = special > 0
    a, source = z, z
    if strict or whole or sourced:
        if len(slots) < ALL_SLOTS * size:
            return DECLINED, 0
        b, p = slots[6 * size : 7 * size], slots[7 * size : 8 * size]
        a, source = slots[8 * size : 9 * size], slots[9 * size : 10 * size]
    if sourced:
        source[:] = 0.0
        flat = emf.reshape(-1)
        for i in range(rows):
            _copy(flat, i * columns, source, (pad + i) * wide, columns)
    _factor_rows(cells, wide, columns, r_rows, row_ends, pad, u_rows, shares)
    _factor_columns(cells, wide, pad, r_columns, column_ends, u_columns, e_columns, s)
    most, done = 10_000 + 20 * (rows + columns), 0
    for each in range(len(voltages)):
        everything = 0.0
        for i in range(rows):
            volts = voltages[each, i]
            everything += abs(volts)
            drive[pad + i] = volts if row_ends[i] > 0 else 0.0
            far[pad + i] = volts / r_rows[pad + i] if row_ends[i] == 2 and r_rows[pad + i] > 0 else 0.0
        if not everything < np.inf:
            return DECLINED, 0
        done = _iterate(
            cells, pad, wide, r_rows, r_columns, g_columns, column_ends, u_rows, shares, u_columns, e_columns,
            drive, far, idle, source, a, b, z, d, p, t, x, s, sourced, warm, strict, strict or whole, tolerance, most,
        )  # fmt: skip
        if done < 0:
            return UNSETTLED, -done
        last = len(b) - wide
        for j in range(columns):
            value = 0.0
            if column_ends[j] > 0:
                if r_columns[j] > 0:
                    value = b[last + j] / r_columns[j]
                    if column_ends[j] == 2:
                        value += b[pad * wide + j] / r_columns[j]
                else:
                    for n in range(pad * wide + j, size, wide):
                        value += cells[n] * (a[n] - b[n] - (source[n] if sourced else 0.0))
            currents[each, j] = value
        if whole:
            for i in range(rows):
                n, place = (pad + i) * wide, (each * rows + i) * columns
                _copy(a, n, words.reshape(-1), place, columns)
                _copy(b, n, bits.reshape(-1), place, columns)
    return 0, done
