"""Chips with effects in lock-step: what is the same for every chip, and how near a decision may be.

Where nothing is random, an output is known to a relative error `SOLVED` of the currents of both its columns: roundings
of `Trainer` and of the lanes, and the quick logarithm and exponential that bend curves; with wires to that of
`ensemble.wired`. Decisions nearer than that are left to `Trainer`, as for chips with wires. How near a judgement by
readings may be, of which one is known to a relative error of `READ` or that of the wires, says
`compiled.reactions.nearness`.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from crossbar_hil.arrays import FloatArray, IntArray
from crossbar_hil.bench.effects import CELL_LISTS, Effects
from crossbar_hil.training.motion import IDLE
from crossbar_hil.training.reactions import LEAST_SHARE, pulses_to_judge

from ..chip.reading_noise import FLICKER_S
from ..chip.relaxation import decay_terms
from ..circuit import STANDARD, Topology
from ..circuit.compiled import aligned
from ..circuit.layout import BLOCK
from .half_select import HalfSelect
from .own_cells import CellArrays
from .result import EnsembleResult
from .task import LARGEST_E, Task, reach_of_tanh
from .wired import MOST_READINGS, Wires, folding_shape, lay_out_lines, loss_by_siemens, solved_to

SOLVED, READ = 1e-10, 1e-11
"""Relative error of a current of ideal lines, and of the reading of a cell, that is of its conductance."""
LEAST_NEAR = 1e-8
"""An output is at least so far from its target, in units of 1 / beta, if the lanes decide."""
LEAST_SIGMA = 0.85
"""Of the noise of a reading: the least that is seen of it, of hundreds of changes."""
_U = 2.0**-53
NOISY = {"read_noise", "telegraph", "flicker"}
"""Effects with which two readings differ."""
_CHANGING = {"relaxation", "drift", "disturb"}
_DRAWN = {*NOISY, "step_variation", "drift"}
"""Effects of which a chip draws random numbers while it is trained."""


Lanes = Callable[[FloatArray, CellArrays, IntArray, Any, EnsembleResult], None]
"""Trains chips of shifts (M, R, C), with what is their own, their numbers (M,), and the key of their random numbers."""


class Ending(NamedTuple):
    """How trainings end for lack of motion."""

    most_idle: int
    """Evaluations in a row in which nothing could be pulsed; 0 for never."""
    unresponsive: int
    """As `Trainer` has it; 0 if no cell can be found unresponsive in so many epochs."""
    judged: bool
    """Whether readings that vary say which cells react."""

    @classmethod
    def of(
        cls,
        effects: Effects,
        *,
        epochs: int,
        confirm: int,
        give_up: bool,
        unresponsive: int,
        wires: bool,
        halves: bool,
    ) -> "Ending":
        """Find them, of chips with effects; half-select pulses and wires may change what others read."""
        repeats = not (set(effects.strong()) & (NOISY | _CHANGING) or halves)
        most_idle = 0 if not give_up else 1 if repeats else max(confirm, IDLE)
        needed = pulses_to_judge(unresponsive, LEAST_SIGMA * effects.read_noise)
        found = bool(unresponsive) and epochs - 1 > needed
        return cls(most_idle, unresponsive if found else 0, judged=found and (wires or not repeats))


def effects_lanes(  # noqa: PLR0915
    task: Task,
    effects: Effects,
    ending: Ending,
    *,
    rises: FloatArray,
    top: float,
    scale: float,
    beta: float,
    read_v: float,
    patterns: int,
    pulse_s: float,
    epochs: int,
    pull_back: bool,
    confirm: int,
    largest_siemens: float,
    begun_s: float,
    columns: int,
    wires: Wires | None,
    topology: Topology = STANDARD,
    pulses: tuple[HalfSelect, Wires] | None = None,
) -> Lanes | None:
    """Return what trains chips with effects; None if its margins would not hold.

    Parameters
    ----------
    task : Task
        What is trained; patterns are merged only where their readings are the same.
    effects, ending
        Sizes of the effects, and how trainings end for lack of motion.
    rises, top
        Of the pulse's curve (L,), and the largest of the chip's curve, in siemens.
    scale, beta, read_v, pulse_s, epochs, pull_back, confirm
        As `Trainer` and the chip have them.
    patterns, columns : int
        P as it is given, and C.
    largest_siemens : float
        Largest conductance.
    begun_s : float
        Seconds that have passed before.
    wires : (ndarray, ndarray), optional
        Ohm of a segment of each line; not given if all are ideal.
    topology : Topology
        Ends of the lines that are joined to something.
    pulses : (HalfSelect, Wires), optional
        Half-select pulses that move other cells too, and the ohm of the lines, ideal or not.
    """
    rows, outputs, strong = task.bits.shape[1], columns // 2, set(effects.strong())
    solved, of_reading = SOLVED, READ
    if wires is not None:
        solved = of_reading = solved_to(loss_by_siemens(wires) * largest_siemens, moved=pulses is not None)
    if strong & {"column_offset_a", *CELL_LISTS}:  # a reading may be smaller than what it is the sum of
        of_reading /= LEAST_SHARE
    error = solved * beta * task.largest_v * 2 * rows * largest_siemens
    sane = math.isfinite(error) and 1e-6 <= beta <= 1e30 and task.largest_v >= 1e-12
    exact = not strong & _DRAWN
    if not sane or (exact and error > LARGEST_E) or (ending.judged and epochs * rows * columns > MOST_READINGS):
        return None
    senses = 2.0 * task.labels - 1.0
    near = 0.0
    if exact:
        near = max(max(reach_of_tanh(float(each), _U) for each in np.unique(senses * task.targets)) + error, LEAST_NEAR)
    if not math.isfinite(near):
        return None
    often = int(task.times.sum()) + len(task.times)
    limits = np.array([
        near, 12 * _U, LEAST_NEAR + (40 + 2 * often) * _U + 1e-11, 5 * solved * beta * task.largest_v, 1e-290 * often,
        of_reading,
    ])  # fmt: skip
    if not exact:
        limits[[0, 1, 2, 3, 5]] = 0.0
    shares, rates = np.empty(0), np.empty(0)
    if effects.relaxation:
        law = effects.relaxation_law, effects.relaxation_exponent
        shares, rates = decay_terms(effects.relaxation, effects.relaxation_s or 0.0, *law)
    lasts = effects.telegraph_s is not None
    of_flicker = 1 / FLICKER_S if effects.flicker else np.empty(0)
    slow = [1 / effects.telegraph_s if effects.telegraph_s is not None else 0.0]
    vector_s = columns * effects.read_s
    times_s = np.array(
        [*(pulse_s * np.arange(rows * outputs + 1)), begun_s, vector_s, rows * vector_s, (patterns + rows) * vector_s]
    )
    keeps = np.exp(-times_s[:, None] * np.concatenate([rates, slow, of_flicker]))
    size = np.array([
        effects.read_noise, effects.telegraph, effects.telegraph_share, lasts, effects.flicker,
        effects.drift, effects.disturb, top, begun_s, times_s[-1], pulse_s,
        bool(effects.shape_spread), shares.sum(),
        bool(effects.telegraph or effects.flicker or (wires is not None and effects.read_noise)),
    ], dtype=np.float64)  # fmt: skip
    ohm = pulses[1] if pulses else wires or (np.empty(0), np.empty(0))
    lines = lay_out_lines(ohm, topology)
    volts = np.concatenate([task.voltages, np.eye(rows)])
    centres = senses * np.arctanh(task.targets) + near
    from .compiled import lanes  # noqa: PLC0415 - numba takes long to import
    from .compiled.apart import Part, table_of  # noqa: PLC0415
    from .compiled.functions import EFFECT_LANES  # noqa: PLC0415
    from .compiled.kernel import train_in_lanes  # noqa: PLC0415
    from .compiled.memory import memory_for  # noqa: PLC0415

    left_out = not_needed(effects, ending, exact=exact, wired=wires is not None, halves=pulses is not None)
    table = table_of(part for part in Part if part.name not in left_out)

    def train(chips: FloatArray, own: CellArrays, numbers: IntArray, key: Any, out: EnsembleResult) -> None:
        flat = chips.reshape(len(chips), -1)
        arrays = [
            np.ascontiguousarray(each, dtype=np.float64).reshape(len(each), -1)
            for each in (own.step_factors, own.shape_exponents, own.moves, own.held, own.levels, own.column_offsets)
        ]
        folded = *folding_shape(rows, columns), BLOCK
        memory = aligned(math.prod(folded)).reshape(folded)  # one for each thread
        kept = (max(epochs, 2) if ending.judged else 1, flat.shape[1], EFFECT_LANES)
        kept_rows = (rows + 1 if pulses else 0, max(columns * (columns + 1), 2 * columns + 3), EFFECT_LANES)
        at_once = out.levels.dtype == np.float64 and out.levels.flags.c_contiguous
        levels, siemens = out.levels.reshape(flat.shape) if at_once else np.empty(flat.shape), np.empty(flat.shape)
        ends = np.empty((len(flat), lanes.LANES // EFFECT_LANES))  # all of them are of every chip that ends
        train_in_lanes(
            table, flat, *arrays, own.variations,
            numbers.astype(np.uint64), key, rises, scale, beta * task.largest_v, beta, 1 / read_v, volts,
            task.targets, senses, centres, task.times, limits, exact, pull_back, epochs, confirm, ending.most_idle,
            ending.unresponsive, size, shares, keeps, np.zeros(kept), np.zeros(kept), *lines, memory,
            np.zeros(kept_rows), *(pulses[0][1:3] if pulses else (0.0, 0.0)),
            *memory_for(
                len(volts) - rows, outputs, rows, terms=len(shares), flickers=len(of_flicker), wired=wires is not None,
                halves=pulses is not None,
            ),
            out.fresh is not None, ends, levels, siemens,
        )  # fmt: skip
        out.saturated[:] = ((levels >= len(rises) - 1) & (arrays[2] > 0)).sum(axis=1)
        wanted = lanes.DOUBT, lanes.AGE, lanes.MET, lanes.ERROR, lanes.PULSES, lanes.FRESH
        doubt, age, met, error, out.pulses[:], fresh = (ends[:, place // EFFECT_LANES] for place in wanted)
        out.epochs[:], out.converged[:] = np.where(doubt > 0, 0, age), met >= confirm
        out.error[:] = error * (patterns / task.times.sum())
        if not at_once:
            out.levels[:] = levels.reshape(chips.shape)
        if out.fresh is not None and out.conductances is not None:
            out.fresh[:], out.conductances[:] = fresh > 1, siemens.reshape(chips.shape)

    return train


def not_needed(effects: Effects, ending: Ending, *, exact: bool, wired: bool, halves: bool = False) -> set[str]:
    """Return the compiled functions that chips with some effects do not need, by their names in `compiled.apart`."""
    slows = effects.flicker or (effects.telegraph and effects.telegraph_s is not None)
    each = effects.telegraph or effects.flicker or (wired and effects.read_noise)
    needed: dict[str, object] = {
        "FILL_NORMALS": effects.read_noise or effects.flicker or effects.drift,
        "FILL_UNIFORMS": effects.telegraph,
        "BEGIN_NOISE": slows or effects.drift,
        "TRANSFER": wired,
        "WEIGH_CELLS": not each,
        "SUM_OUTPUTS": not each,
        "SEE_CELLS": each,
        "READ_COLUMNS": each,
        "JOIN_COLUMNS": each,
        "READ_CELLS": ending.judged and not each,
        "KEEP_READING": ending.judged and each,
        "LOOK": ending.judged,
        "JUDGE": ending.judged,
        "KEEP_PULSES": ending.judged,
        "SEE_CHANGES": ending.unresponsive and not ending.judged,
        "DOUBT_OUTPUTS": exact,
        "AIM": halves,
        "SEE_PULSE": halves,
        "EXPOSE": halves,
        "DISTURB_OTHERS": effects.disturb,
        "VARY_STEPS": effects.step_variation,
        "KEEP": slows or effects.relaxation,
        "LOSE": effects.relaxation,
        "GO_ON": slows,
        "DRIFT_BY": effects.drift,
    }
    return {name for name, wanted in needed.items() if not wanted}
