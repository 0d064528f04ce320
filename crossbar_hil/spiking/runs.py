"""The folder of a spiking run: what was asked for, and a checkpoint that replaces the one before in one step.

``spiking.json`` says what was run, by which versions, on which data, and how it ended. ``checkpoint.npz`` holds the
network, the record of the training and, at the end, the answers: plain arrays, in SI units, no pickles.
"""

import json
import os
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossbar_hil.arrays import FloatArray, IntArray
from crossbar_hil.errors import CrossbarError, RunError
from crossbar_hil.runs.array_file import read_arrays, write_arrays
from crossbar_hil.runs.store import RECORD as OTHER_RECORD
from crossbar_hil.runs.store import SPIKING as ABOUT
from crossbar_hil.spiking.network.labels import Evaluation, Labels
from crossbar_hil.spiking.network.model import NetworkState
from crossbar_hil.spiking.network.neurons import NeuronState
from crossbar_hil.spiking.settings import SpikingSettings

CHECKPOINT = "checkpoint.sqlite"
SCHEMA_VERSION = 1
NEEDED = ("kind", "seed", "status", "settings", "data_sha256", "started_utc")


@dataclass(frozen=True, eq=False)
class Progress:
    """Where a training stands, and what came of it."""

    state: NetworkState
    totals: Labels
    """What the neurons answered while they learnt."""
    record: IntArray
    """(M, 4) a line for each part of the training: images so far, answered rightly, silent, output spikes."""
    labels: Labels | None = None
    """What the neurons stand for, once training is over."""
    result: Evaluation | None = None
    sample: FloatArray = field(default_factory=lambda: np.empty((0, 0)))
    """(S, K) some test images, for figures."""
    sample_labels: IntArray = field(default_factory=lambda: np.empty(0, np.int64))

    @property
    def shown(self) -> int:
        """Training images shown so far, over all passes."""
        return int(self.record[-1, 0]) if len(self.record) else 0

    @property
    def spikes(self) -> int:
        """Output spikes while learning."""
        return int(self.record[:, 3].sum())

    def arrays(self) -> dict[str, Any]:
        """Return everything as arrays by name."""
        state = self.state
        found: dict[str, Any] = {
            "schema": np.array(SCHEMA_VERSION),
            "weights": state.weights,
            "gains": state.gains,
            "membranes": state.neurons.membranes,
            "thresholds": state.neurons.thresholds,
            "refractory": state.neurons.refractory,
            "last_inputs": state.last_inputs,
            "now": np.array(state.now),
            "presented": np.array(state.presented),
            "record": self.record,
            "sample": self.sample,
            "sample_labels": self.sample_labels,
        }
        if state.kept is not None:
            found["kept"] = state.kept
        for name, labels in (("totals", self.totals), ("labels", self.labels)):
            if labels is not None:
                found |= {f"{name}_{each.name}": getattr(labels, each.name) for each in fields(labels)}
        if self.result is not None:
            found |= {f"result_{each.name}": np.array(getattr(self.result, each.name)) for each in fields(self.result)}
        return found

    @classmethod
    def of(cls, found: dict[str, NDArray[Any]]) -> "Progress":
        """Return it from arrays by name."""

        def labels(name: str) -> Labels | None:
            if f"{name}_totals" not in found:
                return None
            return Labels(*(found[f"{name}_{each}"] for each in ("classes", "totals", "shown")))

        totals = labels("totals")
        if totals is None or int(found["schema"]) != SCHEMA_VERSION:
            raise ValueError(f"schema version {found['schema']}, this program reads {SCHEMA_VERSION}")
        neurons = NeuronState(found["membranes"], found["thresholds"], found["refractory"])
        state = NetworkState(
            found["weights"], found.get("kept"), found["gains"], neurons, found["last_inputs"],
            int(found["now"]), int(found["presented"]),
        )  # fmt: skip
        result = None
        if "result_confusion" in found:
            result = Evaluation(
                found["result_classes"],
                found["result_confusion"],
                int(found["result_silent"]),
                int(found["result_images"]),
            )
        return cls(state, totals, found["record"], labels("labels"), result, found["sample"], found["sample_labels"])


