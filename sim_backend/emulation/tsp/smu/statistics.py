"""``smuX.buffer.getstats``: mean, deviation and extremes of what a reading buffer holds, by quantity."""

import statistics as numbers
from typing import Any

from ..lua.objects import Value
from .buffer import FUNCTIONS, Entry, as_buffer

QUANTITIES = dict(zip(FUNCTIONS, ("current", "voltage", "resistance", "power"), strict=True))


def statistics(buffer: Value = None, *_: Value) -> dict[str, Any]:
    """Return a table for each quantity that was measured: ``n, mean, stddev, min, max``."""
    by_quantity: dict[str, list[Entry]] = {name: [] for name in QUANTITIES.values()}
    for entry in as_buffer(buffer, 1).entries:
        by_quantity[QUANTITIES[FUNCTIONS[entry.function]]].append(entry)
    return {name: _summary(entries) for name, entries in by_quantity.items() if entries}


def _summary(entries: list[Entry]) -> dict[str, Any]:
    values = [entry.reading for entry in entries]
    return {
        "n": float(len(values)),
        "mean": numbers.fmean(values),
        "stddev": numbers.stdev(values) if len(values) > 1 else 0.0,
        "min": _description(min(entries, key=lambda entry: entry.reading)),
        "max": _description(max(entries, key=lambda entry: entry.reading)),
    }


def _description(entry: Entry) -> dict[str, Any]:
    return {
        "reading": entry.reading,
        "timestamp": entry.time_s,
        "measurefunction": FUNCTIONS[entry.function],
        "measurerange": entry.range,
        "sourcevalue": entry.source,
        "status": float(entry.status),
    }
