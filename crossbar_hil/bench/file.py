"""The bench file: which device, which chip, which settings; TOML in, checked models out, all problems named at once."""

import math
import os
import tomllib
from collections.abc import Collection, Iterator, Mapping
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

import tomli_w
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from crossbar_hil import defaults
from crossbar_hil.arguments import PATH, TEXT, expect
from crossbar_hil.backend import Limits, Pulse
from crossbar_hil.bench.cell_options import CellOptions
from crossbar_hil.bench.curve_facts import read_facts, with_facts
from crossbar_hil.bench.effects import MOST_VARIATION, Effects
from crossbar_hil.bench.named_files import NAMED_FILES, NamedFile, files_of, renamed
from crossbar_hil.errors import ConfigError, CrossbarError, DataError, RunError, reason_of
from crossbar_hil.instrument import Place, place_of
from crossbar_hil.owners.addresses import why_no_library, why_no_resource
from crossbar_hil.parsing import parse_toml
from crossbar_hil.plugins import names, nearest
from crossbar_hil.quantities import share, si, whole
from crossbar_hil.results.conditions import Conditions
from crossbar_hil.shipped import ShippedTask, data, data_file, is_name, is_shipped, read_bytes, shipped
from crossbar_hil.tables import (
    Ampere,
    Number,
    Ohm,
    Second,
    Share,
    Siemens,
    Table,
    Unit,
    Volt,
    VoltSecond,
    Whole,
    problems_of,
)
from crossbar_hil.text import shown
from crossbar_hil.training.confirmation import CONFIRM, suggested_confirmations
from crossbar_hil.training.lines.tiles import read_tiles, tile_lines
from crossbar_hil.training.settings import Training
from crossbar_hil.training.tasks import Task
from crossbar_hil.twins.file import read_twin

BENCH_FILE = "bench.toml"
"""Name of the bench file in a folder of a run."""
FILL_IN = "?"
"""Stands in a bench file for what its owner has to fill in; see `crossbar_hil.commissioning.new_bench`."""
WITHIN_95 = 1.959963984540054
"""So many standard deviations from the mean lie the ends of the central 95 % of a normal distribution."""


