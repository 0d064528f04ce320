"""What defects, states, wires and measured cells cost the spiking network: published figures beside measured ones.

Every line trains networks of 50 neurons with the seeds 0 to 4 and tests each on all images of the five classes in the
test set of MNIST, none of which was trained on. MNIST does not come with this project: the environment variable
CROSSBAR_HIL_MNIST names the folder of its four files, see docs/spiking_results.md.

    CROSSBAR_HIL_MNIST=FOLDER python benchmarks/spiking/spiking_reproduction.py [--only spiking_states]
"""

import math
import os
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from crossbar_hil import Pulse
from crossbar_hil.benchmarks.study import Study, main
from crossbar_hil.shipped import data_file
from crossbar_hil.sim_backend import ConductanceCurve
from crossbar_hil.sim_backend.circuit import transfer_matrix
from crossbar_hil.sim_backend.circuit.cells import Cubic
from crossbar_hil.sim_backend.spiking.attenuated import AttenuatedEngine
from crossbar_hil.sim_backend.spiking.fused import FusedEngine
from crossbar_hil.sim_backend.spiking.wired import WiredEngine
from crossbar_hil.spiking.network.devices import compensate_wires, lognormal_factors, stuck_masks, with_stuck
from crossbar_hil.spiking.network.encoding import LABELLING, TESTING, spike_probabilities
from crossbar_hil.spiking.network.labels import answers, evaluate, label_neurons
from crossbar_hil.spiking.network.model import at_rest
from crossbar_hil.spiking.network.network import PUBLISHED, SpikingNetwork
from crossbar_hil.spiking.network.states import as_states, linear_states, nearest_state
from crossbar_hil.spiking.network.stepwise import Showing
from crossbar_hil.spiking.settings import SpikingSettings, model_of
from crossbar_hil.spiking.tasks.images import mnist
from crossbar_hil.spiking.tasks.models import (
    CLASSES,
    HIGH_SIEMENS,
    LOW_SIEMENS,
    TUNED,
    TUNED_TEN,
    published_model,
    published_states_model,
    tuned_model,
    tuned_ten_model,
)

SEEDS = 5
WIRE_OHM = 1.0
TRAINING_RANGE = 2000
"""Images of the training file that are looked at; 999 of them are of the five classes."""
WINDOW_SIEMENS = 2.5e-4
"""Highest conductance that the networks with compensated wires use."""
MEASURED_OHM = (
    11177, 9352, 8041, 7053, 6282, 5663, 5155, 4731, 4371, 4063,
    3795, 3560, 3352, 3168, 3002, 2853, 2719, 2596, 2484, 2381,
)  # fmt: skip
"""States of the measured devices at 0.2 to 0.25 V, published with github.com/anddudkin/SNN_memristor_based."""
RENEWED = 50
"""Training images between two renewals of what wires take."""
ONE_PASS = replace(TUNED, passes=1, training_steps=200)


# One training and one test


def trained(model, protocol, images, seed, engine=None, prepare=None):
    """Train one network; `prepare` changes it beforehand."""
    network = SpikingNetwork(model, engine or FusedEngine(), seed=seed, protocol=protocol)
    if prepare is not None:
        prepare(network, images)
    network.train(images.intensities, images.labels)
    return network


def accuracy(network, images):
    result = network.test(images.intensities, images.labels)
    return 100 * result.accuracy, result.silent


def relabelled(network, images):
    """Label the neurons anew, by showing the training images with fixed weights."""
    showing = Showing(network.protocol.test_steps, network.seed, LABELLING, reset=network.protocol.reset_tests)
    shown = spike_probabilities(images.intensities)
    counts = network.engine.show(network.model, at_rest(network.state), shown, showing).counts
    network.labels = label_neurons(counts, images.labels)


# Changes to a model


def few(images, count):
    return replace(images, intensities=images.intensities[:count], labels=images.labels[:count])


def with_cells(model, **change):
    return replace(model, cells=replace(model.cells, **change))


def with_scheme(model, scheme):
    return replace(model, synapses=replace(model.synapses, update_scheme=scheme))


def linear(count):
    return linear_states(count, LOW_SIEMENS, HIGH_SIEMENS)


def windowed(images, high):
    """Return the tuned network on the part of the range up to `high` siemens, its neurons as much amplified."""
    return model_of(SpikingSettings(high_siemens=high), images)


