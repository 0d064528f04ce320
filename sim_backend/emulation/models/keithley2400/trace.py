"""Commands of an emulated Keithley 2400 for its reading buffer: ``:TRACe`` and the statistics of ``:CALCulate3``."""

from collections.abc import Mapping

from ...scpi import kinds, values
from ...scpi import settings as setting
from ...scpi.kinds import Kind
from ...scpi.messages import Answer, Call, Command
from ...scpi.reading import STATISTICS
from ...scpi.source import LONGEST_LIST
from ...scpi.status import ScpiError
from .records import Buffer, Record
from .state import SourceMeter

FEEDS: Mapping[str, str] = {"SENS": "SENS1", "CALC": "CALC1", "CALC2": "CALC2"}
"""Where the buffer takes its readings from, and how that is answered."""


def _records(smu: SourceMeter, call: Call) -> list[Record]:
    call.expect(0)
    if not smu.buffer.readings:
        raise ScpiError(-230)
    return smu.buffer.stamped()


def _data(smu: SourceMeter, call: Call) -> Answer:
    records = _records(smu, call)
    if smu.buffer.feed == "SENS":
        return smu.format.written([value for each in records for value in each.numbers(smu.now.elements)])
    return smu.format.written(smu.calculation.numbers(records, smu.buffer.feed, smu.now.calculated_elements))


def _set_idle(key: str) -> kinds.Store:
    """Return what sets something that must not change while readings are stored."""

    def store(smu: SourceMeter, _: Call, value: object) -> None:
        if smu.buffer.storing:
            raise ScpiError(-221)
        setattr(smu.buffer, key, value)

    return store


def _set_control(smu: SourceMeter, _: Call, chosen: str) -> None:
    smu.buffer.storing = chosen == "NEXT"
    if smu.buffer.storing:
        smu.buffer.readings.clear()


def _statistic(smu: SourceMeter, call: Call) -> str:
    """Answer a statistic of the buffer for every element that is not time or status."""
    records, how = _records(smu, call), STATISTICS[smu.now.statistic]
    names = [name for name in ("VOLT", "CURR", "RES") if name in smu.now.elements]
    return ",".join(values.nr3(how([each.named()[name] for each in records])) for name in names)


def _buffer(smu: SourceMeter, _: Call) -> Buffer:
    return smu.buffer


_FEED = Kind(
    lambda texts, _: values.choice(texts[0].removesuffix("1"), ("SENSe", "CALCulate", "CALCulate2")),
    lambda feed: FEEDS[feed],
)


def _of_root(root: str) -> tuple[Command, ...]:
    """Declare the commands of the buffer, which has two names."""
    return (
        Command(f"{root}:DATA", query=_data),
        setting.action(f"{root}:CLEar", lambda smu: smu.buffer.readings.clear()),
        Command(f"{root}:FREE", query=lambda smu, _: smu.buffer.free()),
        kinds.integer(1, LONGEST_LIST, 100).command(
            f"{root}:POINts", _set_idle("points"), lambda smu, _: smu.buffer.points
        ),
        Command(f"{root}:POINts:ACTual", query=lambda smu, _: str(len(smu.buffer.readings))),
        _FEED.command(f"{root}:FEED", _set_idle("feed"), lambda smu, _: smu.buffer.feed),
        kinds.choice("NEXT", "NEVer").command(
            f"{root}:FEED:CONTrol", _set_control, lambda smu, _: "NEXT" if smu.buffer.storing else "NEV"
        ),
        setting.choice(f"{root}:TSTamp:FORMat", "stamps", "ABSolute", "DELTa", of=_buffer),
    )


COMMANDS: tuple[Command, ...] = (
    *_of_root(":TRACe"),
    *_of_root(":DATA"),
    setting.choice(":CALCulate3:FORMat", "statistic", "MEAN", "SDEViation", "MAXimum", "MINimum", "PKPK"),
    Command(":CALCulate3:DATA", query=_statistic),
)
