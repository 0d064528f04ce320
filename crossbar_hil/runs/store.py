"""The run store: one folder a training, understood in five years.

A run folder holds ``run.sqlite`` (the record), ``bench.toml`` with every default filled in beside copies of the files
that it names (so that the folder is itself a bench), ``figures/`` and ``report.html``. These are the tables of the
record, in SI units; rows, columns, outputs and patterns count from 0, epochs from 1:

========== ============================================================================================
setting    name, value as JSON: what was run, by which versions, how it ended
pattern    pattern, part ("train" or "test"), bits, label
epoch      epoch, error, patterns_met, pulses sent after the evaluation, utc
cell       epoch, row, column, conductance_siemens before the update, pulses sent after the evaluation
current    epoch, pattern, column, current_a
activation epoch, pattern, output, activation, shortfall
chip       moment ("start" or "end"), quantity, row, column, value: what a virtual chip is made of
========== ============================================================================================
"""

import glob
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from crossbar_hil.arrays import FloatArray
from crossbar_hil.bench.file import Bench, load_bench
from crossbar_hil.errors import CrossbarError, RunError
from crossbar_hil.training.patterns import PatternSet
from crossbar_hil.training.result import Epoch, TrainingResult

RECORD = "run.sqlite"
SPIKING = "spiking.json"
"""What a run folder of a spiking network holds instead."""
SCHEMA_VERSION = 2
NEEDED = frozenset({"bench", "kind", "seed", "shape", "rule", "status", "target", "target0", "started_utc"})
"""Settings without which a record is none."""
SCHEMA = """
CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE pattern (pattern INTEGER, part TEXT, bits TEXT, label TEXT);
CREATE TABLE epoch (epoch INTEGER PRIMARY KEY, error REAL, patterns_met INTEGER, pulses INTEGER, utc TEXT);
CREATE TABLE cell (epoch INTEGER, row INTEGER, column INTEGER, conductance_siemens REAL, pulses INTEGER,
    depressing INTEGER);
CREATE TABLE current (epoch INTEGER, pattern INTEGER, column INTEGER, current_a REAL);
CREATE TABLE activation (epoch INTEGER, pattern INTEGER, output INTEGER, activation REAL, shortfall REAL);
CREATE TABLE chip (moment TEXT, quantity TEXT, row INTEGER, column INTEGER, value REAL);
"""


