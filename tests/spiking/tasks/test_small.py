"""Tasks for small arrays: what they show, what they refuse, and their trainings against one written down by hand."""

import re
from dataclasses import replace

import numpy as np
import pytest

from crossbar_hil import Pulse
from crossbar_hil.backend import DeviceBackend, Limits
from crossbar_hil.bench.checking import check_bench
from crossbar_hil.bench.file import load_bench
from crossbar_hil.bench.opening import open_backend
from crossbar_hil.errors import ConfigError, DataError
from crossbar_hil.shipped import data
from crossbar_hil.spiking.network.backend_engine import BackendEngine
from crossbar_hil.spiking.network.labels import answers, label_neurons, unanswered
from crossbar_hil.spiking.network.network import SpikingNetwork
from crossbar_hil.spiking.network.trains import ANY_STEP, SILENT_INPUT, SpikeTimes
from crossbar_hil.spiking.run import SpikingRun
from crossbar_hil.spiking.settings import SpikingSettings
from crossbar_hil.spiking.tasks.small import SmallTask
from crossbar_hil.spiking.training import train_spiking

from .network_by_hand import ByHand

UP, DOWN = Pulse(2.0, 0.05), Pulse(-2.8, 0.05)
NAMES = SmallTask.names()


class Chip(DeviceBackend):
    """Cells that gain a quarter of what is left to 2 uS, or lose a fifth."""

    kind = "simulated"

    def __init__(self, shape, seed=5):
        self.shape, self.limits = shape, Limits(0.2, 3.0, 0.1)
        self.conductances = np.random.default_rng(seed).uniform(3e-7, 7e-7, shape)

    def _read_currents(self, voltages):
        return voltages @ self.conductances

    def _send_pulses(self, counts, pulse):
        for row, column in np.argwhere(counts):
            self.pulse(row, column, up=pulse.amplitude_v > 0)

    def pulse(self, row, column, *, up):
        before = self.conductances[row, column]
        self.conductances[row, column] = before + 0.25 * (2e-6 - before) if up else 0.8 * before

    def make_safe(self):
        pass


def trained(task, chip, seed, passes):
    """Train on a device; returns its network and the (P, N) spikes of the training."""
    engine = BackendEngine(chip, UP, DOWN)
    model, split = task.model(chip.shape[1]), task.samples()
    network = SpikingNetwork(model, engine, seed=seed, protocol=task.teaching, encode=task.encode)
    network.state = engine.begin(model)
    counts = np.concatenate([network.learn(split.train.intensities, number) for number in range(passes)])
    return network, counts


@pytest.mark.parametrize("name", NAMES)
def test_a_training_is_the_one_that_is_written_down_by_hand(name):
    task = SmallTask.read(name)
    passes = min(2, task.teaching.passes)
    task = replace(task, protocol={**task.protocol, "passes": passes})
    split, chips = task.samples(), [Chip(task.shape) for _ in range(2)]
    by_hand = ByHand(task, chips[0], seed=3)
    expected = by_hand.teach(split.train.intensities.tolist())
    network, counts = trained(task, chips[1], 3, passes)
    assert counts.sum() > 0
    assert counts.tolist() == expected
    np.testing.assert_array_equal(chips[0].conductances, chips[1].conductances)
    np.testing.assert_array_equal(network.state.neurons.thresholds, by_hand.thresholds)
    some = split.test.intensities[:4]
    assert network.respond(some).tolist() == by_hand.answers(some.tolist())


def test_times_are_spikes_at_a_step_of_every_cycle_near_it_at_any_step_or_never():
    trains = SpikeTimes(10, jitter=1)(np.array([[4, 4, ANY_STEP, SILENT_INPUT]]))
    raster = np.array([trains.spikes(0, 77, step) for step in range(600)]).reshape(60, 10, 4)
    assert raster.sum(axis=1)[:, :3].tolist() == [[1, 1, 1]] * 60
    assert not raster[..., 3].any()
    fixed, anywhere = raster[..., 0].sum(axis=0), raster[..., 2].sum(axis=0)
    assert np.flatnonzero(fixed).tolist() == [3, 4, 5]
    assert fixed[3:6].min() > 10  # of 60, a third each
    assert anywhere.min() > 0  # a tenth each
    assert (raster[..., 0] != raster[..., 1]).any(), "each input has its own jitter"
    again = np.array([trains.spikes(0, 77, step) for step in range(599, -1, -1)])[::-1]
    np.testing.assert_array_equal(again.reshape(raster.shape), raster)
    assert (raster[0] != np.array([trains.spikes(0, 78, step) for step in range(10)])).any()


