"""What currents at read voltage say of a bench: offsets, crosspoints, sign, gain, linearity, leaks, levels, noise.

Each function takes the readings and returns one step. Bounds that come from data sheets are ten times what those of all
models here state, so that a sound bench in a warm room passes.
"""

from dataclasses import dataclass, replace

import numpy as np

from crossbar_hil.arrays import FloatArray
from crossbar_hil.bench.file import Bench
from crossbar_hil.commissioning.expected import BoardModel, State
from crossbar_hil.commissioning.readings import SHARES, Readings
from crossbar_hil.commissioning.steps import Check, Step, per_cent, quantity
from crossbar_hil.commissioning.suspects import expected_currents, suspects

OFFSET = 1e-3
"""Share of its range that a source may show with every line open."""
ZERO_V = 2.5e-3
"""What a port may be at when it is told 0 V: a 2602B states 1.8 mV in its range of 6 V, the others less than 1 mV."""
GAIN = 2e-3
"""Share by which sources and meters of all models here may be off: ten times what most sheets state for a year."""
RECIPROCAL = 1e-3
"""Share by which a cell may differ when its two lines change their ports."""
LINEAR, SUPERPOSED, AGREES = 2e-3, 3e-3, 1.5e-2
LEAK = 1e-2
"""Of a typical cell, that may flow between two lines of one kind."""
SAME_GAIN = 0.05
"""Sources that differ by no more in gain are held against each other with it: `gain` judges it."""
OPEN = 1e3
"""So many times the value of its resistor, and a cell is called open."""
NOISE = 1e-2
"""Of a typical cell's current, as standard deviation of one reading."""
DRIFT = 2e-3
SIGMAS = 4.0
SHEET = "ten times the data sheets"


@dataclass(frozen=True)
class Board:
    """What is known of the board and of the bench under it."""

    bench: Bench
    ohms: FloatArray
    tolerance: float
    model: BoardModel
    readings: Readings
    lines: tuple[str, ...]

    @property
    def cells(self) -> dict[tuple[int, int], FloatArray]:
        """Conductances (R, C) as the meter shows them, in siemens, by whether rows or columns come first in a pair."""
        rows, columns = self.ohms.shape
        found = {way: np.full((rows, columns), np.nan) for way in ((0, 1), (1, 0))}
        net = self.readings.net(self.readings.pairs)
        for place, (first, second) in enumerate(self.readings.pairs.keys):
            if (first < rows) != (second < rows):
                way = (0, 1) if first < rows else (1, 0)
                cell = (first, second - rows) if first < rows else (second, first - rows)
                sight = self.readings.pairs.sights[place]
                found[way][cell] = sight.sign * net[place, self.meter] / self.readings.read_v
        return found

    @property
    def measured(self) -> FloatArray:
        """Conductances (R, C), in siemens, each the mean of both ways to measure it; not a number at a limit."""
        ways = np.array([each for each in self.cells.values() if not np.isnan(each).all()])
        return ways.mean(axis=0) if len(ways) else np.full(self.ohms.shape, np.nan)

    @property
    def meter(self) -> int:
        """Place of the source that measures a pair."""
        sight = self.readings.pairs.sights[0]
        driven = [port for port in self.readings.sources if sight.volts.get(port)]
        others = [port for port in self.readings.sources if port not in driven]
        return self.readings.sources.index((others or driven)[0])

    @property
    def noise(self) -> float:
        """Standard deviation of a cell's reading, in siemens; a difference of two currents."""
        return float(np.sqrt(2) * self.readings.noise_a[self.meter] / self.readings.read_v)

    @property
    def name(self) -> str:
        """How the board is called in a text."""
        low, high = float(self.ohms.min()), float(self.ohms.max())
        return quantity(low, "ohm") if low == high else f"{quantity(low, 'ohm')} to {quantity(high, 'ohm')}"


