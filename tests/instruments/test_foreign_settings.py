"""Every setting of the B2900 and of SCPI matrices, changed by somebody else before a run and in it."""

import re
from functools import cache

import pytest

from crossbar_hil.instrument import SourceSettings
from crossbar_hil.sim_backend.emulation.scpi.listing import changing

from ..cases import in_one_test
from .direct import connected, small_world

pytestmark = pytest.mark.fault("V14", "I13", "I5")
SETTINGS = SourceSettings(range_v=2.0, compliance_a=1e-4, range_a=1e-4)
MATRICES = {"keithley7001": 1, "keysight34980a": 1, "keysightb2200a": 0}
B2900 = {
    ":OUTP1:ON:AUTO 1": "OUTP1:ON:AUTO is 1",
    ":OUTP1:OFF:AUTO 1": "OUTP1:OFF:AUTO is 1",
    ":OUTP1:OFF:MODE HIZ": "OFF:MODE is HIZ",
    ":OUTP1:LOW FLO": "OUTP1:LOW is FLO",
    ":OUTP1:HCAP ON": "HCAP is 1",
    ":OUTP1:PROT ON": "OUTP1:PROT is 1",
    ":OUTP1:FILT OFF": "OUTP1:FILT is 0",
    ":OUTP1:FILT:AUTO ON": "FILT:AUTO is 1",
    ":OUTP1:FILT:FREQ 100": "FILT:TCON is",
    ":SOUR1:FUNC:MODE CURR": "FUNC:MODE is CURR",
    ":SOUR1:VOLT:MODE LIST": "VOLT:MODE is LIST",
    ":SOUR1:FUNC:SHAP PULS": "FUNC:SHAP is PULS",
    ":SOUR1:FUNC:TRIG:CONT ON": "TRIG:CONT is 1",
    ":SOUR1:SWE:RANG BEST": "SWE:RANG is BEST",
    ":SOUR1:VOLT 1": "SOUR1:VOLT is",
    ":SOUR1:VOLT:TRIG 1": "VOLT:TRIG is",
    ":SOUR1:VOLT:RANG:AUTO ON": "VOLT:RANG:AUTO is 1",
    ":SOUR1:VOLT:RANG 200": "VOLT:RANG is",
    ":SOUR1:PULS:DEL 1": "PULS:DEL is",
    ":SOUR1:WAIT ON": "SOUR1:WAIT is 1",
    ":SENS1:REM ON": "SENS1:REM is 1",
    ":SENS1:WAIT ON": "SENS1:WAIT is 1",
    ":SENS1:CURR:PROT 1": "PROT:POS is",
    ":SENS1:CURR:PROT:POS 1": "PROT:POS is",
    ":SENS1:CURR:PROT:NEG 1": "PROT:NEG is",
    ":SENS1:FUNC 'RES'": "SENS1:FUNC is",
    ":SENS1:RES:MODE AUTO": "RES:MODE is AUTO",
    ":SENS1:RES:OCOM ON": "OCOM is 1",
    ":SENS1:CURR:RANG:AUTO ON": "CURR:RANG:AUTO is 1",
    ":SENS1:CURR:RANG 1e-6": "CURR:RANG is",
    ":SENS1:CURR:APER:AUTO ON": "APER:AUTO is 1",
    ":SENS1:CURR:APER 1": "CURR:NPLC is",
    ":ARM1:ALL:COUN 3": "ARM1:TRAN:COUN is 3",
    ":ARM1:ACQ:COUN 3": "ARM1:ACQ:COUN is 3",
    ":ARM1:TRAN:DEL 1": "ARM1:TRAN:DEL is",
    ":ARM1:ACQ:DEL 1": "ARM1:ACQ:DEL is",
    ":ARM1:TRAN:SOUR BUS": "ARM1:TRAN:SOUR is BUS",
    ":ARM1:ACQ:SOUR BUS": "ARM1:ACQ:SOUR is BUS",
    ":TRIG1:TRAN:COUN 3": "TRIG1:TRAN:COUN is 3",
    ":TRIG1:ACQ:COUN 3": "TRIG1:ACQ:COUN is 3",
    ":TRIG1:TRAN:DEL 1": "TRIG1:TRAN:DEL is",
    ":TRIG1:ACQ:DEL 1": "TRIG1:ACQ:DEL is",
    ":TRIG1:TRAN:SOUR BUS": "TRIG1:TRAN:SOUR is BUS",
    ":TRIG1:ACQ:SOUR BUS": "TRIG1:ACQ:SOUR is BUS",
    ":CALC1:MATH:STAT ON": "MATH:STAT is 1",
    ":CALC1:CLIM:STAT ON": "CLIM:STAT is 1",
    ":TRAC1:FEED:CONT NEXT": "FEED:CONT is NEXT",
    ":FORM REAL,64": "FORM is REAL,64",
    ":FORM:BORD SWAP": "BORD is SWAP",
    ":FORM:ELEM:SENS VOLT,CURR": "ELEM:SENS is VOLT,CURR",
    ":SYST:LFR 60": "LFR is 60",
    ":SYST:GRO (@1:2)": "GRO is",
    ":OUTP1 OFF": "OUTP1 is 0",
}
"""What somebody sends to channel 1, and how a source that is asked names it."""
BEFORE_PULSES = (
    ":OUTP1:OFF:AUTO 1", ":OUTP1:LOW FLO", ":OUTP1:HCAP ON", ":OUTP1:PROT ON", ":OUTP1:FILT OFF", ":OUTP1:FILT:AUTO ON",
    ":OUTP1:FILT:FREQ 100", ":SOUR1:FUNC:MODE CURR", ":SOUR1:VOLT:MODE LIST", ":SOUR1:FUNC:SHAP PULS", ":SOUR1:VOLT 1",
    ":SOUR1:VOLT:RANG:AUTO ON", ":SOUR1:VOLT:RANG 200", ":SENS1:REM ON", ":SENS1:CURR:PROT:POS 1",
    ":SENS1:CURR:PROT:NEG 1", ":SENS1:FUNC 'RES'", ":SENS1:RES:MODE AUTO", ":SENS1:CURR:RANG:AUTO ON",
    ":SENS1:CURR:RANG 1e-6", ":FORM REAL,64", ":FORM:ELEM:SENS VOLT,CURR", ":SYST:GRO (@1:2)", ":OUTP1 OFF",
)  # fmt: skip
"""What is named before pulses too; all else of them is written anew for each train."""


