"""Find parts by name: backends, rules and cell models, ours and other people's, all by entry point.

Only installed packages are searched, never the working directory.
"""

import difflib
import functools
import sys
from importlib.metadata import Distribution, EntryPoint, distributions
from typing import Any

from crossbar_hil.errors import ConfigError

_WHAT = {
    "backends": "backend",
    "rules": "learning rule",
    "cells": "cell model",
    "instruments": "instrument driver",
    "emulators": "emulated instrument",
    "emulation": "emulated bench",
    "ensembles": "ensemble of virtual chips",
    "spiking_engines": "engine of the spiking network",
    "circuits": "circuit solver",
    "curves": "reader of measured curves",
    "runs": "kind of run",
    "figures": "figure",
}


_NO_TSP = (
    "a 707A and a 708A speak no TSP but device-dependent commands (C, N and X of their manual 707A-901-01), which no"
    " driver here writes and no emulator checks; a 707B or 708B, keithley707b or keithley708b, takes the same cards"
)
REFUSED = {"keithley707a": _NO_TSP, "keithley708a": _NO_TSP}
"""Models that people ask for and that are left out, with the reason."""


def names(group: str) -> list[str]:
    """Return the sorted names registered in ``crossbar_hil.<group>``."""
    return sorted(_points(group))


def load(group: str, name: str) -> Any:
    """Load the part that is registered under a name.

    Parameters
    ----------
    group : str
        One of the groups, such as ``"backends"``.
    name : str
        Name of the entry point.

    Raises
    ------
    ConfigError
        If nothing is registered under that name, more than one distribution registers it, or it cannot be imported.
    """
    points = _points(group)
    if name not in points and name in REFUSED:
        raise ConfigError(f"{_WHAT[group]} {name!r} is not there: {REFUSED[name]}")
    if name not in points:
        alike = sorted(points, key=lambda each: (-difflib.SequenceMatcher(None, each, name).ratio(), each))
        known = ", ".join(alike) or "none"
        raise ConfigError(f"{_WHAT[group]} {name!r} is not installed; known are {known}{nearest(name, alike)}")
    point, *others = points[name]
    if others:
        origins = " and by ".join(sorted(map(_origin, points[name])))
        raise ConfigError(f"{_WHAT[group]} {name!r} is installed by {origins}; one of them must be renamed")
    try:
        return point.load()
    except Exception as error:
        raise ConfigError(f"{_WHAT[group]} {name!r} cannot be loaded from {point.value}: {error}") from error


def nearest(name: str, known: list[str]) -> str:
    """Return a hint that names the known word nearest to a mistyped one, or nothing.

    >>> nearest("colums", ["rows", "columns"])
    "; did you mean 'columns'?"
    """
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _points(group: str) -> dict[str, list[EntryPoint]]:
    return _installed_points(tuple(sys.path))[group]


@functools.lru_cache(maxsize=8)
def _installed_points(path: tuple[str, ...]) -> dict[str, dict[str, list[EntryPoint]]]:  # noqa: ARG001 - another path, other parts
    """Return all our entry points by group and name: one look through all installed packages, which takes a while."""
    found: dict[str, dict[str, list[EntryPoint]]] = {group: {} for group in _WHAT}
    for each in _naming("[crossbar_hil."):
        for point in each.entry_points:
            package, _, group = point.group.partition(".")
            if package == "crossbar_hil" and group in found:
                found[group].setdefault(point.name, []).append(point)
    return found


def _naming(word: str) -> list[Distribution]:
    """Return the installed distributions with a word in their entry points; the first of a name hides the others.

    To have all entry points parsed, as `importlib.metadata.entry_points` does, takes longer than to read the files.
    """
    found = [each for each in distributions() if word in (each.read_text("entry_points.txt") or "")]
    return list({each.name: each for each in reversed(found)}.values())[::-1]


def _origin(point: EntryPoint) -> str:
    return f"{point.dist.name if point.dist else 'an unknown package'} ({point.value})"
