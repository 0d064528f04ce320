"""How well twins foretell: hidden chips are calibrated, foretold by draws of their twins, and then trained.

A hidden chip is a simulated one of the shipped curve. The fit is not told its settings: step spread 0.3, step
variation 30 %, read noise 1 %. It is calibrated, and trained from there, by this package. Its draws are trained by a
plain compiled transcription, some hundred times as fast, which the last row holds against the package's own.

    python benchmarks/bench/twins.py [--only twins_forecast]
"""

import functools
import math
import multiprocessing
import tempfile
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numba
import numpy as np

from crossbar_hil import Trainer
from crossbar_hil.bench.calibrating import plan_calibration, steps_of, twin_of
from crossbar_hil.bench.file import load_bench
from crossbar_hil.benchmarks.study import Study, main
from crossbar_hil.confidence import next_succeeds
from crossbar_hil.shipped import data_file
from crossbar_hil.sim_backend import ConductanceCurve, SimulatedBackend
from crossbar_hil.studies.convergence.points import Point
from crossbar_hil.training.patterns import PatternSet
from crossbar_hil.twins.readings import Map, Readings
from crossbar_hil.twins.tally import BINS, Foretold, tally

MANY, CHIPS, FEWER, DRAWS, SEED = 4000, 1000, 200, 200, 7
OWN = 20
"""Chips whose draws are trained by the package itself, too."""
AS_PUBLISHED = {"confirm": 1, "give_up": False, "unresponsive": 0}
"""One evaluation that meets every target is enough, and a cell always gets its pulse."""
HIDDEN = {"step_spread": 0.3, "step_variation": 0.3, "read_noise": 0.01}
BETA, TARGET, EPOCHS, VOLTS, SCALE = 5e7, 0.95, 48, 0.1, 10.0
TASK = PatternSet.from_csv(data_file("perceptron"))
VOLTAGES = np.where(TASK.train == 1, VOLTS, -VOLTS)
RISES = SCALE * ConductanceCurve.from_csv(data_file("figure2a")).rises
SIGNS = np.where(TASK.train_labels == 1, 1.0, -1.0)


def bench(pull_back=True):
    """Return the bench of the hidden chips."""
    return load_bench("simulated", overrides={"chip": HIDDEN, "training": {"pull_back": pull_back}})


@functools.cache
def calibrated(pulses, number):
    """Return a hidden chip after its calibration, as saved, and its twin."""
    chip = SimulatedBackend.from_bench(bench(), np.random.default_rng([SEED, number]))
    plan = plan_calibration(bench(), pulses=pulses, reads=20, read_v=VOLTS)
    steps = list(steps_of(plan, chip, clock=None))
    readings = Readings(plan.facts(chip, None), tuple(step for step in steps if isinstance(step, Map)))
    return chip.state(), twin_of(readings, plan.curve, draws=DRAWS)


def train(number, pulses, pull_back):
    """Train a hidden chip from where its calibration left it; whether converged, epochs, pulses."""
    rng = np.random.default_rng([SEED, number, 1])
    chip = SimulatedBackend.from_bench(bench(), rng)
    state = calibrated(pulses, number)[0]
    chip.restore({name: array for name, array in state.items() if name != "generator"})
    trainer = Trainer(chip, beta=BETA, target=TARGET, epochs=EPOCHS, pull_back=pull_back, **AS_PUBLISHED)
    found = trainer.run(TASK.train, TASK.train_labels)
    return found.converged, found.epochs, found.pulses


def draws_of(twin):
    """Return start, step factors, levels, step variation and read noise of every draw."""
    chips = [twin.chip(number) for number in range(twin.count)]
    arrays = (np.array([getattr(chip, name) for chip in chips]) for name in ("start_siemens", "step_factors", "levels"))
    return (*arrays, np.array([chip.step_variation for chip in chips]), twin.numbers.read_noise.value)


def map_only(twin):
    """Return draws that know the map before the calibration and the sister's curve, and the noise, but no cell."""
    start = np.broadcast_to(np.array(twin.cells.now_siemens), (DRAWS, 4, 4))
    level = np.full((DRAWS, 4, 4), float(twin.source.pulses))
    return np.maximum(start - RISES[twin.source.pulses], 0.0), np.ones((DRAWS, 4, 4)), level, np.full(DRAWS, 0.3), 0.01


def oracle(pulses, number):
    """Return the hidden chip itself as its draws: what is left is the noise of training, which nobody can foretell."""
    state = calibrated(pulses, number)[0]
    arrays = (SCALE * state["shift_siemens"], state["step_factor"], state["level"])
    return (
        *(np.broadcast_to(each, (DRAWS, 4, 4)) for each in arrays),
        np.full(DRAWS, HIDDEN["step_variation"]),
        HIDDEN["read_noise"],
    )


