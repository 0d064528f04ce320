"""Conductances that synapses can have: a continuous range or a list of states, and how an update lands on one."""

from dataclasses import dataclass, replace
from typing import Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crossbar_hil.arrays import BoolArray, FloatArray, checked_array
from crossbar_hil.errors import ConfigError, DataError
from crossbar_hil.spiking.network.neurons import Singles

Places: TypeAlias = NDArray[np.int64]
UPDATE_SCHEMES = ("continuous", "nearest", "stochastic", "carry", "pulse")


@dataclass(frozen=True, slots=True, eq=False)
class Synapses:
    """The range of the conductances, their states and how they are updated.

    Raises
    ------
    ConfigError
        If a value is out of range or does not go with another.
    """

    low_siemens: float
    high_siemens: float
    update_scheme: str = "continuous"
    """"continuous": any conductance within the range. "nearest": the nearest state, the lower of two as near; what is
    smaller than half a spacing is lost. "stochastic": one of the two neighbours, by chance, so that the mean is
    right. "carry": the nearest state, the remainder kept by the controller for the next update. "pulse": one pulse up
    or down the measured curves."""
    states: Singles | None = None
    """Increasing states in siemens; of the scheme "pulse", the conductances along the potentiation curve."""
    falling: Singles | None = None
    """Decreasing conductances along the depression curve, in siemens; of the scheme "pulse" only."""
    initial_mean: float = 0.7
    initial_sd: float = 0.2
    """Initial conductances are normal, as shares of the highest, held within the range."""
    initial_spread: float = 0.0
    """If above zero they are lognormal about that mean instead, with this sigma."""
    start_on_states: bool = True
    """Whether initial conductances are put on the nearest state; the published system does so at the first update."""
    column_siemens: float | None = None
    """If given, the gain of a neuron is set, after each update, as if the sum of its column were this one."""

    def __post_init__(self) -> None:
        if not 0 <= self.low_siemens < self.high_siemens < np.inf:
            raise ConfigError(f"range {self.low_siemens} S to {self.high_siemens} S must have 0 <= low < high")
        if self.update_scheme not in UPDATE_SCHEMES:
            raise ConfigError(f"update scheme {self.update_scheme!r} is none of {', '.join(UPDATE_SCHEMES)}")
        if (self.states is None) != (self.update_scheme == "continuous"):
            raise ConfigError(
                f"update scheme {self.update_scheme!r} goes {'with' if self.states is None else 'without'} states"
            )
        if (self.falling is None) == (self.update_scheme == "pulse"):
            raise ConfigError(f"update scheme {self.update_scheme!r} and a depression curve do not go together")
        if not 0 <= self.initial_spread < np.inf:
            raise ConfigError(f"spread {self.initial_spread} of the initial conductances must be finite, not negative")
        if self.column_siemens is not None and not self.column_siemens > 0:
            raise ConfigError(f"columns cannot be balanced to {self.column_siemens} S")

    def scaled(self, factor: float) -> Self:
        """Return the same synapses with conductances `factor` times as large."""

        def times(values: Singles | None) -> Singles | None:
            return None if values is None else values * np.float32(factor)

        return replace(
            self,
            low_siemens=self.low_siemens * factor,
            high_siemens=self.high_siemens * factor,
            states=times(self.states),
            falling=times(self.falling),
            column_siemens=None if self.column_siemens is None else self.column_siemens * factor,
        )


def linear_states(count: int, low: float, high: float) -> Singles:
    """Return equally spaced states, both ends included.

    >>> linear_states(3, 0.0, 1.0)
    array([0. , 0.5, 1. ], dtype=float32)
    """
    return as_states(np.linspace(low, high, count))


PUBLISHED_DENSITIES = {256: (85, 171), 128: (58, 70), 64: (26, 38), 32: (13, 19), 16: (7, 9)}
"""States below and above the middle in the published nonlinear lists."""


def two_density_states(below: int, above: int, low: float, high: float) -> Singles:
    """Return states between two ends, in siemens: so many of one density up to the middle, so many above it."""
    middle = (high - low) * 0.5  # as published, which is not quite half-way
    return as_states(np.concatenate([np.linspace(low, middle, below + 1)[:-1], np.linspace(middle, high, above)]))


def as_states(values: ArrayLike) -> Singles:
    """Return a measured list of states in single precision.

    Raises
    ------
    DataError
        If there are fewer than two or they do not increase, in single precision.
    """
    states = checked_array("states", values, (None,)).astype(np.float32)
    if len(states) < 2 or not (np.diff(states) > 0).all():
        raise DataError(f"{len(states)} states must be at least two and increase from each to the next")
    return states