@dataclass(frozen=True)
class SpikingRun:
    """A spiking run; everything is read from its folder when first asked for."""

    folder: Path

    @property
    def name(self) -> str:
        """Name of the folder."""
        return self.folder.name

    @cached_property
    def about(self) -> dict[str, Any]:
        """What was run, by which versions, how it ended."""
        path = self.folder / ABOUT
        try:
            about = json.loads(path.read_text(encoding="utf-8"))
            missing = [name for name in NEEDED if name not in about]
            if missing:
                raise ValueError(f"{missing[0]} is missing")
        except (OSError, ValueError, TypeError) as error:
            raise RunError(f"{path} of a spiking run cannot be read: {error}") from error
        return dict(about)

    @cached_property
    def settings(self) -> SpikingSettings:
        """What was asked for."""
        try:
            return SpikingSettings.from_plain(self.about["settings"])
        except (TypeError, CrossbarError) as error:
            raise RunError(f"the settings of spiking run {self.name} cannot be used: {error}") from error

    @cached_property
    def progress(self) -> Progress | None:
        """The last checkpoint; None before the first one.

        Raises
        ------
        RunError
            If it is damaged.
        """
        path = self.folder / CHECKPOINT
        if not path.exists():
            return None
        try:
            return Progress.of(read_arrays(path))
        except (OSError, ValueError, KeyError) as error:
            raise RunError(f"{path} cannot be read: {error}") from error

    def write_about(self, about: dict[str, Any]) -> None:
        """Put a new account of the run in the place of the old one."""
        text = json.dumps(about, indent=1, default=str) + "\n"
        _replace(self.folder / ABOUT, lambda path: path.write_text(text, encoding="utf-8"))
        self.__dict__.pop("about", None)

    def write_progress(self, progress: Progress) -> None:
        """Put a new checkpoint in the place of the old one; it is on disk when this returns."""
        _replace(self.folder / CHECKPOINT, lambda path: write_arrays(path, progress.arrays()))
        self.__dict__.pop("progress", None)


def _replace(path: Path, write: Any) -> None:
    fresh = path.with_name(f".{path.name}.new")
    try:
        fresh.unlink(missing_ok=True)
        write(fresh)
        with fresh.open("rb") as file:
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        raise RunError(f"{path} cannot be written: {error.strerror or error}") from error


def list_spiking(out: str | Path) -> list[SpikingRun]:
    """Return the spiking runs in a folder, the oldest first."""
    return [SpikingRun(each.parent) for each in sorted(Path(out).glob(f"*/{ABOUT}"))]


def find_spiking(text: str, out: str | Path) -> SpikingRun | None:
    """Return the spiking run that a person means, or None if it is another run, or none.

    Parameters
    ----------
    text : str
        A folder, the name of a run in `out` or the start of one, or ``latest``, the youngest run of either sort.
    out : path
        Folder that holds run folders.
    """
    try:
        if (Path(text) / ABOUT).is_file():
            return SpikingRun(Path(text))
    except (OSError, ValueError):  # no name of a file
        return None
    runs = list_spiking(out)
    others = sorted(each.parent.name for each in Path(out).glob(f"*/{OTHER_RECORD}"))
    if text == "latest":
        return runs[-1] if runs and (not others or runs[-1].name > others[-1]) else None
    fitting = [run for run in runs if run.name == text] or [run for run in runs if run.name.startswith(text)]
    if not fitting or any(name.startswith(text) for name in others):
        return None
    if len(fitting) > 1:
        raise RunError(f"run {text!r}: {len(fitting)} spiking runs fit")
    return fitting[0]
