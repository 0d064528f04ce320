"""Random numbers from keys, compiled: the SplitMix64 finaliser of `crossbar_hil.spiking.network.encoding`."""

import numba
import numpy as np

from ..circuit.caching import KEPT, WITHIN

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
FIRST = np.uint64(0xBF58476D1CE4E5B9)
SECOND = np.uint64(0x94D049BB133111EB)


@numba.njit(**KEPT, **WITHIN)
def mix(word):  # type: ignore[no-untyped-def]
    """Return the SplitMix64 finaliser of a word."""
    word = (word ^ (word >> np.uint64(30))) * FIRST
    word = (word ^ (word >> np.uint64(27))) * SECOND
    return word ^ (word >> np.uint64(31))


@numba.njit(**KEPT, **WITHIN)
def random_word(key, i):  # type: ignore[no-untyped-def]
    """Return the random word number `i`, from 0, of a key."""
    return mix(np.uint64(i + 1) * GOLDEN + key)
