"""Every verb on runs that version 0.1.0 wrote; README.md in their folder says how they were made."""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from crossbar_hil import load_run

OLD = Path(__file__).parent / "written_by_0_1_0"
RUNS = {
    "simulated": "2026-11-29T13-45-08Z_manhattan_4x4_596f",
    "emulated": "2026-11-29T13-45-00Z_manhattan_4x4_78dc",
    "stripes": "2026-11-29T13-45-05Z_snn-stripes_4x4_c369",
    "digits": "2026-11-29T13-45-12Z_snn-digits_64x5_9a22",
}


@pytest.fixture
def old(tmp_path, monkeypatch):
    """Copy a run of 0.1.0 into the folder ``runs`` and return where it is."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return lambda which: shutil.copytree(OLD / RUNS[which], tmp_path / "runs" / RUNS[which])


def test_all_are_listed(old, cli):
    for which in RUNS:
        old(which)
    listed = {each["name"]: each for each in json.loads(cli("runs", "--json").out)}
    assert {name: each["status"] for name, each in listed.items()} == {
        RUNS["simulated"]: "done",
        RUNS["emulated"]: "interrupted",
        RUNS["stripes"]: "interrupted",
        RUNS["digits"]: "done",
    }
    assert listed[RUNS["simulated"]]["label"] == "of 0.1.0"


def test_what_a_training_hid_then_is_shown_now(old, cli):
    old("simulated")
    shown = cli("show", "latest").out
    answer = json.loads(cli("show", "latest", "--json").out)
    for name, value in {"pull_back": "no", "dead_zone": "0.01", "wire_ohm": "5", "read_noise": "0.02"}.items():
        assert any(line.split()[:2] == [name, value] for line in shown.splitlines()), name
    assert answer["tables"]["bench"]["training"]["dead_zone"] == 0.01
    assert (answer["beta"], answer["max_epochs"], answer["epochs"], answer["target0"]) == (5e7, 6, 3, -0.95)


@pytest.mark.fault("D11")
@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(
    "which",
    ["simulated", "stripes", *(pytest.param(each, marks=pytest.mark.campaign) for each in ("emulated", "digits"))],
)
def test_it_is_reported_and_exported(old, cli, which):
    folder = old(which)
    done = cli("report", folder)
    assert done.code == 0, done.err
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "<h3>[network]</h3>" in page or "<h3>[training]</h3>" in page
    done = cli("export", folder, "--to", "csv")  # the other forms: runs/exports
    assert done.code == 0, done.err
    assert Path(done.out.strip()).is_file()


def test_its_journal_is_verified(old, cli):
    assert "8 pulses sent" in cli("verify", old("emulated")).out
    assert "has no journal" in cli("verify", old("simulated")).err


def test_its_chip_judges_patterns(old, cli):
    for which in ("simulated", "emulated"):
        answer = json.loads(cli("predict", old(which), "--json").out)
        assert len(answer["lines"]) == 10


def test_its_network_is_tested_again_to_the_same_accuracy(old, cli):
    folder = old("digits")
    answer = json.loads(cli("snn", "test", folder, "--json", "--quiet").out)
    assert answer["accuracy"] == load_run(folder).facts["accuracy"]


@pytest.mark.fault("D11")
def test_one_on_emulated_instruments_goes_on_from_its_journal(old, cli):
    folder = old("emulated")
    _forget_epochs(folder)
    done = cli("resume", folder, "--quiet", "--no-report")
    assert done.code in (0, 3), done.err
    run = load_run(folder)
    assert (run.status, run.result.epochs) == ("done", 4)
    assert cli("verify", folder).code == 0
    again = cli("resume", folder)
    assert (again.code, "is done" in again.err) == (1, True)


def test_one_on_a_virtual_chip_goes_on(old, cli):
    folder = old("simulated")
    _forget_epochs(folder)
    with closing(sqlite3.connect(folder / "run.sqlite")) as record, record:
        record.execute("UPDATE setting SET value = '\"interrupted\"' WHERE name = 'status'")
    assert cli("resume", folder, "--quiet", "--no-report").code in (0, 3)
    assert load_run(folder).status == "done"


def test_a_spiking_one_on_a_device_goes_on(old, cli):
    folder = old("stripes")
    (folder / "checkpoint.sqlite").unlink()
    done = cli("resume", folder, "--quiet", "--no-report", "--json")
    assert done.code in (0, 3), done.err
    assert json.loads(done.out)["shown"] == 8
    assert load_run(folder).status == "done"


def _forget_epochs(folder):
    """Leave out the recorded numbers, whose last bits may differ from those that another processor computes."""
    with closing(sqlite3.connect(folder / "run.sqlite")) as record, record:
        for table in ("epoch", "cell", "current", "activation"):
            record.execute(f"DELETE FROM {table}")


def test_one_whose_bench_file_is_lost_is_still_shown_and_exported_and_says_what_is_missing(old, cli):
    folder = old("simulated")
    (folder / "bench.toml").unlink()
    shown = cli("show", "latest")
    assert shown.code == 0
    assert "no settings: the bench file of run" in shown.out
    assert json.loads(cli("show", "latest", "--json").out)["beta"] == 5e7
    assert cli("export", "latest", "--to", "csv").code == 0


def test_a_shipped_curve_beside_it_is_called_by_its_name_and_patterns_of_ones_own_are_not(old, cli):
    old("emulated")
    shown = cli("show", "latest").out
    assert "curve.csv" not in shown
    assert "patterns.csv" in shown