class Spread(Table):
    """``[chip.spread]``: how the cells of a virtual chip differ."""

    distribution: Literal["lognormal", "rescaled"] = "lognormal"
    """``rescaled`` is the reference study's draw, which is not lognormal; for comparison only."""
    low_siemens: Siemens | None = None
    high_siemens: Siemens | None = None
    """Span of the shifts: the central 95 % of a lognormal draw, the very ends of a rescaled one."""
    median_siemens: Siemens | None = None
    sigma: Number | None = None
    """Median and standard deviation of the logarithm; instead of a span."""
    cells: Annotated[Whole, Field(ge=2)] | None = None
    """Cells that median and sigma were found on; `tune` says what so few cannot tell."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        span, moments = self.low_siemens is not None, self.median_siemens is not None
        if (self.high_siemens is not None) != span or (self.sigma is not None) != moments:
            raise ConfigError("low_siemens goes with high_siemens, and median_siemens with sigma")
        if span == moments:
            raise ConfigError("give either low_siemens and high_siemens or median_siemens and sigma")
        if self.cells is not None and not moments:
            raise ConfigError("cells goes with median_siemens and sigma")
        if self.distribution == "rescaled" and not span:
            raise ConfigError("a rescaled draw needs low_siemens and high_siemens")
        return self

    @property
    def lower_siemens(self) -> float:
        """Lower end of the span, that of the central 95 % of a draw by median and sigma, in siemens."""
        if self.low_siemens is not None:
            return self.low_siemens
        return (self.median_siemens or 0.0) * math.exp(-WITHIN_95 * (self.sigma or 0.0))

    @property
    def upper_siemens(self) -> float:
        """Upper end of the span, that of the central 95 % of a draw by median and sigma, in siemens."""
        if self.high_siemens is not None:
            return self.high_siemens
        return (self.median_siemens or 0.0) * math.exp(WITHIN_95 * (self.sigma or 0.0))

    def numbers(self) -> dict[str, Any]:
        """Return the keywords of the function that draws the shifts."""
        if self.low_siemens is not None:
            return {"span_siemens": (self.low_siemens, self.high_siemens)}
        return {"median_siemens": self.median_siemens, "sigma": self.sigma}


WHERE_CELLS_START = ("start", "device_spread", "spread", "twin")
"""Settings of [chip] that say where cells start; one that is laid over another takes its place."""
TWIN_SAYS = (
    "curve", "curve_amplitude_v", "curve_width_s", "smoothed", "curve_cells", "step_variation_interval", "scale",
    "read_noise", "step_variation", "step_spread", "relaxation", "relaxation_s", "relaxation_law",
    "relaxation_exponent",
)  # fmt: skip
"""Settings of [chip] that a twin says: laid over a bench it takes their place, too."""


def _check_beside_twin(given: Collection[str], where: str = "") -> None:
    if also := [name for name in TWIN_SAYS if name in given]:
        raise ConfigError(f"{where}the twin says {' and '.join(also)}, so that cannot be given beside it")


def _ohms(value: Any) -> float:
    found = si(value, "ohm")
    if not math.isfinite(found):
        raise ConfigError(f"{shown(value)} must be a finite number")
    return found


def _wires(value: Any) -> Any:
    """Return one resistance, or those of word lines and of bit lines."""
    if not isinstance(value, list | tuple):
        return _ohms(value)
    if len(value) != 2:
        raise ConfigError(f"{shown(value)} must be one resistance, or two, that of word lines and that of bit lines")
    return tuple(_ohms(each) for each in value)


def _tiles(text: str) -> str:
    """Return how many tiles there are either way, written as it always is."""
    rows, columns = read_tiles(text.strip())
    return f"{rows}x{columns}"


def _segments(cells: int, both: bool) -> float:
    """Return the segments, in series or parallel, between the ends of a line of so many cells and the farthest."""
    if not both:
        return float(cells)
    near = (cells + 1) // 2
    return near * (cells + 1 - near) / (cells + 1)


def _interval(value: Any) -> tuple[float, float] | None:
    """Return the ends of an interval of shares, of a list or of text such as "10 % to 30 %"."""
    if value is None:
        return None
    ends = value.split(" to ") if isinstance(value, str) else value
    if not isinstance(ends, list | tuple) or len(ends) != 2:
        raise ConfigError(f"{shown(value)} is not two shares, such as '10 % to 30 %' or [0.1, 0.3]")
    low, high = (share(each) for each in ends)
    if not 0 <= low <= high <= MOST_VARIATION:
        raise ConfigError(f"{shown(value)} must rise, from 0 to {MOST_VARIATION:g}")
    return low, high


def _resistors(value: Any) -> Any:
    """Return one resistance, or rows of them."""
    if not isinstance(value, list):
        return value if value is None else _ohms(value)
    if not all(isinstance(row, list) for row in value):
        raise ConfigError(f"{shown(value)} must be one resistance, or a list of rows, each a list of resistances")
    return [[_ohms(each) for each in row] for row in value]


class Chip(Effects):
    """``[chip]``: the virtual chip."""

    rows: Whole = 4
    columns: Whole = 4
    curve: str = "figure2a"
    """Name of a shipped curve, or a file, relative to the bench file."""
    curve_amplitude_v: Volt | None = None
    curve_width_s: Second | None = None
    """The pulse that a plain curve file was measured with, if known."""
    smoothed: bool = False
    """Whether the closest monotone curve is taken."""
    curve_cells: Annotated[Whole, Field(ge=0)] | None = None
    """Cells that the curve was measured on; `tune` says what so few cannot tell. 1 if not given; 0 takes it for that of
    every cell, as a curve that ships is."""
    step_variation_interval: Annotated[tuple[float, float] | None, BeforeValidator(_interval)] = None
    """Central 95 % of a step variation that was measured: `tune` says what is not known of it."""
    scale: Number | None = None
    """K in G = K ((G_exp(m) - G_exp(0)) + shift); if not given 10 for the shipped curve with shifts, 1 for any other
    chip, as measured siemens are siemens."""
    spread: Spread | None = None
    """Shifts of the cells; those of the reference study for the shipped curve, if nothing else says where cells start.
    """
    device_spread: Annotated[Share, Field(ge=0, le=2)] | None = None
    """Spread of the cells about the start of the curve: standard deviation of the logarithm. 10 % if the curve is your
    own and nothing else says where cells start."""
    start: str | None = None
    """File with the conductance of each cell, as `read --json` prints it: the cells start there."""
    twin: str | None = None
    """Twin that `calibrate` made: every virtual chip is one that its readings leave possible. Curve, K, noise and steps
    are then those of the twin."""
    wire_ohm: Annotated[float | tuple[float, float], BeforeValidator(_wires), Unit("ohm")] = 0.0
    """Of one segment; a pair is that of word lines and that of bit lines."""
    drive: Literal["left", "both"] = "left"
    """Ends at which word lines are driven."""
    sense: Literal["bottom", "both"] = "bottom"
    """Ends at which bit lines are sensed."""
    tiles: Annotated[str, AfterValidator(_tiles)] = "1x1"
    """Arrays below each other and beside each other, each driven and sensed by itself: ``4x1``."""
    write: Literal["direct", "half-select"] = "direct"
    """How pulses reach a cell."""
    threshold: Number = defaults.THRESHOLD
    """Share of a measured amplitude below which a voltage leaves a cell as it is."""
    cell: str = "ohmic"
    """Cell model: how current depends on voltage."""
    cell_options: CellOptions = {}

    @model_validator(mode="after")
    def _sizes(self) -> Self:
        if self.rows < 1 or self.columns < 1:
            raise ConfigError(f"{self.rows} rows and {self.columns} columns, at least 1 of each needed")
        if (self.curve_amplitude_v is None) != (self.curve_width_s is None):
            raise ConfigError("curve_amplitude_v goes with curve_width_s")
        tile_lines((self.rows, self.columns), read_tiles(self.tiles))
        return self

    @model_validator(mode="after")
    def _one_start(self) -> Self:
        given = [name for name in WHERE_CELLS_START if getattr(self, name) is not None]
        if len(given) > 1:
            raise ConfigError(f"{' and '.join(given)} each say where cells start, so only one of them can be given")
        return self

    @model_validator(mode="after")
    def _twin_alone(self) -> Self:
        if self.twin is not None:
            fields = type(self).model_fields
            _check_beside_twin([name for name in TWIN_SAYS if getattr(self, name) != fields[name].default])
        return self

    def check_companions(self, said: Collection[str]) -> None:
        """Refuse also the ends and the tiles of lines on which they make no difference, as `Effects` does."""
        super().check_companions(said)
        wires = self._ohms_of_lines
        for key, matters in (
            ("drive", bool(wires[0])),
            ("sense", bool(wires[1])),
            ("tiles", any(wires) or self.write != "direct" or bool(self.disturb)),
        ):
            unsaid = key in said and "wire_ohm" not in said and not matters
            if unsaid and getattr(self, key) != type(self).model_fields[key].default:
                raise ConfigError(
                    f"{key} {getattr(self, key)} makes no difference on ideal lines; give wire_ohm too, or leave {key} "
                    "out"
                )

    @property
    def _ohms_of_lines(self) -> tuple[float, float]:
        return self.wire_ohm if isinstance(self.wire_ohm, tuple) else (self.wire_ohm, self.wire_ohm)

    @property
    def farthest_ohm(self) -> float:
        """Resistance of the wires on the way to the cell to which it is the longest, in ohm.

        On a line that is joined at both ends to the same, the two ways are parallel, and that cell is in the middle.
        """
        (of_rows, of_columns), tiles = self._ohms_of_lines, read_tiles(self.tiles)
        cells_of_row, cells_of_column = -(-self.columns // tiles[1]), -(-self.rows // tiles[0])
        return of_rows * _segments(cells_of_row, self.drive == "both") + of_columns * _segments(
            cells_of_column, self.sense == "both"
        )

    def circuit_settings(self) -> dict[str, Any]:
        """Return what its lines are like and how pulses go over them, as the keywords of `SimulatedBackend`."""
        return self.model_dump(include={"wire_ohm", "drive", "sense", "tiles", "write", "threshold"})

    @property
    def resolved(self) -> Self:
        """The chip with K and where its cells start spelled out, whatever was left open."""
        if self.twin is not None:
            return self  # which says all of it
        spread, device_spread = self.spread, self.device_spread
        if spread is None and device_spread is None and self.start is None:
            if self.curve == defaults.FORMULA_CURVE:
                spread = Spread(low_siemens=defaults.LOW_SIEMENS, high_siemens=defaults.HIGH_SIEMENS)
            else:
                device_spread = defaults.DEVICE_SPREAD
        cells = int(not is_shipped(self.curve)) if self.curve_cells is None else self.curve_cells
        found = {"scale": self.k, "spread": spread, "device_spread": device_spread, "curve_cells": cells}
        return self.model_copy(update=found)

    @property
    def k(self) -> float:
        """K, as given or as it follows from the curve."""
        if self.scale is not None:
            return self.scale
        formula = self.curve == defaults.FORMULA_CURVE and self.device_spread is None and self.start is None
        return defaults.SCALE if formula else 1.0

    @classmethod
    def usual(cls, said: Mapping[str, Any]) -> Self:
        """Return the chip of which nothing is said but its curve and where its cells start, spelled out."""
        known = {key: said[key] for key in ("curve", "start", "twin") if isinstance(said.get(key), str)}
        spread = {key: said[key] for key in ("device_spread",) if isinstance(said.get(key), float)}
        usual = cls.model_construct(**known)
        scale = None if usual.twin else usual.model_copy(update=spread).k
        plain = {key: cls.model_fields[key].default for key in known}
        return usual.resolved.model_copy(update={"scale": scale, **plain})

    @property
    def curve_pulse(self) -> Pulse | None:
        """The pulse that a plain curve file was measured with, if the bench file says it."""
        if self.curve_amplitude_v is None or self.curve_width_s is None:
            return None
        return Pulse(self.curve_amplitude_v, self.curve_width_s)

    @property
    def curve_file(self) -> Traversable:
        """The file of the curve."""
        return data_file(self.curve)


class LimitTable(Table):
    """``[limits]``: what the chip may be asked to bear."""

    read_v: Volt
    pulse_v: Volt
    width_s: Second
    pulses: Annotated[Whole, Field(ge=1)] | None = None
    """Most pulses that a cell may ever get; a real chip must have it."""
    dose_vs: Annotated[VoltSecond, Field(gt=0)] | None = None
    """Largest dose that a cell may ever get, the sum of voltage times width; a real chip must have it."""
    jump: Annotated[Number, Field(gt=1)] = defaults.JUMP
    """Factor by which a cell may change between two maps of the chip; a larger change stops the run."""

    @model_validator(mode="after")
    def _go_together(self) -> Self:
        if self.read_v > self.pulse_v:
            raise ConfigError(
                f"read_v of {self.read_v:g} V exceeds pulse_v of {self.pulse_v:g} V, though a read lasts longer than a "
                "pulse"
            )
        return self


def _line(value: Any) -> Any:
    """Return a matrix column, or slot and column."""
    if not isinstance(value, list | tuple):
        return whole(value)
    if len(value) != 2:
        raise ConfigError(
            f"{shown(value)} must be a matrix column, or the slot of a card and its column, such as [2, 5]"
        )
    return tuple(whole(each) for each in value)


LineField = Annotated[int | tuple[int, int], BeforeValidator(_line)]


class InstrumentTable(Table):
    """``[instruments.NAME]``: one instrument."""

    driver: str
    """Entry point in the group ``crossbar_hil.instruments``, such as ``keithley2602b``."""
    resource: str | None = None
    """VISA resource name; not given for an emulated bench, which brings its instruments along."""
    serial: str | None = None
    """Serial number that must answer, if given."""
    identity: Annotated[str, Field(min_length=1)] | None = None
    """How a home-made box answers ``*IDN?``: the whole answer, or its maker and model with a comma between them."""
    visa: str = "@py"
    """PyVISA library: ``@py``, ``@ivi``, ``FILE.yaml@sim`` where the kind is emulated, empty for what is installed."""
    deadline_s: Annotated[Second, Field(ge=0.01, le=60)] = defaults.DEADLINE_S
    """Longest time that an exchange may take beyond what the instrument was asked to wait."""
    baud: Annotated[Whole, Field(gt=0)] | None = None
    """Bits a second of an RS-232 line (``ASRL...``), as set at the instrument; 8 data bits, no parity, 1 stop bit."""
    ends: Literal["LF", "CR", "CRLF"] = "LF"
    """What ends a message on such a line, as set at the instrument."""

    @field_validator("resource")
    @classmethod
    def _no_url(cls, resource: str | None) -> str | None:
        if why := why_no_resource(resource or ""):
            raise ConfigError(why)
        return resource

    @model_validator(mode="after")
    def _serial_line(self) -> Self:
        serial = self.resource is not None and self.resource.upper().startswith("ASRL")
        if serial and self.baud is None:
            raise ConfigError(
                f"resource {self.resource} is an RS-232 line, so baud must say how fast it is, as the instrument shows "
                "in its communication menu: baud = 9600, for example"
            )
        if not serial and (self.baud is not None or self.ends != "LF"):
            raise ConfigError("baud and ends are of an RS-232 line, whose resource is such as ASRL/dev/ttyUSB0::INSTR")
        return self


class WiringTable(Table):
    """``[wiring]``: which terminal hangs on which row of the matrix, which line of the chip on which column."""

    matrix: str = "matrix"
    """Name of the switch matrix among the instruments."""
    slot: Whole = 1
    """Card of every line that names none."""
    rows: list[LineField]
    """Matrix column of each chip row, the first first; ``[slot, column]`` on another card."""
    columns: list[LineField]
    """Matrix column of each chip column."""
    ports: dict[str, str]
    """Matrix row (letter or number) of each port: drive, meter, ground, guard, divider, further meters (meter2...)."""
    sources: dict[str, str]
    """Source channel behind a port, as ``"smu.a"``: instrument, channel."""

    @property
    def lines(self) -> list[Place]:
        """Slot and column of every line, the rows first."""
        return [place_of(line, self.slot) for line in (*self.rows, *self.columns)]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the chip that is wired."""
        return len(self.rows), len(self.columns)


