"""Settings as a run records them, each with its unit, its default and a word about it: what every view renders."""

import ast
import dataclasses
import functools
import inspect
import itertools
import json
import textwrap
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined, to_jsonable_python

from crossbar_hil.errors import RunError
from crossbar_hil.guard.storage import replace_durably, write_new
from crossbar_hil.parsing import parse_json
from crossbar_hil.tables import Unit

Tables = dict[str, Any]
"""Checked tables as plain data, by the name of each whole: ``bench``, or ``network``."""
_NONE: Any = PydanticUndefined
"""Stands for a default that there is not."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One recorded setting."""

    table: str
    """Table of the bench file, such as ``chip.spread``; the name of the whole for what stands in no table."""
    name: str
    value: Any
    default: Any = _NONE
    unit: str = ""
    about: str = ""
    """What it is, in a few words; empty if its model does not say."""

    @property
    def key(self) -> str:
        """Table and name."""
        return f"{self.table}.{self.name}"

    @property
    def changed(self) -> bool:
        """Whether it has a default and differs from it; the kind of a bench says what it is, not how it is set.

        None is what nobody said, as no file can say it.
        """
        said = self.value is not None and self.key != "bench.kind"
        return said and self.default is not _NONE and self.value != self.default

    @property
    def text(self) -> str:
        """Value with its unit."""
        return text_of(self.value, self.unit)

    @property
    def usual(self) -> str:
        """Default with its unit; empty if there is none."""
        return "" if self.default is _NONE else text_of(self.default, self.unit) or "none"


def dump_tables(model: Any) -> Any:
    """Return checked settings as plain data, every default filled in, in SI."""
    return to_jsonable_python(model, by_alias=True)


def check_tables(tables: Any) -> Tables:
    """Return recorded settings as they are, if they are tables at all.

    Raises
    ------
    ValueError
        If not.
    """
    if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
        raise ValueError("its settings are no tables")
    return tables


def read_json_record(
    path: Path, what: str, needed: Sequence[str], tables_of: Callable[[dict[str, Any]], Any]
) -> dict[str, Any]:
    """Return a record that is a JSON file: what was run, by which versions, how it ended.

    Parameters
    ----------
    path : Path
        The file.
    what : str
        What it is the record of, such as ``a spiking run``.
    needed : sequence of str
        What stands in every one.
    tables_of : callable
        Finds its settings.

    Raises
    ------
    RunError
        If it is damaged.
    """
    try:
        record = parse_json(path.read_text(encoding="utf-8"))
        if missing := [name for name in needed if name not in record]:
            raise ValueError(f"{missing[0]} is missing")
        check_tables(tables_of(record))
    except (OSError, ValueError, TypeError) as error:
        raise RunError(f"{path} of {what} cannot be read: {error}") from error
    return dict(record)


def write_json_record(path: Path, record: Mapping[str, Any]) -> None:
    """Put a new record in the place of the old one, on disk when this returns; a RunError if that cannot be written."""
    text = json.dumps(record, indent=1, default=str) + "\n"
    replace_durably(path, lambda file: write_new(file, text))


def describe_tables(tables: Tables, models: Mapping[str, type[Any]]) -> list[Setting]:
    """Say of every recorded setting what its model says of it, those in no table first.

    Parameters
    ----------
    tables : dict
        As recorded, perhaps by another version: what the model does not know is described by its name alone.
    models : mapping
        Model of each whole.
    """
    found = [each for root, values in tables.items() for each in _walk(values, models.get(root), root, "", _NONE)]
    order = {table: place for place, table in enumerate(dict.fromkeys(each.table for each in found))}
    return sorted(found, key=lambda each: order[each.table])