def foretell(draws, number, pull_back):
    """Train the draws of a chip by the transcription; whether converged, epochs and pulses of each."""
    start, factors, levels, variation, noise = draws
    rng = np.random.default_rng([SEED, number, 2])
    return _train_draws(
        rng, RISES, np.ascontiguousarray(start), np.ascontiguousarray(factors), levels.copy(), variation, noise,
        pull_back,
    )  # fmt: skip


@numba.njit
def _train_draws(rng, rises, start, factors, levels, variation, noise, pull_back):
    last = len(rises) - 1
    found = np.zeros((len(start), 3))
    for draw in range(len(start)):
        level, conductance = levels[draw], np.zeros((4, 4))
        epoch = sent = 0
        while True:
            epoch += 1
            for row in range(4):
                for column in range(4):
                    low = min(int(level[row, column]), last - 1)
                    rise = rises[low] + (level[row, column] - low) * (rises[low + 1] - rises[low])
                    conductance[row, column] = start[draw, row, column] + factors[draw, row, column] * rise
            gradient = np.zeros((4, 2))
            met = _evaluate(rng, conductance, noise, pull_back, gradient)
            if met or epoch == EPOCHS:
                break
            for row in range(4):
                for output in range(2):
                    if gradient[row, output] != 0:
                        column = 2 * output + (0 if gradient[row, output] > 0 else 1)
                        sent += 1
                        step = rng.gamma(1 / variation[draw] ** 2, variation[draw] ** 2)
                        if factors[draw, row, column] > 0:
                            level[row, column] = min(level[row, column] + step, last)
        found[draw, 0], found[draw, 1], found[draw, 2] = met, epoch, sent
    return found


@numba.njit
def _evaluate(rng, conductance, noise, pull_back, gradient):
    met = True
    for pattern in range(len(VOLTAGES)):
        for output in range(2):
            current = 0.0
            for side in range(2):
                total = squares = 0.0
                for row in range(4):
                    one = conductance[row, 2 * output + side] * VOLTAGES[pattern, row]
                    total += one
                    squares += one * one
                current += (1 - 2 * side) * (total + noise * math.sqrt(squares) * rng.standard_normal())
            activation, sign = math.tanh(BETA * current), SIGNS[pattern, output]
            short = sign * activation < TARGET
            met = met and not short
            if pull_back or short:
                delta = (sign * TARGET - activation) * BETA / math.cosh(BETA * current) ** 2
                for row in range(4):
                    gradient[row, output] += delta * VOLTAGES[pattern, row]
    return met


def of_twin(pulses, number):
    """Return the draws of the twin of a chip."""
    return draws_of(calibrated(pulses, number)[1])


def of_map(pulses, number):
    """Return draws of the map after the calibration alone."""
    return map_only(calibrated(pulses, number)[1])


def probability(draws, number, pull_back):
    """Foretell a chip; probability of convergence, epochs and pulses."""
    found = foretell(draws, number, pull_back)
    return next_succeeds(int(found[:, 0].sum()), len(found)), *found[:, 1:].mean(axis=0).tolist()


def one(pulses, pull_back, make, number):
    """Foretell and train a hidden chip; beside it the probability if the chip itself were known."""
    converged, epochs, sent = train(number, pulses, pull_back)
    likely, of_epochs, of_pulses = probability(make(pulses, number), number, pull_back)
    known = probability(oracle(pulses, number), number, pull_back)[0]
    calibrated.cache_clear()
    return Foretold(likely, bool(converged), of_epochs, epochs, of_pulses, sent), known


@functools.cache
def told(pulses, pull_back, make, chips):
    """Return what is foretold of hidden chips and what happens, and the probability if each were known."""
    with ProcessPoolExecutor(2, multiprocessing.get_context("fork")) as pool:
        return list(pool.map(partial(one, pulses, pull_back, make), range(chips), chunksize=20))


def score(pulses, pull_back, make, chips):
    """Foretell and train hidden chips, and tally; `make` returns the draws of a chip."""
    return tally([each for each, _ in told(pulses, pull_back, make, chips)])


def as_row(found):
    """Return the fields of a row."""
    correlation = found.epochs_correlation
    return {
        "chips": found.count,
        "percent": 100 * found.happened / found.count,
        "brier": found.brier,
        "base": found.brier_of_base_rate,
        "correlation": correlation,
        "pulses": found.pulses_ratio,
        "bins": f"{sum(each.holds for each in found.bins)} of {len(found.bins)}",
    }


