"""The virtual chips that a bench file describes, trained by their numbers: in lock-step, or one by one if need be."""

import functools
from collections.abc import Hashable
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from crossbar_hil.arrays import FloatArray
from crossbar_hil.backend import Pulse
from crossbar_hil.bench.file import Bench
from crossbar_hil.errors import ConfigError
from crossbar_hil.plugins import load
from crossbar_hil.shipped import TextFile
from crossbar_hil.training.patterns import PatternSet
from crossbar_hil.training.rules.manhattan import manhattan_signs
from crossbar_hil.training.settings import make_trainer
from crossbar_hil.training.trainer import Trainer

from ..chip.curve import ConductanceCurve
from ..chip.simulated import DEFAULT_LIMITS, SimulatedBackend
from ..chip.variation import rescaled_lognormal_shifts
from .draw import draw_ensemble, own_generator

_RESCALED, _NOISE = 1, 2
"""What a chip's own generators are for."""
_QUICK_CHIP = {"rows", "columns", "curve", "curve_amplitude_v", "curve_width_s", "smoothed", "scale", "spread"} | {
    "read_noise",
    "step_variation",
}
_QUICK_TRAINING = {"patterns", "epochs", "beta", "target", "target0", "v0", "v1", "amplitude_v", "width_s"} | {
    "rule",
    "pull_back",
}
"""Settings that the lock-step knows; with any other that is not as usual, chips are trained one by one."""


class ReadText(TextFile, Hashable, Protocol):
    """The text of a file that was read already, so that it does not change."""


class Outcome(NamedTuple):
    """What M trainings came to, one number a chip."""

    converged: NDArray[Any]
    epochs: NDArray[Any]
    pulses: NDArray[Any]
    saturated: NDArray[Any]


class BenchEnsemble:
    """Virtual chips by number: chip k of a seed is the same whatever else is trained.

    Parameters
    ----------
    bench : Bench
        Its virtual chip, training and limits; curve and patterns are given by `curve` and `task`.
    curve : ReadText
        The measured curve.
    task : PatternSet
        What is trained.

    Raises
    ------
    CrossbarError
        If the settings are wrong, in the words of `Trainer` and `SimulatedBackend`.
    """

    def __init__(self, bench: Bench, curve: ReadText, task: PatternSet) -> None:
        if bench.chip is None:
            raise ConfigError(f"bench {bench.name} has no [chip] table, from which the virtual chips are made")
        self.bench, self.chip, self.training, self.task = bench, bench.chip, bench.training, task
        self.limits = bench.limits or DEFAULT_LIMITS
        self.curve = _read_curve(curve, self.chip.curve_pulse, self.chip.smoothed)
        self.cell = load("cells", self.chip.cell)(**self.chip.cell_options)

    def check(self, seed: int) -> None:
        """Evaluate one chip once, so that whatever is wrong with the settings is said."""
        backend = self._backend(seed, 0, self._draw(seed, 0, 1)[0])
        trainer = make_trainer(self.bench.training, backend)
        trainer.check_task(self.task.train, self.task.train_labels)
        for pulse in trainer.update.pulses():
            backend.check_pulses(np.zeros(backend.shape, dtype=np.int64), pulse)
        backend.read_conductances(max(abs(trainer.v0), abs(trainer.v1)))

    @property
    def lockstep(self) -> bool:
        """Whether the chips can be trained side by side; one by one takes some hundred times as long."""
        plain = _as_usual(self.chip, _QUICK_CHIP) and _as_usual(self.training, _QUICK_TRAINING)
        return plain and load("rules", self.training.rule) is manhattan_signs

    @functools.cached_property
    def rise(self) -> float:
        """Largest rise of the curve of the training's pulse, in siemens."""
        return self.curve.for_pulse(self.training.pulse).span

    @property
    def widths_s(self) -> list[float]:
        """Measured widths of pulses of the training's amplitude, the shortest first; none if they are not known."""
        return self.curve.widths_by_amplitude().get(self.training.amplitude_v, [])

    def train(self, seed: int, first: int, count: int) -> Outcome:
        """Train the chips number `first` to ``first + count - 1``, in one thread.

        Parameters
        ----------
        seed : int
            Seed of the ensemble, not negative.
        first, count : int
            Which chips.
        """
        shifts = self._draw(seed, first, count)
        if self.lockstep:
            return self._side_by_side(seed, first, shifts)
        return self._one_by_one(seed, first, shifts)

    def _draw(self, seed: int, first: int, count: int) -> FloatArray:
        shape = (self.chip.rows, self.chip.columns)
        numbers = self.chip.spread.numbers()
        if self.chip.spread.distribution == "rescaled":
            places = range(first, first + count)
            return np.array(
                [rescaled_lognormal_shifts(shape, rng=own_generator(seed, k, _RESCALED), **numbers) for k in places]
            )
        return draw_ensemble(count, shape, seed=seed, first=first, **numbers)

    def _side_by_side(self, seed: int, first: int, shifts: FloatArray) -> Outcome:
        from .training import train_ensemble  # noqa: PLC0415 - loads numba

        chip, training = self.chip, self.training
        found = train_ensemble(
            self.curve,
            shifts,
            self.task.train,
            self.task.train_labels,
            scale=chip.scale,
            pulse=training.pulse,
            beta=training.beta,
            target=training.target,
            target0=training.target0,
            epochs=training.epochs,
            v0=training.v0,
            v1=training.v1,
            pull_back=training.pull_back,
            read_noise=chip.read_noise,
            step_variation=chip.step_variation,
            seed=seed,
            first=first,
            threads=1,
        )
        return Outcome(found.converged, found.epochs, found.pulses, found.saturated)

    def _one_by_one(self, seed: int, first: int, shifts: FloatArray) -> Outcome:
        rows = []
        trainer: Trainer | None = None
        for place, each in enumerate(shifts):
            backend = self._backend(seed, first + place, each)
            trainer = trainer or make_trainer(self.bench.training, backend)
            trainer.backend = backend
            result = trainer.run(self.task.train, self.task.train_labels)
            rows.append((result.converged, result.epochs, result.pulses, int(result.saturated.sum())))
        converged, epochs, pulses, saturated = (np.array(column) for column in zip(*rows, strict=True))
        return Outcome(converged, epochs, pulses, saturated)

    def _backend(self, seed: int, number: int, shifts: FloatArray) -> SimulatedBackend:
        rng = own_generator(seed, number, _NOISE)
        return SimulatedBackend.of_chip(self.chip, self.curve, shifts, rng=rng, cell=self.cell, limits=self.limits)


@functools.lru_cache(maxsize=16)
def _read_curve(curve: ReadText, pulse: Pulse | None, smoothed: bool) -> ConductanceCurve:
    """Read a curve once for all the chunks and points that share it."""
    read = ConductanceCurve.from_csv(curve)
    if read.pulse is None:
        read = ConductanceCurve(read.levels_siemens, pulse, source=read.source)
    return read.smoothed() if smoothed else read


def _as_usual(table: BaseModel, known: set[str]) -> bool:
    """Whether every setting but the known ones has its default."""
    return all(
        getattr(table, name) == field.get_default(call_default_factory=True)
        for name, field in type(table).model_fields.items()
        if name not in known
    )
