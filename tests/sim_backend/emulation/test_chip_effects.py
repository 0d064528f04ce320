"""What the effects of [chip] do on an emulated bench, on its own clock and in the readings of its meters."""

import math

import numpy as np
import pytest

from crossbar_hil.bench.file import load_bench
from crossbar_hil.bench.opening import open_backend
from crossbar_hil.sim_backend.emulation.bench import EmulatedBench
from crossbar_hil.training.patterns import PatternSet
from crossbar_hil.training.settings import make_trainer

pytestmark = pytest.mark.usefixtures("called_instruments")
K = 10.0


def make(chip, seed=3, **more):
    return EmulatedBench(load_bench("emulated", overrides={"chip": chip}), np.random.default_rng(seed), **more)


def wired_world(chip, seed=3):
    """Return the world of a bench with row 1 on channel a, column 2 on channel b, all else on the return."""
    world = make(chip, seed).world
    for line in range(4):
        world.add_wire(f"row.{line}", "smu.a.hi" if line == 1 else "lo")
        world.add_wire(f"column.{line}", "smu.b.hi" if line == 2 else "lo")
    world.set_terminals({"smu.a": {"on": True, "limit_a": 1.0}, "smu.b": {"on": True, "limit_a": 1.0}})
    return world


def readings(world, count, wait_s=0.02, volt=0.1):
    """Conductance of cell [1, 2] in some readings, in siemens."""
    world.set_terminal("smu.a", level_v=volt)
    found = []
    for _ in range(count):
        found.append(-world.measure("smu.b")[0] / volt)
        world.wait(wait_s)
    world.set_terminal("smu.a", level_v=0.0)
    return np.array(found)


def pulse(world, count=1):
    for _ in range(count):
        world.set_terminals({"smu.a": {"level_v": 1.0}, "smu.b": {"level_v": -1.0}})
        world.wait(0.05)
        world.set_terminals({"smu.a": {"level_v": 0.0}, "smu.b": {"level_v": 0.0}})


def test_white_noise_is_in_each_reading_and_not_in_the_cells():
    world = wired_world({"read_noise": 0.1})
    true = world.chip.conductances
    found = readings(world, 800) / true[1, 2] - 1
    assert abs(found.mean()) < 4 * 0.1 / math.sqrt(800)
    assert found.std() == pytest.approx(0.1, rel=4 / math.sqrt(2 * 800))
    assert abs(np.corrcoef(found[1:], found[:-1])[0, 1]) < 4 / math.sqrt(800)
    assert np.array_equal(world.chip.conductances, true)


def test_telegraph_noise_has_two_levels_and_its_share():
    world = wired_world({"telegraph": 0.3, "telegraph_share": 0.25})
    factors = readings(world, 400) / world.chip.conductances[1, 2]
    high = factors > 1.15
    np.testing.assert_allclose(factors, np.where(high, 1.3, 1.0), rtol=1e-6)
    assert high.mean() == pytest.approx(0.25, abs=4 * math.sqrt(0.25 * 0.75 / 400))


def test_slow_telegraph_noise_stays_for_its_correlation_time_on_the_clock_of_the_bench():
    world = wired_world({"telegraph": 0.3, "telegraph_share": 0.5, "telegraph_s": 1.0})
    high = readings(world, 600, wait_s=0.5) / world.chip.conductances[1, 2] > 1.15
    # The chain changes in a time t with probability (1 - exp(-t / 1 s)) / 2, of one share as of the other.
    expected = (1 - math.exp(-0.5)) / 2
    assert (high[1:] != high[:-1]).mean() == pytest.approx(expected, abs=4 * math.sqrt(expected / 600))


def test_a_rise_relaxes_on_the_clock_of_the_bench():
    world = wired_world({"relaxation": 0.5, "relaxation_s": 10.0})
    start = readings(world, 1, 0.0)[0]
    pulse(world)
    risen = readings(world, 1, 0.0)[0]
    world.wait(10.0)
    later = readings(world, 1, 0.0)[0]
    assert risen > 1.1 * start
    assert later - start == pytest.approx((risen - start) * (1 - 0.5 * (1 - math.exp(-1))), rel=1e-5)


