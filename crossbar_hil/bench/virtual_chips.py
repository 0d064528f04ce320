"""What the virtual chips of a bench are like, in a line, and where they are unlike the curve or do not fit the gain."""

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from crossbar_hil import defaults
from crossbar_hil.bench.curve_facts import as_lines, facts_left_out, read_facts
from crossbar_hil.bench.file import WITHIN_95, Bench, Chip
from crossbar_hil.bench.start_map import read_map
from crossbar_hil.curves.levels import LARGEST_SIEMENS
from crossbar_hil.errors import ConfigError
from crossbar_hil.plugins import load
from crossbar_hil.shipped import data_file, is_shipped
from crossbar_hil.text import quantity
from crossbar_hil.training.settings import Training
from crossbar_hil.twins.file import Twin, read_twin

OTHER_UNIT = 100.0
"""A map whose median lies this factor off the curve is in another unit than it."""
OFF_THE_CURVE = 1.5
"""A start further than this factor below or above all that was measured on the curve is off it: about the start of a
curve, half the cells of any chip lie a little below by right."""
LEAST_REACH, MOST_GAIN = 0.5, 200.0
"""A gain is far off if a cell at the end of its curve adds less than the former times artanh(target) to the argument of
tanh: with four rows a target is reached only if nearly all of them are at their ends; or more than the latter, twice
the end of what `tune` searches."""
GOOD_REACH = 5.0
"""That of the shipped settings, rounded: 5.6."""
in_siemens = functools.partial(quantity, unit="S")


@dataclass(frozen=True, slots=True)
class VirtualChips:
    """The virtual chips of a bench, in siemens."""

    start_siemens: tuple[float, float]
    """Lowest and highest conductance at the start; the central 95 % of drawn ones."""
    end_siemens: float
    """Of the highest at the end of the curve; steps that spread are taken at the upper end of their central 95 %."""
    k: float
    where: str
    """What says where the cells start."""
    warnings: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """The chips in one line."""
        low, high = self.start_siemens
        return (
            f"{in_siemens(low)} to {in_siemens(high)} at the start, up to {in_siemens(self.end_siemens)} at the end of "
            f"the curve; K = {self.k:g}, {self.where}"
        )

    def as_record(self) -> dict[str, Any]:
        """Return it as a run or a study records it."""
        return {
            "about": self.line,
            "start_siemens": list(self.start_siemens),
            "end_siemens": self.end_siemens,
            "k": self.k,
            "warnings": list(self.warnings),
        }


def virtual_chips(bench: Bench, *, gain: bool = True) -> VirtualChips | None:
    """Describe the virtual chips of a bench; None if it describes none.

    Parameters
    ----------
    gain : bool
        Whether what is trained has the gain of the [training] table.

    Raises
    ------
    CrossbarError
        If the curve or the map of the start cannot be read, or the curve does not hold the pulse of the training.
    """
    if bench.chip is None:
        return None
    chip = bench.chip.resolved
    if chip.twin is not None:
        return _draws_of(chip, read_twin(data_file(chip.twin)), bench.training if gain else None)
    curve = _curve_of(chip)
    low, high = start_range(chip, float(curve.levels_siemens[0]))
    rise = chip.k * curve.for_pulse(bench.training.pulse).span
    measured = chip.k * float(curve.levels_siemens.min()), chip.k * float(curve.levels_siemens.max())
    # Of a curve that ships, under another name in a copy: there the published shifts lie off the curve by their making.
    _check_sizes(chip, measured, end_siemens(chip, high, rise))
    formula = chip.curve_cells == 0 and chip.spread is not None
    warnings = [
        *([] if formula else _off_the_curve((low, high), measured)),
        *(_far_off_gain(bench.training, rise) if gain else []),
        *_hidden_by_wires(chip, high),
    ]
    return VirtualChips((low, high), end_siemens(chip, high, rise), chip.k, _where(chip), tuple(warnings))


