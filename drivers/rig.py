"""The rig: the sources and the matrix, moved together so that no relay moves under voltage and nothing is left on.

Every source is at 0 V before a relay moves, and what the relays did is read back. A source changes its range only while
nothing is connected to it. Nothing is believed after a failure: it is set up again.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from crossbar_hil.errors import ComplianceError, ImpossibleReading, InstrumentError, OverrangeError, TransportError
from crossbar_hil.instrument import (
    IMPOSSIBLE,
    Identity,
    PulseMemory,
    Reading,
    SourceMeter,
    SourceSettings,
    SwitchMatrix,
    names_text,
)

from .direction import Directions
from .safe import make_safe
from .schemes.plan import state_between, without_ports
from .schemes.wiring import GROUND, Assignment, WiredMatrix

HURRY = 0.5
"""Share of the deadline in which a source says what it remembers after a failure."""


class Rig:
    """The instruments of one bench.

    Parameters
    ----------
    sources : mapping of str to SourceMeter
        Channels, by the port that their HI is on.
    settings : mapping of str to SourceSettings
        How each is set up, by port.
    wired : WiredMatrix
        The names of their crosspoints.
    meters : sequence of str
        Ports of the sources that measure in a read; the first is the one that may pulse too.
    verify_relays : bool
        Whether the matrix is asked which relays are closed: once for each state until all is made safe, before pulses
        always.
    may_open : bool
        Whether lines may be left open.
    discharge_s : float
        Time at 0 V before relays move, in seconds.
    """

    def __init__(
        self,
        sources: Mapping[str, SourceMeter],
        settings: Mapping[str, SourceSettings],
        matrix: SwitchMatrix,
        wired: WiredMatrix,
        *,
        meters: Sequence[str],
        verify_relays: bool,
        may_open: bool,
        discharge_s: float = 0.0,
    ) -> None:
        self.sources = dict(sources)
        self.settings = dict(settings)
        self.matrix = matrix
        self.wired = wired
        self.meter, *self.further = meters
        self.verify_relays = verify_relays
        self.may_open = may_open
        self.discharge_s = discharge_s
        self.state: Assignment | None = None
        """Where the lines are; None if not known, or all open."""
        small = {False: {*meters}, True: {*self.further}}  # a further meter is on no line while others pulse
        self._wanted_ranges = {
            pulsing: {port: each.range_of_reads_a if port in ports else each.range_a for port, each in settings.items()}
            for pulsing, ports in small.items()
        }
        self._volts: dict[str, float] = {}  # what each source is at, as far as known
        self._ranges: dict[str, float] = {}  # largest current that each source is set up for, as far as known
        self._verified: set[Assignment] = set()
        self._directions = Directions()
        self._prepared = False
        self._enabled = False
        self._charged = False  # whether a source was at a voltage since the lines were last discharged

    # ------------------------------------------------------------------ beginning

    def prepare(self) -> None:
        """Open every relay, set up every source with its output off, and read both back.

        Whoever used the bench before may have left the chip connected. So everything is made safe first, and a source
        is reset, and changes its ranges, with nothing connected to it.

        Raises
        ------
        InstrumentError
            If an instrument refuses, or is not as it was set.
        """
        self._forget()
        with suppress(InstrumentError):  # what is wrong shows below, in the words of who is set up
            make_safe(self.sources.values(), self.matrix, discharge_s=self.discharge_s)
        for port, source in self.sources.items():
            source.prepare(self.settings[port])
            self._ranges[port] = self.settings[port].range_a
        self.matrix.wait(self.discharge_s)
        self.matrix.prepare()
        wrong = [f"{source.name} is on" for source in self.sources.values() if source.output_is_on()]
        if closed := self.matrix.connected():
            wrong.append(f"matrix {self.matrix.name} has {names_text(closed, 'no crosspoint')} closed")
        if wrong:
            raise InstrumentError(f"after the bench was prepared {' and '.join(wrong)}")
        self._prepared = True

    def arm(self) -> None:
        """Switch every output on at 0 V while all relays are open; prepares first if that has to be done again.

        Where that was done before, nothing may have changed since.

        Raises
        ------
        InstrumentError
            If an instrument refuses, or is not as it was set.
        """
        if self._enabled:
            self.rest()
            self._check_unchanged(relays=self.verify_relays)
            return
        if not self._prepared:
            self.prepare()
        for source in self.sources.values():
            source.enable()
        self._volts = dict.fromkeys(self.sources, 0.0)
        self._enabled = True

    # ------------------------------------------------------------------ working

    def start(self, *, pulsing: bool) -> Assignment | None:
        """Return the state from which a batch sets out, for planning its order; None if all relays are open."""
        if self.state is None:
            return None
        return without_ports(self.state, self._ports_fed_by(self._other_ranges(pulsing=pulsing)))

    def connect(self, assignment: Assignment, *, pulsing: bool = False) -> None:
        """Put every line on its port, with all sources at 0 V and in the ranges of reads, or of pulses.

        Raises
        ------
        InstrumentError
            If other relays are closed than the matrix was told, or an instrument refuses.
        """
        wanted = self.wired.crosspoints(assignment, may_open=self.may_open)  # refused before anything moves
        self.rest()
        if pulsing:
            self._check_unchanged(relays=False, pulsing=True)
        ranges = self._other_ranges(pulsing=pulsing)
        if ranges and self.state is not None:
            between = state_between(self.state, assignment, self._ports_fed_by(ranges))
            self._go(between, self.wired.crosspoints(between, may_open=True))
        for port, range_a in ranges.items():
            self._ranges.pop(port, None)
            self.sources[port].set_range(range_a)
            self._ranges[port] = range_a
        self._go(assignment, wanted, verify=pulsing)

    def rest(self) -> None:
        """Bring every source to 0 V."""
        for port in self.sources:
            self._set(port, 0.0)

    def apply(self, source_volts: Mapping[str, float]) -> None:
        """Source these voltages, by port."""
        for port, volts in source_volts.items():
            self._set(port, volts)

    def measure(self, source_volts: Mapping[str, float], *, then_rest: bool = False) -> float:
        """Return the current of the meter while these voltages are sourced, in amperes.

        Where nothing else is measured in this state, the source that was set last may rest in the same exchange.

        Raises
        ------
        ComplianceError
            If a source of them is at its current limit.
        InstrumentError
            If what the meter says is no current, or beyond its range.
        """
        others = [port for port in source_volts if port != self.meter]
        reading, tripped = self._measured(source_volts, [self.sources[port] for port in others], then_rest)
        self._check(self.meter, reading)
        self._check_limits(others, tripped)
        return reading.current_a

    def measure_columns(
        self, meters: Sequence[str], source_volts: Mapping[str, float], *, then_rest: bool = False
    ) -> dict[str, float]:
        """Return the currents of meters while these voltages are sourced, in amperes, by port, all at the same time.

        Raises
        ------
        ComplianceError
            If a source of them is at its current limit.
        InstrumentError
            If what a meter says is no current, or beyond its range.
        """
        if [*meters] == [self.meter]:
            return {self.meter: self.measure(source_volts, then_rest=then_rest)}
        self.apply(source_volts)
        first, *further = (self.sources[port] for port in meters)
        others = [port for port in source_volts if port not in meters]
        first.begin_beside(further)
        readings, tripped = first.fetch_beside(further, [self.sources[port] for port in others])
        for port, reading in zip(meters, readings, strict=True):
            self._check(port, reading)
        self._check_limits(others, tripped)
        return {port: reading.current_a for port, reading in zip(meters, readings, strict=True)}

    def look(self, source_volts: Mapping[str, float]) -> dict[str, Reading]:
        """Return what every source shows while some are at these voltages and the others at 0 V, limited or not."""
        self.apply({**dict.fromkeys(self.sources, 0.0), **source_volts})
        found = {}
        for port, source in self.sources.items():
            try:
                reading = source.measure()
            except TransportError:
                raise
            except InstrumentError:  # an answer that is no current: beyond every range
                found[port] = Reading(math.inf, limited=True)
                continue
            size = abs(reading.current_a)
            whole = math.isfinite(size) and size <= IMPOSSIBLE * self.settings[port].compliance_a
            found[port] = Reading(reading.current_a if whole else math.inf, reading.limited or not whole)
        return found

    def pulse(
        self, amplitudes: Mapping[str, float], width_s: float, count: int, token: str = "", sequence: int | None = None
    ) -> list[dict[str, Reading]]:
        """Send pulses from one source, or from two at the same time, and return what each measured inside each pulse.

        There are at most `MOST_PULSES` of them. Those of a run have its token and a sequence number.

        Raises
        ------
        ComplianceError
            If a source was at its current limit in one of them; the pulses up to there were sent, and perhaps more.
        InstrumentError
            If a current inside a pulse is none or beyond the range; the same holds.
        ImpossibleReading
            If one flows against the voltage of its source; the same holds.
        """
        ports = list(amplitudes)
        first = self.sources[ports[0]]
        if sequence is not None:
            first.number_next(token, sequence)
        self._charged = True
        for port in ports:  # unknown until the pulses have ended as they should
            self._volts.pop(port, None)
        if len(ports) == 1:
            found = [{ports[0]: reading} for reading in first.pulse(amplitudes[ports[0]], width_s, count)]
        else:
            second = self.sources[ports[1]]
            pairs = first.pulse_together(amplitudes[ports[0]], second, amplitudes[ports[1]], width_s, count)
            found = [dict(zip(ports, pair, strict=True)) for pair in pairs]
        self._volts.update(dict.fromkeys(ports, 0.0))
        if len(found) != count:
            raise InstrumentError(f"{first.name} answered with {len(found)} readings for {count} pulses")
        for each in found:
            for port, reading in each.items():
                self._check(port, reading)
                self._check_direction(port, reading, amplitudes[port])
        return found

    def pulse_memory(self, port: str, token: str) -> PulseMemory | None:
        """Ask the source on a port which numbered pulses of a run were sent last."""
        return self.sources[port].pulse_memory(token)

    def pulse_memory_in_a_hurry(self, port: str, token: str) -> PulseMemory | None:
        """Ask it of a source that may not answer at all, while a person is to be told how the pulses ended."""
        with self.sources[port].hurried(HURRY):
            return self.pulse_memory(port, token)

    def confirm(self) -> None:
        """See that every output is still on, or what was done since they were switched on was done with nothing.

        Raises
        ------
        InstrumentError
            If one is off: somebody switched it off, or an interlock did.
        """
        if off := [source.name for source in self.sources.values() if not source.output_is_on()]:
            raise InstrumentError(f"the output of {' and '.join(off)} is off, though nothing here switched it off")

    # ------------------------------------------------------------------ inside

    def _check_unchanged(self, *, relays: bool, pulsing: bool = False) -> None:
        """Refuse to go on with instruments that somebody else has changed; all sources are at 0 V."""
        first, *others = self.sources.values()
        found = first.changes_beside(others, pulsing=pulsing)
        if relays:
            found += self.matrix.changes(self.wired.crosspoints(self.state, may_open=True) if self.state else ())
        if found:
            raise InstrumentError(f"somebody else changed the bench: {'; '.join(found)}")

    def _other_ranges(self, *, pulsing: bool) -> dict[str, float]:
        """Return the ranges that have to be changed, by port; reads have one of their own for the meter alone."""
        wanted = self._wanted_ranges[pulsing]
        return {port: range_a for port, range_a in wanted.items() if self._ranges.get(port) != range_a}

    def _ports_fed_by(self, changing: Collection[str]) -> set[str]:
        """Return the ports that a glitch of these sources could reach: theirs, and whatever may hang on one.

        And those of the further meters, which are on no line but beside the first.
        """
        apart = set(self.sources) - set(changing) - set(self.further)
        return set(self.wired.wiring.ports) - {GROUND} - apart if changing else set()

    def _go(self, assignment: Assignment, wanted: frozenset[str], *, verify: bool = False) -> None:
        """Move the relays, and see that they are where they should be, once a state unless it is to be verified."""
        if assignment != self.state:
            self.state = None
            self._discharge()
            self.matrix.connect(sorted(wanted))
        if self.verify_relays and (verify or assignment not in self._verified):
            found = self.matrix.connected()
            if found != wanted:
                raise InstrumentError(
                    f"matrix {self.matrix.name} has {names_text(found, 'no crosspoint')} closed "
                    f"instead of {names_text(wanted, 'no crosspoint')}"
                )
            self._verified.add(assignment)
        self.state = assignment

    def _discharge(self) -> None:
        """Wait until no line holds a charge; all sources are at 0 V."""
        if self._charged and self.discharge_s > 0:
            port = min(self.sources)
            self.sources[port].wait(self.discharge_s, self.settings[port].nplc)
            self._charged = False

    def _set(self, port: str, volts: float) -> None:
        self._charged |= volts != 0
        if self._volts.get(port) != volts:
            self._volts.pop(port, None)
            self.sources[port].set_voltage(volts)
            self._volts[port] = volts

    def _measured(
        self, source_volts: Mapping[str, float], others: Sequence[SourceMeter], then_rest: bool
    ) -> tuple[Reading, Sequence[bool]]:
        """Source voltages and measure; the last source that changes does so in the exchange that measures."""
        meter = self.sources[self.meter]
        changing = [(port, volts) for port, volts in source_volts.items() if self._volts.get(port) != volts]
        if not changing:
            return meter.measure_beside(others) if others else (meter.measure(), ())
        *first, (port, volts) = changing
        self.apply(dict(first))
        rests = then_rest and all(self._volts.get(each) == 0 for each in self.sources if each != port)
        rest_s = self.discharge_s if rests else None
        self._charged |= volts != 0
        self._volts.pop(port, None)
        nplc = self.settings[port].nplc
        reading, tripped = meter.measure_at(volts, self.sources[port], others, rest_s=rest_s, nplc=nplc)
        rests = rests and not reading.limited and not any(tripped)
        self._volts[port] = 0.0 if rests else volts
        self._charged &= not rests
        return reading, tripped

    def _check(self, port: str, reading: Reading) -> None:
        limit = self.settings[port].compliance_a
        size = abs(reading.current_a)
        if size < self._ranges[port] and size <= IMPOSSIBLE * limit and not reading.limited:
            return
        name = self._place(port)
        if not math.isfinite(reading.current_a) or size > IMPOSSIBLE * limit:
            raise InstrumentError(f"{name} measured {reading.current_a:g} A, which its limit of {limit:g} A rules out")
        if reading.limited:
            raise ComplianceError(f"{name} {self._limit_text(port, f' at {reading.current_a:g} A')}")
        raise OverrangeError(
            f"{name} measured {reading.current_a:g} A, which its range of {self._ranges[port]:g} A does not hold"
        )

    def _check_limits(self, ports: Sequence[str], tripped: Sequence[bool]) -> None:
        """Refuse readings beside which one of these sources was at its limit."""
        for port, limited in zip(ports, tripped, strict=True):
            if limited:
                raise ComplianceError(f"{self._place(port)} {self._limit_text(port)}")

    def _check_direction(self, port: str, reading: Reading, volts: float) -> None:
        """Refuse the current of a source that nothing on a chip can drive against it."""
        if beyond := self._directions.problem(port, reading.current_a, volts, self._ranges[port]):
            raise ImpossibleReading(
                f"{self._place(port)} measured {reading.current_a:g} A inside a pulse of {volts:g} V, further against "
                f"it than noise can be ({beyond}), and no cell gives a current: answers in each other's place, or "
                "lines the wrong way round; no more pulses were sent"
            )

    def _place(self, port: str) -> str:
        return f"{self.sources[port].name} on {self.wired.lines_on(port, self.state or ())}"

    def _limit_text(self, port: str, current: str = "") -> str:
        return (
            f"reached its current limit of {self.settings[port].compliance_a:g} A{current} "
            "(or the end of its measure range), so it was not at the voltage asked for"
        )

    # ------------------------------------------------------------------ ending

    def make_safe(self) -> None:
        """Switch every output off, open every relay and forget; see `safe.make_safe`."""
        self._forget()
        make_safe(self.sources.values(), self.matrix, discharge_s=self.discharge_s)

    def identify(self) -> dict[str, Any]:
        """Ask every instrument who it is."""
        return {
            "sources": {
                port: _identity_record(source.name, source.identify()) for port, source in self.sources.items()
            },
            "matrix": _identity_record(self.matrix.name, self.matrix.identify()),
        }

    def _forget(self) -> None:
        self.state = None
        self._volts = {}
        self._ranges = {}
        self._verified = set()
        self._directions.forget()
        self._prepared = self._enabled = self._charged = False


def _identity_record(name: str, identity: Identity) -> dict[str, str]:
    return {"name": name, **asdict(identity)}
