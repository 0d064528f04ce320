"""Train memristor crossbar chips in place, simulated or real, through one interface.

>>> import crossbar_hil
>>> crossbar_hil.Pulse(amplitude_v=2.0, width_s=0.05)
Pulse(amplitude_v=2.0, width_s=0.05)
"""

import importlib
from pathlib import Path as _Path
from typing import TYPE_CHECKING, Any

# A wheel carries instruments, drivers, sim_backend and data inside this package; in a checkout they are its
# neighbours, so let "crossbar_hil.<name>" find them there too.
_checkout = _Path(__file__).resolve().parent.parent
if (_checkout / "pyproject.toml").is_file():
    __path__.append(str(_checkout))

if TYPE_CHECKING:
    from crossbar_hil.backend import DeviceBackend, Limits, Pulse
    from crossbar_hil.errors import CrossbarError
    from crossbar_hil.guard.opening import open_bench
    from crossbar_hil.programming.api import program, reset
    from crossbar_hil.recording import record
    from crossbar_hil.runs.store import load_run
    from crossbar_hil.training.result import Epoch, TrainingResult
    from crossbar_hil.training.rules.rule import LearningRule
    from crossbar_hil.training.trainer import Trainer

# The public names and where each lives; loaded when first asked for, so that importing this package costs nothing.
_HOME = {
    "CrossbarError": "errors",
    "DeviceBackend": "backend",
    "Epoch": "training.result",
    "LearningRule": "training.rules.rule",
    "Limits": "backend",
    "Pulse": "backend",
    "Trainer": "training.trainer",
    "TrainingResult": "training.result",
    "load_run": "runs.store",
    "open_bench": "guard.opening",
    "program": "programming.api",
    "record": "recording",
    "reset": "programming.api",
}

__all__ = [
    "CrossbarError",
    "DeviceBackend",
    "Epoch",
    "LearningRule",
    "Limits",
    "Pulse",
    "Trainer",
    "TrainingResult",
    "load_run",
    "open_bench",
    "program",
    "record",
    "reset",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"crossbar_hil.{_HOME[name]}"), name)
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415 - only who asks for the version pays for it

        return version("crossbar-hil")
    msg = f"module 'crossbar_hil' has no attribute {name!r}"
    raise AttributeError(msg)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__, "__version__"])
