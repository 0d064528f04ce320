"""``smuX.buffer.getstats``: mean, deviation and extremes of what a reading buffer holds, by quantity."""

import statistics as numbers
from typing import Any

from ..lua.objects import Node, Refused, Returned, Value
from .buffer import FUNCTIONS, Buffer, Entry

QUANTITIES = dict(zip(FUNCTIONS, ("current", "voltage", "resistance", "power"), strict=True))


def statistics(buffer: Value = None, *_: Value) -> Returned:
    """Return a table for each quantity that was measured: ``n, mean, stddev, min, max``."""
    owner = buffer.owner if isinstance(buffer, Node) else None
    if not isinstance(owner, Buffer):
        raise Refused(1401, "Parameter 01 is invalid, it must be a reading buffer")
    readings = owner.readings()
    found = {
        name: _of([entry for entry in readings if FUNCTIONS[entry.function] == function])
        for function, name in QUANTITIES.items()
    }
    return {name: table for name, table in found.items() if table}


def _of(entries: list[Entry]) -> dict[str, Any]:
    if not entries:
        return {}
    values = [entry.reading for entry in entries]
    lowest, highest = (pick(entries, key=lambda entry: entry.reading) for pick in (min, max))
    return {
        "n": float(len(values)),
        "mean": numbers.fmean(values),
        "stddev": numbers.stdev(values) if len(values) > 1 else 0.0,
        "min": _described(lowest),
        "max": _described(highest),
    }


def _described(entry: Entry) -> dict[str, Any]:
    return {
        "reading": entry.reading,
        "timestamp": entry.time_s,
        "measurefunction": FUNCTIONS[entry.function],
        "measurerange": entry.range,
        "sourcevalue": entry.source,
        "status": float(entry.status),
    }
