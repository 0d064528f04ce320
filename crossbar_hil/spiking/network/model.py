"""What a spiking network is made of, and where it stands: two records that never change."""

from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np

from crossbar_hil.arrays import BoolArray
from crossbar_hil.errors import ConfigError, DataError
from crossbar_hil.spiking.network.neurons import (
    Neurons,
    NeuronState,
    Singles,
    in_steps,
    neurons_at_rest,
    reset_membranes,
)
from crossbar_hil.spiking.network.plasticity import NEVER, Plasticity, Times
from crossbar_hil.spiking.network.states import Synapses, nearest_state


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """How the devices of a crossbar differ from ideal ones."""

    stuck: BoolArray | None = None
    """(K, N) cells whose conductance no update changes."""
    factors: Singles | None = None
    """(K, N) factor between the conductance that a cell was given and the one it has."""
    read_noise: float = 0.0
    """Standard deviation of the current of a column, as a share of the current, anew at every step."""

    def __post_init__(self) -> None:
        if not 0 <= self.read_noise < np.inf:
            raise ConfigError(f"read noise {self.read_noise} must be finite and not negative")


@dataclass(frozen=True, slots=True)
class SpikingModel:
    """A layer of K inputs, a crossbar of K rows and N columns, and N competing neurons.

    Raises
    ------
    ConfigError
        If a size or a voltage is out of range, or a time is not a whole number of steps.
    """

    inputs: int
    outputs: int
    neurons: Neurons
    plasticity: Plasticity
    synapses: Synapses
    test_neurons: Neurons | None = None
    """Neurons while weights are fixed, for labels and tests; those of the training if not given."""
    cells: Cells = field(default_factory=Cells)
    step_s: float = 1e-3
    """Length of a time step, in seconds."""
    spike_v: float = 1.0
    """Height of an input spike, in volts."""
    rest_between: bool = False
    """Whether membranes, refractoriness and traces start afresh with every training image."""

    def __post_init__(self) -> None:
        if self.inputs < 1 or self.outputs < 1:
            raise ConfigError(
                f"a network of {self.inputs} inputs and {self.outputs} outputs needs one of each at least"
            )
        if not 0 < self.spike_v < np.inf:
            raise ConfigError(f"spike_v {self.spike_v} must be finite and above zero")
        in_steps(self.neurons, self.step_s)
        if self.test_neurons is not None:
            in_steps(self.test_neurons, self.step_s)
        for name in ("stuck", "factors"):
            array = getattr(self.cells, name)
            if array is not None and array.shape != (self.inputs, self.outputs):
                raise ConfigError(f"{name} cells have shape {array.shape}, expected {(self.inputs, self.outputs)}")

    def scaled(self, factor: float) -> Self:
        """Return the same network with conductances `factor` times as large, and the gain of the neurons as much less.

        A power of two changes no rounding, so the scaled network spikes exactly as this one.
        """
        return replace(
            self,
            neurons=self.neurons.scaled(factor),
            test_neurons=None if self.test_neurons is None else self.test_neurons.scaled(factor),
            plasticity=self.plasticity.scaled(factor),
            synapses=self.synapses.scaled(factor),
        )


@dataclass(frozen=True, slots=True, eq=False)
class NetworkState:
    """Where a network stands."""

    weights: Singles
    """(K, N) conductances that the cells were given, in siemens."""
    kept: Singles | None
    """(K, N) what the controller remembers of them under the update scheme "carry"."""
    gains: Singles
    """(N,) factor on the current of each column, 1 unless balanced or compensated."""
    neurons: NeuronState
    last_inputs: Times
    """(K,) step of the last spike of each input."""
    now: int = 0
    """Steps so far, on the clock of the traces."""
    presented: int = 0
    """Training images so far."""

    def with_synapses(self, weights: Singles, kept: Singles | None, gains: Singles) -> "NetworkState":
        """Return the state with other synapses."""
        return replace(self, weights=weights, kept=kept, gains=gains)


def initial_state(model: SpikingModel, rng: np.random.Generator) -> NetworkState:
    """Draw the initial conductances of a network at rest."""
    synapses = model.synapses
    drawn = rng.normal(
        synapses.initial_mean * synapses.high_siemens,
        synapses.initial_sd * synapses.high_siemens,
        (model.inputs, model.outputs),
    )
    return state_with(model, drawn.clip(synapses.low_siemens, synapses.high_siemens).astype(np.float32))


def state_with(model: SpikingModel, weights: Singles) -> NetworkState:
    """Return a network at rest with given conductances.

    Raises
    ------
    DataError
        If the conductances have a wrong shape or lie outside the range.
    """
    low, high = np.float32(model.synapses.low_siemens), np.float32(model.synapses.high_siemens)
    if weights.shape != (model.inputs, model.outputs):
        raise DataError(f"weights have shape {weights.shape}, expected {(model.inputs, model.outputs)}")
    if not ((weights >= low) & (weights <= high)).all():
        raise DataError(f"weights from {weights.min():g} S to {weights.max():g} S must lie in {low:g} S to {high:g} S")
    weights = weights.astype(np.float32)
    kept = weights.copy() if model.synapses.update_scheme == "carry" else None
    if model.synapses.states is not None and model.synapses.start_on_states:
        weights = nearest_state(model.synapses.states, weights)
    return NetworkState(
        weights,
        kept,
        np.ones(model.outputs, np.float32),
        neurons_at_rest(model.outputs, model.neurons),
        np.full(model.inputs, model.plasticity.first_input_step, np.int64),
    )


def at_rest(state: NetworkState) -> NetworkState:
    """Return the network with membranes, refractoriness and traces cleared; weights and thresholds stay."""
    return replace(
        state, neurons=reset_membranes(state.neurons), last_inputs=np.full(len(state.last_inputs), NEVER, np.int64)
    )
