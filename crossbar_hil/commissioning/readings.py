"""What a bench showed of its board: currents of every source in every state, at 0 V and at both polarities."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from crossbar_hil.arrays import BoolArray, FloatArray, IntArray
from crossbar_hil.backend import Pulse
from crossbar_hil.commissioning.trial import Sight, TrialPlan
from crossbar_hil.witness import Sights, Train, Volts

REPEATS = 8
"""Readings in one state, one after the other, to see noise."""
SHARES = (0.25, 0.5, 1.0)
"""Of the read voltage, to see whether currents follow it."""


class Trial(Protocol):
    """A session with a bench on trial."""

    def look(self, sights: Sequence[tuple[Sequence[str], Sequence[Volts]]]) -> Sights:
        """Measure the raw currents of every source in some states."""
        ...

    def pulse_on_trial(self, counts: IntArray, pulse: Pulse) -> Train:
        """Send pulses to one cell, and return what each showed."""
        ...

    def send_pulses(self, counts: Any, pulse: Pulse) -> None:
        """Send pulses as a training does."""
        ...


@dataclass(frozen=True)
class Shown:
    """Currents in some states, (states, sources) each, in amperes."""

    keys: tuple[Any, ...]
    """What each state is about: a pair of lines, a column, a cell."""
    sights: tuple[Sight, ...]
    zero: FloatArray
    """With every source at 0 V."""
    plus: FloatArray
    minus: FloatArray
    after: FloatArray
    """Back at 0 V, before any relay moves."""
    limited: BoolArray
    """Whether a source was at its limit or beyond its range, at either polarity."""

    @property
    def net(self) -> FloatArray:
        """What the voltage brought; not a number where a source was at its limit."""
        return np.where(self.limited.any(axis=1, keepdims=True), np.nan, self.plus - self.zero)

    @property
    def net_minus(self) -> FloatArray:
        """The same at the other polarity."""
        return np.where(self.limited.any(axis=1, keepdims=True), np.nan, self.minus - self.zero)


@dataclass(frozen=True)
class Readings:
    """All of them."""

    read_v: float
    sources: tuple[str, ...]
    nothing: Shown
    pairs: Shown
    reads: Shown
    writes: Shown
    floating: Shown
    noise_a: FloatArray
    """Standard deviation of a reading of each source, in amperes."""
    drift: float
    """Relative change of one cell's reading from the first to the last of all."""
    linear: FloatArray
    """Net currents of one state at each of `SHARES`, (shares, sources)."""
    divided: str | None = None
    """The source whose HI a divider hangs on."""

    @property
    def base_a(self) -> FloatArray:
        """What flows through a divider on HI at the read voltage, by source."""
        hangs = np.array([port == self.divided for port in self.sources])
        return np.where(hangs, np.nan_to_num(self.nothing.net[0]), 0.0)

    def net(self, shown: Shown) -> FloatArray:
        """Return the net currents of some states, without that of a divider on HI.

        That is in proportion to the voltage of the source, which may be less than the read voltage.
        """
        volts = np.array([[sight.volts.get(port, 0.0) for port in self.sources] for sight in shown.sights])
        return shown.net - volts * self.base_a


def take_readings(
    trial: Trial, plan: TrialPlan, read_v: float, sources: Sequence[str], *, by_hand: bool, divided: str | None
) -> Readings:
    """See a bench in every state of its plan; by hand, in fewer. A divider may hang on HI of one source."""
    rows = max(row for row, _ in plan.writes) + 1
    crossing = {key: each for key, each in plan.pairs.items() if key[0] < rows <= key[1]}
    if by_hand and plan.pairs[0, rows].assignment[0] != plan.meter:  # the states in which it is read
        crossing = {key: each for key, each in plan.pairs.items() if key[1] < rows <= key[0]}
    first_write = next(iter(plan.writes))
    table: dict[str, Mapping[Any, Sight]] = {
        "pairs": crossing if by_hand else plan.pairs,
        "reads": {0: plan.reads[0]} if by_hand else plan.reads,
        "writes": {first_write: plan.writes[first_write]} if by_hand else plan.writes,
        "floating": {} if by_hand else plan.floating,
    }
    probe = next(iter(crossing.values()))
    # Nothing is connected yet: seen later, it would cost a person all connections of a state, twice.
    shown = {"nothing": _show(trial, {(): plan.nothing}, read_v, sources)}
    first = _repeated(trial, probe, read_v, sources)
    for name, sights in table.items():
        shown[name] = _show(trial, sights, read_v, sources)
    last = _repeated(trial, probe, read_v, sources)
    place = sources.index(plan.meter)
    noise, drift = np.zeros(len(sources)), np.nan
    if np.isfinite([first, last]).all():  # at a limit they are not
        means = [float(np.mean(each[:, 1] - each[:, 0])) for each in (first[..., place], last[..., place])]
        noise = np.sqrt((first.var(axis=0, ddof=1) + last.var(axis=0, ddof=1)) / 2).max(axis=0)
        drift = means[1] / means[0] - 1 if means[0] else np.nan
    steps = [{port: share * read_v * volt for port, volt in probe.volts.items()} for share in (0.0, *SHARES)]
    ramp = _currents(trial.look([(probe.assignment, steps)])[0], sources)[0]
    return Readings(
        read_v, tuple(sources), **shown, noise_a=noise, drift=float(drift), linear=ramp[1:] - ramp[0], divided=divided
    )


def _show(trial: Trial, sights: Mapping[Any, Sight], read_v: float, sources: Sequence[str]) -> Shown:
    asked = [
        (each.assignment, [{port: way * read_v * volt for port, volt in each.volts.items()} for way in (0, 1, -1, 0)])
        for each in sights.values()
    ]
    found = trial.look(asked) if asked else []
    both = [_currents(each, sources) for each in found]
    amperes = np.array([each for each, _ in both]).reshape(-1, 4, len(sources))
    limited = np.array([each for _, each in both], dtype=bool).reshape(-1, 4, len(sources))
    return Shown(
        tuple(sights),
        tuple(sights.values()),
        zero=amperes[:, 0],
        plus=amperes[:, 1],
        minus=amperes[:, 2],
        after=amperes[:, 3],
        limited=np.asarray(limited.any(axis=1)),
    )


def _repeated(trial: Trial, sight: Sight, read_v: float, sources: Sequence[str]) -> FloatArray:
    """Return repeated readings of one state, at 0 V and at the read voltage, (repeats, 2, sources)."""
    steps = [{port: way * read_v * volt for port, volt in sight.volts.items()} for way in (0, 1)]
    asked = [steps[0]] * REPEATS + [steps[1]] * REPEATS
    amperes, _ = _currents(trial.look([(sight.assignment, asked)])[0], sources)
    return amperes.reshape(2, REPEATS, len(sources)).swapaxes(0, 1)


def _currents(shown: Sequence[Mapping[str, Any]], sources: Sequence[str]) -> tuple[FloatArray, BoolArray]:
    amperes = np.array([[each[port].current_a for port in sources] for each in shown])
    limited = np.array([[each[port].limited for port in sources] for each in shown], dtype=bool)
    return amperes, limited
