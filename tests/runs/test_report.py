import re
import shutil
from html.parser import HTMLParser

import pytest

from crossbar_hil import load_run
from crossbar_hil.errors import RunError
from crossbar_hil.runs.plotting import FIGURES
from crossbar_hil.runs.report import make_report
from crossbar_hil.runs.training_run import TrainingRun


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.links, self.words = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data):
        self.words.append(data.strip())


@pytest.fixture(scope="module")
def reported(converged_run, tmp_path_factory):
    run = load_run(shutil.copytree(converged_run, tmp_path_factory.mktemp("report") / "run"))
    return run, Page(make_report(run).read_text(encoding="utf-8"))


@pytest.mark.fault("X16")
def test_the_report_stands_alone_and_runs_nothing(reported):
    _, page = reported
    assert not {"script", "link", "iframe", "object"} & set(page.tags)
    pictures = [link for link in page.links if ":" in link]
    assert len(pictures) == len(FIGURES)
    assert all(link.startswith("data:image/png;base64,") for link in pictures)


def test_the_report_leads_to_the_files_of_its_run_and_to_nothing_that_is_not_there(reported):
    run, page = reported
    links = {link for link in page.links if ":" not in link}
    assert {
        "run.sqlite",
        "bench.toml",
        "patterns.csv",
        "curve.csv",
        *(f"figures/{name}.png" for name in FIGURES),
    } == links
    assert all((run.folder / link).is_file() for link in links)


@pytest.mark.fault("X16")
def test_user_text_is_escaped(reported):
    _, page = reported
    assert "a <b>label</b>" in page.words  # as text: the parser has undone the escaping, and saw no tag


def test_the_report_says_kind_epochs_pulses_and_every_pattern(reported):
    run, page = reported
    words = " ".join(page.words)
    assert "Crossbar training, simulated" in words
    assert f"{run.result.epochs} epochs" in re.sub(r"\s+", " ", words)
    assert str(run.result.pulses) in page.words
    assert words.count(" met") >= len(run.result.patterns)


def test_five_figures_lie_beside_the_report(reported):
    run, _ = reported
    assert {path.name for path in (run.folder / "figures").iterdir()} == {f"{name}.png" for name in FIGURES}


@pytest.mark.fault("X10")
def test_a_report_is_never_overwritten(reported):
    run, _ = reported
    with pytest.raises(RunError, match="exists already"):
        make_report(run)


@pytest.fixture(scope="module")
def elsewhere(stalled_run, tmp_path_factory):
    """Where the report of a stalled run was to go, and where it went; without pictures."""
    folder = tmp_path_factory.mktemp("elsewhere") / "new"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TrainingRun, "figures", lambda self: iter(()))
        return folder, make_report(load_run(stalled_run), folder)


def test_a_report_can_go_elsewhere(elsewhere, stalled_run):
    folder, report = elsewhere
    assert report == folder / "report.html"
    assert report.is_file()
    assert not (stalled_run / "report.html").exists()


def test_the_report_of_a_stalled_run_names_saturated_cells_and_missed_patterns(elsewhere):
    _, report = elsewhere
    page = Page(report.read_text(encoding="utf-8"))
    words = " ".join(page.words)
    assert "stalled" in page.words
    assert "missed" in page.words
    assert "At the end of their curve: row" in words
