"""What currents at read voltage say of the paths of a bench: crosspoints, leaks, what is in series with a relay."""

import numpy as np

from crossbar_hil.arrays import FloatArray
from crossbar_hil.commissioning.board import GAIN, SIGMAS, Board, explained, wanted_currents
from crossbar_hil.commissioning.steps import Step, per_cent
from crossbar_hil.commissioning.suspects import expected_currents
from crossbar_hil.text import quantity

RECIPROCAL = 1e-3
"""Share by which a cell may differ when its two lines change their ports."""
LEAK = 1e-2
"""Of a typical cell, that may flow between two lines of one kind."""
OPEN = 1e3
"""So many times the value of its resistor, and a cell is called open."""


def crosspoints(board: Board) -> Step:
    """See that each cell is its resistor, where it should be."""
    step = Step("every crosspoint: each cell is its resistor")
    shares = board.measured * board.ohms
    gain = float(np.nanmedian(shares)) if not np.isnan(shares).all() else np.nan
    allowed = 1.5 * board.tolerance + GAIN + SIGMAS * board.noise * float(board.ohms.max())
    off = shares / gain - 1 if gain else np.full(shares.shape, -1.0)
    apart = np.where(np.isnan(off), np.inf, np.abs(off))
    row, column = (int(each) for each in np.unravel_index(int(apart.argmax()), apart.shape))
    wrong = int((~(apart <= allowed)).sum())
    ohm = float(board.ohms[row, column])
    value = gain / float(board.measured[row, column]) if board.measured[row, column] > 0 else np.inf
    measured = "at a limit" if np.isnan(off[row, column]) else "open" if value > OPEN * ohm else quantity(value, "ohm")
    where = f"{board.lines[row]}, {board.lines[len(board.ohms) + column]}"
    because = f"tolerance of the resistors of {per_cent(board.tolerance)}, half of it for the median, {per_cent(GAIN)}"
    step.check(
        f"worst of {off.size} cells ({where})", quantity(ohm, "ohm"), measured, per_cent(allowed), because, not wrong
    )
    step.count("cells beyond that", 0, wrong)
    limited = board.readings.pairs.limited.any(axis=1)
    step.count("states in which a source was at its limit", 0, int(limited.sum()), "no short")
    order = "the resistors differ, so the order of the lines shows"
    if float(np.ptp(board.ohms)) <= allowed * float(board.ohms.min()):
        order = "all resistors are equal: the order of the lines among rows, and among columns, cannot be told"
    step.check("order of the lines", "as in [wiring]", order, "", "", True)
    if step.judged().verdict == "failed":
        beyond = board.another if np.isnan(shares).all() else []
        several = "more than one fault: begin with lines that show nothing, then with those at a limit"
        step.causes = beyond or explained(board) or board.another or [several]
    return step


def between_lines(board: Board) -> Step:
    """See that nothing flows between lines of one kind, or from a line to ground."""
    found, step = board.readings, Step("no path between two rows, two columns, or a line and ground")
    rows, typical = len(board.ohms), float(np.median(board.model.siemens))
    net = found.net(found.pairs)
    same = [place for place, (one, two) in enumerate(found.pairs.keys) if (one < rows) == (two < rows)]
    allowed = LEAK * typical + SIGMAS * board.noise
    if not same:
        return step.unmeasured("by hand, pairs of lines of one kind are left out")
    flows = np.abs(
        net[same, board.meter] - expected_currents(board.model, found.pairs, found.read_v)[same, board.meter]
    )
    flows[np.any(found.pairs.limited, axis=1)[same]] = np.inf
    worst = same[int(np.nan_to_num(flows, nan=np.inf).argmax())]
    value = max(float(np.nan_to_num(flows, nan=np.inf).max()) / found.read_v, 0.0)
    pair = " and ".join(board.lines[line] for line in found.pairs.keys[worst])
    bound = f"more than {quantity(1 / allowed, 'ohm')}"
    because = "1 % of a typical cell, and four times the noise"
    shown = quantity(1 / value, "ohm") if value * OPEN > allowed else "nothing"
    step.check(f"worst of {len(same)} pairs ({pair})", "nothing", shown, bound, because, value <= allowed)
    for place, _ in board.others:
        more = np.abs(net[:, place]) - np.abs(wanted_currents(board, "pairs")[:, place])
        worst = int(np.nan_to_num(more, nan=np.inf).argmax())
        value = float(np.nan_to_num(more, nan=np.inf)[worst]) / found.read_v
        most = allowed + GAIN * typical * max(board.ohms.shape) + SIGMAS * float(found.noise_a[place]) / found.read_v
        shown = quantity(1 / value, "ohm") if value * OPEN > allowed else "nothing"
        step.check(
            f"from {board.lines[found.pairs.keys[worst][0]]} to ground",
            "nothing",
            shown,
            f"more than {quantity(1 / most, 'ohm')}",
            f"{because}, and 0.2 % of the line",
            value <= most,
        )
    step.causes = explained(board) or ["flux, moisture or a damaged cable between these lines"]
    return step.judged()


def reciprocity(board: Board) -> Step:
    """See that a cell is the same when its two lines change their ports: else something is in series with a relay."""
    step = Step(
        "each cell is the same with its lines on each other's ports: nothing in series with a relay", dangerous=False
    )
    ways = board.cells
    if any(np.isnan(each).all() for each in ways.values()):
        return step.unmeasured("by hand, only one of the two ways is read")
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = ways[0, 1] / ways[1, 0] - 1
    allowed = RECIPROCAL + SIGMAS * np.sqrt(2) * board.noise * float(board.ohms.max())
    worst = float(apart.flat[int(np.abs(np.nan_to_num(apart, nan=np.inf)).argmax())])
    step.share("worst cell", "0 %", worst, allowed, "0.1 %, and four times the noise")
    if step.judged().verdict == "failed":
        step.causes = [_in_series(board, apart)]
    return step


def _in_series(board: Board, apart: FloatArray) -> str:
    """Say where a resistance is in series: the line that is least like itself in the other place of a pair."""
    shares = np.concatenate([np.nanmean(apart, axis=1), -np.nanmean(apart, axis=0)])
    line = int(np.abs(shares).argmax())
    rows = len(board.ohms)
    through = board.model.siemens.sum(axis=1)[line] if line < rows else board.model.siemens.sum(axis=0)[line - rows]
    sight = next(
        each
        for key, each in zip(board.readings.pairs.keys, board.readings.pairs.sights, strict=True)
        if (key[0] if shares[line] < 0 else key[1]) == line
    )
    return (
        f"about {quantity(abs(float(shares[line])) / float(through), 'ohm')} in series with {board.lines[line]} on port"
        f" {sight.assignment[line]}: a worn relay, or its plug"
    )
