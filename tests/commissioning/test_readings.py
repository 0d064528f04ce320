"""In which order a bench is seen on a board."""

import pytest

from crossbar_hil.bench.file import load_bench
from crossbar_hil.commissioning.readings import take_readings
from crossbar_hil.instrument import Reading
from crossbar_hil.plugins import load


class Watched:
    """A trial that notes which states it was asked for."""

    def __init__(self):
        self.states = []

    def look(self, asked):
        self.states += [state for state, _ in asked]
        return [[dict.fromkeys(("drive", "meter"), Reading(1e-7, limited=False)) for _ in steps] for _, steps in asked]


@pytest.mark.parametrize("by_hand", [True, False])
def test_every_line_is_open_only_before_the_first_connection(by_hand):
    trial, bench = Watched(), load_bench("emulated")
    plan = load("backends", bench.backend).trial_plan(bench)
    take_readings(trial, plan, 0.1, ("drive", "meter"), by_hand=by_hand, divided=None)
    connected = [set(state) != {"open"} for state in trial.states]
    assert connected == sorted(connected)
    assert connected[:2] == [False, True]
    if by_hand:  # whoever moves the cables has made the first state once
        assert trial.states[1] == trial.states[2]
