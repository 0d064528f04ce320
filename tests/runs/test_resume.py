import shutil
import sqlite3
from contextlib import closing

import numpy as np
import pytest

from crossbar_hil.bench.file import load_bench
from crossbar_hil.errors import ReplayDiverged, RunError
from crossbar_hil.runs.store import list_runs, load_run
from crossbar_hil.runs.training import train_and_record
from crossbar_hil.runs.training_run import resume_and_record
from crossbar_hil.sim_backend import SimulatedBackend

BENCH = load_bench("simulated", overrides={"training": {"pull_back": True}})
"""With the pull back a training has epochs enough to be interrupted in, time and again."""


class LampWentOut(RuntimeError):  # noqa: N818
    pass


@pytest.fixture(scope="module")
def whole_run(tmp_path_factory):
    """Folder of a run that was not interrupted."""
    return train_and_record(BENCH, seed=1, out=tmp_path_factory.mktemp("runs")).folder


@pytest.fixture
def interrupted(tmp_path):
    """A run of the chip of `whole_run` that failed after its third epoch."""

    def fail_at_three(epoch):
        if epoch.number == 3:
            raise LampWentOut

    with pytest.raises(LampWentOut):
        train_and_record(BENCH, seed=1, out=tmp_path, show=fail_at_three)
    return list_runs(tmp_path)[0].folder


@pytest.mark.fault("V10")
def test_a_resumed_run_ends_as_the_one_that_was_not_interrupted(interrupted, whole_run):
    shown = []
    outcome = resume_and_record(load_run(interrupted), show=lambda epoch: shown.append(epoch.number))
    whole, resumed = load_run(whole_run).result, load_run(interrupted).result
    assert outcome.status == "done"
    assert shown == list(range(1, whole.epochs + 1))
    for name in ("counts", "conductances", "currents", "activations"):
        assert np.array_equal(getattr(resumed, name), getattr(whole, name))
    assert load_run(interrupted).settings["status"] == "done"
    assert load_run(interrupted).settings["reason"] == whole.reason


def test_the_chip_of_a_resumed_run_is_recorded_once_as_it_is_at_the_end(interrupted, whole_run):
    resume_and_record(load_run(interrupted))
    left, whole = load_run(interrupted).chip("end"), load_run(whole_run).chip("end")
    assert {name: array.tolist() for name, array in left.items()} == {n: a.tolist() for n, a in whole.items()}


EVERYTHING = {
    "read_noise": 0.02, "telegraph": 0.1, "telegraph_s": 0.3, "flicker": 0.05, "step_variation": 0.3,
    "step_spread": 0.3, "shape_spread": 0.2, "relaxation": 0.5, "relaxation_s": 5.0, "relaxation_exponent": 0.6,
    "drift": 0.05, "column_offset_a": 1e-8, "disturb": 0.1, "unformed": [[0, 3]],
}  # fmt: skip


def test_a_resumed_run_of_a_chip_with_every_effect_ends_as_the_one_that_was_not_interrupted(tmp_path):
    bench = load_bench("simulated", overrides={"chip": EVERYTHING, "training": {"epochs": 8, "confirm": 1}})
    whole = load_run(train_and_record(bench, seed=3, out=tmp_path / "whole").folder)

    def fail_at_three(epoch):
        if epoch.number == 3:
            raise LampWentOut

    with pytest.raises(LampWentOut):
        train_and_record(bench, seed=3, out=tmp_path / "cut", show=fail_at_three)
    (cut,) = list_runs(tmp_path / "cut")
    resume_and_record(load_run(cut.folder))
    resumed = load_run(cut.folder)
    for name in ("counts", "conductances", "currents"):
        assert np.array_equal(getattr(resumed.result, name), getattr(whole.result, name))
    left, chip = resumed.chip("end"), whole.chip("end")
    assert {name: array.tolist() for name, array in left.items()} == {n: a.tolist() for n, a in chip.items()}
    assert (chip["step_factor"].shape, chip["column_offset_a"].shape, chip["elapsed_s"].shape) == (
        (4, 4),
        (1, 4),
        (1, 1),
    )
    assert resumed.predict().lines == whole.predict().lines


@pytest.mark.fault("O8")
def test_a_run_that_is_done_is_not_resumed(whole_run):
    with pytest.raises(RunError, match=r"is done \(converged\)"):
        resume_and_record(load_run(whole_run))


