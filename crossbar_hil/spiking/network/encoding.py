"""Rate code: brightness becomes the probability of a spike, drawn anew for every input at every step.

Random numbers are not taken from a stream but computed from where they are used (seed, stream, presentation, step,
input). So every engine draws the same spikes, in whatever order it works, and an image that is shown again under the
same numbers is shown exactly as before.
"""

import functools
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crossbar_hil.arrays import BoolArray, checked_array
from crossbar_hil.errors import DataError

Words: TypeAlias = NDArray[np.uint64]
MASK = 2**64 - 1
GOLDEN = 0x9E3779B97F4A7C15
"""Increment of SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014,
doi:10.1145/2660193.2660195); the mixing constants are those of the same generator."""
FIRST, SECOND = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_SHIFTS, _FACTORS = [np.uint64(each) for each in (30, 27, 31)], [np.uint64(each) for each in (FIRST, SECOND)]
CERTAIN = 2**32
"""Probability of an input that spikes at every step, in units of 2**-32."""
TRAINING, TESTING, LABELLING = range(3)
"""Streams: the same presentation number gives other spikes in another stream."""
SPIKES, ROUNDING, READING = range(3)
"""Purposes: random numbers of one presentation for its input spikes, for updates by chance, for noise of reads."""


def mix(word: int) -> int:
    """Return the SplitMix64 finaliser of one 64-bit word.

    >>> mix((1234567 + GOLDEN) & MASK)
    6457827717110365317
    """
    word = (word ^ (word >> 30)) * FIRST & MASK
    word = (word ^ (word >> 27)) * SECOND & MASK
    return word ^ (word >> 31)


def mix_words(words: Words) -> Words:
    """Return the SplitMix64 finaliser of every word of an array."""
    words = words ^ (words >> _SHIFTS[0])
    words *= _FACTORS[0]
    words ^= words >> _SHIFTS[1]
    words *= _FACTORS[1]
    words ^= words >> _SHIFTS[2]
    return words


def key(*numbers: int) -> int:
    """Return a 64-bit key made from whole numbers, such as seed, stream and presentation.

    >>> key(1, 2) == key(2, 1)
    False
    """
    word = 0
    for number in numbers:
        word = mix((word + (int(number) & MASK) + GOLDEN) & MASK)
    return word


def presentation_keys(seed: int, stream: int, first: int, count: int, purpose: int = 0) -> Words:
    """Return the keys of `count` presentations from number `first`: ``key(seed, stream, number, purpose)`` of each."""
    start = np.uint64((key(seed, stream) + GOLDEN) & MASK)
    words = mix_words(np.arange(first, first + count, dtype=np.uint64) + start)
    return mix_words(words + np.uint64((purpose + GOLDEN) & MASK))


def step_key(presentation_key: int, step: int) -> int:
    """Return the key of one step of a presentation; steps count from 0."""
    return mix((presentation_key + (step + 1) * GOLDEN) & MASK)


def random_words(a_key: int, count: int) -> Words:
    """Return `count` random whole numbers below 2**32, those of positions 0, 1, ... under a key."""
    return _words_of(a_key, count) >> np.uint64(32)


def _words_of(a_key: int, count: int) -> Words:
    return mix_words(_places(count) + np.uint64(a_key))


@functools.lru_cache(maxsize=64)
def _places(count: int) -> Words:
    """Return what is added to a key for each of its positions; not to be changed."""
    return np.arange(1, count + 1, dtype=np.uint64) * np.uint64(GOLDEN)


def spike_probabilities(intensities: ArrayLike) -> Words:
    """Return the probabilities of a spike as whole multiples of 2**-32.

    Parameters
    ----------
    intensities : array_like of float, shape (P, K)
        Probability of a spike per step for K inputs in P images, 0 (never) to 1 (always).

    Returns
    -------
    ndarray of uint64, shape (P, K)
        An input spikes when its random number lies below its probability.

    Raises
    ------
    DataError
        If an intensity is outside 0 to 1.

    Examples
    --------
    >>> spike_probabilities([[0.0, 0.5, 1.0]])
    array([[         0, 2147483648, 4294967296]], dtype=uint64)
    """
    array = checked_array("intensities", intensities, (None, None))
    if array.min() < 0 or array.max() > 1:
        wrong = array.min() if array.min() < 0 else array.max()
        raise DataError(f"intensities hold {wrong:g}, a probability lies between 0 and 1")
    return np.rint(array * CERTAIN).astype(np.uint64)


def input_spikes(probabilities: Words, a_step_key: int) -> BoolArray:
    """Return which of the K inputs spike in one step, by the (K,) probabilities of an image and the key of the step."""
    return random_words(a_step_key, len(probabilities)) < probabilities


def normal_numbers(a_key: int, count: int) -> NDArray[np.float32]:
    """Return nearly normal numbers of mean 0 and variance 1, made of whole-number sums so that every engine agrees.

    The sum of four uniform numbers of 16 bits; no number lies beyond 3.46, so it stands for small noise only.
    """
    parts = _words_of(a_key, count).view(np.uint16).reshape(count, 4)
    total = parts.sum(axis=1, dtype=np.uint32).astype(np.float32)  # without rounding
    return (total - NOISE_MEAN) * NOISE_SCALE


NOISE_MEAN = np.float32(2 * 65535)
NOISE_SCALE = np.float32(1 / np.sqrt((65536.0**2 - 1) / 3))
"""One over the standard deviation: a uniform whole number below n has variance (n**2 - 1) / 12."""
