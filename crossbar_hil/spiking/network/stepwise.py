"""The network step by step in pure functions: slow, plain, and what faster engines must agree with."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from crossbar_hil.arrays import BoolArray, IntArray
from crossbar_hil.errors import DataError
from crossbar_hil.spiking.network import neurons as cells
from crossbar_hil.spiking.network import plasticity as learning
from crossbar_hil.spiking.network.encoding import (
    READING,
    ROUNDING,
    SPIKES,
    Words,
    normal_numbers,
    presentation_keys,
    step_key,
)
from crossbar_hil.spiking.network.model import NetworkState, SpikingModel, at_rest
from crossbar_hil.spiking.network.neurons import Singles
from crossbar_hil.spiking.network.trains import Rates, Shown, Trains
from crossbar_hil.spiking.network.updates import update_column

Raster: TypeAlias = NDArray[np.bool_]
Product: TypeAlias = Callable[[Singles, BoolArray, float], Singles]
"""(K, N) conductances, (K,) spiking inputs, their height in volts -> (N,) currents in amperes."""
ColumnUpdate: TypeAlias = Callable[[NetworkState, SpikingModel, learning.PlasticitySteps, int, int], NetworkState]
"""What a spike does to the synapses of its neuron: arguments as `updates.update_column` has them."""


@dataclass(frozen=True, slots=True, eq=False)
class Presentation:
    """What came out when images were shown."""

    state: NetworkState
    """The network afterwards."""
    counts: IntArray
    """(P, N) spikes of each neuron during each image."""
    raster: Raster
    """(P, T, N) output spikes of every step if asked for, else empty."""


@dataclass(frozen=True, slots=True)
class Showing:
    """How images are shown."""

    steps: int
    """Steps for each image."""
    seed: int
    stream: int
    """One of `encoding.TRAINING`, `LABELLING`, `TESTING`."""
    first: int = 0
    """Presentation number of the first image; another number draws other spikes."""
    learn: bool = False
    """Whether weights and thresholds change."""
    reset: bool = False
    """Whether membranes, refractoriness and traces start afresh with every image."""
    record: bool = False
    """Whether every output spike is recorded, not only their counts."""


class Engine(Protocol):
    """Whatever can show images to a network."""

    def show(self, model: SpikingModel, state: NetworkState, images: Shown, showing: Showing) -> Presentation:
        """Return the network after it was shown images, given as (P, K) spike probabilities, and its output spikes.

        A DataError if they do not fit the model or a wire resistance is none; a BackendError if no circuit settles.
        """


def ideal_currents(conductances: Singles, spikes: BoolArray, spike_v: float) -> Singles:
    """Return the column currents of a crossbar with perfect wires, rows added in order.

    >>> ideal_currents(np.array([[1, 2], [4, 8]], np.float32), np.array([True, True]), 0.5)
    array([2.5, 5. ], dtype=float32)
    """
    total = np.zeros(conductances.shape[1], np.float32)
    for row in np.flatnonzero(spikes):
        total += conductances[row]
    return total * np.float32(spike_v)


class StepwiseEngine:
    """Shows images by one call of a pure function after another.

    Parameters
    ----------
    product : callable
        How conductances and spikes become currents; the ideal crossbar unless another is given.
    update : callable
        How the synapses of a neuron that spiked change; computed unless another is given.
    """

    def __init__(self, product: Product = ideal_currents, update: ColumnUpdate = update_column) -> None:
        self.product = product
        self.update = update

    def show(self, model: SpikingModel, state: NetworkState, images: Shown, showing: Showing) -> Presentation:
        """Return the network after it was shown images, as spike probabilities or trains, and its output spikes."""
        trains = trains_of(model, images)
        count = len(trains)
        keys = [
            presentation_keys(showing.seed, showing.stream, showing.first, count, purpose)
            for purpose in (SPIKES, ROUNDING, READING)
        ]
        counts = np.zeros((count, model.outputs), np.int64)
        raster = np.zeros((count, showing.steps, model.outputs) if showing.record else (0, 0, 0), bool)
        for image in range(count):
            if showing.reset:
                state = at_rest(state)
            for step in range(showing.steps):
                rounding_key, reading_key = (step_key(int(key[image]), step) for key in keys[1:])
                spikes_in = trains.spikes(image, int(keys[0][image]), step)
                state, spikes = self._step(model, state, spikes_in, showing.learn, rounding_key, reading_key)
                counts[image] += spikes
                if showing.record:
                    raster[image, step] = spikes
        if showing.learn:
            state = replace(state, presented=state.presented + count)
        return Presentation(state, counts, raster)

    def _step(
        self,
        model: SpikingModel,
        state: NetworkState,
        spikes_in: BoolArray,
        learn: bool,
        rounding_key: int,
        reading_key: int,
    ) -> tuple[NetworkState, BoolArray]:
        neurons = cells.in_steps(chosen_neurons(model, learn), model.step_s)
        plasticity = learning.in_steps(model.plasticity, model.step_s)
        read = state.weights if model.cells.factors is None else state.weights * model.cells.factors
        currents = self.product(read, spikes_in, model.spike_v)
        if model.cells.read_noise:
            noise = np.float32(model.cells.read_noise) * normal_numbers(reading_key, model.outputs)
            currents = currents * (np.float32(1) + noise)
        state = replace(state, now=learning.next_step(state.now, plasticity))
        layer = cells.integrate(state.neurons, currents, state.gains * neurons.gain, neurons)
        if learn:
            state = replace(state, last_inputs=np.where(spikes_in, state.now, state.last_inputs))
        layer, spikes = cells.fire(layer, neurons, learn=learn)
        if learn:
            for column in np.flatnonzero(spikes):
                state = self.update(state, model, plasticity, int(column), step_key(rounding_key, int(column)))
            layer = cells.relax_thresholds(layer, neurons)
        return replace(state, neurons=layer), spikes


def chosen_neurons(model: SpikingModel, learn: bool) -> cells.Neurons:
    """Return the neurons for training, or those for tests where they differ."""
    return model.neurons if learn or model.test_neurons is None else model.test_neurons


def trains_of(model: SpikingModel, images: Shown) -> Trains:
    """Return images as trains; a DataError if they are not of the model's inputs."""
    if isinstance(images, np.ndarray):
        check_images(model, images)
        return Rates(images)
    if images.inputs != model.inputs:
        raise DataError(f"trains are of {images.inputs} inputs, expected {model.inputs}")
    return images


def check_images(model: SpikingModel, images: Words) -> None:
    """Refuse, by a DataError, images that are not (P, K) spike probabilities of the model's inputs."""
    if images.ndim != 2 or images.shape[1] != model.inputs or images.dtype != np.uint64:
        raise DataError(
            f"images have shape {images.shape} and type {images.dtype}, expected spike probabilities of shape "
            f"(*, {model.inputs})"
        )
