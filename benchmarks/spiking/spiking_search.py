"""Settings of the tuned network searched for blindly: random draws, judged on training images that were held out.

The 999 images of five digits among the first 2,000 of the training file of MNIST are all that the search sees: 700 of
them train each network, 299 judge it. What it finds is then trained on all 999 and tested once on the test set, and so
are the tuned settings, for which the search is a check. The environment variable CROSSBAR_HIL_MNIST names the folder of
the four files, see docs/spiking_results.md.

    CROSSBAR_HIL_MNIST=FOLDER python benchmarks/spiking/spiking_search.py [--only spiking_search]
"""

import functools
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from crossbar_hil.benchmarks.spiking import baselines
from crossbar_hil.benchmarks.spiking.spiking_referee import FEW, baseline, first, spread
from crossbar_hil.benchmarks.study import Study, main
from crossbar_hil.sim_backend.spiking.fused import FusedEngine
from crossbar_hil.spiking.network.network import SpikingNetwork
from crossbar_hil.spiking.network.pacing import paced_model, paced_protocol
from crossbar_hil.spiking.tasks.images import Images, Split
from crossbar_hil.spiking.tasks.models import TUNED, TUNED_EXPONENT, time_constant, tuned_model

DRAWS, TRAINED_ON = 48, 700
SEED = 0
"""Of the draws, and of the split of the training images."""
JUDGED, TESTED = 2, 5
"""Networks, of the seeds from 0 on, by which settings are judged, and with which they are tested."""
SHOWN = 10
"""Draws in the table."""
MILLISECOND = 1e-3
UNTESTED = dict.fromkeys(("mean", "std", "low", "high"))


@dataclass(frozen=True)
class Draw:
    """Settings of a network of 50 neurons; conductances and thresholds as shares of the highest conductance x 1 V."""

    threshold: float = 20.0
    increment: float = 0.02
    leak: float = 0.92
    """Share of a membrane that is left after a step."""
    refractory: int = 2
    """Steps."""
    gain: float = 0.01
    loss_to_gain: float = 0.6
    fall: int = 5
    """Steps."""
    window: int = 10
    """Steps."""
    soft: bool = False
    initial_mean: float = 0.5
    passes: int = 3
    rate_ratio: float = 0.5
    """Of the changes in a pass to those in the pass before."""


def log_uniform(rng, low, high):
    return float(f"{np.exp(rng.uniform(np.log(low), np.log(high))):.3g}")


def draws():
    """Draw settings; ranges are wide, a factor of two to five either way of usual ones."""
    rng = np.random.default_rng(SEED)
    found = []
    for _ in range(DRAWS):
        found.append(
            Draw(
                threshold=log_uniform(rng, 8, 40),
                increment=log_uniform(rng, 0.005, 0.08),
                leak=round(float(rng.uniform(0.85, 0.98)), 3),
                refractory=int(rng.integers(1, 7)),
                gain=log_uniform(rng, 0.002, 0.05),
                loss_to_gain=round(float(rng.uniform(0.3, 1.0)), 2),
                fall=int(rng.integers(2, 9)),
                window=int(rng.integers(9, 16)),
                soft=bool(rng.integers(2)),
                initial_mean=round(float(rng.uniform(0.2, 0.9)), 2),
                passes=int(rng.integers(1, 5)),
                rate_ratio=round(float(rng.uniform(0.2, 1.0)), 2),
            )
        )
    return found


def network_of(draw, seed, share=1.0):
    """Make an untrained network of these settings, its thresholds paced by what is left of their increment."""
    model = tuned_model("siemens")
    high = model.synapses.high_siemens
    model = replace(
        model,
        neurons=replace(
            model.neurons,
            threshold_v=draw.threshold * high,
            inhibition_v=4 * draw.threshold * high,  # as ever, enough to clear every membrane
            increment_v=draw.increment * high,
            leak_s=time_constant(draw.leak),
            own_refractory_s=draw.refractory * MILLISECOND,
            others_refractory_s=draw.refractory * MILLISECOND,
        ),
        plasticity=replace(
            model.plasticity,
            gain_siemens=draw.gain * high,
            loss_siemens=draw.loss_to_gain * draw.gain * high,
            fall_s=draw.fall * MILLISECOND,
            window_s=draw.window * MILLISECOND,
            soft=draw.soft,
        ),
        synapses=replace(model.synapses, initial_mean=draw.initial_mean),
    )
    rates = tuple(draw.rate_ratio**number for number in range(draw.passes))
    protocol = paced_protocol(replace(TUNED, passes=draw.passes, rates=rates), share, TUNED_EXPONENT)
    return SpikingNetwork(paced_model(model, share), FusedEngine(), seed=seed, protocol=protocol)


