"""Programming as work that a run records: a chip opened, read and pulsed round by round, each round on disk."""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossbar_hil.arrays import FloatArray
from crossbar_hil.backend import DeviceBackend, Pulse
from crossbar_hil.bench.file import Bench
from crossbar_hil.bench.recorded import bench_hash
from crossbar_hil.errors import ReplayDiverged
from crossbar_hil.guard.client import GuardedBackend
from crossbar_hil.guard.opening import EMULATED_STATE
from crossbar_hil.programming.api import check_budget
from crossbar_hil.programming.foreknowledge import curve_of, lows_of, response_of
from crossbar_hil.programming.loop import Loop, Round
from crossbar_hil.programming.outcome import Programmed
from crossbar_hil.programming.record import (
    read_record,
    same_round,
    write_chip,
    write_record,
    write_rounds,
    write_task,
)
from crossbar_hil.programming.response import Response
from crossbar_hil.programming.settings import ProgramSettings
from crossbar_hil.programming.targets import check_fit
from crossbar_hil.runs.folder import RunFolder
from crossbar_hil.runs.life import RecordedWork
from crossbar_hil.runs.provenance import provenance, utc_now
from crossbar_hil.runs.recorded_settings import dump_tables
from crossbar_hil.runs.training import bench_tables, facts_of_chips


@dataclass(frozen=True, eq=False)
class Task:
    """What the cells of a chip are to become, and what is known of them."""

    bench: Bench
    settings: ProgramSettings
    targets: FloatArray
    """(R, C) in siemens; nan leaves a cell alone."""
    low: FloatArray | None = None
    """(R, C) low end of each cell in siemens, if another run told."""
    state: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    """The virtual chip that is taken up where another run left it; empty for a fresh one."""
    left: Path | None = None
    """File of the emulated chip that is taken up likewise."""
    warnings: Sequence[str] = ()
    """What cannot be reached, as it was told before."""

    @property
    def response(self) -> Response:
        """What pulses do to the average cell."""
        known, settings = curve_of(self.bench), self.settings
        if known is None:
            return Response.even(settings.up, settings.down, settings.range_siemens)
        return response_of(known, settings.up, settings.down, self.bench.kind)

    def _lows(self, siemens: FloatArray) -> FloatArray | None:
        """Return the low ends of a chip that first reads so: a fresh virtual one is there."""
        drawn = self.bench.draws_chip and not (self.bench.chip is not None and self.bench.chip.twin)
        fresh = drawn and self.bench.kind != "hardware" and not self.state and self.left is None
        return siemens if fresh else lows_of(self.bench, siemens)

    def loop(self, backend: DeviceBackend) -> Loop:
        """Return what brings the cells of an open chip to their targets."""
        known = curve_of(self.bench)
        noise = 0.0 if known is None else known.noise
        lows: Any = self.low if self.low is not None else self._lows
        return Loop(backend, self.targets, self.response, self.settings, low=lows, noise=noise)


