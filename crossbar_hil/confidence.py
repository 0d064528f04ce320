"""What a counted share says of the true one: Wilson's interval, and the probability that the next succeeds."""

import math

from crossbar_hil.errors import DataError

Z95 = 1.959963984540054
"""Standard normal quantile of 0.975."""


def wilson(successes: int, trials: int, z: float = Z95) -> tuple[float, float]:
    """Interval of a share after E. B. Wilson, J. Am. Stat. Assoc. 22 (1927) 209, doi:10.1080/01621459.1927.10502953.

    All shares that lie within z of their own standard deviations of the counted one. It has sensible ends also where
    none or all succeed.

    Parameters
    ----------
    successes, trials : int
        Counted; 0 <= successes <= trials and at least one trial.
    z : float
        Standard normal quantile, above zero; 1.96 for an interval of 95 %.

    Returns
    -------
    (float, float)
        Low and high end, between 0 and 1.

    Raises
    ------
    DataError
        If the counts are not possible.

    Examples
    --------
    >>> low, high = wilson(8, 10)
    >>> round(low, 4), round(high, 4)
    (0.4902, 0.9433)
    """
    if trials < 1:
        raise DataError(f"a share of {trials} trials has no interval, at least one trial is needed")
    if not 0 <= successes <= trials:
        raise DataError(f"{successes} successes of {trials} trials are not possible")
    if not (math.isfinite(z) and z > 0):
        raise DataError(f"quantile z {z} must be finite and above zero")
    share, spread = successes / trials, z * z / trials
    middle = share + spread / 2
    half = math.sqrt(spread * (share * (1 - share) + spread / 4))
    low = 0.0 if successes == 0 else (middle - half) / (1 + spread)
    high = 1.0 if successes == trials else (middle + half) / (1 + spread)
    return low, high


def next_succeeds(successes: int, trials: int) -> float:
    """Probability that the next trial succeeds, where nothing was known of it before the others: (s + 1/2) / (n + 1).

    The mean of what is then known of the share, with the prior of H. Jeffreys, Proc. R. Soc. A 186 (1946) 453,
    doi:10.1098/rspa.1946.0056, for which ends are likelier than the middle, as they are of chips. All of 200 do not
    say that it is certain.

    Examples
    --------
    >>> next_succeeds(0, 0), next_succeeds(199, 199)
    (0.5, 0.9975)
    """
    return (successes + 0.5) / (trials + 1)
