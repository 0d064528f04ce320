"""Facts of a record in the words of a person, as a report, the live page and `show` tell them; in JSON as recorded."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from crossbar_hil.runs.recorded_settings import text_of
from crossbar_hil.survey.lines import Lines
from crossbar_hil.text import counted, quantity

ACTS = {
    "all": "acts once all patterns have been read",
    "each": "acts after each pattern, in the order of the pattern set",
    "drawn": "acts after each pattern, in an order drawn from the seed",
}
"""When a learning rule acts (`crossbar_hil.training.rules.rule.LearningRule`)."""
KINDS = {
    "simulated": "virtual: computed, no instrument asked",
    "emulated": "virtual, behind emulated instruments",
    "hardware": "real, behind real instruments",
}
DONE = {
    "spiking": "a spiking network was trained",
    "program": "cells were brought to their targets",
    "reset": "cells were brought back to where their curve starts",
}
Words = Callable[[Any], str]


def told_facts(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what every fact says, named so that nobody need know how it is recorded; nothing that says nothing.

    What a fact holds may be anything, as in a record of another version: it is then told as it is.

    >>> told_facts({"seed": 1, "shape": [4, 8], "preset": None, "learning_rule": {"odd": 2}})
    [('Seed', '1'), ('Size', '4 rows, 8 columns'), ('Learning rule', 'odd 2')]
    """
    return [(name, text) for key, value in facts.items() for name, text in _told(key, value) if text]


def moment(utc: Any) -> str:
    """Write a time of a record as a person reads it.

    >>> moment("2026-11-30T12:16:50+00:00")
    '2026-11-30 12:16:50 UTC'
    """
    try:
        return f"{datetime.fromisoformat(utc).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (TypeError, ValueError, OverflowError):
        return _plain(utc)


def _told(key: str, value: Any) -> Iterator[tuple[str, str]]:
    if value is None or value == "":
        return
    if key == "device" and isinstance(value, dict):
        for part, inner in value.items():
            yield from _told_part(part, inner)
        return
    name, words = FACTS.get(key, (_named(key), _plain))
    yield name, _in_words(words, value)


def _told_part(part: str, value: Any) -> Iterator[tuple[str, str]]:
    """Yield what a device says of one of its parts; of sources, of which there may be several, each by its port."""
    name, words = PARTS.get(part, (f"Device, {part.replace('_', ' ')}", _plain))
    if part in BY_PORT and isinstance(value, dict):
        yield from ((f"{name} {port}", _in_words(words, each)) for port, each in value.items())
    elif value is not None:
        yield name, _in_words(words, value)


def _in_words(words: Words, value: Any) -> str:
    try:
        return words(value)
    except (ValueError, TypeError, KeyError, AttributeError):  # recorded by another version
        return _plain(value)


def _named(key: str) -> str:
    name = key.replace("_", " ")
    return name[:1].upper() + name[1:]


def _plain(value: Any) -> str:
    return text_of(value, exact=False)


def _size(shape: Any) -> str:
    rows, columns = shape
    return f"{counted(rows, 'row')}, {counted(columns, 'column')}"


def _rule(rule: Any) -> str:
    told = [ACTS[rule["acts"]], f"at most {counted(rule['most'], 'pulse')} a cell each time"]
    told += ["its answer depends on the readings alone"] if rule["repeats"] else ["keeps a state or draws"]
    told += ["draws from the seed"] if rule["draws"] else []
    return "; ".join([*told, *([f"options {_plain(rule['options'])}"] if rule["options"] else [])])


def _chips(chip: Any) -> str:
    return "; ".join([chip["about"], *(f"warning {each}" for each in chip["warnings"])])


def _versions(versions: Any) -> str:
    own = {"crossbar-hil": versions["crossbar-hil"]}
    return ", ".join(f"{name} {version}" for name, version in (own | versions).items())


def _forecast(told: Any) -> str:
    return f"{told['sentence']}, by {told['about']}"


def _fresh(reads: Any) -> str:
    share = f"{100 * reads['share_low']:.0f} to {100 * reads['share_high']:.0f} %"
    told = f"{reads['met']} of {reads['reads']} meet every target (95 % interval {share})"
    if reads["margin_in_noise"] is None:
        return told
    where = f"pattern {reads['margin_pattern']}, output {reads['margin_output']}"
    return f"{told}; smallest margin {reads['margin_in_noise']:.3g} times the noise, at {where}"


def _share(share: Any) -> str:
    return f"{100 * share:.2f} %"


def _instrument(found: Any) -> str:
    about = (
        f"{found['maker']} {found['model']}, serial {found['serial']}, firmware {' '.join(found['firmware'].split())}"
    )
    return f"{found['name']}: {about}" if "name" in found else about


def _source_settings(found: Any) -> str:
    told = []
    for key, value in found.items():
        name, unit = SOURCE.get(key, (key.replace("_", " "), ""))
        told.append(f"{name} {quantity(value, unit) if unit and value is not None else _plain(value)}")
    return ", ".join(told)


def _wiring(found: Any) -> str:
    ports = ", ".join(f"{port} on {place}" for port, place in found["ports"].items())
    lines = (f"{what} on lines {' '.join(map(str, found[what]))}" for what in ("rows", "columns"))
    return "; ".join([f"slot {found['slot']}", ports, *lines])


