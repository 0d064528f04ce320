"""``[training]`` of a bench file, and the trainer that it describes."""

from dataclasses import dataclass
from functools import cached_property
from importlib.resources.abc import Traversable
from typing import Annotated, Any, Self

import numpy as np
from pydantic import BeforeValidator, Field, model_validator

from crossbar_hil import defaults
from crossbar_hil.arguments import is_number
from crossbar_hil.backend import DeviceBackend, Pulse
from crossbar_hil.errors import ConfigError, DataError
from crossbar_hil.plugins import load
from crossbar_hil.quantities import whole
from crossbar_hil.shipped import data_file
from crossbar_hil.survey.arranging import Reach, arrange, avoid, wanted_weights
from crossbar_hil.survey.file import Cells, read_cells
from crossbar_hil.survey.lines import Lines
from crossbar_hil.survey.mapped import MappedChip
from crossbar_hil.tables import Number, PerAmpere, Second, Siemens, Table, Volt, Whole
from crossbar_hil.text import shown
from crossbar_hil.training.asking import Rule, as_rule, draws, make_rule, most_in_epoch
from crossbar_hil.training.encoding import row_voltages, target_activations
from crossbar_hil.training.learnable import check_learnable_by
from crossbar_hil.training.lines.arrangement import Arrangement, Layers, Pairs
from crossbar_hil.training.patterns import PatternSet
from crossbar_hil.training.trainer import Trainer
from crossbar_hil.training.updates import Update


def _single(options: Any) -> Any:
    """Refuse an option that is no single value; the rule judges what it is."""
    for name, value in options.items() if isinstance(options, dict) else ():
        if not isinstance(value, bool | str) and not is_number(value):
            raise ConfigError(f"{name}: {shown(value)} must be a finite number, text, true or false")
    return options


def _hidden(units: Any) -> Any:
    """Return whole numbers of hidden units; of several layers a tuple, which may be typed as "8,8"."""
    if isinstance(units, str) and "," in units:
        units = [each.strip() for each in units.split(",")]
    if not isinstance(units, list | tuple):
        return whole(units)
    found = tuple(whole(each) for each in units)
    if len(found) > 1 and not all(isinstance(each, int) and each > 0 for each in found):
        raise ConfigError(f"{shown(list(found))} must be a whole number of hidden units for each layer, at least one")
    return found if len(found) > 1 else found[0] if found else 0


