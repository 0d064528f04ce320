"""Settings of the Keithley 2400 family.

Pages are those of the 2400 Series user's manual, revision K. Settings that act only while another one is on, which is
asked for more often, are read back once.
"""

from .setting import Action, Asked, Chosen, Number, Setting, SettingTable, Switch, Words, full_scale

ELEMENTS = "VOLT,CURR,STAT"
"""What a record of a reading holds, in the order of Figure 18-1; the voltage is not measured, so not looked at."""
SETTLE_S = 1e-3
"""Source delay of a reading outside pulses, as after reset (page 1-18)."""


def protection_v(chosen: Chosen) -> float:
    """Return the smallest over-voltage limit that lets the whole source range out (page 18-79); 210 and up is none."""
    return next(
        limit for most, limit in ((2, 20.0), (20, 40.0), (200, 210.0), (1000, 1100.0)) if chosen.range_v <= most
    )


BATCH, ONCE = Asked.BATCH, Asked.SET_UP
SETTINGS = SettingTable(
    Setting("output_enabled", ":OUTP", "whether the output is on", Switch(), "18-55", False),
    Setting("storing", ":TRAC:FEED:CONT", "whether readings go into the buffer, which bars other settings",
            Words(("NEXT", "NEV")), "18-115", "NEV", BATCH),
    Setting("source_mode", ":SOUR:FUNC", "what is sourced", Words(("VOLT", "CURR", "MEM")), "18-73", "VOLT"),
    Setting("source_voltage_mode", ":SOUR:VOLT:MODE", "whether one level, a sweep or a list is sourced",
            Words(("FIX", "LIST", "SWE")), "18-73", "FIX"),
    Setting("terminals", ":ROUT:TERM", "which terminals are connected", Words(("FRON", "REAR")), "18-57"),
    Setting("source_voltage_range", ":SOUR:VOLT:RANG", "the source range in volts, which is fixed by it",
            Number(0, 1100), "18-74", lambda chosen: chosen.range_v,
            reads_back=lambda chosen: full_scale(chosen.range_v)),
    Setting("source_voltage_range_auto_enabled", ":SOUR:VOLT:RANG:AUTO", "whether the source range follows the level",
            Switch(), "18-76", False),
    Setting("source_voltage", ":SOUR:VOLT", "the sourced voltage in volts", Number(-1100, 1100), "18-77", 0.0),
    Setting("triggered_voltage", ":SOUR:VOLT:TRIG", "the voltage that the next trigger brings, in volts",
            Number(-1100, 1100), "18-78", 0.0),
    Setting("source_voltage_protection", ":SOUR:VOLT:PROT", "the voltage that the output never exceeds, in volts",
            Number(0, 1100), "18-79", protection_v),
    Setting("sweep_range_mode", ":SOUR:SWE:RANG", "whether a list changes the source range",
            Words(("BEST", "AUTO", "FIX")), "18-83", "FIX"),
    Setting("sweep_direction", ":SOUR:SWE:DIR", "from which end a list is sourced", Words(("UP", "DOWN")), "18-90",
            "UP"),
    Setting("list_start", ":SOUR:LIST:VOLT:STAR", "where in a list the source begins", Number(1, 100, whole=True),
            "18-93", 1),
    Setting("sweep_abort", ":SOUR:SWE:CAB", "whether a list ends when the current is limited",
            Words(("NEV", "EARL", "LATE")), "18-90", "NEV"),
    Setting("output_off_auto_enabled", ":SOUR:CLE:AUTO", "whether the output goes off after each reading", Switch(),
            "18-72", False),
    Setting("source_delay_auto_enabled", ":SOUR:DEL:AUTO", "whether the source delay follows the ranges", Switch(),
            "18-82", False),
    Setting("source_delay", ":SOUR:DEL", "the time from a source level to its reading in seconds",
            Number(0, 999.9999, "%.5f"), "18-82", SETTLE_S),
    Setting("output_off_state", ":OUTP:SMOD", "what the output does while off",
            Words(("HIMP", "NORM", "ZERO", "GUAR")), "18-56",
            lambda chosen: "GUAR" if chosen.settings.guard else "NORM"),
    Setting("guard_mode", ":SYST:GUAR", "the guard, OHMS at low impedance and CABL for cables",
            Words(("OHMS", "CABL")), "18-105", lambda chosen: "OHMS" if chosen.settings.guard else "CABL"),
    Setting("remote_sense", ":SYST:RSEN", "whether the voltage is sensed by wires of its own", Switch(), "18-104",
            False),
    Setting("compliance_current", ":SENS:CURR:PROT", "the current limit in amperes", Number(1e-9, 1.05), "18-67",
            lambda chosen: chosen.settings.compliance_a),
    Setting("compliance_range_coupled", ":SENS:CURR:PROT:RSYN", "whether the measure range follows the current limit",
            Switch(), "18-68", False, ONCE),
    Setting("concurrent_functions", ":SENS:FUNC:CONC", "whether several quantities are measured at a time", Switch(),
            "18-58", True, ONCE),
    Setting("resistance_mode", ":SENS:RES:MODE", "whether measuring resistance chooses a source by itself",
            Words(("MAN", "AUTO")), "18-61", "MAN", BATCH),
    Setting("offset_compensation", ":SENS:RES:OCOM", "whether resistance is measured at two levels", Switch(),
            "18-61", False, ONCE),
    Setting("measure_nothing", ":SENS:FUNC:OFF:ALL", "", Action(), "18-60", asked=Asked.NEVER),
    Setting("measured", ":SENS:FUNC", "what is measured", Words(("CURR", "VOLT", "RES"), quoted=True), "18-59",
            "CURR"),
    Setting("current_range", ":SENS:CURR:RANG", "the measure range in amperes, which is fixed by it",
            Number(0, 1.05), "18-63", lambda chosen: chosen.range_a,
            reads_back=lambda chosen: full_scale(chosen.range_a)),
    Setting("current_range_auto_enabled", ":SENS:CURR:RANG:AUTO", "whether the measure range follows the current",
            Switch(), "18-65", False),
    Setting("range_change_mode", ":SYST:RCM", "how often an automatic range changes within a reading",
            Words(("SING", "MULT")), "18-113", "SING", ONCE),
    Setting("current_nplc", ":SENS:CURR:NPLC", "the integration time in power-line cycles", Number(0.01, 10), "18-69",
            lambda chosen: chosen.settings.nplc),
    Setting("filter_enabled", ":SENS:AVER", "whether readings are averaged", Switch(), "18-71", False),
    Setting("filter_type", ":SENS:AVER:TCON", "whether an average repeats or moves", Words(("REP", "MOV")), "18-70",
            "REP", ONCE),
    Setting("filter_count", ":SENS:AVER:COUN", "how many readings are averaged", Number(1, 100, whole=True), "18-70",
            1, ONCE),
    # It is done once only while it is off, and what it reads back as then no page says.
    Setting("autozero_now", ":SYST:AZER OFF;:SYST:AZER ONCE", "", Action(), "18-107", asked=Asked.NEVER),
    Setting("autozero", ":SYST:AZER", "whether zero and reference are measured with each reading", Switch(), "18-107",
            False),
    Setting("autozero_caching", ":SYST:AZER:CACH", "whether a new integration time brings an old zero", Switch(),
            "18-107", False, ONCE),
    Setting("line_frequency", ":SYST:LFR", "the power-line frequency in hertz, which times the integration",
            Number(50, 60, whole=True), "18-108", None, BATCH, settable=False),
    Setting("arm_source", ":ARM:SOUR", "what the arm layer waits for",
            Words(("IMM", "TIM", "MAN", "BUS", "TLIN", "NST", "PST", "BST")), "18-119", "IMM"),
    Setting("arm_count", ":ARM:COUN", "how often the arm layer is passed", Number(1, 2500, whole=True), "18-117", 1),
    Setting("arm_timer", ":ARM:TIM", "the interval of the arm layer in seconds", Number(1e-3, 99999.99, "%.3f"),
            "18-120", 1e-3, ONCE),
    Setting("arm_direction", ":ARM:DIR", "whether the first pass goes round the arm source", Words(("SOUR", "ACC")),
            "18-120", "ACC", ONCE),
    Setting("arm_output_trigger", ":ARM:OUTP", "when the arm layer triggers other instruments",
            Words(("TENT", "TEX", "NONE")), "18-121", "NONE", BATCH),
    Setting("trigger_source", ":TRIG:SOUR", "what the trigger layer waits for", Words(("IMM", "TLIN")), "18-119",
            "IMM"),
    Setting("trigger_count", ":TRIG:COUN", "how many readings a start makes", Number(1, 2500, whole=True), "18-117",
            1),
    Setting("trigger_delay", ":TRIG:DEL", "the time before each source level in seconds", Number(0, 999.9999, "%.4f"),
            "18-118", 0.0),
    Setting("trigger_direction", ":TRIG:DIR", "whether the first pass goes round the trigger source",
            Words(("SOUR", "ACC")), "18-120", "ACC", ONCE),
    Setting("trigger_input", ":TRIG:INP", "which steps of a reading wait for a trigger",
            Words(("SOUR", "DEL", "SENS", "NONE")), "18-120", "NONE", ONCE),
    Setting("trigger_output", ":TRIG:OUTP", "after which steps other instruments are triggered",
            Words(("SOUR", "DEL", "SENS", "NONE")), "18-121", "NONE", BATCH),
    Setting("math_enabled", ":CALC:STAT", "whether an expression is calculated of readings", Switch(), "18-32", False,
            ONCE),
    Setting("relative_enabled", ":CALC2:NULL:STAT", "whether an offset is taken off calculated readings", Switch(),
            "18-34", False, ONCE),
    Setting("data_format", ":FORM", "how readings are written", Words(("ASC", "REAL", "SRE")), "18-47", "ASC"),
    Setting("elements", ":FORM:ELEM", "what a record of a reading holds", Words((ELEMENTS,)), "18-49", ELEMENTS),
    Setting("byte_order", ":FORM:BORD", "the order of the bytes of a binary reading", Words(("NORM", "SWAP")), "18-54",
            "NORM", ONCE),
    Setting("register_format", ":FORM:SREG", "how status registers are written", Words(("ASC", "HEX", "OCT", "BIN")),
            "18-54", "ASC", ONCE),
)  # fmt: skip

