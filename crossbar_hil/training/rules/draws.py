"""The random numbers of a training: which generator, which stream, in which order, so that another program can follow.

The generator is Philox4x64-10 (J. Salmon et al., SC 2011, doi:10.1145/2063384.2063405), numpy's `Philox`. Its key is
the seed of the run, low word first; the four words of its counter are block, 0, number of the chip, stream. Blocks
count from 1, and a block gives four words of 64 bits, used in their order. A draw takes one word w and is
``(w >> 11) * 2**-53``.
"""

from typing import Final

import numpy as np

from crossbar_hil.arrays import IntArray
from crossbar_hil.errors import DataError

ORDER: Final = 1
"""Stream of the orders of patterns."""
RULE: Final = 2
"""Stream of the rule's own draws; those after it are of the second layer of a network, the third, and so on."""
LARGEST_SEED = 2**128 - 1
"""The key has two words."""


def generator(seed: int, number: int, stream: int) -> np.random.Generator:
    """Return the generator of a stream.

    Parameters
    ----------
    seed : int
        Of the run, from 0 to 2**128 - 1.
    number : int
        0 in a run; that of the chip in an ensemble.
    stream : int
        `ORDER` or `RULE`.

    Raises
    ------
    DataError
        If the seed is out of range.
    """
    if not 0 <= seed <= LARGEST_SEED:
        raise DataError(f"seed {seed} is not from 0 to 2^128 - 1, which a learning rule that draws needs; take another")
    return np.random.Generator(np.random.Philox(key=seed, counter=[0, 0, number, stream]))


def drawn_order(rng: np.random.Generator, patterns: int) -> IntArray:
    """Draw an order: one number a pattern, the pattern with the least comes first.

    >>> drawn_order(generator(1, 0, ORDER), 4).tolist() == drawn_order(generator(1, 0, ORDER), 4).tolist()
    True
    """
    return np.argsort(rng.random(patterns), kind="stable")
