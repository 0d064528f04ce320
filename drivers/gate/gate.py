"""The gate: the last line before the instruments, which refuses what a chip could not bear.

Everything that reaches an instrument of a bench passes here; `GatedSource` and `GatedMatrix` are the doors. The gate
keeps a shadow of the bench: voltage and output of each source, closed relays. A shadow that is not certain allows
nothing but the ways to certainty and safety: set up anew, ask, switch off, open. What is refused is refused before a
byte is sent, in one sentence with thing, value and bound.

A batch is laid out before it begins, and its plan is judged here once and whole. What was judged is remembered by all
that the verdict rests on: the state of the relays, and voltage and output of every source. So a step of the plan costs
a look when its moment comes, and a caller who goes around the plan is judged like one who has none.
"""

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from numbers import Integral

import numpy as np

from crossbar_hil.arguments import is_number
from crossbar_hil.arrays import FloatArray, IntArray, at
from crossbar_hil.backend import Limits
from crossbar_hil.errors import LimitError
from crossbar_hil.instrument import MOST_PULSES, SourceSettings
from crossbar_hil.spent import Spent

from ..schemes.plan import ReadPlan
from ..schemes.read_schemes import ReadScheme
from ..schemes.wiring import Assignment, WiredMatrix
from .cell_volts import CellVolts
from .disturb import DisturbLimit, cells_hit
from .relay_states import RelayState, RelayStates
from .shadow import EXACT, HOT_V, Shadow

MOST_VERDICTS = 65536
"""So many verdicts are remembered; a training on 4 x 4 cells uses some hundreds."""
Outputs = tuple[tuple[float | None, bool], ...]
"""Voltage, None if not known, and output of every source."""


@dataclass(frozen=True, slots=True, eq=False)
class Charge:
    """What a train of pulses adds to every cell; (R, C) each."""

    pulses: IntArray
    dose_vs: FloatArray


