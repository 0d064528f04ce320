"""Fresh reads of a recorded training: told everywhere, and the same however often the run was interrupted."""

import json

import numpy as np
import pytest

from crossbar_hil.bench.file import load_bench
from crossbar_hil.errors import ReplayDiverged
from crossbar_hil.runs.exports.export import export_run
from crossbar_hil.runs.report import make_report
from crossbar_hil.runs.store import list_runs, load_run
from crossbar_hil.runs.training import train_and_record
from crossbar_hil.runs.training_record import reopen_record
from crossbar_hil.runs.training_run import resume_and_record

NOISY = {"chip": {"read_noise": 0.1}, "training": {"confirm": 1}}


def bench(**training):
    return load_bench("simulated", overrides={**NOISY, "training": {**NOISY["training"], **training}})


def die(record, *_):
    """End before what a run came to is written."""
    record.close()
    raise OSError("the lamp went out")


def fail_at(number):
    def show(epoch):
        if epoch.number == number:
            raise OSError("the lamp went out")

    return show


def end_of(run):
    """What a run says of its fresh reads, with all that it read."""
    return run.facts["reason"], run.facts["fresh_reads"], run.fresh.currents.tolist(), run.fresh.activations.tolist()


@pytest.fixture(scope="module")
def noisy_run(tmp_path_factory):
    return load_run(train_and_record(bench(), seed=3, out=tmp_path_factory.mktemp("runs")).folder)


def test_a_chip_that_converged_with_noise_is_read_twenty_times_more(noisy_run):
    activations = noisy_run.fresh.activations
    assert activations.shape == (20, 6, 2)
    met = sum(bool(((2 * noisy_run.task.train_labels - 1) * read >= 0.95).all()) for read in activations)
    assert noisy_run.facts["fresh_reads"]["met"] == met
    assert 0 < met < 20, "a check of the check: with so much noise some reads miss"
    assert np.allclose(
        np.tanh(5e7 * (noisy_run.fresh.currents[..., ::2] - noisy_run.fresh.currents[..., 1::2])), activations
    )
    assert len(np.unique(activations[:, 0, 0])) == 20, "every read has noise of its own"


def test_show_report_and_exports_tell_of_them(noisy_run, cli, tmp_path, unpictured):
    words = f"{noisy_run.facts['fresh_reads']['met']} of 20 fresh reads meet every target (95 % interval "
    shown = cli("show", str(noisy_run.folder))
    assert words in shown.out
    assert "times the noise" in shown.out
    assert json.loads(cli("show", str(noisy_run.folder), "--json").out)["fresh_reads"]["reads"] == 20
    page = make_report(noisy_run, tmp_path / "report").read_text(encoding="utf-8")
    assert words in page
    assert "smallest margin, in units of the noise" in page
    assert words in export_run(noisy_run, "csv", tmp_path / "run.csv").read_text(encoding="utf-8")
    variables = noisy_run.variables()
    assert variables["fresh_activation"].dimensions == ("read", "pattern", "output")
    assert variables["fresh_current"].unit == "A"


@pytest.mark.parametrize("moment", ["before them", "after them"])
def test_an_interrupted_run_ends_with_the_fresh_reads_of_one_that_was_not(noisy_run, tmp_path, monkeypatch, moment):
    if moment == "before them":
        with pytest.raises(OSError, match="lamp"):
            train_and_record(bench(), seed=3, out=tmp_path, show=fail_at(noisy_run.facts["epochs"]))
    else:
        monkeypatch.setattr("crossbar_hil.runs.training.finish_record", die)
        with pytest.raises(OSError, match="lamp"):
            train_and_record(bench(), seed=3, out=tmp_path)
        monkeypatch.undo()
    (run,) = list_runs(tmp_path)
    assert (run.fresh is None) == (moment == "before them")
    resume_and_record(load_run(run.folder))
    assert end_of(load_run(run.folder)) == end_of(noisy_run)


def test_fresh_reads_that_are_not_those_of_the_record_stop_a_resume(noisy_run, tmp_path, monkeypatch):
    monkeypatch.setattr("crossbar_hil.runs.training.finish_record", die)
    with pytest.raises(OSError, match="lamp"):
        train_and_record(bench(), seed=3, out=tmp_path)
    monkeypatch.undo()
    (run,) = list_runs(tmp_path)
    record = reopen_record(run.folder, {})
    with record:
        record.execute("UPDATE fresh_current SET current_a = current_a * 1.0000001 WHERE read = 20 AND pattern = 5")
    record.close()
    with pytest.raises(ReplayDiverged, match="fresh reads are not those of the record"):
        resume_and_record(load_run(run.folder))


@pytest.mark.parametrize(
    ("overrides", "reads"),
    [
        ({}, 0),
        ({"training": {"fresh_reads": 3}}, 3),
        ({"chip": {"read_noise": 0.01}, "training": {"fresh_reads": 0}}, 0),
        ({"chip": {"read_noise": 0.01}, "training": {"epochs": 1, "confirm": 1}}, 0),
    ],
    ids=["no noise", "asked for", "not wanted", "not converged"],
)
def test_others_are_read_as_often_as_they_ask_for(tmp_path, overrides, reads):
    run = load_run(train_and_record(load_bench("simulated", overrides=overrides), seed=1, out=tmp_path).folder)
    assert (0 if run.fresh is None else len(run.fresh.currents)) == reads
    assert ("fresh reads" in run.facts["reason"]) == bool(reads)
    assert run.status == "done"


def test_reads_that_repeat_have_no_margin_in_units_of_noise(tmp_path):
    asked = load_bench("simulated", overrides={"training": {"fresh_reads": 3}})
    run = load_run(train_and_record(asked, seed=1, out=tmp_path).folder)
    assert run.facts["reason"].endswith("; 3 of 3 fresh reads meet every target (95 % interval 44 to 100 %)")
    assert run.facts["fresh_reads"]["margin_in_noise"] is None


@pytest.mark.campaign
def test_behind_instruments_they_are_replayed_from_the_journal(tmp_path):
    asked = load_bench("emulated", overrides={"training": {"fresh_reads": 2}})
    whole = load_run(train_and_record(asked, seed=3, out=tmp_path / "whole").folder)
    with pytest.raises(OSError, match="lamp"):
        train_and_record(asked, seed=3, out=tmp_path / "cut", show=fail_at(whole.facts["epochs"]))
    (run,) = list_runs(tmp_path / "cut")
    resume_and_record(load_run(run.folder))
    assert end_of(load_run(run.folder)) == end_of(whole)
