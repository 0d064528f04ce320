"""The watch on a chip: whether readings and currents can be those of cells, and cells change as memristors do."""

import math
from collections import deque
from dataclasses import dataclass
from statistics import median
from typing import Self

import numpy as np

from crossbar_hil.arrays import BoolArray, FloatArray, at
from crossbar_hil.bench.file import Bench
from crossbar_hil.shipped import data_file
from crossbar_hil.twins.file import read_twin

OPEN_SIEMENS = 1e-9
"""Below this a cell counts as open, and what changes below it as noise: a path through the relays of a matrix card has
an isolation of that order (1 Gohm)."""
NOTHING_THERE = f"no cell conducts more than {OPEN_SIEMENS:g} S, so the chip is not in its socket or not connected"
UNPULSED = 3.0
"""Factor by which a cell may change that got no pulse: noise, drift and half-selection stay below it."""
BACKWARDS = 0.1
"""Share by which every pulsed cell must have gone the wrong way for the polarity to be taken for wrong."""
SIGNATURE = 0.1
"""Share by which a cell that was not pulsed may differ, when a run is resumed, from what was last measured of it."""


SIGMAS = 6.0
"""So many standard deviations of its noise may a reading lie below zero: one in a thousand million lies further."""
METER_SHARE = 1e-4
"""Noise of every meter here stays below this share of its range (data sheets, one power-line cycle)."""
RANGE_SHARE = 10 * METER_SHARE
"""So much of the meter's range may a reading lie below zero. A reading at 0 V is subtracted from each; what is left is
noise, ten times that of a meter for cables."""

FAR = 20.0
"""A current of so many times what the last map allows is none: noise, cells that are not ohmic, and those that changed
without a pulse (`UNPULSED`) stay below it together."""
MIXED_UP = "answers in each other's place, or lines the wrong way round"
"""What readings that cannot be may come from."""
REMEMBERED = 32
"""Pulses from which the factor is learnt: two batches of a chip of 4 x 4."""


@dataclass(frozen=True, slots=True)
class Least:
    """How far below zero a reading may lie: a cell conducts or does not, it never gives."""

    range_a: float
    """Range of the meter in a read, in amperes."""
    noise: float = 0.0
    """Relative noise of a reading, as far as it is known."""

    @classmethod
    def of(cls, bench: Bench) -> "Self | None":
        """Return that of a bench; None if its file does not say how currents are measured."""
        if bench.measurement is None:
            return None
        chip, noise = bench.chip, 0.0
        if chip is not None:
            known = chip.read_noise if chip.twin is None else read_twin(data_file(chip.twin)).numbers.read_noise.value
            noise = math.hypot(known, chip.telegraph, chip.flicker)
        return cls(bench.measurement.read_range_a or bench.measurement.range_a, noise)

    def problem(self, conductances: FloatArray, read_v: float, known: FloatArray | None) -> str:
        """Say which of (R, C) conductances, in siemens, read at a voltage, no cell can have; empty if none.

        `known` is what the cells were before; if nothing is known, noise is that of the largest of them.
        """
        about = np.abs(conductances).max() if known is None else np.maximum(np.abs(known), np.abs(conductances))
        found = self._lowest(conductances, read_v, np.broadcast_to(about, conductances.shape))
        if found is None:
            return ""
        (row, column), below = found
        return (
            f"cell {at(row, column)} reads {below}, so this is no reading of that cell: {MIXED_UP}; it was thrown away"
        )

    def problem_of_read(self, voltages: FloatArray, currents: FloatArray, most_siemens: FloatArray) -> str:
        """Say which of (N, C) currents, in amperes, no cells of (R, C) conductances at most can give; empty if none."""
        most_a = FAR * (np.abs(voltages) @ most_siemens + RANGE_SHARE * self.range_a)
        beyond = np.abs(currents) - most_a
        if not beyond.size or beyond.max() <= 0:
            return ""
        place = divmod(int(beyond.argmax()), currents.shape[1])
        return (
            f"column {place[1] + 1} shows {currents[place]:.4g} A, more than {FAR:g} times what its cells can give as "
            f"they were read last ({most_a[place] / FAR:.3g} A): a cell that has changed, or answers in each other's "
            "place; it was thrown away"
        )

    def problem_of_lines(self, between: FloatArray, read_v: float, rows: int) -> str:
        """Say between which two lines, rows first, no conductance of some in siemens can be; empty if all can."""
        whole = np.where(np.isfinite(between), between, 0.0)
        found = self._lowest(whole, read_v, np.full(between.shape, np.abs(whole).max()))
        if found is None:
            return ""
        names = [f"row {each + 1}" if each < rows else f"column {each - rows + 1}" for each in found[0]]
        return (
            f"{names[0]} to {names[1]} reads {found[1]}, so no two lines were measured there: {MIXED_UP}; nothing is "
            "said of the wiring"
        )

    def _lowest(self, conductances: FloatArray, read_v: float, about: FloatArray) -> tuple[tuple[int, int], str] | None:
        """Return where a conductance lies furthest below what noise can make of some, in words; None if none does."""
        floor = RANGE_SHARE * self.range_a / abs(read_v)
        lowest = -np.maximum(floor, SIGMAS * self.noise * about)
        if (conductances >= lowest).all():
            return None
        place = divmod(int((conductances - lowest).argmin()), conductances.shape[1])
        noise = f", or {SIGMAS:g} times the noise of {self.noise:.0%}" if self.noise else ""
        return place, (
            f"{conductances[place]:.4g} S, which is further below zero than noise can bring it (to "
            f"{lowest[place]:.3g} S: {RANGE_SHARE:.1%} of the range of {self.range_a:g} A at "
            f"{abs(read_v):g} V{noise})"
        )


