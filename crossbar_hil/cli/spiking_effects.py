"""Options of ``snn``: what devices do that ideal ones do not."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import click

from crossbar_hil.quantities import number, share, si, whole


class _Effect(NamedTuple):
    """An option, by the name of its setting."""

    option: str
    metavar: str
    text: str
    """What a training has; ``{since}`` is filled in."""
    tested: bool = True
    """Whether `snn test` has it too."""


EFFECTS = {
    "stuck": _Effect("--stuck", "SHARE", "Share of cells stuck {since}."),
    "stuck_rows": _Effect("--stuck-rows", "N", "Rows with every cell stuck {since}."),
    "stuck_at": _Effect("--stuck-at", "WHERE", "Where: ends (half at either), low, high, or start.", tested=False),
    "dead": _Effect("--dead", "SHARE", "Share of open cells {since}."),
    "unformed": _Effect("--unformed", "SHARE", "Share of cells never formed, of 1 nS.", tested=False),
    "start_spread": _Effect("--start-spread", "SIGMA", "Sigma of the log of where cells start.", tested=False),
    "step_spread": _Effect("--step-spread", "SIGMA", "Sigma of the log of each cell's factor."),
    "shape_spread": _Effect("--shape-spread", "SIGMA", "Sigma of the log of each cell's bend.", tested=False),
    "step_variation": _Effect("--step-variation", "SHARE", "Spread of changes from pulse to pulse.", tested=False),
    "write_noise": _Effect("--write-noise", "SHARE", "What each pulse misses by, as a share of the range."),
    "disturb": _Effect("--disturb", "SHARE", "Share of a change that other cells get.", tested=False),
    "relaxation_images": _Effect("--relaxation", "IMAGES", "Images in which cells fall to 1/e, to the low end."),
    "drift": _Effect("--drift", "NU", "Exponent of time with which conductances fall, t in images."),
    "drift_spread": _Effect("--drift-spread", "SIGMA", "Spread of that exponent from cell to cell."),
    "read_noise": _Effect("--read-noise", "SHARE", "Relative noise of a column's current, new in each step."),
    "column_noise": _Effect("--column-noise", "SHARE", "The same, of a column's current for all of an image."),
    "column_offset_a": _Effect("--column-offset", "CURRENT", "Spread of the current added to a column's readings."),
    "telegraph": _Effect("--telegraph", "SHARE", "Relative height of telegraph noise of single cells."),
    "telegraph_share": _Effect("--telegraph-share", "SHARE", "Share of the time in which they are high."),
    "telegraph_s": _Effect("--telegraph-time", "TIME", "Its correlation time; new in each step if not given."),
    "flicker": _Effect("--flicker", "SHARE", "Relative 1/f noise of single cells."),
}
_WHOLE, _WORDS, _NUMBERS = {"stuck_rows"}, {"stuck_at"}, {"relaxation_images", "drift", "drift_spread"}
_UNITS = {"column_offset_a": "A", "telegraph_s": "s"}


def effect_options(*, tested: bool) -> list[Any]:
    """Return the options of a training, or those of a test of what was trained."""
    since = "since" if tested else "from the start"
    return [
        click.option(effect.option, name, metavar=effect.metavar, help=effect.text.format(since=since))
        for name, effect in EFFECTS.items()
        if effect.tested or not tested
    ]


def read_effects(given: Mapping[str, str | None]) -> dict[str, Any]:
    """Return what was given of the effects, read and in SI; a ConfigError if something cannot be read."""
    return {name: _read(name, text) for name, text in given.items() if name in EFFECTS and text is not None}


def without_effects(given: Mapping[str, Any], but: Iterable[str] = ()) -> dict[str, Any]:
    """Return what was given beside the effects, and without some other options."""
    return {name: value for name, value in given.items() if name not in EFFECTS and name not in but}


def _read(name: str, text: str) -> Any:
    if name in _WORDS:
        return text
    if name in _UNITS:
        return si(text, _UNITS[name])
    return whole(text) if name in _WHOLE else number(text) if name in _NUMBERS else share(text)
