"""Where a spiking training stands, as arrays that a checkpoint holds."""

from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from crossbar_hil.arrays import FloatArray, IntArray
from crossbar_hil.errors import DataError
from crossbar_hil.results.arrays import Variable
from crossbar_hil.results.result import Drawing, Result, Series
from crossbar_hil.spiking.network.labels import Evaluation, Labels
from crossbar_hil.spiking.network.model import NetworkState
from crossbar_hil.spiking.network.neurons import NeuronState
from crossbar_hil.text import counted

SCHEMA_VERSION = 1
RECENT = 200
"""The accuracy shown while a network learns is that of so many images."""
WARNED = 0.05
"""Share of these that may be silent without a warning."""
STOPPED_AFTER = 500
"""A training ends when more than half of so many images were silent."""


@dataclass(frozen=True, eq=False, repr=False)
class Progress(Result):
    """Where a training stands, and what came of it."""

    drawn_by: ClassVar[str] = "spiking"
    plots: ClassVar[tuple[str, ...]] = ("accuracy", "fields", "confusion")

    state: NetworkState
    totals: Labels
    """What the neurons answered while they learnt."""
    record: IntArray
    """(M, 4) a line for each part of the training: images so far, answered rightly, silent, output spikes."""
    labels: Labels | None = None
    """What the neurons stand for, once training is over."""
    result: Evaluation | None = None
    sample: FloatArray = field(default_factory=lambda: np.empty((0, 0)))
    """(S, K) some test images, for figures."""
    sample_labels: IntArray = field(default_factory=lambda: np.empty(0, np.int64))
    order: IntArray | None = None
    """(K,) input of each row of the array, from the top down; None if they are in order."""

    @property
    def shown(self) -> int:
        """Training images shown so far, over all passes."""
        return int(self.record[-1, 0]) if len(self.record) else 0

    @property
    def spikes(self) -> int:
        """Output spikes while learning."""
        return int(self.record[:, 3].sum())

    def warning(self) -> str:
        """Say that images fall silent, or nothing."""
        silent, images = silent_of_last(self.record, RECENT)
        if images < RECENT or silent < WARNED * images:
            return ""
        return f"{silent} of the last {images} images were silent: the neurons no longer reach their thresholds"

    def why_to_stop(self) -> str:
        """Say that most images are silent, so that there is no use in going on, or nothing."""
        silent, images = silent_of_last(self.record, STOPPED_AFTER)
        if images < STOPPED_AFTER or 2 * silent <= images:
            return ""
        return (
            f"stopped after {self.shown} images: {silent} of the last {images} were silent, so nothing is learnt any "
            "more; fewer images or passes, more neurons, less wire, or --homeostasis paced keep thresholds within "
            "reach"
        )

    def told(self) -> list[tuple[str, str]]:
        """Return how far it is, and what came of it."""
        inputs, neurons = self.state.weights.shape
        return [
            *([] if self.result is None else self.result.told()[:1]),
            ("shown", counted(self.shown, "training image")),
            ("output spikes", str(self.spikes)),
            ("network", f"{inputs} inputs, {neurons} neurons"),
        ]

    def series(self) -> Series:
        """Return one line a part of the training."""
        return Series(["Images", "Right", "Silent", "Output spikes"], iter(self.record.tolist()))

    def variables(self) -> dict[str, Variable]:
        """Return the network, the record of the training and the answers; weights are in the unit of the network."""
        state, record = self.state, self.record
        inputs, neurons = state.weights.shape
        found = {
            "weight": Variable(("input", "neuron"), state.weights, "1", "weight of the synapse"),
            "gain": Variable(("neuron",), state.gains, "1", "gain of the column"),
            "threshold": Variable(("neuron",), state.neurons.thresholds, "V", "threshold of the neuron"),
            "right": Variable(("images",), record[:, 1], "1", "images of the part answered rightly"),
            "silent": Variable(("images",), record[:, 2], "1", "images of the part without an output spike"),
            "spikes": Variable(("images",), record[:, 3], "1", "output spikes of the part"),
            "images": Variable(("images",), record[:, 0], "1", "training images shown so far"),
            "input": Variable(("input",), np.arange(inputs), "1", "number of the input, from 0"),
            "neuron": Variable(("neuron",), np.arange(neurons), "1", "number of the neuron, from 0"),
        }
        if self.labels is not None:
            found["label"] = Variable(("neuron",), self.labels.of_neurons, "1", "class that the neuron stands for")
        return found | ({} if self.result is None else self.result.variables())

    def _to_be_drawn(self, what: str) -> Drawing:
        if what == "fields":
            return Drawing("fields", (self.state.weights, self.labels), {"unit": ""})
        if what == "accuracy":
            return Drawing("accuracy", (self.record, self.result), {"chance": 1 / len(self.totals.classes)})
        if self.result is None:
            raise DataError(f"no figure {what!r} yet: the network has not been tested")
        return self.result._to_be_drawn(what)

    def arrays(self) -> dict[str, Any]:
        """Return everything as arrays by name."""
        state = self.state
        found: dict[str, Any] = {
            "schema": np.array(SCHEMA_VERSION),
            "weights": state.weights,
            "gains": state.gains,
            "membranes": state.neurons.membranes,
            "thresholds": state.neurons.thresholds,
            "refractory": state.neurons.refractory,
            "last_inputs": state.last_inputs,
            "now": np.array(state.now),
            "presented": np.array(state.presented),
            "record": self.record,
            "sample": self.sample,
            "sample_labels": self.sample_labels,
        }
        if state.kept is not None:
            found["kept"] = state.kept
        if self.order is not None:
            found["order"] = self.order
        for name, labels in (("totals", self.totals), ("labels", self.labels)):
            if labels is not None:
                found |= {f"{name}_{each.name}": getattr(labels, each.name) for each in fields(labels)}
        if self.result is not None:
            found |= {f"result_{each.name}": np.array(getattr(self.result, each.name)) for each in fields(self.result)}
        return found

    @classmethod
    def of(cls, found: dict[str, NDArray[Any]]) -> "Progress":
        """Return it from arrays by name."""

        def labels(name: str) -> Labels | None:
            if f"{name}_totals" not in found:
                return None
            return Labels(*(found[f"{name}_{each}"] for each in ("classes", "totals", "shown")))

        totals = labels("totals")
        if totals is None or int(found["schema"]) != SCHEMA_VERSION:
            raise ValueError(f"schema version {found['schema']}, this program reads {SCHEMA_VERSION}")
        neurons = NeuronState(found["membranes"], found["thresholds"], found["refractory"])
        state = NetworkState(
            found["weights"], found.get("kept"), found["gains"], neurons, found["last_inputs"],
            int(found["now"]), int(found["presented"]),
        )  # fmt: skip
        result = None
        if "result_confusion" in found:
            result = Evaluation(
                found["result_classes"],
                found["result_confusion"],
                int(found["result_silent"]),
                int(found["result_images"]),
            )
        return cls(
            state, totals, found["record"], labels("labels"), result, found["sample"], found["sample_labels"],
            found.get("order"),
        )  # fmt: skip


def silent_of_last(record: IntArray, images: int) -> tuple[int, int]:
    """Return how many of about the last so many images were silent, and how many these are.

    >>> silent_of_last(np.array([[10, 0, 9, 0], [20, 0, 1, 5], [30, 0, 2, 5]]), 20)
    (3, 20)
    """
    if not len(record):
        return 0, 0
    first = int(np.searchsorted(record[:, 0], record[-1, 0] - images, side="right"))
    before = record[first - 1, 0] if first else 0
    return int(record[first:, 2].sum()), int(record[-1, 0] - before)
