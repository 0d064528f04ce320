"""Tables of settings: checked models whose numbers people type with a unit."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict

from crossbar_hil.quantities import si

Volt = Annotated[float, BeforeValidator(lambda value: si(value, "V"))]
Second = Annotated[float, BeforeValidator(lambda value: si(value, "s"))]
Siemens = Annotated[float, BeforeValidator(lambda value: si(value, "siemens"))]
Ohm = Annotated[float, BeforeValidator(lambda value: si(value, "ohm"))]
Ampere = Annotated[float, BeforeValidator(lambda value: si(value, "A"))]
PerAmpere = Annotated[float, BeforeValidator(lambda value: si(value, "1/A"))]
VoltSecond = Annotated[float, BeforeValidator(lambda value: si(value, "V s"))]


class Table(BaseModel):
    """A table of settings: unknown keys and numbers that are not finite are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
