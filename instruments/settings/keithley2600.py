"""Every setting of a Keithley 2600 series channel that a cell, a pulse or a reading can tell.

Names are those of the entries of the Keithley 2600B reference manual, 2600BS-901-01 Rev. F (June 2021), section "TSP
command reference". What is asked before a pulse comes first in a line that asks.
"""

import functools
import math
from collections.abc import Callable

from .limits2600 import LEAST_NPLC, MOST_NPLC, Limits
from .setting import Asked, Chosen, Expected, Number, Setting, SettingTable, Switch, Words

DIGITS = 10
"""Digits of a printed number; 6 after ``reset()`` (manual, format.asciiprecision)."""
DELAY_AUTO = -1
"""The box waits before each reading for as long as the range needs to settle (manual, smuX.measure.delay)."""
OWN_WAY = "autozero"
"""A setting that the box changes by itself, once it has done what it says."""
MAY_LACK = frozenset({"limitp", "offfunc", "highc", "sink", "settling", "fillmode"})
"""Last part of those that the firmware of an A model may lack: its manual of 2008 does not have them all."""
LONGEST_DELAY_S = 100e3

Value = Expected | Callable[[Chosen], Expected] | None


def _one(
    name: str,
    path: str,
    does: str,
    kind: Number | Switch | Words,
    value: Value,
    *,
    asked: Asked = Asked.PULSE,
    reads_back: Value = None,
    entry: str = "",
) -> Setting:
    """Return a setting; `entry` is its entry in the manual, where that is not the path itself."""
    return Setting(
        name=name,
        command=path,
        query=f"print({path})",
        does=does,
        kind=kind,
        value=value,
        asked=asked,
        reads_back=reads_back,
        page=entry or path.replace("{n}", "X"),
    )


