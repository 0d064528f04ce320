"""What half-select writing does, and when it does to every cell just what a direct pulse does.

A pulse puts half its amplitude a on a word line and minus half on a bit line, other lines being at 0 V. Let s be the
largest share of a voltage that wires can lose (`ensemble.wired.loss_by_siemens`). No potential lies outside those of
the ends, so no cell carries more than a times its conductance, and both nodes of a cell together differ from the ends
of their lines by no more than s a. So the selected cell sees between (1 - s) a and a, one of its row or column at most
(1/2 + s) a, any other s a. While s is below `AS_MEASURED` the selected cell moves as measured, and while (1/2 + s) a
stays below the threshold, no other does.
"""

from typing import NamedTuple

import numpy as np

from crossbar_hil.backend import Pulse

from ..chip.curve import ConductanceCurve
from ..chip.exposure import AS_MEASURED, curve_between, step_of

SPARE = 1e-6
"""Share of a voltage, for what the solution of the circuit leaves open."""
APART = 0.05
"""Relative distance of other measured amplitudes, so that the pulse's own is the nearest."""


class HalfSelect(NamedTuple):
    """Half-select writing by pulses of one kind."""

    whole: float
    """Share of a voltage that wires may lose so that every pulse is whole and disturbs nobody; below 0 for none."""
    threshold: float
    least: float
    """Share of the pulse up to which a voltage leaves a cell as it is."""
    alone: bool
    """Whether no other pulse is measured that potentiates, so that all steps are along one curve."""


def half_select(curve: ConductanceCurve, pulse: Pulse, threshold: float) -> HalfSelect | None:
    """Say what half-select pulses do; None if a whole one is not one level of its own curve.

    Up to the threshold, a share of the smallest measured amplitude, a voltage leaves a cell as it is.
    """
    amplitude = pulse.amplitude_v
    measured = curve.widths_by_amplitude()
    step = step_of(curve, threshold, amplitude, pulse.width_s)
    own = curve.for_pulse(pulse).levels_siemens
    if step is None or step.levels != 1.0 or not np.array_equal(curve_between(curve, step.pulse).levels_siemens, own):
        return None
    others = [each for each in measured if each > 0 and abs(each - amplitude) > SPARE * amplitude]
    if any(abs(each - amplitude) <= APART * amplitude for each in others):
        return None
    least = threshold * min(map(abs, measured)) / amplitude
    return HalfSelect(min(AS_MEASURED, least - 0.5) - SPARE, threshold, least, not others)
