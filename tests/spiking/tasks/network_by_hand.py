"""A spiking network on a device, written down again from docs/spiking_small.md, cell by cell and step by step.

Random numbers are SplitMix64 as Steele, Lea and Flood (doi:10.1145/2660193.2660195) have it. Membranes are kept in
single precision, as the page says.
"""

import numpy as np

SPIKE_V, CELL_SIEMENS = 0.1, 5e-7
WORD = 2**64
f32 = np.float32


def stir(word):
    word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9 % WORD
    word = (word ^ (word >> 27)) * 0x94D049BB133111EB % WORD
    return word ^ (word >> 31)


def drawn(place, seed, stream, number, step):
    """A whole number below 2**32 for an input of a presentation, at a step or in a cycle."""
    word = 0
    for each in (seed, stream, number, 0):
        word = stir((word + each + 0x9E3779B97F4A7C15) % WORD)
    word = stir((word + (step + 1) * 0x9E3779B97F4A7C15) % WORD)
    return stir((word + (place + 1) * 0x9E3779B97F4A7C15) % WORD) >> 32


def spikes_at(table, sample, where, step):
    """Which inputs spike."""
    if table.get("encoding", "rates") == "rates":
        return [drawn(k, *where, step) < round(value * 2**32) for k, value in enumerate(sample)]
    number, now = divmod(step, table["cycle"])
    lines = table.get("taps") or [[k, 0] for k in range(len(sample))]
    found = []
    for k, (channel, delay) in enumerate(lines):
        at, jitter = sample[channel], table.get("jitter", 0)
        if at == -1:
            found.append(False)
        elif at == -2:
            found.append(drawn(k, *where, number) * table["cycle"] // 2**32 == now)
        else:
            off = drawn(k, *where, number) * (2 * jitter + 1) // 2**32 - jitter
            found.append(at + delay + off == now)
    return found


class ByHand:
    """The network of a task on a chip: ``conductances`` (R, C) in siemens, ``pulse(row, column, up)`` moves a cell."""

    def __init__(self, task, chip, seed):
        self.input, self.table, self.protocol, self.chip, self.seed = (
            task.input,
            task.neurons,
            task.protocol,
            chip,
            seed,
        )
        self.rows, self.columns = chip.conductances.shape
        self.thresholds = [f32(self.table["threshold_v"])] * self.columns
        self.rest()
        self.balance()

    def rest(self):
        self.membranes, self.resting = [f32(0)] * self.columns, [0] * self.columns
        self.last, self.clock = [-(10**9)] * self.rows, getattr(self, "clock", 0)

    def currents(self, rows):
        volts = np.where(rows, SPIKE_V, 0.0)
        return [f32(volts @ self.chip.conductances[:, column]) for column in range(self.columns)]

    def balance(self):
        wanted = f32(self.rows * CELL_SIEMENS * SPIKE_V)
        self.gains = [wanted / each for each in self.currents([True] * self.rows)]

    def show(self, sample, stream, number, steps, learn):
        """Return how often each neuron spiked."""
        table, counts = self.table, [0] * self.columns
        gain = f32(1 / (self.rows * CELL_SIEMENS * SPIKE_V))
        if not learn or table.get("rest_between", True):
            self.rest()
        for step in range(steps):
            self.clock += 1
            active = spikes_at(self.input, sample, (self.seed, stream, number), step)
            currents = self.currents(active)
            if learn:
                self.last = [self.clock if on else before for on, before in zip(active, self.last, strict=True)]
            for column in range(self.columns):
                if self.resting[column]:
                    self.resting[column] -= 1
                else:
                    self.membranes[column] += self.gains[column] * gain * currents[column]
                kept = f32(np.exp(np.log(table.get("kept", 0.95))))
                self.membranes[column] = max(self.membranes[column], f32(0)) * kept
            over = [self.membranes[column] - self.thresholds[column] for column in range(self.columns)]
            if max(over) >= 0:
                winner = over.index(max(over))
                counts[winner] += 1
                self.fire(winner, learn)
            if learn:
                kept = f32(table.get("threshold_kept", 1.0))
                low, high = f32(table["threshold_v"]), f32(table.get("cap_v", np.inf))
                self.thresholds = [min(max(each * kept, low), high) for each in self.thresholds]
        return counts

    def fire(self, winner, learn):
        table = self.table
        for column in range(self.columns):
            if column != winner:
                inhibited = self.membranes[column] - f32(table.get("inhibition_v", 10.0))
                self.membranes[column] = max(inhibited, f32(0))
                self.resting[column] = max(self.resting[column], table.get("others_rest", 1))
        self.membranes[winner], self.resting[winner] = f32(0), table.get("own_rest", 1)
        if not learn:
            return
        self.thresholds[winner] += f32(table.get("increment_v", 0.0))
        recent = [self.clock - last <= table.get("window", 1) for last in self.last]
        for up in (True, False):
            for row in range(self.rows):
                if recent[row] == up:
                    self.chip.pulse(row, winner, up=up)
        self.balance()

    def teach(self, samples):
        """Show all training samples in every pass; returns what each neuron answered to each of them."""
        found, number = [], 0
        for _ in range(self.protocol.get("passes", 1)):
            for sample in samples:
                found.append(self.show(sample, 0, number, self.protocol["training_steps"], learn=True))
                number += 1
        return found

    def answers(self, samples, stream=1):
        """Show samples with fixed weights; returns what each neuron answered to each of them."""
        steps = self.protocol["test_steps"]
        return [self.show(sample, stream, number, steps, learn=False) for number, sample in enumerate(samples)]
