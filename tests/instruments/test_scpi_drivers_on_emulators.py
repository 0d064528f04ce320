from contextlib import contextmanager
from itertools import pairwise

import numpy as np
import pytest

from crossbar_hil.backend import Pulse
from crossbar_hil.errors import GarbledReply, InstrumentError, TransportError
from crossbar_hil.instrument import SourceSettings
from crossbar_hil.instruments.keithley2400 import Keithley2400
from crossbar_hil.instruments.keithley2450 import Keithley2450
from crossbar_hil.instruments.keithley7001 import Keithley7001, Keithley7002
from crossbar_hil.instruments.keysight34980a import Keysight34980A
from crossbar_hil.instruments.keysightb2200a import KeysightB2200A
from crossbar_hil.instruments.keysightb2900 import KeysightB2902A, KeysightB2912A
from crossbar_hil.instruments.scpi.answers import number
from crossbar_hil.sim_backend import ConductanceCurve, SimulatedBackend
from crossbar_hil.sim_backend.emulation.models.keithley2400 import model as keithley2400
from crossbar_hil.sim_backend.emulation.models.keithley2450 import model as keithley2450
from crossbar_hil.sim_backend.emulation.models.keithley7001 import model as keithley7001
from crossbar_hil.sim_backend.emulation.models.keysight34980a import model as keysight34980a
from crossbar_hil.sim_backend.emulation.models.keysightb2200a import model as keysightb2200a
from crossbar_hil.sim_backend.emulation.models.keysightb2900 import model as keysightb2900
from crossbar_hil.sim_backend.emulation.serving.server import InstrumentServer
from crossbar_hil.sim_backend.emulation.world.world import World

pytestmark = pytest.mark.usefixtures("called_instruments")
SETTINGS = SourceSettings(range_v=2.0, compliance_a=1e-4, range_a=1e-4)
SMUS = {
    "2400": (keithley2400.EmulatedKeithley2400, Keithley2400),
    "2450": (keithley2450.EmulatedKeithley2450, Keithley2450),
    "B2902A": (keysightb2900.EmulatedKeysightB2902A, KeysightB2902A),
    "B2912A": (keysightb2900.EmulatedKeysightB2912A, KeysightB2912A),
}


@pytest.fixture
def world():
    curve = ConductanceCurve(np.array([1e-6, 2e-6]), Pulse(2.0, 0.05))
    return World(SimulatedBackend(curve, np.zeros((4, 4)), scale=1.0))


@contextmanager
def connected(emulated, kind, **options):
    with InstrumentServer(emulated) as server:
        driver = kind.open(server.resource, name="it", **options)
        try:
            yield driver
        finally:
            driver.close()


@pytest.fixture(params=SMUS)
def smu(request, world):
    emulator, kind = SMUS[request.param]
    with connected(emulator(world, "smu"), kind) as driver:
        yield driver.source_meters()[0]


def pulses_seen(world, channel, amplitude_v):
    """Begin and end of each time that a channel spent at a level."""
    levels = [(each["t"], each["level_v"]) for each in world.log.of("source") if each["name"] == channel and each["on"]]
    return [
        (start, end)
        for (start, level), (end, after) in pairwise(levels)
        if level == pytest.approx(amplitude_v) and after == 0
    ]


@pytest.mark.parametrize("model", SMUS)
def test_the_model_answers_by_its_own_name(model, world):
    emulator, kind = SMUS[model]
    with connected(emulator(world, "smu", serial="42"), kind) as driver:
        identity = driver.identify()
        assert model in identity.model
        assert identity.serial == "42"


def test_a_source_is_prepared_with_its_output_off_at_0_v(smu, world):
    smu.prepare(SETTINGS)
    assert not smu.output_is_on()
    assert world.terminal("smu.a").limit_a == pytest.approx(1e-4)
    assert world.terminal("smu.a").level_v == 0


def test_a_source_may_be_prepared_again_with_other_ranges(smu, world):
    smu.prepare(SETTINGS)
    smu.enable()
    smu.prepare(SourceSettings(range_v=20.0, compliance_a=1e-6, range_a=1e-6, nplc=0.1))
    assert not smu.output_is_on()
    assert world.terminal("smu.a").limit_a == pytest.approx(1e-6)
    smu.prepare(SourceSettings(range_v=0.2, compliance_a=1e-2, range_a=1e-3))
    assert world.terminal("smu.a").limit_a >= 1.05e-3


def test_a_source_reads_the_current_through_a_known_resistor(smu, world):
    world.add_resistor("smu.a.hi", "lo", 100e3)
    smu.prepare(SETTINGS)
    smu.enable()
    smu.set_voltage(-0.1)
    reading = smu.measure()
    assert reading.current_a == pytest.approx(-1e-6, rel=1e-3)
    assert not reading.limited
    assert smu.output_is_on()
    assert not smu.limit_tripped()


def test_a_source_says_that_it_is_limited(smu, world):
    world.add_resistor("smu.a.hi", "lo", 1e3)
    smu.prepare(SETTINGS)
    smu.enable()
    smu.set_voltage(1.0)
    assert smu.measure().limited
    assert smu.limit_tripped()


@pytest.mark.fault("I17", "V5")
def test_pulses_last_as_long_as_asked_for_and_leave_the_output_on_at_0_v(smu, world):
    world.add_resistor("smu.a.hi", "lo", 100e3)
    smu.prepare(SETTINGS)
    smu.enable()
    for amplitude_v in (2.0, -1.0):
        readings = smu.pulse(amplitude_v, 0.05, 3)
        assert [reading.current_a for reading in readings] == pytest.approx([amplitude_v * 1e-5] * 3, rel=1e-2)
        assert not any(reading.limited for reading in readings)
        widths = [end - start for start, end in pulses_seen(world, "smu.a", amplitude_v)]
        assert widths == pytest.approx([0.05] * 3, abs=1e-3)
        assert smu.output_is_on()
        assert world.terminal("smu.a").level_v == 0
    assert smu.measure().current_a == pytest.approx(0, abs=1e-8)