def published_wires():
    """Return the published settings for wires, 128 nonlinear states; see docs/spiking_results.md."""
    model = published_states_model(128, "nonlinear")
    threshold = 0.2 / 65
    neurons = replace(
        model.neurons,
        threshold_v=threshold,
        cap_v=5 * threshold,
        inhibition_v=0.05 / 40,
        increment_v=0.002 / 30,
        others_refractory_s=5e-3,
    )
    return replace(model, neurons=neurons)


def calibrated(how):
    """Return what sets the gains before a training: one read of all columns with the mean image says what arrives."""

    def prepare(network, images):
        siemens = network.state.weights.astype(np.float64)
        volts = images.intensities.mean(axis=0)
        ideal, arriving = volts @ siemens, volts @ transfer_matrix(siemens, WIRE_OHM)
        if how == "one":
            arriving = ideal * (arriving.sum() / ideal.sum())
        network.state = compensate_wires(network.state, ideal, arriving)

    return prepare


def arriving(model, images):
    """Return how much of the current of an ideal crossbar arrives, before training, for the mean image."""
    siemens = SpikingNetwork(model, FusedEngine(), seed=0).state.weights.astype(np.float64)
    volts = images.intensities.mean(axis=0)
    return {"percent": 100 * float((volts @ transfer_matrix(siemens, WIRE_OHM)).sum() / (volts @ siemens).sum())}


def factors(sigma, seed):
    return lognormal_factors((196, 50), sigma, np.random.default_rng([seed, 1]))


# Rows: name, recorded figure, and for each seed an accuracy and how many images were silent


def plain_rows(split, area):
    def row(name, recorded, model, protocol, images):
        return name, recorded, lambda seed: accuracy(trained(model, protocol, images.train, seed), images.test)

    yield row("published, weights 0 to 1", "79 .. 84", published_model(), PUBLISHED, split)
    yield row("published, 50 uS to 10 mS", "76 .. 84", published_model("siemens"), PUBLISHED, split)
    yield row("tuned, weights 0 to 1", "", tuned_model(), TUNED, area)
    yield row("tuned, 50 uS to 10 mS", "", tuned_model("siemens"), TUNED, area)


RECORDED_STATES = {
    16: "30, 35, 39", 32: "28, 35, 36", 64: "28, 34", 128: "29, 30, 60", 256: "24, 72, 84", 512: "49, 60, 69",
    1024: "71, 75, 75", 2048: "70, 74, 79", 8192: "66, 79",
}  # fmt: skip
RECORDED_NONLINEAR = {128: "81 .. 88", 256: "72, 81"}


def state_rows(split, area):
    def row(name, recorded, model, protocol, images):
        return name, recorded, lambda seed: accuracy(trained(model, protocol, images.train, seed), images.test)

    for count, recorded in RECORDED_STATES.items():
        yield row(f"published, {count} linear states", recorded, published_states_model(count), PUBLISHED, split)
    for count in (16, 32, 64, 128, 256):
        recorded = RECORDED_NONLINEAR.get(count, "")
        model = published_states_model(count, "nonlinear")
        yield row(f"published, {count} nonlinear states", recorded, model, PUBLISHED, split)
    for count in (128, 16, 2):
        for scheme in ("nearest", "stochastic", "carry"):
            model = with_scheme(tuned_model("siemens", states=linear(count)), scheme)
            yield row(f"tuned, {count} linear states, {scheme}", "", model, TUNED, area)


def pulse_rows(_split, area):
    for width, name in ((1e-3, "1 ms"), (5e-2, "50 ms")):
        model = model_of(SpikingSettings(rule="pulse", curve="figure2a", width_s=width), area)
        curves = [
            ConductanceCurve.from_csv(data_file("figure2a"), Pulse(volts, width)).levels_siemens
            for volts in (2.0, -2.8)
        ]
        ratio = np.max(np.concatenate(curves)) / np.min(np.concatenate(curves))
        yield (
            f"tuned, pulses of {name}; the measured span, a factor of {ratio:.1f}, stretched to 200",
            "",
            lambda seed, m=model: accuracy(trained(m, TUNED, area.train, seed), area.test),
        )


