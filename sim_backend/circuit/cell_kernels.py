"""Compiled kernel: currents and slopes of cells that are not ohmic, and what their tangents leave out."""

import numba
import numpy as np

from .forms import CUBIC, SINH

_FAST = {"contract", "reassoc", "nsz", "arcp"}
_SERIES = np.array([1.0 / ((2 * k) * (2 * k + 1)) for k in range(12, 0, -1)])
"""Ratios of the terms of sinh x / x = 1 + x^2 / 6 (1 + x^2 / 20 (...)): below 2 the first one left out is 1e-18."""


@numba.njit(cache=True, fastmath=_FAST, error_model="numpy")
def evaluate_cells(  # type: ignore[no-untyped-def]  # noqa: PLR0912 - numba compiles one function faster than many
    kind, numbers, table, share, g, a, b, across, current, tangent, left, volts, value, slope, rest, emf, sums
):  # fmt: skip
    """Go the share of a step that changes the cells' voltages from `across` to a - b.

    Parameters
    ----------
    kind, numbers, table
        Of `crossbar_hil.sim_backend.circuit.forms.Form`.
    share : float
    g : (N,) S
        Conductances of the N cells.
    a, b, across : (N,) V
    current, tangent, left : (N,) A, S, A
        Current and slope at `across`, and what the last tangents left out there.
    volts, value, slope, rest, emf : (N,) V, A, S, A, V, out
        Voltage, current, slope, what the tangents left out, and the source in series with the next tangent.
    sums : (2 C,) A, out
        Of the currents of the C columns, and of the sizes of what is left out of them.

    Returns
    -------
    rising, falling : float
        Slopes, in watt, of the co-content along the step, there and where it began.
    """
    # Short loops, each of few arrays: only those are turned into vector instructions.
    for n in range(len(g)):
        change = a[n] - b[n] - across[n]
        rest[n], volts[n] = change, across[n] + share * change
    beyond = 0
    if kind == SINH:
        for n in range(len(g)):
            beyond += abs(numbers[0] * volts[n]) >= 2.0
    if kind == CUBIC:
        c1, c3 = numbers[0], numbers[1]
        for n in range(len(g)):
            square = volts[n] * volts[n]
            value[n], slope[n] = (c1 + c3 * square) * volts[n], c1 + 3.0 * c3 * square
    elif kind == SINH and beyond == 0:
        for n in range(len(g)):
            x = numbers[0] * volts[n]
            series = 1.0
            for k in range(12):
                series = 1.0 + x * x * _SERIES[k] * series
            value[n], slope[n] = volts[n] * series, np.sqrt(1.0 + (x * series) ** 2)
    elif kind == SINH:
        for n in range(len(g)):
            x = numbers[0] * volts[n]
            sinh = np.sinh(x)
            value[n], slope[n] = sinh / numbers[0], np.sqrt(1.0 + sinh * sinh)
    else:
        for n in range(len(g)):
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
            value[n] = f if volts[n] >= 0.0 else -f
            slope[n] = table[2, low] + x * (2.0 * c2 + x * 3.0 * c3)
    for n in range(len(g)):
        value[n], slope[n] = g[n] * value[n], g[n] * slope[n]
    rising = falling = 0.0
    for n in range(len(g)):
        change = rest[n]
        missing = value[n] - current[n] - share * (tangent[n] * change)
        rising += missing * change
        falling += left[n] * change
        rest[n] = missing
    for n in range(len(g)):
        emf[n] = volts[n] - (value[n] / slope[n] if slope[n] > 0.0 else 0.0)
    if share < 1.0:
        for n in range(len(g)):
            rest[n] += (1.0 - share) * left[n]
        rising += (1.0 - share) * falling
    columns = len(sums) // 2
    for j in range(2 * columns):
        sums[j] = 0.0
    for start in range(0, len(g), columns):
        for j in range(columns):
            sums[j] += value[start + j]
            sums[columns + j] += abs(rest[start + j])
    return rising, falling
