"""One training of an ensemble, checked, and the ways to carry it out.

Without noise the chips are trained in single precision first. Its decisions carry a proven margin (`ensemble.task`);
the few chips with a decision inside it are trained again in double precision, and what is still undecided by `Trainer`
itself, on a `SimulatedBackend`.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from crossbar_hil.arrays import FloatArray, at, checked_bits
from crossbar_hil.bench.effects import Effects
from crossbar_hil.errors import DataError
from crossbar_hil.training.encoding import row_voltages, target_activations
from crossbar_hil.training.motion import IDLE
from crossbar_hil.training.reactions import pulses_to_judge
from crossbar_hil.training.trainer import Trainer

from ..chip.curve import ConductanceCurve
from ..chip.reading_noise import FLICKER_S
from ..chip.relaxation import decay_terms
from ..chip.simulated import SimulatedBackend
from ..circuit.network import checked_wires
from .draw import OfChip, draw_own_arrays, own_generator, seed_words
from .quick import quick_kernel
from .result import ARRAYS, EnsembleResult
from .task import merge_patterns

WIRED = 2
"""Last word of the key of a wired chip's random numbers; the draw of shifts and the noise of others have none such."""
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
    ) -> None:
        self.curve, self.effects = curve, effects
        self.chip_settings, self.settings = {**chip_settings, **effects.numbers()}, settings
        self.read_noise, self.step_variation = effects.read_noise, effects.step_variation
        self.with_effects = bool(set(effects.strong()) - {"read_noise", "step_variation"})
        """Whether there is more than read noise and varying steps."""
        self.uneven = bool(effects.step_variation or effects.disturb)
        """Whether levels are no whole numbers."""
        self.patterns = checked_bits("patterns", patterns, (None, None))
        # The chip with the least shift stands for all: what its backend and trainer accept, the others' do.
        least, largest = extremes
        trainer = self.reference(least, own=OfChip(step_factors=np.ones(least.shape)) if effects.step_spread else None)
        trainer.check_task(patterns, labels)
        self.pull_back, self.confirm = trainer.pull_back, trainer.confirm
        self.unresponsive, self.give_up = trainer.unresponsive, trainer.give_up
        self.labels = checked_bits("labels", labels, (len(self.patterns), None))
        backend = trainer.backend
        self.wired = any(ohm.any() for ohm in checked_wires(chip_settings["wire_ohm"], *least.shape))
        self.voltages = row_voltages(self.patterns, trainer.v0, trainer.v1)
        self.targets = target_activations(self.labels, trainer.target0, trainer.target)
        backend.read_currents(self.voltages)
        backend.check_pulses(np.zeros(backend.shape, dtype=np.int64), trainer.pulse)
        own = curve.for_pulse(trainer.pulse)
        self.rises, self.pulse_s = own.rises, trainer.pulse.width_s
        self.moves = own is curve or own.span > 0  # a curve of another pulse that never rises moves no cell
        self.scale, self.beta, self.epochs = float(chip_settings["scale"]), trainer.beta, int(trainer.epochs)
        mirrored = trainer.v0 == -trainer.v1 and trainer.target0 == -trainer.target
        self.task = task = merge_patterns(self.patterns, self.labels, self.targets, self.voltages, mirrored)
        self.quick_single, self.quick_double = (
            quick_kernel(
                task,
                self.rises,
                single=single,
                gain=self.beta * self.scale * task.largest_v,
                beta=self.beta,
                largest_shift=largest,
                epochs=self.epochs,
                pull_back=self.pull_back,
                confirm=self.confirm,
                give_up=self.give_up,
                unresponsive=self.unresponsive,
            )
            if self.moves and self.epochs <= FEW_EPOCHS and not (effects.strong() or self.wired)
            else None
            for single in (True, False)
        )

    def reference(
        self,
        shifts: FloatArray,
        rng: np.random.Generator | None = None,
        own: OfChip | None = None,
    ) -> Trainer:
        """Return the trainer of one chip, which is what the ensemble must agree with."""
        rng = rng or np.random.default_rng(0)  # not used without noise
        backend = SimulatedBackend(self.curve, shifts, rng=rng, **self.chip_settings, **(own or OfChip()))
        return Trainer(backend, **self.settings)

    def train(self, chips: FloatArray, out: EnsembleResult) -> None:
        """Train without noise: quickly, then more exactly where that left a doubt, then by `Trainer`."""
        left = np.arange(len(chips))
        for quick in (self.quick_single, self.quick_double):
            if quick is None or not len(left):
                continue
            if len(left) == len(chips):
                quick(chips, out)
            else:
                part = EnsembleResult.empty(0, chips[left].shape, np.int32)
                quick(chips[left], part)
                for name in ARRAYS:
                    getattr(out, name)[left] = getattr(part, name)
            left = np.flatnonzero(out.epochs == 0)
        for chip in left:
            self._by_trainer(chips[chip], out, int(chip))
        self._fill_errors(chips, out)

    def train_noisy(self, chips: FloatArray, first: int, seed: int, out: EnsembleResult) -> None:
        """Train with read noise or varying steps."""
        from .noise import train_noisy  # noqa: PLC0415 - numba takes long to import

        levels = np.empty(chips.shape)  # whole numbers unless steps vary
        idle, silent = self._ending(self.read_noise)
        train_noisy(
            chips, first, seed_words(seed), self.rises, self.scale, self.beta, self.voltages, self.targets,
            2.0 * self.labels - 1.0, self.epochs, float(self.read_noise), float(self.step_variation), self.moves,
            self.pull_back, self.confirm, idle, silent,
            out.epochs, out.converged, out.saturated, out.pulses, out.error, levels,
        )  # fmt: skip
        out.levels[:] = levels

    def train_with_effects(self, chips: FloatArray, first: int, seed: int, out: EnsembleResult) -> None:
        """Train with any of the effects.

        Raises
        ------
        DataError
            If a step factor makes a conductance negative.
        """
        from .effects import train_with_effects  # noqa: PLC0415 - numba takes long to import

        effects, ones = self.effects, np.ones(chips.shape)
        own = draw_own_arrays(effects, len(chips), chips.shape[1:], seed=seed, first=first)
        factors = ones if own.step_factors is None else own.step_factors
        missing = -self.rises.min() * factors - chips
        if missing.max() > 0:
            chip, row, column = np.unravel_index(missing.argmax(), missing.shape)
            raise DataError(
                f"chip {first + chip}: cell {at(row, column)}, of step factor {factors[chip, row, column]:.3g}, has a "
                "negative conductance where the curve dips below its start; take the smoothed curve, or larger shifts"
            )
        size = np.array([
            effects.read_noise, effects.telegraph, effects.telegraph_share, effects.telegraph_s or 0.0, effects.flicker,
            effects.step_variation, effects.drift, effects.disturb, effects.read_s, self.pulse_s, self.curve.span,
        ])  # fmt: skip
        nothing = np.empty(0)
        losses = (nothing, nothing)
        if effects.relaxation:
            law = effects.relaxation_law, effects.relaxation_exponent
            losses = decay_terms(effects.relaxation, effects.relaxation_s or 0.0, *law)
        levels = np.empty(chips.shape)
        readings = math.sqrt(
            effects.read_noise**2
            + effects.flicker**2
            + effects.telegraph**2 * effects.telegraph_share * (1 - effects.telegraph_share)
        )
        changing = bool({"relaxation", "drift", "disturb"} & set(effects.strong()))
        idle, silent = self._ending(readings, changing=changing)
        train_with_effects(
            chips, factors, ones if own.shape_exponents is None else own.shape_exponents,
            np.zeros((len(chips), chips.shape[2])) if own.column_offsets is None else own.column_offsets, first,
            seed_words(seed), self.rises, self.scale, self.beta, self.voltages, self.targets, 2.0 * self.labels - 1.0,
            self.epochs, size, *losses, FLICKER_S, self.moves, self.pull_back, self.confirm, idle, silent,
            not (changing or readings),
            out.epochs, out.converged, out.saturated, out.pulses, out.error, levels, out.conductances, out.fresh,
        )  # fmt: skip
        out.levels[:] = levels

    def _ending(self, readings: float, *, changing: bool = False) -> tuple[int, int]:
        """Return how many evaluations without pulses end a training, and how many pulses without reaction a cell's.

        Each is 0 for never. `readings` is the relative standard deviation of one, `changing` whether cells change by
        themselves: then none is seen to be without a reaction.
        """
        repeats = not (changing or readings)
        idle = 0 if not self.give_up else 1 if repeats else max(self.confirm, IDLE)
        judged = bool(self.unresponsive) and not changing
        return idle, pulses_to_judge(self.unresponsive, readings) if judged else 0

    def train_wired(self, chips: FloatArray, first: int, seed: int, out: EnsembleResult) -> None:
        """Train chips with wires, one by one; each has random numbers of its own."""
        own = draw_own_arrays(self.effects, len(chips), chips.shape[1:], seed=seed, first=first)
        for chip, shifts in enumerate(chips):
            self._by_trainer(shifts, out, chip, own_generator(seed, first + chip, WIRED), own.of(chip))

    def _by_trainer(
        self,
        shifts: FloatArray,
        out: EnsembleResult,
        chip: int,
        rng: np.random.Generator | None = None,
        own: OfChip | None = None,
    ) -> None:
        trainer = self.reference(shifts, rng, own)
        out.take(chip, trainer.run(self.patterns, self.labels), trainer.backend.state()["level"])
        if out.conductances is not None and isinstance(trainer.backend, SimulatedBackend):
            out.conductances[chip] = trainer.backend.conductances

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
