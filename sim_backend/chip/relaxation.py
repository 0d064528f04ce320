"""What a cell loses of its rises with time.

Rises are forgotten one by one, and what is lost of them adds up (Boltzmann's superposition). After the time t of a
single rise the share

- ``relaxation * (1 - exp(-(t / relaxation_s)^relaxation_exponent))`` of it is lost if the law is stretched (R.
  Kohlrausch, Ann. Phys. Chem. 91 (1854) 179), an exponential if the exponent is 1,
- ``relaxation * log10(1 + t / relaxation_s)`` if it is logarithmic: that share in each decade of time. It ends
  gently where all would be lost.

Both laws are mixtures of exponentials, and a few of those stand for them: all that a cell must remember of its past is
one number for each.
"""

import functools
import math

import numpy as np

from crossbar_hil.arrays import FloatArray
from crossbar_hil.errors import DataError

LOSSES = ("stretched", "logarithmic")
_MOST_DECADES = 12.0
"""A logarithmic loss goes on for so many decades at most; of a microsecond that is eleven days."""
_EULER = 0.5772156649015329


class Relaxation:
    """What R x C cells have not yet lost of what they will lose.

    Parameters
    ----------
    shape : (int, int)
        R and C.
    share, seconds : float
        How much is lost, and the time constant in seconds.
    law : {"stretched", "logarithmic"}
        How the loss grows.
    exponent : float
        Of the stretched exponential.
    """

    def __init__(self, shape: tuple[int, int], share: float, seconds: float, law: str, exponent: float) -> None:
        self.shares, self.rates = decay_terms(share, seconds, law, exponent)
        self.left = np.zeros((len(self.shares), *shape))
        """(T, R, C) what is left of the rises that are to be lost, by time constant, in siemens."""
        self._rises = np.zeros(shape)

    def follow(self, rises: FloatArray) -> None:
        """Take note of new (R, C) rises, in siemens; what is new of them begins to be lost now."""
        self.left += self.shares[:, None, None] * (rises - self._rises)
        self._rises = rises

    def pass_time(self, seconds: float) -> None:
        """Lose what is lost in some seconds."""
        self.left *= np.exp(-seconds * self.rates)[:, None, None]

    def lost(self) -> FloatArray:
        """Return the (R, C) part of the rises that is lost, in siemens."""
        return self.shares.sum() * self._rises - self.left.sum(axis=0)

    def bring_back(self, rises: FloatArray, left: FloatArray | None) -> None:
        """Take over a saved state: rises, and what was left of them; all of it if that was not saved."""
        self._rises = rises
        self.left = self.shares[:, None, None] * rises if left is None else left.reshape(self.left.shape)


@functools.lru_cache(maxsize=64)
def decay_terms(share: float, seconds: float, law: str, exponent: float) -> tuple[FloatArray, FloatArray]:
    """Return the shares of a rise, (T,), and the rates at which each is lost, (T,) in 1/s, that make up a law.

    Raises
    ------
    DataError
        If a number is out of range.
    """
    if law not in LOSSES:
        raise DataError(f"relaxation_law {law!r} must be {' or '.join(LOSSES)}")
    if not 0 < share <= 1:
        raise DataError(f"relaxation {share} is a share of a rise, it must be above 0 and at most 1")
    if not (math.isfinite(seconds) and seconds > 0):
        raise DataError(f"relaxation_s {seconds} s must be finite and above zero")
    if law == "logarithmic":
        return _logarithmic(share, seconds)
    if not 0.2 <= exponent <= 1:
        raise DataError(f"relaxation_exponent {exponent} must be from 0.2 to 1")
    if exponent == 1:
        return np.array([share]), np.array([1 / seconds])
    shares, rates = _stretched(exponent)
    return share * shares, rates / seconds


def _logarithmic(share: float, seconds: float) -> tuple[FloatArray, FloatArray]:
    """Sum up ln(1 + t) = integral of (1 - exp(-u t)) exp(-u) d(ln u), four terms a decade.

    The slowest rate u is where all would be lost: exp(-u) d(ln u) from there on adds up to -ln(u) - 0.5772 (the
    exponential integral).
    """
    reach = min(math.log(10) / share, math.log(10) * _MOST_DECADES)
    step = math.log(10) / 4
    fastest = math.log(30.0)
    count = math.ceil((fastest + reach + _EULER) / step)
    logs = fastest - step * np.arange(count)
    shares = share / math.log(10) * step * np.exp(-np.exp(logs))
    return shares * min(1.0, 1 / shares.sum()), np.exp(logs) / seconds


@functools.cache
def _stretched(exponent: float) -> tuple[FloatArray, FloatArray]:
    """Fit exp(-x^exponent) by exponentials of not negative shares, which it is a mixture of.

    That it is one: H. Pollard, Bull. Am. Math. Soc. 52 (1946) 908.
    """
    from scipy.optimize import nnls  # noqa: PLC0415 - scipy takes 0.3 s to import

    first, last = math.log(1e-4) / exponent, math.log(20.0) / exponent  # where nothing, and where all is lost
    times = np.exp(np.linspace(first, last, 300))
    # The nearer to one exponential, the narrower the mixture and the finer its grid, which holds the rate 1.
    step = math.log(10) / (2.5 / (1.1 - exponent) if exponent > 0.4 else 3.0)
    rates = np.exp(step * np.arange(math.floor(-last / step), math.ceil(-first / step) + 1))
    wanted = np.exp(-(times**exponent))
    shares, _ = nnls(np.exp(-np.outer(times, rates)), wanted, maxiter=10000)
    kept = shares > 1e-7
    return shares[kept] / shares[kept].sum(), rates[kept]
