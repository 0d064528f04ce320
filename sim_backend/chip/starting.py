"""Where the cells of a virtual chip start: at shifts, spread about the start of the curve, or at a measured map."""

from collections.abc import Callable
from typing import Any

import numpy as np

from crossbar_hil.arrays import FloatArray
from crossbar_hil.bench.file import Chip
from crossbar_hil.bench.start_map import read_map
from crossbar_hil.errors import DataError
from crossbar_hil.shipped import TextFile, data_file

from .curve import ConductanceCurve
from .variation import lognormal_shifts, rescaled_lognormal_shifts


def draw_shifts(chip: Chip, curve: ConductanceCurve, rng: np.random.Generator) -> FloatArray:
    """Draw the shifts (R, C) of one chip as its table says, in siemens, by `rng` unless they are those of a map.

    K times a shift is the conductance at which a cell starts.
    """
    shape = (chip.rows, chip.columns)
    chip = chip.resolved
    if chip.start is not None:
        return start_shifts(chip, data_file(chip.start))
    draw: Callable[..., FloatArray] = rescaled_lognormal_shifts if is_rescaled(chip) else lognormal_shifts
    return draw(shape, rng=rng, **spread_numbers(chip, curve))


def start_shifts(chip: Chip, file: TextFile) -> FloatArray:
    """Return the (R, C) shifts, in siemens, with which the cells start where a map says."""
    return read_map(file, (chip.rows, chip.columns)) / chip.k


def is_rescaled(chip: Chip) -> bool:
    """Say whether the shifts are drawn as the reference study does it."""
    spread = chip.resolved.spread
    return spread is not None and spread.distribution == "rescaled"


def spread_numbers(chip: Chip, curve: ConductanceCurve) -> dict[str, Any]:
    """Return the keywords of the function that draws the shifts.

    Raises
    ------
    DataError
        If the chip has a spread about the start of its curve, and that is zero.
    """
    chip = chip.resolved
    if chip.spread is not None:
        return chip.spread.numbers()
    start = float(curve.levels_siemens[0])
    if start == 0:
        raise DataError(
            f"the curve {curve.source} starts at 0 S, about which cells cannot be spread in per cent; "
            "give --start MAP or --spread LOW HIGH"
        )
    return {"median_siemens": start, "sigma": chip.device_spread}
