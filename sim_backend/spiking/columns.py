"""One column of synapses after a spike of its neuron, compiled.

The arithmetic is that of `crossbar_hil.spiking.network.updates`.
"""

from typing import Any, NamedTuple

import numba
import numpy as np

from ..circuit.caching import KEPT, WITHIN
from .mixing import random_word

CONTINUOUS, NEAREST, STOCHASTIC, CARRY, PULSE = range(5)


class UpdateNumbers(NamedTuple):
    """Constants of the updates; conductances in siemens, single precision."""

    scheme: Any
    balanced: Any
    soft: Any
    low: Any
    high: Any
    target: Any
    neuron_gain: Any
    tiny: Any


@numba.njit(**KEPT, **WITHIN)
def place_below(states, wanted):  # type: ignore[no-untyped-def]
    """Return the place of the state at or below, found from where it would be if states were equally spaced."""
    last = states.shape[0] - 2
    guess = (wanted - states[0]) / (states[last + 1] - states[0]) * np.float32(last + 1)
    at = min(max(int(guess), 0), last)
    while at > 0 and states[at] > wanted:
        at -= 1
    while at < last and states[at + 1] <= wanted:
        at += 1
    return at


@numba.njit(**KEPT, **WITHIN)
def random_number(key, i):  # type: ignore[no-untyped-def]
    """Return the random number below 2**32 of row `i`, as a float64."""
    return np.float64(random_word(key, i) >> np.uint64(32))


@numba.njit(**KEPT, **WITHIN)
def pulse_along(curve, rising, conductance, drawn, probability):  # type: ignore[no-untyped-def]
    """Return the conductance after a pulse along a curve, sent with a probability."""
    if not drawn < np.float64(probability) * 4294967296.0:
        return conductance
    last = curve.shape[0] - 1
    at = 0
    if rising:
        while at < last - 1 and curve[at + 1] <= conductance:
            at += 1
    else:
        while at < last - 1 and curve[at + 1] >= conductance:
            at += 1
    share = (conductance - curve[at]) / (curve[at + 1] - curve[at])
    share = min(max(share, np.float32(0)), np.float32(1))
    start, end = curve[at + 1], curve[min(at + 2, last)]
    return start + share * (end - start)


@numba.njit(**KEPT, **WITHIN)
def update_column(  # type: ignore[no-untyped-def]  # noqa: PLR0912
    j, key, now, r, change_by_age, states, falling, weights, kept, factors, stuck, read, balances, gain, last_inputs,
    wanted,
):  # fmt: skip
    """Let the synapses of neuron `j` learn; shapes and units as in `kernel.show`.

    Parameters
    ----------
    change_by_age : ndarray of float32, shape (W + 2,)
        What a synapse gains by the age of its last input spike, in siemens; the last one, a loss, for all older ones.
    wanted : ndarray of float32, shape (K,)
        Room to work in.
    """
    inputs = weights.shape[1]
    oldest = np.uint64(change_by_age.shape[0] - 1)
    keeps = r.scheme == CARRY
    source = kept[j] if keeps else weights[j]
    for i in range(inputs):
        # A spike in the future has a negative age, which is a huge unsigned one.
        wanted[i] = change_by_age[min(np.uint64(now - last_inputs[i]), oldest)]
    if r.soft:
        room = np.float32(1) / (r.high - r.low)
        for i in range(inputs):
            left = r.high - source[i] if np.uint64(now - last_inputs[i]) < oldest else source[i] - r.low
            wanted[i] *= left * room
    if r.scheme == PULSE:
        up = (states[-1] - states[0]) / np.float32(states.shape[0] - 1)
        down = (falling[-1] - falling[0]) / np.float32(falling.shape[0] - 1)
        for i in range(inputs):
            change, before, drawn = wanted[i], source[i], random_number(key, i)
            if change > np.float32(0):
                wanted[i] = pulse_along(states, True, before, drawn, change / up)
            else:
                wanted[i] = pulse_along(falling, False, before, drawn, change / down)
    else:
        for i in range(inputs):
            wanted[i] = min(max(source[i] + wanted[i], r.low), r.high)
    if keeps:
        for i in range(inputs):
            source[i] = wanted[i]
    if r.scheme == STOCHASTIC:
        for i in range(inputs):
            after = wanted[i]
            at = place_below(states, after)
            share = (after - states[at]) / (states[at + 1] - states[at])
            wanted[i] = states[at + 1] if random_number(key, i) < np.float64(share) * 4294967296.0 else states[at]
    elif r.scheme in (NEAREST, CARRY):
        for i in range(inputs):
            after = wanted[i]
            at = place_below(states, after)
            wanted[i] = states[at] if after - states[at] <= states[at + 1] - after else states[at + 1]
    if stuck.shape[0] > 0:
        for i in range(inputs):
            wanted[i] = weights[j, i] if stuck[j, i] else wanted[i]
    for i in range(inputs):
        weights[j, i] = wanted[i]
    if factors.shape[0] > 0:
        for i in range(inputs):
            wanted[i] *= factors[j, i]
    for i in range(inputs):
        read[i, j] = wanted[i]
    if r.balanced:
        total = np.float32(0)
        for i in range(inputs):
            total += wanted[i]
        balances[j] = r.target / max(total, r.tiny)
        gain[j] = balances[j] * r.neuron_gain
