"""The chip behind instruments: a backend made of sources, a switch matrix, a wiring and two schemes. Emulated only."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from itertools import permutations, product
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from crossbar_hil.arrays import FloatArray, IntArray
from crossbar_hil.backend import Limits, Pulse
from crossbar_hil.defaults import DISCHARGE_S
from crossbar_hil.errors import (
    ComplianceError,
    ConfigError,
    ImpossibleReading,
    InstrumentError,
    LimitError,
    OverrangeError,
    TransportError,
)
from crossbar_hil.instrument import MOST_PULSES, PulseMemory, Reading, SourceMeter, SourceSettings, SwitchMatrix
from crossbar_hil.spent import Spent
from crossbar_hil.witness import PulseOutcome, Sights, Train, Volts, Witness, WitnessedBackend

from .at_rest import problem_at_rest
from .gate.disturb import DisturbLimit
from .gate.gate import Gate, check_reach
from .gate.matrix import put_behind_gate
from .meters import problem_of_meters
from .parts import check_read_scheme, check_sources, check_width, check_write_scheme
from .rig import Rig
from .schemes.plan import ReadPlan, best_order, read_plan
from .schemes.read_choice import ReadChoice, choose_reading
from .schemes.read_schemes import By, ReadStep
from .schemes.wiring import Assignment, Wiring
from .zeros import KeptZeros

T = TypeVar("T")
KINDS = ("emulated", "hardware")
LONG_BATCH = 1000
"""So many patterns take a while to plan, in which a stop may be wanted."""
MOST_PLANS = 16
"""So many plans of reads are remembered."""


class ChipBackend(WitnessedBackend):
    """A crossbar of memristors on a bench.

    Making it sets the sources up with their outputs off and opens every relay; the outputs are switched on at the first
    read or pulse. The instruments belong to whoever opened them: `make_safe` does not close them.

    Parameters
    ----------
    sources : mapping of str to SourceMeter
        Channels, by the port of the wiring that their HI is on: ``drive``, ``meter``, ``meter2``.
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
    spent : tuple of array_like, optional
        Pulses and dose, in volt seconds, that each cell has received before; (R, C) each.
    discharge_s : float
        Time at 0 V before relays move, in seconds.
    on_trial : bool
        Whether there is no chip: then lines may also be left open, one row and one column or all of them.
    read_by : str, optional
        "pattern" or "cell"; each batch is read in the way that `choose_reading` finds better if not given.
    zero_every : int
        Batches of reads that a zero reading serves.

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
        spent: tuple[ArrayLike, ArrayLike] | None = None,
        discharge_s: float = DISCHARGE_S,
        on_trial: bool = False,
        read_by: By | None = None,
        zero_every: int = 1,
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
        self.witness = Witness()
        """Told of every pulse before it is sent and after."""
        self._token = ""
        self._plans: dict[bytes, tuple[ReadPlan, ReadChoice]] = {}
        self._read_by = read_by
        self._zeros = KeptZeros(zero_every)
        self._batches: Counter[By] = Counter()
        self._readings = 0
        self._read = check_read_scheme(read_scheme, wiring, continuity_only=continuity_only)
        self._write = None if continuity_only else check_write_scheme(write_scheme, wiring, disturb_v)
        check_sources(sources, settings, wiring, self._read, self._write.scheme if self._write else None)
        wired = wiring.on(matrix)
        self.gate = Gate(
            wired,
            limits=limits,
            settings=settings,
            names={port: source.name for port, source in sources.items()},
            read=self._read,
            write=self._write,
            spent=Spent(self.shape, *(spent or ())),
            discharge_s=discharge_s,
            on_trial=on_trial,
        )
        """What nothing on its way to an instrument can go round."""
        gated_sources, gated_matrix = put_behind_gate(self.gate, sources, matrix)
        self._rig = Rig(
            gated_sources,
            settings,
            gated_matrix,
            wired,
            meters=self._read.meters,
            verify_relays=verify_relays,
            may_open=self._read.leaves_lines_open or on_trial,
            discharge_s=discharge_s,
        )
        with self._safe_after_a_failure():
            self._rig.prepare()

    @property
    def spent(self) -> Spent | None:
        """What each cell has received so far; the gate counts on from it."""
        return self.gate.spent

    @spent.setter
    def spent(self, spent: Spent | None) -> None:
        self.gate.spent = spent or Spent(self.shape)

    @property
    def relay_operations(self) -> int:
        """Relays moved since the instruments were opened."""
        return self._rig.matrix.operations

    @property
    def relay_closings(self) -> Mapping[str, int]:
        """How often each crosspoint has closed since the instruments were opened."""
        return self._rig.matrix.closings

    # ------------------------------------------------------------------ the device

    def _read_currents(self, voltages: FloatArray) -> FloatArray:
        plan, choice = self._plan_of(voltages)
        if len(voltages) < LONG_BATCH:
            self.gate.check_reads(plan)
        else:
            for state in self._heeded(plan):
                self.gate.check_reads({state: plan[state]})
        currents = np.zeros((len(voltages), self.shape[1]))
        with self._safe_after_a_failure():
            self._rig.arm()
            self._batches[choice.by] += 1
            self._zeros.begin_batch()
            for state in best_order(plan, self._rig.start(pulsing=False)):
                self.witness.checkpoint()
                self._rig.connect(state)
                last = len(plan[state]) - 1
                for number, step in enumerate(plan[state]):
                    if number:  # a batch may take hours in one state
                        self.witness.checkpoint()
                    found = self._measured(state, step, then_rest=number == last)
                    for (port, column), (pattern, share) in product(step.columns.items(), step.shares.items()):
                        currents[pattern, column] += share * (step.sign * found[port])
            self._rig.rest()
            self._rig.confirm()
        return currents

    def _measured(self, state: Assignment, step: ReadStep, *, then_rest: bool) -> Mapping[str, float]:
        """Return what each meter shows in a step, in amperes; a zero reading may be one of a batch before."""
        is_zero = not any(step.source_volts.values())
        if is_zero and (kept := self._zeros.kept(state)) is not None:
            return kept
        found = self._rig.measure_columns(tuple(step.columns), step.source_volts, then_rest=then_rest)
        self._readings += len(found)
        if is_zero:
            self._zeros.note(state, found)
        return found

    def _plan_of(self, voltages: FloatArray) -> tuple[ReadPlan, ReadChoice]:
        """Return the plan of a batch of reads; those of a training are the same few, so they are remembered."""
        key = voltages.tobytes()
        found = self._plans.get(key)
        if found is None:
            if len(self._plans) >= MOST_PLANS:
                self._plans.clear()
            choice, shares = choose_reading(self._read, voltages, self.shape[1], self._read_by)
            steps = self._read.steps_of(shares, self.shape)
            plan = read_plan(steps if len(voltages) < LONG_BATCH else self._heeded(steps))
            found = self._plans[key] = plan, choice
        return found

    def work_done(self) -> dict[str, Any]:
        """Say how the chip was read so far, and how often relays have closed."""
        batches = {f"batches_by_{by}": count for by, count in sorted(self._batches.items())}
        meters = {"meters": len(self._read.meters)} if self._read.further else {}
        found = {"readings": self._readings, **meters, **batches, **self._zeros.as_record()} if batches else {}
        if closings := self.relay_closings:
            most = max(sorted(closings), key=lambda name: closings[name])
            found |= {"relay_closings": sum(closings.values()), "most_closed": most, "its_closings": closings[most]}
        return found

    def _heeded(self, each: Iterable[T]) -> Iterator[T]:
        """Hand steps or states on until a stop is wanted: a batch may hold a million."""
        for one in each:
            self.witness.checkpoint()
            yield one

    def _check_pulse(self, pulse: Pulse) -> None:
        super()._check_pulse(pulse)
        if self._write is None:
            raise LimitError(f"pulse of {pulse}: this bench is for continuity only, it sends no pulse")
        self._write.check(pulse.amplitude_v)
        amplitudes = self._write.scheme.source_volts(pulse.amplitude_v)
        self._check_ranges(amplitudes)
        check_width(pulse.width_s, [self._rig.sources[port] for port in amplitudes])

    def _charge(self, counts: IntArray, pulse: Pulse) -> tuple[IntArray, FloatArray]:
        return self._write.charge(counts, pulse) if self._write else super()._charge(counts, pulse)

    def _book(self, spent: Spent, counts: IntArray, pulse: Pulse) -> None:
        """Leave it to the gate, which books every train of pulses when it leaves."""

    def _send_pulses(self, counts: IntArray, pulse: Pulse) -> None:
        if self._write is None:
            raise LimitError(f"pulse of {pulse}: this bench is for continuity only, it sends no pulse")
        scheme = self._write.scheme
        cells = [(row, column) for row, column in np.argwhere(counts).tolist()]
        cell_at = {scheme.assignment(cell, self.shape): cell for cell in cells}
        self.last_pulse_readings = {}
        if not cells:
            return
        self.gate.check_pulse_plan(cell_at, scheme.source_volts(pulse.amplitude_v))
        with self._safe_after_a_failure():
            self._rig.arm()
            for state in best_order(cell_at, self._rig.start(pulsing=True)):
                cell = cell_at[state]
                readings: list[dict[str, Reading]] = []
                while len(readings) < counts[cell]:
                    count = min(int(counts[cell]) - len(readings), MOST_PULSES)
                    readings += self._pulse_cell(cell, count, pulse, state, self._write)
                self.last_pulse_readings[cell] = readings
            self._rig.confirm()

    def _pulse_cell(
        self, cell: tuple[int, int], count: int, pulse: Pulse, state: Assignment, write: DisturbLimit
    ) -> list[dict[str, Reading]]:
        """Send the pulses of one cell, with the witness told before and after."""
        amplitudes = write.scheme.source_volts(pulse.amplitude_v)
        self.witness.checkpoint()
        sequence = self.witness.intend(cell, count, pulse)
        sending = False
        try:
            self._rig.connect(state, pulsing=True)
            sending = True
            readings = self._rig.pulse(amplitudes, pulse.width_s, count, self._token, sequence)
        except BaseException as error:
            self.witness.failed(sequence, self._outcome(error, sending, amplitudes, sequence), error)
            raise
        self.witness.done(sequence, readings)
        return readings

    def _outcome(
        self, error: BaseException, sending: bool, amplitudes: Mapping[str, float], sequence: int | None
    ) -> PulseOutcome:
        """Say what became of pulses that failed; the chip is made safe before anybody is asked."""
        if not sending or isinstance(error, LimitError | ConfigError):
            return "not_sent"
        if isinstance(error, ComplianceError | ImpossibleReading):  # found in readings, which come after the pulses
            return "done"
        try:
            with suppress(InstrumentError):
                self._make_safe_or_tell()
            memory = self._rig.pulse_memory_in_a_hurry(next(iter(amplitudes)), self._token)
        except InstrumentError:
            return "in_doubt"
        if memory is None or sequence is None:
            return "in_doubt"
        if memory.done >= sequence:
            return "done"
        return "in_doubt" if memory.begun >= sequence else "not_sent"

    def number_pulses(self, token: str) -> PulseMemory | None:
        """Give all pulses from here on numbers, as those of one run, for which letters and digits stand.

        Returned is what the instrument that sends the pulses remembers of that run; None if nothing.
        """
        self._token = token
        if self._write is None:
            return None
        return self._rig.pulse_memory(self._write.scheme.sources[0], token)

    def exposed(self, counts: IntArray) -> IntArray:
        """Return the pulses (R, C) that cells may have got besides their own, if one of them was shorted meanwhile.

        Those of `counts` (R, C) at most; all zero where the write scheme notices a short in the very pulse.
        """
        return self._write.exposed_pulses(counts) if self._write else np.zeros(self.shape, dtype=np.int64)

    def pulse_currents(
        self, cell: tuple[int, int], pulse: Pulse, conductances: FloatArray
    ) -> tuple[str, float, float] | None:
        """Return the port whose current tells of a short that spreads a pulse, that current without and with one."""
        scheme = None if self._write is None else self._write.scheme
        found = None if scheme is None else scheme.pulse_currents(cell, pulse.amplitude_v, conductances)
        return None if scheme is None or found is None else (scheme.source, *found)

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
        InstrumentError
            If a meter answers with what is no current.
        ImpossibleReading
            If between two lines flows at 0 V what no offset makes, or a further meter shows something else than the
            first.
        """
        if not 0 < abs(voltage_v) <= self.limits.read_v:
            raise LimitError(f"read voltage {voltage_v:g} V must be above zero and within {self.limits.read_v:g} V")
        count = sum(self.shape)
        found, at_rest_a = np.zeros((count, count)), np.zeros((count, count))
        with self._safe_after_a_failure():
            self._rig.arm()
            for first, second in permutations(range(count), 2):
                state, source_volts, sign = self._read.pair(first, second, count, voltage_v)
                self._rig.connect(state)
                place = first, second
                found[place], at_rest_a[place] = self._conductance(source_volts, sign, voltage_v)
                self._rig.rest()
            self._rig.confirm()
            meter = self._rig.settings[self._rig.meter]
            if problem := problem_at_rest(at_rest_a, found, meter.range_of_reads_a, self.shape[0]):
                raise ImpossibleReading(problem)
            if self._read.further and np.isfinite(found).all():
                self._check_further_meters(found[: self.shape[0], self.shape[0] :], voltage_v)
        return found

    def _check_further_meters(self, siemens: FloatArray, voltage_v: float) -> None:
        """Read every cell by the meters that read its column, and refuse what the first shows otherwise."""
        together = self._read_currents(voltage_v * np.eye(self.shape[0])) / voltage_v
        groups = self._read.groups(self.shape[1])
        columns = {
            f"{self._rig.sources[port].name} on the port {port}": [each[place] for each in groups if place < len(each)]
            for place, port in enumerate(self._read.meters)
            if place and place < self.shape[1]
        }
        range_a = self._rig.settings[self._rig.meter].range_of_reads_a
        if problem := problem_of_meters(siemens, together, columns, range_a, voltage_v):
            raise ImpossibleReading(problem)

    def look(self, sights: Sequence[tuple[Sequence[str], Sequence[Volts]]]) -> Sights:
        """Measure the raw currents of every source in some states, one after the other; see `crossbar_hil.witness`.

        A current at its limit or beyond its range is told, and no error. Before each move the sources are brought to
        0 V, and every instrument is asked whether it is as it was set.
        """
        found: Sights = []
        with self._safe_after_a_failure():
            self._rig.arm()
            for state, steps in sights:
                self.witness.checkpoint()
                self._rig.arm()
                self._rig.connect(tuple(state))
                found.append([self._rig.look(each) for each in steps])
                self._rig.rest()
            self._rig.confirm()
        return found

    def last_train(self) -> Train:
        """Return what the last pulses of the last cell showed, with the time of the instrument's clock now."""
        source = self._rig.sources[self._write.scheme.sources[0] if self._write else self._rig.meter]
        with self._safe_after_a_failure():
            self._rig.arm()
            clock_s = source.clock_s()
        readings = next(reversed(self.last_pulse_readings.values()), [])
        inside = [dict(one) for one in readings]
        return Train(inside, clock_s, source.train_widths)

    def make_safe(self) -> None:
        """Switch every output off and open every relay, then read both back; each step is tried.

        A later read or pulse sets the instruments up anew.

        Raises
        ------
        InstrumentError
            If anything failed, naming all that did.
        """
        self._zeros.forget()
        self._rig.make_safe()

    def identify(self) -> dict[str, Any]:
        """Name every instrument, its settings, the schemes and the wiring."""
        return {
            **super().identify(),
            **self._rig.identify(),
            "read_scheme": self._read.name,
            "write_scheme": self._write.scheme.name if self._write else None,
            "disturb_v": self._write.limit_v if self._write else None,
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
    def _safe_after_a_failure(self) -> Iterator[None]:
        """Bring the sources to 0 V after a reached current limit, and make all safe after any other failure."""
        try:
            yield
        except BaseException as error:
            self._zeros.forget()
            try:
                if isinstance(error, ComplianceError):
                    self._rest_or_switch_off()
                else:
                    self._make_safe_or_tell()
            except Exception as unsafe:
                error.add_note(str(unsafe))
            raise

    def _rest_or_switch_off(self) -> None:
        try:
            self._rig.rest()
        except Exception:  # a source that cannot be brought to 0 V is switched off
            self._make_safe_or_tell()
        except BaseException:  # so is one that somebody was too impatient to bring there
            self._make_safe_or_tell()
            raise

    def _make_safe_or_tell(self) -> None:
        """Make safe; where that is not confirmed, the witness is told before anything else is tried."""
        try:
            self._rig.make_safe()
        except InstrumentError as error:
            self.witness.unsafe(str(error))
            raise
        self.witness.unsafe("")

    def _conductance(self, source_volts: Mapping[str, float], sign: int, voltage_v: float) -> tuple[float, float]:
        """Return what the meter shows at these voltages more than at 0 V, over the voltage, and what at 0 V.

        The first is infinite where a limit is reached, as a short does also at 0 V by offsets alone.
        """
        currents = []
        for each in (dict.fromkeys(source_volts, 0.0), source_volts):
            self._rig.apply(each)  # a source that refuses a voltage is no short
            try:
                currents.append(self._rig.measure(each))
            except TransportError:
                raise
            except (ComplianceError, OverrangeError):  # at the limit, or beyond the range of the meter
                return math.inf, 0.0
            except InstrumentError as error:
                raise InstrumentError(f"{error}; that is no current, so nothing is said of the wiring") from error
        return sign * (currents[1] - currents[0]) / voltage_v, currents[0]

    def _check_ranges(self, source_volts: Mapping[str, float]) -> None:
        """Refuse voltages that a source is not set up for."""
        for port, volts in source_volts.items():
            check_reach(port, volts, self._rig.settings[port])
