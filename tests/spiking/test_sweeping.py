"""Sweeps of spiking networks: small ones, on two of the shipped digits."""

import csv
import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from crossbar_hil.backend import Pulse
from crossbar_hil.errors import ConfigError, DataError, RunError
from crossbar_hil.shipped import data_file
from crossbar_hil.sim_backend import ConductanceCurve
from crossbar_hil.spiking.network.states import measured_states
from crossbar_hil.spiking.plotting import write_networks
from crossbar_hil.spiking.settings import SpikingSettings, model_of
from crossbar_hil.spiking.sweeping import (
    KIND,
    NetworkFolder,
    Task,
    network_axes,
    plan_networks,
    resumed_networks,
    sweep_networks,
    train_network,
)
from crossbar_hil.spiking.tasks.images import digits
from crossbar_hil.spiking.training import train_spiking
from crossbar_hil.studies.scheduling import Threads, make_scheduler
from crossbar_hil.studies.showing import Silent

from ..clusters import cluster_of_two

SMALL = SpikingSettings(classes=(0, 1), neurons=5, train=30, passes=1, steps=40, test_steps=20)
WORDS = ("--classes", "0,1", "--neurons", "5", "--train", "30", "--passes", "1", "--steps", "40", "--test-steps", "20")
OVER = ("states=2,16", "stuck=0,0.3")


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture
def swept(tmp_path):
    def run(name, scheduler, show=None, over=OVER, networks=2, settings=SMALL):
        sweep = plan_networks(settings, network_axes(over), networks=networks, seed=3)
        folder = NetworkFolder.begin(tmp_path / name, sweep.plan())
        told = sweep_networks(sweep, folder, scheduler, show or Silent(), write_networks)
        told.draw()
        return SimpleNamespace(told=told, folder=tmp_path / name, files=contents(tmp_path / name))

    return run


class Interrupting(Silent):
    def __call__(self, done):
        super().__call__(done)
        if self.done == 3:
            raise KeyboardInterrupt


@pytest.mark.usefixtures("undrawn")
def test_every_network_is_the_one_that_a_training_with_its_seed_leaves(swept, tmp_path):
    record = swept("a", Threads(1), over=("states=16",)).told.record
    alone = [
        train_spiking(replace(SMALL, states=16), seed=seed, out=tmp_path / "runs").result.result.accuracy
        for seed in (3, 4)
    ]
    assert record["best"]["accuracy"] == pytest.approx(np.mean(alone), abs=1e-12)
    assert record["best"]["accuracy_sd"] == pytest.approx(np.std(alone, ddof=1), abs=1e-12)


@pytest.mark.usefixtures("undrawn")
def test_any_number_of_threads_or_a_cluster_leaves_the_same_files(swept):
    one = swept("one", Threads(1)).files
    assert set(one) == {"chunks.jsonl", "map.png", "plan.json", "points.csv", "report.html", "sweep.json"}
    assert swept("two", Threads(2)).files == one
    with cluster_of_two(processes=False) as workers:
        assert swept("cluster", make_scheduler(workers.scheduler_address)).files == one


@pytest.mark.usefixtures("undrawn")
def test_an_interrupted_sweep_goes_on_to_the_same_files(swept, tmp_path):
    whole = swept("whole", Threads(1)).files
    with pytest.raises(KeyboardInterrupt) as caught:
        swept("cut", Threads(1), Interrupting())
    assert f"crossbar-hil {KIND} --resume {tmp_path / 'cut'}" in caught.value.__notes__[0]
    assert len((tmp_path / "cut" / "chunks.jsonl").read_text().splitlines()) == 3
    again = NetworkFolder.reopen(tmp_path / "cut", KIND)
    sweep_networks(resumed_networks(again), again, Threads(1), Silent(), write_networks).draw()
    assert contents(tmp_path / "cut") == whole


@pytest.mark.usefixtures("undrawn")
def test_a_sweep_whose_plan_was_changed_is_not_gone_on_with(swept, tmp_path):
    swept("a", Threads(1), over=("states=2",), networks=1)
    plan = tmp_path / "a" / "plan.json"
    plan.write_text(plan.read_text().replace('"data_sha256": "', '"data_sha256": "0'))
    with (
        NetworkFolder.reopen(tmp_path / "a", KIND) as again,
        pytest.raises(RunError, match=r"the images or plan of .* were changed"),
    ):
        resumed_networks(again)


def test_a_worker_with_other_images_or_another_version_refuses(monkeypatch):
    (point,) = plan_networks(SMALL, network_axes(("states=2",)), networks=1, seed=0).points
    from importlib.metadata import version

    with pytest.raises(DataError, match="a worker has other images of dataset digits"):
        train_network(Task(point, 0, "another hash", version("crossbar-hil")))
    with pytest.raises(RunError, match="but the study was started by 0"):
        train_network(Task(point, 0, "another hash", "0"))


