"""How large the arrays of the kernels are, and what stands where in their work memory; known without numba."""

BLOCK = 8
"""Rows and columns are filled up to multiples of it: see `eight`."""
LINEAR_SLOTS, ALL_SLOTS = 6, 10
"""Arrays (R, C) for output currents only, and for all potentials."""
LINES = 8
"""Arrays (R,), or (C,), of what belongs to a line, for word and for bit lines each."""


def filled_up(lines: int) -> int:
    """Return a number of rows or columns, filled up."""
    return lines + -lines % BLOCK


def memory_size(shape: tuple[int, int], whole: bool) -> int:
    """Return how many doubles the kernel works with for R x C cells; `whole` if all potentials may be asked for."""
    rows, columns = filled_up(shape[0]), filled_up(shape[1])
    return (ALL_SLOTS if whole else LINEAR_SLOTS) * rows * columns + BLOCK * columns + LINES * (rows + columns)
