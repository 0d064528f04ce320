"""The figures of a spiking run, drawn from where its training stands."""

from dataclasses import replace
from typing import Any

import numpy as np

from crossbar_hil.arrays import BoolArray, FloatArray
from crossbar_hil.plugins import load
from crossbar_hil.spiking import plotting
from crossbar_hil.spiking.design import is_rearranged
from crossbar_hil.spiking.network.encoding import SPIKES, TESTING, presentation_keys
from crossbar_hil.spiking.network.model import SpikingModel, at_rest
from crossbar_hil.spiking.network.stepwise import Engine, Showing, StepwiseEngine, trains_of
from crossbar_hil.spiking.network.trains import Encode, Trains
from crossbar_hil.spiking.progress import Progress
from crossbar_hil.spiking.settings import SpikingSettings, engine_of, model_of
from crossbar_hil.spiking.tasks.images import Images, Split

CAPTIONS = {
    "fields": "Receptive fields: conductances to each neuron",
    "confusion": "Answers to the test images",
    "accuracy": "Accuracy during training",
    "inputs": "Input spikes while test images are shown",
    "raster": "Output spikes while test images are shown",
    "membranes": "Membranes during the first of them",
    "voltages": "Voltages on the array when every input spikes",
}


def draw_figures(settings: SpikingSettings, progress: Progress, *, test_steps: int, seed: int) -> dict[str, Any]:
    """Draw every figure that a training has something for, by name, in the order of the report."""
    state = progress.state
    sample = Images(progress.sample, progress.sample_labels)
    classes = len(progress.totals.classes)
    # The model needs the images only for their number of pixels and of classes.
    like = Images(sample.intensities[:1].repeat(classes, axis=0), progress.totals.classes)
    model = model_of(settings, Split(like, sample), outputs=state.weights.shape[1], seed=seed)
    computed = settings.bench is None
    engine: Engine = engine_of(settings, None, progress.order) if computed else StepwiseEngine()
    unit = "" if settings.preset == "published" and computed else "S"
    table = None if settings.task is None else settings.task.tables.input
    named: dict[str, Any] = {} if table is None else {"classes": table.classes}
    like_input = {} if table is None else {"picture": table.picture, **named}
    figures = {"fields": plotting.plot_fields(state.weights, progress.labels, unit=unit, **like_input).figure}
    result = progress.result
    if result is not None:
        figures["confusion"] = plotting.plot_confusion(result, **named).figure
    figures["accuracy"] = plotting.plot_accuracy(progress.record, result, chance=1 / classes).figure
    raster, membranes = replay_sample(engine, model, progress, sample, settings.encode, test_steps, seed)
    if not computed:
        spikes = spikes_of(trains_of(model, settings.encode(sample.intensities)), test_steps, seed)
        figures["inputs"] = plotting.plot_inputs(spikes, raster, sample.labels, **named).figure
    figures["raster"] = plotting.plot_raster(raster, sample.labels, progress.labels, **named).figure
    thresholds = state.neurons.thresholds
    figures["membranes"] = plotting.plot_membranes(membranes, thresholds, raster[0], progress.labels, **named).figure
    if settings.wire_ohm and not is_rearranged(settings):
        weights = state.weights.astype(np.float64)
        volts = np.full((1, model.inputs), model.spike_v)
        solved = load("circuits", "solution")(weights, volts, settings.wire_ohm)
        cells = solved.word_potentials[0] - solved.bit_potentials[0]
        figures["voltages"] = plotting.draw_voltages(cells, solved.currents[0], (volts @ weights)[0])
    return figures


def spikes_of(trains: Trains, steps: int, seed: int) -> BoolArray:
    """Return the (P, T, K) input spikes of sample images in a test of so many steps."""
    keys = presentation_keys(seed, TESTING, 0, len(trains), SPIKES)
    return np.array([[trains.spikes(image, int(key), step) for step in range(steps)] for image, key in enumerate(keys)])


def replay_sample(
    engine: Engine, model: SpikingModel, progress: Progress, sample: Images, encode: Encode, steps: int, seed: int
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
    raster = engine.show(model, state, encode(sample.intensities), showing).raster
    first = encode(sample.intensities[:1])
    membranes = [
        engine.show(model, state, first, replace(showing, steps=step, record=False)).state.neurons.membranes
        for step in range(1, min(steps, plotting.MOST_STEPS) + 1)
    ]
    return raster, np.array(membranes, np.float64)