def _check_sizes(chip: Chip, measured: tuple[float, float], end: float) -> None:
    """Refuse chips of conductances that no cell has, and a map in another unit than the curve."""
    if end > LARGEST_SIEMENS:
        raise ConfigError(
            f"cells of these chips reach {in_siemens(end)}, and none conducts more than {LARGEST_SIEMENS:g} S: scale "
            f"(K = {chip.k:g}), curve or start must be smaller"
        )
    if chip.start is None:
        return
    middle = float(np.median(read_map(data_file(chip.start), (chip.rows, chip.columns))))
    if not measured[0] / OTHER_UNIT <= middle <= measured[1] * OTHER_UNIT:
        raise ConfigError(
            f"start map {data_file(chip.start).name} has {in_siemens(middle)} in the median, more than "
            f"{OTHER_UNIT:g} times off what was measured on the curve, {in_siemens(measured[0])} to "
            f"{in_siemens(measured[1])}: one of the two is in another unit, or not of this chip"
        )


def _draws_of(chip: Chip, twin: Twin, training: Training | None) -> VirtualChips:
    """Describe chips that a twin leaves possible."""
    rise, ends = twin.scale * (max(twin.curve_siemens) - twin.curve_siemens[0]), twin.start_range()
    warnings = [] if training is None else _far_off_gain(training, rise)
    where = f"{twin.count} draws of the twin {data_file(chip.twin or '').name}"
    warnings += _hidden_by_wires(chip, ends[1])
    return VirtualChips(ends, twin.largest_siemens(), twin.scale, where, tuple(warnings))


def lines_of_chips(record: Mapping[str, Any] | None) -> list[str]:
    """Return what a verb prints of a record of virtual chips; nothing if there is none, as of a run of 0.1.0."""
    if not record:
        return []
    return [f"chips   {record['about']}", *(f"warning {each}" for each in record["warnings"])]


def assumptions(bench: Bench) -> list[str]:
    """Say what is assumed of the virtual chips of a bench because nothing says it.

    A curve that cannot be read is a CrossbarError: nothing is told of chips that cannot be.
    """
    if bench.chip is None:
        return []
    hidden = bench.kind == "emulated" and bench.chip.column_offset_a
    subtracted = ["column_offset_a does not show: the bench subtracts a reading at 0 V from each"] if hidden else []
    if bench.chip.twin is not None:
        return subtracted
    _curve_of(bench.chip)
    return [*_assumed_spread(bench.chip), *_facts_of_file(bench.chip), *subtracted]


def _curve_of(chip: Chip) -> Any:
    return load("curves", "measured").of_device(chip.curve_file, chip.curve_pulse, smoothed=chip.smoothed)


def _facts_of_file(chip: Chip) -> list[str]:
    """Say which settings were taken from the file of the curve."""
    if is_shipped(chip.curve):
        return []
    name = data_file(chip.curve).name
    if left_out := ", ".join(facts_left_out(data_file(chip.curve))):
        return [
            f"{name} is not the project's own table, so what its comments say of {left_out} is not taken: --set says "
            f"it, or write the table by `crossbar-hil curve {name} --to NEW.csv` and the comments into it"
        ]
    found = read_facts(data_file(chip.curve))
    said = Chip.model_validate(found)
    taken = {key: value for key, value in found.items() if getattr(chip, key) == getattr(said, key)}
    told = ", ".join(as_lines(taken))
    return [f"{name} says of its cells, so it is set: {told}"] if taken else []


def _assumed_spread(chip: Chip) -> list[str]:
    if chip.resolved.device_spread == chip.device_spread:
        return []
    return [
        f"the device spread of {100 * defaults.DEVICE_SPREAD:g} % is assumed: --start MAP starts the cells where "
        "`read` found them, --spread-of MAP draws chips of its kind, --device-spread SHARE says it"
    ]


