"""A run folder without a record: its run ended before it began, and only its journal can say otherwise."""

from pathlib import Path

from crossbar_hil.guard.inspection import examine
from crossbar_hil.guard.lock import run_owner
from crossbar_hil.guard.opening import JOURNAL
from crossbar_hil.guard.replay import count_pulses

NEVER_BEGAN = "never began, nothing was sent"


def describe_never_began(folder: Path) -> str:
    """Say what became of a run whose folder holds no record.

    The record of a run is there, whole, before its first pulse.
    """
    owner = run_owner(folder)
    if owner:
        return f"is being started by {owner}"
    journal = folder / JOURNAL
    if not journal.exists():
        return NEVER_BEGAN
    entries, verdict = examine(journal)
    counted = count_pulses(entries)
    if counted.asked or counted.done or counted.in_doubt:
        return (
            f"has no record, but its journal holds {counted.done} pulses that were sent and {counted.in_doubt} that "
            f"may have been; see {journal}"
        )
    if verdict.problems:
        return f"never began, but its journal is not whole ({verdict.problems[0]}); see {journal}"
    return NEVER_BEGAN
