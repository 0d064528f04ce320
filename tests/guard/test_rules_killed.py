"""A training by a rule with state, killed at an entry of its journal, resumes to the identical end.

At some entries; at every one, each resumed training killed again, by ``pytest -m campaign tests/guard``.
"""

from functools import partial

import numpy as np
import pytest

from crossbar_hil.guard.journal import Journal, read_journal
from crossbar_hil.guard.keeper import Keeper
from crossbar_hil.guard.replay import count_pulses
from crossbar_hil.runs.audit.retelling import JournalChip
from crossbar_hil.training.lines.arrangement import Arrangement
from crossbar_hil.training.rules.manhattan import manhattan_signs
from crossbar_hil.training.rules.momentum import Momentum
from crossbar_hil.training.rules.one_cell import OneCell
from crossbar_hil.training.rules.rule import LearningRule
from crossbar_hil.training.rules.stochastic import Stochastic
from crossbar_hil.training.trainer import Trainer
from crossbar_hil.training.updates import Update

from ..campaigns.faulty_bench import Kept
from ..training.test_asking import DOWN, PULSE
from .conftest import FakeChip
from .mortal import Mortal, killed_and_resumed

TASK = [[0, 1], [1, 1]], [[1], [0]]
STARTS = np.array([[1.01e-6, 1e-6], [1e-6, 1.013e-6]])
EPOCHS = 4
NETWORK = Arrangement((1,), bias=True, shortcuts=True)


class Everything(LearningRule):
    """Keeps what it has seen, counts, draws and acts after each pattern in a drawn order: as a third party may."""

    acts, most, draws = "drawn", 3, True

    def begin(self, shape, rng):
        self.rng, self.seen = rng, np.zeros((shape[0], shape[1] // 2))

    def __call__(self, seen):
        self.seen += seen.voltages.T * seen.deltas + 0.01 * self.rng.random(self.seen.shape)
        counts = np.zeros(seen.conductances.shape, dtype=int)
        size = 1 + self.rng.integers(0, 3, size=self.seen.shape)
        counts[:, ::2], counts[:, 1::2] = size * (self.seen > 0), size * (self.seen < 0)
        return counts


RULES = {
    "everything": (Everything(), {}),
    "momentum": (Momentum(keep=0.9), {}),
    "stochastic": (Stochastic(), {}),
    "one cell": (OneCell(lift=2), {"update": Update(PULSE, DOWN)}),
    "a network": (manhattan_signs, {"arrangement": NETWORK}),
    "a network, after each pattern": (Stochastic(), {"arrangement": NETWORK}),
}


def starts_of(name):
    """A network of one hidden unit has 4 x 4 cells."""
    if "arrangement" not in RULES[name][1]:
        return STARTS
    return 1e-6 + 1e-9 * np.array([[9, 2, 6, 1], [3, 8, 2, 7], [5, 0, 4, 4.5], [0, 0, 8, 1]])


def shape_of(name):
    rows, columns = starts_of(name).shape
    return rows, columns


def trainer_of(backend, rule, more):
    return Trainer(backend, rule=rule, beta=1e9, epochs=EPOCHS, seed=7, **more)


def train(chip, journal, rule, more):
    """Train on what a journal holds, and then on the chip."""
    return trainer_of(Kept(Keeper(chip, journal, check_v=0.1)), rule, more).run(*TASK)


def fresh(folder, name):
    folder.mkdir(parents=True)
    chip = FakeChip()
    chip.shape, chip.conductances = shape_of(name), starts_of(name).copy()
    return chip, folder / "journal.sqlite"


@pytest.mark.parametrize(
    ("every", "again"), [(9, np.inf), pytest.param(1, 9, marks=pytest.mark.campaign)], ids=["some", "every"]
)
@pytest.mark.parametrize("name", RULES)
def test_a_training_that_is_killed_at_any_entry_resumes_to_the_identical_end(tmp_path, name, every, again):
    chip, path = fresh(tmp_path / "whole", name)
    journal = Journal.create(path, {"run": "r", "token": "t"}, needed_bytes=0)
    counted = Mortal(journal, np.inf, written=False)
    expected = train(chip, counted, *RULES[name])
    journal.close()
    told = JournalChip(shape_of(name), read_journal(tmp_path / "whole" / "journal.sqlite"))
    np.testing.assert_array_equal(trainer_of(told, *RULES[name]).run(*TASK).counts, expected.counts)
    assert told.place == len(told.operations)
    assert expected.epochs == EPOCHS or expected.converged
    assert expected.pulses >= 4
    step = every if every == 1 else every * chip.shape[0] // 2
    for at in range(1 + 3 * (every > 1), counted.entries_written + 1, step):
        other, path = fresh(tmp_path / f"{at}", name)
        work = partial(train, other, rule=RULES[name][0], more=RULES[name][1])
        result, kills = killed_and_resumed(work, path, at, again, written=at % 2 == 1)
        assert kills >= 1
        for field in ("conductances", "counts", "depressing", "activations"):
            np.testing.assert_array_equal(getattr(result, field), getattr(expected, field))
        np.testing.assert_array_equal(other.conductances, chip.conductances)
        assert other.sent == chip.sent
        told = count_pulses(read_journal(path))
        assert (told.done, told.in_doubt) == (len(chip.sent), 0)
