import json

import pytest

from crossbar_hil.bench.file import load_bench
from crossbar_hil.errors import RunError
from crossbar_hil.studies import study
from crossbar_hil.studies.axes import read_axes
from crossbar_hil.studies.convergence import points
from crossbar_hil.studies.convergence.folder import ChipStudyFolder
from crossbar_hil.studies.convergence.sweeping import plan_sweep, resume_sweep, run_sweep
from crossbar_hil.studies.folder import CHUNKS
from crossbar_hil.studies.scheduling import Threads


class PulledAwayError(Exception):
    pass


@pytest.fixture
def whole(small, tmp_path):
    small.run(tmp_path / "whole", Threads(1))
    return small.contents(tmp_path / "whole")


@pytest.fixture
def cut_short(small, tmp_path):
    """Folder of a sweep that was interrupted after two chunks."""
    seen = []

    def interrupt(chips):
        seen.append(chips)
        if len(seen) == 2:
            raise PulledAwayError

    with pytest.raises(PulledAwayError):
        small.run(tmp_path / "cut", Threads(1), show=interrupt)
    return tmp_path / "cut"


def go_on(folder, show=lambda chips: None):
    with ChipStudyFolder.reopen(folder, "sweep") as opened:
        return run_sweep(resume_sweep(opened), opened, Threads(1), show)


def test_what_was_done_before_an_interruption_is_on_disk(cut_short):
    assert len((cut_short / CHUNKS).read_text().splitlines()) == 2
    assert not (cut_short / "sweep.json").exists()


def test_a_resumed_sweep_leaves_the_same_files_as_one_that_was_not_interrupted(small, cut_short, whole):
    go_on(cut_short)
    assert small.contents(cut_short) == whole


def test_a_sweep_begun_when_its_chips_were_slower_goes_on_with_chunks_of_the_same_size(tmp_path):
    bench, axes = load_bench("simulated", overrides={"training": {"epochs": 5}}), read_axes(("beta=5e7",))
    quick, slow = (points.LOCKSTEP_CHUNK, points.SINGLE_CHUNK)
    counts = []
    for size in (quick, slow):
        begun = plan_sweep(bench, axes, chips=40, seed=7, chunk=size)
        with ChipStudyFolder.make(tmp_path / str(size), begun.plan(), bench):
            pass
        counts.append(go_on(tmp_path / str(size)).counts)
        assert len((tmp_path / str(size) / CHUNKS).read_text().splitlines()) == (1 if size == quick else 3)
    assert counts[0] == counts[1]
    assert plan_sweep(bench, axes, chips=40, seed=7).chunk == quick
    assert plan_sweep(bench, axes, chips=40, seed=7, chunk=0).chunk == quick, "of a damaged plan"


def test_a_resumed_sweep_trains_no_chip_again(cut_short, monkeypatch):
    trained = []
    original = points.train_chunk
    monkeypatch.setattr(
        "crossbar_hil.studies.convergence.counting.train_chunk", lambda chunk: trained.append(1) or original(chunk)
    )
    go_on(cut_short)
    assert len(trained) == 4
    go_on(cut_short)
    assert len(trained) == 4


def test_a_last_line_that_was_cut_short_is_done_again(small, cut_short, whole):
    path = cut_short / CHUNKS
    path.write_bytes(path.read_bytes()[:-9])
    go_on(cut_short)
    assert small.contents(cut_short) == whole


def test_chunks_that_were_damaged_are_refused(cut_short):
    path = cut_short / CHUNKS
    path.write_text("nonsense\n" + path.read_text())
    with pytest.raises(RunError, match=r"chunks.jsonl, line 1 is not a chunk of a study"):
        go_on(cut_short)


@pytest.mark.parametrize("name", ["given/curve.csv", "given/bench.toml", "given/patterns.csv"])
def test_a_sweep_whose_files_were_changed_is_not_gone_on_with(cut_short, name):
    path = cut_short / name
    text = path.read_text()
    changed = {
        "given/curve.csv": text.replace("E-", "e-") if "E-" in text else text + "\n",
        "given/bench.toml": text.replace("epochs = 5", "epochs = 6"),
        "given/patterns.csv": text.replace("0110,10,train", "0111,01,train"),
    }[name]
    path.write_text(changed)
    assert path.read_text() != text
    with pytest.raises(RunError, match="were changed since it was begun"):
        go_on(cut_short)


def test_a_sweep_of_another_version_is_not_gone_on_with(cut_short):
    path = cut_short / "plan.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "version": "0.0.1"}))
    with pytest.raises(RunError, match=r"was begun by crossbar-hil 0\.0\.1 and cannot be gone on with by"):
        go_on(cut_short)


def test_a_folder_that_is_no_sweep_is_refused(tmp_path, cut_short):
    with pytest.raises(RunError, match=r"is not the folder of a study: plan\.json cannot be read"):
        ChipStudyFolder.reopen(tmp_path, "sweep")
    with pytest.raises(RunError, match="is the folder of a sweep, not of a tune"):
        ChipStudyFolder.reopen(cut_short, "tune")
    (cut_short / "plan.json").write_text('{"kind": "sweep", "version": "0"}')
    with pytest.raises(RunError, match="is not the folder of a whole sweep"):
        go_on(cut_short)


def test_a_folder_that_exists_is_not_written_into(small, cut_short):
    with pytest.raises(RunError, match="exists already"):
        small.run(cut_short, Threads(1))


def test_a_worker_of_another_version_is_refused(small, monkeypatch):
    (chunk,) = points.split_into_chunks(small.plan().points[0], seed=1, first=0, chips=2, size=64)
    monkeypatch.setattr(study, "package_version", lambda: "9.9")
    with pytest.raises(RunError, match=r"a worker has crossbar-hil 9\.9, but the study was started by"):
        points.train_chunk(chunk)
