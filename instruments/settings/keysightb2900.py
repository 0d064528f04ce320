"""Settings of the Keysight B2900 family: of each channel, whose number stands for ``{n}``, and of the whole box.

A page is one of the B2900 SCPI command reference, edition 2 (such as 4-91), or of the B2900 user's guide, edition 5
unless it says otherwise; of a page that was not at hand the name under which the command stands in chapter 4 of the
reference. Every command is one of public programs too. A pulse is loaded by a message that writes again all that has
to do with triggers; so that is asked for before a batch, and not before each pulse.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from .setting import Action, Asked, Number, Setting, SettingTable, Switch, Words, full_scale

SHORTEST_PULSE_S = 50e-6
LONGEST_S = 1e5
"""B2900 user's guide, page 6-7, and its specifications of timers."""
TIME_CONSTANT_S = 5e-6
"""Time constant of the output filter, its shortest: a tenth of the shortest pulse."""

_switch = partial(Setting, kind=Switch(), value=False)
_before_batch = partial(_switch, asked=Asked.BATCH)


def _layers() -> Iterator[Setting]:
    """Return count, delay and source of the arm and of the trigger layer; both actions are set by one command.

    They are asked for one by one, because no page says what a question for both would answer.
    """
    arm, trigger = ("ARM", "arm", "before the first of a train of pulses"), ("TRIG", "trigger", "before each pulse")
    for header, layer, when in (arm, trigger):
        for node, what, does, kind, value in (
            ("COUN", "count", "how often the {} layer is passed", Number(1, 100_000, whole=True), 1.0),
            ("DEL", "delay", f"the delay {when}, in seconds", Number(0, LONGEST_S), 0.0),
            ("SOUR", "source", "what passes the {} layer on", Words(("AINT", "BUS", "TIM")), "AINT"),
        ):
            both = Setting(
                name=f"{layer}_{what}",
                command=f":{header}{{n}}:ALL:{node}",
                query=f":{header}{{n}}:TRAN:{node}?",
                does=f"{does.format(layer)}, of the source and of the measurement",
                kind=kind,
                value=value,
                page=f":{'TRIGger' if header == 'TRIG' else 'ARM'}; user's guide 6-27",
                asked=Asked.BATCH,
            )
            yield both
            yield replace(
                both,
                name=f"{layer}_{what}_of_measurement",
                command=f":{header}{{n}}:ACQ:{node}",
                query="",
                does=f"{does.format(layer)}, of the measurement",
            )


