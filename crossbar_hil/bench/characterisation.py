"""Measure what pulses do to a cell: its potentiation and depression curve, in the file that the simulator reads."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from crossbar_hil.arrays import IntArray
from crossbar_hil.backend import DeviceBackend, Pulse
from crossbar_hil.curves.measured import MeasuredCurve
from crossbar_hil.curves.own_table import write_own
from crossbar_hil.errors import DataError


class Step(NamedTuple):
    """One read of the cell."""

    pulse: Pulse
    """The kind of pulse that was sent before this read."""
    number: int
    """How many of that kind were sent."""
    conductance_siemens: float


def characterise(
    backend: DeviceBackend,
    cell: tuple[int, int],
    *,
    pulses: int,
    read_v: float,
    up: Pulse,
    down: Pulse | None = None,
) -> Iterator[Step]:
    """Send potentiating and then depressing pulses to one cell, reading it before each and after the last.

    What is measured is handed out at once, so that nothing is lost if the rest fails.

    Parameters
    ----------
    backend : DeviceBackend
        The chip. The pulses change it for good.
    cell : (int, int)
        Row and column, counted from 0.
    pulses : int
        Pulses of each kind.
    read_v : float
        Voltage of the reads, in volts.
    up, down : Pulse
        The potentiating and the depressing pulse; without the latter the cell is only potentiated.

    Raises
    ------
    DataError
        If the cell is not on the chip or the count or a pulse makes no sense; nothing was sent.
    LimitError
        If a pulse exceeds the limits of the chip; nothing was sent.
    """
    row, column = cell
    if not (0 <= row < backend.shape[0] and 0 <= column < backend.shape[1]):
        raise DataError(f"cell [{row}, {column}] is not on the chip of {backend.shape[0]} by {backend.shape[1]} cells")
    if pulses < 1:
        raise DataError(f"pulses {pulses} must be at least 1")
    if up.amplitude_v < 0 or (down is not None and down.amplitude_v > 0):
        raise DataError(f"potentiation needs a positive and depression a negative pulse, not {up} and {down}")
    kinds = (up,) if down is None else (up, down)
    counts = np.zeros(backend.shape, dtype=np.int64)
    for pulse in kinds:  # sending none of a kind checks it, before one of another kind has changed the cell
        backend.send_pulses(counts, pulse)
    counts[row, column] = 1
    return _steps(backend, counts, kinds, pulses, read_v)


def _steps(
    backend: DeviceBackend, counts: IntArray, kinds: tuple[Pulse, ...], pulses: int, read_v: float
) -> Iterator[Step]:
    cell = np.unravel_index(int(counts.argmax()), counts.shape)
    for pulse in kinds:
        yield Step(pulse, 0, float(backend.read_conductances(read_v)[cell]))
        for number in range(1, pulses + 1):
            backend.send_pulses(counts, pulse)
            yield Step(pulse, number, float(backend.read_conductances(read_v)[cell]))


def write_curves(path: Path, steps: Iterable[Step], comment: str) -> None:
    """Write measured curves to a new file, as a table that `ConductanceCurve.from_csv` reads.

    Raises
    ------
    RunError
        If the file exists, which is never overwritten, or cannot be written.
    """
    levels: dict[Pulse, list[float]] = {}
    for pulse, _, siemens in steps:
        levels.setdefault(pulse, []).append(siemens)
    write_own(
        path, (MeasuredCurve(pulse.amplitude_v > 0, pulse, tuple(own)) for pulse, own in levels.items()), [comment]
    )
