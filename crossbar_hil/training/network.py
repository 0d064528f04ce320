"""Several layers on one array: hidden activations in software, and errors sent back through conductances as read.

Layer k is read with its own rows driven and all others at 0 V. Its activations are ``tanh(beta I)`` as those of an
output, and drive rows of layer k + 1 with ``V_h = V_max f_h``. Back goes, as the chain rule has it,
``delta_h = sum_i delta_i W_ih V_max df/dI``, with the weights as the cells were read in the epoch.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from crossbar_hil.arrays import FloatArray
from crossbar_hil.backend import DeviceBackend
from crossbar_hil.errors import DataError
from crossbar_hil.training.activation import Tanh
from crossbar_hil.training.asking import Asked, Rule, as_rule
from crossbar_hil.training.evaluating import Evaluated, Passed
from crossbar_hil.training.lines.arrangement import Arrangement, Layer
from crossbar_hil.training.lines.pairs import difference
from crossbar_hil.training.rules.rule import Seen
from crossbar_hil.training.updates import Pulses, Update

Read = Callable[[FloatArray], FloatArray]
"""From (P, R) row voltages, in volts, to (P, C) currents, in amperes."""
Volts = tuple[FloatArray, float, float]
"""Voltages (P, n) of the bits of P patterns, that of the bias, and that of an activation of 1; all in volts."""


def check_goes_by_deltas(rule: Rule, arrangement: Arrangement) -> None:
    """Refuse a rule that never looks at deltas where there are hidden units, which have no targets.

    Raises
    ------
    DataError
        Then.
    """
    if arrangement.hidden and not as_rule(rule).by_deltas:
        raise DataError(
            f"rule {type(rule).__name__} does not go by the errors that are sent back to hidden units; leave out "
            "hidden, or take another rule"
        )


def pass_through(
    read: Read, rows: int, layers: Sequence[Layer], volts: Volts, activation: Tanh, cells_v: float | None = None
) -> tuple[FloatArray, FloatArray, tuple[Passed, ...]]:
    """Read P patterns layer by layer, each with one batch of reads.

    Parameters
    ----------
    read : callable
        Reads (P, R) row voltages on an array of so many rows.
    cells_v : float, optional
        Voltage at which every cell is read too, in the first batch; none is if not given.

    Returns
    -------
    ndarray of float, shape (L P, C)
        Column currents, in amperes, those of one layer after those of the other.
    ndarray of float, shape (R, C)
        Conductances, in siemens; of shape (0, 0) if they were not asked for.
    tuple of Passed
        What the patterns came to in each layer.
    """
    bits, bias_v, most_v = volts
    patterns = len(bits)
    hidden, cells = np.empty((patterns, 0)), np.empty((0, 0))
    currents: list[FloatArray] = []
    passed: list[Passed] = []
    for layer in layers:
        own = [bits[:, : layer.bits], np.full((patterns, int(layer.bias)), bias_v), most_v * hidden]
        voltages = np.concatenate(own, axis=1)
        reads = layer.drive(voltages, rows)
        if cells_v is not None and not passed:
            measured = read(np.concatenate([reads, cells_v * np.eye(rows)]))
            measured, cells = measured[:patterns], measured[patterns:] / cells_v
        else:
            measured = read(reads)
        outputs = layer.outputs_of(measured)
        hidden = activation(outputs)
        currents.append(measured)
        passed.append(Passed(voltages, outputs, hidden))
    return np.concatenate(currents), cells, tuple(passed)


class Network:
    """Evaluates a network, and asks a rule for each of its layers.

    Parameters
    ----------
    layers : sequence of Layer
        As they lie on the array.
    volts : Volts
        Of all patterns.
    beta : float
        Gain of every layer, in 1/A.
    rules : sequence of Asked
        One a layer, each begun for (n, 2N) cells.
    """

    def __init__(self, layers: Sequence[Layer], volts: Volts, beta: float, rules: Sequence[Asked]) -> None:
        self._layers, self._volts, self._beta, self._rules = tuple(layers), volts, beta, tuple(rules)
        self._activation = Tanh(beta)
        self.acts = rules[0].acts

    def read(self, backend: DeviceBackend) -> Evaluated:
        """Read all patterns and all cells."""
        return Evaluated(*pass_through(*self._on(backend), self._volts, self._activation, self._volts[2]))

    def read_one(self, backend: DeviceBackend, pattern: int, conductances: FloatArray) -> Evaluated:
        """Read one pattern anew."""
        bits, bias_v, most_v = self._volts
        volts = bits[pattern : pattern + 1], bias_v, most_v
        currents, _, passed = pass_through(*self._on(backend), volts, self._activation)
        return Evaluated(currents, conductances, passed)

    def _on(self, backend: DeviceBackend) -> tuple[Read, int, tuple[Layer, ...]]:
        return backend.read_currents, backend.shape[0], self._layers

    def order(self, patterns: int) -> Iterator[int]:
        """Yield the patterns of an epoch in the order in which the rule acts on them."""
        return self._rules[0].order(patterns)

    def ask(self, found: Evaluated, targets: FloatArray, gaps: FloatArray, update: Update) -> Pulses:
        """Return the first pulses that the rule wants, layer by layer from the last."""
        counts, falling = np.zeros((2, *found.conductances.shape), np.int64)
        deltas = gaps * self._activation.slope(found.layers[-1].outputs)
        for layer, rule, (voltages, outputs, activations) in reversed(
            list(zip(self._layers, self._rules, found.layers, strict=True))
        ):
            cells = layer.cells_of(found.conductances)
            aims = targets if layer is self._layers[-1] else activations
            seen = Seen(voltages, outputs, activations, aims, deltas, self._beta, cells)
            wanted = update.wanted(rule(seen), cells)
            layer.place(wanted.counts, counts)
            layer.place(wanted.depressing, falling)
            if layer.hidden:
                before = found.layers[layer.number - 2].outputs
                weights = difference(cells)[layer.inputs - layer.hidden :]
                deltas = (deltas @ weights.T) * self._volts[2] * self._activation.slope(before)
        return Pulses(counts, falling)
