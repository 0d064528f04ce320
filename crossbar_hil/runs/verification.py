"""Whether a run can be trusted: its journal whole, every pulse accounted for, its record the journal's own tale."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from crossbar_hil.errors import RunError
from crossbar_hil.guard.chain import Entry
from crossbar_hil.guard.inspection import examine
from crossbar_hil.guard.opening import JOURNAL
from crossbar_hil.runs.run import Run


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


class PulseCount(NamedTuple):
    """Pulses in a journal."""

    asked: int
    done: int
    in_doubt: int
    """Those without an outcome among them."""
    open: tuple[int, ...]
    """Sequence numbers of intents without an outcome."""


def count_pulses(entries: Iterable[Entry]) -> PulseCount:
    """Count the pulses in the entries of a journal."""
    counts: Counter[str] = Counter()
    train_of: dict[int, int] = {}
    asked = 0
    for entry in entries:
        if entry.kind == "intent":
            train_of[entry.body["seq"]] = entry.body["count"]
        elif entry.kind == "outcome":
            counts[entry.body["state"]] += train_of.pop(entry.body["seq"])
        elif entry.kind == "pulses":
            asked += sum(map(sum, entry.body["counts"]))
    return PulseCount(asked, counts["done"], counts["in_doubt"] + sum(train_of.values()), tuple(sorted(train_of)))


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
    entries, verdict = examine(path)
    problems = list(verdict.problems)
    counted = PulseCount(0, 0, 0, ())
    if not problems:
        counted = count_pulses(entries)
        if counted.open and run.status == "done":
            problems.append(f"run {run.name} is done, but pulse {counted.open[0]} has no outcome")
        if run.recorded_pulses > counted.asked:
            problems.append(
                f"the record holds {run.recorded_pulses} pulses, but only {counted.asked} stand in the journal"
            )
    return RunVerdict(run.name, verdict.entries, verdict.chain, counted.done, counted.in_doubt, tuple(problems))


def verify_session(folder: Path) -> RunVerdict:
    """Check the journal of a session that is no run, such as a calibration, in the folder where it is kept."""
    entries, verdict = examine(folder / JOURNAL)
    counted = PulseCount(0, 0, 0, ()) if verdict.problems else count_pulses(entries)
    return RunVerdict(
        folder.name, verdict.entries, verdict.chain, counted.done, counted.in_doubt, tuple(verdict.problems), "session"
    )
