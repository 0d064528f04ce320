"""Whole trainings of many virtual chips in lock-step, with the results of `Trainer` and `SimulatedBackend`.

Epochs, convergence, pulses and levels of a chip are those of `Trainer`, exactly, whatever way it was trained
(`ensemble.plan`). With read noise or varying steps the chips are the same only in distribution, and every chip has
random numbers of its own.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from crossbar_hil import defaults
from crossbar_hil.arrays import FloatArray, checked_array
from crossbar_hil.backend import Pulse
from crossbar_hil.bench.effects import CELL_LISTS, Effects
from crossbar_hil.errors import DataError

from ..chip.curve import ConductanceCurve
from ..chip.variation import SpreadNumbers
from ..circuit import WireOhm
from .draw import draw_ensemble
from .own_cells import GivenCells
from .plan import Plan
from .result import EnsembleResult

CHUNK = 65536
"""Chips that `iterate_ensemble` holds at a time, unless told otherwise."""
SHARE = 2048, 8192
"""Least and most chips in one call of a kernel."""
SHARED_CELLS = 1 << 21
"""Cells of chips without effects in one call, even if more chips: the last lanes wait for each other once."""
AHEAD = 2
"""A thread takes one of so many parts a thread of the chips that are left, so that all threads end together."""


def train_ensemble(
    curve: ConductanceCurve,
    shifts: ArrayLike,
    patterns: ArrayLike,
    labels: ArrayLike,
    *,
    scale: float = defaults.SCALE,
    pulse: Pulse | None = None,
    beta: float = defaults.BETA,
    target: float = defaults.TARGET,
    target0: float | None = None,
    epochs: int = defaults.EPOCHS,
    v0: float = defaults.V0,
    v1: float = defaults.V1,
    pull_back: bool = defaults.PULL_BACK,
    check_labels: bool = True,
    confirm: int | None = None,
    give_up: bool | None = None,
    unresponsive: int | None = None,
    read_noise: float = 0.0,
    step_variation: float = 0.0,
    wire_ohm: WireOhm = 0.0,
    write: str = "direct",
    threshold: float = defaults.THRESHOLD,
    drive: str = "left",
    sense: str = "bottom",
    effects: Effects | None = None,
    seed: int | None = None,
    first: int = 0,
    threads: int | None = None,
) -> EnsembleResult:
    """Train many virtual chips, each as `Trainer` would train it on a `SimulatedBackend`.

    Parameters
    ----------
    curve : ConductanceCurve
        The measured curve.
    shifts : array_like of float, shape (M, R, C)
        Shifts of M chips, in siemens; `draw_ensemble` draws them.
    patterns, labels : array_like of int, shape (P, R) and (P, N)
        What is trained, N = C / 2.
    scale : float
        K.
    pulse, beta, target, target0, epochs, v0, v1, check_labels
        As for `Trainer`.
    pull_back, confirm, give_up, unresponsive
        As for `Trainer`.
    read_noise, step_variation : float
        As for `SimulatedBackend`.
    wire_ohm, write, threshold, drive, sense
        As for `SimulatedBackend`. With wires, or half-select writing, and more than 32 rows or columns, chips are
        trained one by one, which takes some hundred times as long, and so are those whose half-select pulses move
        other cells along the curve of another amplitude.
    effects : Effects, optional
        What else makes the chips less than ideal, as ``[chip]`` of a bench file has it. Step
        factors, shape exponents and column offsets are drawn by `draw_own_arrays`.
    seed : int, optional
        Of the noise and the effects; needed with one of these. Chip number k has random numbers of its own.
    first : int
        Number of the first chip: a part of an ensemble has the noise that it has in the whole.
    threads : int, optional
        So many threads share the chips, those of the machine if not given. The result does not depend on it.

    Raises
    ------
    DataError
        If an argument is outside its range.
    LimitError
        If the curve does not hold the pulse, or a voltage is beyond what the virtual chip bears.

    Examples
    --------
    >>> curve = ConductanceCurve([4.5e-7, 5.1e-7, 5.2e-7, 5.4e-7])
    >>> shifts = draw_ensemble(3, (2, 2), seed=1, span_siemens=(1e-8, 1e-7))
    >>> train_ensemble(curve, shifts, [[0, 1], [1, 0]], [[0], [1]], threads=1).converged
    array([ True,  True,  True])
    """
    if first < 0:
        raise DataError(f"first chip number {first} must not be negative")
    workers = _threads() if threads is None else threads
    if workers < 1:
        raise DataError(f"{workers} threads cannot train, at least one is needed")
    everything = _all_effects(effects, read_noise, step_variation)
    drawn = [name for name in everything.strong() if name not in CELL_LISTS]
    if drawn and seed is None:
        raise DataError(f"effects that are drawn, {' and '.join(drawn)}, need a seed")
    training = {
        "pulse": pulse,
        "beta": beta,
        "target": target,
        "target0": target0,
        "epochs": epochs,
        "v0": v0,
        "v1": v1,
        "pull_back": pull_back,
        "check_labels": check_labels,
        "confirm": confirm,
        "give_up": give_up,
        "unresponsive": unresponsive,
    }
    chip = {
        "scale": scale,
        "wire_ohm": wire_ohm,
        "write": write,
        "threshold": threshold,
        "drive": drive,
        "sense": sense,
    }
    return train_chips(curve, _as_shifts(shifts), patterns, labels, chip, training, everything, seed, first, workers)


def train_chips(
    curve: ConductanceCurve,
    chips: FloatArray,
    patterns: ArrayLike,
    labels: ArrayLike,
    chip_settings: dict[str, Any],
    settings: dict[str, Any],
    effects: Effects,
    seed: int | None,
    first: int,
    workers: int,
    given: GivenCells | None = None,
) -> EnsembleResult:
    """Do what `train_ensemble` does, with settings of the chip and of `Trainer`; chips may be given in more detail."""
    shares = list(_shares(len(chips), workers))
    with ThreadPoolExecutor(workers) as pool:
        each = map if workers == 1 or len(shares) == 1 else pool.map
        least, largest = _extremes(chips, list(each(lambda share: _extreme(chips, share), shares)))
        plan = Plan(
            curve,
            (chips[least], largest),
            patterns,
            labels,
            chip_settings,
            settings,
            effects=effects,
            given=given,
        )
        result = EnsembleResult.empty(first, chips.shape, np.float64 if plan.uneven else np.int32)
        if plan.more:
            result = replace(result, conductances=np.empty(chips.shape), fresh=np.zeros(len(chips), dtype=bool))
        if plan.quickly:
            shares = list(_shares(len(chips), workers, max(SHARE[1], SHARED_CELLS // chips[0].size)))
        list(each(lambda share: _train(plan, chips, share, result, seed, given), shares))
    return result


def _all_effects(effects: Effects | None, read_noise: float, step_variation: float) -> Effects:
    """Gather the effects of an ensemble; a DataError if one is out of range, given twice, or of single cells."""
    given = Effects() if effects is None else effects
    for name, value in (("read_noise", read_noise), ("step_variation", step_variation)):
        if value and getattr(given, name):
            raise DataError(f"{name} {value:g} is given beside the effects, which have {getattr(given, name):g}")
    noise = {"read_noise": read_noise or given.read_noise, "step_variation": step_variation or given.step_variation}
    return given.model_copy(update=noise)


def _train(
    plan: Plan, chips: FloatArray, share: slice, result: EnsembleResult, seed: int | None, given: GivenCells | None
) -> None:
    """Train some chips; the kernels run free of the interpreter's lock."""
    first, part = result.first + share.start, result.part(share)
    if plan.more or plan.strong:
        plan.train_with_effects(chips[share], first, seed or 0, part, given and given.part(share))
    elif plan.wired:
        plan.train_wired(chips[share], first, seed or 0, part)
    else:
        plan.train(chips[share], part)