def start_range(chip: Chip, curve_start_siemens: float) -> tuple[float, float]:
    """Return the lowest and highest conductance at which the cells of a chip start, in siemens.

    Of a map these are the ends, of a spread those of the central 95 %, of a rescaled draw its ends.
    """
    chip = chip.resolved
    if chip.start is not None:
        found = read_map(data_file(chip.start), (chip.rows, chip.columns))
        return float(found.min()), float(found.max())
    if chip.spread is not None:
        return chip.k * chip.spread.lower_siemens, chip.k * chip.spread.upper_siemens
    factor = math.exp(WITHIN_95 * (chip.device_spread or 0.0))
    return chip.k * curve_start_siemens / factor, chip.k * curve_start_siemens * factor


_ALIKE = {"relaxation", "disturb", "stuck", "dead", "unformed"}
"""Effects that are the same on every chip."""


def all_alike(chip: Chip) -> bool:
    """Say whether every virtual chip is the same and does the same: nothing of it is drawn."""
    chip = chip.resolved
    spread = chip.spread
    starts = chip.device_spread == 0 or (
        spread is not None and (spread.sigma == 0 or spread.lower_siemens == spread.upper_siemens)
    )
    return chip.twin is None and (chip.start is not None or starts) and not set(chip.strong()) - _ALIKE


def end_siemens(chip: Chip, start_siemens: float, rise_siemens: float) -> float:
    """Return the highest conductance of the cells of a chip at the end of their curve, in siemens.

    Parameters
    ----------
    chip : Chip
        Its `step_spread` makes the rise of a cell larger: by the upper end of the central 95 % here.
    start_siemens, rise_siemens : float
        The highest start, and the rise of a cell that follows the curve.
    """
    return start_siemens + rise_siemens * math.exp(WITHIN_95 * chip.step_spread)


def _where(chip: Chip) -> str:
    if chip.start is not None:
        return f"start map {data_file(chip.start).name}"
    if chip.device_spread is not None:
        return f"device spread {100 * chip.device_spread:.3g} % about the start of the curve"
    spread = chip.spread
    if spread is None:
        return ""
    if spread.median_siemens is not None:
        measured = f", the geometric mean of {spread.cells} measured cells" if spread.cells else ""
        return f"shifts of {in_siemens(spread.median_siemens)} in the median{measured}, sigma {spread.sigma:.3g}"
    return f"shifts from {in_siemens(spread.lower_siemens)} to {in_siemens(spread.upper_siemens)}"


def _off_the_curve(start: tuple[float, float], measured: tuple[float, float]) -> list[str]:
    below, above = start[0] < measured[0] / OFF_THE_CURVE, start[1] > measured[1] * OFF_THE_CURVE
    if not (below or above):
        return []
    side = "below and above" if below and above else "below" if below else "above"
    return [
        f"cells start {side} what was measured on the curve, {in_siemens(measured[0])} to {in_siemens(measured[1])}: "
        "they are taken to rise all the same as from its start"
    ]


def _hidden_by_wires(chip: Chip, siemens: float) -> list[str]:
    """Say if the path to the farthest cell resists more than the cell, whose conductance is given."""
    path = chip.farthest_ohm
    if path * siemens <= 1:
        return []
    return [
        f"wires hide the cells: the path to the farthest has {path:.3g} ohm (wire_ohm is that of one segment), a cell "
        f"{1 / siemens:.3g} ohm, so reads find the wires, and cells may seem not to react to pulses"
    ]


def _far_off_gain(training: Training, rise: float) -> list[str]:
    volts = max(abs(training.v0), abs(training.v1))
    target = max(abs(training.target), abs(training.target if training.target0 is None else training.target0))
    if not (rise > 0 and volts > 0 and training.beta > 0 and 0 < target < 1):
        return []
    needed, reached = math.atanh(target), training.beta * rise * volts
    if LEAST_REACH * needed <= reached <= MOST_GAIN:
        return []
    fitting = float(f"{GOOD_REACH * needed / (rise * volts):.1g}")
    return [
        f"beta {training.beta:g} / A is far off: a cell at the end of its curve adds {reached:.3g} to the argument of "
        f"tanh, a target of {target:g} takes {needed:.3g}; --beta {fitting:g} fits, `crossbar-hil tune` finds the best"
    ]
