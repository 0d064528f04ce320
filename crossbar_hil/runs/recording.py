"""Write a run while it happens: a fresh folder, then every epoch as one durable transaction."""

import hashlib
import json
import platform
import secrets
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

import numpy as np

from crossbar_hil.backend import DeviceBackend
from crossbar_hil.bench.file import BENCH_FILE, Bench
from crossbar_hil.errors import ReplayDiverged, RunError
from crossbar_hil.guard.inspection import left_safe
from crossbar_hil.guard.opening import JOURNAL
from crossbar_hil.runs.store import RECORD, SCHEMA, SCHEMA_VERSION, Run
from crossbar_hil.training.patterns import PatternSet, as_text
from crossbar_hil.training.result import Epoch, TrainingResult
from crossbar_hil.training.trainer import Trainer


class Recorder:
    """The record of one run, open for writing.

    Make one with `create` or `reopen`; call `add` for every epoch and `finish` at the end.
    """

    def __init__(
        self,
        folder: Path,
        record: sqlite3.Connection,
        now: Callable[[], datetime],
        known: Mapping[int, Epoch] = MappingProxyType({}),
    ) -> None:
        self.folder = folder
        self._record = record
        self._now = now
        self._known = known

    @classmethod
    def create(
        cls,
        run: "RunFolder",
        *,
        bench: Bench,
        backend: DeviceBackend,
        trainer: Trainer,
        task: PatternSet,
        seed: int,
        preset: str | None = None,
        label: str = "",
    ) -> Self:
        """Begin the record of a run, in whose folder the bench file is, with all that is known before the first read.

        Raises
        ------
        RunError
            If it cannot be written.
        """
        folder = run.folder
        record: sqlite3.Connection | None = None
        try:
            record = _new_record(folder / RECORD)
            recorder = cls(folder, record, run.now)
            settings = {
                "name": folder.name,
                "label": label,
                "kind": backend.kind,
                "bench": bench.name,
                "bench_sha256": bench_hash(folder),
                "backend": bench.backend,
                "preset": preset,
                "seed": seed,
                "shape": list(backend.shape),
                "rule": bench.training.rule,
                "beta": trainer.beta,
                "target": trainer.target,
                "target0": trainer.target0,
                "max_epochs": trainer.epochs,
                "v0": trainer.v0,
                "v1": trainer.v1,
                "amplitude_v": trainer.pulse.amplitude_v,
                "width_s": trainer.pulse.width_s,
                "device": backend.identify(),
                "versions": versions(),
                "git": git_hash(),
                "started_utc": run.started.isoformat(timespec="seconds"),
                "status": "running",
            }
            with record:
                recorder._set(settings)
                recorder._patterns(task)
                recorder._chip("start", backend)
        except (OSError, sqlite3.Error) as error:
            if record is not None:
                record.close()
            raise RunError(f"run folder {folder} cannot be written: {error}") from error
        return recorder

    @classmethod
    def reopen(cls, run: Run, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Self:
        """Go on with the record of a run; an epoch that it holds already must come again as it was.

        Raises
        ------
        RunError
            If the record cannot be written.
        """
        known = {epoch.number: epoch for epoch in run.epochs}
        try:
            record = _connect(run.folder / RECORD)
            recorder = cls(run.folder, record, now, known)
            with record:
                record.execute("DELETE FROM chip WHERE moment = 'end'")
                recorder._set({"status": "running", "resumed_utc": now().isoformat(timespec="seconds"), "reason": ""})
        except sqlite3.Error as error:
            raise RunError(f"the record of run {run.name} cannot be written: {error}") from error
        return recorder

    def add(self, epoch: Epoch) -> None:
        """Write one epoch; it is on disk when this returns.

        Raises
        ------
        RunError
            If the disk refuses; the epochs before are kept.
        ReplayDiverged
            If the record of a resumed run holds another epoch of this number.
        """
        number = epoch.number
        if number in self._known:
            _compare(epoch, self._known[number])
            return
        rows, columns = epoch.conductances.shape
        patterns, outputs = epoch.activations.shape
        try:
            with self._record as record:
                record.execute(
                    "INSERT INTO epoch VALUES (?, ?, ?, ?, ?)",
                    (number, epoch.error, epoch.met, epoch.pulses, self._now().isoformat(timespec="milliseconds")),
                )
                record.executemany(
                    "INSERT INTO cell VALUES (?, ?, ?, ?, ?, ?)",
                    [
                        (
                            *(number, r, c, float(epoch.conductances[r, c])),
                            *(int(epoch.counts[r, c]), int(epoch.depressing[r, c])),
                        )
                        for r in range(rows)
                        for c in range(columns)
                    ],
                )
                record.executemany(
                    "INSERT INTO current VALUES (?, ?, ?, ?)",
                    [(number, p, c, float(epoch.currents[p, c])) for p in range(patterns) for c in range(columns)],
                )
                record.executemany(
                    "INSERT INTO activation VALUES (?, ?, ?, ?, ?)",
                    [
                        (number, p, n, float(epoch.activations[p, n]), float(epoch.shortfalls[p, n]))
                        for p in range(patterns)
                        for n in range(outputs)
                    ],
                )
        except sqlite3.Error as error:
            raise RunError(f"epoch {number} cannot be written to {self.folder}: {error}") from error

    def finish(self, status: str, backend: DeviceBackend, result: TrainingResult | None, reason: str = "") -> None:
        """Write how the run ended and what the chip is like now.

        Parameters
        ----------
        status : str
            ``"done"``, ``"interrupted"`` or ``"failed"``.
        backend : DeviceBackend
            The chip.
        result : TrainingResult or None
            What was trained; None if there was no epoch.
        reason : str
            Why the run did not come to its end.
        """
        settings: dict[str, Any] = {
            "status": status,
            "finished_utc": self._now().isoformat(timespec="seconds"),
            "reason": reason or (result.reason if result else ""),
        }
        if result is not None:
            settings |= {
                "converged": result.converged,
                "epochs": result.epochs,
                "pulses": result.pulses,
                "error": float(result.errors[-1]),
                "verdict": result.verdict,
            }
        with self._record:
            self._set(settings)
            self._chip("end", backend)
        self._record.close()

    def close(self) -> None:
        """Leave the record as it is."""
        self._record.close()

    def _set(self, settings: dict[str, Any]) -> None:
        self._record.executemany(
            "INSERT OR REPLACE INTO setting VALUES (?, ?)",
            [(name, json.dumps(value)) for name, value in settings.items()],
        )

    def _patterns(self, task: PatternSet) -> None:
        for part, patterns, labels in (("train", task.train, task.train_labels), ("test", task.test, task.test_labels)):
            self._record.executemany(
                "INSERT INTO pattern VALUES (?, ?, ?, ?)",
                [
                    (place, part, as_text(bits), as_text(label))
                    for place, (bits, label) in enumerate(zip(patterns, labels, strict=True))
                ],
            )
        lines = [f"{bits},{label},{part}" for _, part, bits, label in self._record.execute("SELECT * FROM pattern")]
        (self.folder / "patterns.csv").write_text("\n".join(["pattern,label,set", *lines, ""]), encoding="utf-8")

    def _chip(self, moment: str, backend: DeviceBackend) -> None:
        arrays = {**backend.state(), "saturated": backend.saturated_cells().astype(float)}
        self._record.executemany(
            "INSERT INTO chip VALUES (?, ?, ?, ?, ?)",
            [
                (moment, quantity, row, column, float(value))
                for quantity, array in arrays.items()
                for row, line in enumerate(array)
                for column, value in enumerate(line)
            ],
        )


@dataclass(frozen=True)
class RunFolder:
    """A fresh folder for a run."""

    folder: Path
    started: datetime
    now: Callable[[], datetime]
    made_out: bool
    """Whether the folder that holds it was made too."""

    @classmethod
    def make(
        cls,
        out: str | Path,
        *,
        rule: str,
        shape: tuple[int, int],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> Self:
        """Make a new run folder in `out`.

        Raises
        ------
        RunError
            If the folder cannot be made; nothing is left behind.
        """
        parent = Path(out)
        made_out = not parent.exists()
        started = now()
        try:
            parent.mkdir(parents=True, exist_ok=True)
            folder = parent / f"{started:%Y-%m-%dT%H-%M-%SZ}_{rule}_{shape[0]}x{shape[1]}_{secrets.token_hex(2)}"
            folder.mkdir(mode=0o700)
        except (OSError, ValueError) as error:  # a name that is no name of a file is a ValueError
            why = getattr(error, "strerror", None) or error
            raise RunError(f"run folder cannot be made in {parent}: {why}") from error
        return cls(folder, started, now, made_out)

    def take_back(self) -> None:
        """Remove the folder of a run that never began, unless its journal says that the bench may not be safe."""
        if not left_safe(self.folder / JOURNAL):
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.made_out and self.folder.parent.is_dir() and not any(self.folder.parent.iterdir()):
            self.folder.parent.rmdir()


def check_resumable(run: Run) -> None:
    """Refuse to go on with a run that is done, or is not as it was.

    Raises
    ------
    RunError
        If the run is done, or its bench file was changed since it began.
    """
    if run.settings["status"] == "done":
        raise RunError(f"run {run.name} is done ({run.settings['verdict']}), there is nothing to resume")
    if run.settings.get("bench_sha256") != bench_hash(run.folder):
        raise RunError(f"{run.folder / BENCH_FILE} was changed since run {run.name} began, so it is not resumed")


def _new_record(path: Path) -> sqlite3.Connection:
    record = _connect(path)
    record.executescript(SCHEMA)
    record.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    return record


def _connect(path: Path) -> sqlite3.Connection:
    record = sqlite3.connect(path)
    record.execute("PRAGMA journal_mode = WAL")
    record.execute("PRAGMA synchronous = FULL")
    return record


def _compare(epoch: Epoch, recorded: Epoch) -> None:
    """Refuse an epoch of a replay that is not the recorded one, bit by bit."""
    for name in ("conductances", "currents", "activations", "counts", "depressing"):
        if not np.array_equal(getattr(epoch, name), getattr(recorded, name)):
            raise ReplayDiverged(
                f"the replay diverged at epoch {epoch.number}: its {name} are not those of the record; nothing was sent"
            )


def bench_hash(folder: Path) -> str:
    """Return a hash of the bench file in a run folder."""
    return hashlib.sha256((folder / BENCH_FILE).read_bytes()).hexdigest()


def versions() -> dict[str, str]:
    """Return the versions of the system, of Python and of the packages that results depend on."""
    found = {"python": platform.python_version(), "system": f"{platform.system()} {platform.machine()}"}
    for package in ("crossbar-hil", "numpy", "scipy", "matplotlib"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def git_hash() -> str | None:
    """Return the commit of the checkout that runs, with ``-dirty`` if it was changed; None outside a checkout."""
    checkout = Path(__file__).resolve().parents[2]
    if not (checkout / ".git").exists():
        return None
    command = ["git", "-C", str(checkout), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=5, check=True).stdout.strip()  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None