def iterate_ensemble(
    curve: ConductanceCurve,
    count: int,
    patterns: ArrayLike,
    labels: ArrayLike,
    *,
    seed: int,
    shape: tuple[int, int] = (4, 4),
    first: int = 0,
    chunk: int = CHUNK,
    **settings: Any,
) -> Iterator[EnsembleResult]:
    """Draw and train `count` chips, handing out chunk after chunk in their order, so that memory holds one chunk only.

    Parameters
    ----------
    curve, patterns, labels
        As for `train_ensemble`.
    seed : int
        Of shifts and noise.
    shape : (int, int)
        (R, C).
    first : int
        Number of the first chip.
    chunk : int
        Chips a chunk, at least one; what a chip does depends on its number only.
    **settings
        SpreadNumbers as for `draw_ensemble`, and other keywords of `train_ensemble`.
    """
    if chunk < 1:
        raise DataError(f"a chunk of {chunk} chips is empty, at least one is needed")
    if count < 1:
        raise DataError(f"an ensemble of {count} chips is empty, at least one is needed")
    spread: Any = {name: settings.pop(name) for name in SpreadNumbers.__annotations__ if name in settings}
    for start in range(first, first + count, chunk):
        shifts = draw_ensemble(min(chunk, first + count - start), shape, seed=seed, first=start, **spread)
        yield train_ensemble(curve, shifts, patterns, labels, seed=seed, first=start, **settings)


def _as_shifts(shifts: Any) -> FloatArray:
    """Return shifts as the kernels need them; an array of numbers that lies like that is not copied."""
    ready = isinstance(shifts, np.ndarray) and shifts.dtype == np.float64 and shifts.ndim == 3
    if ready and shifts.flags.c_contiguous and shifts.size:
        return shifts
    return np.ascontiguousarray(checked_array("shifts", shifts, (None, None, None)))


def _extreme(chips: FloatArray, share: slice) -> tuple[slice, float, float]:
    """Return which chips these are, their least shift, and the largest; not a number if one is none."""
    return share, float(chips[share].min()), float(chips[share].max())


def _extremes(chips: FloatArray, found: list[tuple[slice, float, float]]) -> tuple[int, float]:
    """Return which chip has the least shift of all, and the largest shift; a DataError if a shift is not finite."""
    if not np.isfinite([value for _, *values in found for value in values]).all():
        checked_array("shifts", chips, (None, None, None))
    share = min(found, key=lambda each: each[1])[0]
    return share.start + int(chips[share].argmin()) // chips[0].size, max(largest for *_, largest in found)


def _shares(count: int, workers: int, most: int = SHARE[1]) -> Iterator[slice]:
    """Share chips out, large parts first and small ones last."""
    start = 0
    while start < count:
        part = -(-(count - start) // (AHEAD * workers if workers > 1 else 1))
        stop = min(start + min(max(part, SHARE[0]), most), count)
        yield slice(start, stop)
        start = stop


def _threads() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
