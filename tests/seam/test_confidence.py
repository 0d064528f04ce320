import pytest

from crossbar_hil.confidence import wilson
from crossbar_hil.errors import DataError


# By hand from Wilson's quadratic (p - x/n)^2 = z^2 p (1 - p) / n with z = 2, whose roots are rational here:
# x/n = 1/2, n = 4: p = 1/2 +- sqrt(1/8); x = 0, n = 4: p = 0 or z^2 / (n + z^2) = 1/2.
def test_the_ends_solve_the_quadratic_worked_by_hand():
    assert wilson(2, 4, z=2.0) == pytest.approx((0.5 - 0.125**0.5, 0.5 + 0.125**0.5))
    assert wilson(0, 4, z=2.0) == pytest.approx((0.0, 0.5))
    assert wilson(4, 4, z=2.0) == pytest.approx((0.5, 1.0))


# R. G. Newcombe, Stat. Med. 17 (1998) 857, table I, method 3.
@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_published_intervals_come_out(successes, trials, low, high):
    assert wilson(successes, trials) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(
    ("successes", "trials", "z", "said"),
    [
        (0, 0, 1.96, "a share of 0 trials has no interval"),
        (5, 4, 1.96, "5 successes of 4 trials are not possible"),
        (-1, 4, 1.96, "-1 successes of 4 trials are not possible"),
        (1, 4, 0.0, "quantile z 0.0 must be finite and above zero"),
    ],
)
def test_counts_that_cannot_be_are_refused(successes, trials, z, said):
    with pytest.raises(DataError, match=said):
        wilson(successes, trials, z)
