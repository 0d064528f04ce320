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


@pytest.mark.parametrize("name", ["emulated", "emulated-single"])
def test_every_state_is_planned_for_one_volt_over_what_it_is_about(name):
    plan = load("backends", "chip").trial_plan(load_bench(name, overrides={"wiring": {"rows": [1, 2, 3]}}))

    def over(sight, first, second):
        """Volts from one line to another; what follows the drive, or halves it, is on a port of its own."""
        drive = sight.volts["drive"]
        at = {"ground": 0.0, "guard": drive, "divider": drive / 2, **sight.volts}
        return abs(at[sight.assignment[first]] - at[sight.assignment[second]])

    assert len(plan.pairs) == 7 * 6
    assert {over(sight, *lines) for lines, sight in plan.pairs.items()} == {1.0}
    assert [over(sight, row, 3 + column) for column, sight in plan.reads.items() for row in range(3)] == [1.0] * 12
    for cells in (plan.writes, plan.floating):
        assert [*cells] == [(row, column) for row in range(3) for column in range(4)]
        assert {over(sight, row, 3 + column) for (row, column), sight in cells.items()} == {1.0}
    assert {each.assignment.count("open") for each in plan.floating.values()} == {5}
