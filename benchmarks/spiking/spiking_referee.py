"""What a referee asks of the spiking network: baselines beside every accuracy, spreads, and learning curves.

Every classifier sees the same images, at the same 14 x 14 pixels (means of 2 x 2), and is tested on all images of its
digits in the test file of MNIST. The environment variable CROSSBAR_HIL_MNIST names the folder of the four files, see
docs/spiking_results.md.

    CROSSBAR_HIL_MNIST=FOLDER python benchmarks/spiking/spiking_referee.py [--only spiking_referee]
"""

import functools
from functools import partial

import numpy as np

from crossbar_hil.benchmarks.spiking import baselines
from crossbar_hil.benchmarks.spiking.spiking_array import BEST, ENDS
from crossbar_hil.benchmarks.spiking.spiking_reproduction import folder
from crossbar_hil.benchmarks.study import Study, main
from crossbar_hil.spiking.computed import computed_network
from crossbar_hil.spiking.network.labels import SILENT, answers
from crossbar_hil.spiking.settings import SpikingSettings
from crossbar_hil.spiking.tasks.images import Images, Split, mnist, select_classes
from crossbar_hil.spiking.tasks.models import CLASSES

SEEDS, DRAWS = 5, 3
SEEDS_CURVE = 3
"""Networks of each point of a learning curve and each order of images, and of each array with wires."""
SEEDS_TEN = {100: 5, 400: 3, 1600: 2}
"""Networks of ten digits, by their neurons."""
FEW, FIRST = 999, 2000
"""Images of the five digits among the first ones of the training file."""
ALL = 29_993
"""Images of the five digits in the training file."""
COUNTS = (100, 300, FEW, 3000, 10_000, ALL)
READOUTS = ("likelihood", "winner")
AS_PUBLISHED = "mean"
"""The read-out of Diehl & Cook: the class whose neurons spike most on average."""
PUBLISHED = {100: 82.9, 400: 87.0, 1600: 91.9}
"""Per cent on the test set by neurons: P. U. Diehl, M. Cook, "Unsupervised learning of digit recognition using
spike-timing-dependent plasticity", Front. Comput. Neurosci. 9 (2015) 99, doi:10.3389/fncom.2015.00099."""


# Images


@functools.cache
def images(five=True):
    """Return all images of five digits, or of ten, at half their size."""
    return mnist(folder(), CLASSES if five else None, resize="area")


@functools.cache
def first(five=True, count=FIRST):
    """Return images among the first `count` of the training file, and all test images."""
    every = images(five=False)
    train = select_classes(every.train.intensities[:count], every.train.labels[:count], CLASSES if five else None)
    return Split(train, images(five).test)


@functools.cache
def drawn(number, count=FEW):
    """Return images of five digits drawn from the whole training file: for each number from 0 the first of an order."""
    every = images().train
    places = np.random.default_rng([number, FEW]).permutation(len(every))[:count]
    return Split(Images(every.intensities[places], every.labels[places]), images().test)


# One network


def settings(five=True, **given):
    """Return what the command line would take, with its defaults for what is not given."""
    if five:
        given = {"classes": CLASSES, "neurons": 50} | given
    return SpikingSettings(dataset="mnist", data=str(folder()), **given)


@functools.cache
def answered(how, split, seed, trained=True):
    """Train a network unless it is to stay as drawn, label it, test it: per cent right by read-out, silent images."""
    network = computed_network(how, split, seed)
    for number in range(network.protocol.passes if trained else 0):
        network.learn(split.train.intensities, number)
    labels = network.label(split.train.intensities, split.train.labels)
    counts = network.respond(split.test.intensities)
    given = {readout: answers(counts, labels, readout) for readout in (*READOUTS, AS_PUBLISHED)}
    right = {readout: 100 * float((each == split.test.labels).mean()) for readout, each in given.items()}
    return right | {"silent": int((given[READOUTS[0]] == SILENT).sum())}


def baseline(classify, split, *more):
    """Return per cent right of a classifier without spikes."""
    given = classify(split.train.intensities, split.train.labels, split.test.intensities, *more)
    return 100 * float((given == split.test.labels).mean())


def prototypes(count, split, seed):
    return baseline(baselines.labelled_prototypes, split, count, seed)


def of_network(how, readout, trained, split, seed):
    return answered(how, split, seed, trained)[readout]


# Spread over seeds and drawn images


def spread(values):
    """Return mean, standard deviation (of one value none), lowest and highest."""
    values = np.asarray(values, float).ravel()
    deviation = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return {"mean": float(values.mean()), "std": deviation, "low": float(values.min()), "high": float(values.max())}