def test_delay_lines_bring_spikes_of_two_channels_together():
    trains = SpikeTimes(8, taps=((0, 0), (1, 0), (1, 3)))(np.array([[5, 2], [5, SILENT_INPUT]]))
    at = [
        [np.flatnonzero([trains.spikes(p, 1, step)[k] for step in range(8)]).tolist() for k in range(3)] for p in (0, 1)
    ]
    assert at == [[[5], [2], [5]], [[5], [], []]]


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: SpikeTimes(2, jitter=1), "a cycle of 2 steps is too short for a jitter of 1 steps"),
        (lambda: SpikeTimes(9, taps=((0, -1),)), "taps .* must be channels from 0"),
        (lambda: SpikeTimes(9)(np.array([[0.5]])), "spike times hold 0.5, which is no whole number"),
        (lambda: SpikeTimes(9, jitter=2)(np.array([[1]])), "a spike at step 1 does not fall into 2 to 6"),
        (lambda: SpikeTimes(9, taps=((0, 5),))(np.array([[4]])), "a spike at step 9 does not fall into 0 to 8"),
        (lambda: SpikeTimes(9, taps=((1, 0),))(np.array([[4]])), "a tap of channel 1 is there for channels 0 to 0"),
        (lambda: SpikeTimes(9, taps=((0, 0),))(np.array([[-2]])), "cannot go through delay lines"),
    ],
)
def test_times_that_cannot_be_are_refused(make, told):
    with pytest.raises(DataError, match=told):
        make()


def test_a_detection_answers_silence_with_the_lowest_class():
    counts = np.array([[0], [3]])
    labels = label_neurons(counts, np.array([0, 1]))
    assert answers(counts, labels, "detection").tolist() == [0, 1]
    assert (unanswered(counts, "detection"), unanswered(counts)) == (0, 1)


def test_the_letters_are_those_of_the_figure_clean_and_with_each_single_wrong_pixel():
    # Written down again from the figure: black pixels, counted from 0 row by row.
    letters = ({0, 1, 2, 4, 6, 7, 8}, {0, 2, 3, 5, 7}, {1, 3, 5, 6, 8})
    split = SmallTask.read("zvn").samples()
    for images, wrong in ((split.train, [set()]), (split.test, [set(), *({pixel} for pixel in range(9))])):
        wanted = {(label, frozenset(black ^ turned)) for label, black in enumerate(letters) for turned in wrong}
        found = {
            (label, frozenset(np.flatnonzero(image == 0.9)))
            for image, label in zip(images.intensities, images.labels.tolist(), strict=True)
        }
        assert set(np.unique(images.intensities)) == {0.05, 0.9}
        assert found == wanted
        assert len(images) == len(wanted)


@pytest.mark.parametrize("name", NAMES)
def test_every_task_that_ships_is_learnt_by_a_simulated_chip(name):
    task = SmallTask.read(name)
    with open_backend(load_bench("simulated", task=task), seed=1001) as chip:
        assert chip.shape == task.shape
        network, _ = trained(task, chip, 1001, task.teaching.passes)
        split = task.samples()
        network.label(split.train.intensities, split.train.labels)
        assert network.test(split.test.intensities, split.test.labels).accuracy >= 0.95


@pytest.mark.parametrize(("name", "bench"), [(name, each) for name in NAMES for each in SmallTask.read(name).benches()])
def test_a_bench_file_of_a_task_wires_its_chip(name, bench):
    laid = load_bench(bench, task=SmallTask.read(name))
    assert laid.name == f"{bench}-{name}"
    assert (len(laid.wiring.rows), len(laid.wiring.columns)) == SmallTask.read(name).shape
    if laid.shape[0] >= 20:  # whose currents are the largest
        assert check_bench(bench, task=SmallTask.read(name), trains=False) == []


def test_a_bench_that_wires_another_chip_refuses_a_task_and_says_what_takes_it():
    with pytest.raises(ConfigError) as raised:
        load_bench("emulated-single", task=SmallTask.read("zvn"))
    assert str(raised.value) == (
        "bench emulated-single wires 4 rows and 4 columns, and task zvn trains 9 rows and 3 columns; wire 9 rows and "
        "3 columns, or take --bench emulated, of which the task has one of its size"
    )


def test_further_columns_of_a_chip_are_further_neurons_and_one_that_does_not_fit_becomes_that_of_the_task():
    chip = {"rows": 4, "columns": 6, "curve": "figure2a"}
    assert SmallTask.read("stripes").lay_over({"chip": chip}, "mine")["chip"] == chip
    assert SmallTask.read("zvn").lay_over({"chip": chip}, "mine")["chip"] == {**chip, "rows": 9, "columns": 3}
    wired = {"wiring": {"rows": [1, 2, 3, 4], "columns": [5, 6, 7, 8, 9]}, "chip": {}}
    assert SmallTask.read("stripes").lay_over(wired, "mine")["chip"] == {"rows": 4, "columns": 5}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"neurons": {"threshold_v": 0}}, "task zvn: neurons.threshold_v = 0.0 must be above 0"),
        ({"neurons": {"threshold_v": 1, "kepd": 0.5}}, "task zvn: unknown key neurons.kepd"),
        ({"protocol": {"training_steps": 1}}, "task zvn: protocol.test_steps"),
        ({"input": {"encoding": "phases"}}, "task zvn: input.encoding = 'phases' must be 'rates' or 'times'"),
    ],
)
def test_a_task_file_that_is_wrong_is_named_with_its_key(change, told):
    with pytest.raises(ConfigError) as raised:
        replace(SmallTask.read("zvn"), **change)
    assert str(raised.value).startswith(told)


