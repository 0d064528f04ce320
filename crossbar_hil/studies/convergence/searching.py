"""Where a search looks: the first settings, their neighbours, and which of the found ones is best."""

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from crossbar_hil.confidence import wilson
from crossbar_hil.studies.axes import Axis, Spacing
from crossbar_hil.studies.convergence.counts import Counts
from crossbar_hil.studies.settings import Value, find_key

Values = tuple[Value, ...]
TARGETS = (0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9999)
"""Targets looked at first, about equally far from each other in artanh; below 0.5 an output says little."""
LEAST_GAIN, MOST_GAIN, GAINS = 0.5, 100.0, 16
"""Gains looked at first: what a cell at the end of its curve adds to the argument of tanh."""
_BETA, _TARGET, _WIDTH = map(find_key, ("beta", "target", "width_s"))
_SCALES: dict[Spacing, tuple[Callable[[float], float], Callable[[float], float]]] = {
    "linear": (float, lambda u: float(f"{u:.4g}")),
    "log": (math.log, lambda u: float(f"{math.exp(u):.4g}")),
    "artanh": (math.atanh, lambda u: 1 - float(f"{1 - math.tanh(u):.2g}")),
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """Settings that were tried, and what came of it."""

    values: Values
    counts: Counts

    @property
    def order(self) -> tuple[float, float]:
        """Smaller is better: first the share that converges and holds a drift, then the pulses a chip."""
        return -self.counts.lasting / self.counts.chips, self.counts.pulses_mean


def first_axes(given: Sequence[Axis], *, unit_beta: float, widths_s: Sequence[float]) -> tuple[Axis, ...]:
    """Return the settings that are searched: gain, target and pulse width, unless given otherwise, and those given.

    Parameters
    ----------
    given : sequence of Axis
        What a person wants to be searched; one value holds a setting fast.
    unit_beta : float
        Gain at which a cell at the end of its curve adds 1 to the argument of tanh, in 1/A.
    widths_s : sequence of float
        Measured widths; nothing is searched if there are fewer than two.
    """
    ratio = (MOST_GAIN / LEAST_GAIN) ** (1 / (GAINS - 1))
    betas = tuple(float(f"{unit_beta * LEAST_GAIN * ratio**place:.3g}") for place in range(GAINS))
    own = [Axis(_BETA, betas, "log"), Axis(_TARGET, TARGETS, "artanh")]
    if len(widths_s) > 1:
        own.append(Axis(_WIDTH, tuple(widths_s)))
    wanted = {axis.key: axis for axis in own} | {axis.key: axis for axis in given}
    return tuple(wanted.values())


def grid(axes: Sequence[Axis]) -> list[Values]:
    """Return every combination of values."""
    return list(itertools.product(*(axis.values for axis in axes)))


def neighbours(axes: Sequence[Axis], values: Values, share: float) -> list[Values]:
    """Return the settings around some, a share of a step of the first grid away, within its ends.

    >>> axis = Axis(find_key("beta"), (1e6, 1e7, 1e8), "log")
    >>> neighbours([axis], (1e7,), 0.5)
    [(3162000.0,), (31620000.0,)]
    """
    choices = [_around(axis, value, share) for axis, value in zip(axes, values, strict=True)]
    return [each for each in itertools.product(*choices) if each != values]


def best(found: Iterable[Candidate], keep: int) -> list[Candidate]:
    """Return the best ones, the best first."""
    return sorted(found, key=lambda each: each.order)[:keep]


def choose(found: Sequence[Candidate]) -> Candidate:
    """Of those that are not clearly worse than the one with most lasting chips, the one with the fewest pulses.

    Not clearly worse is a share within Wilson's 95 % interval of the largest one.
    """
    top = best(found, 1)[0].counts
    low, _ = wilson(top.lasting, top.chips)
    near = [each for each in found if each.counts.lasting >= low * each.counts.chips]
    return min(near, key=lambda each: (each.counts.pulses_mean, each.order))


def _around(axis: Axis, value: Value, share: float) -> list[Value]:
    if axis.spacing == "list" or len(axis.values) < 2:
        return [value]
    to, back = _SCALES[axis.spacing]
    ends = float(axis.values[0]), float(axis.values[-1])
    step = share * (to(ends[1]) - to(ends[0])) / (len(axis.values) - 1)
    sides = [back(to(float(value)) + sign * step) for sign in (-1, 1)]
    inside = [float(each) for each in sides if ends[0] <= each <= ends[1]]
    if isinstance(value, int):
        inside = [round(each) for each in inside]
    return [value, *(each for each in dict.fromkeys(inside) if each != value)]
