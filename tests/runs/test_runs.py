import json
import os
import shutil
import sqlite3
import subprocess
import tomllib
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

import crossbar_hil
from crossbar_hil import load_run
from crossbar_hil.bench.file import load_bench
from crossbar_hil.bench.opening import open_backend
from crossbar_hil.errors import BenchBusy, RunError
from crossbar_hil.guard.inspection import left_safe
from crossbar_hil.guard.journal import Journal
from crossbar_hil.guard.lock import BenchLock
from crossbar_hil.runs.folder import RunFolder
from crossbar_hil.runs.store import find_run, list_runs
from crossbar_hil.runs.training import train_and_record
from crossbar_hil.runs.training_record import create_record
from crossbar_hil.runs.training_run import resume_and_record
from crossbar_hil.training.patterns import PatternSet
from crossbar_hil.training.settings import make_trainer

FIELDS = ("conductances", "currents", "activations", "errors", "counts", "patterns", "labels", "saturated")


def trained(seed, preset=None):
    bench = load_bench("simulated", preset=preset)
    task = PatternSet.from_csv(bench.training.pattern_file)
    return make_trainer(bench.training, open_backend(bench, seed=seed)).run(task.train, task.train_labels)


def test_a_loaded_result_equals_the_one_that_was_recorded_to_the_bit(converged_run):
    result, again = load_run(converged_run).result, trained(1)
    for field in FIELDS:
        assert np.array_equal(getattr(result, field), getattr(again, field)), field
    assert (result.converged, result.epochs, result.pulses) == (again.converged, again.epochs, again.pulses)
    assert (result.target, result.target0) == (again.target, again.target0)


def test_saturated_cells_are_kept_with_the_run(stalled_run):
    run = load_run(stalled_run)
    assert run.result.verdict == "stalled"
    assert run.result.saturated.sum() >= 8
    assert "end of its curve" in run.settings["reason"]


def test_the_record_is_a_wal_database_with_a_schema_version(converged_run):
    with sqlite3.connect(converged_run / "run.sqlite") as record:
        assert record.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        assert record.execute("PRAGMA user_version").fetchone()[0] == 3
    record.close()


def test_conductances_can_be_asked_for_in_plain_sql(converged_run):
    result = trained(1)
    record = sqlite3.connect(converged_run / "run.sqlite")
    query = "SELECT conductance_siemens FROM cell WHERE epoch = 3 AND row = 2 AND column = 1"
    assert record.execute(query).fetchone()[0] == result.conductances[2, 2, 1]
    assert record.execute("SELECT SUM(pulses) FROM cell").fetchone()[0] == result.pulses
    assert record.execute("SELECT SUM(pulses) FROM epoch").fetchone()[0] == result.pulses
    record.close()


def test_settings_say_what_was_run_and_how_it_ended(converged_run):
    settings = load_run(converged_run).settings
    assert settings["kind"] == "simulated"
    assert settings["seed"] == 1
    assert settings["status"] == "done"
    assert settings["label"] == "a <b>label</b>"
    assert settings["converged"] is True
    assert settings["versions"]["numpy"] == np.__version__
    assert settings["device"]["curve"] == "figure2a.csv"
    assert {"git", "started_utc", "finished_utc", "beta", "target"} <= settings.keys()


CHECKOUT = Path(crossbar_hil.__file__).resolve().parents[1]


@pytest.mark.skipif(not (CHECKOUT / ".git").exists() or shutil.which("git") is None, reason="no checkout of git")
def test_a_run_of_a_checkout_is_recorded_with_its_commit(converged_run):
    command = ["git", "-C", str(CHECKOUT), "rev-parse", "HEAD"]
    commit = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    if not commit:
        pytest.skip("git does not look at a checkout of another user")
    assert load_run(converged_run).settings["git"].removesuffix("-dirty") == commit


def test_the_chip_is_recorded_at_start_and_end(converged_run):
    run = load_run(converged_run)
    start, end = run.chip("start"), run.chip("end")
    assert np.array_equal(start["shift_siemens"], end["shift_siemens"])
    assert start["level"].sum() == 0
    assert end["level"].sum() == run.result.pulses  # no cell of this run is saturated


def test_a_run_folder_is_a_bench_that_repeats_the_run(converged_run, tmp_path):
    settings = load_run(converged_run).settings
    again = train_and_record(load_bench(str(converged_run / "bench.toml")), seed=settings["seed"], out=tmp_path)
    assert np.array_equal(again.result.conductances, load_run(converged_run).result.conductances)


def test_the_bench_file_of_a_run_names_only_files_beside_it(converged_run):
    tables = tomllib.loads((converged_run / "bench.toml").read_text())
    assert tables["chip"]["curve"] == "curve.csv"
    assert tables["training"]["patterns"] == "patterns.csv"
    assert (converged_run / "curve.csv").is_file()


def test_a_moved_run_can_still_be_read(converged_run, tmp_path):
    moved = shutil.copytree(converged_run, tmp_path / "elsewhere" / converged_run.name)
    assert load_run(moved).result.converged


def test_reading_leaves_no_files_behind(converged_run, tmp_path):
    copy = shutil.copytree(converged_run, tmp_path / "copy")
    before = sorted(os.listdir(copy))
    _ = load_run(copy).result
    assert sorted(os.listdir(copy)) == before


