"""What cells of a network do beside what they are to do, compiled.

The arithmetic is that of `crossbar_hil.spiking.network.effects`.
"""

import math
from typing import Any, NamedTuple

import numba
import numpy as np

from crossbar_hil.spiking.network.effects import (
    FLICKER_MEAN,
    FLICKER_SCALE,
    FLICKER_STEPS,
    STEPS_BITS,
    VARYING,
    WRITING,
)
from crossbar_hil.spiking.network.encoding import NOISE_MEAN, NOISE_SCALE

from ..circuit.caching import KEPT, WITHIN
from .mixing import GOLDEN, mix, random_word

VARY = np.uint64((VARYING + 1) * int(GOLDEN) % 2**64)
WRITE = np.uint64((WRITING + 1) * int(GOLDEN) % 2**64)
FLICKERS = len(FLICKER_STEPS)


class Effects(NamedTuple):
    """Constants of the effects, and room to work in; siemens and amperes in single precision, 0 or empty where off."""

    quantiles: Any
    """(2**STEPS_BITS,) factors of the changes by pulses."""
    write_sigma: Any
    disturb: Any
    left: Any
    """Share of what is above the low end that is left after an image."""
    ages: Any
    """Whether conductances change with time."""
    shapes: Any
    """(N, K) float64 exponents."""
    drifts: Any
    """(N, K) float64 exponents of time."""
    age: Any
    """Of the drift when the first image begins, in images, float64."""
    telegraph: Any
    telegraph_below: Any
    telegraph_steps: Any
    flicker: Any
    flicker_steps: Any
    slow_keys: Any
    """(1 + T,) keys of the telegraph noise and of the processes of the 1/f noise."""
    step_keys: Any
    """(1 + T,) theirs in this step."""
    first: Any
    """Number of the first image."""
    drifted: Any
    """(N, K) factors of the drift in this image."""


@numba.njit(**KEPT, **WITHIN)
def held(value, low, high):  # type: ignore[no-untyped-def]
    """Return a conductance held within the range."""
    return min(max(value, low), high)


@numba.njit(**KEPT, **WITHIN)
def normal_number(word):  # type: ignore[no-untyped-def]
    """Return the nearly normal number of a random word."""
    total = np.float32(0)
    for part in range(4):
        total += np.float32((word >> np.uint64(16 * part)) & np.uint64(0xFFFF))
    return (total - NOISE_MEAN) * NOISE_SCALE


@numba.njit(**KEPT, **WITHIN)
def vary(e, key, i, change):  # type: ignore[no-untyped-def]
    """Return what a pulse changes the cell of row `i` by."""
    if e.quantiles.shape[0] == 0:
        return change
    return change * e.quantiles[random_word(mix(key + VARY), i) >> np.uint64(64 - STEPS_BITS)]


@numba.njit(**KEPT, **WITHIN)
def miss(e, key, i):  # type: ignore[no-untyped-def]
    """Return by what a pulse misses in the cell of row `i`."""
    return e.write_sigma * normal_number(random_word(mix(key + WRITE), i))


@numba.njit(**KEPT, **WITHIN)
def bend(e, j, i, weight, low, high):  # type: ignore[no-untyped-def]
    """Return what a cell of its shape has that was given a weight."""
    if e.shapes.shape[0] == 0:
        return weight
    bottom = np.float64(low)
    span = np.float64(high) - bottom
    share = (np.float64(weight) - bottom) / span
    return np.float32(bottom + span * math.pow(share, e.shapes[j, i]))


@numba.njit(**KEPT, **WITHIN)
def has(e, j, i, weight, factors, low, high):  # type: ignore[no-untyped-def]
    """Return the conductance that a cell has."""
    found = bend(e, j, i, weight, low, high)
    if factors.shape[0] > 0:
        found *= factors[j, i]
    if e.drifts.shape[0] > 0:
        found *= e.drifted[j, i]
    return found


@numba.njit(**KEPT, **WITHIN)
def disturb(e, j, wanted, weights, factors, stuck, read, low, high):  # type: ignore[no-untyped-def]
    """Let what pulses did to column `j`, whose conductances are to be `wanted`, move other cells too."""
    outputs, inputs = weights.shape
    total = np.float32(0)
    for i in range(inputs):
        total += wanted[i] - weights[j, i]
    for i in range(inputs):
        change = wanted[i] - weights[j, i]
        for m in range(outputs):
            if m != j and not (stuck.shape[0] > 0 and stuck[m, i]):
                weights[m, i] = held(weights[m, i] + e.disturb * change, low, high)
                read[i, m] = has(e, m, i, weights[m, i], factors, low, high)
        if not (stuck.shape[0] > 0 and stuck[j, i]):
            wanted[i] = held(wanted[i] + e.disturb * (total - change), low, high)


@numba.njit(**KEPT, **WITHIN)
def let_time_pass(e, p, weights, factors, stuck, read, low, high):  # type: ignore[no-untyped-def]
    """Relax and drift at the beginning of training image `p`."""
    outputs, inputs = weights.shape
    for j in range(outputs):
        for i in range(inputs):
            if e.left < np.float32(1) and not (stuck.shape[0] > 0 and stuck[j, i]):
                weights[j, i] = low + (weights[j, i] - low) * e.left
            if e.drifts.shape[0] > 0:
                e.drifted[j, i] = np.float32(math.pow(1.0 + (e.age + np.float64(p)), -e.drifts[j, i]))
            read[i, j] = has(e, j, i, weights[j, i], factors, low, high)


@numba.njit(**KEPT, **WITHIN)
def draw_anew(e, step):  # type: ignore[no-untyped-def]
    """Set the keys of the noise of cells in a step, counted through all images."""
    e.step_keys[0] = mix(e.slow_keys[0] + np.uint64(step // e.telegraph_steps + 1) * GOLDEN)
    for process in range(FLICKERS):
        block = np.uint64(step // e.flicker_steps[process] + 1)
        e.step_keys[1 + process] = mix(e.slow_keys[1 + process] + block * GOLDEN)


@numba.njit(**KEPT, **WITHIN)
def flutter(e, i, outputs, factors):  # type: ignore[no-untyped-def]
    """Set the factors of the conductances of row `i` in a step; `draw_anew` comes first."""
    one, zero = np.float32(1), np.float32(0)
    factors[:outputs] = one
    if e.telegraph > zero:
        key = e.step_keys[0]
        for j in range(outputs):
            if random_word(key, i * outputs + j) >> np.uint64(32) < e.telegraph_below:
                factors[j] += e.telegraph
    if e.flicker > zero:
        for j in range(outputs):
            total = np.uint64(0)
            for process in range(FLICKERS):
                total += random_word(e.step_keys[1 + process], i * outputs + j) >> np.uint64(48)
            noise = (np.float32(total) - FLICKER_MEAN) * FLICKER_SCALE
            factor = one + e.flicker * noise
            factors[j] *= factor if factor > zero else zero
