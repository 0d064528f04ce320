import json

import numpy as np
import pytest

from crossbar_hil.commissioning.resistors import read_resistors
from crossbar_hil.errors import ConfigError


@pytest.mark.parametrize("said", ["1 MOhm", "1e6", "1 Mohm", "1000 kohm"])
def test_a_value_is_that_of_every_resistor(said):
    assert (read_resistors(said, (2, 3)) == np.full((2, 3), 1e6)).all()


@pytest.mark.parametrize(
    "text",
    ["1e6,2e6\n3e6,4e6\n", "# board 7\n1 MOhm; 2 MOhm\n3 MOhm; 4 MOhm", "1e6 2e6\n3e6 4e6",
     json.dumps({"conductance_siemens": [[1e-6, 5e-7], [1 / 3e6, 2.5e-7]]})],
)  # fmt: skip
def test_a_file_holds_ohms_or_what_read_printed(tmp_path, text):
    (tmp_path / "board.csv").write_text(text)
    found = read_resistors(str(tmp_path / "board.csv"), (2, 2))
    assert found == pytest.approx(np.array([[1e6, 2e6], [3e6, 4e6]]))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("1e6,2e6\n", "1 x 2 resistors, the bench is wired for 2 x 2"),
        ("1e6,0\n1e6,1e6\n", "0 ohm at row 1, column 2; a resistor has 1 to 1e"),
        ("1e6,nan\n1e6,1e6\n", "nan ohm at row 1, column 2"),
        ("1e6,2 uS\n1e6,1e6\n", "line 1: '2 uS' is not in ohm"),
        ("1,5e6\n1e6\n", "lines have"),
    ],
)
def test_what_is_no_board_is_named(tmp_path, text, told):
    (tmp_path / "board.csv").write_text(text)
    with pytest.raises(Exception, match=told):
        read_resistors(str(tmp_path / "board.csv"), (2, 2))


def test_neither_a_file_nor_a_value_is_said_so():
    with pytest.raises(ConfigError, match="there is no file of that name, and it is no resistance"):
        read_resistors("board.csv", (2, 2))