class ProgramWork(RecordedWork[Round]):
    """Programming, or a reset, of the chip on a bench; a resumed run does all again, answered from the journal."""

    first_step = "reading the chip"

    def __init__(self, task: Task, seed: int, *, label: str = "", known: Sequence[Round] = ()) -> None:
        super().__init__(task.bench, seed, task.settings.purpose)
        self._task, self._label, self._known = task, label, list(known)
        self._rounds: list[Round] = []
        self._folder: Path
        self._loop: Loop

    def check_shape(self, shape: tuple[int, int]) -> None:
        """Refuse a chip of another size than the targets; a DataError then."""
        check_fit(self._task.targets, shape)

    def furnish(self, folder: Path) -> None:
        """Put an emulated chip into the folder of a new run, where its bench takes it up."""
        if self._task.left is not None:
            shutil.copy(self._task.left, folder / EMULATED_STATE)

    def prepare(self, backend: DeviceBackend | None) -> Sequence[Pulse]:
        """Find out what is known of the chip."""
        if backend is None:
            raise TypeError("cells are programmed on a bench, so there is a backend")
        if self._task.state:
            backend.restore(dict(self._task.state))
        self._loop = self._task.loop(backend)
        down = self._task.settings.down
        return [] if down is None else [down]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the chip."""
        return self._loop.backend.shape

    def begin(self, folder: RunFolder) -> None:
        """Make the record of a new run, unless the limits of the chip do not allow its budget; a LimitError then."""
        task, backend, self._folder = self._task, self._loop.backend, folder.folder
        check_budget(backend, task.settings, task.targets)
        record = {
            "name": folder.folder.name,
            "type": task.settings.purpose,
            "label": self._label,
            "kind": backend.kind,
            "seed": self.seed,
            "shape": list(backend.shape),
            "bench_sha256": bench_hash(folder.folder),
            "device": backend.identify(),
            **facts_of_chips(backend, self.bench, gain=False),
            **({"warnings": list(task.warnings)} if task.warnings else {}),
            **provenance(),
            "started_utc": folder.started_utc,
            "status": "running",
            "tables": {"program": dump_tables(task.settings), **bench_tables(task.bench)},
        }
        if isinstance(backend, GuardedBackend):
            backend.note_record(beginning_of(record, task.targets))
        write_task(self._folder, task.targets, task.low, task.state)
        write_record(self._folder, record)

    def reopen(self, folder: Path) -> None:
        """Go on with the record of a run."""
        self._folder = folder
        write_record(folder, {**read_record(folder), **self.resumed_facts})

    def steps(
        self,
        leave_if_wanted: Callable[[], None],  # noqa: ARG002 - after each round is enough
    ) -> Iterator[Round]:
        """Read and pulse, round by round."""
        yield from self._loop.rounds()

    def record(self, step: Round) -> None:
        """Write a round down, or see that a recorded one came again as it was."""
        self._rounds.append(step)
        if step.number > len(self._known):
            write_rounds(self._folder, self._rounds)
        elif not same_round(step, self._known[step.number - 1]):
            raise ReplayDiverged(
                f"the replay diverged at round {step.number}: it is not what the record holds; nothing was sent"
            )

    @property
    def result(self) -> Programmed | None:
        """What came of it."""
        if not self._rounds:
            return None
        return Programmed.of(self._task.settings, self._task.targets, self._rounds)

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left to be sent."""
        return bool(self._rounds) and not self._rounds[-1].pulses

    @property
    def reached(self) -> str:
        """The last round."""
        return f"round {len(self._rounds)}"

    def finish(self, status: str, reason: str) -> None:
        """Write how it ended, and what it came to."""
        result = self.result
        facts: dict[str, Any] = {"status": status, "reason": reason, "finished_utc": utc_now()}
        if result is not None:
            facts |= ending_of(result)
            facts["reason"] = reason or ("" if result.all_reached else result.reasons[0])
        backend = self._loop.backend
        if isinstance(backend, GuardedBackend) and (work := backend.work_done()):
            facts["bench_work"] = work
        write_chip(self._folder, backend.state())
        write_record(self._folder, read_record(self._folder) | facts)


def beginning_of(record: Mapping[str, Any], targets: FloatArray) -> dict[str, Any]:
    """Return what the journal keeps of a record that begins: facts and settings, and every target."""
    wanted = [[None if np.isnan(each) else float(each) for each in row] for row in targets]
    return {"program": dict(record["tables"]["program"]), "targets": wanted, "name": record["name"]}


def ending_of(result: Programmed) -> dict[str, Any]:
    """Return the facts of how programming ended."""
    errors, sent = np.abs(result.errors[result.aimed]), result.pulses[result.aimed]
    return {
        "verdict": result.verdict,
        "summary": result.summary,
        "cost": result.cost,
        "rounds": result.rounds,
        "cells": int(result.aimed.sum()),
        "reached": int(result.aimed.sum() - result.unmet.sum()),
        "pulses": int(sent.sum()),
        "pulses_median": float(np.median(sent)),
        "error_median": float(np.median(errors)),
        "error_most": float(errors.max()),
    }
