"""Rows of the results behind the pages, drawn at random, made again and compared with what is recorded.

``CROSSBAR_HIL_ROWS`` is the number of rows of each file (1), ``CROSSBAR_HIL_SEED`` draws them. The spiking results need
``CROSSBAR_HIL_MNIST``, the folder of MNIST's four files. Times are not compared: no two machines agree.
"""

import os
import random

import pytest

from crossbar_hil.benchmarks import results, study

RESULTS = {name: results.read(name) for name in results.names()}
ROWS, SEED = int(os.environ.get("CROSSBAR_HIL_ROWS", "1")), int(os.environ.get("CROSSBAR_HIL_SEED", "0"))


def close(value, expected):
    """Whether a field is what it was: text and whole numbers the same, others to a millionth."""
    if isinstance(expected, dict):
        return set(value) == set(expected) and all(close(value[key], expected[key]) for key in expected)
    if isinstance(expected, list):
        return len(value) == len(expected) and all(map(close, value, expected))
    return value == (pytest.approx(expected, rel=1e-6) if isinstance(expected, float) else expected)


@pytest.mark.campaign
@pytest.mark.parametrize("name", sorted(name for name, found in RESULTS.items() if found["repeatable"]))
def test_rows_drawn_at_random_come_out_as_they_are_recorded(name):
    recorded = RESULTS[name]
    if "CROSSBAR_HIL_MNIST" in recorded["command"] and "CROSSBAR_HIL_MNIST" not in os.environ:
        pytest.skip("CROSSBAR_HIL_MNIST does not name the folder of MNIST")
    made = study.of_script(recorded["script"])[name]
    assert made.columns == recorded["columns"], "the pages show other columns than the script does"
    assert list(made.rows) == list(recorded["rows"])
    for row in random.Random(SEED).sample(list(made.rows), min(ROWS, len(made.rows))):
        assert close(made.rows[row](), recorded["rows"][row]), row
