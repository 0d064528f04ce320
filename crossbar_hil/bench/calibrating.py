"""The calibration of the chip on a bench: what it will do to the chip, and the twin that its readings make."""

import hashlib
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import numpy as np

from crossbar_hil.arrays import BoolArray
from crossbar_hil.backend import DeviceBackend, Pulse
from crossbar_hil.bench.characterisation import Step, characterise
from crossbar_hil.bench.file import Bench, Chip
from crossbar_hil.bench.virtual_chips import in_siemens
from crossbar_hil.curves.reading import understand
from crossbar_hil.errors import ConfigError, DataError
from crossbar_hil.plugins import load
from crossbar_hil.twins.calibration import Clock, calibrate
from crossbar_hil.twins.file import Twin
from crossbar_hil.twins.making import make_twin
from crossbar_hil.twins.readings import Map, Readings, Sent, Spare


@dataclass(frozen=True, slots=True)
class SisterCurve:
    """The curve that step factors are fitted against: of another cell, or another chip of the kind."""

    levels_siemens: tuple[float, ...]
    scale: float
    """K."""
    source: str
    noise: float = 0.0
    """Relative standard error of its levels, as far as cycles in its file tell it."""

    def effect(self, pulses: int) -> tuple[float, float]:
        """Return the rise after so many pulses, and the whole rise, in siemens."""
        rises = self.scale * (np.array(self.levels_siemens) - self.levels_siemens[0])
        return float(rises[min(pulses, len(rises) - 1)]), float(rises.max())


@dataclass(frozen=True, slots=True)
class CalibrationPlan:
    """What a calibration sends and reads."""

    bench: Bench
    pulse: Pulse
    """That of the training."""
    pulses: int
    """For each cell that is not spare."""
    reads: int
    read_v: float
    spare: tuple[tuple[int, int], ...]
    """Cells that are given up for their whole curve, counted from 0."""
    spare_pulses: int
    curve: SisterCurve | None
    """None if that of the spare cells is taken."""

    @property
    def readings(self) -> int:
        """How many readings it takes, of the whole chip or of a spare cell; more if it is watched at the end."""
        return self.reads * (self.pulses + 1 + len(self.spare) * (self.spare_pulses + 1))

    def left_out(self, shape: tuple[int, int]) -> BoolArray:
        """Return the (R, C) mask of the spare cells.

        Raises
        ------
        DataError
            If one is not on the chip, or none would be left.
        """
        mask = np.zeros(shape, dtype=bool)
        for row, column in self.spare:
            if self.spare.count((row, column)) > 1:
                raise DataError(f"spare cell row {row + 1}, column {column + 1} is given twice, name it once")
            if not (0 <= row < shape[0] and 0 <= column < shape[1]):
                size = f"{shape[0]} by {shape[1]} cells"
                raise DataError(f"spare cell row {row + 1}, column {column + 1} is not on the chip of {size}")
            mask[row, column] = True
        if mask.all():
            raise DataError("every cell is spare, so none is left to be calibrated")
        return mask

    def describe(self, shape: tuple[int, int]) -> str:
        """Say what will be sent to a chip of R by C cells, and what that does to it."""
        cells = shape[0] * shape[1] - len(self.spare)
        dose_vs = self.pulses * abs(self.pulse.amplitude_v) * self.pulse.width_s
        said = (
            f"calibration sends {self.pulses} pulse(s) of {self.pulse} to each of {cells} cells of the chip on bench "
            f"{self.bench.name}, {self.pulses * cells} in all, {dose_vs:.3g} V s a cell"
        )
        if self.curve is not None:
            rise, whole = self.curve.effect(self.pulses)
            said += (
                f"; by the curve {self.curve.source} that raises a cell by {in_siemens(rise)} of the "
                f"{in_siemens(whole)} that it can rise, for good"
            )
        else:
            said += ", which change them for good"
        for row, column in self.spare:
            said += f"; {self.spare_pulses} pulses give up cell row {row + 1}, column {column + 1} for its whole curve"
        return said

    def facts(self, backend: DeviceBackend, seed: int | None) -> dict[str, Any]:
        """Return what stands at the head of the readings."""
        return {
            "rows": backend.shape[0],
            "columns": backend.shape[1],
            "bench": self.bench.name,
            "bench_sha256": hashlib.sha256(self.bench.as_toml().encode()).hexdigest(),
            "kind": backend.kind,
            "chip_id": self.bench.chip_id if backend.kind == "hardware" else None,
            "seed": seed if backend.kind != "hardware" else None,
            "read_v": self.read_v,
            "amplitude_v": self.pulse.amplitude_v,
            "width_s": self.pulse.width_s,
            "made_utc": datetime.now(UTC).isoformat(timespec="seconds"),
            **({"conditions": self.bench.conditions.said} if self.bench.conditions.said else {}),
        }


