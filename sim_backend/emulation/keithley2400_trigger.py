"""Commands of an emulated Keithley 2400 that start readings and fetch them, and those of the system."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from . import scpi_settings as setting
from . import scpi_values as values
from .keithley2400_settings import LONGEST_LIST
from .scpi import Call, Command
from .scpi_status import ScpiError

if TYPE_CHECKING:
    from .keithley2400 import Keithley2400

STATISTICS: Mapping[str, Callable[[Any], Any]] = {
    "MEAN": np.mean,
    "MAX": np.max,
    "MIN": np.min,
    "SDEV": np.std,
    "PKPK": np.ptp,
}
ARM_SOURCES = ("IMMediate", "TIMer", "BUS", "MANual", "TLINk", "NSTest", "PSTest", "BSTest")


def _count(pattern: str, key: str, other: str) -> Command:
    def write(smu: "Keithley2400", call: Call) -> None:
        count = values.integer(call.expect(1)[0], 1, LONGEST_LIST, 1)
        if count * getattr(smu.now, other) > LONGEST_LIST:
            raise ScpiError(-222)
        setattr(smu.now, key, count)

    return Command(pattern, write, lambda smu, _: str(getattr(smu.now, key)))


def _initiate(smu: "Keithley2400", call: Call) -> None:
    call.expect(0)
    smu.initiate()


def _abort(smu: "Keithley2400", call: Call) -> None:
    call.expect(0)
    smu.waiting = False


def _read(smu: "Keithley2400", call: Call) -> str:
    call.expect(0)
    if not smu.starts_at_once:
        raise ScpiError(-214)
    smu.initiate()
    return smu.fetched()


def _fetch(smu: "Keithley2400", call: Call) -> str:
    call.expect(0)
    return smu.fetched()


def _latest(smu: "Keithley2400", call: Call) -> str:
    call.expect(0)
    if not smu.last:
        raise ScpiError(-230)
    return smu.last[-1].text(smu.now.elements)


def _configure(function: str, short: str) -> Command:
    def write(smu: "Keithley2400", call: Call) -> None:
        call.expect(0)
        smu.configure(short)

    return Command(f":CONFigure:{function}", write)


def _measure(function: str, short: str) -> Command:
    def query(smu: "Keithley2400", call: Call) -> str:
        call.expect(0)
        smu.configure(short)
        return _read(smu, call)

    return Command(f":MEASure:{function}", query=query)


def _measure_again(smu: "Keithley2400", call: Call) -> str:
    """Answer ``:MEAS?`` without a function: the one measured now, else current."""
    call.expect(0)
    smu.configure(next((each for each in ("CURR", "VOLT", "RES") if each in smu.now.measured), "CURR"))
    return _read(smu, call)


def _buffer_data(smu: "Keithley2400", call: Call) -> str:
    call.expect(0)
    if not smu.buffer.readings:
        raise ScpiError(-230)
    return ",".join(each.text(smu.now.elements) for each in smu.buffer.readings)


def _buffer_clear(smu: "Keithley2400", call: Call) -> None:
    call.expect(0)
    smu.buffer.readings.clear()


def _buffer_points(smu: "Keithley2400", call: Call) -> None:
    smu.buffer.points = values.integer(call.expect(1)[0], 1, LONGEST_LIST)


def _buffer_feed(_: "Keithley2400", call: Call) -> None:
    values.choice(call.expect(1)[0], ("SENSe",))


def _buffer_control(smu: "Keithley2400", call: Call) -> None:
    smu.buffer.storing = values.choice(call.expect(1)[0], ("NEXT", "NEVer")) == "NEXT"


def _statistic(smu: "Keithley2400", call: Call) -> str:
    """Answer a statistic of the buffer for every element that is not time or status."""
    call.expect(0)
    if not smu.buffer.readings:
        raise ScpiError(-230)
    found = np.array([each.numbers() for each in smu.buffer.readings])
    kept = [place for place, name in enumerate(("VOLT", "CURR", "RES")) if name in smu.now.elements]
    return ",".join(values.nr3(float(STATISTICS[smu.now.statistic](found[:, place]))) for place in kept)


def _clear_errors(smu: "Keithley2400", call: Call) -> None:
    call.expect(0)
    smu.status.errors.clear()


def _reset_time(smu: "Keithley2400", call: Call) -> None:
    call.expect(0)
    smu.started_s = smu.world.clock.now()


def _set_line(smu: "Keithley2400", call: Call) -> None:
    wanted = values.number(call.expect(1)[0])
    if wanted not in (50, 60):
        raise ScpiError(-222)
    smu.line_hz, smu.line_auto = wanted, False


def _set_line_auto(smu: "Keithley2400", call: Call) -> None:
    smu.line_auto = values.boolean(call.expect(1)[0])


def _beep(_: "Keithley2400", call: Call) -> None:
    for text in call.expect(1, 2):
        values.number(text)


def _preset(smu: "Keithley2400", call: Call) -> None:
    call.expect(0)
    smu.reset()


_TRIG, _ARM = ":TRIGger[:SEQuence#]", ":ARM[:SEQuence#][:LAYer#]"
_LINES = (("ILINe", "in"), ("OLINe", "out"))

COMMANDS: tuple[Command, ...] = (
    Command(":INITiate[:IMMediate]", _initiate),
    Command(":ABORt", _abort),
    Command(":READ", query=_read),
    Command(":FETCh", query=_fetch),
    Command("[:SENSe#]:DATA[:LATest]", query=_latest),
    Command(":MEASure", query=_measure_again),
    *(
        make(function, short)
        for make in (_configure, _measure)
        for function, short in (("VOLTage[:DC]", "VOLT"), ("CURRent[:DC]", "CURR"), ("RESistance", "RES"))
    ),
    _count(_TRIG + ":COUNt", "trigger_count", "arm_count"),
    _count(_ARM + ":COUNt", "arm_count", "trigger_count"),
    setting.number(_TRIG + ":DELay", "trigger_delay_s", 0.0, 999.9999, 0.0),
    setting.choice(_TRIG + ":SOURce", "trigger_source", "IMMediate", "TLINk"),
    setting.choice(_TRIG + ":OUTPut", "trigger_output", "SOURce", "DELay", "SENSe", "NONE"),
    Command(_TRIG + ":CLEar", _abort),
    setting.choice(_ARM + ":SOURce", "arm_source", *ARM_SOURCES),
    setting.number(_ARM + ":TIMer", "arm_timer_s", 1e-3, 99999.99, 0.1),
    setting.choice(_ARM + ":OUTPut", "arm_output", "TENTer", "TEXit", "NONE"),
    *(setting.integer(f"{_TRIG}:{line}", f"trigger_{key}", 1, 4) for line, key in _LINES),
    *(setting.integer(f"{_ARM}:{line}", f"arm_{key}", 1, 4) for line, key in _LINES),
    Command(":TRACe:DATA", query=_buffer_data),
    Command(":TRACe:CLEar", _buffer_clear),
    Command(":TRACe:POINts", _buffer_points, lambda smu, _: str(smu.buffer.points)),
    Command(":TRACe:POINts:ACTual", query=lambda smu, _: str(len(smu.buffer.readings))),
    Command(":TRACe:FEED", _buffer_feed, lambda *_: "SENS1"),
    Command(":TRACe:FEED:CONTrol", _buffer_control, lambda smu, _: "NEXT" if smu.buffer.storing else "NEV"),
    setting.choice(":CALCulate3:FORMat", "statistic", "MEAN", "SDEViation", "MAXimum", "MINimum", "PKPK"),
    Command(":CALCulate3:DATA", query=_statistic),
    *setting.register(":STATus:MEASurement", "measurement"),
    *setting.register(":STATus:OPERation", "operation"),
    *setting.register(":STATus:QUEStionable", "questionable"),
    Command(":SYSTem:PRESet", _preset),
    Command(":SYSTem:CLEar", _clear_errors),
    Command(":SYSTem:TIME:RESet", _reset_time),
    Command(":SYSTem:LFRequency", _set_line, lambda smu, _: str(round(smu.line_hz))),
    Command(":SYSTem:LFRequency:AUTO", _set_line_auto, lambda smu, _: str(int(smu.line_auto))),
    Command(":SYSTem:BEEPer[:IMMediate]", _beep),
    setting.flag(":SYSTem:BEEPer:STATe", "beeper"),
    setting.flag(":DISPlay:ENABle", "display"),
)
"""A source that is neither immediate nor the timer makes the trigger model wait, until ``*TRG`` or ``:ABOR``."""
