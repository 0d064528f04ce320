"""Thresholds for any number of images: what was chosen on images held out of training, and what it gives in the test.

The first table trains on the first images of the training file of MNIST and tests on its last 10,000, which nothing is
trained on. The second one is what the defaults of the command line give on the test set. The environment variable
CROSSBAR_HIL_MNIST names the folder of the four files, see docs/spiking_results.md.

    CROSSBAR_HIL_MNIST=FOLDER python benchmarks/spiking/spiking_homeostasis.py [--only spiking_homeostasis]
"""

import functools
from functools import partial

import numpy as np

from crossbar_hil.benchmarks.spiking.spiking_reproduction import accuracy, folder, trained
from crossbar_hil.benchmarks.study import Study, main
from crossbar_hil.spiking.computed import train_and_test
from crossbar_hil.spiking.network.pacing import pace, paced_model, paced_protocol
from crossbar_hil.spiking.settings import SpikingSettings
from crossbar_hil.spiking.tasks.images import Images, mnist, select_classes
from crossbar_hil.spiking.tasks.models import CLASSES, TUNED, TUNED_SHOWN, TUNED_TEN, tuned_model

SEED = 0
SEEDS, SEEDS_TEN = 5, 2
LOOKED_AT = {"999": 2000, "2,959": 6000, "9,993": 20_000, "25,072": 50_000}
"""Images of the five digits, and of all digits among which they are."""
HELD_OUT = 50_000
"""Images from here on are not trained on."""
SEEDS_ORDER = 3
"""Networks, each with all images before that in an order of its own."""


def held_out(exponent):
    """Train with increments as they are (None), or paced, with rates by a power of the pace."""
    all_images = mnist(folder(), resize="area").train
    valid = select_classes(all_images.intensities[HELD_OUT:], all_images.labels[HELD_OUT:], CLASSES)
    found = {}
    for place, count in enumerate(LOOKED_AT.values()):
        images = select_classes(all_images.intensities[:count], all_images.labels[:count], CLASSES)
        share = 1.0 if exponent is None else pace(len(images), TUNED, 50, TUNED_SHOWN)
        protocol = paced_protocol(TUNED, share, exponent or 0)
        network = trained(paced_model(tuned_model("siemens"), share), protocol, images, SEED)
        found[f"of_{place}"], _ = accuracy(network, valid)
    return found


def in_order(exponent):
    """Train on all images not held out, in an order drawn for each network, with rates by a power of the pace."""
    all_images = mnist(folder(), resize="area").train
    valid = select_classes(all_images.intensities[HELD_OUT:], all_images.labels[HELD_OUT:], CLASSES)
    images = select_classes(all_images.intensities[:HELD_OUT], all_images.labels[:HELD_OUT], CLASSES)
    share = pace(len(images), TUNED, 50, TUNED_SHOWN)
    right = []
    for seed in range(SEEDS_ORDER):
        order = np.random.default_rng([seed, 50]).permutation(len(images))
        some = Images(images.intensities[order], images.labels[order])
        network = trained(
            paced_model(tuned_model("siemens"), share), paced_protocol(TUNED, share, exponent), some, seed
        )
        right.append(accuracy(network, valid)[0])
    return {"mean": float(np.mean(right)), "low": min(right), "high": max(right)}


@functools.cache
def in_test(seed, **given):
    """Train and test as the command line does: per cent right, training images, silent in training and test."""
    progress, result = train_and_test(SpikingSettings(dataset="mnist", data=str(folder()), **given), seed)
    passes = (TUNED if given.get("classes") else TUNED_TEN).passes
    return 100 * result.accuracy, progress.shown // passes, int(progress.record[:, 2].sum()), result.silent


def of_seeds(seeds, given, fewer=()):
    """Test networks of the seeds from 0 on; with what is lost at most to the same seed trained on fewer images."""
    right, images, silent, untold = zip(*(in_test(seed, **given) for seed in range(seeds)), strict=True)
    before = [[in_test(seed, **less)[0] for seed in range(seeds)] for less in fewer]
    return {
        "images": images[0], "seeds": seeds, "mean": float(np.mean(right)), "std": float(np.std(right, ddof=1)),
        "low": min(right), "high": max(right), "lost": float((np.array(before) - right).max()) if before else None,
        "silent": float(np.mean(silent)), "untold": float(np.mean(untold)),
    }  # fmt: skip


def studies():
    columns = {"": "{name}"} | {f"{count} images, %": f"{{of_{place}:.1f}}" for place, count in enumerate(LOOKED_AT)}
    rows = {"increments as they were": partial(held_out, None)} | {
        f"paced, rates by the power {exponent} of the pace": partial(held_out, exponent)
        for exponent in (0, 0.25, 0.5, 0.75)
    }
    five = {"classes": CLASSES}
    tests = {
        "five digits, 50 neurons, --train 2000": five | {"train": 2000},
        "five digits, 50 neurons, --train 6000": five | {"train": 6000},
        "five digits, 50 neurons, --train 20000": five | {"train": 20_000},
        "five digits, 50 neurons": five,
    }
    rows_of_tests = {
        name: partial(of_seeds, SEEDS, given, list(tests.values())[:place])
        for place, (name, given) in enumerate(tests.items())
    }
    small = {"train": 10_000}
    rows_of_tests["ten digits, 150 neurons, --train 10000"] = partial(of_seeds, SEEDS_TEN, small)
    rows_of_tests["ten digits, 150 neurons"] = partial(of_seeds, SEEDS_TEN, {}, [small])
    return {
        "spiking_homeostasis": Study(f"The network of seed {SEED}.", columns, rows),
        "spiking_homeostasis_order": Study(
            f"25,072 images; networks of the seeds 0 to {SEEDS_ORDER - 1}.",
            {"": "{name}", "held out, %": "{mean:.1f}", "from .. to": "{low:.1f} .. {high:.1f}"},
            {f"rates by the power {exponent} of the pace": partial(in_order, exponent) for exponent in (0, 0.25, 0.5)},
        ),
        "spiking_images": Study(
            "Networks of the seeds from 0 on; lost: at most, to fewer images with the same seed.",
            {
                "": "{name}", "training images": "{images:,}", "test set, %": "{mean:.1f} +- {std:.1f}",
                "from .. to": "{low:.1f} .. {high:.1f}", "seeds": "{seeds}", "lost, points": "{lost:.1f}",
                "silent in training": "{silent:,.1f}", "silent in the test": "{untold:.1f}",
            },
            rows_of_tests,
        ),
    }  # fmt: skip


if __name__ == "__main__":
    main(__doc__, studies, "CROSSBAR_HIL_MNIST=FOLDER ")