@dataclass(frozen=True)
class Run:
    """A recorded run; everything is read from its folder when first asked for."""

    folder: Path

    @property
    def name(self) -> str:
        """Name of the folder."""
        return self.folder.name

    @cached_property
    def settings(self) -> dict[str, Any]:
        """What was run, by which versions, how it ended."""
        with self._record() as record:
            found = {name: json.loads(value) for name, value in record.execute("SELECT name, value FROM setting")}
            missing = sorted(NEEDED - set(found))
            if missing:
                raise ValueError(f"setting {missing[0]} is missing")
            return found

    @cached_property
    def bench(self) -> Bench:
        """The bench file as used."""
        return load_bench(str(self.folder / "bench.toml"))

    @cached_property
    def task(self) -> PatternSet:
        """The pattern set as used."""
        return PatternSet.from_csv(self.folder / "patterns.csv")

    @cached_property
    def epochs(self) -> list[Epoch]:
        """Every recorded epoch."""
        rows, columns = self.settings["shape"]
        patterns = len(self.task.train)
        with self._record() as record:
            numbers = record.execute("SELECT epoch, error FROM epoch ORDER BY epoch").fetchall()

            if not numbers:
                return []

            def table(query: str, *shape: int) -> FloatArray:
                values = np.array(record.execute(query).fetchall(), dtype=np.float64)
                if not np.isfinite(values).all():
                    raise ValueError("it holds values that are no numbers")
                return np.moveaxis(values.reshape(len(numbers), *shape, -1), -1, 0)

            cells = table(
                "SELECT conductance_siemens, pulses, depressing FROM cell ORDER BY epoch, row, column", rows, columns
            )
            currents = table("SELECT current_a FROM current ORDER BY epoch, pattern, column", patterns, columns)
            activations = table(
                "SELECT activation, shortfall FROM activation ORDER BY epoch, pattern, output", patterns, columns // 2
            )
            return [
                Epoch(
                    number,
                    conductances=cells[0][place],
                    currents=currents[0][place],
                    activations=activations[0][place],
                    shortfalls=activations[1][place],
                    error=error,
                    counts=cells[1][place].astype(np.int64),
                    depressing=cells[2][place].astype(np.int64),
                )
                for place, (number, error) in enumerate(numbers)
            ]

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
        return TrainingResult.from_epochs(
            self.epochs,
            patterns=self.task.train,
            labels=self.task.train_labels,
            target0=self.settings["target0"],
            target=self.settings["target"],
            saturated=self.chip("end").get("saturated", np.zeros(self.settings["shape"])) == 1,
        )

    def chip(self, moment: str) -> dict[str, FloatArray]:
        """Return what the virtual chip was made of at the ``"start"`` or the ``"end"``: (R, C) arrays by name."""
        with self._record() as record:
            found = record.execute(
                "SELECT quantity, value FROM chip WHERE moment = ? ORDER BY quantity, row, column", (moment,)
            ).fetchall()
            shape = tuple(self.settings["shape"])
            return {
                name: np.array([value for other, value in found if other == name], dtype=np.float64).reshape(shape)
                for name in sorted({name for name, _ in found})
            }

    @contextmanager
    def _record(self) -> Iterator[sqlite3.Connection]:
        path = self.folder / RECORD
        if not path.is_file():
            raise RunError(f"{self.folder} is not a run folder: it holds no {RECORD}")
        # While a run is being written there is a log beside its record. Without one the record is at rest: "immutable"
        # then reads it without leaving files behind, also where nothing may be written.
        mode = "mode=ro" if path.with_name(f"{RECORD}-wal").exists() else "immutable=1"
        try:
            with closing(sqlite3.connect(f"{path.resolve().as_uri()}?{mode}", uri=True)) as record:
                version = record.execute("PRAGMA user_version").fetchone()[0]
                if version != SCHEMA_VERSION:
                    raise RunError(f"run {self.name} has schema version {version}, this program reads {SCHEMA_VERSION}")
                yield record
        except CrossbarError:
            raise
        except (sqlite3.Error, ValueError, TypeError, OverflowError) as error:
            raise RunError(f"the record of run {self.name} cannot be read: {error}") from error


def load_run(folder: str | Path) -> Run:
    """Open a recorded run.

    Parameters
    ----------
    folder : str or Path
        The run's folder.

    Raises
    ------
    RunError
        If it is not a run folder, or its record cannot be read.
    """
    run = Run(Path(folder))
    _ = run.settings
    return run


def list_runs(out: str | Path) -> list[Run]:
    """Return the runs in a folder, the oldest first."""
    return [Run(record.parent) for record in sorted(Path(out).glob(f"*/{RECORD}"))]


def find_run(text: str, out: str | Path) -> Run:
    """Open the run that a person means: a folder, the name of a run in `out` or the start of one, or ``latest``.

    Raises
    ------
    RunError
        If there is no such run, or more than one.
    """
    try:
        if (Path(text) / RECORD).is_file():
            return load_run(text)
    except CrossbarError:
        raise
    except (OSError, ValueError) as error:  # no name of a file
        raise RunError(f"run {text[:60]!r} is no name of a folder: {getattr(error, 'strerror', error)}") from error
    runs = list_runs(out)
    if text == "latest" and runs:
        return load_run(runs[-1].folder)
    fitting = [run for run in runs if run.name == text] or [run for run in runs if run.name.startswith(text)]
    if not fitting and ((Path(text) / SPIKING).is_file() or any(Path(out).glob(f"{glob.escape(text)}*/{SPIKING}"))):
        raise RunError(f"run {text!r} is of a spiking network; show, report, resume, verify and `snn test` take it")
    if len(fitting) != 1:
        found = f"{len(fitting)} runs fit" if fitting else "no such run folder"
        raise RunError(f"run {text!r}: {found}, in {Path(out)} there are {len(runs)} runs")
    return load_run(fitting[0].folder)