@functools.cache
def settings_of(limits: Limits) -> SettingTable:
    """Return the table of a model, in the order in which the box wants it."""
    top_v, top_a, least_a = limits.ranges_v[-1], limits.most_current_a, limits.least_compliance_a
    count, seconds = Number(1, 100, whole=True), Number(-1, LONGEST_DELAY_S)
    batch = Asked.BATCH
    box = [
        _one("ascii_precision", "format.asciiprecision", "the digits of a reading as it is printed (int)",
             Number(1, 16, whole=True), DIGITS, asked=batch),
        _one("data_format", "format.data", "how buffers are printed: as text or in bytes (int)",
             Number(1, 3, whole=True), 1, asked=batch),
        _one("prompts_enabled", "localnode.prompts", "whether a prompt comes after each message (bool)",
             Switch(), 0, asked=batch),
        _one("shown_errors_enabled", "localnode.showerrors", "whether errors come by themselves (bool)",
             Switch(), 0, asked=batch),
        _one("line_frequency", "localnode.linefreq", "the line frequency that integration goes by, in hertz (int)",
             Number(50, 60, whole=True), None),
    ]  # fmt: skip
    channel = [
        _one("sense_mode", "smu{n}.sense", "where the voltage is sensed, so that an open lead drives it up (str)",
             Words(("local", "remote")), "local"),
        _one("source_mode", "smu{n}.source.func", "what is sourced (str)", Words(("current", "voltage")), "voltage"),
        _one("high_capacitance_enabled", "smu{n}.source.highc",
             "the mode for capacitive loads, slower and with ranges and limits from 1 uA (bool)", Switch(), 0),
        _one("sink_mode_enabled", "smu{n}.source.sink", "the mode for loads that deliver power (bool)", Switch(), 0),
        _one("output_off_mode", "smu{n}.source.offmode", "what an output does that is off (str)",
             Words(("normal", "zero", "high impedance")), "normal", asked=batch),
        _one("output_off_function", "smu{n}.source.offfunc", "what an output sources that is off (str)",
             Words(("current", "voltage")), "voltage", asked=batch),
        _one("output_off_limit_current", "smu{n}.source.offlimiti",
             "the current limit of an output that is off, in amperes (float)", Number(least_a, top_a), 1e-3,
             asked=batch, entry="smuX.source.offlimitY"),
        _one("output_enable_action", "smu{n}.source.outputenableaction",
             "what the output-enable line or the interlock does (int)", Number(0, 1, whole=True), 0, asked=batch),
        _one("source_autorange_enabled", "smu{n}.source.autorangev",
             "whether the voltage range follows the level, so that it changes inside pulses (bool)", Switch(), 0,
             entry="smuX.source.autorangeY"),
        _one("current_autorange", "smu{n}.measure.autorangei",
             "whether the measure range follows the current, which takes time (int)", Number(0, 2, whole=True), 0,
             entry="smuX.measure.autorangeY"),
        _one("source_voltage_range", "smu{n}.source.rangev",
             "the voltage range in volts, the smallest that holds the number (float)", Number(0, top_v),
             lambda chosen: chosen.range_v, entry="smuX.source.rangeY"),
        _one("source_voltage", "smu{n}.source.levelv", "the sourced voltage in volts (float)", Number(-top_v, top_v), 0,
             entry="smuX.source.levelY"),
        _one("source_current", "smu{n}.source.leveli", "the current of a current source in amperes (float)",
             Number(-top_a, top_a), 0, entry="smuX.source.levelY"),
        _one("compliance_current", "smu{n}.source.limiti", "the current limit in amperes (float)",
             Number(least_a, top_a), lambda chosen: chosen.settings.compliance_a, entry="smuX.source.limitY"),
        _one("compliance_power", "smu{n}.source.limitp", "the power limit in watts, 0 for none (float)",
             Number(0, top_v * top_a), 0, entry="smuX.source.limitY"),
        _one("source_delay", "smu{n}.source.delay",
             "how long each new level waits before it counts as there, in seconds, -1 by itself (float)", seconds, 0),
        # Some models always have one bit of it set, so it is what the reset before has made it.
        _one("source_settling", "smu{n}.source.settling", "how a change of the source range settles (int)",
             Number(0, 128, whole=True), None),
        _one("current_range", "smu{n}.measure.rangei",
             "the measure range in amperes, the smallest that holds the number (float)",
             Number(limits.least_range_a, top_a), lambda chosen: chosen.range_a,
             reads_back=lambda chosen: (chosen.range_a, math.inf), entry="smuX.measure.rangeY"),
        _one("measure_nplc", "smu{n}.measure.nplc", "the integration time in power-line cycles (float)",
             Number(LEAST_NPLC, MOST_NPLC), lambda chosen: chosen.settings.nplc),
        _one("measure_delay", "smu{n}.measure.delay", "the wait before a reading in seconds, -1 by itself (float)",
             seconds, DELAY_AUTO),
        _one("measure_delay_factor", "smu{n}.measure.delayfactor", "the factor of the wait that goes by itself (float)",
             Number(0, 1000), 1, asked=batch),
        _one("measure_count", "smu{n}.measure.count", "how many readings one measurement takes (int)",
             Number(1, 1e6, whole=True), 1),
        _one("measure_interval", "smu{n}.measure.interval", "the time between such readings in seconds (float)",
             Number(0, 1), 0),
        _one("filter_enabled", "smu{n}.measure.filter.enable",
             "whether several conversions make one reading, which lasts as many times longer (bool)", Switch(), 0),
        _one("filter_type", "smu{n}.measure.filter.type", "how they do (str)",
             Words(("moving average", "repeat average", "median")), "repeat average", asked=batch),
        _one("filter_count", "smu{n}.measure.filter.count", "how many do (int)", count, 1, asked=batch),
        _one("relative_current_enabled", "smu{n}.measure.rel.enablei",
             "whether a current is subtracted from every reading (bool)", Switch(), 0,
             entry="smuX.measure.rel.enableY"),
        _one("relative_current", "smu{n}.measure.rel.leveli", "that current in amperes (float)", Number(), 0,
             asked=batch, entry="smuX.measure.rel.levelY"),
        _one("buffer_fill_mode", "smu{n}.nvbuffer1.fillmode",
             "whether a reading buffer that is full begins again at its first place (int)", Number(0, 1, whole=True), 0,
             entry="bufferVar.fillmode"),
        _one("trigger_autoclear_enabled", "smu{n}.trigger.autoclear",
             "whether events that came early are forgotten when a pulse train starts (bool)", Switch(), 0),
    ]  # fmt: skip
    if limits.analog_filter:
        channel.append(
            _one("analog_filter_enabled", "smu{n}.measure.analogfilter",
                 "the filter of 1 Hz of the ranges of 1 nA and below (bool)", Switch(), 1, asked=batch)
        )  # fmt: skip
    # The reference that autozero takes belongs to one integration time, so it comes last.
    return SettingTable(
        *box,
        *channel,
        _one("autozero", "smu{n}.measure.autozero", "when zero and reference are measured again (str)",
             Words(("off", "once", "auto")), "once", reads_back=(0, 1)),
        _one("source_enabled", "smu{n}.source.output", "whether the output is on (bool)", Switch(), 0),
    )  # fmt: skip


LEFT_OUT = {
    "smuX.source.[lr]*i smuX.source.limitv smuX.source.autorangei smuX.source.offlimitv": (
        "of a current source, which smuX.source.func tells"
    ),
    "smuX.*.lowrange*": "of an automatic range, which is told",
    "smuX.measure.*rangev smuX.measure.rel.*[vrp]": "no voltage, resistance or power is measured",
    "smuX.measure.highcrangedelayfactor": "of the high-capacitance mode, which is told",
    "smuX.trigger.* trigger.timer* trigger.blender*": (
        "the stored pulse function sets what it uses before every pulse; the rest starts nothing of ours"
    ),
    "smuX.nvbuffer?.*": "the append mode is set before every pulse, and what is read is cleared; nothing else matters",
    "smuX.contact.*": "of the contact check, which is not asked for",
    "smuX.cal.*": "calibration, behind a password",
    "format.byteorder": "of bytes, which format.data tells",
    "localnode.autolinefreq localnode.prompts4882": "line frequency and prompts are told",
    "localnode.description localnode.password* display.* beeper.* digio.* eventlog.* tsplink.* tspnet.* lan.* gpib.*"
    " serial.* comm.* setup.poweron status.* script.* userstring.*": "no cell and no reading can tell",
}
"""Patterns of what else can be set and is not in the table, and why."""