def test_a_pulse_into_too_small_a_resistor_is_limited(smu, world):
    world.add_resistor("smu.a.hi", "lo", 1e3)
    smu.prepare(SETTINGS)
    smu.enable()
    assert [reading.limited for reading in smu.pulse(2.0, 0.05, 2)] == [True, True]


def test_more_pulses_than_go_in_one_message_are_all_sent(smu, world):
    smu.prepare(SETTINGS)
    smu.enable()
    assert len(smu.pulse(1.0, 0.005, 120)) == 120
    assert len(pulses_seen(world, "smu.a", 1.0)) == 120


def test_a_source_switched_off_blindly_is_off_at_0_v(smu, world):
    smu.prepare(SETTINGS)
    smu.enable()
    smu.set_voltage(0.5)
    smu.output_off()
    assert not smu.output_is_on()
    assert world.terminal("smu.a").level_v == 0


def test_both_channels_of_a_b2902a_pulse_at_the_same_time(world):
    world.add_resistor("smu.a.hi", "lo", 100e3)
    world.add_resistor("smu.b.hi", "lo", 100e3)
    with connected(keysightb2900.EmulatedKeysightB2902A(world, "smu"), KeysightB2902A) as driver:
        first, second = driver.source_meters()
        for channel in (first, second):
            channel.prepare(SETTINGS)
            channel.enable()
        pairs = first.pulse_together(1.0, second, -1.0, 0.05, 2)
        assert [mine.current_a for mine, _ in pairs] == pytest.approx([1e-5] * 2, rel=1e-2)
        assert [theirs.current_a for _, theirs in pairs] == pytest.approx([-1e-5] * 2, rel=1e-2)
    seen = pulses_seen(world, "smu.a", 1.0)
    assert len(seen) == 2
    assert seen == pulses_seen(world, "smu.b", -1.0)


def test_a_2400_with_ohms_guard_drives_the_guard(world):
    with connected(keithley2400.EmulatedKeithley2400(world, "smu"), Keithley2400) as smu:
        smu.prepare(SourceSettings(range_v=2.0, compliance_a=1e-4, range_a=1e-4, guard=True))
        smu.enable()
        smu.set_voltage(0.5)
        assert smu.guard_mode == "OHMS"
        assert smu.output_off_state == "GUAR"
        assert world.volt("smu.a.guard") == pytest.approx(0.5)


@pytest.mark.parametrize("left", ["last", "fixed"])
def test_what_a_list_sweep_leaves_behind_does_not_matter(world, left):
    with connected(keithley2400.EmulatedKeithley2400(world, "smu", level_after_list=left), Keithley2400) as smu:
        smu.prepare(SETTINGS)
        smu.enable()
        smu.pulse(1.0, 0.01)
        assert world.terminal("smu.a").level_v == 0
        assert len(pulses_seen(world, "smu.a", 1.0)) == 1


def test_a_refused_setting_is_named(smu):
    smu.prepare(SETTINGS)
    smu.compliance_current = 1e-9
    driver = getattr(smu, "parent", smu)
    driver.write(":SOUR:NONSENSE 1")
    with pytest.raises(InstrumentError, match="-113"):
        driver.check_errors()


@pytest.mark.fault("T1", "I11")
def test_a_suspect_session_refuses_all_but_switching_off_until_it_is_in_step(world):
    with connected(keithley2400.EmulatedKeithley2400(world, "smu"), Keithley2400) as smu:
        smu.identify()
        smu.prepare(SETTINGS)
        smu.enable()
        smu.set_voltage(0.5)
        with pytest.raises(GarbledReply):
            smu.query("*IDN?", number)
        with pytest.raises(TransportError):
            smu.output_is_on()
        smu.output_off()
        smu.resync()
        assert not smu.output_is_on()
        assert world.terminal("smu.a").level_v == 0


@pytest.mark.parametrize(
    ("emulator", "kind", "slot"),
    [
        (keithley7001.EmulatedKeithley7001, Keithley7001, 1),
        (keithley7001.EmulatedKeithley7002, Keithley7002, 10),
        (keysight34980a.EmulatedKeysight34980A, Keysight34980A, 1),
        (keysightb2200a.EmulatedKeysightB2200A, KeysightB2200A, 0),
    ],
)
def test_a_matrix_closes_exactly_what_is_wanted(world, emulator, kind, slot):
    with connected(emulator(world, "matrix"), kind) as matrix:
        first = {matrix.crosspoint(slot, "A", 1), matrix.crosspoint(slot, "B", 7)}
        second = {matrix.crosspoint(slot, "B", 7), matrix.crosspoint(slot, "D", 10)}
        matrix.identify()
        matrix.prepare()
        assert matrix.connected() == set()
        matrix.connect(first)
        assert matrix.connected() == first
        matrix.connect(second)
        assert matrix.connected() == second
        assert matrix.operations == 4
        matrix.disconnect_all()
        assert matrix.connected() == set()
        assert matrix.operations == 6
        closed = [relay for each in world.log.of("relays") for relay in each["closed"]]
        assert (f"matrix.row.{slot}.2", f"matrix.column.{slot}.7") in map(tuple, closed)
        assert world.log.of("violation") == []
