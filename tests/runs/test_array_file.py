import sqlite3
from contextlib import closing

import numpy as np
import pytest

from crossbar_hil.errors import DataError
from crossbar_hil.runs.array_file import read_arrays, write_arrays

ARRAYS = {
    "one": np.array(3),
    "many": np.arange(6, dtype=">f8").reshape(2, 3),
    "few": np.array([True, False]),
    "none": np.empty((0, 4), dtype=np.float32),
}


def test_what_is_read_is_what_was_written(tmp_path):
    write_arrays(tmp_path / "a.sqlite", ARRAYS)
    found = read_arrays(tmp_path / "a.sqlite")
    assert set(found) == set(ARRAYS)
    for name, array in ARRAYS.items():
        assert found[name].shape == array.shape
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype.newbyteorder("<")


def test_a_file_is_never_overwritten(tmp_path):
    write_arrays(tmp_path / "a.sqlite", ARRAYS)
    with pytest.raises(FileExistsError):
        write_arrays(tmp_path / "a.sqlite", {})


@pytest.mark.parametrize("array", [np.array(["text"]), np.array([object()]), np.array([1j])])
def test_what_is_no_number_is_refused(tmp_path, array):
    with pytest.raises(DataError, match="array it is of type"):
        write_arrays(tmp_path / "a.sqlite", {"it": array})
    assert not (tmp_path / "a.sqlite").exists()


@pytest.mark.parametrize(
    "change",
    [
        "dtype = '|O8'",
        "shape = '[7]'",
        "shape = '[-1]'",
        "shape = 'x'",
        "content = x'00'",
        "content = zeroblob(length(content))",
        "dtype = NULL",
    ],
)
def test_an_array_that_was_changed_is_named(tmp_path, change):
    write_arrays(tmp_path / "a.sqlite", {"many": ARRAYS["many"]})
    with closing(sqlite3.connect(tmp_path / "a.sqlite")) as file, file:
        file.execute(f"UPDATE array SET {change}")
    with pytest.raises(DataError, match="holds no arrays"):
        read_arrays(tmp_path / "a.sqlite")
