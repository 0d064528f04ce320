"""What effects of real devices cost the spiking network on an ideal crossbar, one at a time.

Five digits, 50 neurons, 999 training images and 5,048 test images of MNIST, trained and tested as the command line does
with the options named. The environment variable CROSSBAR_HIL_MNIST names the folder of the four files, see
docs/spiking_results.md.

    CROSSBAR_HIL_MNIST=FOLDER python benchmarks/spiking/spiking_effects.py [--only spiking_effects]
"""

from functools import cache, partial

import numpy as np

from crossbar_hil.benchmarks.spiking.spiking_reproduction import folder
from crossbar_hil.benchmarks.study import Study, main
from crossbar_hil.spiking.computed import images_of, train_and_test
from crossbar_hil.spiking.examination import Faults, examine_network
from crossbar_hil.spiking.settings import SpikingSettings
from crossbar_hil.spiking.tasks.models import CLASSES
from crossbar_hil.spiking.view import SilentView

SEEDS = 2
WRITTEN = {
    "none": {},
    **{f"--step-variation {share}": {"step_variation": share} for share in (0.3, 3.0)},
    **{f"--write-noise {share}": {"write_noise": share} for share in (0.01, 0.03, 0.1)},
    **{f"--relaxation {images}": {"relaxation_images": float(images)} for images in (1000, 300, 100)},
}
READ = {
    **{f"--column-noise {share}": {"column_noise": share} for share in (0.03, 0.1, 0.3)},
    "--read-noise 0.3": {"read_noise": 0.3},
    '--column-offset "5 mA"': {"column_offset_a": 5e-3},
    "--stuck-rows 20": {"stuck_rows": 20},
    "--dead 0.1": {"dead": 0.1},
    "--step-spread 0.3": {"step_spread": 0.3},
    "--shape-spread 0.5": {"shape_spread": 0.5},
}
TESTED = {
    "--drift 0.05 --wait 10000": {"drift": 0.05, "wait_images": 1e4},
    "--relaxation 1000 --wait 100": {"relaxation_images": 1000.0, "wait_images": 100.0},
    "--write-noise 0.1": {"write_noise": 0.1},
    "--column-noise 0.3": {"column_noise": 0.3},
    "--step-spread 0.3": {"step_spread": 0.3},
}


def base(**given):
    return SpikingSettings(dataset="mnist", data=str(folder()), classes=CLASSES, train=2000, neurons=50, **given)


def told(results):
    percent = [100 * each.accuracy for each in results]
    return {
        "mean": float(np.mean(percent)), "low": min(percent), "high": max(percent), "seeds": len(percent),
        "silent": float(np.mean([each.silent for each in results])),
    }  # fmt: skip


def trained(**given):
    """Train and test networks of the first seeds."""
    return told([train_and_test(base(**given), seed)[1] for seed in range(SEEDS)])


@cache
def ideal(seed):
    return train_and_test(base(), seed)[0]


def tested(**given):
    """Train ideal networks of the first seeds, and test them with faults that training did not have."""
    settings, results = base(), []
    for seed in range(SEEDS):
        progress = ideal(seed)
        faults = Faults(seed=seed, **given)
        more = {"seed": seed, "faults": faults, "view": SilentView()}
        results.append(examine_network(settings, images_of(settings), progress.state, progress.labels, **more))
    return told(results)


def studies():
    columns = {
        "": "{name}", "test set, %": "{mean:.1f}", "from .. to": "{low:.1f} .. {high:.1f}", "seeds": "{seeds}",
        "images without a spike": "{silent:.1f}",
    }  # fmt: skip
    about = "In training, labelling and test."
    return {
        name: Study(about, columns, {row: partial(trained, **given) for row, given in rows.items()})
        for name, rows in (("spiking_effects", WRITTEN), ("spiking_effects_read", READ))
    } | {
        "spiking_effects_since": Study(
            "In the test only, of networks whose training was ideal; their labels stand.",
            columns,
            {name: partial(tested, **given) for name, given in TESTED.items()},
        ),
    }


if __name__ == "__main__":
    main(__doc__, studies, "CROSSBAR_HIL_MNIST=FOLDER ")
