"""Nodal analysis of a bench: wires, resistors, cells, and voltage sources that turn into current sources at a limit.

Every source returns to the common node ``LO``, the reference. Wires of no resistance join nodes into one. A node
without any path to the reference is held by a leakage of 1 fS (insulation of a thousand teraohm), so that a floating
line has a defined voltage.
"""

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple

import numpy as np

from .nonlinear import Cells, settle

LO = "lo"
LEAKAGE_SIEMENS = 1e-15
SOURCE_OHM = 1e-6
"""Output resistance of a source: small against every cell, yet it keeps two sources on one node solvable."""


class Resistor(NamedTuple):
    """A conductance between two nodes."""

    first: str
    second: str
    siemens: float


class Source(NamedTuple):
    """A voltage source from ``LO`` to a node, with a limit to the current it delivers either way."""

    node: str
    volt: float
    limit_a: float


@dataclass(frozen=True, slots=True)
class Solution:
    """Voltages of all nodes, and what each source does."""

    volts: dict[str, float]
    """Node voltages against ``LO``."""
    amperes: dict[str, float]
    """Current that each source delivers into its node, by the source's name."""
    limited: frozenset[str] = field(default_factory=frozenset)
    """Sources that are at their current limit."""


def solve(
    resistors: Iterable[Resistor],
    sources: Mapping[str, Source],
    wires: Iterable[tuple[str, str]],
    cells: Cells | None = None,
) -> Solution:
    """Solve the circuit; cells are those that are not ohmic.

    A source is limited if it would deliver more than its limit; it then delivers exactly its limit, in the direction in
    which it would have delivered more. Sources change state one at a time, the worst first, until all are consistent.

    Examples
    --------
    Two cells of 1 uS and 3 uS in series at 1 V carry 0.75 uA (less nothing to speak of across the source itself):

    >>> found = solve([Resistor("a", "b", 1e-6), Resistor("b", "lo", 3e-6)], {"s": Source("a", 1.0, 1e-3)}, [])
    >>> round(found.amperes["s"], 12), round(found.volts["b"], 9)
    (7.5e-07, 0.25)
    """
    resistors = tuple(resistors)
    ends = (*(source.node for source in sources.values()), *(() if cells is None else chain.from_iterable(cells.ends)))
    layout = _layout(resistors, tuple(wires), ends)
    if not any(source.volt for source in sources.values()):  # at rest, as it is whenever relays move
        return Solution(dict.fromkeys(layout.nodes, 0.0), dict.fromkeys(sources, 0.0))
    index, fixed = layout.matrix
    size = len(fixed)
    at_limit: dict[str, float] = {}  # sources at their limit, with the current they deliver
    found = np.zeros(size)
    for _ in range(4 * len(sources) + 1):
        matrix, right = _with_sources(fixed, index, sources, at_limit)
        found = np.linalg.solve(matrix, right) if cells is None else settle(matrix, right, cells, index, found)
        levels = found.tolist()
        volts = {node: 0.0 if end is None else levels[end] for node, end in index.items()}
        amperes = _source_amperes(resistors, sources, at_limit, index, volts, cells)
        beyond = {name: abs(amperes[name]) / sources[name].limit_a for name in sources if name not in at_limit}
        worst = max(beyond, key=lambda name: beyond[name], default=None)
        if worst is not None and beyond[worst] > 1:
            at_limit[worst] = float(np.copysign(sources[worst].limit_a, amperes[worst]))
            continue
        # A limited source that would now have to push its node past its own voltage is a voltage source again.
        back = [
            name
            for name, current in at_limit.items()
            if (volts[sources[name].node] - sources[name].volt) * np.sign(current) > 1e-12
        ]
        if not back:
            break
        del at_limit[back[0]]
    return Solution(volts, amperes, frozenset(at_limit))


