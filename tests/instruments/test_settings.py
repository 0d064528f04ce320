"""Every setting of every table, changed by another hand on the emulated instrument before set-up and after it."""

import re
from fnmatch import fnmatch
from functools import cache
from importlib import import_module
from itertools import pairwise

import pytest

from crossbar_hil.errors import ConfigError, InstrumentError, TransportError
from crossbar_hil.instrument import SourceSettings
from crossbar_hil.instruments.settings.setting import Action, Asked, Switch, Words
from crossbar_hil.plugins import load
from crossbar_hil.sim_backend.emulation.scpi.listing import changing

from ..cases import in_one_test
from .direct import connected

SETTINGS = SourceSettings(range_v=2.0, compliance_a=1e-4, range_a=1e-4, read_range_a=1e-4)
FAMILIES = {
    "keithley2400": ("keithley2400", "keithley2401", "keithley2410"),
    "keithley2450": ("keithley2450", "keithley2460", "keithley2461", "keithley2470"),
}
MODELS = [model for models in FAMILIES.values() for model in models]
LIMIT_S = 0.06


def bench(model):
    """An emulated instrument with 100 kOhm at its terminals, and its driver."""
    emulated, driver = connected(model)
    emulated.world.add_resistor("it.a.hi", "lo", 100e3)
    return emulated, driver


@cache
def shared(model):
    return bench(model)


def others(setting, emulated):
    """What another hand may write instead of what is set: words of the setting, switches, numbers of the emulator."""
    if isinstance(setting.kind, Words):
        return [f'"{each}"' if setting.kind.quoted else each for each in setting.kind.words[-3:]]
    if isinstance(setting.kind, Switch):
        return ["ON", "OFF"]
    header = re.sub("^:SENS(?=:)", "", setting.command)
    return next((each.values[1:] for each in changing(type(emulated)) if each.header == header), ())


def settings_of(model):
    return [each for each in load("instruments", model).table.values() if not isinstance(each.kind, Action)]


SETTINGS_OF = [(family, each.name) for family in FAMILIES for each in settings_of(family)]


@pytest.mark.fault("V14", "I13")
@in_one_test("family, name", SETTINGS_OF)
def test_what_another_hand_set_is_made_good_at_set_up_and_named_afterwards(family, name):
    emulated, smu = shared(family)
    setting = smu.table[name]
    question = f"{setting.command}?"
    smu.prepare(SETTINGS)
    as_set = emulated.receive(question)
    for value in others(setting, emulated):
        emulated.receive(f"{setting.command} {value}")
        smu.prepare(SETTINGS)
        if setting.value is not None:
            assert emulated.receive(question) == as_set, value
        smu.enable()
        before = emulated.receive(question)
        emulated.receive(f"{setting.command} {value}")
        emulated.receive("*CLS")
        if emulated.receive(question) != before:
            for pulsing, when in ((False, Asked.BATCH), (True, Asked.PULSE)):
                if setting in smu.table.asked(when):
                    told = smu.changes(pulsing=pulsing)
                    assert any(setting.command in each for each in told), (value, pulsing, told)
        smu.output_off()


def exposures(world, since):
    """Volts and seconds of every level but 0 V that stood at the output since an entry of the log."""
    levels = [(each["t"], each["level_v"] if each["on"] else 0.0) for each in world.log.of("source")[since:]]
    return [(level, end - start) for (start, level), (end, _) in pairwise(levels) if level and end > start]


@pytest.mark.fault("V14", "I13")
@in_one_test("family, name", SETTINGS_OF)
def test_a_setting_made_just_before_a_pulse_starts_makes_it_no_longer_no_higher_and_no_more_of_it(family, name):
    """Between the message that says what a pulse is and the one that starts it, when nothing is asked any more."""
    emulated, smu = shared(family)
    setting = smu.table[name]
    for value in others(setting, emulated):
        smu.prepare(SETTINGS)
        smu.enable()
        since = len(emulated.world.log.of("source")) - 1
        smu.adapter.foreign = {smu.adapter.sent + 2: f"{setting.command} {value}"}
        try:
            (reading,) = smu.pulse(1.0, 0.05)
        except (InstrumentError, TransportError):
            smu.adapter.said.clear()
        else:
            assert reading.current_a == pytest.approx(1e-5, rel=1e-2), value
        seen = exposures(emulated.world, since)
        assert len(seen) <= 1
        assert all(level == pytest.approx(1.0) and seconds <= LIMIT_S for level, seconds in seen), (value, seen)