LEFT_OUT = {
    "*RST *RCL :SYST:PRES :SYST:MEM:INIT :SOUR:MEM:REC :CONF:* :SYST:KEY :SYST:LOC": (
        "what they change of a cell or a reading is in the table"
    ),
    "*SAV :SOUR:MEM:SAVE :SYST:POS": "what is kept for another day",
    ":SOUR:MEM:POIN :SOUR:MEM:STAR :CURR:RANG:HOLD* :SOUR:VOLT:TRIG:SFAC* :SYST:AZER:CACH:*": (
        "of sweeps through the source memory, which :SOUR:FUNC excludes"
    ),
    ":SOUR:CURR :SOUR:CURR:* :SOUR:LIST:CURR*": "of a current source, which :SOUR:FUNC excludes",
    ":SOUR:VOLT:STAR :SOUR:VOLT:STOP :SOUR:VOLT:STEP :SOUR:VOLT:CENT :SOUR:VOLT:SPAN :SOUR:SWE:POIN :SOUR:SWE:SPAC": (
        "of a staircase, which :SOUR:VOLT:MODE excludes"
    ),
    ":SOUR:LIST:VOLT :SOUR:LIST:VOLT:APP": "the list of pulses comes with the message that starts it",
    ":SOUR:SOAK": "of a range that changes often within a reading, which :SYST:RCM excludes",
    ":SOUR:CLE :SOUR:CLE:AUTO:MODE": "an output that is off is told, and so is one that goes off by itself",
    ":INIT :ABOR *TRG :TRIG:CLE :ARM:ILIN :ARM:OLIN :TRIG:ILIN :TRIG:OLIN": (
        "a start makes readings at the level that is there; what it waits for and counts is in the table"
    ),
    ":VOLT:NPLC :RES:NPLC :VOLT:PROT:RSYN": "the same setting as that of the current (pages 18-68 and 18-69)",
    ":VOLT:RANG* :VOLT:PROT :RES:RANG*": "no voltage and no resistance is measured",
    ":CURR:RANG:AUTO:LLIM": "of an automatic range, which is told",
    ":FUNC:OFF :FUNC:ALL": "what is measured is told",
    ":CALC:* :CALC2:* :CALC3:*": "what is calculated of readings changes no answer to :READ?",
    ":TRAC:* :FORM:SOUR2 :FORM:ELEM:CALC": "of the buffer and of calculations, which are not read",
    ":SYST:CCH* :OUTP:ENAB :SOUR2:*": "contact check needs remote sense; the output-enable line shows as an output "
    "that is off; digital lines are another connector",
    ":SYST:LFR:AUTO": "acts when the power comes; the line frequency is told",
    ":SYST:TIME:RES*": "the clock of readings, which only `commission` asks",
    ":DISP:* :SYST:BEEP* :SYST:KCL :SYST:REM :SYST:RWL :SYST:MEP:HOLD :STAT:* :SYST:CLE :SYST:ERR:CLE *CLS *ESE *SRE"
    " *OPC *WAI": "no cell and no reading can tell",
}
"""Patterns of what else can be set and is not in the table, and why."""
