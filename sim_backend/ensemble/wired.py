"""Chips with wires in lock-step: what is the same for every chip, how near a decision may be, and who reacts for sure.

Margins
-------
`Trainer` solves the circuit to `TOLERANCE` "as far as it can tell"; a relative error `SOLVED` of every current stands
for that and for both roundings. So an output is known to E, beta times the currents of both of its columns times that.
A decision on a target is left to `Trainer` as in `ensemble.task`, with the largest such currents of any chip; one on a
gradient within 5 E instead of 12, as E is of both arithmetics, with the currents that the chip has.

Reactions
---------
With wires a reading changes when other cells do, and whoever judges by readings takes that for noise. Let s be the
share of a voltage that wires can lose at most. A reading lies between 1 - s and 1 times its cell's
conductance. So the readings of a cell that got no pulse change by less than s' = s / (1 - s), their noise sigma is
below s' / sqrt(2), and a cell whose conductance G changes over its last K pulses by more than
(s + 2 STRAY sigma) G has a reading that stands out: it reacts for certain, whatever else happens. Where that does not
say so the readings themselves are judged (`ensemble.wired_reactions`); a chip with a cell that may not react is left to
`Trainer`.
"""

import math
from typing import TypeAlias

import numpy as np

from crossbar_hil.arrays import BoolArray, FloatArray, IntArray
from crossbar_hil.training.reactions import STRAY, pulses_to_judge

from ..circuit import STANDARD, Topology
from ..circuit.bounds import TOLERANCE
from ..circuit.compiled import aligned
from ..circuit.layout import BLOCK
from .half_select import HalfSelect
from .quick import ANY_NUMBER, Quick, fill_to_blocks
from .result import EnsembleResult
from .sizes import PATTERN_BLOCK, ROW_BLOCK, WIRED_LANES
from .task import LARGEST_E, Task, reach_of_tanh

Wires: TypeAlias = tuple[FloatArray, FloatArray]
"""Ohm of a segment of each word line (R,) and each bit line (C,)."""
SOLVED, BARELY_SOLVED = 2 * TOLERANCE, 20 * TOLERANCE
"""Relative error of a current, of `Trainer` and the lanes together: where wires lose little the solver of `Trainer`
ends far below its tolerance, else up to 5 times that were seen."""
MOVED = 10 * TOLERANCE
"""The same where errors of voltages add up in the levels of cells."""
MUCH = 0.05
"""Share of a voltage that is not little."""
LEAST_NEAR = 1e-8
"""An output is at least so far from its target, in units of 1 / beta, if the lanes decide."""
LARGEST_LOAD = 1e4
"""With wires of more than so many times the ohm of all cells together nothing is decided in lanes."""
MOST_READINGS = 1 << 17
"""Epochs times cells, at most, of which readings and pulses of all lanes are kept (64 MB) to see who reacts."""
LARGEST_SIDE = 32
"""Rows and columns, at most."""
_U = 2.0**-53


def loss_by_siemens(wires: Wires) -> float:
    """Return the largest share of a voltage that wires can lose by the conductance of the best cell, in ohm.

    Every potential lies between those at the ends, so no cell carries more than the whole voltage across it. Segment
    number k of a line from its end carries what the cells beyond it do. Joined at its far end too a line loses no more:
    of the same currents of its cells each makes a smaller drop everywhere.
    """
    of_rows, of_columns = (float(ohm.max()) for ohm in wires)
    rows, columns = len(wires[0]), len(wires[1])
    return (of_rows * columns * (columns + 1) + of_columns * rows * (rows + 1)) / 2


def can_be_folded(wires: Wires, siemens: FloatArray) -> BoolArray:
    """Say of which chips, by the conductance of their best cell (M,), wires and size are such that lanes decide."""
    rows, columns = len(wires[0]), len(wires[1])
    load = siemens * rows * columns * max(float(ohm.max()) for ohm in wires)
    return np.asarray((load <= LARGEST_LOAD) & (max(rows, columns) <= LARGEST_SIDE))


def solved_to(loss: float, *, moved: bool) -> float:
    """Return the relative error of a current, by the share of a voltage that wires can lose.

    `moved` says whether pulses move other cells too.
    """
    return BARELY_SOLVED if loss >= MUCH else MOVED if moved else SOLVED


