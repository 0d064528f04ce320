"""``twin.toml``: what a calibration says of a chip, how sure each number is, and draws of what the chip may be like."""

import functools
import hashlib
import json
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
import tomli_w
from pydantic import BaseModel, ConfigDict, Field, model_validator

from crossbar_hil.arrays import BoolArray, FloatArray
from crossbar_hil.backend import Pulse
from crossbar_hil.errors import ConfigError, DataError, writing_new
from crossbar_hil.results.arrays import Variable
from crossbar_hil.results.result import Drawing, Result, Series
from crossbar_hil.shipped import TextFile, read_text
from crossbar_hil.tables import Number, Second, Siemens, Volt, Whole, read_checked

Rows = list[list[float]]
ANEW = (
    "a twin is not written by hand: `crossbar-hil calibrate BENCH --from READINGS --to NEW.toml` makes it anew from "
    "the readings beside it, a file that ends in .readings.jsonl"
)
"""The way out of a twin file that is wrong."""
DIGEST = "sha256"
"""Key of what tells whether a twin file is as it was written: of all that it says, however it is laid out."""


class Part(BaseModel):
    """A part of a twin file: unknown keys and numbers that are not finite are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)


class Estimate(Part):
    """A number, its central 95 % interval, and where it comes from."""

    value: Number
    low: Number
    high: Number
    source: str


class Source(Part):
    """``[source]``: what was calibrated, how, and what that cost the chip."""

    bench: str
    bench_sha256: str
    kind: Literal["simulated", "emulated", "hardware"]
    chip_id: str | None = None
    """Name of the chip in the socket."""
    seed: Whole | None = None
    """Of a virtual chip."""
    made_utc: str
    version: str
    """Of this package."""
    read_v: Volt
    reads: Whole
    """Maps of the chip in all."""
    amplitude_v: Volt
    width_s: Second
    """The pulse."""
    pulses: Whole
    """Pulses that each cell got: training starts from the map after them."""
    seconds: Number | None = None
    """Time from the last pulse to the last reading, on the clock of the chip; None if no clock told."""
    spare: tuple[tuple[int, int], ...] = ()
    """Cells whose whole curve was measured, counted from 0."""
    curve: str
    """Where the curve was measured."""

    @property
    def pulse(self) -> Pulse:
        """The pulse that every cell got."""
        return Pulse(self.amplitude_v, self.width_s)


class Numbers(Part):
    """``[numbers]``: what all cells share."""

    read_noise: Estimate
    """Relative standard deviation of one reading of a cell."""
    step_variation: Estimate
    """Relative standard deviation of a step, from pulse to pulse."""
    step_spread: Estimate
    """Standard deviation of the logarithm of the step factor, from cell to cell."""
    mean_factor: Estimate
    """Median step factor, against the curve."""
    device_spread: Estimate
    """Standard deviation of the logarithm of the conductance at the start, from cell to cell."""
    relaxation: Estimate | None = None
    """Share of a rise that is lost with time; not given if nothing was seen or no clock told."""
    relaxation_s: Estimate | None = None
    """Time constant of that loss, in seconds."""

    @model_validator(mode="after")
    def _sizes(self) -> Self:
        for name, each in self:
            if each is not None and each.value < 0:
                raise ConfigError(f"{name} {each.value:g} must not be negative")
        if (self.relaxation is None) != (self.relaxation_s is None):
            raise ConfigError("relaxation and relaxation_s go together, one of them is missing")
        if self.relaxation is not None and self.relaxation_s is not None:
            if self.relaxation.value > 1:
                raise ConfigError(f"relaxation {self.relaxation.value:g} must be at most 1, all of a rise")
            if self.relaxation_s.value == 0:
                raise ConfigError("relaxation_s 0 must be above 0")
        return self


class Cells(Part):
    """``[cells]``: what each cell is like, (R, C) each; a standard deviation where there is no interval."""

    start_siemens: Rows
    start_error_siemens: Rows
    """Before the first pulse."""
    now_siemens: Rows
    now_error_siemens: Rows
    """After the last one."""
    step_factor: Rows
    step_factor_low: Rows
    step_factor_high: Rows
    """Factor of the cell's rise against the curve, with its central 95 %."""
    level: Rows
    level_error: Rows
    """Where the cell is on its curve."""
    does_not_move: Rows
    """Probability that pulses do not move the cell."""


class Draws(Part):
    """``[draws]``: D chips that the readings leave possible; arrays of a chip row by row, (D, R C)."""

    step_variation: list[float]
    start_siemens: Rows
    step_factors: Rows
    levels: Rows


