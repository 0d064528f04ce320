"""What stands above a measured curve about its cells: a few facts by name, which become settings of ``[chip]``.

``# read noise: 1.2 %`` is such a line. `FACTS` are all that are known; any other comment is for people.
"""

import re
from collections.abc import Mapping
from typing import Any

from crossbar_hil.curves.own_table import is_own
from crossbar_hil.errors import DataError
from crossbar_hil.shipped import TextFile, data_file, is_shipped, read_text

FACTS = {
    "cells": "curve_cells",
    "read noise": "read_noise",
    "step variation": "step_variation",
    "step variation interval": "step_variation_interval",
    "step spread": "step_spread",
    "relaxation": "relaxation",
    "relaxation time": "relaxation_s",
}
"""Setting of [chip] that each fact is."""
_WITH = {"relaxation_s": "relaxation", "step_variation_interval": "step_variation"}
"""Settings that mean nothing without another: given by hand, that one leaves out both."""
_LINE = re.compile(rf"#\s*({'|'.join(sorted(FACTS, key=len, reverse=True))})\s*[:=]\s*(\S.*?)\s*", re.IGNORECASE)


def read_facts(file: TextFile) -> dict[str, str]:
    """Return the facts of a curve's file, as text by the setting of [chip] that each is; none if it cannot be read.

    Raises
    ------
    DataError
        If two lines say one fact in two ways.
    """
    lines, own = _lines_of(file)
    if not own:
        return {}  # comments of others mean what others mean
    found: dict[str, str] = {}
    for name, value in lines:
        if found.setdefault(FACTS[name], value) != value:
            raise DataError(f"curve file {file} says {name} twice, {found[FACTS[name]]} and {value}: leave one out")
    return found


def facts_left_out(file: TextFile) -> list[str]:
    """Return the names of what reads like a fact in a file of another make, where it is a comment."""
    lines, own = _lines_of(file)
    return [] if own else list(dict.fromkeys(name for name, _ in lines))


def _lines_of(file: TextFile) -> tuple[list[tuple[str, str]], bool]:
    """Return each line that reads like a fact, by name and value, and whether the file is the project's own table."""
    try:
        text = read_text("curve", file)
    except DataError:  # whoever needs the curve says so
        return [], False
    header = next((line for line in text.splitlines() if line.strip() and not line.startswith("#")), "")
    found = (_LINE.fullmatch(line.strip()) for line in text.splitlines() if line.startswith("#"))
    return [(each[1].lower(), each[2]) for each in found if each], is_own(header.split(","))


def with_facts(chip: Mapping[str, Any]) -> dict[str, Any]:
    """Return a [chip] table with the facts of its curve's file, but for those that it says itself."""
    curve = chip.get("curve")
    if not isinstance(curve, str) or is_shipped(curve):
        return dict(chip)
    facts = read_facts(data_file(curve))
    return {key: value for key, value in facts.items() if _WITH.get(key, key) not in chip} | dict(chip)


def as_lines(facts: Mapping[str, str]) -> list[str]:
    """Return the comment lines of some facts, by the setting that each is."""
    names = {key: name for name, key in FACTS.items()}
    return [f"{names[key]}: {value}" for key, value in facts.items()]
