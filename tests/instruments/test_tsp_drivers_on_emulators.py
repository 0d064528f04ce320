"""The TSP drivers against the emulated instruments; the world says what really happened."""

import numpy as np
import pytest

from crossbar_hil.backend import Pulse
from crossbar_hil.errors import DeadlineError, InstrumentError
from crossbar_hil.instrument import SourceSettings
from crossbar_hil.instruments.keithley707b import Keithley707B
from crossbar_hil.instruments.keithley2600 import Keithley2602B, Keithley2636B
from crossbar_hil.instruments.keithley3706a import Keithley3706A
from crossbar_hil.sim_backend import ConductanceCurve, SimulatedBackend
from crossbar_hil.sim_backend.emulation.models.keithley707b import model as keithley707b
from crossbar_hil.sim_backend.emulation.models.keithley2600 import model as keithley2600
from crossbar_hil.sim_backend.emulation.models.keithley3706a import model as keithley3706a
from crossbar_hil.sim_backend.emulation.serving.server import InstrumentServer
from crossbar_hil.sim_backend.emulation.tsp.switch.cards import CARD_7174A
from crossbar_hil.sim_backend.emulation.world.world import World

pytestmark = pytest.mark.usefixtures("called_instruments")
SETTINGS = SourceSettings(range_v=2.0, compliance_a=1e-4, range_a=1e-4)
SHORT_S = 0.2
"""Deadline of an exchange that is meant to run out."""


@pytest.fixture
def world():
    curve = ConductanceCurve(np.array([1e-6, 2e-6]), Pulse(2.0, 0.05))
    return World(SimulatedBackend(curve, np.zeros((4, 4)), scale=1.0))


@pytest.fixture
def box(world):
    with InstrumentServer(keithley2600.EmulatedKeithley2602B(world, "smu")) as server:
        driver = Keithley2602B.open(server.resource, name="smu")
        yield driver
        driver.close()


@pytest.fixture
def smu(box, world):
    world.add_resistor("smu.a.hi", "lo", 100e3)
    world.add_resistor("smu.b.hi", "lo", 200e3)
    channel = box.source_meters()[0]
    channel.prepare(SETTINGS)
    return channel


@pytest.fixture
def matrix(world):
    with InstrumentServer(keithley707b.EmulatedKeithley707B(world, "matrix")) as server:
        driver = Keithley707B.open(server.resource, name="matrix")
        yield driver
        driver.close()


def source_events(world, name="smu.a"):
    return [event for event in world.log.of("source") if event["name"] == name]


def test_the_model_is_the_one_that_answers(box):
    assert "2602B" in box.identify().model


def test_a_channel_is_prepared_with_its_output_off(smu, world):
    assert not smu.output_is_on()
    assert world.terminal("smu.a").limit_a == pytest.approx(1e-4)
    assert world.terminal("smu.a").level_v == 0


@pytest.mark.parametrize("compliance_a", [10e-9, 1e-7, 1.0])
def test_a_small_limit_arrives_with_its_digits(box, world, compliance_a):
    box.source_meters()[1].prepare(SourceSettings(range_v=1.0, compliance_a=compliance_a, range_a=1e-6))
    assert world.terminal("smu.b").limit_a == pytest.approx(compliance_a)


def test_a_2636b_takes_a_limit_of_100_picoampere(world):
    with InstrumentServer(keithley2600.EmulatedKeithley2636B(world, "smu")) as server:
        driver = Keithley2636B.open(server.resource, name="smu")
        driver.source_meters()[0].prepare(SourceSettings(range_v=2.0, compliance_a=1e-10, range_a=1e-9))
        driver.close()
    assert world.terminal("smu.a").limit_a == pytest.approx(1e-10)


def test_a_resistor_draws_its_current(smu):
    smu.enable()
    assert smu.output_is_on()
    smu.set_voltage(1.0)
    reading = smu.measure()
    assert reading.current_a == pytest.approx(1e-5, rel=1e-3)
    assert not reading.limited
    assert not smu.limit_tripped()


def test_the_limit_is_reported(box, smu):
    smu.prepare(SourceSettings(range_v=2.0, compliance_a=1e-6, range_a=1e-6))
    smu.enable()
    smu.set_voltage(1.0)
    reading = smu.measure()
    assert reading.current_a == pytest.approx(1e-6, rel=1e-3)
    assert reading.limited
    assert smu.limit_tripped()


@pytest.mark.fault("I8")
def test_an_overrange_is_an_error_and_no_current(smu):
    smu.prepare(SourceSettings(range_v=2.0, compliance_a=1e-3, range_a=1e-6))
    smu.enable()
    smu.set_voltage(1.0)
    with pytest.raises(InstrumentError, match="overrange"):
        smu.measure()


@pytest.mark.fault("I17", "V5")
@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("width_s", [0.05, 0.001, 0.0005])
def test_a_pulse_is_as_long_as_asked_and_ends_at_zero(smu, world, count, width_s):
    smu.enable()
    readings = smu.pulse(1.5, width_s, count)
    assert [reading.current_a for reading in readings] == pytest.approx([1.5e-5] * count, rel=1e-2)
    assert not any(reading.limited for reading in readings)
    events = source_events(world)
    ups = [n for n, event in enumerate(events) if event["level_v"] == 1.5]
    assert len(ups) == count
    for n in ups:
        assert events[n + 1]["level_v"] == 0
        assert events[n + 1]["t"] - events[n]["t"] == pytest.approx(width_s, abs=20e-6)
    assert world.terminal("smu.a").on
    assert world.terminal("smu.a").level_v == 0


