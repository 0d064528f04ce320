"""Commands of an emulated Keysight B2900 for its trace buffers: ``:TRACe``.

Names are those of the B2900 SCPI command reference, edition 2. Mathematics, limit tests and statistics are not
emulated.
"""

from ...scpi import kinds
from ...scpi import settings as setting
from ...scpi.kinds import choice
from ...scpi.messages import Answer, Call, Command
from ...scpi.status import ScpiError
from .readout import answer, element_names, window
from .settings import LARGEST_TRAIN, Trace
from .state import KeysightB2900State


def _trace(smu: KeysightB2900State, call: Call) -> Trace:
    return smu.settings(call).trace


def _idle_trace(smu: KeysightB2900State, call: Call) -> Trace:
    """Return a trace buffer that is not being written; -221 otherwise."""
    trace = _trace(smu, call)
    if trace.control == "NEXT":
        raise ScpiError(-221)
    return trace


def _set_points(smu: KeysightB2900State, call: Call, points: int) -> None:
    trace = _idle_trace(smu, call)
    trace.points = points
    trace.readings.clear()


def _set_feed(smu: KeysightB2900State, call: Call, chosen: str) -> None:
    _idle_trace(smu, call).feed = chosen


def _free(smu: KeysightB2900State, call: Call) -> str:
    trace = _trace(smu, call)
    return f"{trace.points - len(trace.readings)},{trace.points}"


def _data(smu: KeysightB2900State, call: Call) -> Answer:
    """Answer entries of a trace buffer, their times against the first."""
    arguments, readings = call.expect(0, 2), _trace(smu, call).readings
    if not readings:
        raise ScpiError(-230)
    found = [{**each, "TIME": each["TIME"] - readings[0]["TIME"]} for each in readings]
    return answer(smu, window(found, arguments), element_names(smu))


COMMANDS: tuple[Command, ...] = (
    setting.channel_action(":TRACe#:CLEar", lambda smu, call: _idle_trace(smu, call).readings.clear()),
    Command(":TRACe#:DATA", query=_data),
    choice("SENSe").command(":TRACe#:FEED", _set_feed, lambda smu, call: _trace(smu, call).feed),
    setting.attribute(":TRACe#:FEED:CONTrol", "control", choice("NEXT", "NEVer"), _trace),
    setting.query(":TRACe#:FREE", _free),
    kinds.integer(1, LARGEST_TRAIN, LARGEST_TRAIN).command(
        ":TRACe#:POINts", _set_points, lambda smu, call: _trace(smu, call).points
    ),
    setting.query(":TRACe#:POINts:ACTual", lambda smu, call: str(len(_trace(smu, call).readings))),
)
