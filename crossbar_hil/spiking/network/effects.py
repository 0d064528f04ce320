"""What real devices do and ideal ones do not, in pure functions: to a change, with time, to a reading.

Random numbers are computed from where they are used (seed, stream, image, step, cell), as those of
`crossbar_hil.spiking.network.encoding` are. So every engine, and a chip behind the seam, has the same ones.
"""

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from crossbar_hil.arrays import BoolArray, FloatArray, IntArray
from crossbar_hil.spiking.network.encoding import (
    GOLDEN,
    Words,
    key,
    mix_words,
    normal_numbers,
    presentation_keys,
    random_words,
    step_key,
)
from crossbar_hil.spiking.network.model import Cells, SpikingModel
from crossbar_hil.spiking.network.neurons import Singles
from crossbar_hil.spiking.network.states import Synapses

COLUMNS, SLOW = 16, 17
"""Purposes beside those of `crossbar_hil.spiking.network.encoding`: random numbers for noise of columns, of cells."""
VARYING, WRITING = 2**32, 2**32 + 1
"""Numbers under the key of an update of a column, beyond those of its rows: for how far pulses move its cells, and for
what they miss by."""
STEPS_BITS = 14
"""Quantiles of the gamma distribution are told apart by so many bits of a random word."""
FLICKER_STEPS = tuple(2 * 10**power for power in range(1, 9))
"""Steps after which each process that makes up 1/f noise is drawn anew: a decade apart, as correlation times of the
virtual chip are, from 10 ms with steps of 1 ms."""
FLICKER_SCALE = np.float32(1 / math.sqrt(len(FLICKER_STEPS) * (65536.0**2 - 1) / 12))
"""One over the standard deviation of the sum of as many uniform whole numbers below 2**16."""
FLICKER_MEAN = np.float32(len(FLICKER_STEPS) * 65535 / 2)
_power: Callable[[FloatArray, FloatArray], FloatArray] = np.frompyfunc(math.pow, 2, 1)
"""That of the C library, which compiled code uses: numpy's own may differ in the last bit."""


# ------------------------------------------------------------------ what pulses do


@functools.cache
def step_quantiles(variation: float) -> Singles:
    """Return by which factors pulses move a cell, for equally probable draws; empty if all do alike.

    The factor is gamma distributed with mean 1 and the standard deviation `variation`, as on the virtual chip: never
    negative. Each entry is the mean over its share of the distribution, so that the mean is exact.
    """
    if not variation:
        return np.empty(0, np.float32)
    from scipy.special import gammainc, gammaincinv  # noqa: PLC0415 - scipy takes 0.3 s to import

    count, shape = 2**STEPS_BITS, 1 / variation**2
    ends = gammaincinv(shape, np.arange(1, count) / count)
    below = np.concatenate([[0.0], gammainc(shape + 1, ends), [1.0]])
    return (np.diff(below) * count).astype(np.float32)


def varied(changes: Singles, cells: Cells, update_key: int) -> Singles:
    """Return what pulses change the cells of a column by, where they were to change them by `changes`, in siemens."""
    quantiles = step_quantiles(cells.step_variation)
    if not len(quantiles):
        return changes
    words = random_words(step_key(update_key, VARYING), len(changes))
    return changes * quantiles[words >> np.uint64(32 - STEPS_BITS)]


def missed(after: Singles, pulsed: BoolArray, cells: Cells, synapses: Synapses, update_key: int) -> Singles:
    """Return the conductances of a column, in siemens, which pulses missed by the write noise; within the range."""
    if not cells.write_noise:
        return after
    noise: Singles = write_sigma(cells, synapses) * normal_numbers(step_key(update_key, WRITING), len(after))
    noisy: Singles = after + noise
    return np.where(pulsed, held_within(noisy, synapses), after)


def write_sigma(cells: Any, synapses: Synapses) -> np.float32:
    """Return the `write_noise` of something in siemens."""
    return np.float32(cells.write_noise * (synapses.high_siemens - synapses.low_siemens))


def disturbed(weights: Singles, before: Singles, column: int, cells: Cells, synapses: Synapses) -> Singles:
    """Return (K, N) conductances after the pulses to a column have moved other cells of their rows and of the column.

    Parameters
    ----------
    weights : ndarray of float32, shape (K, N)
        Conductances after the pulses, in siemens.
    before : ndarray of float32, shape (K,)
        Those of the column before them.
    """
    share = np.float32(cells.disturb)
    change = weights[:, column] - before
    total = np.add.accumulate(change)[-1]
    others = np.repeat(change[:, None], weights.shape[1], axis=1)
    others[:, column] = total - change
    found = held_within((weights + share * others).astype(np.float32), synapses)
    return found if cells.stuck is None else np.where(cells.stuck, weights, found)


