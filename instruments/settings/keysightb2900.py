"""Settings of the Keysight B2900 family: of each channel, whose number stands for ``{n}``, and of the whole box.

A page is one of the B2900 SCPI command reference, edition 2 (such as 4-91), or of the B2900 user's guide, edition 5
unless it says otherwise; of a page that was not at hand the name under which the command stands in chapter 4 of the
reference. Every command is one of public programs too. A pulse is loaded by a message that writes again all that has
to do with triggers; so that is asked for before a batch, and not before each pulse.
"""

from collections.abc import Iterator
from dataclasses import replace

from .setting import Action, Asked, Number, Setting, SettingTable, Switch, Words, full_scale

SHORTEST_PULSE_S = 50e-6
LONGEST_S = 1e5
"""B2900 user's guide, page 6-7, and its specifications of timers."""
TIME_CONSTANT_S = 5e-6
"""Time constant of the output filter, its shortest: a tenth of the shortest pulse."""

BATCH, ONCE = Asked.BATCH, Asked.SET_UP


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
                asked=BATCH,
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
    Setting("output_enabled", ":OUTP{n}", "whether the output is on", Switch(), ":OUTPut[:STATe]", False),
    Setting("output_on_automatic", ":OUTP{n}:ON:AUTO",
            "whether the output goes on by itself when a measurement is triggered", Switch(), ":OUTPut:ON:AUTO", False,
            BATCH),
    Setting("output_off_automatic", ":OUTP{n}:OFF:AUTO", "whether the output goes off by itself after a measurement",
            Switch(), ":OUTPut:OFF:AUTO", False),
    Setting("output_off_state", ":OUTP{n}:OFF:MODE", "what the output does while off", Words(("NORM", "HIZ", "ZERO")),
            ":OUTPut:OFF:MODE; user's guide (edition 2) 6-13", "NORM", BATCH),
    Setting("output_low", ":OUTP{n}:LOW", "whether the low terminal is on the chassis or floats", Words(("GRO", "FLO")),
            ":OUTPut:LOW", "GRO"),
    Setting("high_capacitance_enabled", ":OUTP{n}:HCAP", "whether the output is made slow for a large capacitance",
            Switch(), ":OUTPut:HCAPacitance; user's guide (edition 2) 2-25", False),
    Setting("output_protection_enabled", ":OUTP{n}:PROT", "whether the output goes off at the current limit", Switch(),
            ":OUTPut:PROTection", False),
    Setting("output_filter_enabled", ":OUTP{n}:FILT", "whether the edges of the output are rounded", Switch(),
            ":OUTPut:FILTer", True),
    Setting("output_filter_automatic", ":OUTP{n}:FILT:AUTO", "whether the output filter chooses its time constant",
            Switch(), ":OUTPut:FILTer:AUTO", False),
    Setting("output_filter_time_constant", ":OUTP{n}:FILT:TCON", "the time constant of the output filter in seconds",
            Number(TIME_CONSTANT_S, 5e-3), ":OUTPut:FILTer:TCONstant", TIME_CONSTANT_S),
    Setting("source_mode", ":SOUR{n}:FUNC:MODE", "what is sourced", Words(("VOLT", "CURR")), ":SOURce:FUNCtion:MODE",
            "VOLT"),
    Setting("source_voltage_mode", ":SOUR{n}:VOLT:MODE", "whether one level, a sweep or a list is sourced",
            Words(("FIX", "SWE", "LIST")), ":SOURce:VOLTage:MODE", "FIX"),
    Setting("shape", ":SOUR{n}:FUNC:SHAP", "the shape of the output", Words(("DC", "PULS")), ":SOURce:FUNCtion:SHAPe",
            "DC"),
    Setting("end_value_kept", ":SOUR{n}:FUNC:TRIG:CONT", "whether the output stays at the last level of a sweep",
            Switch(), ":SOURce:FUNCtion:TRIGgered:CONTinuous; user's guide 4-29", False, BATCH),
    Setting("sweep_ranging", ":SOUR{n}:SWE:RANG", "whether the source range follows a sweep",
            Words(("FIX", "BEST", "AUTO")), ":SOURce:SWEep:RANGing; user's guide 4-29", "FIX", BATCH),
    Setting("source_voltage", ":SOUR{n}:VOLT", "the sourced voltage, the base of a pulse, in volts", Number(-210, 210),
            "4-93", 0.0),
    Setting("triggered_voltage", ":SOUR{n}:VOLT:TRIG", "the peak of a pulse in volts", Number(-210, 210), "4-93", 0.0,
            BATCH),
    Setting("source_voltage_range_automatic", ":SOUR{n}:VOLT:RANG:AUTO", "whether the source range follows the level",
            Switch(), "4-96", False),
    Setting("source_voltage_range", ":SOUR{n}:VOLT:RANG", "the source range in volts, which is fixed by it",
            Number(0, 200), "4-96", lambda chosen: chosen.range_v,
            reads_back=lambda chosen: full_scale(chosen.range_v)),
    Setting("pulse_delay", ":SOUR{n}:PULS:DEL", "the delay before a pulse in seconds", Number(0, LONGEST_S),
            ":SOURce:PULSe:DELay; user's guide 6-7", 0.0, BATCH),
    Setting("pulse_width", ":SOUR{n}:PULS:WIDT", "the width of a pulse in seconds", Number(SHORTEST_PULSE_S, LONGEST_S),
            ":SOURce:PULSe:WIDTh; user's guide 6-7", SHORTEST_PULSE_S, ONCE),
    Setting("source_wait_enabled", ":SOUR{n}:WAIT",
            "whether the source keeps a level, and the base after a pulse, for a time", Switch(), "2-14", False, BATCH),
    Setting("remote_sense_enabled", ":SENS{n}:REM",
            "whether the sense terminals regulate the output (four wires): open ones let it run away", Switch(),
            ":SENSe:REMote; user's guide (edition 2) 3-11", False),
    Setting("measure_wait_enabled", ":SENS{n}:WAIT", "whether a measurement waits for a time after a level or a pulse",
            Switch(), "4-91", False, BATCH),
    Setting("compliance_current", ":SENS{n}:CURR:PROT", "the current limit in amperes, of both signs", Number(0, 3.03),
            ":SENSe:CURRent:PROTection", lambda chosen: chosen.settings.compliance_a, query=":SENS{n}:CURR:PROT:POS?"),
    Setting("compliance_current_negative", ":SENS{n}:CURR:PROT:NEG",
            "the limit of negative currents in amperes, without its sign", Number(0, 3.03), ":SENSe:CURRent:PROTection",
            lambda chosen: chosen.settings.compliance_a),
    Setting("measure_nothing", ":SENS{n}:FUNC:OFF:ALL", "", Action(), ":SENSe:FUNCtion:OFF:ALL", asked=Asked.NEVER),
    Setting("measured", ":SENS{n}:FUNC", "what is measured", Words(("CURR", "VOLT", "RES"), quoted=True),
            ":SENSe:FUNCtion", "CURR"),
    Setting("resistance_mode", ":SENS{n}:RES:MODE",
            "whether a measurement of resistance sources a current of its own choice", Words(("MAN", "AUTO")),
            ":SENSe:RESistance:MODE; 2-28", "MAN"),
    Setting("offset_compensation_enabled", ":SENS{n}:RES:OCOM", "whether a resistance is measured at two levels",
            Switch(), ":SENSe:RESistance:OCOMpensated", False, BATCH),
    Setting("current_range_automatic", ":SENS{n}:CURR:RANG:AUTO", "whether the measure range follows the current",
            Switch(), "4-77", False),
    Setting("current_range", ":SENS{n}:CURR:RANG", "the measure range in amperes, which is fixed by it", Number(0, 3),
            ":SENSe:CURRent:RANGe; user's guide 2-14", lambda chosen: chosen.range_a,
            reads_back=lambda chosen: full_scale(chosen.range_a)),
    Setting("current_aperture_automatic", ":SENS{n}:CURR:APER:AUTO", "whether the integration time follows the range",
            Switch(), "4-73", False, BATCH),
    Setting("current_nplc", ":SENS{n}:CURR:NPLC", "the integration time in power-line cycles", Number(5e-4, 100),
            ":SENSe:CURRent:NPLCycles; 4-73", lambda chosen: chosen.settings.nplc, BATCH),
    *_layers(),
    Setting("trigger_interval", ":TRIG{n}:ALL:TIM",
            "the time from one trigger to the next in seconds, if the source of triggers is TIM",
            Number(2e-5, LONGEST_S), ":TRIGger:TIMer", 1e-3, ONCE, query=":TRIG{n}:TRAN:TIM?"),
    Setting("maths_enabled", ":CALC{n}:MATH:STAT", "whether readings are calculated with", Switch(),
            ":CALCulate:MATH:STATe", False, BATCH),
    Setting("limit_test_enabled", ":CALC{n}:CLIM:STAT", "whether readings are compared with limits", Switch(),
            ":CALCulate:CLIMits:STATe", False, BATCH),
    Setting("trace_control", ":TRAC{n}:FEED:CONT", "whether readings go into the trace buffer too",
            Words(("NEV", "NEXT")), "4-147", "NEV", BATCH),
    Setting("data_format", ":FORM", "whether readings are text or binary", Words(("ASC", "REAL,32", "REAL,64")), "4-34",
            "ASC"),
    Setting("byte_order", ":FORM:BORD", "the order of the bytes of binary readings", Words(("NORM", "SWAP")),
            ":FORMat:BORDer; user's guide (edition 2) 4-44", "NORM", BATCH),
    Setting("elements", ":FORM:ELEM:SENS", "what an answer with readings holds", Words(("CURR",)),
            ":FORMat:ELEMents:SENSe", "CURR"),
    Setting("line_frequency", ":SYST:LFR",
            "the frequency of the mains in hertz, by which power-line cycles are counted", Number(50, 60, whole=True),
            ":SYSTem:LFRequency", None, BATCH, settable=False),
    Setting("channel_group", ":SYST:GRO", "which channels are started together; there is no group after set-up",
            Words(()), "1-8", settable=False),
)  # fmt: skip
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
