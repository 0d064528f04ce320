"""What an ensemble trains on: merged patterns, and the margins that make its quick arithmetic decide as `Trainer` does.

Margins
-------
Let u be the unit roundoff of `Trainer` (2^-53), w that of the quick arithmetic, y an output times beta, G the largest
conductance of the ensemble in that unit, q the quantum of the weights, R the rows and P the patterns.

- `Trainer` has y to within R G u (2 R + 16): two roundings for a conductance, R for the sum, two for the difference
  and the gain, both columns. The quick arithmetic adds whole quanta without error; it has y to within 1.5 R q (the
  start and two table entries of each weight are rounded by q/2), and w |y| for the change to a real number. With
  voltages other than 0 and the two of one size the sum is rounded too, by R (R + 2) w G; only double precision is used
  then. E is the sum of these, without w |y|.
- A target is met for certain if the quick y lies E + 2 w |y| beyond the argument at which tanh exceeds the target by
  16 u, since tanh of NumPy is good to 4 u; missed for certain likewise. The larger of the two distances, over all
  outputs, is the margin `near`; |y| is that of the target, plus 1, as only an output near it matters.
- A delta is a gap times a slope. It is wrong by at most 5 slopes times the error in y (once in the gap, twice in the
  logarithm of the slope, and a gap is at most 2) on either side, and by the roundings of exp, tanh and the products:
  26 w slopes in the quick arithmetic, where exp is good to 3 w or 1e-12, less in `Trainer`, except that exp of a
  rounded argument adds 8 u |y| there. The sum over patterns adds (P + 4) w times the sum of slopes. So the gradient has
  the right sign if it is farther from zero than the sum over patterns of slope times
  12 E + (40 + 2 P) w + 1e-11 + 12 w |y|, written as close (basis + |y|).
"""

import math
from dataclasses import dataclass

import numpy as np

from crossbar_hil.arrays import FloatArray, IntArray

LARGEST_E = 1e-3
"""With a larger bound E nothing is decided quickly: the first-order margins would no longer hold."""
_U = 2.0**-53


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """Patterns of one training, each with what makes up its outputs."""

    bits: IntArray
    """(P, R) input bits, equal and opposite ones merged."""
    labels: IntArray
    """(P, N) wanted bits."""
    times: FloatArray
    """(P,) how often each stands in the given set."""
    voltages: FloatArray
    """(P, R) row voltages in units of the larger one."""
    largest_v: float
    """That one, in volts."""
    targets: FloatArray
    """(P, N) target activations."""


def merge_patterns(
    patterns: IntArray, labels: IntArray, targets: FloatArray, voltages: FloatArray, mirrored: bool
) -> Task:
    """Merge equal patterns and, where all is symmetric, those with every bit and label flipped.

    The opposite of a pattern has the opposite currents, activations, targets and deltas, so it adds the same to the
    gradient and is met when the other is.

    Parameters
    ----------
    patterns, labels : ndarray of int, shape (P, R) and (P, N)
        Bits.
    targets, voltages : ndarray of float, shape (P, N) and (P, R)
        Target activations and row voltages, in volts.
    mirrored : bool
        Whether the two voltages, and the two targets, are each other's negative.
    """
    largest = float(np.abs(voltages).max())  # zero if all bits are 0, or 1, and stand for 0 V
    kept: dict[tuple[bytes, bytes], int] = {}
    times: list[float] = []
    chosen: list[int] = []
    for number, (bits, label) in enumerate(zip(patterns, labels, strict=True)):
        same = (bits.tobytes(), label.tobytes())
        opposite = ((1 - bits).tobytes(), (1 - label).tobytes())
        found = kept.get(same, kept.get(opposite) if mirrored else None)
        if found is None:
            kept[same] = len(chosen)
            chosen.append(number)
            times.append(1.0)
        else:
            times[found] += 1.0
    often = np.array(times)
    if (often == often[0]).all():
        often = np.ones(len(often))  # all alike: the sign of a sum does not ask for a common factor
    return Task(patterns[chosen], labels[chosen], often, voltages[chosen] / (largest or 1.0), largest, targets[chosen])


@dataclass(frozen=True, slots=True)
class Margins:
    """How near to a decision the quick arithmetic may not decide, and the grid of its weights."""

    quantum: float
    """A power of two, so that to multiply by it is exact."""
    near: float
    close: float
    basis: float
    tiny: float
    safe: bool
    """Whether the quick arithmetic may be used at all."""


def margins(task: Task, *, single: bool, gain: float, beta: float, span: float, largest_shift: float) -> Margins:
    """Bounds of the module's text.

    Parameters
    ----------
    single : bool
        Precision of the quick arithmetic.
    gain : float
        From siemens to the unit of the weights: beta times K times the larger voltage.
    beta : float
        In 1/A.
    span : float
        Largest absolute rise of the curve, in siemens.
    largest_shift : float
        In siemens.
    """
    rows, patterns = task.bits.shape[1], int(task.times.sum()) + len(task.times)
    roundoff = 2.0**-24 if single else _U
    most = gain * (2 * span + largest_shift)
    whole = bool(np.isin(task.voltages, (-1.0, 0.0, 1.0)).all())
    sane = math.isfinite(most) and 1e-6 <= beta <= 1e30 and task.largest_v >= 1e-12 and most > 1e-30
    if not sane or (single and not whole):
        return Margins(1.0, math.inf, math.inf, 1.0, math.inf, safe=False)
    quantum = 2.0 ** (math.ceil(math.log2(rows * most)) - (30 if single else 52))
    error = 1.5 * rows * quantum + rows * most * _U * (2 * rows + 16)
    if not whole:
        error += rows * (rows + 2) * roundoff * most
    senses = 2.0 * task.labels - 1
    near = max(reach_of_tanh(float(target), roundoff) for target in np.unique(senses * task.targets)) + error
    close = 12 * roundoff
    basis = (12 * error + (40 + 2 * patterns) * roundoff + 1e-11) / close
    tiny = (1e-30 if single else 1e-290) * patterns
    return Margins(quantum, near, close, basis, tiny, safe=error <= LARGEST_E and math.isfinite(near))


def reach_of_tanh(target: float, roundoff: float) -> float:
    """How far an output must be from artanh(target) for tanh to differ from the target by 16 u for certain."""
    above, below = target + 16 * _U, target - 16 * _U
    if above >= 1 or below <= -1:
        return math.inf
    centre = math.atanh(target)
    distance = max(math.atanh(above) - centre, centre - math.atanh(below))
    return distance + (8 * roundoff + 32 * _U) * (1 + abs(centre))
