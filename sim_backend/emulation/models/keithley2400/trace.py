"""Commands of an emulated Keithley 2400 for its reading buffer: ``:TRACe`` and the statistics of ``:CALCulate3``."""

from ...scpi import kinds, values
from ...scpi import settings as setting
from ...scpi.kinds import Kind
from ...scpi.messages import Answer, Call, Command
from ...scpi.reading import STATISTICS
from ...scpi.source import LONGEST_LIST
from ...scpi.status import ScpiError
from .records import Record
from .state import Keithley2400State


def _records(smu: Keithley2400State) -> list[Record]:
    if not smu.buffer.readings:
        raise ScpiError(-230)
    return smu.buffer.with_relative_times()


def _data(smu: Keithley2400State, _: Call) -> Answer:
    return smu.format.encode([value for each in _records(smu) for value in each.numbers(smu.now.elements)])


def _set_idle(key: str) -> kinds.Store:
    """Return what sets something that must not change while readings are stored."""

    def store(smu: Keithley2400State, _: Call, value: object) -> None:
        if smu.buffer.storing:
            raise ScpiError(-221)
        setattr(smu.buffer, key, value)

    return store


def _set_control(smu: Keithley2400State, _: Call, chosen: str) -> None:
    smu.buffer.storing = chosen == "NEXT"
    if smu.buffer.storing:
        smu.buffer.readings.clear()


def _statistic(smu: Keithley2400State, _: Call) -> str:
    """Answer a statistic of the buffer for every element that is not time or status."""
    records, how = _records(smu), STATISTICS[smu.now.statistic]
    names = [name for name in ("VOLT", "CURR", "RES") if name in smu.now.elements]
    return ",".join(values.nr3(how([each.by_name()[name] for each in records])) for name in names)


_FEED = Kind(lambda texts, _: values.choice(texts[0].removesuffix("1"), ("SENSe",)), lambda feed: f"{feed}1")
"""Where the buffer takes its readings from: only from the measurement."""


COMMANDS: tuple[Command, ...] = (
    setting.query(":TRACe:DATA", _data),
    setting.action(":TRACe:CLEar", lambda smu: smu.buffer.readings.clear()),
    kinds.integer(1, LONGEST_LIST, 100).command(":TRACe:POINts", _set_idle("points"), lambda smu, _: smu.buffer.points),
    setting.query(":TRACe:POINts:ACTual", lambda smu, _: str(len(smu.buffer.readings))),
    _FEED.command(":TRACe:FEED", _set_idle("feed"), lambda smu, _: smu.buffer.feed),
    kinds.choice("NEXT", "NEVer").command(
        ":TRACe:FEED:CONTrol", _set_control, lambda smu, _: "NEXT" if smu.buffer.storing else "NEV"
    ),
    setting.attribute(":TRACe:TSTamp:FORMat", "stamps", kinds.choice("ABSolute", "DELTa"), lambda smu, _: smu.buffer),
    setting.attribute(
        ":CALCulate3:FORMat", "statistic", kinds.choice("MEAN", "SDEViation", "MAXimum", "MINimum", "PKPK")
    ),
    setting.query(":CALCulate3:DATA", _statistic),
)
