"""The virtual chips that a bench file describes, trained by their numbers: in lock-step, or one by one if need be."""

import functools
import math
from collections.abc import Hashable, Sequence
from typing import Protocol

import numpy as np
from pydantic import BaseModel

from crossbar_hil.arrays import FloatArray
from crossbar_hil.backend import Pulse
from crossbar_hil.bench.effects import Effects
from crossbar_hil.bench.file import WHERE_CELLS_START, Bench
from crossbar_hil.errors import ConfigError
from crossbar_hil.plugins import load
from crossbar_hil.shipped import BytesFile, TextFile
from crossbar_hil.training.patterns import PatternSet
from crossbar_hil.training.rules.manhattan import manhattan_signs
from crossbar_hil.training.settings import make_trainer
from crossbar_hil.twins.file import Twin, read_twin

from ..chip.curve import ConductanceCurve
from ..chip.simulated import DEFAULT_LIMITS, SimulatedBackend
from ..chip.starting import is_rescaled, spread_numbers, start_shifts
from ..chip.twinned import check_size, twin_curve, twin_effects
from ..chip.variation import rescaled_lognormal_shifts
from ..circuit.cells import make_cell
from ..circuit.network import checked_wires
from .afterwards import Judge
from .draw import OfChip, draw_ensemble, draw_number, draw_own_arrays, own_generator
from .half_select import half_select
from .own_cells import GivenCells
from .result import EnsembleResult
from .wired import LARGEST_SIDE, MOST_READINGS, Wires, can_be_folded, loss_by_siemens, pulses_certain

_RESCALED, _NOISE = 1, 2
"""What a chip's own generators are for."""
_TRAINING = {
    *("beta", "target", "target0", "epochs", "v0", "v1", "pull_back", "check_labels"),
    *("confirm", "give_up", "unresponsive"),
}
"""Settings that `train_ensemble` takes as they are."""
_QUICK_CHIP = {
    *Effects.model_fields,
    *WHERE_CELLS_START,
    "scale",
    "rows",
    "columns",
    "curve",
    "curve_amplitude_v",
    "curve_width_s",
    "smoothed",
    "curve_cells",
    "step_variation_interval",
    *("wire_ohm", "write", "threshold", "drive", "sense"),
}
_QUICK_TRAINING = {*_TRAINING, "patterns", "amplitude_v", "width_s", "rule", "fresh_reads"}
"""Settings that the lock-step knows; with any other that is not as usual, chips are trained one by one."""
TYPICAL = 20
"""Chips whose largest conductances say whether wires are short enough for the lock-step."""


class ReadFile(BytesFile, TextFile, Hashable, Protocol):
    """A file that was read already, so that it does not change."""


