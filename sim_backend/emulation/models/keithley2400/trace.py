"""Commands of an emulated Keithley 2400 for its reading buffer: ``:TRACe`` and the statistics of ``:CALCulate3``."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ...scpi import settings as setting
from ...scpi import values
from ...scpi.messages import Answer, Call, Command
from ...scpi.reading import STATISTICS
from ...scpi.source import LONGEST_LIST
from ...scpi.status import ScpiError
from .reading import Reading

if TYPE_CHECKING:
    from .model import EmulatedKeithley2400

FEEDS: Mapping[str, str] = {"SENS": "SENS1", "CALC": "CALC1", "CALC2": "CALC2"}
"""Where the buffer takes its readings from, and how that is answered."""


def _stored(smu: "EmulatedKeithley2400", call: Call) -> list[Reading]:
    call.expect(0)
    if not smu.buffer.readings:
        raise ScpiError(-230)
    return smu.buffer.stamped()


def _data(smu: "EmulatedKeithley2400", call: Call) -> Answer:
    readings = _stored(smu, call)
    if smu.buffer.feed == "SENS":
        return smu.format.written([value for each in readings for value in each.numbers(smu.now.elements)])
    return smu.format.written(smu.calculation.numbers(smu, readings, smu.buffer.feed))


def _set_points(smu: "EmulatedKeithley2400", call: Call) -> None:
    points = values.integer(call.expect(1)[0], 1, LONGEST_LIST, 100)
    if smu.buffer.storing:
        raise ScpiError(-221)
    smu.buffer.points = points


def _points(smu: "EmulatedKeithley2400", call: Call) -> str:
    if call.expect(0, 1):
        return str(round(setting.named_bound(call.arguments[0], 1, LONGEST_LIST, 100)))
    return str(smu.buffer.points)


def _set_feed(smu: "EmulatedKeithley2400", call: Call) -> None:
    text = call.expect(1)[0]
    chosen = values.choice(text.removesuffix("1"), ("SENSe", "CALCulate", "CALCulate2"))
    if smu.buffer.storing:
        raise ScpiError(-221)
    smu.buffer.feed = chosen


def _set_control(smu: "EmulatedKeithley2400", call: Call) -> None:
    smu.buffer.storing = values.choice(call.expect(1)[0], ("NEXT", "NEVer")) == "NEXT"
    if smu.buffer.storing:
        smu.buffer.readings.clear()


def _statistic(smu: "EmulatedKeithley2400", call: Call) -> str:
    """Answer a statistic of the buffer for every element that is not time or status."""
    readings, how = _stored(smu, call), STATISTICS[smu.now.statistic]
    kept = [name for name in ("VOLT", "CURR", "RES") if name in smu.now.elements]
    return ",".join(values.nr3(how([each.named()[name] for each in readings])) for name in kept)


def _buffer(smu: "EmulatedKeithley2400", _: Call) -> object:
    return smu.buffer


def _of_root(root: str) -> tuple[Command, ...]:
    """Declare the commands of the buffer, which has two names."""
    return (
        Command(f"{root}:DATA", query=_data),
        setting.action(f"{root}:CLEar", lambda smu: smu.buffer.readings.clear()),
        Command(f"{root}:FREE", query=lambda smu, _: smu.buffer.free()),
        Command(f"{root}:POINts", _set_points, _points),
        Command(f"{root}:POINts:ACTual", query=lambda smu, _: str(len(smu.buffer.readings))),
        Command(f"{root}:FEED", _set_feed, lambda smu, _: FEEDS[smu.buffer.feed]),
        Command(f"{root}:FEED:CONTrol", _set_control, lambda smu, _: "NEXT" if smu.buffer.storing else "NEV"),
        setting.choice(f"{root}:TSTamp:FORMat", "stamps", "ABSolute", "DELTa", of=_buffer),
    )


COMMANDS: tuple[Command, ...] = (
    *_of_root(":TRACe"),
    *_of_root(":DATA"),
    setting.choice(":CALCulate3:FORMat", "statistic", "MEAN", "SDEViation", "MAXimum", "MINimum", "PKPK"),
    Command(":CALCulate3:DATA", query=_statistic),
)
