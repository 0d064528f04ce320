"""The simulated chip: measured curve, spread from cell to cell, cell model and the backend made of them."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .curve import ConductanceCurve
    from .simulated import SimulatedBackend
    from .variation import lognormal_shifts, rescaled_lognormal_shifts

_HOME = {
    "ConductanceCurve": "curve",
    "SimulatedBackend": "simulated",
    "lognormal_shifts": "variation",
    "rescaled_lognormal_shifts": "variation",
}

__all__ = ["ConductanceCurve", "SimulatedBackend", "lognormal_shifts", "rescaled_lognormal_shifts"]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