class Gate:
    """The limits of one bench, its wiring, its schemes, and the shadow of what it does.

    Parameters
    ----------
    wired : WiredMatrix
        The crosspoints that there are.
    limits : Limits
        What the chip may be asked to bear.
    settings : mapping of str to SourceSettings
        The one way in which each source may be set up, by port.
    names : mapping of str to str
        Name of each source, by port.
    read : ReadScheme
        How the chip is read.
    write : DisturbLimit, optional
        How it is written and what other cells may see of it; without one no pulse is sent.
    spent : Spent, optional
        What each cell has received; pulses are added to it.
    discharge_s : float
        Time at 0 V before a relay may move, in seconds.
    on_trial : bool
        Whether lines may be left open, because there is no chip.
    """

    def __init__(
        self,
        wired: WiredMatrix,
        *,
        limits: Limits,
        settings: Mapping[str, SourceSettings],
        names: Mapping[str, str],
        read: ReadScheme,
        write: DisturbLimit | None,
        spent: Spent | None = None,
        discharge_s: float = 0.0,
        on_trial: bool = False,
    ) -> None:
        self._judged: set[tuple[RelayState | None, str, Outputs]] = set()
        self._across: dict[tuple[RelayState, tuple[tuple[str, float], ...]], FloatArray] = {}
        self.limits = limits
        self.spent = spent or Spent(wired.wiring.shape)
        self.discharge_s = discharge_s
        self.channels = {port: Shadow(port, names[port], each) for port, each in settings.items()}
        self.relays: RelayState | None = None
        """Where the relays are; None if not known."""
        self._write = write
        self._wired = wired
        self._rows = wired.wiring.shape[0]
        self._states = RelayStates(wired, read, write.scheme if write else None, settings, on_trial=on_trial)
        self._all_open = self._states.find(())
        guarding = next((port for port, each in settings.items() if each.guard), None)
        self._volts = CellVolts(settings, guarding)

    @property
    def limits(self) -> Limits:
        """What the chip may be asked to bear."""
        return self._limits

    @limits.setter
    def limits(self, limits: Limits) -> None:
        self._limits = limits
        self._judged.clear()
        self._across.clear()

    # ------------------------------------------------------------------ plans

    def check_reads(self, plan: ReadPlan) -> None:
        """Refuse a batch of reads with a step that could not be, whatever the moment; nothing is sent.

        Each state is reached with every source on and at 0 V, and each step sets the sources one after the other.
        """
        at_rest = dict.fromkeys(self.channels, (0.0, True))
        crosspoints = [self._wired.crosspoints(assignment, may_open=True) for assignment in plan]
        states = [self._states.find(each) for each in crosspoints]
        for relays, steps in zip(states, plan.values(), strict=True):
            present: dict[str, tuple[float | None, bool]] = dict(at_rest)
            for step in steps:
                for port, volts in step.source_volts.items():
                    if present[port][0] != volts:
                        present[port] = volts, True
                        if volts != 0:
                            self._judge(self.channels[port], volts, relays, tuple(present.values()))

    def check_pulse_plan(self, plan: Mapping[Assignment, tuple[int, int]], volts: Mapping[str, float]) -> None:
        """Refuse a batch of pulses of which one would miss its cell, or be too much for another; nothing is sent.

        `plan` names the cell that is pulsed in each state, `volts` the amplitude of every source that pulses, by port.
        """
        for assignment, cell in plan.items():
            relays = self.state_of(self._wired.crosspoints(assignment))
            if self._write is None or relays.selected != cell:
                raise LimitError(
                    f"a pulse for cell {at(*cell)} would find the relays select "
                    f"{'none' if relays.selected is None else at(*relays.selected)}"
                )
            for port, volt in volts.items():
                check_reach(port, volt, self.channels[port].settings)
            self._across_cells(self._write, relays, cell, volts)

    # ------------------------------------------------------------------ sources

    def check_settings(self, channel: Shadow, settings: SourceSettings) -> None:
        """Refuse to set a source up in another way than the bench says."""
        if settings != channel.settings:
            raise LimitError(f"{channel.name} may be set up with {channel.settings} alone, not with {settings!r:.300}")

    def check_enable(self, channel: Shadow) -> None:
        """Refuse to switch on what is not known to be at 0 V, or while the relays are not known."""
        self._check_relays(f"{channel.name} to be switched on")
        if self._known_volts(channel) != 0:
            raise LimitError(f"{channel.name} is at {channel.volts:g} V, it must be at 0 V to be switched on")

    def check_range(self, channel: Shadow, range_a: float) -> float:
        """Refuse a range of the bench's own, or any change of it at a voltage or with a line connected."""
        own = (channel.settings.range_a, channel.settings.range_of_reads_a)
        if not is_number(range_a) or float(range_a) not in own:
            raise LimitError(f"{channel.name} has ranges for {own[0]:g} A and {own[1]:g} A, not for {range_a!r:.40} A")
        relays = self._check_relays(f"the range of {channel.name} to be changed")
        fed = relays.ports & self._volts.ports_fed_by(channel.port)
        if self._known_volts(channel) != 0 or fed:
            where = f"on {' and '.join(sorted(fed))} with lines of the chip" if fed else f"at {channel.volts:g} V"
            raise LimitError(f"{channel.name} is {where}, its range may change at 0 V and with no line connected alone")
        return float(range_a)

    def check_question(self, channel: Shadow) -> None:
        """Refuse to measure with a source that is not known to be on; some instruments would switch it on for that."""
        self._known_volts(channel)
        if not channel.on:
            raise LimitError(f"{channel.name} is off, it must be on to be measured with")

    def check_voltage(self, channel: Shadow, voltage_v: float) -> float:
        """Refuse a steady voltage that some cell could not bear; 0 V is always fine for a source that is known."""
        volts = real(f"voltage of {channel.name}", voltage_v, "V")
        self._known_volts(channel)
        if volts == 0:
            return 0.0
        after = tuple([(volts if each is channel else each.volts, each.on) for each in self.channels.values()])
        self._judge(channel, volts, self.relays, after)
        return volts

    def _judge(self, channel: Shadow, volts: float, relays: RelayState | None, after: Outputs) -> None:
        """Refuse a steady voltage, not zero, of a source, unless it was judged before in the same situation.

        Parameters
        ----------
        relays : RelayState, optional
            Their state; None if not known.
        after : tuple of tuple
            Voltage and output of every source when it has changed.
        """
        situation = relays, channel.port, after
        if situation in self._judged:
            return
        check_reach(channel.port, volts, channel.settings)
        if abs(volts) > self.limits.read_v:
            raise LimitError(
                f"{volts:g} V on {channel.name} exceeds the {self.limits.read_v:g} V that may last longer than a pulse"
            )
        present = dict(zip(self.channels, after, strict=True))
        if not present[channel.port][1]:
            raise LimitError(f"{channel.name} is off, it must be switched on at 0 V before it sources {volts:g} V")
        relays = relays or self._check_relays(f"{volts:g} V on {channel.name}")
        if relays.idle:
            raise LimitError(f"{volts:g} V on {channel.name} finds no cell to be read, the relays must connect some")
        sourced = {}
        for port, (present_v, on) in present.items():
            known_v = self._known_volts(self.channels[port]) if present_v is None else present_v
            sourced[port] = known_v if on else None
        cell, seen = self._volts.worst_steady(relays, sourced)
        if seen > self.limits.read_v * (1 + EXACT):
            raise LimitError(
                f"{volts:g} V on {channel.name} could put {seen:g} V across cell {at(*cell)}, more than the "
                f"{self.limits.read_v:g} V that may last longer than a pulse"
            )
        if len(self._judged) >= MOST_VERDICTS:
            self._judged.clear()
        self._judged.add(situation)

    def check_pulses(self, amplitudes: Mapping[str, float], width_s: float, count: int) -> Charge:
        """Refuse pulses that are not those of the write scheme, or more than a cell could bear.

        Parameters
        ----------
        amplitudes : mapping of str to float
            Amplitude of every source that pulses, in volts, by port.
        """
        if not 0 < width_s <= self.limits.width_s:
            raise LimitError(
                f"pulse width {width_s:g} s is not above 0 and up to the limit of {self.limits.width_s:g} s"
            )
        if not 1 <= count <= MOST_PULSES:
            raise LimitError(f"{count} pulses are not 1 to {MOST_PULSES}")
        what = f"a pulse of {self._amplitudes_text(amplitudes)}"
        relays = self._check_relays(what)
        if self._write is None or relays.selected is None:
            raise LimitError(f"{what} finds no cell selected, the relays must select exactly one")
        for channel in self.channels.values():
            if self._known_volts(channel) != 0:
                raise LimitError(f"{channel.name} is at {channel.volts:g} V, it must be at 0 V before {what}")
        for port, volts in amplitudes.items():
            if not self.channels[port].on:
                raise LimitError(f"{self.channels[port].name} is off, it must be on for {what}")
            check_reach(port, volts, self.channels[port].settings)
        across = self._across_cells(self._write, relays, relays.selected, amplitudes)
        hit = cells_hit(across, float(across[relays.selected]))
        charge = Charge(count * hit.astype(np.int64), count * width_s * np.abs(across) * hit)
        self.spent.check(
            charge.pulses, charge.dose_vs, most_pulses=self.limits.pulses, most_dose_vs=self.limits.dose_vs
        )
        return charge

    def _across_cells(
        self, write: DisturbLimit, relays: RelayState, selected: tuple[int, int], volts: Mapping[str, float]
    ) -> FloatArray:
        """Return what every cell sees of a pulse, (R, C), if each may see it; what was judged before is remembered."""
        key = relays, tuple(volts.items())
        if key in self._across:
            return self._across[key]
        what = f"a pulse of {self._amplitudes_text(volts)}"
        at_rest = dict.fromkeys(self.channels, 0.0)
        across = self._volts.across(relays, {**at_rest, **volts}, self._rows)
        seen = float(across[selected])
        if not 0 < abs(seen) <= self.limits.pulse_v * (1 + EXACT):
            raise LimitError(
                f"{what} puts {seen:g} V across cell {at(*selected)}, which is not above 0 and up to the "
                f"limit of {self.limits.pulse_v:g} V"
            )
        expected = write.scheme.source_volts(seen)
        if set(expected) != set(volts) or not all(
            math.isclose(volts[port], volt, rel_tol=EXACT) for port, volt in expected.items()
        ):
            told = " and ".join(f"{volt:g} V on {port}" for port, volt in expected.items())
            raise LimitError(f"{what} is none of write scheme {write.scheme.name}, which has {told}")
        # No two sources begin and end in the same instant, so every cell must bear each of them alone too.
        most = write.most_v(seen)
        for some in (part for size in range(1, len(volts) + 1) for part in combinations(volts, size)):
            others = np.abs(self._volts.across(relays, {**at_rest, **{port: volts[port] for port in some}}, self._rows))
            others[selected] = 0.0
            if not others.max() <= most * (1 + EXACT):
                row, column = divmod(int(np.nanargmax(others)), others.shape[1])
                raise LimitError(
                    f"{what} puts {others[row, column]:g} V across cell {at(row, column)} besides cell "
                    f"{at(*selected)}, more than the {most:g} V that an unselected cell may see"
                )
        if len(self._across) >= MOST_VERDICTS:
            self._across.clear()
        across.flags.writeable = False
        self._across[key] = across
        return across

    def _amplitudes_text(self, amplitudes: Mapping[str, float]) -> str:
        return " and ".join(f"{volts:g} V on {self.channels[port].name}" for port, volts in amplitudes.items())

    # ------------------------------------------------------------------ relays

    def check_connect(self, crosspoints: Iterable[str]) -> RelayState:
        """Refuse to move relays under voltage, or into a state that may not be."""
        found = self.state_of(crosspoints)
        self.check_move()
        self._check_relays("a move of some of them")
        return found

    def state_of(self, crosspoints: Iterable[str]) -> RelayState:
        """Return the state in which exactly these crosspoints are closed, if it may be."""
        return self._states.find(crosspoints)

    def check_move(self) -> None:
        """Refuse to move relays unless every source is known to be at 0 V and its lines are discharged."""
        for channel in self.channels.values():
            if self._known_volts(channel) != 0:
                raise LimitError(f"{channel.name} is at {channel.volts:g} V, relays move at 0 V alone")
            if channel.charged and self.discharge_s > 0:
                raise LimitError(
                    f"{channel.name} has rested at 0 V for {channel.rested_s:g} s, relays move {self.discharge_s:g} s "
                    f"after a source was above {HOT_V:g} V"
                )

    def note_relays(self, closed: Collection[str]) -> None:
        """Compare what a matrix says with the shadow: all open is certain, anything else only as it was told."""
        if not closed:
            self.relays = self._all_open
        elif self.relays is None or set(closed) != set(self.relays.crosspoints):
            self.relays = None

    def note_rest(self, seconds: float) -> None:
        """Take note that so much time has passed."""
        for channel in self.channels.values():
            channel.rest(seconds, self.discharge_s)

    # ------------------------------------------------------------------ what is known

    def _known_volts(self, channel: Shadow) -> float:
        if channel.volts is None:
            raise LimitError(
                f"{channel.name} is not known to be at 0 V or any other voltage, it must be set up before anything else"
            )
        return channel.volts

    def _check_relays(self, what: str) -> RelayState:
        if self.relays is None:
            raise LimitError(f"which relays are closed is not known, it must be for {what}")
        return self.relays


def check_reach(port: str, volts: float, settings: SourceSettings) -> None:
    """Refuse a voltage that a source is not set up for, by a LimitError that names port, voltage and range."""
    if not abs(volts) <= settings.range_v:
        raise LimitError(f"{volts:g} V on port {port} exceeds its range of {settings.range_v:g} V")


def real(what: str, value: float, unit: str) -> float:
    """Return a number that may reach an instrument; a LimitError names a truth value, text, and what is not finite."""
    if type(value) is float and math.isfinite(value):
        return value
    if not is_number(value):
        raise LimitError(f"{what} is {value!r:.40} {unit}, it must be a finite number")
    return float(value)


def whole(what: str, value: int) -> int:
    """Return a whole number from 0 that may reach an instrument; a LimitError names any other."""
    if not (isinstance(value, Integral) and is_number(value) and value >= 0):
        raise LimitError(f"{what} is {value!r:.40}, it must be a whole number from 0")
    return int(value)
