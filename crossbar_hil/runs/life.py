"""The life of a run: a device opened and locked, its pulses checked, every step recorded, made safe, and then ended."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np

from crossbar_hil.backend import DeviceBackend, Pulse
from crossbar_hil.bench.file import BENCH_FILE, Bench
from crossbar_hil.bench.opening import open_backend, words_of_opening
from crossbar_hil.bench.recorded import bench_hash
from crossbar_hil.errors import Declined, RunError, Stopped
from crossbar_hil.guard.lock import run_lock
from crossbar_hil.guard.opening import open_guarded
from crossbar_hil.guard.storage import why_not_all_ours
from crossbar_hil.runs.folder import RunFolder
from crossbar_hil.runs.interruption import Button, Interrupted, stop_on_interrupt
from crossbar_hil.runs.provenance import utc_now
from crossbar_hil.runs.run import Run, RunOutcome
from crossbar_hil.screen.view import Phase, no_phase

Step = TypeVar("Step")
AnyRun = TypeVar("AnyRun", bound=Run)
Show = Callable[[Step], Any]
Agree = Callable[[str], Any]
"""Is told the kind of an open device, and raises if nobody wants to go on with it."""


class RecordedWork(ABC, Generic[Step]):
    """Work in steps, each of which a run records: what it needs of a device, what it writes down, how it ends.

    Parameters
    ----------
    bench : Bench or None
        The device that it works on; None if everything is computed.
    seed : int
        Of a virtual device.
    rule : str
        Part of the name of its run folder.
    """

    def __init__(self, bench: Bench | None, seed: int, rule: str) -> None:
        self.bench, self.seed, self.rule = bench, seed, rule
        self.phase: Phase = no_phase
        """Is told what is waited for."""

    accept_change = False
    """Whether a chip that reads otherwise than the run left it is gone on with."""

    first_step: ClassVar[str] = "the first step"
    """What is waited for once the device is open."""

    def check_shape(self, shape: tuple[int, int]) -> None:
        """Refuse a device of R rows and C columns that it does not fit; nothing is opened yet."""

    def furnish(self, folder: Path) -> None:
        """Put into the folder of a new run what its device needs; it is opened next."""

    @abstractmethod
    def prepare(self, backend: DeviceBackend | None) -> Sequence[Pulse]:
        """Make what the work is done with, and return the pulses that it may send; nothing is sent yet."""

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int]:
        """Rows and columns of what it works on, once that is prepared."""

    @abstractmethod
    def begin(self, folder: RunFolder) -> None:
        """Make the record of a new run, in whose folder the bench file is; it is whole, or there is none."""

    @abstractmethod
    def reopen(self, folder: Path) -> None:
        """Open the record of a run to go on with it."""

    @property
    def resumed_facts(self) -> dict[str, Any]:
        """What its record says from the moment on in which it is gone on with."""
        now = utc_now()
        accepted = {"change_accepted_utc": now} if self.accept_change else {}
        return {"status": "running", "resumed_utc": now, "reason": "", **accepted}

    @abstractmethod
    def steps(self, leave_if_wanted: Callable[[], None]) -> Iterator[Step]:
        """Do the work, handing out each step; between them it may be left, by calling what is given."""

    @abstractmethod
    def record(self, step: Step) -> None:
        """Write a step down.

        Raises
        ------
        ReplayDiverged
            If the run holds another step in its place.
        """

    @property
    @abstractmethod
    def result(self) -> Any:
        """What came of it, once it has ended; None if there was no step."""

    @property
    @abstractmethod
    def is_complete(self) -> bool:
        """Whether there is nothing left to do."""

    @property
    @abstractmethod
    def reached(self) -> str:
        """How far it came, such as ``epoch 3``."""

    @abstractmethod
    def finish(self, status: str, reason: str) -> None:
        """Write down how it ended, the device being safe."""

    def discard(self) -> None:
        """Let go of a record that is to be taken back."""


def begin_work(
    work: RecordedWork[Step], *, out: Path, show: Show[Step] = lambda _: None, button: Button | None = None
) -> RunOutcome:
    """Do recorded work in a fresh run folder.

    Ctrl-C, or the button, ends it after the operation under way (behind a guard) or the step under way; what was done
    is kept, and `resume_work` goes on with it.

    Parameters
    ----------
    work : RecordedWork
        What to do.
    out : Path
        Folder that holds run folders.
    show : callable
        Called with each step once it is on disk.
    button : Button, optional
        May be pressed from another thread.

    Raises
    ------
    CrossbarError
        If the run cannot start, in which case no folder is left unless the bench may not be safe, or fails, in which
        case what was done is kept.
    """
    bench = work.bench
    with ExitStack() as locked, ExitStack() as opened:
        shape = _guarded_shape(bench)
        if bench is not None and shape is not None:
            work.check_shape(shape)
            folder = _make_folder(work, out, shape, locked, opened)
            work.furnish(folder.folder)
            work.phase(words_of_opening(bench))
            backend: DeviceBackend | None = open_guarded(bench, seed=work.seed, folder=folder.folder)
            _prepare(work, backend, opened)
        else:  # the size of a virtual device is part of the folder's name, so it is made first
            work.phase(words_of_opening(bench), brief=True)
            backend = None if bench is None else open_backend(bench, seed=work.seed)
            _prepare(work, backend, opened)
            folder = _make_folder(work, out, work.shape, locked, opened)
            if bench is not None:
                bench.copy_into(folder.folder)
        work.begin(folder)
        opened.pop_all()
        return _carry_out(work, backend, folder.folder, show, take_back=folder.take_back, button=button)


def resume_work(
    make_work: Callable[[AnyRun], RecordedWork[Step]],
    run: AnyRun,
    *,
    show: Show[Step] = lambda _: None,
    agree: Agree = lambda _: None,
    accept_change: bool = False,
) -> RunOutcome:
    """Go on with recorded work that was interrupted, failed or died, without repeating a pulse.

    A virtual device is drawn again from its seed; one behind instruments is asked for nothing until the journal of its
    guard ends. What the record holds already must come again bit by bit.

    Parameters
    ----------
    make_work : callable
        Makes of a run the work that it did; called once the run is locked, with the run as it is then.
    run : Run
        The recorded run.
    show : callable
        Called with each step, the recorded ones first.
    agree : callable
        Called with the kind of the device, once it is open and before it is asked for anything; whatever it raises ends
        the matter, and so does anything but True where the chip is real, with nothing sent.
    accept_change : bool
        Whether a person says that this is the chip that the run left, although it reads otherwise.

    Raises
    ------
    RunError
        If the run is done, its bench file was changed, the device is of another kind than the record says, or the
        replay does not do what was recorded.
    Declined
        If nobody agreed, and the chip is real.
    CrossbarError
        If the bench cannot be opened, or is not the one that the run left.
    """
    with run_lock(run.folder, run.name), ExitStack() as opened:
        run = type(run)(run.folder)  # who had the lock before may have gone on with it
        if run.status == "done":
            raise RunError(f"{run.noun} {run.name} is done ({run.facts['verdict']}), there is nothing to resume")
        linked = why_not_all_ours(run.folder)
        if linked:
            raise RunError(f"{run.noun} {run.name} is not resumed: {linked}; copy the run to a folder of its own")
        work = make_work(run)
        bench, work.accept_change = work.bench, accept_change
        if bench is not None and run.facts.get("bench_sha256") != bench_hash(run.folder):
            raise RunError(f"{run.folder / BENCH_FILE} was changed since run {run.name} began, so it is not resumed")
        backend: DeviceBackend | None = None
        guarded = _guarded_shape(bench) is not None
        if accept_change and not guarded:
            raise RunError(f"{run.noun} {run.name} has no chip behind instruments, so there is no change to accept")
        if bench is not None and guarded:
            work.phase(words_of_opening(bench))
            backend = open_guarded(bench, seed=work.seed, folder=run.folder, resume=True, accept_change=accept_change)
        elif bench is not None:
            backend = open_backend(bench, seed=work.seed)
        _prepare(work, backend, opened, check_pulses=False)  # they were checked when the run began
        kind = "simulated" if backend is None else backend.kind
        if kind != run.kind:  # a record can be altered, what was opened is what gets the pulses
            raise RunError(f"the record of run {run.name} says {run.kind}, but its bench opens a {kind} device")
        if agree(kind) is not True and kind == "hardware":
            raise Declined(
                f"nobody agreed that run {run.name} goes on with pulses to a real chip, so nothing was sent: give "
                "resume an agree that returns True"
            )
        work.reopen(run.folder)
        opened.pop_all()
        return _carry_out(work, backend, run.folder, show)


def _guarded_shape(bench: Bench | None) -> tuple[int, int] | None:
    """Return rows and columns of a bench that a guard keeps; None for every other."""
    if bench is None or bench.wiring is None or not bench.instruments:
        return None
    return bench.wiring.shape


def _make_folder(
    work: RecordedWork[Any], out: Path, shape: tuple[int, int], locked: ExitStack, opened: ExitStack
) -> RunFolder:
    """Make the folder of a run, locked at once; it is taken back when `opened` is closed."""
    folder = RunFolder.make(out, rule=work.rule, shape=shape)
    opened.callback(folder.take_back)
    locked.enter_context(run_lock(folder.folder, folder.folder.name))
    return folder


def _prepare(
    work: RecordedWork[Any], backend: DeviceBackend | None, opened: ExitStack, *, check_pulses: bool = True
) -> None:
    """Prepare work on an open device, which is made safe when `opened` is closed, and check all that it may send."""
    if backend is not None:
        opened.enter_context(backend)
        work.check_shape(backend.shape)
    pulses = work.prepare(backend)
    if backend is not None and check_pulses:
        for pulse in pulses:
            backend.check_pulses(np.zeros(backend.shape, dtype=np.int64), pulse)


def _carry_out(
    work: RecordedWork[Step],
    backend: DeviceBackend | None,
    folder: Path,
    show: Show[Step],
    *,
    take_back: Callable[[], None] | None = None,
    button: Button | None = None,
) -> RunOutcome:
    """Do every step and record it, make safe, and only then write how it ended.

    A new run that failed before it did anything is taken back.
    """
    reason = ""
    began = take_back is None
    over = False
    try:
        with (
            nullcontext() if backend is None else backend,
            stop_on_interrupt((lambda _: None) if backend is None else backend.request_stop, button) as stop,
        ):
            try:
                work.phase(
                    f"{work.first_step}{'' if take_back else ', after what was recorded'}", brief=backend is not None
                )
                for step in work.steps(stop.leave_if_wanted):
                    work.record(step)
                    began = True
                    show(step)
                    stop.leave_if_wanted()
            except Interrupted:
                reason = f"interrupted after {work.reached}"
            finally:
                if _guarded_shape(work.bench) is not None:
                    work.phase("making the bench safe")
            over = True
    except Stopped as stopped:
        reason = "; ".join([str(stopped), *getattr(stopped, "__notes__", ())])  # a note: the bench may not be safe
    except BaseException as error:
        if over and isinstance(error, KeyboardInterrupt):  # while the bench was made safe: there is nothing left to end
            return _end(work, backend, folder, reason)
        if began or (backend is not None and backend.pulsed):
            try:
                work.finish("failed", str(error) or type(error).__name__)
            except RunError as later:  # on a full disk it fails too, and what failed first is to be told
                if str(later) != str(error):
                    error.add_note(str(later))
        else:
            work.discard()
            if take_back is not None:
                take_back()
        raise
    return _end(work, backend, folder, reason)


def _end(work: RecordedWork[Any], backend: DeviceBackend | None, folder: Path, reason: str) -> RunOutcome:
    """Write how a run ended, of which nothing is under way any more."""
    if work.is_complete:
        reason = ""
    status = "interrupted" if reason else "done"
    work.finish(status, reason)
    kind = "simulated" if backend is None else backend.kind
    return RunOutcome(folder, kind, status, reason, work.result, getattr(backend, "safe_report", None))
