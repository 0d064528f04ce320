"""The watch on a chip: whether the cells change from one map of conductances to the next as memristors do."""

import numpy as np

from crossbar_hil.arrays import BoolArray, FloatArray

OPEN_SIEMENS = 1e-9
"""Below this a cell counts as open, and what changes below it as noise: a path through the relays of a matrix card has
an isolation of that order (1 Gohm)."""
UNPULSED = 3.0
"""Factor by which a cell may change that got no pulse: noise, drift and half-selection stay below it."""
BACKWARDS = 0.1
"""Share by which every pulsed cell must have gone the wrong way for the polarity to be taken for wrong."""


class Watch:
    """What is known of the cells, and what was done to them since.

    Parameters
    ----------
    shape : tuple of int
        (R, C) of the chip.
    jump : float
        Largest factor by which a pulsed cell may change from one map to the next.
    """

    def __init__(self, shape: tuple[int, int], jump: float) -> None:
        self._jump = jump
        self._known: FloatArray | None = None
        self._pushed = np.zeros(shape)  # volts of the last pulse since that map; 0 if there was none
        self._mixed = False

    @property
    def nothing_there(self) -> str:
        """Why this cannot be a chip, if not one of its cells conducts; empty otherwise, or if nothing was measured."""
        if self._known is None or np.abs(self._known).max() >= OPEN_SIEMENS:
            return ""
        return f"no cell conducts more than {OPEN_SIEMENS:g} S, so the chip is not in its socket or not connected"

    def note_pulse(self, cell: tuple[int, int], amplitude_v: float) -> None:
        """Take note that a cell may have been pulsed."""
        self._mixed |= bool(self._pushed[cell] * amplitude_v < 0)
        self._pushed[cell] = amplitude_v

    def restart(self, conductances: FloatArray) -> None:
        """Begin with what was measured, whatever was known before."""
        self._known, self._pushed, self._mixed = conductances, np.zeros_like(self._pushed), False

    def judge_map(self, conductances: FloatArray) -> str:
        """Take a new map, in siemens, and return what is wrong with it compared with the last one; empty if nothing."""
        before, pushed, mixed = self._known, self._pushed, self._mixed
        self.restart(conductances)
        if before is None:
            return ""
        problem = _find_jump(before, conductances, pushed == 0, UNPULSED, "although it was not pulsed")
        problem = problem or _find_jump(before, conductances, pushed != 0, self._jump, "by its last pulses")
        return problem or ("" if mixed else _find_step_backwards(before, conductances, pushed))


def _find_jump(before: FloatArray, now: FloatArray, cells: BoolArray, most: float, why: str) -> str:
    """Name the cell that changed most, if that is by more than a factor."""
    was, is_ = (np.maximum(np.abs(each), OPEN_SIEMENS) for each in (before, now))
    factor = np.where(cells, np.maximum(is_ / was, was / is_), 1.0)
    if factor.max() <= most:
        return ""
    row, column = (int(each) for each in np.unravel_index(int(factor.argmax()), factor.shape))
    return (
        f"cell [{row}, {column}] went from {before[row, column]:.4g} S to {now[row, column]:.4g} S {why}, "
        f"by more than the factor of {most:g} that is allowed"
    )


def _find_step_backwards(before: FloatArray, now: FloatArray, pushed: FloatArray) -> str:
    """Say so if every pulsed cell, and there are some, went against the sign of its pulses."""
    cells = pushed != 0
    change = np.sign(pushed) * (np.abs(now) - np.abs(before))
    if cells.sum() < 2 or not (change[cells] < -BACKWARDS * np.abs(before[cells])).all():
        return ""
    return (
        f"pulses of {pushed[cells][0]:g} V moved all of the {int(cells.sum())} cells that got them the other way, "
        "so the chip is connected the wrong way round or of the other polarity"
    )
