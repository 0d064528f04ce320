"""Trainings by every shipped rule in plain Python numbers, written after docs/algorithm.md alone."""

import math
from dataclasses import dataclass, field

MASK = 2**64 - 1
IDLE = 5


def philox(key, counter):
    """Philox4x64-10 of Salmon et al., SC 2011: four words of one block."""
    k0, k1 = key
    x0, x1, x2, x3 = counter
    for _ in range(10):
        first, second = x0 * 0xD2E7470EE14C6C93, x2 * 0xCA5A826395121157
        x0, x1, x2, x3 = (second >> 64) ^ x1 ^ k0, second & MASK, (first >> 64) ^ x3 ^ k1, first & MASK
        k0, k1 = (k0 + 0x9E3779B97F4A7C15) & MASK, (k1 + 0xBB67AE8584CAA73B) & MASK
    return [x0, x1, x2, x3]


def draws(seed, number, stream):
    """Numbers of a stream, from 0 to below 1."""
    block = 0
    while True:
        block += 1
        for word in philox((seed & MASK, seed >> 64), (block, 0, number, stream)):
            yield (word >> 11) * 2.0**-53


def whole(move, most):
    return min(math.floor(abs(move) + 0.5), most)


def sign(value):
    return (value > 0) - (value < 0)


@dataclass
class Look:
    """What is known when a rule acts: some patterns, and the chip as the evaluation read it."""

    volts: list
    currents: list
    """(P, N) of the outputs."""
    gaps: list
    """(P, N) what is left of targets minus activations."""
    beta: float
    g: list
    margin: float = math.inf

    def gradient(self):
        """(R, N) sum of x times gap times 1 / cosh^2, patterns in their order; rounding errors are zero."""
        largest = max(abs(volt) for row in self.volts for volt in row)
        outputs = len(self.gaps[0])
        found = [[0.0] * outputs for _ in self.volts[0]]
        for r, line in enumerate(found):
            for i in range(outputs):
                terms = [
                    volt[r] / largest * gap[i] / math.cosh(self.beta * current[i]) ** 2
                    for volt, gap, current in zip(self.volts, self.gaps, self.currents, strict=True)
                ]
                total, size = math.fsum(terms), math.fsum(map(abs, terms))
                if abs(total) <= 1e-12 * size:
                    total = 0.0
                else:
                    self.margin = min(self.margin, abs(total) / size)
                line[i] = total
        return found

    def rounded(self, move, most):
        self.margin = min(self.margin, abs(abs(move) % 1 - 0.5))
        return whole(move, most)


class Rule:
    acts, repeats = "all", True

    def begin(self, rows, outputs):
        self.rows, self.outputs = rows, outputs

    def moves(self, look):
        """(R, N) signed pulses: plus cell, or minus cell."""

    def pulses(self, look):
        """Raising and lowering pulses, (R, 2N) each."""
        up = [[0] * (2 * self.outputs) for _ in range(self.rows)]
        for r, line in enumerate(self.moves(look)):
            for i, move in enumerate(line):
                up[r][2 * i + (move < 0)] = abs(move)
        return up, [[0] * (2 * self.outputs) for _ in range(self.rows)]


@dataclass
class DeltaByHand(Rule):
    rate: float = 1.0
    most: int = 10
    least: int = 1

    def moves(self, look):
        return [[self.move(look, self.rate * d) for d in line] for line in look.gradient()]

    def move(self, look, move):
        size = look.rounded(move, self.most)
        if self.least and move and abs(move) < 1:
            size = 1
        return sign(move) * size


@dataclass
class MomentumByHand(Rule):
    keep: float = 0.5
    repeats = False

    def begin(self, rows, outputs):
        super().begin(rows, outputs)
        self.velocity = [[0.0] * outputs for _ in range(rows)]

    def moves(self, look):
        for line, gradient in zip(self.velocity, look.gradient(), strict=True):
            line[:] = [self.keep * old + new for old, new in zip(line, gradient, strict=True)]
        # Met activations leave gradients of exactly zero, so that a velocity may come down to nothing: no sign is lost.
        return [[sign(value) for value in line] for line in self.velocity]


@dataclass
class StochasticByHand(Rule):
    acts: str = "drawn"

    def moves(self, look):
        (volts,), (gaps,) = look.volts, look.gaps
        return [[sign(volt * gap) for gap in gaps] for volt in volts]


@dataclass
class SangerByHand(Rule):
    unit: float = 1e-6
    rate: float = 1.0
    most: int = 5

    def moves(self, look):
        largest = max(abs(volt) for row in look.volts for volt in row)
        w = [[(line[2 * i] - line[2 * i + 1]) / self.unit for i in range(self.outputs)] for line in look.g]
        change = [[0.0] * self.outputs for _ in range(self.rows)]
        for volts, currents in zip(look.volts, look.currents, strict=True):
            y = [current / (largest * self.unit) for current in currents]
            for r in range(self.rows):
                for i in range(self.outputs):
                    told = sum(w[r][k] * y[k] for k in range(i + 1))
                    change[r][i] += y[i] * (volts[r] / largest - told)
        return [[sign(c) * look.rounded(self.rate * c, self.most) for c in line] for line in change]


