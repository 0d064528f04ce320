import numpy as np
import pytest

from crossbar_hil.errors import DataError
from crossbar_hil.sim_backend import draw_ensemble
from crossbar_hil.sim_backend.ensemble.draw import BLOCK

SPAN = (2e-8, 1e-7)


def test_a_chip_is_the_same_whatever_is_drawn_around_it():
    whole = draw_ensemble(2 * BLOCK + 100, (2, 4), seed=5, span_siemens=SPAN)
    part = draw_ensemble(BLOCK + 7, (2, 4), seed=5, first=BLOCK - 3, span_siemens=SPAN)
    np.testing.assert_array_equal(part, whole[BLOCK - 3 : 2 * BLOCK + 4])


def test_the_draw_is_that_of_numpy_for_a_block():
    rng = np.random.Generator(np.random.Philox(np.random.SeedSequence(5, spawn_key=(1,))))
    expected = 4e-8 * np.exp(0.3 * rng.standard_normal((BLOCK, 8)))
    drawn = draw_ensemble(BLOCK, (2, 4), seed=5, first=BLOCK, median_siemens=4e-8, sigma=0.3)
    np.testing.assert_array_equal(drawn.reshape(BLOCK, 8), expected)


def test_the_span_holds_ninety_five_in_a_hundred_and_seeds_differ():
    drawn = draw_ensemble(5000, seed=1, span_siemens=SPAN)
    assert ((drawn > SPAN[0]) & (drawn < SPAN[1])).mean() == pytest.approx(0.95, abs=4 * np.sqrt(0.95 * 0.05 / 80_000))
    assert not (drawn[:10] == draw_ensemble(10, seed=2, span_siemens=SPAN)).any()
    assert len(np.unique(drawn)) == drawn.size


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"count": 0}, "an ensemble of 0 chips is empty"),
        ({"first": -1}, "first chip number -1 must not be negative"),
        ({"seed": -1}, "seed -1 must be a whole number of at least 0"),
        ({"shape": (0, 4)}, "a chip of 0 by 4 cells has none"),
        ({"span_siemens": (1e-7, 2e-8)}, "must have 0 < low < high"),
        ({"span_siemens": None}, "either as median and sigma or as a span"),
    ],
)
def test_a_draw_that_cannot_be_is_refused(wrong, said):
    with pytest.raises(DataError, match=said):
        draw_ensemble(**{"count": 3, "seed": 1, "span_siemens": SPAN, **wrong})