class Training(Table):
    """``[training]``: the settings of `crossbar_hil.Trainer`, and the pattern set."""

    patterns: str = "perceptron"
    """Name of a shipped pattern set, or a file, relative to the bench file."""
    epochs: Whole = defaults.EPOCHS
    """Most evaluations."""
    beta: PerAmpere = defaults.BETA
    """Gain of the activation."""
    target: Number = defaults.TARGET
    """Activation to reach for a 1."""
    target0: Number | None = None
    """Activation not to exceed for a 0; that of a 1 with the other sign if not given."""
    v0: Volt = defaults.V0
    """Row voltage of a 0."""
    v1: Volt = defaults.V1
    """Row voltage of a 1."""
    amplitude_v: Volt = defaults.PULSE_V
    """Height of the pulse."""
    width_s: Second = defaults.PULSE_S
    """Width of the pulse."""
    rule: str = "manhattan"
    """Learning rule."""
    rule_options: Annotated[dict[str, Any], BeforeValidator(_single)] = Field(default_factory=dict)
    """Options of the rule, by the names that it gives them."""
    pull_back: bool = defaults.PULL_BACK
    """Whether activations beyond their target are pulled back to it."""
    dead_zone: Number = 0.0
    """Activations nearer to their target than this are left alone."""
    confirm: Annotated[Whole, Field(ge=1)] | None = None
    """Evaluations in a row that must meet every target; 1 if not given, 18 if readings are known to be noisy."""
    give_up: bool = True
    """Whether training ends when nothing can move any more."""
    unresponsive: Annotated[Whole, Field(ge=0)] = defaults.UNRESPONSIVE
    """A cell that did not react to so many pulses in a row gets no more; more if readings are noisy or the curve is
    flat for longer, 0 for never."""
    depress_v: Volt | None = None
    """Height of the depressing pulse."""
    depress_s: Second | None = None
    """Width of the depressing pulse."""
    both_ways: bool = False
    """Whether the partner of every cell that is potentiated is depressed."""
    ceiling_siemens: Siemens | None = None
    """The partner is depressed instead where the cell that should rise reads at least this."""
    verify_siemens: Siemens | None = None
    """A potentiated cell is read, and pulsed again until it has risen by so much."""
    tries: Whole = 5
    """Most pulses until it has risen."""
    fresh_reads: Annotated[Whole, Field(ge=0)] | None = None
    """Evaluations of a chip that has converged, by reads alone; 20 if readings are known to vary, else none."""
    cells: str | None = None
    """Cells file that `survey` wrote, relative to the bench file: its bad cells get no pulse, and rows and columns take
    the places in which these cost least."""
    permute: bool = True
    """Whether they do so, or stay in their order; nothing without cells."""
    check_labels: bool = True
    """Whether labels are refused that no chip without bias can learn; needs cells that follow Ohm's law."""
    hidden: Annotated[int | tuple[int, ...], BeforeValidator(_hidden)] = 0
    """Hidden units between the inputs and the outputs; a list for several layers of them."""
    bias: bool = False
    """Whether every layer has an input that is always at the voltage of a 1."""
    shortcuts: bool = False
    """Whether the bits of a pattern are inputs of every layer, beside the hidden units."""
    pairs: Pairs = "columns"
    """Lines that make a differential pair: two columns, or two rows that carry an input and its negative."""
    layers: Layers = "side by side"
    """Whether layers have columns of their own and share rows, or are stacked: rows of their own and shared columns."""

    @model_validator(mode="after")
    def _depressing_whole(self) -> Self:
        if (self.depress_v is None) != (self.depress_s is None):
            raise ConfigError("depress_v goes with depress_s")
        return self

    @model_validator(mode="after")
    def _network_makes_sense(self) -> Self:
        _ = self.arrangement
        return self

    @property
    def arrangement(self) -> Arrangement:
        """What network it is, and how its layers lie on the chip."""
        try:
            return Arrangement.of(dict(self))
        except DataError as error:
            raise ConfigError(str(error)) from error

    @property
    def pulse(self) -> Pulse:
        """The pulse that training sends."""
        return Pulse(self.amplitude_v, self.width_s)

    @property
    def depress(self) -> Pulse | None:
        """The pulse that depresses, if there is one."""
        if self.depress_v is None or self.depress_s is None:
            return None
        return Pulse(self.depress_v, self.depress_s)

    @property
    def pattern_file(self) -> Traversable:
        """The file of the pattern set."""
        return data_file(self.patterns)


_AS_THEY_ARE = {
    *("pull_back", "dead_zone", "beta", "target", "target0", "epochs", "v0", "v1"),
    *("confirm", "give_up", "unresponsive", "check_labels"),
}
"""Settings that `Trainer` takes as they are."""


def check_labels(settings: Training) -> None:
    """Refuse a pattern set whose labels no chip without bias can learn, before any chip is looked at.

    A DataError then, or if the pattern file is wrong.
    """
    if settings.check_labels:
        task = PatternSet.from_csv(settings.pattern_file)
        target0 = -settings.target if settings.target0 is None else settings.target0
        volts = {"v0": settings.v0, "v1": settings.v1, "target0": target0, "target": settings.target}
        check_learnable_by(settings.arrangement, task.train, task.train_labels, **volts)


def make_update(settings: Training) -> tuple[Rule, Update]:
    """Make the rule and the update that a bench file describes.

    Raises
    ------
    ConfigError, DataError
        If the rule is not installed or does not take its options, or they do not go with the pulses.
    """
    rule = make_rule(settings.rule, load("rules", settings.rule), settings.rule_options)
    how = settings.model_dump(include={"both_ways", "ceiling_siemens", "verify_siemens", "tries"})
    return rule, Update(settings.pulse, settings.depress, one_cell=as_rule(rule).one_cell, **how)


def make_trainer(
    settings: Training,
    backend: DeviceBackend,
    *,
    seed: int | None = None,
    number: int = 0,
    lines: Lines | None = None,
) -> Trainer:
    """Make the trainer that a bench file describes; a rule that draws trains with a seed alone.

    Where the file names bad cells, the backend of the trainer is the chip as its network sees it, on the lines that are
    given, or else on those that lose least.
    """
    rule, update = make_update(settings)
    if settings.cells is not None and not isinstance(backend, MappedChip):
        backend = map_chip(settings, backend, lines)
    what = {"arrangement": settings.arrangement, **settings.model_dump(include=_AS_THEY_ARE)}
    return Trainer(backend, update=update, rule=rule, seed=seed, number=number, **what)