def stuck_rows(split, area):
    def held(model, protocol, images, share):
        def run(seed):
            def prepare(network, _):
                low, high = stuck_masks(
                    (196, 50), rng=np.random.default_rng([seed, 2]), at_low=share / 2, at_high=share / 2
                )
                network.model, network.state = with_stuck(network.model, network.state, low, high)

            return accuracy(trained(model, protocol, images.train, seed, prepare=prepare), images.test)

        return run

    def afterwards(model, protocol, images, share, labels):
        def run(seed):
            network = trained(model, protocol, images.train, seed)
            low, high = stuck_masks(
                (196, 50), rng=np.random.default_rng([seed, 2]), at_low=share / 2, at_high=share / 2
            )
            network.model, network.state = with_stuck(network.model, network.state, low, high)
            if labels:
                relabelled(network, images.train)
            return accuracy(network, images.test)

        return run

    recorded = {0: "80", 0.01: "~77", 0.1: "", 0.3: "", 0.5: "", 0.79: "65 .. 70"}
    model = published_states_model(2048)
    for share, figure in recorded.items():
        name = f"published, 2048 states, {100 * share:.0f} % stuck in training"
        yield name, figure, held(model, PUBLISHED, split, share)
    for share, figure in ((0.01, "75"), (0.1, ""), (0.3, ""), (0.5, ""), (0.85, "43")):
        name = f"published, 2048 states, {100 * share:.0f} % stuck afterwards"
        yield name, figure, afterwards(model, PUBLISHED, split, share, False)
    for share in (0.01, 0.1, 0.3, 0.5, 0.79):
        yield f"tuned, {100 * share:.0f} % stuck in training", "", held(tuned_model("siemens"), TUNED, area, share)
    for share in (0.01, 0.1, 0.3, 0.5):
        name = f"tuned, {100 * share:.0f} % stuck afterwards"
        yield name, "", afterwards(tuned_model("siemens"), TUNED, area, share, False)
        yield f"{name}, labelled again", "", afterwards(tuned_model("siemens"), TUNED, area, share, True)


def variability_rows(_split, area):
    for sigma in (0.1, 0.3, 0.5, 1.0):

        def during(seed, sigma=sigma):
            model = with_cells(tuned_model("siemens"), factors=factors(sigma, seed))
            return accuracy(trained(model, TUNED, area.train, seed), area.test)

        def later(seed, sigma=sigma):
            network = trained(tuned_model("siemens"), TUNED, area.train, seed)
            network.model = with_cells(network.model, factors=factors(sigma, seed))
            return accuracy(network, area.test)

        name = f"tuned, cells differ by {100 * sigma:.0f} % (lognormal)"
        yield f"{name}, in training and test", "", during
        yield f"{name}, only in the test", "", later
    for noise in (0.01, 0.1, 0.3):
        model = with_cells(tuned_model("siemens"), read_noise=noise)
        yield (
            f"tuned, read noise {100 * noise:.0f} % of a column's current",
            "",
            lambda seed, m=model: accuracy(trained(m, TUNED, area.train, seed), area.test),
        )


def wire_rows(split, area):
    exact, quick = WiredEngine(WIRE_OHM), AttenuatedEngine(WIRE_OHM, RENEWED)
    one, each = calibrated("one"), calibrated("each")

    def wired(model, protocol, images, count, prepare=None, engine=quick):
        train = few(images.train, count)
        return lambda seed: accuracy(trained(model, protocol, train, seed, engine, prepare), images.test)

    def again(model):
        def run(seed):
            network = SpikingNetwork(model, quick, seed=seed, protocol=TUNED)
            each(network, area.train)
            for number in range(TUNED.passes):
                network.learn(area.train.intensities, number)
                each(network, area.train)
            relabelled(network, area.train)
            return accuracy(network, area.test)

        return run

    def moved(model):
        def run(seed):
            network = trained(model, TUNED, area.train, seed)
            network.engine = exact
            each(network, area.train)
            relabelled(network, area.train)
            return accuracy(network, area.test)

        return run

    paper = replace(PUBLISHED, training_steps=200, test_steps=100)
    yield "published way, 317 images", "50", wired(published_wires(), paper, split, 317, engine=exact)
    full, milli, own = tuned_model("siemens"), windowed(area, 1e-3), windowed(area, WINDOW_SIEMENS)
    for name, model, gains in (
        ("no compensation", full, None),
        ("one gain for all columns", full, one),
        ("a gain for each column", full, each),
        ("cells up to 1 mS, one gain", milli, one),
        ("cells up to 1 mS, a gain for each column", milli, each),
        ("cells up to 250 uS, no compensation", own, None),
        ("cells up to 250 uS, one gain", own, one),
        ("cells up to 250 uS, a gain for each column", own, each),
        ("cells up to 125 uS, a gain for each column", windowed(area, 1.25e-4), each),
    ):
        yield f"tuned, {name}", "", wired(model, TUNED, area, 999, gains)
    for name, model in (("", full), (", cells up to 1 mS", milli), (", cells up to 250 uS", own)):
        yield f"tuned{name}, a gain for each column, set again after each pass", "", again(model)
    for name, model in (("", full), (", cells up to 250 uS", own)):
        yield f"tuned{name}, trained without wires, then a gain for each column", "", moved(model)
    name = "300 images, one pass, cells up to 250 uS, a gain for each column"
    yield f"{name}: shares renewed every {RENEWED} images", "", wired(own, ONE_PASS, area, 300, each)
    yield f"{name}: circuit solved at every step", "", wired(own, ONE_PASS, area, 300, each, exact)


