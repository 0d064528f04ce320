"""The keeper of one chip: every request goes from journal to chip and back, or is answered from the journal alone.

This is what runs inside the guard process, and it is the whole of it but for the pipe: the states, the journal, the
numbers of the pulses, going on after a lost answer, and making safe.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from crossbar_hil.arrays import FloatArray, IntArray, at
from crossbar_hil.backend import Pulse
from crossbar_hil.errors import (
    CellChanged,
    ChipStateUnknown,
    ComplianceError,
    CrossbarError,
    DataError,
    GuardError,
    ImpossibleReading,
    InstrumentError,
    LimitError,
    ReplayDiverged,
    RunError,
    ShortSuspected,
    Stopped,
    TransportError,
)
from crossbar_hil.guard.journal import Journal
from crossbar_hil.guard.replay import Intent, Operation, Record, conductances_in
from crossbar_hil.guard.states import MAKING_SAFE, Machine, State
from crossbar_hil.guard.watch import Least, PulseCurrents, Watch, otherwise_than_left
from crossbar_hil.instrument import PulseMemory, Reading
from crossbar_hil.witness import PulseOutcome, Sights, Train, Volts, Witness, WitnessedBackend

if TYPE_CHECKING:
    from crossbar_hil.guard.ledger import DoseLedger
    from crossbar_hil.guard.lock import BenchLock
    from crossbar_hil.owners.wear import RelayWear

T = TypeVar("T")
TRIES = 3
"""An operation whose link fails is gone on with so many times, then the run is stopped."""
IN_HASTE = 0.25
"""Share of its deadline that an instrument still has to answer once somebody waits for a stop."""
_NOT_WHOLE = (ComplianceError, InstrumentError, CellChanged, ImpossibleReading)
"""What is raised where a cell may be shorted."""


@dataclass(frozen=True, slots=True)
class SafeReport:
    """How making safe went."""

    cause: str
    confirmed: bool
    failures: tuple[str, ...] = ()
    work: dict[str, Any] = field(default_factory=dict)
    """What the instruments did until then, if that is counted."""


class StopFlag:
    """Set once, from any thread or signal handler; the first cause stays.

    Plain values alone: a handler may come in the middle of anything, also of taking a lock.

    Attributes
    ----------
    cause : str
        Why a stop is wanted.
    pressed : bool
        Whether somebody waits for it, by Ctrl-C or a signal.
    alarmed : bool
        Whether it was told that the bench may not be safe.
    enough : bool
        Whether somebody asked again after that: nothing is to be tried any more.
    """

    def __init__(self) -> None:
        self.cause = ""
        self.pressed = self.alarmed = self.enough = False
        self._wanted = False

    def set(self, cause: str) -> None:
        """Ask for a stop."""
        if not self._wanted:
            self.cause, self._wanted = cause, True

    def press(self, cause: str) -> None:
        """Ask for a stop in the name of somebody who waits for it."""
        self.enough = self.enough or self.alarmed
        self.pressed = True
        self.set(cause)

    def wanted(self) -> bool:
        """Say whether a stop was asked for."""
        return self._wanted

    def patience(self) -> float:
        """Return the share of its deadline that an instrument still has to answer."""
        return 0.0 if self.enough else IN_HASTE if self.pressed else 1.0


class Keeper:
    """Keep one chip: journal before the chip, the chip safe before anything else.

    Parameters
    ----------
    chip : WitnessedBackend
        The backend that owns the instruments; its witness becomes this keeper's.
    journal : Journal
        Open for writing; what it holds is replayed first.
    check_v : float
        Read voltage of the reads that the keeper makes on its own account, in volts.
    ledger : DoseLedger, optional
        What this chip has received in all runs.
    stop : StopFlag, optional
        Whoever sets it ends the work after the operation under way.
    lock : BenchLock, optional
        Looked at before pulses: a bench that is not ours any more gets none.
    least : Least, optional
        How far below zero a reading may lie; not looked at if not given.
    alarm : callable
        Told, before anything else is tried, that the bench may not be safe, and which instrument to look at.
    wear : RelayWear, optional
        Where relays are counted that have closed; after every operation, whatever came of it.
    accept_change : bool
        Whether a person says that this is the chip that a resumed run left, although it reads otherwise.
    tell : callable
        Told what a person should know of, and nobody needs to act on.
    """

    gave_up = False
    """Whether making safe is not to be tried again."""

    def __init__(
        self,
        chip: WitnessedBackend,
        journal: Journal,
        *,
        check_v: float,
        ledger: "DoseLedger | None" = None,
        stop: StopFlag | None = None,
        lock: "BenchLock | None" = None,
        least: Least | None = None,
        alarm: Callable[[str], object] = lambda why: None,  # noqa: ARG005 - the signature of one
        wear: "RelayWear | None" = None,
        accept_change: bool = False,
        tell: Callable[[str], object] = lambda text: None,  # noqa: ARG005 - the signature of one
    ) -> None:
        self.chip = chip
        self.machine = Machine(journal.path.parent)
        self.stop = stop or StopFlag()
        self._journal = journal
        self._check_v = check_v
        self._ledger = ledger
        self._lock = lock
        self._least = least
        self._alarm = alarm
        self._wear = wear
        self._accept_change = accept_change
        self._tell = tell
        self._unsafe = ""  # what was told in this operation: that the bench may not be safe
        self._record = Record.of(journal.entries, chip.shape)
        self._place = 0  # of the next operation to be answered from the journal
        self._resumed = bool(self._record.operations)
        self._sequence = self._record.last_sequence
        self._next_op = self._record.operations[-1].number + 1 if self._resumed else 1
        self._live = False
        self._pending: Intent | None = None
        self._watch = Watch(chip.shape, chip.limits.jump)
        self._pulse_currents = PulseCurrents()
        self._judged: set[int] = set()  # pulses since the last look at every line whose current is that of whole cells
        chip.witness = _Numbering(self)

    # ------------------------------------------------------------------ requests

    def read_currents(self, voltages: FloatArray) -> FloatArray:
        """Read, or answer from the journal; see `DeviceBackend.read_currents`.

        Raises
        ------
        ReplayDiverged
            If the journal holds another request at this place; nothing was sent.
        Stopped
            If a stop was asked for.
        ImpossibleReading
            If a cell reads what no cell can have; the reading is nowhere.
        CellChanged
            If a cell is not what it can have become since the last map; the reading is in the journal.
        """
        recorded = self._next_recorded("read")
        if recorded is not None:
            if not np.array_equal(voltages, recorded.voltages):  # type: ignore[arg-type]
                raise self._divergence(recorded, "reads at other voltages")
            self._place += 1
            return recorded.currents  # type: ignore[return-value]
        self._go_live()
        currents = self._working(State.READING, lambda: self._read_possible(voltages))
        self._write("read", {"op": self._number(), "voltages": voltages.tolist(), "currents": currents.tolist()})
        self._commit()
        conductances = conductances_in(voltages, currents)
        if conductances is not None:
            self._working(State.READING, lambda: self._look_at(conductances))
        if self._record.note_read(voltages):
            self._judged.clear()
        return currents

    def send_pulses(self, counts: IntArray, pulse: Pulse) -> None:
        """Send pulses, or only those that the journal does not hold; see `DeviceBackend.send_pulses`.

        Raises what `read_currents` raises; what was sent until a stop is in the journal.
        """
        operation = self._next_recorded("pulses")
        if operation is None:
            self._go_live()
            self._check_request(counts, pulse)
            operation = Operation(self._number(), "pulses", counts=counts, pulse=pulse, ended=False)
            operation.settled = np.zeros(self.chip.shape, dtype=np.int64)
            self._record.operations.append(operation)
            self._write("pulses", {"op": operation.number, "counts": counts.tolist(), **asdict(pulse)})
        elif not np.array_equal(counts, operation.counts) or pulse != operation.pulse:  # type: ignore[arg-type]
            raise self._divergence(operation, f"sends other pulses, {int(counts.sum())} of {pulse}")
        self._place += 1
        if not operation.ended:
            self._go_live()
            self._working(State.PULSING, lambda: self._send_rest(operation, counts, pulse))
            self._write("ended", {"op": operation.number})
            self._commit()
            operation.ended = True
            self._forget_done()

    def check_pulse(self, pulse: Pulse) -> None:
        """Refuse a pulse that the chip would refuse, in the same words; nothing is sent."""
        self._check_request(np.zeros(self.chip.shape, dtype=np.int64), pulse)

    def note_record(self, began: Mapping[str, Any]) -> None:
        """Keep with what the record of the run begins, so that it can be compared."""
        self._check_stop()
        self._write("record", dict(began))
        self._commit()

    def line_conductances(self, voltage_v: float) -> FloatArray:
        """Read every two lines against each other; belongs to no training, so it is never replayed."""
        self._go_live()
        return self._working(State.READING, lambda: self._lines_possible(voltage_v))

    def look(self, sights: Sequence[tuple[Sequence[str], Sequence[Volts]]]) -> Sights:
        """Measure raw currents in some states; belongs to no training, so it is never replayed."""
        self._go_live()
        return self._working(State.READING, lambda: self.chip.look(sights))

    def pulse_on_trial(self, counts: IntArray, pulse: Pulse) -> Train:
        """Send pulses to one cell, in the journal like all others, and return what each showed."""
        self._go_live()
        began_s = self._working(State.READING, self.chip.last_train).clock_s
        self.send_pulses(counts, pulse)
        found = self._working(State.READING, self.chip.last_train)
        took_s = None if began_s is None or found.clock_s is None else found.clock_s - began_s
        return replace(found, clock_s=took_s)

    def make_safe(self, cause: str) -> SafeReport:
        """Make the chip safe and write down how that went; never raises."""
        failures: list[str] = []
        telling = threading.Thread(target=self.machine.tell, args=(MAKING_SAFE,), daemon=True)
        with suppress(RuntimeError):  # there can be no thread now
            telling.start()  # beside it: a disk that hangs must not keep the chip waiting
        try:
            self.chip.make_safe()
        except BaseException as error:  # whatever it is, it is told, and nothing may end this
            failures.append(str(error) or type(error).__name__)
        if telling.ident is not None:
            telling.join()
        return self._write_safe(SafeReport(cause, not failures, tuple(failures)))

    def _write_safe(self, report: SafeReport) -> SafeReport:
        report = replace(report, work=self.chip.work_done())
        self.machine.to(State.SAFE if report.confirmed else State.BROKEN)
        try:
            self._journal.append("safe", asdict(report))
            self._journal.commit()
        except CrossbarError as error:
            report = replace(report, failures=(*report.failures, f"not in the journal: {error}"))
        return report

    # ------------------------------------------------------------------ replay

    def _next_recorded(self, kind: str) -> Operation | None:
        """Return the next operation of the journal, or None where the journal ends."""
        self._check_stop()
        if self._place >= len(self._record.operations):
            return None
        operation = self._record.operations[self._place]
        if operation.kind != kind:
            raise self._divergence(operation, f"asks for {'a read' if kind == 'read' else 'pulses'}")
        return operation

    def _divergence(self, operation: Operation, does: str) -> ReplayDiverged:
        counts = operation.counts
        was = "a read" if counts is None else f"{int(counts.sum())} pulses of {operation.pulse}"
        return ReplayDiverged(
            f"the replay diverged at operation {operation.number}: the trainer {does}, the journal holds {was}; "
            "nothing was sent"
        )

    def _go_live(self) -> None:
        """Leave the journal behind: settle what it left open and see that this is the chip that it describes."""
        self._check_stop()
        if self._live:
            return
        token = str(self._journal.header["token"])
        remembered = self.chip.number_pulses(token)
        if remembered is not None and remembered.begun > self._sequence:
            raise GuardError(
                f"the instrument says that pulse {remembered.begun} of this run was sent, but its journal ends at "
                f"pulse {self._sequence}, so the journal lacks what was done to the chip; nothing was sent"
            )
        intent = self._record.open_intent
        if intent is not None:
            outcome, why = _outcome_from_memory(intent.sequence, remembered)
            self._settle(intent, outcome, f"found at resume: {why}")
            self._commit()
        if self._resumed:
            self._working(State.READING, self._compare_signature)
        else:
            self.machine.to(State.READY)
        self._live = True
        if self._place == len(self._record.operations):
            self._forget_done()

    def _forget_done(self) -> None:
        """Let go of what was done and will not be asked for again, as a run may last for days."""
        self._record.forget_done()
        self._place = len(self._record.operations)

    def _compare_signature(self) -> None:
        known, pulsed = self._record.known, self._record.pulsed_since
        now = self._read_map()
        if known is not None:
            found = otherwise_than_left(known, now, ~pulsed, self._least, self._check_v)
            if found.problem and not (found.may_be_the_same and self._accept_change):
                raise GuardError(f"this is not the chip that the run left: {found.problem}{found.way_out}")
            if found.problem:
                said = f"accepted as the chip that the run left, although {found.problem}"
                self._note(said)
                self._tell(f"note: {said}; it stands in the journal")
        self._write("check", {"conductances": now.tolist()})
        self._commit()
        problem = "" if known is None else self._watch.judge_resumed(known, now)
        if problem:  # a person who resumes thinks it right; what it may have done to others counts all the same
            self._tell_exposed(CellChanged(problem))
        self._watch.restart(now)
        self._forget_unseen()

    # ------------------------------------------------------------------ live

    def _working(self, state: State, work: Callable[[], T]) -> T:
        """Do work in a state; after a failure the chip is made safe before anything else is said."""
        self.machine.to(state)
        self._unsafe = ""
        try:
            try:
                result = work()
            finally:
                self._note_wear()
        except BaseException as error:
            cause = f"{type(error).__name__}: {error}"
            report = (
                self._write_safe(SafeReport(cause, False, (self._unsafe,))) if self._unsafe else self.make_safe(cause)
            )
            if not report.confirmed and report.failures[0] not in getattr(error, "__notes__", ()):
                error.add_note("; ".join(report.failures))
            if self._may_have_spread(error):
                self._tell_exposed(error)
            raise
        self.machine.to(State.READY)
        return result

    def _note_wear(self) -> None:
        """Count the relays that have closed; where that cannot be kept, the journal says so and the work goes on."""
        if self._wear is None:
            return
        try:
            self._wear.note(self.chip.relay_closings)
        except RunError as error:
            self._wear = None
            self._journal.append("note", {"text": f"{error}; what closes from here on is not counted"})

    def _may_have_spread(self, error: BaseException) -> bool:
        """Say whether pulses may have reached other cells: one is not whole, or not every current said that all are."""
        if isinstance(error, _NOT_WHOLE) and not isinstance(error, TransportError):
            return True
        return any(intent.sequence not in self._judged for intent in self._record.unseen)

    def _tell_exposed(self, error: BaseException) -> None:
        """Count for every cell what it may have got besides its own pulses."""
        try:
            for operation, counts in self._record.sent_unseen():
                exposed = self.chip.exposed(counts)
                if not exposed.any() or operation.pulse is None:
                    continue
                body = {"op": operation.number, "counts": exposed.tolist(), **asdict(operation.pulse)}
                number = self._journal.append("exposed", {**body, "why": f"{type(error).__name__}: {error}"})
                self._commit()
                self._reserve(-number, exposed, operation.pulse)
                error.add_note(
                    f"if a cell was shorted before, up to {int(exposed.max())} pulses of {operation.pulse} reached "
                    f"each of {int(np.count_nonzero(exposed))} cells besides their own; they are counted as received"
                )
        except RunError as failure:
            error.add_note(f"what other cells may have got is not all written down: {failure}")
        self._forget_unseen()

    def _forget_unseen(self) -> None:
        self._record.unseen.clear()
        self._judged.clear()

    def _reserve(self, op: int, counts: IntArray, pulse: Pulse) -> None:
        """Count pulses in the ledger of the chip, by operation or by minus the entry that tells of other cells."""
        if self._ledger is not None:
            dose_vs = counts * np.float64(abs(pulse.amplitude_v) * pulse.width_s)
            self._ledger.reserve(str(self._journal.header["run"]), op, counts, dose_vs)

    def _read_again(self, voltages: FloatArray) -> FloatArray:
        """Read; a read may be repeated, so an answer that was lost is asked for again in a fresh session."""
        left = TRIES
        while True:
            left -= 1
            try:
                return self.chip.read_currents(voltages)
            except TransportError as error:
                if self._unsafe:  # whoever does not even say that it is off will not answer this either
                    raise
                self._note(f"a read failed and is repeated {left} times at most: {error}")
                if not left:
                    raise

    def _read_possible(self, voltages: FloatArray) -> FloatArray:
        """Read, and refuse what no cell can give."""
        currents = self._read_again(voltages)
        conductances = conductances_in(voltages, currents)
        most = self._watch.most_siemens()
        if conductances is not None:
            self._refuse_impossible(conductances, float(np.abs(voltages[voltages != 0]).min()))
            most = np.abs(conductances)
        if self._least is not None and most is not None:
            self._refuse(self._least.problem_of_read(voltages, currents, most))
        return currents

    def _lines_possible(self, voltage_v: float) -> FloatArray:
        """Read every two lines against each other, and refuse what no two can show."""
        between = self.chip.line_conductances(voltage_v)
        problem = "" if self._least is None else self._least.problem_of_lines(between, voltage_v, self.chip.shape[0])
        if problem:
            raise ImpossibleReading(problem)
        return between

    def _read_map(self) -> FloatArray:
        """Read every cell on the keeper's own account."""
        conductances = self.chip.read_conductances(self._check_v)
        self._refuse_impossible(conductances, self._check_v)
        return conductances

    def _refuse_impossible(self, conductances: FloatArray, read_v: float) -> None:
        if self._least is not None:
            self._refuse(self._least.problem(conductances, read_v, self._watch.known))

    def _refuse(self, problem: str) -> None:
        """Stop for a reading that cannot be, if there is something to say of it."""
        if problem:
            self._note(problem)
            raise ImpossibleReading(f"{problem}, and no pulse was sent on it")

    def _send_rest(self, operation: Operation, counts: IntArray, pulse: Pulse) -> None:
        """Send what the journal does not hold as sent; after a lost answer the cells are read before any more."""
        settled = operation.settled
        if settled is None:
            raise GuardError(f"operation {operation.number} holds no pulses")
        left = TRIES
        while True:
            rest = counts - settled
            if not rest.any() and self.chip.cause_of_doubt is None:
                return
            if rest.any() and self._lock is not None and not self._lock.still_held():
                raise GuardError("the lock file of this bench was deleted or replaced, so it may have a second owner")
            try:
                if self.chip.cause_of_doubt is not None:
                    suspected = isinstance(self.chip.cause_of_doubt, ShortSuspected)
                    conductances = self._read_map()
                    self._write("check", {"conductances": conductances.tolist()})
                    self._look_at(conductances)
                    if suspected:
                        self._pulse_currents.cleared()
                if rest.any():
                    self._reserve(operation.number, counts, pulse)
                    self.chip.send_pulses(rest, pulse)
                return
            except ShortSuspected as error:  # after a pulse that was sent, so there is an end to these
                self._note(str(error))
            except TransportError as error:
                left -= 1
                if self._unsafe:
                    raise
                self._note(f"pulses failed and are gone on with {left} times at most: {error}")
                if not left:
                    raise

    def _look_at(self, conductances: FloatArray) -> None:
        """Stop where the chip is not what it can have become since it was measured last."""
        if problem := self._watch.judge_map(conductances):
            raise CellChanged(problem)
        self._forget_unseen()

    def _check_request(self, counts: IntArray, pulse: Pulse) -> None:
        """Refuse pulses beyond the limits, or to no chip, before they are in the journal as an operation."""
        try:
            self.chip.check_pulses(counts, pulse)
            if self._watch.nothing_there and counts.any():
                raise GuardError(f"{self._watch.nothing_there}; no pulse was sent")
        except (LimitError, DataError, ChipStateUnknown, GuardError) as error:
            self._write("refused", {"what": f"{int(counts.sum())} pulses of {pulse}", "why": str(error)})
            self._commit()
            raise

    # ------------------------------------------------------------------ what the witness calls

    def _check_stop(self) -> None:
        if self.stop.wanted():
            raise Stopped(f"stopped: {self.stop.cause}")

    def _intend(self, cell: tuple[int, int], count: int, pulse: Pulse) -> int:
        self._sequence += 1
        operation = self._record.operations[-1].number
        self._pending = Intent(self._sequence, operation, cell, count)
        self._watch.note_pulse(cell, pulse.amplitude_v)
        where = {"op": operation, "seq": self._sequence, "row": cell[0], "column": cell[1]}
        self._write("intent", {**where, "count": count, **asdict(pulse)})
        self._commit()
        return self._sequence

    def _settle(
        self,
        intent: Intent | None,
        outcome: PulseOutcome,
        why: str = "",
        readings: Sequence[Mapping[str, Reading]] = (),
    ) -> None:
        if intent is None:
            return
        self._record.open_intent = intent
        self._record.settle(outcome)
        self._pending = None
        inside = [{port: [reading.current_a, reading.limited] for port, reading in each.items()} for each in readings]
        self._write("outcome", {"seq": intent.sequence, "state": outcome, "why": why, "readings": inside})

    def _judge_currents(self, intent: Intent, readings: Sequence[Mapping[str, Reading]]) -> None:
        """Stop before the next pulse where the currents inside these are rather those of a chip with a short."""
        pulse, known = self._record.operations[-1].pulse, self._watch.known
        if pulse is None or known is None:
            return
        due = self.chip.pulse_currents(intent.cell, pulse, known)
        if due is None or not readings or not due[1]:
            return
        port, whole_a, shorted_a = due
        current_a = max(abs(each[port].current_a) for each in readings)
        if self._pulse_currents.suspicious(current_a, whole_a, shorted_a):
            raise ShortSuspected(
                f"the current of {current_a:.4g} A inside pulse {intent.sequence} for cell {at(*intent.cell)} is more "
                "than whole cells should draw, so every cell is read before any other pulse"
            )
        self._judged.add(intent.sequence)

    # ------------------------------------------------------------------ journal

    def _number(self) -> int:
        number, self._next_op = self._next_op, self._next_op + 1
        return number

    def _write(self, kind: str, body: dict[str, Any]) -> None:
        self._journal.append(kind, body)

    def _note(self, text: str) -> None:
        self._write("note", {"text": text})

    def _commit(self) -> None:
        self._journal.commit()


