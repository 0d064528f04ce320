"""A network laid out for the compiled loop, one neuron after the other and padded, and back again."""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from crossbar_hil.arrays import BoolArray, IntArray
from crossbar_hil.spiking.network import neurons as cells
from crossbar_hil.spiking.network import plasticity as learning
from crossbar_hil.spiking.network.effects import (
    FLICKER_STEPS,
    SLOW,
    age_of,
    column_factors,
    conductances,
    drift_factors,
    left_after,
    step_quantiles,
    write_sigma,
)
from crossbar_hil.spiking.network.encoding import (
    NOISE_MEAN,
    NOISE_SCALE,
    READING,
    ROUNDING,
    SPIKES,
    Words,
    key,
    presentation_keys,
)
from crossbar_hil.spiking.network.model import NetworkState, SpikingModel
from crossbar_hil.spiking.network.neurons import Singles
from crossbar_hil.spiking.network.states import UPDATE_SCHEMES
from crossbar_hil.spiking.network.stepwise import Presentation, Showing, check_images, chosen_neurons
from crossbar_hil.spiking.network.updates import TINY

NONE = np.empty((0, 0), np.float32)
NO_MASK = np.empty((0, 0), np.bool_)
NO_STATES = np.empty(0, np.float32)


class Layout(NamedTuple):
    """Arguments of the compiled loop, which changes the arrays in place. Meanings and shapes as in `kernel.show`."""

    images: Words
    keys: Words
    numbers: Any
    updates: Any
    change_by_age: Singles
    states: Singles
    falling: Singles
    weights: Singles
    kept: Singles
    factors: Singles
    stuck: BoolArray
    read: Singles
    balances: Singles
    gain: Singles
    lasting: Singles
    offsets: Singles
    membranes: Singles
    thresholds: Singles
    refractory: NDArray[np.int32]
    last_inputs: IntArray
    clock: IntArray
    counts: IntArray
    raster: BoolArray
    state: NetworkState
    """Where the network stood before."""
    learn: bool
    effects: Any
    """A `cell_effects.Effects`; None if there are none."""

    def arguments(self) -> tuple[Any, ...]:
        """Return what the loop takes, in its order, up to `raster`."""
        return self[: self._fields.index("state")]

    def presentation(self) -> Presentation:
        """Return the outcome once the loop is through."""
        from . import kernel  # noqa: PLC0415 - numba takes long to import

        outputs = len(self.weights)
        after = NetworkState(
            self.weights.T.copy(),
            None if self.state.kept is None else self.kept.T.copy(),
            self.balances[:outputs].copy(),
            cells.NeuronState(
                self.membranes[:outputs].copy(), self.thresholds[:outputs].copy(), self.refractory[:outputs].copy()
            ),
            self.last_inputs,
            int(self.clock[kernel.NOW]),
            self.state.presented,
        )
        if self.learn:
            after = replace(after, presented=self.state.presented + len(self.images))
        return Presentation(after, self.counts, self.raster)


