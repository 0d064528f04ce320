"""Which single fault explains what a bench showed: every one that can be named is worked out and held against it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations, product

import numpy as np

from crossbar_hil.arrays import BoolArray, FloatArray
from crossbar_hil.commissioning.expected import GROUND, OPEN, BoardModel, State
from crossbar_hil.commissioning.readings import Readings, Shown
from crossbar_hil.text import quantity

AGREES, FLOOR = 0.03, 0.02
"""A current agrees within 3 % of itself and 2 % of that of a typical cell."""
EXPLAINS = 0.02
"""A fault explains what was shown if no more of the states contradict it, nor a quarter of those that do without it."""
JOINED_OHM = 10.0
"""Of two lines that are shorted."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """A fault that explains what was shown, and where to look."""

    text: str
    model: BoardModel
    joins: tuple[str, int] | None = None
    """Port and line of a relay that is always closed: where that line is on another port too, contacts decide which of
    the two takes a current, so currents say nothing."""


def suspects(model: BoardModel, readings: Readings, lines: tuple[str, ...]) -> list[str]:
    """Name the faults that explain best what a bench showed beside what it should; nothing if none does.

    `lines` are the names of the lines, rows first.
    """
    states, shown, limited = _all_shown(readings)
    typical = float(np.median(model.siemens)) * readings.read_v
    floor = FLOOR * typical + 5 * readings.noise_a

    def contradicted(each: BoardModel, joins: tuple[str, int] | None = None) -> int:
        expected = each.currents(states)
        over = (np.abs(expected) > model.limit_a).any(axis=1)
        apart = ~(np.abs(shown - expected) <= AGREES * np.abs(expected) + floor)
        if joins is not None:
            apart[[state[joins[1]] not in (joins[0], OPEN) for state, _ in states]] = False
        wrong: BoolArray = np.where(limited | over, limited != over, apart.any(axis=1))
        return int(wrong.sum())

    whole = contradicted(model)
    if not whole:
        return []
    found = [(contradicted(each.model, each.joins), each.text) for each in _single_faults(model, readings, lines)]
    least = min(wrong for wrong, _ in found)
    if least > max(EXPLAINS * len(states), 0) or least > whole / 4:
        return []
    return list(dict.fromkeys(text for wrong, text in found if wrong == least))[:3]


def _all_shown(readings: Readings) -> tuple[list[State], FloatArray, BoolArray]:
    states: list[State] = []
    amperes, limited = [], []
    for shown in (readings.pairs, readings.reads, readings.writes, readings.floating):
        states += _states(shown, readings.read_v)
        amperes.append(readings.net(shown))
        limited.append(shown.limited.any(axis=1))
    return states, np.concatenate(amperes), np.concatenate(limited)


def _states(shown: Shown, read_v: float) -> list[State]:
    return [(each.assignment, {port: read_v * volt for port, volt in each.volts.items()}) for each in shown.sights]


def expected_currents(model: BoardModel, shown: Shown, read_v: float) -> FloatArray:
    """Return what a model shows in the states of some readings, (states, sources)."""
    if not shown.sights:
        return np.zeros((0, len(model.sources)))
    return model.currents(_states(shown, read_v))


def _single_faults(model: BoardModel, readings: Readings, lines: tuple[str, ...]) -> Iterator[Suspect]:
    count = len(lines)
    for port in model.ports:
        behind = "the wire from the common return (LO of every source) to this row of the matrix"
        behind = behind if port == GROUND else "the cables of HI and LO of this source, and its LO on the common return"
        behind = "the wire to this row of the matrix" if port in ("guard", "divider") else behind
        missing = "the ground is missing" if port == GROUND else f"port {port} reaches nothing"
        yield Suspect(f"{missing}: {behind}", replace(model, loose=frozenset({port})))
    for line in range(count):
        dead = frozenset((port, line) for port in model.ports)
        text = f"{lines[line]} is open: its contact in the socket, its bond, its cable to the matrix column"
        yield Suspect(text, replace(model, dead=dead))
    for port, line in product(model.ports, range(count)):
        where = f"the relay between port {port} and {lines[line]}"
        yield Suspect(
            f"{where} is always closed (welded), whatever the matrix says: exchange the card",
            replace(model, welded=frozenset({(port, line)})),
            joins=(port, line),
        )
        yield Suspect(
            f"{where} does not close, whatever the matrix says: exchange the card, look at the plug of that line",
            replace(model, dead=frozenset({(port, line)})),
        )
    yield Suspect(
        "no relay closes, whatever the matrix says: its interlock, its power, its cards",
        replace(model, dead=frozenset(product(model.ports, range(count)))),
    )
    for one, other in combinations(range(count), 2):
        order = list(range(count))
        order[one], order[other] = other, one
        text = f"{lines[one]} and {lines[other]} are swapped: their two cables at the socket or at the matrix"
        yield Suspect(text, replace(model, order=tuple(order)))
        text = f"{lines[one]} and {lines[other]} are shorted: solder, socket, cable between these two"
        yield Suspect(text, replace(model, joined=((one, other, 1 / JOINED_OHM),)))
    for (end, other_end), siemens in _leaks(model, readings):
        text = f"about {quantity(1 / siemens, 'ohm')} lead from {lines[end]} to "
        text += f"{'ground' if other_end is None else lines[other_end]}: flux, moisture, a damaged cable"
        yield Suspect(text, replace(model, joined=((end, other_end, siemens),)))
    rows = len(model.siemens)
    shown = readings.net(readings.pairs)
    for place, (one, other) in enumerate(readings.pairs.keys):
        if not one < rows <= other:
            continue
        value = float(np.abs(shown[place]).min()) / readings.read_v
        cells = model.siemens.copy()
        cells[one, other - rows] = value if np.isfinite(value) else 1 / JOINED_OHM
        is_now = "nothing" if value < 1e-12 else quantity(1 / cells[one, other - rows], "ohm")
        yield Suspect(
            f"the resistor at {lines[one]}, {lines[other]} is {is_now} instead of "
            f"{quantity(1 / model.siemens[one, other - rows], 'ohm')}: its solder joints, its value",
            replace(model, siemens=cells),
        )


def _leaks(model: BoardModel, readings: Readings) -> Iterator[tuple[tuple[int, int | None], float]]:
    """Yield the paths between two lines, or a line and ground, that would explain what flows too much in their pair."""
    shown = readings.net(readings.pairs)
    more = np.abs(shown) - np.abs(expected_currents(model, readings.pairs, readings.read_v))
    least = 1e-3 * float(np.median(model.siemens))
    for place, (one, other) in enumerate(readings.pairs.keys):
        siemens = float(more[place].min()) / readings.read_v
        if one < other and siemens > least:
            yield (one, other), siemens
        siemens = float(more[place].max()) / readings.read_v
        if siemens > least:
            yield (one, None), siemens
