"""Published experiments as dry runs and as rehearsals on emulated instruments: the tasks that ship, by the same chips.

Dry runs are those of ``crossbar-hil sweep --task NAME --over pull_back=false,true --seed 1``; a rehearsal is
``crossbar-hil train --task NAME --bench emulated --seed N``, with the time by its simulated clock.

    python benchmarks/training/reproduce.py [--only reproduced]
"""

import json
import subprocess
import sys
import tempfile
from collections import Counter
from functools import partial
from pathlib import Path

from crossbar_hil.bench.file import load_bench
from crossbar_hil.benchmarks.study import Study, main
from crossbar_hil.studies.axes import read_axes
from crossbar_hil.studies.convergence.counts import summary
from crossbar_hil.studies.convergence.folder import ChipStudyFolder
from crossbar_hil.studies.convergence.sweeping import plan_sweep, run_sweep
from crossbar_hil.studies.scheduling import make_scheduler
from crossbar_hil.training.tasks import Task

CHIPS, SEED = 1_000, 1
SLOW = {"prezioso2015-10x8": (300, 50), "bayat2018": (100, 50), "xor": (1_000, 200)}
"""Of tasks whose chips are trained one by one: chips as shipped, and of each variation."""
SPREAD = "kim2021"
RULED = ("li2021", "prezioso2015", "prezioso2015-10x8", "xor")
REHEARSED = {"prezioso2015": SEED, "prezioso2015-10x8": SEED, "li2021": SEED, "xor": 2}
"""Seed of the chip: a chip that learns."""
FEW = 50
"""Chips of each task by each rule: all but the Manhattan rule train them one by one."""
DEPRESS = {"depress_v": -2.8, "depress_s": 1e-3}
RULES = {
    "`manhattan`": {"rule": "manhattan"},
    "`delta`": {"rule": "delta"},
    "`delta`, `rate = 3`": {"rule": "delta", "rule_options": {"rate": 3.0}},
    "`momentum`": {"rule": "momentum"},
    "`momentum`, `keep = 0.9`": {"rule": "momentum", "rule_options": {"keep": 0.9}},
    "`stochastic`": {"rule": "stochastic"},
    "`one-cell`": {"rule": "one-cell", **DEPRESS},
}


def dry_run(task, preset, over, chips=CHIPS, **training):
    """Train the chips of a task at each value of one setting."""
    bench = load_bench("simulated", task=task, preset=preset, overrides={"training": training} if training else None)
    sweep = plan_sweep(bench, read_axes([over]), chips=chips, seed=SEED)
    with (
        tempfile.TemporaryDirectory() as folder,
        ChipStudyFolder.make(Path(folder) / "sweep", sweep.plan(), sweep.bench) as kept,
    ):
        return [told(each) for each in run_sweep(sweep, kept, make_scheduler("threads")).counts]


def told(counts):
    found = summary(counts)
    missed = counts.chips - counts.converged
    return {
        "chips": counts.chips,
        "percent": 100 * found["yield"],
        "low": 100 * found["yield_low"],
        "high": 100 * found["yield_high"],
        "median": found["epochs_50"],
        "last": found["epochs_95"],
        "pulses": counts.pulses_mean,
        "missed": missed,
        "ended": counts.ended,
        "by_epoch": [list(each) for each in counts.epochs],
    }


def reproduced(task):
    """Train the chips of a task by its rule, by that rule with the pull back, and with steps that differ by 26 %."""
    chips, fewer = SLOW.get(task, (CHIPS, CHIPS))
    (plain,) = dry_run(task, None, "pull_back=false", chips)
    (published,) = dry_run(task, None, "pull_back=true", fewer)
    (spread,) = dry_run(task, SPREAD, "pull_back=false", fewer)
    return {"default": plain, "published": published, "spread": spread}


def by_rule(rule):
    """Train the chips of every task by one rule, with the other settings of the task."""
    fields = {}
    for task in (None, *RULED):
        epochs = {} if task else {"epochs": 100}
        (found,) = dry_run(task, None, "pull_back=false", FEW, **RULES[rule], **epochs)
        del found["by_epoch"]
        fields[task or "perceptron"] = found
    return fields


