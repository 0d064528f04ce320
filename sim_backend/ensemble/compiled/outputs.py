"""Compiled: equations 1 to 5 of chips side by side, from the currents of columns to which cells get a pulse."""

import math

from .apart import Matrix, Part, Reals, Singles, apart
from .cells import BLOCKED, CELL, COUNT, LEVEL, MOVES, STEP
from .functions import EFFECT_LANES, FAR, quick_exp
from .lanes import DOUBT, ERROR, MOVING, OFFSET, OUTPUT, SHORT, SQUARE, SUM, WANTS

_L = EFFECT_LANES
NEAR, CLOSE, BASIS, OF_CURRENTS, TINY, OF_READING = range(6)
"""Places of the margins, as `ensemble.wired_kernel` has them; all but `TINY` are 0 if anything is random. The last is
the relative error of the reading of a cell."""


@apart(Part.SUM_OUTPUTS)
def sum_outputs(
    outs: Reals, weights: Matrix, squares: Matrix, volts: Matrix, pattern: int, drawn: Singles, gain: float,
    white: float,
) -> None:  # fmt: skip
    """Sum up the outputs of one pattern, with the noise of all cells of each together."""
    rows, outputs = volts.shape[1], len(outs) // OUTPUT
    for n in range(outputs):
        part, own_noise = outs[n * OUTPUT : (n + 1) * OUTPUT], drawn[(pattern * outputs + n) * _L :]
        for i in range(_L):
            part[SUM + i] = 0.0
        for j in range(rows):
            volt, own = volts[pattern, j], weights[n * rows + j]
            for i in range(_L):
                part[SUM + i] += volt * own[i]
        if white > 0.0:
            for i in range(_L):
                part[SQUARE + i] = 0.0
            for j in range(rows):
                square, own = volts[pattern, j] * volts[pattern, j], squares[n * rows + j]
                for i in range(_L):
                    part[SQUARE + i] += square * own[i]
            for i in range(_L):
                part[SUM + i] += white * math.sqrt(part[SQUARE + i]) * own_noise[i]
        for i in range(_L):
            part[SUM + i] = gain * part[SUM + i] + part[OFFSET + i]


@apart(Part.JOIN_COLUMNS)
def join_columns(outs: Reals, currents: Matrix, gain: float) -> None:
    """Make outputs of the currents of their columns."""
    for n in range(len(outs) // OUTPUT):
        part, plus, minus = outs[n * OUTPUT : (n + 1) * OUTPUT], currents[2 * n], currents[2 * n + 1]
        for i in range(_L):
            part[SUM + i] = gain * (plus[i] - minus[i]) + part[OFFSET + i]


@apart(Part.WEIGH_OUTPUTS)
def weigh_outputs(
    outs: Reals, lanes: Reals, deltas: Matrix, fuzzy: Matrix, targets: Matrix, senses: Matrix, centres: Matrix,
    times: Reals, p: int, near: float, leave: float, unclear: float,
) -> None:  # fmt: skip
    """Compare the outputs of pattern p, beta times their currents, which are in `SUM`, to targets: equations 1 to 3.

    `deltas` and their slopes, `fuzzy`, (P N, L) each, count as often as the pattern does.
    """
    outputs, often = targets.shape[1], times[p]
    for n in range(outputs):
        part, own, slopes = outs[n * OUTPUT : (n + 1) * OUTPUT], deltas[p * outputs + n], fuzzy[p * outputs + n]
        target, sense, centre = targets[p, n], senses[p, n], centres[p, n]
        for i in range(_L):
            x = part[SUM + i]
            size = abs(x)
            e = quick_exp(max(-2.0 * size, -700.0))
            share = 1.0 / (1.0 + e)
            gap = target - math.copysign((1.0 - e) * share, x)
            slope = often * e * share * share
            beyond = sense * x - centre
            slope = slope if (size < FAR) & (beyond < leave) else 0.0
            own[i] = gap * slope
            slopes[i] = slope
            lanes[DOUBT + i] += 1.0 if abs(beyond + near) < unclear else 0.0
            lanes[ERROR + i] += often * max(sense * gap, 0.0)
            lanes[SHORT + i] += min(beyond, 0.0)


@apart(Part.DOUBT_OUTPUTS)
def doubt_outputs(outs: Reals, fuzzy: Matrix, conducts: Matrix, limits: Reals, p: int) -> None:
    """Make of slopes by how much their deltas may be wrong."""
    for n in range(len(conducts)):
        part, wrong_by, conduct = outs[n * OUTPUT : (n + 1) * OUTPUT], fuzzy[p * len(conducts) + n], conducts[n]
        for i in range(_L):
            wrong = limits[BASIS] + limits[OF_CURRENTS] * conduct[i] + limits[CLOSE] * abs(part[SUM + i])
            wrong_by[i] = wrong_by[i] * wrong + limits[TINY] if wrong_by[i] > 0.0 else 0.0


@apart(Part.CHOOSE)
def choose(
    state: Reals, lanes: Reals, deltas: Matrix, fuzzy: Matrix, volts: Matrix, outputs: int, exact: bool, last: float,
    ends: bool, sums: Reals, edges: Reals,
) -> None:  # fmt: skip
    """Choose which of two cells gets a pulse by the sign of a gradient: equations 4 and 5."""
    for place in range(len(state) // CELL // 2):
        j, pair = place // outputs, state[2 * place * CELL : 2 * (place + 1) * CELL]
        for i in range(_L):
            sums[i], edges[i] = 0.0, 0.0
        for p in range(len(deltas) // outputs):
            volt, own = volts[p, j], deltas[p * outputs + place % outputs]
            for i in range(_L):
                sums[i] += volt * own[i]
            if exact and volt != 0.0:
                wrong = fuzzy[p * outputs + place % outputs]
                for i in range(_L):
                    edges[i] += wrong[i]
        for i in range(_L):
            s, edge, alive = sums[i], edges[i], lanes[WANTS + i]
            up, down = (alive if s > edge else 0.0), (alive if s < -edge else 0.0)
            lanes[DOUBT + i] += 1.0 if (up + down < alive) & (edge > 0.0) else 0.0
            one, other = pair[BLOCKED + i], pair[CELL + BLOCKED + i]
            up, down = (up if one == 0.0 else 0.0), (down if other == 0.0 else 0.0)
            pair[STEP + i], pair[CELL + STEP + i] = up, down
            one, other = pair[LEVEL + i], pair[CELL + LEVEL + i]  # both, or it makes no vectors
            level = one if up > 0.0 else other
            one, other = pair[MOVES + i], pair[CELL + MOVES + i]
            moves = one if up > 0.0 else other
            one, other = pair[COUNT + i], pair[CELL + COUNT + i]
            had = one if up > 0.0 else other
            ended = ends & (level >= last) & (moves > 0.0) & (had > 0.0)
            lanes[MOVING + i] += 0.0 if ended else up + down
