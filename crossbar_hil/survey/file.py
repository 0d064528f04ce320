"""``cells.toml``: which cells of a chip are bad, how that was found, and of which chip it is."""

import functools
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
import tomli_w
from pydantic import BaseModel, ConfigDict, Field, model_validator

from crossbar_hil.arrays import BoolArray, FloatArray
from crossbar_hil.errors import ConfigError, writing_new
from crossbar_hil.results.conditions import Conditions
from crossbar_hil.shipped import TextFile, read_text
from crossbar_hil.survey.judging import LEFT_OUT, MEANING
from crossbar_hil.tables import Number, Second, Share, Siemens, Volt, Whole, read_checked

HEAD = "# Bad cells of a chip, as `crossbar-hil survey` found them; rows and columns count from 1.\n"
Verdict = Literal["open", "unformed", "shorted", "stuck low", "stuck high", "weak", "unclear"]
FromOne = Annotated[Whole, Field(ge=1)]
Count = Annotated[Whole, Field(ge=0)]
NotNegative = Annotated[Siemens, Field(ge=0)]


class Part(BaseModel):
    """A part of a cells file: unknown keys and numbers that are not finite are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)


class Source(Part):
    """``[source]``: of which chip it is."""

    bench: str
    bench_sha256: str
    kind: Literal["simulated", "emulated", "hardware"]
    chip_id: str | None = None
    """Name of the chip in the socket."""
    seed: Count | None = None
    """Of a virtual chip."""
    made_utc: str
    version: str
    """Of this package."""
    conditions: Conditions = Conditions()

    @property
    def whose(self) -> str:
        """The chip in words."""
        if self.kind == "hardware":
            return f"chip {self.chip_id}"
        return f"the {self.kind} chip of bench {self.bench}" + ("" if self.seed is None else f", seed {self.seed}")


class How(Part):
    """``[survey]``: how it was found."""

    read_v: Volt
    reads: Annotated[Whole, Field(ge=2)]
    """Readings of each cell in each round."""
    read_noise: Annotated[Share, Field(ge=0)]
    """Relative standard deviation of one reading of the median cell."""
    sigmas: Annotated[Number, Field(gt=0)]
    """Standard errors beyond a threshold that make a verdict."""
    low_siemens: Siemens
    middle_siemens: Siemens
    high_siemens: Siemens
    """Ends and middle of what healthy cells conduct."""
    rise_siemens: NotNegative
    """By how much potentiating pulses raise one that is fresh."""
    healthy: str
    """Where that is known from."""
    pulses: Count = 0
    """Most of each kind that a cell got; 0 if it was read alone."""
    sent: Count = 0
    """In all."""
    amplitude_v: Volt | None = None
    width_s: Second | None = None
    depress_v: Volt | None = None
    depress_s: Second | None = None

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if not 0 < self.low_siemens <= self.middle_siemens <= self.high_siemens:
            raise ConfigError(
                f"low_siemens, middle_siemens, high_siemens = {self.low_siemens:g}, {self.middle_siemens:g}, "
                f"{self.high_siemens:g} must be above 0 and rise"
            )
        return self


class BadCell(Part):
    """``[[cell]]``: one cell in which something was found."""

    row: FromOne
    column: FromOne
    verdict: Verdict
    siemens: Siemens
    """Mean before any pulse."""
    error_siemens: NotNegative = 0.0
    """Standard error of it."""
    first_rise_siemens: Siemens | None = None
    """What the first pulse did."""
    potentiating: Count = 0
    depressing: Count = 0
    """Pulses that it got."""


class Cells(Part):
    """A whole ``cells.toml`` of a chip of R x C cells."""

    rows: FromOne
    columns: FromOne
    siemens: list[list[Siemens]]
    """(R, C) conductances, as the survey left them."""
    changed_siemens: NotNegative = 0.0
    """Largest change that the pulses left behind."""
    notes: list[str] = Field(default_factory=list)
    """What the survey could not tell."""
    source: Source
    survey: How
    cell: list[BadCell] = Field(default_factory=list)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(self.siemens) != self.rows or {len(line) for line in self.siemens} != {self.columns}:
            raise ConfigError(f"siemens must hold {self.rows} rows of {self.columns}")
        places = [(each.row, each.column) for each in self.cell]
        for row, column in places:
            if row > self.rows or column > self.columns:
                raise ConfigError(
                    f"cell row {row}, column {column} is not on the chip of {self.rows} by {self.columns} cells"
                )
            if places.count((row, column)) > 1:
                raise ConfigError(f"cell row {row}, column {column} is there twice; leave one out")
        return self

    @property
    def shape(self) -> tuple[int, int]:
        """(R, C)."""
        return self.rows, self.columns

    @property
    def conductances(self) -> FloatArray:
        """(R, C), in siemens."""
        return np.array(self.siemens)

    @property
    def left_out(self) -> BoolArray:
        """(R, C) cells that get no pulse in a training."""
        return self._marked(LEFT_OUT)

    @property
    def avoided(self) -> BoolArray:
        """(R, C) cells that no synapse should rely on: those, and weak ones."""
        return self._marked((*LEFT_OUT, "weak"))

    def _marked(self, verdicts: tuple[str, ...]) -> BoolArray:
        found = np.zeros(self.shape, dtype=bool)
        for each in self.cell:
            found[each.row - 1, each.column - 1] |= each.verdict in verdicts
        return found

    def lines(self) -> list[str]:
        """Say what was found, a line a kind of verdict, then what could not be told."""
        told = []
        for verdict, meaning in MEANING.items():
            places = [f"r{each.row} c{each.column}" for each in self.cell if each.verdict == verdict]
            if places:
                told.append(f"{verdict}: {', '.join(places)} ({meaning})")
        return [*(told or ["nothing is found in any cell"]), *self.notes]

    def write(self, path: Path) -> None:
        """Write a new file.

        Raises
        ------
        RunError
            If it exists, which is never overwritten, or cannot be written.
        """
        tables = self.model_dump(mode="json", exclude_none=True)
        if not self.cell:  # an empty list would forbid a person to add a [[cell]]
            del tables["cell"]
        lines = "".join(f"    [{', '.join(repr(each) for each in line)}],\n" for line in tables.pop("siemens"))
        # a row of the chip is a line of the file: whoever strikes or adds a cell reads it
        text = f"{HEAD}siemens = [\n{lines}]\n{tomli_w.dumps(tables)}"
        with writing_new(path), path.open("x", encoding="utf-8") as file:
            file.write(text)

    def check_shape(self, name: str, shape: tuple[int, int]) -> None:
        """Refuse a chip of another size.

        Raises
        ------
        ConfigError
            Then; `name` is that of the file.
        """
        if self.shape != shape:
            raise ConfigError(
                f"cells file {name} is of a chip of {self.rows} by {self.columns} cells, this one has {shape[0]} by "
                f"{shape[1]}: survey that one, or leave cells out"
            )


def read_cells(file: TextFile) -> Cells:
    """Read and check a cells file.

    Raises
    ------
    DataError
        If it cannot be read or is none; the message names the key.
    """
    return _parse(str(file), read_text("cells", file))


@functools.lru_cache(maxsize=16)
def _parse(name: str, text: str) -> Cells:
    return read_checked(f"cells file {name}", text, Cells.model_validate, "`crossbar-hil survey` writes one")