def rehearsed(task, seed):
    """Train the chip of a task behind emulated instruments and their guard, and count what physically happened."""
    command = [str(Path(sys.executable).with_name("crossbar-hil")), "train", "--task", task, "--seed", str(seed)]
    with tempfile.TemporaryDirectory() as folder:
        quiet = ["--json", "--quiet", "--no-report", "--out", folder]
        emulated, simulated = (
            json.loads(
                subprocess.run([*command, "--bench", bench, *quiet], check=True, capture_output=True, text=True).stdout
            )
            for bench in ("emulated", "simulated")
        )
        log = Path(emulated["run"], "physical.jsonl").read_text(encoding="utf-8").splitlines()
        instruments = load_bench("emulated", task=task).instruments
    events = [json.loads(line) for line in log]
    moved = Counter()
    for event in events:
        moved.update(map(tuple, event.get("closed", ())))
    seconds = events[-1]["t"]
    return {
        "seed": seed,
        "instruments": ", ".join(f"`{each.driver}`" for each in instruments.values()),
        "epochs": emulated["epochs"],
        "pulses": emulated["pulses"],
        "exposures": sum(event["event"] == "exposure" for event in events),
        "closings": moved.total(),
        "most_closings": max(moved.values()),
        "seconds": seconds,
        "seconds_an_epoch": seconds / emulated["epochs"],
        "simulated": [simulated["epochs"], simulated["pulses"]],
    }


def studies():
    columns = {
        "task": "`{name}`",
        "chips": "{default[chips]:,}",
        "converged": "{default[percent]:.1f} %",
        "95 % interval": "{default[low]:.1f} to {default[high]:.1f} %",
        "median epochs": "{default[median]}",
        "95 % of them by": "{default[last]}",
        "pulses a chip": "{default[pulses]:.0f}",
        "missed, with a cell at the end of its curve": "{default[missed]}, {default[ended]}",
        "pulled back: converged": "{published[percent]:.1f} %",
        "steps differ by 26 %: converged": "{spread[percent]:.1f} %",
    }
    emulated = {
        "task": "`{name}`",
        "instruments": "{instruments}",
        "seed": "{seed}",
        "epochs": "{epochs}",
        "pulses": "{pulses}",
        "relay closings": "{closings:,}",
        "of the busiest crosspoint": "{most_closings:,}",
        "instrument time": "{seconds:.0f} s",
        "an epoch": "{seconds_an_epoch:.1f} s",
        "simulated: epochs, pulses": "{simulated[0]}, {simulated[1]}",
    }
    shown = "{{{0}[percent]:.1f}} %, {{{0}[median]}}, {{{0}[pulses]:.0f}}"
    tasks = {"perceptron, 4 x 4": "perceptron", **{f"`{name}`": name for name in RULED}}
    return {
        "rules_tasks": Study(
            f"Share that converges within 100 epochs, median epochs of those, mean pulses of all. {FEW} chips a cell, "
            f"chips 0, 1, 2, ... of seed {SEED}, pull back off, other settings those of the task.",
            {"rule": "{name}", **{title: shown.format(name) for title, name in tasks.items()}},
            {name: partial(by_rule, name) for name in RULES},
        ),
        "reproduced": Study(
            f"Chips 0, 1, 2, ... of seed {SEED}, Wilson's interval. The last two columns count as many chips, or where "
            "they are trained one by one " + ", ".join(f"{few} of `{name}`" for name, (_, few) in SLOW.items()) + ".",
            columns,
            {name: partial(reproduced, name) for name in Task.names()},
        ),
        "rehearsed": Study(
            "Bench `emulated`, that of the task where it has one; time by the simulated clock of the instruments.",
            emulated,
            {name: partial(rehearsed, name, seed) for name, seed in REHEARSED.items()},
        ),
    }


if __name__ == "__main__":
    main(__doc__, studies)
