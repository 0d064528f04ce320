"""Single figures of the pages that are no yields: the trainings of seed 1, relays that move, stripes that are learnt.

python benchmarks/training/examples.py [--only relay_moves]
"""

import tempfile
from functools import partial
from pathlib import Path

import numpy as np

from crossbar_hil import open_bench
from crossbar_hil.bench.file import load_bench
from crossbar_hil.benchmarks.study import Study, main
from crossbar_hil.benchmarks.training import readme_picture
from crossbar_hil.drivers.schemes.plan import (
    best_order,
    naive_operations,
    operations,
    read_plan,
    state_between,
    without_ports,
)
from crossbar_hil.drivers.schemes.read_schemes import read_scheme
from crossbar_hil.drivers.schemes.write_schemes import write_scheme
from crossbar_hil.runs.store import load_run
from crossbar_hil.shipped import data_file
from crossbar_hil.spiking.settings import SpikingSettings
from crossbar_hil.spiking.training import train_spiking
from crossbar_hil.training.patterns import PatternSet
from crossbar_hil.training.settings import make_trainer

TASK = PatternSet.from_csv(data_file("perceptron"))
PULSED = [(0, 0), (0, 3), (1, 1), (1, 2), (2, 0), (2, 3), (3, 1), (3, 3)]


def training(preset, **settings):
    """Train the virtual chip of seed 1, as ``crossbar-hil train --seed 1`` does."""
    bench = load_bench("simulated", preset=preset, overrides={"training": settings})
    with open_bench("simulated", preset=preset, seed=1) as backend:
        result = make_trainer(bench.training, backend).run(TASK.train, TASK.train_labels)
    return outcome(result)


def outcome(result):
    return {"verdict": result.verdict, "epochs": result.epochs, "pulses": result.pulses}


def relay_moves(read, write, ports):
    """Count the relays of one epoch: six patterns, a read of every cell, eight pulses, from all relays open."""
    reads, writes = read_scheme(read, ports), write_scheme(write, ports)
    voltages = np.vstack([0.2 * TASK.train - 0.1, 0.1 * np.eye(4)])
    counts = np.zeros((4, 4), dtype=np.int64)
    counts[tuple(zip(*PULSED, strict=True))] = 1
    cut = set(ports) - {"ground"} - ({"drive"} if "meter" in ports else set())  # while the meter changes its range
    steps = reads.steps(voltages, (4, 4))
    states = best_order(read_plan(steps))
    cells = [writes.assignment((int(r), int(c)), (4, 4)) for r, c in np.argwhere(counts)]
    pulses = best_order(cells, without_ports(states[-1], cut))
    return {
        "planned": operations([*states, state_between(states[-1], pulses[0], cut), *pulses]),
        "naive": naive_operations(reads, voltages, writes, counts, (4, 4)),
        "readings": len(steps),
        "states": len(states),
    }


def stripes(seeds):
    """Train the spiking network on the simulated chips of some seeds."""
    settings = SpikingSettings(dataset="stripes", bench="simulated")
    with tempfile.TemporaryDirectory() as folder:
        told = [load_run(train_spiking(settings, seed=seed, out=Path(folder)).folder).facts for seed in seeds]
    return {
        "chips": len(told),
        "learnt": sum(each["accuracy"] == 1 for each in told),
        "reads": told[0]["reads"],
        "pulses": told[0]["pulses"],
    }


def studies():
    moves = {
        "schemes": "{name}",
        "planned": "{planned} relays move",
        "pattern by pattern, column by column": "{naive}",
        "readings": "{readings}",
        "states": "{states}",
    }
    benches = {
        "`virtual ground`, `symmetric half-select`": ("drive", "meter", "ground"),
        "`guarded`, `divider half-select`": ("drive", "ground", "guard", "divider"),
    }
    return {
        "seed_one": Study(
            "Simulated chip of seed 1, unless it says another.",
            {"": "{name}", "epochs": "{epochs}", "pulses": "{pulses}"},
            {
                "default settings": partial(training, None),
                "with the pull back": partial(training, None, pull_back=True),
                "reference preset": partial(training, "reference"),
                f"starts that spread by 20 %, seed {readme_picture.SEED}": lambda: outcome(readme_picture.training()),
            },
        ),
        "relay_moves": Study(
            "One epoch of the default task on 4 x 4 cells, from all relays open.",
            moves,
            {name: partial(relay_moves, *name.strip("`").split("`, `"), ports) for name, ports in benches.items()},
        ),
        "stripes": Study(
            "Simulated chips.",
            {"": "{name}", "chips": "{chips}", "learnt": "{learnt}"},
            {"seed 1": partial(stripes, [1]), "seeds 1001 to 1040": partial(stripes, range(1001, 1041))},
        ),
    }


if __name__ == "__main__":
    main(__doc__, studies)
