"""A crate of a run of today, and of every run of 0.1.0."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from crossbar_hil import load_run
from crossbar_hil.bench.file import load_bench
from crossbar_hil.runs.exports.crate import export_crate
from crossbar_hil.runs.training import train_and_record

OLD = Path(__file__).parents[1] / "written_by_0_1_0"
WRITTEN = sorted(path.name.rpartition("_")[2] for path in OLD.glob("2026*"))
SAID = {
    "operator": "Josiah Carberry", "orcid": "0000-0002-1825-0097", "temperature_k": "25 degC", "sample": "die 3",
    "institution": "Brown University, https://ror.org/05gq02987",
}  # fmt: skip


@pytest.fixture
def old(tmp_path):
    """Copy a run of 0.1.0, named by a part of its name, and open it."""

    def open_copy(which):
        (folder,) = OLD.glob(f"*{which}*")
        return load_run(shutil.copytree(folder, tmp_path / "runs" / folder.name))

    return open_copy


@pytest.fixture(scope="session")
def crate(tmp_path_factory):
    """Where it lies, its entities as they stand there and by their names, and its runs."""
    folder = tmp_path_factory.mktemp("crates")
    bench = load_bench("simulated", overrides={"conditions": SAID})
    runs = [load_run(train_and_record(bench, seed=1, out=folder / "runs", label="a <b>label</b>").folder)]
    runs += [load_run(shutil.copytree(each, folder / "runs" / each.name)) for each in sorted(OLD.glob("2026*"))]
    path = export_crate(runs, folder / "crate", licence="CC-BY-4.0", title="Five runs")
    graph = json.loads((path / "ro-crate-metadata.json").read_text(encoding="utf-8"))["@graph"]
    return SimpleNamespace(path=path, graph=graph, named={each["@id"]: each for each in graph}, runs=runs)
