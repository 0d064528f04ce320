"""The classifiers that the spiking network is held against, reckoned otherwise on a few images."""

import numpy as np
import pytest

from crossbar_hil.benchmarks.spiking import baselines

RNG = np.random.default_rng(3)
TRAIN, TEST = RNG.random((40, 5)), RNG.random((25, 5))
LABELS = RNG.choice([2, 5, 9], 40)


def distance(image, other):
    return sum((a - b) ** 2 for a, b in zip(image, other, strict=True))


def test_the_nearest_neighbour_is_that_of_distances_one_by_one():
    by_hand = [LABELS[min(range(40), key=lambda i, image=image: distance(image, TRAIN[i]))] for image in TEST]
    assert baselines.nearest_neighbour(TRAIN, LABELS, TEST).tolist() == by_hand


def test_the_centroid_is_the_mean_image_of_a_class():
    train = np.array([[0.0, 0.0], [0.2, 0.0], [1.0, 1.0], [0.8, 0.6]])
    # means are (0.1, 0) and (0.9, 0.8); what is as far from both has 1.6 x + 1.6 y = 1.44
    test = np.array([[0.3, 0.59], [0.3, 0.61]])
    assert baselines.class_centroid(train, np.array([7, 7, 1, 1]), test).tolist() == [7, 1]


@pytest.mark.parametrize("penalty", [0.1, 10.0])
def test_ridge_regression_is_least_squares_with_a_row_for_each_penalty(penalty):
    rows = np.vstack(
        [np.hstack([TRAIN, np.ones((40, 1))]), np.hstack([np.sqrt(penalty) * np.eye(5), np.zeros((5, 1))])]
    )
    wanted = np.vstack([np.array([each == LABELS for each in (2, 5, 9)], float).T, np.zeros((5, 3))])
    weights = np.linalg.lstsq(rows, wanted, rcond=None)[0]
    by_hand = np.array([2, 5, 9])[np.argmax(TEST @ weights[:5] + weights[5], axis=1)]
    assert (baselines.regression(TRAIN, LABELS, TEST, penalty) == by_hand).all()


def test_k_means_ends_where_each_prototype_is_the_mean_of_the_images_nearest_to_it():
    prototypes = baselines.k_means(TRAIN, 6, 0)
    owner = np.array([min(range(6), key=lambda k, image=image: distance(image, prototypes[k])) for image in TRAIN])
    assert set(owner) == set(range(6))
    means = [TRAIN[owner == each].mean(axis=0) for each in range(6)]
    assert prototypes == pytest.approx(np.array(means), abs=1e-6)


def test_a_prototype_has_the_label_of_most_images_nearest_to_it():
    train = np.array([[0.0], [0.1], [0.2], [5.0], [5.1]])
    labels = np.array([4, 4, 8, 8, 4])  # about 0.1 two of three are 4; about 5.05 one is 4 and one 8: the lower one
    given = baselines.labelled_prototypes(train, labels, np.array([[-1.0], [6.0]]), 2, seed=0)
    assert given.tolist() == [4, 4]
    assert baselines.labelled_prototypes(train, labels[::-1].copy(), np.array([[-1.0], [6.0]]), 2, seed=0).tolist() == [
        8,
        4,
    ]
