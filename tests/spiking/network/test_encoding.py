import numpy as np
import pytest

from crossbar_hil.errors import DataError
from crossbar_hil.spiking.network.encoding import (
    CERTAIN,
    GOLDEN,
    MASK,
    ROUNDING,
    input_spikes,
    key,
    mix,
    mix_words,
    normal_numbers,
    presentation_keys,
    random_words,
    spike_probabilities,
    step_key,
)

# First outputs of SplitMix64 seeded with 1234567, as printed by the public-domain C program of S. Vigna.
OUTPUTS = (6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821)


def test_the_generator_is_splitmix64():
    words = [(1234567 + n * GOLDEN) & MASK for n in range(1, 6)]
    assert tuple(mix(word) for word in words) == OUTPUTS
    assert tuple(mix_words(np.array(words, np.uint64)).tolist()) == OUTPUTS


def test_numbers_are_the_upper_halves_of_the_outputs():
    assert random_words(1234567, 5).tolist() == [word >> 32 for word in OUTPUTS]


def test_keys_of_many_presentations_are_the_keys_of_each():
    expected = [key(7, 2, number, ROUNDING) for number in range(40, 45)]
    assert presentation_keys(7, 2, 40, 5, ROUNDING).tolist() == expected


def test_a_black_pixel_never_spikes_and_a_white_one_always():
    image = spike_probabilities([[0.0, 1.0] * 50])[0]
    for step in range(200):
        assert input_spikes(image, step_key(3, step)).tolist() == [False, True] * 50


@pytest.mark.parametrize("grey", [1, 64, 128, 254])
def test_a_pixel_spikes_as_often_as_it_is_bright(grey):
    image = spike_probabilities(np.full((1, 200), grey / 255))[0]
    spikes = sum(int(input_spikes(image, step_key(11, step)).sum()) for step in range(500))
    mean, deviation = 1e5 * grey / 255, np.sqrt(1e5 * grey / 255 * (1 - grey / 255))
    assert abs(spikes - mean) < 4 * deviation


def test_another_step_another_presentation_and_another_seed_draw_other_spikes():
    image = spike_probabilities(np.full((1, 256), 0.5))[0]
    keys = [step_key(key(seed, 0, number), step) for seed in (0, 1) for number in (0, 1) for step in (0, 1)]
    drawn = [input_spikes(image, a_key) for a_key in keys]
    for n, one in enumerate(drawn):
        for other in drawn[n + 1 :]:
            assert 80 < (one != other).sum() < 176  # 128 expected, six standard deviations each way


def test_a_level_is_the_nearest_multiple_of_two_to_the_minus_32():
    assert spike_probabilities([[1 / 255]])[0, 0] == 16843009  # 2**32 / 255 = 16843009.004
    assert spike_probabilities([[1.0]])[0, 0] == CERTAIN


@pytest.mark.parametrize(("wrong", "value"), [(-0.1, "-0.1"), (1.5, "1.5")])
def test_an_intensity_that_is_no_probability_is_refused(wrong, value):
    with pytest.raises(DataError, match=f"intensities hold {value}, a probability lies between 0 and 1"):
        spike_probabilities([[wrong]])


def test_noise_has_mean_zero_and_variance_one():
    drawn = normal_numbers(5, 40_000).astype(float)
    assert abs(drawn.mean()) < 4 / 200
    assert abs(drawn.var() - 1) < 0.03
    assert abs((drawn**3).mean()) < 0.05
