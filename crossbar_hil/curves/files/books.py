"""Workbooks and files of MATLAB as rows, by libraries that are asked for only then."""

import io
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from crossbar_hil.errors import DataError, install

from .numbers import Cell
from .options import Options
from .questions import Asker
from .tables import Row

if TYPE_CHECKING:
    from python_calamine import CalamineSheet

_ZIP, _OLE, _HDF5, _MATLAB = b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"\x89HDF\r\n\x1a\n", b"MATLAB "
"""What files begin with: .xlsx and .ods, .xls, MATLAB 7.3 (at byte 512 behind its own words), MATLAB 5."""


def rows_of(data: bytes, options: Options, ask: Asker) -> list[Row] | None:
    """Return the rows of a workbook's sheet or of MATLAB's variables; None if the file is neither.

    Raises
    ------
    DataError
        If the library is not installed, or sheets or variables leave open which is the curve.
    """
    if data.startswith((_ZIP, _OLE)):
        return _sheet(data, options, ask)
    if data.startswith((_MATLAB, _HDF5)) or data[512:520] == _HDF5:
        return _variables(data, options, ask)
    if options.sheet is not None:
        raise ask.refusal("is no workbook, so it has no sheets")
    if options.cycles == "rows":
        raise ask.refusal("is no file of MATLAB; --cycles rows is for the rows of its matrices")
    return None


def _sheet(data: bytes, options: Options, ask: Asker) -> list[Row]:
    try:
        from python_calamine import CalamineError, CalamineWorkbook  # noqa: PLC0415 - an extra
    except ImportError:
        raise DataError(
            f"curve file {ask.file} is a workbook, which needs python-calamine: {install('excel')}"
        ) from None
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        held = {name: _rows(book.get_sheet_by_name(name)) for name in book.sheet_names}
    except CalamineError as error:
        raise DataError(f"curve file {ask.file} is no workbook that can be read: {error}") from error
    tables = {name: rows for name, rows in held.items() if _numbers(rows) > 1}
    if options.sheet is not None:
        if options.sheet not in held:
            raise ask.refusal(f"has no sheet {options.sheet!r}; it has {', '.join(held)}")
        tables = {options.sheet: held[options.sheet]}
    if not tables:
        raise ask.refusal(f"holds no numbers in its sheet(s) {', '.join(held)}")
    first = next(iter(tables))
    if len(tables) > 1:
        raise ask.question(f"has numbers in the sheets {', '.join(tables)}; take one by {ask.command(sheet=first)}")
    ask.say("sheet", f"{first!r} of {len(held)}")
    return tables[first]


def _rows(sheet: "CalamineSheet") -> list[Row]:
    rows = sheet.to_python(skip_empty_area=False)
    return [Row(number, tuple(map(_cell, row))) for number, row in enumerate(rows, start=1)]


def _cell(value: Any) -> Cell:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return " ".join(str(value).split())
    return float(value)


def _numbers(rows: Iterable[Row]) -> int:
    return sum(any(isinstance(cell, float) for cell in row.cells) for row in rows)


def _variables(data: bytes, options: Options, ask: Asker) -> list[Row]:
    """Return columns of equal length side by side, their names above them."""
    if options.sheet is not None:
        raise ask.refusal("is a file of MATLAB, so it has no sheets")
    arrays = _hdf5(data, ask) if not data.startswith(b"MATLAB 5") else _matlab(data, ask)
    columns: list[tuple[str, np.ndarray]] = []
    for name, array in arrays.items():
        if array.ndim > 2 or array.dtype.kind not in "biuf" or array.size < 2:
            continue
        flat = np.atleast_2d(np.asarray(array, dtype=np.float64))
        flat = flat.T if flat.shape[0] == 1 or options.cycles == "rows" else flat
        many = flat.shape[1]
        columns += [(name if many == 1 else f"{name} {k + 1}", flat[:, k]) for k in range(many)]
    if not columns:
        raise ask.refusal(
            f"holds no columns of numbers among its variables {', '.join(arrays) or '(none)'}; save the curve as a "
            "vector of its own"
        )
    ask.say("variables", f"{', '.join(arrays)}; the names count as line 1, their first numbers as line 2")
    length = max(len(column) for _, column in columns)
    lines = [tuple(float(column[k]) if k < len(column) else "" for _, column in columns) for k in range(length)]
    return [Row(1, tuple(name for name, _ in columns)), *(Row(k, line) for k, line in enumerate(lines, start=2))]


def _matlab(data: bytes, ask: Asker) -> dict[str, np.ndarray]:
    from scipy.io import loadmat  # noqa: PLC0415 - scipy takes long to import

    try:
        found = loadmat(io.BytesIO(data))
    except Exception as error:  # scipy raises what its readers stumble over
        raise DataError(f"curve file {ask.file} is no file of MATLAB that can be read: {error}") from error
    arrays: dict[str, np.ndarray] = {}
    for name, array in found.items():
        if name.startswith("__"):
            continue
        fields = getattr(array, "dtype", np.dtype(float)).names if getattr(array, "size", 0) == 1 else None
        if fields is None:
            arrays[name] = np.asarray(array)
        for field in fields or ():  # a struct holds variables
            arrays[field if field not in found and field not in arrays else f"{name}.{field}"] = np.asarray(
                array.flat[0][field]
            )
    return arrays


def _hdf5(data: bytes, ask: Asker) -> dict[str, np.ndarray]:
    try:
        import h5py  # noqa: PLC0415 - an extra
    except ImportError:
        raise DataError(
            f"curve file {ask.file} was saved by MATLAB as version 7.3, which needs h5py: {install('export')}, "
            "or save it with '-v7'"
        ) from None
    try:
        with h5py.File(io.BytesIO(data), "r") as file:
            return {name: np.asarray(file[name]).T for name in file if _is_inside(h5py, file, name)}
    except OSError as error:
        raise DataError(
            f"curve file {ask.file} begins as HDF5 (version 7.3 of MATLAB) but is damaged or cut short: copy it again, "
            "or save its columns as text (CSV)"
        ) from error


def _is_inside(h5py: Any, file: Any, name: str) -> bool:
    """Whether an entry is an array whose numbers stand in the file itself, not in another that it points to."""
    if not isinstance(file.get(name, getlink=True), h5py.HardLink) or not isinstance(file[name], h5py.Dataset):
        return False
    return not (file[name].external or file[name].is_virtual)