def test_a_pulse_leaves_the_settings_of_a_reading_as_they_were(smu, box):
    smu.enable()
    smu.pulse(1.0, 0.001)
    assert box.ch_a.measure_nplc == 1
    smu.set_voltage(0.5)
    assert smu.measure().current_a == pytest.approx(5e-6, rel=1e-3)


def test_many_single_pulses_are_that_many(smu, world):
    smu.enable()
    for _ in range(20):
        smu.pulse(1.5, 0.002)
    assert sum(event["level_v"] == 1.5 for event in source_events(world)) == 20


def test_a_pulse_into_the_limit_says_so(smu):
    smu.prepare(SourceSettings(range_v=2.0, compliance_a=1e-5, range_a=1e-5))
    smu.enable()
    (reading,) = smu.pulse(2.0, 0.05)
    assert reading.limited
    assert reading.current_a == pytest.approx(1e-5, rel=1e-2)


@pytest.mark.fault("I9", "I13")
def test_no_pulse_is_sent_with_the_output_off_or_not_at_zero(smu, world):
    with pytest.raises(InstrumentError, match="no pulse"):
        smu.pulse(1.0, 0.05)
    smu.enable()
    smu.set_voltage(0.1)
    with pytest.raises(InstrumentError, match="no pulse"):
        smu.pulse(1.0, 0.05)
    assert not any(event["level_v"] == 1.0 for event in source_events(world))


def test_two_channels_pulse_at_the_same_time(box, smu, world):
    other = box.source_meters()[1]
    other.prepare(SETTINGS)
    smu.enable()
    other.enable()
    pairs = smu.pulse_together(1.0, other, -1.0, 0.05, 3)
    assert [first.current_a for first, _ in pairs] == pytest.approx([1e-5] * 3, rel=1e-2)
    assert [second.current_a for _, second in pairs] == pytest.approx([-5e-6] * 3, rel=1e-2)
    edges = [[event["t"] for event in source_events(world, name) if event["on"]][1:] for name in ("smu.a", "smu.b")]
    assert len(edges[0]) == 6
    assert edges[0] == pytest.approx(edges[1], abs=1e-9)


def test_off_is_off(smu, world):
    smu.enable()
    smu.set_voltage(1.0)
    smu.output_off()
    assert not smu.output_is_on()
    assert world.terminal("smu.a").level_v == 0


def test_a_refused_statement_is_named(box):
    with pytest.raises(InstrumentError, match="smu reports error"):
        box.command("smua.source.limiti=0")
    box.check_errors()


def test_a_broken_statement_is_named(box):
    with pytest.raises(InstrumentError, match=r"error -28[56] "):
        box.command("this is no lua")


def let_time_run_out(box):
    """Ask what has no answer."""
    patient_s, box.adapter.deadline_s = box.adapter.deadline_s, SHORT_S
    with pytest.raises(DeadlineError):
        box.ask("x=1")
    box.adapter.deadline_s = patient_s


def test_a_session_that_timed_out_is_brought_in_step_by_prepare(box, smu):
    let_time_run_out(box)
    with pytest.raises(DeadlineError, match="brought in step"):
        smu.measure()
    smu.prepare(SETTINGS)
    smu.enable()
    smu.set_voltage(1.0)
    assert smu.measure().current_a == pytest.approx(1e-5, rel=1e-3)
    smu.set_voltage(0)
    assert len(smu.pulse(1.0, 0.05)) == 1


@pytest.mark.fault("I11")
def test_off_goes_through_after_a_time_out(box, smu, world):
    smu.enable()
    smu.set_voltage(1.0)
    let_time_run_out(box)
    box.shutdown()
    box.resync()
    assert not smu.output_is_on()
    assert not world.terminal("smu.a").on


def test_relays_are_closed_and_read_back(matrix, world):
    matrix.prepare()
    matrix.connect([matrix.crosspoint(1, "A", 5), matrix.crosspoint(1, "B", 6)])
    assert matrix.connected() == {"1A05", "1B06"}
    assert matrix.operations == 2
    matrix.connect(["1A05", "1C07"])
    assert matrix.operations == 4
    matrix.disconnect_all()
    assert matrix.connected() == frozenset()
    assert world.closed("matrix") == frozenset()
    assert matrix.operations == 6


def test_relays_open_before_others_close(matrix, world):
    matrix.prepare()
    matrix.connect(["1A05"])
    matrix.connect(["1B05"])
    moves = world.log.of("relays")[1:]
    assert [(len(move["opened"]), len(move["closed"])) for move in moves] == [(1, 0), (0, 1)]


def test_a_whole_card_is_closed_in_parts(matrix):
    names = [matrix.crosspoint(1, row, column) for row in "ABCDEFGH" for column in range(1, 13)]
    matrix.connect(names)
    assert matrix.connected() == set(names)


def test_a_slot_without_a_card_is_an_error_and_nothing_moves(world):
    with InstrumentServer(keithley707b.EmulatedKeithley707B(world, "it", cards={1: CARD_7174A})) as server:
        matrix = Keithley707B.open(server.resource, name="matrix")
        matrix.prepare()
        matrix.connect(["1A05"])
        with pytest.raises(InstrumentError, match="matrix reports error"):
            matrix.connect(["6A01"])
        matrix.connect(["1A05"])
        assert matrix.connected() == {"1A05"}
        matrix.close()


def test_a_3706a_closes_and_reads_back(world):
    with InstrumentServer(keithley3706a.EmulatedKeithley3706A(world, "matrix")) as server:
        driver = Keithley3706A.open(server.resource, name="matrix")
        assert "3706A" in driver.identify().model
        driver.prepare()
        driver.connect([driver.crosspoint(1, "A", 5), driver.crosspoint(1, "2", 16)])
        assert driver.connected() == {"1105", "1216"}
        driver.connect([])
        assert driver.connected() == frozenset()
        assert driver.operations == 4
        driver.close()
