"""Named arrays with units as a Dataset of xarray that keeps the CF conventions, version 1.8, for NetCDF.

What a file holds then is numbers of 8 to 32 bits, doubles and text: CF 1.8 (section 2.2) knows no whole number of 64
bits and no truth value.
"""

import json
import math
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from crossbar_hil.errors import DataError, MissingExtra, install
from crossbar_hil.text import printable

CONVENTIONS = "CF-1.8"
NOT_STATED = "not stated"
"""Stands where CF wants a word that nobody said."""
MOST = 2**31 - 1
"""Largest whole number of 32 bits."""
EXACT = 2**53
"""Up to here a double holds every whole number."""
Attribute = str | float | np.int32


class Variable(NamedTuple):
    """Numbers or words for a file of named arrays; one of a single dimension of its own name is a coordinate."""

    dimensions: tuple[str, ...]
    values: NDArray[Any]
    unit: str = "1"
    about: str = ""
    """What it is, in a few words."""


def cf_name(text: str) -> str:
    """Return a name of letters, digits and underscores that begins with a letter (CF 1.8, section 2.3).

    >>> cf_name("chip.spread.sigma"), cf_name("2 wires")
    ('chip_spread_sigma', 'n_2_wires')
    """
    name = re.sub(r"[^A-Za-z0-9_]", "_", text)
    return name if name[:1].isalpha() else f"n_{name}"


def attribute(value: Any) -> Attribute:
    """Return a value as an attribute of a file: a number or text as they are, anything else as JSON.

    >>> attribute(5e7), attribute("four"), attribute([4, 4]), attribute(None), attribute(True)
    (50000000.0, 'four', '[4, 4]', 'null', 'true')
    """
    if isinstance(value, str):
        return printable(value, " ")
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        whole = int(value)
        return np.int32(whole) if -MOST <= whole <= MOST else float(whole) if abs(whole) <= EXACT else str(whole)
    if isinstance(value, float) and math.isfinite(value):
        return value
    return json.dumps(value, default=str)


def attributes(values: Mapping[str, Any]) -> dict[str, Attribute]:
    """Return attributes by names that CF allows; of two that become the same the second has an underscore more."""
    found: dict[str, Attribute] = {}
    for name, value in values.items():
        allowed = cf_name(name)
        while allowed in found:
            allowed += "_"
        found[allowed] = attribute(value)
    return found


def dataset(variables: Mapping[str, Variable], about: Mapping[str, Any]) -> Any:
    """Return an `xarray.Dataset`.

    Parameters
    ----------
    variables : mapping
        By name.
    about : mapping
        Attributes of the whole, such as ``title``.

    Raises
    ------
    MissingExtra
        If xarray is not installed.
    DataError
        If a whole number is larger than a file can hold.
    """
    try:
        import xarray  # noqa: PLC0415 - an extra, and heavy
    except ImportError as error:
        raise MissingExtra(f"arrays with labels need xarray ({error}); install it with: {install('export')}") from error
    data: dict[str, Any] = {}
    coordinates: dict[str, Any] = {}
    for name, each in variables.items():
        said: dict[str, Any] = {"long_name": each.about or name.replace("_", " "), "units": each.unit}
        values, more = _stored(name, np.asarray(each.values))
        (coordinates if each.dimensions == (name,) else data)[name] = (each.dimensions, values, said | more)
    made = xarray.Dataset(data, coords=coordinates, attrs=attributes({"Conventions": CONVENTIONS, **about}))
    for stored in made.variables.values():
        stored.encoding["_FillValue"] = None  # nothing is missing, and coordinates may have none (CF 1.8, 2.5.1)
    return made


def _stored(name: str, values: NDArray[Any]) -> tuple[NDArray[Any], dict[str, Any]]:
    """Return values of a type that CF knows, and what must be said of them."""
    if values.dtype.kind == "b":
        return values.astype(np.int8), {"flag_values": np.array([0, 1], np.int8), "flag_meanings": "no yes"}
    if values.dtype.kind in "iu":
        largest = max(-int(values.min()), int(values.max())) if values.size else 0
        if largest <= MOST:
            return values.astype(np.int32), {}
        if largest > EXACT:
            raise DataError(f"{name} holds {largest}, a whole number that no NetCDF file of CF-1.8 can hold")
        return values.astype(np.float64), {}
    return values, {}