class BenchEnsemble:
    """Virtual chips by number: chip k of a seed is the same whatever else is trained.

    Parameters
    ----------
    bench : Bench
        Its virtual chip, training and limits; curve and patterns are given by `curve` and `task`.
    curve : ReadFile
        The measured curve.
    task : PatternSet
        What is trained.
    start : ReadFile, optional
        The map at which the cells start, if the bench names one.
    twin : ReadFile, optional
        The twin whose draws the chips are, if the bench names one.

    Raises
    ------
    CrossbarError
        If the settings are wrong, in the words of `Trainer` and `SimulatedBackend`.
    """

    def __init__(
        self,
        bench: Bench,
        curve: ReadFile,
        task: PatternSet,
        start: ReadFile | None = None,
        twin: ReadFile | None = None,
    ) -> None:
        if bench.chip is None:
            raise ConfigError(f"bench {bench.name} has no [chip] table, from which the virtual chips are made")
        self.bench, self.chip, self.training, self.task = bench, bench.chip.resolved, bench.training, task
        self.limits = bench.limits or DEFAULT_LIMITS
        self._twin = None if twin is None else read_twin(twin)
        if self._twin is None:
            self.curve = _read_curve(curve, self.chip.curve_pulse, self.chip.smoothed)
        else:
            check_size(self.chip, self._twin)
            self.curve = twin_curve(self._twin)
        self._map = None if start is None else start_shifts(self.chip, start)
        self.cell = make_cell(self.chip.cell, self.chip.cell_options)

    def check(self, seed: int) -> None:
        """Evaluate one chip once, so that whatever is wrong with the settings is said."""
        own = draw_own_arrays(self.chip, 1, self._shape, seed=seed).of(0)
        backend = self._backend(seed, 0, self._draw(seed, 0, 1)[0], own)
        trainer = make_trainer(self.bench.training, backend, seed=seed)
        trainer.check_task(self.task.train, self.task.train_labels)
        for pulse in trainer.update.pulses():
            backend.check_pulses(np.zeros(backend.shape, dtype=np.int64), pulse)
        backend.read_conductances(max(abs(trainer.v0), abs(trainer.v1)))

    @property
    def lockstep(self) -> bool:
        """Whether the chips can be trained side by side; one by one takes some hundred times as long."""
        plain = _as_usual(self.chip, _QUICK_CHIP) and _as_usual(self.training, _QUICK_TRAINING)
        if not plain or load("rules", self.training.rule) is not manhattan_signs:
            return False
        if self._twin is None and not self.chip.strong():
            return not self._wired or self._in_lanes
        return self._judged_in_lanes and (not self._wired or self._whole)

    @functools.cached_property
    def _whole(self) -> bool:
        """Whether wires of chips with effects, and half-select pulses, are such that nearly all are in lanes."""
        shifts, twin = self._draw(0, 0, TYPICAL), self._twin
        scale = self.chip.k if twin is None else twin.scale
        # Two in a hundred cells have larger steps.
        factor = math.exp(2 * self.chip.step_spread) if twin is None else max(map(max, twin.draws.step_factors))
        rises = self.curve.for_pulse(self.training.pulse).rises
        siemens = scale * (float(rises.max()) * factor + shifts.max(axis=(1, 2)))
        if not can_be_folded(self._wires, siemens).all():
            return False
        if self.chip.write == "direct":
            return True
        found = half_select(self.curve, self.training.pulse, self.chip.threshold)
        loses = loss_by_siemens(self._wires) * float(siemens.max())
        return found is not None and (found.alone or (loses < found.whole and not self.chip.drift))

    @property
    def _judged_in_lanes(self) -> bool:
        """Whether chips with effects are trained side by side, which those of very long trainings are not."""
        cells, epochs = self.chip.rows * self.chip.columns, self.training.epochs
        if not self.training.unresponsive:
            return True
        # How long a flat curve asks for depends on how steps vary, on which a twin's draws do not agree.
        flat = self._twin is not None and self.curve.for_pulse(self.training.pulse).flat_pulses > 0
        return epochs * cells <= MOST_READINGS and not flat

    @functools.cached_property
    def _wires(self) -> Wires:
        return checked_wires(self.chip.wire_ohm, *self._shape)

    @property
    def _wired(self) -> bool:
        """Whether the cells are one circuit."""
        return self.chip.write != "direct" or any(ohm.any() for ohm in self._wires)

    @functools.cached_property
    def _in_lanes(self) -> bool:
        """Whether chips with wires are trained side by side, nearly all of them."""
        if self.chip.strong() or max(self._shape) > LARGEST_SIDE:
            return False
        epochs, unresponsive = self.training.epochs, self.training.unresponsive
        rises, shifts = self.curve.for_pulse(self.training.pulse).rises, self._draw(0, 0, TYPICAL).max(axis=(1, 2))
        ohm = loss_by_siemens(self._wires)
        certain = pulses_certain(rises, shifts, ohm, self.chip.k, unresponsive).min() >= epochs
        if not certain and epochs * self.chip.rows * self.chip.columns > MOST_READINGS:  # too many to judge by them
            return False
        if self.chip.write == "direct":
            return True
        found = half_select(self.curve, self.training.pulse, self.chip.threshold)
        whole = found is not None and bool(ohm * self.chip.k * (rises.max() + shifts.max()) < found.whole)
        return whole or (found is not None and found.alone)

    @functools.cached_property
    def rise(self) -> float:
        """Largest rise of a cell by the training's pulse, in siemens."""
        scale = self.chip.k if self._twin is None else self._twin.scale
        return scale * self.curve.for_pulse(self.training.pulse).span

    @property
    def widths_s(self) -> list[float]:
        """Measured widths of pulses of the training's amplitude, the shortest first; none if they are not known."""
        return self.curve.widths_by_amplitude().get(self.training.amplitude_v, [])

    @property
    def noisy(self) -> bool:
        """Whether a fresh read of a trained chip may differ from the one before."""
        if self._twin is not None and self._twin.numbers.read_noise.value:
            return True
        return bool({"read_noise", "telegraph", "flicker", "relaxation", "drift"} & set(self.chip.strong()))

    @property
    def _shape(self) -> tuple[int, int]:
        return self.chip.rows, self.chip.columns

    def train(self, seed: int, first: int, count: int, drifts: Sequence[float] = ()) -> EnsembleResult:
        """Train chips `first` to ``first + count - 1`` in one thread, judge them, and again after relative drifts.

        The seed of the ensemble is not negative.
        """
        shifts = self._draw(seed, first, count)
        if self.lockstep:
            return self._look_back(self._side_by_side(seed, first, shifts), seed, shifts, drifts)
        return self._one_by_one(seed, first, shifts, drifts)

    def _draw(self, seed: int, first: int, count: int) -> FloatArray:
        shape = self._shape
        if self._twin is not None:
            numbers_of_draws = [draw_number(seed, first + place, self._twin.count) for place in range(count)]
            return np.array([self._twin.chip(each).start_siemens / self._twin.scale for each in numbers_of_draws])
        if self._map is not None:
            return np.broadcast_to(self._map, (count, *shape)).copy()
        numbers = spread_numbers(self.chip, self.curve)
        if is_rescaled(self.chip):
            places = range(first, first + count)
            return np.array(
                [rescaled_lognormal_shifts(shape, rng=own_generator(seed, k, _RESCALED), **numbers) for k in places]
            )
        return draw_ensemble(count, shape, seed=seed, first=first, **numbers)

    def _side_by_side(self, seed: int, first: int, shifts: FloatArray) -> EnsembleResult:
        from .training import train_chips  # noqa: PLC0415 - loads numba

        scale = self.chip.k if self._twin is None else self._twin.scale
        return train_chips(
            self.curve,
            shifts,
            self.task.train,
            self.task.train_labels,
            {"scale": scale, **self.chip.circuit_settings()},
            {"pulse": self.training.pulse, **self.training.model_dump(include=_TRAINING)},
            self._effects,
            seed,
            first,
            1,
            self._of_twin(seed, first, len(shifts)),
        )

    @property
    def _effects(self) -> Effects:
        """Those of the chips; of how steps vary, what the first of a twin's draws has."""
        numbers = {name: getattr(self.chip, name) for name in Effects.model_fields}
        if self._twin is not None:
            said = twin_effects(self.chip, self._twin, self._twin.chip(0))
            most = max(self._twin.draws.step_variation)
            numbers |= {name: value for name, value in said.items() if name in numbers} | {"step_variation": most}
        return Effects(**numbers)

    def _of_twin(self, seed: int, first: int, count: int) -> GivenCells | None:
        """Return what the chips have of their own as draws of a twin."""
        twin = self._twin
        if twin is None:
            return None
        places = [draw_number(seed, first + place, twin.count) for place in range(count)]
        draws = [twin.chip(each) for each in places]
        moves = np.array([each.moves for each in draws])
        seconds = twin.source.seconds if twin.numbers.relaxation is not None else None
        return GivenCells(
            np.where(moves, [each.step_factors for each in draws], 1.0),
            np.where(moves, [each.levels for each in draws], 0.0),
            moves,
            np.array([each.step_variation for each in draws]),
            seconds or 0.0,
            lambda place, rng: self._twin_backend(twin, places[place], rng),
        )

    def _look_back(
        self, result: EnsembleResult, seed: int, shifts: FloatArray, drifts: Sequence[float]
    ) -> EnsembleResult:
        """Judge chips that were trained side by side, by the conductances that their cells have in the end."""
        fresh, (drifted, right) = result.converged.copy(), np.zeros((2, len(result), len(drifts)), dtype=bool)
        good = np.flatnonzero(result.converged)
        if not len(good) or not (self.noisy or drifts):
            return result.judged(fresh, drifted, right)
        own = draw_own_arrays(self.chip, len(shifts), self._shape, seed=seed, first=result.first)
        backend = self._backend(seed, result.first, shifts[0], own.of(0))
        judge = Judge(make_trainer(self.training, backend), self.task)
        numbers = result.first + good
        if result.conductances is not None and result.fresh is not None:
            conductances, fresh = result.conductances[good], result.fresh
        else:
            rises = self.curve.for_pulse(self.training.pulse).rises
            levels = np.interp(result.levels[good], np.arange(len(rises)), rises)
            conductances = self.chip.k * (levels + shifts[good])
            if self.noisy:
                fresh[good] = judge.fresh_reads(conductances, self.chip.read_noise, seed, numbers)
        if drifts:
            offsets = None if own.column_offsets is None else own.column_offsets[good]
            wires = self._wires if self._wired else None
            drifted[good], right[good] = judge.ohmic_after_drift(
                conductances, drifts, seed, numbers, offsets, wires, backend.topology
            )
        return result.judged(fresh, drifted, right)

    def _one_by_one(self, seed: int, first: int, shifts: FloatArray, drifts: Sequence[float]) -> EnsembleResult:
        found = EnsembleResult.empty(first, shifts.shape, np.float64)
        fresh, (drifted, right) = np.zeros(len(shifts), dtype=bool), np.zeros((2, len(shifts), len(drifts)), dtype=bool)
        own = draw_own_arrays(self.chip, len(shifts), self._shape, seed=seed, first=first)
        trainer = make_trainer(self.training, self._backend(seed, first, shifts[0], own.of(0)), seed=seed)
        judge = Judge(trainer, self.task)
        for place, each in enumerate(shifts):
            backend = self._backend(seed, first + place, each, own.of(place))
            trainer.backend, trainer.number = backend, first + place
            result = trainer.run(self.task.train, self.task.train_labels)
            found.take(place, result, backend.levels)
            if result.converged:
                if drifts:
                    drifted[place], right[place] = judge.after_drift(backend, drifts, seed, first + place)
                fresh[place] = judge.fresh_read(backend)  # takes time, so it comes last
        return found.judged(fresh, drifted, right)

    def _backend(self, seed: int, number: int, shifts: FloatArray, own: OfChip) -> SimulatedBackend:
        rng = own_generator(seed, number, _NOISE)
        if self._twin is not None:
            return self._twin_backend(self._twin, draw_number(seed, number, self._twin.count), rng)
        return SimulatedBackend.of_chip(
            self.chip, self.curve, shifts, rng=rng, cell=self.cell, limits=self.limits, **own
        )

    def _twin_backend(self, twin: Twin, place: int, rng: np.random.Generator) -> SimulatedBackend:
        return SimulatedBackend.of_twin(self.chip, twin, self.curve, place, rng=rng, cell=self.cell, limits=self.limits)


@functools.lru_cache(maxsize=16)
def _read_curve(curve: ReadFile, pulse: Pulse | None, smoothed: bool) -> ConductanceCurve:
    """Read a curve once for all the chunks and points that share it."""
    return ConductanceCurve.of_device(curve, pulse, smoothed=smoothed)


def _as_usual(table: BaseModel, known: set[str]) -> bool:
    """Whether every setting but the known ones has its default."""
    return all(
        getattr(table, name) == field.get_default(call_default_factory=True)
        for name, field in type(table).model_fields.items()
        if name not in known
    )
