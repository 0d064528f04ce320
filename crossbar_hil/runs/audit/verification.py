"""Whether a run can be trusted: its journal whole, every pulse accounted for, its record the journal's own tale."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from crossbar_hil.errors import CrossbarError, RunError
from crossbar_hil.guard.chain import Entry
from crossbar_hil.guard.inspection import examine
from crossbar_hil.guard.lock import run_owner
from crossbar_hil.guard.opening import JOURNAL
from crossbar_hil.guard.replay import PulseCount, count_pulses
from crossbar_hil.runs.audit.differences import Recorded, differences_of
from crossbar_hil.runs.audit.retelling import retell
from crossbar_hil.runs.run import Run
from crossbar_hil.runs.training_run import TrainingRun


@dataclass(frozen=True, slots=True)
class RunVerdict:
    """What the journal of a run says."""

    run: str
    entries: int
    head: str
    """Hash of the last entry, which stands for all of them."""
    pulses: int
    """Pulses that were sent for certain."""
    in_doubt: int
    """Pulses that may have been sent, and count as sent."""
    problems: tuple[str, ...]
    what: str = "run"
    """Run, or session that is no run."""

    @property
    def summary(self) -> str:
        """One sentence."""
        doubt = f", {self.in_doubt} in doubt" if self.in_doubt else ""
        told = f"{self.entries} entries, {self.pulses} pulses sent{doubt}, head {self.head[:16]}"
        return f"{self.what} {self.run}: {told}"


def verify_run(run: Run) -> RunVerdict:
    """Check the journal of a run, and the record against it.

    Raises
    ------
    RunError
        If the run has no journal: a virtual chip needs none.
    """
    path = run.folder / JOURNAL
    if not path.exists():
        raise RunError(f"run {run.name} has no journal; a {run.kind} chip is drawn again from its seed")
    find_differences = _read_record(run)  # read first, so that the journal is ahead of it and never behind
    entries, verdict = examine(path)
    problems = list(verdict.problems)
    counted = PulseCount(0, 0, 0, ())
    if not problems:
        counted = count_pulses(entries)
        if counted.open and run.status == "done":
            problems.append(f"run {run.name} is done, but pulse {counted.open[0]} has no outcome")
        problems += find_differences(entries)
    return RunVerdict(run.name, verdict.entries, verdict.chain, counted.done, counted.in_doubt, tuple(problems))


def _read_record(run: Run) -> Callable[[Sequence[Entry]], list[str]]:
    """Read the record of a run; what is returned says where it is not what the entries of a journal tell."""
    if isinstance(run, TrainingRun):
        return _read_training(run)
    being_written = bool(run_owner(run.folder))
    _ = run.recorded_pulses  # which reads what is compared
    return functools.partial(run.differences, being_written=being_written)


def _read_training(run: TrainingRun) -> Callable[[Sequence[Entry]], list[str]]:
    """Do so of a training: it is done again on what the journal holds, and every number is compared."""
    being_written = bool(run_owner(run.folder))
    with run.open_record() as record:
        recorded = Recorded.of(record)

    def check(entries: Sequence[Entry]) -> list[str]:
        wiring = run.bench.wiring
        if wiring is None:
            return ["bench.toml has no [wiring], so it is not the file with which the run began"]
        shape = wiring.shape
        try:
            epochs = recorded.fact("epochs") if recorded.fact("status") == "running" else recorded.epochs
            told = retell(run.bench, run.task, shape, entries, epochs, recorded.fact("seed"), recorded.fact("lines"))
            return list(
                differences_of(recorded, told, entries, run.folder, run.task, shape=shape, being_written=being_written)
            )
        except CrossbarError as error:
            return [f"the training cannot be told again: {error}"]
        except (KeyError, ValueError, TypeError, IndexError) as error:  # of a record that somebody wrote by hand
            return [f"the record cannot be compared: {type(error).__name__}: {error}"]

    return check


def verify_session(folder: Path) -> RunVerdict:
    """Check the journal of a session that is no run, such as a calibration, in the folder where it is kept."""
    entries, verdict = examine(folder / JOURNAL)
    counted = PulseCount(0, 0, 0, ()) if verdict.problems else count_pulses(entries)
    return RunVerdict(
        folder.name, verdict.entries, verdict.chain, counted.done, counted.in_doubt, tuple(verdict.problems), "session"
    )
