"""Tasks for small arrays: what is shown, the network that learns it, the size of the chip, by a name or of a file.

A task is two files, in ``data/tasks/snn`` those that ship. ``NAME.toml`` says how numbers become spikes, what the
neurons are and how they are taught; ``NAME.csv`` holds a number for each input, the class, and the set, a sample a
line, in the order in which they are shown.

Columns are balanced: a neuron's gain is such that its column, all rows driven, gives one volt a step. So neurons
compete by the pattern of their conductances, not by how much their cells happen to conduct, which on the measured chips
differs by a factor of two; and numbers of neurons are the same for any number of rows.
"""

import csv
import io
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError, model_validator

from crossbar_hil.arrays import FloatArray, IntArray
from crossbar_hil.errors import ConfigError, DataError
from crossbar_hil.parsing import parse_toml
from crossbar_hil.shipped import ShippedTask, data, read_text
from crossbar_hil.spiking.network.encoding import spike_probabilities
from crossbar_hil.spiking.network.model import SpikingModel
from crossbar_hil.spiking.network.network import Protocol
from crossbar_hil.spiking.network.neurons import Neurons
from crossbar_hil.spiking.network.plasticity import Plasticity
from crossbar_hil.spiking.network.states import Synapses
from crossbar_hil.spiking.network.trains import Encode, SpikeTimes
from crossbar_hil.spiking.tasks.images import Images, Split
from crossbar_hil.spiking.tasks.models import STEP_S, time_constant
from crossbar_hil.tables import Number, Table, Whole, problems_of

SETS = ("train", "test")
MOST_LINES = 10_000
"""Rows or columns of the chip of a task: as many as a computed network may have neurons."""
SPIKE_V = 0.1
"""Height of an input spike on a device, in volts: a read voltage."""
MOST_STEPS = 10**6
"""Of a cycle, a rest or a window; an engine counts them in 32 bits."""
MOST_V = 1e6
"""Of a threshold, or of what is added to or taken from a membrane, which are held in single precision."""
_MOST_DIGITS = 9
CELL_SIEMENS = 5e-7
"""About the conductance of a fresh cell of the curve that ships; a gain of one is that for a column of such."""


class InputTable(Table):
    """How the numbers of a sample become spikes."""

    encoding: Literal["rates", "times"] = "rates"
    """A number is the probability of a spike at every step, or the step of a cycle at which the input spikes; of
    times -1 means never, and -2 at a step drawn anew in every cycle."""
    cycle: Whole = Field(1, ge=1, le=MOST_STEPS)
    """Steps of a cycle, of times."""
    jitter: Whole = Field(0, ge=0, le=MOST_STEPS)
    """Steps up to which a spike comes early or late, of times."""
    taps: tuple[tuple[int, int], ...] = ()
    """Channel and delay in steps of each row, where numbers are of channels with delay lines behind them."""
    picture: tuple[int, int] | None = None
    """Height and width in pixels, where inputs are those of a picture."""
    classes: tuple[str, ...] = ()
    """Names of the classes 0, 1, ... where numbers do not name them."""

    @model_validator(mode="after")
    def _of_times(self) -> Self:
        given = [key for key in ("cycle", "jitter", "taps") if key in self.model_fields_set]
        if self.encoding == "rates" and given:
            raise ValueError(f"{given[0]} is of encoding 'times', and the encoding is 'rates'; leave one out")
        return self


class NeuronTable(Table):
    """The neurons, per step of the network."""

    threshold_v: Number = Field(gt=0, le=MOST_V)
    """Of a fresh neuron, where a column of which all rows are driven gives one volt a step."""
    increment_v: Number = Field(0.0, ge=0, le=MOST_V)
    """What an own spike adds to the threshold while training."""
    cap_v: Number | None = Field(None, gt=0, le=MOST_V)
    """Highest threshold, where there is one."""
    kept: Number = Field(0.95, gt=0, le=1)
    """Share of the membrane that is left after a step."""
    threshold_kept: Number = Field(1.0, gt=0, le=1)
    """Share of the threshold that is left after a step while training, down to that of a fresh neuron."""
    inhibition_v: Number = Field(10.0, ge=0, le=MOST_V)
    """What a spike takes from every other membrane."""
    own_rest: Whole = Field(1, ge=0, le=MOST_STEPS)
    """Steps for which a neuron that fired ignores its input."""
    others_rest: Whole = Field(1, ge=0, le=MOST_STEPS)
    """Steps for which all others ignore theirs."""
    window: Whole = Field(1, ge=0, le=MOST_STEPS)
    """Steps for which an input that spiked counts as active when a neuron fires: its cell gains, others lose."""
    contest: Literal["last", "highest", "all"] = "highest"
    rest_between: bool = True
    """Whether neurons start afresh with every sample."""