@dataclass
class OneCellByHand(Rule):
    lift: int = 10
    repeats = False

    def begin(self, rows, outputs):
        super().begin(rows, outputs)
        self.first = self.lift > 0

    def pulses(self, look):
        none = [[0] * (2 * self.outputs) for _ in range(self.rows)]
        if self.first:
            self.first = False
            return [[0, self.lift] * self.outputs for _ in range(self.rows)], none
        up, down = none, [[0] * (2 * self.outputs) for _ in range(self.rows)]
        for r, line in enumerate(look.gradient()):
            for i, value in enumerate(line):
                (up if value > 0 else down)[r][2 * i] = abs(sign(value))
        return up, down


@dataclass
class Done:
    conductances: list = field(default_factory=list)
    counts: list = field(default_factory=list)
    errors: list = field(default_factory=list)
    converged: bool = False
    margin: float = math.inf


def trained_by_hand(  # noqa: PLR0915 - one plain loop, to be read beside the page
    setting, rule, chip, *, seed=1, unresponsive=0, give_up=False, dead_zone=0.0, ends_known=True
):
    """Train a chip: `chip.g` are its conductances, `chip.pulse(r, c, up, down)` changes them."""
    rows, outputs = len(setting.shifts), len(setting.shifts[0]) // 2
    cells = [(r, c) for r in range(rows) for c in range(2 * outputs)]
    target0 = -setting.target if setting.target0 is None else setting.target0
    volts = [[setting.v1 if bit else setting.v0 for bit in bits] for bits in setting.bits]
    rule.begin(rows, outputs)
    stream = draws(seed, 0, 1)
    silent = dict.fromkeys(cells, 0)
    done, idle, pulsed = Done(), 0, set()

    def read(pattern):
        return [
            math.fsum(volt * (line[2 * i] - line[2 * i + 1]) for volt, line in zip(volts[pattern], chip.g, strict=True))
            for i in range(outputs)
        ]

    def missing(pattern, i, f):
        goal = setting.target if setting.labels[pattern][i] else target0
        return (goal - f if setting.labels[pattern][i] else f - goal), goal

    def look_at(patterns, g):
        currents, gaps = [read(p) for p in patterns], []
        for p, line in zip(patterns, currents, strict=True):
            gaps.append([])
            for i, current in enumerate(line):
                f = math.tanh(setting.beta * current)
                short, goal = missing(p, i, f)
                done.margin = min(done.margin, abs(short), abs(abs(goal - f) - dead_zone) if dead_zone else math.inf)
                gap = goal - f if setting.pull_back or short > 0 else 0.0
                gaps[-1].append(0.0 if abs(gap) < dead_zone else gap)
        return Look([volts[p] for p in patterns], currents, gaps, setting.beta, g)

    for number in range(1, setting.epochs + 1):
        g = [list(line) for line in chip.g]
        every = range(len(volts))
        shorts = [missing(p, i, math.tanh(setting.beta * c))[0] for p in every for i, c in enumerate(read(p))]
        done.margin = min(done.margin, *map(abs, shorts))
        error = math.fsum(max(short, 0.0) for short in shorts)
        counts = [[0] * (2 * outputs) for _ in range(rows)]
        over = False
        if error > 0 and number < setting.epochs:
            order = list(every)
            if rule.acts == "drawn":
                u = [next(stream) for _ in every]
                order.sort(key=lambda p: u[p])
            asked = moves = False
            for step in [order] if rule.acts == "all" else [[p] for p in order]:
                look = look_at(step, g)
                up, down = rule.pulses(look)
                done.margin = min(done.margin, look.margin)
                wanted = {cell: (up[cell[0]][cell[1]], down[cell[0]][cell[1]]) for cell in cells}
                asked = asked or any(map(any, wanted.values()))
                sent = {
                    cell: pair
                    for cell, pair in wanted.items()
                    if any(pair) and not (unresponsive and silent[cell] >= unresponsive)
                }
                if give_up and all(ends_known and chip.ended(*cell) and cell in pulsed for cell in sent):
                    continue
                moves = True
                for (r, c), pair in sent.items():
                    chip.pulse(r, c, *pair)
                    counts[r][c] += sum(pair)
                    pulsed.add((r, c))
            if give_up and not moves and (asked or rule.repeats):
                idle += 1
                over = idle >= (1 if rule.repeats and ends_known else IDLE)
            else:
                idle = 0
        for r, c in cells:
            if counts[r][c]:
                silent[r, c] = silent[r, c] + counts[r][c] if chip.g[r][c] == g[r][c] else 0
        done.conductances.append(g)
        done.counts.append(counts)
        done.errors.append(error)
        done.converged = error == 0
        if error == 0 or over:
            break
    return done
