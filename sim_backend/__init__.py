"""The simulated chip: measured curve, spread from cell to cell, cell model and the backend made of them."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .circuit import solve_crossbar
    from .curve import ConductanceCurve
    from .ensemble import iterate_ensemble, train_ensemble
    from .ensemble_draw import draw_ensemble
    from .ensemble_result import EnsembleResult
    from .simulated import SimulatedBackend
    from .variation import lognormal_shifts, rescaled_lognormal_shifts

_HOME = {
    "ConductanceCurve": "curve",
    "EnsembleResult": "ensemble_result",
    "SimulatedBackend": "simulated",
    "draw_ensemble": "ensemble_draw",
    "iterate_ensemble": "ensemble",
    "lognormal_shifts": "variation",
    "rescaled_lognormal_shifts": "variation",
    "solve_crossbar": "circuit",
    "train_ensemble": "ensemble",
}

__all__ = [
    "ConductanceCurve",
    "EnsembleResult",
    "SimulatedBackend",
    "draw_ensemble",
    "iterate_ensemble",
    "lognormal_shifts",
    "rescaled_lognormal_shifts",
    "solve_crossbar",
    "train_ensemble",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