@pytest.mark.parametrize("model", MODELS)
def test_every_model_of_a_family_is_set_up_reads_and_pulses(model):
    emulated, smu = bench(model)
    assert smu.identify().model == model.removeprefix("keithley")
    top_v, top_a = smu.ranges_v[-1], smu.most_by_range_a[-1][1]
    range_a = max(each for each in smu.ranges_a if each <= top_a)
    for settings in (SETTINGS, SourceSettings(range_v=top_v, compliance_a=top_a, range_a=range_a)):
        smu.prepare(settings)
        smu.enable()
        smu.set_voltage(0.5)
        assert smu.measure().current_a == pytest.approx(5e-6, rel=1e-2, abs=range_a * 1e-4)
        smu.set_voltage(0.0)
        assert smu.changes() == []
        since = len(emulated.world.log.of("source")) - 1
        smu.pulse(1.0, 0.01, 2)
        assert [level for level, _ in exposures(emulated.world, since)] == pytest.approx([1.0, 1.0])
        assert smu.changes(pulsing=True) == []


@pytest.mark.parametrize("model", MODELS)
def test_the_ranges_and_bounds_of_driver_and_emulator_are_the_same(model):
    emulated, smu = bench(model)
    limits = emulated.limits
    assert smu.ranges_v == limits.ranges_v
    # The 10 A range of a 2461 is for pulses of its own kind.
    assert smu.ranges_a == tuple(each for each in limits.ranges_a if each < 10)
    with pytest.raises(ConfigError, match="range_v is 5 kV"):
        smu.prepare(SourceSettings(range_v=5000, compliance_a=1e-4, range_a=1e-4))
    for most_v, most_a in smu.most_by_range_a:
        range_a = smu.ranges_a[-1]
        with pytest.raises(ConfigError, match="compliance_a is"):
            smu.check(SourceSettings(range_v=most_v, compliance_a=most_a * 1.01, range_a=range_a))


@pytest.mark.parametrize("model", MODELS)
def test_every_command_that_the_listing_names_is_understood(model):
    emulated, _ = bench(model)
    for each in changing(type(emulated)):
        for line in each.lines():
            emulated.receive("*RST;*CLS")
            emulated.receive(line)
            assert -113 not in emulated.status.errors, line
            if each.values:
                assert not set(emulated.status.errors) & {-108, -109, -104}, line


# ---------------------------------------------------------------------- what is in no table


