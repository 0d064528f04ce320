"""A record that is deleted, moved or replaced while it is written, which the run notices, or read while it ends."""

import os
import shutil
from contextlib import ExitStack

import numpy as np
import pytest

from crossbar_hil.bench.file import load_bench
from crossbar_hil.errors import RunError
from crossbar_hil.runs.store import load_run
from crossbar_hil.runs.training import train_and_record
from crossbar_hil.runs.training_record import READERS_S, RECORD
from crossbar_hil.runs.training_run import resume_and_record

BENCH = load_bench("simulated", overrides={"training": {"epochs": 3, "beta": 1e5}})


def replaced(record):
    shutil.copy(record, record.with_name("copy"))
    os.replace(record.with_name("copy"), record)


def moved(record):
    os.rename(record.parent, record.parent.with_name("elsewhere"))


HANDS = {
    "was replaced by another file": replaced,
    "is not there any more (No such file or directory)": os.unlink,
    "is not there any more (No such file or directory) ": moved,
}


def run_with(hand, after, out):
    """Train, with a hand on the record once an epoch is on disk; return the sentence, its notes, the epochs shown."""
    shown = []

    def show(epoch):
        shown.append(epoch.number)
        if epoch.number == after:
            (record,) = out.glob(f"*/{RECORD}")
            hand(record)

    with pytest.raises(RunError) as caught:
        train_and_record(BENCH, seed=1, out=out, show=show)
    return str(caught.value), getattr(caught.value, "__notes__", []), shown


@pytest.mark.fault("D13")
@pytest.mark.parametrize("after", [1, 2, 3])
@pytest.mark.parametrize("what", HANDS)
def test_a_record_that_is_not_in_its_place_stops_the_run_at_the_next_epoch_or_at_its_end(what, after, tmp_path):
    told, notes, shown = run_with(HANDS[what], after, tmp_path)
    assert what.strip() in told
    assert RECORD in told
    assert notes == []
    assert shown == list(range(1, after + 1))


@pytest.mark.fault("D13")
def test_a_run_whose_record_was_replaced_by_a_copy_is_resumed_to_the_same_end(tmp_path):
    run_with(replaced, 2, tmp_path / "struck")
    (run,) = (tmp_path / "struck").iterdir()
    assert load_run(run).status == "running"
    resumed = resume_and_record(load_run(run))
    whole = train_and_record(BENCH, seed=1, out=tmp_path / "whole")
    assert resumed.result.epochs == whole.result.epochs == 3
    assert np.array_equal(resumed.result.conductances, whole.result.conductances)
    assert len(load_run(run).epochs) == 3


@pytest.mark.parametrize("leaves", [True, False])
def test_who_reads_while_a_run_ends_leaves_its_record_in_one_file_or_keeps_it_no_longer_than_said(
    tmp_path, monkeypatch, leaves
):
    waited = []
    with ExitStack() as reader:

        def wait(seconds):
            waited.append(seconds)
            assert {"run.sqlite-wal"} <= {path.name for path in folder[0].iterdir()}
            if leaves:
                reader.close()

        def show(epoch):
            if epoch.number == 2:
                folder.append(next(tmp_path.iterdir()))
                record = reader.enter_context(load_run(folder[0]).open_record())
                assert record.execute("SELECT max(epoch) FROM epoch").fetchone() == (2,)

        folder = []
        monkeypatch.setattr("crossbar_hil.runs.training_record._wait", wait)
        outcome = train_and_record(BENCH, seed=1, out=tmp_path, show=show)
        assert outcome.status == load_run(outcome.folder).status == "done"
    assert sum(waited) == pytest.approx(0.01 if leaves else READERS_S)
    assert ({"run.sqlite-wal", "run.sqlite-shm"} & {path.name for path in outcome.folder.iterdir()} == set()) is leaves
