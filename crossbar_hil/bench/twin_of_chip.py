"""Whether the twin that a bench names is of the chip in its socket, and whether that is still where the twin has it."""

import numpy as np

from crossbar_hil.arrays import FloatArray
from crossbar_hil.bench.file import Bench
from crossbar_hil.errors import ConfigError
from crossbar_hil.shipped import data_file
from crossbar_hil.spent import chip_key
from crossbar_hil.twins.file import Twin, read_twin

STILL = 0.02
"""A cell may have changed by this share since, beside what read noise explains: contacts and temperature."""
SURE = 5.0
"""Standard deviations of a reading beyond which it is another conductance."""


def twin_of_bench(bench: Bench) -> Twin | None:
    """Return the twin that a bench names, None if it names none.

    Raises
    ------
    DataError
        If it cannot be read.
    ConfigError
        If it is that of another chip.
    """
    if bench.chip is None or bench.chip.twin is None:
        return None
    twin = read_twin(data_file(bench.chip.twin))
    if bench.kind == "hardware" and chip_key(twin.source.chip_id or "") != chip_key(bench.chip_id or ""):
        whose = f"chip {twin.source.chip_id}" if twin.source.chip_id else f"a chip of kind {twin.source.kind}"
        raise ConfigError(
            f"the twin {bench.chip.twin} is of {whose}, bench {bench.name} has chip {bench.chip_id}: calibrate that one"
        )
    shape = bench.shape
    if shape is not None and shape != (twin.rows, twin.columns):
        way_out = "calibrate that one"
        if bench.wiring is None:
            way_out = "a bench whose [chip] table leaves rows and columns out takes those of the twin"
        raise ConfigError(
            f"the twin {bench.chip.twin} is of a chip of {twin.rows} by {twin.columns} cells, bench {bench.name} has "
            f"{shape[0]} by {shape[1]}: {way_out}"
        )
    return twin


def of_another_bench(bench: Bench, twin: Twin | None) -> str | None:
    """Say if an emulated bench is given the twin of another: what it foretells is then no prediction of its chip."""
    if twin is None or bench.kind != "emulated" or (twin.source.kind, twin.source.bench) == ("emulated", bench.name):
        return None
    return (
        f"the twin is of bench {twin.source.bench} ({twin.source.kind}), not of the emulated bench {bench.name}, whose "
        "chip becomes one of its draws: what it foretells is not counted by `twins`"
    )


def with_known_noise(bench: Bench) -> Bench:
    """Return a bench whose training confirms as the read noise of its twin asks for, unless it says otherwise.

    Whoever trains it, one chip or many, asks this, as a trainer that knows of noise alone confirms any of it.
    """
    if bench.chip is None or bench.chip.twin is None or bench.training.confirm is not None:
        return bench
    return bench.model_copy(update={"training": bench.training.model_copy(update={"confirm": bench.confirm})})


def moved_since(twin: Twin, siemens: FloatArray) -> list[str]:
    """Say if cells, read once as (R, C) in siemens, are no longer where the calibration of their twin left them."""
    now = np.array(twin.cells.now_siemens)
    if now.shape != siemens.shape:
        return [f"the twin is of {twin.rows} by {twin.columns} cells, so it says nothing of this chip"]
    error = np.array(twin.cells.now_error_siemens)
    allowed = SURE * np.hypot(error, twin.numbers.read_noise.value * now) + STILL * np.abs(now).max()
    beyond = np.abs(siemens - now) / allowed
    count = int(np.count_nonzero(beyond > 1))
    if not count:
        return []
    row, column = np.unravel_index(int(beyond.argmax()), beyond.shape)
    return [
        f"{count} of {now.size} cells are no longer where the calibration left them, such as row {row + 1}, column "
        f"{column + 1}: {1e9 * now[row, column]:.4g} nS then, {1e9 * siemens[row, column]:.4g} nS now; what the twin "
        "foretells is of a chip that was not touched since"
    ]
