"""One recorded spiking training from start to end, computed or on a device, and going on with one."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from crossbar_hil.bench.file import load_bench
from crossbar_hil.errors import RunError
from crossbar_hil.guard.lock import run_lock
from crossbar_hil.runs.interruption import stop_on_interrupt
from crossbar_hil.runs.recording import RunFolder
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
from crossbar_hil.spiking.computed import computed_network, wires_compensated
from crossbar_hil.spiking.network.devices import stuck_masks, with_stuck
from crossbar_hil.spiking.network.labels import Evaluation
from crossbar_hil.spiking.network.network import SpikingNetwork
from crossbar_hil.spiking.network.stepwise import StepwiseEngine
from crossbar_hil.spiking.on_device import resume_device, train_device
from crossbar_hil.spiking.runs import Progress, SpikingRun
from crossbar_hil.spiking.settings import SpikingSettings, data_hash, data_of, engine_of, model_of, protocol_of
from crossbar_hil.spiking.tasks.images import Split
from crossbar_hil.spiking.teaching import beginning, examined, teach, tested

EVERY = 250
"""Training images between two checkpoints of a computed network."""


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
        return train_device(settings, split, load_bench(settings.bench), seed=seed, out=out, label=label, view=view)
    network = computed_network(settings, split, seed)
    shape = network.model.inputs, network.model.outputs
    folder = RunFolder.make(out, rule=f"snn-{settings.dataset}", shape=shape)
    run = SpikingRun(folder.folder)
    run.write_about(account_of(run, settings, split, network, seed=seed, kind="simulated", label=label))
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
        return resume_device(run, settings, split, view)
    with run_lock(run.folder, run.name):
        network = computed_network(settings, split, seed)
        run.write_about({**about, "status": "running", "resumed_utc": now(), "reason": ""})
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
                    leave_if_wanted(stop)
                    if progress.shown - written >= every:
                        run.write_progress(progress)
                        written = progress.shown
                run.write_progress(progress)
                progress = examined(network, split, progress, ticking(stop, view))
            except Interrupted:
                run.write_progress(progress)
                reason = f"interrupted after {progress.shown} images"
                finish(run, "interrupted", progress, reason)
                return SpikingOutcome(run, "simulated", "interrupted", reason, progress)
        run.write_progress(progress)
    except BaseException as error:
        finish(run, "failed", None, str(error) or type(error).__name__)
        raise
    finish(run, "done", progress, "")
    return SpikingOutcome(run, "simulated", "done", "", progress)


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
