"""The circuit of a bench with cells that are not ohmic, against scipy's root finder on the nodal equations."""

import itertools

import numpy as np
import pytest
import scipy

from crossbar_hil.sim_backend.circuit.cells import Cubic, Sinh
from crossbar_hil.sim_backend.emulation.world.circuit import Resistor, Source, solve
from crossbar_hil.sim_backend.emulation.world.nonlinear import Cells


def one_cell(current, volt, limit_a, ohm):
    """Voltage across a cell in series with a resistor, by bisection of one loop."""
    free = scipy.optimize.brentq(lambda v: v + ohm * current(v) - volt, 0, volt, xtol=1e-15, rtol=1e-14)
    return (
        free
        if current(free) <= limit_a
        else scipy.optimize.brentq(lambda v: current(v) - limit_a, 0, volt, xtol=1e-15, rtol=1e-14)
    )


@pytest.mark.parametrize("limit_a", [1.0, 2e-4, 1e-9])
@pytest.mark.parametrize("ohm", [1.0, 1e5])
@pytest.mark.parametrize("b", [0.5, 5.0, 20.0])
def test_one_loop_of_a_source_a_resistor_and_a_sinh_cell(b, ohm, limit_a):
    def current(v):
        return 5e-7 * np.sinh(b * v) / b

    expected = one_cell(current, 2.0, limit_a, ohm)
    found = solve(
        [Resistor("pad", "cell", 1 / ohm)],
        {"smu": Source("pad", 2.0, limit_a)},
        [("cell", "row")],
        Cells([("row", "lo")], np.array([5e-7]), Sinh(b_per_v=b)),
    )
    assert found.volts["row"] == pytest.approx(expected, rel=2e-6)  # of the source's own microohm
    assert found.amperes["smu"] == pytest.approx(current(expected), rel=1e-4)
    assert ("smu" in found.limited) == (found.amperes["smu"] == limit_a)


def random_circuit(rng):
    """Nodes, resistors, cells and one to three sources, some of which reach their limit."""
    nodes = [f"n{number}" for number in range(rng.integers(2, 5))]
    pairs = list(itertools.combinations([*nodes, "lo"], 2))
    conducts = [pairs[each] for each in rng.permutation(len(pairs))]
    cells = conducts[: rng.integers(1, len(pairs) + 1)]
    model = Sinh(b_per_v=float(rng.uniform(1, 6))) if rng.random() < 0.7 else Cubic()
    resistors = [
        Resistor(*pair, float(10 ** rng.uniform(-7, -2)))
        for pair in conducts[::-1]
        if pair not in cells or rng.random() < 0.5
    ]
    driven = rng.permutation(len(nodes))[: rng.integers(1, 4)]
    sources = {
        f"s{place}": Source(nodes[place], float(rng.uniform(-2, 2)), float(10 ** rng.uniform(-7, -3)))
        for place in driven
    }
    return nodes, resistors, Cells(cells, 10 ** rng.uniform(-7, -5, len(cells)), model), sources


def brute_force(nodes, resistors, cells, sources):
    """Try every source as a voltage source and at either limit; return the one case that contradicts nothing."""
    index = {node: place for place, node in enumerate(nodes)}

    def outflow(levels):
        flow = np.zeros(len(nodes) + 1)
        at = np.append(levels, 0.0)
        for first, second, siemens in resistors:
            current = siemens * (at[index.get(first, -1)] - at[index.get(second, -1)])
            flow[index.get(first, -1)] += current
            flow[index.get(second, -1)] -= current
        for (first, second), siemens in zip(cells.ends, cells.siemens, strict=True):
            current = cells.model.current(siemens, at[index.get(first, -1)] - at[index.get(second, -1)])
            flow[index.get(first, -1)] += current
            flow[index.get(second, -1)] -= current
        return flow[:-1] + 1e-15 * levels

    for states in itertools.product((0, 1, -1), repeat=len(sources)):
        held = {index[each.node]: each.volt for each, state in zip(sources.values(), states, strict=True) if not state}
        pushed = np.zeros(len(nodes))
        for each, state in zip(sources.values(), states, strict=True):
            pushed[index[each.node]] += state * each.limit_a
        free = [place for place in range(len(nodes)) if place not in held]

        def everywhere(some, held=held, free=free):
            levels = np.array([held.get(place, 0.0) for place in range(len(nodes))])
            levels[free] = some
            return levels

        levels = everywhere([]) if not free else None
        if free:

            def excess(some, free=free, pushed=pushed, everywhere=everywhere):
                return 1e6 * (outflow(everywhere(some)) - pushed)[free]

            found = scipy.optimize.root(excess, np.zeros(len(free)), method="lm", tol=1e-14, options={"maxiter": 5000})
            if np.abs(found.fun).max() > 1e-6:
                continue
            levels = everywhere(found.x)
        delivered = outflow(levels)
        fits = all(
            abs(delivered[index[each.node]]) <= each.limit_a * (1 + 1e-9)
            if not state
            else state * (each.volt - levels[index[each.node]]) >= -1e-9
            for each, state in zip(sources.values(), states, strict=True)
        )
        if fits:
            return levels, {name: delivered[index[each.node]] for name, each in sources.items()}, states
    raise AssertionError("no state of the sources fits")


@pytest.mark.parametrize("cases", [30, pytest.param(60, marks=pytest.mark.campaign)])
def test_random_circuits_are_those_of_a_root_finder_that_tries_every_state_of_the_sources(cases):
    rng = np.random.default_rng(11)
    limited = 0
    for case in range(cases):
        nodes, resistors, cells, sources = random_circuit(rng)
        levels, amperes, states = brute_force(nodes, resistors, cells, sources)
        terminals = {name: each._replace(node=f"{each.node}.hi") for name, each in sources.items()}
        found = solve(resistors, terminals, [(each.node, f"{each.node}.hi") for each in sources.values()], cells)
        for node, level in zip(nodes, levels, strict=True):
            if node in found.volts:
                assert found.volts[node] == pytest.approx(level, abs=1e-8), (case, node)
        for name, state in zip(sources, states, strict=True):
            assert found.amperes[name] == pytest.approx(amperes[name], rel=1e-6, abs=1e-12), (case, name)
            assert (name in found.limited) == bool(state), (case, name)
        limited += sum(map(bool, states))
    assert limited > cases / 2