def right(draw, split, seed, share=1.0):
    """Train, label and test one network; per cent right by likelihood."""
    network = network_of(draw, seed, share)
    network.train(split.train.intensities, split.train.labels)
    return 100 * network.test(split.test.intensities, split.test.labels).accuracy


@functools.cache
def held_out():
    """Return 700 of the 999 training images to train on, and the other 299 to judge by."""
    train = first().train
    order = np.random.default_rng([SEED, FEW]).permutation(len(train))

    def some(places):
        return Images(train.intensities[places], train.labels[places])

    return Split(some(order[:TRAINED_ON]), some(order[TRAINED_ON:]))


@functools.cache
def judged(draw):
    """Return per cent right on the images held out, the mean of a few networks."""
    return float(np.mean([right(draw, held_out(), seed) for seed in range(JUDGED)]))


@functools.cache
def ranking():
    """Return all draws, the best one first."""
    return sorted(draws(), key=lambda draw: -judged(draw))


def best():
    return ranking()[0]


def of_rank(place) -> dict[str, Any]:
    draw = ranking()[place]
    return {"held_out": judged(draw), **asdict(draw)}


def outcome(choose, share=1.0):
    """Judge settings, and test them with all training images."""
    draw = choose()
    better = sum(judged(each) > judged(draw) for each in draws())
    found = [right(draw, first(), seed, share) for seed in range(TESTED)]
    return {"held_out": judged(draw), "better": better, **spread(found)}


def of_all():
    """Return what the draws gave on the images held out; the test set is not asked about them."""
    found = [judged(each) for each in draws()]
    return {
        "held_out": float(np.median(found)),
        "better": DRAWS // 2,
        "mean": None,
        "std": None,
        "low": None,
        "high": None,
    }


def without_spikes(classify):
    judged_right, tested_right = baseline(classify, held_out()), baseline(classify, first())
    return {"held_out": judged_right, "better": None} | UNTESTED | {"mean": tested_right}


def studies():
    about = (
        f"{DRAWS} draws of seed {SEED}, each judged by networks of the seeds 0 to {JUDGED - 1} on {FEW - TRAINED_ON} "
        f"of {FEW} training images"
    )
    columns = {
        "": "{name}", "held out, %": "{held_out:.1f}", "draws that are better": "{better}",
        "test set, %": "{mean:.1f}", "+-": "{std:.1f}",
    }  # fmt: skip
    names = {
        "threshold": "threshold", "increment": "increment", "leak": "leak", "refractory": "refractory, steps",
        "gain": "gain", "loss_to_gain": "loss : gain", "fall": "fall, steps", "window": "window, steps", "soft": "soft",
        "initial_mean": "initial mean", "passes": "passes", "rate_ratio": "rate ratio",
    }  # fmt: skip
    ranks = {"rank": "{name}", "held out, %": "{held_out:.1f}"} | {
        heading: f"{{{field}}}" for field, heading in names.items()
    }
    rows = {str(place + 1): partial(of_rank, place) for place in range(SHOWN)}
    rows["tuned"] = lambda: {"held_out": judged(Draw()), **asdict(Draw())}
    return {
        "spiking_search": Study(
            f"{about}; tested with networks of the seeds 0 to {TESTED - 1} that were trained on all of them.",
            columns,
            {
                "tuned settings": partial(outcome, Draw),
                "the best draw, paced for 999 images": partial(outcome, best, TRAINED_ON / FEW),
                "the best draw, as drawn": partial(outcome, best),
                "the median draw": of_all,
                "1-nearest neighbour": partial(without_spikes, baselines.nearest_neighbour),
                "ridge regression": partial(without_spikes, baselines.ridge_regression),
            },
        ),
        "spiking_search_draws": Study(f"{about}; the best {SHOWN}.", ranks, rows),
    }


if __name__ == "__main__":
    main(__doc__, studies, "CROSSBAR_HIL_MNIST=FOLDER ")
