"""The compiled inner loop: images shown to a network, step by step, with only the work that spikes ask for.

Currents come from one of three places: the cells on perfect wires, a transfer matrix, or the caller, for whom the loop
stops where a circuit is to be solved. What is not given is None, so each of the three is compiled for itself, without
the branches of the others: functions shared by three loops take a fifth to a half longer, since the compiler no longer
knows which arrays are apart.
"""

from typing import Any, NamedTuple

import numba
import numpy as np

from ..circuit.caching import KEPT, WITHIN
from .cell_effects import draw_anew, flutter, let_time_pass
from .columns import update_column
from .mixing import GOLDEN, mix
from .varied_columns import update_varied

LANES = 32
"""Columns are padded to a multiple of this, so that the inner loops are whole vectors."""
LAST, HIGHEST, ALL = range(3)
IMAGE, STEP, NOW, FIRED, CHANGED, LISTENED = range(6)
"""Places in `clock`: image and step to go on with, step on the clock of the traces, inputs that spike while currents
are awaited (0 once there are none to wait for), whether conductances changed since `clock` was last set, and steps so
far in which anybody listened to a spike."""


class Numbers(NamedTuple):
    """Everything that does not change while images are shown; volts and siemens in single precision."""

    increment: Any
    cap: Any
    floor: Any
    decay: Any
    leak: Any
    inhibition: Any
    own: Any
    others: Any
    contest: Any
    spike_v: Any
    read_noise: Any
    noise_mean: Any
    noise_scale: Any
    wrap: Any
    never: Any
    steps: Any
    learn: Any
    reset: Any
    record: Any


