"""A curve file of any kind as curves in siemens, with what was understood of it; the one reader of the project."""

import functools
import hashlib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from crossbar_hil.backend import Pulse
from crossbar_hil.shipped import BytesFile, read_bytes

from .columns import choose_columns
from .conductances import conductances
from .counting import check_counts, counts_of
from .cycles import Spread, mean_and_spread
from .facts import facts_of, pulse_of, read_voltage, told_pulse
from .files import books
from .files.decoding import Line, decode, lines_of
from .files.formats import check_bytes, check_text
from .files.numbers import is_comment
from .files.options import Options
from .files.questions import Asker
from .files.readings import Reading, read_cells, read_table, split
from .files.tables import Layout, Row
from .levels import checked_levels
from .measured import MeasuredCurve
from .own_table import is_own, read_own
from .pace import check_pace, times_of
from .rows import choose_rows, drawn_by_pulses
from .runs import WORDS, Run, order_of, runs_of

PLAIN = Options()


@dataclass(frozen=True, slots=True)
class Understanding:
    """What a file says."""

    curves: tuple[MeasuredCurve, ...]
    said: tuple[tuple[str, str], ...]
    """What was understood, by subject."""
    sha256: str
    comments: tuple[str, ...] = ()
    """Those of the project's own table, some of which are facts of its cells."""
    spreads: tuple[tuple[str, Spread], ...] = ()
    """Of potentiation and depression, if the file holds cycles."""


def read_curves(file: BytesFile) -> tuple[MeasuredCurve, ...]:
    """Return the curves of a file that leaves nothing open.

    Raises
    ------
    DataError
        If it cannot be read, a line is wrong, or it may mean two things; the message names line or command.
    """
    return _read(_File(read_bytes("curve", file), str(file)))


@dataclass(frozen=True, slots=True)
class _File:
    """A file by its content; its name, which stands in refusals alone, makes it no other one."""

    data: bytes
    name: str = field(compare=False)


@functools.lru_cache(maxsize=8)
def _read(file: _File) -> tuple[MeasuredCurve, ...]:
    """Return the curves of a file; whoever draws many chips asks again and again, and each run has a copy."""
    return _understand(file.name, file.data, PLAIN).curves


def understand(file: BytesFile, options: Options = PLAIN) -> Understanding:
    """Return the curves of a file, with what was understood.

    Parameters
    ----------
    file : path
        Text, or a workbook (``.xlsx``, ``.xls``, ``.ods``), or a file of MATLAB; told apart by what they begin with.
    options : Options
        What a person settles.

    Raises
    ------
    DataError
        As `read_curves`; a `CurveUnclear` carries what was understood before.
    """
    return _understand(str(file), read_bytes("curve", file), options)


def _understand(file: str, data: bytes, options: Options) -> Understanding:
    ask = Asker(file, options)
    digest = hashlib.sha256(data).hexdigest()
    ask.say("file", f"{Path(file).name}, {len(data):,} bytes, SHA-256 {digest}")
    reading = _table(data, options, ask)
    layout = _without(reading.layout, options, ask)
    if is_own(layout.names):
        curves = tuple(read_own(layout, ask))
        ask.say("table", f"the project's own, {len(curves)} curve(s)")
        _check_pulses(curves, options, ask)
        with_pulses = tuple(_with_pulses(curve, options) for curve in curves)
        return Understanding(with_pulses, tuple(ask.understood), digest, layout.preamble)
    curves, spreads = _curves(layout, reading.layout, options, ask)
    return Understanding(curves, tuple(ask.understood), digest, (), spreads)


