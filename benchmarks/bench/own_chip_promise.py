"""What `tune` promises for chips of a kind that was measured on a few cells, against the truth of that kind.

Hidden kinds of chips are made by a simulator of this file, which shares no code with the package. One chip of each kind
is read, cells of a sister chip are characterised, `tune` gets the two files, and then 20,000 hidden chips of the kind
are trained with the tuned settings by a trainer of this file.
"""

import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numba
import numpy as np

from crossbar_hil.backend import DeviceBackend, Limits, Pulse
from crossbar_hil.bench.characterisation import characterise, kind_of_cells, write_curves
from crossbar_hil.bench.file import load_bench
from crossbar_hil.benchmarks import study
from crossbar_hil.confidence import wilson
from crossbar_hil.shipped import data_file
from crossbar_hil.training.patterns import PatternSet

CHIPS, LEVELS, READING_S = 20_000, 50, 0.055
UP, DOWN = Pulse(2.0, 0.05), Pulse(-2.8, 0.05)
MEASURED = (1,)
"""Seeds of the chips that are measured, of each kind."""


class Hidden(NamedTuple):
    """A kind of chips."""

    start: float
    """Median of the start, in siemens."""
    spread: float
    """Sigma of its logarithm."""
    top: float
    """Rise at the end of the curve, in siemens."""
    bend: float
    """Pulses in which a rise nears its end by a factor e."""
    down: float = 1.0
    """Levels that a depressing pulse takes back."""
    steps: float = 0.0
    """Sigma of the logarithm of a cell's factor of its rise."""
    noise: float = 0.0
    """Relative noise of a cell's current in one reading."""
    cycle: float = 0.0
    """Relative standard deviation of the gamma variate by which a pulse moves a cell."""
    lost: float = 0.0
    """Share of a rise that is lost in the end."""
    lost_s: float = 1.0
    """In which time, exponentially."""

    @property
    def rises(self) -> np.ndarray:
        """Rise after each pulse, in siemens."""
        n = np.arange(LEVELS + 1)
        return self.top * (1 - np.exp(-n / self.bend)) / (1 - math.exp(-LEVELS / self.bend))


KINDS = {
    "another scale: 120 uS, rising by 300 uS": Hidden(1.2e-4, 0.1, 3e-4, 20),
    "spread of the start 30 %": Hidden(4.5e-7, 0.3, 2.1e-7, 12),
    "asymmetry: half the rise in two pulses, depressed in ten": Hidden(2e-6, 0.15, 3e-6, 3, down=5.0),
    "read noise 3 %, pulse to pulse 50 %": Hidden(4.5e-7, 0.15, 9e-7, 15, noise=0.03, cycle=0.5),
    "relaxation: 60 % lost in 20 s": Hidden(4.5e-7, 0.15, 4e-7, 15, lost=0.6, lost_s=20.0),
    "steps differ by 0.3 from cell to cell": Hidden(4.5e-7, 0.2, 4e-7, 12, steps=0.3),
    "all of it": Hidden(3e-6, 0.2, 3e-6, 10, 2.0, 0.2, 0.01, 0.3, 0.3, 30.0),
}


class HiddenChip(DeviceBackend):
    """One chip of a kind, in plain NumPy."""

    kind = "simulated"
    limits = Limits(read_v=0.2, pulse_v=3.0, width_s=0.1)
    shape = (4, 4)

    def __init__(self, hidden: Hidden, seed: int) -> None:
        self.hidden, self.rng = hidden, np.random.default_rng(seed)
        self.start = hidden.start * np.exp(hidden.spread * self.rng.standard_normal(self.shape))
        self.factor = np.exp(hidden.steps * self.rng.standard_normal(self.shape))
        self.level, self.left = np.zeros(self.shape), np.zeros(self.shape)

    def _rise(self) -> np.ndarray:
        return self.factor * np.interp(self.level, np.arange(LEVELS + 1), self.hidden.rises)

    def _age(self, seconds: float) -> None:
        self.left *= math.exp(-seconds / self.hidden.lost_s)

    def _read_currents(self, voltages: np.ndarray) -> np.ndarray:
        siemens = self.start + (1 - self.hidden.lost) * self._rise() + self.left
        found = np.empty((len(voltages), self.shape[1]))
        for place, vector in enumerate(voltages):
            noise = 1 + self.hidden.noise * self.rng.standard_normal(self.shape)
            found[place] = (siemens * noise * vector[:, None]).sum(axis=0)
        self._age(found.size * READING_S)
        return found

    def _send_pulses(self, counts: np.ndarray, pulse: Pulse) -> None:
        for row, column in np.argwhere(counts):
            for _ in range(counts[row, column]):
                before = self._rise()[row, column]
                cycle = self.hidden.cycle
                step = self.rng.gamma(1 / cycle**2, cycle**2) if cycle else 1.0
                moved = step if pulse.amplitude_v > 0 else -self.hidden.down * step
                self.level[row, column] = min(max(self.level[row, column] + moved, 0.0), LEVELS)
                self.left[row, column] += self.hidden.lost * (self._rise()[row, column] - before)
                self._age(pulse.width_s)

    def make_safe(self) -> None:
        """Drive nothing."""


