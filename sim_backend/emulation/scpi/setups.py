"""Setups that a source-measure unit keeps under numbers: ``*SAV`` and ``*RCL``.

Whoever recalls one changes every setting at once. Its output is off afterwards; a number under which nothing was saved
has the factory's defaults.
"""

from copy import deepcopy
from typing import Any

from . import values
from .messages import Call, Command


def _number(smu: Any, call: Call) -> int:
    return values.integer(call.expect(1)[0], 0, smu.most_setup)


def keep(smu: Any, number: int) -> None:
    """Keep the present setup under a number."""
    smu.setups[number] = {name: deepcopy(getattr(smu, name)) for name in smu.setup_names}


def _save(smu: Any, call: Call) -> None:
    keep(smu, _number(smu, call))


def _recall(smu: Any, call: Call) -> None:
    number = _number(smu, call)
    smu.restore_factory()
    for name, value in smu.setups.get(number, {}).items():
        setattr(smu, name, deepcopy(value))
    smu.apply()


COMMANDS = (Command("*SAV", _save, samples=("0",)), Command("*RCL", _recall, samples=("0",)))
