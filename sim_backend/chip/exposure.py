"""What a voltage of any height and length does to a cell: along which curve it moves the cell, and by how many levels.

Only whole pulses were measured, so this is a choice of the model. With v the voltage and a an amplitude, both of one
sign and without it here:

- v within 2 % of a measured a acts as measured.
- Between two measured amplitudes each level of their curves is interpolated linearly in v. A curve that ends before the
  other stays at its last level.
- Below the smallest, nothing happens up to ``threshold`` times that amplitude. From there the step along its curve
  grows in proportion to v; so it goes on above the largest, along the curve of that.
- A time within 1 % of a measured width counts as that width; a longer one than any as so many of the longest pulses, a
  shorter one as that share of the shortest.
"""

from typing import NamedTuple

import numpy as np

from crossbar_hil.arrays import FloatArray
from crossbar_hil.backend import Pulse
from crossbar_hil.errors import LimitError

from .curve import ConductanceCurve

AS_MEASURED, AS_LONG = 0.02, 0.01
"""Relative difference of a voltage, and of a time, up to which it counts as the measured one."""


class Step(NamedTuple):
    """A move along the curve of a pulse."""

    pulse: Pulse
    """A measured one, or one between measured amplitudes, for which `curve_between` has the curve."""
    levels: float


def step_of(curve: ConductanceCurve, threshold: float, voltage_v: float, seconds: float) -> Step | None:
    """Return what a voltage across a cell for some seconds does; None if nothing.

    Raises
    ------
    LimitError
        If no pulse of that sign was measured.
    """
    amplitudes = _amplitudes(curve, voltage_v)
    if not amplitudes:
        raise LimitError(f"{voltage_v:g} V: the curve {curve.source} holds no pulse of that sign")
    nearest = min(amplitudes, key=lambda each: abs(voltage_v - each))
    if abs(voltage_v / nearest - 1) <= AS_MEASURED:
        return _whole(curve, nearest, seconds, 1.0)
    lower, upper = _neighbours(amplitudes, voltage_v)
    if lower is None or upper is None:
        levels = (voltage_v / nearest - threshold) / (1 - threshold)
        return _whole(curve, nearest, seconds, levels) if levels > 0 else None
    below, above = _whole(curve, lower, seconds, 1.0), _whole(curve, upper, seconds, 1.0)
    share = (voltage_v - lower) / (upper - lower)
    return Step(Pulse(voltage_v, seconds), (1 - share) * below.levels + share * above.levels)


def curve_between(curve: ConductanceCurve, pulse: Pulse) -> ConductanceCurve:
    """Return the curve along which a pulse moves a cell, also if its amplitude lies between two measured ones.

    Raises
    ------
    LimitError
        If it lies outside them.
    """
    lower, upper = _neighbours(_amplitudes(curve, pulse.amplitude_v), pulse.amplitude_v)
    if curve.pulse is None or lower is None or upper is None:
        return curve.for_pulse(pulse)
    ends = [curve.for_pulse(_whole(curve, each, pulse.width_s, 1.0).pulse).levels_siemens for each in (lower, upper)]
    count = max(map(len, ends))
    below, above = (_held(levels, count) for levels in ends)
    share = (pulse.amplitude_v - lower) / (upper - lower)
    levels = (1 - share) * below + share * above
    return ConductanceCurve(levels, pulse, source=f"{curve.source}, between {lower:g} V and {upper:g} V")


def _amplitudes(curve: ConductanceCurve, voltage_v: float) -> list[float]:
    """Return the measured amplitudes of the sign of a voltage, the smallest first."""
    return sorted((each for each in curve.widths_by_amplitude() if (each > 0) == (voltage_v > 0)), key=abs)


def _neighbours(amplitudes: list[float], voltage_v: float) -> tuple[float | None, float | None]:
    """Return the amplitudes between which a voltage lies, None where there is none; neither if it is one of them."""
    if voltage_v in amplitudes:
        return None, None
    lower = [each for each in amplitudes if abs(each) < abs(voltage_v)]
    upper = [each for each in amplitudes if abs(each) > abs(voltage_v)]
    return (lower[-1] if lower else None), (upper[0] if upper else None)


def _whole(curve: ConductanceCurve, amplitude_v: float, seconds: float, levels: float) -> Step:
    """Return the step by a voltage of a measured amplitude that would move a cell by so many levels in one pulse."""
    widths = curve.widths_by_amplitude()[amplitude_v]
    width = next((each for each in widths if abs(seconds - each) <= AS_LONG * each), seconds)
    within = min(max(width, widths[0]), widths[-1])
    return Step(Pulse(amplitude_v, within), levels * width / within)


def _held(levels: FloatArray, count: int) -> FloatArray:
    """Return so many levels, the last one held."""
    return np.concatenate([levels, np.full(count - len(levels), levels[-1])])
