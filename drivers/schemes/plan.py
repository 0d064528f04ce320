"""Plans: which states of the relays a batch visits, what it does in each, and in which order, so that few relays move.

A state is an assignment, and going from one to the next opens one relay and closes one for each line that changes its
port. A few states are ordered exactly; more by nearest neighbour, then improved by turning parts of the path round.

Between reads and pulses the meter changes its range, and meanwhile it is connected to nothing. Most relays that move
for this are those that the next state moves anyway.
"""

from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from crossbar_hil.arrays import FloatArray, IntArray

from .read_schemes import ReadScheme, ReadStep
from .wiring import OPEN, Assignment
from .write_schemes import WriteScheme

MOST_EXACT = 8
"""States up to which the best order is searched for exactly; the work doubles with each more."""
MOST_TURNED = 400
"""States up to which parts of the path are turned round; beyond, the order is that of the nearest neighbour."""
ReadPlan = dict[Assignment, list[ReadStep]]
"""The states that a batch of reads visits, and the steps in each in their order."""


def read_plan(steps: Iterable[ReadStep]) -> ReadPlan:
    """Gather the steps of each state, the smallest voltages first, so that a zero reading comes before the others."""
    found: ReadPlan = {}
    for step in steps:
        found.setdefault(step.assignment, []).append(step)
    return {
        state: sorted(each, key=lambda step: max(map(abs, step.source_volts.values()))) for state, each in found.items()
    }


def operations(states: Iterable[Assignment], start: Assignment | None = None) -> int:
    """Count the relays that move when states are visited one after the other.

    Parameters
    ----------
    states : iterable of tuple of str
        Assignments in the order of the visits.
    start : tuple of str, optional
        State before; all relays open if not given.

    Examples
    --------
    >>> operations([("drive", "meter"), ("ground", "meter")])
    4
    """
    moved, before = 0, start
    for state in states:
        for port, last in zip(state, before or (OPEN,) * len(state), strict=True):
            if port != last:
                moved += (port != OPEN) + (last != OPEN)
        before = state
    return moved


def state_between(before: Assignment, after: Assignment, cut: Collection[str]) -> Assignment:
    """Return the state on the way from one to another in which no line is on some ports.

    A line goes where it is going if that is none of them; else it stays where it is if that is none; else it is open.

    Examples
    --------
    >>> state_between(("drive", "meter", "ground", "meter"), ("drive", "ground", "meter", "meter"), {"meter"})
    ('drive', 'ground', 'ground', 'open')
    """
    return tuple(
        last if last not in cut else first if first not in cut else OPEN
        for first, last in zip(before, after, strict=True)
    )


def without_ports(state: Assignment, cut: Collection[str]) -> Assignment:
    """Return a state as the next one sees it on the way of `state_between`: what is on a cut port has to move."""
    return tuple(OPEN if port in cut else port for port in state)


def best_order(states: Iterable[Assignment], start: Assignment | None = None) -> list[Assignment]:
    """Order states so that few relays move, beginning from a state; each is visited once."""
    return list(_cheapest_order(tuple(dict.fromkeys(states)), start))


@lru_cache(maxsize=256)  # the batches of a training are the same few
def _cheapest_order(todo: tuple[Assignment, ...], start: Assignment | None) -> Sequence[Assignment]:
    if len(todo) < 2:
        return todo
    costs = _relays_between([start or (OPEN,) * len(todo[0]), *todo])
    if len(todo) <= MOST_EXACT:
        path = _exact_path(costs)
    else:
        path = _nearest_path(costs)
        if len(todo) <= MOST_TURNED:
            path = _improved_path(path, costs)
    return [todo[place - 1] for place in path[1:]]


def naive_operations(
    read: ReadScheme, voltages: FloatArray, write: WriteScheme, counts: IntArray, shape: tuple[int, int]
) -> int:
    """Count the relays that move in the order that comes to mind first, from all open.

    Pattern after pattern, each column after column and voltage after voltage, then the pulses row by row.
    """
    reads = [step.assignment for vector in voltages for step in read.steps(vector[None, :], shape)]
    return operations([*reads, *(write.assignment((int(r), int(c)), shape) for r, c in np.argwhere(counts))])


def _relays_between(states: Sequence[Assignment]) -> NDArray[np.int64]:
    """Return how many relays move between every two states."""
    number = {port: place for place, port in enumerate(sorted({port for state in states for port in state}))}
    codes = np.array([[number[port] for port in state] for state in states])
    closed = codes != number.get(OPEN, -1)
    found = np.zeros((len(states), len(states)), dtype=np.int64)
    for line in range(codes.shape[1]):
        differs = codes[:, None, line] != codes[None, :, line]
        found += differs * (closed[:, None, line].astype(np.int64) + closed[None, :, line])
    return found


def _exact_path(costs: NDArray[np.int64]) -> list[int]:
    """Cheapest path from place 0 through all places, by dynamic programming over sets (Held and Karp, 1962)."""
    count, cost_of = len(costs) - 1, costs.tolist()
    best: dict[tuple[int, int], tuple[int, int]] = {(1 << at, at): (cost_of[0][at + 1], -1) for at in range(count)}
    for seen in range(1, 1 << count):
        for at in range(count):
            if (seen, at) not in best:
                continue
            so_far = best[seen, at][0]
            for after in range(count):
                if not seen >> after & 1:
                    key, cost = (seen | 1 << after, after), so_far + cost_of[at + 1][after + 1]
                    if key not in best or cost < best[key][0]:
                        best[key] = cost, at
    seen = (1 << count) - 1
    at = min(range(count), key=lambda each: best[seen, each][0])
    path: list[int] = []
    while at >= 0:
        path.append(at + 1)
        seen, at = seen & ~(1 << at), best[seen, at][1]
    return [0, *reversed(path)]


def _nearest_path(costs: NDArray[np.int64]) -> list[int]:
    """Path from place 0 that always goes to the nearest place not yet visited."""
    far = costs.max() + 1
    left = np.zeros(len(costs), dtype=np.int64)
    left[0] = far
    path = [0]
    while len(path) < len(costs):
        after = int(np.argmin(costs[path[-1]] + left))
        left[after] = far
        path.append(after)
    return path


def _improved_path(path: list[int], costs: NDArray[np.int64]) -> list[int]:
    """Turn parts of a path round as long as that makes it cheaper; place 0 stays first, the end is free."""
    order = np.array(path)
    improved = True
    while improved:
        improved = False
        for first in range(1, len(order) - 1):
            # Turning order[first..last] round replaces the step into it and, unless it is the end, the one out of it.
            before, lasts = order[first - 1], order[first + 1 :]
            gain = costs[before, order[first]] - costs[before, lasts]
            gain[:-1] += costs[lasts[:-1], lasts[1:]] - costs[order[first], lasts[1:]]
            best = int(gain.argmax())
            if gain[best] > 0:
                last = first + 1 + best
                order[first : last + 1] = order[first : last + 1][::-1]
                improved = True
    return [int(place) for place in order]
