"""Chips of somebody else's backend: opened anew for each training, one by one; and which benches have such ones."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crossbar_hil.backend import DeviceBackend
from crossbar_hil.bench.file import Bench
from crossbar_hil.bench.opening import make_backend
from crossbar_hil.errors import ConfigError, DataError
from crossbar_hil.plugins import load
from crossbar_hil.training.patterns import PatternSet
from crossbar_hil.training.settings import make_trainer
from crossbar_hil.training.trainer import Trainer

SIMULATED = "simulated"
"""Entry point of the backend whose chips are made from the [chip] table."""


@dataclass(slots=True, eq=False)
class OpenedResult:
    """What the trainings of M chips came to."""

    converged: NDArray[np.bool_]
    epochs: NDArray[np.int64]
    pulses: NDArray[np.int64]
    saturated: NDArray[np.int64]
    fresh: NDArray[np.bool_]
    drifted: NDArray[np.bool_]
    right: NDArray[np.bool_]


class OpenedChips:
    """Chips by number that are trained on a task, each made by ``from_bench`` of the backend that a bench names.

    A chip depends on seed and number alone.
    """

    lockstep = False
    widths_s: list[float] = []  # noqa: RUF012 - which pulses were measured, nobody says

    def __init__(self, bench: Bench, task: PatternSet) -> None:
        self.bench, self.task = bench, task

    def check(self, seed: int) -> None:
        """Evaluate one chip once, so that whatever is wrong with the settings is said."""
        with self._open(seed, 0) as backend:
            trainer = self._trainer(backend, seed)
            for pulse in trainer.update.pulses():
                backend.check_pulses(np.zeros(backend.shape, dtype=np.int64), pulse)
            backend.read_conductances(_volts(trainer))

    @functools.cached_property
    def noisy(self) -> bool:
        """Whether two reads of a chip differ."""
        with self._open(0, 0) as backend:
            volts = _volts(self._trainer(backend))
            first, second = (backend.read_conductances(volts) for _ in range(2))
            return not np.array_equal(first, second)

    @functools.cached_property
    def rise(self) -> float:
        """Largest rise of a cell under as many pulses as a training sends at most, in siemens: measured on one chip."""
        with self._open(0, 0) as backend:
            trainer = self._trainer(backend)
            before = backend.read_conductances(_volts(trainer))
            most = np.full(backend.shape, max(trainer.epochs - 1, 1), dtype=np.int64)
            backend.send_pulses(most, trainer.pulse)
            return float((backend.read_conductances(_volts(trainer)) - before).max())

    def train(self, seed: int, first: int, count: int, drifts: Sequence[float]) -> OpenedResult:  # noqa: ARG002 - none
        """Train the chips number `first` to ``first + count - 1``, and look at each once more."""
        outcomes = [self._train_one(seed, number) for number in range(first, first + count)]
        converged, epochs, pulses, saturated, fresh = (np.array(each) for each in zip(*outcomes, strict=True))
        none = np.zeros((count, 0), dtype=bool)
        return OpenedResult(converged, epochs, pulses, saturated, fresh, none, none)

    def _train_one(self, seed: int, number: int) -> tuple[bool, int, int, int, bool]:
        with self._open(seed, number) as backend:
            trainer = self._trainer(backend, seed, number)
            result = trainer.run(self.task.train, self.task.train_labels)
            again = result.converged and bool(trainer.predict(self.task.train).correct(self.task.train_labels).all())
            return result.converged, result.epochs, result.pulses, int(result.saturated.sum()), again

    def _trainer(self, backend: DeviceBackend, seed: int = 0, number: int = 0) -> Trainer:
        trainer = make_trainer(self.bench.training, backend, seed=seed, number=number)
        trainer.check_task(self.task.train, self.task.train_labels)
        return trainer

    def _open(self, seed: int, number: int) -> DeviceBackend:
        """Make a chip with a generator of its own.

        Raises
        ------
        DataError
            If it turns out to be a real one; it was sent nothing.
        """
        backend = make_backend(self.bench, np.random.default_rng((seed, number)))
        if backend.kind == "hardware":
            with backend:
                raise DataError(_refusal(self.bench))
        return backend


def has_chips_of_its_own(bench: Bench) -> bool:
    """Say whether the chips of a bench are made by its backend; otherwise they are simulated from its [chip] table.

    Raises
    ------
    ConfigError
        If neither can be: a dry run does not pulse a real chip.
    """
    if bench.backend == SIMULATED or bench.instruments:
        return False
    if "hardware" not in (bench.kind, getattr(load("backends", bench.backend), "kind", None)):
        return True
    if bench.chip is None:
        raise ConfigError(_refusal(bench))
    return False


def whose(bench: Bench) -> str:
    """Say whose chips those are that a study of a bench trains; empty for a bench of the backend ``simulated``."""
    if bench.backend == SIMULATED:
        return ""
    if has_chips_of_its_own(bench):
        return f"chips of backend {bench.backend!r}, opened anew for each training, one by one"
    behind = "its instruments" if bench.instruments else f"backend {bench.backend!r}"
    if bench.chip is not None:
        return f"simulated chips of the [chip] table of bench {bench.name}, not the chip behind {behind}"
    return (
        f"simulated chips of the shipped curve, as bench {bench.name} has no [chip] table, not the chip behind {behind}"
    )


def _refusal(bench: Bench) -> str:
    return (
        f"bench {bench.name} has a real chip behind backend {bench.backend!r}, to which a dry run sends nothing, and "
        "no [chip] table to simulate; describe the chip there, or take --bench simulated"
    )


def _volts(trainer: Trainer) -> float:
    return max(abs(trainer.v0), abs(trainer.v1))
