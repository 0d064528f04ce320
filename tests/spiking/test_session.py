import json
import signal
import subprocess
from dataclasses import replace

import numpy as np
import pytest

from crossbar_hil.errors import ConfigError, ReplayDiverged, RunError
from crossbar_hil.guard.journal import read_journal
from crossbar_hil.runs.array_file import read_arrays
from crossbar_hil.runs.store import find_run, load_run
from crossbar_hil.spiking.computed import train_and_test
from crossbar_hil.spiking.examination import Faults
from crossbar_hil.spiking.figures import draw_figures
from crossbar_hil.spiking.folder import write_checkpoint, write_record
from crossbar_hil.spiking.run import SpikingRun, resume_spiking
from crossbar_hil.spiking.settings import SpikingSettings
from crossbar_hil.spiking.training import train_spiking
from crossbar_hil.spiking.view import SilentView

from ..forking import FORKED

SMALL = SpikingSettings(classes=(0, 1), neurons=6, train=90, passes=2, steps=150, test_steps=40)
ARRANGED = replace(SMALL, wire_ohm=1.0, soft=True, order="variance", drive="both", sense="both", tiles="2x1", renew=20)
VARIED = replace(
    SMALL, train=24, passes=1, steps=40, test_steps=6, stuck_rows=2, step_spread=0.2, step_variation=0.5,
    write_noise=0.02, column_noise=0.1, relaxation_images=500.0, drift=0.1, telegraph=0.2, telegraph_s=0.05,
)  # fmt: skip
STRIPES = SpikingSettings(dataset="stripes", bench="simulated", passes=2)
BRIEF = SpikingSettings(dataset="stripes", bench="emulated", passes=1, steps=3, test_steps=2)


class LampWentOut(RuntimeError):  # noqa: N818
    pass


class Dying(SilentView):
    def __init__(self, at):
        self.at = at

    def show(self, progress):
        if progress.shown >= self.at:
            raise LampWentOut("the lamp went out")


def died(settings, out, at, **options):
    """Train until so many images were shown, and return the run that this leaves."""
    with pytest.raises(LampWentOut):
        train_spiking(settings, seed=1, out=out, view=Dying(at), **options)
    return find_run("latest", out)


def same(one, other):
    left, right = one.progress.arrays(), other.progress.arrays()
    assert left.keys() == right.keys()
    for name in left:
        np.testing.assert_array_equal(left[name], right[name], err_msg=name)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return SpikingRun(train_spiking(SMALL, seed=1, out=tmp_path_factory.mktemp("whole")).folder)


@pytest.fixture(scope="module")
def whole_stripes(tmp_path_factory):
    return SpikingRun(train_spiking(STRIPES, seed=1, out=tmp_path_factory.mktemp("stripes")).folder)


def test_a_run_says_what_it_was_made_from_and_how_it_ended(whole):
    about = json.loads((whole.folder / "spiking.json").read_text(encoding="utf-8"))
    assert about["status"] == "done"
    assert about["kind"] == "simulated"
    assert about["seed"] == 1
    assert about["settings"]["classes"] == [0, 1]
    assert len(about["data_sha256"]) == 64
    assert about["versions"]["numpy"] == np.__version__
    assert about["shown"] == 2 * about["training_images"]
    assert about["accuracy"] > 0.8  # guessing is right for half of them


def test_the_checkpoint_holds_plain_arrays_only(whole):
    arrays = read_arrays(whole.folder / "checkpoint.sqlite")
    assert {"weights", "thresholds", "record"} <= set(arrays)
    assert all(array.dtype.kind in "biuf" for array in arrays.values())


@pytest.mark.parametrize("at", [1, 20])
def test_a_run_that_failed_is_resumed_to_the_identical_end(whole, tmp_path, at):
    run = died(SMALL, tmp_path, at, every=10)
    assert run.facts["status"] == "failed"
    kept = run.progress.shown if run.progress is not None else 0
    assert resume_spiking(run, every=10).status == "done"
    same(whole, SpikingRun(run.folder))
    assert SpikingRun(run.folder).facts["resumed_shown"] == kept, "so that the time of an image is known"