def lay_out(model: SpikingModel, state: NetworkState, images: Words, showing: Showing) -> Layout:
    """Lay out a network that is to be shown (P, K) spike probabilities; a DataError if they do not fit the model."""
    from . import columns, kernel  # noqa: PLC0415 - numba takes long to import

    check_images(model, images)
    count, outputs = len(images), model.outputs
    width = -(-outputs // kernel.LANES) * kernel.LANES
    neurons = cells.in_steps(chosen_neurons(model, showing.learn), model.step_s)
    plasticity = learning.in_steps(model.plasticity, model.step_s)
    synapses = model.synapses
    numbers = kernel.Numbers(
        neurons.increment, neurons.cap, neurons.threshold, neurons.decay, neurons.leak, neurons.inhibition,
        neurons.own, neurons.others, neurons.contest, np.float32(model.spike_v),
        np.float32(model.cells.read_noise), NOISE_MEAN, NOISE_SCALE, plasticity.wrap, np.int64(learning.NEVER),
        np.int64(showing.steps), showing.learn, showing.reset, showing.record,
    )  # fmt: skip
    updates = columns.UpdateNumbers(
        np.int64(UPDATE_SCHEMES.index(synapses.update_scheme)), synapses.column_siemens is not None, plasticity.soft,
        np.float32(synapses.low_siemens), np.float32(synapses.high_siemens),
        np.float32(synapses.column_siemens or 0), neurons.gain, TINY,
    )  # fmt: skip
    factors = model.cells.factors
    read = np.zeros((model.inputs + 1, width), np.float32)
    read[:-1, :outputs] = conductances(model, state.weights, state.presented)
    balances = pad(state.gains, width, 1)
    clock = np.zeros(6, np.int64)
    clock[kernel.NOW] = state.now
    purposes, where = (SPIKES, ROUNDING, READING), (showing.seed, showing.stream, showing.first)
    return Layout(
        state=state,
        learn=showing.learn,
        images=images.copy(),
        keys=np.stack([presentation_keys(*where, count, purpose) for purpose in purposes]),
        numbers=numbers,
        updates=updates,
        change_by_age=np.append(plasticity.gains, -plasticity.loss),
        states=NO_STATES if synapses.states is None else synapses.states.copy(),
        falling=NO_STATES if synapses.falling is None else synapses.falling.copy(),
        weights=state.weights.T.copy(),
        kept=NONE if state.kept is None else state.kept.T.copy(),
        factors=NONE if factors is None else factors.T.copy(),
        stuck=NO_MASK if model.cells.stuck is None else model.cells.stuck.T.copy(),
        read=read,
        balances=balances,
        gain=balances * neurons.gain,
        lasting=column_factors(model.cells, *where, count, outputs) if model.cells.column_noise else NONE,
        offsets=NO_STATES if model.cells.offsets is None else model.cells.offsets.astype(np.float32),
        membranes=pad(state.neurons.membranes, width, 0),
        thresholds=pad(state.neurons.thresholds, width, np.inf),
        refractory=pad(state.neurons.refractory, width, 0),
        last_inputs=state.last_inputs.copy(),
        clock=clock,
        counts=np.zeros((count, outputs), np.int64),
        raster=np.zeros((count, showing.steps, outputs) if showing.record else (0, 0, 0), np.bool_),
        effects=_effects(model, state, showing),
    )


def _effects(model: SpikingModel, state: NetworkState, showing: Showing) -> Any:
    """Return the effects of a model's cells for the compiled loop; None if none of them shows.

    So most tests are shown by the loop without effects, which is there for other trainings and sooner compiled.
    """
    from . import cell_effects  # noqa: PLC0415 - numba takes long to import

    cells = model.cells
    if not (cells.fluctuates or (showing.learn and cells.strays)):
        return None
    slow = key(showing.seed, showing.stream, SLOW)
    none = np.empty((0, 0))
    drifts = none if cells.drifts is None else np.ascontiguousarray(cells.drifts.T)
    factors = NONE if cells.drifts is None else drift_factors(cells.drifts, age_of(cells, state.presented))
    return cell_effects.Effects(
        quantiles=step_quantiles(cells.step_variation),
        write_sigma=write_sigma(cells, model.synapses),
        disturb=np.float32(cells.disturb),
        left=left_after(1, cells),
        ages=cells.ages,
        shapes=none if cells.shapes is None else np.ascontiguousarray(cells.shapes.T),
        drifts=drifts,
        age=np.float64(age_of(cells, state.presented)),
        telegraph=np.float32(cells.telegraph),
        telegraph_below=np.uint64(round(cells.telegraph_share * 2.0**32)),
        telegraph_steps=np.int64(cells.telegraph_steps),
        flicker=np.float32(cells.flicker),
        flicker_steps=np.array(FLICKER_STEPS, np.int64),
        slow_keys=np.array([slow, *(key(slow, process) for process in range(len(FLICKER_STEPS)))], np.uint64),
        step_keys=np.zeros(1 + len(FLICKER_STEPS), np.uint64),
        first=np.int64(showing.first),
        drifted=np.zeros((0, 0), np.float32) if cells.drifts is None else np.ascontiguousarray(factors.T),
    )


def pad(values: NDArray[Any], width: int, fill: float) -> NDArray[Any]:
    """Return one-dimensional values, filled up to a width.

    >>> pad(np.array([1.0]), 2, 0.5)
    array([1. , 0.5])
    """
    out = np.full(width, fill, values.dtype)
    out[: len(values)] = values
    return out