def test_names_sort_by_time_and_never_collide(tmp_path):
    bench = load_bench("simulated")
    backend = open_backend(bench, seed=1)
    task = PatternSet.from_csv(bench.training.pattern_file)
    names = []
    for minute in (1, 1, 2):
        at = datetime(2026, 1, 1, 0, minute, tzinfo=UTC)
        folder = RunFolder.make(tmp_path, rule="manhattan", shape=(4, 4), now=lambda at=at: at)
        bench.copy_into(folder.folder)
        create_record(folder.folder, {"seed": 1}, task, backend).close()
        names.append(folder.folder.name)
    assert len(set(names)) == 3
    assert names[2] == max(names)
    assert names[0].startswith("2026-01-01T00-01-00Z_manhattan_4x4_")
    assert [run.name for run in list_runs(tmp_path)] == sorted(names)


@pytest.mark.fault("X8")
def test_a_label_never_becomes_part_of_a_path(tmp_path):
    outcome = train_and_record(
        load_bench("simulated"), seed=1, out=tmp_path / "runs", label="../../../escape\n\x1b[31m"
    )
    assert outcome.folder.parent == tmp_path / "runs"
    assert os.listdir(tmp_path) == ["runs"]


def test_a_run_whose_first_read_is_refused_leaves_no_folder(tmp_path):
    bench = load_bench("simulated", overrides={"training": {"v1": 5.0}})
    with pytest.raises(ValueError, match="read voltage 5 V exceeds the limit of 1 V"):
        train_and_record(bench, seed=1, out=tmp_path / "runs")
    assert os.listdir(tmp_path) == []


@pytest.mark.fault("H7")
def test_epochs_before_a_failure_are_kept(tmp_path):
    def fail_at_three(epoch):
        if epoch.number == 3:
            raise RuntimeError("the lamp went out")

    with pytest.raises(RuntimeError):
        train_and_record(load_bench("simulated"), seed=1, out=tmp_path, show=fail_at_three)
    (run,) = list_runs(tmp_path)
    assert run.settings["status"] == "failed"
    assert run.settings["reason"] == "the lamp went out"
    assert run.result.epochs == 3
    assert np.array_equal(run.result.conductances, trained(1).conductances[:3])


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(RunError, match=r"holds no .*run\.sqlite"):
        load_run(tmp_path)


@pytest.mark.fault("D5")
def test_a_damaged_record_is_refused(converged_run, tmp_path):
    copy = shutil.copytree(converged_run, tmp_path / "copy")
    (copy / "run.sqlite").write_bytes(b"not a database at all" * 100)
    with pytest.raises(RunError, match="cannot be read"):
        load_run(copy)


@pytest.mark.fault("D11")
def test_a_record_of_another_schema_is_refused(converged_run, tmp_path):
    copy = shutil.copytree(converged_run, tmp_path / "copy")
    record = sqlite3.connect(copy / "run.sqlite")
    record.execute("PRAGMA user_version = 99")
    record.commit()
    record.close()
    with pytest.raises(RunError, match="schema version 99"):
        load_run(copy)


def test_runs_are_found_by_folder_name_start_and_latest(converged_run):
    out = converged_run.parent
    for text in (str(converged_run), converged_run.name, converged_run.name[:20], "latest"):
        assert find_run(text, out).folder.name == converged_run.name
    with pytest.raises(RunError, match="no such run folder"):
        find_run("1999", out)


def test_a_run_under_way_can_be_read(tmp_path):
    seen = []

    def look(epoch):
        (run,) = list_runs(tmp_path)
        seen.append((run.settings["status"], len(run.epochs)))

    train_and_record(load_bench("simulated"), seed=1, out=tmp_path, show=look)
    assert seen[:3] == [("running", 1), ("running", 2), ("running", 3)]


def test_settings_are_json(converged_run):
    json.dumps(load_run(converged_run).settings)


def test_a_simulated_run_that_another_process_resumes_is_not_resumed_twice(tmp_path):
    outcome = train_and_record(
        load_bench("simulated", overrides={"training": {"epochs": 3}}), seed=1, out=tmp_path / "runs"
    )
    with closing(sqlite3.connect(outcome.folder / "run.sqlite")) as record, record:
        record.execute("UPDATE setting SET value = '\"interrupted\"' WHERE name = 'status'")
    run = load_run(outcome.folder)
    lock = BenchLock([str(run.folder.resolve())], run=run.name)
    lock.acquire()
    try:
        with pytest.raises(BenchBusy, match=run.name):
            resume_and_record(run)
    finally:
        lock.release()
    assert resume_and_record(load_run(outcome.folder)).status == "done"


def test_the_folder_of_a_run_that_never_began_stays_if_the_bench_may_not_be_safe(tmp_path):
    for name, confirmed in (("safe", True), ("unsafe", False)):
        (tmp_path / name).mkdir()
        with closing(Journal.create(tmp_path / name / "journal.sqlite", {"run": name})) as journal:
            journal.append("safe", {"cause": "a test", "confirmed": confirmed, "failures": []})
    assert left_safe(tmp_path / "safe" / "journal.sqlite")
    assert not left_safe(tmp_path / "unsafe" / "journal.sqlite")
    assert left_safe(tmp_path / "none" / "journal.sqlite")


def test_what_a_person_was_warned_of_is_kept_with_the_run_and_told_at_its_end(tmp_path):
    bench = load_bench("simulated", overrides={"training": {"epochs": 2}})
    run = load_run(train_and_record(bench, seed=1, out=tmp_path, warnings=["a cell has moved"]).folder)
    assert run.facts["warnings"] == ["a cell has moved"]
    assert "warning a cell has moved" in run.ending().lines
