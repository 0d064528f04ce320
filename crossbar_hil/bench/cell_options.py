"""Parameters of a cell model, each in the unit in which its name ends: ``at_v = "2 V"``, ``current_a = "1.8 mA"``."""

import math
from typing import Annotated, Any

from pydantic import BeforeValidator

from crossbar_hil.errors import ConfigError
from crossbar_hil.quantities import number, si
from crossbar_hil.text import shown

_UNIT_OF_LAST_WORD = {
    "v": "V", "a": "A", "s": "s", "ohm": "ohm", "siemens": "siemens", "voltages": "V", "currents": "A",
}  # fmt: skip


def _plain(options: Any) -> Any:
    """Turn quantities into numbers; what is no quantity is left to be judged as it is."""
    if not isinstance(options, dict):
        return options
    found: dict[str, float | list[float]] = {}
    for name, value in options.items():
        unit = None if "_per_" in name else _UNIT_OF_LAST_WORD.get(name.rpartition("_")[2])
        several = value if isinstance(value, list) else [value]
        try:
            numbers = [number(each) if unit is None else si(each, unit) for each in several]
        except ConfigError as error:
            raise ConfigError(f"{name}: {error}") from error
        if not all(map(math.isfinite, numbers)):
            raise ConfigError(f"{name}: {shown(value)} must be finite")
        found[name] = numbers if isinstance(value, list) else numbers[0]
    return found


CellOptions = Annotated[dict[str, float | list[float]], BeforeValidator(_plain)]
"""Numbers, or lists of them, by the names that the cell model gives to its parameters."""
