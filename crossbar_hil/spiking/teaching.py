"""A training in parts, each of which can be written down and gone on from, and the test after it."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from crossbar_hil.arrays import FloatArray, IntArray
from crossbar_hil.spiking.network.encoding import LABELLING
from crossbar_hil.spiking.network.labels import SILENT, Evaluation, Labels, answers, evaluate, label_neurons, unanswered
from crossbar_hil.spiking.network.network import SpikingNetwork
from crossbar_hil.spiking.progress import Progress
from crossbar_hil.spiking.tasks.images import Split

TESTED_AT_ONCE = 50
SAMPLES = 8


def first_progress(network: SpikingNetwork, split: Split) -> Progress:
    """Return where a network stands that has seen nothing yet."""
    classes = np.unique(split.train.labels)
    none = np.zeros((len(classes), network.model.outputs), np.int64)
    places = sample_places(split.test.labels)
    return Progress(
        network.state,
        Labels(classes.astype(np.int64), none, np.zeros(len(classes), np.int64)),
        np.zeros((0, 4), np.int64),
        sample=split.test.intensities[places],
        sample_labels=split.test.labels[places],
    )


def sample_places(labels: IntArray) -> IntArray:
    """Return the places of the first image of each class, `SAMPLES` at most.

    >>> sample_places(np.array([5, 5, 2]))
    array([2, 0])
    """
    return np.unique(labels, return_index=True)[1][:SAMPLES].astype(np.int64)


def teach(network: SpikingNetwork, split: Split, progress: Progress, part: int) -> Iterator[Progress]:
    """Go on with a training from where it stands; yields where it stands after each part of so many images.

    How often the network is right is counted before each part teaches it anything: an image is answered by what the
    neurons stood for until then, while it is learnt.

    Parameters
    ----------
    network : SpikingNetwork
        Its state becomes that of `progress`.
    """
    network.state = progress.state
    count = len(split.train)
    while progress.shown < count * network.protocol.passes:
        number, first = divmod(progress.shown, count)
        labels = split.train.labels[first : first + part]
        counts = network.learn(split.train.intensities[first : first + part], number)
        progress = progress_after(progress, network, counts, labels)
        yield progress


def progress_after(progress: Progress, network: SpikingNetwork, counts: IntArray, labels: IntArray) -> Progress:
    """Return where a training stands after a part in which neurons gave (P, N) spikes to images with these labels."""
    before = progress.totals
    given = answers(counts, before, network.protocol.readout) if before.shown.all() else np.full(len(labels), SILENT)
    silent = unanswered(counts, network.protocol.readout)
    line = [progress.shown + len(labels), int((given == labels).sum()), silent, int(counts.sum())]
    seen = label_neurons(counts, labels)
    places = np.searchsorted(before.classes, seen.classes)
    totals, shown = before.totals.copy(), before.shown.copy()
    totals[places] += seen.totals
    shown[places] += seen.shown
    return replace(
        progress,
        state=network.state,
        totals=Labels(before.classes, totals, shown),
        record=np.vstack([progress.record, np.array([line], np.int64)]),
    )


def label_and_test(
    network: SpikingNetwork, split: Split, progress: Progress, tick: Callable[[str, int, int], None]
) -> Progress:
    """Label the neurons of a trained network and test it; returns `progress`, gone on from there.

    Parameters
    ----------
    tick : callable
        Called after each part with what is done, images done, and all images; may raise to stop.
    """
    labels = progress.totals
    if network.protocol.label_after:
        counts = _count_answers(network, split.train.intensities, "labelling", tick, LABELLING)
        labels = label_neurons(counts, split.train.labels)
    network.labels = labels
    return replace(progress, labels=labels, result=evaluate_network(network, labels, split, tick))


def evaluate_network(
    network: SpikingNetwork, labels: Labels, split: Split, tick: Callable[[str, int, int], None]
) -> Evaluation:
    """Return how a network does on the test images."""
    counts = _count_answers(network, split.test.intensities, "testing", tick)
    given = answers(counts, labels, network.protocol.readout)
    return evaluate(given, split.test.labels, labels.classes)


def _count_answers(
    network: SpikingNetwork,
    images: FloatArray,
    what: str,
    tick: Callable[[str, int, int], None],
    *stream: int,
) -> IntArray:
    parts: list[IntArray] = []
    done = 0
    for counts in network.respond_in_parts(images, TESTED_AT_ONCE, *stream):
        parts.append(counts)
        done += len(counts)
        tick(what, done, len(images))
    return np.concatenate(parts)
