"""The chip behind instruments: a backend made of sources, a switch matrix, a wiring and two schemes. Emulated only."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from itertools import permutations
from typing import Any

import numpy as np

from crossbar_hil.arrays import FloatArray, IntArray
from crossbar_hil.backend import DeviceBackend, Limits, Pulse
from crossbar_hil.errors import ComplianceError, ConfigError, InstrumentError, LimitError, TransportError
from crossbar_hil.instrument import Reading, SourceMeter, SourceSettings, SwitchMatrix

from .parts import check_sources, reading, writing
from .plan import grouped, ordered
from .rig import Rig
from .wiring import Wiring

KINDS = ("emulated", "hardware")


class ChipBackend(DeviceBackend):
    """A crossbar of memristors on a bench.

    Making it sets the sources up with their outputs off and opens every relay; the outputs are switched on at the first
    read or pulse. The sessions of the instruments belong to whoever opened them: `make_safe` does not end them.

    Parameters
    ----------
    sources : mapping of str to SourceMeter
        Channels, by the port of the wiring that their HI is on: ``drive``, ``meter``.
    matrix : SwitchMatrix
        The relays between ports and lines.
    wiring : Wiring
        Which port and which line is where on the matrix.
    shape : tuple of int
        (R, C) of the chip; must be that of the wiring.
    limits : Limits
        What the chip may be asked to bear.
    settings : mapping of str to SourceSettings
        How each source is set up, by port.
    read_scheme : str
        "virtual ground", "guarded" or "floating".
    write_scheme : str, optional
        "symmetric half-select", "divider half-select" or "row"; not needed if `continuity_only`.
    kind : str
        "emulated" or "hardware".
    disturb_v : float, optional
        Most that an unselected cell may see during a pulse, in volts; half the amplitude plus 10 % if not given.
    continuity_only : bool
        Reads only, by any read scheme; every pulse is refused.
    verify_relays : bool
        Whether to ask the matrix which relays are closed, once for each state and before every pulse.

    Raises
    ------
    ConfigError
        If the parts do not make a bench; nothing was sent.
    InstrumentError
        If an instrument refuses or is not as it was set; what could be switched off is off.
    """

    def __init__(
        self,
        sources: Mapping[str, SourceMeter],
        matrix: SwitchMatrix,
        wiring: Wiring,
        *,
        shape: tuple[int, int],
        limits: Limits,
        settings: Mapping[str, SourceSettings],
        read_scheme: str,
        write_scheme: str | None,
        kind: str,
        disturb_v: float | None = None,
        continuity_only: bool = False,
        verify_relays: bool = True,
    ) -> None:
        if kind not in KINDS:
            raise ConfigError(f"kind {kind!r} of a bench with instruments must be {' or '.join(KINDS)}")
        if tuple(shape) != wiring.shape:
            raise ConfigError(
                f"chip of {shape[0]} x {shape[1]} cells is wired as one of {' x '.join(map(str, wiring.shape))}"
            )
        self.shape = wiring.shape
        self.kind = kind
        self.limits = limits
        self.wiring = wiring
        self.last_pulse_readings: dict[tuple[int, int], list[dict[str, Reading]]] = {}
        """What each source measured inside each pulse of the last call, by cell, then pulse, then port.

        After a failure it holds the cells whose pulses had all been sent and measured.
        """
        self._read = reading(read_scheme, wiring, continuity_only=continuity_only)
        self._gate = None if continuity_only else writing(write_scheme, wiring, disturb_v)
        needed = {*self._read.sources, *(self._gate.scheme.sources if self._gate else ())}
        guarded = self._read.meter if self._read.needs_guard else None
        check_sources(sources, settings, wiring, needed=needed, guarded=guarded)
        self._rig = Rig(
            sources,
            settings,
            matrix,
            wiring.on(matrix),
            verify_relays=verify_relays,
            may_open=self._read.leaves_lines_open,
        )
        with self._kept_safe():
            self._rig.prepare()

    @property
    def relay_operations(self) -> int:
        """Relays moved in this session."""
        return self._rig.matrix.operations

    # ------------------------------------------------------------------ the device

    def _read_currents(self, voltages: FloatArray) -> FloatArray:
        steps = self._read.steps(voltages, self.shape)
        for step in steps:
            self._check_ranges(step.levels)
        todo = grouped(steps)
        currents = np.zeros((len(voltages), self.shape[1]))
        with self._kept_safe():
            self._rig.arm()
            for state in ordered(todo, self._rig.state):
                self._rig.connect(state)
                for step in todo[state]:
                    current = step.sign * self._rig.measure(step.levels, step.meter)
                    for pattern, share in step.shares.items():
                        currents[pattern, step.column] += share * current
            self._rig.rest()
        return currents

    def _check_pulse(self, pulse: Pulse) -> None:
        super()._check_pulse(pulse)
        if self._gate is None:
            raise LimitError(f"pulse of {pulse}: this bench is for continuity only, it sends no pulse")
        self._gate.check(pulse.amplitude_v)
        self._check_ranges(self._gate.scheme.levels(pulse.amplitude_v))

    def _send_pulses(self, counts: IntArray, pulse: Pulse) -> None:
        if self._gate is None:
            raise LimitError(f"pulse of {pulse}: this bench is for continuity only, it sends no pulse")
        scheme = self._gate.scheme
        cells = [(int(row), int(column)) for row, column in np.argwhere(counts)]
        cell_at = {scheme.assignment(cell, self.shape): cell for cell in cells}
        self.last_pulse_readings = {}
        if not cells:
            return
        with self._kept_safe():
            self._rig.arm()
            for state in ordered(cell_at, self._rig.state):
                cell = cell_at[state]
                self._rig.connect(state, before_pulse=True)
                self.last_pulse_readings[cell] = self._rig.pulse(
                    scheme.levels(pulse.amplitude_v), pulse.width_s, int(counts[cell])
                )

    def line_conductances(self, voltage_v: float) -> FloatArray:
        """Measure the conductance between every two lines, rows first, with all other lines held out of it.

        On a chip that is wired as the bench file says, a row and a column show their cell and two lines of one kind
        show nothing.

        Parameters
        ----------
        voltage_v : float
            Read voltage in volts, not zero.

        Returns
        -------
        ndarray of float, shape (R + C, R + C)
            Conductances in siemens from the first line, which is driven, to the second; zero on the diagonal, infinite
            where a source reached its limit or a meter the end of its range.

        Raises
        ------
        LimitError
            If the voltage exceeds ``limits.read_v``; nothing was applied.
        """
        if not 0 < abs(voltage_v) <= self.limits.read_v:
            raise LimitError(f"read voltage {voltage_v:g} V must be above zero and within {self.limits.read_v:g} V")
        count = sum(self.shape)
        found = np.zeros((count, count))
        with self._kept_safe():
            self._rig.arm()
            for first, second in permutations(range(count), 2):
                state, levels, sign = self._read.pair(first, second, count, voltage_v)
                self._rig.connect(state)
                zero = self._rig.measure(dict.fromkeys(levels, 0.0), self._read.meter)
                try:
                    current = sign * (self._rig.measure(levels, self._read.meter) - zero)
                except TransportError:
                    raise
                except (ComplianceError, InstrumentError):  # at the limit, or beyond the range of the meter
                    current = np.inf * voltage_v
                found[first, second] = current / voltage_v
                self._rig.rest()
        return found

    def make_safe(self) -> None:
        """Switch every output off and open every relay, then read both back; each step is tried.

        A later read or pulse sets the instruments up anew.

        Raises
        ------
        InstrumentError
            If anything failed, naming all that did.
        """
        self._rig.make_safe()

    def identify(self) -> dict[str, Any]:
        """Name every instrument, its settings, the schemes and the wiring."""
        return {
            **super().identify(),
            **self._rig.identify(),
            "read_scheme": self._read.name,
            "write_scheme": self._gate.scheme.name if self._gate else None,
            "disturb_v": self._gate.limit_v if self._gate else None,
            "settings": {port: asdict(each) for port, each in self._rig.settings.items()},
            "wiring": {
                "slot": self.wiring.slot,
                "ports": dict(self.wiring.ports),
                "rows": list(self.wiring.rows),
                "columns": list(self.wiring.columns),
            },
        }

    # ------------------------------------------------------------------ help

    @contextmanager
    def _kept_safe(self) -> Iterator[None]:
        """Bring the sources to 0 V after a reached current limit, and make all safe after any other failure."""
        try:
            yield
        except BaseException as error:
            try:
                if isinstance(error, ComplianceError):
                    try:
                        self._rig.rest()
                    except Exception:  # a source that cannot be brought to 0 V is switched off
                        self._rig.make_safe()
                else:
                    self._rig.make_safe()
            except Exception as unsafe:
                error.add_note(str(unsafe))
            raise

    def _check_ranges(self, levels: Mapping[str, float]) -> None:
        """Refuse voltages that a source is not set up for."""
        for port, level in levels.items():
            largest = self._rig.settings[port].range_v
            if abs(level) > largest:
                raise LimitError(f"{level:g} V on port {port} exceeds its range of {largest:g} V")
