import json

import h5py
import numpy as np
import pytest

from crossbar_hil.errors import DataError
from crossbar_hil.results.arrays import Variable, dataset

from ...results.rules import broken_rules
from .conftest import WRITTEN


@pytest.fixture(params=["of today", *WRITTEN])
def file(request, crate):
    """A run and its export."""
    today = request.param == "of today"
    run = crate.runs[0] if today else next(each for each in crate.runs if each.name.endswith(request.param))
    return run, crate.path / run.name / "run.nc"


def test_every_variable_and_every_attribute_keeps_the_rules_of_cf(file):
    assert broken_rules(file[1], whole=True) == []


def test_every_fact_setting_and_condition_is_an_attribute_and_says_what_it_said(file):
    run, path = file
    with h5py.File(path) as held:
        found = {name: value for name, value in held.attrs.items() if not name.startswith("_")}
    assert len(found) == 8 + len(run.facts) + len(run.all_settings)
    units = json.loads(found["setting_units"])
    for each in run.all_settings:
        value = found[each.key.replace(".", "_").replace("-", "_")]
        same = value if isinstance(each.value, str) or not isinstance(value, str) else json.loads(value)
        assert same == each.value, each.key
        assert units.get(each.key, "") == each.unit
    for name, value in run.facts.items():
        held = found[name]
        assert (held if isinstance(value, str) or not isinstance(held, str) else json.loads(held)) == value, name
    assert found["institution"] == run.conditions.get("institution", "not stated")
    assert run.kind in found["source"]
    assert found["history"].startswith(run.facts["started_utc"])


def test_the_checker_of_cf_finds_nothing_to_say(file, tmp_path):
    runner = pytest.importorskip(
        "compliance_checker.runner", reason="pip install compliance-checker: it is no part of [test]"
    )
    report = tmp_path / "report.json"
    runner.CheckSuite.load_all_available_checkers()
    passed, failed = runner.ComplianceChecker.run_checker(
        str(file[1]), ["cf:1.8"], 0, "strict", output_filename=str(report), output_format="json"
    )
    (found,) = json.loads(report.read_text(encoding="utf-8")).values()
    told = [
        each["msgs"] for level in ("high", "medium", "low") for each in found[f"{level}_priorities"] if each["msgs"]
    ]
    assert (passed, failed, told) == (True, False, [])


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        (np.array([0, 2**31 - 1]), np.int32),
        (np.array([0, 2**31]), np.float64),
        (np.array([2**53], np.uint64), np.float64),
        (np.array([True]), np.int8),
        (np.array([1.5], np.float32), np.float32),
    ],
)
def test_whole_numbers_are_stored_as_what_cf_knows_and_never_rounded(values, kept):
    stored = dataset({"x": Variable(("n",), values)}, {}).x.to_numpy()
    assert stored.dtype == kept
    assert [int(each) for each in stored] == [int(each) for each in values]


def test_a_number_that_no_file_can_hold_is_named():
    with pytest.raises(DataError, match="x holds 9007199254740993, a whole number that no NetCDF file"):
        dataset({"x": Variable(("n",), np.array([2**53 + 1]))}, {})
