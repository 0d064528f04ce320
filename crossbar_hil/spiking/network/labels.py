"""Which digit a neuron stands for, what a network answers, and how often it is right."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from crossbar_hil.arrays import FloatArray, IntArray
from crossbar_hil.errors import ConfigError, DataError
from crossbar_hil.results.arrays import Variable
from crossbar_hil.results.result import Result, Series

READOUTS = ("winner", "mean", "votes", "likelihood", "detection")
DETECTION = "detection"
"""The readout for which silence is an answer: the lowest class; any output spike means the highest."""
SILENT = -1
"""The answer of any other to an image without an output spike; never a label."""


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """What output neurons have answered to images whose labels are known."""

    classes: IntArray
    """(L,) labels, increasing."""
    totals: IntArray
    """(L, N) spikes of each neuron during images of each class."""
    shown: IntArray
    """(L,) images of each class."""

    @property
    def of_neurons(self) -> IntArray:
        """(N,) the class with most spikes for each neuron, the lowest of equals, so also of neurons without spikes."""
        return self.classes[np.argmax(self.totals, axis=0)]


def label_neurons(counts: IntArray, labels: IntArray) -> Labels:
    """Return the labels of N neurons from their (P, N) spikes during P images of known (P,) labels.

    Examples
    --------
    >>> label_neurons(np.array([[3, 0], [1, 2]]), np.array([7, 4])).of_neurons
    array([7, 4])
    """
    if len(counts) != len(labels) or not len(labels):
        raise DataError(f"{len(counts)} images and {len(labels)} labels must be as many, and at least one")
    classes, places, shown = np.unique(labels, return_inverse=True, return_counts=True)
    totals = np.zeros((len(classes), counts.shape[1]), np.int64)
    np.add.at(totals, places, counts)
    return Labels(classes.astype(np.int64), totals, shown.astype(np.int64))


def scores(counts: IntArray, labels: Labels, readout: str) -> FloatArray:
    """Return how much speaks for each class, (P, L); the highest is the answer. `counts` are (P, N) spikes.

    Parameters
    ----------
    readout : str
        "winner": the label of the neuron with most spikes (the published system). "mean": mean spikes of the neurons
        of each label. "votes": spikes, each divided among the classes as the neuron's spikes were. "likelihood":
        log-likelihood of the counts if each neuron spikes at the mean rate it had for the class (Poisson).
        A "detection" has no scores, see `answers`.
    """
    if readout == "winner":
        winners = np.argmax(counts, axis=1)
        return (labels.of_neurons[winners][:, None] == labels.classes).astype(np.float64)
    if readout == "mean":
        members = labels.of_neurons == labels.classes[:, None]
        return counts @ (members / np.maximum(members.sum(axis=1, keepdims=True), 1)).T
    if readout == "votes":
        rates = labels.totals / labels.shown[:, None]
        return counts @ (rates / np.maximum(rates.sum(axis=0), 1e-12)).T
    if readout == "likelihood":
        # Half a spike more than was seen: a neuron that never spiked for a class does not exclude it.
        rates = (labels.totals + 0.5) / labels.shown[:, None]
        return counts @ np.log(rates).T - rates.sum(axis=1)
    raise ConfigError(f"readout {readout!r} is none of {', '.join(READOUTS)}")


def unanswered(counts: IntArray, readout: str = "winner") -> int:
    """Return to how many images the (P, N) spikes are no answer."""
    return 0 if readout == DETECTION else int((counts.sum(axis=1) == 0).sum())


def answers(counts: IntArray, labels: Labels, readout: str = "winner") -> IntArray:
    """Return the answer (P,) to each image, the first of the highest scores; `SILENT` where no neuron spiked.

    A "detection" answers with the highest class where a neuron spiked and with the lowest where none did.
    """
    if readout == DETECTION:
        return np.where(counts.sum(axis=1) > 0, labels.classes[-1], labels.classes[0])
    best = labels.classes[np.argmax(scores(counts, labels, readout), axis=1)]
    return np.where(counts.sum(axis=1) > 0, best, SILENT)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Evaluation(Result):
    """How a network did on images that it was not trained on."""

    drawn_by: ClassVar[str] = "spiking"
    plots: ClassVar[tuple[str, ...]] = ("confusion",)

    classes: IntArray
    """(L,) labels."""
    confusion: NDArray[np.int64]
    """(L, L) images by true label (row) and answer (column)."""
    silent: int
    """Images without an output spike; they count as wrong."""
    images: int
    """All images."""

    @property
    def accuracy(self) -> float:
        """Share of all images, the silent ones included, that were answered rightly."""
        return float(np.trace(self.confusion)) / self.images

    def told(self) -> list[tuple[str, str]]:
        """Return the accuracy, and of how many images."""
        return [
            ("accuracy", f"{100 * self.accuracy:.2f} % of {self.images} images"),
            ("silent", str(self.silent)),
            ("classes", " ".join(map(str, self.classes))),
        ]

    def series(self) -> Series:
        """Return one line a class, with the images that got each answer."""
        header = ["Class", *(f"Answered {each}" for each in self.classes)]
        return Series(
            header, ([int(each), *row.tolist()] for each, row in zip(self.classes, self.confusion, strict=True))
        )

    def variables(self) -> dict[str, Variable]:
        """Return the answers, and how many images had none."""
        return {
            "confusion": Variable(("class", "answer"), self.confusion, "1", "test images by class and answer"),
            "class": Variable(("class",), self.classes, "1", "true class"),
            "answer": Variable(("answer",), self.classes, "1", "class that was answered"),
            "silent_images": Variable((), np.array(self.silent), "1", "test images without an output spike"),
            "test_images": Variable((), np.array(self.images), "1", "test images"),
        }


def evaluate(given: IntArray, labels: IntArray, classes: IntArray) -> Evaluation:
    """Return how often answers are right.

    >>> evaluate(np.array([4, SILENT, 7]), np.array([4, 4, 4]), np.array([4, 7])).accuracy
    0.3333333333333333
    """
    if len(given) != len(labels) or not len(labels):
        raise DataError(f"{len(given)} answers and {len(labels)} labels must be as many, and at least one")
    strange = labels[~np.isin(labels, classes)]
    if len(strange):
        raise DataError(f"label {strange[0]} is none of those the network was trained on, {classes.tolist()}")
    spoke = given != SILENT
    confusion = np.zeros((len(classes), len(classes)), np.int64)
    np.add.at(confusion, (np.searchsorted(classes, labels[spoke]), np.searchsorted(classes, given[spoke])), 1)
    return Evaluation(classes, confusion, int((~spoke).sum()), len(labels))
