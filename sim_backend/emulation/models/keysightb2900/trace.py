"""Commands of an emulated Keysight B2900 that work on readings: ``:CALCulate`` and ``:TRACe``.

Names are those of the B2900 SCPI command reference, edition 2. Composite limit tests, which sort components, and their
digital lines are not emulated.
"""

from collections.abc import Callable, Iterator

from ...scpi import calculation, kinds
from ...scpi import settings as setting
from ...scpi.calculation import Mathematics
from ...scpi.kinds import FLAG, choice, number
from ...scpi.messages import Answer, Call, Command
from ...scpi.reading import STATISTICS
from ...scpi.status import ScpiError
from ...scpi.values import NOT_MEASURED
from .reading import fed_value, tested_value
from .readout import answer, element_names, window
from .settings import LARGEST_TRAIN, ChannelState, Limit, Trace
from .state import KeysightB2900State

LARGEST = 9.999999e20
CALCULATED = kinds.ordered("CALC", "TIME", "STATus")


def _math(smu: KeysightB2900State, call: Call) -> Mathematics:
    return smu.settings(call).math


def _limit(smu: KeysightB2900State, call: Call) -> Limit:
    return smu.settings(call).limits[call.suffixes[-1]]


def _trace(smu: KeysightB2900State, call: Call) -> Trace:
    return smu.settings(call).trace


def _pairs(readings: list[dict[str, float]]) -> Iterator[tuple[dict[str, float], dict[str, float]]]:
    """Return each reading with the one before it, the first with itself."""
    return zip([readings[0], *readings[:-1]], readings, strict=True)


def _result(state: ChannelState, stage: str, before: dict[str, float], now: dict[str, float]) -> float:
    """Return the result of the mathematics (stage MATH) on a reading, or what goes into the limit tests."""
    return state.math.result(before, now) if stage == "MATH" else tested_value(state, before, now)


def _results(stage: str, latest: bool) -> Callable[[KeysightB2900State, Call], Answer]:
    """Return what answers results of the mathematics (stage MATH) or of the limit tests."""

    def results(smu: KeysightB2900State, call: Call) -> Answer:
        readings, state = smu.readings[call.suffixes[0] - 1], smu.settings(call)
        if not readings or (stage == "MATH" and not state.math.on):
            return answer(smu, [{"CALC": NOT_MEASURED}], ("CALC",))
        found = [{**now, "CALC": _result(state, stage, before, now)} for before, now in _pairs(readings)]
        return answer(smu, found[-1:] if latest else found, smu.calculated_elements)

    return results


def _acquire(smu: KeysightB2900State, call: Call) -> None:
    readings, state = smu.readings[call.suffixes[0] - 1], smu.settings(call)
    if not readings:
        raise ScpiError(-230)
    state.offset = fed_value(state, readings[max(len(readings) - 2, 0)], readings[-1])


def _clear_limits(smu: KeysightB2900State, call: Call) -> None:
    for each in smu.settings(call).limits.values():
        each.failed = False


def _set_calculated(smu: KeysightB2900State, _: Call, names: tuple[str, ...]) -> None:
    smu.calculated_elements = names


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


def _entries(smu: KeysightB2900State, call: Call) -> tuple[list[dict[str, float]], tuple[str, ...]]:
    """Return the entries of a trace buffer as its feed and its kind of timestamp want them, and their elements."""
    trace, state = _trace(smu, call), smu.settings(call)
    if not trace.readings:
        raise ScpiError(-230)
    found = []
    for before, now in _pairs(trace.readings):
        zero = before if trace.stamps == "DELT" else trace.readings[0]
        value = _result(state, trace.feed, before, now)
        found.append({**now, "TIME": now["TIME"] - zero["TIME"], "CALC": value})
    return found, element_names(smu) if trace.feed == "SENS" else smu.calculated_elements


def _data(smu: KeysightB2900State, call: Call) -> Answer:
    arguments = call.expect(0, 2)
    found, names = _entries(smu, call)
    return answer(smu, window(found, arguments), names)


def _statistic(smu: KeysightB2900State, call: Call) -> Answer:
    found, names = _entries(smu, call)
    how = STATISTICS[_trace(smu, call).statistic]
    columns = ([each[name] for each in found] for name in names if name not in ("TIME", "STAT"))
    return smu.format.encode([how(each) for each in columns])


_L = ":CALCulate#:LIMit{1-12}"

COMMANDS: tuple[Command, ...] = (
    *calculation.commands(":CALCulate#:MATH", _math),
    setting.attribute(":CALCulate#:MATH:STATe", "on", FLAG, _math),
    setting.query(":CALCulate#:MATH:DATA", _results("MATH", latest=False)),
    setting.query(":CALCulate#:MATH:DATA:LATest", _results("MATH", latest=True)),
    setting.query(":CALCulate#:DATA", _results("LIMIT", latest=False)),
    setting.query(":CALCulate#:DATA:LATest", _results("LIMIT", latest=True)),
    setting.attribute(":CALCulate#:FEED", "feed", choice("MATH", "VOLTage", "CURRent", "RESistance")),
    setting.attribute(":CALCulate#:OFFSet", "offset", number(-LARGEST, LARGEST, 0.0)),
    setting.attribute(":CALCulate#:OFFSet:STATe", "offset_on", FLAG),
    setting.channel_action(":CALCulate#:OFFSet:ACQuire", _acquire),
    setting.attribute(f"{_L}:STATe", "on", FLAG, _limit),
    setting.attribute(f"{_L}:FUNCtion", "function", choice("COMPliance", "LIMit"), _limit),
    setting.attribute(f"{_L}:COMPliance:FAIL", "fails_in", choice("IN", "OUT"), _limit),
    setting.attribute(f"{_L}:LOWer[:DATA]", "lower", number(-LARGEST, LARGEST, -1.0), _limit),
    setting.attribute(f"{_L}:UPPer[:DATA]", "upper", number(-LARGEST, LARGEST, 1.0), _limit),
    setting.query(f"{_L}:FAIL", lambda smu, call: str(int(_limit(smu, call).failed))),
    setting.channel_action(":CALCulate#:CLIMits:CLEar[:IMMediate]", _clear_limits),
    CALCULATED.command(":FORMat:ELEMents:CALCulate", _set_calculated, lambda smu, _: smu.calculated_elements),
    setting.channel_action(":TRACe#:CLEar", lambda smu, call: _idle_trace(smu, call).readings.clear()),
    Command(":TRACe#:DATA", query=_data),
    choice("SENSe", "MATH", "LIMit").command(":TRACe#:FEED", _set_feed, lambda smu, call: _trace(smu, call).feed),
    setting.attribute(":TRACe#:FEED:CONTrol", "control", choice("NEXT", "NEVer"), _trace),
    setting.query(":TRACe#:FREE", _free),
    kinds.integer(1, LARGEST_TRAIN, LARGEST_TRAIN).command(
        ":TRACe#:POINts", _set_points, lambda smu, call: _trace(smu, call).points
    ),
    setting.query(":TRACe#:POINts:ACTual", lambda smu, call: str(len(_trace(smu, call).readings))),
    setting.query(":TRACe#:STATistic:DATA", _statistic),
    setting.attribute(
        ":TRACe#:STATistic:FORMat", "statistic", choice("MEAN", "SDEViation", "MAXimum", "MINimum", "PKPK"), _trace
    ),
    setting.attribute(":TRACe#:TSTamp:FORMat", "stamps", choice("ABSolute", "DELTa"), _trace),
)
