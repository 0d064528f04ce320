"""What is known of a chip before it is programmed: what pulses do to its cells, where these start, how reads vary."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from crossbar_hil.arrays import FloatArray
from crossbar_hil.backend import Pulse
from crossbar_hil.bench.file import Bench
from crossbar_hil.bench.start_map import read_map
from crossbar_hil.bench.virtual_chips import start_range
from crossbar_hil.errors import ConfigError, LimitError
from crossbar_hil.plugins import load
from crossbar_hil.programming.response import Response
from crossbar_hil.programming.settings import MOST_READS
from crossbar_hil.shipped import data_file
from crossbar_hil.twins.file import read_twin

FRESH_SIGMA = 3.0
"""A cell that reads more device spreads than this above the start of its curve is taken for a used one."""
VARIATION = 0.2
"""Relative variation of steps that is taken of a real chip of which nobody measured it."""
NOISE_SHARE = 1 / 3
"""A reading is repeated until its noise is this share of the tolerance."""


@dataclass(frozen=True)
class ChipCurve:
    """The curve of a chip with a bench file, as it was measured or as its twin has it."""

    curve: Any
    """A `ConductanceCurve`."""
    scale: float
    """K."""
    spread: float
    variation: float
    noise: float
    """Relative noise of a reading."""


def curve_of(bench: Bench) -> ChipCurve | None:
    """Return the curve that a bench names; None of a real chip whose bench names none.

    Raises
    ------
    CrossbarError
        If it cannot be read.
    """
    chip = bench.chip
    if chip is None or (bench.kind == "hardware" and not {"curve", "twin"} & chip.model_fields_set):
        return None
    measured = load("curves", "measured")
    if chip.twin is not None:
        twin = read_twin(data_file(chip.twin))
        numbers = twin.numbers
        varies = numbers.step_variation.value if numbers.step_variation is not None else 0.0
        curve = measured(twin.curve_siemens, Pulse(twin.source.amplitude_v, twin.source.width_s), source="twin")
        return ChipCurve(curve, twin.scale, numbers.step_spread.value, varies, numbers.read_noise.value)
    smoothed = chip.smoothed or bench.kind == "hardware"  # a real cell does not repeat the noise of a measurement
    curve = measured.of_device(chip.curve_file, chip.curve_pulse, smoothed=smoothed)
    noise = math.hypot(chip.read_noise, chip.telegraph, chip.flicker)
    return ChipCurve(curve, chip.k, chip.step_spread, chip.step_variation, noise)


def depressing_pulse(curve: Any, up: Pulse) -> Pulse | None:
    """Return the depressing pulse of a curve that is as long as the other one, or most nearly; None if it has none."""
    down = {volts: widths for volts, widths in curve.widths_by_amplitude().items() if volts < 0}
    if not down:
        return None
    volts = max(down)  # the mildest
    return Pulse(volts, min(down[volts], key=lambda width: abs(math.log(width / up.width_s))))


def response_of(known: ChipCurve, up: Pulse, down: Pulse | None, kind: str | None = None) -> Response:
    """Return what two pulses do to the average cell of a chip.

    Raises
    ------
    LimitError
        If the curve holds none of such a pulse.
    """
    curve, k = known.curve, known.scale
    variation = max(known.variation, VARIATION) if kind == "hardware" else known.variation
    rises = k * curve.for_pulse(up).rises
    falls: FloatArray | None = None
    if down is not None:
        try:
            falls = curve.for_pulse(down).levels_siemens
        except LimitError:
            if depressing_pulse(curve, up) is not None:
                raise
            falls = rises[::-1]  # nothing was measured of it: as even as the other way, and varied
            variation = max(variation, VARIATION)
    return Response.of(up, down, rises, falls, spread=known.spread, variation=variation)


def lows_of(bench: Bench, siemens: FloatArray) -> FloatArray | None:
    """Return the low end (R, C) of each cell, of a chip that reads so before its first pulse; None if nobody knows."""
    chip = bench.chip
    if chip is None:
        return None
    if chip.twin is not None:
        return np.array(read_twin(data_file(chip.twin)).cells.start_siemens)
    chip = chip.resolved
    if chip.start is not None:
        return read_map(data_file(chip.start), (siemens.shape[0], siemens.shape[1]))
    known = curve_of(bench)
    if known is None or chip.spread is not None or chip.k != 1:
        return None
    start = float(known.curve.levels_siemens[0])
    used = siemens > start * math.exp(FRESH_SIGMA * (chip.device_spread or 0.0))
    return np.where(used, start, siemens)


def reads_for(noise: float, tolerance: float) -> int:
    """Return how often a cell must be read, so that its noise is small beside the tolerance; both are shares.

    >>> reads_for(0.0, 0.01), reads_for(0.01, 0.01), reads_for(0.1, 0.01)
    (1, 9, 20)
    """
    return min(max(math.ceil((noise / (NOISE_SHARE * tolerance)) ** 2 - 1e-9), 1), MOST_READS)


def noise_left(noise: float, tolerance: float, reads: int) -> str:
    """Say what noise is left in the mean of so many readings, if it is no longer small beside the tolerance.

    >>> noise_left(0.02, 0.01, 20), noise_left(0.1, 0.01, 20)
    ('', '2.2 % of its conductance')
    """
    left = noise / math.sqrt(reads)
    return f"{100 * left:.2g} % of its conductance" if left > tolerance else ""


def common_range(bench: Bench) -> tuple[float, float]:
    """Return the conductances that all cells of a chip can most probably be brought to, in siemens.

    Raises
    ------
    ConfigError
        If nothing says it, or there are none.
    """
    known = curve_of(bench)
    if known is None or bench.chip is None or bench.chip.twin is not None:
        raise ConfigError(f"nothing says which range the cells of bench {bench.name} have in common: --range LOW HIGH")
    low, high = start_range(bench.chip, float(known.curve.levels_siemens[0]))
    top = low + known.scale * known.curve.for_pulse(bench.training.pulse).span * math.exp(-2 * known.spread)
    if not top > high:
        raise ConfigError(
            f"the cells of bench {bench.name} start at up to {high:.3g} S and some end at {top:.3g} S, so they have no "
            "range in common: --range LOW HIGH says one"
        )
    return high, top