class SchemeTable(Table):
    """``[scheme]``: how the chip is read and written."""

    read: str
    write: str
    disturb_v: Volt | None = None
    """Largest voltage that a cell may see which is not being written; a little over half the pulse if not given."""
    read_by: Literal["pattern", "cell"] | None = None
    """Whether the rows of a pattern are driven together or one after the other; the plan chooses if not given."""
    zero_every: Annotated[Whole, Field(ge=1)] = 1
    """Batches of reads that a zero reading serves."""


class MeasurementTable(Table):
    """``[measurement]``: how the sources are set up."""

    compliance_a: Annotated[Ampere, Field(gt=0)]
    """Current limit of every source."""
    range_a: Annotated[Ampere, Field(gt=0)]
    """Largest current to be measured, pulses included."""
    read_range_a: Annotated[Ampere, Field(gt=0)] | None = None
    """Largest current of a read; `range_a` if not given."""
    nplc: Annotated[Number, Field(gt=0)] = 1.0
    """Integration time of a reading, in power-line cycles."""
    discharge_s: Annotated[Second, Field(ge=0, le=1)] = defaults.DISCHARGE_S
    """Time at 0 V before relays move."""


class EmulationTable(Table):
    """``[emulation]``: what an emulated bench is like; means nothing elsewhere."""

    clock: Literal["simulated", "real"] = "simulated"
    """Whether waiting takes no time or real time."""
    line_ohm: Ohm = 0.0
    """Resistance between each bond pad and the cells."""
    resolution: Number = 1e-9
    """Step of a reading relative to its range; finer than any meter, so that a rehearsal equals its dry run. 1e-6 is
    like a real one of six and a half digits."""
    resistors: Annotated[float | list[list[float]] | None, BeforeValidator(_resistors)] = None
    """A board of resistors in place of the chip, in ohm: one value for all, or a row of values for each row."""
    panel: Literal["answers", "asks"] = "answers"
    """Whether what a person is asked, on a bench whose matrix is `manual`, is answered by itself or by you."""
    divider_ohm: Ohm = 500.0
    """Each of the two resistors of a divider port, from the guard (or HI, where there is no guard) to LO."""
    log: Literal["whole", "last", "none"] = "whole"
    """How much of ``physical.jsonl`` is kept: only whole can it show that a run kept the promises of docs/safety.md."""


