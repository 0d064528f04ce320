"""A network on a crossbar that is computed: made from settings, trained and tested without leaving anything behind."""

import functools
from collections import deque
from typing import Any

import numpy as np

from crossbar_hil.plugins import load
from crossbar_hil.spiking.design import gains_for, is_designed
from crossbar_hil.spiking.network.devices import compensate_wires
from crossbar_hil.spiking.network.labels import Evaluation
from crossbar_hil.spiking.network.model import NetworkState, SpikingModel
from crossbar_hil.spiking.network.network import SpikingNetwork
from crossbar_hil.spiking.progress import Progress
from crossbar_hil.spiking.settings import SpikingSettings, data_of, engine_of, model_of, protocol_of
from crossbar_hil.spiking.tasks.images import Split
from crossbar_hil.spiking.teaching import first_progress, label_and_test, teach


def computed_network(settings: SpikingSettings, split: Split, seed: int) -> SpikingNetwork:
    """Make an untrained network, drawn from the seed; where there are wires, gains make up for what they take.

    A CrossbarError if the settings make no network.
    """
    model = model_of(settings, split, seed=seed)
    engine = engine_of(settings, split)
    network = SpikingNetwork(model, engine, seed=seed, protocol=protocol_of(settings, split))
    if settings.wire_ohm and settings.gains != "none":
        network.state = compensate_for_wires(network.state, model, settings, split, engine)
    return network


def compensate_for_wires(
    state: NetworkState, model: SpikingModel, settings: SpikingSettings, split: Split, engine: Any
) -> NetworkState:
    """Set the gains such that the currents for the mean training image are those of perfect wires."""
    volts = split.train.intensities.mean(axis=0)[None] * model.spike_v
    weights = state.weights.astype(np.float64)
    ideal = (volts @ weights)[0]
    if is_designed(settings):
        wired = gains_for(settings.gains, ideal, engine.arriving(weights, volts[0], model.spike_v))
    else:
        wired = load("circuits", "solution")(weights, volts, settings.wire_ohm).currents[0]
    return compensate_wires(state, ideal, wired)


def train_and_test(settings: SpikingSettings, seed: int) -> tuple[Progress, Evaluation]:
    """Train a network, as ``snn train`` would; return where that ended, and how it did on the test images."""
    split = images_of(settings)
    network = computed_network(settings, split, seed)
    part = len(split.train)
    (progress,) = deque(teach(network, split, first_progress(network, split), part), maxlen=1)
    progress = label_and_test(network, split, progress, lambda *_: None)
    if progress.result is None:
        raise AssertionError("a network that was tested has a result")
    return progress, progress.result


def images_of(settings: SpikingSettings) -> Split:
    """Load the images of a network, once in a process for all networks that share them; see `data_of`."""
    resize = "tuned" if settings.preset == "tuned" else "siemens"
    return _images(settings.dataset, settings.data, settings.classes, settings.train, resize)


@functools.lru_cache(maxsize=4)
def _images(dataset: str, data: str | None, classes: tuple[int, ...] | None, train: int | None, preset: str) -> Split:
    return data_of(SpikingSettings(dataset=dataset, data=data, classes=classes, train=train, preset=preset))
