"""Simplified STDP: when an output neuron spikes, inputs that spiked lately gain and all others lose."""

import math
from dataclasses import dataclass, replace
from typing import NamedTuple, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from crossbar_hil.errors import ConfigError
from crossbar_hil.spiking.network.neurons import Singles, whole_steps

Times: TypeAlias = NDArray[np.int64]
NEVER = -(2**40)
"""Step of the last spike of an input that has not spiked."""


@dataclass(frozen=True, slots=True)
class Plasticity:
    """How much a synapse changes when its output neuron spikes.

    Raises
    ------
    ConfigError
        If a value is out of range.
    """

    gain_siemens: float
    """What an input gains that spiked in the same step."""
    loss_siemens: float
    """What an input loses that did not spike within the window."""
    fall_s: float
    """The gain falls exponentially with the age of the input spike, with this time constant in seconds."""
    window_s: float
    """Age up to which an input spike counts as recent, in seconds."""
    soft: bool = False
    """Whether a gain shrinks with the room left above, and a loss with the room left below."""
    wrap_steps: int | None = None
    """Steps after which the clock of the published system starts again at 0: inputs that spiked before it then count
    as not recent until they spike again. None, the sound choice, for a clock that goes on."""
    first_input_step: int = NEVER
    """When inputs that never spiked count as having spiked. The published system says 0, so they are recent in the
    first steps."""

    def __post_init__(self) -> None:
        for name in ("gain_siemens", "loss_siemens", "window_s"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ConfigError(f"{name} {getattr(self, name)} of the plasticity must be finite and not negative")
        if not self.fall_s > 0:
            raise ConfigError(f"fall_s {self.fall_s} of the plasticity must be above zero")
        if self.wrap_steps is not None and self.wrap_steps < 1:
            raise ConfigError(f"wrap_steps {self.wrap_steps} of the plasticity must be at least 1")

    def scaled(self, factor: float) -> Self:
        """Return the same plasticity for conductances that are `factor` times as large."""
        return replace(self, gain_siemens=self.gain_siemens * factor, loss_siemens=self.loss_siemens * factor)


class PlasticitySteps(NamedTuple):
    """The same numbers for one time step."""

    gains: Singles
    """(W + 1,) gain by the age of the input spike, 0 to W steps, in siemens."""
    loss: np.float32
    soft: bool
    wrap: np.int64
    """0 for a clock that goes on."""


def in_steps(plasticity: Plasticity, step_s: float) -> PlasticitySteps:
    """Return the numbers for steps of a length in seconds."""
    ages = np.arange(whole_steps(plasticity.window_s, step_s) + 1)
    return PlasticitySteps(
        (plasticity.gain_siemens * np.exp(-ages * (step_s / plasticity.fall_s))).astype(np.float32),
        np.float32(plasticity.loss_siemens),
        plasticity.soft,
        np.int64(plasticity.wrap_steps or 0),
    )


def next_step(now: int, numbers: PlasticitySteps) -> int:
    """Return the number of the next step on the clock of the traces.

    >>> next_step(10_000, in_steps(Plasticity(1.0, 1.0, 5e-3, 0.01, wrap_steps=10_000), 1e-3))
    0
    """
    return 0 if numbers.wrap and now + 1 > numbers.wrap else now + 1


def changes_by_age(last_inputs: Times, now: int, numbers: PlasticitySteps) -> Singles:
    """Return by how much the synapses of a neuron that just spiked should change, with hard bounds.

    Parameters
    ----------
    last_inputs : ndarray of int64, shape (K,)
        Step of the last spike of each input.

    Returns
    -------
    ndarray of float32, shape (K,)
        Changes in siemens. A spike in the future, which a clock that starts again makes, is not recent.
    """
    ages = now - last_inputs
    recent = (ages >= 0) & (ages < len(numbers.gains))
    return np.where(recent, numbers.gains[np.where(recent, ages, 0)], -numbers.loss).astype(np.float32)


def eased(changes: Singles, column: Singles, numbers: PlasticitySteps, low: np.float32, high: np.float32) -> Singles:
    """Return what is left of changes (K,), in siemens, of synapses within a range: less towards the ends if it is soft.

    Other arguments are those of `wanted_changes`.
    """
    if not numbers.soft:
        return changes
    room = np.float32(1) / (high - low)
    left: Singles = np.where(changes > 0, high - column, column - low) * room
    return changes * left


def wanted_changes(
    column: Singles, last_inputs: Times, now: int, numbers: PlasticitySteps, low: np.float32, high: np.float32
) -> Singles:
    """Return by how much the synapses of a neuron that just spiked should change, in siemens.

    Parameters
    ----------
    column : ndarray of float32, shape (K,)
        Conductances of its K synapses, in siemens; they matter to soft bounds only.
    last_inputs : ndarray of int64, shape (K,)
        Step of the last spike of each input.
    low, high : float32
        Ends of the range, in siemens.
    """
    return eased(changes_by_age(last_inputs, now, numbers), column, numbers, low, high)
