"""What a twin says of a virtual chip: curve, and for each of its draws the settings of a simulated chip."""

from typing import Any

import numpy as np

from crossbar_hil.bench.file import Chip
from crossbar_hil.errors import DataError
from crossbar_hil.twins.file import Twin, TwinChip

from .curve import ConductanceCurve


def twin_curve(twin: Twin) -> ConductanceCurve:
    """Return the curve that the twin was fitted against."""
    return ConductanceCurve(twin.curve_siemens, twin.source.pulse, source=twin.source.curve)


def check_size(chip: Chip, twin: Twin) -> None:
    """Refuse a twin of a chip of another size, by a DataError."""
    if (chip.rows, chip.columns) != (twin.rows, twin.columns):
        raise DataError(
            f"the twin is of a chip of {twin.rows} by {twin.columns} cells, the bench has {chip.rows} by "
            f"{chip.columns}: a bench whose [chip] table leaves rows and columns out takes those of the twin"
        )


def twin_effects(chip: Chip, twin: Twin, one: TwinChip) -> dict[str, Any]:
    """Return the effects of a [chip] table, as keywords of `SimulatedBackend`, with what a draw of a twin replaces."""
    numbers = twin.numbers
    found = {
        **chip.numbers(),
        "read_noise": numbers.read_noise.value,
        "step_variation": one.step_variation,
        "step_factors": np.where(one.moves, one.step_factors, 1.0),
    }
    if numbers.relaxation is not None and numbers.relaxation_s is not None:
        found |= {"relaxation": numbers.relaxation.value, "relaxation_s": numbers.relaxation_s.value}
    return found