@dataclass(frozen=True, slots=True)
class LeftOtherwise:
    """Where a chip reads otherwise than a run left it."""

    problem: str = ""
    """Which cell, by how much, against which bound; empty if none does."""
    may_be_the_same: bool = True
    """Whether noise or drift can have done it, if a person says so: not where most cells changed as none should."""

    @property
    def way_out(self) -> str:
        """What to do now, as the end of a sentence."""
        if self.may_be_the_same:
            return (
                "; no pulse was sent: put the right chip back; or, if this is the chip and it has noise or drifts, "
                "resume with --accept-change, which goes on from what it reads now and writes the change into the "
                "journal"
            )
        return (
            f"; most of them by more than the factor of {UNPULSED:g} that noise and drift stay below, so this is "
            "another chip and nothing makes it this run's; no pulse was sent: put the right chip back, or start a "
            "new run"
        )


def otherwise_than_left(
    known: FloatArray, now: FloatArray, unpulsed: BoolArray, least: Least | None, read_v: float
) -> LeftOtherwise:
    """Compare (R, C) conductances, in siemens, as a run left them with those read at a voltage when it is resumed.

    A cell without a pulse may differ by `SIGNATURE`, by `SIGMAS` standard deviations of the difference of two readings
    with the noise that the bench file says, and by twice the noise of the meter.
    """
    noise = 0.0 if least is None else math.sqrt(2) * SIGMAS * least.noise
    floor = OPEN_SIEMENS if least is None else max(OPEN_SIEMENS, 2 * METER_SHARE * least.range_a / abs(read_v))
    share = max(SIGNATURE, noise)
    allowed = np.maximum(share * np.abs(known), floor)
    change = np.abs(now - known)
    off = unpulsed & (change > allowed)
    if not off.any():
        return LeftOtherwise()
    place = divmod(int(np.where(off, change / allowed, 0.0).argmax()), off.shape[1])
    far = unpulsed & (_factors(known, now, floor) > UNPULSED)
    why = f", {SIGMAS:g} times the noise of two readings by the bench file" if noise > SIGNATURE else ""
    offs = f"{int(off.sum())} of the {int(unpulsed.sum())} cells without a pulse"
    return LeftOtherwise(
        f"cell {at(*place)} got no pulse and reads {now[place]:.4g} S instead of {known[place]:.4g} S, "
        f"{change[place]:.2g} S off where {allowed[place]:.2g} S is allowed ({share:.0%} of that{why}; {floor:.1g} S "
        f"at least); {offs} {'is' if off.sum() == 1 else 'are'} off by more than their bound",
        may_be_the_same=bool(2 * far.sum() <= unpulsed.sum()),
    )


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
        self.known: FloatArray | None = None
        """The last conductances of all cells, in siemens."""
        self._pushed = np.zeros(shape)  # volts of the last pulse since that map; 0 if there was none
        self._mixed = False

    @property
    def nothing_there(self) -> str:
        """Why this cannot be a chip, if not one of its cells conducts; empty otherwise, or if nothing was measured."""
        if self.known is None or np.abs(self.known).max() >= OPEN_SIEMENS:
            return ""
        return NOTHING_THERE

    def most_siemens(self) -> FloatArray | None:
        """Return what cells conduct at most since the last map, (R, C) in siemens; None if nothing is known."""
        if self.known is None:
            return None
        found: FloatArray = np.maximum(np.abs(self.known), OPEN_SIEMENS) * np.where(self._pushed, self._jump, 1.0)
        return found

    def note_pulse(self, cell: tuple[int, int], amplitude_v: float) -> None:
        """Take note that a cell may have been pulsed."""
        self._mixed |= bool(self._pushed[cell] * amplitude_v < 0)
        self._pushed[cell] = amplitude_v

    def restart(self, conductances: FloatArray) -> None:
        """Begin with what was measured, whatever was known before."""
        self.known, self._pushed, self._mixed = conductances, np.zeros_like(self._pushed), False

    def judge_resumed(self, before: FloatArray, now: FloatArray) -> str:
        """Say which cell changed by more than a pulse can since the last map of a session before; empty if none."""
        return _find_jump(before, now, np.ones(now.shape, dtype=bool), self._jump, "since the run was left")

    def judge_map(self, conductances: FloatArray) -> str:
        """Take a new map, in siemens, and return what is wrong with it compared with the last one; empty if nothing."""
        before, pushed, mixed = self.known, self._pushed, self._mixed
        self.restart(conductances)
        if before is None:
            return ""
        problem = _find_jump(before, conductances, pushed == 0, UNPULSED, "although it was not pulsed")
        problem = problem or _find_jump(before, conductances, pushed != 0, self._jump, "by its last pulses")
        return problem or ("" if mixed else _find_step_backwards(before, conductances, pushed))


