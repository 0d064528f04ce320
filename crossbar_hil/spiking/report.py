"""The one-page report of a spiking run: a single HTML file, drawn from what its folder holds."""

import base64
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import jinja2
import numpy as np

from crossbar_hil.arrays import BoolArray, FloatArray
from crossbar_hil.errors import RunError
from crossbar_hil.plugins import load
from crossbar_hil.runs.report import REPORT
from crossbar_hil.spiking import plotting
from crossbar_hil.spiking.network.encoding import TESTING, spike_probabilities
from crossbar_hil.spiking.network.model import SpikingModel, at_rest
from crossbar_hil.spiking.network.stepwise import Engine, Showing, StepwiseEngine
from crossbar_hil.spiking.runs import Progress, SpikingRun
from crossbar_hil.spiking.settings import engine_of, model_of
from crossbar_hil.spiking.tasks.images import Images, Split

CAPTIONS = {
    "fields": "Receptive fields: conductances to each neuron",
    "confusion": "Answers to the test images",
    "accuracy": "Accuracy during training",
    "raster": "Output spikes while test images are shown",
    "membranes": "Membranes during the first of them",
    "voltages": "Voltages on the array when every input spikes",
}


def make_spiking_report(run: SpikingRun, folder: Path | None = None, *, replace_old: bool = False) -> Path:
    """Draw the figures of a run and write its report.

    Parameters
    ----------
    run : SpikingRun
        A run with a checkpoint.
    folder : Path, optional
        Where ``report.html`` and ``figures`` go; the run's own folder if not given.
    replace_old : bool
        Whether a report that is there is to be replaced.

    Raises
    ------
    RunError
        If there is no checkpoint yet, a report is there already, or the folder cannot be written.
    """
    progress = run.progress
    if progress is None or not len(progress.record):
        raise RunError(f"spiking run {run.name} has no checkpoint yet, so there is nothing to report")
    folder = run.folder if folder is None else folder
    if replace_old:
        (folder / REPORT).unlink(missing_ok=True)
        shutil.rmtree(folder / "figures", ignore_errors=True)
    for there in (folder / REPORT, folder / "figures"):
        if os.path.lexists(there):
            raise RunError(f"{there} exists already and is not overwritten")
    try:
        (folder / "figures").mkdir(parents=True)
        pictures = []
        for name, figure in figures_of(run, progress).items():
            picture = plotting.as_png(figure)
            (folder / "figures" / f"{name}.png").write_bytes(picture)
            pictures.append((CAPTIONS[name], base64.b64encode(picture).decode("ascii")))
        environment = jinja2.Environment(
            loader=jinja2.PackageLoader(__package__, "."), autoescape=True, undefined=jinja2.StrictUndefined
        )
        page = environment.get_template("report.html.j2").render(
            run=run, about=run.about, progress=progress, rows=_rows(run), pictures=pictures
        )
        (folder / REPORT).write_text(page, encoding="utf-8")
    except BaseException as error:
        shutil.rmtree(folder / "figures", ignore_errors=True)
        (folder / REPORT).unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise RunError(f"report cannot be written to {folder}: {error.strerror or error}") from error
        raise
    return folder / REPORT


