"""The rules of CF-1.8 that a file of this project has to do with, looked up in every variable and every attribute.

CF Conventions 1.8: section 2.2 data types, 2.3 names, 2.5.1 missing data, 2.6 attributes, 3.1 units, 3.2 long names,
3.5 flags. Nothing of this package is used.
"""

import json
import re

import h5py
import numpy as np

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
TYPES = {np.dtype(each) for each in ("i1", "i2", "i4", "f4", "f8")}
GLOBAL = ("Conventions", "title", "history", "institution", "source", "references", "comment")
UDUNITS = {"1", "S", "A", "V", "s", "ohm", "K", "1/A", "V s", "S V-1"}
"""Units that this project writes, as UDUNITS spells them."""
PYTHON = re.compile(r"\b(None|True|False|nan|array\(|Path\(|\w+\(\w+=)|^[{\[]'|, '")
HDF5 = {"CLASS", "NAME", "DIMENSION_LIST", "REFERENCE_LIST", "_Netcdf4Dimid", "_Netcdf4Coordinates", "_NCProperties"}
"""What the format of the file itself writes."""


def broken_rules(path, whole=False):
    """Return a sentence for each rule that a file breaks; `whole` asks for what a file of its own must say, too."""
    with h5py.File(path) as file:
        found = [f"{name}: no {name}" for name in GLOBAL if whole and not str(file.attrs.get(name, "")).strip()]
        if file.attrs.get("Conventions") != "CF-1.8":
            found.append(f"Conventions are {file.attrs.get('Conventions')}")
        found += [problem for each in _attributes(file) for problem in _of_attribute("file", *each)]
        for name, variable in file.items():
            if variable.attrs.get("NAME", b"").startswith(b"This is a netCDF dimension but not a netCDF variable"):
                continue
            found += _of_variable(name, variable)
    return found


def _attributes(held):
    return [(name, value) for name, value in held.attrs.items() if name not in HDF5]


def _of_variable(name, variable):
    if not NAME.fullmatch(name):
        yield f"{name}: no name"
    text = h5py.check_string_dtype(variable.dtype) is not None
    if not text and variable.dtype.newbyteorder("=") not in TYPES:
        yield f"{name}: of type {variable.dtype}"
    for needed in ("long_name", "units"):
        if not str(variable.attrs.get(needed, "")).strip():
            yield f"{name}: no {needed}"
    if variable.attrs.get("units") not in UDUNITS:
        yield f"{name}: unit {variable.attrs.get('units')}"
    if "_FillValue" in variable.attrs:
        yield f"{name}: has a fill value"
    if "flag_values" in variable.attrs:
        values, words = variable.attrs["flag_values"], variable.attrs["flag_meanings"].split()
        if values.dtype != variable.dtype or len(values) != len(words):
            yield f"{name}: flags {values} {words}"
    for each in _attributes(variable):
        yield from _of_attribute(name, *each)


def _of_attribute(where, name, value):
    if not (NAME.fullmatch(name) or name == "_FillValue"):
        yield f"{where}: attribute {name} is no name"
    if isinstance(value, str):
        if PYTHON.search(value):
            yield f"{where}: attribute {name} is Python: {value}"
        if value[:1] in ("{", "["):
            try:
                json.loads(value)
            except ValueError:
                yield f"{where}: attribute {name} is no JSON: {value}"
    elif np.asarray(value).dtype not in TYPES:
        yield f"{where}: attribute {name} is of type {np.asarray(value).dtype}"