@numba.njit(**KEPT)
def show(  # type: ignore[no-untyped-def]  # noqa: PLR0912, PLR0915
    images, keys, n, updates, change_by_age, states, falling, weights, kept, factors, stuck, read, balances, gain,
    lasting, offsets, membranes, thresholds, refractory, last_inputs, clock, counts, raster, transfer, solved,
    effects,
):  # fmt: skip
    """Show images, until a step needs currents that only the caller can find; arrays are changed in place.

    No step asks for currents in which no input spikes, or in which every neuron ignores them.

    Parameters
    ----------
    images : ndarray of uint64, shape (P, K)
        Spike probabilities in units of 2**-32.
    keys : ndarray of uint64, shape (3, P)
        Keys of each presentation for spikes, rounding, reads.
    n : Numbers
        Constants.
    updates : columns.UpdateNumbers
        Constants of the updates.
    change_by_age, states, falling : ndarray of float32
        In siemens, see `columns`.
    weights, kept, factors, stuck : ndarray, shape (N, K), or empty where not used
        Of one neuron after the other; in siemens, float32, the last one bool.
    read : ndarray of float32, shape (K + 1, M)
        What the cells read as, in siemens, padded with zeros; M columns, a multiple of `LANES`.
    balances, gain : ndarray of float32, shape (M,)
        Factor of each column, and volts per ampere and step with it.
    lasting : ndarray of float32, shape (P, N), or empty
        Factors of the currents in all steps of an image.
    offsets : ndarray of float32, shape (N,), or empty
        Added to the currents, in amperes.
    membranes, thresholds : ndarray of float32, shape (M,)
        In volts; thresholds of padding are infinite.
    refractory : ndarray of int32, shape (M,)
        In steps.
    last_inputs : ndarray of int64, shape (K,)
        In steps.
    clock : ndarray of int64, shape (6,)
        Where to go on, and then where it stopped; its places are `IMAGE` to `LISTENED`.
    counts : ndarray of int64, shape (P, N)
        Added to.
    raster : ndarray of bool, shape (P, T, N)
        Set if recorded.
    transfer : ndarray of float64, shape (K + 1, M), or None
        If given, currents are sums of its rows, in siemens, the last one zero, instead of those of `read`.
    solved : (ndarray of int64, shape (K + 4,), ndarray of float32, shape (M,)), or None
        If given, the loop stops where currents are needed: inputs that spike in that step, and currents for them, in
        amperes, when it goes on.
    effects : cell_effects.Effects, or None
        If given, what cells do beside what they are to do, which in a test is to fluctuate alone.

    Returns
    -------
    bool
        Whether currents are needed; False once all images were shown.
    """
    outputs, inputs = weights.shape
    padded = membranes.shape[0]
    one, zero = np.float32(1), np.float32(0)
    active = np.empty(inputs + 1, np.int64)
    drawn = np.empty(inputs, np.uint8)
    probability = np.empty(inputs + 1, np.uint64)
    place = np.empty(inputs + 1, np.uint64)
    scratch = np.empty(inputs, np.float32)
    sums = np.empty(padded, np.float64)
    spikes = np.zeros(padded, np.bool_)
    if solved is None:
        spiking, currents = np.empty(inputs + 4, np.int64), np.zeros(padded, np.float32)
    else:
        spiking, currents = solved
    fluctuates, fluttering = False, np.zeros(padded, np.float32)
    if effects is not None:
        fluctuates = effects.telegraph > zero or effects.flicker > zero
    now, fired, listened = clock[NOW], clock[FIRED], clock[LISTENED]
    paused = fired > 0
    hold = refractory[:outputs].min()  # steps for which no neuron listens
    for p in range(clock[IMAGE], images.shape[0]):
        used: Any = 0
        for i in range(inputs):
            active[used] = i
            probability[used] = images[p, i]
            place[used] = np.uint64(i + 1) * GOLDEN
            used += np.int64(images[p, i] > 0)
        if n.reset and not paused and clock[STEP] == 0:
            membranes[:] = zero
            refractory[:] = 0
            last_inputs[:] = n.never
            hold = 0
        if effects is not None and effects.ages and n.learn and not paused and clock[STEP] == 0:
            let_time_pass(effects, p, weights, factors, stuck, read, updates.low, updates.high)
            clock[CHANGED] = 1
        for t in range(clock[STEP], n.steps):
            offset = np.uint64(t + 1) * GOLDEN
            if not paused:
                fired = 0
                if n.learn or hold == 0:  # nobody needs to know the spikes otherwise
                    spike_key = mix(keys[0, p] + offset)
                    for a in range(used):
                        drawn[a] = (mix(place[a] + spike_key) >> np.uint64(32)) < probability[a]
                    for a in range(used):
                        spiking[fired] = active[a]
                        fired += drawn[a]
                now += 1
                if n.wrap > 0 and now > n.wrap:
                    now = 0
                if n.learn:
                    for s in range(fired):
                        last_inputs[spiking[s]] = now
                if hold == 0 and fired > 0:
                    listened += 1
                    if solved is not None:
                        clock[IMAGE], clock[STEP], clock[NOW], clock[FIRED] = p, t, now, fired
                        clock[LISTENED] = listened
                        return True
                    for s in range(fired, fired + 3):
                        spiking[s] = inputs  # a row of zeros
                    if transfer is None and effects is not None and fluctuates:
                        currents[:] = zero
                        draw_anew(effects, (effects.first + p) * n.steps + t)
                        for s in range(fired):
                            a = spiking[s]
                            flutter(effects, a, outputs, fluttering)
                            for j in range(padded):
                                currents[j] += read[a, j] * fluttering[j]
                        for j in range(padded):
                            currents[j] *= n.spike_v
                    elif transfer is None:
                        currents[:] = zero
                        for s in range(0, fired, 4):
                            a, b, c, d = spiking[s], spiking[s + 1], spiking[s + 2], spiking[s + 3]
                            for j in range(padded):
                                currents[j] = (((currents[j] + read[a, j]) + read[b, j]) + read[c, j]) + read[d, j]
                        for j in range(padded):
                            currents[j] *= n.spike_v
                    else:
                        sums[:] = 0.0
                        for s in range(0, fired, 4):
                            a, b, c, d = spiking[s], spiking[s + 1], spiking[s + 2], spiking[s + 3]
                            for j in range(padded):
                                sums[j] += (transfer[a, j] + transfer[b, j]) + (transfer[c, j] + transfer[d, j])
                        for j in range(padded):
                            currents[j] = sums[j] * np.float64(n.spike_v)
            paused = False
            crossed: Any = 0
            if hold > 0 or fired == 0:
                for j in range(padded):
                    membrane = membranes[j] * n.leak
                    membranes[j] = membrane
                    left = refractory[j]
                    refractory[j] = left - 1 if left > 0 else 0
                    crossed += np.int32(membrane >= thresholds[j])
            else:
                if lasting.shape[0] > 0:
                    for j in range(outputs):
                        currents[j] *= lasting[p, j]
                if n.read_noise > zero:
                    noise_key = mix(keys[2, p] + offset)
                    for j in range(outputs):
                        word = mix(np.uint64(j + 1) * GOLDEN + noise_key)
                        total = zero
                        for part in range(4):
                            total += np.float32((word >> np.uint64(16 * part)) & np.uint64(0xFFFF))
                        currents[j] *= one + n.read_noise * ((total - n.noise_mean) * n.noise_scale)
                if offsets.shape[0] > 0:
                    for j in range(outputs):
                        currents[j] += offsets[j]
                for j in range(padded):
                    membrane = membranes[j]
                    left = refractory[j]
                    driven = membrane + gain[j] * currents[j]
                    membrane = driven if left == 0 else membrane
                    membrane = (membrane if membrane > zero else zero) * n.leak
                    refractory[j] = left - 1 if left > 0 else 0
                    membranes[j] = membrane
                    crossed += np.int32(membrane >= thresholds[j])
            hold = hold - 1 if hold > 0 else 0
            if crossed > 0:
                fire(n, outputs, membranes, thresholds, refractory, spikes)
                hold = refractory[:outputs].min()
                for j in range(outputs):
                    if spikes[j]:
                        counts[p, j] += 1
                        if n.record:
                            raster[p, t, j] = True
                        if n.learn:
                            clock[CHANGED] = 1
                            rounding_key = mix(mix(keys[1, p] + offset) + np.uint64(j + 1) * GOLDEN)
                            if effects is None:
                                update_column(
                                    j, rounding_key, now, updates, change_by_age, states, falling, weights, kept,
                                    factors, stuck, read, balances, gain, last_inputs, scratch,
                                )  # fmt: skip
                            else:
                                update_varied(
                                    j, rounding_key, now, updates, change_by_age, states, falling, weights, kept,
                                    factors, stuck, read, balances, gain, last_inputs, scratch, effects,
                                )  # fmt: skip
            if n.learn:
                for j in range(padded):
                    threshold = thresholds[j] * n.decay
                    threshold = threshold if threshold > n.floor else n.floor
                    thresholds[j] = threshold if threshold < n.cap else n.cap
        clock[STEP] = 0
    clock[IMAGE], clock[NOW], clock[FIRED], clock[LISTENED] = images.shape[0], now, 0, listened
    return False