def open_lines(board: Board) -> Step:
    """See that nothing flows while every line is open."""
    found, ranges = board.readings, _ranges(board)
    step = Step("every line open: no source delivers a current")
    for place, port in enumerate(found.sources):
        most = OFFSET * ranges[port]
        offset = float(found.nothing.zero[0, place])
        step.checks.append(_amperes(f"{port} at 0 V", 0.0, offset, most, f"0.1 % of its range: {SHEET}"))
        flows = float(found.nothing.net[0, place])
        if found.divided == port:
            ohm = found.read_v / flows if flows else np.inf
            told = "the divider on HI" if np.isfinite(ohm) else "nothing"
            step.checks.append(
                Check(f"{port} at {quantity(found.read_v, 'V')}", told, quantity(ohm, "ohm"), "any", "its value", True)
            )
            continue
        step.checks.append(
            _amperes(f"{port} at {quantity(found.read_v, 'V')}", 0.0, flows, most, f"0.1 % of its range: {SHEET}")
        )
    step.causes = [
        "what the meter shows with nothing connected: zero it, warm it up, look for a triaxial cable on the wrong side",
        "a path from HI to ground before the matrix: cables, guard taken for shield",
    ]
    step.dangerous = False
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
    for place in range(len(model.sources)):
        parts.append(np.tile(np.eye(len(model.sources))[place], len(states)))
    volts = np.linalg.lstsq(np.array(parts).T, found.pairs.zero.ravel(), rcond=None)[0]
    step = Step("nothing driven: every port is at 0 V", dangerous=False)
    for port, volt in zip(driven, volts, strict=False):
        because = "the largest offset in the data sheets is 1.8 mV"
        step.checks.append(
            Check(
                f"port {port}",
                "0 V",
                quantity(float(volt), "V"),
                f"±{quantity(ZERO_V, 'V')}",
                because,
                abs(volt) <= ZERO_V,
            )
        )
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
    step.checks.append(
        Check(
            f"worst of {off.size} cells ({where})",
            quantity(ohm, "ohm"),
            measured,
            per_cent(allowed),
            because,
            not wrong,
        )
    )
    step.checks.append(Check("cells beyond that", "0", str(wrong), "0", "", not wrong))
    limited = board.readings.pairs.limited.any(axis=1)
    step.checks.append(
        Check(
            "states in which a source was at its limit",
            "0",
            str(int(limited.sum())),
            "0",
            "no short",
            not limited.any(),
        )
    )
    order = "the resistors differ, so the order of the lines shows"
    if float(np.ptp(board.ohms)) <= allowed * float(board.ohms.min()):
        order = "all resistors are equal: the order of the lines among rows, and among columns, cannot be told"
    step.checks.append(Check("order of the lines", "as in [wiring]", order, "", "", True))
    if step.judged().verdict == "failed":
        step.causes = explained(board) or [
            "more than one fault: begin with lines that show nothing, then with those at a limit"
        ]
    return step


