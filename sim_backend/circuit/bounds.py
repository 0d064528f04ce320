"""Numbers at which the solutions of a crossbar stop, known to numpy and to the kernels."""

TOLERANCE = 5e-11
"""Relative error of a current at which a linear solution stops, as far as it can tell."""
NEGLIGIBLE = 1e-17
"""A line along which less than this share of the voltage can drop is solved as ideal: no double would tell."""
MOST_STEPS = 200
"""Of Newton's method."""
NEAR = 1e-6
"""Residual from which on no step of Newton's method is shortened: what is left to judge it by is rounding."""
ROUGH = 1e-2
"""To this the linear crossbar is solved at first; later to a tenth of what the next step can hope for."""
LAST = 5e-10
"""What `TOLERANCE` is to the last linear solution of Newton's method."""
SETTLED = 1e-10
"""Currents that the tangents leave out, relative to the current of their column, at which Newton's method stops."""