class Bench(Table):
    """A whole bench file."""

    name: str
    backend: str
    """Entry point in the group ``crossbar_hil.backends``."""
    kind: Literal["simulated", "emulated", "hardware"] | None = None
    """If given, the backend must be of this kind; a bench never falls back to another."""
    chip_id: str | None = None
    """Name of the chip in the socket, by which its dose is kept across runs; a real one must have it."""
    chip: Chip | None = None
    limit_table: LimitTable | None = Field(default=None, alias="limits")
    training: Training = Training()
    instruments: dict[str, InstrumentTable] = {}
    wiring: WiringTable | None = None
    scheme: SchemeTable | None = None
    measurement: MeasurementTable | None = None
    emulation: EmulationTable | None = None
    conditions: Conditions = Conditions()
    options: dict[str, Any] = {}
    """Keywords for a backend that has no tables of its own."""

    @field_validator("limit_table")
    @classmethod
    def _every_limit(cls, table: LimitTable | None, others: ValidationInfo) -> LimitTable | None:
        if table is not None and others.data.get("kind") == "hardware":
            missing = [name for name in ("pulses", "dose_vs") if getattr(table, name) is None]
            if missing:
                raise ConfigError(f"{' and '.join(missing)} missing; a real chip needs every limit written down")
        return table

    @model_validator(mode="after")
    def _person_without_address(self) -> Self:
        found = [name for name, table in self.instruments.items() if table.driver == "manual" and table.resource]
        if self.kind == "hardware" and found:
            raise ConfigError(f"instruments.{found[0]} is moved by hand, so it has no resource")
        return self

    @model_validator(mode="after")
    def _one_array(self) -> Self:
        if self.instruments and self.chip is not None and read_tiles(self.chip.tiles) != (1, 1):
            raise ConfigError(
                f"chip.tiles {self.chip.tiles} are arrays that are driven and sensed each by itself, but [wiring] "
                "joins instruments to the rows and columns of one; leave tiles out, or take the backend simulated"
            )
        return self

    @field_validator("instruments")
    @classmethod
    def _known_libraries(cls, tables: dict[str, InstrumentTable], others: ValidationInfo) -> dict[str, InstrumentTable]:
        found = {name: why_no_library(table.visa, others.data.get("kind")) for name, table in tables.items()}
        if problems := [f"{name}.{why}" for name, why in found.items() if why]:
            raise ConfigError(" and ".join(problems))
        return tables

    @property
    def brings_instruments(self) -> bool:
        """Whether the instruments are emulated ones that come with the bench, at addresses of their own."""
        return self.kind == "emulated" and not any(table.resource for table in self.instruments.values())

    @property
    def draws_chip(self) -> bool:
        """Whether its chip is a virtual one that is drawn from the seed as it is opened."""
        return not self.instruments or self.brings_instruments

    @property
    def shape(self) -> tuple[int, int] | None:
        """Rows and columns of the chip: those that are wired, else those of ``[chip]``; None if neither says them."""
        if self.wiring is not None:
            return self.wiring.shape
        return None if self.chip is None else (self.chip.rows, self.chip.columns)

    @property
    def is_by_hand(self) -> bool:
        """Whether a person moves its connections, who is asked on the terminal."""
        return any(table.driver == "manual" for table in self.instruments.values())

    @property
    def noisy(self) -> bool | None:
        """Whether readings of its chip vary; None if neither file nor curve nor the number in its twin says so.

        Raises
        ------
        DataError
            If the twin cannot be read.
        """
        chip = self.chip
        if chip and chip.twin is not None:
            return True if read_twin(data_file(chip.twin)).numbers.read_noise.value else None
        return True if chip and (chip.read_noise or chip.telegraph or chip.flicker) else None

    @property
    def confirm(self) -> int:
        """Evaluations in a row that must meet every target: as given, or as it follows from what is said of noise."""
        if self.training.confirm is not None:
            return self.training.confirm
        if self.chip and self.chip.twin is not None:
            return suggested_confirmations(read_twin(data_file(self.chip.twin)).numbers.read_noise.value)
        return CONFIRM if self.noisy else 1

    @property
    def limits(self) -> Limits | None:
        """The limits that the file sets, if it sets any."""
        table = self.limit_table
        return None if table is None else Limits(**table.model_dump())

    @property
    def resolved(self) -> Self:
        """The bench with what its virtual chip leaves open spelled out, so that it does not hang on names of files."""
        return self.model_copy(update={"chip": self.chip and self.chip.resolved})

    def as_toml(self) -> str:
        """Write the bench with every default filled in."""
        left_out = {"chip": set(TWIN_SAYS)} if self.chip and self.chip.twin else None
        tables = self.resolved.model_dump(mode="json", by_alias=True, exclude_none=True, exclude=left_out)
        return tomli_w.dumps(tables)

    def copy_into(self, folder: Path) -> None:
        """Write the bench file beside copies of the files that it names, so that the folder is a bench itself.

        Raises
        ------
        DataError
            If a file that it names cannot be read.
        RunError
            If it cannot be written.
        """
        texts = {named.copy_name(value): read_bytes(named.what, data_file(value)) for named, value in files_of(self)}
        try:
            for name, text in texts.items():
                (folder / name).write_bytes(text)
            copy = renamed(self.resolved, NamedFile.copy_name)  # resolved first: another name is another curve
            (folder / BENCH_FILE).write_text(copy.as_toml(), encoding="utf-8")
        except OSError as error:
            raise RunError(f"folder {folder} cannot be written: {reason_of(error)}") from error


