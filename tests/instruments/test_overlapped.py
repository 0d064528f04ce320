"""Readings that are begun on several channels and then fetched: the time of one, and never another one's."""

from contextlib import ExitStack

import numpy as np
import pytest

from crossbar_hil.backend import Pulse
from crossbar_hil.errors import InstrumentError, LimitError
from crossbar_hil.instrument import SourceSettings
from crossbar_hil.plugins import load
from crossbar_hil.sim_backend import ConductanceCurve, SimulatedBackend
from crossbar_hil.sim_backend.emulation.serving.server import InstrumentServer
from crossbar_hil.sim_backend.emulation.world.world import World

pytestmark = pytest.mark.usefixtures("called_instruments")
SETTINGS = SourceSettings(range_v=2.0, compliance_a=5e-5, range_a=1e-4, nplc=5.0)
MODELS = ("keithley2400", "keithley2450", "keithley2602b", "keysightb2902a")
OHM = 1e4
BEGINS = {
    "keithley2400": ":INIT",
    "keithley2450": ":TRAC:CLE",
    "keithley2602b": "overlapped",
    "keysightb2902a": ":INIT",
}


@pytest.fixture
def world():
    curve = ConductanceCurve(np.array([1e-6, 2e-6]), Pulse(2.0, 0.05))
    return World(SimulatedBackend(curve, np.zeros((1, 1)), scale=1.0))


@pytest.fixture
def pair(world):
    """Two instruments of a model, all their channels on one node through 10 kilohm each, at 0 V and on."""
    with ExitStack() as stack:

        def serve(model):
            emulated = [load("emulators", model)(world, name) for name in ("one", "two")]
            drivers = []
            for each in emulated:
                server = stack.enter_context(InstrumentServer(each))
                drivers.append(load("instruments", model).open(server.resource, name=each.name, deadline_s=0.3))
                stack.callback(drivers[-1].close)
                drivers[-1].identify()
                for channel in each.channels:
                    world.add_resistor(f"{channel}.hi", "middle", OHM)
            sources = [source for driver in drivers for source in driver.source_meters()]
            for source in sources:
                source.prepare(SETTINGS)
                source.enable()
            return emulated, sources

        yield serve


@pytest.mark.parametrize("model", MODELS)
def test_readings_of_all_channels_of_two_instruments_take_the_time_of_one(pair, world, model):
    _, (driven, *others) = pair(model)
    driven.set_voltage(0.1)
    began_s = world.clock.elapsed()
    assert driven.measure().current_a > 0
    one_s = world.clock.elapsed() - began_s
    began_s = world.clock.elapsed()
    driven.begin_beside(others)
    assert world.clock.elapsed() == began_s
    readings, tripped = driven.fetch_beside(others, [others[-1], others[0]])
    assert world.clock.elapsed() - began_s == pytest.approx(one_s, rel=1e-3)
    out_a = 0.1 / (OHM + OHM / len(others))
    assert [each.current_a for each in readings] == pytest.approx(
        [out_a, *[-out_a / len(others)] * len(others)], rel=1e-4
    )
    assert not any(each.limited for each in readings)
    assert tripped == [False, False]
    driven.set_voltage(1.9)  # a limit of 50 uA ends that at 0.5 to 1 V
    others[-1].begin_beside([driven])
    readings, tripped = others[-1].fetch_beside([driven], [driven])
    assert [each.limited for each in readings] == [False, True]
    assert tripped == [True]


@pytest.mark.fault("I21")
@pytest.mark.parametrize("model", MODELS)
def test_where_no_reading_was_begun_an_earlier_one_is_not_taken_for_it(pair, model):
    (_, second), sources = pair(model)
    first, other = sources[0], next(each for each in sources if each.name.startswith("two"))
    first.begin_beside([other])
    first.fetch_beside([other])
    other.measure()
    receive = second.receive
    second.receive = lambda message: b"" if BEGINS[model] in message else receive(message)

    def read():
        first.begin_beside([other])
        return first.fetch_beside([other])

    with pytest.raises(InstrumentError):
        read()


@pytest.mark.fault("I22")
@pytest.mark.parametrize("model", MODELS)
def test_switched_off_amid_a_reading_a_channel_is_off_at_once_and_reads_again_when_set_up(pair, world, model):
    emulated, (first, *others) = pair(model)
    first.set_voltage(0.1)
    first.begin_beside(others)
    began_s = world.clock.elapsed()
    for each in (first, *others):
        each.output_off()
        assert not each.output_is_on()
    assert world.clock.elapsed() - began_s < 0.06  # a reading takes 0.1 s; some models let it end first
    assert not any(world.terminal(channel).on for each in emulated for channel in each.channels)
    for each in (first, *others):
        each.prepare(SETTINGS)
        each.enable()
    first.begin_beside(others)
    readings, _ = first.fetch_beside(others)
    assert [each.current_a for each in readings] == pytest.approx([0.0] * len(readings), abs=1e-12)


@pytest.mark.parametrize("model", ["keithley2400", "keithley2602b"])
def test_a_channel_that_is_not_prepared_begins_nothing(pair, model):
    emulated, (first, other, *_) = pair(model)
    heard = []
    for each in emulated:
        each.receive = heard.append
    for each in (first, other):
        each._settings = None
    with pytest.raises(LimitError, match="has not been prepared, so nothing is sourced or measured"):
        other.begin_beside([first])
    assert heard == []
