"""What the cells of a real chip have got since it was calibrated, by its dose ledger."""

from datetime import datetime

import numpy as np

from crossbar_hil.arrays import IntArray
from crossbar_hil.bench.file import Bench
from crossbar_hil.errors import CrossbarError
from crossbar_hil.guard.ledger import DoseLedger, default_path
from crossbar_hil.shipped import data_file
from crossbar_hil.spent import chip_key
from crossbar_hil.twins.file import Twin, read_twin


def pulses_since_calibration(bench: Bench) -> IntArray | None:
    """Return the pulses (R, C) that each cell of a real chip has got since the calibration that made its twin.

    None if nothing tells: without a twin, and without a ledger that holds the pulses of the calibration itself.
    """
    if bench.kind != "hardware" or bench.chip_id is None or bench.chip is None or bench.chip.twin is None:
        return None
    try:
        twin = read_twin(data_file(bench.chip.twin))
        path = default_path(bench.chip_id)
        if chip_key(twin.source.chip_id or "") != chip_key(bench.chip_id) or not path.exists():
            return None
        ledger = DoseLedger.open(path, (twin.rows, twin.columns))
        try:
            return _since(ledger.pulses_by_run(datetime.fromisoformat(twin.source.made_utc)), twin)
        finally:
            ledger.close()
    except (CrossbarError, ValueError, TypeError):  # headroom is told all the same, by what is read
        return None


def _since(runs: list[IntArray], twin: Twin) -> IntArray | None:
    """Leave the calibration, the first session since its own beginning, out of what came since."""
    spare = np.zeros((twin.rows, twin.columns), dtype=bool)
    for cell in twin.source.spare:
        spare[cell] = True
    if not runs or (runs[0][~spare] != twin.source.pulses).any():
        return None
    return sum(runs[1:], np.zeros_like(runs[0]))
