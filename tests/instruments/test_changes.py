"""What somebody else changes on an instrument, at its front panel or over the network, is named by `changes`."""

import re

import pytest

from crossbar_hil.errors import InstrumentError
from crossbar_hil.instrument import SourceSettings

from .direct import connected

pytestmark = pytest.mark.fault("V14", "I13", "T16")
SETTINGS = SourceSettings(range_v=2.0, compliance_a=1e-4, range_a=1e-4, read_range_a=1e-5)
FOREIGN = {
    "keithley2602b": {
        "smua.source.levelv = 1.5": "levelv is 1.5 instead of 0",
        "smua.source.output = 0": "output is 0 instead of 1",
        "smua.source.limiti = 0.5": "limiti is 0.5 instead of 0.0001",
        "smua.source.rangev = 40": "rangev is 40 instead of",
        "smua.source.autorangev = 1": "autorangev is 1",
        "smua.source.func = 0": "source.func is 0",
        "smua.measure.rangei = 1": "rangei is 1 instead of",
        "smua.measure.nplc = 0.01": "nplc is 0.01",
        "smua.sense = 1": "sense is 1",
        "smua.source.offmode = 1": "offmode is 1",
        "smua.reset()": "limiti is",
    },
    "keithley2400": {
        ":SOUR:VOLT 1.5": "SOUR:VOLT is .* instead of 0",
        ":OUTP OFF": "OUTP is .* instead of on",
        ":SENS:CURR:PROT 0.5": "PROT is .* instead of 0.0001",
        ":SOUR:VOLT:RANG 20": "VOLT:RANG is .* instead of 2",
        ":SENS:CURR:RANG 1e-6": "CURR:RANG is .* instead of 0.0001",
        ":SENS:CURR:NPLC 0.1": "NPLC is",
        ":SYST:RSEN ON": "RSEN is",
        ":OUTP:SMOD HIMP": "SMOD is",
        ":SOUR:CLE:AUTO ON": "CLE:AUTO is",
        "*RST": "OUTP is",
    },
    "keithley2450": {
        ":SOUR:VOLT 1.5": "SOUR:VOLT is .* instead of 0",
        ":OUTP OFF": "OUTP is .* instead of on",
        ":SOUR:VOLT:ILIM 0.5": "ILIM is .* instead of 0.0001",
        ":SOUR:VOLT:RANG 20": "VOLT:RANG is .* instead of 2",
        ":SENS:CURR:RANG 1e-6": "CURR:RANG is .* instead of 0.0001",
        ":SENS:CURR:RSEN ON": "RSEN is",
        "*RST": "OUTP is",
    },
    "keysightb2902a": {
        ":SOUR1:VOLT 1.5": "SOUR1:VOLT is .* instead of 0",
        ":OUTP1 OFF": "OUTP1 is .* instead of on",
        ":SENS1:CURR:PROT 0.5": "PROT:POS is .* instead of 0.0001",
        ":SOUR1:VOLT:RANG 20": "VOLT:RANG is .* instead of 2",
        ":SENS1:CURR:RANG 1e-6": "CURR:RANG is .* instead of 0.0001",
        ":SOUR1:FUNC:MODE CURR": "FUNC:MODE is",
        "*RST": "OUTP1 is",
    },
}
MATRICES = {
    "keithley707b": (1, 'channel.close("1A07")', 'channel.open("allslots")', "beep.nonsense()"),
    "keithley3706a": (1, 'channel.close("1107")', 'channel.open("allslots")', "beep.nonsense()"),
    "keithley7001": (1, ":ROUT:CLOS (@1!1!7)", ":ROUT:OPEN ALL", ":NONSENSE"),
    "keysight34980a": (1, "ROUT:CLOS (@1107)", "ROUT:OPEN:ALL", ":NONSENSE"),
    "keysightb2200a": (0, ":CLOS (@00107)", ":OPEN:CARD ALL", ":NONSENSE"),
}


@pytest.mark.parametrize("model", FOREIGN)
def test_what_the_driver_does_itself_is_no_change(model):
    _, driver = connected(model)
    source = driver.source_meters()[0]
    source.prepare(SETTINGS)
    source.enable()
    assert source.changes() == []
    source.set_range(1e-5)
    source.set_voltage(0.1)
    source.measure()
    source.set_voltage(0.0)
    assert source.changes() == []
    source.set_range(1e-4)
    source.pulse(1.0, 0.01, 2)
    assert source.changes() == []


@pytest.mark.parametrize("model", FOREIGN)
def test_every_setting_that_safety_rests_on_is_named_when_somebody_else_changes_it(model):
    emulated, driver = connected(model)
    source = driver.source_meters()[0]
    for command, words in FOREIGN[model].items():
        source.prepare(SETTINGS)
        source.enable()
        emulated.receive(command)
        assert any(re.search(words, each) for each in source.changes()), command


@pytest.mark.parametrize("pulsing", [False, True])
@pytest.mark.parametrize("model", ["keithley2602b", "keysightb2902a"])
def test_what_somebody_changes_on_either_channel_is_named_when_both_are_asked(model, pulsing):
    emulated, driver = connected(model)
    first, second = driver.source_meters()
    for source in (first, second):
        source.prepare(SETTINGS)
        source.enable()
    assert first.changes_beside([second], pulsing=pulsing) == []
    assert first.changes_beside([second], pulsing=pulsing) == []
    second.set_range(1e-5)
    assert first.changes_beside([second], pulsing=pulsing) == []
    changed = set()
    for letter, number in (("b", "2"), ("a", "1")):
        lua = model == "keithley2602b"
        emulated.receive(f"smu{letter}.source.limiti = 5e-5" if lua else f":SENS{number}:CURR:PROT 5e-5")
        changed.add(letter if lua else number)
        found = first.changes_beside([second], pulsing=pulsing)
        assert all("is +5" in each or "is 5e-05 instead of 0.0001" in each for each in found)
        assert {re.findall(r"smu(.)\.source\.limiti|SENS(.):CURR:PROT", each)[0][not lua] for each in found} == changed


@pytest.mark.parametrize("model", FOREIGN)
@pytest.mark.fault("I4")
def test_an_error_that_somebody_else_caused_is_told(model):
    emulated, driver = connected(model)
    source = driver.source_meters()[0]
    source.prepare(SETTINGS)
    source.enable()
    emulated.receive("smua.source.nonsense()" if "2602" in model else ":NONSENSE 1")
    with pytest.raises(InstrumentError, match="reports error"):
        source.changes()


@pytest.mark.parametrize("model", MATRICES)
def test_a_relay_that_somebody_else_moved_is_named_and_an_error_told(model):
    slot, close, open_all, nonsense = MATRICES[model]
    emulated, driver = connected(model)
    wanted = [driver.crosspoint(slot, "1", 1), driver.crosspoint(slot, "2", 2)]
    driver.prepare()
    assert driver.changes([]) == []
    driver.connect(wanted)
    assert driver.changes(wanted) == []
    emulated.receive(close)
    assert driver.changes(wanted) == [
        f"it has {', '.join(sorted([*wanted, driver.crosspoint(slot, '1', 7)]))} closed instead of {', '.join(wanted)}"
    ]
    emulated.receive(open_all)
    assert driver.changes(wanted) == [f"it has no crosspoint closed instead of {', '.join(wanted)}"]
    if model in ("keithley707b", "keithley3706a"):
        emulated.receive("channel.connectrule=0")
        assert driver.changes([]) == ["it: channel.connectrule is 0 instead of 1"]
    emulated.receive(nonsense)
    with pytest.raises(InstrumentError, match="reports error"):
        driver.changes([])
