"""Settings by name: any single value of [training] and [chip], from the text a person types to a checked bench."""

import functools
import math
import typing
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from crossbar_hil.bench.file import TWIN_SAYS, WHERE_CELLS_START, WITHIN_95, Bench, Chip, Spread
from crossbar_hil.errors import ConfigError
from crossbar_hil.plugins import nearest
from crossbar_hil.tables import problems_of
from crossbar_hil.training.settings import Training

Value = float | int | str | bool


@dataclass(frozen=True, slots=True)
class SettingTable:
    """A table whose settings can be varied by name."""

    name: str
    model: type[Any]
    """Checked model whose fields are the settings."""
    not_single: frozenset[str] = frozenset()
    """Fields that are no single value."""


CHIPS = (
    SettingTable("training", Training, frozenset({"rule_options"})),
    SettingTable(
        "chip", Chip, frozenset({"spread", "stuck", "dead", "unformed", "cell_options", "step_variation_interval"})
    ),
    SettingTable("chip.spread", Spread),
)
"""Tables of the settings of a chip that is trained."""
OPTIONS = "rule_options"
"""Table of the options of a rule, which the rule itself knows and checks."""
_SHORT = {
    "K": "scale",
    "width": "width_s",
    "amplitude": "amplitude_v",
    "noise": "read_noise",
    "wire": "wire_ohm",
    "high": "high_siemens",
}
UNITS = {
    **dict.fromkeys(("v0", "v1", "amplitude_v"), "V"),
    **dict.fromkeys(("width_s", "telegraph_s", "relaxation_s", "read_s"), "s"),
    **dict.fromkeys(("low_siemens", "high_siemens", "median_siemens", "unformed_siemens"), "S"),
    "beta": "1/A",
    "wire_ohm": "ohm",
    "column_offset_a": "A",
}
"""Unit of the settings that have one."""


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """One setting of a bench file."""

    table: str
    """Name of its table, such as ``training``."""
    name: str
    model: type[Any] = field(repr=False, compare=False)
    """Checked model of that table."""

    def __str__(self) -> str:
        return f"{OPTIONS}.{self.name}" if self.is_option else self.name

    @property
    def is_option(self) -> bool:
        """Whether it is an option of the rule."""
        return self.table == f"training.{OPTIONS}"

    @property
    def label(self) -> str:
        """Name and unit, for an axis."""
        return f"{self} ({self.unit})" if self.unit else str(self)

    @property
    def unit(self) -> str:
        """Its SI unit; empty if it has none."""
        return "" if self.is_option else UNITS.get(self.name, "")

    @property
    def is_number(self) -> bool:
        """Whether its values may be numbers."""
        return self.is_option or bool({float, int} & set(_leaves(_hint(self))))

    def read(self, text: Value) -> Value:
        """Return the checked value of what a person typed, a quantity in SI.

        Raises
        ------
        ConfigError
            If the text is no value of this setting.
        """
        if self.is_option:
            typed = _single(text) if isinstance(text, str) else text
            return int(typed) if isinstance(typed, float) and typed.is_integer() else typed
        try:
            value: Value = _adapter(self).validate_python(text)
        except ValidationError as error:
            raise ConfigError("; ".join(problems_of(error, key=str(self)))) from error
        return value

    def of(self, bench: Bench) -> Value | None:
        """Return the value that a bench has."""
        if self.is_option:
            return typing.cast("Value | None", bench.training.rule_options.get(self.name))
        table: Any = bench.training if self.table == "training" else virtual_chip(bench).resolved
        return getattr(table.spread if self.table == "chip.spread" else table, self.name, None)


def find_key(text: str, among: Sequence[SettingTable] = CHIPS) -> Key:
    """Find a setting by its name in a bench file, with or without its table, or by a short name.

    Parameters
    ----------
    text : str
        Such as ``beta``, ``training.beta``, ``wire`` or ``rule_options.rate``.

    Raises
    ------
    ConfigError
        If there is none, or it is not a single value.

    Examples
    --------
    >>> find_key("beta"), find_key("spread.sigma")
    (Key(table='training', name='beta'), Key(table='chip.spread', name='sigma'))
    """
    table, _, name = text.strip().rpartition(".")
    if among == CHIPS and table in {OPTIONS, f"training.{OPTIONS}"} and name.isidentifier():
        return Key(f"training.{OPTIONS}", name, Training)
    name = _SHORT.get(name, name.replace("-", "_"))
    for where in among:
        if name in _fields(where) and table in {"", where.name, where.name.rpartition(".")[2]}:
            if name == OPTIONS:
                raise ConfigError(f"setting {text!r} is not a single value: {OPTIONS}.NAME is one option of the rule")
            if name in where.not_single:
                raise ConfigError(f"setting {text!r} is not a single value: write it into a bench file")
            return Key(where.name, name, where.model)
    known = sorted(each for where in among for each in _fields(where) - where.not_single)
    places = "[training] or [chip]" if among == CHIPS else f"a {among[0].name}"
    raise ConfigError(f"{text!r} is no setting of {places}{nearest(name, known)}")


def set_values(bench: Bench, texts: Sequence[str]) -> Bench:
    """Return a bench with every ``KEY=VALUE`` set.

    Raises
    ------
    ConfigError
        If one cannot be read, or is out of bounds.
    """
    values: dict[Key, Value] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign:
            raise ConfigError(f"--set {text!r} must be KEY=VALUE")
        key = find_key(name)
        if key in values:
            raise ConfigError(f"--set names {key} twice")
        values[key] = key.read(value.strip())
    return with_settings(bench, values) if values else bench


