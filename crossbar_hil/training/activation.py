"""The activation function of an output, f = tanh(beta I) (equation 1)."""

import numpy as np

from crossbar_hil.arrays import FloatArray

_ONE = np.array(1.0)


class Tanh:
    """tanh(beta I), with its slope; the gain beta in 1/A.

    Examples
    --------
    >>> Tanh(beta=1e6)(np.array([0.0, 1e-6]))
    array([0.        , 0.76159416])
    """

    def __init__(self, beta: float) -> None:
        # As arrays: a Python number would be converted at every call, which costs as much as the arithmetic.
        self._beta, self._decay, self._peak = np.array(beta), np.array(-2.0 * beta), np.array(4.0 * beta)

    def __call__(self, currents: FloatArray) -> FloatArray:
        """Activation of a differential current, between -1 and 1."""
        return np.tanh(self._beta * currents)

    def slope(self, currents: FloatArray) -> FloatArray:
        """Return the derivative df/dI = beta / cosh(beta I)^2, in 1/A.

        Written with exp(-2|beta I|), which goes to zero where cosh would overflow.

        Examples
        --------
        >>> Tanh(beta=2.0).slope(np.array([0.0, 1e6]))
        array([2., 0.])
        """
        decay = np.exp(np.abs(currents) * self._decay)
        rest = _ONE + decay
        return self._peak * decay / (rest * rest)
