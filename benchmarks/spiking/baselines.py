"""Classifiers that a spiking network is to be held against, on the same images and the same pixels.

All take images (P, K) and whole-number labels (P,) to learn from, and images (Q, K) to answer; all return (Q,) answers.
Images are intensities from 0 to 1. Distances are Euclidean.
"""

import numpy as np

ROWS = 1000
"""Images that are compared at once, so that distances fit into memory."""
PENALTIES = (0.1, 1.0, 10.0, 100.0)
"""Of the ridge regression, for intensities from 0 to 1; the one is taken that answers held-out training images best."""
HELD_OUT = 3
"""One training image in so many is held out for that."""
ROUNDS = 30
"""Of Lloyd's algorithm at most."""


def squared_distances(images, others):
    """Return the (P, Q) squared distances between images (P, K) and others (Q, K), in single precision."""
    images, others = np.asarray(images, np.float32), np.asarray(others, np.float32)
    found = images @ (-2 * others).T
    found += (images**2).sum(axis=1)[:, None]
    found += (others**2).sum(axis=1)
    return found


def nearest(images, others):
    """Return for each image the place of the nearest of the others, the first of equals."""
    parts = [images[first : first + ROWS] for first in range(0, len(images), ROWS)]
    return np.concatenate([np.argmin(squared_distances(part, others), axis=1) for part in parts])


def nearest_neighbour(train, labels, test):
    """Answer with the label of the nearest training image."""
    return labels[nearest(test, train)]


def class_centroid(train, labels, test):
    """Answer with the class whose mean image is nearest."""
    classes = np.unique(labels)
    means = np.array([train[labels == each].mean(axis=0) for each in classes])
    return classes[nearest(test, means)]


def ridge_regression(train, labels, test):
    """Answer with the class whose indicator, regressed linearly on the pixels, is highest."""
    kept = np.arange(len(train)) % HELD_OUT > 0
    right = [
        (regression(train[kept], labels[kept], train[~kept], penalty) == labels[~kept]).mean() for penalty in PENALTIES
    ]
    return regression(train, labels, test, PENALTIES[int(np.argmax(right))])


def regression(train, labels, test, penalty):
    """Answer by ridge regression with a penalty on the squared weights, none on the offset."""
    classes = np.unique(labels)
    mean = train.mean(axis=0)
    wanted = (labels[:, None] == classes).astype(np.float64)
    centred = train - mean
    matrix = centred.T @ centred + penalty * np.eye(train.shape[1])
    weights = np.linalg.solve(matrix, centred.T @ (wanted - wanted.mean(axis=0)))
    return classes[np.argmax((test - mean) @ weights + wanted.mean(axis=0), axis=1)]


def k_means(images, count, seed):
    """Return (count, K) prototypes: Lloyd's algorithm from images drawn at random, until nothing moves any more.

    A prototype that no image is nearest to is put on the image that is farthest from its own.
    """
    images = np.asarray(images, np.float32)
    prototypes = images[np.random.default_rng([seed, 7]).choice(len(images), count, replace=False)].copy()
    before = None
    for _ in range(ROUNDS):
        owner = nearest(images, prototypes)
        if before is not None and (owner == before).all():
            break
        before = owner
        order = np.argsort(owner, kind="stable")
        held, starts = np.unique(owner[order], return_index=True)
        sums = np.add.reduceat(images[order], starts, axis=0, dtype=np.float64)
        prototypes[held] = (sums / np.diff([*starts, len(images)])[:, None]).astype(np.float32)
        empty = np.setdiff1d(np.arange(count), held)
        if len(empty):
            apart = ((images - prototypes[owner]) ** 2).sum(axis=1)
            prototypes[empty] = images[np.argsort(-apart, kind="stable")[: len(empty)]]
    return prototypes


def labelled_prototypes(train, labels, test, count, seed):
    """Answer with the label of the nearest prototype: the class of most training images nearest to it."""
    prototypes = k_means(train, count, seed)
    classes, places = np.unique(labels, return_inverse=True)
    votes = np.zeros((count, len(classes)), np.int64)
    np.add.at(votes, (nearest(train, prototypes), places), 1)
    return classes[np.argmax(votes, axis=1)][nearest(test, prototypes)]
