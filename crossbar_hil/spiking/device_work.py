"""The training of a spiking network on a device: every current is read from it, every change is a pulse."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from crossbar_hil.backend import DeviceBackend, Pulse
from crossbar_hil.bench.file import Bench
from crossbar_hil.bench.recorded import bench_hash
from crossbar_hil.errors import ReplayDiverged, RunError
from crossbar_hil.results.conditions import Conditions
from crossbar_hil.runs.training import bench_tables, facts_of_chips
from crossbar_hil.spiking.network.backend_engine import BackendEngine
from crossbar_hil.spiking.network.network import SpikingNetwork
from crossbar_hil.spiking.progress import Progress
from crossbar_hil.spiking.settings import SpikingSettings, model_of, protocol_of
from crossbar_hil.spiking.tasks.images import Split
from crossbar_hil.spiking.teaching import first_progress
from crossbar_hil.spiking.view import SilentView
from crossbar_hil.spiking.work import ComputedWork, SpikingWork

DEPRESS_V = -2.8
"""Height of the depressing pulse where a bench file names none, in volts: the measured one of the shipped curve."""


class DeviceWork(SpikingWork):
    """The training of the network of a device, with a checkpoint after every image; it goes on by doing all again."""

    def check_shape(self, shape: tuple[int, int]) -> None:
        """Refuse a device that has not a row for each input, or fewer columns than the task needs.

        Raises
        ------
        RunError
            If it does not fit.
        """
        task = self._settings.task
        if task is not None and not task.fits(*shape):
            raise RunError(
                f"the device has {shape[0]} rows and {shape[1]} columns, task {task.name} needs {task.rows} rows and "
                f"at least {task.shape[1]} columns"
            )

    def prepare(self, backend: DeviceBackend | None) -> Sequence[Pulse]:
        """Make the network, whose synapses are the cells of the device."""
        if backend is None or self.bench is None:
            raise TypeError("a device is trained on a bench, so there is a backend")
        training = self.bench.training
        if training.depress is None:
            raise TypeError("synapses of a device are depressed too, so there is a pulse for it")
        self._engine = BackendEngine(backend, training.pulse, training.depress)
        model = model_of(self._settings, self._split, outputs=backend.shape[1])
        more: dict[str, Any] = {"protocol": protocol_of(self._settings, self._split), "encode": self._settings.encode}
        self._network = SpikingNetwork(model, self._engine, seed=self.seed, **more)
        return self._engine.up, self._engine.down

    def record(self, step: Progress) -> None:
        """Write a checkpoint, or see that what was recorded came again bit by bit."""
        known = self._known
        if known is not None and len(step.record) <= len(known.record):
            _compare(step, known)
        else:
            self._checkpoint(step)

    def _start(self) -> Progress:
        self._network.state = self._engine.begin(self._network.model)
        return first_progress(self._network, self._split)

    def _facts_of_device(self) -> dict[str, Any]:
        backend = self._engine.backend
        return {
            "kind": backend.kind,
            "bench_sha256": bench_hash(self._folder),
            "device": backend.identify(),
            "tables": {} if self.bench is None else bench_tables(self.bench),
            **facts_of_chips(backend, self.bench, gain=False),
        }

    def _counts(self) -> dict[str, int]:
        return {"reads": self._engine.reads, "pulses": self._engine.pulses}


def make_spiking_work(
    settings: SpikingSettings,
    split: Split,
    bench: Bench | None,
    *,
    seed: int,
    label: str = "",
    view: SilentView,
    every: int,
    conditions: Conditions | None = None,
) -> SpikingWork:
    """Return the training of a device, or of a computed network if there is no bench.

    The conditions are those of the latter; a bench has its own.
    """
    if bench is None:
        more: dict[str, Any] = {"view": view, "every": every, "conditions": conditions}
        return ComputedWork(settings, split, None, seed=seed, label=label, **more)
    bench = with_depressing_pulse(bench)
    on_device = replace(settings, bench=bench.name, part=1)
    return DeviceWork(on_device, split, bench, seed=seed, label=label, view=view, every=every)


def with_depressing_pulse(bench: Bench) -> Bench:
    """Return a bench that can depress cells: by its own pulse, or by one of `DEPRESS_V` as long as its other one."""
    if bench.training.depress is not None:
        return bench
    pulse = {"depress_v": DEPRESS_V, "depress_s": bench.training.width_s}
    return bench.model_copy(update={"training": bench.training.model_copy(update=pulse)})


def _compare(progress: Progress, known: Progress) -> None:
    """Refuse a replay that is not what was recorded, bit by bit."""
    lines = len(progress.record)
    same = np.array_equal(progress.record, known.record[:lines])
    if lines == len(known.record):
        same = same and np.array_equal(progress.state.weights, known.state.weights)
    if not same:
        raise ReplayDiverged(
            f"the replay diverged at image {progress.shown}: it is not what the checkpoint holds; nothing was sent"
        )
