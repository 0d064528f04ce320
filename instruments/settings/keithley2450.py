"""Settings of the Keithley 2450 family.

Pages and subsystems are those of chapter 6, SCPI command reference, of the Model 2450 reference manual, revision B;
chapter 12 of the Model 2470 reference manual has the same.
"""

from .setting import (
    SHORTEST_READING_NPLC,
    Action,
    Asked,
    Chosen,
    Number,
    Setting,
    SettingTable,
    Switch,
    Words,
    full_scale,
)

PROTECTIONS_V = (2, 5, 10, 20, 40, 60, 80, 100, 120, 140, 160, 180, 200, 300, 400, 500)
"""Over-voltage limits; each model has some of them (smu.source.protect.level)."""
SETTLE_S = 1e-3
"""Source delay of a reading outside pulses."""


def protection(chosen: Chosen) -> str:
    """Return the smallest over-voltage limit that lets the whole source range out; 20 and 40 V are on every model."""
    return "PROT20" if chosen.range_v <= 10 else "PROT40" if chosen.range_v <= 20 else "NONE"


BATCH, ONCE = Asked.BATCH, Asked.SET_UP
SETTINGS = SettingTable(
    Setting("output_enabled", ":OUTP", "whether the output is on", Switch(), "6-34", False),
    Setting("interlock_enabled", ":OUTP:INT:STAT", "whether the interlock is needed for the output at all", Switch(),
            "6, OUTPut subsystem", None, BATCH),
    Setting("source_mode", ":SOUR:FUNC", "what is sourced", Words(("VOLT", "CURR")), "6-72", "VOLT"),
    Setting("terminals", ":ROUT:TERM", "which terminals are connected", Words(("FRON", "REAR")),
            "6, ROUTe subsystem"),
    Setting("source_voltage_range", ":SOUR:VOLT:RANG", "the source range in volts, which is fixed by it",
            Number(0, 1000), "6-74", lambda chosen: chosen.range_v,
            reads_back=lambda chosen: full_scale(chosen.range_v)),
    Setting("source_voltage_range_auto_enabled", ":SOUR:VOLT:RANG:AUTO", "whether the source range follows the level",
            Switch(), "6, SOURce subsystem", False),
    Setting("source_voltage", ":SOUR:VOLT", "the sourced voltage in volts", Number(-1100, 1100),
            "6, SOURce subsystem", 0.0),
    Setting("source_voltage_protection", ":SOUR:VOLT:PROT", "the voltage that the output never exceeds",
            Words((*(f"PROT{volt}" for volt in PROTECTIONS_V), "NONE")), "6-73", protection),
    Setting("high_capacitance", ":SOUR:VOLT:HIGH:CAP", "whether the output is slowed down for capacitive loads",
            Switch(), "6, SOURce subsystem", False),
    Setting("output_off_state", ":OUTP:VOLT:SMOD", "what the output does while off",
            Words(("HIMP", "NORM", "ZERO", "GUAR")), "6, OUTPut subsystem", "NORM"),
    Setting("compliance_current", ":SOUR:VOLT:ILIM", "the current limit in amperes", Number(1e-9, 7.35),
            "6, SOURce subsystem", lambda chosen: chosen.settings.compliance_a),
    Setting("measured", ":SENS:FUNC", "what is measured", Words(("CURR", "VOLT", "RES"), quoted=True),
            "6, SENSe1 subsystem", "CURR"),
    Setting("remote_sense", ":SENS:CURR:RSEN", "whether the voltage is sensed by wires of its own", Switch(),
            "6, SENSe1 subsystem", False),
    Setting("current_range", ":SENS:CURR:RANG", "the measure range in amperes, which is fixed by it", Number(0, 7.35),
            "6, SENSe1 subsystem", lambda chosen: chosen.range_a, reads_back=lambda chosen: full_scale(chosen.range_a)),
    Setting("current_range_auto_enabled", ":SENS:CURR:RANG:AUTO", "whether the measure range follows the current",
            Switch(), "6-50", False),
    # Zero and reference are kept for each integration time, and are taken for the present one (smu.measure.autozero).
    Setting("autozero_of_pulses", f":SENS:CURR:NPLC {SHORTEST_READING_NPLC};:SENS:AZER:ONCE", "", Action(),
            "6, SENSe1 subsystem", asked=Asked.NEVER),
    Setting("current_nplc", ":SENS:CURR:NPLC", "the integration time in power-line cycles", Number(0.01, 10),
            "6, SENSe1 subsystem", lambda chosen: chosen.settings.nplc),
    Setting("autozero_now", ":SENS:AZER:ONCE", "", Action(), "6, SENSe1 subsystem", asked=Asked.NEVER),
    Setting("autozero", ":SENS:CURR:AZER", "whether zero and reference are measured with each reading", Switch(),
            "6, SENSe1 subsystem", False),
    Setting("filter_enabled", ":SENS:CURR:AVER", "whether readings are averaged", Switch(), "6, SENSe1 subsystem",
            False),
    Setting("filter_type", ":SENS:CURR:AVER:TCON", "whether an average repeats or moves", Words(("REP", "MOV")),
            "6, SENSe1 subsystem", "REP", ONCE),
    Setting("filter_count", ":SENS:CURR:AVER:COUN", "how many readings are averaged", Number(1, 100, whole=True),
            "6, SENSe1 subsystem", 1, ONCE),
    Setting("relative_offset", ":SENS:CURR:REL", "the offset that is taken off readings, in amperes",
            Number(-7.35, 7.35), "6-55", 0.0, ONCE),
    Setting("relative_enabled", ":SENS:CURR:REL:STAT", "whether an offset is taken off readings", Switch(), "6-57",
            False),
    Setting("math_enabled", ":CALC:CURR:MATH:STAT", "whether readings are calculated with", Switch(),
            "6, CALCulate1 subsystem", False),
    Setting("reading_unit", ":SENS:CURR:UNIT", "the unit of readings", Words(("AMP", "OHM", "WATT")),
            "6, SENSe1 subsystem", "AMP"),
    Setting("readings", ":SENS:COUN", "how many readings are taken at a time", Number(1, 300_000, whole=True),
            "6, SENSe1 subsystem", 1),
    Setting("source_read_back", ":SOUR:VOLT:READ:BACK", "whether the sourced voltage is measured, which takes time",
            Switch(), "6, SOURce subsystem", False),
    Setting("source_delay", ":SOUR:VOLT:DEL", "the time from a source level to its reading in seconds",
            Number(0, 10_000), "6-66", SETTLE_S),
    Setting("source_delay_auto_enabled", ":SOUR:VOLT:DEL:AUTO", "whether the source delay follows the ranges",
            Switch(), "6-67", False),
    Setting("line_frequency", ":SYST:LFR", "the power-line frequency in hertz, which times the integration",
            Number(50, 60, whole=True), "6, SYSTem subsystem", None, BATCH, settable=False),
    Setting("buffer_fill_mode", ":TRAC:FILL:MODE", "whether a full buffer drops its oldest readings",
            Words(("CONT", "ONCE")), "6, TRACe subsystem", "CONT", BATCH),
    Setting("data_format", ":FORM", "how readings are written", Words(("ASC", "REAL", "SRE")), "6-30", "ASC"),
    Setting("byte_order", ":FORM:BORD", "the order of the bytes of a binary reading", Words(("NORM", "SWAP")),
            "6, FORMat subsystem", "SWAP", ONCE),
    Setting("precision", ":FORM:ASC:PREC", "in how many digits readings are written; 0 is as many as there are",
            Number(0, 16, whole=True), "6, FORMat subsystem", 0, BATCH),
)  # fmt: skip

