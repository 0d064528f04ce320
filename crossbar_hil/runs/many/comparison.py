"""Runs side by side: settings that differ, and what each run came to, as data for a page and for a terminal."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from crossbar_hil.runs.live.panels import Wear
from crossbar_hil.runs.recorded_settings import Setting, text_of
from crossbar_hil.runs.run import Run
from crossbar_hil.runs.told_facts import FACTS

OUTCOME = ("kind", "status", "verdict", "epochs", "shown", "pulses", "error", "accuracy", "spikes", "silent", "seed",
           "started_utc", "label")  # fmt: skip
"""Facts of how runs ended, in this order."""
PROGRAMMED = ("cells", "reached", "rounds", "pulses_median", "error_median", "error_most")
"""Those of cells that were brought to targets, which follow, as `told_facts` tells them."""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing, and what it is in each of the runs."""

    key: str
    texts: tuple[str | None, ...]
    """For people; None where a run has no such thing."""
    values: tuple[Any, ...]
    about: str = ""
    said: bool = True
    """Whether it differs from its default in a run that has it, or has none."""

    @property
    def differs(self) -> bool:
        """Whether it is not the same in all runs."""
        return len(set(self.texts)) > 1

    def as_text(self) -> dict[str, Any]:
        """Return what a page shows."""
        return {"key": self.key, "about": self.about, "texts": self.texts}

    def as_record(self) -> dict[str, Any]:
        """Return what a program reads."""
        return {"key": self.key, "about": self.about, "values": self.values}


def compare(runs: Sequence[Run], wears: Iterable[Wear | None]) -> dict[str, list[Line]]:
    """Return settings that differ, those that some runs do not have, those that are the same, and the outcome.

    Parameters
    ----------
    runs : sequence of Run
        In the order in which they are shown.
    wears : iterable of Wear or None
        What each did to its chip, `Run.wear`, which whoever asks often remembers.

    Returns
    -------
    dict of str to list of Line
        Named ``differ``, ``partly``, ``same`` and ``outcome``.
    """
    settings = [{each.key: each for each in run.all_settings} for run in runs]
    found: dict[str, list[Line]] = {"differ": [], "partly": [], "same": []}
    for key in dict.fromkeys(key for each in settings for key in each):
        known = [each.get(key) for each in settings]
        about = next(each.about for each in known if each)
        texts = _distinct(known)
        said = any(each and (each.changed or (not each.usual and each.value is not None)) for each in known)
        line = Line(key, texts, tuple(None if each is None else each.value for each in known), about, said)
        found["partly" if None in texts else "differ" if line.differs else "same"].append(line)
    return found | {"outcome": [*_outcome(runs), *_wear(list(wears))]}


def _outcome(runs: Sequence[Run]) -> list[Line]:
    lines = []
    for name in OUTCOME:
        values = tuple(run.facts.get(name) for run in runs)
        if any(value is not None and value != "" for value in values):  # which may be a list
            texts = tuple(None if value is None else text_of(value, exact=False) for value in values)
            if name == "started_utc":
                texts = tuple(text and text[:19].replace("T", " ") for text in texts)
            lines.append(Line(name.replace("_utc", " (UTC)"), texts, values))
    of_cells = [run.noun == "programming run" for run in runs]
    for name in PROGRAMMED if any(of_cells) else ():
        label, words = FACTS[name]
        values = tuple(
            run.facts.get(name) if programmed else None for run, programmed in zip(runs, of_cells, strict=True)
        )
        if any(value is not None for value in values):
            texts = tuple(None if value is None else words(value) for value in values)
            lines.append(Line(label[0].lower() + label[1:], texts, values))
    return lines


def _distinct(settings: Sequence[Setting | None]) -> tuple[str | None, ...]:
    """Return what a setting is in each run, with six digits unless more are needed to tell runs apart."""
    exact = tuple(None if each is None else each.text for each in settings)
    short = tuple(None if each is None else text_of(each.value, each.unit, exact=False) for each in settings)
    return short if len(set(short)) == len(set(exact)) else exact


def _wear(wears: Sequence[Wear | None]) -> list[Line]:
    """Return what the cells received; nothing if no run has any."""
    if not any(wears):
        return []
    asked = (
        ("most pulses of a cell", "", lambda wear: int(wear.pulses.max())),
        ("dose", "V s", lambda wear: float(wear.dose_vs.sum())),
        ("most dose of a cell", "V s", lambda wear: float(wear.dose_vs.max())),
    )
    lines = []
    for name, unit, take in asked:
        values = tuple(None if wear is None else take(wear) for wear in wears)
        texts = tuple(None if value is None else text_of(value, unit, exact=False) for value in values)
        lines.append(Line(name, texts, values))
    return lines
