"""A training of a task for a small array that is killed at an entry of its journal resumes to the identical end.

At some entries on a chip in the same process; at every one there, and at every 41st on the emulated bench of the task,
where each resumed training is killed again, by ``pytest -m campaign tests/spiking``.
"""

from collections import deque
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest

from crossbar_hil import Pulse
from crossbar_hil.bench.file import load_bench
from crossbar_hil.guard.journal import read_journal
from crossbar_hil.guard.keeper import Keeper
from crossbar_hil.guard.replay import count_pulses
from crossbar_hil.runs.audit.retelling import JournalChip
from crossbar_hil.spiking.network.backend_engine import BackendEngine
from crossbar_hil.spiking.network.network import SpikingNetwork
from crossbar_hil.spiking.tasks.images import Images, Split
from crossbar_hil.spiking.tasks.small import SmallTask
from crossbar_hil.spiking.teaching import first_progress, label_and_test, teach

from ..campaigns.faulty_bench import Kept
from ..guard.conftest import FakeChip
from ..guard.mortal import OnInstruments, killed_and_resumed

UP, DOWN = Pulse(2.0, 0.05), Pulse(-2.8, 0.05)


def brief(name, train, threshold_v, **protocol):
    """A task of which the first samples are shown once to neurons that soon fire, and the first two tested."""
    task = SmallTask.read(name)
    neurons, protocol = {**task.neurons, "threshold_v": threshold_v}, {**task.protocol, "passes": 1, **protocol}
    split = task.samples()
    parts = (split.train, train), (split.test, 2)
    shown = [Images(part.intensities[:count], part.labels[:count]) for part, count in parts]
    return replace(task, neurons=neurons, protocol=protocol), Split(*shown)


BRIEF = {
    "zvn": brief("zvn", 3, 0.6, training_steps=3, test_steps=2),
    "coincidence": brief("coincidence", 2, 0.04, training_steps=14, test_steps=4),
}


class OnFake:
    """The chip of the guard's tests, of which every pulse moves a cell by 1 nS, with as many cells as the task has."""

    def __init__(self, folder, name):
        folder.mkdir(parents=True)
        self.chip = FakeChip()
        self.chip.shape = SmallTask.read(name).shape
        self.chip.conductances = np.random.default_rng(3).uniform(1e-8, 2e-8, self.chip.shape)

    def open(self):
        return nullcontext(self.chip)

    @property
    def left(self):
        return self.chip.conductances, self.chip.sent


class OnEmulated(OnInstruments):
    """The chip on the emulated bench of the task."""

    def __init__(self, folder, name):
        super().__init__(folder, load_bench("emulated", task=SmallTask.read(name)))


def train(name, backend):
    """Train, label and test a task on a device; returns where that ended, as arrays."""
    task, split = BRIEF[name]
    engine = BackendEngine(backend, UP, DOWN)
    model = task.model(task.shape[1])
    network = SpikingNetwork(model, engine, seed=1, protocol=task.teaching, encode=task.encode)
    network.state = engine.begin(model)
    (progress,) = deque(teach(network, split, first_progress(network, split), 1), maxlen=1)
    return label_and_test(network, split, progress, lambda *_: None).arrays(), engine.pulses


def killed(device, path, name, at, again, *, written):
    """Return where it ended, its pulses, and how often it was killed."""

    def work(journal):
        with device.open() as chip:
            return train(name, Kept(Keeper(chip, journal, check_v=0.1)))

    (ended, pulses), kills = killed_and_resumed(work, path, at, again, written=written)
    return ended, pulses, kills


@pytest.mark.parametrize(
    ("kind", "every", "again"),
    [
        (OnFake, 60, np.inf),
        pytest.param(OnFake, 1, np.inf, marks=pytest.mark.campaign),
        pytest.param(OnEmulated, 41, 80, marks=pytest.mark.campaign),
    ],
    ids=["some", "every", "emulated"],
)
@pytest.mark.parametrize("name", BRIEF)
def test_a_small_task_that_is_killed_at_any_entry_resumes_to_the_identical_end(tmp_path, name, kind, every, again):
    whole = kind(tmp_path / "whole", name)
    path = tmp_path / "whole" / "journal.sqlite"
    expected, pulses, kills = killed(whole, path, name, np.inf, np.inf, written=False)
    entries = list(read_journal(path))
    assert (kills, count_pulses(entries).done) == (0, pulses)
    assert pulses > 0
    told = JournalChip(SmallTask.read(name).shape, entries)
    retold, _ = train(name, told)
    assert told.place == len(told.operations)
    for at in range(2 + 11 * (every > 1), len(entries), every):
        device, path = kind(tmp_path / f"{at}", name), tmp_path / f"{at}" / "journal.sqlite"
        ended, _, kills = killed(device, path, name, at, again, written=at % 2 == 1)
        assert kills >= 1
        assert ended.keys() == expected.keys() == retold.keys()
        for array, due in expected.items():
            np.testing.assert_array_equal(ended[array], due, err_msg=array)
            np.testing.assert_array_equal(retold[array], due, err_msg=array)
        for left, due in zip(device.left, whole.left, strict=True):
            np.testing.assert_array_equal(left, due)
        counted = count_pulses(read_journal(path))
        assert (counted.done, counted.in_doubt) == (pulses, 0)
