"""Whether currents at read voltage obey the laws they should: sign, gain, linearity, nodal analysis."""

import numpy as np

from crossbar_hil.commissioning.board import GAIN, SIGMAS, Board, explained, wanted_currents
from crossbar_hil.commissioning.readings import SHARES
from crossbar_hil.commissioning.steps import Step, per_cent
from crossbar_hil.commissioning.suspects import expected_currents
from crossbar_hil.text import quantity

LINEAR, SUPERPOSED, AGREES = 2e-3, 3e-3, 1.5e-2


def sign(board: Board) -> Step:
    """See that currents have the sign of the voltage, at both polarities."""
    step = Step("sign: a positive voltage on a row drives a positive current out of a column")
    cells = board.measured
    positive = int((cells > 0).sum())
    step.count("cells that read above zero", cells.size, positive)
    plus, minus = board.readings.net(board.readings.pairs), board.readings.pairs.net_minus
    minus = (
        minus
        + np.array([[s.volts.get(p, 0.0) for p in board.readings.sources] for s in board.readings.pairs.sights])
        * board.readings.base_a
    )
    apart = float(np.nanmax(np.abs(plus + minus), initial=0.0)) / board.typical_a
    allowed = AGREES + SIGMAS * 2 * float(board.readings.noise_a.max()) / board.typical_a
    step.check(
        "both polarities, largest difference",
        "0 % of a cell",
        per_cent(apart),
        per_cent(allowed),
        "1.5 %, and four times the noise",
        apart <= allowed,
    )
    for place, port in board.others:
        wanted = expected_currents(board.model, board.readings.pairs, board.readings.read_v)[:, place]
        same = int((np.sign(plus[:, place]) == np.sign(wanted)).sum())
        step.count(f"states in which {port} delivers what it should", len(wanted), same)
    step.causes = [
        "HI and LO of the source or of the meter are exchanged at the matrix",
        "a driver, or a setting, that counts currents the other way round",
    ]
    return step.judged()


def gain(board: Board) -> Step:
    """See that currents are those of the known resistors: the tolerance of single ones averages out."""
    step = Step("gain: the median of conductance times resistance is 1", dangerous=False)
    shares = board.measured * board.ohms
    off = float(np.nanmedian(shares)) - 1
    # The median of n values spread evenly over +-t has a standard deviation of t / sqrt(n + 2).
    allowed = SIGMAS * board.tolerance / np.sqrt(shares.size + 2) + GAIN
    because = (
        f"four standard deviations of the median of {shares.size} resistors of {per_cent(board.tolerance)}, and 0.2 %"
    )
    meter = board.readings.sources[board.meter]
    step.share(f"{meter}, all cells", "0 %", off, allowed, because)
    found = board.readings
    shown = (found.pairs, found.reads)  # a further meter is on no line but in a read
    wanted = np.concatenate([expected_currents(board.model, each, found.read_v) for each in shown])
    net = np.concatenate([found.net(each) for each in shown])
    for place, port in board.others:
        flows = wanted[:, place] != 0
        ratio = float(np.nanmedian(net[flows, place] / wanted[flows, place])) - 1 if flows.any() else np.nan
        step.share(f"{port}, sums of lines", "0 %", ratio, allowed, because)
    if step.judged().verdict == "failed":
        both = len(step.failed) == len(step.checks) > 1
        step.causes = [
            *board.another,
            "the voltage of the source is off: compare it with a voltmeter"
            if both
            else "the calibration of that source's current range",
            "the value given for the resistors: measure a few with an ohmmeter",
            "a resistance in series with all lines, or a guard that does not follow",
        ]
    return step


def linearity(board: Board) -> Step:
    """See that currents follow the voltage, and that rows add up."""
    found, step = board.readings, Step("linearity, and superposition of all rows", dangerous=False)
    whole = found.linear[-1, board.meter]
    for place, share in enumerate(SHARES[:-1]):
        value = float(found.linear[place, board.meter] / whole / share) - 1 if whole else np.nan
        allowed = LINEAR + SIGMAS * 2 * float(found.noise_a[board.meter]) / abs(whole * share) if whole else LINEAR
        step.share(
            f"at {quantity(share * found.read_v, 'V')}",
            "as at the whole",
            value,
            allowed,
            "0.2 %, and four times the noise",
        )
    sums = board.measured.sum(axis=0)
    net = found.net(found.reads)[:, board.meter] / found.read_v
    for place, column in enumerate(found.reads.keys):
        value = float(found.reads.sights[place].sign * net[place] / sums[column]) - 1
        allowed = SUPERPOSED + SIGMAS * board.noise * np.sqrt(len(board.ohms)) / abs(float(sums[column]))
        step.share(
            f"column {column + 1}, all rows", "the sum of its cells", value, allowed, "0.3 %, and four times the noise"
        )
    step.causes = [
        "a meter that is overloaded, or a range that is too large for these currents: see measurement.read_range_a",
        "resistance in the common return, so that rows see less together than alone",
    ]
    return step.judged()


def floating(board: Board) -> Step:
    """Compare reads with all other lines open, through the whole board, with nodal analysis."""
    return _against_model(
        board,
        "floating",
        "one row, one column, all else open: as nodal analysis of the board says",
        "the path through all other cells; a relay that is welded, or lines that leak, would show",
    )


def levels(board: Board) -> Step:
    """Compare what flows in the states of pulses, at read voltage, with nodal analysis: half-selected lines show."""
    step = _against_model(
        board,
        "writes",
        "the states of pulses, at read voltage: half-selected lines are at half",
        "the sum of the whole cell and of the half-selected ones on its lines",
    )
    if step.verdict == "failed" and board.model.divided:
        step.causes.append("the two resistors of the divider differ, or something loads its middle: measure both")
    return step


def _against_model(board: Board, which: str, name: str, because: str) -> Step:
    shown, step = getattr(board.readings, which), Step(name)
    if not shown.sights:
        return step.unmeasured("by hand, these states are left out")
    wanted, net = wanted_currents(board, which), board.readings.net(shown)
    allowed = AGREES + SIGMAS * (2 * board.readings.noise_a / board.typical_a + board.noise * float(board.ohms.max()))
    for place, port in enumerate(board.readings.sources):
        if not np.abs(wanted[:, place]).max() > 1e-3 * board.typical_a:
            continue
        apart = net[:, place] - wanted[:, place]
        share = np.abs(apart) / np.maximum(np.abs(wanted[:, place]), board.typical_a)
        share = np.where(np.isnan(share), np.inf, share)
        worst = int(share.argmax())
        row, column = shown.keys[worst]
        where = f"{board.lines[row]}, {board.lines[len(board.ohms) + column]}"
        step.check(
            f"{port}, worst of {len(share)} states ({where})",
            quantity(float(wanted[worst, place]), "A"),
            quantity(float(net[worst, place]), "A") if np.isfinite(share[worst]) else "at a limit",
            per_cent(float(allowed[place])),
            f"1.5 %, and four times the noise: {because}",
            bool(share[worst] <= allowed[place]),
        )
    if step.judged().verdict == "failed":
        step.causes = explained(board)
    return step