def test_conductances_drift_with_the_logarithm_of_the_time_on_the_bench():
    world = wired_world({"drift": 0.05})
    start = readings(world, 1, 0.0)[0]
    world.wait(99.0)
    own = world.chip.state()["drift"][1, 2]
    assert readings(world, 1, 0.0)[0] == pytest.approx(start * (1 + 0.05 * own * 2), rel=1e-6)  # log10(1 + 99) = 2


def test_steps_vary_from_pulse_to_pulse_about_those_of_the_curve(tmp_path):
    (tmp_path / "line.csv").write_text(
        "conductance (S)\n" + "".join(f"{4e-7 + 1e-9 * level}\n" for level in range(400))
    )
    own = {"curve": str(tmp_path / "line.csv"), "curve_amplitude_v": 2.0, "curve_width_s": 0.05}
    world = wired_world({**own, "step_variation": 0.5})
    found = []
    for _ in range(200):
        pulse(world)
        found.append(world.chip.levels[1, 2])
    steps = np.diff([0.0, *found])
    assert steps.min() > 0
    assert steps.mean() == pytest.approx(1.0, abs=4 * 0.5 / math.sqrt(200))
    assert steps.std() == pytest.approx(0.5, rel=0.3)


def test_the_offset_of_a_column_is_in_a_reading_but_not_in_what_a_bench_reads():
    overrides = {"chip": {"column_offset_a": "50 nA"}}
    world = wired_world(overrides["chip"])
    offset = world.chip.column_offsets[2]
    assert abs(offset) > 1e-9
    assert -world.measure("smu.b")[0] == offset  # at 0 V
    assert readings(world, 1)[0] * 0.1 == pytest.approx(world.chip.conductances[1, 2] * 0.1 + offset, rel=1e-6)
    task = PatternSet.from_csv(load_bench("emulated").training.pattern_file)
    found = []
    for more in (overrides, {}):
        bench = load_bench("emulated", overrides={**more, "training": {"epochs": 2}})
        with open_backend(bench, seed=3) as backend:
            found.append(make_trainer(bench.training, backend).run(task.train, task.train_labels))
    assert np.array_equal(found[0].counts, found[1].counts)
    # Seven digits of readings that an offset makes larger.
    np.testing.assert_allclose(found[0].conductances, found[1].conductances, rtol=1e-5)


def test_cells_that_differ_are_trained_as_on_a_simulated_chip():
    chip = {
        "step_spread": 0.3, "shape_spread": 0.3, "unformed": [[0, 1]], "unformed_siemens": "1 nS", "stuck": [[1, 1]],
        "dead": [[2, 3]],
    }  # fmt: skip
    task = PatternSet.from_csv(load_bench("emulated").training.pattern_file)
    found = []
    for name in ("emulated", "simulated"):
        bench = load_bench(name, overrides={"chip": chip, "training": {"epochs": 3}})
        with open_backend(bench, seed=5) as backend:
            found.append(make_trainer(bench.training, backend).run(task.train, task.train_labels))
    assert np.array_equal(found[0].counts, found[1].counts)
    np.testing.assert_allclose(found[0].conductances, found[1].conductances, rtol=1e-6, atol=1e-15)


def test_what_time_has_done_to_a_chip_outlives_the_bench(tmp_path):
    chip = {
        "relaxation": 0.5, "relaxation_s": 10.0, "drift": 0.1, "flicker": 0.1, "read_noise": 0.1, "step_spread": 0.3,
    }  # fmt: skip
    path = tmp_path / "state.json"
    with make(chip, state=path) as first:
        first.world.chip.expose(1, 2, 2.0, 0.05)
        with first.world.at_work():
            first.world.wait(30.0)
    with make(chip, seed=4, state=path) as second:
        before, after = first.world.chip.state(), second.world.chip.state()
        assert before["elapsed_s"] == [[30.0]]
        assert before.keys() == after.keys()
        for name, value in before.items():
            assert np.array_equal(value, after[name]), name
        assert np.array_equal(first.world.chip.conductances, second.world.chip.conductances)
