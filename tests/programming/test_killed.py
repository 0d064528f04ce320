"""Programming that is killed at an entry of its journal resumes to the identical end, no pulse sent twice.

At some entries on a chip in the same process; at every one there, and at every seventh on the emulated bench, where
each resumed programming is killed again, by ``pytest -m campaign -s tests/programming``. CROSSBAR_HIL_STRIDE=1 takes
every entry there, CROSSBAR_HIL_FIRST begins at another one than the first. Killed before its very first pulse, that one
is in doubt and counts as sent, so the end is another.
"""

import os
from contextlib import nullcontext
from functools import partial

import numpy as np
import pytest

from crossbar_hil.bench.file import load_bench
from crossbar_hil.guard.journal import read_journal
from crossbar_hil.guard.keeper import Keeper
from crossbar_hil.guard.replay import count_pulses
from crossbar_hil.programming.loop import Loop
from crossbar_hil.programming.planned import plan_program
from crossbar_hil.programming.record import ARRAYS
from crossbar_hil.programming.response import Response
from crossbar_hil.programming.settings import ProgramSettings
from crossbar_hil.runs.audit.retelling import JournalChip

from ..campaigns.faulty_bench import Kept
from ..guard.conftest import FakeChip
from ..guard.mortal import OnInstruments, killed_and_resumed
from .conftest import DOWN, UP

TARGETS = np.array([[1.03e-6, 0.98e-6], [np.nan, np.nan]])
RESPONSE = Response.of(UP, DOWN, 1.1e-9 * np.arange(101), 1.1e-9 * np.arange(101)[::-1])
SETTINGS = ProgramSettings(range_siemens=1e-7, depress_v=-2.8, depress_s=0.05, pulses=60)


FIRST_INTENT = 3
"""Entry of the journal, after its start, that announces the first pulse: what comes before are a read and pulses asked
for."""


class OnFake:
    """Programming of the chip of the guard's tests, of which every pulse moves a cell by 1 nS."""

    def __init__(self, folder):
        self.folder, self.chip = folder, FakeChip()
        folder.mkdir(parents=True)

    def open(self):
        return nullcontext(self.chip)

    def loop(self, backend):
        return Loop(backend, TARGETS, RESPONSE, SETTINGS)

    @property
    def left(self):
        return self.chip.conductances, self.chip.sent


class OnEmulated(OnInstruments):
    """Programming of the chip on the emulated bench."""

    def __init__(self, folder):
        super().__init__(folder, load_bench("emulated"))
        self.folder = folder
        targets = np.array([[1.5e-6, 1.2e-6, 2e-6, np.nan]] * 4)
        self.loop = plan_program(self.bench, targets, source="a test").task.loop


def program(bench, journal):
    with bench.open() as chip:
        return list(bench.loop(Kept(Keeper(chip, journal, check_v=0.1))).rounds())


def killed(bench, at, again, *, written):
    """Return all rounds, and how often it was killed."""
    return killed_and_resumed(partial(program, bench), bench.folder / "journal.sqlite", at, again, written=written)


@pytest.mark.parametrize(
    ("kind", "every", "again"),
    [
        (OnFake, 5, np.inf),
        pytest.param(OnFake, 1, np.inf, marks=pytest.mark.campaign),
        pytest.param(OnEmulated, int(os.environ.get("CROSSBAR_HIL_STRIDE", "7")), 30, marks=pytest.mark.campaign),
    ],
    ids=["some", "every", "emulated"],
)
def test_programming_that_is_killed_at_any_entry_resumes_to_the_identical_end(tmp_path, kind, every, again):
    whole = kind(tmp_path / "whole")
    expected, kills = killed(whole, np.inf, np.inf, written=False)
    entries = list(read_journal(tmp_path / "whole" / "journal.sqlite"))
    assert kills == 0
    assert len(expected) >= 3
    rows, columns = expected[0].conductances.shape
    retold = list(whole.loop(JournalChip((rows, columns), entries)).rounds())
    assert len(retold) == len(expected)
    points, all_kills = range(int(os.environ.get("CROSSBAR_HIL_FIRST", "2")), len(entries), every), 0
    for done, at in enumerate(points, start=1):
        bench = kind(tmp_path / f"{at}")
        rounds, kills = killed(bench, at, again, written=at % 2 == 1)
        all_kills += kills
        assert kills >= 1
        told = count_pulses(read_journal(tmp_path / f"{at}" / "journal.sqlite"))
        assert told.done + told.in_doubt == sum(each.pulses for each in rounds)
        if told.in_doubt:  # killed before its first pulse: an instrument hears of a run with that one, so nobody knows
            assert (kind, at, told.in_doubt) == (OnEmulated, FIRST_INTENT, 1)
            continue
        assert len(rounds) == len(expected)
        for one, other, third in zip(rounds, expected, retold, strict=True):
            for name in ARRAYS:
                np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
                np.testing.assert_array_equal(getattr(third, name), getattr(other, name))
        for left, due in zip(bench.left, whole.left, strict=True):
            np.testing.assert_array_equal(left, due)
        assert told.done == sum(each.pulses for each in expected)
        print(f"{kind.__name__}: {done} of {len(points)} entries, up to {at} of {len(entries)}; {all_kills} kills")  # noqa: T201
