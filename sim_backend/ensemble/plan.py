"""One training of an ensemble, checked, and the ways to carry it out.

Without noise the chips are trained in single precision first. Its decisions carry a proven margin (`ensemble.task`);
the few chips with a decision inside it are trained again in double precision, and what is still undecided by `Trainer`
itself, on a `SimulatedBackend`.
"""

import math
from functools import cache, partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from crossbar_hil.arrays import FloatArray, IntArray, at, checked_bits
from crossbar_hil.bench.effects import CELL_LISTS, Effects
from crossbar_hil.errors import DataError
from crossbar_hil.training.encoding import row_voltages, target_activations
from crossbar_hil.training.trainer import Trainer

from ..chip.curve import ConductanceCurve
from ..chip.simulated import SimulatedBackend, cell_mask
from ..circuit import Topology
from ..circuit.network import checked_wires
from .draw import OfChip, draw_own_arrays, own_generator, seed_words
from .effects import NOISY, Ending, Lanes, effects_lanes
from .half_select import half_select
from .own_cells import CellArrays, GivenCells, cell_arrays
from .quick import Quick, quick_kernel
from .result import EnsembleResult
from .task import Task, merge_patterns
from .wired import can_be_folded, loss_by_siemens, wired_lanes

WIRED = 2
"""Last word of the key of the random numbers of a chip that is trained alone; draws and lanes have none such."""
_SIMPLE = {"read_noise", "step_variation"}
FEW_EPOCHS = 1 << 20
"""With more epochs than this `Trainer` trains alone: the kernel's table of steps has two entries an epoch."""


