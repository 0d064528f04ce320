"""One column of synapses after a spike of its neuron: wanted changes, put on states, held, balanced."""

import numpy as np

from crossbar_hil.spiking.network.encoding import random_words
from crossbar_hil.spiking.network.model import NetworkState, SpikingModel
from crossbar_hil.spiking.network.neurons import Singles
from crossbar_hil.spiking.network.plasticity import PlasticitySteps, wanted_changes
from crossbar_hil.spiking.network.states import draw_state, nearest_state, pulse_along


def update_column(
    state: NetworkState, model: SpikingModel, numbers: PlasticitySteps, column: int, key: int
) -> NetworkState:
    """Return the network after the synapses of the neuron of a column, which spiked in this step, have learnt.

    Updates by chance have a random key.
    """
    synapses = model.synapses
    low, high = np.float32(synapses.low_siemens), np.float32(synapses.high_siemens)
    weights, kept, gains = state.weights.copy(), state.kept, state.gains
    before = weights[:, column] if kept is None else kept[:, column]
    changes = wanted_changes(before, state.last_inputs, state.now, numbers, low, high)
    after = np.minimum(np.maximum(before + changes, low), high)
    stuck = None if model.cells.stuck is None else model.cells.stuck[:, column]
    if kept is not None:
        kept = kept.copy()
        kept[:, column] = after
    if synapses.states is not None:
        if synapses.update_scheme == "stochastic":
            after = draw_state(synapses.states, after, random_words(key, len(after)))
        elif synapses.update_scheme == "pulse" and synapses.falling is not None:
            chances = random_words(key, len(after))
            up = pulse_along(synapses.states, before, chances, changes / mean_pulse(synapses.states))
            down = pulse_along(synapses.falling, before, chances, changes / mean_pulse(synapses.falling))
            after = np.where(changes > 0, up, down)
        else:
            after = nearest_state(synapses.states, after)
    weights[:, column] = after if stuck is None else np.where(stuck, weights[:, column], after)
    if synapses.column_siemens is not None:
        read = weights[:, column]
        read = read if model.cells.factors is None else read * model.cells.factors[:, column]
        gains = gains.copy()
        added = np.add.accumulate(read)[-1]  # row by row in single precision, as the compiled path does
        gains[column] = np.float32(synapses.column_siemens) / np.maximum(added, TINY)
    return state.with_synapses(weights, kept, gains)


def mean_pulse(curve: Singles) -> np.float32:
    """Return the mean change by one pulse along a curve, in siemens, negative for depression."""
    return (curve[-1] - curve[0]) / np.float32(len(curve) - 1)


TINY = np.float32(1e-30)
"""A column of no conductance is balanced as if it had this one: it carries no current either way."""