@pytest.mark.fault("X20")
@pytest.mark.fault("O6")
def test_a_run_whose_bench_file_was_changed_is_not_resumed(interrupted):
    file = interrupted / "bench.toml"
    file.write_text(file.read_text(encoding="utf-8").replace("epochs = 48", "epochs = 49"), encoding="utf-8")
    with pytest.raises(RunError, match=r"bench\.toml was changed"):
        resume_and_record(load_run(interrupted))
    assert load_run(interrupted).settings["status"] == "failed"


@pytest.mark.fault("V17")
def test_the_kind_of_what_is_resumed_is_that_of_what_was_opened(tmp_path, monkeypatch, cli):
    """A record that was altered to a virtual chip made `resume` pulse a real one without asking."""
    (tmp_path / "lab.toml").write_text(
        'backend = "simulated"\n[chip]\n[training]\npull_back = true\n', encoding="utf-8"
    )
    sent = []

    def fail(epoch):
        raise LampWentOut

    with pytest.raises(LampWentOut):
        train_and_record(load_bench(str(tmp_path / "lab.toml")), seed=1, out=tmp_path / "runs", show=fail)
    (run,) = list_runs(tmp_path / "runs")
    monkeypatch.setattr(SimulatedBackend, "kind", "hardware")
    monkeypatch.setattr(SimulatedBackend, "_send_pulses", lambda *_: sent.append(1))
    refused = cli("resume", run.folder, "--yes", "--quiet")
    assert (refused.code, sent) == (1, [])
    assert "says simulated, but its bench opens a hardware device" in refused.err
    with closing(sqlite3.connect(run.folder / "run.sqlite")) as record, record:
        record.execute("UPDATE setting SET value = '\"hardware\"' WHERE name = 'kind'")
    asked = cli("resume", run.folder, "--quiet")  # nobody answers
    assert (asked.code, sent) == (1, [])
    assert "goes on with pulses to the chip" in asked.err


@pytest.mark.fault("F8")
@pytest.mark.parametrize("column", ["cell SET pulses = pulses + 1", "current SET current_a = current_a * 1.0000001"])
def test_a_replay_that_is_not_what_was_recorded_stops_at_the_epoch_where_it_differs(interrupted, column):
    record = sqlite3.connect(interrupted / "run.sqlite")
    with record:
        record.execute(f"UPDATE {column} WHERE epoch = 2")
    record.close()
    with pytest.raises(ReplayDiverged, match="diverged at epoch 2"):
        resume_and_record(load_run(interrupted))


def test_a_run_that_died_before_its_first_epoch_can_be_resumed(interrupted, whole_run):
    record = sqlite3.connect(interrupted / "run.sqlite")
    with record:
        for table in ("epoch", "cell", "current", "activation"):
            record.execute(f"DELETE FROM {table}")
    record.close()
    assert load_run(interrupted).epochs == []
    assert resume_and_record(load_run(interrupted)).result.epochs == load_run(whole_run).result.epochs


def test_a_run_that_was_interrupted_twice_can_be_resumed_again(interrupted, whole_run):
    def fail_at_seven(epoch):
        if epoch.number == 7:
            raise LampWentOut

    with pytest.raises(LampWentOut):
        resume_and_record(load_run(interrupted), show=fail_at_seven)
    assert load_run(interrupted).result.epochs == 7
    assert resume_and_record(load_run(interrupted)).result.epochs == load_run(whole_run).result.epochs


def test_resume_and_verify_on_the_command_line(cli, interrupted):
    ending = cli("resume", interrupted, "--quiet", "--no-report")
    assert ending.code == 0
    assert "converged" in ending.out
    refused = cli("resume", interrupted)
    assert (refused.code, refused.err.count("\n")) == (1, 1)
    without_journal = cli("verify", interrupted)
    assert without_journal.code == 1
    assert "has no journal" in without_journal.err


def test_a_resumed_run_gets_a_fresh_report(cli, interrupted, unpictured):
    (interrupted / "report.html").write_text("what was reported of the interrupted run", encoding="utf-8")
    assert cli("resume", interrupted, "--quiet").code == 0
    assert "</html>" in (interrupted / "report.html").read_text(encoding="utf-8")


def test_a_copy_of_a_run_can_be_resumed(interrupted, tmp_path):
    copy = shutil.copytree(interrupted, tmp_path / "elsewhere")
    assert resume_and_record(load_run(copy)).status == "done"