class Plan:
    """One training, checked, and the three ways to carry it out.

    `extremes` are the shifts of the chip with the least of all, and the largest of all, in siemens.
    """

    def __init__(
        self,
        curve: ConductanceCurve,
        extremes: tuple[FloatArray, float],
        patterns: ArrayLike,
        labels: ArrayLike,
        chip_settings: dict[str, Any],
        settings: dict[str, Any],
        *,
        effects: Effects,
        given: GivenCells | None = None,
    ) -> None:
        self.curve, self.effects = curve, effects
        shape = extremes[0].shape
        lists = {name: cell_mask(name, getattr(effects, name), shape) for name in CELL_LISTS}
        self.chip_settings, self.settings = {**chip_settings, **effects.numbers(), **lists}, settings
        halves = chip_settings["write"] == "half-select"
        self.uneven = bool(effects.step_variation or effects.disturb or halves or given is not None)
        """Whether levels are no whole numbers."""
        self.patterns = checked_bits("patterns", patterns, (None, None))
        # The chip with the least shift stands for all: what its backend and trainer accept, the others' do.
        least, largest = extremes
        any_rng = np.random.default_rng(0)  # not used without noise
        even = OfChip(step_factors=np.ones(least.shape)) if effects.step_spread else None
        made = None if given is None else given.backend(0, any_rng)
        trainer = self.reference(least, any_rng, even) if made is None else Trainer(made, **settings)
        trainer.check_task(patterns, labels)
        self.pull_back, self.confirm = trainer.pull_back, trainer.confirm
        self.unresponsive, self.give_up = trainer.unresponsive, trainer.give_up
        self.labels = checked_bits("labels", labels, (len(self.patterns), None))
        backend = trainer.backend
        self.wires = checked_wires(chip_settings["wire_ohm"], *least.shape)
        self.topology = Topology(drive=chip_settings["drive"], sense=chip_settings["sense"])
        self.halves = halves
        self.wired = halves or any(ohm.any() for ohm in self.wires)
        """Whether the cells are one circuit."""
        self.strong = frozenset(effects.strong())
        quiet = not self.strong and given is None
        self.more = not quiet and (self.wired or bool(self.strong - _SIMPLE) or given is not None)
        """Whether there is more than read noise and varying steps."""
        self.voltages = row_voltages(self.patterns, trainer.v0, trainer.v1)
        self.targets = target_activations(self.labels, trainer.target0, trainer.target)
        backend.read_currents(self.voltages)
        backend.check_pulses(np.zeros(backend.shape, dtype=np.int64), trainer.pulse)
        own = curve.for_pulse(trainer.pulse)
        self.rises, self.pulse_s = own.rises, trainer.pulse.width_s
        self.moves = own is curve or own.span > 0  # a curve of another pulse that never rises moves no cell
        self.scale, self.beta, self.epochs = float(chip_settings["scale"]), trainer.beta, int(trainer.epochs)
        self.read_v = max(abs(trainer.v0), abs(trainer.v1))
        mirrored = trainer.v0 == -trainer.v1 and trainer.target0 == -trainer.target
        self.task = task = merge_patterns(self.patterns, self.labels, self.targets, self.voltages, mirrored)
        self.ending = Ending.of(
            effects,
            epochs=self.epochs,
            confirm=self.confirm,
            give_up=self.give_up,
            unresponsive=self.unresponsive,
            wires=self.wired,
            halves=halves,
        )
        self.quick = cache(
            partial(
                quick_kernel,
                task,
                self.rises,
                gain=self.beta * self.scale * task.largest_v,
                beta=self.beta,
                largest_shift=largest,
                epochs=self.epochs,
                pull_back=self.pull_back,
                confirm=self.confirm,
                give_up=self.give_up,
                unresponsive=self.unresponsive,
            )
        )
        """Returns the quick kernel of one precision: of double few chips have need."""
        self.quickly = self.moves and self.epochs <= FEW_EPOCHS and not (self.strong or self.wired)
        found = half_select(curve, trainer.pulse, chip_settings["threshold"]) if halves else None
        self.disturbing = found if found is not None and found.alone else None
        """Half-select pulses of which each moves other cells too; None if not all along one curve."""
        self.whole_loss = math.inf if not halves else -1.0 if found is None else found.whole
        """Share of a voltage that wires may lose so that a pulse moves its cell by one level and no other."""
        known = self.wired and self.moves and self.epochs <= FEW_EPOCHS and not self.strong
        each_with = None, self.disturbing
        self.lanes, self.half_lanes = (
            wired_lanes(
                task,
                self.rises,
                self.wires,
                scale=self.scale,
                beta=self.beta,
                largest_shift=largest,
                epochs=self.epochs,
                pull_back=self.pull_back,
                confirm=self.confirm,
                stops=0 if not self.give_up else 2 if halves else 1,
                unresponsive=self.unresponsive,
                topology=self.topology,
                half_select=pulses,
            )
            if known and (pulses or not disturbing)
            else None
            for disturbing, pulses in enumerate(each_with)
        )

    def reference(self, shifts: FloatArray, rng: np.random.Generator, own: OfChip | None = None) -> Trainer:
        """Return the trainer of one chip, which is what the ensemble must agree with."""
        backend = SimulatedBackend(self.curve, shifts, rng=rng, **self.chip_settings, **(own or OfChip()))
        return Trainer(backend, **self.settings)

    def train(self, chips: FloatArray, out: EnsembleResult) -> None:
        """Train without noise: quickly, then more exactly where that left a doubt, then by `Trainer`."""
        left = np.arange(len(chips))
        for single in (True, False) if self.quickly else ():
            quick = self.quick(single=single) if len(left) else None
            if quick is not None:
                _train_some(quick, left, chips, out)
                left = np.flatnonzero(out.epochs == 0)
        for chip in left:
            self._by_trainer(chips[chip], out, int(chip), np.random.default_rng(0))
        self._fill_errors(chips, out)

    def train_with_effects(
        self, chips: FloatArray, first: int, seed: int, out: EnsembleResult, given: GivenCells | None = None
    ) -> None:
        """Train chips with any of the effects, of which something may be given.

        Where half-select pulses may move other cells along another curve, each is trained by `Trainer`.

        Raises
        ------
        DataError
            If a step factor makes a conductance negative.
        """
        drawn = draw_own_arrays(self.effects, len(chips), chips.shape[1:], seed=seed, first=first)
        own = cell_arrays(self.effects, chips.shape[1:], drawn, given, moves=self.moves)
        self._check_factors(chips, first, own)
        strong, key = self.strong, seed_words(seed)
        largest = self._largest_siemens(chips, own)
        make_lanes = partial(
            effects_lanes,
            self.task if not strong & {*NOISY, "column_offset_a"} else self._every_pattern(),
            self.effects,
            self.ending,
            rises=self.rises,
            top=self.curve.span,
            scale=self.scale,
            beta=self.beta,
            read_v=self.read_v,
            patterns=len(self.patterns),
            pulse_s=self.pulse_s,
            epochs=self.epochs,
            pull_back=self.pull_back,
            confirm=self.confirm,
            largest_siemens=float(largest.max()),
            begun_s=0.0 if given is None else given.begun_s,
            columns=chips.shape[2],
            wires=self.wires if any(ohm.any() for ohm in self.wires) else None,
            topology=self.topology,
        )
        whole = loss_by_siemens(self.wires) * largest < (-1.0 if "drift" in strong and self.halves else self.whole_loss)
        folded = can_be_folded(self.wires, largest) if self.wired else np.ones(len(chips), dtype=bool)
        for which, pulses in ((whole, None), (~whole, self.disturbing)):
            chosen = np.flatnonzero(which & folded)
            if len(chosen) and (pulses is not None or which is whole):
                lanes = make_lanes(pulses=None if pulses is None else (pulses, self.wires))
                if lanes is not None:
                    theirs = own if len(chosen) == len(chips) else own.of(chosen)
                    train = partial(_with_own, lanes, theirs, first + chosen, key)
                    _train_some(train, chosen, chips, out)
        for chip in map(int, np.flatnonzero(out.epochs == 0)):
            rng = own_generator(seed, first + chip, WIRED)
            backend = None if given is None else given.backend(chip, rng)
            self._by_trainer(chips[chip], out, chip, rng, drawn.of(chip), backend)

    def _check_factors(self, chips: FloatArray, first: int, own: CellArrays) -> None:
        missing = -self.rises.min() * own.step_factors - chips
        if missing.max() > 0:
            chip, row, column = np.unravel_index(missing.argmax(), missing.shape)
            factor = np.broadcast_to(own.step_factors, chips.shape)[chip, row, column]
            raise DataError(
                f"chip {first + chip}: cell {at(row, column)}, of step factor {factor:.3g}, has a "
                "negative conductance where the curve dips below its start; take the smoothed curve, or larger shifts"
            )

    def _largest_siemens(self, chips: FloatArray, own: CellArrays) -> FloatArray:
        """Return the largest conductance that a cell of each chip may come to."""
        cells = self.scale * (self.rises.max() * own.step_factors + chips)
        largest: FloatArray = np.maximum(cells, own.held, out=cells).max(axis=(1, 2))
        return largest

    def _every_pattern(self) -> Task:
        """Return the task with every pattern as it is: readings of them differ, or columns add to them."""
        largest = self.task.largest_v
        ones = np.ones(len(self.patterns))
        return Task(self.patterns, self.labels, ones, self.voltages / (largest or 1.0), largest, self.targets)

    def train_wired(self, chips: FloatArray, first: int, seed: int, out: EnsembleResult) -> None:
        """Train chips with wires, side by side without noise; one by one each has random numbers of its own."""
        siemens = self.scale * (self.rises.max() + chips.max(axis=(1, 2)))
        whole = loss_by_siemens(self.wires) * siemens < self.whole_loss
        judged = self.disturbing is not None and self.unresponsive > 0  # nearly every chip has a cell in doubt
        for lanes, which in ((self.lanes, whole), (self.half_lanes, ~whole)):
            if lanes is not None and not (judged and lanes is self.half_lanes):
                _train_some(lanes, np.flatnonzero(which), chips, out)
        if self.lanes is not None:
            out.error[:] *= len(self.patterns) / self.task.times.sum()
        if judged:
            _train_some(
                lambda some, part: self.train_with_effects(some, first, seed, part), np.flatnonzero(~whole), chips, out
            )
        left = np.flatnonzero(out.epochs == 0)
        own = draw_own_arrays(self.effects, len(chips), chips.shape[1:], seed=seed, first=first)
        for chip in map(int, left):
            self._by_trainer(chips[chip], out, chip, own_generator(seed, first + chip, WIRED), own.of(chip))

    def _by_trainer(
        self,
        shifts: FloatArray,
        out: EnsembleResult,
        chip: int,
        rng: np.random.Generator,
        own: OfChip | None = None,
        made: SimulatedBackend | None = None,
    ) -> None:
        trainer = self.reference(shifts, rng, own) if made is None else Trainer(made, **self.settings)
        result, backend = trainer.run(self.patterns, self.labels), trainer.backend
        out.take(chip, result, backend.state()["level"])
        if out.conductances is not None and isinstance(backend, SimulatedBackend):
            out.conductances[chip] = backend.conductances
        if out.fresh is not None:
            met = trainer.predict(self.patterns).correct(self.labels).all()
            out.fresh[chip] = result.converged and bool(met)

    def _fill_errors(self, chips: FloatArray, out: EnsembleResult) -> None:
        from .error import fill_errors  # noqa: PLC0415 - numba takes long to import

        task = self.task
        missed = np.flatnonzero(~out.converged)
        times = task.times * (len(self.patterns) / task.times.sum())
        gain = self.beta * self.scale * task.largest_v
        fill_errors(
            missed, chips, out.levels, self.rises, gain, task.voltages, task.targets, 2.0 * task.labels - 1.0, times,
            out.error,
        )  # fmt: skip


def _with_own(
    lanes: Lanes, own: CellArrays, numbers: IntArray, key: Any, chips: FloatArray, out: EnsembleResult
) -> None:
    lanes(chips, own, numbers, key, out)


def _train_some(quick: Quick, which: IntArray, chips: FloatArray, out: EnsembleResult) -> None:
    """Train chosen chips, all or some of them."""
    if len(which) == len(chips):
        quick(chips, out)
    elif len(which):
        part = out.chosen(which)
        quick(chips[which], part)
        out.put(which, part)
