"""The rig: sources and matrix moved together, so that no relay ever moves under voltage and nothing is left on.

Every source is at 0 V before a relay moves, and what the relays did is read back. Nothing is believed after a failure:
it is set up again.
"""

import math
from collections.abc import Mapping
from typing import Any

from crossbar_hil.errors import ComplianceError, InstrumentError
from crossbar_hil.instrument import Identity, Reading, SourceMeter, SourceSettings, SwitchMatrix, listed

from .safe import make_safe
from .wiring import Assignment, WiredMatrix

IMPOSSIBLE = 2.0
"""A current of more than this many current limits was not measured: it is how instruments write an overrange."""


class Rig:
    """The instruments of one bench.

    Parameters
    ----------
    sources : mapping of str to SourceMeter
        Channels, by the port that their HI is on.
    settings : mapping of str to SourceSettings
        How each is set up, by port.
    matrix : SwitchMatrix
        The relays.
    wired : WiredMatrix
        The names of their crosspoints.
    verify_relays : bool
        Whether the matrix is asked which relays are closed: once for each state in a session, before pulses always.
    may_open : bool
        Whether lines may be left open.
    """

    def __init__(
        self,
        sources: Mapping[str, SourceMeter],
        settings: Mapping[str, SourceSettings],
        matrix: SwitchMatrix,
        wired: WiredMatrix,
        *,
        verify_relays: bool,
        may_open: bool,
    ) -> None:
        self.sources = dict(sources)
        self.settings = dict(settings)
        self.matrix = matrix
        self.wired = wired
        self.verify_relays = verify_relays
        self.may_open = may_open
        self.state: Assignment | None = None
        """Where the lines are; None if not known, or all open."""
        self._levels: dict[str, float] = {}  # what is known of them
        self._verified: set[Assignment] = set()
        self._prepared = False
        self._enabled = False

    # ------------------------------------------------------------------ beginning

    def prepare(self) -> None:
        """Set up every source with its output off, then open every relay, and read both back.

        Raises
        ------
        InstrumentError
            If an instrument refuses, or is not as it was set.
        """
        self._forget()
        for port, source in self.sources.items():
            source.prepare(self.settings[port])
        self.matrix.prepare()
        wrong = [f"{source.name} is on" for source in self.sources.values() if source.output_is_on()]
        closed = self.matrix.connected()
        if closed:
            wrong.append(f"matrix {self.matrix.name} has {listed(closed, 'no crosspoint')} closed")
        if wrong:
            raise InstrumentError(f"after the bench was prepared {' and '.join(wrong)}")
        self._prepared = True

    def arm(self) -> None:
        """Switch every output on at 0 V while all relays are open; prepares first if that has to be done again."""
        if self._enabled:
            return
        if not self._prepared:
            self.prepare()
        for source in self.sources.values():
            source.enable()
        self._levels = dict.fromkeys(self.sources, 0.0)
        self._enabled = True

    # ------------------------------------------------------------------ working

    def connect(self, assignment: Assignment, *, before_pulse: bool = False) -> None:
        """Put every line on its port, with all sources at 0 V.

        Raises
        ------
        InstrumentError
            If other relays are closed than the matrix was told.
        """
        wanted = self.wired.crosspoints(assignment, may_open=self.may_open)
        self.rest()
        if assignment != self.state:
            self.matrix.connect(sorted(wanted))
        if self.verify_relays and (before_pulse or assignment not in self._verified):
            found = self.matrix.connected()
            if found != wanted:
                raise InstrumentError(
                    f"matrix {self.matrix.name} has {listed(found, 'no crosspoint')} closed "
                    f"instead of {listed(wanted, 'no crosspoint')}"
                )
            self._verified.add(assignment)
        self.state = assignment

    def rest(self) -> None:
        """Bring every source to 0 V."""
        for port in self.sources:
            self._set(port, 0.0)

    def measure(self, levels: Mapping[str, float], meter: str) -> float:
        """Apply levels and return the current of one source, in amperes.

        Raises
        ------
        ComplianceError
            If a source of them is at its current limit.
        InstrumentError
            If what the meter says is no current.
        """
        for port, level in levels.items():
            self._set(port, level)
        reading = self.sources[meter].measure()
        self._check(meter, reading)
        for port in levels:
            if port != meter and self.sources[port].limit_tripped():
                self._check(port, Reading(self.sources[port].measure().current_a, limited=True))
        return reading.current_a

    def pulse(self, levels: Mapping[str, float], width_s: float, count: int) -> list[dict[str, Reading]]:
        """Send pulses from one source, or from two at the same time, and return what each measured inside each pulse.

        Raises
        ------
        ComplianceError
            If a source was at its current limit in one of them; the pulses were sent.
        """
        ports = list(levels)
        first = self.sources[ports[0]]
        for port in ports:  # unknown until the pulses have ended as they should
            self._levels.pop(port, None)
        if len(ports) == 1:
            found = [{ports[0]: reading} for reading in first.pulse(levels[ports[0]], width_s, count)]
        else:
            second = self.sources[ports[1]]
            pairs = first.pulse_together(levels[ports[0]], second, levels[ports[1]], width_s, count)
            found = [dict(zip(ports, pair, strict=True)) for pair in pairs]
        self._levels.update(dict.fromkeys(ports, 0.0))
        if len(found) != count:
            raise InstrumentError(f"{first.name} answered with {len(found)} readings for {count} pulses")
        for each in found:
            for port, reading in each.items():
                self._check(port, reading)
        return found

    def _set(self, port: str, level: float) -> None:
        if self._levels.get(port) != level:
            self._levels.pop(port, None)
            self.sources[port].set_voltage(level)
            self._levels[port] = level

    def _check(self, port: str, reading: Reading) -> None:
        limit, name = self.settings[port].compliance_a, self.sources[port].name
        lines = self.wired.lines_on(port, self.state or ())
        if not math.isfinite(reading.current_a) or abs(reading.current_a) > IMPOSSIBLE * limit:
            raise InstrumentError(
                f"{name} on {lines} measured {reading.current_a:g} A, which its limit of {limit:g} A rules out"
            )
        if reading.limited:
            raise ComplianceError(
                f"{name} on {lines} reached its current limit of {limit:g} A at {reading.current_a:g} A "
                "(or the end of its measure range), so it was not at the voltage asked for"
            )

    # ------------------------------------------------------------------ ending

    def make_safe(self) -> None:
        """Switch every output off, open every relay and forget; see `safe.make_safe`."""
        self._forget()
        make_safe(self.sources.values(), self.matrix)

    def identify(self) -> dict[str, Any]:
        """Ask every instrument who it is."""
        return {
            "sources": {port: _described(source.name, source.identify()) for port, source in self.sources.items()},
            "matrix": _described(self.matrix.name, self.matrix.identify()),
        }

    def _forget(self) -> None:
        self.state = None
        self._levels = {}
        self._verified = set()
        self._prepared = self._enabled = False


def _described(name: str, identity: Identity) -> dict[str, str]:
    return {
        "name": name,
        "maker": identity.maker,
        "model": identity.model,
        "serial": identity.serial,
        "firmware": identity.firmware,
    }