def _find_jump(before: FloatArray, now: FloatArray, cells: BoolArray, most: float, why: str) -> str:
    """Name the cell that changed most, if that is by more than a factor."""
    factor = np.where(cells, _factors(before, now, OPEN_SIEMENS), 1.0)
    if factor.max() <= most:
        return ""
    row, column = (int(each) for each in np.unravel_index(int(factor.argmax()), factor.shape))
    return (
        f"cell {at(row, column)} went from {before[row, column]:.4g} S to {now[row, column]:.4g} S {why}, "
        f"by more than the factor of {most:g} that is allowed"
    )


def _factors(before: FloatArray, now: FloatArray, least: float) -> FloatArray:
    """Return by which factor, above 1, each of some conductances changed; below the least one counts as that."""
    was, is_ = (np.maximum(np.abs(each), least) for each in (before, now))
    return np.maximum(is_ / was, was / is_)


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


class PulseCurrents:
    """Says of each pulse whether its current is rather that of a short than that of whole cells.

    Where idle lines hang on a divider, a cell that shorts takes them to 0 V or to the whole pulse, and no current limit
    trips. What the source delivers then is more: the other cells of the row see all of the pulse instead of half. How
    much that is follows from the last map of the chip, up to a factor: cells need not be ohmic. The factor is learnt
    from the pulses before.
    """

    def __init__(self) -> None:
        self._ratios: deque[float] = deque(maxlen=REMEMBERED)
        self._allowed = 0.0
        """Largest excess that was looked into and found to be no short: such chips are not looked at again for it."""
        self._last = 1.0, 0.0  # ratio and excess of the last pulse

    def suspicious(self, current_a: float, whole_a: float, shorted_a: float) -> bool:
        """Take the current of a pulse, in amperes, and what it should be without a short and with one.

        Nearer to that with one it is suspicious; `cleared` is to be called if the chip was found to be whole.

        Examples
        --------
        >>> currents = PulseCurrents()
        >>> [currents.suspicious(each, 5e-6, 8e-6) for each in (5.5e-6, 5.6e-6, 8e-6)]
        [False, False, True]
        """
        if not current_a:  # the row is open: no short, and no measure of the factor
            return False
        ratio, excess = current_a / whole_a, current_a / (whole_a * self._factor) - 1
        self._last = ratio, excess
        if excess > max((shorted_a / whole_a - 1) / 2, self._allowed):
            return True
        self._ratios.append(ratio)
        return False

    def cleared(self) -> None:
        """Take note that the last pulse, a suspicious one, was one to whole cells."""
        ratio, excess = self._last
        if self._ratios:  # else nothing was known of the factor, so that nothing was amiss
            self._allowed = max(self._allowed, excess)
        self._ratios.append(ratio)

    @property
    def _factor(self) -> float:
        return median(self._ratios) if self._ratios else 1.0