def over_draws(measure, seeds=SEEDS):
    """Measure on the first images, and on drawn ones, with networks of each seed.

    Returns
    -------
    dict
        Of the first images mean and standard deviation over seeds; of the drawn ones mean, lowest, highest, standard
        deviation over seeds (pooled from the draws), and that of the means of the draws.
    """
    of_first = spread([measure(first(), seed) for seed in range(seeds)])
    found = np.array([[measure(drawn(number), seed) for seed in range(seeds)] for number in range(DRAWS)])
    over_seeds = float(np.sqrt(found.var(axis=1, ddof=1).mean())) if seeds > 1 else None
    return {
        "first": of_first["mean"], "first_std": of_first["std"], **spread(found),
        "over_seeds": over_seeds, "over_draws": float(found.mean(axis=1).std(ddof=1)),
    }  # fmt: skip


def without_seed(classify):
    return partial(over_draws, lambda split, _: baseline(classify, split), seeds=1)


def classifiers():
    """Return the rows of the first table: what each classifier makes of 999 images."""
    how = settings()
    rows = {
        "1-nearest neighbour": without_seed(baselines.nearest_neighbour),
        "k-means, 50 labelled prototypes": partial(over_draws, partial(prototypes, 50)),
        "ridge regression": without_seed(baselines.ridge_regression),
        "class centroid": without_seed(baselines.class_centroid),
    }
    for trained in (False, True):
        for readout in READOUTS:
            name = f"{'trained' if trained else 'untrained'} network, read-out {readout}"
            rows[name] = partial(over_draws, partial(of_network, how, readout, trained))
    return rows


def with_wires(seeds, trained, **given):
    """Test networks on an array with wires of 1 ohm and cells over their whole range."""
    how = settings(wire_ohm=1.0, renew=20, train=FIRST, **given)
    found = [answered(how, first(), seed, trained) for seed in range(seeds)]
    return {
        f"{readout}_{key}": value
        for readout in READOUTS
        for key, value in spread([each[readout] for each in found]).items()
    } | {"silent": float(np.mean([each["silent"] for each in found])), "seeds": seeds}


def data_sets(split):
    """Test what needs no seed on one data set, and k-means with 50 prototypes."""
    return {
        "images": len(split.train),
        "neighbour": baseline(baselines.nearest_neighbour, split),
        "k_means": prototypes(50, split, 0),
        "ridge": baseline(baselines.ridge_regression, split),
        "centroid": baseline(baselines.class_centroid, split),
    }


def ten_digits(neurons):
    """Train on all 60,000 images of ten digits, beside k-means with as many prototypes."""
    how, split, seeds = settings(five=False, neurons=neurons), images(five=False), SEEDS_TEN[neurons]
    found = [answered(how, split, seed) for seed in range(seeds)]
    untrained = answered(how, split, 0, False)
    likelihood, winner, mean = (spread([each[readout] for each in found]) for readout in (*READOUTS, AS_PUBLISHED))
    return {
        "neurons": neurons, "seeds": seeds, **likelihood, "winner": winner["mean"], "as_published": mean["mean"],
        "untrained": untrained["likelihood"], "untrained_winner": untrained["winner"],
        "k_means": prototypes(neurons, split, 0), "published": PUBLISHED[neurons],
        "silent": float(np.mean([each["silent"] for each in found])),
    }  # fmt: skip


# Learning curves


def curve(at, how, count=FEW, neurons=50, fewer=()):
    """Test networks of all seeds, trained on each set of drawn images, or on one where that is all there are.

    Parameters
    ----------
    at : int
        Where on the curve.
    fewer : sequence of int
        Numbers of images that nothing should be lost to, of the same seeds and orders.
    """
    splits = [drawn(number, count) for number in range(DRAWS if count < ALL else 1)]
    found = [answered(how, split, seed) for split in splits for seed in range(SEEDS_CURVE)]
    right = np.array([each["likelihood"] for each in found])
    before = [
        [
            answered(how, drawn(number, less), seed)["likelihood"]
            for number in range(len(splits))
            for seed in range(SEEDS_CURVE)
        ]
        for less in fewer
    ]
    k_means = [
        prototypes(neurons, split, seed) for split in splits for seed in range(SEEDS_CURVE if count < ALL else 1)
    ]
    return {
        "at": at, "networks": len(found), **spread(right), "lost": float((before - right).max()) if before else None,
        "winner": float(np.mean([each["winner"] for each in found])),
        "k_means": float(np.mean(k_means)),
        "neighbour": float(np.mean([baseline(baselines.nearest_neighbour, split) for split in splits])),
        "silent": float(np.mean([each["silent"] for each in found])),
    }  # fmt: skip


