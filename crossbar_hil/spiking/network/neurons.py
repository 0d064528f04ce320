"""Neurons of the output layer: leaky, with an adaptive threshold, lateral inhibition and refractoriness.

A perfect integrator (IF) is a leak time of infinity, a plain LIF neuron a threshold increment of zero. Numbers are
single precision, as in the published system, so that each engine gives the same spikes.
"""

import math
from dataclasses import dataclass, replace
from typing import NamedTuple, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from crossbar_hil.arrays import BoolArray
from crossbar_hil.errors import ConfigError

Singles: TypeAlias = NDArray[np.float32]
Steps: TypeAlias = NDArray[np.int32]
CONTESTS = ("last", "highest", "all")


@dataclass(frozen=True, slots=True)
class Neurons:
    """What all output neurons have in common.

    Raises
    ------
    ConfigError
        If a value is out of range.
    """

    threshold_v: float
    """Threshold of a fresh neuron and the lowest it can have, in volts."""
    increment_v: float
    """What an own spike adds to the threshold while training, in volts; 0 for a fixed threshold."""
    cap_v: float
    """Highest threshold, in volts; may be infinite."""
    threshold_decay_s: float
    """Time constant with which thresholds decay while training, in seconds; may be infinite."""
    leak_s: float
    """Time constant of the membrane, in seconds; infinite for a perfect integrator."""
    inhibition_v: float
    """What a spike takes from every other membrane, in volts."""
    own_refractory_s: float
    """How long the neuron that fired ignores its input, in seconds."""
    others_refractory_s: float
    """How long all others ignore theirs, in seconds."""
    gain_ohm: float = 1.0
    """Volts that one ampere during one step adds to the membrane."""
    contest: str = "last"
    """When several cross in one step: "last" in index order spikes, after the inhibition by the earlier ones (the
    published system); only the "highest" above its threshold; or "all"."""

    def __post_init__(self) -> None:
        for name in ("threshold_v", "cap_v", "threshold_decay_s", "leak_s", "gain_ohm"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name} {getattr(self, name)} of the neurons must be above zero")
        for name in ("increment_v", "inhibition_v", "own_refractory_s", "others_refractory_s"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ConfigError(f"{name} {getattr(self, name)} of the neurons must be finite and not negative")
        if self.cap_v < self.threshold_v:
            raise ConfigError(f"cap_v {self.cap_v} lies below the threshold of {self.threshold_v} V")
        if self.contest not in CONTESTS:
            raise ConfigError(f"contest {self.contest!r} is none of {', '.join(CONTESTS)}")

    def scaled(self, factor: float) -> Self:
        """Return the same neurons for currents that are `factor` times as large."""
        return replace(self, gain_ohm=self.gain_ohm / factor)


class NeuronSteps(NamedTuple):
    """The same numbers for one time step; volts in single precision, times in whole steps."""

    threshold: np.float32
    increment: np.float32
    cap: np.float32
    decay: np.float32
    leak: np.float32
    inhibition: np.float32
    own: np.int64
    others: np.int64
    gain: np.float32
    contest: np.int64


@dataclass(frozen=True, slots=True, eq=False)
class NeuronState:
    """Where N output neurons are."""

    membranes: Singles
    """(N,) volts above rest."""
    thresholds: Singles
    """(N,) volts."""
    refractory: Steps
    """(N,) steps for which the input is still ignored."""


def neurons_at_rest(count: int, neurons: Neurons) -> NeuronState:
    """Return `count` neurons at rest."""
    return NeuronState(
        np.zeros(count, np.float32), np.full(count, neurons.threshold_v, np.float32), np.zeros(count, np.int32)
    )


def reset_membranes(state: NeuronState) -> NeuronState:
    """Return the neurons at rest, with the thresholds that they have."""
    return NeuronState(np.zeros_like(state.membranes), state.thresholds, np.zeros_like(state.refractory))


def decay_factor(time_constant_s: float, step_s: float) -> float:
    """Return by what an exponential decay multiplies in one step.

    >>> decay_factor(float("inf"), 1e-3)
    1.0
    """
    return math.exp(-step_s / time_constant_s)


def whole_steps(time_s: float, step_s: float) -> int:
    """Return a time as a whole number of steps.

    Raises
    ------
    ConfigError
        If it is none.

    Examples
    --------
    >>> whole_steps(5e-3, 1e-3)
    5
    """
    steps = round(time_s / step_s)
    if not math.isclose(steps * step_s, time_s, rel_tol=1e-9, abs_tol=1e-15):
        raise ConfigError(f"{time_s:g} s is not a whole number of steps of {step_s:g} s")
    return steps


def in_steps(neurons: Neurons, step_s: float) -> NeuronSteps:
    """Return the numbers for steps of a length in seconds."""
    return NeuronSteps(
        np.float32(neurons.threshold_v),
        np.float32(neurons.increment_v),
        np.float32(neurons.cap_v),
        np.float32(decay_factor(neurons.threshold_decay_s, step_s)),
        np.float32(decay_factor(neurons.leak_s, step_s)),
        np.float32(neurons.inhibition_v),
        np.int64(whole_steps(neurons.own_refractory_s, step_s)),
        np.int64(whole_steps(neurons.others_refractory_s, step_s)),
        np.float32(neurons.gain_ohm),
        np.int64(CONTESTS.index(neurons.contest)),
    )


def integrate(state: NeuronState, currents: Singles, gains: Singles, numbers: NeuronSteps) -> NeuronState:
    """Return N neurons after one step of input, the leak of that step taken afterwards.

    Parameters
    ----------
    currents : ndarray of float32, shape (N,)
        Currents out of the columns, in amperes.
    gains : ndarray of float32, shape (N,)
        Volts per ampere and step of each neuron.
    """
    listening = state.refractory == 0
    membranes = np.where(listening, state.membranes + gains * currents, state.membranes)
    membranes = np.maximum(membranes, np.float32(0)) * numbers.leak
    return NeuronState(membranes, state.thresholds, np.where(listening, 0, state.refractory - 1).astype(np.int32))


def fire(state: NeuronState, numbers: NeuronSteps, *, learn: bool) -> tuple[NeuronState, BoolArray]:
    """Return N neurons after their threshold test, and which (N,) of them spiked.

    If they `learn` an own spike raises the threshold; it has not decayed yet: see `relax_thresholds`.
    """
    spikes = np.zeros(len(state.membranes), dtype=bool)
    crossing = state.membranes >= state.thresholds
    if not crossing.any():
        return state, spikes
    membranes, thresholds, refractory = state.membranes.copy(), state.thresholds.copy(), state.refractory.copy()
    contest = CONTESTS[numbers.contest]
    if contest == "highest":
        candidates = [int(np.argmax(np.where(crossing, membranes - thresholds, -np.inf)))]
    elif contest == "all":
        candidates = [int(j) for j in np.flatnonzero(crossing)]
    else:
        candidates = list(range(len(spikes)))
    for j in candidates:
        if contest == "last":
            if membranes[j] < thresholds[j]:
                continue
            spikes[:] = False
        spikes[j] = True
        others = np.arange(len(spikes)) != j
        if contest == "all":
            others &= ~crossing
        membranes[others] = np.maximum(membranes[others] - numbers.inhibition, np.float32(0))
        refractory[others] = np.maximum(refractory[others], numbers.others)
        membranes[j] = 0
        refractory[j] = numbers.own
        if learn:
            thresholds[j] += numbers.increment
    return NeuronState(membranes, thresholds, refractory), spikes


def relax_thresholds(state: NeuronState, numbers: NeuronSteps) -> NeuronState:
    """Return the neurons after their thresholds have decayed for a step and been held within floor and cap."""
    thresholds = np.minimum(np.maximum(state.thresholds * numbers.decay, numbers.threshold), numbers.cap)
    return NeuronState(state.membranes, thresholds, state.refractory)