bench = cache(connected)
"""An emulated instrument of a model, and its driver; one of each."""


@in_one_test("command", B2900)
def test_what_was_left_on_a_b2900_does_not_outlive_set_up_and_in_mid_run_it_is_named(command):
    emulated, driver = bench("keysightb2902a")
    source = driver.source_meters()[0]
    emulated.receive("*RST;*CLS")
    emulated.receive(":SYST:LFR 50")
    emulated.receive(command)
    source.prepare(SETTINGS)
    source.enable()
    assert source.changes() == source.changes(pulsing=True) == []
    emulated.receive(":SYST:LFR 50" if "LFR" in command else command)
    named = B2900[command].replace("is 60", "is 50") if "LFR" in command else B2900[command]
    assert any(re.search(named, each) for each in source.changes())
    assert bool(source.changes(pulsing=True)) == (command in BEFORE_PULSES or command == ":SENS1:CURR:PROT 1")


def test_the_commands_above_are_all_of_the_table_that_is_asked_for():
    _, driver = bench("keysightb2902a")
    table = driver.ch_1.table
    named = " ".join(B2900.values())
    overwritten = {"pulse_width", "trigger_interval", "measure_nothing"}
    for name, setting in table.items():
        question = (setting.query or setting.command).replace("{n}", "1").strip("?:")
        assert name in overwritten or re.search(rf"{question.rpartition(':')[2]} is", named), name