def map_chip(settings: Training, backend: DeviceBackend, lines: Lines | None = None) -> MappedChip:
    """Return a chip as the network on it sees it, whose bad cells a file names.

    Raises
    ------
    ConfigError
        If no file is named, or it is of a chip of another size.
    DataError
        If it cannot be read, or the task needs more lines than the chip has.
    """
    if settings.cells is None:
        raise ConfigError("[training] names no cells")
    cells = read_cells(data_file(settings.cells))
    cells.check_shape(settings.cells, backend.shape)
    return MappedChip(backend, lines_for(settings, cells) if lines is None else lines, cells.left_out)


def lines_for(settings: Training, cells: Cells) -> Lines:
    """Return the lines of a surveyed chip that the network of a bench file takes.

    The first ones where no cell is bad, or they are to stay in their order. Of a network of several layers, or with
    pairs of rows, nobody knows which weights it will want: it takes those on which it uses the fewest bad cells.
    """
    task, arrangement = PatternSet.from_csv(settings.pattern_file), settings.arrangement
    bits, outputs = task.train.shape[1], task.train_labels.shape[1]
    layers = arrangement.fit(cells.shape, bits, outputs)
    rows, columns = arrangement.least_shape(bits, outputs)
    if not (settings.permute and cells.avoided.any()):
        return Lines(cells.shape, tuple(range(rows)), tuple(range(columns)))
    if arrangement.hidden or arrangement.pairs == "rows":
        used = np.zeros((rows, columns), dtype=bool)
        for layer in layers:
            used[layer.rows, layer.columns] = True
        return avoid(used, cells.avoided)
    reach = Reach.of(cells)
    volts = row_voltages(task.train, settings.v0, settings.v1)
    volts = np.concatenate([volts, np.full((len(volts), int(arrangement.bias)), settings.v1)], axis=1)
    target0 = -settings.target if settings.target0 is None else settings.target0
    goals = target_activations(task.train_labels, target0, settings.target)
    span = float(np.median(reach.most - reach.least))
    senses = np.where(task.train_labels == 1, 1.0, -1.0)
    return arrange(wanted_weights(volts, senses, np.arctanh(goals) / settings.beta, span), reach)[0]


def draws_of(settings: Training) -> bool:
    """Say whether the rule needs the seed of the run."""
    return draws(make_update(settings)[0])


def most_pulses(settings: Training) -> int:
    """Return the most pulses of one direction that a training sends to one cell."""
    rule, update = make_update(settings)
    patterns = 1 if as_rule(rule).acts == "all" else len(PatternSet.from_csv(settings.pattern_file).train)
    return max(settings.epochs - 1, 0) * most_in_epoch(rule, update, patterns)


@dataclass(frozen=True)
class BenchTraining:
    """``[training]`` of the bench that a backend was opened from, for `Trainer.from_bench`."""

    bench: str
    """Name of the bench."""
    settings: Training
    seed: int | None = None
    """Of a rule that draws."""

    @cached_property
    def task(self) -> PatternSet:
        """The pattern set that the bench names."""
        return PatternSet.from_csv(self.settings.pattern_file)

    def make_trainer(self, backend: DeviceBackend) -> Trainer:
        """Make the trainer that the bench describes."""
        return make_trainer(self.settings, backend, seed=self.seed)

    def ignored_by(self, trainer: Trainer) -> list[str]:
        """Say which settings of the bench file a trainer has left at its own defaults.

        What the program gave the trainer is not ignored, but chosen.
        """
        described, bare = self.make_trainer(trainer.backend), Trainer(trainer.backend)
        found: list[str] = []
        for name in ("pulse", "update", "rule", "arrangement", *sorted(_AS_THEY_ARE)):
            there, here, default = (getattr(each, name) for each in (described, trainer, bare))
            if here == default != there and not (name == "update" and "pulse" in "".join(found)):
                found.append(f"{name} is {_text(there)} there, {_text(here)} here")
        return found


def _text(value: object) -> str:
    """Return a setting as a person reads it."""
    return value.__name__ if callable(value) and hasattr(value, "__name__") else f"{value}"