def held_within(values: Singles, synapses: Synapses) -> Singles:
    """Return conductances held within the range, in siemens."""
    low, high = np.float32(synapses.low_siemens), np.float32(synapses.high_siemens)
    return np.minimum(np.maximum(values, low), high)


# ------------------------------------------------------------------ what time does, and what cells have


def left_after(images: float, cells: Cells) -> np.float32:
    """Return the share of what a cell has above the low end that is left after a time in training images."""
    return np.float32(math.exp(-images / cells.relaxation_images))


def relaxed(weights: Singles, images: float, model: SpikingModel) -> Singles:
    """Return (K, N) conductances after a time in training images without pulses, in siemens."""
    low = np.float32(model.synapses.low_siemens)
    after = low + (weights - low) * left_after(images, model.cells)
    return after if model.cells.stuck is None else np.where(model.cells.stuck, weights, after)


def age_of(cells: Cells, presented: int) -> float:
    """Return for how long conductances have drifted, in training images."""
    return max(0, presented - cells.drift_from) + cells.waited_images


def drift_factors(drifts: FloatArray, age: float) -> Singles:
    """Return the (K, N) factors ``(1 + age)**-exponent`` that drift leaves of conductances."""
    return _power(np.full(drifts.shape, 1.0 + age), -drifts).astype(np.float32)


def bent(weights: Singles, shapes: FloatArray, low: np.float32, high: np.float32) -> Singles:
    """Return what cells of some shapes have where others have `weights`, in siemens; the ends of the range stay.

    >>> bent(np.float32([0.25]), np.array([2.0]), np.float32(0), np.float32(1))
    array([0.0625], dtype=float32)
    """
    span = np.float64(high) - np.float64(low)
    share = (weights.astype(np.float64) - np.float64(low)) / span
    return (np.float64(low) + span * _power(share, shapes).astype(np.float64)).astype(np.float32)


def conductances(model: SpikingModel, weights: Singles, presented: int) -> Singles:
    """Return the (K, N) conductances that cells have, in siemens, after so many training images.

    Parameters
    ----------
    weights : ndarray of float32, shape (K, N)
        What they were given.
    """
    cells, synapses = model.cells, model.synapses
    found = weights
    if cells.shapes is not None:
        found = bent(found, cells.shapes, np.float32(synapses.low_siemens), np.float32(synapses.high_siemens))
    if cells.factors is not None:
        found = found * cells.factors
    if cells.drifts is not None:
        found = found * drift_factors(cells.drifts, age_of(cells, presented))
    return found


# ------------------------------------------------------------------ what is read


def column_factors(cells: Cells, seed: int, stream: int, first: int, count: int, outputs: int) -> Singles:
    """Return the (P, N) factors of currents that last an image, for `count` images from number `first`."""
    keys = presentation_keys(seed, stream, first, count, COLUMNS)
    noise = [normal_numbers(int(each), outputs) for each in keys]
    found = np.float32(1) + np.float32(cells.column_noise) * np.array(noise, np.float32).reshape(count, outputs)
    return np.maximum(found, np.float32(0))


def flutter(cells: Cells, seed: int, stream: int, step: int, rows: IntArray, outputs: int) -> Singles:
    """Return the factors of the conductances of some rows, (M, N), in one step of telegraph and 1/f noise.

    Parameters
    ----------
    step : int
        Counted through all images of the stream.
    rows : ndarray of int, shape (M,)
        Numbers of the rows.
    """
    slow = key(seed, stream, SLOW)
    places = (rows[:, None] * outputs + np.arange(outputs)).astype(np.uint64)
    found = np.ones(places.shape, np.float32)
    if cells.telegraph:
        below = np.uint64(round(cells.telegraph_share * 2.0**32))
        words = _words_at(np.uint64(step_key(slow, step // cells.telegraph_steps)), places) >> np.uint64(32)
        found[words < below] += np.float32(cells.telegraph)
    if cells.flicker:
        keys = [step_key(key(slow, process), step // steps) for process, steps in enumerate(FLICKER_STEPS)]
        words = _words_at(np.array(keys, np.uint64)[:, None, None], places) >> np.uint64(48)
        noise = (words.sum(axis=0).astype(np.float32) - FLICKER_MEAN) * FLICKER_SCALE
        found *= np.maximum(np.float32(1) + np.float32(cells.flicker) * noise, np.float32(0))
    return found


def _words_at(keys: np.uint64 | Words, places: Words) -> Words:
    return mix_words((places + np.uint64(1)) * np.uint64(GOLDEN) + keys)