UM_TABLES = """
:CALC:MATH:EXPR :CALC:MATH:NAME :CALC:MATH:DEL :CALC:MATH:DEL:ALL :CALC:MATH:UNIT :CALC:STAT
:CALC2:FEED :CALC2:NULL:OFFS :CALC2:NULL:STAT :CALC2:NULL:ACQ
:CALC2:LIM:COMP:FAIL :CALC2:LIM:COMP:SOUR2 :CALC2:LIM:STAT :CALC2:LIM2:UPP :CALC2:LIM2:UPP:SOUR2
:CALC2:LIM2:LOW :CALC2:LIM2:LOW:SOUR2 :CALC2:LIM2:PASS:SOUR2 :CALC2:LIM2:STAT
:CALC2:CLIM:CLE :CALC2:CLIM:CLE:AUTO :CALC2:CLIM:PASS:SOUR2 :CALC2:CLIM:PASS:SML :CALC2:CLIM:FAIL:SOUR2
:CALC2:CLIM:FAIL:SML :CALC2:CLIM:BCON :CALC2:CLIM:MODE :CALC3:FORM
:DISP:ENAB :DISP:CND :DISP:TEXT :DISP:TEXT:STAT :DISP:WIND2:TEXT :DISP:WIND2:TEXT:STAT :DISP:DIG
:FORM:SREG :FORM :FORM:BORD :FORM:ELEM :FORM:ELEM:CALC :FORM:SOUR2
:OUTP :OUTP:ENAB :OUTP:SMOD :ROUT:TERM
:FUNC:CONC :FUNC :FUNC:ALL :FUNC:OFF :FUNC:OFF:ALL
:CURR:RANG :CURR:RANG:AUTO :CURR:RANG:AUTO:LLIM :CURR:RANG:HOLD :CURR:RANG:HOLD:DEL :CURR:NPLC :CURR:PROT
:CURR:PROT:RSYN
:VOLT:RANG :VOLT:RANG:AUTO :VOLT:RANG:AUTO:LLIM :VOLT:NPLC :VOLT:PROT :VOLT:PROT:RSYN
:RES:MODE :RES:OCOM :RES:RANG :RES:RANG:AUTO :RES:RANG:AUTO:ULIM :RES:RANG:AUTO:LLIM :RES:NPLC
:AVER:TCON :AVER:COUN :AVER
:SOUR:CLE :SOUR:CLE:AUTO :SOUR:CLE:AUTO:MODE :SOUR:FUNC :SOUR:DEL :SOUR:DEL:AUTO
:SOUR:CURR:MODE :SOUR:CURR:RANG :SOUR:CURR:RANG:AUTO :SOUR:CURR :SOUR:CURR:TRIG :SOUR:CURR:TRIG:SFAC
:SOUR:CURR:TRIG:SFAC:STAT :SOUR:CURR:STAR :SOUR:CURR:STOP :SOUR:CURR:STEP :SOUR:CURR:SPAN :SOUR:CURR:CENT
:SOUR:VOLT:MODE :SOUR:VOLT:RANG :SOUR:VOLT:RANG:AUTO :SOUR:VOLT :SOUR:VOLT:TRIG :SOUR:VOLT:TRIG:SFAC
:SOUR:VOLT:TRIG:SFAC:STAT :SOUR:VOLT:PROT :SOUR:VOLT:STAR :SOUR:VOLT:STOP :SOUR:VOLT:STEP :SOUR:VOLT:SPAN
:SOUR:VOLT:CENT :SOUR:SOAK
:SOUR:SWE:SPAC :SOUR:SWE:POIN :SOUR:SWE:DIR :SOUR:SWE:RANG :SOUR:SWE:CAB
:SOUR:LIST:CURR :SOUR:LIST:CURR:APP :SOUR:LIST:CURR:STAR :SOUR:LIST:VOLT :SOUR:LIST:VOLT:APP :SOUR:LIST:VOLT:STAR
:SOUR:MEM:SAVE :SOUR:MEM:REC :SOUR:MEM:POIN :SOUR:MEM:STAR
:SOUR2:BSIZ :SOUR2:TTL :SOUR2:TTL4:MODE :SOUR2:TTL4:BST :SOUR2:CLE :SOUR2:CLE:AUTO :SOUR2:CLE:AUTO:DEL
:STAT:MEAS:ENAB :STAT:OPER:ENAB :STAT:QUES:ENAB :STAT:PRES :STAT:QUE:ENAB :STAT:QUE:DIS :STAT:QUE:CLE
:SYST:PRES :SYST:POS :SYST:CCH :SYST:CCH:RES :SYST:CLE :SYST:RSEN :SYST:KEY :SYST:GUAR :SYST:BEEP :SYST:BEEP:STAT
:SYST:AZER :SYST:AZER:CACH :SYST:AZER:CACH:REFR :SYST:AZER:CACH:RES :SYST:LFR :SYST:LFR:AUTO :SYST:TIME:RES
:SYST:TIME:RES:AUTO :SYST:MEM:INIT :SYST:LOC :SYST:RWL :SYST:RCM :SYST:MEP:HOLD
:TRAC:CLE :TRAC:POIN :TRAC:FEED :TRAC:FEED:CONT :TRAC:TST:FORM
:INIT :ABOR :ARM:COUN :ARM:SOUR :ARM:TIM :ARM:DIR :ARM:ILIN :ARM:OLIN :ARM:OUTP
:TRIG:CLE :TRIG:COUN :TRIG:DEL :TRIG:SOUR :TRIG:DIR :TRIG:INP :TRIG:ILIN :TRIG:OLIN :TRIG:OUTP
*CLS *ESE *OPC *RCL *RST *SAV *SRE *TRG *WAI
"""
"""Everything that sets or does something in tables 16-1 and 18-1 to 18-11 of the 2400 Series user's manual, revision K,
but what is of a 2430 alone; of the limits 2, 3 and 5 to 12, which are alike, the first."""
ATTRIBUTES_2450 = """
:OUTP :OUTP:INT:STAT :OUTP:VOLT:SMOD :ROUT:TERM :FORM :FORM:BORD :FORM:ASC:PREC :SYST:LFR
:SOUR:FUNC :SOUR:VOLT :SOUR:VOLT:RANG :SOUR:VOLT:RANG:AUTO :SOUR:VOLT:ILIM :SOUR:VOLT:PROT :SOUR:VOLT:DEL
:SOUR:VOLT:DEL:AUTO :SOUR:VOLT:DEL:USER :SOUR:VOLT:HIGH:CAP :SOUR:VOLT:READ:BACK
:FUNC :COUN :CURR:RANG :CURR:RANG:AUTO :CURR:RANG:AUTO:LLIM :CURR:RANG:AUTO:REB :RES:RANG:AUTO:ULIM :CURR:NPLC
:CURR:AZER :CURR:AVER :CURR:AVER:COUN :CURR:AVER:TCON :CURR:REL :CURR:REL:STAT :CURR:UNIT :CURR:RSEN :CURR:OCOM
:CURR:DEL:USER :DISP:CURR:DIG :CALC:CURR:MATH:STAT :CALC:CURR:MATH:FORM :CALC:CURR:MATH:MMF :CALC:CURR:MATH:MBF
:CALC:CURR:MATH:PERC :CALC2:CURR:LIM:STAT :CALC2:CURR:LIM:UPP :CALC2:CURR:LIM:LOW :CALC2:CURR:LIM:CLE:AUTO
:CALC2:CURR:LIM:AUD :TRAC:FILL:MODE :TRAC:POIN :TRAC:LOG:STAT
:SOUR:CONF:LIST:REC :SENS:CONF:LIST:REC :SOUR:CONF:LIST:STOR *RCL *RST *SAV
"""
"""What stands in SCPI for every attribute of ``smu``, ``format`` and of buffers that the vendor's command reference of
the 2450 lets be written, and what recalls them."""
SCPI_FAMILIES = {
    "keithley2400": "keithley2400",
    "keithley2450": "keithley2450",
    "keysightb2900": "keysightb2902a",
    "keithley7001": "keithley7002",
    "keysight34980a": "keysight34980a",
    "keysightb2200a": "keysightb2201a",
}
"""Tables, and for each a model that it is of."""


