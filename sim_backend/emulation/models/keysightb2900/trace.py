"""Commands of an emulated Keysight B2900 that work on readings: ``:CALCulate`` and ``:TRACe``.

Names are those of the B2900 SCPI command reference, edition 2. Digital lines of the limit tests are stored only.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...scpi import calculation as scpi_calculation
from ...scpi import settings as setting
from ...scpi import values
from ...scpi.calculation import Mathematics
from ...scpi.messages import Answer, Call, Command, Query
from ...scpi.reading import STATISTICS
from ...scpi.status import ScpiError
from ...scpi.values import NOT_MEASURED, OVERFLOW
from .settings import LARGEST_TRAIN, Limit, Trace
from .source import state_of
from .trigger import windowed

if TYPE_CHECKING:
    from .model import EmulatedKeysightB2900

LARGEST = 9.999999e20
FEEDS = ("MATH", "VOLTage", "CURRent", "RESistance")
LIMIT_FAILED, READING_AVAILABLE, READING_OVERFLOW, BUFFER_AVAILABLE, BUFFER_FULL = (1 << bit for bit in range(5))
"""Bits of the measurement status register for channel 1 (table 4-6); those of channel 2 are six higher."""
CHANNEL_BITS = 6


def noted(smu: "EmulatedKeysightB2900", number: int, found: dict[str, float], beyond: bool) -> None:
    """Do with a new reading what limit tests, trace buffer and status registers ask."""
    state = smu.states[number - 1]
    bits = READING_OVERFLOW if beyond else READING_AVAILABLE
    tested = [limit for limit in state.limits.values() if limit.on]
    value = compared(smu, number, found, found) if tested else 0.0
    for limit in tested:
        at_limit = smu.limited(number) == (limit.fails_in == "IN")
        limit.failed = at_limit if limit.function == "COMP" else not limit.lower <= value <= limit.upper
    if any(limit.failed for limit in tested):
        bits |= LIMIT_FAILED
    trace = state.trace
    if trace.control == "NEXT":
        trace.readings.append(found)
        bits |= BUFFER_AVAILABLE
        if len(trace.readings) >= trace.points:
            trace.control = "NEV"
            bits |= BUFFER_FULL
    smu.measurement.change(bits << CHANNEL_BITS * (number - 1), False)
    smu.measurement.change(bits << CHANNEL_BITS * (number - 1), True)


def compared(smu: "EmulatedKeysightB2900", number: int, before: dict[str, float], now: dict[str, float]) -> float:
    """Return what goes into the limit tests: the fed value less the offset."""
    state = smu.states[number - 1]
    value = state.math.result(before, now) if state.feed == "MATH" else now[state.feed]
    return value - state.offset if state.offset_on and abs(value) < OVERFLOW else value


# ---------------------------------------------------------------------- calculation


def _math(smu: Any, call: Call) -> Mathematics:
    return state_of(smu, call).math


def _limit(smu: Any, call: Call) -> Limit:
    return state_of(smu, call).limits[call.suffixes[-1]]


def _calculated(stage: str, latest: bool) -> Query:
    """Return what answers results of the mathematics (stage MATH) or of the limit tests."""

    def query(smu: "EmulatedKeysightB2900", call: Call) -> Answer:
        call.expect(0)
        number = call.suffixes[0]
        readings = smu.readings[number - 1]
        if not readings or (stage == "MATH" and not state_of(smu, call).math.on):
            return smu.written([{"CALC": NOT_MEASURED}], ("CALC",))
        found = []
        for before, now in zip([readings[0], *readings[:-1]], readings, strict=True):
            value = (
                state_of(smu, call).math.result(before, now) if stage == "MATH" else compared(smu, number, before, now)
            )
            found.append({**now, "CALC": value})
        return smu.written(found[-1:] if latest else found, smu.calculated_elements)

    return query


def _acquire(smu: "EmulatedKeysightB2900", call: Call) -> None:
    call.expect(0)
    readings, state = smu.readings[call.suffixes[0] - 1], state_of(smu, call)
    if not readings:
        raise ScpiError(-230)
    now = readings[-1]
    state.offset = (
        state.math.result(readings[max(len(readings) - 2, 0)], now) if state.feed == "MATH" else now[state.feed]
    )


def _forget(smu: "EmulatedKeysightB2900", call: Call) -> None:
    call.expect(0)
    for each in state_of(smu, call).limits.values():
        each.failed = False


def _failed(smu: "EmulatedKeysightB2900", call: Call) -> str:
    call.expect(0)
    return str(int(_limit(smu, call).failed))


def _pattern(node: str) -> Command:
    """Declare the bit pattern that a limit test would send to digital lines; stored only."""

    def write(smu: "EmulatedKeysightB2900", call: Call) -> None:
        _limit(smu, call).patterns[node] = values.integer(call.expect(1)[0], 0, 16383)

    def query(smu: "EmulatedKeysightB2900", call: Call) -> str:
        return values.whole(_limit(smu, call).patterns.get(node, 0), smu.panel.digital_base)

    return Command(f":CALCulate#:LIMit{{1-12}}:{node}:DIGital[:DATA]", write, query)


def _composite(node: str, default: str, read: Callable[[str], str]) -> Command:
    """Declare something of the composite limit test; stored only."""

    def write(smu: "EmulatedKeysightB2900", call: Call) -> None:
        state_of(smu, call).composite[node] = read(call.expect(1)[0])

    return Command(
        f":CALCulate#:CLIMits:{node}", write, lambda smu, call: state_of(smu, call).composite.get(node, default)
    )


def _switch(text: str) -> str:
    return str(int(values.boolean(text)))


def _bits(text: str) -> str:
    return str(values.integer(text, 0, 16383))


# ---------------------------------------------------------------------- trace buffer


def _trace(smu: Any, call: Call) -> Trace:
    return state_of(smu, call).trace


def _set_points(smu: "EmulatedKeysightB2900", call: Call) -> None:
    points = values.integer(call.expect(1)[0], 1, LARGEST_TRAIN, LARGEST_TRAIN)
    trace = _changeable(smu, call)
    trace.points = points
    trace.readings.clear()


def _points(smu: "EmulatedKeysightB2900", call: Call) -> str:
    if call.expect(0, 1):
        return str(round(setting.named_bound(call.arguments[0], 1, LARGEST_TRAIN, LARGEST_TRAIN)))
    return str(_trace(smu, call).points)


def _changeable(smu: "EmulatedKeysightB2900", call: Call) -> Trace:
    """Return a trace buffer that is not being written; -221 otherwise."""
    trace = _trace(smu, call)
    if trace.control == "NEXT":
        raise ScpiError(-221)
    return trace


def _set_feed(smu: "EmulatedKeysightB2900", call: Call) -> None:
    chosen = values.choice(call.expect(1)[0], ("SENSe", "MATH", "LIMit"))
    _changeable(smu, call).feed = chosen


def _clear_trace(smu: "EmulatedKeysightB2900", call: Call) -> None:
    call.expect(0)
    _changeable(smu, call).readings.clear()


def _stored(smu: "EmulatedKeysightB2900", call: Call) -> tuple[list[dict[str, float]], tuple[str, ...]]:
    """Return the entries of a trace buffer as its feed and its kind of timestamp want them, and their elements."""
    trace, state, number = _trace(smu, call), state_of(smu, call), call.suffixes[0]
    if not trace.readings:
        raise ScpiError(-230)
    found = []
    for before, now in zip([trace.readings[0], *trace.readings[:-1]], trace.readings, strict=True):
        zero = before if trace.stamps == "DELT" else trace.readings[0]
        value = state.math.result(before, now) if trace.feed == "MATH" else compared(smu, number, before, now)
        found.append({**now, "TIME": now["TIME"] - zero["TIME"], "CALC": value})
    return found, smu.names() if trace.feed == "SENS" else smu.calculated_elements


def _data(smu: "EmulatedKeysightB2900", call: Call) -> Answer:
    arguments = call.expect(0, 2)
    found, names = _stored(smu, call)
    return smu.written(windowed(found, arguments), names)


def _statistic(smu: "EmulatedKeysightB2900", call: Call) -> Answer:
    call.expect(0)
    found, names = _stored(smu, call)
    how = STATISTICS[_trace(smu, call).statistic]
    kept = [name for name in names if name not in ("TIME", "STAT")]
    return smu.format.written([how([each[name] for each in found]) for name in kept])


_L = ":CALCulate#:LIMit{1-12}"

COMMANDS: tuple[Command, ...] = (
    *scpi_calculation.commands(":CALCulate#:MATH", _math),
    setting.flag(":CALCulate#:MATH:STATe", "on", of=_math),
    Command(":CALCulate#:MATH:DATA", query=_calculated("MATH", latest=False)),
    Command(":CALCulate#:MATH:DATA:LATest", query=_calculated("MATH", latest=True)),
    Command(":CALCulate#:DATA", query=_calculated("LIMIT", latest=False)),
    Command(":CALCulate#:DATA:LATest", query=_calculated("LIMIT", latest=True)),
    setting.choice(":CALCulate#:FEED", "feed", *FEEDS),
    setting.number(":CALCulate#:OFFSet", "offset", -LARGEST, LARGEST, 0.0),
    setting.flag(":CALCulate#:OFFSet:STATe", "offset_on"),
    Command(":CALCulate#:OFFSet:ACQuire", _acquire),
    setting.flag(f"{_L}:STATe", "on", of=_limit),
    setting.choice(f"{_L}:FUNCtion", "function", "COMPliance", "LIMit", of=_limit),
    setting.choice(f"{_L}:COMPliance:FAIL", "fails_in", "IN", "OUT", of=_limit),
    setting.number(f"{_L}:LOWer[:DATA]", "lower", -LARGEST, LARGEST, -1.0, of=_limit),
    setting.number(f"{_L}:UPPer[:DATA]", "upper", -LARGEST, LARGEST, 1.0, of=_limit),
    Command(f"{_L}:FAIL", query=_failed),
    *(_pattern(node) for node in ("COMPliance", "LOWer", "UPPer", "PASS")),
    Command(":CALCulate#:CLIMits:CLEar[:IMMediate]", _forget),
    _composite("STATe", "0", _switch),
    _composite("MODE", "GRAD", lambda text: values.choice(text, ("GRADing", "SORTing"))),
    _composite("UPDate", "END", lambda text: values.choice(text, ("IMMediate", "END"))),
    _composite("CLEar:AUTO", "1", _switch),
    _composite("CLEar:AUTO:DELay", values.nr3(1e-4), lambda text: values.nr3(values.bounded(text, 1e-5, 60.0, 1e-4))),
    _composite("FAIL:DIGital[:DATA]", "0", _bits),
    _composite("PASS:DIGital[:DATA]", "0", _bits),
    Command(":TRACe#:CLEar", _clear_trace),
    Command(":TRACe#:DATA", query=_data),
    Command(":TRACe#:FEED", _set_feed, lambda smu, call: _trace(smu, call).feed),
    setting.choice(":TRACe#:FEED:CONTrol", "control", "NEXT", "NEVer", of=_trace),
    Command(
        ":TRACe#:FREE",
        query=lambda smu, call: (
            f"{_trace(smu, call).points - len(_trace(smu, call).readings)},{_trace(smu, call).points}"
        ),
    ),
    Command(":TRACe#:POINts", _set_points, _points),
    Command(":TRACe#:POINts:ACTual", query=lambda smu, call: str(len(_trace(smu, call).readings))),
    Command(":TRACe#:STATistic:DATA", query=_statistic),
    setting.choice(
        ":TRACe#:STATistic:FORMat", "statistic", "MEAN", "SDEViation", "MAXimum", "MINimum", "PKPK", of=_trace
    ),
    setting.choice(":TRACe#:TSTamp:FORMat", "stamps", "ABSolute", "DELTa", of=_trace),
)
