"""Read conductance curves from text files, and say exactly which line is wrong.

Two layouts are understood.

Plain
    What a lab writes down: one column of conductances in siemens, or two columns, pulse number and conductance.
    Columns are separated by a comma or by blanks. The first line may be a header. Lines that start with ``#`` are
    comments.
Table
    What this project writes: a comma-separated table with a header that names at least ``polarity``, ``amplitude_v``,
    ``width_s``, ``pulse`` and ``conductance_siemens``; one block of rows for each curve.
"""

import math
from typing import NamedTuple

from crossbar_hil.backend import Pulse
from crossbar_hil.errors import DataError
from crossbar_hil.shipped import TextFile, read_text

LARGEST_SIEMENS = 0.1
"""A cell of more than this (10 ohm) is taken for a number in another unit."""

_TABLE_COLUMNS = ("polarity", "amplitude_v", "width_s", "pulse")
_SIEMENS_NAMES = {
    f"{quantity}{unit}"
    for quantity in ("conductance", "g")
    for unit in ("", "_s", "_siemens", "/s", " (s)", " [s]", " (siemens)", " [siemens]")
}
_PULSE_NAMES = {"pulse", "pulses", "pulse number", "pulse_number", "number", "n"}
_EXPECTED = "expected 1 (conductance in siemens) or 2 (pulse number, conductance)"


class RawCurve(NamedTuple):
    """One curve as the file tells it."""

    pulse: Pulse | None
    levels_siemens: list[float]


class _Line(NamedTuple):
    number: int
    text: str

    @property
    def fields(self) -> list[str]:
        return [field.strip(' "') for field in self.text.split(",")] if "," in self.text else self.text.split()


def read_curves(path: TextFile) -> list[RawCurve]:
    """Read every curve of a file, in the order of the file.

    Raises
    ------
    DataError
        If the file is missing or a line is wrong; the message names the file and the line.
    """
    lines = _lines(read_text("curve", path), path)
    header = [name.lower() for name in lines[0].fields]
    if set(_TABLE_COLUMNS) <= set(header):
        curves = _table(header, lines, path)
    else:
        curves = [RawCurve(None, _plain(lines, path))]
    for curve in curves:
        if len(curve.levels_siemens) < 2:
            raise DataError(
                f"curve file {path} holds {len(curve.levels_siemens)} point(s) of a curve, at least 2 needed"
            )
    return curves


def _lines(text: str, path: TextFile) -> list[_Line]:
    """Lines that hold something: no comments, no empty lines at either end."""
    lines = [_Line(number, line.strip()) for number, line in enumerate(text.splitlines(), start=1)]
    lines = [line for line in lines if not line.text.startswith("#")]
    filled = [place for place, line in enumerate(lines) if line.text]
    if not filled:
        raise DataError(f"curve file {path} holds no data")
    lines = lines[filled[0] : filled[-1] + 1]
    for line in lines:
        if not line.text:
            raise DataError(f"curve file {path}, line {line.number}: an empty line leaves a gap in the curve")
    return lines


def _plain(lines: list[_Line], path: TextFile) -> list[float]:
    if _is_header(lines[0]):
        _check_header(lines[0], path)
        lines = lines[1:]
    levels: list[float] = []
    first_pulse: float | None = None
    width = len(lines[0].fields) if lines else 0
    for line in lines:
        where = f"curve file {path}, line {line.number}"
        if len(line.fields) not in (1, 2):
            raise DataError(f"{where}: {len(line.fields)} columns, {_EXPECTED}")
        if len(line.fields) != width:
            raise DataError(f"{where}: {len(line.fields)} column(s) after lines of {width}")
        if width == 2:
            pulse = _number(line.fields[0], where, "pulse number")
            first_pulse = pulse if first_pulse is None else first_pulse
            if pulse != first_pulse + len(levels):
                raise DataError(
                    f"{where}: pulse number {pulse:g}, expected {first_pulse + len(levels):g}; "
                    "the curve must have no gap"
                )
        levels.append(_conductance(line.fields[-1], where))
    return levels


def _table(header: list[str], lines: list[_Line], path: TextFile) -> list[RawCurve]:
    conductance_names = _SIEMENS_NAMES & set(header)
    if not conductance_names:
        raise DataError(
            f"curve file {path}, line {lines[0].number}: no column conductance_siemens in {', '.join(header)}"
        )
    column = {name: header.index(name) for name in (*_TABLE_COLUMNS, conductance_names.pop())}
    conductance_column = max(column[name] for name in column if name not in _TABLE_COLUMNS)
    curves: dict[Pulse, list[float]] = {}
    for line in lines[1:]:
        where = f"curve file {path}, line {line.number}"
        if len(line.fields) != len(header):
            raise DataError(f"{where}: {len(line.fields)} columns, the header has {len(header)}")
        amplitude = _number(line.fields[column["amplitude_v"]], where, "amplitude_v")
        width = _number(line.fields[column["width_s"]], where, "width_s")
        polarity = line.fields[column["polarity"]]
        if polarity not in ("potentiation", "depression") or (amplitude > 0) != (polarity == "potentiation"):
            raise DataError(f"{where}: {polarity} by {amplitude:g} V; potentiation is positive, depression negative")
        try:
            levels = curves.setdefault(Pulse(amplitude, width), [])
        except DataError as error:
            raise DataError(f"{where}: {error}") from error
        number = _number(line.fields[column["pulse"]], where, "pulse number")
        if number != len(levels) + 1:
            raise DataError(f"{where}: pulse number {number:g}, expected {len(levels) + 1}; the curve must have no gap")
        levels.append(_conductance(line.fields[conductance_column], where))
    if not curves:
        raise DataError(f"curve file {path} holds a header and no data")
    return [RawCurve(pulse, levels) for pulse, levels in curves.items()]


def _is_header(line: _Line) -> bool:
    """Whether no field of the first line is a number."""
    for field in line.fields:
        try:
            float(field)
        except ValueError:
            continue
        return False
    return bool(any(line.fields))


def _check_header(line: _Line, path: TextFile) -> None:
    where = f"curve file {path}, line {line.number}"
    text = " ".join(line.text.lower().split())
    if "," in text:
        names = [name.lower() for name in line.fields]
    elif text in _SIEMENS_NAMES:
        names = [text]
    else:  # blanks separate the columns, and stand inside names such as "conductance (S)"
        head = next((name for name in sorted(_PULSE_NAMES, key=len, reverse=True) if text.startswith(f"{name} ")), "")
        names = [head, text[len(head) :].strip()] if head else [text]
    if len(names) > 2:
        raise DataError(f"{where}: {len(names)} columns, {_EXPECTED}")
    if names[-1] not in _SIEMENS_NAMES:
        raise DataError(f"{where}: column {names[-1]!r} is not a conductance in siemens, such as conductance_siemens")
    if len(names) == 2 and names[0] not in _PULSE_NAMES:
        raise DataError(f"{where}: column {names[0]!r} is not a pulse number, such as pulse")


def _number(text: str, where: str, what: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise DataError(f"{where}: {what} {text!r} is not a number") from None
    if not math.isfinite(value):
        raise DataError(f"{where}: {what} {text} is not finite")
    return value


def _conductance(text: str, where: str) -> float:
    value = _number(text, where, "conductance")
    if value < 0:
        raise DataError(f"{where}: conductance {value:g} S is negative")
    if value > LARGEST_SIEMENS:
        raise DataError(
            f"{where}: conductance {value:g} S exceeds {LARGEST_SIEMENS:g} S; "
            "the column must be in siemens, not in uS or ohm"
        )
    return value
