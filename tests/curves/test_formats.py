"""Files of other programs: those that are no table are named by what they are, those that are one are read."""

import gzip
import io
import json
import pickle
import zipfile

import numpy as np
import pytest

from crossbar_hil.curves.files.options import Options
from crossbar_hil.curves.reading import understand
from crossbar_hil.errors import DataError

LEVELS = [1e-4, 1.2e-4, 1.3e-4]


def saved(save, *args, **kwargs):
    file = io.BytesIO()
    save(file, *args, **kwargs)
    return file.getvalue()


def archive():
    with zipfile.ZipFile(file := io.BytesIO(), "w") as packed:
        packed.writestr("t.csv", "G (S)\n1e-4\n2e-4\n")
    return file.getvalue()


RECORDS = [{"pulse": number, "G": each} for number, each in enumerate(LEVELS)]

PRINTED = [
    *map(str, (tuple(LEVELS), np.array(LEVELS), np.arange(40) * 1e-6, np.array([LEVELS] * 3).T, np.array([LEVELS]))),
    *map(repr, (np.array(LEVELS), list(np.array(LEVELS)), {"G": np.array(LEVELS)}["G"])),
]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (saved(np.save, np.array(LEVELS)), "is not a text file, but an array of NumPy: `numpy.savetxt("),
        (saved(np.savez, G=np.array(LEVELS)), "is not a text file, but an array of NumPy"),
        (saved(np.savez_compressed, G=np.array(LEVELS)), "is not a text file, but an array of NumPy"),
        (gzip.compress(b"G (S)\n1e-4\n"), "is not a text file, but a packed one: unpack it"),
        (archive(), "is not a text file, but a packed one: unpack it"),
        *((pickle.dumps(LEVELS, protocol), "is not a text file, but a pickle of Python") for protocol in (3, 4, 5)),
        (json.dumps({"G": LEVELS}).encode(), "is JSON: write its numbers as columns of text"),
        (json.dumps(RECORDS, indent=1).encode(), "is JSON"),
        *((each.encode(), "holds what Python prints of an array, not a table: `numpy.savetxt") for each in PRINTED),
        (b"\x89HDF\r\n\x1a\n" + b"x" * 99, "begins as HDF5 .* damaged or cut short"),
        ("\n".join(map(json.dumps, RECORDS)).encode(), "is JSON"),
        (b"<html><table><tr><td>1e-4</td></tr></table></html>", "is a web page or XML"),
        (b'<?xml version="1.0"?><Workbook/>', "is a web page or XML"),
        (b"TDSm\x0e\x00\x00\x00i\x12", "is not a text file, but a TDMS file of LabVIEW"),
        (b"\x89PNG\r\n\x1a\n", "is not a text file, but a picture"),
    ],
    ids=lambda each: "content" if isinstance(each, bytes) else None,  # some say when they were made
)
def test_a_file_that_is_no_table_is_named_by_what_it_begins_with(tmp_path, content, told):
    file = tmp_path / "curve.csv"
    file.write_bytes(content)
    with pytest.raises(DataError, match=rf"curve\.csv {told}".replace("(", r"\(")):
        understand(file, Options())


@pytest.mark.parametrize(
    "text",
    [
        # LabVIEW names a column for remarks in which hardly ever stands one.
        "LabVIEW Measurement\t\n***End_of_Header***\t\n\t\n"
        "X_Value\tG (S)\tComment\n0.0\t1e-4\n1.0\t1.2e-4\n2.0\t1.3e-4\n",
        # Pulses and readings are lines of one table, numbered through.
        "step,V (V),I (A)\n1,0.1,1e-5\n2,2,9e-4\n3,0.1,1.2e-5\n4,2,1e-3\n5,0.1,1.3e-5\n",
        "(1) n,G (S)\n1,1e-4\n2,1.2e-4\n3,1.3e-4\n",
        "# {lab}\nG (S)\n1e-4\n1.2e-4\n1.3e-4\n",
    ],
)
def test_a_table_of_another_program_gives_its_levels(tmp_path, text):
    file = tmp_path / "curve.csv"
    file.write_text(text)
    (curve,) = understand(file, Options()).curves
    assert curve.levels_siemens == pytest.approx(LEVELS)


def test_a_column_called_reading_that_holds_no_whole_numbers_counts_nothing(tmp_path):
    # As a 2450 saves its buffer: what is read stands under that name, its unit beside it.
    file = tmp_path / "curve.csv"
    file.write_text(
        "Index,Reading,Unit,Source\n" + "".join(f"{n},{each / 10},Amp DC,0.1\n" for n, each in enumerate(LEVELS))
    )
    with pytest.raises(DataError, match=r"column\(s\) 2 'Reading': .* --column 2 --unit A --voltage 0.1"):
        understand(file, Options())
    (curve,) = understand(file, Options(column=("2",), unit="A", voltage=0.1)).curves
    assert curve.levels_siemens == pytest.approx(LEVELS)
