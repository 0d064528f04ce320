"""How the share that learns, epochs and pulses grow with the rows, columns and patterns of a chip, 4 x 4 to 64 x 64.

The task is that of published experiments at any size: each class is a random image and copies with one wrong pixel,
a bias is the last row, and every class has an output. Images differ in three pixels at least. Each draw of the
images has chips of its own; up to 32 x 32 they are trained side by side, 64 rows or columns one by one.

Time at the bench is planned: readings of an epoch, as the read scheme chooses them, times the epochs, and pulses,
each times what one takes on an emulated bench of 8 x 8 cells, by its simulated clock.

    python benchmarks/training/growth.py [--only growth]
"""

from functools import cache, partial

import numpy as np

from crossbar_hil import Pulse, Trainer, defaults
from crossbar_hil.bench.file import load_bench
from crossbar_hil.bench.opening import open_backend
from crossbar_hil.benchmarks.study import Study, main
from crossbar_hil.confidence import wilson
from crossbar_hil.drivers.schemes.read_choice import choose_reading
from crossbar_hil.drivers.schemes.read_schemes import read_scheme
from crossbar_hil.shipped import data_file
from crossbar_hil.sim_backend import ConductanceCurve, SimulatedBackend, draw_ensemble, train_ensemble
from crossbar_hil.sim_backend.emulation.bench import EmulatedBench
from crossbar_hil.training.encoding import row_voltages

CURVE = ConductanceCurve.from_csv(data_file("figure2a"))
SPREAD = {"span_siemens": (defaults.LOW_SIEMENS, defaults.HIGH_SIEMENS)}
SEED, EPOCHS = 1, 200
DRAWS, CHIPS = 20, 50
"""Of the images, and chips of each."""
FEW_DRAWS, FEW_CHIPS = 10, 5
"""The same, where chips are trained one by one."""
SIDE_BY_SIDE = 32
"""Most rows and columns."""
APART = 3
"""Pixels in which images differ at least, so that one wrong pixel makes none the copy of another."""
BETAS = {"usual": defaults.BETA, "steep": 2e8}