def lay_out_lines(wires: Wires, topology: Topology = STANDARD) -> Wires:
    """Return what kernels take of the word lines (R, 2) and of the bit lines (C, 2).

    The ohm of a segment of each line, and the siemens by which its far end is joined to what its near end is: 0 where
    that is open, or where the line is ideal, so that it makes no difference.
    """
    word, bit = (
        np.stack([ohm, np.divide(1.0, ohm, out=np.zeros_like(ohm), where=(ohm > 0) & both)], axis=1)
        for ohm, both in zip(wires, (topology.drive == "both", topology.sense == "both"), strict=True)
    )
    return word, bit


class Layout:
    """Where cells stand in the circuit that is folded: rows onto columns, or if `turned` the more onto the fewer.

    A circuit of resistors is reciprocal: turned round, its transfer matrix is that of the other direction.
    """

    def __init__(self, wires: Wires, topology: Topology, *, turned: bool = True) -> None:
        word_lines, bit_lines = lay_out_lines(wires, topology)
        rows, columns = len(word_lines), len(bit_lines)
        cells = np.arange(rows * columns).reshape(rows, columns)
        if turned and rows < columns:
            order, word_lines, bit_lines = cells[::-1, ::-1].T, bit_lines[::-1], word_lines[::-1]
        else:
            order = cells
        self.word_lines, self.bit_lines = np.ascontiguousarray(word_lines), np.ascontiguousarray(bit_lines)
        self.places: IntArray = np.argsort(order.ravel())
        """(R C,) where each cell stands."""
        block = len(bit_lines)
        joined = bool(self.word_lines[:, 1].any() or self.bit_lines[:, 1].any())
        self.four = block == 4 and not joined and bool((self.bit_lines == self.bit_lines[0]).all())
        """Whether the code that is written out for four columns will do."""
        self._shape = (20, WIRED_LANES) if self.four else (*folding_shape(len(word_lines), block), BLOCK)

    def memory(self) -> FloatArray:
        """Return what the circuit is folded in; one for each thread."""
        return aligned(math.prod(self._shape)).reshape(self._shape)

    def memory_of_pulses(self) -> FloatArray:
        """Return what `pulse_volts` keeps of rows."""
        block = len(self.bit_lines)
        return np.empty((len(self.word_lines) + 1, max(block * (block + 1), 2 * block + 3), WIRED_LANES))


def folding_shape(rows: int, columns: int) -> tuple[int, int]:
    """Return the shape of the memory in which a circuit is folded: sources are rows, and what else is at 0 V."""
    return columns + 2, columns + max(rows, 2) + 1


def pulses_certain(
    rises: FloatArray, largest_shifts: FloatArray, ohm: float, scale: float, unresponsive: int
) -> FloatArray:
    """Return the pulses after which it is not certain any more that every cell of a chip reacts, (M,).

    Parameters
    ----------
    rises : ndarray, shape (L,)
        Of the curve, in siemens.
    largest_shifts : ndarray, shape (M,)
        Of each chip, in siemens.
    ohm : float
        `loss_by_siemens` of the wires.
    scale : float
        K.
    unresponsive : int
        As `Trainer` has it; 0 for never.
    """
    if not unresponsive:
        return np.full(len(largest_shifts), float(ANY_NUMBER))
    best = float(rises.max()) + largest_shifts
    loss = np.minimum(ohm * scale * best, 0.5)
    sigma = loss / (1 - loss) / math.sqrt(2)
    last = len(rises) - 1
    had = np.arange(unresponsive, last + unresponsive + 1)
    changes = np.abs(rises[np.minimum(had, last)] - rises[np.minimum(had - unresponsive, last)])
    needed = (loss + 2 * STRAY * sigma + 2 * BARELY_SOLVED) * best
    first = np.searchsorted(-np.minimum.accumulate(changes), -needed)
    judged = pulses_to_judge(0, 1.0) * sigma ** (2 / 3)  # what such noise asks for, or more
    return np.where(judged > unresponsive, unresponsive, had[first]).astype(np.float64)