@dataclass(frozen=True, slots=True, eq=False)
class TwinChip:
    """One chip that the readings leave possible, (R, C) each."""

    start_siemens: FloatArray
    """Conductance at level 0."""
    step_factors: FloatArray
    levels: FloatArray
    """Where the cells are after the calibration."""
    step_variation: float

    @property
    def moves(self) -> BoolArray:
        """(R, C) cells that pulses move."""
        return self.step_factors > 0


class Twin(Result, Part):
    """A whole twin file."""

    drawn_by: ClassVar[str] = "twin"
    plots: ClassVar[tuple[str, ...]] = ("step_factors", "map", "curves")

    format: Literal[1] = 1
    rows: Annotated[Whole, Field(ge=1)]
    columns: Annotated[Whole, Field(ge=1)]
    scale: Annotated[Number, Field(gt=0)]
    """K in G = K ((G_exp(m) - G_exp(0)) f + shift)."""
    source: Source
    numbers: Numbers
    cells: Cells
    curve_siemens: Annotated[list[Siemens], Field(min_length=2)]
    """Conductance at each level of the curve that was fitted."""
    draws: Draws

    @model_validator(mode="after")
    def _shapes(self) -> Self:
        for name, rows in self.cells:
            if len(rows) != self.rows or any(len(line) != self.columns for line in rows):
                raise ConfigError(f"cells.{name} must have {self.rows} rows of {self.columns} numbers")
        count = len(self.draws.step_variation)
        for name in ("start_siemens", "step_factors", "levels"):
            lines = getattr(self.draws, name)
            if not count or len(lines) != count or any(len(line) != self.rows * self.columns for line in lines):
                raise ConfigError(
                    f"draws.{name} must have {count or 'some'} rows of {self.rows * self.columns} numbers"
                )
        for name, least in (("step_factors", 0.0), ("levels", 0.0), ("start_siemens", 0.0)):
            if min(map(min, getattr(self.draws, name))) < least:
                raise ConfigError(f"draws.{name} must not be negative")
        fall = float(self._rises.min())  # along a curve that falls below its start a cell could end there
        lowest = np.array(self.draws.start_siemens) + fall * np.array(self.draws.step_factors)
        if lowest.min() < 0:
            draw, cell = divmod(int(lowest.argmin()), lowest.shape[1])
            row, column = divmod(cell, self.columns)
            raise ConfigError(
                f"curve_siemens falls {-fall:g} S below its start, and draw {draw + 1} has not got as much at row "
                f"{row + 1}, column {column + 1}"
            )
        return self

    def told(self) -> list[tuple[str, str]]:
        """Return of what it is, and the numbers that all cells share, each with its interval."""
        source = self.source
        return [
            ("of", f"{self.rows} x {self.columns} cells, {source.kind}, bench {source.bench}"),
            ("made", source.made_utc),
            *(
                (name.replace("_", " "), f"{each.value:.3g} ({each.low:.3g} to {each.high:.3g})")
                for name, each in self.numbers
                if each is not None
            ),
            ("draws", str(self.count)),
        ]

    def series(self) -> Series:
        """Return one line a cell; rows and columns count from 0."""
        arrays = {name: np.array(values) for name, values in self.cells}
        header = ["Row", "Column", *(_heading(name) for name in arrays)]
        places = np.ndindex(self.rows, self.columns)
        return Series(header, ([*place, *(float(each[place]) for each in arrays.values())] for place in places))

    def variables(self) -> dict[str, Variable]:
        """Return what each cell is like, the numbers that all share, the curve and the draws."""
        start, factors, levels = self._arrays
        draws = {"draw_start_siemens": start, "draw_step_factor": factors, "draw_level": levels}
        cell, sizes = ("row", "column"), {"row": self.rows, "column": self.columns, "draw": self.count}
        found = {name: Variable(cell, np.array(values), _unit(name), _words(name)) for name, values in self.cells}
        found |= {name: Variable(("draw", *cell), values, _unit(name), _words(name)) for name, values in draws.items()}
        for name, each in self.numbers:
            if each is not None:
                unit = "s" if name.endswith("_s") else "1"
                ends = {"": each.value, "_low": each.low, "_high": each.high}
                about = f"{_words(name)}, {each.source}"
                found |= {
                    f"{name}{end}": Variable((), np.array(number), unit, f"{about}{f', {end[1:]} end' if end else ''}")
                    for end, number in ends.items()
                }
        curve = np.array(self.curve_siemens)
        found["curve_siemens"] = Variable(("step",), curve, "S", "conductance at each level of the fitted curve")
        found["step"] = Variable(("step",), np.arange(len(curve)), "1", "number of the level, from 0")
        found |= {
            name: Variable((name,), np.arange(size), "1", f"number of the {name}, from 0")
            for name, size in sizes.items()
        }
        return found

    def _to_be_drawn(self, what: str) -> Drawing:
        if what != "map":
            return super()._to_be_drawn(what)
        return Drawing("map", (np.array(self.cells.now_siemens),), {"title": "After the calibration"})

    @property
    def count(self) -> int:
        """Number of draws."""
        return len(self.draws.step_variation)

    def unmoving(self) -> list[tuple[int, int]]:
        """Return the cells, counted from 0, that pulses probably do not move, or move as no step factor explains."""
        return [(int(row), int(column)) for row, column in np.argwhere(np.array(self.cells.does_not_move) > 0.5)]

    @functools.cached_property
    def _arrays(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        shape = (self.count, self.rows, self.columns)
        start, factors, levels = (
            np.array(each, dtype=np.float64).reshape(shape)
            for each in (self.draws.start_siemens, self.draws.step_factors, self.draws.levels)
        )
        return start, factors, levels

    def chip(self, number: int) -> TwinChip:
        """Return the chip of one draw, counted from 0."""
        start, factors, levels = (each[number].copy() for each in self._arrays)
        return TwinChip(start, factors, levels, self.draws.step_variation[number])

    def start_range(self) -> tuple[float, float]:
        """Return the lowest and highest conductance that a cell of a draw has after the calibration, in siemens."""
        start, factors, levels = self._arrays
        now = start + factors * np.interp(levels, np.arange(len(self.curve_siemens)), self._rises)
        return float(now.min()), float(now.max())

    def largest_siemens(self) -> float:
        """Return what a cell of a draw can conduct at most, in siemens."""
        start, factors, _ = self._arrays
        return float((start + factors * self._rises.max()).max())

    @property
    def _rises(self) -> FloatArray:
        return self.scale * (np.array(self.curve_siemens) - self.curve_siemens[0])

    def as_toml(self) -> str:
        """Write it, arrays a row a line."""
        tables = self.model_dump(mode="json", exclude_none=True, exclude={"cells", "draws", "curve_siemens"})
        parts = [
            f"curve_siemens = {_value(self.curve_siemens)}",
            tomli_w.dumps(tables),
            f"[cells]\n{_arrays_as_toml(dict(self.cells))}",
            f"[draws]\n{_arrays_as_toml(dict(self.draws))}",
        ]
        text = "\n".join(parts)
        return f'{DIGEST} = "{_digest(tomllib.loads(text))}"\n{text}'

    def write(self, path: Path) -> None:
        """Write a new file.

        Raises
        ------
        RunError
            If it exists, which is never overwritten, or cannot be written.
        """
        with writing_new(path), path.open("x", encoding="utf-8") as file:
            file.write(self.as_toml())


def read_twin(file: TextFile) -> Twin:
    """Read and check a twin file.

    Raises
    ------
    DataError
        If it cannot be read or is none; the message names the key.
    """
    return _parse(str(file), read_text("twin", file))


@functools.lru_cache(maxsize=16)
def _parse(name: str, text: str) -> Twin:
    def check(tables: dict[str, Any]) -> Twin:
        told = tables.pop(DIGEST, None)
        twin = Twin.model_validate(tables)
        if told is not None and told != _digest(tables):
            raise DataError(f"twin file {name} was changed since it was made, as its {DIGEST} shows; {ANEW}")
        return twin

    return read_checked(f"twin file {name}", text, check, ANEW, most_bytes=None)


def _unit(name: str) -> str:
    """Return the unit that stands in the name of an array."""
    return "S" if name.endswith("_siemens") else "1"


def _words(name: str) -> str:
    return name.removesuffix("_siemens").removesuffix("_s").replace("_", " ")


def _heading(name: str) -> str:
    words = _words(name)
    return f"{words[0].upper()}{words[1:]}{' (S)' if _unit(name) == 'S' else ''}"


def _digest(tables: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(tables, sort_keys=True).encode()).hexdigest()


def _arrays_as_toml(table: dict[str, Any]) -> str:
    return "".join(f"{name} = {_value(value)}\n" for name, value in table.items())


def _value(value: Sequence[Any]) -> str:
    if value and isinstance(value[0], list):
        return "[\n" + "".join(f"  {_value(line)},\n" for line in value) + "]"
    return f"[{', '.join(f'{number:.6g}' for number in value)}]"