def figures_of(run: SpikingRun, progress: Progress) -> dict[str, Any]:
    """Draw every figure that a run has something for, by name, in the order of the report."""
    settings, state = run.settings, progress.state
    sample = Images(progress.sample, progress.sample_labels)
    classes = len(progress.totals.classes)
    # The model needs the images only for their number of pixels and of classes.
    like = Images(sample.intensities[:1].repeat(classes, axis=0), progress.totals.classes)
    model = model_of(settings, Split(like, sample), outputs=state.weights.shape[1], seed=run.about["seed"])
    computed = settings.bench is None
    engine: Engine = engine_of(settings) if computed else StepwiseEngine()
    unit = "" if settings.preset == "published" and computed else "S"
    figures = {"fields": plotting.plot_fields(state.weights, progress.labels, unit=unit)}
    result = progress.result
    if result is not None:
        figures["confusion"] = plotting.plot_confusion(result)
    figures["accuracy"] = plotting.plot_accuracy(
        progress.record, final=None if result is None else result.accuracy, chance=1 / classes
    )
    raster, membranes = replayed(engine, model, progress, sample, run.about["test_steps"], run.about["seed"])
    figures["raster"] = plotting.plot_raster(raster, sample.labels, progress.labels)
    figures["membranes"] = plotting.plot_membranes(membranes, state.neurons.thresholds, raster[0], progress.labels)
    if settings.wire_ohm:
        weights = state.weights.astype(np.float64)
        volts = np.full((1, model.inputs), model.spike_v)
        solved = load("circuits", "solution")(weights, volts, settings.wire_ohm)
        cells = solved.word_potentials[0] - solved.bit_potentials[0]
        figures["voltages"] = plotting.plot_voltages(cells, solved.currents[0], (volts @ weights)[0])
    return figures


def replayed(
    engine: Engine, model: SpikingModel, progress: Progress, sample: Images, steps: int, seed: int
) -> tuple[BoolArray, FloatArray]:
    """Show sample images once more, with the conductances of the checkpoint.

    Returns
    -------
    ndarray of bool, shape (P, T, N)
        Output spikes.
    ndarray of float, shape (M, N)
        Membranes after each of the first M steps of the first image, in volts. The image is shown for 1, 2, ... M
        steps, since an engine tells the membranes only at its end.
    """
    state = at_rest(progress.state)
    showing = Showing(steps, seed, TESTING, reset=True, record=True)
    shown = spike_probabilities(sample.intensities)
    raster = engine.show(model, state, shown, showing).raster
    membranes = [
        engine.show(model, state, shown[:1], replace(showing, steps=step, record=False)).state.neurons.membranes
        for step in range(1, min(steps, plotting.MOST_STEPS) + 1)
    ]
    return raster, np.array(membranes, np.float64)


def _rows(run: SpikingRun) -> list[tuple[str, str]]:
    """Return the settings a person wants to see, in words and units."""
    about, settings = run.about, run.settings
    rows = [
        ("Kind", about["kind"] + (f", bench {settings.bench}" if settings.bench else ", a computed network")),
        ("Data", _data(settings, about)),
        ("Network", f"{about['inputs']} inputs, {about['neurons']} neurons, preset {settings.preset}"),
        ("Training", f"{about['passes']} passes, {about['training_steps']} steps an image"),
        ("Test", f"{about['test_steps']} steps an image, read-out {about['readout']}"),
        ("Seed", str(about["seed"])),
    ]
    if settings.bench:
        rows[2] = ("Network", f"{about['inputs']} inputs (rows), {about['neurons']} neurons (columns)")
        rows.append(("Device", f"{about.get('reads', '?')} vectors read, {about.get('pulses', '?')} pulses sent"))
    if settings.states:
        rows.append(("States", f"{settings.states}, rule {settings.rule or 'of the preset'}"))
    if settings.wire_ohm:
        rows.append(("Wires", f"{settings.wire_ohm:g} ohm a segment, gains compensated"))
    if settings.cell:
        rows.append(("Cells", settings.cell))
    if settings.stuck:
        rows.append(("Stuck cells", f"{100 * settings.stuck:g} %"))
    rows += [
        ("Started", about["started_utc"]),
        ("Status", about["status"]),
        ("Versions", ", ".join(f"{name} {number}" for name, number in about["versions"].items())),
        ("Commit", about["git"] or "not a checkout"),
        ("Hash of the data", about["data_sha256"][:16]),
    ]
    return ([("Label", about["label"])] if about.get("label") else []) + rows


def _data(settings: Any, about: dict[str, Any]) -> str:
    classes = "" if settings.classes is None else f", classes {', '.join(map(str, settings.classes))}"
    return f"{settings.dataset}{classes}, {about['training_images']} to train on, {about['test_images']} to test with"
