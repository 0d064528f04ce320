"""What a page shows of a spiking training: its accuracy over the images of late, receptive fields, answers."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from crossbar_hil.arrays import FloatArray, IntArray
from crossbar_hil.runs.live import panels
from crossbar_hil.runs.live.panels import Panel, Standing
from crossbar_hil.spiking.progress import RECENT, Progress

Classes: TypeAlias = Sequence[str]
"""Names of the classes 0, 1, ...; empty where they are their numbers."""


def name_of(label: int, classes: Classes) -> str:
    """Return the name of a class: its own, or its number where classes have none."""
    return classes[label] if classes else str(label)


def spiking_standing(progress: Progress | None, facts: Mapping[str, Any], step_s: float | None) -> Standing:
    """Return how far a training has come, `step_s` being the time that an image takes, in seconds."""
    most = int(facts.get("training_images", 0)) * int(facts.get("passes", 1))
    if progress is None or not len(progress.record):
        return Standing(0, most, "images")
    _, right, silent, spikes = recent(progress.record)[-1]
    numbers = [
        (f"{100 * right:.1f} %", f"accuracy while it learnt, last {RECENT} images"),
        (f"{spikes:.1f}", f"output spikes per image, last {RECENT}"),
        (f"{100 * silent:.1f} %", f"silent, last {RECENT}"),
    ]
    if step_s:
        numbers.append((f"{1 / step_s:.3g} /s", "images"))
    if progress.result is not None:
        numbers.insert(0, (f"{100 * progress.result.accuracy:.2f} %", f"of {progress.result.images} test images"))
    return Standing(progress.shown, most, "images", step_s, numbers)


def spiking_panels(progress: Progress, unit: str, classes: Classes = ()) -> list[Panel]:
    """Return the panels of a training that has shown an image; conductances have this unit, classes these names."""
    images = window_of(progress.record)
    late = recent(progress.record, images)
    result, names = progress.result, progress.labels
    window = f"moving over the last {images} images, while they are learnt"
    levels = {"chance": 100 / len(progress.totals.classes)}
    levels |= {} if result is None else {f"{result.images} test images": 100 * result.accuracy}
    found = [
        panels.lines(
            "accuracy",
            f"Accuracy, {window}",
            late[:, 0],
            {"accuracy": 100 * late[:, 1]},
            x_label="training images",
            y_label="%",
            levels=levels,
            low=0.0,
        ),
        panels.fields(
            "fields",
            "Receptive fields",
            progress.state.weights,
            None if names is None else [name_of(each, classes) for each in names.of_neurons.tolist()],
            unit,
        ),
        panels.lines(
            "spikes",
            f"Output spikes per image, {window}",
            late[:, 0],
            {"spikes": late[:, 3]},
            x_label="training images",
            y_label="spikes",
            low=0.0,
        ),
    ]
    if result is not None:
        answered = [name_of(each, classes) for each in result.classes.tolist()]
        about = "rows: true class; columns: answer"
        named = answered, answered
        found.append(panels.grid("answers", "Answers to the test images", result.confusion, "", named, about=about))
    return found


def window_of(record: IntArray) -> int:
    """Return over how many images accuracy is drawn: `RECENT`, of short trainings fewer, so that its course shows.

    >>> window_of(np.array([[80, 0, 0, 0]])), window_of(np.array([[1800, 0, 0, 0]]))
    (10, 200)
    """
    return min(RECENT, max(10, int(record[-1, 0]) // 8))


def recent(record: IntArray, window: int = RECENT) -> FloatArray:
    """Return of a (M, 4) record, line by line, what it comes to over the last images.

    Returns
    -------
    ndarray of float, shape (M, 4)
        Images so far; over the last `window` of them the share answered rightly, the share that was silent, and output
        spikes an image.

    Examples
    --------
    >>> recent(np.array([[10, 0, 0, 40], [20, 8, 1, 60]]), 10)
    array([[10. ,  0. ,  0. ,  4. ],
           [20. ,  0.8,  0.1,  6. ]])
    """
    shown = record[:, 0]
    sums = np.vstack([np.zeros((1, 3), np.int64), record[:, 1:].cumsum(axis=0)])
    first = np.searchsorted(shown, shown - window, side="right")
    images = shown - np.concatenate([[0], shown])[first]
    return np.column_stack([shown, (sums[1:] - sums[first]) / images[:, None]])