SETTINGS = SettingTable(
    _switch(name="output_enabled", command=":OUTP{n}", does="whether the output is on", page=":OUTPut[:STATe]"),
    _before_batch(
        name="output_on_automatic",
        command=":OUTP{n}:ON:AUTO",
        does="whether the output goes on by itself when a measurement is triggered",
        page=":OUTPut:ON:AUTO",
    ),
    _switch(
        name="output_off_automatic",
        command=":OUTP{n}:OFF:AUTO",
        does="whether the output goes off by itself after a measurement",
        page=":OUTPut:OFF:AUTO",
    ),
    Setting(
        name="output_off_state",
        command=":OUTP{n}:OFF:MODE",
        does="what the output does while off",
        kind=Words(("NORM", "HIZ", "ZERO")),
        value="NORM",
        page=":OUTPut:OFF:MODE; user's guide (edition 2) 6-13",
        asked=Asked.BATCH,
    ),
    Setting(
        name="output_low",
        command=":OUTP{n}:LOW",
        does="whether the low terminal is on the chassis or floats",
        kind=Words(("GRO", "FLO")),
        value="GRO",
        page=":OUTPut:LOW",
    ),
    _switch(
        name="high_capacitance_enabled",
        command=":OUTP{n}:HCAP",
        does="whether the output is made slow for a large capacitance",
        page=":OUTPut:HCAPacitance; user's guide (edition 2) 2-25",
    ),
    _switch(
        name="output_protection_enabled",
        command=":OUTP{n}:PROT",
        does="whether the output goes off at the current limit",
        page=":OUTPut:PROTection",
    ),
    _switch(
        name="output_filter_enabled",
        command=":OUTP{n}:FILT",
        does="whether the edges of the output are rounded",
        value=True,
        page=":OUTPut:FILTer",
    ),
    _switch(
        name="output_filter_automatic",
        command=":OUTP{n}:FILT:AUTO",
        does="whether the output filter chooses its time constant",
        page=":OUTPut:FILTer:AUTO",
    ),
    Setting(
        name="output_filter_time_constant",
        command=":OUTP{n}:FILT:TCON",
        does="the time constant of the output filter in seconds",
        kind=Number(TIME_CONSTANT_S, 5e-3),
        value=TIME_CONSTANT_S,
        page=":OUTPut:FILTer:TCONstant",
    ),
    Setting(
        name="source_mode",
        command=":SOUR{n}:FUNC:MODE",
        does="what is sourced",
        kind=Words(("VOLT", "CURR")),
        value="VOLT",
        page=":SOURce:FUNCtion:MODE",
    ),
    Setting(
        name="source_voltage_mode",
        command=":SOUR{n}:VOLT:MODE",
        does="whether one level, a sweep or a list is sourced",
        kind=Words(("FIX", "SWE", "LIST")),
        value="FIX",
        page=":SOURce:VOLTage:MODE",
    ),
    Setting(
        name="shape",
        command=":SOUR{n}:FUNC:SHAP",
        does="the shape of the output",
        kind=Words(("DC", "PULS")),
        value="DC",
        page=":SOURce:FUNCtion:SHAPe",
    ),
    _before_batch(
        name="end_value_kept",
        command=":SOUR{n}:FUNC:TRIG:CONT",
        does="whether the output stays at the last level of a sweep",
        page=":SOURce:FUNCtion:TRIGgered:CONTinuous; user's guide 4-29",
    ),
    Setting(
        name="sweep_ranging",
        command=":SOUR{n}:SWE:RANG",
        does="whether the source range follows a sweep",
        kind=Words(("FIX", "BEST", "AUTO")),
        value="FIX",
        page=":SOURce:SWEep:RANGing; user's guide 4-29",
        asked=Asked.BATCH,
    ),
    Setting(
        name="source_voltage",
        command=":SOUR{n}:VOLT",
        does="the sourced voltage, the base of a pulse, in volts",
        kind=Number(-210, 210),
        value=0.0,
        page="4-93",
    ),
    Setting(
        name="triggered_voltage",
        command=":SOUR{n}:VOLT:TRIG",
        does="the peak of a pulse in volts",
        kind=Number(-210, 210),
        value=0.0,
        page="4-93",
        asked=Asked.BATCH,
    ),
    _switch(
        name="source_voltage_range_automatic",
        command=":SOUR{n}:VOLT:RANG:AUTO",
        does="whether the source range follows the level",
        page="4-96",
    ),
    Setting(
        name="source_voltage_range",
        command=":SOUR{n}:VOLT:RANG",
        does="the source range in volts, which is fixed by it",
        kind=Number(0, 200),
        value=lambda chosen: chosen.range_v,
        reads_back=lambda chosen: full_scale(chosen.range_v),
        page="4-96",
    ),
    Setting(
        name="pulse_delay",
        command=":SOUR{n}:PULS:DEL",
        does="the delay before a pulse in seconds",
        kind=Number(0, LONGEST_S),
        value=0.0,
        page=":SOURce:PULSe:DELay; user's guide 6-7",
        asked=Asked.BATCH,
    ),
    Setting(
        name="pulse_width",
        command=":SOUR{n}:PULS:WIDT",
        does="the width of a pulse in seconds",
        kind=Number(SHORTEST_PULSE_S, LONGEST_S),
        value=SHORTEST_PULSE_S,
        page=":SOURce:PULSe:WIDTh; user's guide 6-7",
        asked=Asked.SET_UP,
    ),
    _before_batch(
        name="source_wait_enabled",
        command=":SOUR{n}:WAIT",
        does="whether the source keeps a level, and the base after a pulse, for a time",
        page="2-14",
    ),
    _switch(
        name="remote_sense_enabled",
        command=":SENS{n}:REM",
        does="whether the sense terminals regulate the output (four wires): open ones let it run away",
        page=":SENSe:REMote; user's guide (edition 2) 3-11",
    ),
    _before_batch(
        name="measure_wait_enabled",
        command=":SENS{n}:WAIT",
        does="whether a measurement waits for a time after a level or a pulse",
        page="4-91",
    ),
    Setting(
        name="compliance_current",
        command=":SENS{n}:CURR:PROT",
        query=":SENS{n}:CURR:PROT:POS?",
        does="the current limit in amperes, of both signs",
        kind=Number(0, 3.03),
        value=lambda chosen: chosen.settings.compliance_a,
        page=":SENSe:CURRent:PROTection",
    ),
    Setting(
        name="compliance_current_negative",
        command=":SENS{n}:CURR:PROT:NEG",
        does="the limit of negative currents in amperes, without its sign",
        kind=Number(0, 3.03),
        value=lambda chosen: chosen.settings.compliance_a,
        page=":SENSe:CURRent:PROTection",
    ),
    Setting(
        name="measure_nothing",
        command=":SENS{n}:FUNC:OFF:ALL",
        does="",
        kind=Action(),
        page=":SENSe:FUNCtion:OFF:ALL",
        asked=Asked.NEVER,
    ),
    Setting(
        name="measured",
        command=":SENS{n}:FUNC",
        does="what is measured",
        kind=Words(("CURR", "VOLT", "RES"), quoted=True),
        value="CURR",
        page=":SENSe:FUNCtion",
    ),
    Setting(
        name="resistance_mode",
        command=":SENS{n}:RES:MODE",
        does="whether a measurement of resistance sources a current of its own choice",
        kind=Words(("MAN", "AUTO")),
        value="MAN",
        page=":SENSe:RESistance:MODE; 2-28",
    ),
    _before_batch(
        name="offset_compensation_enabled",
        command=":SENS{n}:RES:OCOM",
        does="whether a resistance is measured at two levels",
        page=":SENSe:RESistance:OCOMpensated",
    ),
    _switch(
        name="current_range_automatic",
        command=":SENS{n}:CURR:RANG:AUTO",
        does="whether the measure range follows the current",
        page="4-77",
    ),
    Setting(
        name="current_range",
        command=":SENS{n}:CURR:RANG",
        does="the measure range in amperes, which is fixed by it",
        kind=Number(0, 3),
        value=lambda chosen: chosen.range_a,
        reads_back=lambda chosen: full_scale(chosen.range_a),
        page=":SENSe:CURRent:RANGe; user's guide 2-14",
    ),
    _before_batch(
        name="current_aperture_automatic",
        command=":SENS{n}:CURR:APER:AUTO",
        does="whether the integration time follows the range",
        page="4-73",
    ),
    Setting(
        name="current_nplc",
        command=":SENS{n}:CURR:NPLC",
        does="the integration time in power-line cycles",
        kind=Number(5e-4, 100),
        value=lambda chosen: chosen.settings.nplc,
        page=":SENSe:CURRent:NPLCycles; 4-73",
        asked=Asked.BATCH,
    ),
    *_layers(),
    Setting(
        name="trigger_interval",
        command=":TRIG{n}:ALL:TIM",
        query=":TRIG{n}:TRAN:TIM?",
        does="the time from one trigger to the next in seconds, if the source of triggers is TIM",
        kind=Number(2e-5, LONGEST_S),
        value=1e-3,
        page=":TRIGger:TIMer",
        asked=Asked.SET_UP,
    ),
    _before_batch(
        name="maths_enabled",
        command=":CALC{n}:MATH:STAT",
        does="whether readings are calculated with",
        page=":CALCulate:MATH:STATe",
    ),
    _before_batch(
        name="limit_test_enabled",
        command=":CALC{n}:CLIM:STAT",
        does="whether readings are compared with limits",
        page=":CALCulate:CLIMits:STATe",
    ),
    Setting(
        name="trace_control",
        command=":TRAC{n}:FEED:CONT",
        does="whether readings go into the trace buffer too",
        kind=Words(("NEV", "NEXT")),
        value="NEV",
        page="4-147",
        asked=Asked.BATCH,
    ),
    Setting(
        name="data_format",
        command=":FORM",
        does="whether readings are text or binary",
        kind=Words(("ASC", "REAL,32", "REAL,64")),
        value="ASC",
        page="4-34",
    ),
    Setting(
        name="byte_order",
        command=":FORM:BORD",
        does="the order of the bytes of binary readings",
        kind=Words(("NORM", "SWAP")),
        value="NORM",
        page=":FORMat:BORDer; user's guide (edition 2) 4-44",
        asked=Asked.BATCH,
    ),
    Setting(
        name="elements",
        command=":FORM:ELEM:SENS",
        does="what an answer with readings holds",
        kind=Words(("CURR",)),
        value="CURR",
        page=":FORMat:ELEMents:SENSe",
    ),
    Setting(
        name="line_frequency",
        command=":SYST:LFR",
        does="the frequency of the mains in hertz, by which power-line cycles are counted",
        kind=Number(50, 60, whole=True),
        page=":SYSTem:LFRequency",
        settable=False,
        asked=Asked.BATCH,
    ),
    Setting(
        name="channel_group",
        command=":SYST:GRO",
        does="which channels are started together; there is no group after set-up",
        kind=Words(()),
        page="1-8",
        settable=False,
    ),
)
"""In the order in which they are written: a current limit before the measure range, which may not be above it."""

