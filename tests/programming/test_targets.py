import json

import numpy as np
import pytest

from crossbar_hil.errors import DataError
from crossbar_hil.programming.targets import (
    carried_by_good_cells,
    checked_targets,
    read_targets,
    read_weights,
    weights_to_targets,
)


def written(tmp_path, text):
    path = tmp_path / "targets.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "text",
    [
        "# made by hand\n1.5 uS, 2e-6\n-,  300 nS\n",
        "1.5e-6;2uS\n-;0.3 uS",
        "1.5e-6\t0.000002\n-\t3e-7",
        "1.5e-6 2e-6\n\n- 3e-7\n",
    ],
)
def test_targets_are_read_with_their_units_and_a_dash_leaves_a_cell_alone(tmp_path, text):
    np.testing.assert_allclose(read_targets(written(tmp_path, text)), [[1.5e-6, 2e-6], [np.nan, 3e-7]], rtol=1e-14)


def test_what_read_prints_is_a_map_of_targets(tmp_path):
    text = json.dumps({"kind": "simulated", "conductance_siemens": [[1e-6, 2e-6]]})
    assert read_targets(written(tmp_path, text)).tolist() == [[1e-6, 2e-6]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1e-6,2\n", r"target of cell .*row 1, column 2.* is 2 S, it must be from 0 to 0.1 S"),
        ("1e-6,-1e-9\n", r"is -1e-09 S, it must be from 0"),
        ("1e-6,1e-6\n2 V,1\n", r"line 2, column 1: '2 V' is not in siemens"),
        ("1e-6,nan\n", r"line 1, column 2: nan is not a finite number"),
        ("1e-6,inf\n", r"inf is not a finite number"),
        ("0,5 uS; 0,2 uS\n", r"line 1: '0,5 uS; 0,2 uS' has commas and semicolons"),
        ("1e-6,\n", r"line 1, column 2: '' is not a number"),
        ("1e-6,2e-6\n1e-6\n", r"row 2 has 1 numbers, row 1 has 2"),
        ("# nothing\n", r"holds no numbers"),
        ("-,-\n", r"no cell has a target"),
        ('{"siemens": [[1]]}', r"its key must be conductance_siemens"),
    ],
)
def test_a_file_that_is_no_map_of_targets_is_refused_by_its_line(tmp_path, text, said):
    with pytest.raises(DataError, match=said):
        read_targets(written(tmp_path, text))


@pytest.mark.parametrize("wrong", [[1e-6], [["a"]], [[True]], [[np.inf]], [[1e-6], [1e-6, 2e-6]], [[1j]], []])
def test_targets_from_a_program_must_be_rows_and_columns_of_siemens(wrong):
    with pytest.raises(DataError, match="target"):
        checked_targets(wrong)


def test_weights_become_pairs_whose_difference_is_proportional_to_them(tmp_path):
    path = written(tmp_path, "0.5 -1\n0.25 0\n")
    weights = read_weights(path)
    targets = weights_to_targets(weights, 1e-6, 3e-6)
    np.testing.assert_allclose(targets[:, ::2] - targets[:, 1::2], 2e-6 * np.array([[0.5, -1.0], [0.25, 0.0]]))
    assert targets.min() == 1e-6
    assert targets.max() == 3e-6


@pytest.mark.parametrize(
    ("weights", "ends", "said"),
    [
        ([[0.0, 0.0]], (1e-6, 2e-6), "all 0"),
        ([[1.0]], (2e-6, 1e-6), "must rise"),
        ([[np.nan]], (1e-6, 2e-6), "finite"),
    ],
)
def test_weights_that_mean_nothing_are_refused(weights, ends, said):
    with pytest.raises(DataError, match=said):
        weights_to_targets(weights, *ends)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1 uS, 2 uS", r"line 1: .*without a unit"),
        ("0,5; -0,2", r"line 1: .* has commas and semicolons"),
        ("1,,2\n3,,4", r"line 1: .*''.*without a unit"),
    ],
)
def test_weights_of_which_nobody_knows_what_one_is_are_refused(tmp_path, text, said):
    with pytest.raises(DataError, match=said):
        read_weights(written(tmp_path, text))


def test_the_good_cell_of_a_pair_carries_what_it_can_and_what_it_cannot_is_said():
    weights = np.array([[1.0, 0.5, -0.5, 0.25, 0.25]])  # in a range from 1 to 3 uS a weight of 1 is 2 uS
    now = np.array([[1.0, 0.0, 1.0, 1.5, 1.0, 0.0, 0.5, 0.2, 2.0, 0.5]]) * 1e-6
    bad = np.array([[0, 1, 0, 1, 0, 1, 0, 1, 1, 1]], dtype=bool)
    found = carried_by_good_cells(weights_to_targets(weights, 1e-6, 3e-6), now, bad, 1e-6, 3e-6)
    # 2 + 0; 1 + 1.5; -1 + 0 is below 1; 0.5 + 0.2, as this cell is at 0.5 now; two bad cells stay where they are
    assert found.targets[0] * 1e6 == pytest.approx([2, np.nan, 2.5, np.nan, 1, np.nan, 0.7, *3 * [np.nan]], nan_ok=True)
    assert found.reached[0] * 1e6 == pytest.approx([2, 1, 1, 0.5, 1.5])
    assert found.told(weights, 2e-8).endswith(
        "2 of 5 weights cannot be met: row 1, output 3 becomes 0.5 instead of -0.5; "
        "row 1, output 5 becomes 0.75 instead of 0.25"
    )
    assert "6 cells of pairs are bad; each good partner takes" in found.told(weights, 2e-8)
    assert found.told(weights, 3e-6).endswith("every weight can be met")
    whole = carried_by_good_cells(weights_to_targets(weights, 1e-6, 3e-6), now, bad & False, 1e-6, 3e-6)
    assert whole.told(weights, 0.0) == ""
