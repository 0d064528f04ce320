import numpy as np
import pytest

from crossbar_hil.drivers.schemes.plan import naive_operations
from crossbar_hil.drivers.schemes.read_schemes import read_scheme
from crossbar_hil.drivers.schemes.write_schemes import write_scheme
from crossbar_hil.shipped import data_file
from crossbar_hil.training.lines.arrangement import Arrangement
from crossbar_hil.training.patterns import PatternSet
from crossbar_hil.training.trainer import Trainer

TASK = PatternSet.from_csv(data_file("perceptron"))


@pytest.mark.parametrize(
    ("seed", "dual", "pull_back"),
    [
        (9, True, True),
        (5, False, True),
        (6, True, False),
        pytest.param(0, True, True, marks=pytest.mark.campaign),  # 15 epochs
        pytest.param(3, True, False, marks=pytest.mark.campaign),
    ],
)
def test_a_training_on_the_bench_is_the_simulated_one(fakes, seed, dual, pull_back):
    simulated = fakes.drawn_chip(seed)
    expected = Trainer(simulated, pull_back=pull_back).run(TASK.train, TASK.train_labels)
    bench = fakes.FakeBench(fakes.drawn_chip(seed), dual=dual)
    with bench.backend() as backend:
        found = Trainer(backend, pull_back=pull_back).run(TASK.train, TASK.train_labels)
    assert (found.epochs, found.pulses, found.converged) == (expected.epochs, expected.pulses, expected.converged)
    assert np.array_equal(bench.chip.conductances, simulated.conductances)
    np.testing.assert_allclose(found.conductances, expected.conductances, rtol=1e-5)
    assert bench.world.log.of("violation") == []
    assert bench.is_safe()


@pytest.mark.parametrize("pairs", ["columns", "rows"])
def test_a_network_on_the_bench_is_the_simulated_one(fakes, pairs):
    whole = pairs == "columns"  # four rows in pairs hold two inputs, and no bias
    arrangement, bits = Arrangement((1,), bias=whole, shortcuts=whole, pairs=pairs), [[0, 0], [0, 1], [1, 0], [1, 1]]
    settings = {"arrangement": arrangement, "beta": 1e8, "target": 0.3, "epochs": 5, "check_labels": False}
    simulated = fakes.drawn_chip(2)
    expected = Trainer(simulated, **settings).run(bits, [[0], [1], [1], [0]])
    bench = fakes.FakeBench(fakes.drawn_chip(2))
    with bench.backend() as backend:
        found = Trainer(backend, **settings).run(bits, [[0], [1], [1], [0]])
    assert expected.pulses >= 12
    assert np.array_equal(found.counts, expected.counts)
    assert np.array_equal(bench.chip.conductances, simulated.conductances)
    assert bench.world.log.of("violation") == []
    assert bench.is_safe()


def test_the_epochs_of_a_training_move_less_than_half_the_relays_of_the_naive_order(fakes):
    bench = fakes.FakeBench(fakes.drawn_chip(0))
    backend = bench.backend()
    scheme, writes = (
        read_scheme("virtual ground", bench.wiring.ports),
        write_scheme("symmetric half-select", bench.wiring.ports),
    )
    reads = np.vstack([0.2 * TASK.train - 0.1, 0.1 * np.eye(4)])
    before = 0
    for epoch in Trainer(backend, epochs=4, pull_back=True).iterate(TASK.train, TASK.train_labels):
        moved, before = backend.relay_operations - before, backend.relay_operations
        assert 2 * moved <= naive_operations(scheme, reads, writes, epoch.counts, (4, 4))