def plan_calibration(
    bench: Bench,
    *,
    pulses: int,
    reads: int,
    read_v: float,
    spare: tuple[tuple[int, int], ...] = (),
    spare_pulses: int = 50,
    curve_file: str | None = None,
    scale: float | None = None,
) -> CalibrationPlan:
    """Lay out the calibration of a bench; nothing is opened.

    Parameters
    ----------
    bench : Bench
        With the pulse of its training.
    pulses, reads, read_v
        As of `crossbar_hil.twins.calibration.calibrate`.
    spare : tuple of (int, int)
        Cells that may be given up, counted from 0.
    spare_pulses : int
        For each of those.
    curve_file, scale
        As of `sister_curve`.

    Raises
    ------
    ConfigError
        If there is no curve to fit against, or it ends before the pulses do.
    CrossbarError
        If the curve cannot be read, or was not measured with the pulse of the training.
    """
    pulse = bench.training.pulse
    curve = None if spare else sister_curve(bench, pulse, curve_file, scale)
    known = spare_pulses if curve is None else len(curve.levels_siemens) - 1
    if pulses > known:
        whose = f"the spare cells get (--spare-pulses {known})" if curve is None else f"the curve {curve.source} has"
        raise ConfigError(
            f"--pulses {pulses} exceed the {known} that {whose}, beyond which nothing tells steps from noise: give "
            f"{known} or fewer; 2 are enough to foretell a training"
        )
    return CalibrationPlan(bench, pulse, pulses, reads, read_v, spare, spare_pulses, curve)


def steps_of(
    plan: CalibrationPlan, backend: DeviceBackend, *, clock: Clock | None, watch_s: float = 0.0
) -> Iterator[Map | Sent | Spare]:
    """Check a calibration on an open chip and return its steps: first the spare cells, then all others.

    A CrossbarError if the chip does not allow it; nothing was sent.
    """
    left_out = plan.left_out(backend.shape)
    rest = calibrate(
        backend,
        pulse=plan.pulse,
        pulses=plan.pulses,
        reads=plan.reads,
        read_v=plan.read_v,
        left_out=left_out,
        clock=clock,
        watch_s=watch_s,
    )
    backend.check_pulses(plan.spare_pulses * left_out.astype(np.int64), plan.pulse)
    whole = [
        characterise(backend, cell, pulses=plan.spare_pulses, read_v=plan.read_v, up=plan.pulse, reads=plan.reads)
        for cell in plan.spare
    ]
    return _in_turn(plan, whole, rest)


def _in_turn(
    plan: CalibrationPlan, whole: Sequence[Iterator[Step]], rest: Iterator[Map | Sent]
) -> Iterator[Map | Sent | Spare]:
    for cell, steps in zip(plan.spare, whole, strict=True):
        for step in steps:
            yield from (Spare(cell, step.number, siemens) for siemens in step.readings)
    yield from rest


class RealClock:
    """The time of day, which passes by itself."""

    def now(self) -> float:
        """Return the time, in seconds."""
        return time.monotonic()

    def wait(self, seconds: float) -> None:
        """Do nothing: the chip is read meanwhile."""


class ChipClock:
    """The clock of a simulated chip."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend

    def now(self) -> float:
        """Return the time that has passed for the chip, in seconds."""
        return float(self._backend.elapsed_s)

    def wait(self, seconds: float) -> None:
        """Let the chip age."""
        self._backend.pass_time(seconds)


def clock_of(backend: DeviceBackend, bench: Bench) -> Clock | None:
    """Return the clock on which a chip ages; None on an emulated bench with a clock of its own."""
    if backend.kind == "hardware" or (bench.emulation is not None and bench.emulation.clock == "real"):
        return RealClock()
    if backend.kind == "simulated" and hasattr(backend, "elapsed_s") and hasattr(backend, "pass_time"):
        return ChipClock(backend)
    return None


def sister_curve(bench: Bench, pulse: Pulse, curve_file: str | None = None, scale: float | None = None) -> SisterCurve:
    """Return the curve of a pulse: that of a file, or the one that the [chip] table of a bench names.

    Parameters
    ----------
    curve_file : str, optional
        Name of a shipped curve or a file, instead of what the bench names.
    scale : float, optional
        K, instead of what the bench says.

    Raises
    ------
    ConfigError
        If neither names one.
    CrossbarError
        If the curve cannot be read, or was not measured with this pulse.
    """
    chip = bench.chip
    if curve_file is not None:
        chip = Chip(curve=curve_file)
    if chip is None or chip.twin is not None:
        raise ConfigError(
            f"bench {bench.name} names no curve to fit the cells against: give that of a sister chip with --curve "
            "FILE, or name a cell that may be given up for it with --spare ROW,COLUMN"
        )
    whole = load("curves", "measured").of_device(chip.curve_file, chip.curve_pulse, smoothed=chip.smoothed)
    curve, k = whole.for_pulse(pulse), chip.k if scale is None else scale
    if not (math.isfinite(k) and k > 0):
        raise ConfigError(f"K of the curve is {k:g}, it must be a finite number above 0: --scale K says it")
    spread = dict(understand(chip.curve_file).spreads).get("potentiation")
    noise = 0.0 if spread is None else spread.read_noise / math.sqrt(spread.cycles)
    return SisterCurve(tuple(curve.levels_siemens.tolist()), k, curve.source, noise)


def twin_of(readings: Readings, curve: SisterCurve | None, *, draws: int) -> Twin:
    """Make the twin of a chip from the readings of its calibration.

    Raises
    ------
    CrossbarError
        If the readings cannot be fitted.
    """
    facts = readings.facts
    spare = ", ".join(f"row {row + 1} column {column + 1}" for row, column in readings.spare_curves())
    if curve is None and not spare:
        raise ConfigError("the readings hold no curve of a spare cell: give that of a sister chip with --curve FILE")
    source = {
        **{name: facts[name] for name in ("bench", "bench_sha256", "kind", "chip_id", "seed", "made_utc")},
        "version": version("crossbar-hil"),
        "curve": f"spare cell {spare}" if spare or curve is None else curve.source,
    }
    if curve is None:
        return make_twin(readings, None, source=source, draws=draws)
    return make_twin(
        readings, curve.levels_siemens, scale=curve.scale, curve_noise=curve.noise, source=source, draws=draws
    )
