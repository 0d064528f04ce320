"""Shifts of an ensemble: chip number k of a seed is the same chip whatever else is drawn."""

import functools
from collections.abc import Iterator
from typing import NamedTuple, TypedDict, Unpack

import numpy as np
from numpy.typing import NDArray

from crossbar_hil.arrays import FloatArray, IntArray
from crossbar_hil.bench.effects import Effects
from crossbar_hil.errors import DataError

from ..chip.variation import SpreadNumbers, lognormal_shifts

_TWIN = 3
"""What a generator of its own is for, beside those of the chips of a bench."""
DRIFT, FRESH, _FACTORS, _EXPONENTS, _OFFSETS = 1, 2, 3, 4, 5
"""What the generators of a block are for."""
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
    """Return which of a twin's draws chip number k of a seed is: every draw comes once before one comes again."""
    turn, place = divmod(chip, draws)
    return int(_order_of_draws(seed, turn, draws)[place])


@functools.lru_cache(maxsize=8)
def _order_of_draws(seed: int, turn: int, draws: int) -> IntArray:
    """Return the order in which a twin's draws come, once for all chips of a turn."""
    return own_generator(seed, turn, _TWIN).permutation(draws)


class OfChip(TypedDict, total=False):
    """What one chip has of its own, as the keywords of `SimulatedBackend`."""

    step_factors: FloatArray | None
    shape_exponents: FloatArray | None
    column_offsets: FloatArray | None


class OwnArrays(NamedTuple):
    """What M chips have of their own for good, drawn apart from all else; None where they do not differ."""

    step_factors: FloatArray | None
    """(M, R, C) factor of each cell's rise."""
    shape_exponents: FloatArray | None
    """(M, R, C) exponent that bends each cell's curve."""
    column_offsets: FloatArray | None
    """(M, C) added to each reading of a column, in amperes."""

    def of(self, place: int) -> OfChip:
        """Return those of one chip."""
        factors, exponents, offsets = (None if many is None else many[place] for many in self)
        return OfChip(step_factors=factors, shape_exponents=exponents, column_offsets=offsets)


def draw_own_arrays(effects: Effects, count: int, shape: tuple[int, int], *, seed: int, first: int = 0) -> OwnArrays:
    """Draw step factors, shape exponents and column offsets of chips number `first` to ``first + count - 1``.

    Chips share generators in blocks, as for `draw_ensemble`, one for each of the three: whatever is switched on or off
    beside it, a chip has the same factors.
    """
    numbers, offset_a = first + np.arange(count), effects.column_offset_a
    factors, exponents = (
        _powers_of_e(sigma, draw_normals(seed, what, numbers, shape)) if sigma else None
        for what, sigma in ((_FACTORS, effects.step_spread), (_EXPONENTS, effects.shape_spread))
    )
    return OwnArrays(
        factors, exponents, offset_a * draw_normals(seed, _OFFSETS, numbers, shape[1:]) if offset_a else None
    )


def _powers_of_e(sigma: float, normals: FloatArray) -> FloatArray:
    """Return exp(sigma x normals) in the place of these: fresh memory costs as much as the numbers."""
    normals *= sigma
    return np.exp(normals, out=normals)


def draw_normals(seed: int, what: int, numbers: IntArray, shape: tuple[int, ...]) -> FloatArray:
    """Draw standard normal numbers for some chips, the same for a chip whatever others are asked for: (M, *shape).

    Chips share a generator in blocks, each drawn whole; the numbers of the chips ascend.
    """
    drawn = np.empty((len(numbers), *shape))
    for place, block in _blocks(numbers):
        whole = purpose_generator(seed, block, what).standard_normal((BLOCK, *shape))
        np.take(whole, numbers[place] - block * BLOCK, axis=0, out=drawn[place], mode="clip")  # the others copy twice
    return drawn


def _blocks(numbers: IntArray) -> Iterator[tuple[slice, int]]:
    """Yield which of ascending numbers lie in each block."""
    for block in np.unique(numbers // BLOCK):
        start, stop = np.searchsorted(numbers, [block * BLOCK, (block + 1) * BLOCK])
        yield slice(int(start), int(stop)), int(block)


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