@pytest.mark.usefixtures("undrawn")
def test_the_verb_leaves_a_table_and_a_map_and_says_which_point_is_best(cli, swept, tmp_path):
    done = cli(
        "snn",
        "sweep",
        "--over",
        "states=2,16",
        "--rule",
        "carry",  # which goes with states alone
        *WORDS,
        "--networks",
        "2",
        "--seed",
        "3",
        "--workers",
        "1",
        "--to",
        "out",
    )
    assert done.code == 0
    header, *table = ([each.strip() for each in line.split("  ") if each] for line in done.out.splitlines()[:3])
    assert header == ["states", "right", "sd", "least", "most", "silent"]
    assert [line[0] for line in table] == ["2", "16"]
    assert "networks  2 a point, seeds 3 to 4, 121 test images each" in done.out
    assert done.err.splitlines()[0] == "2 points"
    assert "networks  about" in done.err
    with (tmp_path / "out" / "points.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["states"] for row in rows] == ["2", "16"]
    own = replace(SMALL, rule="carry", states=2)
    by_a_thread = swept("here", Threads(1), over=("states=2,16",), settings=own)
    assert contents(tmp_path / "out") == by_a_thread.files, "the verb has them trained by a process"
    words = ("--scheduler", "threads", "--quiet", "--json")
    answer = json.loads(cli("snn", "sweep", "--resume", "out", *words).out)
    assert float(answer["best"]["accuracy"]) == max(float(row["accuracy"]) for row in rows)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "a sweep needs at least one setting that varies"),
        (("--over", "stats=2"), "'stats' is no setting of a network; did you mean 'states'?"),
        (("--over", "classes=2"), "setting 'classes' is not a single value"),
        (("--over", "states=2", "--dataset", "stripes"), "a sweep is of computed networks"),
        (("--over", "states=2", "--networks", "0"), "0 networks a point, from 1 to 10000 are possible"),
        (("--over", "stuck=0,2"), "point stuck 2: stuck 2.0 is a share of the cells"),
        (("--over", "states=2", "--scheduler", "me"), "scheduler 'me' is neither threads nor processes"),
        (("--resume", "nowhere"), "nowhere is not the folder of a study"),
        (("--resume", "nowhere", "--states", "3"), "--resume takes everything from nowhere, so --states cannot"),
    ],
)
def test_what_cannot_be_swept_is_one_sentence(cli, tmp_path, words, told):
    done = cli("snn", "sweep", *words, "--quiet")
    assert done.code in {1, 2}
    assert told in done.err
    assert len(done.err.splitlines()) == 1
    assert not (tmp_path / "dry_runs").exists()


# ---------------------------------------------------------------------- settings that a sweep may vary


def test_pulses_move_cells_along_both_measured_curves_stretched_to_the_range():
    settings = replace(SMALL, rule="pulse", curve="figure2a")
    synapses = model_of(settings, digits((0, 1))).synapses
    up, down = (
        ConductanceCurve.from_csv(data_file("figure2a"), Pulse(volts, 0.05)).levels_siemens for volts in (2.0, -2.8)
    )
    # depression ends lowest, potentiation highest; where a curve turns back it is raised by a hundredth of its span
    assert synapses.falling[-1] == pytest.approx(5e-5)
    assert synapses.states[-1] == pytest.approx(1e-2)
    for place in (0, 10, 25):
        for levels, stretched in ((up, synapses.states), (down, synapses.falling)):
            share = (levels[place] - down.min()) / (up.max() - down.min())
            assert (stretched[place] - 5e-5) / (1e-2 - 5e-5) == pytest.approx(share, abs=0.02)


def test_a_measured_curve_that_turns_back_is_made_to_go_on():
    up, down = measured_states([1.0, 3.0, 2.5, 5.0], [5.0, 2.0, 2.0, 1.0], 0.0, 4.0)
    assert up[[0, 1, 3]] == pytest.approx([0.0, 2.0, 4.0])
    assert 2.0 < up[2] < 2.001
    assert down[[0, 3]] == pytest.approx([4.0, 0.0])
    assert (np.diff(down) < 0).all()


def test_a_lower_end_of_the_range_leaves_the_lowest_conductance_and_scales_the_rest():
    whole, part = (model_of(replace(SMALL, high_siemens=high), digits((0, 1))) for high in (None, 2.5e-4))
    assert (part.synapses.low_siemens, part.synapses.high_siemens) == (5e-5, 2.5e-4)
    assert part.neurons.gain_ohm * 2.5e-4 == pytest.approx(whole.neurons.gain_ohm * 1e-2)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"curve": "figure2a"}, "curve goes with rule pulse"),
        ({"rule": "pulse"}, "rule pulse needs --states, the number of states of a cell, or --curve"),
        ({"high_siemens": 1.0}, "high 1 S must lie above 5e-05 S"),
        ({"high_siemens": 1e-3, "preset": "published"}, "preset published has weights without a unit; high goes"),
        ({"curve": "figure2a", "rule": "pulse", "preset": "published"}, "preset published has weights without states"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(change, told):
    with pytest.raises(ConfigError, match=told):
        replace(SMALL, **change)


def test_a_curve_file_without_depressing_pulses_is_refused(tmp_path):
    file = tmp_path / "up.csv"
    lines = data_file("figure2a").read_text(encoding="utf-8").splitlines()
    file.write_text("\n".join(line for line in lines if not line.startswith("depression")) + "\n")
    with pytest.raises(ConfigError, match="must hold depressing pulses of one amplitude, it holds none"):
        model_of(replace(SMALL, rule="pulse", curve=str(file)), digits((0, 1)))


@pytest.mark.parametrize(
    ("width_s", "text", "way"),
    [
        (0.02, None, 'potentiating pulses of 50 ms, not of 20 ms; --width takes one of them, as by --width "50 ms"'),
        (0.05, "G (S)\n4e-7\n5e-7\n", "no depression at all: measure both, and bring them in one file"),
    ],
)
def test_a_curve_whose_pulses_do_not_fit_is_refused_with_the_way_out(tmp_path, width_s, text, way):
    file = tmp_path / "own.csv"
    own = "polarity,amplitude_v,width_s,pulse,conductance_siemens\n"
    rows = (
        "potentiation,2,0.05,1,4e-7\npotentiation,2,0.05,2,5e-7\ndepression,-2,0.05,1,5e-7\ndepression,-2,0.05,2,4e-7\n"
    )
    file.write_text(text or own + rows)
    with pytest.raises(ConfigError) as refusal:
        model_of(replace(SMALL, rule="pulse", curve=str(file), width_s=width_s), digits((0, 1)))
    assert way in str(refusal.value)