class _Layout:
    """What of a circuit stays while sources change; it is asked only."""

    def __init__(self, resistors: tuple[Resistor, ...], wires: tuple[tuple[str, str], ...], ends: tuple[str, ...]):
        self._resistors, self._wires = resistors, wires
        pairs = [resistor[:2] for resistor in resistors]
        self.nodes = frozenset((LO, *ends, *chain.from_iterable(pairs), *chain.from_iterable(wires)))

    @functools.cached_property
    def matrix(self) -> tuple[Mapping[str, int | None], np.ndarray]:
        """Place of every node, and the nodal conductances (N, N) of resistors and leakage, in siemens."""
        index = _joint_indices(self._wires, self.nodes)
        size = len(set(index.values()) - {None})
        fixed = np.zeros((size, size))
        fixed.flat[:: size + 1] = LEAKAGE_SIEMENS  # the diagonal
        for resistor in self._resistors:
            ends = [index[resistor.first], index[resistor.second]]
            for end in ends:
                if end is not None:
                    fixed[end, end] += resistor.siemens
            if ends[0] is not None and ends[1] is not None:
                fixed[ends[0], ends[1]] -= resistor.siemens
                fixed[ends[1], ends[0]] -= resistor.siemens
        return index, fixed


_layout = functools.lru_cache(maxsize=16)(_Layout)
"""Only voltages change from one look to the next, mostly."""


@functools.lru_cache(maxsize=256)  # the same relay states come again, with cells that have moved
def _joint_indices(wires: tuple[tuple[str, str], ...], nodes: frozenset[str]) -> dict[str, int | None]:
    """Return the place of every node in the matrix, None for the reference; all that ideal wires join is one node."""
    groups = {node: [node] for node in nodes}
    name_of = {node: node for node in groups}
    for first, second in wires:
        old, new = name_of[first], name_of[second]
        if old != new:
            joined = groups.pop(old)
            groups[new] += joined
            name_of.update(dict.fromkeys(joined, new))
    inner = sorted(groups.keys() - {name_of[LO]})
    places = {name: place for place, name in enumerate(inner)}
    return {node: places.get(name) for node, name in name_of.items()}


def _with_sources(
    fixed: np.ndarray, index: Mapping[str, int | None], sources: Mapping[str, Source], at_limit: Mapping[str, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the nodal conductances (N, N) in siemens and the currents (N,) into the nodes in amperes."""
    matrix, right = fixed.copy(), np.zeros(len(fixed))
    for name, source in sources.items():
        end = index[source.node]
        if end is None:
            continue  # shorted to the reference: it drives nothing but itself
        if name in at_limit:
            right[end] += at_limit[name]
        else:
            matrix[end, end] += 1 / SOURCE_OHM
            right[end] += source.volt / SOURCE_OHM
    return matrix, right


def _source_amperes(
    resistors: Iterable[Resistor],
    sources: Mapping[str, Source],
    at_limit: Mapping[str, float],
    index: Mapping[str, int | None],
    volts: Mapping[str, float],
    cells: Cells | None,
) -> dict[str, float]:
    """Return the current of each source.

    It is what flows out of its node through resistors and cells; where several sources share a node it is what the
    output resistance drops, which is less exact.
    """
    ends = [index[source.node] for source in sources.values()]
    flows = dict.fromkeys(ends, 0.0)
    for first, second, siemens in resistors:
        near, far = index[first], index[second]
        if near != far:
            if near in flows:
                flows[near] += siemens * (volts[first] - volts[second])
            if far in flows:
                flows[far] += siemens * (volts[second] - volts[first])
    of_cells = () if cells is None else zip(cells.ends, cells.amperes(volts), strict=True)
    for (first, second), current in of_cells:
        near, far = index[first], index[second]
        if near in flows and near != far:
            flows[near] += current
        if far in flows and near != far:
            flows[far] -= current
    amperes: dict[str, float] = {}
    for name, source in sources.items():
        end, volt = index[source.node], volts[source.node]
        if name in at_limit:
            amperes[name] = at_limit[name]
        elif ends.count(end) > 1 or end is None:
            amperes[name] = (source.volt - volt) / SOURCE_OHM
        else:
            amperes[name] = LEAKAGE_SIEMENS * volt + flows[end]
    return amperes