SHAPES = {
    "rows": [(rows, 2, 4) for rows in (4, 8, 16, 32, 64)],
    "columns": [(32, classes, 2) for classes in (2, 4, 8, 16, 32)],
    "patterns": [(16, 4, each) for each in (1, 2, 4, 8, 16)],
    "square": [(side, side // 2, 2) for side in (4, 8, 16, 32, 64)],
}
"""Rows, classes, and patterns of each class, by what grows."""


def draw_task(rows, classes, each, draw):
    """Draw images and their copies with one wrong pixel; (P, R) and (P, N) bits."""
    rng = np.random.default_rng([SEED, rows, classes, draw])
    while True:
        images = rng.integers(0, 2, (classes, rows - 1))
        distances = (images[:, None] != images).sum(axis=2)
        if distances[~np.eye(classes, dtype=bool)].min() >= APART:
            break
    patterns = np.repeat(images, each, axis=0).reshape(classes, each, rows - 1)
    for image in patterns:
        wrong = rng.permutation(rows - 1)[: each - 1]
        image[np.arange(1, each), wrong] ^= 1
    labels = np.repeat(np.eye(classes, dtype=np.int64), each, axis=0)
    flat = patterns.reshape(-1, rows - 1)
    return np.hstack([flat, np.ones((len(flat), 1), dtype=np.int64)]), labels


def trained(shape, beta):
    """Train chips of a shape; converged, epochs and pulses of each."""
    rows, classes, each = shape
    together = max(rows, 2 * classes) <= SIDE_BY_SIDE
    draws, chips = (DRAWS, CHIPS) if together else (FEW_DRAWS, FEW_CHIPS)
    settings = {"beta": beta, "epochs": EPOCHS}
    for draw in range(draws):
        task = draw_task(rows, classes, each, draw)
        shifts = draw_ensemble(chips, (rows, 2 * classes), seed=SEED + draw, **SPREAD)
        if together:
            found = train_ensemble(CURVE, shifts, *task, seed=SEED, check_labels=False, **settings)
            yield from zip(found.converged, found.epochs, found.pulses, strict=True)
            continue
        for each_chip in shifts:
            backend = SimulatedBackend(CURVE, each_chip, scale=defaults.SCALE)
            pulse = Pulse(defaults.PULSE_V, defaults.PULSE_S)
            result = Trainer(backend, pulse=pulse, pull_back=False, check_labels=False, **settings).run(*task)
            yield result.converged, result.epochs, result.pulses


def epoch_volts(patterns):
    """Return the row voltages of an epoch: all patterns, and each row alone for the map of the chip."""
    return np.vstack([row_voltages(patterns, defaults.V0, defaults.V1), defaults.V1 * np.eye(patterns.shape[1])])


@cache
def pace(side=8):
    """Return what a reading and a pulse take on an emulated 2602B and 3706A, and the readings of an epoch."""
    lines = list(range(1, 2 * side + 1))
    bench = load_bench(
        "emulated",
        overrides={
            "instruments": {"matrix": {"driver": "keithley3706a"}},
            "chip": {"rows": side, "columns": side},
            "wiring": {
                "rows": lines[:side],
                "columns": lines[side:],
                "ports": {"drive": "1", "meter": "2", "ground": "3"},
            },
        },
    )
    patterns, _ = draw_task(side, side // 2, 2, 0)
    with (
        EmulatedBench(bench, np.random.default_rng(SEED), remembered=False) as served,
        open_backend(bench, seed=SEED, resources=served.resources) as chip,
    ):
        clock = served.world.clock
        times = [clock.elapsed()]
        chip.read_currents(epoch_volts(patterns))
        times.append(clock.elapsed())
        counts = np.tile([1, 0], (side, side // 2))
        chip.send_pulses(counts, Pulse(defaults.PULSE_V, defaults.PULSE_S))
        times.append(clock.elapsed())
    readings = readings_of(patterns, side).readings
    return {
        "readings": readings,
        "reading_ms": 1e3 * (times[1] - times[0]) / readings,
        "pulse_ms": 1e3 * (times[2] - times[1]) / int(counts.sum()),
    }


def readings_of(patterns, columns):
    """Return the cost of reading an epoch as the scheme of the bench `emulated` chooses."""
    scheme = read_scheme("virtual ground", ("drive", "meter", "ground"))
    return choose_reading(scheme, epoch_volts(patterns), columns)[0].cost


def grown(shape):
    rows, classes, each = shape
    fields = {"rows": rows, "columns": 2 * classes, "patterns": classes * each}
    fields["readings"] = readings_of(draw_task(rows, classes, each, 0)[0], 2 * classes).readings
    fields["epoch_s"] = 1e-3 * fields["readings"] * pace()["reading_ms"]
    pulse_s = 1e-3 * pace()["pulse_ms"]
    for name, beta in BETAS.items():
        converged, epochs, pulses = map(np.array, zip(*trained(shape, beta), strict=True))
        low, high = wilson(int(converged.sum()), len(converged))
        fields["chips"] = len(converged)
        fields[name] = {
            "percent": 100 * float(converged.mean()),
            "low": 100 * low,
            "high": 100 * high,
            "median": float(np.median(epochs[converged])) if converged.any() else float("nan"),
            "pulses": float(pulses.mean()),
            "pulses_a_cell": float(pulses.mean()) / (rows * 2 * classes),
        }
        fields[name]["minutes"] = (fields[name]["median"] * fields["epoch_s"] + pulses.mean() * pulse_s) / 60
    return fields


def studies():
    columns = {
        "what grows": "{name}",
        "patterns": "{patterns}",
        "chips": "{chips:,}",
        "beta 5e7: converged": "{usual[percent]:.1f} % ({usual[low]:.1f} to {usual[high]:.1f})",
        "epochs": "{usual[median]:.0f}",
        "pulses a cell": "{usual[pulses_a_cell]:.1f}",
        "beta 2e8: converged": "{steep[percent]:.1f} % ({steep[low]:.1f} to {steep[high]:.1f})",
        "its epochs": "{steep[median]:.0f}",
        "its pulses a cell": "{steep[pulses_a_cell]:.1f}",
        "readings an epoch": "{readings:,}",
        "planned: to read an epoch": "{epoch_s:.0f} s",
        "a training (beta 2e8)": "{steep[minutes]:.1f} min",
    }
    rows = {
        f"{what}: {shape[0]} x {2 * shape[1]}" + (f", {shape[1] * shape[2]} patterns" if what == "patterns" else ""): (
            partial(grown, shape)
        )
        for what, shapes in SHAPES.items()
        for shape in shapes
    }
    about = (
        f"{DRAWS} draws of the images, {CHIPS} chips each ({FEW_DRAWS} and {FEW_CHIPS} with 64 lines), seed {SEED}; "
        f"default settings but beta, at most {EPOCHS} epochs."
    )
    paces = {"chip": "{name}", "a reading": "{reading_ms:.1f} ms", "a pulse": "{pulse_ms:.1f} ms"}
    measured = "Emulated 2602B and 3706A, 1 NPLC, pulses of 50 ms, by the simulated clock, relays included."
    return {
        "growth": Study(about, columns, rows),
        "growth_pace": Study(measured, paces, {f"{side} x {side}": partial(pace, side) for side in (4, 6, 8)}),
    }


if __name__ == "__main__":
    main(__doc__, studies)
