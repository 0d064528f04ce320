"""Readings in order as potentiation and depression, cycle by cycle: as the file says, or as a person confirms."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from .columns import Columns, Value, label
from .files.options import Options
from .files.questions import Asker, CurveUnclear
from .files.tables import Layout
from .levels import Level
from .rows import SAME_VOLTAGE, Rows
from .turning import Piece, pieces_of, way_of, whole_cycles

WORDS = {"up": "potentiation", "down": "depression"}
FEWEST_AT_REST = 5
"""Readings that are one number before a turn, from which a rest is mentioned."""
_WAYS = {"up": ("potentiation", "ltp", "pot", "set", "up"), "down": ("depression", "ltd", "dep", "reset", "down")}


@dataclass(frozen=True, slots=True)
class Run:
    """Readings of one potentiation or depression."""

    way: str
    levels: tuple[Level, ...]


@dataclass(frozen=True, slots=True)
class Order:
    """What a file says of the order of its readings, by line."""

    ways: dict[int, str]
    """``up`` or ``down``, where the file says it."""
    why: str
    """How it says that."""
    starts: frozenset[int]
    """Lines of readings that are also level 0 of what follows."""
    cycles: dict[int, float]
    """Number of the cycle."""


def order_of(layout: Layout, columns: Columns, rows: Rows, ask: Asker) -> Order:
    """Return what the columns beside the curve say of its order."""
    lines = [layout.rows[row].line for row in rows.kept]
    ways, why, starts = _ways(layout, columns, rows, lines, ask)
    cycles: dict[int, float] = {}
    for place, name in enumerate(columns.names):
        if name.cycle and name.quantity is None and layout.numeric[place]:
            found = [layout.column(place)[row] for row in rows.kept]
            if None not in found and 1 < len(set(found)) < len(found):
                cycles = dict(zip(lines, (each for each in found if each is not None), strict=True))
                ask.say("cycles", f"numbered in column {label(layout, place)}")
                break
    return Order(ways, why, starts, cycles)


def _ways(
    layout: Layout, columns: Columns, rows: Rows, lines: list[int], ask: Asker
) -> tuple[dict[int, str], str, frozenset[int]]:
    told = ask.options.up is not None or ask.options.down is not None
    if any(each is not None for each in rows.pulses):
        bad = next((line for line, v in zip(lines, rows.pulses, strict=True) if v is not None and math.isnan(v)), None)
        if bad is not None:
            raise ask.refused_line(bad, "between this reading and the one before stands not exactly one pulse")
        signs = [None if v is None else "up" if v > 0 else "down" for v in rows.pulses]
        turned = [lines[k - 1] for k in range(2, len(lines)) if signs[k] != signs[k - 1]]
        return _completed(lines, signs), "the sign of the pulses between them", frozenset(turned)
    for place, name in enumerate(columns.names):
        if layout.numeric[place]:
            if not (name.quantity == "voltage" and name.writing and not name.reading):
                continue
            volts = [layout.column(place)[row] for row in rows.kept]
            if not told:
                _check_equal([v for v in volts if v is not None], label(layout, place), len(lines), ask)
            signs = [None if not v else "up" if v > 0 else "down" for v in volts]
        else:
            texts = [layout.texts(place)[row].lower() for row in rows.kept]
            signs = [next((way for way, words in _WAYS.items() if text.startswith(words)), None) for text in texts]
            if any(sign is None for sign in signs):
                continue
        if any(signs):
            return _completed(lines, signs), f"column {label(layout, place)}", frozenset()
    return {}, "", frozenset()


def _check_equal(volts: list[float], where: str, many: int, ask: Asker) -> None:
    """Ask about pulses of several heights, which make no curve of one kind of pulse."""
    for sign in (1, -1):
        sent = [v for v in volts if v * sign > 0]
        if sent and max(map(abs, sent)) > (1 + SAME_VOLTAGE) * min(map(abs, sent)):
            raise ask.question(
                f"the pulses of column {where} are of {min(sent):g} to {max(sent):g}, and a curve is one of equal "
                "pulses; --lines FIRST:LAST takes a part, and if they may be taken for equal, say so by "
                f"{ask.command(up=many)}"
            )


def _completed(lines: list[int], signs: Sequence[str | None]) -> dict[int, str]:
    """Give a reading without a pulse, such as the first, the way of the next one."""
    found: dict[int, str] = {}
    following: str | None = next((sign for sign in reversed(signs) if sign), None)
    for line, sign in zip(reversed(lines), reversed(signs), strict=True):
        following = sign or following
        if following:
            found[line] = following
    return found


def runs_of(
    value: Value, levels: list[Level], order: Order, counts: dict[int, float], options: Options, ask: Asker
) -> list[Run]:
    """Divide the readings of one column into runs; a turn that nobody confirmed and a curve that falls are asked about.

    Parameters
    ----------
    order : Order
        What the file says of their order.
    counts : dict
        Pulse number by line, where the file counts.
    """
    siemens = np.array([level.siemens for level in levels])
    if options.up is not None or options.down is not None:
        pieces = _as_told(siemens, options, ask)
        _check_against_numbers(pieces, levels, order, counts, options, ask)
    elif value.way is not None or order.ways or order.cycles:
        pieces = _as_the_file_says(value, levels, order, siemens, ask)
    else:
        pieces = _by_their_shape(levels, siemens, counts, options, ask)
    runs = []
    for piece in pieces:
        own = levels[piece.first : piece.last]
        if piece.first and levels[piece.first - 1].line in order.starts and not (options.up or options.down):
            own = [levels[piece.first - 1], *own]
        if len(own) < 2:
            raise ask.refused_line(own[0].line, f"{WORDS[piece.way]} of one reading, at least 2 needed")
        runs.append(Run(piece.way, tuple(own)))
    return runs


def _as_told(siemens: np.ndarray, options: Options, ask: Asker) -> list[Piece]:
    up, down, many = options.up or 0, options.down or 0, len(siemens)
    period = up + down
    stacked = options.cycles == "stacked"
    if many % period or (many != period and not stacked):
        told = " and ".join(f"{n} {way}" for n, way in ((up, "up"), (down, "down")) if n)
        raise ask.refusal(
            f"holds {many} readings, which are not {told}{' in whole cycles' if stacked else ''}"
            f"{'' if stacked or many % period else '; --cycles stacked says that these repeat'}"
        )
    orders = [[("up", up), ("down", down)], [("down", down), ("up", up)]]
    best = max(orders, key=lambda order: _agreement(siemens, order))
    pieces, at = [], 0
    while at < many:
        for way, size in best:
            if size:
                pieces.append(Piece(at, at + size, way))
                at += size
    for piece in pieces:
        own = siemens[piece.first : piece.last]
        if len(own) > 1 and way_of(own) not in {piece.way, None}:
            raise ask.refusal(
                f"holds {len(own)} readings said to be {WORDS[piece.way]} that "
                f"{'fall' if piece.way == 'up' else 'rise'} from {own[0]:.4g} S to {own[-1]:.4g} S"
            )
    return pieces


def _check_against_numbers(
    pieces: list[Piece], levels: list[Level], order: Order, counts: dict[int, float], options: Options, ask: Asker
) -> None:
    """Refuse numbers of readings that contradict what the file says of its cycles, or where its pulses begin anew."""
    lines = [level.line for level in levels]
    many = (options.up or 0) + (options.down or 0)
    periods = set(range(many, len(levels), many))
    cuts = {piece.first for piece in pieces[1:]}
    new = {k for k in range(1, len(lines)) if order.cycles.get(lines[k]) != order.cycles.get(lines[k - 1])}
    if order.cycles and new != periods:
        begun = ", ".join(str(lines[k]) for k in [0, *sorted(new)][:6])
        raise ask.refusal(
            f"numbers {len(new) + 1} cycles of its readings (line {begun} begin one), which "
            f"{len(periods) + 1} of {many} readings contradict; leave --up and --down away, or "
            "give those of one of its cycles"
        )
    back = {k for k in range(1, len(lines)) if counts.get(lines[k], 0.0) < counts.get(lines[k - 1], 0.0)}
    if back and back not in (periods, cuts):
        raise ask.refused_line(
            lines[min(back)],
            f"the pulse numbers begin anew here, which {len(periods) + 1} time(s) {many} readings contradict; --up and "
            "--down must be those of what the file numbers",
        )


def _agreement(siemens: np.ndarray, order: list[tuple[str, int]]) -> float:
    """Return how far readings go the way that an order of runs says."""
    gone, at = 0.0, 0
    for way, size in order:
        own = siemens[at : at + size]
        if len(own):
            gone += float(own[-1] - own[0]) * (1 if way == "up" else -1)
        at += size
    return gone


def _as_the_file_says(value: Value, levels: list[Level], order: Order, siemens: np.ndarray, ask: Asker) -> list[Piece]:
    keys = [(value.way or order.ways.get(level.line), order.cycles.get(level.line)) for level in levels]
    cuts = [0, *(k for k in range(1, len(keys)) if keys[k] != keys[k - 1]), len(keys)]
    pieces = []
    for first, last in pairwise(cuts):
        own = siemens[first:last]
        said = keys[first][0]
        found = way_of(own) if len(own) > 1 else said
        if said is None:  # cycles are numbered, ways are not
            parts = pieces_of(own)
            if len(parts) > 1 or found != "up":
                raise _turn_question(levels[first:last], own, parts, ask, stacked=True)
            pieces.append(Piece(first, last, "up"))
            continue
        if found not in {said, None}:
            how = order.why if value.way is None else f"its name {value.name.text!r}"
            raise ask.refused_line(
                levels[first].line,
                f"{WORDS[said]} by {how}, but {len(own)} readings {'fall' if said == 'up' else 'rise'} from "
                f"{own[0]:.4g} S to {own[-1]:.4g} S; --up and --down say which are which, "
                f"as by {ask.command(**_sizes(siemens, cuts))}",
            )
        pieces.append(Piece(first, last, said))
    return pieces


def _sizes(siemens: np.ndarray, cuts: Sequence[int]) -> dict[str, int]:
    """Return the options that divide readings at some places by how they go."""
    found: dict[str, int] = {}
    for first, last in pairwise(cuts):
        found.setdefault("up" if siemens[last - 1] >= siemens[first] else "down", last - first)
    return found


def _by_their_shape(
    levels: list[Level], siemens: np.ndarray, counts: dict[int, float], options: Options, ask: Asker
) -> list[Piece]:
    marks = tuple(
        place
        for place in range(1, len(levels))
        if counts.get(levels[place].line, 0.0) != counts.get(levels[place - 1].line, -1.0) + 1 and counts
    )
    pieces = pieces_of(siemens, marks)
    if options.cycles == "stacked" and marks and len(pieces) > 1:
        cuts = [0, *marks, len(levels)]
        pieces = [
            Piece(first, last, "up" if siemens[last - 1] >= siemens[first] else "down")
            for first, last in pairwise(cuts)
        ]
        if len({piece.way for piece in pieces}) == 1 and pieces[0].way == "up":
            return pieces
    if len(pieces) > 1 or way_of(siemens) != "up":
        raise _turn_question(levels, siemens, pieces, ask)
    return pieces


def _turn_question(
    levels: Sequence[Level], siemens: np.ndarray, pieces: list[Piece], ask: Asker, *, stacked: bool = False
) -> CurveUnclear:
    """Return the question whether readings that turn, fall, or do neither are what they look like."""
    if len(pieces) == 1 and way_of(siemens) == "down":
        return ask.refusal(
            f"holds no potentiation curve: its {len(levels)} conductances fall from {siemens[0]:.4g} S to "
            f"{siemens[-1]:.4g} S (line {levels[0].line} to {levels[-1].line}); if this is depression, say so by "
            f"{ask.command(down=len(levels))}, and measure potentiation too"
        )
    if len(pieces) == 1:
        return ask.question(
            f"{len(levels)} conductances from {siemens.min():.4g} S to {siemens.max():.4g} S neither rise nor fall as "
            f"a whole; if all are potentiation, say so by {ask.command(up=len(levels))}"
        )
    cycles = whole_cycles(pieces)
    more: dict[str, Any] = {"up": cycles.up, "down": cycles.down}
    if stacked or cycles.many > 1 or not (cycles.up and cycles.down):
        more["cycles"] = "stacked"
    if cycles.readings < len(siemens):
        more["lines"] = (levels[0].line, levels[cycles.readings - 1].line)
    try:  # a command that is named must work
        _as_told(siemens[: cycles.readings], replace(ask.options, **more), ask)
    except CurveUnclear:
        return ask.question(
            f"{_turn(levels, pieces)}; if these are potentiation and depression, say how many readings of each by --up "
            "and --down, and by --lines FIRST:LAST which are whole cycles (or that all "
            f"{len(levels)} are potentiation by {ask.command(up=len(levels))})"
        )
    return ask.question(
        f"{_turn(levels, pieces)}; if these are potentiation and depression, say so by {ask.command(**more)} "
        f"(or that all {len(levels)} are potentiation by {ask.command(up=len(levels))})"
        f"{_resting(levels, siemens, pieces, ask)}"
    )


def _resting(levels: Sequence[Level], siemens: np.ndarray, pieces: list[Piece], ask: Asker) -> str:
    """Return the clause about readings before the turn that are all the same, as in a rest without pulses."""
    end = pieces[0].last
    first = end
    while first > 1 and siemens[first - 2] == siemens[end - 1]:
        first -= 1
    if end - first < FEWEST_AT_REST:
        return ""
    part = ask.command(lines=(levels[0].line, levels[first - 1].line))
    return (
        f"; line {levels[first].line} to {levels[end - 1].line} hold one number: if no pulses were sent there, take "
        f"those out of the file, or what stands before by {part}"
    )


def _turn(levels: Sequence[Level], pieces: list[Piece]) -> str:
    told = [
        f"{'rise' if piece.way == 'up' else 'fall'} for {piece.last - piece.first} readings (line "
        f"{levels[piece.first].line} to {levels[piece.last - 1].line})"
        for piece in pieces[:4]
    ]
    return f"the conductances {', then '.join(told)}{', and so on' if len(pieces) > 4 else ''}"
