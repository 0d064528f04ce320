"""The survey of an open chip: readings, and as few pulses as show which cells do not move."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from crossbar_hil.arguments import COUNT, NUMBER, expect
from crossbar_hil.arrays import BoolArray, FloatArray, IntArray, stack
from crossbar_hil.backend import DeviceBackend, Pulse
from crossbar_hil.errors import ComplianceError, DataError, OverrangeError
from crossbar_hil.survey.judging import (
    LEFT_OUT,
    WEAK_CELL,
    Healthy,
    Looks,
    healthy_by_chip,
    hidden_by_noise,
    judge_reads,
    judge_unmoved,
    judge_weak,
    moved,
)
from crossbar_hil.text import quantity

READS = 20
"""Readings of each cell; their mean is then known four times as well as one of them."""
MOST_READS = 10_000
"""Their mean is then known a hundred times as well as one of them; more takes hours and is a slip of the pen."""
LOWER = (
    "a shorted cell may draw more than limit or read range let through: read at less than {}, which finds it, or with "
    "a larger read_range_a"
)
MOST_PULSES = 100
"""Pulses of a kind for a cell; more is a training, or a slip of the pen."""


@dataclass(frozen=True, slots=True, eq=False)
class Survey:
    """What was found on a chip of R x C cells, and what it cost."""

    before: Looks
    after: Looks
    """As the survey left the chip; the same if nothing was sent."""
    verdicts: np.ndarray
    """(R, C) text, empty of a cell in which nothing was found."""
    healthy: Healthy
    rises: FloatArray | None
    """(R, C) what the first pulse did, in siemens; None without pulses."""
    potentiating: IntArray
    """(R, C) pulses that were sent."""
    depressing: IntArray
    reads: int
    """Readings of each cell in each round."""

    @property
    def left_out(self) -> BoolArray:
        """(R, C) cells that a training should leave out."""
        found: BoolArray = np.isin(self.verdicts.astype(str), LEFT_OUT)
        return found


@dataclass(frozen=True, slots=True)
class Probe:
    """The pulses that show which cells move."""

    pulses: int
    """Most of each kind that a cell gets."""
    up: Pulse
    down: Pulse | None
    """None if none is known: then cells cannot be brought back, and one at the end of its curve seems stuck."""

    def __post_init__(self) -> None:
        if not 1 <= self.pulses <= MOST_PULSES:
            raise DataError(f"pulses {self.pulses} must be from 1 to {MOST_PULSES}, or 0 for readings alone")
        if self.up.amplitude_v < 0 or (self.down is not None and self.down.amplitude_v > 0):
            raise DataError(
                f"potentiation needs a positive and depression a negative pulse, not {self.up} and {self.down}"
                + ("" if self.down is None else f"; -{abs(self.down.amplitude_v):g} V depresses")
            )

    def describe(self, cells: int) -> str:
        """Say what will be sent at most, for a person to agree with."""
        kinds = f"{self.pulses} of {self.up}" + ("" if self.down is None else f" and {self.pulses} of {self.down}")
        back = (
            "no depressing pulse is known, so cells stay where the pulses bring them"
            if self.down is None
            else "cells are brought back as far as depressing pulses can"
        )
        return f"the survey sends each of {cells} cells at most {kinds}, fewer to those that move at once; {back}"


def survey(
    backend: DeviceBackend,
    *,
    read_v: float,
    reads: int = READS,
    healthy: Healthy | None = None,
    probe: Probe | None = None,
    tell: Callable[[str], object] = lambda _: None,
) -> Survey:
    """Find the bad cells of an open chip.

    Every cell is read so many times; those that the readings call bad get no pulse. Every other one gets one
    potentiating pulse, and another only if it did not move, up to as many as the probe allows; one that never moved
    gets as many depressing pulses, which move a cell at the end of its curve. What moved is brought back by depressing
    pulses, as long as each brings the cells nearer.

    Parameters
    ----------
    backend : DeviceBackend
        The chip.
    read_v : float
        Voltage of the reads, in volts.
    reads : int
        Readings of each cell in each round, from 2 to `MOST_READS`.
    healthy : Healthy, optional
        What healthy cells conduct; by the median of this chip if not given.
    probe : Probe, optional
        Pulses that may be sent; none if not given.
    tell : callable
        Told what is done.

    Raises
    ------
    DataError, LimitError
        If a setting makes no sense, or the pulses exceed the limits; nothing was sent.
    """
    expect(DeviceBackend, backend=backend)
    expect(NUMBER, read_v=read_v)
    check_reads(reads)
    if probe is not None:
        kinds = [probe.up] if probe.down is None else [probe.up, probe.down]
        every = np.full(backend.shape, len(kinds) * probe.pulses)  # a cell that does not move gets all of both kinds
        for pulse in kinds:
            backend.check_pulses(every, pulse)
    work = _Work(backend, read_v, reads, tell)
    tell(f"reading every cell {reads} times")
    before = work.look()
    healthy = healthy_by_chip(before.means) if healthy is None else healthy
    verdicts = judge_reads(before, healthy)
    if probe is None:
        none = np.zeros(backend.shape, dtype=np.int64)
        return Survey(before, before, verdicts, healthy, None, none, none, reads)
    alive = ~np.isin(verdicts.astype(str), LEFT_OUT)
    after, rises, has_moved, seen = work.probe(before, alive, probe)
    typical = float(np.median(np.abs(rises[alive & has_moved]))) if (alive & has_moved).any() else 0.0
    stuck = judge_unmoved(before, alive & ~has_moved, healthy, seen, typical)
    verdicts[stuck != ""] = stuck[stuck != ""]
    lower = alive & has_moved & (before.means <= healthy.middle_siemens)
    verdicts[judge_weak(rises, seen, lower)] = WEAK_CELL
    return Survey(before, after, verdicts, healthy, rises, work.up, work.down, reads)


def check_reads(reads: int) -> None:
    """Refuse a number of readings that shows no noise, or that nobody means; a DataError then."""
    expect(COUNT, reads=reads)
    if reads < 2:
        raise DataError(f"reads {reads} must be at least 2: one reading shows no noise, and no verdict rests on it")
    if reads > MOST_READS:
        raise DataError(
            f"reads {reads} must be at most {MOST_READS:,}: the noise of the mean is then a hundredth of that of one "
            f"reading; {READS} tell healthy cells from bad ones as a rule"
        )


class _Work:
    """An open chip, read and pulsed, and the pulses that it has got."""

    def __init__(self, backend: DeviceBackend, read_v: float, reads: int, tell: Callable[[str], object]) -> None:
        self._backend, self._read_v, self._reads, self._tell = backend, read_v, reads, tell
        self.up, self.down = (np.zeros(backend.shape, dtype=np.int64) for _ in range(2))

    def look(self) -> Looks:
        try:
            return Looks.of(stack([self._backend.read_conductances(self._read_v) for _ in range(self._reads)]))
        except (ComplianceError, OverrangeError) as error:
            error.add_note(LOWER.format(quantity(self._read_v, "V")))
            raise

    def probe(self, before: Looks, alive: BoolArray, probe: Probe) -> tuple[Looks, FloatArray, BoolArray, FloatArray]:
        """Return the chip afterwards, what the first pulse did, which cells moved, and how little would be seen."""
        now, has_moved, rises = before, np.zeros(alive.shape, dtype=bool), np.zeros(alive.shape)
        seen = np.zeros(alive.shape)
        for sent, counts, pulse in ((self.up, probe.pulses, probe.up), (self.down, probe.pulses, probe.down)):
            for number in range(counts if pulse is not None else 0):
                still = alive & ~has_moved
                if not still.any() or pulse is None:
                    break
                self._send(still, pulse, sent)
                now = self.look()
                has_moved |= still & moved(before, now)
                if number == 0 and sent is self.up:
                    rises = now.means - before.means
                    seen = hidden_by_noise(before, now)
        if probe.down is not None:
            now = self._bring_back(before, now, alive & has_moved, probe.down, probe.pulses)
        return now, rises, has_moved, seen

    def _bring_back(self, before: Looks, now: Looks, cells: BoolArray, pulse: Pulse, most: int) -> Looks:
        """Depress what lies above where it was, one cell first: the others only if that brought it nearer."""
        tried = False
        for _ in range(most):
            above = cells & moved(before, now) & (now.means > before.means) & (self.down < most)
            if not above.any():
                break
            if not tried:
                first = np.zeros_like(above)
                first[tuple(np.argwhere(above)[0])] = True
                then, tried = self._pulsed(first, pulse), True
                if abs(then.means - before.means)[first] >= abs(now.means - before.means)[first]:
                    self._tell("a depressing pulse takes a cell further away than it was, so no other gets one")
                    return then
                now, above = then, above & ~first
                if not above.any():
                    continue
            now = self._pulsed(above, pulse)
        return now

    def _pulsed(self, cells: BoolArray, pulse: Pulse) -> Looks:
        self._send(cells, pulse, self.down)
        return self.look()

    def _send(self, cells: BoolArray, pulse: Pulse, sent: IntArray) -> None:
        counts = cells.astype(np.int64)
        self._tell(f"{int(counts.sum())} pulse(s) of {pulse}, then reading every cell {self._reads} times")
        self._backend.send_pulses(counts, pulse)
        sent += counts