def _bench_work(found: Any) -> str:
    together = f", {found['meters']} columns at a time" if found.get("meters", 1) > 1 else ""
    told = [f"{found['readings']} readings{together}"] if "readings" in found else []
    for by in ("pattern", "cell"):
        if batches := found.get(f"batches_by_{by}"):
            told.append(f"batches by {by}: {batches}")
    if again := found.get("zeros_taken_again"):
        drift = quantity(found["zero_drift_rms_a"], "A"), quantity(found["zero_drift_largest_a"], "A")
        told.append(f"{again} zero readings taken again, off by {drift[0]} (rms), {drift[1]} at most")
    if closings := found.get("relay_closings"):
        told.append(f"relays closed {closings} times, most often {found['most_closed']}, {found['its_closings']} times")
    return ", ".join(told) or _plain(found)


def in_words_of_bad_cells(cells: Any) -> str:
    """Name the cells that a training left out, each with what was found in it."""
    return ", ".join(f"row {each['row']} column {each['column']} ({each['verdict']})" for each in cells)


def _lines(found: Any) -> str:
    return Lines.from_record(found, (max(found["rows"]), max(found["columns"]))).in_words(one_layer=False)


def _zeros(every: Any) -> str:
    return "with each batch of reads" if every == 1 else f"with every {int(every)}th batch of reads"


FACTS: Mapping[str, tuple[str, Words]] = {
    "name": ("Run", _plain),
    "type": ("What was done", lambda kind: DONE.get(kind, str(kind))),
    "kind": ("Chip", lambda kind: KINDS.get(kind, str(kind))),
    "shape": ("Size", _size),
    "bench_sha256": ("SHA-256 of bench.toml", _plain),
    "confirm": ("Evaluations in a row that must meet every target", _plain),
    "learning_rule": ("Learning rule", _rule),
    "lines": ("Lines of the chip", _lines),
    "bad_cells": ("Bad cells, left out", lambda cells: in_words_of_bad_cells(cells) or "none"),
    "virtual_chip": ("Conductance of virtual chips", _chips),
    "forecast": ("Foretold", _forecast),
    "versions": ("Made with", _versions),
    "git": ("Commit of crossbar-hil", _plain),
    "replayed": ("Exchanges replayed from", _plain),
    "started_utc": ("Started", moment),
    "resumed_utc": ("Resumed", moment),
    "change_accepted_utc": ("Resumed whatever unpulsed cells read", moment),
    "finished_utc": ("Ended", moment),
    "reason": ("How it ended", _plain),
    "converged": ("Every target met", _plain),
    "pulses": ("Pulses sent", _plain),
    "error": ("Summed distance to the targets", _plain),
    "given_up": ("Given up because", _plain),
    "fresh_reads": ("Fresh reads at the end", _fresh),
    "reading": ("How an epoch is read", _plain),
    "bench_work": ("What the instruments did", _bench_work),
    "warnings": ("Warnings", "; ".join),
    "inputs": ("Inputs", _plain),
    "neurons": ("Output neurons", _plain),
    "training_steps": ("Time steps an image, in training", _plain),
    "test_steps": ("Time steps an image, in the test", _plain),
    "passes": ("Passes through the training images", _plain),
    "readout": ("How an answer is read out", _plain),
    "training_images": ("Images to train with", _plain),
    "test_images": ("Images to test with", _plain),
    "data_sha256": ("SHA-256 of the images", _plain),
    "resumed_shown": ("Images shown when it was resumed", _plain),
    "shown": ("Training images shown", _plain),
    "spikes": ("Output spikes while learning", _plain),
    "accuracy": ("Test images answered rightly", _share),
    "silent": ("Test images without an answer", _plain),
    "images": ("Test images asked", _plain),
    "summary": ("What was reached", _plain),
    "cost": ("What it took", _plain),
    "rounds": ("Rounds of reads and pulses", _plain),
    "cells": ("Cells asked for", _plain),
    "reached": ("Cells at their target", _plain),
    "pulses_median": ("Pulses a cell, median", _plain),
    "error_median": ("Off target, share of the range, median", _share),
    "error_most": ("Off target, share of the range, at most", _share),
}
"""Name of a fact, and how it is told; one that is not here is told by its recorded name."""
PARTS: Mapping[str, tuple[str, Words]] = {
    "backend": ("Backend", _plain),
    "curve": ("Measured curve", _plain),
    "pulse": ("Pulse that the curve was measured with", _plain),
    "scale": ("Scale K of the curve", _plain),
    "cell": ("Current of a cell", lambda cell: "follows Ohm's law" if cell == "ohmic" else str(cell)),
    "write": ("How pulses reach a cell", _plain),
    "sources": ("Source", _instrument),
    "matrix": ("Switch matrix", _instrument),
    "read_scheme": ("How a cell is read", _plain),
    "write_scheme": ("How a cell is written", _plain),
    "read_by": ("What is read at a time", lambda by: f"a {by}"),
    "zero_every": ("The zero of the meter is read", _zeros),
    "disturb_v": ("Most volts on cells that are not written", lambda volts: quantity(volts, "V")),
    "settings": ("Settings of source", _source_settings),
    "wiring": ("Wiring", _wiring),
    "on_loopback": ("Taken for real though on this machine", ", ".join),
}
"""The same for what a device says of itself."""
BY_PORT = {"sources", "settings"}
SOURCE = {
    "range_v": ("voltage range", "V"),
    "compliance_a": ("compliance", "A"),
    "range_a": ("current range", "A"),
    "read_range_a": ("current range of reads", "A"),
    "nplc": ("power-line cycles a reading", ""),
}
"""Name and unit of a setting of a source."""