def between_lines(board: Board) -> Step:
    """See that nothing flows between lines of one kind, or from a line to ground."""
    found, step = board.readings, Step("no path between two rows, two columns, or a line and ground")
    rows, typical = len(board.ohms), float(np.median(board.model.siemens))
    net = found.net(found.pairs)
    same = [place for place, (one, two) in enumerate(found.pairs.keys) if (one < rows) == (two < rows)]
    allowed = LEAK * typical + SIGMAS * board.noise
    if not same:
        step.why, step.verdict = "by hand, pairs of lines of one kind are left out", "not measured"
        return step
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
    step.checks.append(
        Check(f"worst of {len(same)} pairs ({pair})", "nothing", shown, bound, because, value <= allowed)
    )
    for place in range(len(found.sources)):
        if place == board.meter:
            continue
        more = np.abs(net[:, place]) - np.abs(_wanted(board, "pairs")[:, place])
        worst = int(np.nan_to_num(more, nan=np.inf).argmax())
        value = float(np.nan_to_num(more, nan=np.inf)[worst]) / found.read_v
        most = allowed + GAIN * typical * max(board.ohms.shape) + SIGMAS * float(found.noise_a[place]) / found.read_v
        shown = quantity(1 / value, "ohm") if value * OPEN > allowed else "nothing"
        step.checks.append(
            Check(
                f"from {board.lines[found.pairs.keys[worst][0]]} to ground",
                "nothing",
                shown,
                f"more than {quantity(1 / most, 'ohm')}",
                f"{because}, and 0.2 % of the line",
                value <= most,
            )
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
        step.why, step.verdict = "by hand, only one of the two ways is read", "not measured"
        return step
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = ways[0, 1] / ways[1, 0] - 1
    allowed = RECIPROCAL + SIGMAS * np.sqrt(2) * board.noise * float(board.ohms.max())
    cells = np.abs(np.nan_to_num(apart, nan=np.inf))
    worst = float(apart.flat[int(cells.argmax())])
    step.checks.append(
        Check(
            "worst cell",
            "0 %",
            per_cent(worst, sign=True),
            per_cent(allowed),
            "0.1 %, and four times the noise",
            bool(cells.max() <= allowed),
        )
    )
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


def sign(board: Board) -> Step:
    """See that currents have the sign of the voltage, at both polarities."""
    step = Step("sign: a positive voltage on a row drives a positive current out of a column")
    cells = board.measured
    positive = int((cells > 0).sum())
    step.checks.append(
        Check("cells that read above zero", str(cells.size), str(positive), str(cells.size), "", positive == cells.size)
    )
    plus, minus = board.readings.net(board.readings.pairs), board.readings.pairs.net_minus
    minus = (
        minus
        + np.array([[s.volts.get(p, 0.0) for p in board.readings.sources] for s in board.readings.pairs.sights])
        * board.readings.base_a
    )
    typical = float(np.median(board.model.siemens)) * board.readings.read_v
    apart = float(np.nanmax(np.abs(plus + minus), initial=0.0)) / typical
    allowed = AGREES + SIGMAS * 2 * float(board.readings.noise_a.max()) / typical
    step.checks.append(
        Check(
            "both polarities, largest difference",
            "0 % of a cell",
            per_cent(apart),
            per_cent(allowed),
            "1.5 %, and four times the noise",
            apart <= allowed,
        )
    )
    for place in range(len(board.readings.sources)):
        if place == board.meter:
            continue
        wanted = expected_currents(board.model, board.readings.pairs, board.readings.read_v)[:, place]
        same = int((np.sign(plus[:, place]) == np.sign(wanted)).sum())
        port = board.readings.sources[place]
        step.checks.append(
            Check(
                f"states in which {port} delivers what it should",
                str(len(wanted)),
                str(same),
                str(len(wanted)),
                "",
                same == len(wanted),
            )
        )
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
    step.checks.append(
        Check(f"{meter}, all cells", "0 %", per_cent(off, sign=True), per_cent(allowed), because, abs(off) <= allowed)
    )
    wanted = expected_currents(board.model, board.readings.pairs, board.readings.read_v)
    net = board.readings.net(board.readings.pairs)
    for place, port in enumerate(board.readings.sources):
        if place == board.meter:
            continue
        ratio = float(np.nanmedian(net[:, place] / wanted[:, place])) - 1
        step.checks.append(
            Check(
                f"{port}, sums of lines",
                "0 %",
                per_cent(ratio, sign=True),
                per_cent(allowed),
                because,
                abs(ratio) <= allowed,
            )
        )
    if step.judged().verdict == "failed":
        both = len(step.failed) == len(step.checks) > 1
        step.causes = [
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
        step.checks.append(
            Check(
                f"at {quantity(share * found.read_v, 'V')}",
                "as at the whole",
                per_cent(value, sign=True),
                per_cent(allowed),
                "0.2 %, and four times the noise",
                abs(value) <= allowed,
            )
        )
    sums = board.measured.sum(axis=0)
    net = found.net(found.reads)[:, board.meter] / found.read_v
    for place, column in enumerate(found.reads.keys):
        value = float(found.reads.sights[place].sign * net[place] / sums[column]) - 1
        allowed = SUPERPOSED + SIGMAS * board.noise * np.sqrt(len(board.ohms)) / abs(float(sums[column]))
        step.checks.append(
            Check(
                f"column {column + 1}, all rows",
                "the sum of its cells",
                per_cent(value, sign=True),
                per_cent(allowed),
                "0.3 %, and four times the noise",
                abs(value) <= allowed,
            )
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
        step.why, step.verdict = "by hand, these states are left out", "not measured"
        return step
    wanted, net = _wanted(board, which), board.readings.net(shown)
    typical = float(np.median(board.model.siemens)) * board.readings.read_v
    allowed = AGREES + SIGMAS * (2 * board.readings.noise_a / typical + board.noise * float(board.ohms.max()))
    for place, port in enumerate(board.readings.sources):
        if not np.abs(wanted[:, place]).max() > 1e-3 * typical:
            continue
        apart = net[:, place] - wanted[:, place]
        share = np.abs(apart) / np.maximum(np.abs(wanted[:, place]), typical)
        share = np.where(np.isnan(share), np.inf, share)
        worst = int(share.argmax())
        row, column = shown.keys[worst]
        where = f"{board.lines[row]}, {board.lines[len(board.ohms) + column]}"
        step.checks.append(
            Check(
                f"{port}, worst of {len(share)} states ({where})",
                quantity(float(wanted[worst, place]), "A"),
                quantity(float(net[worst, place]), "A") if np.isfinite(share[worst]) else "at a limit",
                per_cent(float(allowed[place])),
                f"1.5 %, and four times the noise: {because}",
                bool(share[worst] <= allowed[place]),
            )
        )
    if step.judged().verdict == "failed":
        step.causes = explained(board)
    return step


def _wanted(board: Board, which: str) -> FloatArray:
    """Return what a board of the cells as they were measured shows, each source with the gain that it has in pairs."""
    cells, read_v = board.measured, board.readings.read_v
    whole = not np.isnan(cells).any() and bool((cells > 0).all())
    model = replace(board.model, siemens=cells) if whole else board.model
    pairs = expected_currents(model, board.readings.pairs, read_v)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.where(np.abs(pairs) > 0, board.readings.net(board.readings.pairs) / pairs, np.nan)
    found: FloatArray = expected_currents(model, getattr(board.readings, which), read_v)
    for place in range(found.shape[1]):
        known = ratios[:, place][np.isfinite(ratios[:, place])]
        scale = float(np.median(known)) if known.size else 1.0
        if abs(scale - 1) <= SAME_GAIN and place != board.meter:
            found[:, place] *= scale
    return found


def steadiness(board: Board) -> Step:
    """See how much readings of one state differ, and how much they moved from the first to the last."""
    found, step = board.readings, Step("noise and drift of a reading", dangerous=False)
    typical = float(np.median(board.model.siemens)) * found.read_v
    ranges = _ranges(board)
    for place, port in enumerate(found.sources):
        most = max(NOISE * typical, 1e-4 * ranges[port])
        step.checks.append(
            _amperes(
                f"noise of {port}",
                0.0,
                float(found.noise_a[place]),
                most,
                "1 % of a typical cell, or 0.01 % of its range",
            )
        )
    allowed = DRIFT + SIGMAS * board.noise * float(np.median(board.ohms))
    step.checks.append(
        Check(
            "one cell, first and last reading",
            "0 %",
            per_cent(found.drift, sign=True),
            per_cent(allowed),
            "0.2 %, and four times the noise",
            not abs(found.drift) > allowed,
        )
    )
    step.causes = [
        "a cable that is not shielded, an open lid, a switching supply close by; more nplc",
        "instruments that are not warm yet: half an hour",
    ]
    return step.judged()


def cold(board: Board) -> Step:
    """See that sources are back at 0 V before relays move, in every state that was visited."""
    found, step = board.readings, Step("cold switching: sources are back at 0 V before every move")
    typical = float(np.median(board.model.siemens)) * found.read_v
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
    allowed = 0.02 * typical + SIGMAS * 2 * float(found.noise_a.max())
    step.checks.append(
        Check(
            "moves before which every level, output and setting was read back", str(moves), str(moves), "all", "", True
        )
    )
    step.checks.append(
        _amperes(
            f"current left at 0 V ({where})", 0.0, worst, allowed, "2 % of a typical cell, and four times the noise"
        )
    )
    step.causes = [
        "a source that does not go to 0 V when it is told so: a filter, a sweep, a slow range",
        "a charge on long cables: raise measurement.discharge_s",
    ]
    return step.judged()


def explained(board: Board) -> list[str]:
    """Name the faults that explain what the bench showed."""
    return suspects(board.model, board.readings, board.lines)


def _ranges(board: Board) -> dict[str, float]:
    table = board.bench.measurement
    if table is None:
        return {}
    return {
        port: table.read_range_a or table.range_a if place == board.meter else table.range_a
        for place, port in enumerate(board.readings.sources)
    }


def _amperes(what: str, expected: float, measured: float, allowed: float, because: str) -> Check:
    return Check(
        what,
        quantity(expected, "A"),
        quantity(measured, "A"),
        f"±{quantity(allowed, 'A')}",
        because,
        abs(measured - expected) <= allowed,
    )
