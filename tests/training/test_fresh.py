import math

import numpy as np
import pytest

from crossbar_hil.training.fresh import Assurance, FreshReads, reads_wanted
from crossbar_hil.training.result import Epoch

BETA, TARGET = 1e6, 0.8
LABELS = np.array([[1], [0]])


def reads_of(outputs):
    """Fresh reads of two patterns and one output, of differential currents (M, 2) in amperes."""
    outputs = np.asarray(outputs, dtype=float)[:, :, None]
    currents = np.concatenate([outputs, np.zeros_like(outputs)], axis=2)
    return FreshReads(currents, np.tanh(BETA * outputs))


def judged(outputs):
    return Assurance.of(reads_of(outputs), LABELS, beta=BETA, target0=-TARGET, target=TARGET)


def test_the_smallest_margin_is_the_mean_distance_from_the_target_over_the_spread_of_the_reads():
    # tanh(beta I) = 0.8 at I = ln(3) / beta = 1.0986 uA. Pattern 1: 1.4 and 1.6 uA, mean 1.5, deviation 0.141421:
    # (1.5 - 1.0986) / 0.141421 = 2.838. Pattern 2: -1.9 and -2.3, mean -2.1, deviation 0.282843: 3.540.
    found = judged([[1.4e-6, -1.9e-6], [1.6e-6, -2.3e-6]])
    assert found.margin.in_noise == pytest.approx((1.5 - math.log(3)) / 0.1414214, rel=1e-5)
    assert (found.margin.pattern, found.margin.output) == (0, 0)
    assert (found.reads, found.met) == (2, 2)


def test_a_read_counts_only_if_every_target_is_met_in_it():
    found = judged([[1.4e-6, -1.9e-6], [1.0e-6, -2.3e-6], [1.4e-6, -1.0e-6], [2e-6, -2e-6]])
    assert (found.reads, found.met) == (4, 2)
    # Wilson's interval of 2 of 4 by the published formula.
    assert "2 of 4 fresh reads meet every target (95 % interval 15 to 85 %)" in found.sentence


def test_the_counted_share_is_the_normal_integral_of_the_margins():
    # One margin of 1 and one of 2 standard deviations: 0.841345 x 0.977250 of the reads meet both.
    generator = np.random.default_rng(5)
    edge, noise = math.log(3) / BETA, 1e-8
    outputs = np.array([edge + noise, -edge - 2 * noise]) + noise * generator.standard_normal((20000, 2))
    found = judged(outputs)
    assert found.margin.in_noise == pytest.approx(1, abs=0.03)
    assert found.met / 20000 == pytest.approx(0.841345 * 0.977250, abs=4 * math.sqrt(0.82 * 0.18 / 20000))


def epoch(number, currents, error):
    return Epoch(
        number, *[np.zeros((1, 2))] * 1, np.array(currents), *[np.zeros((1, 1))] * 2, error, *[np.zeros((1, 2))] * 2
    )


@pytest.mark.parametrize(
    ("asked", "noisy", "last", "reads"),
    [
        (None, False, [[1.0, 2.0]] * 2, 0),
        (None, True, [[1.0, 2.0]], 20),
        (7, False, [[1.0, 2.0]], 7),
        (0, True, [[1.0, 2.0]], 0),
        (None, None, [[1.0, 2.0], [1.0, 2.1]], 20),
        (None, None, [[1.0, 2.0], [1.0, 2.0]], 0),
        (None, None, [[1.0, 2.0]], 0),
    ],
)
def test_noise_that_nobody_knows_of_is_found_in_the_last_evaluations_that_met_every_target(asked, noisy, last, reads):
    epochs = [epoch(1, [[5.0, 5.0]], 0.3), *(epoch(2 + place, [each], 0.0) for place, each in enumerate(last))]
    assert reads_wanted(asked, noisy, epochs) == reads
