"""How often in a row a chip must meet every target before it is called converged."""

CONFIRM = 18
"""By Laplace's rule of succession N successes in a row, and nothing else known, promise the next with probability
(N + 1) / (N + 2): 18 is the least N for 95 %. A training stops at a lucky row of evaluations, so the promise does not
follow from the rule alone; benchmarks/training/verdicts.py measures how well it is kept: without pull back 99.9, 99.2
and 97.1 % of the chips called converged meet every target on the next read at 1, 5 and 10 % read noise, with the
published rule 98.8, 97.2 and 97.6 %."""
CALM = 2e-3
"""Relative noise up to which one evaluation is enough: then 99.5 % hold, 96.5 % with the published rule, says the same
script; with 0.5 % noise it is 99.0 and 92.1 %."""


def suggested_confirmations(noise: float) -> int:
    """Return how many evaluations in a row should meet every target.

    `noise` is the relative standard deviation of a reading of a cell; 0 if readings repeat.

    Examples
    --------
    >>> suggested_confirmations(0.0), suggested_confirmations(0.001), suggested_confirmations(0.01)
    (1, 1, 18)
    """
    return CONFIRM if noise > CALM else 1
