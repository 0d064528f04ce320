"""A board of resistors in place of the chip: one value for all, or one for each cell."""

from pathlib import Path

import numpy as np

from crossbar_hil.arrays import FloatArray
from crossbar_hil.bench.start_map import read_map
from crossbar_hil.errors import ConfigError, DataError
from crossbar_hil.quantities import si
from crossbar_hil.shipped import read_text

LEAST_OHM, MOST_OHM = 1.0, 1e12
"""A resistor of less would be a short on any bench here, one of more is an open line."""


def read_resistors(said: str, shape: tuple[int, int]) -> FloatArray:
    """Return the resistances of a board of R rows and C columns, (R, C) in ohm.

    Parameters
    ----------
    said : str
        A value such as "1 MOhm" or 1e6, for all of them; or a file: what ``crossbar-hil read BENCH --json`` printed of
        the board, or lines of resistances with commas between them, one line a row: ``1e6, 2.2 MOhm``.

    Raises
    ------
    ConfigError
        If it is neither, has another shape, or holds a value that is no resistor.
    """
    path = Path(said)
    if path.is_file():
        return checked_resistors(_of_file(path, shape), shape, f"board {path}")
    try:
        ohm = _ohm(said)
    except ConfigError as error:
        raise ConfigError(
            f"resistors {said!r}: there is no file of that name, and it is no resistance such as '1 MOhm'"
        ) from error
    return checked_resistors(np.full(shape, ohm), shape, f"resistors {said!r}")


def checked_resistors(ohms: object, shape: tuple[int, int], what: str) -> FloatArray:
    """Return resistances (R, C), in ohm, if they are those of a board; a ConfigError names what is wrong."""
    try:
        found = np.array(ohms, dtype=np.float64)
    except ValueError as error:
        raise ConfigError(f"{what} is no table of numbers: {error}") from error
    if found.ndim == 0:
        found = np.full(shape, float(found))
    if found.shape != shape:
        lines = " x ".join(map(str, found.shape))
        raise ConfigError(f"{what} has {lines} resistors, the bench is wired for {shape[0]} x {shape[1]}")
    wrong = ~((found >= LEAST_OHM) & (found <= MOST_OHM))
    if wrong.any():
        row, column = (int(each) for each in np.argwhere(wrong)[0])
        raise ConfigError(
            f"{what} has {found[row, column]:g} ohm at row {row + 1}, column {column + 1}; "
            f"a resistor has {LEAST_OHM:g} to {MOST_OHM:g} ohm"
        )
    return found


def _of_file(path: Path, shape: tuple[int, int]) -> object:
    text = read_text("board", path)
    if text.lstrip().startswith(("{", "[")):
        siemens = read_map(path, shape, "board")
        with np.errstate(divide="ignore"):
            return 1 / siemens
    lines = [line for line in text.lstrip("\ufeff").splitlines() if line.strip() and not line.startswith("#")]
    found = []
    for number, line in enumerate(lines, start=1):
        words = line.split(";" if ";" in line else ",") if ("," in line or ";" in line) else line.split()
        try:
            found.append([_ohm(word.strip()) for word in words if word.strip()])
        except ConfigError as error:
            raise ConfigError(f"board {path}, line {number}: {error}") from error
    if len({len(line) for line in found}) > 1:
        raise DataError(f"board {path}: its lines have {' and '.join(str(len(line)) for line in found)} values")
    return found


def _ohm(text: str) -> float:
    """Return a resistance; "OHM" is as good as "ohm", which the unit is called."""
    return si(text.replace("OHM", "ohm"), "ohm")
