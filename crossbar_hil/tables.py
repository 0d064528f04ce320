"""Tables of settings: checked models whose numbers people type with a unit."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict

from crossbar_hil.quantities import number, share, si


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
Share = Annotated[float, BeforeValidator(share)]
"""A number without a unit, or text in percent: 0.1 and "10 %" are the same."""


class Table(BaseModel):
    """A table of settings: unknown keys and numbers that are not finite are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