def inference_rows(_split, area):
    """Yield trained networks put on the measured states, tested with wires and nonlinear cells on 200 images."""
    states = as_states(1 / np.array(MEASURED_OHM, float))
    some, known = few(area.test, 200), few(area.train, 100)
    low, high = float(states[0]), float(states[-1])
    spike_v = 0.5

    def put(seed):
        network = trained(tuned_model("siemens"), TUNED, area.train, seed)
        share = (network.state.weights - LOW_SIEMENS) / (HIGH_SIEMENS - LOW_SIEMENS)
        weights = nearest_state(states, (low + share * (high - low)).astype(np.float32))
        scale = (HIGH_SIEMENS - LOW_SIEMENS) / (high - low) / spike_v
        model = replace(
            network.model,
            neurons=replace(network.model.neurons, gain_ohm=scale),
            synapses=replace(network.model.synapses, low_siemens=low, high_siemens=high),
            spike_v=spike_v,
        )
        return network, model, replace(network.state, weights=weights)

    def tested(engine, gains):
        def run(seed):
            network, model, state = put(seed)
            showing = Showing(50, seed, TESTING, reset=True)
            if gains:  # one read for each column: what arrives of the mean image through wires and cells
                state = matched(network, model, state, engine, area.train)
            naming = replace(showing, stream=LABELLING)
            counts = engine.show(model, at_rest(state), spike_probabilities(known.intensities), naming).counts
            labels = label_neurons(counts, known.labels)
            counts = engine.show(model, at_rest(state), spike_probabilities(some.intensities), showing).counts
            given = answers(counts, labels, "likelihood")
            found = evaluate(given, some.labels, labels.classes)
            return 100 * found.accuracy, found.silent

        return run

    yield "ideal crossbar, 20 measured states", "85.8 (4 classes)", tested(FusedEngine(), False)
    yield "ohmic cells, wires, a gain for each column", "", tested(WiredEngine(WIRE_OHM), True)
    yield (
        "measured nonlinear cells, wires, a gain for each column",
        "82.8 (4 classes)",
        tested(WiredEngine(WIRE_OHM, Cubic()), True),
    )


def matched(network, model, state, engine, images):
    """Give each column the gain that makes its current for typical spikes what it is in the trained network."""
    from crossbar_hil.sim_backend.circuit import solve_crossbar  # noqa: PLC0415

    rng = np.random.default_rng(0)
    spikes = rng.random((20, 196)) < images.intensities.mean(axis=0)
    siemens = state.weights.astype(np.float64)
    arriving = solve_crossbar(siemens, spikes * model.spike_v, WIRE_OHM, engine.arrangement.cell).sum(axis=0)
    wanted = (spikes @ network.state.weights.astype(np.float64)).sum(axis=0)
    return compensate_wires(state, wanted / model.neurons.gain_ohm, arriving)


