"""The simulated chip: measured curve, spread from cell to cell, cell model and the backend made of them."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .chip.curve import ConductanceCurve
    from .chip.simulated import SimulatedBackend
    from .chip.variation import lognormal_shifts, rescaled_lognormal_shifts
    from .circuit import solve_crossbar
    from .ensemble.draw import draw_ensemble
    from .ensemble.result import EnsembleResult
    from .ensemble.training import iterate_ensemble, train_ensemble

_HOME = {
    "ConductanceCurve": "chip.curve",
    "EnsembleResult": "ensemble.result",
    "SimulatedBackend": "chip.simulated",
    "draw_ensemble": "ensemble.draw",
    "iterate_ensemble": "ensemble.training",
    "lognormal_shifts": "chip.variation",
    "rescaled_lognormal_shifts": "chip.variation",
    "solve_crossbar": "circuit",
    "train_ensemble": "ensemble.training",
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
