"""One column of synapses after a spike of its neuron where cells have effects, compiled.

The arithmetic is that of `crossbar_hil.spiking.network.updates`. It stands beside `columns.update_column`, which has
none of the effects: with them in one function, even where none is on, a training took a twentieth longer.
"""

import numba
import numpy as np

from ..circuit.caching import KEPT, WITHIN
from .cell_effects import disturb, has, held, miss, vary
from .columns import CARRY, CONTINUOUS, PULSE, STOCHASTIC, place_below, pulse_along, random_number


@numba.njit(**KEPT, **WITHIN)
def update_varied(  # type: ignore[no-untyped-def]
    j, key, now, r, change_by_age, states, falling, weights, kept, factors, stuck, read, balances, gain, last_inputs,
    wanted, effects,
):  # fmt: skip
    """Let the synapses of neuron `j` learn; arguments as of `columns.update_column`, and its `cell_effects.Effects`."""
    inputs = weights.shape[1]
    oldest = np.uint64(change_by_age.shape[0] - 1)
    keeps = r.scheme == CARRY
    source = kept[j] if keeps else weights[j]
    room = np.float32(1) / (r.high - r.low)
    for i in range(inputs):
        age = min(np.uint64(now - last_inputs[i]), oldest)
        before, change = source[i], change_by_age[age]
        pulsed = change != np.float32(0)
        if r.soft:
            change *= (r.high - before if age < oldest else before - r.low) * room
        if r.scheme == PULSE:
            rising = change > np.float32(0)
            curve = states if rising else falling
            mean = (curve[-1] - curve[0]) / np.float32(curve.shape[0] - 1)
            drawn, sent = random_number(key, i), change / mean
            after = pulse_along(curve, rising, before, drawn, sent)
            pulsed = drawn < np.float64(sent) * 4294967296.0
            if pulsed and effects.quantiles.shape[0] > 0:
                after = held(before + vary(effects, key, i, after - before), r.low, r.high)
        else:
            after = held(before + vary(effects, key, i, change), r.low, r.high)
            if keeps:
                source[i] = held(before + change, r.low, r.high)
            if r.scheme != CONTINUOUS:
                after = landed(r.scheme, states, after, random_number(key, i))
        if pulsed and effects.write_sigma > np.float32(0):
            after = held(after + miss(effects, key, i), r.low, r.high)
        wanted[i] = weights[j, i] if stuck.shape[0] > 0 and stuck[j, i] else after
    if effects.disturb > np.float32(0):
        disturb(effects, j, wanted, weights, factors, stuck, read, r.low, r.high)
    total = np.float32(0)
    for i in range(inputs):
        weights[j, i] = wanted[i]
        read[i, j] = has(effects, j, i, wanted[i], factors, r.low, r.high)
        total += read[i, j]
    if r.balanced:
        balances[j] = r.target / max(total, r.tiny)
        gain[j] = balances[j] * r.neuron_gain


@numba.njit(**KEPT, **WITHIN)
def landed(scheme, states, wanted, drawn):  # type: ignore[no-untyped-def]
    """Return the state on which a cell lands that was to have a conductance."""
    at = place_below(states, wanted)
    if scheme == STOCHASTIC:
        share = (wanted - states[at]) / (states[at + 1] - states[at])
        return states[at + 1] if drawn < np.float64(share) * 4294967296.0 else states[at]
    return states[at] if wanted - states[at] <= states[at + 1] - wanted else states[at + 1]
