"""Write a run while it happens: a fresh folder, then every epoch as one durable transaction."""

import json
import platform
import secrets
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Self

from crossbar_hil.backend import DeviceBackend
from crossbar_hil.config import Bench, Chip
from crossbar_hil.errors import RunError
from crossbar_hil.patterns import PatternSet, as_text
from crossbar_hil.result import Epoch, TrainingResult
from crossbar_hil.runs import RECORD, SCHEMA, SCHEMA_VERSION
from crossbar_hil.training import Trainer


class Recorder:
    """The record of one run, open for writing.

    Make one with `create`; call `add` for every epoch and `finish` or `discard` at the end.
    """

    def __init__(self, folder: Path, record: sqlite3.Connection, now: Callable[[], datetime], made_out: bool) -> None:
        self.folder = folder
        self._record = record
        self._now = now
        self._made_out = made_out

    @classmethod
    def create(
        cls,
        out: str | Path,
        *,
        bench: Bench,
        backend: DeviceBackend,
        trainer: Trainer,
        task: PatternSet,
        seed: int,
        preset: str | None = None,
        label: str = "",
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> Self:
        """Make a new run folder in `out` and write down everything that is known before the first read.

        Raises
        ------
        RunError
            If the folder cannot be made; nothing is left behind.
        """
        parent = Path(out)
        made_out = not parent.exists()
        started = now()
        rows, columns = backend.shape
        try:
            parent.mkdir(parents=True, exist_ok=True)
            name = f"{started:%Y-%m-%dT%H-%M-%SZ}_{bench.training.rule}_{rows}x{columns}_{secrets.token_hex(2)}"
            folder = parent / name
            folder.mkdir()
        except OSError as error:
            raise RunError(f"run folder cannot be made in {parent}: {error.strerror or error}") from error
        record: sqlite3.Connection | None = None
        try:
            record = _new_record(folder / RECORD)
            recorder = cls(folder, record, now, made_out)
            _write_bench(folder, bench)
            settings = {
                "name": name,
                "label": label,
                "kind": backend.kind,
                "bench": bench.name,
                "backend": bench.backend,
                "preset": preset,
                "seed": seed,
                "shape": [rows, columns],
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
                "versions": _versions(),
                "git": _git_hash(),
                "started_utc": started.isoformat(timespec="seconds"),
                "status": "running",
            }
            with record:
                recorder._set(settings)
                recorder._patterns(task)
                recorder._chip("start", backend)
        except (OSError, sqlite3.Error) as error:
            if record is not None:
                record.close()
            _remove(folder, made_out)
            raise RunError(f"run folder {folder} cannot be written: {error}") from error
        return recorder

    def add(self, epoch: Epoch) -> None:
        """Write one epoch; it is on disk when this returns.

        Raises
        ------
        RunError
            If the disk refuses; the epochs before are kept.
        """
        number = epoch.number
        rows, columns = epoch.conductances.shape
        patterns, outputs = epoch.activations.shape
        try:
            with self._record as record:
                record.execute(
                    "INSERT INTO epoch VALUES (?, ?, ?, ?, ?)",
                    (number, epoch.error, epoch.met, epoch.pulses, self._now().isoformat(timespec="milliseconds")),
                )
                record.executemany(
                    "INSERT INTO cell VALUES (?, ?, ?, ?, ?)",
                    [
                        (number, r, c, float(epoch.conductances[r, c]), int(epoch.counts[r, c]))
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

    def discard(self) -> None:
        """Remove the folder of a run that never began."""
        self._record.close()
        _remove(self.folder, self._made_out)

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


def _new_record(path: Path) -> sqlite3.Connection:
    record = sqlite3.connect(path)
    record.execute("PRAGMA journal_mode = WAL")
    record.execute("PRAGMA synchronous = FULL")
    record.executescript(SCHEMA)
    record.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    return record


def _write_bench(folder: Path, bench: Bench) -> None:
    """Write the resolved bench beside copies of the files that it names, so that the run folder is a bench itself."""
    training = bench.training.model_copy(update={"patterns": "patterns.csv"})
    chip: Chip | None = bench.chip
    if chip is not None:
        (folder / "curve.csv").write_bytes(chip.curve_file.read_bytes())
        chip = chip.model_copy(update={"curve": "curve.csv"})
    resolved = bench.model_copy(update={"training": training, "chip": chip})
    (folder / "bench.toml").write_text(resolved.as_toml(), encoding="utf-8")


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version(), "system": f"{platform.system()} {platform.machine()}"}
    for package in ("crossbar-hil", "numpy", "scipy", "matplotlib"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def _git_hash() -> str | None:
    """Commit of the checkout that runs, with ``-dirty`` if it was changed; None outside a checkout."""
    checkout = Path(__file__).resolve().parent.parent
    if not (checkout / ".git").exists():
        return None
    command = ["git", "-C", str(checkout), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=5, check=True).stdout.strip()  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None


def _remove(folder: Path, with_parent: bool) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    if with_parent and folder.parent.is_dir() and not any(folder.parent.iterdir()):
        folder.parent.rmdir()