@numba.njit
def train(  # noqa: PLR0912 - loops that numba takes whole
    seed, start, factor, rises, noise, cycle, lost, lost_s, v, ones, beta, target, most, pull_back, confirm, done
):
    """Train hidden chips by equations 1 to 5; `done` says which of them met every target `confirm` times in a row."""
    np.random.seed(seed)  # noqa: NPY002 - what numba knows
    last = len(rises) - 1
    patterns, outputs = ones.shape
    for m in range(len(start)):
        level, left, g, before = np.zeros((4, 4)), np.zeros((4, 4)), np.zeros((4, 4)), np.zeros((4, 4))
        in_a_row = 0
        for _ in range(most):
            for j in range(4):
                for c in range(4):
                    below = min(int(level[j, c]), last - 1)
                    rise = rises[below] + (level[j, c] - below) * (rises[below + 1] - rises[below])
                    rise *= factor[m, j, c]
                    left[j, c] += lost * (rise - before[j, c])
                    before[j, c] = rise
                    g[j, c] = start[m, j, c] + (1 - lost) * rise + left[j, c]
            met, pull = True, np.zeros((4, outputs))
            for k in range(patterns):
                for o in range(outputs):
                    current = 0.0
                    for j in range(4):
                        up, down = g[j, 2 * o], g[j, 2 * o + 1]
                        if noise > 0:
                            up *= 1 + noise * np.random.standard_normal()  # noqa: NPY002
                            down *= 1 + noise * np.random.standard_normal()  # noqa: NPY002
                        current += v[k, j] * (up - down)
                    reached, slope = math.tanh(beta * current), 1 / math.cosh(min(abs(beta * current), 350.0)) ** 2
                    wanted = target if ones[k, o] else -target
                    well = reached >= target if ones[k, o] else reached <= -target
                    met = met and well
                    gap = 0.0 if well and not pull_back else wanted - reached
                    for j in range(4):
                        pull[j, o] += gap * slope * v[k, j]
            seconds = READING_S * 4 * (patterns + 4)
            in_a_row = in_a_row + 1 if met else 0
            if in_a_row == confirm:
                done[m] = True
                break
            if not met:
                for j in range(4):
                    for o in range(outputs):
                        if pull[j, o] != 0:
                            c = 2 * o if pull[j, o] > 0 else 2 * o + 1
                            step = np.random.gamma(1 / cycle**2, cycle**2) if cycle > 0 else 1.0  # noqa: NPY002
                            level[j, c] = min(level[j, c] + step, float(last))
                            seconds += 0.05
            left *= math.exp(-seconds / lost_s)


def truth(hidden: Hidden, bench: Any) -> int:
    """Return how many of the hidden chips converge with the settings of a bench."""
    rng = np.random.default_rng(123)
    start = hidden.start * np.exp(hidden.spread * rng.standard_normal((CHIPS, 4, 4)))
    factor = np.exp(hidden.steps * rng.standard_normal((CHIPS, 4, 4)))
    task, training = PatternSet.from_csv(data_file("perceptron")), bench.training
    done = np.zeros(CHIPS, dtype=np.bool_)
    confirm = getattr(training, "confirm", 1) or (18 if hidden.noise else 1)
    train(
        7, start, factor, hidden.rises, hidden.noise, hidden.cycle, hidden.lost, hidden.lost_s,
        np.where(np.asarray(task.train) == 1, training.v1, training.v0), np.asarray(task.train_labels) == 1,
        training.beta, training.target, training.epochs, training.pull_back, confirm, done,
    )  # fmt: skip
    return int(done.sum())


def measure(hidden: Hidden, seed: int, cells: int, folder: Path) -> None:
    """Read a chip of a kind, and characterise cells of its sister, into files as a lab has them."""
    chip, sister = HiddenChip(hidden, 2 * seed), HiddenChip(hidden, 2 * seed + 1)
    map_siemens = chip.read_conductances(0.1).tolist()
    (folder / "map.json").write_text(json.dumps({"conductance_siemens": map_siemens}), encoding="utf-8")
    steps = [
        list(characterise(sister, (k, k), pulses=LEVELS, read_v=0.1, up=UP, down=DOWN, reads=3, rest=40))
        for k in range(cells)
    ]
    curve, facts = kind_of_cells(steps)
    write_curves(folder / "mine.csv", curve, "hidden cells", facts)


def compare(name: str, cells: int) -> dict[str, Any]:
    """Measure, tune, promise, and train the hidden chips."""
    hidden, held, shown = KINDS[name], 0, []
    for seed in MEASURED:
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            measure(hidden, seed, cells, folder)
            told = subprocess.run(
                [sys.executable, "-m", "crossbar_hil", "tune", "--curve", "mine.csv", "--spread-of", "map.json",
                 "--json", "--over", "width=0.05", "--chips", "1000", "--seed", str(seed), "--quiet"],
                cwd=folder, check=True, capture_output=True, text=True,
            )  # fmt: skip
            found = json.loads(told.stdout)
            bench = load_bench(str(folder / found["bench"]))
        promise, good = found["promise"], truth(hidden, bench)
        low, high = wilson(good, CHIPS)
        holds = promise["low"] <= high and low <= promise["high"]
        held += holds
        shown.append(
            f"{100 * found['yield']:.2f} ({100 * promise['low']:.2f} to {100 * promise['high']:.2f}), "
            f"{100 * good / CHIPS:.2f}"
        )
        print(name, cells, seed, shown[-1], "" if holds else "MISSED", found["settings"], flush=True)
    return {"cells": cells, "held": held, "measured": len(MEASURED), "shown": "; ".join(shown)}


def studies() -> dict[str, study.Study]:
    """Return the studies of this script."""
    rows = {name: (lambda name=name: compare(name, 4)) for name in KINDS}
    return {
        "own_chip_promise": study.Study(
            f"Of each kind {len(MEASURED)} chip measured (seeds {', '.join(map(str, MEASURED))}): 16 cells read, 4 "
            "cells of a sister chip characterised, 1,000 simulated chips for the yield and 2,000 for the promise; "
            "truth on 20,000 hidden chips.",
            {
                "hidden kind": "{name}",
                "promised % (interval), truth %": "{shown}",
                "truth within": "{held} of {measured}",
            },
            rows,
        )
    }


if __name__ == "__main__":
    study.main(__doc__, studies)
