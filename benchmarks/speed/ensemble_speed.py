"""Trainings of an ensemble against a plain compiled kernel that trains one chip after the other.

Both train the same chips, interleaved in one run; the fastest of the repeats counts. The plain kernel checks nothing,
has its tables ready and stops at the first epoch that meets all targets. All that `train_ensemble` does counts: checks,
the chips that are trained again, the errors of those that miss.

    python benchmarks/speed/ensemble_speed.py
"""

import math
import time
from functools import partial

import numba
import numpy as np

from crossbar_hil import defaults
from crossbar_hil.benchmarks.study import CORES, Study, main, on
from crossbar_hil.shipped import data_file
from crossbar_hil.sim_backend import ConductanceCurve, draw_ensemble, train_ensemble
from crossbar_hil.training.patterns import PatternSet

CHIPS, REPEATS, THREADS = 100_000, 2, 2
DEFAULT = {"beta": defaults.BETA, "target": defaults.TARGET}
SETTINGS = {
    "reference": ({"beta": 6e6, "target": 0.8, "pull_back": True}, (1e-8, 1e-7)),
    "default": ({"beta": defaults.BETA, "target": defaults.TARGET, "pull_back": False}, (2e-8, 1e-7)),
    "default, with the pull back": (
        {"beta": defaults.BETA, "target": defaults.TARGET, "pull_back": True},
        (2e-8, 1e-7),
    ),
}


@numba.njit(cache=True, nogil=True)
def plain(shifts, rises, voltages, targets, senses, beta, pull_back, scale, most, epochs, converged):  # noqa: PLR0912
    chips, rows, columns = shifts.shape
    patterns, outputs = targets.shape
    weights = np.empty((rows, outputs))
    level = np.empty((rows, columns), dtype=np.int64)
    gradient = np.empty((rows, outputs))
    last = len(rises) - 1
    for chip in range(chips):
        level[:] = 0
        for number in range(1, most + 1):
            for j in range(rows):
                for n in range(outputs):
                    plus = rises[level[j, 2 * n]] + shifts[chip, j, 2 * n]
                    minus = rises[level[j, 2 * n + 1]] + shifts[chip, j, 2 * n + 1]
                    weights[j, n] = scale * (plus - minus)
            met = True
            gradient[:] = 0.0
            for p in range(patterns):
                for n in range(outputs):
                    current = 0.0
                    for j in range(rows):
                        current += voltages[p, j] * weights[j, n]
                    activation = math.tanh(beta * current)
                    gap = targets[p, n] - activation
                    beyond = senses[p, n] * gap <= 0.0
                    met = met and beyond
                    if beyond and not pull_back:
                        continue
                    delta = gap * (1.0 - activation * activation)  # the slope of tanh; its factor beta has no sign
                    for j in range(rows):
                        gradient[j, n] += delta * voltages[p, j]
            if met or number == most:
                break
            for j in range(rows):
                for n in range(outputs):
                    if gradient[j, n] > 0.0:
                        level[j, 2 * n] = min(level[j, 2 * n] + 1, last)
                    elif gradient[j, n] < 0.0:
                        level[j, 2 * n + 1] = min(level[j, 2 * n + 1] + 1, last)
        epochs[chip], converged[chip] = number, met


def timed(function):
    start = time.perf_counter()
    result = function()
    return time.perf_counter() - start, result


def compared(settings, span):
    curve = ConductanceCurve.from_csv(data_file("figure2a"))
    task = PatternSet.from_csv(data_file("perceptron"))
    voltages = np.where(task.train == 1, defaults.V1, defaults.V0)
    senses = 2.0 * task.train_labels - 1.0
    beta, targets, pull_back = settings["beta"], settings["target"] * senses, settings["pull_back"]
    shifts = draw_ensemble(CHIPS, seed=1, span_siemens=span)
    epochs, converged = np.empty(CHIPS, dtype=np.int64), np.empty(CHIPS, dtype=np.bool_)

    def one_by_one():
        most = defaults.EPOCHS
        plain(shifts, curve.rises, voltages, targets, senses, beta, pull_back, 10.0, most, epochs, converged)

    def together(threads):
        return train_ensemble(curve, shifts, task.train, task.train_labels, threads=threads, **settings)

    def point():
        drawn = draw_ensemble(10_000, seed=2, span_siemens=span)
        return train_ensemble(curve, drawn, task.train, task.train_labels, threads=1, **settings)

    one_by_one(), together(1)  # compiled, or read from the cache
    times = []
    for _ in range(REPEATS):
        alone, _ = timed(one_by_one)
        single, result = timed(lambda: together(1))
        with on(CORES):
            several, _ = timed(lambda: together(THREADS))
        drawn, _ = timed(point)
        times.append((alone, single, several, drawn))
    alone, single, several, drawn = np.min(times, axis=0).tolist()
    return {
        "epochs": float(result.epochs.mean()),
        "plain": CHIPS / alone,
        "ensemble": CHIPS / single,
        "ratio": alone / single,
        "several": CHIPS / several,
        "several_ratio": single / several,
        "drawn_ms": 1e3 * drawn,
        "differ": int(np.count_nonzero((result.epochs != epochs) | (result.converged != converged))),
    }


def studies():
    columns = {
        "settings": "{name}",
        "mean epochs": "{epochs:.1f}",
        "plain": "{plain:,.0f}/s",
        "ensemble": "{ensemble:,.0f}/s",
        "ratio": "{ratio:.1f}",
        f"{THREADS} threads": "{several:,.0f}/s",
        "ratio to one": "{several_ratio:.2f}",
        "draw and train 10,000": "{drawn_ms:.1f} ms",
    }
    rows = {name: partial(compared, settings, span) for name, (settings, span) in SETTINGS.items()}
    about = f"{CHIPS:,} chips, in turn, fastest of {REPEATS}."
    return {"speed_ensemble": Study(about, columns, rows, repeatable=False)}


if __name__ == "__main__":
    main(__doc__, studies)
