"""The project's own table of curves: read, every line checked, and written with its origin."""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from crossbar_hil.backend import Pulse
from crossbar_hil.errors import DataError, writing_new

from .files.names import read_name
from .files.questions import Asker
from .files.tables import Layout, Row
from .levels import LARGEST_SIEMENS
from .measured import MeasuredCurve

HEADER = ("polarity", "amplitude_v", "width_s", "pulse", "conductance_siemens")
_BESIDE = HEADER[:4]


def is_own(names: Iterable[str]) -> bool:
    """Say whether a header is that of the own table."""
    return set(_BESIDE) <= {name.strip().lower() for name in names}


def read_own(layout: Layout, ask: Asker) -> list[MeasuredCurve]:
    """Read every curve of the table, in the order of the file; curves may be interleaved.

    A pulse that was not known when the table was written is an empty amplitude and an empty width.

    Raises
    ------
    DataError
        If a line is wrong; the message names it.
    """
    names = [name.strip().lower() for name in layout.names]
    held = [place for place, name in enumerate(names) if name not in _BESIDE and _is_siemens(name)]
    if not held:
        raise ask.refused_line(layout.header_lines[-1], f"no column conductance_siemens in {', '.join(names)}")
    place = {name: names.index(name) for name in _BESIDE}
    curves: dict[tuple[str, Pulse | None], list[float]] = {}
    pulses: dict[tuple[str, ...], Pulse | None] = {}
    for row in layout.rows:
        if not row.cells:
            raise ask.refused_line(row.line, "an empty line leaves a gap in the curve")
        if len(row.cells) != len(names):
            raise ask.refused_line(row.line, f"{len(row.cells)} columns, the header has {len(names)}")
        cells = {name: str(row.cells[at]).strip() for name, at in place.items()}
        written = (cells["polarity"], cells["amplitude_v"], cells["width_s"])
        if written not in pulses:
            pulses[written] = _pulse(row, cells, layout.decimal, ask)
        levels = curves.setdefault((cells["polarity"], pulses[written]), [])
        number = _number(row, cells["pulse"], "pulse number", layout.decimal, ask)
        if number != len(levels) + 1:
            raise ask.refused_line(
                row.line, f"pulse number {number:g}, expected {len(levels) + 1}; the curve must have no gap"
            )
        levels.append(_conductance(row, str(row.cells[held[0]]).strip(), layout.decimal, ask))
    for levels in curves.values():
        if len(levels) < 2:
            raise ask.refusal(f"holds {len(levels)} point(s) of a curve, at least 2 needed")
    return [MeasuredCurve(way == "potentiation", pulse, tuple(levels)) for (way, pulse), levels in curves.items()]


def _is_siemens(name: str) -> bool:
    said = read_name(name)
    return said.quantity == "conductance" and not said.aside and (said.unit is None or said.unit.factor == 1.0)


def _pulse(row: Row, cells: dict[str, str], decimal: str, ask: Asker) -> Pulse | None:
    polarity = cells["polarity"]
    unknown = not cells["amplitude_v"] and not cells["width_s"]
    if unknown and polarity in {"potentiation", "depression"}:
        return None
    amplitude = _number(row, cells["amplitude_v"], "amplitude_v", decimal, ask)
    width = _number(row, cells["width_s"], "width_s", decimal, ask)
    if polarity not in {"potentiation", "depression"} or (amplitude > 0) != (polarity == "potentiation"):
        raise ask.refused_line(
            row.line, f"{polarity} by {amplitude:g} V; potentiation is positive, depression negative"
        )
    try:
        return Pulse(amplitude, width)
    except DataError as error:
        raise ask.refused_line(row.line, str(error)) from error


def _number(row: Row, text: str, what: str, decimal: str, ask: Asker) -> float:
    try:
        value = float(text.replace(",", ".") if decimal == "," else text)
    except ValueError:
        raise ask.refused_line(row.line, f"{what} {text!r} is not a number") from None
    if not math.isfinite(value):
        raise ask.refused_line(row.line, f"{what} {text} is not finite")
    return value


def _conductance(row: Row, text: str, decimal: str, ask: Asker) -> float:
    value = _number(row, text, "conductance", decimal, ask)
    if value < 0:
        raise ask.refused_line(row.line, f"conductance {value:g} S is negative")
    if value > LARGEST_SIEMENS:
        raise ask.refused_line(
            row.line,
            f"conductance {value:g} S exceeds {LARGEST_SIEMENS:g} S; the column must be in siemens, not in uS or ohm",
        )
    return value


def write_own(path: Path, curves: Iterable[MeasuredCurve], comments: Sequence[str]) -> None:
    """Write curves to a new file, one after the other.

    Parameters
    ----------
    comments : sequence of str
        Where they come from, a line each.

    Raises
    ------
    RunError
        If the file exists, which is never overwritten, or cannot be written.
    """
    lines = [f"# {' '.join(comment.split())}" for comment in comments] + [",".join(HEADER)]
    for curve in curves:
        polarity = "potentiation" if curve.potentiation else "depression"
        pulse = "," if curve.pulse is None else f"{curve.pulse.amplitude_v!r},{curve.pulse.width_s!r}"
        lines += [f"{polarity},{pulse},{n},{level!r}" for n, level in enumerate(curve.levels_siemens, start=1)]
    with writing_new(path), path.open("x", encoding="utf-8") as file:
        file.write("\n".join([*lines, ""]))
