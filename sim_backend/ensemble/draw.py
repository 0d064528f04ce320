"""Shifts of an ensemble: chip number k of a seed is the same chip whatever else is drawn."""

from typing import Unpack

import numpy as np
from numpy.typing import NDArray

from crossbar_hil.arrays import FloatArray
from crossbar_hil.errors import DataError

from ..chip.variation import SpreadNumbers, lognormal_shifts

_TWIN = 3
"""What a generator of its own is for, beside those of the chips of a bench."""
BLOCK = 1024
"""Chips that share a generator; numbers k BLOCK to (k + 1) BLOCK - 1 are block k."""


def draw_ensemble(
    count: int,
    shape: tuple[int, int] = (4, 4),
    *,
    seed: int,
    first: int = 0,
    **spread: Unpack[SpreadNumbers],
) -> FloatArray:
    """Draw the lognormal shifts of many chips.

    Every block of `BLOCK` chips has a generator of its own, Philox seeded with
    ``numpy.random.SeedSequence(seed, spawn_key=(block,))``, and a block is always drawn whole and in order. So chip
    number k depends on the seed, k and the shape only. It is not the chip that ``train --seed k`` draws.

    Parameters
    ----------
    count : int
        Number of chips M, at least one.
    shape : (int, int)
        (R, C).
    seed : int
        Not negative.
    first : int
        Number of the first chip, not negative.
    **spread
        The distribution, as `lognormal_shifts` takes it: `median_siemens` and `sigma`, or `span_siemens`.

    Returns
    -------
    ndarray of float, shape (M, R, C)
        Shifts, in siemens.

    Raises
    ------
    DataError
        If a number is out of range.

    Examples
    --------
    >>> shifts = draw_ensemble(5, seed=1, span_siemens=(1e-8, 1e-7))
    >>> bool((shifts[3:] == draw_ensemble(2, seed=1, first=3, span_siemens=(1e-8, 1e-7))).all())
    True
    """
    if count < 1:
        raise DataError(f"an ensemble of {count} chips is empty, at least one is needed")
    if first < 0:
        raise DataError(f"first chip number {first} must not be negative")
    rows, columns = shape
    if rows < 1 or columns < 1:
        raise DataError(f"a chip of {rows} by {columns} cells has none")
    shifts = np.empty((count, rows, columns))
    for block in range(first // BLOCK, (first + count - 1) // BLOCK + 1):
        start = block * BLOCK
        lowest, end = max(first, start), min(first + count, start + BLOCK)
        drawn = lognormal_shifts((BLOCK, rows * columns), rng=block_generator(seed, block), **spread)
        shifts[lowest - first : end - first] = drawn[lowest - start : end - start].reshape(-1, rows, columns)
    return shifts


def block_generator(seed: int, block: int) -> np.random.Generator:
    """Make the random generator of one block of chips."""
    return np.random.Generator(np.random.Philox(_sequence(seed, block)))


def own_generator(seed: int, chip: int, what: int) -> np.random.Generator:
    """Make a generator of one chip, for one purpose; three words, so that it is none of a block's."""
    return np.random.Generator(np.random.Philox(_sequence(seed, chip, 0, what)))


def draw_number(seed: int, chip: int, draws: int) -> int:
    """Return which of a twin's draws chip number k is: every draw comes once before one comes again.

    Parameters
    ----------
    seed, chip : int
        Of the ensemble, and k.
    draws : int
        That the twin holds.
    """
    turn, place = divmod(chip, draws)
    return int(own_generator(seed, turn, _TWIN).permutation(draws)[place])


def purpose_generator(seed: int, block: int, what: int) -> np.random.Generator:
    """Make a generator of one block of chips for one purpose besides its shifts."""
    return np.random.Generator(np.random.Philox(_sequence(seed, block, 2, what)))


def seed_words(seed: int) -> NDArray[np.uint64]:
    """Make the two words that the noise of a seed's chips starts from, apart from every block's."""
    return _sequence(seed, 0, 1).generate_state(2).astype(np.uint64)


def _sequence(seed: int, *place: int) -> np.random.SeedSequence:
    try:
        return np.random.SeedSequence(seed, spawn_key=place)
    except (TypeError, ValueError) as error:
        raise DataError(f"seed {seed} must be a whole number of at least 0") from error
