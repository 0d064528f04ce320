import json
import logging
import shutil

import numpy as np
import pytest

from crossbar_hil import load_run
from crossbar_hil.errors import RunError
from crossbar_hil.runs.exports.export import export_run


@pytest.fixture
def run(converged_run, tmp_path):
    return load_run(shutil.copytree(converged_run, tmp_path / "run"))


@pytest.mark.filterwarnings("default")  # what PyMeasure warns about while it is imported is not ours
def test_pymeasure_opens_the_csv(run, caplog):
    from pymeasure.experiment import Results

    with caplog.at_level(logging.CRITICAL):
        results = Results.load(str(export_run(run, "csv")))
    data = results.data
    assert len(data) == run.result.epochs
    assert np.array_equal(data["Error"].to_numpy(), run.result.errors)
    assert np.array_equal(data["Conductance r3 c2 (S)"].to_numpy(), run.result.conductances[:, 2, 1])
    assert np.array_equal(data["Current p6 c4 (A)"].to_numpy(), run.result.currents[:, 5, 3])


def test_the_csv_says_the_settings_in_comments(run):
    lines = export_run(run, "csv").read_text(encoding="utf-8").splitlines()
    assert "# seed: 1" in lines
    facts = dict(line[2:].split(": ", 1) for line in lines if line.startswith("# "))
    assert json.loads(facts["versions"]) == run.facts["versions"]
    assert (facts["converged"], facts["preset"]) == ("true", "null")
    assert sum(not line.startswith("#") for line in lines) == run.result.epochs + 1


def test_netcdf_holds_units_and_the_same_numbers(run):
    import xarray

    with xarray.open_dataset(export_run(run, "netcdf"), engine="h5netcdf") as data:
        assert data.conductance.attrs["units"] == "S"
        assert data.current.attrs["units"] == "A"
        assert np.array_equal(data.conductance.to_numpy(), run.result.conductances)
        assert data.conductance.sel(epoch=2, row=0, column=3).item() == run.result.conductances[1, 0, 3]
        assert data.attrs["kind"] == "simulated"


@pytest.mark.fault("X10")
def test_a_file_is_never_overwritten(run, tmp_path):
    there = tmp_path / "there.csv"
    there.write_text("mine")
    with pytest.raises(RunError, match="exists already"):
        export_run(run, "csv", there)
    assert there.read_text() == "mine"


def test_a_folder_that_does_not_exist_is_named(run, tmp_path):
    with pytest.raises(RunError, match="cannot be written"):
        export_run(run, "csv", tmp_path / "no" / "such.csv")
