"""What chips do after training: whether they still meet every target in a fresh read, and once they have drifted.

A drift of x multiplies every conductance by 1 + x z, z standard normal, down to nothing; what it leaves is judged
without noise. The z of a cell are the same for every x. A chip that did not converge meets nothing here.

A chip answers right as long as each output is nearer to its own target than to the other one. Whether it still *meets*
its targets after a drift says how far training went beyond them, whatever they are; whether it still answers right,
how far apart they keep the two answers.
"""

import functools
from collections.abc import Sequence

import numpy as np

from crossbar_hil.arrays import BoolArray, FloatArray, IntArray
from crossbar_hil.training.activation import Tanh
from crossbar_hil.training.encoding import row_voltages
from crossbar_hil.training.lines.pairs import difference
from crossbar_hil.training.patterns import PatternSet
from crossbar_hil.training.prediction import Prediction
from crossbar_hil.training.trainer import Trainer

from ..chip.simulated import SimulatedBackend
from ..circuit import STANDARD, Topology
from .draw import DRIFT, FRESH, draw_normals
from .wired import Wires, wired_transfer


class Judge:
    """Says of trained chips, all with the settings of one trainer, whether they meet every target of a task."""

    def __init__(self, trainer: Trainer, task: PatternSet) -> None:
        self._trainer, self._patterns, self._labels = trainer, task.train, task.train_labels
        self._voltages = row_voltages(task.train, trainer.v0, trainer.v1)

    def meets(self, outputs: FloatArray) -> BoolArray:
        """Say of (M, P, N) differential currents, in amperes, which chips meet every target: (M,)."""
        trainer = self._trainer
        found = Prediction.from_activations(
            self._patterns, Tanh(trainer.beta)(outputs), trainer.target0, trainer.target
        )
        met: BoolArray = (found.outputs == self._labels).all(axis=(1, 2))
        return met

    def after(self, outputs: FloatArray) -> tuple[BoolArray, BoolArray]:
        """Say of (M, P, N) differential currents which chips meet every target, and which answer right: (M,) each."""
        trainer = self._trainer
        beyond = Tanh(trainer.beta)(outputs) - (trainer.target0 + trainer.target) / 2
        right: BoolArray = np.asarray(((2 * self._labels - 1) * beyond > 0).all(axis=(1, 2)))
        return self.meets(outputs), right

    def fresh_reads(self, conductances: FloatArray, read_noise: float, seed: int, numbers: IntArray) -> BoolArray:
        """Read ideal chips of ohmic cells once: (M, R, C) conductances in siemens, their numbers (M,), which meet all.

        The relative noise of the cells is independent, so along both columns of an output it adds up in squares.
        """
        outputs = self._voltages @ difference(conductances)
        squares = np.square(conductances)
        spread = np.sqrt(np.square(self._voltages) @ (squares[..., ::2] + squares[..., 1::2]))
        drawn = draw_normals(seed, FRESH, numbers, outputs.shape[1:])
        return self.meets(outputs + read_noise * spread * drawn)

    def ohmic_after_drift(
        self,
        conductances: FloatArray,
        drifts: Sequence[float],
        seed: int,
        numbers: IntArray,
        offsets: FloatArray | None = None,
        wires: Wires | None = None,
        topology: Topology = STANDARD,
    ) -> tuple[BoolArray, BoolArray]:
        """Say of chips of ohmic cells which meet every target after each drift, and which answer right: (M, D).

        `offsets`, (M, C) in amperes, are added to the currents of the columns; `wires` are ideal if not given, and
        `topology` says which of their ends are joined.
        """
        added = 0.0 if offsets is None else difference(offsets)[:, None, :]
        drawn = draw_normals(seed, DRIFT, numbers, conductances.shape[1:])
        drifted = (np.maximum(conductances * (1 + drift * drawn), 0.0) for drift in drifts)
        seen = drifted if wires is None else (wired_transfer(left, wires, topology) for left in drifted)
        met, right = zip(*(self.after(self._voltages @ difference(each) + added) for each in seen), strict=True)
        return np.stack(met, axis=1), np.stack(right, axis=1)

    def fresh_read(self, backend: SimulatedBackend) -> bool:
        """Read a chip as its backend reads it, and say whether it meets every target."""
        self._trainer.backend = backend
        return bool(self._trainer.predict(self._patterns).correct(self._labels).all())

    def after_drift(
        self, backend: SimulatedBackend, drifts: Sequence[float], seed: int, number: int
    ) -> tuple[BoolArray, BoolArray]:
        """Say whether a chip of any kind meets every target after each drift, and whether it answers right: (D,)."""
        drawn = draw_normals(seed, DRIFT, np.array([number]), backend.shape)[0]
        drifted = [backend.conductances * (1 + drift * drawn) for drift in drifts]
        reads = (functools.partial(_noiseless_currents, backend, each) for each in drifted)
        currents = np.array([self._trainer.evaluate(self._patterns, read)[0] for read in reads])
        sizes = self._patterns.shape[1], self._labels.shape[1]
        return self.after(self._trainer.arrangement.outputs_of(currents, *sizes))


def _noiseless_currents(backend: SimulatedBackend, conductances: FloatArray, voltages: FloatArray) -> FloatArray:
    """Return the (P, C) currents that are read of a chip with other conductances, in amperes; none below zero."""
    positive = np.maximum(conductances, 0.0)
    currents = backend.currents_of(positive, voltages)
    return currents if backend.column_offsets is None else currents + backend.column_offsets
