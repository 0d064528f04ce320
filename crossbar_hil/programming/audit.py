"""Where the record of a programming run is not what the journal of its guard tells."""

import json
from collections.abc import Sequence
from dataclasses import replace

from crossbar_hil.bench.opening import likeness_of
from crossbar_hil.bench.recorded import bench_hash
from crossbar_hil.errors import CrossbarError
from crossbar_hil.guard.chain import Entry
from crossbar_hil.programming.loop import Round
from crossbar_hil.programming.outcome import Programmed
from crossbar_hil.programming.record import ARRAYS
from crossbar_hil.programming.work import Task, beginning_of, ending_of
from crossbar_hil.runs.audit.retelling import JournalChip, JournalEnds, OtherTraining
from crossbar_hil.runs.run import Run


def differences(
    run: Run, task: Task, held: Sequence[Round], entries: Sequence[Entry], *, being_written: bool
) -> list[str]:
    """Program again on what the journal holds, and say where the record differs.

    Parameters
    ----------
    run : Run
        The recorded run.
    task : Task
        What it says the cells were to become.
    held : sequence of Round
        Its rounds.
    entries : sequence of Entry
        Of a journal that is whole.
    being_written : bool
        Whether it goes on, so that the journal may be ahead.
    """
    try:
        facts = run.facts
        found = []
        header = entries[0].body
        if header.get("bench_sha256") != bench_hash(run.folder):
            found.append("bench.toml is not the file with which the run began")
        began = next((entry.body for entry in entries if entry.kind == "record"), None)
        if began is None:
            found.append("the journal does not say what was asked for")
        elif json.dumps(began, sort_keys=True) != json.dumps(
            beginning_of({**facts, "tables": run.tables}, task.targets), sort_keys=True
        ):
            found.append("settings or targets are not those with which the run began")
        found += [
            f"setting {name} is {facts.get(name)!r:.60}, by the journal {header.get(name)!r:.60}"
            for name in ("kind", "seed")
            if facts.get(name) != header.get(name)
        ]
        told, problem = _retell(run, task, entries)
        found += [problem] if problem else []
        return found + _compare(run, task, held, told, being_written=being_written)
    except CrossbarError as error:
        return [f"the run cannot be told again: {error}"]
    except (KeyError, ValueError, TypeError, IndexError) as error:  # of a record that somebody wrote by hand
        return [f"the record cannot be compared: {type(error).__name__}: {error}"]


def _retell(run: Run, task: Task, entries: Sequence[Entry]) -> tuple[list[Round], str]:
    """Return the rounds that the journal tells, and why it does not tell them to its end."""
    rows, columns = run.facts["shape"]
    chip = JournalChip((int(rows), int(columns)), entries)
    limits = run.bench.limits
    chip.limits = chip.limits if limits is None else replace(chip.limits, jump=limits.jump)
    chip.noisy, chip.likeness = run.bench.noisy, likeness_of(run.bench)
    told: list[Round] = []
    try:
        told.extend(task.loop(chip).rounds())
        left = len(chip.operations) - chip.place
        return told, f"the journal holds {left} operations more than programming asks for" if left else ""
    except JournalEnds:
        return told, ""
    except OtherTraining as other:
        return told, f"{other} than programming asks for after round {len(told)}"


def _compare(run: Run, task: Task, held: Sequence[Round], told: Sequence[Round], *, being_written: bool) -> list[str]:
    """Hold the rounds of the record, and what they came to, against those of the journal."""
    found = []
    for one, other in zip(held, told, strict=False):
        found += [
            f"round {one.number}: {name} are not those of the journal"
            for name in ARRAYS
            if not (getattr(one, name) == getattr(other, name)).all()
        ]
    behind = len(told) - len(held)  # one that was killed between journal and record lacks its last round
    ended = run.status == "done"
    if behind < 0:
        found.append(f"the record holds {len(held)} rounds, the journal only {len(told)}")
    elif not being_written and (behind > 1 or (ended and behind)):
        found.append(f"the record holds {len(held)} rounds, the journal {len(told)}")
    if ended and told and told[-1].pulses:
        found.append("setting status is done, but by the journal programming has not ended")
    if told and not found and "verdict" in run.facts and len(told) == len(held):
        due = ending_of(Programmed.of(task.settings, task.targets, told))
        found += [
            f"setting {name} is {run.facts.get(name)!r:.60}, by the journal {value!r:.60}"
            for name, value in due.items()
            if run.facts.get(name) != value
        ]
    return found
