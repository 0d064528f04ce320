"""The compiled loop that stops where currents are needed: for crossbars whose currents take a circuit to find."""

from typing import Any

import numba
import numpy as np

from .columns import update_column
from .kernel import fire
from .mixing import GOLDEN, mix

IMAGE, STEP, NOW, FIRED, CHANGED, LISTENED = range(6)
"""Places in `clock`: image and step to go on with, step on the clock of the traces, inputs that spike while currents
are awaited (0 once there are none to wait for), whether conductances changed since `clock` was last set, and steps so
far in which anybody listened to a spike."""


@numba.njit(cache=True)
def advance(  # type: ignore[no-untyped-def]  # noqa: PLR0912, PLR0915
    images, keys, n, updates, change_by_age, states, falling, weights, kept, factors, stuck, read, balances, gain,
    membranes, thresholds, refractory, last_inputs, clock, counts, raster, transfer, spiking, currents,
):  # fmt: skip
    """Show images until a step needs currents that only the caller can find; see `kernel.show` for what is not here.

    No step asks for currents in which no input spikes, or in which every neuron ignores them.

    Parameters
    ----------
    clock : ndarray of int64, shape (6,)
        Where to go on, and then where it stopped.
    transfer : ndarray of float64, shape (K + 1, M), or empty
        If given, currents are sums of its rows, in siemens, the last one zero, and nothing
        stops the loop.
    spiking : ndarray of int64, shape (K + 4,)
        Inputs that spike in the step for which currents are needed.
    currents : ndarray of float32, shape (M,)
        Currents for them, in amperes, when the loop goes on.

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
    now, fired, listened = clock[NOW], clock[FIRED], clock[LISTENED]
    paused = fired > 0
    hold = refractory[:outputs].min()
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
        for t in range(clock[STEP], n.steps):
            offset = np.uint64(t + 1) * GOLDEN
            if not paused:
                fired = 0
                if n.learn or hold == 0:
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
                    if transfer.shape[0] == 0:
                        clock[IMAGE], clock[STEP], clock[NOW], clock[FIRED] = p, t, now, fired
                        clock[LISTENED] = listened
                        return True
                    sums[:] = 0.0
                    for s in range(fired, fired + 3):
                        spiking[s] = inputs  # a row of zeros
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
                if n.read_noise > zero:
                    noise_key = mix(keys[2, p] + offset)
                    for j in range(outputs):
                        word = mix(np.uint64(j + 1) * GOLDEN + noise_key)
                        total = zero
                        for part in range(4):
                            total += np.float32((word >> np.uint64(16 * part)) & np.uint64(0xFFFF))
                        currents[j] *= one + n.read_noise * ((total - n.noise_mean) * n.noise_scale)
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
                            update_column(
                                j, rounding_key, now, updates, change_by_age, states, falling, weights, kept, factors,
                                stuck, read, balances, gain, last_inputs, scratch,
                            )  # fmt: skip
            if n.learn:
                for j in range(padded):
                    threshold = thresholds[j] * n.decay
                    threshold = threshold if threshold > n.floor else n.floor
                    thresholds[j] = threshold if threshold < n.cap else n.cap
        clock[STEP] = 0
    clock[IMAGE], clock[NOW], clock[FIRED], clock[LISTENED] = images.shape[0], now, 0, listened
    return False
