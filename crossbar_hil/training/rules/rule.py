"""What a learning rule is: when it acts, what it sees then, what it may answer."""

from abc import ABC, abstractmethod
from typing import Literal, NamedTuple

import numpy as np

from crossbar_hil.arrays import FloatArray, IntArray

Acts = Literal["all", "each", "drawn"]
ACTS = ("all", "each", "drawn")
"""After all patterns, after each in the order of the pattern set, or after each in an order drawn anew every epoch."""
ROUNDING = 1e-12
"""Share of the sizes of its terms below which a sum is what rounding has left of zero."""


class Seen(NamedTuple):
    """What a rule sees each time that it acts: P patterns, or one (P = 1) if it acts after each.

    In a network it is asked for each layer, the last one first, and sees that layer: its inputs as rows, its units as
    outputs.
    """

    voltages: FloatArray
    """(P, R) row voltages, in volts."""
    outputs: FloatArray
    """(P, N) differential currents of the outputs, in amperes (equation 2)."""
    activations: FloatArray
    """(P, N) (equation 1)."""
    targets: FloatArray
    """(P, N) activations to reach; hidden units, which have none, have their activations here."""
    deltas: FloatArray
    """(P, N) equation 3, in 1/A: zero where an activation is left alone, with or without pull back, or in the dead
    zone."""
    beta: float
    """Gain of the activation, in 1/A."""
    conductances: FloatArray
    """(R, C) as the evaluation of this epoch read them, in siemens; pulses may have followed since if it acts after
    each."""


class LearningRule(ABC):
    """A learning rule that may keep state, count, draw, or act after each pattern.

    Every training works on a fresh copy of its rule, which `begin` is called on first. A resumed training does the
    same, and is told again, from the journal, all that it saw: its state is rebuilt and never stored. So a rule must
    answer by what it is told and by the generator that `begin` hands it, and by nothing else.

    Attributes
    ----------
    acts : {"all", "each", "drawn"}
        After all patterns, after each in the order of the pattern set, or after each in an order that is drawn from the
        seed of the run.
    most : int
        Most pulses that it may ask for a cell each time that it acts.
    repeats : bool
        Whether it answers the same whenever it sees the same: it neither keeps state nor draws.
    draws : bool
        Whether it uses the generator.
    one_cell : bool
        Whether its signs move the plus cell alone, a sign of -1 by a depressing pulse; needs one.
    by_deltas : bool
        Whether it goes by deltas; only such a rule trains hidden units, which have no targets.
    """

    acts: Acts = "all"
    most: int = 1
    repeats: bool = False
    draws: bool = False
    one_cell: bool = False
    by_deltas: bool = True

    def begin(self, shape: tuple[int, int], rng: np.random.Generator) -> None:  # noqa: B027 - many need nothing
        """Begin a training of a chip of R rows and C columns.

        Parameters
        ----------
        shape : (int, int)
            (R, C); there are N = C / 2 outputs.
        rng : numpy.random.Generator
            That of `crossbar_hil.training.rules.draws`, for a rule that `draws`.
        """

    @abstractmethod
    def __call__(self, seen: Seen) -> FloatArray | IntArray:
        """Say what is to be pulsed.

        Returns
        -------
        ndarray
            Signs (R, N): 1 for a pulse to the plus cell of a synapse, -1 for one to the minus cell, 0 for none. Or
            whole counts (R, C), of an integer type: potentiating pulses for each cell, from 0 to `most`, and for one
            cell of a pair alone.
        """


def counts_of(moves: FloatArray, most: int) -> IntArray:
    """Return the pulses of signed moves: to the plus cell of a synapse that should rise, else to its minus cell.

    Parameters
    ----------
    moves : ndarray of float, shape (R, N)
        In pulses; rounded to whole ones, halves up in size, and at most `most`.
    most : int
        Most pulses for a cell.

    Returns
    -------
    ndarray of int, shape (R, 2N)

    Examples
    --------
    >>> counts_of(np.array([[0.49, -0.5, 9.0]]), most=5)
    array([[0, 0, 0, 1, 5, 0]])
    """
    sizes = np.minimum(np.floor(np.abs(moves) + 0.5), most).astype(np.int64)
    rising = moves > 0
    return np.stack([sizes * rising, sizes * ~rising], axis=2).reshape(len(moves), -1)


def summed(voltages: FloatArray, deltas: FloatArray) -> FloatArray:
    """Return the (R, N) sum over patterns of voltage times delta, the voltages in units of the largest.

    It starts from zero and adds one pattern after another, in their order. A sum of at most `ROUNDING` of the sizes of
    its terms is zero: equal and opposite terms cancel, whatever their order.

    Parameters
    ----------
    voltages : ndarray of float, shape (P, R)
        In volts.
    deltas : ndarray of float, shape (P, N)
        One a pattern and output, in any unit, which is that of the sum.
    """
    largest = np.abs(voltages).max()
    shares = voltages / largest if largest else voltages
    total, sizes = np.zeros((2, voltages.shape[1], deltas.shape[1]))
    for share, delta in zip(shares, deltas, strict=True):
        term = share[:, None] * delta
        total += term
        sizes += np.abs(term)
    return np.where(np.abs(total) <= ROUNDING * sizes, 0.0, total)