LEFT_OUT = {
    "*RST *RCL :SYST:PRES": "what they change of a cell or a reading is in the table",
    "*SAV": "what is kept for another day",
    ":CURR :CURR:* :LIST:CURR*": "of a current source, which the source function excludes",
    ":VOLT:STAR :VOLT:STOP :VOLT:STEP :VOLT:POIN :SWE:* :LIST:VOLT*": (
        "of sweeps and lists, which the mode of the source excludes"
    ),
    ":VOLT:RANG:AUTO:LLIM :SENS:CURR:RANG:AUTO:*": "of automatic ranges, which are told",
    ":WAIT:* :SENS:WAIT:*": "of waits, which are off, and that is told",
    ":OUTP:FILT:FREQ": "the same setting as the time constant of the filter",
    ":SENS:CURR:APER :SENS:CURR:NPLC:AUTO :SENS:VOLT:APER* :SENS:VOLT:NPLC* :SENS:RES:APER* :SENS:RES:NPLC*": (
        "one integration time for all, asked for in power-line cycles of the current"
    ),
    ":SENS:CURR:PROT:POS": "asked for as the limit of both signs",
    ":SENS:VOLT:PROT* :SENS:VOLT:RANG* :SENS:RES:RANG*": "no voltage and no resistance is measured",
    ":SENS:FUNC:OFF :SENS:FUNC:ALL": "what is measured is told",
    ":TRIG:TRAN:* :ARM:TRAN:COUN :ARM:TRAN:DEL :ARM:TRAN:SOUR": "set with both actions, and asked for of this one",
    ":TRIG:ACQ:TIM :ARM:TIM :ARM:TRAN:TIM :ARM:ACQ:TIM": "of timers, which the sources of the layers exclude",
    ":INIT* :ABOR* :TRIG :ARM :TRIG:TRAN :TRIG:ACQ :ARM:TRAN :ARM:ACQ *TRG": (
        "a start sends the levels that are set, and those are in the table"
    ),
    ":SYST:GRO:RES": "ends a group, as set-up does",
    ":SYST:TIME:*": "the clock of readings, which only `commission` asks",
    ":DISP:* :SYST:BEEP* :SYST:LOC :SYST:REM :SYST:RWL :SYST:ERR:CLE :STAT:* *CLS *ESE *SRE *OPC *WAI": (
        "no cell and no reading can tell"
    ),
}
"""Patterns of what else can be set and is not in the table, and why; ``:SOUR`` is left out, as it may be."""
