"""Measure what pulses do to a cell: its potentiation and depression curve, in the file that the simulator reads."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from crossbar_hil.backend import DeviceBackend, Pulse
from crossbar_hil.errors import DataError, RunError

HEADER = "polarity,amplitude_v,width_s,pulse,conductance_siemens"


def characterise(
    backend: DeviceBackend,
    cell: tuple[int, int],
    *,
    pulses: int,
    read_v: float,
    up: Pulse,
    down: Pulse | None = None,
    show: Callable[[Pulse, int, float], Any] = lambda *_: None,
) -> list[tuple[Pulse, list[float]]]:
    """Send potentiating and then depressing pulses to one cell, reading it before each and after the last.

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
    show : callable
        Called with the pulse, its number and the conductance in siemens after each read.

    Returns
    -------
    list of (Pulse, list of float)
        Conductances of each kind of pulse, in siemens, one more than pulses were sent.

    Raises
    ------
    DataError
        If the cell is not on the chip or the count or a pulse makes no sense; nothing was sent.
    """
    row, column = cell
    if not (0 <= row < backend.shape[0] and 0 <= column < backend.shape[1]):
        raise DataError(f"cell [{row}, {column}] is not on the chip of {backend.shape[0]} by {backend.shape[1]} cells")
    if pulses < 1:
        raise DataError(f"pulses {pulses} must be at least 1")
    if up.amplitude_v < 0 or (down is not None and down.amplitude_v > 0):
        raise DataError(f"potentiation needs a positive and depression a negative pulse, not {up} and {down}")
    counts = np.zeros(backend.shape, dtype=np.int64)
    counts[row, column] = 1
    curves = []
    for pulse in (up,) if down is None else (up, down):
        levels = [float(backend.read_conductances(read_v)[row, column])]
        show(pulse, 0, levels[-1])
        for number in range(1, pulses + 1):
            backend.send_pulses(counts, pulse)
            levels.append(float(backend.read_conductances(read_v)[row, column]))
            show(pulse, number, levels[-1])
        curves.append((pulse, levels))
    return curves


def write_curves(path: Path, curves: list[tuple[Pulse, list[float]]], comment: str) -> None:
    """Write measured curves to a new file, as a table that `ConductanceCurve.from_csv` reads.

    Raises
    ------
    RunError
        If the file exists, which is never overwritten, or cannot be written.
    """
    lines = [f"# {' '.join(comment.split())}", HEADER]
    for pulse, levels in curves:
        polarity = "potentiation" if pulse.amplitude_v > 0 else "depression"
        lines += [
            f"{polarity},{pulse.amplitude_v!r},{pulse.width_s!r},{number},{level!r}"
            for number, level in enumerate(levels, start=1)
        ]
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write("\n".join([*lines, ""]))
    except FileExistsError as error:
        raise RunError(f"{path} exists already and is not overwritten") from error
    except OSError as error:
        raise RunError(f"{path} cannot be written: {error.strerror or error}") from error
