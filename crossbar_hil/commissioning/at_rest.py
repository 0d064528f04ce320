"""What currents say of a bench at rest: offsets, zeros, noise, and whether it is cold when relays move."""

import numpy as np

from crossbar_hil.commissioning.board import SIGMAS, Board, ranges_of
from crossbar_hil.commissioning.expected import State
from crossbar_hil.commissioning.steps import Step, per_cent
from crossbar_hil.instrument import OFFSET, ZERO_V
from crossbar_hil.text import quantity

NOISE = 1e-2
"""Of a typical cell's current, as standard deviation of one reading."""
DRIFT = 2e-3
SHEET = "ten times the data sheets"


def open_lines(board: Board) -> Step:
    """See that nothing flows while every line is open."""
    found, ranges = board.readings, ranges_of(board)
    step = Step("every line open: no source delivers a current")
    for place, port in enumerate(found.sources):
        most = OFFSET * ranges[port]
        offset = float(found.nothing.zero[0, place])
        step.none(f"{port} at 0 V", offset, "A", most, f"0.1 % of its range: {SHEET}")
        flows = float(found.nothing.net[0, place])
        if found.divided == port:
            ohm = found.read_v / flows if flows else np.inf
            told = "the divider on HI" if np.isfinite(ohm) else "nothing"
            step.check(f"{port} at {quantity(found.read_v, 'V')}", told, quantity(ohm, "ohm"), "any", "its value", True)
            continue
        step.none(f"{port} at {quantity(found.read_v, 'V')}", flows, "A", most, f"0.1 % of its range: {SHEET}")
    step.causes = [
        "what the meter shows with nothing connected: zero it, warm it up, look for a triaxial cable on the wrong side",
        "a path from HI to ground before the matrix: cables, guard taken for shield",
    ]
    step.dangerous = False
    return step.judged()


def cold(board: Board) -> Step:
    """See that sources are back at 0 V before relays move, in every state that was visited."""
    found, step = board.readings, Step("cold switching: sources are back at 0 V before every move")
    moves, worst, where = 0, 0.0, ""
    for shown in (found.pairs, found.reads, found.writes, found.floating):
        moves += len(shown.sights)
        if not shown.sights:
            continue
        left = np.abs(np.where(shown.limited.any(axis=1, keepdims=True), 0.0, shown.after - shown.zero))
        if left.max() >= worst:
            worst = float(left.max())
            state, port = np.unravel_index(int(left.argmax()), left.shape)
            where = f"{found.sources[int(port)]} in state {int(state) + 1}"
    allowed = 0.02 * board.typical_a + SIGMAS * 2 * float(found.noise_a.max())
    moved = "moves before which every level, output and setting was read back"
    step.check(moved, str(moves), str(moves), "all", "", True)
    step.none(f"current left at 0 V ({where})", worst, "A", allowed, "2 % of a typical cell, and four times the noise")
    step.causes = [
        "a source that does not go to 0 V when it is told so: a filter, a sweep, a slow range",
        "a charge on long cables: raise measurement.discharge_s",
    ]
    return step.judged()


def zero_volts(board: Board) -> Step:
    """See which voltage each port is at while it is told 0 V, by the currents through the board."""
    found, model = board.readings, board.model
    driven = [*model.sources, *(["guard"] if model.guarded else [])]
    states: list[State] = [(sight.assignment, {}) for sight in found.pairs.sights]
    parts = []
    for port in driven:
        unit = {port: 1.0} | ({"guard": 0.0} if model.guarded and port != "guard" else {})
        parts.append(model.currents([(assignment, unit) for assignment, _ in states]).ravel())
    parts += [np.tile(own, len(states)) for own in np.eye(len(model.sources))]
    volts = np.linalg.lstsq(np.array(parts).T, found.pairs.zero.ravel(), rcond=None)[0]
    step = Step("nothing driven: every port is at 0 V", dangerous=False)
    for port, volt in zip(driven, volts, strict=False):
        step.none(f"port {port}", float(volt), "V", ZERO_V, "the largest offset in the data sheets is 1.8 mV")
    if step.judged().verdict != "passed":
        wrong = [check.what.removeprefix("port ") for check in step.failed]
        step.causes = [
            f"the zero of the source on {port}, which a calibration sets" for port in wrong if port != "guard"
        ]
        step.causes += ["the LO of the supplies are apart: join them at one point, and look for a ground loop"]
        if "guard" in wrong:
            step.causes.insert(
                0, "the guard does not follow HI: its buffer's offset, or a guard loaded beyond its current"
            )
    return step


def steadiness(board: Board) -> Step:
    """See how much readings of one state differ, and how much they moved from the first to the last."""
    found, step = board.readings, Step("noise and drift of a reading", dangerous=False)
    ranges = ranges_of(board)
    for place, port in enumerate(found.sources):
        most = max(NOISE * board.typical_a, 1e-4 * ranges[port])
        step.none(
            f"noise of {port}", float(found.noise_a[place]), "A", most, "1 % of a typical cell, or 0.01 % of its range"
        )
    allowed = DRIFT + SIGMAS * board.noise * float(np.median(board.ohms))
    step.check(
        "one cell, first and last reading",
        "0 %",
        per_cent(found.drift, sign=True),
        per_cent(allowed),
        "0.2 %, and four times the noise",
        not abs(found.drift) > allowed,
    )
    step.causes = [
        "a cable that is not shielded, an open lid, a switching supply close by; more nplc",
        "instruments that are not warm yet: half an hour",
    ]
    return step.judged()
