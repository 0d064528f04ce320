"""From patterns to activations and from gaps back to pulses: of one layer that takes the whole array."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

import numpy as np

from crossbar_hil.arrays import FloatArray
from crossbar_hil.backend import DeviceBackend
from crossbar_hil.training.activation import Tanh
from crossbar_hil.training.asking import Asked
from crossbar_hil.training.lines.pairs import difference
from crossbar_hil.training.rules.rule import Acts, Seen
from crossbar_hil.training.updates import Pulses, Update


class Passed(NamedTuple):
    """What P patterns came to in one layer."""

    voltages: FloatArray
    """(P, n) of its inputs, in volts."""
    outputs: FloatArray
    """(P, N) currents of its outputs, in amperes (equation 2)."""
    activations: FloatArray
    """(P, N) (equation 1)."""


class Evaluated(NamedTuple):
    """What an evaluation read of P patterns, before anything was pulsed."""

    currents: FloatArray
    """(P, C) column currents, in amperes; of L layers (L P, C), those of one layer after those of the other."""
    conductances: FloatArray
    """(R, C), in siemens."""
    layers: tuple[Passed, ...]
    """The last one has the outputs of the labels."""

    def of_one(self, pattern: int) -> "Evaluated":
        """Return it with what one pattern came to alone; the currents are still those of all."""
        only = slice(pattern, pattern + 1)
        return self._replace(layers=tuple(Passed(*(each[only] for each in passed)) for passed in self.layers))


class Evaluator(Protocol):
    """Evaluates the patterns of a training, and asks its rule."""

    acts: Acts
    """As of `crossbar_hil.training.rules.rule.LearningRule`."""

    def read(self, backend: DeviceBackend) -> Evaluated:
        """Read all patterns and all cells."""

    def read_one(self, backend: DeviceBackend, pattern: int, conductances: FloatArray) -> Evaluated:
        """Read one pattern anew; conductances (R, C) as known, in siemens."""

    def ask(self, found: Evaluated, targets: FloatArray, gaps: FloatArray, update: Update) -> Pulses:
        """Return the first pulses that the rule wants.

        Targets (P, N), and what of targets minus activations the gradient is made of.
        """

    def order(self, patterns: int) -> Iterator[int]:
        """Yield the patterns of an epoch in the order in which the rule acts on them."""


class OneLayer:
    """Evaluates one layer, whose inputs are all rows.

    Parameters
    ----------
    voltages : ndarray of float, shape (P, R)
        Row voltages of the patterns, in volts.
    beta : float
        Gain, in 1/A.
    read_v : float
        Row voltage at which single cells are read, in volts.
    rule : Asked
        The rule.
    """

    def __init__(self, voltages: FloatArray, beta: float, read_v: float, rule: Asked) -> None:
        self._voltages, self._beta, self._read_v, self._rule = voltages, beta, np.array(read_v), rule
        self.acts, self.order = rule.acts, rule.order
        self._activation = Tanh(beta)
        # One read a cell tells its conductance; sent with the patterns, so that a bench can order its relay moves.
        self._reads = np.concatenate([voltages, self._read_v * np.eye(voltages.shape[1])])
        self._reads.flags.writeable = False
        self._patterns = len(voltages)

    def read(self, backend: DeviceBackend) -> Evaluated:
        """Read all patterns and all cells."""
        measured = backend.read_currents(self._reads)
        currents = measured[: self._patterns]
        outputs = difference(currents)  # equation 2
        passed = Passed(self._voltages, outputs, self._activation(outputs))  # equation 1
        return Evaluated(currents, measured[self._patterns :] / self._read_v, (passed,))

    def read_one(self, backend: DeviceBackend, pattern: int, conductances: FloatArray) -> Evaluated:
        """Read one pattern anew."""
        voltages = self._voltages[pattern : pattern + 1]
        currents = backend.read_currents(voltages)
        outputs = difference(currents)
        return Evaluated(currents, conductances, (Passed(voltages, outputs, self._activation(outputs)),))

    def ask(self, found: Evaluated, targets: FloatArray, gaps: FloatArray, update: Update) -> Pulses:
        """Return the first pulses that the rule wants."""
        voltages, outputs, activations = found.layers[0]
        deltas = gaps * self._activation.slope(outputs)  # equation 3
        seen = Seen(voltages, outputs, activations, targets, deltas, self._beta, found.conductances)
        return update.wanted(self._rule(seen), found.conductances)  # equation 4