@pytest.fixture
def own(tmp_path):
    """Files of a task of one's own: the one with delays, under another name."""
    for suffix in (".toml", ".csv"):
        shipped = data() / "tasks/snn" / f"moro2022{suffix}"
        (tmp_path / f"ears{suffix}").write_text(shipped.read_text(encoding="utf-8"), encoding="utf-8")
    return tmp_path / "ears.toml"


def test_a_task_of_a_file_is_learnt_as_one_that_ships_and_its_run_needs_the_files_no_more(own, tmp_path):
    settings = SpikingSettings(dataset=str(own), bench="simulated", passes=1)
    run = SpikingRun(train_spiking(settings, seed=1, out=tmp_path / "runs").folder)
    shipped = train_spiking(replace(settings, dataset="moro2022"), seed=1, out=tmp_path / "runs")
    assert "snn-ears_6x8" in run.name
    for path in tmp_path.glob("ears.*"):
        path.unlink()
    arrays, due = run.progress.arrays(), SpikingRun(shipped.folder).progress.arrays()
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, due[name], err_msg=name)
    assert run.test().confusion.tolist() == due["result_confusion"].tolist()


def test_empty_lines_and_spaces_in_samples_and_sizes_written_as_1e1_change_nothing(own):
    due = SmallTask.read(str(own)).samples()
    for path, old, new in (
        (own.with_suffix(".csv"), "3,1,0,train", " 3, 1, 0, train\n\n,,,"),
        (own, "rows = 6", "rows = 6.0"),
    ):
        path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1) + "\n\n", encoding="utf-8")
    found = SmallTask.read(str(own))
    assert found.shape == (6, 8)
    assert [type(each) for each in found.shape] == [int, int]
    for part in ("train", "test"):
        images, wanted = getattr(found.samples(), part), getattr(due, part)
        np.testing.assert_array_equal(images.intensities, wanted.intensities)
        assert images.labels.tolist() == wanted.labels.tolist()


@pytest.mark.parametrize(
    ("suffix", "old", "new", "told"),
    [
        (".toml", "rows = 6", "rows = 7", "are of 6 inputs, task ears has 7 rows"),
        (".toml", "rows = 6", "rows = 0", "chip.rows = 0 must be at least 1"),
        (".toml", "rows = 6", "rows = 1e6", "chip.rows = 1000000 must be at most 10000"),
        (".toml", "title =", "about =", "unknown key about"),
        (
            ".toml",
            '"times"',
            '"rates"',
            "input: cycle is of encoding 'times', and the encoding is 'rates'; leave one out",
        ),
        (".toml", "[neurons]", "[neurons", "is not valid TOML"),
        (".csv", "3,1,0,train", "3,1,train", "every line must hold as many numbers, a class and a set"),
        (".csv", "3,1,0,train", "3,1,0,train\n3,1,7,test", "class 7 is tested and not trained"),
        (".csv", "3,1,0,train", "3,1,0,train\n3,1,7,train", "are of classes 0 to 7, task ears names 5"),
        (".csv", "3,1,0,train", "3,1,0,trial", "every sample must be of set train or test"),
        (
            ".csv",
            "3,1,0,train",
            "3,1,0,Test",
            "ears.csv, line 2: set 'Test'; every sample must be of set train or test",
        ),
        (".toml", "kept = 0.3", "own_rest = 1e12", "neurons.own_rest = 1000000000000 must be at most 1e+06"),
        (".toml", "increment_v = 0.04", "increment_v = 1e300", "neurons.increment_v = 1e+300 must be at most 1e+06"),
        (".toml", "cycle =", "picture = [3, 3]\ncycle =", "are of 2 numbers, and task ears has a picture of (3, 3)"),
        (".toml", "passes = 10", 'readout = "detection"', "class 4, and readout detection tells classes 0 and 1 only"),
        (".csv", "3,1,0,train", "1e30,1,0,train", "spike times hold 1e+30, which is no whole number of steps"),
        (".csv", "left,right,label,set\n", "", "the first line is a sample, and must name the columns"),
        (".csv", "3,1,0,train", "\n3,1,-1,train", "ears.csv, line 3: class '-1' must be a whole number from 0 up"),
        (".csv", "3,1,0,train", f"3,1,{10**20},train", "of at most 9 digits"),
        (".csv", "3,1,0,train", "nan,1,0,train", "ears.csv, line 2: 'nan' is no finite number"),
        (".csv", "3,1,0,train", "3.5,1,0,train", "ears.csv: spike times hold 3.5, which is no whole number"),
        (".csv", "3,1,0,train", "9,1,0,train", "a spike at step 12 does not fall into 0 to 11"),
    ],
)
def test_a_task_file_or_its_samples_that_are_wrong_are_refused(own, suffix, old, new, told):
    path = own.with_suffix(suffix)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises((ConfigError, DataError), match=re.escape(told)):
        SmallTask.read(str(own)).samples()
