"""Parameters of a cell model, each in the unit in which its name ends: ``at_v = "2 V"``, ``current_a = "1.8 mA"``."""

from typing import Annotated, Any

from pydantic import BeforeValidator

from crossbar_hil.quantities import si

_UNIT_OF_LAST_WORD = {
    "v": "V", "a": "A", "s": "s", "ohm": "ohm", "siemens": "siemens", "voltages": "V", "currents": "A",
}  # fmt: skip


def _plain(options: Any) -> Any:
    """Turn quantities into numbers; what is no quantity is left to be judged as it is."""
    if not isinstance(options, dict):
        return options
    found = {}
    for name, value in options.items():
        unit = None if "_per_" in name else _UNIT_OF_LAST_WORD.get(name.rpartition("_")[2])
        if unit is None:
            found[name] = value
        elif isinstance(value, list):
            found[name] = [si(each, unit) for each in value]
        else:
            found[name] = si(value, unit)
    return found


CellOptions = Annotated[dict[str, float | list[float]], BeforeValidator(_plain)]
"""Numbers, or lists of them, by the names that the cell model gives to its parameters."""
