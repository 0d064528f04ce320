import re
import shutil
from pathlib import Path

import pytest

from crossbar_hil import load_run
from crossbar_hil.bench.file import BENCH_FILE, load_bench
from crossbar_hil.runs.neighbours import NEXT, links_to_neighbours
from crossbar_hil.runs.report import make_report
from crossbar_hil.runs.training import train_and_record


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """Folders of three runs, the first and the last with one label."""
    out = tmp_path_factory.mktemp("lab") / "runs"
    bench = load_bench("simulated")
    return [train_and_record(bench, seed=1, out=out, label=label).folder for label in ("a & b", "", "a & b")]


@pytest.fixture
def runs(recorded, tmp_path, unpictured):
    """Copies of them, without figures, in the order of their names."""
    names = ["2026-01-01", "2026-01-02", "2026-01-03"]
    return [
        load_run(shutil.copytree(each, tmp_path / "runs" / name)) for each, name in zip(recorded, names, strict=True)
    ]


def links(report):
    """Where a report leads to, besides the files of its run."""
    return re.findall(r'href="(\.\./[^"]*)"', report.read_text(encoding="utf-8"))


def test_reports_of_runs_with_one_label_lead_to_each_other(runs):
    first, between, last = (make_report(run) for run in runs)
    assert links(first) == ["../2026-01-03/report.html"]
    assert links(between) == []
    assert links(last) == ["../2026-01-01/report.html"]
    assert all((last.parent / link).is_file() for link in links(last))
    assert "next run of this label: 2026-01-03" in first.read_text(encoding="utf-8")


def test_a_report_that_is_drawn_again_leads_to_both_sides_and_is_not_told_twice(runs):
    for run in runs:
        make_report(run)
    again = make_report(load_run(runs[0].folder), replace=True)
    assert links(again) == ["../2026-01-03/report.html"]
    make_report(load_run(runs[2].folder), replace=True)
    assert links(again) == ["../2026-01-03/report.html"]


@pytest.mark.parametrize("told", ["lab", ["lab"], {"chip_id": float("nan")}, ValueError, RecursionError])
def test_a_neighbour_whose_record_holds_anything_hinders_no_report(runs, monkeypatch, told):
    def tables(self):
        if self.name != "2026-01-02":
            return {"bench": {"chip_id": "Wafer 3"}}
        if isinstance(told, type):
            raise told
        return {"bench": told}

    monkeypatch.setattr("crossbar_hil.runs.training_run.TrainingRun.tables", property(tables))
    for run in runs:
        (run.folder / "report.html").touch()
    found = links_to_neighbours(runs[2], runs[2].folder)
    assert [link.href for link in found] == ["../2026-01-01/report.html"]


def test_a_folder_that_may_not_be_listed_or_entered_hinders_no_report(runs, monkeypatch):
    (runs[0].folder.parent.parent / "dry_runs").mkdir()

    def refused(self, *_, **__):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr("pathlib.Path.iterdir", refused)
    assert links_to_neighbours(runs[2], runs[2].folder) == []
    monkeypatch.undo()
    is_file = Path.is_file
    (runs[0].folder / "report.html").touch()
    monkeypatch.setattr(  # as Python before 3.14 does in a folder of another user
        "pathlib.Path.is_file", lambda path: refused(path) if runs[0].folder in path.parents else is_file(path)
    )
    assert links_to_neighbours(runs[2], runs[2].folder) == []


def test_a_report_elsewhere_changes_no_other(runs, tmp_path):
    first = make_report(runs[0])
    before = first.read_bytes()
    report = make_report(runs[2], tmp_path / "mine" / "page")
    assert links(report)[-1] == "../../runs/2026-01-01/report.html"
    assert first.read_bytes() == before


def test_a_report_that_is_a_link_is_left_alone(runs, tmp_path):
    first = make_report(runs[0])
    prey = first.rename(tmp_path / "prey.html")
    first.symlink_to(prey)
    make_report(runs[2])
    assert NEXT in prey.read_text(encoding="utf-8")


def test_runs_of_one_chip_belong_together_whatever_their_labels(runs, monkeypatch):
    chips = {"2026-01-01": "Wafer 3", "2026-01-02": "wafer 3", "2026-01-03": "wafer 4"}
    monkeypatch.setattr(
        "crossbar_hil.runs.training_run.TrainingRun.tables",
        property(lambda self: {"bench": {"chip_id": chips[self.name]}}),
    )
    for run in runs:
        (run.folder / "report.html").touch()
    found = links_to_neighbours(runs[1], runs[1].folder)
    assert [link.words for link in found] == ["previous run of this chip: 2026-01-01"]


def test_a_run_leads_to_the_search_by_whose_settings_it_was_trained(runs):
    tuned = runs[0].folder.parent.parent / "dry_runs" / "one" / "tuned"
    tuned.mkdir(parents=True)
    shutil.copy(runs[0].folder / BENCH_FILE, tuned)
    (tuned.parent / "report.html").touch()
    assert "../../dry_runs/one/report.html" in links(make_report(runs[1]))
    (tuned / BENCH_FILE).write_text("another")
    assert "../../dry_runs/one/report.html" not in links(make_report(runs[2]))
