"""Settings of the Keithley 2450 family; commands are those of the Model 2450 reference manual, chapter 6."""

from .setting import Action, Asked, Number, Setting, SettingTable, Switch, Words, full_scale

SETTLE_S = 1e-3
"""Source delay of a reading outside pulses."""

SETTINGS = SettingTable(
    Setting(
        name="output_enabled", command=":OUTP", does="whether the output is on", kind=Switch(), value=False, page="6"
    ),
    Setting(
        name="source_mode",
        command=":SOUR:FUNC",
        does="what is sourced",
        kind=Words(("VOLT", "CURR")),
        value="VOLT",
        page="6",
    ),
    Setting(
        name="terminals",
        command=":ROUT:TERM",
        does="which terminals are connected",
        kind=Words(("FRON", "REAR")),
        page="6",
    ),
    Setting(
        name="source_voltage_range",
        command=":SOUR:VOLT:RANG",
        does="the source range in volts, which is fixed by it",
        kind=Number(0, 200),
        value=lambda chosen: chosen.range_v,
        reads_back=lambda chosen: full_scale(chosen.range_v),
        page="6",
    ),
    Setting(
        name="source_voltage",
        command=":SOUR:VOLT",
        does="the sourced voltage in volts",
        kind=Number(-210, 210),
        value=0.0,
        page="6",
    ),
    Setting(
        name="output_off_state",
        command=":OUTP:VOLT:SMOD",
        does="what the output does while off",
        kind=Words(("HIMP", "NORM", "ZERO", "GUAR")),
        value="NORM",
        page="6",
    ),
    Setting(
        name="compliance_current",
        command=":SOUR:VOLT:ILIM",
        does="the current limit in amperes",
        kind=Number(1e-9, 1.05),
        value=lambda chosen: chosen.settings.compliance_a,
        page="6",
    ),
    Setting(
        name="measured",
        command=":SENS:FUNC",
        does="what is measured",
        kind=Words(("CURR", "VOLT", "RES"), quoted=True),
        value="CURR",
        page="6",
    ),
    Setting(
        name="remote_sense",
        command=":SENS:CURR:RSEN",
        does="whether the voltage is sensed by wires of its own",
        kind=Switch(),
        value=False,
        page="6",
    ),
    Setting(
        name="current_range",
        command=":SENS:CURR:RANG",
        does="the measure range in amperes, which is fixed by it",
        kind=Number(0, 1.05),
        value=lambda chosen: chosen.range_a,
        reads_back=lambda chosen: full_scale(chosen.range_a),
        page="6",
    ),
    Setting(
        name="current_nplc",
        command=":SENS:CURR:NPLC",
        does="the integration time in power-line cycles",
        kind=Number(0.01, 10),
        value=lambda chosen: chosen.settings.nplc,
        page="6",
    ),
    Setting(name="autozero_now", command=":SENS:AZER:ONCE", does="", kind=Action(), asked=Asked.NEVER, page="6"),
    Setting(
        name="autozero",
        command=":SENS:CURR:AZER",
        does="whether zero and reference are measured with each reading",
        kind=Switch(),
        value=False,
        page="6",
    ),
    Setting(
        name="readings",
        command=":SENS:COUN",
        does="how many readings are taken at a time",
        kind=Number(1, 300_000, whole=True),
        value=1,
        page="6",
    ),
    Setting(
        name="source_read_back",
        command=":SOUR:VOLT:READ:BACK",
        does="whether the sourced voltage is measured",
        kind=Switch(),
        value=False,
        page="6",
    ),
    Setting(
        name="source_delay",
        command=":SOUR:VOLT:DEL",
        does="the time from a source level to its reading in seconds",
        kind=Number(0, 10_000),
        value=SETTLE_S,
        page="6",
    ),
)
