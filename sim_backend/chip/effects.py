"""What makes one virtual chip less than ideal: what is its own for good, what time does to it, what a reading adds.

The conductance of a cell with every effect is ``K (f (bent(rise) - lost) + shift) (1 + drift z log10(1 + t / 1 s))``:
f its step factor, `bent` its curve's shape, `lost` what it has relaxed, z a number of its own, t the time since the
chip was made. It is never negative.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from pydantic import ValidationError

from crossbar_hil.arrays import BoolArray, FloatArray, IntArray, checked_array
from crossbar_hil.bench.effects import Effects
from crossbar_hil.errors import DataError
from crossbar_hil.tables import problems_of

from .generator_state import set_words, words_of
from .reading_noise import FLICKER_S, ReadingNoise
from .relaxation import Relaxation
from .variation import lognormal_factors

_NOISY = ("read_noise", "telegraph", "flicker", "step_variation")
"""Effects that are drawn again and again."""
_DRAWN = (*_NOISY, "step_spread", "shape_spread", "column_offset_a", "drift")


def checked_effects(**numbers: Any) -> Effects:
    """Return effects of given sizes; a DataError if one is out of range."""
    try:
        return Effects(**numbers)
    except ValidationError as error:
        raise DataError(problems_of(error)[0]) from error


class ChipEffects:
    """The effects of one chip of R x C cells.

    Parameters
    ----------
    top : float
        Largest rise of the chip's curve, in siemens.
    rng : numpy.random.Generator or None
        What is not given is drawn from it: step factors, shape exponents, column offsets, drift, slow noise.
    unformed : ndarray of bool, shape (R, C)
        Cells that were never formed.
    step_factors, shape_exponents, column_offsets : array_like of float or None
        Of this very chip: (R, C), (R, C), and (C,) in amperes.

    Raises
    ------
    DataError
        If an array does not fit, or something must be drawn and there is no generator.
    """

    def __init__(
        self,
        effects: Effects,
        shape: tuple[int, int],
        top: float,
        rng: np.random.Generator | None,
        unformed: BoolArray,
        step_factors: ArrayLike | None,
        shape_exponents: ArrayLike | None,
        column_offsets: ArrayLike | None,
    ) -> None:
        self.numbers, self._shape, self._top, self._rng = effects, shape, top, rng
        self._unformed = unformed if unformed.any() else None
        drawn = [name for name in _DRAWN if getattr(effects, name)]
        if rng is None and drawn:
            raise DataError(f"effects that are drawn, {' and '.join(drawn)}, need a random generator rng")
        self.step_factors = self._factors("step_factors", step_factors, effects.step_spread)
        self.shape_exponents = self._factors("shape_exponents", shape_exponents, effects.shape_spread)
        self.column_offsets: FloatArray | None = None
        """(C,) what is added to each reading of a column, in amperes; None if nothing is."""
        if column_offsets is not None:
            self.column_offsets = checked_array("column_offsets", column_offsets, shape[1:])
        elif effects.column_offset_a and rng is not None:
            self.column_offsets = effects.column_offset_a * rng.standard_normal(shape[1])
        self.relaxation: Relaxation | None = None
        if effects.relaxation:
            if effects.relaxation_s is None:
                raise DataError(f"relaxation {effects.relaxation:g} needs relaxation_s, the time that it takes")
            law, exponent = effects.relaxation_law, effects.relaxation_exponent
            self.relaxation = Relaxation(shape, effects.relaxation, effects.relaxation_s, law, exponent)
        self._drifts = rng.standard_normal(shape) if effects.drift and rng is not None else None
        self.elapsed_s = 0.0
        """Time since the chip was made."""
        slow = effects.telegraph or effects.flicker
        self.noise = ReadingNoise(effects, shape, rng) if slow and rng is not None else None
        """Noise of readings, if there is another than white noise."""
        self.ages = self.relaxation is not None or self._drifts is not None
        """Whether conductances change with time."""
        self.takes_time = self.ages or self.noise is not None
        self.in_reads = bool(effects.read_noise or self.takes_time or self.column_offsets is not None)
        """Whether a read is more than voltages times conductances."""
        self.change_cells = (
            self.ages or self._unformed is not None or self.step_factors is not None or self.shape_exponents is not None
        )
        """Whether conductances differ from those of an ideal chip."""

    def least_shift(self, deepest: float) -> FloatArray | float:
        """Return the shift of each cell below which its conductance is negative where its curve dips by `deepest`."""
        return deepest if self.step_factors is None else deepest * self.step_factors

    def conductances(self, rises: FloatArray, shifts: FloatArray, scale: float) -> FloatArray:
        """Return the (R, C) conductances of cells of given rises and shifts, in siemens."""
        rises = self.bent(rises)
        if self.relaxation is not None:
            self.relaxation.follow(rises)
            rises = rises - self.relaxation.lost()
        if self.step_factors is not None:
            rises = rises * self.step_factors
        found = scale * (rises + shifts)
        if self._drifts is not None:
            found = found * (1.0 + self.numbers.drift * self._drifts * np.log10(1.0 + self.elapsed_s))
        found = np.maximum(found, 0.0)
        if self._unformed is not None:
            found[self._unformed] = self.numbers.unformed_siemens
        return found

    def bent(self, rises: FloatArray) -> FloatArray:
        """Return rises along each cell's own shape of the curve: those above zero are bent, the largest stays."""
        if self.shape_exponents is None:
            return rises
        top = self._top
        return np.where(rises > 0, top * (np.maximum(rises, 0.0) / top) ** self.shape_exponents, rises)

    def with_disturbed(self, counts: IntArray, tiles: Sequence[tuple[slice, slice]]) -> FloatArray:
        """Return (R, C) levels by which pulses move cells, their own and those in their rows and columns of a tile."""
        others = np.empty_like(counts)
        for lines in tiles:
            here = counts[lines]
            others[lines] = here.sum(axis=1, keepdims=True) + here.sum(axis=0, keepdims=True) - 2 * here
        return counts + self.numbers.disturb * others

    def pass_time(self, seconds: float) -> None:
        """Age by some seconds; noise has a clock of its own."""
        self.elapsed_s += seconds
        if self.relaxation is not None:
            self.relaxation.pass_time(seconds)

    def _factors(self, name: str, given: ArrayLike | None, sigma: float) -> FloatArray | None:
        if given is not None:
            found = checked_array(name, given, self._shape)
            if found.min() <= 0:
                raise DataError(f"{name} hold {found.min():g}, they must be above zero")
            return found
        return lognormal_factors(self._shape, sigma, self._rng) if sigma and self._rng is not None else None

    # ------------------------------------------------------------------ saved and brought back

    def state(self) -> dict[str, FloatArray]:
        """Return what this chip has of its own, by name; arrays of two dimensions, those of more laid out as rows."""
        drawn = any(getattr(self.numbers, name) for name in _NOISY)
        found = {
            "step_factor": self.step_factors,
            "shape_exponent": self.shape_exponents,
            "column_offset_a": self.column_offsets,
            "elapsed_s": np.array([self.elapsed_s]) if self.ages else None,
            "drift": self._drifts,
            "relaxing_siemens": None if self.relaxation is None else self.relaxation.left,
            "telegraph": None if self.noise is None else self.noise.high,
            "flicker": None if self.noise is None else self.noise.slow,
            "generator": words_of(self._rng) if self._rng is not None and drawn else None,
        }
        return {name: array.reshape(-1, array.shape[-1]).copy() for name, array in found.items() if array is not None}

    def restore(self, state: dict[str, FloatArray], rises: FloatArray) -> None:
        """Bring the chip back to a saved state; what the state does not know stays as it was drawn.

        Parameters
        ----------
        state : dict
            As `state` gives it.
        rises : ndarray of float, shape (R, C)
            Rises of the cells along their curve, in siemens.

        Raises
        ------
        DataError
            If an array is none of this chip; the effects are left as they were.
        """
        rows, columns = self._shape
        terms = len(self.relaxation.rates) if self.relaxation is not None else 0
        shapes = {
            "step_factor": self._shape,
            "shape_exponent": self._shape,
            "column_offset_a": (1, columns),
            "elapsed_s": (1, 1),
            "drift": self._shape,
            "relaxing_siemens": (terms * rows, columns),
            "telegraph": self._shape,
            "flicker": (len(FLICKER_S) * rows, columns),
        }
        known = {name: shape for name, shape in shapes.items() if name in state and shape[0]}
        saved = {name: checked_array(f"saved {name} values", state[name], shape) for name, shape in known.items()}
        if self._rng is not None and "generator" in state:
            set_words(self._rng, np.asarray(state["generator"], dtype=np.float64))
        self.step_factors = saved.get("step_factor", self.step_factors)
        self.shape_exponents = saved.get("shape_exponent", self.shape_exponents)
        if "column_offset_a" in saved:
            self.column_offsets = saved["column_offset_a"][0]
        if "elapsed_s" in saved:
            self.elapsed_s = float(saved["elapsed_s"][0, 0])
        if self._drifts is not None:
            self._drifts = saved.get("drift", self._drifts)
        if self.relaxation is not None:
            self.relaxation.bring_back(self.bent(rises), saved.get("relaxing_siemens"))
        if self.noise is not None and self.noise.high is not None:
            self.noise.high = saved.get("telegraph", self.noise.high)
        if self.noise is not None and self.noise.slow is not None and "flicker" in saved:
            self.noise.slow = saved["flicker"].reshape(-1, rows, columns)
        self.change_cells = self.change_cells or self.step_factors is not None or self.shape_exponents is not None