def text_of(value: Any, unit: str = "", *, exact: bool = True) -> str:
    """Return a value as a person reads it; with six digits of a number if it need not be exact.

    >>> text_of(5e7, "1/A"), text_of(True), text_of(None), text_of({"a": [1, 2]})
    ('5e+07 1/A', 'yes', 'none', 'a 1 2')
    >>> text_of([1 / 3]), text_of([1 / 3], exact=False)
    ('0.3333333333333333', '0.333333')
    """
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        inner = {key: text_of(each, exact=exact) for key, each in value.items()}
        told = (f"{key} ({inner[key]})" if isinstance(each, dict) else f"{key} {inner[key]}"
                for key, each in value.items())  # fmt: skip
        return ", ".join(told) or "none"
    if isinstance(value, list):
        nested = any(isinstance(each, list | dict) for each in value)
        text = json.dumps(value) if nested else " ".join(text_of(each, exact=exact) for each in value) or "none"
    elif isinstance(value, float):
        text = f"{value:g}" if not exact or float(f"{value:g}") == value else repr(value)
    else:
        text = str(value)
    return f"{text} {unit}" if unit and text != "none" else text


@dataclass(frozen=True, slots=True)
class _Field:
    """What a model says of one of its fields."""

    default: Any
    unit: str
    about: str
    model: type[Any] | None
    """Model of the table, or of each of the tables, that the field holds."""
    many: bool
    """Whether it holds tables by name."""


def _walk(values: Any, model: Any, table: str, prefix: str, defaults: Any) -> Iterator[Setting]:
    """Yield the settings of a table and of those in it; `defaults` are those of the table as a whole, if it has any."""
    fields = {} if model is None else _fields_of(model)
    if hasattr(model, "usual"):  # defaults that other settings decide on
        usual = dump_tables(model.usual(values))
        fields = {name: dataclasses.replace(field, default=usual[name]) for name, field in fields.items()}
    for name, value in values.items():
        field = fields.get(name, _Field(_NONE, "", "", None, False))
        default = defaults.get(name, field.default) if isinstance(defaults, dict) else field.default
        if field.many and isinstance(value, dict) and all(isinstance(inner, dict) for inner in value.values()):
            for each, inner in value.items():
                yield from _walk(inner, field.model, f"{prefix}{name}.{each}", f"{prefix}{name}.{each}.", _NONE)
        elif isinstance(value, dict) and (field.model is not None or (model is None and prefix == "")):
            yield from _walk(value, field.model, f"{prefix}{name}", f"{prefix}{name}.", default)
        else:
            yield Setting(table, name, value, default, field.unit, field.about)


@functools.cache
def _fields_of(model: Any) -> dict[str, _Field]:
    """Return what a pydantic model or a dataclass says of its fields, by their names in a file."""
    hints = typing.get_type_hints(model, include_extras=True)
    said = _words_about(model)
    if issubclass(model, BaseModel):
        declared = {
            name: (field.alias or name, field.get_default(call_default_factory=True))
            for name, field in model.model_fields.items()
        }
    else:
        declared = {each.name: (each.name, each.default) for each in dataclasses.fields(model)}
    found = {}
    for name, (alias, default) in declared.items():
        parts = list(_parts(hints[name]))
        units = [part.name for part in parts if isinstance(part, Unit)]
        models = [part for part in parts if isinstance(part, type) and issubclass(part, BaseModel)]
        known = _NONE if default is PydanticUndefined or default is dataclasses.MISSING else dump_tables(default)
        found[alias] = _Field(
            known,
            units[0] if units else "",
            said.get(name, ""),
            models[0] if models else None,
            bool(models) and typing.get_origin(hints[name]) is dict,
        )
    return found


def _parts(hint: Any) -> Iterator[Any]:
    """Yield a type and all that it is made of, with what it is annotated with."""
    yield hint
    for part in [*typing.get_args(hint), *getattr(hint, "__metadata__", ())]:
        yield from _parts(part)


def _words_about(model: type[Any]) -> dict[str, str]:
    """Return the first sentence of the string below each field in the source of a class."""
    found: dict[str, str] = {}
    for each in reversed(model.__mro__):  # a table may be made of others
        if each.__module__.partition(".")[0] == model.__module__.partition(".")[0]:
            found.update(_words_in(each))
    return found


def _words_in(model: type[Any]) -> dict[str, str]:
    try:
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(model))).body
    except (OSError, TypeError, SyntaxError):
        return {}
    body = getattr(tree, "body", [])
    return {
        field.target.id: " ".join(below.value.value.replace("``", "").split()).split(". ")[0].rstrip(".")
        for field, below in itertools.pairwise(body)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant) and isinstance(below.value.value, str)
    }
