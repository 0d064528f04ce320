"""The network step by step in pure functions: slow, plain, and what faster engines must agree with."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from crossbar_hil.arrays import BoolArray, IntArray
from crossbar_hil.errors import DataError
from crossbar_hil.spiking.network import neurons as cells
from crossbar_hil.spiking.network import plasticity as learning
from crossbar_hil.spiking.network.effects import column_factors, conductances, flutter, relaxed
from crossbar_hil.spiking.network.encoding import (
    READING,
    ROUNDING,
    SPIKES,
    Words,
    key,
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


class Moment(NamedTuple):
    """Where a step stands: what random numbers are computed from."""

    seed: int
    stream: int
    """One of `encoding.TRAINING`, `LABELLING`, `TESTING`."""
    image: int
    """Presentation number."""
    step: int
    steps: int
    """Of each image."""

    @property
    def place(self) -> int:
        """Steps before it, counted through all images of the stream."""
        return self.image * self.steps + self.step

    def key(self, purpose: int) -> int:
        """Return the key of the random numbers of this step for a purpose."""
        return step_key(key(self.seed, self.stream, self.image, purpose), self.step)


class StepwiseEngine:
    """Shows images by one call of a pure function after another.

    Parameters
    ----------
    product : callable
        How conductances and spikes become currents; the ideal crossbar unless another is given.
    update : callable
        How the synapses of a neuron that spiked change; computed unless another is given.
    begin : callable, optional
        Told of every step before it is done.
    """

    def __init__(
        self,
        product: Product = ideal_currents,
        update: ColumnUpdate = update_column,
        begin: Callable[[Moment], None] = lambda _: None,
    ) -> None:
        self.product = product
        self.update = update
        self.begin = begin

    def show(self, model: SpikingModel, state: NetworkState, images: Shown, showing: Showing) -> Presentation:
        """Return the network after it was shown images, as spike probabilities or trains, and its output spikes."""
        trains = trains_of(model, images)
        count = len(trains)
        spike_keys = presentation_keys(showing.seed, showing.stream, showing.first, count, SPIKES)
        counts = np.zeros((count, model.outputs), np.int64)
        raster = np.zeros((count, showing.steps, model.outputs) if showing.record else (0, 0, 0), bool)
        lasting = column_factors(model.cells, showing.seed, showing.stream, showing.first, count, model.outputs)
        reading = Reading(model, self.product)
        neurons = cells.in_steps(chosen_neurons(model, showing.learn), model.step_s)
        plasticity = learning.in_steps(model.plasticity, model.step_s)
        for image in range(count):
            if showing.reset:
                state = at_rest(state)
            if showing.learn and model.cells.relaxation_images < np.inf:
                state = replace(state, weights=relaxed(state.weights, 1, model))
            for step in range(showing.steps):
                moment = Moment(showing.seed, showing.stream, showing.first + image, step, showing.steps)
                self.begin(moment)
                spikes_in = trains.spikes(image, int(spike_keys[image]), step)
                currents = reading.currents(state, spikes_in, moment, lasting[image])
                layer = cells.integrate(state.neurons, currents, state.gains * neurons.gain, neurons)
                layer, spikes = cells.fire(layer, neurons, learn=showing.learn)
                now = learning.next_step(state.now, plasticity)
                if showing.learn:
                    state = replace(state, now=now, last_inputs=np.where(spikes_in, now, state.last_inputs))
                    state = self._learn(model, plasticity, state, spikes, moment)
                    layer = cells.relax_thresholds(layer, neurons)
                state = replace(state, now=now, neurons=layer)
                counts[image] += spikes
                if showing.record:
                    raster[image, step] = spikes
            if showing.learn:
                state = replace(state, presented=state.presented + 1)
        return Presentation(state, counts, raster)

    def _learn(
        self,
        model: SpikingModel,
        plasticity: learning.PlasticitySteps,
        state: NetworkState,
        spikes: BoolArray,
        moment: Moment,
    ) -> NetworkState:
        """Return the network after the synapses of the neurons that spiked have changed."""
        for column in np.flatnonzero(spikes):
            rounding_key = step_key(moment.key(ROUNDING), int(column))
            state = self.update(state, model, plasticity, int(column), rounding_key)
        return state


class Reading:
    """Currents of the columns as they are read, with all that a model's cells do to them.

    Conductances that cells have are worked out again when those that they were given, or the image, have changed.
    """

    def __init__(self, model: SpikingModel, product: Product) -> None:
        self._model, self._product = model, product
        self._given: tuple[Singles, int] | None = None
        self._found: Singles

    def currents(self, state: NetworkState, spikes: BoolArray, moment: Moment, lasting: Singles) -> Singles:
        """Return the currents (N,) of one step, in amperes; `lasting` are factors (N,) that last for an image."""
        model = self._model
        if self._given is None or self._given[0] is not state.weights or self._given[1] != state.presented:
            self._given = state.weights, state.presented
            self._found = conductances(model, state.weights, state.presented)
        return read_currents(model, self._found, spikes, model.spike_v, self._product, moment, lasting)


def read_currents(
    model: SpikingModel,
    has: Singles,
    spikes: BoolArray,
    spike_v: float,
    product: Product,
    moment: Moment,
    lasting: Singles,
) -> Singles:
    """Return the currents (N,) that are read in one step, in amperes, with all noise.

    Parameters
    ----------
    has : ndarray of float32, shape (K, N)
        Conductances that the cells have, in siemens.
    spikes : ndarray of bool, shape (K,)
        Rows that are driven.
    lasting : ndarray of float32, shape (N,)
        Factors of currents that last for an image.
    """
    noisy = model.cells
    if noisy.fluctuates:
        rows, has = np.flatnonzero(spikes), has.copy()
        has[rows] *= flutter(noisy, moment.seed, moment.stream, moment.place, rows, model.outputs)
    currents = product(has, spikes, spike_v)
    if noisy.column_noise:
        currents = currents * lasting
    if noisy.read_noise:
        noise = np.float32(noisy.read_noise) * normal_numbers(moment.key(READING), model.outputs)
        currents = currents * (np.float32(1) + noise)
    if noisy.offsets is not None and spikes.any():  # what is not read has no offset
        currents = currents + noisy.offsets
    return currents


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