def _table(data: bytes, options: Options, ask: Asker) -> Reading:
    """Find the table of a file and say how it is written."""
    check_bytes(data, ask)
    rows = books.rows_of(data, options, ask)
    if rows is not None:
        reading = read_cells(_within(rows, options), options, ask)
    else:
        decoded = decode(data, f"curve file {ask.file}", options.encoding)
        check_text(decoded.text, ask)
        lines = [
            line
            for line in lines_of(decoded.text)
            if line.number > options.skip and (line.text.strip() or line.number not in options.leave_out)
        ]
        ask.say("encoding", f"{decoded.encoding}, {_ends(decoded.text)}")
        reading = _own(lines, options, ask) or read_table(_chosen(lines, options), options, ask)
        sign = "point" if reading.layout.decimal == "." else "comma"
        ask.say("separator", f"{reading.separator}, decimal {sign}")
    layout = reading.layout
    if layout.preamble:
        ask.say("above", f"{len(layout.preamble)} line(s) above the table: {_shortened(' | '.join(layout.preamble))}")
    held = " | ".join(layout.names)
    lines_said = ", ".join(map(str, layout.header_lines))
    ask.say("header", f"line {lines_said}: {_shortened(held)}" if any(layout.names) else "none")
    ask.say("table", f"line {layout.rows[0].line} to {layout.rows[-1].line}, {layout.width} column(s)")
    return reading


def _own(lines: Sequence[Line], options: Options, ask: Asker) -> Reading | None:
    """Read the project's own table as it is written, which needs no finding out; None if it is none."""
    if options.separator or options.decimal or options.lines:
        return None
    plain = [line for line in lines if not is_comment(line)]
    first = next((line for line in plain if line.text.strip()), None)
    if first is None or not is_own(first.text.split(",")):
        return None
    rows = split(plain, ",")
    if rows is None:
        return None
    filled = [place for place, row in enumerate(rows) if any(row.cells)]
    rows = rows[filled[0] : filled[-1] + 1]
    if len(rows) < 2:
        raise ask.refusal("holds a header and no data")
    names = tuple(str(cell) for cell in rows[0].cells)
    above = tuple(line.text.strip().lstrip("#").strip() for line in lines if is_comment(line))
    layout = Layout(".", names, (rows[0].line,), above, tuple(rows[1:]), (True,) * len(names))
    return Reading("comma", layout)


def _chosen(lines: Sequence[Line], options: Options) -> list[Line]:
    """Return the lines up to the last one wanted, those between header and first one left away."""
    if options.lines is None:
        return list(lines)
    first, last = options.lines
    return [line for line in lines if line.number <= last and not (line.number < first and _numbers_only(line.text))]


def _numbers_only(text: str) -> bool:
    return bool(re.fullmatch(r"[\d\s.,;|+\-eEdD\t]+", text))


def _within(rows: Sequence[Row], options: Options) -> list[Row]:
    rows = [row for row in rows if row.line > options.skip]
    if options.lines is None:
        return rows
    first, last = options.lines
    return [
        row
        for row in rows
        if row.line <= last
        and not (row.line < first and all(isinstance(cell, float) or not cell for cell in row.cells))
    ]


def _without(layout: Layout, options: Options, ask: Asker) -> Layout:
    """Leave lines away that a person left out."""
    if not options.leave_out:
        return layout
    there = {row.line for row in layout.rows}
    for line in options.leave_out:
        if line not in there and not min(there) < line < max(there):
            raise ask.refusal(f"has no reading in line {line} that could be left out")
    ask.say("left out", f"line {', '.join(map(str, options.leave_out))}, as said")
    return replace(layout, rows=tuple(row for row in layout.rows if row.line not in options.leave_out))


def _curves(
    layout: Layout, whole: Layout, options: Options, ask: Asker
) -> tuple[tuple[MeasuredCurve, ...], tuple[tuple[str, Spread], ...]]:
    facts = facts_of(layout)
    columns = choose_columns(layout, options, ask)
    read_v = read_voltage(facts)
    rows = choose_rows(layout, columns, options, read_v, ask)
    readings = conductances(layout, columns, rows, options, read_v, ask)
    order = order_of(layout, columns, rows, ask)
    lines = [layout.rows[row].line for row in rows.kept]
    runs: list[Run] = []
    counted = False
    times = times_of(layout, columns, rows)
    for value in columns.values:
        levels = checked_levels(lines, readings[value.place], value, layout, options, ask)
        ask.readings = tuple(level.siemens for level in levels)
        counts, left_out = counts_of(whole, layout, columns, value, rows, options, ask)
        counted = counted or bool(counts)
        if times and not counts and all(pulse is None for pulse in rows.pulses):
            check_pace(levels, times, order, ask)
        own = runs_of(value, levels, order, counts, options, ask)
        runs += [check_counts(run, counts, left_out, ask) for run in own]
    if not counted and all(pulse is None for pulse in rows.pulses):
        ask.say("order", "nothing counts the pulses: each reading is taken for one pulse more than the one before")
    pulses = {way: pulse_of(way, layout, columns, rows, facts, options, ask) for way in ("up", "down")}
    curves, spreads = [], []
    for way in ("up", "down"):
        own = [run for run in runs if run.way == way]
        if not own:
            continue
        mean, spread = _one_curve(own, ask)
        if spread is not None:
            spreads.append((WORDS[way], spread))
        amplitude, width = pulses[way]
        if amplitude is not None and width is not None:
            curves.append(MeasuredCurve(way == "up", Pulse(amplitude, width), mean))
        else:
            curves.append(MeasuredCurve(way == "up", None, mean, amplitude))
    _check_pulses(curves, options, ask)
    drawn = drawn_by_pulses(layout, columns, rows, curves[0].levels_siemens)
    if drawn is not None:
        ask.say("pulses", drawn)
    return tuple(curves), tuple(spreads)


