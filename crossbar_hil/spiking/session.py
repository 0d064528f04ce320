"""One recorded spiking training from start to end, computed or on a device, and going on with one."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from crossbar_hil.backend import DeviceBackend, Pulse
from crossbar_hil.bench import open_backend, open_guarded
from crossbar_hil.config import BENCH_FILE, Bench, load_bench
from crossbar_hil.errors import ReplayDiverged, RunError, Stopped
from crossbar_hil.guard.lock import run_lock
from crossbar_hil.interruption import Stop, stop_on_interrupt
from crossbar_hil.recording import RunFolder, bench_hash, git_hash, versions
from crossbar_hil.spiking.backend_engine import BackendEngine
from crossbar_hil.spiking.computed import computed_network, wires_compensated
from crossbar_hil.spiking.devices import stuck_masks, with_stuck
from crossbar_hil.spiking.images import Split
from crossbar_hil.spiking.labels import Evaluation
from crossbar_hil.spiking.network import SpikingNetwork
from crossbar_hil.spiking.runs import Progress, SpikingRun
from crossbar_hil.spiking.settings import SpikingSettings, data_hash, data_of, engine_of, model_of, protocol_of
from crossbar_hil.spiking.stepwise import StepwiseEngine
from crossbar_hil.spiking.teaching import beginning, examined, teach, tested

DEPRESS_V = -2.8
"""Height of the depressing pulse where a bench file names none, in volts: the measured one of the shipped curve."""
EVERY = 250
"""Training images between two checkpoints of a computed network."""


class Silent:
    """Shows nothing of a training; also what other views are made of."""

    def begin(self, total: int, shape: tuple[int, int]) -> None:
        """Take note of how many training images there are in all, and of the rows and columns."""

    def show(self, progress: Progress) -> None:
        """Take note of where the training stands."""

    def tick(self, what: str, done: int, total: int) -> None:
        """Take note of how far labelling or testing is."""


@dataclass(frozen=True, slots=True, eq=False)
class SpikingOutcome:
    """Where a run lies and how it ended."""

    run: SpikingRun
    kind: str
    status: str
    """``done`` or ``interrupted``."""
    reason: str
    progress: Progress | None
    safe: dict[str, Any] | None = None
    """How the bench was made safe; None without a guard."""


class _Interrupted(Exception):  # noqa: N818 - it names what happened
    """Ctrl-C was pressed and what was under way is over."""


def train_spiking(
    settings: SpikingSettings,
    *,
    seed: int,
    out: Path,
    label: str = "",
    every: int = EVERY,
    view: Silent | None = None,
) -> SpikingOutcome:
    """Train a spiking network and leave a run folder.

    Parameters
    ----------
    settings : SpikingSettings
        What to train.
    seed : int
        Seed of the network, and of a virtual device.
    out : Path
        Folder that holds run folders.
    label : str
        Written down with the run.
    every : int
        Training images between two checkpoints of a computed network; on a device there is one after each part.
    view : Silent, optional
        What shows the training.

    Raises
    ------
    CrossbarError
        If the run cannot start, in which case no folder is left unless a bench may not be safe, or fails, in which case
        what was done is kept.
    """
    view = view or Silent()
    split = data_of(settings)
    if settings.bench is not None:
        return _train_device(settings, split, load_bench(settings.bench), seed=seed, out=out, label=label, view=view)
    network = computed_network(settings, split, seed)
    shape = network.model.inputs, network.model.outputs
    folder = RunFolder.make(out, rule=f"snn-{settings.dataset}", shape=shape)
    run = SpikingRun(folder.folder)
    run.write_about(_about(run, settings, split, network, seed=seed, kind="simulated", label=label))
    with run_lock(run.folder, run.name):
        return _compute(run, settings, network, split, beginning(network, split), every, view)


def resume_spiking(run: SpikingRun, *, every: int = EVERY, view: Silent | None = None) -> SpikingOutcome:
    """Go on with a run that was interrupted, failed or died; the end is that of an uninterrupted run.

    A computed network goes on from its last checkpoint. On a device the training runs again from its seed: a virtual
    one is made anew, one behind instruments is asked for nothing until the journal of its guard ends.

    Raises
    ------
    RunError
        If the run is done, or what it was made from was changed.
    """
    view = view or Silent()
    about, settings = run.about, run.settings
    if about["status"] == "done":
        raise RunError(f"spiking run {run.name} is done ({about['verdict']}), there is nothing to resume")
    split = _same_data(run)
    seed = about["seed"]
    if settings.bench is not None:
        return _resume_device(run, settings, split, view)
    with run_lock(run.folder, run.name):
        network = computed_network(settings, split, seed)
        run.write_about({**about, "status": "running", "resumed_utc": _now(), "reason": ""})
        return _compute(run, settings, network, split, run.progress or beginning(network, split), every, view)


def examine_spiking(
    run: SpikingRun,
    *,
    data: str | None = None,
    wire_ohm: float | None = None,
    cell: str | None = None,
    stuck: float = 0.0,
    read_noise: float = 0.0,
    compensate: bool = False,
    seed: int = 0,
    view: Silent | None = None,
) -> Evaluation:
    """Test the network of a run on its test images, perhaps with wires, cells or faults that training did not have.

    A network of a device is tested on the conductances that were measured last; the device is not touched.

    Parameters
    ----------
    run : SpikingRun
        A run that is done.
    data : str, optional
        Folder of the MNIST files, if they have moved.
    wire_ohm, cell
        Instead of those of the training.
    stuck : float
        Share of cells that got stuck since, half of them at either end of the range.
    read_noise : float
        Standard deviation of the current of a column, as a share of it.
    compensate : bool
        Whether the gains of the columns make up for what the wires take.
    seed : int
        Which cells get stuck.
    view : Silent, optional
        What shows the test.

    Raises
    ------
    RunError
        If the run has no trained network yet.
    """
    view = view or Silent()
    progress = run.progress
    if progress is None or progress.labels is None:
        raise RunError(f"spiking run {run.name} is not trained to its end yet; crossbar-hil resume {run.folder}")
    settings = run.settings
    if settings.bench is not None and (wire_ohm or cell or stuck):
        raise RunError(
            f"run {run.name} is of a device, which has its own wires and cells; only its noise can be varied"
        )
    split = _same_data(run, data)
    trained_at = settings.wire_ohm
    settings = replace(
        settings, wire_ohm=trained_at if wire_ohm is None else wire_ohm, cell=settings.cell if cell is None else cell
    )
    model, state = (
        model_of(settings, split, outputs=progress.state.weights.shape[1], seed=run.about["seed"]),
        progress.state,
    )
    if not 0 <= stuck <= 1:
        raise RunError(f"stuck {stuck} is a share of the cells, it must lie between 0 and 1")
    if stuck:
        masks = stuck_masks(
            state.weights.shape, rng=np.random.default_rng([seed, 2]), at_low=stuck / 2, at_high=stuck / 2
        )
        model, state = with_stuck(model, state, *masks)
    model = replace(model, cells=replace(model.cells, read_noise=read_noise))
    if compensate:
        state = wires_compensated(state, model, settings, split)
    engine = StepwiseEngine() if settings.bench is not None else engine_of(settings)
    network = SpikingNetwork(model, engine, seed=run.about["seed"], protocol=protocol_of(settings, split))
    network.state = state
    return tested(network, progress.labels, split, view.tick)


# ---------------------------------------------------------------------- computed networks


def _compute(
    run: SpikingRun,
    settings: SpikingSettings,
    network: SpikingNetwork,
    split: Split,
    progress: Progress,
    every: int,
    view: Silent,
) -> SpikingOutcome:
    """Train, with a checkpoint now and then, and test."""
    view.begin(len(split.train) * network.protocol.passes, (network.model.inputs, network.model.outputs))
    written = progress.shown
    try:
        with stop_on_interrupt(lambda _: None) as stop:
            try:
                for progress in teach(network, split, progress, settings.part):  # noqa: B020, PLR1704 - the newest
                    view.show(progress)
                    _check(stop)
                    if progress.shown - written >= every:
                        run.write_progress(progress)
                        written = progress.shown
                run.write_progress(progress)
                progress = examined(network, split, progress, _until(stop, view))
            except _Interrupted:
                run.write_progress(progress)
                reason = f"interrupted after {progress.shown} images"
                _finish(run, "interrupted", progress, reason)
                return SpikingOutcome(run, "simulated", "interrupted", reason, progress)
        run.write_progress(progress)
    except BaseException as error:
        _finish(run, "failed", None, str(error) or type(error).__name__)
        raise
    _finish(run, "done", progress, "")
    return SpikingOutcome(run, "simulated", "done", "", progress)


# ---------------------------------------------------------------------- devices


def _train_device(
    settings: SpikingSettings, split: Split, bench: Bench, *, seed: int, out: Path, label: str, view: Silent
) -> SpikingOutcome:
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
        about = _about(run, settings, split, network, seed=seed, kind=backend.kind, label=label)
        run.write_about({**about, "bench_sha256": bench_hash(run.folder), "device": backend.identify()})
        opened.pop_all()
    return _drive(run, network, engine, split, view, never_began=folder.take_back)


def _resume_device(run: SpikingRun, settings: SpikingSettings, split: Split, view: Silent) -> SpikingOutcome:
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
        run.write_about({**run.about, "status": "running", "resumed_utc": _now(), "reason": ""})
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
                    _check(stop)
                progress = examined(network, split, progress, _until(stop, view))
            except (_Interrupted, Stopped) as stopped:
                reason = str(stopped) or "interrupted"
    except BaseException as error:
        if never_began is None or backend.pulsed or progress is not None:
            _finish(run, "failed", None, str(error) or type(error).__name__)
        else:
            never_began()
        raise
    status = "interrupted" if reason else "done"
    if progress is not None and (known is None or len(progress.record) >= len(known.record)):
        run.write_progress(progress)
    _finish(run, status, progress, reason, reads=engine.reads, pulses=engine.pulses)
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


# ---------------------------------------------------------------------- the account


def _about(
    run: SpikingRun,
    settings: SpikingSettings,
    split: Split,
    network: SpikingNetwork,
    *,
    seed: int,
    kind: str,
    label: str,
) -> dict[str, Any]:
    protocol = network.protocol
    return {
        "name": run.name,
        "type": "spiking",
        "label": label,
        "kind": kind,
        "seed": seed,
        "status": "running",
        "settings": settings.as_plain(),
        "inputs": network.model.inputs,
        "neurons": network.model.outputs,
        "training_steps": protocol.training_steps,
        "test_steps": protocol.test_steps,
        "passes": protocol.passes,
        "readout": protocol.readout,
        "training_images": len(split.train),
        "test_images": len(split.test),
        "data_sha256": data_hash(split),
        "versions": versions(),
        "git": git_hash(),
        "started_utc": _now(),
    }


def _finish(run: SpikingRun, status: str, progress: Progress | None, reason: str, **more: Any) -> None:
    about = {**run.about, "status": status, "reason": reason, "finished_utc": _now(), **more}
    if progress is not None:
        about["shown"] = progress.shown
        about["spikes"] = progress.spikes
        if progress.result is not None:
            result = progress.result
            about |= {"accuracy": result.accuracy, "silent": result.silent, "images": result.images}
            about["verdict"] = f"accuracy {100 * result.accuracy:.2f} %"
    run.write_about(about)


def _same_data(run: SpikingRun, folder: str | None = None) -> Split:
    """Load the images of a run.

    Raises
    ------
    RunError
        If they are not those that it was trained with.
    """
    settings = run.settings if folder is None else replace(run.settings, data=folder)
    split = data_of(settings)
    if data_hash(split) != run.about["data_sha256"]:
        raise RunError(f"the images of dataset {settings.dataset} are not those that run {run.name} was trained with")
    return split


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _check(stop: Stop) -> None:
    """Leave the training if that is wanted."""
    if stop.wanted:
        raise _Interrupted("interrupted")


def _until(stop: Stop, view: Silent) -> Callable[[str, int, int], None]:
    def tick(what: str, done: int, total: int) -> None:
        view.tick(what, done, total)
        _check(stop)

    return tick
