"""Kernels that are run as the Python that they are, so that a quick test need not compile each of them."""

import numpy as np
import pytest

from crossbar_hil.sim_backend.ensemble import (
    wired,
    wired_kernel,
    wired_of_four,
    wired_reactions,
)
from crossbar_hil.sim_backend.ensemble.compiled import wired_lanes, wired_pulses

FEW_LANES = 2
EIGHT = {
    "load": lambda array, place: array.reshape(-1)[place : place + FEW_LANES].copy(),
    "store": lambda array, place, value: array.reshape(-1).__setitem__(slice(place, place + FEW_LANES), value),
    "spread": lambda number: np.full(FEW_LANES, number),
}
"""What compiled code does with eight numbers at once."""
KERNELS = wired_kernel, wired_lanes, wired_of_four, wired_pulses, wired_reactions


@pytest.fixture
def interpreted(monkeypatch):
    """Run the kernels of chips with wires by the interpreter, the very same source, with fewer lanes."""
    for module in (wired, *KERNELS):
        for name, value in list(vars(module).items()):
            if hasattr(value, "py_func"):
                monkeypatch.setattr(module, name, value.py_func)
            elif name in ("_L", "WIRED_LANES", "BLOCK"):
                monkeypatch.setattr(module, name, FEW_LANES)
            elif name in EIGHT:
                monkeypatch.setattr(module, name, EIGHT[name])
    with np.errstate(all="ignore"):  # as compiled code does
        yield
