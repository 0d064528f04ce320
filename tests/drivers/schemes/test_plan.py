import itertools

import numpy as np
import pytest

from crossbar_hil.drivers.schemes.plan import (
    MOST_EXACT,
    MOST_TURNED,
    best_order,
    naive_operations,
    operations,
    read_plan,
    state_between,
    without_ports,
)
from crossbar_hil.drivers.schemes.read_schemes import read_scheme
from crossbar_hil.drivers.schemes.write_schemes import write_scheme
from crossbar_hil.shipped import data_file
from crossbar_hil.training.patterns import PatternSet

DUAL = ("drive", "meter", "ground")
SINGLE = ("drive", "ground", "guard", "divider")
READS = np.vstack([0.2 * PatternSet.from_csv(data_file("perceptron")).train - 0.1, 0.1 * np.eye(4)])


def random_states(count, lines=6, seed=0, ports=("drive", "ground", "open")):
    states = {tuple(state) for state in np.random.default_rng(seed).choice(ports, size=(20 * count, lines)).tolist()}
    return sorted(states)[:: max(1, len(states) // count)][:count]


def test_operations_are_counted_by_hand():
    first, second = ("drive", "ground", "meter"), ("ground", "drive", "meter")
    assert operations([]) == 0
    assert operations([first]) == 3
    assert operations([first, second]) == 3 + 4
    assert operations([second], start=first) == 4
    assert operations([("open", "ground", "meter"), ("drive", "ground", "meter")], start=first) == 1 + 1
    assert operations([first, first], start=first) == 0


@pytest.mark.parametrize("start", [None, ("ground",) * 6])
def test_a_few_states_are_ordered_as_well_as_any_order_could(start):
    states = random_states(6)
    best = min(operations(order, start) for order in itertools.permutations(states))
    assert operations(best_order(states, start), start) == best


@pytest.mark.parametrize("count", [1, 2, MOST_EXACT, MOST_EXACT + 1, 40, MOST_TURNED + 20])
def test_every_state_is_visited_once(count):
    states = random_states(count, lines=8)
    assert len(states) == count
    assert sorted(best_order([*states, *states])) == states


def test_nothing_to_visit_is_no_error():
    assert best_order([]) == []


def test_many_states_are_ordered_no_worse_than_by_walking_to_the_nearest():
    for seed in range(5):
        states = random_states(40, seed=seed)
        here, left, nearest = None, list(states), []
        while left:
            here = min(left, key=lambda state: operations([state], here))
            left.remove(here)
            nearest.append(here)
        assert operations(best_order(states)) <= operations(nearest)


def test_a_zero_reading_comes_before_the_others_of_its_state():
    for steps in read_plan(read_scheme("virtual ground", DUAL).steps(READS, (4, 4))).values():
        sizes = [abs(step.source_volts["drive"]) for step in steps]
        assert sizes == sorted(sizes)


@pytest.mark.parametrize(
    ("read", "write", "ports", "most", "naive"),
    [
        ("virtual ground", "symmetric half-select", DUAL, 132, 584),
        ("guarded", "divider half-select", SINGLE, 144, 662),
    ],
)
def test_an_epoch_of_the_default_task_moves_less_than_half_the_relays_of_the_naive_order(
    read, write, ports, most, naive
):
    reads, writes = read_scheme(read, ports), write_scheme(write, ports)
    counts = np.zeros((4, 4), dtype=np.int64)
    for row, column in [(0, 0), (0, 3), (1, 1), (1, 2), (2, 0), (2, 3), (3, 1), (3, 3)]:
        counts[row, column] = 1
    cut = set(ports) - {"ground"} - ({"drive"} if "meter" in ports else set())  # while the meter changes its range
    states = best_order(read_plan(reads.steps(READS, (4, 4))))
    cells = [writes.assignment((int(r), int(c)), (4, 4)) for r, c in np.argwhere(counts)]
    pulses = best_order(cells, without_ports(states[-1], cut))
    planned = operations([*states, state_between(states[-1], pulses[0], cut), *pulses])
    assert planned <= most
    assert naive_operations(reads, READS, writes, counts, (4, 4)) == naive
    assert 2 * planned <= naive


def test_a_parked_state_has_nothing_on_the_cut_ports_and_costs_only_lines_that_stay_on_one():
    rng = np.random.default_rng(3)
    for _ in range(100):
        before, after = (tuple(each) for each in rng.choice(["drive", "meter", "ground", "guard", "divider"], (2, 8)))
        cut = set(rng.choice(["drive", "meter", "guard", "divider"], rng.integers(1, 5)).tolist())
        between = state_between(before, after, cut)
        assert not cut & set(between)
        shared = sum(first == last and first in cut for first, last in zip(before, after, strict=True))
        assert operations([between, after], before) == operations([after], before) + 2 * shared
        assert operations([after], without_ports(before, cut)) == operations([between, after], before) - sum(
            port in cut for port in before
        )
        assert all(port in (first, last, "open") for first, port, last in zip(before, between, after, strict=True))