LEFT_OUT = {
    "*RST *RCL :*CONF:LIST:REC :TRIG:BLOC:CONF:*": "what they change of a cell or a reading is in the table",
    "*SAV :SYST:POS :*CONF:LIST:*": "what is kept for another day",
    "*LANG": "acts when the power comes; the command set is asked for at set-up",
    ":SOUR:CURR :SOUR:CURR:* :SOUR:LIST:CURR* :OUTP:CURR:SMOD": "of a current source, which :SOUR:FUNC excludes",
    ":OUTP:SMOD": "the same setting as :OUTP:VOLT:SMOD",
    ":SOUR:SWE:* :SOUR:LIST:VOLT* :SOUR:PULS:* :TRIG:*": (
        "a trigger model comes with the message that starts it, and an empty one is left"
    ),
    ":INIT :ABOR *TRG": "there is no trigger model to start but while pulses are sent",
    ":SOUR:VOLT:RANG:AUTO:LLIM :CURR:RANG:AUTO:*": "of automatic ranges, which are told",
    ":*:DEL:USER :SOUR:VOLT:DEL:USER": "of blocks that are not used",
    ":VOLT :VOLT:* :RES:* :CALC:VOLT:* :CALC:RES:*": "of functions that are not measured, which :SENS:FUNC excludes",
    ":CURR:OCOM": "of resistance, which is not measured",
    ":CURR:REL:ACQ :CALC:CURR:MATH:*": "of offsets and calculations, which are told",
    ":CALC2:*": "limit tests change no reading",
    ":TRAC:CLE :TRAC:DEL :TRAC:MAKE :TRAC:POIN :TRAC:TRIG :TRAC:LOG*": (
        "of buffers; those that are read are cleared when pulses or a reading start"
    ),
    ":DIG:*": "digital lines are another connector",
    ":DISP:* :SYST:* :STAT:* *CLS *ESE *SRE *OPC *WAI": "no cell and no reading can tell",
}
"""Patterns of what else can be set and is not in the table, and why."""