@numba.njit(**KEPT, **WITHIN)
def fire(n, outputs, membranes, thresholds, refractory, spikes):  # type: ignore[no-untyped-def]  # noqa: PLR0912
    """Do the threshold test where at least one neuron has crossed; sets `spikes` and the neurons."""
    zero = np.float32(0)
    spikes[:] = False
    if n.contest == ALL:
        for j in range(outputs):
            spikes[j] = membranes[j] >= thresholds[j]
        for j in range(outputs):
            if spikes[j]:
                for m in range(outputs):
                    if not spikes[m]:
                        lowered = membranes[m] - n.inhibition
                        membranes[m] = lowered if lowered > zero else zero
                        refractory[m] = max(refractory[m], n.others)
                membranes[j] = zero
                refractory[j] = n.own
                if n.learn:
                    thresholds[j] += n.increment
        return
    first, end = 0, outputs
    if n.contest == HIGHEST:
        best = np.float32(-1)
        for j in range(outputs):
            above = membranes[j] - thresholds[j]
            if above > best and membranes[j] >= thresholds[j]:
                best = above
                first = j
        end = first + 1
    for j in range(first, end):
        if membranes[j] >= thresholds[j]:
            spikes[:] = False
            spikes[j] = True
            for m in range(outputs):
                lowered = membranes[m] - n.inhibition
                membranes[m] = lowered if lowered > zero else zero
                refractory[m] = max(refractory[m], n.others)
            membranes[j] = zero
            refractory[j] = n.own
            if n.learn:
                thresholds[j] += n.increment
