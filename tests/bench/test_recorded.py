"""What a bench file in the folder of a run or a study says of settings that are younger than it is."""

import json
import sqlite3
from contextlib import closing

import pytest

from crossbar_hil.bench.file import load_bench
from crossbar_hil.bench.recorded import bench_hash, load_recorded_bench, read_recorded_tables
from crossbar_hil.runs.store import load_run
from crossbar_hil.runs.training import train_and_record
from crossbar_hil.runs.training_run import resume_and_record


def without_the_key(folder):
    file = folder / "bench.toml"
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if not line.startswith("pull_back")]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.mark.parametrize("said", [True, False])
def test_a_copy_says_what_was_trained_with_and_one_older_than_the_setting_that_all_was_pulled_back(tmp_path, said):
    load_bench("simulated", overrides={"training": {"pull_back": said}}).copy_into(tmp_path)
    assert load_recorded_bench(tmp_path).training.pull_back is said
    assert read_recorded_tables(tmp_path)["training"]["pull_back"] is said
    without_the_key(tmp_path)
    assert load_recorded_bench(tmp_path).training.pull_back is True
    assert read_recorded_tables(tmp_path)["training"]["pull_back"] is True
    assert load_bench(str(tmp_path / "bench.toml")).training.pull_back is False  # of a file that a person wrote


def test_a_run_whose_bench_file_is_older_than_the_setting_goes_on_with_equation_3(tmp_path):
    class LampWentOut(RuntimeError):  # noqa: N818
        pass

    def fail_at_three(epoch):
        if epoch.number == 3:
            raise LampWentOut

    bench = load_bench("simulated", overrides={"training": {"pull_back": True}})
    with pytest.raises(LampWentOut):
        train_and_record(bench, seed=1, out=tmp_path, show=fail_at_three)
    (folder,) = tmp_path.iterdir()
    without_the_key(folder)
    with closing(sqlite3.connect(folder / "run.sqlite")) as record, record:
        record.execute("UPDATE setting SET value = ? WHERE name = 'bench_sha256'", (json.dumps(bench_hash(folder)),))
    assert resume_and_record(load_run(folder)).result.epochs > 3  # by the default rule it has converged at 3