def change_rows(split, area):
    """Yield the tuned network without one of its changes, the published one with one, and other images."""
    old, ten = published_model().neurons, mnist(folder(), train=10_000, resize="area")

    def row(name, model, protocol, images):
        return name, "", lambda seed: accuracy(trained(model, protocol, images.train, seed), images.test)

    def with_neurons(model, **changes):
        return replace(model, neurons=replace(model.neurons, **changes))

    yield row("tuned", tuned_model(), TUNED, area)
    yield row("tuned, every second pixel", tuned_model(), TUNED, split)
    yield row("tuned, one pass", tuned_model(), replace(TUNED, passes=1), area)
    yield row("tuned, labels from the training", tuned_model(), replace(TUNED, label_after=False), area)
    for readout in ("winner", "mean", "votes"):
        yield row(f"tuned, read-out {readout}", tuned_model(), replace(TUNED, readout=readout), area)
    for name, model in (
        ("thresholds that decay and have a cap", {"threshold_decay_s": old.threshold_decay_s, "cap_v": old.cap_v}),
        ("published inhibition", {"inhibition_v": old.inhibition_v}),
        ("last one wins", {"contest": "last"}),
        ("five steps refractory", {"own_refractory_s": 5e-3, "others_refractory_s": 5e-3}),
    ):
        yield row(f"tuned, {name}", with_neurons(tuned_model(), **model), TUNED, area)
    yield row("tuned, published rates", replace(tuned_model(), plasticity=published_model().plasticity), TUNED, area)
    yield row("tuned, ten digits, 150 neurons, 10,000 images", tuned_ten_model(), TUNED_TEN, ten)
    yield row("published", published_model(), PUBLISHED, split)
    yield row("published, means of 2 x 2 pixels", published_model(), PUBLISHED, area)
    yield row("published, three passes", published_model(), replace(PUBLISHED, passes=3, rates=TUNED.rates), split)
    yield row("published, labels after training", published_model(), replace(PUBLISHED, label_after=True), split)
    likely = replace(PUBLISHED, label_after=True, readout="likelihood")
    yield row("published, labels after training, read-out likelihood", published_model(), likely, split)
    for name, model in (
        ("thresholds without decay or cap", {"threshold_decay_s": math.inf, "cap_v": math.inf}),
        ("full inhibition", {"inhibition_v": 80.0}),
        ("highest one wins", {"contest": "highest"}),
    ):
        yield row(f"published, {name}", with_neurons(published_model(), **model), PUBLISHED, split)


TABLES = {
    "plain": plain_rows,
    "changes": change_rows,
    "states": state_rows,
    "wires": wire_rows,
    "stuck": stuck_rows,
    "variability": variability_rows,
    "pulses": pulse_rows,
    "inference": inference_rows,
}
COLUMNS = {
    "": "{name}",
    "recorded, %": "{recorded}",
    "test set, %": "{mean:.1f} +- {std:.1f}",
    "from .. to": "{low:.1f} .. {high:.1f}",
    "images without a spike": "{silent:.1f}",
}


def folder():
    """Return the folder of the files of MNIST."""
    if "CROSSBAR_HIL_MNIST" not in os.environ:
        raise SystemExit("CROSSBAR_HIL_MNIST must name the folder of the four files of MNIST: docs/spiking_results.md")
    return Path(os.environ["CROSSBAR_HIL_MNIST"])


def networks(recorded, run):
    """Train and test a network of each seed."""
    found, silent = zip(*(run(seed) for seed in range(SEEDS)), strict=True)
    return {
        "recorded": recorded,
        "mean": float(np.mean(found)),
        "std": float(np.std(found, ddof=1)),
        "low": min(found),
        "high": max(found),
        "silent": float(np.mean(silent)),
    }


def studies():
    split = mnist(folder(), CLASSES, train=TRAINING_RANGE)
    area = mnist(folder(), CLASSES, train=TRAINING_RANGE, resize="area")
    share = Study(
        "The network of seed 0.",
        {"": "{name}", "current that arrives": "{percent:.1f} %"},
        {"tuned, 50 uS to 10 mS": partial(arriving, tuned_model("siemens"), area.train)},
    )
    tables = {
        f"spiking_{table}": Study(
            "Networks of the seeds 0 to 4.",
            COLUMNS,
            {name: partial(networks, recorded, run) for name, recorded, run in rows(split, area)},
        )
        for table, rows in TABLES.items()
    }
    return {"spiking_arriving": share, **tables}


if __name__ == "__main__":
    main(__doc__, studies, "CROSSBAR_HIL_MNIST=FOLDER ")
