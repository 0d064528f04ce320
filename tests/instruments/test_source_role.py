"""What every model of a source-measure unit promises about ranges, on its emulator with a resistor from HI to LO."""

import inspect
from contextlib import ExitStack
from dataclasses import replace

import numpy as np
import pytest

from crossbar_hil.bench.file import load_bench
from crossbar_hil.bench.instruments import open_instrument
from crossbar_hil.errors import ConfigError, DeadlineError, InstrumentError, LimitError, TransportError
from crossbar_hil.instrument import SourceMeter, SourceSettings, SwitchMatrix
from crossbar_hil.instruments.transport.adapter import BenchAdapter
from crossbar_hil.plugins import load, names

pytestmark = pytest.mark.usefixtures("called_instruments")
MODELS = {
    "keithley2400": 1, "keithley2450": 1, "keithley2602b": 2, "keithley2636b": 2,
    "keysightb2902a": 2, "keysightb2912a": 2,
}  # fmt: skip
OHM = 1e5
SETTINGS = SourceSettings(range_v=1.0, compliance_a=1e-4, range_a=1e-4, read_range_a=1e-5)
WRONG = [("range_a", 30.0), ("read_range_a", 30.0), ("read_range_a", 0.0), ("nplc", 1e4), ("compliance_a", 1e-12)]
BENCH = """
backend = "chip"
kind = "emulated"
[instruments]
smu = { driver = "MODEL" }
other = { driver = "MODEL" }
matrix = { driver = "keithley707b" }
[wiring]
rows = [1, 2]
columns = [3, 4]
ports = { drive = "A", ground = "C" }
sources = { drive = "smu.a" }
[chip]
rows = 2
columns = 2
"""


@pytest.fixture(scope="module", params=MODELS)
def served(request, tmp_path_factory, called_instruments):
    """Two instruments of a model; the first has a resistor across it."""
    file = tmp_path_factory.mktemp("bench") / "bench.toml"
    file.write_text(BENCH.replace("MODEL", request.param))
    bench = load_bench(str(file))
    with load("emulation", "bench")(bench, np.random.default_rng(0)) as emulated:
        emulated.world.add_resistor("smu.a.hi", "lo", OHM)
        yield request.param, bench, emulated


@pytest.fixture
def channels(served):
    """Get the channels of an instrument: those of a driver that has set nothing yet."""
    model, bench, emulated = served
    with ExitStack() as owned:
        found = []

        def channels_of(name):
            instrument = open_instrument(name, bench.instruments[name], emulated.resources[name])
            owned.callback(instrument.close)
            instrument.identify()
            of_one = instrument.source_meters()
            assert len(of_one) == MODELS[model]
            found.extend(of_one)
            return of_one

        yield channels_of
        for source in found:
            source.output_off()


@pytest.fixture
def source(channels):
    """Get the first channel of the first instrument."""
    return channels("smu")[0]


def test_a_range_changes_what_is_measured_and_back(source):
    source.prepare(SETTINGS)
    source.enable()
    currents = []
    for range_a in (1e-4, 1e-5, 1e-4):
        source.set_voltage(0.0)
        source.set_range(range_a)
        source.set_voltage(0.5)
        currents.append(source.measure().current_a)
    assert currents == pytest.approx([0.5 / OHM] * 3, rel=1e-4)


@pytest.mark.parametrize("rest_s", [None, 1e-3])
def test_a_voltage_is_sourced_measured_and_left_in_one_message(served, channels, monkeypatch, rest_s):
    channels = channels("smu")
    for source in channels:
        source.prepare(SETTINGS)
        source.enable()
    meter, sent = channels[-1], []
    write = BenchAdapter._write
    monkeypatch.setattr(
        BenchAdapter, "_write", lambda self, line, **more: sent.append(line) or write(self, line, **more)
    )
    before = served[2].world.clock.now()
    reading, tripped = meter.measure_at(0.5, channels[0], channels[:-1], rest_s=rest_s)
    assert len(sent) == 1
    assert tripped == [False] * (len(channels) - 1)
    assert reading.current_a == pytest.approx(0.5 / OHM if len(channels) == 1 else 0.0, rel=1e-4, abs=1e-8)
    assert served[2].world.terminal("smu.a").level_v == (0.5 if rest_s is None else 0.0)
    assert served[2].world.clock.now() - before >= 0.02 + (rest_s or 0.0)
    assert channels[0].measure_at(0.5, channels[0])[0].current_a == pytest.approx(0.5 / OHM, rel=1e-4)


def test_a_rest_of_many_readings_is_by_itself(served, source):
    source.prepare(replace(SETTINGS, nplc=0.01))
    source.enable()
    before = served[2].world.clock.now()
    reading, _ = source.measure_at(0.5, source, rest_s=0.01, nplc=0.01)
    assert reading.current_a == pytest.approx(0.5 / OHM, rel=1e-3)
    assert served[2].world.terminal("smu.a").level_v == 0.0
    assert served[2].world.clock.now() - before >= 0.01