def load_bench(
    name_or_file: str | Path,
    *,
    task: str | ShippedTask | None = None,
    preset: str | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Bench:
    """Read and check a bench.

    Parameters
    ----------
    name_or_file : str or Path
        Name of a shipped bench, path of a bench file, or name of an installed backend.
    task : str or ShippedTask, optional
        A shipped task or its name, laid over the bench; in place of a shipped one it may have a bench file of its own.
    preset : str, optional
        Name of a shipped preset, laid over that.
    overrides : mapping, optional
        Tables laid over all, as a bench file would spell them; paths are relative to the working directory.

    Raises
    ------
    ConfigError
        With every problem found, each naming its key.
    """
    expect(PATH, ConfigError, bench=name_or_file)
    expect(TEXT, ConfigError, optional=True, preset=preset)
    if not isinstance(task, ShippedTask):
        expect(TEXT, ConfigError, optional=True, task=task)
    expect(Mapping, ConfigError, optional=True, overrides=overrides)
    overrides = _plain(overrides or {}, "overrides")
    trained = Task.read(task) if isinstance(task, str) else task
    tables, where = _bench_tables(os.fspath(name_or_file), trained)
    _refuse_blanks(tables, where)
    if trained is not None:
        tables = trained.lay_over(tables, where)
    if preset is not None:
        known = shipped("presets")
        if preset not in known:
            raise ConfigError(f"preset {preset!r} does not exist; known are {', '.join(known)}{nearest(preset, known)}")
        laid = _read_shipped("presets", preset)
        said = [key for key in laid.get("chip", {}) if key in (*TWIN_SAYS, *WHERE_CELLS_START)]
        if said and any("twin" in each.get("chip", {}) for each in (tables, overrides)):
            raise ConfigError(
                f"{where}: preset {preset} says {' and '.join(said)}, and so does the twin: leave one out"
            )
        tables = _lay_over(tables, laid, f"preset {preset}", where)
    if overrides:
        tables = _lay_over(tables, _with_absolute_paths(overrides, Path.cwd()), "the command line", where)
    if isinstance(tables.get("chip"), dict) and "twin" not in tables["chip"]:  # a twin says it itself
        tables = {**tables, "chip": with_facts(tables["chip"])}
        _check_facts(tables["chip"].get("curve"))
    elif isinstance(tables.get("chip"), dict):
        _check_beside_twin(tables["chip"], f"{where}: ")
        if "wiring" not in tables:
            tables = {**tables, "chip": _with_size_of_twin(tables["chip"])}
    try:
        return Bench.model_validate(tables)
    except ValidationError as error:
        problems = problems_of(error, _near)
        raise ConfigError(f"{where}: {'; '.join(problems)}", [f"{where}: {each}" for each in problems]) from error


def _refuse_blanks(tables: Mapping[str, Any], where: str) -> None:
    """Name every key that its owner has not filled in yet."""
    found = [f"{where}: {key} is left to fill in" for key in _blanks(tables)]
    if found:
        raise ConfigError("; ".join([found[0], *(each.removeprefix(f"{where}: ") for each in found[1:])]), found)


def _blanks(table: Mapping[str, Any], before: str = "") -> Iterator[str]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _blanks(value, f"{before}{key}.")
        elif value == FILL_IN:
            yield f"{before}{key}"


def _plain(table: Mapping[Any, Any], name: str) -> dict[str, Any]:
    """Return a table, and those in it, as a TOML file has them."""
    for key in table:
        expect(TEXT, ConfigError, **{f"a key of {name}": key})
    return {key: _plain(value, name) if isinstance(value, Mapping) else value for key, value in table.items()}


def _with_size_of_twin(chip: dict[str, Any]) -> dict[str, Any]:
    """Take the size of the chip from its twin, where [chip] does not spell it."""
    if {"rows", "columns"} <= set(chip):
        return chip
    try:
        twin = read_twin(data_file(chip["twin"]))
    except (CrossbarError, TypeError):
        return chip  # told when it is needed
    return {"rows": twin.rows, "columns": twin.columns, **chip}


def _check_facts(curve: Any) -> None:
    """Refuse facts of a curve's file that no chip can have, whatever else says of the chip."""
    if not isinstance(curve, str) or is_shipped(curve):
        return
    try:
        Chip.model_validate(read_facts(data_file(curve)))
    except ValidationError as error:
        raise ConfigError(f"curve file {curve}: {'; '.join(problems_of(error, _near))}") from error


def _bench_tables(name_or_file: str, task: ShippedTask | None) -> tuple[dict[str, Any], str]:
    benches = shipped("benches")
    own = None if task is None else task.bench_file(name_or_file)
    if own is not None:
        name = f"{name_or_file}-{own.name.removesuffix('.toml')}"
        return {"name": name, **_read_toml(own)}, f"bench {name}"
    if name_or_file in benches:
        return {"name": name_or_file, **_read_shipped("benches", name_or_file)}, f"bench {name_or_file}"
    path = Path(name_or_file)
    if path.suffix == ".toml" or path.is_file():
        tables = _with_absolute_paths(_read_toml(path), path.parent.resolve())
        return {"name": path.stem, **tables}, f"bench file {path}"
    if is_name(name_or_file) and name_or_file in names("backends"):
        return {"name": name_or_file, "backend": name_or_file}, f"bench {name_or_file}"
    known = sorted({*benches, *names("backends")})
    raise ConfigError(
        f"bench {name_or_file!r} is neither a file nor a known bench; known are {', '.join(known)}"
        f"{nearest(name_or_file, known)}"
    )


def _read_shipped(folder: str, name: str) -> dict[str, Any]:
    return _read_toml(data() / folder / f"{name}.toml")


def _read_toml(file: Traversable) -> dict[str, Any]:
    try:
        return parse_toml(read_bytes("bench", file).decode("utf-8-sig"))
    except DataError as error:
        raise ConfigError(str(error)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"bench file {file} is not valid TOML: {error}") from error


def _with_absolute_paths(tables: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Resolve the file names of a bench file against its folder; names of shipped files stay."""
    found = {key: dict(value) if isinstance(value, dict) else value for key, value in tables.items()}
    for named in NAMED_FILES:
        value = found.get(named.table, {}).get(named.key) if isinstance(found.get(named.table), dict) else None
        if isinstance(value, str) and not named.ships(value):
            found[named.table][named.key] = str(folder / value)
    return found


def _lay_over(tables: dict[str, Any], upper: dict[str, Any], what: str, where: str) -> dict[str, Any]:
    merged = dict(tables)
    replaced = set(WHERE_CELLS_START if any(key in upper for key in WHERE_CELLS_START) else ())
    if "twin" in upper:
        replaced |= set(TWIN_SAYS)
        if not where.startswith("bench file "):  # the size of a shipped bench is nobody's chip
            replaced |= {"rows", "columns"}
    merged = {key: value for key, value in merged.items() if key not in replaced}
    for key, value in upper.items():
        if not isinstance(value, dict):
            merged[key] = value
        elif key == "chip" and key not in tables and set(value) == {"twin"} and "wiring" in tables:
            merged[key] = {**{lines: len(tables["wiring"][lines]) for lines in ("rows", "columns")}, **value}
        elif key == "chip" and key not in tables:
            raise ConfigError(f"{where} has no [chip] table, so {what} cannot set {', '.join(sorted(value))} of it")
        elif key == "spread":
            merged[key] = value  # a spread is given in one of two ways; half of one way over the other makes no sense
        elif isinstance(merged.get(key, {}), dict):
            merged[key] = _lay_over(merged.get(key, {}), value, what, where)
    return merged


def _near(place: tuple[int | str, ...]) -> str:
    """Return a hint of the known key nearest to an unknown one."""
    return nearest(str(place[-1]), _fields_at(place[:-1]))


def _fields_at(loc: tuple[int | str, ...]) -> list[str]:
    table: type[BaseModel] = Bench
    for part in loc:
        field = next((each for name, each in table.model_fields.items() if part == (each.alias or name)), None)
        kinds = [field.annotation, *get_args(field.annotation)] if field else []
        table = next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), table)
    return [field.alias or name for name, field in table.model_fields.items()]