class _Numbering(Witness):
    """Numbers every train of pulses, and has it in the journal before it leaves."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper

    def checkpoint(self) -> None:
        self._keeper._check_stop()

    def intend(self, cell: tuple[int, int], count: int, pulse: Pulse) -> int:
        return self._keeper._intend(cell, count, pulse)

    def done(self, sequence: int | None, readings: Sequence[Mapping[str, Reading]]) -> None:  # noqa: ARG002
        intent = self._keeper._pending
        self._keeper._settle(intent, "done", readings=readings)
        if intent is not None:
            self._keeper._judge_currents(intent, readings)

    def failed(self, sequence: int | None, outcome: PulseOutcome, cause: BaseException) -> None:  # noqa: ARG002
        keeper = self._keeper
        try:
            keeper._settle(keeper._pending, outcome, f"{type(cause).__name__}: {cause}")
            keeper._commit()
        except RunError as error:  # the chip must be made safe whatever the disk says
            cause.add_note(f"how the pulse ended is not in the journal: {error}")

    def unsafe(self, why: str) -> None:
        self._keeper._unsafe = why
        if why:
            self._keeper._alarm(why)


def _outcome_from_memory(sequence: int, memory: PulseMemory | None) -> tuple[PulseOutcome, str]:
    """Say how a pulse ended from what the instrument remembers of its number."""
    if memory is None:
        return "in_doubt", "the instrument does not remember the run, so the pulse counts as sent"
    if memory.done >= sequence:
        return "done", f"the instrument has sent pulse {memory.done}"
    if memory.begun >= sequence:
        return "in_doubt", f"the instrument has begun pulse {memory.begun}, but not ended it, so it counts as sent"
    return "not_sent", f"the last pulse that the instrument has begun is {memory.begun}"
