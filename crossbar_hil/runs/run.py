"""What every recorded run offers, whatever was trained: facts, settings, numbers, figures, and going on with it."""

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, NoReturn

from crossbar_hil.arrays import FloatArray
from crossbar_hil.bench.file import Bench
from crossbar_hil.bench.recorded import load_recorded_bench, read_recorded_tables
from crossbar_hil.errors import RunError
from crossbar_hil.guard.chain import Entry
from crossbar_hil.guard.lock import run_owner
from crossbar_hil.guard.replay import count_pulses
from crossbar_hil.guard.states import PHASE, phase_of
from crossbar_hil.results.arrays import NOT_STATED
from crossbar_hil.results.cell_tests import CellTest
from crossbar_hil.results.result import Result
from crossbar_hil.runs.live.panels import Panel, Standing, Wear
from crossbar_hil.runs.provenance import utc_now, versions
from crossbar_hil.runs.recorded_settings import Setting, Tables, describe_tables
from crossbar_hil.screen.view import Phase, no_phase
from crossbar_hil.shipped import data_file
from crossbar_hil.training.result import TrainingResult


@dataclass(frozen=True, slots=True, eq=False)
class RunOutcome:
    """Where a run lies and how it ended."""

    folder: Path
    kind: str
    status: str
    """``done`` or ``interrupted``."""
    reason: str
    """Why it was interrupted; empty if it is done."""
    result: Any
    """What came of it: a `TrainingResult`, or the `Progress` of a spiking network; None before the first step."""
    safe: dict[str, Any] | None
    """How the bench was made safe, as its guard told it; None without a guard."""


class Ending(NamedTuple):
    """What a training came to, for those who wait for it."""

    record: dict[str, Any]
    """As the last line of JSON says it."""
    lines: Sequence[str]
    """In words."""
    reached: bool
    """Whether it reached what it should."""
    drawable: bool
    """Whether there is something to draw a report of."""


class Figure(NamedTuple):
    """One figure of a report."""

    name: str
    caption: str
    png: bytes