def shortened(header, family):
    """A header without channel or slot, and without what may be left out of it."""
    found = re.sub(r"\{n\},?|(?<=SLOT)\d+", "", f":{header}").replace("::", ":").replace(":*", "*").strip()
    if family == "keysightb2900":
        found = re.sub(r"(?<=[A-Z])[12](?=:|$)", "", found).replace(":ALL:", ":").replace(":SHAP", "")
        return found.removeprefix(":SOUR")
    return found.removeprefix(":ROUT").removeprefix(":SENS")


def said_why_not(header, patterns):
    return any(fnmatch(header, each) for words in patterns for each in words.split())


def in_no_table(family, headers):
    module = import_module(f"crossbar_hil.instruments.settings.{family}")
    owned = {shortened(part, family) for each in module.SETTINGS.values() for part in each.command.split(" ")[:1]}
    names = {header: shortened(header, family) for header in headers}
    return [header for header, name in names.items() if name not in owned and not said_why_not(name, module.LEFT_OUT)]


@pytest.mark.fault("V14", "I13")
@pytest.mark.parametrize("family", SCPI_FAMILIES)
def test_all_that_an_emulated_instrument_lets_be_set_is_in_the_table_or_said_why_not(family):
    emulated = load("emulators", SCPI_FAMILIES[family])
    assert in_no_table(family, [each.header for each in changing(emulated)]) == []


@pytest.mark.fault("V14", "I13")
@pytest.mark.parametrize(("family", "headers"), [("keithley2400", UM_TABLES), ("keithley2450", ATTRIBUTES_2450)])
def test_all_that_a_manual_lets_be_set_is_in_the_table_or_said_why_not(family, headers):
    assert in_no_table(family, headers.split()) == []


WORDED = {
    "keithley2400": ["keithley2400"],
    "keithley2450": ["keithley2450", "keithley2470"],
    "keysightb2900": ["keysightb2902a"],
}


@pytest.mark.parametrize("table", WORDED)
def test_every_word_that_a_setting_may_be_is_one_that_an_instrument_of_the_family_knows(table):
    """The emulated ones have their words from the manual, not from the table."""
    emulated = [bench(model)[0] for model in WORDED[table]]

    def knows(instrument, setting, word):
        instrument.receive("*RST;*CLS")
        instrument.receive(f"{setting.command.replace('{n}', '1')} {repr(word) if setting.kind.quoted else word}")
        return not instrument.receive(":SYST:ERR?").startswith((b"-141,", b"-222,", b"-224,"))

    for setting in import_module(f"crossbar_hil.instruments.settings.{table}").SETTINGS.values():
        if isinstance(setting.kind, Words) and setting.settable:
            assert callable(setting.value) or setting.value in (None, *setting.kind.words), setting.name
            for word in setting.kind.words:
                assert any(knows(each, setting, word) for each in emulated), (setting.name, word)
