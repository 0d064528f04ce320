"""The array of a spiking network as a design: accuracy over the whole range of cells, with wires of 1 ohm.

Five digits, 50 neurons, 999 training images and 5,048 test images of MNIST, cells of 100 ohm to 20 kohm, trained and
tested as the command line does with the options named. The environment variable CROSSBAR_HIL_MNIST names the folder of
the four files, see docs/spiking_results.md.

    CROSSBAR_HIL_MNIST=FOLDER python benchmarks/spiking/spiking_array.py [--only spiking_array]
"""

import functools
import time
from dataclasses import replace
from functools import partial

import numpy as np

from crossbar_hil.benchmarks.spiking.spiking_reproduction import folder
from crossbar_hil.benchmarks.study import Study, main
from crossbar_hil.spiking.computed import computed_network, images_of, train_and_test
from crossbar_hil.spiking.network.labels import answers
from crossbar_hil.spiking.settings import SpikingSettings, engine_of
from crossbar_hil.spiking.tasks.images import Images
from crossbar_hil.spiking.tasks.models import CLASSES, HIGH_SIEMENS

BEST = {"soft": True, "order": "variance"}
ENDS = {"drive": "both", "sense": "both"}
ARRAYS = {
    "one array, single ends": {},
    "--soft": {"soft": True},
    "--order variance": {"order": "variance"},
    "--soft --order variance": BEST,
    "--soft --order variance --drive both": BEST | {"drive": "both"},
    "--soft --order variance --drive both --sense both": BEST | ENDS,
    "--soft --order variance --tiles 4x1": BEST | {"tiles": "4x1"},
    "--soft --order variance --tiles 14x1": BEST | {"tiles": "14x1"},
}
CELLS = {
    f"{cell}, 16 states, --soft --order variance --drive both --sense both": BEST | ENDS | {"cell": cell, "states": 16}
    for cell in ("cubic", "sinh:b_per_v=2")
}
EXACT = 50
"""Test images that are shown with every circuit solved."""
SEEDS, FEWER_SEEDS = 5, 3
"""Networks of the best arrays with single ends and with both, and of the other ones."""
RENEWED = (5, 20, 50)
"""Training images between two renewals."""
SHORT, SHORT_SEEDS = 60, 2
"""Training images, shown once, of the networks that are compared with exactly solved ones."""


def base(**given):
    return SpikingSettings(
        dataset="mnist", data=str(folder()), classes=CLASSES, train=2000, neurons=50, wire_ohm=1.0, **given
    )


def seeds(count, **given):
    """Train and test networks of the first seeds."""
    found = [train_and_test(base(**given), seed)[1] for seed in range(count)]
    percent = [100 * each.accuracy for each in found]
    return {
        "mean": float(np.mean(percent)), "std": float(np.std(percent, ddof=1)), "low": min(percent),
        "high": max(percent), "seeds": count,
        "silent": float(np.mean([each.silent for each in found])),
    }  # fmt: skip


def with_cells(**given):
    """Train a network of cells that are not ohmic, and test it with secants and, on a few images, exactly."""
    settings = base(renew=50, **given)
    split = images_of(settings)
    network = computed_network(settings, split, 0)
    before = time.process_time()
    for number in range(network.protocol.passes):
        network.learn(split.train.intensities, number)
    seconds = time.process_time() - before
    labels = network.labels = network.label(split.train.intensities, split.train.labels)
    result = network.test(split.test.intensities, split.test.labels)
    some, known = split.test.intensities[:EXACT], split.test.labels[:EXACT]
    quick = network.respond(some)
    network.engine = engine_of(replace(settings, renew=None), split)
    exact = network.respond(some)
    right = [100 * float((answers(each, labels, "likelihood") == known).mean()) for each in (quick, exact)]
    return {
        "accuracy": 100 * result.accuracy, "silent": result.silent, "speed": 3 * len(split.train) / seconds,
        "quick": right[0], "exact": right[1],
    }  # fmt: skip


@functools.cache
def short(renew, seed):
    """Train one pass of a few images, with shares renewed every so many or (None) every circuit solved.

    Returns
    -------
    weights : ndarray of float32, shape (K, N)
        In siemens.
    accuracy : float
        Per cent right of all test images, with the exact circuit.
    """
    settings = base(renew=renew, passes=1, **BEST, **ENDS)
    split = images_of(settings)
    few = Images(split.train.intensities[:SHORT], split.train.labels[:SHORT])
    network = computed_network(settings, split, seed)
    network.learn(few.intensities)
    network.label(few.intensities, few.labels)
    return network.state.weights, 100 * network.test(split.test.intensities, split.test.labels).accuracy


def renewed(renew):
    """Train with shares renewed every so many images, all of it and a short part, and compare with exact circuits."""
    found = [short(renew, seed) for seed in range(SHORT_SEEDS)]
    exact = [short(None, seed) for seed in range(SHORT_SEEDS)]
    apart = [each[0].astype(np.float64) - other[0] for each, other in zip(found, exact, strict=True)]
    whole = seeds(FEWER_SEEDS, renew=renew, **BEST, **ENDS) if renew else dict.fromkeys(("mean", "std", "low", "high"))
    return whole | {
        "short": float(np.mean([each[1] for each in found])),
        "apart": 100 * float(np.sqrt(np.mean(np.square(apart)))) / HIGH_SIEMENS,
    }


def studies():
    about = "Shares renewed every 20 images; labelled and tested with the exact circuit. Seeds from 0 on."
    columns = {
        "": "{name}", "test set, %": "{mean:.1f} +- {std:.1f}", "from .. to": "{low:.1f} .. {high:.1f}",
        "seeds": "{seeds}", "images without a spike": "{silent:.1f}",
    }  # fmt: skip
    rows = {
        name: partial(seeds, SEEDS if given in (BEST, BEST | ENDS) else FEWER_SEEDS, renew=20, **given)
        for name, given in ARRAYS.items()
    }
    cells = {
        "cells": "{name}", "test set, %": "{accuracy:.1f}", "images without a spike": "{silent}",
        f"first {EXACT}, secants, %": "{quick:.0f}", f"first {EXACT}, every circuit solved, %": "{exact:.0f}",
        "training images/s": "{speed:.0f}",
    }  # fmt: skip
    told = "The network of seed 0, secants renewed every 50 images; processor time on a machine shared with others."
    renewals = {
        "renewed": "{name}", "test set, %": "{mean:.1f}", "+-": "{std:.1f}",
        f"{SHORT} images, one pass, %": "{short:.1f}", "weights apart from exact ones, % of the range": "{apart:.2f}",
    }  # fmt: skip
    compared = (
        "--soft --order variance --drive both --sense both; 999 images in three passes with the seeds 0 to "
        f"{FEWER_SEEDS - 1}, {SHORT} images in one with the seeds 0 to {SHORT_SEEDS - 1}; r.m.s. over all cells."
    )
    return {
        "spiking_array": Study(about, columns, rows),
        "spiking_array_renew": Study(
            compared,
            renewals,
            {f"every {count} images": partial(renewed, count) for count in RENEWED}
            | {"every circuit solved": partial(renewed, None)},
        ),
        "spiking_array_cells": Study(
            told, cells, {name: partial(with_cells, **given) for name, given in CELLS.items()}
        ),
    }


if __name__ == "__main__":
    main(__doc__, studies, "CROSSBAR_HIL_MNIST=FOLDER ")
