"""A recorded training, read from its folder: its epochs, its chip, and what it came to."""

import itertools
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from crossbar_hil.arrays import FloatArray
from crossbar_hil.backend import Pulse
from crossbar_hil.bench.virtual_chips import lines_of_chips
from crossbar_hil.errors import CrossbarError, DataError, RunError
from crossbar_hil.guard.database import bound_reading, why_unreadable
from crossbar_hil.guard.opening import JOURNAL
from crossbar_hil.guard.replay import tests_in_journal
from crossbar_hil.parsing import parse_json
from crossbar_hil.results.arrays import Variable
from crossbar_hil.results.cell_tests import CellTest, Tester
from crossbar_hil.results.result import Drawing, Series
from crossbar_hil.runs.inference import Answer, judge_patterns
from crossbar_hil.runs.life import Agree, Show, resume_work
from crossbar_hil.runs.live.panels import Panel, Standing, Wear
from crossbar_hil.runs.live.training import training_panels, training_standing, wear_of
from crossbar_hil.runs.never_began import describe_never_began
from crossbar_hil.runs.recorded_settings import Tables, check_tables
from crossbar_hil.runs.run import Ending, Figure, Run, RunOutcome
from crossbar_hil.runs.told_facts import in_words_of_bad_cells
from crossbar_hil.runs.training import TrainingWork, epochs_only
from crossbar_hil.runs.training_record import RECORD, SCHEMA_VERSION, Sizes, read_epochs, refuse_links
from crossbar_hil.runs.training_views import name_cells, training_page
from crossbar_hil.screen.view import Phase, hidden_while, no_phase
from crossbar_hil.survey.lines import Lines
from crossbar_hil.text import counted
from crossbar_hil.training.fresh import Assurance, FreshReads, full_reason
from crossbar_hil.training.lines.arrangement import Arrangement
from crossbar_hil.training.on_chip import assurance_on_chip
from crossbar_hil.training.patterns import PatternSet, as_text
from crossbar_hil.training.result import Epoch, TrainingResult

READABLE = (2, SCHEMA_VERSION)
"""Schema versions that are understood; 2 is that of version 0.1.0, which kept some settings among the facts."""
NEEDED = frozenset({"kind", "seed", "shape", "status", "started_utc"})
"""Facts without which a record is none."""
MOST_AT_ONCE = 1 << 18
"""Bytes of a record that is read as a whole."""
SHORT = ("rule", "beta", "target", "target0", "v0", "v1", "amplitude_v", "width_s")
"""Settings of [training] that have a short name beside the facts."""
_SETTINGS_OF_2 = frozenset({"bench", "backend", "max_epochs", *SHORT})


