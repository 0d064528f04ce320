"""numba without scipy's linear algebra, of which no kernel here takes anything: it loads 0.1 s sooner.

Whoever else compiles numpy's ``dot`` in the same process still can: scipy is there, and is loaded when it is asked for.
"""

import importlib

from numba.np import linalg  # since numba 0.53; its ``ensure_blas`` only imports


def load() -> None:
    """Have numba load its functions of arrays and take it as read that there is a BLAS."""
    asks, linalg.ensure_blas = linalg.ensure_blas, lambda: None
    try:
        importlib.import_module("numba.np.arraymath")
    finally:
        linalg.ensure_blas = asks
