"""Commands of an emulated Keithley 2450 that measure, and those of its reading buffers: ``:READ``, ``:TRACe``.

Names are those of the Model 2450 reference manual, chapter 6, SCPI command reference. Files are not emulated.
"""

from collections.abc import Callable, Iterator

from ...scpi import values
from ...scpi.messages import Answer, Call, Command, Query
from ...scpi.reading import STATISTICS
from ...scpi.status import ScpiError
from .buffer import ELEMENTS, MOST_POINTS, OWN_BUFFERS, ReadingBuffer, decimal, element
from .reading import read
from .state import Keithley2450State

STYLES = ("COMPact", "STANdard", "FULL", "WRITable", "FULLWRITable")
LEAST_POINTS = 10
MOST_ARGUMENTS = 1 + len(ELEMENTS)


def _target(smu: Keithley2450State, arguments: list[str]) -> tuple[str, list[str]]:
    """Return the buffer and the elements that a command names; the reading of ``defbuffer1`` if none."""
    name, rest = smu.split_buffer(arguments)
    return name, [element(text) for text in rest] or ["READ"]


def _answer(smu: Keithley2450State, name: str, first: int, last: int, elements: list[str]) -> Answer:
    return smu.buffer(name).answer(first, last, elements, smu.format, smu.now.precision)


def _latest(smu: Keithley2450State, name: str, elements: list[str]) -> Answer:
    size = len(smu.buffer(name).readings)
    if not size:
        raise ScpiError(-230)
    return _answer(smu, name, size, size, elements)


def _fetch(smu: Keithley2450State, call: Call) -> Answer:
    return _latest(smu, *_target(smu, call.expect(0, MOST_ARGUMENTS)))


def _measure(pattern: str, function: str = "") -> Command:
    """Declare a query that takes readings, of the function in use if none is named."""

    def query(smu: Keithley2450State, call: Call) -> Answer:
        name, elements = _target(smu, call.expect(0, MOST_ARGUMENTS))
        smu.now.measuring.function = function or smu.now.measuring.function
        smu.apply()
        smu.acquisition.run(read(smu, name))
        return _latest(smu, name, elements)

    return Command(pattern, query=query)


def _data(smu: Keithley2450State, call: Call) -> Answer:
    arguments = call.expect(2, 2 + MOST_ARGUMENTS)
    first, last = (values.integer(text, 1, 10**7) for text in arguments[:2])
    name, elements = _target(smu, arguments[2:])
    return _answer(smu, name, first, last, elements)


def _buffer(smu: Keithley2450State, arguments: list[str]) -> ReadingBuffer:
    return smu.buffer(smu.buffer_name(arguments))


def _of_buffer(how: Callable[[ReadingBuffer], str]) -> Query:
    """Return a query about a buffer, the default one if none is named."""
    return lambda smu, call: how(_buffer(smu, call.expect(0, 1)))


def _clear(smu: Keithley2450State, call: Call) -> None:
    _buffer(smu, call.expect(0, 1)).readings.clear()


def _set_points(smu: Keithley2450State, call: Call) -> None:
    points, *buffer = call.expect(1, 2)
    _buffer(smu, buffer).resize(values.integer(points, LEAST_POINTS, MOST_POINTS))


def _set_fill(smu: Keithley2450State, call: Call) -> None:
    mode, *buffer = call.expect(1, 2)
    _buffer(smu, buffer).once = values.choice(mode, ("CONTinuous", "ONCE")) == "ONCE"


def _make(smu: Keithley2450State, call: Call) -> None:
    arguments = call.expect(2, 3)
    name, points = values.string(arguments[0]), values.integer(arguments[1], LEAST_POINTS, MOST_POINTS)
    if len(arguments) > 2:
        values.choice(arguments[2], STYLES)
    if name in smu.buffers or not name.isidentifier():
        raise ScpiError(-224)
    smu.buffers[name] = ReadingBuffer(points, once=True)


def _delete(smu: Keithley2450State, call: Call) -> None:
    name = smu.buffer_name(call.expect(1))
    if name in OWN_BUFFERS:
        raise ScpiError(-224)
    del smu.buffers[name]


def _take(smu: Keithley2450State, call: Call) -> None:
    """Start readings, which go on while others are spoken to; the next command waits for their end."""
    smu.acquisition.start(_steps(smu, smu.buffer_name(call.expect(0, 1))))


def _steps(smu: Keithley2450State, name: str) -> Iterator[float]:
    try:
        yield from read(smu, name)
    except ScpiError as error:
        smu.status.report(error.code)


def _statistic(kind: str) -> Query:
    def answer(buffer: ReadingBuffer) -> str:
        if not buffer.readings:
            raise ScpiError(-230)
        return decimal(STATISTICS[kind]([each.value for each in buffer.readings]))

    return _of_buffer(answer)


COMMANDS: tuple[Command, ...] = (
    _measure(":READ"),
    Command(":FETCh", query=_fetch),
    _measure(":MEASure"),
    _measure(":MEASure:CURRent[:DC]", "CURR"),
    _measure(":MEASure:VOLTage[:DC]", "VOLT"),
    _measure(":MEASure:RESistance", "RES"),
    Command(":TRACe:DATA", query=_data),
    Command(":TRACe:ACTual", query=_of_buffer(lambda buffer: str(len(buffer.readings)))),
    Command(":TRACe:ACTual:STARt", query=_of_buffer(lambda buffer: str(int(bool(buffer.readings))))),
    Command(":TRACe:ACTual:END", query=_of_buffer(lambda buffer: str(len(buffer.readings)))),
    Command(":TRACe:CLEar", _clear),
    Command(":TRACe:POINts", _set_points, _of_buffer(lambda buffer: str(buffer.points))),
    Command(":TRACe:FILL:MODE", _set_fill, _of_buffer(lambda buffer: "ONCE" if buffer.once else "CONT")),
    Command(":TRACe:MAKE", _make),
    Command(":TRACe:DELete", _delete),
    Command(":TRACe:TRIGger", _take),
    Command(":TRACe:STATistics:AVERage", query=_statistic("MEAN")),
    Command(":TRACe:STATistics:MAXimum", query=_statistic("MAX")),
    Command(":TRACe:STATistics:MINimum", query=_statistic("MIN")),
    Command(":TRACe:STATistics:STDDev", query=_statistic("SDEV")),
)
