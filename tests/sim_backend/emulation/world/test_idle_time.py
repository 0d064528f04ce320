import numpy as np
import pytest

from crossbar_hil.bench.file import load_bench
from crossbar_hil.sim_backend import SimulatedBackend
from crossbar_hil.sim_backend.emulation.world.clock import Clock
from crossbar_hil.sim_backend.emulation.world.terminals import Terminal
from crossbar_hil.sim_backend.emulation.world.world import World


class HandClock(Clock):
    """A real clock, as far as the world can tell: it goes on by itself when the test says so."""

    def __init__(self):
        super().__init__()
        self.time_s = 0.0

    def elapsed(self):
        return self.time_s

    def wait(self, seconds):
        self.time_s += seconds + 0.001  # a busy machine


@pytest.fixture
def world():
    """Row 0 of a chip on a source, every column on the return."""
    chip = SimulatedBackend.from_bench(load_bench("emulated"), np.random.default_rng(1))
    made = World(chip, HandClock())
    made.add_source("smu", Terminal(limit_a=1e-3))
    made.add_wire("smu.hi", "row.0")
    for column in range(4):
        made.add_wire(f"column.{column}", "lo")
    return made


def exposed_s(world):
    return [each["seconds"] for each in world.log.of("exposure") if each["column"] == 0]


def test_a_voltage_that_is_left_on_between_messages_lasts(world):
    with world.at_work():
        world.set_terminal("smu", on=True, level_v=2.0)
    world.clock.time_s += 0.5
    with world.at_work():
        world.set_terminal("smu", level_v=0.0)
    assert exposed_s(world) == [pytest.approx(0.5)]


def test_a_pulse_that_the_instrument_times_is_as_long_as_it_says_on_a_busy_machine_too(world):
    with world.at_work():
        world.set_terminal("smu", on=True, level_v=2.0)
        world.wait(0.05)
        world.clock.time_s += 0.3  # this machine does something else meanwhile
        world.set_terminal("smu", level_v=0.0)
    world.clock.time_s += 1.0
    with world.at_work():
        world.set_terminal("smu", on=False)
    assert exposed_s(world) == [0.05]


def test_a_voltage_that_stands_at_the_end_lasts_until_then(world):
    with world.at_work():
        world.set_terminal("smu", on=True, level_v=2.0)
    world.clock.time_s += 0.25
    world.end()
    assert exposed_s(world) == [pytest.approx(0.25)]


def test_a_clock_that_jumps_lets_no_time_pass(world):
    with world.at_work():
        world.set_terminal("smu", on=True, level_v=2.0)
    world.clock.jump(3600.0)
    assert world.clock.now() == 3600.0
    with world.at_work():
        world.set_terminal("smu", level_v=0.0)
    assert exposed_s(world) == []
