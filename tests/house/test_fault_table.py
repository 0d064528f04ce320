"""The table of faults is what the marks of the tests say."""

import importlib.util
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COUNTS = {"T": 20, "I": 23, "R": 14, "C": 15, "O": 13, "H": 16, "D": 13, "F": 13, "V": 23, "X": 25}


@pytest.fixture(scope="module")
def table():
    spec = importlib.util.spec_from_file_location("fault_table", ROOT / "docs" / "fault_table.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_list_holds_every_fault_once_and_all_that_is_said_of_it(table):
    found = table.faults()
    assert Counter(key[0] for key in found) == COUNTS
    assert list(found) == [f"{letter}{number}" for letter, count in COUNTS.items() for number in range(1, count + 1)]
    for key, fault in found.items():
        expected = {"what", "severity", "must", "does"} if key[0] in table.FAULTS else {"what"}
        assert expected <= set(fault) <= expected | {"open"}, key
        assert fault.get("severity", "S") in set("SDA"), key


def test_every_mark_names_something_of_the_list(table):
    assert set(table.marks()) <= set(table.faults())


def test_what_no_test_provokes_is_said_to_be_open(table):
    found = table.marks()
    assert [key for key, fault in table.faults().items() if key not in found and "open" not in fault] == []


def test_the_page_is_what_the_script_writes(table):
    up_to_date = table.PAGE.read_text(encoding="utf-8") == table.page()
    assert up_to_date, "run python docs/fault_table.py"


def test_marks_are_found_on_functions_classes_modules_and_parameters(table, tmp_path):
    folder = tmp_path / "tests"
    folder.mkdir()
    (folder / "test_it.py").write_text(
        "import pytest\n"
        'pytestmark = pytest.mark.fault("T1")\n'
        '@pytest.mark.fault("T2", "T3")\n'
        "def test_one(): pass\n"
        '@pytest.mark.parametrize("n", [pytest.param(1, marks=pytest.mark.fault("T4")), 2])\n'
        "def test_two(n): pass\n"
        '@pytest.mark.fault("T5")\n'
        "class TestIt:\n"
        '    @pytest.mark.fault("T6")\n'
        "    def test_three(self): pass\n"
        "def helper(): pass\n"
    )
    assert table.marks(folder) == {
        "T1": ["tests/test_it.py::test_one", "tests/test_it.py::test_two", "tests/test_it.py::TestIt"],
        "T2": ["tests/test_it.py::test_one"],
        "T3": ["tests/test_it.py::test_one"],
        "T4": ["tests/test_it.py::test_two"],
        "T5": ["tests/test_it.py::TestIt"],
        "T6": ["tests/test_it.py::TestIt::test_three"],
    }
