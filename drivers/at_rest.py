"""What flows between lines while every source is told 0 V: offsets alone, or something else supplies a line."""

import numpy as np

from crossbar_hil.arrays import FloatArray
from crossbar_hil.instrument import OFFSET, ZERO_V
from crossbar_hil.text import quantity


def most_at_rest(siemens: FloatArray, range_a: float) -> FloatArray:
    """Return what offsets can make flow at 0 V between every two lines, (N, N) in amperes, on a range of the meter.

    The meter's own, and two ports that are apart by twice `ZERO_V` across all that conducts to either line: `siemens`
    (N, N), from the first line to the second, infinite at a limit.
    """
    whole = np.maximum(np.abs(siemens), np.abs(siemens).T)
    line = whole.sum(axis=1)
    found: FloatArray = OFFSET * range_a + 2 * ZERO_V * np.maximum(line[:, None], line)
    return found


def problem_at_rest(at_rest_a: FloatArray, siemens: FloatArray, range_a: float, rows: int) -> str:
    """Say between which lines, so many rows first, flows at 0 V what no offset makes; empty if nothing does.

    `at_rest_a` is the current of the meter at 0 V, (N, N) in amperes.
    """
    most = most_at_rest(siemens, range_a)
    beyond = np.abs(at_rest_a) > most
    if not beyond.any():
        return ""
    names = [f"row {line + 1}" if line < rows else f"column {line - rows + 1}" for line in range(len(siemens))]
    first, second = (int(each) for each in np.unravel_index(int((np.abs(at_rest_a) - most).argmax()), most.shape))
    pairs = len(names) * (len(names) - 1) // 2
    found = {frozenset(each) for each in np.argwhere(beyond).tolist()}
    where, shared = "", frozenset.intersection(*found)
    if len(found) == pairs:
        where = ", as between any two lines"
    elif len(found) > 1:
        where = f", and so at {len(found)} of {pairs} pairs of lines"
        where += "".join(f", all of them of {names[line]}" for line in shared)
    way_out = "zero the meter" if len(found) == pairs else "take off whatever else supplies them"
    return (
        f"from {names[first]} to {names[second]} the meter shows {quantity(at_rest_a[first, second], 'A')} while "
        f"every source is at 0 V{where}; offsets make {quantity(most[first, second], 'A')} there at most "
        f"({OFFSET:.1%} of its range of {quantity(range_a, 'A')}, and {quantity(2 * ZERO_V, 'V')} across what conducts "
        f"to these lines), so nothing is said of the wiring: {way_out}, and join the LO of all supplies at one point"
    )
