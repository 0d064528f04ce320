"""Thresholds for any number of images: what was chosen on images held out of training, and what it gives in the test.

The first table trains on the first images of the training file of MNIST and tests on its last 10,000, which nothing is
trained on. The second one is what the defaults of the command line give on the test set. The environment variable
CROSSBAR_HIL_MNIST names the folder of the four files, see docs/spiking_results.md.

    CROSSBAR_HIL_MNIST=FOLDER python benchmarks/spiking_homeostasis.py [--only spiking_homeostasis]
"""

from dataclasses import replace
from functools import partial

from spiking_reproduction import accuracy, folder, trained
from study import Study, main

from crossbar_hil.spiking.computed import train_and_test
from crossbar_hil.spiking.network.pacing import pace, paced_model
from crossbar_hil.spiking.settings import SpikingSettings
from crossbar_hil.spiking.tasks.images import mnist, select_classes
from crossbar_hil.spiking.tasks.models import CLASSES, TUNED, TUNED_SHOWN, tuned_model

SEED = 0
LOOKED_AT = {"999": 2000, "2,959": 6000, "9,993": 20_000, "25,072": 50_000}
"""Images of the five digits, and of all digits among which they are."""
HELD_OUT = 50_000
"""Images from here on are not trained on."""


def held_out(exponent):
    """Train with increments as they are (None), or paced, with rates by a power of the pace."""
    all_images = mnist(folder(), resize="area").train
    valid = select_classes(all_images.intensities[HELD_OUT:], all_images.labels[HELD_OUT:], CLASSES)
    found = {}
    for place, count in enumerate(LOOKED_AT.values()):
        images = select_classes(all_images.intensities[:count], all_images.labels[:count], CLASSES)
        share = 1.0 if exponent is None else pace(len(images), TUNED, 50, TUNED_SHOWN)
        protocol = replace(TUNED, rates=tuple(share ** (exponent or 0) * rate for rate in TUNED.rates))
        network = trained(paced_model(tuned_model("siemens"), share), protocol, images, SEED)
        found[f"of_{place}"], _ = accuracy(network, valid)
    return found


def in_test(**given):
    """Train and test as the command line does."""
    settings = SpikingSettings(dataset="mnist", data=str(folder()), **given)
    progress, result = train_and_test(settings, SEED)
    return {
        "images": progress.shown // TUNED.passes if given.get("classes") else progress.shown // 2,
        "accuracy": 100 * result.accuracy,
        "silent": int(progress.record[:, 2].sum()),
        "untold": result.silent,
    }


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
        "ten digits, 150 neurons, --train 10000": {"train": 10_000},
        "ten digits, 150 neurons": {},
        "ten digits, 100 neurons": {"neurons": 100},
    }
    about = f"The network of seed {SEED}."
    return {
        "spiking_homeostasis": Study(about, columns, rows),
        "spiking_images": Study(
            about,
            {
                "": "{name}", "training images": "{images:,}", "test set, %": "{accuracy:.1f}",
                "silent in training": "{silent:,}", "silent in the test": "{untold}",
            },
            {name: partial(in_test, **given) for name, given in tests.items()},
        ),
    }  # fmt: skip


if __name__ == "__main__":
    main(__doc__, studies, "CROSSBAR_HIL_MNIST=FOLDER ")
