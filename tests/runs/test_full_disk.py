"""A disk that fills up while a run is recorded: one sentence with the same words from every writer, nothing lost."""

import errno
import io
import os
import sqlite3

import pytest

from crossbar_hil.bench.file import load_bench
from crossbar_hil.errors import RunError, reason_of
from crossbar_hil.runs import training_record
from crossbar_hil.runs.report import make_report
from crossbar_hil.runs.run import Figure
from crossbar_hil.runs.store import load_run
from crossbar_hil.runs.training import train_and_record
from crossbar_hil.runs.training_run import TrainingRun, resume_and_record

FULL = "the disk is full: make room on it"
NO_SPACE = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
BENCH = load_bench("simulated", overrides={"training": {"epochs": 3, "beta": 1e5}})


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (NO_SPACE, FULL),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), FULL),
        (sqlite3.OperationalError("database or disk is full"), FULL),
        (OSError(errno.EACCES, "Permission denied"), "Permission denied"),
        (sqlite3.OperationalError("disk I/O error"), "disk I/O error"),
        (OSError(), "OSError"),
    ],
)
def test_a_full_disk_has_one_name(error, told, tmp_path):
    assert reason_of(error) == reason_of(error, tmp_path) == told


def test_an_error_of_sqlite_on_a_disk_without_room_is_that(tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 4096}))
    assert reason_of(sqlite3.OperationalError("disk I/O error"), tmp_path) == FULL


@pytest.fixture
def growing_no_more(monkeypatch):
    """Let the file of a record grow no more from some rows on: growing_no_more("rows_of_chip", 2) from the second."""
    real, opened = training_record._connect, []

    def connect(path):
        opened.append(real(path))
        return opened[-1]

    def from_(name, call):
        calls, true = [], getattr(training_record, name)

        def rows(*given):
            calls.append(1)
            found = true(*given)
            if len(calls) < call:
                return found
            opened[-1].execute("PRAGMA max_page_count = 1")  # SQLite takes what the file has
            return {"current": found["current"] * 9999} if isinstance(found, dict) else found * 9999

        monkeypatch.setattr(training_record, name, rows)

    monkeypatch.setattr(training_record, "_connect", connect)
    return from_


@pytest.mark.fault("D1", "D2", "V22")
def test_a_disk_that_is_full_at_the_end_of_a_run_says_so_and_the_run_can_be_resumed(
    tmp_path, growing_no_more, monkeypatch
):
    growing_no_more("rows_of_chip", 2)
    with pytest.raises(RunError, match=f"how the run ended cannot be written to the record: {FULL}"):
        train_and_record(BENCH, seed=1, out=tmp_path)
    monkeypatch.undo()
    (folder,) = tmp_path.iterdir()
    assert load_run(folder).status == "running"
    assert resume_and_record(load_run(folder)).status == "done"


@pytest.mark.fault("D1", "V22")
def test_an_epoch_for_which_there_is_no_room_is_told_first(tmp_path, growing_no_more, cli):
    growing_no_more("rows_of_epoch", 1)
    growing_no_more("rows_of_chip", 2)
    ended = cli("train", "--seed", 1, "--quiet", "--out", tmp_path)
    assert ended.code == 1
    first, second = ended.err.splitlines()
    assert first == f"crossbar-hil: epoch 1 cannot be written to the record: {FULL}"
    assert second.startswith(f"crossbar-hil: how the run ended cannot be written to the record: {FULL}")


@pytest.mark.fault("D1", "V22")
def test_a_report_on_a_full_disk_is_not_left_in_pieces(converged_run, tmp_path, monkeypatch):
    def full(self, content):
        raise NO_SPACE

    class Full(io.BytesIO):
        write = full

    monkeypatch.setattr(os, "fdopen", lambda handle, mode: (os.close(handle), Full())[1])
    monkeypatch.setattr(TrainingRun, "figures", lambda self: iter([Figure("error", "Error", b"a picture")]))
    with pytest.raises(RunError, match=FULL):
        make_report(load_run(converged_run), tmp_path / "page")
    assert not list((tmp_path / "page").iterdir())