class ProtocolTable(Table):
    """How the network is taught and tested; see `crossbar_hil.spiking.network.network.Protocol`."""

    training_steps: Whole = Field(ge=1)
    test_steps: Whole = Field(ge=1)
    passes: Whole = Field(1, ge=1)
    label_after: bool = True
    readout: Literal["winner", "mean", "votes", "likelihood", "detection"] = "winner"


class ChipTable(Table):
    """The size of the chip."""

    rows: Whole = Field(ge=1, le=MOST_LINES)
    columns: Whole = Field(ge=1, le=MOST_LINES)


class TaskTables(Table):
    """What a task file says."""

    title: str
    source: str
    chip: ChipTable
    input: InputTable
    neurons: NeuronTable
    protocol: ProtocolTable


@dataclass(frozen=True)
class SmallTask(ShippedTask):
    """A task for an array that a lab has: samples, encoding, network, the least size of the chip."""

    folder: ClassVar[str] = "tasks/snn"

    input: Mapping[str, Any]
    neurons: Mapping[str, Any]
    protocol: Mapping[str, Any]
    own: Path | None = None
    """Its file, if it does not ship."""

    def __post_init__(self) -> None:
        _ = self.tables

    @classmethod
    def read(cls, name: str) -> Self:
        """Read a task that ships, or one of a file ``*.toml`` with its samples in ``*.csv`` beside it.

        Raises
        ------
        ConfigError
            If there is none of this name, or the file cannot be read or is wrong.
        """
        if not is_task_file(name):
            return super().read(name)
        path = Path(name)
        try:
            tables = parse_toml(read_text("task", path))
        except DataError as error:
            raise ConfigError(str(error)) from error
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"task file {path} is not valid TOML: {error}") from error
        _check_tables(tables, f"task file {path}")
        return cls(name=path.stem, own=path, **tables)

    def copy_into(self, folder: Path) -> None:
        """Put the two files of a task that does not ship into the folder of a run, which then needs no others."""
        files = [] if self.own is None else [self.own, self.own.with_suffix(".csv")]
        for file in files:
            (folder / file.name).write_text(read_text("task", file), encoding="utf-8")

    @cached_property
    def tables(self) -> TaskTables:
        """What the task file says, checked."""
        return _check_tables({name: getattr(self, name) for name in TaskTables.model_fields}, f"task {self.name}")

    @property
    def teaching(self) -> Protocol:
        """How the network is taught and tested."""
        return Protocol(**self.tables.protocol.model_dump())

    @property
    def encode(self) -> Encode:
        """What makes spike trains of the (P, C) numbers of samples."""
        table = self.tables.input
        if table.encoding == "rates":
            return spike_probabilities
        return SpikeTimes(table.cycle, table.jitter, table.taps)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of its chip."""
        return self.tables.chip.rows, self.tables.chip.columns

    @property
    def rows(self) -> int:
        """Rows that the array must have, one an input."""
        return self.shape[0]

    def fits(self, rows: Any, columns: Any) -> bool:
        """Say whether it can be trained on a chip of this size: further columns are further neurons."""
        return rows == self.rows and isinstance(columns, int) and columns >= self.shape[1]

    def samples(self) -> Split:
        """Return what is shown: samples to train on and others to test with.

        Raises
        ------
        DataError
            If the file is damaged, or does not fit the array.
        """
        file = data() / self.folder / f"{self.name}.csv" if self.own is None else self.own.with_suffix(".csv")
        name = f"samples {file}"
        values, labels, sets = _lines(read_text("samples", file), name)
        parts = [Images(values[sets == part], labels[sets == part]) for part in SETS]
        for part, images in zip(SETS, parts, strict=True):
            if not len(images):
                raise DataError(f"{name}: no sample is of set {part}, and at least one must be")
        if len(strange := np.setdiff1d(labels, parts[0].labels)):
            raise DataError(f"{name}: class {strange[0]} is tested and not trained")
        for images in parts:
            try:
                shown = self.encode(images.intensities)
            except DataError as error:
                raise DataError(f"{name}: {error}") from error
            inputs = shown.shape[1] if isinstance(shown, np.ndarray) else shown.inputs
            if inputs != self.rows:
                raise DataError(f"{name} are of {inputs} inputs, task {self.name} has {self.rows} rows")
        picture = self.tables.input.picture
        if picture is not None and (min(picture) < 1 or math.prod(picture) != values.shape[1]):
            raise DataError(f"{name} are of {values.shape[1]} numbers, and task {self.name} has a picture of {picture}")
        if self.tables.protocol.readout == "detection" and labels.max() > 1:
            raise DataError(f"{name}: class {labels.max()}, and readout detection tells classes 0 and 1 only")
        classes = len(self.tables.input.classes)
        if classes and not 0 <= labels.min() <= labels.max() < classes:
            raise DataError(f"{name} are of classes {labels.min()} to {labels.max()}, task {self.name} names {classes}")
        return Split(*parts)

    def model(self, columns: int) -> SpikingModel:
        """Return the network for a chip of so many columns."""
        cells, siemens = self.tables.neurons, CELL_SIEMENS * self.rows
        neurons = Neurons(
            threshold_v=cells.threshold_v,
            increment_v=cells.increment_v,
            cap_v=math.inf if cells.cap_v is None else cells.cap_v,
            threshold_decay_s=_time(cells.threshold_kept),
            leak_s=_time(cells.kept),
            inhibition_v=cells.inhibition_v,
            own_refractory_s=cells.own_rest * STEP_S,
            others_refractory_s=cells.others_rest * STEP_S,
            gain_ohm=1 / (siemens * SPIKE_V),
            contest=cells.contest,
        )
        return SpikingModel(
            self.rows,
            columns,
            neurons,
            Plasticity(1.0, 1.0, fall_s=STEP_S, window_s=cells.window * STEP_S),
            Synapses(0.0, 1.0, column_siemens=siemens),
            spike_v=SPIKE_V,
            rest_between=cells.rest_between,
        )


def is_task_file(name: str) -> bool:
    """Say whether a name is that of a file rather than of a task that ships."""
    return name.endswith(".toml")


def _lines(text: str, name: str) -> tuple[FloatArray, IntArray, NDArray[np.str_]]:
    """Return (P, C) numbers, P classes and P sets of samples below a line of names; empty lines are skipped."""
    reader = csv.reader(io.StringIO(text), skipinitialspace=True)
    try:
        lines = [(reader.line_num, row) for row in reader if any(map(str.strip, row))]
    except csv.Error as error:
        raise DataError(f"{name}, line {reader.line_num}: {error}") from error
    if not lines:
        raise DataError(f"{name}: the file is empty; a line of names and a line a sample are needed")
    (_, names), *samples = lines
    if names[-1].strip() in SETS:
        raise DataError(f"{name}: the first line is a sample, and must name the columns, such as in_1,in_2,label,set")
    values, labels, sets = [], [], []
    for line, row in samples:
        where = f"{name}, line {line}"
        if len(row) != len(names) or len(row) < 3:
            raise DataError(
                f"{where} has {len(row)} entries and the first line {len(names)}; every line must hold as many "
                f"numbers, a class and a set"
            )
        *numbers, label, part = map(str.strip, row)
        if part not in SETS:
            raise DataError(f"{where}: set {part!r}; every sample must be of set train or test")
        if not label.isdecimal() or len(label) > _MOST_DIGITS:
            raise DataError(
                f"{where}: class {label!r} must be a whole number from 0 up, of at most {_MOST_DIGITS} digits"
            )
        values.append([_number(each, where) for each in numbers])
        labels.append(int(label))
        sets.append(part)
    return np.array(values, float).reshape(len(values), -1), np.array(labels, np.int64), np.array(sets, np.str_)


def _number(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise DataError(f"{where}: {text!r} is no finite number")
    return value


def _check_tables(tables: Mapping[str, Any], where: str) -> TaskTables:
    try:
        return TaskTables.model_validate(tables)
    except ValidationError as error:
        raise ConfigError(f"{where}: {'; '.join(problems_of(error))}") from error


def _time(kept: float) -> float:
    return math.inf if kept == 1 else time_constant(kept)
