"""A recorded spiking training on a device: every current is read from it, every change is a pulse."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np

from crossbar_hil.backend import DeviceBackend, Pulse
from crossbar_hil.bench.file import BENCH_FILE, Bench, load_bench
from crossbar_hil.bench.opening import open_backend
from crossbar_hil.errors import ReplayDiverged, RunError, Stopped
from crossbar_hil.guard.lock import run_lock
from crossbar_hil.guard.opening import open_guarded
from crossbar_hil.runs.interruption import stop_on_interrupt
from crossbar_hil.runs.recording import RunFolder, bench_hash
from crossbar_hil.spiking.account import (
    Interrupted,
    Silent,
    SpikingOutcome,
    account_of,
    finish,
    leave_if_wanted,
    now,
    ticking,
)
from crossbar_hil.spiking.network.backend_engine import BackendEngine
from crossbar_hil.spiking.network.network import SpikingNetwork
from crossbar_hil.spiking.runs import Progress, SpikingRun
from crossbar_hil.spiking.settings import SpikingSettings, model_of, protocol_of
from crossbar_hil.spiking.tasks.images import Split
from crossbar_hil.spiking.teaching import beginning, examined, teach

DEPRESS_V = -2.8
"""Height of the depressing pulse where a bench file names none, in volts: the measured one of the shipped curve."""


def train_device(
    settings: SpikingSettings, split: Split, bench: Bench, *, seed: int, out: Path, label: str, view: Silent
) -> SpikingOutcome:
    """Train a device, behind its guard where it has instruments; see `crossbar_hil.spiking.session.train_spiking`."""
    settings = replace(settings, bench=bench.name, part=1)
    with ExitStack() as opened:
        if bench.wiring is not None and bench.instruments:
            shape = len(bench.wiring.rows), len(bench.wiring.columns)
            model_fits(shape, split)
            folder = RunFolder.make(out, rule="snn-stripes", shape=shape)
            opened.callback(folder.take_back)
            backend: DeviceBackend = open_guarded(bench, seed=seed, folder=folder.folder)
            opened.enter_context(backend)
        else:
            backend = opened.enter_context(open_backend(bench, seed=seed))
            model_fits(backend.shape, split)
            folder = RunFolder.make(out, rule="snn-stripes", shape=backend.shape)
            opened.callback(folder.take_back)
            bench.copy_into(folder.folder)
        network, engine = _on_device(settings, split, bench, backend, seed)
        for pulse in (engine.up, engine.down):
            backend.check_pulses(np.zeros(backend.shape, np.int64), pulse)
        run = SpikingRun(folder.folder)
        about = account_of(run, settings, split, network, seed=seed, kind=backend.kind, label=label)
        run.write_about({**about, "bench_sha256": bench_hash(run.folder), "device": backend.identify()})
        opened.pop_all()
    return _drive(run, network, engine, split, view, never_began=folder.take_back)


def resume_device(run: SpikingRun, settings: SpikingSettings, split: Split, view: Silent) -> SpikingOutcome:
    """Go on with a run on a device, answered from its journal first.

    Raises
    ------
    RunError
        If the bench file was changed.
    """
    if run.about.get("bench_sha256") != bench_hash(run.folder):
        raise RunError(f"{run.folder / BENCH_FILE} was changed since run {run.name} began, so it is not resumed")
    bench, seed = load_bench(str(run.folder / BENCH_FILE)), run.about["seed"]
    known = run.progress
    with ExitStack() as locked, ExitStack() as opened:
        if bench.instruments:
            backend: DeviceBackend = open_guarded(bench, seed=seed, folder=run.folder, resume=True)
        else:
            locked.enter_context(run_lock(run.folder, run.name))
            backend = open_backend(bench, seed=seed)
        opened.enter_context(backend)
        network, engine = _on_device(settings, split, bench, backend, seed)
        run.write_about({**run.about, "status": "running", "resumed_utc": now(), "reason": ""})
        opened.pop_all()
        return _drive(run, network, engine, split, view, known=known)


def model_fits(shape: tuple[int, int], split: Split) -> None:
    """Refuse a device that has not a row for each input, or fewer columns than there are classes.

    Raises
    ------
    RunError
        If it does not fit.
    """
    inputs, classes = split.train.intensities.shape[1], len(np.unique(split.train.labels))
    if shape[0] != inputs or shape[1] < classes:
        raise RunError(
            f"the device has {shape[0]} rows and {shape[1]} columns, the stripes need {inputs} rows and at least "
            f"{classes} columns"
        )


def _on_device(
    settings: SpikingSettings, split: Split, bench: Bench, backend: DeviceBackend, seed: int
) -> tuple[SpikingNetwork, BackendEngine]:
    model = model_of(settings, split, outputs=backend.shape[1])
    down = bench.training.depress or Pulse(DEPRESS_V, bench.training.pulse.width_s)
    engine = BackendEngine(backend, bench.training.pulse, down)
    return SpikingNetwork(model, engine, seed=seed, protocol=protocol_of(settings, split)), engine


def _drive(
    run: SpikingRun,
    network: SpikingNetwork,
    engine: BackendEngine,
    split: Split,
    view: Silent,
    *,
    known: Progress | None = None,
    never_began: Callable[[], None] | None = None,
) -> SpikingOutcome:
    """Train on a device, make safe, and only then write how it ended."""
    backend, part = engine.backend, run.settings.part
    view.begin(len(split.train) * network.protocol.passes, backend.shape)
    progress: Progress | None = None
    reason = ""
    try:
        with backend, stop_on_interrupt(backend.request_stop) as stop:
            network.state = engine.begin(network.model)
            progress = beginning(network, split)
            try:
                for progress in teach(network, split, progress, part):  # noqa: B020 - the newest
                    if known is not None and len(progress.record) <= len(known.record):
                        _compare(progress, known)
                    else:
                        run.write_progress(progress)
                    view.show(progress)
                    leave_if_wanted(stop)
                progress = examined(network, split, progress, ticking(stop, view))
            except (Interrupted, Stopped) as stopped:
                reason = str(stopped) or "interrupted"
    except BaseException as error:
        if never_began is None or backend.pulsed or progress is not None:
            finish(run, "failed", None, str(error) or type(error).__name__)
        else:
            never_began()
        raise
    status = "interrupted" if reason else "done"
    if progress is not None and (known is None or len(progress.record) >= len(known.record)):
        run.write_progress(progress)
    finish(run, status, progress, reason, reads=engine.reads, pulses=engine.pulses)
    return SpikingOutcome(run, backend.kind, status, reason, progress, getattr(backend, "safe_report", None))


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
