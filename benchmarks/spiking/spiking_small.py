"""Tasks for small arrays: how many simulated chips learn them, and what each costs behind emulated instruments.

Seeds from 1001 on, by which no setting was chosen; trained and tested as the command line does.

    python benchmarks/spiking/spiking_small.py [--only small_yield]
"""

import json
import subprocess
import sys
import tempfile
from collections import Counter, deque
from functools import partial
from pathlib import Path

import numpy as np

from crossbar_hil.bench.file import load_bench
from crossbar_hil.bench.opening import open_backend
from crossbar_hil.benchmarks.study import Study, main
from crossbar_hil.spiking.device_work import with_depressing_pulse
from crossbar_hil.spiking.network.backend_engine import BackendEngine
from crossbar_hil.spiking.network.network import SpikingNetwork
from crossbar_hil.spiking.tasks.images import Images
from crossbar_hil.spiking.tasks.small import SmallTask
from crossbar_hil.spiking.teaching import first_progress, label_and_test, teach

FIRST, CHIPS = 1001, 100
SPREAD, FEWER = 0.3, 40
SEED = 1
MOST = 0.95
"""Share of right answers from which on a chip is counted as one that has learnt most."""


def trained(task, seed, tests=(), **chip):
    """Train and test the simulated chip of a seed, as ``snn train`` does.

    Returns the result, reads and pulses, and the accuracy with other `tests`, shown to the same chip afterwards.
    """
    bench = with_depressing_pulse(load_bench("simulated", task=task, overrides={"chip": chip}))
    split = task.samples()
    with open_backend(bench, seed=seed) as backend:
        engine = BackendEngine(backend, bench.training.pulse, bench.training.depress)
        model = task.model(backend.shape[1])
        network = SpikingNetwork(model, engine, seed=seed, protocol=task.teaching, encode=task.encode)
        network.state = engine.begin(model)
        (progress,) = deque(teach(network, split, first_progress(network, split), 1), maxlen=1)
        result = label_and_test(network, split, progress, lambda *_: None).result
        spent = engine.reads, engine.pulses
        return result, *spent, [network.test(each.intensities, each.labels).accuracy for each in tests]


def learnt(name):
    """Train chips by which no setting was chosen, and some of which the steps differ from cell to cell."""
    task, seeds = SmallTask.read(name), range(FIRST, FIRST + CHIPS)
    results, reads, pulses, _ = zip(*(trained(task, seed) for seed in seeds), strict=True)
    accuracy = np.array([each.accuracy for each in results])
    spread = np.array([trained(task, seed, step_spread=SPREAD)[0].accuracy for seed in seeds[:FEWER]])
    labels = task.samples().test.labels
    shown = CHIPS * np.unique(labels, return_counts=True)[1]
    return {
        "size": "{} x {}".format(*task.shape),
        "chips": CHIPS,
        "images": len(labels),
        "mean": 100 * float(accuracy.mean()),
        "low": 100 * float(accuracy.min()),
        "all_right": int((accuracy == 1).sum()),
        "most_right": int((accuracy >= MOST).sum()),
        "by_class": (100 * np.diag(sum(each.confusion for each in results)) / shown).tolist(),
        "reads": float(np.mean(reads)),
        "pulses": float(np.mean(pulses)),
        "spread_chips": FEWER,
        "spread_mean": 100 * float(spread.mean()),
        "spread_most_right": int((spread >= MOST).sum()),
    }


def letters():
    """Count right answers to the letters as they are, and to those with a pixel wrong."""
    task = SmallTask.read("zvn")
    train, test = task.samples().train, task.samples().test
    clean = (test.intensities[:, None] == train.intensities).all(axis=2).any(axis=1)
    parts = [Images(test.intensities[chosen], test.labels[chosen]) for chosen in (clean, ~clean)]
    found = [trained(task, seed, parts)[3] for seed in range(FIRST, FIRST + CHIPS)]
    return dict(zip(("clean", "wrong"), (100 * np.mean(found, axis=0)).tolist(), strict=True))


def rehearsed(name):
    """Train a task behind emulated instruments and their guard by the command line, and count what happened."""
    command = [str(Path(sys.executable).with_name("crossbar-hil")), "snn", "train", "--task", name, "--seed", str(SEED)]
    with tempfile.TemporaryDirectory() as folder:
        quiet = ["--json", "--quiet", "--no-report", "--target", "0", "--out", folder]
        emulated, simulated = (
            json.loads(
                subprocess.run([*command, "--bench", bench, *quiet], check=True, capture_output=True, text=True).stdout
            )
            for bench in ("emulated", "simulated")
        )
        log = Path(emulated["run"], "physical.jsonl").read_text(encoding="utf-8").splitlines()
    instruments = load_bench("emulated", task=SmallTask.read(name)).instruments
    events = [json.loads(line) for line in log]
    moved = Counter()
    for event in events:
        moved.update(map(tuple, event.get("closed", ())))
    return {
        "instruments": ", ".join(f"`{each.driver}`" for each in instruments.values()),
        "accuracy": 100 * emulated["accuracy"],
        "reads": emulated["reads"],
        "pulses": emulated["pulses"],
        "closings": moved.total(),
        "most_closings": max(moved.values()),
        "minutes": events[-1]["t"] / 60,
        "simulated": [100 * simulated["accuracy"], simulated["pulses"]],
    }


def studies():
    names = SmallTask.names()
    columns = {
        "task": "`{name}`",
        "chip": "{size}",
        "chips": "{chips}",
        "tests right, mean": "{mean:.1f} %",
        "worst chip": "{low:.0f} %",
        "chips with all right": "{all_right}",
        "with 95 % right": "{most_right}",
        "reads a chip": "{reads:.0f}",
        "pulses a chip": "{pulses:.0f}",
        f"steps differ by {100 * SPREAD:.0f} %: tests right, mean": "{spread_mean:.1f} %",
        "chips with 95 % right": "{spread_most_right} of {spread_chips}",
    }
    emulated = {
        "task": "`{name}`",
        "instruments": "{instruments}",
        "tests right": "{accuracy:.1f} %",
        "reads": "{reads:,}",
        "pulses": "{pulses:,}",
        "relay closings": "{closings:,}",
        "of the busiest crosspoint": "{most_closings:,}",
        "instrument time": "{minutes:.1f} min",
        "simulated: tests right, pulses": "{simulated[0]:.1f} %, {simulated[1]:,}",
    }
    return {
        "small_yield": Study(
            f"Simulated chips of seeds {FIRST} to {FIRST + CHIPS - 1}, by which no setting was chosen. The last two "
            f"columns are of the first {FEWER}, the steps of which differ from cell to cell (`step_spread`).",
            columns,
            {name: partial(learnt, name) for name in names},
        ),
        "small_letters": Study(
            "The same chips of task `zvn`, by what is shown.",
            {"": "{name}", "letters as they are": "{clean:.1f} %", "with one pixel wrong": "{wrong:.1f} %"},
            {"`zvn`": letters},
        ),
        "small_rehearsed": Study(
            f"Bench `emulated`, that of the task where it has one, seed {SEED}; time by the simulated clock of the "
            "instruments, the test included.",
            emulated,
            {name: partial(rehearsed, name) for name in names},
        ),
    }


if __name__ == "__main__":
    main(__doc__, studies)
