"""What a spiking network is made of, and where it stands: two records that never change."""

from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np

from crossbar_hil import defaults
from crossbar_hil.arrays import BoolArray, FloatArray
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
    """How the devices of a crossbar differ from ideal ones; `crossbar_hil.spiking.network.effects` has the formulas.

    Raises
    ------
    ConfigError
        If a number is out of range.
    """

    stuck: BoolArray | None = None
    """(K, N) cells whose conductance no update changes."""
    factors: Singles | None = None
    """(K, N) factor between the conductance that a cell was given and the one it has."""
    read_noise: float = 0.0
    """Standard deviation of the current of a column, as a share of the current, anew at every step."""
    held: Singles | None = None
    """(K, N) conductances in siemens at which stuck cells start; NaN, and the other cells, start as they would."""
    shapes: FloatArray | None = None
    """(K, N) exponent that bends the way of a cell through its range."""
    step_variation: float = 0.0
    """Standard deviation of what a pulse changes, as a share of it, from pulse to pulse."""
    write_noise: float = 0.0
    """Standard deviation of what each pulse misses by, as a share of the range."""
    disturb: float = 0.0
    """Share of what pulses change by which the other cells of their row and column change too."""
    relaxation_images: float = np.inf
    """Training images in which what a cell has above the low end falls to 1/e."""
    drifts: FloatArray | None = None
    """(K, N) exponent of time with which a conductance falls."""
    drift_from: int = 0
    """Training images after which that begins."""
    waited_images: float = 0.0
    """Time since the last training image, in training images."""
    column_noise: float = 0.0
    """Standard deviation of the current of a column, as a share of it, the same for all steps of an image."""
    offsets: Singles | None = None
    """(N,) what is added to each reading of a column, in amperes."""
    telegraph: float = 0.0
    """By which share a cell conducts more while it is high."""
    telegraph_share: float = defaults.TELEGRAPH_SHARE
    """Share of the time in which it is."""
    telegraph_steps: int = 1
    """Steps after which whether a cell is high is drawn anew."""
    flicker: float = 0.0
    """Standard deviation of 1/f noise of a cell's current, as a share of it."""

    def __post_init__(self) -> None:
        if not 0 <= self.read_noise < np.inf:
            raise ConfigError(f"read noise {self.read_noise} must be finite and not negative")
        for name in ("step_variation", "write_noise", "column_noise", "waited_images", "telegraph"):
            if not 0 <= (value := getattr(self, name)) < np.inf:
                raise ConfigError(f"{name} {value} of the cells must be finite and not negative")
        for name in ("disturb", "telegraph_share", "flicker"):
            if not 0 <= (value := getattr(self, name)) <= 1:
                raise ConfigError(f"{name} {value} of the cells is a share, it must lie between 0 and 1")
        if not self.relaxation_images > 0:
            raise ConfigError(f"relaxation_images {self.relaxation_images} of the cells must be above zero")
        if self.telegraph_steps < 1:
            raise ConfigError(f"telegraph_steps {self.telegraph_steps} of the cells must be at least 1")

    def scaled(self, factor: float) -> Self:
        """Return the same cells for conductances that are `factor` times as large."""

        def times(values: Singles | None) -> Singles | None:
            return None if values is None else values * np.float32(factor)

        return replace(self, held=times(self.held), offsets=times(self.offsets))

    @property
    def ages(self) -> bool:
        """Whether conductances change with time."""
        return self.relaxation_images < np.inf or self.drifts is not None

    @property
    def strays(self) -> bool:
        """Whether pulses and time leave other conductances than pulses are to."""
        return self.ages or self.shapes is not None or any((self.step_variation, self.write_noise, self.disturb))

    @property
    def fluctuates(self) -> bool:
        """Whether single cells have noise of their own."""
        return self.telegraph > 0 or self.flicker > 0


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
        for name in ("stuck", "factors", "held", "shapes", "drifts"):
            array = getattr(self.cells, name)
            if array is not None and array.shape != (self.inputs, self.outputs):
                raise ConfigError(f"{name} cells have shape {array.shape}, expected {(self.inputs, self.outputs)}")
        if self.cells.offsets is not None and self.cells.offsets.shape != (self.outputs,):
            raise ConfigError(f"offsets have shape {self.cells.offsets.shape}, expected {(self.outputs,)}")

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
            cells=self.cells.scaled(factor),
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
    synapses, shape = model.synapses, (model.inputs, model.outputs)
    mean = synapses.initial_mean * synapses.high_siemens
    if synapses.initial_spread:
        drawn = mean * np.exp(synapses.initial_spread * rng.standard_normal(shape))
    else:
        drawn = rng.normal(mean, synapses.initial_sd * synapses.high_siemens, shape)
    weights = drawn.clip(synapses.low_siemens, synapses.high_siemens).astype(np.float32)
    if model.cells.held is not None and model.cells.stuck is not None:
        weights = np.where(model.cells.stuck & ~np.isnan(model.cells.held), model.cells.held, weights)
    return state_with(model, weights)


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
