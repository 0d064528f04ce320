"""One column of synapses after a spike of its neuron: wanted changes, put on states, held, balanced."""

import numpy as np

from crossbar_hil.arrays import BoolArray
from crossbar_hil.spiking.network.effects import conductances, disturbed, held_within, missed, varied
from crossbar_hil.spiking.network.encoding import random_words
from crossbar_hil.spiking.network.model import NetworkState, SpikingModel
from crossbar_hil.spiking.network.neurons import Singles
from crossbar_hil.spiking.network.plasticity import PlasticitySteps, changes_by_age, eased
from crossbar_hil.spiking.network.states import Synapses, are_sent, draw_state, move_along, nearest_state


def update_column(
    state: NetworkState, model: SpikingModel, numbers: PlasticitySteps, column: int, key: int
) -> NetworkState:
    """Return the network after the synapses of the neuron of a column, which spiked in this step, have learnt.

    Updates by chance, and what pulses do by chance, have a random key.
    """
    synapses, cells = model.synapses, model.cells
    low, high = np.float32(synapses.low_siemens), np.float32(synapses.high_siemens)
    weights, kept, gains = state.weights.copy(), state.kept, state.gains
    before = weights[:, column].copy()
    known = before if kept is None else kept[:, column]
    hard = changes_by_age(state.last_inputs, state.now, numbers)
    changes = eased(hard, known, numbers, low, high)
    if kept is not None:
        kept = kept.copy()
        kept[:, column] = held_within(known + changes, synapses)
    if synapses.update_scheme == "pulse":
        pulsed = sent_pulses(synapses, changes, key)
        after = np.where(pulsed, pulse_cells(model, before, changes > 0, key), before)
    else:
        pulsed = hard != 0
        after = change_cells(model, known, changes, key)
    after = missed(after, pulsed, cells, synapses, key)
    stuck = None if cells.stuck is None else cells.stuck[:, column]
    weights[:, column] = after if stuck is None else np.where(stuck, before, after)
    if cells.disturb:
        weights = disturbed(weights, before, column, cells, synapses)
    if synapses.column_siemens is not None:
        read = conductances(model, weights, state.presented)[:, column]
        gains = gains.copy()
        added = np.add.accumulate(read)[-1]  # row by row in single precision, as the compiled path does
        gains[column] = np.float32(synapses.column_siemens) / np.maximum(added, TINY)
    return state.with_synapses(weights, kept, gains)


def change_cells(model: SpikingModel, before: Singles, changes: Singles, key: int) -> Singles:
    """Return the conductances (K,) of a column after its cells were to change, in siemens, put on their states."""
    synapses = model.synapses
    after = held_within(before + varied(changes, model.cells, key), synapses)
    if synapses.states is None:
        return after
    if synapses.update_scheme == "stochastic":
        return draw_state(synapses.states, after, random_words(key, len(after)))
    return nearest_state(synapses.states, after)


def sent_pulses(synapses: Synapses, changes: Singles, key: int) -> BoolArray:
    """Return which cells (K,) of a column get a pulse, drawn so that the mean change is the wanted one, in siemens."""
    if synapses.states is None or synapses.falling is None:
        raise TypeError("pulses move cells along two curves")
    up, down = (changes / mean_pulse(curve) for curve in (synapses.states, synapses.falling))
    return are_sent(random_words(key, len(changes)), np.where(changes > 0, up, down))


def pulse_cells(model: SpikingModel, before: Singles, rising: BoolArray, key: int) -> Singles:
    """Return the conductances (K,) of a column after each cell got a pulse, up or down its curve, in siemens."""
    synapses = model.synapses
    if synapses.states is None or synapses.falling is None:
        raise TypeError("pulses move cells along two curves")
    along = (move_along(curve, before) for curve in (synapses.states, synapses.falling))
    after = np.where(rising, *along)
    if not model.cells.step_variation:
        return after
    return held_within(before + varied(after - before, model.cells, key), synapses)


def mean_pulse(curve: Singles) -> np.float32:
    """Return the mean change by one pulse along a curve, in siemens, negative for depression."""
    return (curve[-1] - curve[0]) / np.float32(len(curve) - 1)


TINY = np.float32(1e-30)
"""A column of no conductance is balanced as if it had this one: it carries no current either way."""