def wired_lanes(
    task: Task,
    rises: FloatArray,
    wires: Wires,
    *,
    scale: float,
    beta: float,
    largest_shift: float,
    epochs: int,
    pull_back: bool,
    confirm: int,
    stops: int,
    unresponsive: int,
    topology: Topology = STANDARD,
    half_select: HalfSelect | None = None,
) -> Quick | None:
    """Return what trains chips with wires; None if its margins would not hold.

    Parameters
    ----------
    rises : ndarray, shape (L,)
        Of the curve, in siemens.
    wires : (ndarray, ndarray)
        Ohm of a segment of each line.
    scale, beta, epochs, pull_back, confirm, unresponsive
        As `Trainer` and the chip have them.
    largest_shift : float
        In siemens.
    stops : int
        As `train_wired` takes it.
    topology : Topology
        Ends of the lines that are joined to something.
    half_select : HalfSelect, optional
        Given where pulses may move other cells than their own.
    """
    rows = len(wires[0])
    siemens = scale * (float(rises.max()) + largest_shift)
    loss = loss_by_siemens(wires) * siemens
    solved = solved_to(loss, moved=half_select is not None)
    error = solved * beta * task.largest_v * 2 * rows * siemens
    sane = math.isfinite(error) and 1e-6 <= beta <= 1e30 and task.largest_v >= 1e-12
    if not sane or error > LARGEST_E or not can_be_folded(wires, np.array(siemens)):
        return None
    senses = 2.0 * task.labels - 1.0
    reach = max(reach_of_tanh(float(target), _U) for target in np.unique(senses * task.targets))
    near, close = max(reach + error, LEAST_NEAR), 12 * _U
    if not math.isfinite(near):
        return None
    patterns = int(task.times.sum()) + len(task.times)
    basis = LEAST_NEAR + (40 + 2 * patterns) * _U + 1e-11
    layout = Layout(wires, topology, turned=half_select is None)
    voltages = fill_to_blocks(task.voltages * (beta * task.largest_v), (1, ROW_BLOCK))
    pulls = fill_to_blocks(task.voltages * task.times[:, None], (PATTERN_BLOCK, ROW_BLOCK))
    blocks = pulls.reshape(-1, PATTERN_BLOCK, pulls.shape[1] // ROW_BLOCK, ROW_BLOCK).swapaxes(1, 2)
    from .wired_kernel import train_wired  # noqa: PLC0415 - numba takes long to import

    pulls = np.ascontiguousarray(blocks).reshape(*blocks.shape[:2], -1)
    centres = senses * np.arctanh(task.targets) + near
    of_currents, tiny = 5 * solved * beta * task.largest_v, 1e-290 * patterns
    fixed = (voltages, pulls, task.targets, senses, centres, task.times, near, close, basis, of_currents, tiny)

    def train(chips: FloatArray, out: EnsembleResult) -> None:
        flat = chips.reshape(len(chips), -1)
        most = pulses_certain(rises, flat.max(axis=1), loss_by_siemens(wires), scale, unresponsive)
        if half_select is not None and unresponsive:
            most = np.minimum(most, unresponsive)  # other pulses move cells too, so nothing is certain
        open_ones = bool(most.min() < epochs) and epochs * flat.shape[1] <= MOST_READINGS
        nothing = np.empty(0)
        judged = np.zeros((2, epochs, flat.shape[1], WIRED_LANES)) if open_ones else np.empty((2, 0))
        pulses = (
            (nothing, 0.0, 0.0)
            if half_select is None
            else (layout.memory_of_pulses(), half_select.threshold, half_select.least)
        )
        levels = np.zeros(flat.shape)  # of one type, or all would be compiled twice
        train_wired(
            flat, scale, rises, layout.places, layout.word_lines, layout.bit_lines, layout.memory(), *fixed, pull_back,
            epochs, stops, unresponsive, most, *judged, *pulses,
            out.epochs, out.converged, out.saturated, out.pulses, out.error, levels,
        )  # fmt: skip
        out.levels[:] = levels.reshape(chips.shape)
        if confirm > 1:  # readings repeat: a chip that meets every target meets them again and again
            out.epochs[out.converged] += confirm - 1
            out.converged[:] &= out.epochs <= epochs
            np.minimum(out.epochs, epochs, out=out.epochs)

    return train


def wired_transfer(conductances: FloatArray, wires: Wires, topology: Topology = STANDARD) -> FloatArray:
    """Return the transfer matrices (M, R, C) of chips of conductances (M, R, C), both in siemens."""
    from .wired_kernel import transfer_of_chips  # noqa: PLC0415 - numba takes long to import

    layout, found = Layout(wires, topology), np.empty(conductances.shape)
    flat = np.ascontiguousarray(conductances).reshape(len(conductances), -1)
    transfer_of_chips(
        flat, layout.places, layout.word_lines, layout.bit_lines, layout.memory(), found.reshape(flat.shape)
    )
    return found
