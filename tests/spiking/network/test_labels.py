import numpy as np
import pytest

from crossbar_hil.errors import ConfigError, DataError
from crossbar_hil.spiking.network.labels import SILENT, answers, evaluate, label_neurons

# Neurons 0 and 1 answer to 3, neuron 2 to 8; neuron 3 never spikes.
COUNTS = np.array([[9, 1, 0, 0], [7, 3, 2, 0], [1, 0, 6, 0]])
LABELS = label_neurons(COUNTS, np.array([3, 3, 8]))


def test_a_neuron_has_the_label_it_spiked_most_for_and_the_lowest_if_it_never_spiked():
    assert LABELS.of_neurons.tolist() == [3, 3, 8, 3]
    assert LABELS.totals.tolist() == [[16, 4, 2, 0], [1, 0, 6, 0]]


def test_the_neuron_with_most_spikes_decides_and_the_first_of_equals():
    assert answers(np.array([[2, 0, 1, 0], [1, 0, 2, 0], [2, 0, 2, 0]]), LABELS).tolist() == [3, 8, 3]


def test_the_mean_of_a_class_can_outvote_the_winner():
    counts = np.array([[5, 0, 4, 0]])  # means: class 3 (5 + 0 + 0) / 3, class 8 4
    assert answers(counts, LABELS, "winner").tolist() == [3]
    assert answers(counts, LABELS, "mean").tolist() == [8]


def test_a_vote_is_divided_as_the_spikes_of_its_neuron_were():
    # Rates: neuron 0 has 8 and 1, neuron 1 has 2 and 0, neuron 2 has 1 and 6.
    # Of (10, 0, 11, 0), class 3 gets 10 8/9 + 11 1/7 = 10.460 and class 8 gets 10 1/9 + 11 6/7 = 10.540.
    assert answers(np.array([[10, 0, 11, 0]]), LABELS, "votes").tolist() == [8]
    # Of (10, 1, 11, 0), class 3 gets 1 more.
    assert answers(np.array([[10, 1, 11, 0]]), LABELS, "votes").tolist() == [3]


def test_the_likelihood_is_that_of_poisson_counts():
    # Rates with half a spike more: class 3 (8.25, 2.25, 1.25, 0.25), class 8 (1.5, 0.5, 6.5, 0.5).
    # For (2, 0, 1, 0): 2 ln 8.25 + ln 1.25 - 12 = -7.556 and 2 ln 1.5 + ln 6.5 - 9 = -6.317.
    assert answers(np.array([[2, 0, 1, 0]]), LABELS, "likelihood").tolist() == [8]
    # For (4, 1, 1, 0): 4 ln 8.25 + ln 2.25 + ln 1.25 - 12 = -2.525 and 4 ln 1.5 + ln 0.5 + ln 6.5 - 9 = -6.200.
    assert answers(np.array([[4, 1, 1, 0]]), LABELS, "likelihood").tolist() == [3]


@pytest.mark.parametrize("readout", ["winner", "mean", "votes", "likelihood"])
def test_an_image_without_a_spike_has_no_answer_and_is_wrong(readout):
    given = answers(np.array([[0, 0, 0, 0], [9, 2, 0, 0]]), LABELS, readout)
    assert given.tolist() == [SILENT, 3]
    got = evaluate(given, np.array([3, 3]), LABELS.classes)
    assert (got.accuracy, got.silent, got.images) == (0.5, 1, 2)


def test_the_confusion_has_true_labels_in_rows():
    got = evaluate(np.array([3, 8, 8]), np.array([3, 3, 8]), LABELS.classes)
    assert got.confusion.tolist() == [[1, 1], [0, 1]]


def test_a_test_label_that_was_never_trained_is_refused():
    with pytest.raises(DataError, match=r"label 5 is none of those the network was trained on, \[3, 8\]"):
        evaluate(np.array([3]), np.array([5]), LABELS.classes)


def test_an_unknown_readout_is_refused():
    with pytest.raises(ConfigError, match="readout 'loudest' is none of winner, mean, votes, likelihood"):
        answers(COUNTS, LABELS, "loudest")


def test_labels_must_be_as_many_as_images():
    with pytest.raises(DataError, match="3 images and 2 labels must be as many"):
        label_neurons(COUNTS, np.array([1, 2]))
