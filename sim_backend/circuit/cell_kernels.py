"""Compiled kernel: currents and slopes of cells that are not ohmic, and what their tangents leave out."""

import numba
import numpy as np

from .caching import KEPT
from .eight import greatest, load, root, spread, store, total
from .forms import CUBIC, SINH, TABLE
from .layout import BLOCK

_FAST = {"contract", "reassoc", "nsz", "arcp"}
_SERIES = np.array([1.0 / ((2 * k) * (2 * k + 1)) for k in range(12, 0, -1)])
"""Ratios of the terms of sinh x / x = 1 + x^2 / 6 (1 + x^2 / 20 (...)): below 2 the first one left out is 1e-18."""
_SMALLEST = 5e-324
"""Above zero, so that an open cell, without current and slope, has a source of 0 V."""


@numba.njit(**KEPT, fastmath=_FAST, error_model="numpy")
def evaluate_cells(  # type: ignore[no-untyped-def]  # noqa: PLR0912, PLR0915 - numba compiles one function faster
    kind, numbers, table, share, g, a, b, across, current, tangent, left, volts, value, slope, rest, emf, columns
):  # fmt: skip
    """Go the share of a step that changes the cells' voltages from `across` to a - b.

    Parameters
    ----------
    kind, numbers, table
        Of `crossbar_hil.sim_backend.circuit.forms.Form`.
    share : float
    g : (N,) S
        Conductances of the N cells, at least eight.
    a, b, across : (N,) V
    current, tangent, left : (N,) A, S, A
        Current and slope at `across`, and what the last tangents left out there.
    volts, value, slope, rest, emf : (N,) V, A, S, A, V, out
        Voltage, current, slope, what the tangents left out, and the source in series with the next tangent.
    columns : int

    Returns
    -------
    rising, falling : float
        Slopes, in watt, of the co-content along the step, there and where it began.
    residual : float
        Largest over the columns: sum of the sizes of what is left out, relative to the column's current or to 1e-6 of
        the largest one; infinite if one is no number.
    """
    cells, part, zero, one = len(g), spread(share), spread(0.0), spread(1.0)
    # The last eight cells overlap those before; in sums they count once.
    last, largest, once = cells - BLOCK, zero, np.ones(BLOCK)
    once[: -cells % BLOCK] = 0.0
    for first in range(0, cells, BLOCK):
        n = min(first, last)
        v = load(across, n)
        v = v + part * (load(a, n) - load(b, n) - v)
        store(volts, n, v)
        largest = greatest(greatest(v, zero - v), largest)
    sizes = np.empty(BLOCK)
    store(sizes, 0, largest)
    series_holds = kind == SINH and numbers[0] * sizes.max() < 2.0
    if kind == SINH and not series_holds:
        for n in range(cells):
            sinh = np.sinh(numbers[0] * volts[n])
            value[n], slope[n] = g[n] * (sinh / numbers[0]), g[n] * np.sqrt(1.0 + sinh * sinh)
    elif kind == TABLE:
        for n in range(cells):
            size = abs(volts[n])
            low, high = 0, table.shape[1] - 1
            while high > low:
                middle = (low + high + 1) // 2
                if table[0, middle] <= size:
                    low = middle
                else:
                    high = middle - 1
            x, c2, c3 = size - table[0, low], table[3, low], table[4, low]
            f = table[1, low] + x * (table[2, low] + x * (c2 + x * c3))
            value[n] = g[n] * (f if volts[n] >= 0.0 else -f)
            slope[n] = g[n] * (table[2, low] + x * (2.0 * c2 + x * 3.0 * c3))
    c1, c3, smallest, over = spread(numbers[0]), spread(numbers[1]), spread(_SMALLEST), spread(1.0 - share)
    c3_of_slope, rise, fall = spread(3.0 * numbers[1]), zero, zero
    for first in range(0, cells, BLOCK):
        n = min(first, last)
        v = load(volts, n)
        if kind == CUBIC:
            f, s = load(g, n) * ((c1 + c3 * v * v) * v), load(g, n) * (c1 + c3_of_slope * v * v)
        elif series_holds:
            x, series = c1 * v, one
            for k in range(12):
                series = one + x * x * spread(_SERIES[k]) * series
            x = x * series
            f, s = load(g, n) * (v * series), load(g, n) * root(one + x * x)
        else:
            f, s = load(value, n), load(slope, n)
        store(value, n, f)
        store(slope, n, s)
        store(emf, n, v - f / greatest(s, smallest))
        change, before = load(a, n) - load(b, n) - load(across, n), load(left, n)
        missing = f - load(current, n) - part * (load(tangent, n) * change)
        counted = change
        if first > last:
            counted = load(once, 0) * change
        rise, fall = rise + missing * counted, fall + before * counted
        if share < 1.0:
            missing = missing + over * before
        store(rest, n, missing)
    rising, falling = total(rise), total(fall)
    if share < 1.0:
        rising += (1.0 - share) * falling
    whole, of_columns, missed = columns - columns % BLOCK, np.zeros(columns), np.zeros(columns)
    for start in range(0, cells, columns):
        for j in range(0, whole, BLOCK):
            missing = load(rest, start + j)
            store(of_columns, j, load(of_columns, j) + load(value, start + j))
            store(missed, j, load(missed, j) + greatest(missing, zero - missing))
        for j in range(whole, columns):
            of_columns[j] += value[start + j]
            missed[j] += abs(rest[start + j])
    residual = most = everything = 0.0
    for j in range(columns):
        most = max(most, abs(of_columns[j]))
        everything += abs(of_columns[j]) + missed[j]
    for j in range(columns):
        if missed[j] > 0.0:
            residual = max(residual, missed[j] / max(abs(of_columns[j]), 1e-6 * most))
    return rising, falling, residual if everything < np.inf else np.inf