@dataclass(frozen=True, repr=False)
class TrainingRun(Run):
    """A recorded training; everything is read from its folder when first asked for."""

    trained: ClassVar[str] = "a chip"
    drawn_by: ClassVar[str] = TrainingResult.drawn_by
    plots: ClassVar[tuple[str, ...]] = TrainingResult.plots
    references: ClassVar[str] = "https://doi.org/10.1038/nature14441"
    template: ClassVar[tuple[str, str]] = ("crossbar_hil.runs", "training.html.j2")
    written: ClassVar[tuple[str, ...]] = (RECORD, f"{RECORD}-wal")

    @cached_property
    def facts(self) -> dict[str, Any]:
        """What was run, by which versions, how it ended."""
        return {
            name: value for name, value in self._recorded.items() if name != "tables" and name not in _SETTINGS_OF_2
        }

    @cached_property
    def tables(self) -> Tables:
        """The checked tables of the bench file; of a run of 0.1.0 those of the bench file in its folder.

        There are none if that is lost, which `details` says.
        """
        return dict(self._recorded.get("tables") or ({} if self._missing_bench else self._bench_as_filed()))

    @cached_property
    def _missing_bench(self) -> str:
        """Say why a run of 0.1.0 has no tables; empty if there are some."""
        try:
            _ = self._recorded.get("tables") or self._bench_as_filed()
        except RunError as error:
            return str(error)
        return ""

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The facts, and beside them the settings of the training that have a short name."""
        if "tables" not in self._recorded:  # of 0.1.0, which kept these among the facts
            return dict(self._recorded)
        try:
            bench = self.tables["bench"]
            training = bench["training"]
            target0 = training.get("target0")
            short = {
                "bench": bench["name"],
                "backend": bench["backend"],
                **{name: training.get(name) for name in SHORT},
                "target": float(training["target"]),
                "target0": -float(training["target"]) if target0 is None else float(target0),
                "max_epochs": training["epochs"],
            }
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise RunError(f"the settings of run {self.name} cannot be read: {error}") from error
        return {**self.facts, **short}

    @cached_property
    def _recorded(self) -> dict[str, Any]:
        rows = _settings_at_rest(self.folder)
        if not rows:
            with self.open_record() as record:
                rows = record.execute("SELECT name, value FROM setting").fetchall()
        try:
            found = {name: parse_json(value) for name, value in rows}
            missing = sorted(NEEDED - set(found))
            if missing:
                raise ValueError(f"setting {missing[0]} is missing")
            check_tables(found.get("tables", {}))
        except (ValueError, TypeError) as error:
            raise RunError(f"the record of run {self.name} cannot be read: {error}") from error
        return found

    @cached_property
    def task(self) -> PatternSet:
        """The pattern set as used."""
        path = self.folder / "patterns.csv"
        if path.exists() and not path.is_file():  # a pipe would keep whoever looks waiting for ever
            raise RunError(f"{path} cannot be read: it is no plain file")
        return PatternSet.from_csv(path)

    @cached_property
    def epochs(self) -> list[Epoch]:
        """Every recorded epoch."""
        rows, columns = self.settings["shape"]
        with self.open_record() as record:
            return read_epochs(record, (rows, columns), self._sizes)

    @cached_property
    def arrangement(self) -> Arrangement:
        """What network it is, and how its layers lie on the chip."""
        try:
            return Arrangement.of(self.tables.get("bench", {}).get("training", {}))
        except (DataError, TypeError) as error:
            raise RunError(f"the network of run {self.name} cannot be read: {error}") from error

    @property
    def _sizes(self) -> Sizes:
        return Sizes.of(self.task, self.arrangement.depth)

    @cached_property
    def fresh(self) -> FreshReads | None:
        """What was read afresh after the training; None if nothing was."""
        _, columns = self.settings["shape"]
        sizes = self._sizes
        with self.open_record() as record:
            if not record.execute("SELECT name FROM sqlite_schema WHERE name = 'fresh_current'").fetchall():
                return None
            currents, activations = (
                np.array(record.execute(query).fetchall(), dtype=np.float64).reshape(-1, *shape)
                for query, shape in (
                    ("SELECT current_a FROM fresh_current ORDER BY read, pattern, column", (sizes.reads, columns)),
                    ("SELECT activation FROM fresh_activation ORDER BY read, pattern, output", sizes[:2]),
                )
            )
        return FreshReads(currents, activations) if len(currents) else None

    @property
    def assurance(self) -> Assurance | None:
        """What the fresh reads say of the training; None without any."""
        if self.fresh is None:
            return None
        settings = {name: self.settings[name] for name in ("beta", "target0", "target")}
        return assurance_on_chip(self.arrangement, self.fresh, self.task, self.lines, **settings)

    @property
    def lines(self) -> Lines | None:
        """Which lines of the chip the network was on; None if on the first ones in their order."""
        found = self.facts.get("lines")
        try:
            return None if found is None else Lines.from_record(found, self._shape)
        except (KeyError, TypeError, ValueError, CrossbarError) as error:
            raise RunError(f"the lines of run {self.name} cannot be read: {error}") from error

    @cached_property
    def result(self) -> TrainingResult:
        """The training as `crossbar_hil.Trainer.run` returned it.

        Raises
        ------
        RunError
            If the run ended before its first epoch.
        """
        if not self.epochs:
            raise RunError(f"run {self.name} holds no epoch")
        end = self.chip("end")
        none = np.zeros(self.settings["shape"])
        last = self.epochs[-1]._replace(given_up=self.facts.get("given_up", ""))
        return TrainingResult.from_epochs(
            [*self.epochs[:-1], last],
            patterns=self.task.train,
            labels=self.task.train_labels,
            target0=self.settings["target0"],
            target=self.settings["target"],
            saturated=end.get("saturated", none) == 1,
            unresponsive=end.get("unresponsive", none) == 1,
            confirm=self.facts.get("confirm", 1),
            pull_back=self.tables.get("bench", {}).get("training", {}).get("pull_back", True),
            repeats=self.facts.get("learning_rule", {}).get("repeats", True),
            arrangement=self.arrangement,
            lines=self.lines,
        )

    def chip(self, moment: str) -> dict[str, FloatArray]:
        """Return what the virtual chip was made of at the ``"start"`` or the ``"end"``: arrays by name.

        Most are of shape (R, C); those of effects are as `SimulatedBackend.state` gives them.
        """
        with self.open_record() as record:
            found = record.execute(
                "SELECT quantity, column, value FROM chip WHERE moment = ? ORDER BY quantity, row, column", (moment,)
            ).fetchall()
            arrays = {}
            for name, rows in itertools.groupby(found, key=lambda row: row[0]):
                places = list(rows)
                columns = 1 + max(column for _, column, _ in places)
                arrays[name] = np.array([value for *_, value in places], dtype=np.float64).reshape(-1, columns)
        return arrays

    @contextmanager
    def open_record(self) -> Iterator[sqlite3.Connection]:
        """Open the record to read it, all of one moment.

        Raises
        ------
        RunError
            If there is none, or it cannot be read.
        """
        path = self.folder / RECORD
        if not path.is_file():
            raise RunError(f"{self.folder} is not a run folder: it holds no {RECORD}")
        # While a run is being written there is a log beside its record. Without one the record is at rest: "immutable"
        # then reads it without leaving files behind, also where nothing may be written.
        mode, log = "immutable=1", path.with_name(f"{RECORD}-wal")
        if os.path.lexists(log):
            refuse_links(path)  # SQLite writes beside it even to read it
            mode = "mode=ro"
        try:
            with closing(sqlite3.connect(f"{path.resolve().as_uri()}?{mode}", uri=True)) as record:
                bound_reading(record, sum(each.stat().st_size for each in (path, log) if each.exists()))
                version = record.execute("PRAGMA user_version").fetchone()[0]
                if version == 0 and not record.execute("SELECT name FROM sqlite_schema").fetchall():
                    raise RunError(f"run {self.name} {describe_never_began(self.folder)}")  # 0.1.0 was killed there
                if version not in READABLE:
                    known = " and ".join(map(str, READABLE))
                    raise RunError(f"run {self.name} has schema version {version}, this program reads {known}")
                record.execute("BEGIN")  # all that is read belongs to one moment, also while the run goes on
                yield record
        except CrossbarError:
            raise
        except (sqlite3.Error, ValueError, TypeError, OverflowError) as error:
            raise RunError(f"the record of run {self.name} cannot be read: {why_unreadable(error)}") from error

    def resume(self, *, quiet: bool = True, agree: Agree = lambda _: None, accept_change: bool = False) -> RunOutcome:
        """Go on with the training, shown on standard error unless it is to be quiet."""
        from rich.console import Console  # noqa: PLC0415 - only who trains needs it

        from crossbar_hil.runs.live.progress import make_progress  # noqa: PLC0415

        progress = make_progress(
            Console(stderr=True), quiet=quiet, epochs=self.bench.training.epochs, lines=self.bench.is_by_hand
        )
        with progress:
            return resume_and_record(
                self,
                show=progress.show,
                agree=hidden_while(progress, agree),
                phase=progress.phase,
                accept_change=accept_change,
            )

    @property
    def recorded_pulses(self) -> int:
        """Pulses of all recorded epochs."""
        return int(sum(epoch.counts.sum() for epoch in self.epochs))

    def predict(self, patterns: Path | None = None, *, repeat: int | None = None, phase: Phase = no_phase) -> Answer:
        """Let the chip as training left it judge every pattern of a file, or the test patterns; reads only.

        Each is read `repeat` times, and the most frequent answer counts: 20 times if readings are known to vary, else
        once, unless given.

        Raises
        ------
        RunError
            If the run did not end, or its chip was not recorded.
        DataError
            If there is no pattern to judge, or they are not as wide as those that were learnt.
        """
        if self.status == "running":
            raise RunError(f"run {self.name} has not ended, so the state of its chip was not recorded")
        state = self.chip("end")
        for judged in ("saturated", "unresponsive"):
            state.pop(judged, None)
        return judge_patterns(self, state, self.task, patterns, repeat=repeat, epochs=self.epochs, phase=phase)

    def ending(self, target: float | None = None) -> Ending:  # noqa: ARG002 - its targets are settings
        """Return verdict, epochs and pulses; what was reached are the targets of every pattern."""
        facts = self.facts
        usual = {"converged": False, "epochs": 0, "pulses": 0, "error": None, "verdict": None}
        record = {name: facts.get(name, value) for name, value in usual.items()}
        record["fresh_reads"] = facts.get("fresh_reads")
        if record["verdict"] is None:
            return Ending(record, (), reached=False, drawable=False)
        lines = (
            f"{facts['verdict']}: {full_reason(self.result, self.assurance)}",
            f"{counted(facts['pulses'], 'pulse')} in {counted(facts['epochs'], 'epoch')}, {self.kind} chip"
            + (f", seed {facts['seed']}" if self.bench.draws_chip else ""),
            *lines_of_chips(facts.get("virtual_chip")),
            *self._foretold(),
            *(f"warning {each}" for each in facts.get("warnings", ())),
        )
        named = name_cells(self.result.unresponsive)
        why = "no reaction to pulses, so they got no more"
        if self.kind == "hardware":
            why += f" (unresponsive = {self.bench.training.unresponsive})"
        silent = (f"{why}: {named}",) if named else ()
        return Ending(record, (*lines, *silent, *self._where()), reached=bool(facts["converged"]), drawable=True)

    def _where(self) -> Sequence[str]:
        """Return which cells were left out, and which lines of the chip the network is on; nothing without such."""
        if self.lines is None:
            return ()
        bad = in_words_of_bad_cells(self.facts.get("bad_cells", ()))
        one_layer = not self.arrangement.hidden and self.arrangement.pairs == "columns"
        where = () if self.lines.is_plain else (self.lines.in_words(one_layer=one_layer),)
        return (*((f"bad cells left out: {bad}",) if bad else ()), *where)

    def _foretold(self) -> Sequence[str]:
        """Return what was foretold, and what then happened; nothing if nothing was."""
        facts = self.facts
        told = facts.get("forecast")
        if not told:
            return ()
        happened = "not ended yet"
        if facts.get("verdict") is not None:
            happened = f"{facts['verdict']} at epoch {facts['epochs']} with {facts['pulses']} pulses"
            first = self.result.epochs - self.result.met_at_last + 1
            if self.result.converged and first < self.result.epochs:
                happened += f", every target met from epoch {first} on"
        return (f"predicted {told['sentence']}, by {told['about'].partition(':')[0]}", f"happened  {happened}")

    def details(self) -> Sequence[str]:
        """Say which targets were missed, the worst first; of a run of 0.1.0 also if its settings are lost."""
        lost = (f"no settings: {self._missing_bench}",) if self._missing_bench else ()
        lost = (*lost, *self._foretold(), *self._where())
        if not self.epochs or not self.result.misses:
            return lost
        return (
            *lost,
            "missed targets",
            *(
                f"  pattern {as_text(self.result.patterns[miss.pattern])}  output {miss.output + 1}  "
                f"activation {miss.activation:+.4f}  target {miss.target:+.4g}  short by {miss.shortfall:.4g}"
                for miss in self.result.misses
            ),
        )

    def figures(self) -> Iterator[Figure]:
        """Draw the five figures of a training."""
        from crossbar_hil.figures.png import as_png  # noqa: PLC0415 - matplotlib, if needed
        from crossbar_hil.runs.plotting import FIGURES, draw_figures  # noqa: PLC0415

        for (name, caption), figure in zip(FIGURES.items(), draw_figures(self.result), strict=True):
            yield Figure(name, caption, as_png(figure))

    def page_values(self) -> dict[str, Any]:
        """Return the result and, pattern by pattern, what was reached."""
        return training_page(self.result, full_reason(self.result, self.assurance), self.assurance, self._foretold())

    def standing(self) -> Standing:
        """Return epochs, patterns met, error and pulses so far."""
        with self.open_record() as record:
            return training_standing(record, int(self.settings.get("max_epochs") or 0), len(self.task.train))

    def panels(self) -> list[Panel]:
        """Return chip, activations against their targets, error, what cells got against their limits."""
        end, words = self.chip("end"), {"saturated": "saturated", "unresponsive": "no reaction"}
        with self.open_record() as record:
            return training_panels(
                record,
                shape=self._shape,
                task=self.task,
                target0=self.settings["target0"],
                target=self.settings["target"],
                bench=self.tables.get("bench", {}),
                marks={word: end[name] == 1 for name, word in words.items() if name in end},
                arrangement=self.arrangement,
                lines=self.lines,
            )

    def wear(self) -> Wear | None:
        """Return what it did to the cells of its chip so far."""
        with self.open_record() as record:
            return wear_of(record, self._shape, self.tables.get("bench", {}).get("training", {}))

    @property
    def _shape(self) -> tuple[int, int]:
        rows, columns = self.facts["shape"]
        return int(rows), int(columns)

    def told(self) -> Sequence[tuple[str, str]]:
        """Return what it came to, or how far it is."""
        said = super().told()
        return [*said, *self.result.told()] if self.epochs else said

    def series(self) -> Series:
        """Return one line an epoch."""
        return self.result.series()

    def variables(self) -> dict[str, Variable]:
        """Return every array of the result, and of the fresh reads."""
        return self.result.variables() | ({} if self.fresh is None else self.fresh.variables())

    @property
    def has_cell_tests(self) -> bool:
        """Whether there is an epoch."""
        return bool(self.epochs)

    def cell_tests(self) -> Iterator[CellTest]:
        """Tell every read and every pulse of each cell: by the journal if there is one, else by the record.

        By the record all of an epoch has the time at which it was written down.
        """
        shape, journal = self._shape, self.folder / JOURNAL
        if journal.exists():
            yield from tests_in_journal(journal, shape, len(self.task.train) + shape[0])
            return
        settings, training = self.settings, self.tables.get("bench", {}).get("training", {})
        with self.open_record() as record:
            times = dict(record.execute("SELECT epoch, utc FROM epoch").fetchall())
        tester, read_v = Tester(shape), np.full(shape[0], max(abs(settings["v0"]), abs(settings["v1"])))
        for epoch in self.epochs:
            utc = times[epoch.number]
            yield from tester.reads(epoch.conductances, read_v, epoch.number, utc)
            if epoch.depressing.any():
                down = Pulse(training["depress_v"], training["depress_s"] or settings["width_s"])
                yield from tester.pulses(epoch.depressing, down, epoch.number, utc)
            up = Pulse(settings["amplitude_v"], settings["width_s"])
            yield from tester.pulses(epoch.counts - epoch.depressing, up, epoch.number, utc)

    def _to_be_drawn(self, what: str) -> Drawing:
        return self.result._to_be_drawn(what)


def _settings_at_rest(folder: Path) -> list[tuple[str, str]]:
    """Return the settings of a small record at rest as they are stored; nothing of any other, which is to be opened.

    SQLite takes several times as long to open a file as to look into bytes at hand, and a list may be of ten thousand.
    """
    path = os.path.join(folder, RECORD)
    try:
        if os.path.lexists(f"{path}-wal") or os.stat(path).st_size > MOST_AT_ONCE:
            return []
        with open(path, "rb") as file:
            content = bytearray(file.read(MOST_AT_ONCE))
        content[18:20] = b"\1\1"  # no log is to be looked for (SQLite's file format, section 1.3)
        with closing(sqlite3.connect(":memory:")) as memory:  # a new one: SQLite keeps the tables of the last
            memory.deserialize(bytes(content))
            bound_reading(memory, len(content))
            version = memory.execute("PRAGMA user_version").fetchone()[0]
            found = memory.execute("SELECT name, value FROM setting").fetchall()
    except (OSError, sqlite3.Error, OverflowError, UnicodeDecodeError):  # whoever opens it says what is wrong
        return []
    return found if version == SCHEMA_VERSION else []


def resume_and_record(
    run: Run,
    *,
    show: Show[Epoch] = lambda _: None,
    agree: Agree = lambda _: None,
    phase: Phase = no_phase,
    accept_change: bool = False,
) -> RunOutcome:
    """Go on with a training that was interrupted, failed or died; see `crossbar_hil.runs.life.resume_work`."""
    if not isinstance(run, TrainingRun):
        raise RunError(f"run {run.name} is of {run.trained}, not of a training")

    def make_work(run: TrainingRun) -> TrainingWork:
        known = {epoch.number: epoch for epoch in run.epochs}
        rule = run.facts.get("learning_rule")
        bench, seed, lines = run.bench, run.facts["seed"], run.facts.get("lines")
        work = TrainingWork(bench, seed, known=known, known_fresh=run.fresh, known_rule=rule, known_lines=lines)
        work.phase = phase
        return work

    return resume_work(make_work, run, show=epochs_only(show), agree=agree, accept_change=accept_change)
