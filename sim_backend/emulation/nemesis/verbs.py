"""What can go wrong on an emulated bench: every verb, with its arguments and what they are if not given."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from crossbar_hil.errors import ConfigError
from crossbar_hil.plugins import nearest

REQUIRED = object()
FOR_EVER: None = None
_LINK: dict[str, dict[str, Any]] = {
    # The message is carried out, and what comes back is not what it should be.
    "late": {"seconds": 0.3},
    "drop": {},
    "dup": {},
    "cut": {"n": 1, "ended": True},
    "garbage": {},
    "swap": {},
    "extra": {"line": "*** event", "when": "after"},
    "dribble": {"seconds": 0.05},
    "sentinel": {"value": 9.9e37},
    # The message itself is lost or changed before the instrument sees it.
    "drop_command": {},
    "ignore": {"pattern": ""},
    "drop_close": {},
    # The connection ends: before or after the message is carried out, or inside its answer.
    "fin": {"when": "instead"},
    "rst": {"when": "instead"},
}
_BOX: dict[str, dict[str, Any]] = {
    "refuse": {"seconds": FOR_EVER, "attempts": 0},
    "blackhole": {"seconds": FOR_EVER},
    "noread": {"seconds": FOR_EVER},
    "freeze": {"seconds": FOR_EVER},
    "reboot": {"seconds": 0.0, "when": "before"},
    "err": {"code": -222, "text": "Parameter data out of range", "executed": False},
    "frontpanel": {"command": REQUIRED},
    "interlock": {"open": True},
    "mode": {"what": REQUIRED, "volt": 20.0},
}
_WORLD: dict[str, dict[str, Any]] = {
    "trip": {"row": REQUIRED, "column": REQUIRED, "ohm": 10.0},
    "cell": {"what": REQUIRED, "row": REQUIRED, "column": REQUIRED, "amount": None},
    "relay": {"what": REQUIRED, "row": REQUIRED, "column": REQUIRED, "slot": 1, "seconds": 0.1, "matrix": None},
    "clock": {"seconds": REQUIRED},
}
VERBS: Mapping[str, Mapping[str, Any]] = {**_LINK, **_BOX, **_WORLD}
AT_START = frozenset(_BOX) - {"noread", "err"} | frozenset(_WORLD) - {"trip"}
"""Verbs that need no message, so that they can be there before the first."""
ELSEWHERE = frozenset(_BOX) - {"noread"}
"""Verbs that may hit another instrument than the one that was spoken to: argument ``of``."""
WORDS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("extra", "when"): ("before", "after"),
    ("fin", "when"): ("before", "instead", "inside", "after"),
    ("rst", "when"): ("before", "instead", "inside", "after"),
    ("reboot", "when"): ("before", "after"),
    ("mode", "what"): ("overtemp", "output_stuck_on", "sense_open", "normal"),
    ("cell", "what"): ("short", "open", "stuck", "drift", "burst", "noisy", "whole"),
    ("relay", "what"): ("stuck_open", "stuck_closed", "slow", "whole"),
}

_KINDS: Mapping[str, type] = {
    **dict.fromkeys(("seconds", "value", "volt", "ohm", "amount"), float),
    **dict.fromkeys(("n", "attempts", "code", "row", "column", "slot"), int),
    **dict.fromkeys(("line", "when", "pattern", "text", "command", "what", "of", "matrix"), str),
    **dict.fromkeys(("ended", "executed", "open"), bool),
}


def complete_args(verb: str, args: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a verb, those that were not given as they are by default.

    Raises
    ------
    ConfigError
        If there is no such verb or argument, one is missing, or a value is not one that it can have.
    """
    if verb not in VERBS:
        raise ConfigError(f"there is no fault {verb!r}; known are {', '.join(VERBS)}{nearest(verb, list(VERBS))}")
    known = {**VERBS[verb], **({"of": None} if verb in ELSEWHERE else {})}
    for key in args:
        if key not in known:
            raise ConfigError(f"fault {verb} has no argument {key!r}; it has {', '.join(known) or 'none'}")
    found = {**known, **args}
    for key, value in found.items():
        if value is REQUIRED:
            raise ConfigError(f"fault {verb} needs its argument {key}")
        if not (value is None and known[key] is None) and not _is(value, _KINDS[key]):
            raise ConfigError(f"fault {verb}: {key} {value!r} is not of type {_KINDS[key].__name__}")
        words = WORDS.get((verb, key))
        if words and value not in words:
            raise ConfigError(f"fault {verb}: {key} {value!r} must be one of {', '.join(words)}")
        if key == "seconds" and value is not None and verb != "clock" and not value >= 0:
            raise ConfigError(f"fault {verb}: {key} {value} must not be negative")
        if (key == "ohm" or (key == "amount" and found.get("what") == "short")) and value is not None and not value > 0:
            raise ConfigError(f"fault {verb}: {key} {value} ohm must be above zero")
    return found


def draw_args(verb: str, rng: np.random.Generator, shape: tuple[int, int], seconds: float) -> dict[str, Any]:
    """Draw the arguments of a fault, as far as they have to be drawn."""
    if verb not in VERBS:
        complete_args(verb, {})
    row, column = (int(rng.integers(size)) for size in shape)
    port, line = int(rng.integers(1, 4)), int(rng.integers(1, sum(shape) + 1))
    found: dict[str, dict[str, Any]] = {
        "cut": {"n": int(rng.integers(16)), "ended": bool(rng.integers(2))},
        "dribble": {"seconds": seconds / 10},
        "sentinel": {"value": float(rng.choice([9.9e37, -9.9e37]))},
        "trip": {"row": row, "column": column},
        "cell": {"row": row, "column": column},
        "relay": {"row": port, "column": line},
        "interlock": {"open": bool(rng.integers(2))},
        "clock": {"seconds": float(rng.choice([-3600.0, -1.0, 1.0, 3600.0]))},
    }
    args = found.get(verb, {"seconds": seconds} if verb in _LASTING else {})
    words = {key: str(rng.choice(known)) for (owner, key), known in WORDS.items() if owner == verb}
    return args | words


_LASTING = frozenset({"late", "refuse", "blackhole", "noread", "freeze"})


def _is(value: object, kind: type) -> bool:
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