def test_a_source_of_another_instrument_is_brought_to_a_voltage_by_itself(served, channels, monkeypatch):
    (meter, *_), (drive, *_) = channels("smu"), channels("other")
    for source in (meter, drive):
        source.prepare(SETTINGS)
        source.enable()
    sent, write = [], BenchAdapter._write
    monkeypatch.setattr(BenchAdapter, "_write", lambda self, line: sent.append(line) or write(self, line))
    reading, tripped = meter.measure_at(0.5, drive, [drive], rest_s=1e-3)
    assert len(sent) == 3
    assert reading.current_a == pytest.approx(0.0, abs=1e-8)
    assert tripped == [False]
    assert served[2].world.terminal("other.a").level_v == 0.0


def test_a_source_says_whether_it_was_at_its_limit_before_it_rests(served, source):
    source.prepare(replace(SETTINGS, compliance_a=2e-6, range_a=1e-6, read_range_a=None))
    source.enable()
    before = served[2].world.clock.now()
    for volts, limited in ((0.05, False), (1.0, True)):
        source.set_voltage(volts)
        assert source.limit_then_rest(1e-3) is limited
        source.set_voltage(0.0)
    assert served[2].world.clock.now() - before >= 1e-3


def test_a_source_that_could_not_be_set_up_again_counts_as_not_set_up(source, monkeypatch):
    source.prepare(SETTINGS)

    def mute(*about, **more):
        raise DeadlineError("mute")

    with monkeypatch.context() as patch:
        patch.setattr(BenchAdapter, "_write", mute)
        patch.setattr(BenchAdapter, "blind_write", mute)
        with pytest.raises(TransportError):
            source.prepare(SETTINGS)
    for what in (source.enable, source.measure, lambda: source.pulse(0.5, 0.01), lambda: source.set_voltage(0.1)):
        with pytest.raises((InstrumentError, LimitError), match="prepared"):
            what()
    source.prepare(SETTINGS)
    source.enable()


def test_the_clock_of_a_source_goes_as_the_time_does(served, source):
    source.prepare(SETTINGS)
    source.enable()
    clock = served[2].world.clock
    told, was = source.clock_s(), clock.now()
    source.wait(0.7)
    assert source.clock_s() - told == pytest.approx(clock.now() - was, abs=0.02)
    assert clock.now() - was >= 0.7
    assert {type(each) for each in source.train_widths} == {int}


def test_a_current_beyond_a_range_gives_no_number(source):
    source.prepare(SETTINGS)
    source.enable()
    source.set_range(1e-6)
    source.set_voltage(0.5)
    try:
        reading = source.measure()
    except InstrumentError:
        return
    assert reading.limited  # a 2400 limits its current at the end of a fixed range


def test_a_range_that_no_model_has_is_refused_and_the_last_one_stays(source):
    source.prepare(SETTINGS)
    source.enable()
    for range_a in (0.0, -1e-6, 30.0, float("nan"), float("inf")):
        with pytest.raises(ConfigError, match="range_a"):
            source.set_range(range_a)
        source.set_voltage(0.5)
        assert source.measure().current_a == pytest.approx(0.5 / OHM, rel=1e-4), range_a
        source.set_voltage(0.0)


def test_a_range_is_set_only_after_preparing(source):
    with pytest.raises((InstrumentError, LimitError), match="prepared"):
        source.set_range(1e-5)


def test_settings_that_a_model_cannot_have_are_named_without_a_word_to_it(source, monkeypatch):
    source.check(SETTINGS)
    with monkeypatch.context() as patch:
        patch.setattr(BenchAdapter, "_write", None)
        for wrong, value in WRONG:
            with pytest.raises(ConfigError, match=wrong.removeprefix("read_")):
                source.check(replace(SETTINGS, **{wrong: value}))
    assert not source.output_is_on()


def test_only_the_other_channel_of_the_same_instrument_pulses_together_with_one(channels):
    mine, theirs = channels("smu"), channels("other")
    assert not mine[0].pulses_with(mine[0])
    assert not mine[0].pulses_with(theirs[0])
    assert not mine[0].pulses_with(theirs[-1])
    assert [mine[0].pulses_with(each) for each in mine[1:]] == [True] * (len(mine) - 1)
    assert [each.pulses_with(mine[0]) for each in mine[1:]] == [True] * (len(mine) - 1)


def test_a_pulse_shorter_than_a_model_says_is_refused_and_one_as_short_is_sent(source):
    source.prepare(SETTINGS)
    source.enable()
    with pytest.raises(LimitError):
        source.pulse(0.5, 0.99 * source.shortest_pulse_s)
    (reading,) = source.pulse(0.5, source.shortest_pulse_s)
    assert reading.current_a == pytest.approx(0.5 / OHM, rel=1e-3)


def below(role):
    return {role, *(each for one in role.__subclasses__() for each in below(one))}


@pytest.mark.parametrize("role", [SourceMeter, SwitchMatrix])
def test_what_is_not_said_to_a_driver_is_what_the_role_says(role):
    for name in names("instruments"):
        load("instruments", name)
    ours = {each for each in below(role) if each.__module__.startswith("crossbar_hil.instruments.")}
    assert len(ours) >= 5
    for driver in ours:
        for name, each in inspect.getmembers(role, inspect.isfunction):
            if name in vars(driver) and not name.startswith("_"):
                said, wanted = (inspect.signature(one).parameters for one in (vars(driver)[name], each))
                assert [(one.name, one.default) for one in said.values()] == [
                    (one.name, one.default) for one in wanted.values()
                ], (driver, name)
