"""A network of several layers trained by the Manhattan rule, written after docs/networks.md alone: one plain loop."""

import math
from dataclasses import dataclass, field

import numpy as np


@dataclass
class Net:
    """A network, where its cells are on a chip, and how it is trained."""

    bits: list
    labels: list
    hidden: list
    bias: bool
    shortcuts: bool
    pairs: str
    stacked: bool
    shape: tuple
    shifts: list
    curve: list
    beta: float = 5e7
    scale: float = 10.0
    target: float = 0.5
    target0: float = -0.5
    v0: float = -0.1
    v1: float = 0.1
    epochs: int = 60
    pull_back: bool = False
    each: bool = False
    """Whether pulses follow every pattern, in the order of the file."""
    rate: float = 0.0
    """Of the delta rule, whose pulses are counts; 0 for signs."""

    @property
    def sizes(self):
        """Inputs and units of every layer."""
        units = [*self.hidden, len(self.labels[0])]
        own, found = len(self.bits[0]), []
        for k, wide in enumerate(units):
            inputs = (own if k == 0 or self.shortcuts else 0) + (1 if self.bias else 0) + (units[k - 1] if k else 0)
            found.append((inputs, wide))
        return found

    def cell(self, k, j, i, minus):
        """Row and column of the plus or minus cell of the synapse from input j to unit i of layer k."""
        before = self.sizes[:k]
        lines_in = sum(n for n, _ in before) if self.stacked else 0
        units = 0 if self.stacked else sum(wide for _, wide in before)
        if self.pairs == "columns":
            return lines_in + j, 2 * (units + i) + minus
        return 2 * (lines_in + j) + minus, units + i


@dataclass
class Found:
    errors: list = field(default_factory=list)
    conductances: list = field(default_factory=list)
    counts: list = field(default_factory=list)
    margin: float = np.inf
    """How near anything came to where rounding would decide, relative."""


def trained_by_hand(net):  # noqa: PLR0915 - one plain loop, to be read beside the page
    """Train; a chip is a grid of levels on one curve, each cell with a shift of its own."""
    curve, shifts = np.array(net.curve), np.array(net.shifts)
    level = np.zeros(net.shape, int)
    vmax = max(abs(net.v0), abs(net.v1))
    where = [
        np.array([[[net.cell(k, j, i, m) for m in (0, 1)] for i in range(wide)] for j in range(n)])
        for k, (n, wide) in enumerate(net.sizes)
    ]
    found = Found()

    def conductance():
        return net.scale * ((curve[level] - curve[0]) + shifts)

    def weights(g):
        return [g[at[:, :, 0, 0], at[:, :, 0, 1]] - g[at[:, :, 1, 0], at[:, :, 1, 1]] for at in where]

    def forward(w, bits):
        """Input voltages, currents and activations of each layer, for one pattern."""
        x, one = np.where(bits, net.v1, net.v0), np.full(int(net.bias), net.v1)
        volts, currents, acts = [], [], []
        for k, matrix in enumerate(w):
            own, before = (x if k == 0 or net.shortcuts else x[:0]), (vmax * acts[-1] if k else x[:0])
            volts.append(np.concatenate([own, one, before]))
            currents.append(volts[-1] @ matrix)
            acts.append(np.tanh(net.beta * currents[-1]))
        return volts, currents, acts

    def shorts(acts, label):
        return np.where(label, net.target - acts[-1], acts[-1] - net.target0)

    def deltas(w, currents, acts, label):
        """Equation 3, and the errors sent back: one array a layer."""
        goal = np.where(label, net.target, net.target0)
        short = shorts(acts, label)
        found.margin = min(found.margin, np.abs(short).min())
        slope = [net.beta / np.cosh(net.beta * c) ** 2 for c in currents]
        gap = goal - acts[-1]
        if not net.pull_back:
            gap[short <= 0] = 0.0
        back = [gap * slope[-1]]
        for k in range(len(w) - 1, 0, -1):
            sent = w[k][len(w[k]) - net.hidden[k - 1] :] @ back[0]
            back.insert(0, sent * vmax * slope[k - 1])
        return back

    def pulse(gradients, sizes):
        sent = np.zeros(net.shape, int)
        for at, gradient, size in zip(where, gradients, sizes, strict=True):
            alive = size > 0
            if alive.any():
                found.margin = min(found.margin, (np.abs(gradient[alive]) / size[alive]).min())
            for (j, i), value in np.ndenumerate(gradient):
                if value:
                    r, c = at[j, i, 0 if value > 0 else 1]
                    many = count(value)
                    sent[r, c] += many
                    level[r, c] = min(level[r, c] + many, len(curve) - 1)
        return sent

    def count(gradient):
        """By the delta rule as many as `rate` times the gradient, in units of beta and the voltage: at least 1."""
        if not net.rate:
            return 1
        move = net.rate * abs(gradient)
        found.margin = min(found.margin, abs(move % 1 - 0.5))
        return max(1, min(math.floor(move + 0.5), 10))

    def gradients_of(w, some):
        """Sum of voltage times delta, and of its sizes, layer by layer."""
        total = [np.zeros(m.shape) for m in w]
        sizes = [np.zeros(m.shape) for m in w]
        largest = [0.0] * len(w)
        for p in some:
            volts, currents, acts = forward(w, net.bits[p])
            for k, delta in enumerate(deltas(w, currents, acts, net.labels[p])):
                term = np.outer(volts[k], delta)
                total[k] += term
                sizes[k] += np.abs(term)
            largest = [np.maximum(old, np.abs(v).max()) for old, v in zip(largest, volts, strict=True)]
        if net.rate:
            units = [net.beta * most for most in largest]
            return [[each / unit for each, unit in zip(some, units, strict=True)] for some in (total, sizes)]
        return total, sizes

    for number in range(1, net.epochs + 1):
        g = conductance()
        w = weights(g)
        missing = np.array(
            [shorts(forward(w, bits)[2], label) for bits, label in zip(net.bits, net.labels, strict=True)]
        )
        found.margin = min(found.margin, np.abs(missing).min())
        error = np.maximum(missing, 0).sum()
        sent = np.zeros(net.shape, int)
        if error > 0 and number < net.epochs:
            if net.each:
                for p in range(len(net.bits)):
                    now = weights(conductance())
                    volts, currents, acts = forward(now, net.bits[p])
                    back = deltas(w, currents, acts, net.labels[p])  # errors go back through what the evaluation read
                    total = [np.outer(v, d) for v, d in zip(volts, back, strict=True)]
                    sent += pulse(total, [np.abs(each) for each in total])
            else:
                sent = pulse(*gradients_of(w, range(len(net.bits))))
        found.errors.append(error)
        found.conductances.append(g)
        found.counts.append(sent)
        if error == 0:
            break
    return found
