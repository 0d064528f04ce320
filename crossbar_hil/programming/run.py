"""A recorded programming or reset, read from its folder."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from pydantic import ValidationError

from crossbar_hil.arrays import FloatArray
from crossbar_hil.bench.file import Bench
from crossbar_hil.bench.virtual_chips import lines_of_chips
from crossbar_hil.errors import CrossbarError, RunError
from crossbar_hil.guard.chain import Entry
from crossbar_hil.guard.opening import EMULATED_STATE, JOURNAL
from crossbar_hil.guard.replay import tests_in_journal
from crossbar_hil.programming.audit import differences
from crossbar_hil.programming.loop import WORDS, Round
from crossbar_hil.programming.outcome import Programmed
from crossbar_hil.programming.panels import panels_of
from crossbar_hil.programming.record import RECORD, ROUNDS, read_chip_left, read_record, read_rounds, read_task
from crossbar_hil.programming.settings import ProgramSettings
from crossbar_hil.programming.work import ProgramWork, Task
from crossbar_hil.results.arrays import Variable
from crossbar_hil.results.cell_tests import CellTest, Tester
from crossbar_hil.results.result import Drawing, Series
from crossbar_hil.runs.life import Agree, Show, resume_work
from crossbar_hil.runs.live.panels import Panel, Standing, Wear
from crossbar_hil.runs.recorded_settings import Tables
from crossbar_hil.runs.run import Ending, Figure, Run, RunOutcome
from crossbar_hil.screen.view import Phase, hidden_while, no_phase


@dataclass(frozen=True, repr=False)
class ProgramRun(Run):
    """A programming run; everything is read from its folder when first asked for."""

    noun: ClassVar[str] = "programming run"
    trained: ClassVar[str] = "cells brought to targets"
    drawn_by: ClassVar[str] = Programmed.drawn_by
    plots: ClassVar[tuple[str, ...]] = Programmed.plots
    references: ClassVar[str] = "https://doi.org/10.1088/0957-4484/23/7/075201"
    models: ClassVar[Mapping[str, type[Any]]] = {"program": ProgramSettings, "bench": Bench}
    template: ClassVar[tuple[str, str]] = ("crossbar_hil.programming", "programming.html.j2")
    written: ClassVar[tuple[str, ...]] = (RECORD, ROUNDS)

    @cached_property
    def facts(self) -> dict[str, Any]:
        """What was run, by which versions, how it ended."""
        return {name: value for name, value in self._recorded.items() if name != "tables"}

    @cached_property
    def tables(self) -> Tables:
        """The checked settings: what was asked of the cells, and the tables of the bench file."""
        return dict(self._recorded["tables"])

    @cached_property
    def _recorded(self) -> dict[str, Any]:
        return read_record(self.folder)

    @cached_property
    def asked(self) -> ProgramSettings:
        """What was asked of the cells."""
        try:
            return ProgramSettings.model_validate(self.tables.get("program"))
        except (ValidationError, CrossbarError) as error:
            raise RunError(f"the settings of programming run {self.name} cannot be used: {error}") from error

    @cached_property
    def rounds(self) -> list[Round]:
        """Every recorded round."""
        return read_rounds(self.folder)

    @cached_property
    def task(self) -> Task:
        """What the cells were to become, and what was known of them."""
        targets, low, state = read_task(self.folder)
        return Task(self.bench, self.asked, targets, low, state)

    @cached_property
    def programmed(self) -> Programmed | None:
        """What came of it so far; None before the first round."""
        rounds = self.rounds
        return Programmed.of(self.asked, read_task(self.folder)[0], rounds) if rounds else None

    @property
    def _done(self) -> Programmed:
        if self.programmed is None:
            raise RunError(f"programming run {self.name} holds no round yet, so there is nothing to report")
        return self.programmed

    def resume(self, *, quiet: bool = True, agree: Agree = lambda _: None, accept_change: bool = False) -> RunOutcome:
        """Go on with it, shown on standard error unless it is to be quiet."""
        from rich.console import Console  # noqa: PLC0415 - only who programs needs it

        from crossbar_hil.programming.showing import Told  # noqa: PLC0415
        from crossbar_hil.screen.terminal import make_phases  # noqa: PLC0415

        with make_phases(Console(stderr=True), quiet=quiet, lines=self.bench.is_by_hand) as view:
            told = Told(view, self.asked)
            return resume_programming(
                self,
                show=told.show,
                agree=hidden_while(view, agree),
                phase=view.phase,
                accept_change=accept_change,
            )

    @property
    def recorded_pulses(self) -> int:
        """Pulses of all recorded rounds."""
        return sum(each.pulses for each in self.rounds)

    def differences(self, entries: Sequence[Entry], *, being_written: bool) -> list[str]:
        """Say where the record is not what the journal tells: it is programmed again on what the journal holds."""
        return differences(self, self.task, self.rounds, entries, being_written=being_written)

    def ending(self, target: float | None = None) -> Ending:  # noqa: ARG002 - its targets are of cells
        """Return how many cells reached their targets, with how many pulses."""
        facts = self.facts
        named = ("verdict", "cells", "reached", "rounds", "pulses", "pulses_median", "error_median", "error_most")
        record = {name: facts.get(name) for name in named}
        if self.programmed is None or record["verdict"] is None:
            return Ending(record, (), reached=False, drawable=False)
        seed = f", seed {facts['seed']}" if self.bench.draws_chip else ""
        lines = (
            f"{facts['verdict']}: {facts['summary']}",
            f"{facts['cost']}, {self.kind} chip{seed}",
            *lines_of_chips(facts.get("virtual_chip")),
            *(f"not     {line}" for line in self.programmed.reasons),
        )
        return Ending(record, lines, reached=facts["verdict"] == "converged", drawable=True)

    def details(self) -> Sequence[str]:
        """Say which cells did not reach their targets, and why."""
        return () if self.programmed is None else self.programmed.reasons

    def figures(self) -> Iterator[Figure]:
        """Draw the figures of its report."""
        from crossbar_hil.figures.png import as_png  # noqa: PLC0415 - matplotlib, if needed
        from crossbar_hil.programming.plotting import draw_figures  # noqa: PLC0415

        for name, caption, figure in draw_figures(self._done):
            yield Figure(name, caption, as_png(figure))

    def page_values(self) -> dict[str, Any]:
        """Return what was reached, cell by cell."""
        return {"result": self._done}

    def told(self) -> Sequence[tuple[str, str]]:
        """Return what it came to, or how far it is."""
        return [*super().told(), *([] if self.programmed is None else self.programmed.told())]

    def series(self) -> Series:
        """Return one line a cell."""
        return self._done.series()

    def variables(self) -> dict[str, Variable]:
        """Return every read and every pulse."""
        return self._done.variables()

    @property
    def has_cell_tests(self) -> bool:
        """Whether there is a round."""
        return bool(self.rounds)

    def cell_tests(self) -> Iterator[CellTest]:
        """Tell every read and every pulse of each cell: by the journal if there is one, else by the record."""
        rows, columns = self.facts["shape"]
        if (self.folder / JOURNAL).exists():
            yield from tests_in_journal(self.folder / JOURNAL, (rows, columns), rows if self.asked.reads == 1 else None)
            return
        tester, read_v = Tester((rows, columns)), np.full(rows, self.asked.read_v)
        utc = str(self.facts.get("finished_utc") or self.facts["started_utc"])
        for each in self.rounds:
            yield from tester.reads(each.conductances, read_v, each.number, utc)
            for counts, pulse in ((each.falling, self.asked.down), (each.rising, self.asked.up)):
                if pulse is not None:
                    yield from tester.pulses(counts, pulse, each.number, utc)

    def chip(self, moment: str) -> dict[str, FloatArray]:
        """Return what a virtual chip was made of at the ``"start"`` (if it was taken up) or the ``"end"``."""
        return dict(read_task(self.folder)[2] if moment == "start" else read_chip_left(self.folder))

    def standing(self) -> Standing:
        """Return rounds, cells that reached their targets, and pulses so far."""
        found = self.programmed
        if found is None:
            return Standing(0, 0, "rounds")
        began = datetime.fromisoformat(str(self.facts.get("resumed_utc") or self.facts["started_utc"]))
        step_s = max((self.folder / ROUNDS).stat().st_mtime - began.timestamp(), 1e-3) / found.rounds
        numbers = [(f"{int(found.aimed.sum() - found.unmet.sum())} of {int(found.aimed.sum())}", "cells reached")]
        return Standing(found.rounds, 0, "rounds", step_s, [*numbers, (str(found.pulses.sum()), "pulses sent")])

    def panels(self) -> list[Panel]:
        """Return errors, conductances and pulses of the cells."""
        limits = self.tables.get("bench", {}).get("limits") or {}
        return [] if self.programmed is None else panels_of(self.programmed, WORDS, limits)

    def wear(self) -> Wear | None:
        """Return what it did to the cells so far."""
        found = self.programmed
        if found is None:
            return None
        return Wear(found.conductances[0], found.conductances[-1], found.pulses, found.dose_vs)

    def _to_be_drawn(self, what: str) -> Drawing:
        return self._done._to_be_drawn(what)


def resume_programming(
    run: ProgramRun,
    *,
    show: Show[Round] = lambda _: None,
    agree: Agree = lambda _: None,
    phase: Phase = no_phase,
    accept_change: bool = False,
) -> RunOutcome:
    """Go on with a run that was interrupted, failed or died; see `crossbar_hil.runs.life.resume_work`."""

    def make_work(run: ProgramRun) -> ProgramWork:
        work = ProgramWork(run.task, run.facts["seed"], known=run.rounds)
        work.phase = phase
        return work

    return resume_work(make_work, run, show=show, agree=agree, accept_change=accept_change)


def left_by(run: Run) -> dict[str, Any]:
    """Return what a `Task` needs to take up the virtual chip of a run where it was left; nothing of a real one."""
    if run.kind == "emulated":
        left = run.folder / EMULATED_STATE
        return {"left": left} if left.is_file() else {}
    if run.kind != "simulated":
        return {}
    state = run.chip("end")
    return {"state": {name: values for name, values in state.items() if name not in ("saturated", "unresponsive")}}