def killed(tmp_path, code):
    """Run a program that kills itself; comes back when its guard, which has the same standard error, is gone too."""
    begin = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from crossbar_hil.spiking.training import train_spiking\n"
        "from crossbar_hil.spiking.settings import SpikingSettings\n"
        "from crossbar_hil.spiking.view import SilentView\n"
        "from crossbar_hil.spiking.network import backend_engine\n"
    )
    done = subprocess.run([FORKED, "-c", begin + code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr


def test_a_computed_run_that_is_killed_goes_on_from_its_checkpoint_to_the_identical_end(whole, tmp_path):
    killed(
        tmp_path,
        "class Killing(SilentView):\n"
        "    def show(self, progress):\n"
        "        if progress.shown > 70: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"train_spiking({SMALL!r}, seed=1, out=Path('out'), every=20, view=Killing())",
    )
    run = find_run("latest", tmp_path / "out")
    assert run.facts["status"] == "running"
    assert 0 < run.progress.shown < 70
    resume_spiking(run)
    same(whole, SpikingRun(run.folder))


@pytest.mark.campaign
def test_a_training_on_the_emulated_bench_that_is_killed_between_two_pulses_is_resumed_to_the_identical_end(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    expected = train_spiking(BRIEF, seed=1, out=tmp_path / "expected")
    uninterrupted = SpikingRun(expected.folder)
    assert expected.kind == "emulated"
    assert expected.safe["confirmed"] is True
    killed(
        tmp_path,
        "def dying(self, state, *rest, before=backend_engine.BackendEngine._balance_columns):\n"
        "    if self.pulses >= 8: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return before(self, state, *rest)\n"
        "backend_engine.BackendEngine._balance_columns = dying\n"
        f"train_spiking({BRIEF!r}, seed=1, out=Path('out'))",
    )
    run = find_run("latest", tmp_path / "out")
    assert run.facts["status"] == "running"
    sent = [entry for entry in read_journal(run.folder / "journal.sqlite") if entry.kind == "outcome"]
    assert len(sent) == 8
    resume_spiking(run)
    same(uninterrupted, SpikingRun(run.folder))
    journals = [read_journal(each.folder / "journal.sqlite") for each in (uninterrupted, run)]
    intents = [
        [(e.body["row"], e.body["column"], e.body["amplitude_v"]) for e in journal if e.kind == "intent"]
        for journal in journals
    ]
    assert intents[0] == intents[1]


def test_a_virtual_device_is_resumed_by_doing_everything_again(whole_stripes, tmp_path):
    run = died(STRIPES, tmp_path, 3)
    assert run.progress.shown == 3
    resume_spiking(run)
    same(whole_stripes, SpikingRun(run.folder))


def test_a_replay_that_is_not_what_the_checkpoint_holds_stops(tmp_path):
    run = died(STRIPES, tmp_path, 3)
    progress = run.progress
    progress.record[2, 3] += 1
    write_checkpoint(run.folder, progress)
    with pytest.raises(ReplayDiverged, match="diverged at image 3"):
        resume_spiking(run)


def test_a_run_that_is_done_is_not_resumed(whole):
    with pytest.raises(RunError, match=r"is done \(accuracy"):
        resume_spiking(whole)


def test_a_damaged_checkpoint_is_named_not_half_read(tmp_path, whole):
    (tmp_path / "spiking.json").write_bytes((whole.folder / "spiking.json").read_bytes())
    content = (whole.folder / "checkpoint.sqlite").read_bytes()
    for damaged in (content[: len(content) // 2], b"", b"PK\x03\x04" + content[4:200]):
        (tmp_path / "checkpoint.sqlite").write_bytes(damaged)
        with pytest.raises(RunError, match=r"checkpoint\.sqlite cannot be read"):
            _ = SpikingRun(tmp_path).progress


def test_a_trained_network_is_tested_again_to_the_same_accuracy_and_worse_with_stuck_cells(whole):
    assert whole.test().confusion.tolist() == whole.progress.result.confusion.tolist()
    assert whole.test(Faults(stuck=0.9)).accuracy < whole.progress.result.accuracy


def test_wires_that_training_did_not_have_cost_accuracy_and_gains_give_it_back(whole):
    ideal, wired = whole.progress.result.accuracy, whole.test(Faults(wire_ohm=0.3)).accuracy
    assert wired < ideal - 0.2
    assert whole.test(Faults(wire_ohm=0.3, compensate=True)).accuracy > ideal - 0.05


def test_a_training_on_an_arranged_array_is_resumed_and_tested_to_what_a_sweep_gives(tmp_path):
    run = died(ARRANGED, tmp_path, 50, every=20)
    assert resume_spiking(run, every=20).status == "done"
    kept = SpikingRun(run.folder)
    assert kept.facts["resumed_shown"] == 40
    progress, result = train_and_test(ARRANGED, 1)
    np.testing.assert_array_equal(kept.progress.state.weights, progress.state.weights)
    np.testing.assert_array_equal(kept.progress.result.confusion, result.confusion)
    np.testing.assert_array_equal(kept.test(Faults()).confusion, result.confusion)
    assert sorted(kept.progress.order) == list(range(64))


def test_a_training_with_effects_is_resumed_to_the_identical_end_which_is_that_through_the_seam(tmp_path):
    run = died(VARIED, tmp_path, 15, every=5)
    assert resume_spiking(run, every=5).status == "done"
    kept = SpikingRun(run.folder)
    assert kept.facts["resumed_shown"] == 10
    for settings in (VARIED, replace(VARIED, seam=True)):
        progress, result = train_and_test(settings, 1)
        np.testing.assert_array_equal(kept.progress.state.weights, progress.state.weights)
        np.testing.assert_array_equal(kept.progress.state.neurons.thresholds, progress.state.neurons.thresholds)
        np.testing.assert_array_equal(kept.progress.result.confusion, result.confusion)
    changed = {each.name for each in kept.all_settings if each.changed}
    assert {"stuck_rows", "write_noise", "relaxation_images", "drift", "telegraph_s"} <= changed
    with pytest.raises(RunError, match="was trained with a drift, which goes on"):
        kept.test(Faults(drift=0.1, wait_images=5.0))
    assert kept.test(Faults(wait_images=5000.0)).silent == result.images


def test_what_has_happened_since_a_training_costs_accuracy(whole):
    ideal = whole.progress.result.accuracy
    assert whole.test(Faults(drift=0.001, wait_images=1.0)).accuracy == pytest.approx(ideal, abs=0.05)
    assert whole.test(Faults(drift=1.0, wait_images=1e6)).silent == whole.progress.result.images
    for faults in (Faults(write_noise=0.8), Faults(column_noise=1.0), Faults(dead=0.95), Faults(stuck_rows=64)):
        assert whole.test(faults).accuracy < ideal
    with pytest.raises(RunError, match="needs wait_images"):
        whole.test(Faults(drift=0.1))
    with pytest.raises(RunError, match="wait_images 3 makes no difference to cells that neither relax nor drift"):
        whole.test(Faults(wait_images=3.0))
    with pytest.raises(ConfigError, match="column_noise 2 is a share of the current, it must lie between 0 and 1"):
        Faults(column_noise=2)


def test_a_training_of_which_most_images_are_silent_ends_and_is_kept(tmp_path):
    outcome = train_spiking(replace(SMALL, steps=1, passes=20), seed=1, out=tmp_path)
    assert outcome.status == "interrupted"
    assert outcome.reason.startswith("stopped after 500 images: ")
    kept = SpikingRun(outcome.folder)
    assert kept.facts["reason"] == outcome.reason
    assert kept.progress.shown == 500


def test_it_warns_when_one_image_in_twenty_falls_silent(whole):
    record = np.array([[100, 50, 0, 400], [200, 60, 9, 300], [300, 60, 1, 300]])
    assert not replace(whole.progress, record=record[:1] + np.array([0, 0, 90, 0])).warning()
    assert replace(whole.progress, record=record).warning().startswith("10 of the last 200 images were silent")
    record[2, 2] = 0
    assert not replace(whole.progress, record=record).warning()


def test_images_that_are_not_those_of_the_training_are_refused(whole, tmp_path):
    record = {**whole.settings, "data_sha256": "0" * 64}
    (tmp_path / "checkpoint.sqlite").write_bytes((whole.folder / "checkpoint.sqlite").read_bytes())
    write_record(tmp_path, record)
    with pytest.raises(RunError, match="are not those that run"):
        SpikingRun(tmp_path).test()


TOGETHER = [
    ({"neurons": 0}, "neurons 0 must lie between 1 and 10000"),
    ({"dataset": "cats"}, "dataset 'cats' is none of digits, mnist, "),
    ({"dataset": "mnist"}, "dataset mnist needs --data"),
    ({"classes": (0, 11)}, "classes 0, 11 must be digits from 0 to 9"),
    ({"rule": "nearest"}, "rule nearest needs --states"),
    ({"preset": "published", "wire_ohm": 1.0}, "preset published has weights without a unit"),
    ({"wire_ohm": -1.0}, "wire -1.0 ohm must be finite and not negative"),
    ({"stuck": 1.5}, "stuck 1.5 is a share of the cells"),
    ({"stuck": 0.5, "dead": 0.6}, "stuck 0.5, dead 0.6 and unformed 0.0 are shares of the same cells"),
    ({"stuck_at": "low"}, "stuck_at low says more of stuck or stuck_rows, and does nothing without it"),
    ({"stuck_rows": -1}, "stuck_rows -1 is a number of rows"),
    ({"write_noise": 3.0}, "write_noise 3.0 is a share of the range, it must lie between 0 and 1"),
    ({"relaxation_images": 0.0}, "relaxation_images 0 must be above zero"),
    ({"telegraph": 0.1, "wire_ohm": 1.0}, "telegraph 0.1 would change every circuit in every step"),
    ({"telegraph_s": 0.1}, "telegraph_s 0.1 says more of telegraph"),
    ({"preset": "published", "unformed": 0.1}, "preset published has weights without a unit; unformed 0.1"),
    ({"seam": True, "wire_ohm": 1.0}, "seam goes with perfect wires"),
    ({"bench": "simulated", "dataset": "stripes", "write_noise": 0.1}, "write_noise is a setting of a computed"),
    ({"homeostasis": "none"}, "homeostasis 'none' is none of paced, constant"),
    ({"drive": "both"}, "drive both makes no difference on perfect wires; it goes with --wire"),
    ({"sense": "top", "wire_ohm": 1.0}, "sense 'top' is none of bottom, both"),
    ({"tiles": "4", "wire_ohm": 1.0}, "tiles '4' must be rows x columns of arrays, such as 4x1"),
    ({"order": "size", "wire_ohm": 1.0}, "order 'size' is none of input, variance"),
    ({"renew": 0, "wire_ohm": 1.0}, "renew 0 must lie between 1 and 1000000"),
    ({"renew": 9}, "renew 9 makes no difference on an ideal crossbar; it goes with --wire or --cell"),
    ({"dataset": "stripes"}, "task stripes needs a device, --bench"),
    ({"bench": "simulated"}, "a device learns a task, not dataset digits: --task with one of "),
    ({"bench": "simulated", "dataset": "stripes", "neurons": 3}, "neurons is a setting of a computed network"),
    (
        {"bench": "simulated", "dataset": "stripes", "drive": "both"},
        "drive is a setting of a computed network, a device on a bench has its own, drive in [chip] of its bench file",
    ),
]
"""Settings, and how the sentence begins that refuses them."""


def test_what_does_not_go_together_is_said_in_one_sentence():
    said = [(given, told, refusal_of(given)) for given, told in TOGETHER]
    assert [each for each in said if not each[2].startswith(each[1]) or "\n" in each[2]] == []


def refusal_of(given):
    try:
        SpikingSettings(**given)
    except ConfigError as error:
        return str(error)
    return "nothing is said"


def test_the_depressing_pulse_of_a_device_is_among_its_settings(tmp_path):
    settings = SpikingSettings(dataset="stripes", bench="simulated")
    folder = train_spiking(settings, seed=1, out=tmp_path).folder
    found = {each.key: each.value for each in load_run(folder).all_settings}
    assert (found["training.depress_v"], found["training.depress_s"]) == (-2.8, 0.05)


def test_a_task_is_drawn_with_the_names_of_its_classes_and_its_input_spikes(tmp_path):
    settings = SpikingSettings(dataset="moro2022", bench="simulated", passes=1)
    run = SpikingRun(train_spiking(settings, seed=1, out=tmp_path).folder)
    drawn = draw_figures(settings, run.progress, test_steps=12, seed=1)
    assert set(drawn) == {"fields", "confusion", "accuracy", "inputs", "raster", "membranes"}
    (ax,) = drawn["inputs"].axes
    assert [text.get_text() for text in ax.texts] == ["-2", "-1", "0", "1", "2"]
    # By the delays of the task: in the first sample the left receiver spikes at 3 and the right one at 1, so that the
    # left lines spike at 3 to 7 and the right one, on row 6, at 3.
    spikes = sorted(map(tuple, ax.collections[0].get_offsets().tolist()))[:6]
    assert spikes == [(3, 1), (3, 6), (4, 2), (5, 3), (6, 4), (7, 5)]