def _check_pulses(curves: Sequence[MeasuredCurve], options: Options, ask: Asker) -> None:
    """Refuse a pulse of a way that the file does not hold."""
    for way, given in (("up", options.amplitude), ("down", options.depress_amplitude or options.depress_width)):
        if given is not None and all(curve.potentiation != (way == "up") for curve in curves):
            name = "--amplitude" if way == "up" else "--depress-amplitude and --depress-width"
            raise ask.refusal(
                f"holds no {WORDS[way]}, so {name} would be dropped: leave it away, or measure {WORDS[way]} too and "
                "bring both in one file"
            )


def _with_pulses(curve: MeasuredCurve, options: Options) -> MeasuredCurve:
    amplitude, width = told_pulse("up" if curve.potentiation else "down", options)
    if curve.pulse is not None or amplitude is None or width is None:
        return curve
    return curve._replace(pulse=Pulse(amplitude, width))


def _one_curve(runs: list[Run], ask: Asker) -> tuple[tuple[float, ...], Spread | None]:
    """Return the levels of one run, or the mean of several cycles and their spread."""
    if len(runs) == 1:
        return tuple(level.siemens for level in runs[0].levels), None
    sizes = [len(run.levels) for run in runs]
    if len(set(sizes)) > 1:
        odd = next(place for place, size in enumerate(sizes) if size != sizes[0])
        raise ask.refused_line(
            runs[odd].levels[0].line,
            f"cycle {odd + 1} of {WORDS[runs[odd].way]} has {sizes[odd]} readings, the first {sizes[0]}; "
            "--lines FIRST:LAST takes whole cycles",
        )
    mean, spread = mean_and_spread(np.array([[level.siemens for level in run.levels] for run in runs]))
    if math.isinf(spread.step_variation):
        raise ask.refusal(
            f"holds {len(runs)} cycles of {sizes[0]} readings whose mean does not move beside what they differ by; "
            "--column, --cycles (rows, if those of a matrix of MATLAB are cycles), --up and --down say which readings "
            "are a cycle"
        )
    ask.say(WORDS[runs[0].way], f"mean of {len(runs)} cycles; {_differing(spread)}")
    return tuple(mean.tolist()), spread


def _differing(spread: Spread) -> str:
    """Say how cycles differ; what is not seen beside the rest is not given a number."""
    found = []
    if spread.step_variation:
        found.append(f"a step differs by {spread.step_variation:.3g} of the mean step (step_variation)")
    if spread.read_noise:
        found.append(f"a reading by {spread.read_noise:.3g} of itself (read_noise)")
    lacking = [
        name
        for name, value in (("step_variation", spread.step_variation), ("read_noise", spread.read_noise))
        if not value
    ]
    if lacking:
        found.append(f"{' and '.join(lacking)} cannot be told from so few readings")
    return "from cycle to cycle " + ", ".join(found)


def _ends(text: str) -> str:
    return "lines end with CR LF" if "\r\n" in text else "lines end with CR" if "\r" in text else "lines end with LF"


def _shortened(text: str) -> str:
    return text if len(text) <= 100 else f"{text[:97]}..."