def studies():
    seeds = f"Networks of the seeds 0 to {SEEDS - 1}"
    few = f"Networks of the seeds 0 to {SEEDS_CURVE - 1}"
    draws = f"{seeds}, on each of {DRAWS} sets of {FEW} images drawn from the {ALL:,} of the training file"
    table = {
        "": "{name}", "first 999 images, %": "{first:.1f}", "+-": "{first_std:.1f}",
        "drawn 999 images, %": "{mean:.1f}", "from .. to": "{low:.1f} .. {high:.1f}",
        "+- over seeds": "{over_seeds:.1f}", "+- over draws": "{over_draws:.1f}",
    }  # fmt: skip
    wires = {
        "": "{name}", "likelihood, %": "{likelihood_mean:.1f} +- {likelihood_std:.1f}",
        "from .. to": "{likelihood_low:.1f} .. {likelihood_high:.1f}",
        "winner, %": "{winner_mean:.1f} +- {winner_std:.1f}", "images without a spike": "{silent:.1f}",
    }  # fmt: skip
    arrays = {"single ends": {}, "best, single ends": BEST, "best, both ends": BEST | ENDS}
    sets = {
        "": "{name}", "training images": "{images:,}", "1-NN, %": "{neighbour:.1f}",
        "50-means, labelled, %": "{k_means:.1f}", "ridge, %": "{ridge:.1f}", "centroid, %": "{centroid:.1f}",
    }  # fmt: skip
    ten = {
        "neurons": "{neurons:,}", "likelihood, %": "{mean:.1f} +- {std:.1f}", "from .. to": "{low:.1f} .. {high:.1f}",
        "seeds": "{seeds}", "winner, %": "{winner:.1f}", "mean, %": "{as_published:.1f}",
        "untrained, likelihood, %": "{untrained:.1f}", "untrained, winner, %": "{untrained_winner:.1f}",
        "k-means, as many prototypes, %": "{k_means:.1f}", "Diehl & Cook 2015, %": "{published:.1f}",
    }  # fmt: skip

    def points(what):
        return {
            what: "{at:,}", "network, %": "{mean:.1f} +- {std:.1f}", "from .. to": "{low:.1f} .. {high:.1f}",
            "networks": "{networks}", "winner, %": "{winner:.1f}", "k-means, %": "{k_means:.1f}",
            "1-NN, %": "{neighbour:.1f}", "images without a spike": "{silent:.1f}",
        }  # fmt: skip

    images_seen = points("training images")
    images_seen["most lost to fewer images, points"] = "{lost:.1f}"
    return {
        "spiking_referee": Study(f"{draws}.", table, classifiers()),
        "spiking_referee_array": Study(
            f"{few}, first {FEW} images, wires of 1 ohm, shares renewed every 20; best: --soft --order variance.",
            wires,
            {
                f"{name}, {'trained' if trained else 'untrained'}": partial(with_wires, SEEDS_CURVE, trained, **given)
                for name, given in arrays.items()
                for trained in (False, True)
            },
        ),
        "spiking_referee_images": Study(
            "First prototypes of k-means from seed 0.",
            sets,
            {
                "five digits, first 999": lambda: data_sets(first()),
                "five digits, all": lambda: data_sets(images()),
                "ten digits, first 10,000": lambda: data_sets(first(five=False, count=10_000)),
                "ten digits, all": lambda: data_sets(images(five=False)),
            },
        ),
        "spiking_referee_ten": Study(
            "All 60,000 training images and 10,000 test images; networks of the seeds from 0 on; untrained network and "
            "k-means of seed 0.",
            ten,
            {f"{neurons} neurons": partial(ten_digits, neurons) for neurons in SEEDS_TEN},
        ),
        "spiking_curve_images": Study(
            f"{few}, on the first images of {DRAWS} orders drawn, of all images of one; k-means with 50 prototypes.",
            images_seen,
            {
                f"{count} images": partial(curve, count, settings(), count=count, fewer=COUNTS[:place])
                for place, count in enumerate(COUNTS)
            },
        ),
        "spiking_curve_passes": Study(
            f"{few}, on the first {FEW} images of {DRAWS} orders drawn; k-means with 50 prototypes.",
            points("passes"),
            {f"{count} passes": partial(curve, count, settings(passes=count)) for count in (1, 2, 3, 4, 6, 10)},
        ),
        "spiking_curve_neurons": Study(
            f"{few}, on the first {FEW} images of {DRAWS} orders drawn; k-means with as many prototypes as neurons.",
            points("neurons"),
            {
                f"{count} neurons": partial(curve, count, settings(neurons=count), neurons=count)
                for count in (10, 20, 50, 100, 200, 400)
            },
        ),
    }


if __name__ == "__main__":
    main(__doc__, studies, "CROSSBAR_HIL_MNIST=FOLDER ")
