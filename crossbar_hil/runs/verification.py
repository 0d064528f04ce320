"""Whether a run can be trusted: its journal whole, every pulse accounted for, its record the journal's own tale."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from crossbar_hil.errors import RunError
from crossbar_hil.guard.journal import read_journal, verify_journal
from crossbar_hil.guard.opening import JOURNAL
from crossbar_hil.runs.store import Run


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

    @property
    def summary(self) -> str:
        """One sentence."""
        doubt = f", {self.in_doubt} in doubt" if self.in_doubt else ""
        return f"run {self.run}: {self.entries} entries, {self.pulses} pulses sent{doubt}, head {self.head[:16]}"


def verify_run(run: Run) -> RunVerdict:
    """Check the journal of a run, and the record against it.

    Raises
    ------
    RunError
        If the run has no journal: a virtual chip needs none.
    """
    recorded = int(sum(epoch.counts.sum() for epoch in run.epochs))
    return verify_folder(run.folder, kind=run.settings["kind"], status=run.settings["status"], recorded=recorded)


def verify_folder(folder: Path, *, kind: str, status: str, recorded: int) -> RunVerdict:
    """Check the journal in a run folder, of whatever sort the run is.

    Parameters
    ----------
    folder : path
        The run folder.
    kind, status : str
        Kind of the device, and how the run ended.
    recorded : int
        Pulses that the record of the run holds.
    """
    path, name = folder / JOURNAL, folder.name
    if not path.exists():
        raise RunError(f"run {name} has no journal; a {kind} chip is drawn again from its seed")
    verdict = verify_journal(path)
    problems = list(verdict.problems)
    counts: Counter[str] = Counter()
    if not problems:
        train_of: dict[int, int] = {}
        asked = 0
        for entry in read_journal(path):
            if entry.kind == "intent":
                train_of[entry.body["seq"]] = entry.body["count"]
            elif entry.kind == "outcome":
                counts[entry.body["state"]] += train_of.pop(entry.body["seq"])
            elif entry.kind == "pulses":
                asked += sum(map(sum, entry.body["counts"]))
        counts["in_doubt"] += sum(train_of.values())
        if train_of and status == "done":
            problems.append(f"run {name} is done, but pulse {min(train_of)} has no outcome")
        if recorded > asked:
            problems.append(f"the record holds {recorded} pulses, but only {asked} stand in the journal")
    return RunVerdict(name, verdict.entries, verdict.chain, counts["done"], counts["in_doubt"], tuple(problems))
