"""Tables of settings: checked models whose numbers people type with a unit; what is wrong is told in sentences."""

import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from crossbar_hil.errors import DataError
from crossbar_hil.parsing import MOST_TOML, parse_toml
from crossbar_hil.quantities import number, share, si, whole
from crossbar_hil.text import shown

Checked = TypeVar("Checked")


@dataclass(frozen=True, slots=True)
class Unit:
    """The unit that the value of a field is in, for whoever shows it."""

    name: str


Volt = Annotated[float, BeforeValidator(lambda value: si(value, "V")), Unit("V")]
Second = Annotated[float, BeforeValidator(lambda value: si(value, "s")), Unit("s")]
Siemens = Annotated[float, BeforeValidator(lambda value: si(value, "siemens")), Unit("S")]
Ohm = Annotated[float, BeforeValidator(lambda value: si(value, "ohm")), Unit("ohm")]
Ampere = Annotated[float, BeforeValidator(lambda value: si(value, "A")), Unit("A")]
PerAmpere = Annotated[float, BeforeValidator(lambda value: si(value, "1/A")), Unit("1/A")]
VoltSecond = Annotated[float, BeforeValidator(lambda value: si(value, "V s")), Unit("V s")]
Number = Annotated[float, BeforeValidator(number)]
"""A number without a unit; a truth value is none."""
Whole = Annotated[int, BeforeValidator(whole)]
"""A whole number, also written as 1e3; a truth value is none."""
Share = Annotated[float, BeforeValidator(share)]
"""A number without a unit, or text in percent: 0.1 and "10 %" are the same."""


class Table(BaseModel):
    """A table of settings: unknown keys and numbers that are not finite are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


_BOUNDS = {
    **dict.fromkeys(("int_parsing", "int_type", "int_from_float"), "must be a whole number"),
    "int_parsing_size": "must be a whole number of fewer digits",
    **dict.fromkeys(("float_parsing", "float_type"), "must be a number"),
    "finite_number": "must be a finite number",
    **dict.fromkeys(("bool_parsing", "bool_type"), "must be true or false"),
    "string_type": "must be text, in quotation marks",
    "string_too_short": "must not be empty",
    **dict.fromkeys(("list_type", "tuple_type"), "must be a list"),
    **dict.fromkeys(("dict_type", "model_type"), "must be a table of keys and values"),
    "literal_error": "must be {expected}",
    "too_short": "must hold at least {min_length}, not {actual_length}",
    "too_long": "must hold at most {max_length}, not {actual_length}",
    "greater_than": "must be above {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than": "must be below {lt:g}",
    "less_than_equal": "must be at most {le:g}",
}
"""What must be, by the type of the finding: of pydantic's list those that the tables can cause, with its details."""
_SIZES = ("too_short", "too_long")


def problems_of(
    error: ValidationError, near: Callable[[tuple[int | str, ...]], str] = lambda _: "", key: str = ""
) -> list[str]:
    """Return a sentence for each finding.

    Parameters
    ----------
    near : callable
        Returns a hint of the known key nearest to an unknown one, by the place of the latter.
    key : str
        What stands for the key where a finding is of the whole, such as the single setting that was checked.
    """
    return [_sentence(each, near, key) for each in error.errors(include_url=False)]


def _sentence(problem: ErrorDetails, near: Callable[[tuple[int | str, ...]], str], key: str) -> str:
    place, kind = problem["loc"], problem["type"]
    key = _key(place) or key
    if kind == "extra_forbidden":
        return f"unknown key {key}{near(place)}"
    if kind == "missing":
        return f"{key} is missing"
    if kind in _SIZES:
        return f"{key} {_BOUNDS[kind].format(**problem['ctx'])}"
    if kind in _BOUNDS:
        sign = ":" if place and isinstance(place[-1], int) else " ="
        return f"{key}{sign} {shown(problem['input'])} {_BOUNDS[kind].format(**problem.get('ctx', {}))}"
    message = problem["msg"].removeprefix("Value error, ")
    return f"{key}: {message}" if key else message


def _key(place: Sequence[int | str]) -> str:
    """Write the place of a finding; what stands in a list is counted from 1."""
    text = ""
    for part in place:
        if isinstance(part, int):
            text += f", entry {part + 1}" if text else f"entry {part + 1}"
        else:
            text += f".{part}" if text else part
    return text


def read_checked(
    what: str, text: str, check: Callable[[dict[str, Any]], Checked], advice: str, *, most_bytes: int | None = MOST_TOML
) -> Checked:
    """Return what a TOML file says, checked.

    Parameters
    ----------
    what : str
        The file in words, such as ``cells file cells.toml``.
    text : str
        The whole of it, `most_bytes` at most.
    check : callable
        Makes of its tables what is returned.
    advice : str
        What to do if it is damaged.

    Raises
    ------
    DataError
        If it is no TOML, or `check` refuses it; the message names the key.
    """
    try:
        return check(parse_toml(text, most_bytes=most_bytes))
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"{what} is not valid TOML: {error}; {advice}") from error
    except ValidationError as error:
        raise DataError(f"{what}: {problems_of(error)[0]}; {advice}") from error