@in_one_test("width", ["1e-3", "1"])
@in_one_test(
    "command",
    [":ARM1:ALL:COUN 3", ":ARM1:TRAN:DEL 0.5", ":ARM1:ALL:SOUR BUS", ":TRIG1:TRAN:DEL 1", ":TRIG1:ALL:COUN 5",
     ":SOUR1:WAIT:OFFS 1;:SOUR1:WAIT:STAT ON", ":SENS1:WAIT:OFFS 1;:SENS1:WAIT:STAT ON", ":SOUR1:PULS:DEL 1",
     ":SOUR1:PULS:WIDT {}", ":TRIG1:ALL:TIM {}"],
)  # fmt: skip
def test_a_train_of_pulses_is_as_it_was_asked_for_whatever_triggers_somebody_had_set(command, width):
    world = small_world()
    lines = [f"{axis}.{number}" for axis in ("row", "column") for number in range(4)]
    for line in lines:
        world.add_wire(line, "it.a.hi" if line == "row.1" else "lo")
    emulated, driver = connected("keysightb2902a", world)
    source = driver.source_meters()[0]
    source.prepare(SETTINGS)
    source.enable()
    emulated.receive(command.format(width))
    assert len(source.pulse(1.5, 0.02, 2)) == 2
    exposures = [each for each in world.log.of("exposure") if (each["row"], each["column"]) == (1, 2)]
    assert [round(each["seconds"], 6) for each in exposures] == [0.02, 0.02]
    assert [each["volt"] for each in exposures] == pytest.approx([1.5, 1.5])


@pytest.mark.parametrize(
    ("model", "command", "named"),
    [
        ("keithley7001", ":ROUT:CONF:SLOT1:CTYP C7011", "SLOT1:CTYP is C7011"),
        ("keithley7001", ":ROUT:CONF:SLOT2:STIM 5", "SLOT2:STIM is 5"),
        ("keysight34980a", "ROUT:CLOS (@1921)", "1921 closed"),
        ("keysightb2200a", ":BIAS:CHAN:DIS:CARD 0;:BIAS 0,ON", "BIAS 0 is 1"),
        ("keysightb2200a", ":AGND:CHAN:DIS:CARD 0;:AGND 0,ON", "AGND 0 is 1"),
        ("keysightb2200a", ":COUP 0,ON", "COUP 0 is 1"),
        ("keysightb2200a", ":CONN:RULE 0,SROU", "CONN:RULE 0 is SROU"),
        ("keysightb2200a", ":CONN:SEQ 0,MBBR", "CONN:SEQ 0 is MBBR"),
    ],
)
def test_what_was_left_on_a_matrix_does_not_outlive_set_up_and_in_mid_run_it_is_named(model, command, named):
    emulated, driver = bench(model)
    emulated.receive("*RST;*CLS")
    if "CTYP" not in command:
        emulated.receive(command)
    driver.prepare()
    assert driver.changes([]) == []
    emulated.receive(command.replace("STIM 5", "STIM 6"))
    assert any(re.search(named.replace("is 5", "is .*6"), each) for each in driver.changes([]))
    emulated.receive(command.replace("C7011", "C7012"))


@pytest.mark.parametrize("model", ["keysightb2902a", "keysightb2901b", *MATRICES, "keithley7002"])
def test_every_command_of_the_emulator_that_changes_something_has_parameters_that_it_takes(model):
    emulated, _ = connected(model)
    conflicts = {0, -221, -222, -211, -213, -241}  # taken, or against another setting
    found = list(changing(type(emulated)))
    assert len({each.header for each in found}) == len(found) > 20
    for each in found:
        assert each.values, each.header
        for line in each.lines():
            emulated.receive("*RST;*CLS")
            emulated.receive(line)
            codes = list(emulated.status.errors)
            assert set(codes) <= conflicts, line