@dataclass(frozen=True, repr=False)
class Run(Result, ABC):
    """A recorded run; everything is read from its folder when first asked for.

    A kind of run is registered in the entry-point group ``crossbar_hil.runs`` under the name of its record file.
    """

    folder: Path

    noun: ClassVar[str] = "run"
    """What messages call it."""
    trained: ClassVar[str]
    """What it is a run of."""
    references: ClassVar[str]
    """Where the method was published."""
    models: ClassVar[Mapping[str, type[Any]]] = {"bench": Bench}
    """Model of each of the recorded wholes."""
    template: ClassVar[tuple[str, str]]
    """Package and name of the page that its report is made from."""
    written: ClassVar[tuple[str, ...]]
    """Files of which one changes with every step that is recorded."""

    @property
    def name(self) -> str:
        """Name of the folder."""
        return self.folder.name

    @property
    @abstractmethod
    def facts(self) -> dict[str, Any]:
        """What happened: seed, kind of device, versions, when it began, how it ended; no settings.

        Raises
        ------
        RunError
            If the record cannot be read.
        """

    @property
    @abstractmethod
    def tables(self) -> Tables:
        """The checked settings, whole, every default filled in, in SI."""

    @property
    def settings(self) -> dict[str, Any]:
        """The facts, and settings that have a short name beside them."""
        return self.facts

    @property
    def all_settings(self) -> list[Setting]:
        """Every setting with its unit, its default and what it is."""
        return describe_tables(self.tables, self.models)

    @property
    def conditions(self) -> dict[str, Any]:
        """What was said of who measured what, where; nothing that nobody said."""
        tables = self.tables
        said = tables.get("conditions") or tables.get("bench", {}).get("conditions") or {}
        return {name: value for name, value in said.items() if value is not None}

    @property
    def kind(self) -> str:
        """Kind of the device: ``simulated``, ``emulated`` or ``hardware``."""
        return str(self.facts["kind"])

    @property
    def status(self) -> str:
        """``running``, ``done``, ``interrupted`` or ``failed``."""
        return str(self.facts["status"])

    @cached_property
    def bench(self) -> Bench:
        """The bench file as used."""
        return load_recorded_bench(self.folder)

    @property
    def stamp(self) -> tuple[tuple[int, int], ...]:
        """What changes whenever its record does, or what its guard is doing; found without opening a file."""
        found = []
        for name in (*self.written, PHASE):
            try:
                there = os.stat(self.folder / name)
            except OSError:
                found.append((0, 0))
            else:
                found.append((there.st_mtime_ns, there.st_size))
        return tuple(found)

    @property
    def phase(self) -> tuple[str, datetime | None]:
        """What is being done at this moment, and since when if that is known; `status` once it has ended.

        Behind a guard it is the guard's word. A run that has not ended and on which no process works was ``cut off``.
        """
        if self.status != "running":
            return self.status, None
        if not run_owner(self.folder):
            return "cut off", None
        word, since = phase_of(self.folder)
        return (word, since) if word else ("training", None)

    def _bench_as_filed(self) -> Tables:
        """Return the bench file in its folder, which stands for the recorded tables in a run of 0.1.0.

        There a curve and a pattern set are copies in the folder; one that ships is called by its name.
        """
        try:
            bench = read_recorded_tables(self.folder)
            for table, key, name in (("chip", "curve", "figure2a"), ("training", "patterns", "perceptron")):
                copy = self.folder / str(bench.get(table, {}).get(key))
                if copy.is_file() and copy.read_bytes() == data_file(name).read_bytes():
                    bench[table][key] = name
        except (OSError, ValueError, AttributeError, TypeError) as error:
            raise RunError(f"the bench file of run {self.name} cannot be read: {error}") from error
        return {"bench": bench}

    # ------------------------------------------------------------------ as other programs take it

    def told(self) -> Sequence[tuple[str, str]]:
        """Return its name, what it is of, and how it stands."""
        facts = self.facts
        label = [("label", str(facts["label"]))] if facts.get("label") else []
        return [("run", self.name), ("device", self.kind), ("status", self.status), *label]

    def about(self) -> dict[str, Any]:
        """Return what CF-1.8 asks for (sections 2.6.2), then facts, and settings by table and name."""
        facts, said = self.facts, self.conditions
        program = f"crossbar-hil {facts.get('versions', {}).get('crossbar-hil', '')}".strip()
        commit = f" (commit {facts['git']})" if facts.get("git") else ""
        history = [f"{facts['started_utc']} trained by {program}{commit}"]
        history += [f"{facts['finished_utc']} {self.status}"] if facts.get("finished_utc") else []
        history += [f"{utc_now()} exported by crossbar-hil {versions()['crossbar-hil']}"]
        units = {each.key: each.unit for each in self.all_settings if each.unit}
        return {
            "title": f"Training of {self.trained}, {self.name}, {self.kind} device",
            "history": "; ".join(history),
            "institution": said.get("institution", NOT_STATED),
            "source": f"{self.kind} device, trained by {program}{commit}",
            "references": self.references,
            "comment": "Facts and settings of the run are attributes, in SI units; what is no number or text is JSON.",
            "setting_units": units,
            **facts,
            **{each.key: each.value for each in self.all_settings},
        }

    # ------------------------------------------------------------------ what a kind of run fills in

    @abstractmethod
    def resume(
        self, *, quiet: bool = True, agree: Callable[[str], Any] = lambda _: None, accept_change: bool = False
    ) -> RunOutcome:
        """Go on with a run that was interrupted, failed or died; no pulse is repeated.

        `agree` is called with the kind of the device that was opened, before it is asked for anything; where that is
        hardware, nothing is sent unless it returns True. `accept_change` says that this is the chip that the run left,
        although cells without a pulse read otherwise; the change is written into the journal.

        Raises
        ------
        RunError
            If the run is done, what it was made from was changed, or the replay does not do what was recorded.
        """

    @property
    @abstractmethod
    def recorded_pulses(self) -> int:
        """Pulses that its record holds."""

    @abstractmethod
    def figures(self) -> Iterator[Figure]:
        """Draw the figures of its report."""

    @abstractmethod
    def page_values(self) -> dict[str, Any]:
        """Return what its page shows beside facts, settings and figures."""

    @abstractmethod
    def ending(self, target: float | None = None) -> Ending:
        """Return what it came to; `target` is a share of right answers, of a run that has such a one."""

    def differences(self, entries: Sequence[Entry], *, being_written: bool) -> list[str]:  # noqa: ARG002
        """Say where its record is not what the entries of its journal tell; being written, it may lag behind."""
        asked = count_pulses(entries).asked
        held = self.recorded_pulses
        return [f"the record holds {held} pulses, but only {asked} stand in the journal"] if held > asked else []

    def details(self) -> Sequence[str]:
        """Say what else a person who looks at it should see."""
        return ()

    # ------------------------------------------------------------------ what not every kind of run can do

    def standing(self) -> Standing:
        """Return how far it has come, also while it goes on."""
        return Standing()

    def panels(self) -> list[Panel]:
        """Return what a page shows of it, also while it goes on; nothing before its first step."""
        return []

    def wear(self) -> Wear | None:
        """Return what it did to the cells of its chip so far; None if it has none, or before its first step."""
        return None

    @property
    def result(self) -> TrainingResult:
        """The training as `crossbar_hil.Trainer.run` returned it."""
        self._refuse("result of a training")

    @property
    def has_cell_tests(self) -> bool:
        """Whether `cell_tests` has something to tell."""
        return False

    def cell_tests(self) -> Iterator[CellTest]:
        """Tell every read and every pulse of each cell, as far as the run recorded them, the first first."""
        self._refuse("reads and pulses of cells")

    def chip(self, moment: str) -> dict[str, FloatArray]:  # noqa: ARG002 - for those that can
        """Return what a virtual chip was made of at the ``"start"`` or the ``"end"``."""
        self._refuse("chip")

    def predict(
        self,
        patterns: Path | None = None,  # noqa: ARG002 - likewise
        *,
        repeat: int | None = None,  # noqa: ARG002
        phase: Phase = no_phase,  # noqa: ARG002
    ) -> Any:
        """Let the chip, as training left it, judge patterns."""
        self._refuse("predict")

    def test(self, faults: Any = None, *, data: str | None = None, view: Any = None) -> Any:  # noqa: ARG002
        """Test the network on its test images, perhaps with faults that training did not have."""
        self._refuse("test")

    def _refuse(self, what: str) -> NoReturn:
        raise RunError(f"run {self.name} is of {self.trained}, for which there is no {what}")
