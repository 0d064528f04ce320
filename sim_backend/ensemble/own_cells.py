"""What chips that are trained side by side have of their own, beside their shifts."""

from collections.abc import Callable
from typing import Any, NamedTuple, Self

import numpy as np

from crossbar_hil.arrays import BoolArray, FloatArray, IntArray
from crossbar_hil.bench.effects import Effects

from ..chip.simulated import SimulatedBackend, cell_mask
from .draw import OwnArrays


class GivenCells(NamedTuple):
    """What M chips have of their own that are not drawn but given, as those of a twin."""

    step_factors: FloatArray
    """(M, R, C)."""
    levels: FloatArray
    """(M, R, C) at which training starts."""
    moves: BoolArray
    """(M, R, C) cells that pulses move."""
    variations: FloatArray
    """(M,) relative standard deviation of a step."""
    begun_s: float
    """Seconds that have passed since the cells were brought to their levels."""
    backend: Callable[[int, np.random.Generator], SimulatedBackend]
    """Makes one of the chips, by its place."""

    def part(self, share: slice) -> Self:
        """Return those of some chips."""
        first = share.start or 0
        arrays = (self.step_factors[share], self.levels[share], self.moves[share], self.variations[share])
        return type(self)(*arrays, self.begun_s, lambda place, rng: self.backend(first + place, rng))


class CellArrays(NamedTuple):
    """What M chips have of their own, or what all have (then 1 for M)."""

    step_factors: FloatArray
    """(M, R, C) factors of the rises."""
    shape_exponents: FloatArray
    """(M, R, C) exponents that bend the curves."""
    moves: BoolArray
    """(M, R, C) cells that pulses move."""
    held: FloatArray
    """(M, R, C) conductance at which a cell is held, in siemens; -1 for none."""
    levels: FloatArray
    """(M, R, C) levels at which they start."""
    column_offsets: FloatArray
    """(M, C) what is added to readings, in amperes."""
    variations: FloatArray
    """(M,) relative standard deviation of a step."""

    def of(self, chosen: IntArray) -> Self:
        """Return those of some chips."""
        arrays: Any = (each if len(each) == 1 else each[chosen] for each in self)
        return type(self)(*arrays)


def cell_arrays(
    effects: Effects, shape: tuple[int, int], drawn: OwnArrays, given: GivenCells | None, *, moves: bool
) -> CellArrays:
    """Gather what chips of R x C cells have of their own: lists of cells, and what was drawn or given in its place."""
    stuck, dead, unformed = (cell_mask(name, getattr(effects, name), shape) for name in ("stuck", "dead", "unformed"))
    held = np.where(dead, 0.0, np.where(unformed, effects.unformed_siemens, -1.0))
    free = ~(stuck | dead | unformed) & moves
    ones, (factors, exponents, offsets) = np.ones((1, *shape)), drawn
    if given is not None:
        factors, levels, variations = given.step_factors, given.levels, given.variations
        free = free & given.moves
    else:
        levels, variations, free = np.zeros((1, *shape)), np.array([effects.step_variation]), free[None]
    return CellArrays(
        ones if factors is None else factors,
        ones if exponents is None else exponents,
        free,
        held[None],
        levels,
        np.zeros((1, shape[1])) if offsets is None else offsets,
        variations,
    )
