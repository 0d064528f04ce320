"""How often in a row a chip must meet every target before it is called converged."""

CONFIRM = 18
"""By Laplace's rule of succession N successes in a row, and nothing else known, promise the next with probability
(N + 1) / (N + 2): 18 is the least N for 95 %. A training stops at a lucky row of evaluations, so the promise does not
follow from the rule alone; benchmarks/verdicts.py measures how well it is kept."""


def suggested_confirmations(noise: float) -> int:
    """Return how many evaluations in a row should meet every target, for readings with noise.

    Parameters
    ----------
    noise : float
        Relative standard deviation of a reading; 0 if readings repeat.

    Examples
    --------
    >>> suggested_confirmations(0.0), suggested_confirmations(0.01)
    (1, 18)
    """
    return CONFIRM if noise > 0 else 1