def read_options(texts: Sequence[str]) -> dict[str, Value]:
    """Return ``KEY=VALUE`` of the options of a rule: numbers, true and false, and text.

    Raises
    ------
    ConfigError
        If one is no such pair, or is there twice.

    Examples
    --------
    >>> read_options(["rate=2e-1", "most=5", "order=file"])
    {'rate': 0.2, 'most': 5, 'order': 'file'}
    """
    found: dict[str, Value] = {}
    for text in texts:
        name, sign, value = (part.strip() for part in text.partition("="))
        if not sign or not name:
            raise ConfigError(f"--rule-option {text!r} must be KEY=VALUE")
        if name in found:
            raise ConfigError(f"--rule-option names {name} twice")
        found[name] = _single(value)
    return found


def _single(text: str) -> Value:
    """Return a number, a truth value or text, as TOML would read it without quotation marks."""
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        with suppress(ValueError):
            return kind(text)
    return text


def set_own_values(bench: Bench, texts: Sequence[str]) -> Bench:
    """Return a bench with every ``KEY=VALUE`` set, in tables that it has.

    Raises
    ------
    ConfigError
        Also if the bench has no [chip] table and a value belongs there: nothing would come of it.
    """
    keys = [find_key(text.partition("=")[0]) for text in texts]
    missing = [key.name for key in keys if key.table.startswith("chip")] if bench.chip is None else []
    if missing:
        raise ConfigError(f"bench {bench.name} has no [chip] table, so --set cannot set {', '.join(missing)} of it")
    return set_values(bench, texts)


def virtual_chip(bench: Bench) -> Chip:
    """Return the virtual chip of a bench, one of the size of its wiring if it describes none."""
    if bench.chip is None and bench.wiring is not None:
        return Chip(rows=len(bench.wiring.rows), columns=len(bench.wiring.columns))
    return bench.chip or Chip()


def with_settings(bench: Bench, values: Mapping[Key, Value]) -> Bench:
    """Return a bench with other settings, checked as a bench file is: a ConfigError if they do not go together."""
    chip = virtual_chip(bench)
    in_chip = [str(key) for key in values if key.table.startswith("chip")]
    if in_chip and bench.chip is None and not bench.instruments and bench.backend != "simulated":
        raise ConfigError(
            f"bench {bench.name} has no [chip] table, so {' and '.join(in_chip)} cannot be set: backend "
            f"{bench.backend!r} makes its chips without it"
        )
    training: dict[str, Any] = {key.name: value for key, value in values.items() if key.table == "training"}
    if options := {key.name: value for key, value in values.items() if key.is_option}:
        training[OPTIONS] = {**bench.training.rule_options, **options}
    cells: dict[str, Any] = {key.name: value for key, value in values.items() if key.table == "chip"}
    if spread := {key.name: value for key, value in values.items() if key.table == "chip.spread"}:
        cells["spread"] = _revise(Spread, _in_form_of(chip.resolved.spread, spread), spread)
    update: dict[str, Any] = {"training": _revise(Training, bench.training.model_dump(), training)}
    if cells:
        before = chip.model_dump()
        if "step_variation" in cells:
            before.pop("step_variation_interval")  # of another one
        if chip.start is None and set(cells) & set(WHERE_CELLS_START):
            before |= dict.fromkeys(WHERE_CELLS_START)
        twin = cells.get("twin", before["twin"])
        said = [name for name in cells if name in TWIN_SAYS]
        if twin is not None and said:
            raise ConfigError(f"the twin says {' and '.join(said)}, so that cannot be given beside it")
        if "twin" in cells:
            before = {name: value for name, value in before.items() if name not in TWIN_SAYS}
        update["chip"] = _revise(Chip, before, cells)
    return bench.model_copy(update=update)


def _revise(model: type[BaseModel], before: dict[str, Any], values: Mapping[str, Any]) -> BaseModel:
    if not values:
        return model.model_validate(before)
    try:
        return model.model_validate({**before, **values})
    except ValidationError as error:
        given = ", ".join(f"{name} {value}" for name, value in values.items())
        raise ConfigError("; ".join(problems_of(error, key=given))) from error


def _in_form_of(spread: Spread | None, values: Mapping[str, Value]) -> dict[str, Any]:
    """Describe a spread by span, or by median and sigma, whichever the new values ask for."""
    if spread is None:
        return {}
    kept: dict[str, Any] = spread.model_dump(exclude_none=True)
    low, high = spread.low_siemens, spread.high_siemens
    if {"median_siemens", "sigma"} & set(values) and low is not None and high is not None and 0 < low < high:
        return {
            "distribution": spread.distribution,
            "median_siemens": math.sqrt(low * high),
            "sigma": math.log(high / low) / (2 * WITHIN_95),
        }
    median, sigma = spread.median_siemens, spread.sigma
    if {"low_siemens", "high_siemens"} & set(values) and median is not None and sigma is not None:
        factor = math.exp(WITHIN_95 * sigma)
        return {"distribution": spread.distribution, "low_siemens": median / factor, "high_siemens": median * factor}
    return kept


def _fields(table: SettingTable) -> set[str]:
    return set(typing.get_type_hints(table.model))


def _hint(key: Key) -> Any:
    return typing.get_type_hints(key.model, include_extras=True)[key.name]


@functools.cache
def _adapter(key: Key) -> TypeAdapter[Any]:
    return TypeAdapter(_hint(key), config=ConfigDict(allow_inf_nan=False))


def _leaves(hint: Any) -> list[Any]:
    return [leaf for each in typing.get_args(hint) for leaf in _leaves(each)] or [hint]