def as_falling(values: ArrayLike) -> Singles:
    """Return the conductances along a measured depression curve, which must decrease."""
    return np.ascontiguousarray(as_states(np.asarray(values)[::-1])[::-1])


def measured_states(potentiation: ArrayLike, depression: ArrayLike, low: float, high: float) -> tuple[Singles, Singles]:
    """Return states and depression curve from measured curves, stretched together to a range.

    Parameters
    ----------
    potentiation, depression : array_like, shapes (L,) and (M,)
        Conductances after each pulse of a kind, in siemens.
    low, high : float
        The range, in siemens, that what the curves span is stretched to.

    Returns
    -------
    (ndarray, ndarray)
        Rising and falling curve in single precision. Where a measurement turns back or stands still it is made to go
        on, by 1e-4 of its span a pulse.

    Raises
    ------
    DataError
        If a curve has fewer than two levels.

    Examples
    --------
    >>> up, down = measured_states([1.0, 3.0, 5.0], [4.0, 1.0], 0.0, 1.0)
    >>> up.tolist(), down.tolist()
    ([0.0, 0.5, 1.0], [0.75, 0.0])
    """
    up = _make_rising(checked_array("potentiation", potentiation, (None,)))
    down = _make_rising(checked_array("depression", depression, (None,))[::-1])
    least, span = min(up[0], down[0]), max(up[-1], down[-1]) - min(up[0], down[0])
    up, down = (low + (curve - least) / span * (high - low) for curve in (up, down))
    return as_states(up), as_falling(down[::-1])


def _make_rising(levels: FloatArray) -> FloatArray:
    least = 1e-4 * (levels.max() - levels.min())
    ramp = least * np.arange(len(levels))
    risen: FloatArray = np.maximum.accumulate(levels - ramp) + ramp
    return risen


def place_below(states: Singles, wanted: Singles) -> Places:
    """Return the place of the state at or below each wanted conductance, the last but one at most, the first at least.

    >>> place_below(linear_states(3, 0.0, 1.0), np.array([0.2, 0.5, 7.0], np.float32))
    array([0, 1, 1])
    """
    return np.clip(np.searchsorted(states, wanted, side="right") - 1, 0, len(states) - 2)


def nearest_state(states: Singles, wanted: Singles) -> Singles:
    """Return the state nearest to each wanted conductance, the lower of two as near.

    >>> nearest_state(linear_states(3, 0.0, 1.0), np.array([0.25, 0.26, 7.0], np.float32))
    array([0. , 0.5, 1. ], dtype=float32)
    """
    place = place_below(states, wanted)
    return np.where(wanted - states[place] <= states[place + 1] - wanted, states[place], states[place + 1])


def draw_state(states: Singles, wanted: Singles, chances: NDArray[np.uint64]) -> Singles:
    """Return one of the two states around each wanted conductance, so that the mean over chances is the wanted one.

    Parameters
    ----------
    states : ndarray of float32, shape (S,)
        Increasing, in siemens.
    wanted : ndarray of float32, shape (K,)
        Conductances within the range, in siemens.
    chances : ndarray of uint64, shape (K,)
        Random whole numbers below 2**32.
    """
    place = place_below(states, wanted)
    share = (wanted - states[place]) / (states[place + 1] - states[place])
    return np.where(chances.astype(np.float64) < share.astype(np.float64) * 2.0**32, states[place + 1], states[place])


def move_along(curve: Singles, conductances: Singles) -> Singles:
    """Return the conductances after a pulse along a measured curve.

    A conductance between two points of the curve moves the same share of the way between the next two; at its end it
    stays.

    Parameters
    ----------
    curve : ndarray of float32, shape (S,)
        Conductance after 0, 1, 2 ... pulses, in siemens: increasing for potentiation, decreasing for depression.
    conductances : ndarray of float32, shape (K,)
        Before the pulse, in siemens.
    """
    sign = np.float32(1) if curve[-1] > curve[0] else np.float32(-1)
    place = place_below(sign * curve, sign * conductances)
    share = (conductances - curve[place]) / (curve[place + 1] - curve[place])
    share = np.minimum(np.maximum(share, np.float32(0)), np.float32(1))
    last = len(curve) - 1
    start, end = curve[place + 1], curve[np.minimum(place + 2, last)]
    return start + share * (end - start)


def are_sent(chances: NDArray[np.uint64], probability: Singles) -> BoolArray:
    """Return which pulses (K,) are sent that have a probability, by random whole numbers below 2**32."""
    return chances.astype(np.float64) < probability.astype(np.float64) * 2.0**32