def bins():
    """Return one row for each bin of the published rule."""
    names = [f"{20 * place} to {20 * place + 20} %" for place in range(5)]
    return {name: partial(bin_row, place / 5) for place, name in enumerate(names)}


def bin_row(low):
    """Return a bin of the published rule."""
    each = next(found for found in score(2, True, of_twin, MANY).bins if abs(found.low - low) < 1e-9)
    known = [
        known for found, known in told(2, True, of_twin, MANY) if int(found.probability * BINS) == round(low * BINS)
    ]
    ends = each.interval
    return {
        "chips": each.count,
        "predicted": 100 * each.predicted,
        "known": 100 * float(np.mean(known)),
        "known_error": 100 * float(np.std(known, ddof=1)) / math.sqrt(len(known)),
        "happened": 100 * each.share,
        "low": 100 * ends[0],
        "high": 100 * ends[1],
        "held": "yes" if each.holds else "no",
    }


def thousand(number):
    """Return the row of one thousand of the chips."""
    return as_row(tally([each for each, _ in told(2, True, of_twin, MANY)[1000 * number : 1000 * number + 1000]]))


def row(pulses, pull_back, make, chips=FEWER):
    """Return what measures a row."""
    return lambda: as_row(score(pulses, pull_back, make, chips))


def agreement():
    """Hold the transcription against the package's own trainings of the same draws."""
    differences = []
    for number in range(OWN):
        twin = calibrated(2, number)[1]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "twin.toml"
            twin.write(path)
            settings = {"chip": {"twin": str(path)}, "training": {"pull_back": True, **AS_PUBLISHED}}
            point = Point.of(load_bench("simulated", overrides=settings), {})
        found = point.ensemble().train(SEED, 0, DRAWS)
        quick = foretell(draws_of(twin), number, True).mean(axis=0)
        own = np.array([found.converged.mean(), found.epochs.mean(), found.pulses.mean()])
        differences.append(own - quick)
    mean, scatter = np.mean(differences, axis=0), np.std(differences, axis=0, ddof=1) / math.sqrt(OWN)
    names = ("probability", "epochs", "pulses")
    return {
        "chips": OWN,
        **dict(zip(names, mean.tolist(), strict=True)),
        **{f"{name}_error": each for name, each in zip(names, scatter.tolist(), strict=True)},
    }


def studies():
    """Return every table that this script makes."""
    about = (
        f"Hidden chips 0, 1, 2, ... of seed {SEED}, {DRAWS} draws each; 20 readings of each cell in each round. The "
        "fit is told the curve and K."
    )
    return {
        "twins_forecast": Study(
            about,
            {
                "": "{name}",
                "chips": "{chips:,}",
                "converged": "{percent:.1f} %",
                "Brier score": "{brier:.3f}",
                "of the base rate": "{base:.3f}",
                "epochs, correlation": "{correlation:.2f}",
                "pulses, foretold over sent": "{pulses:.2f}",
                "bins that hold": "{bins}",
            },
            {
                "published rule, two calibrating pulses a cell": row(2, True, of_twin, MANY),
                **{f"of these, thousand {number + 1}": partial(thousand, number) for number in range(MANY // 1000)},
                "one calibrating pulse": row(1, True, of_twin),
                "three calibrating pulses": row(3, True, of_twin),
                "two, but only the map and the sister's curve": row(2, True, of_map),
                "two, and the chip itself were known": row(2, True, oracle),
                "default (met activations left alone), two pulses": row(2, False, of_twin, CHIPS),
            },
        ),
        "twins_bins": Study(
            about,
            {
                "foretold": "{name}",
                "chips": "{chips}",
                "mean": "{predicted:.1f} %",
                "if the chip itself were known": "{known:.1f} +- {known_error:.1f} %",
                "converged": "{happened:.1f} %",
                "95 % interval": "{low:.1f} to {high:.1f} %",
                "holds": "{held}",
            },
            bins(),
        ),
        "twins_agreement": Study(
            f"The first {OWN} chips of seed {SEED}, {DRAWS} draws each, mean difference with its standard error.",
            {
                "": "{name}",
                "chips": "{chips}",
                "probability": "{probability:+.4f} +- {probability_error:.4f}",
                "epochs": "{epochs:+.2f} +- {epochs_error:.2f}",
                "pulses": "{pulses:+.1f} +- {pulses_error:.1f}",
            },
            {"package less transcription": agreement},
        ),
    }


if __name__ == "__main__":
    main(__doc__, studies)
