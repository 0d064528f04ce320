"""Commands of an emulated Keithley 2450 that measure, and those of its reading buffers: ``:READ``, ``:TRACe``.

Names are those of the Model 2450 reference manual, chapter 6, SCPI command reference.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from ...scpi import settings as setting
from ...scpi import values
from ...scpi.messages import Answer, Call, Command
from ...scpi.reading import STATISTICS
from ...scpi.status import ScpiError
from .buffer import ELEMENTS, MOST_POINTS, ReadingBuffer, decimal, element

if TYPE_CHECKING:
    from .model import EmulatedKeithley2450

OWN_BUFFERS = ("defbuffer1", "defbuffer2")
STYLES = ("COMPact", "STANdard", "FULL", "WRITable", "FULLWRITable")
LEAST_POINTS = 10
MOST_ARGUMENTS = 1 + len(ELEMENTS)


def _target(smu: "EmulatedKeithley2450", arguments: list[str]) -> tuple[str, list[str]]:
    """Return the buffer and the elements that a command names; the reading of ``defbuffer1`` if none."""
    name = "defbuffer1"
    if arguments and arguments[0][:1] in ('"', "'"):
        name, arguments = values.string(arguments[0]), arguments[1:]
    smu.buffer(name)
    return name, [element(text) for text in arguments] or ["READ"]


def _written(smu: "EmulatedKeithley2450", name: str, first: int, last: int, elements: list[str]) -> Answer:
    return smu.buffer(name).written(first, last, elements, smu.format, smu.now.precision)


def _latest(smu: "EmulatedKeithley2450", name: str, elements: list[str]) -> Answer:
    size = len(smu.buffer(name).readings)
    if not size:
        raise ScpiError(-230)
    return _written(smu, name, size, size, elements)


def _read(smu: "EmulatedKeithley2450", call: Call) -> Answer:
    name, elements = _target(smu, call.expect(0, MOST_ARGUMENTS))
    smu.read(name)
    return _latest(smu, name, elements)


def _fetch(smu: "EmulatedKeithley2450", call: Call) -> Answer:
    return _latest(smu, *_target(smu, call.expect(0, MOST_ARGUMENTS)))


def _measure(pattern: str, function: str) -> Command:
    def query(smu: "EmulatedKeithley2450", call: Call) -> Answer:
        name, elements = _target(smu, call.expect(0, MOST_ARGUMENTS))
        smu.now.measuring.function = function or smu.now.measuring.function
        smu.apply()
        smu.read(name)
        return _latest(smu, name, elements)

    return Command(pattern, query=query)


def _data(smu: "EmulatedKeithley2450", call: Call) -> Answer:
    arguments = call.expect(2, 2 + MOST_ARGUMENTS)
    first, last = (values.integer(text, 1, 10**7) for text in arguments[:2])
    name, elements = _target(smu, arguments[2:])
    return _written(smu, name, first, last, elements)


def _named(smu: "EmulatedKeithley2450", arguments: list[str]) -> ReadingBuffer:
    return smu.buffer(values.string(arguments[0]) if arguments else "defbuffer1")


def _of_buffer(how: Callable[[ReadingBuffer], str]) -> Callable[["EmulatedKeithley2450", Call], str]:
    """Return a query about a buffer, the default one if none is named."""
    return lambda smu, call: how(_named(smu, call.expect(0, 1)))


def _clear(smu: "EmulatedKeithley2450", call: Call) -> None:
    _named(smu, call.expect(0, 1)).readings.clear()


def _set_points(smu: "EmulatedKeithley2450", call: Call) -> None:
    arguments = call.expect(1, 2)
    buffer = _named(smu, arguments[1:])
    buffer.resize(values.integer(arguments[0], LEAST_POINTS, MOST_POINTS))


def _make(smu: "EmulatedKeithley2450", call: Call) -> None:
    arguments = call.expect(2, 3)
    name, points = values.string(arguments[0]), values.integer(arguments[1], LEAST_POINTS, MOST_POINTS)
    style = values.choice(arguments[2], STYLES) if len(arguments) > 2 else "STAN"
    if name in smu.buffers or not name.isidentifier():
        raise ScpiError(-224)
    smu.buffers[name] = ReadingBuffer(points, once=True, style=style)


def _delete(smu: "EmulatedKeithley2450", call: Call) -> None:
    name = values.string(call.expect(1)[0])
    smu.buffer(name)
    if name in OWN_BUFFERS:
        raise ScpiError(-224)
    del smu.buffers[name]


def _take(smu: "EmulatedKeithley2450", call: Call) -> None:
    arguments = call.expect(0, 1)
    name = values.string(arguments[0]) if arguments else "defbuffer1"
    smu.buffer(name)
    smu.read(name)


def _set_fill(smu: "EmulatedKeithley2450", call: Call) -> None:
    arguments = call.expect(1, 2)
    _named(smu, arguments[1:]).once = values.choice(arguments[0], ("CONTinuous", "ONCE")) == "ONCE"


def _set_logging(smu: "EmulatedKeithley2450", call: Call) -> None:
    arguments = call.expect(1, 2)
    _named(smu, arguments[1:]).logging = values.boolean(arguments[0])


def _save(_: "EmulatedKeithley2450", call: Call) -> None:
    """Report that there is no drive to save to."""
    values.string(call.expect(1, 6)[0])
    raise ScpiError(-250)


def _statistic(name: str, kind: str) -> Command:
    def query(smu: "EmulatedKeithley2450", call: Call) -> str:
        buffer = _named(smu, call.expect(0, 1))
        if not buffer.readings:
            raise ScpiError(-230)
        return decimal(STATISTICS[kind]([each.value for each in buffer.readings]))

    return Command(f":TRACe:STATistics:{name}", query=query)


COMMANDS: tuple[Command, ...] = (
    Command(":READ", query=_read),
    Command(":FETCh", query=_fetch),
    _measure(":MEASure", ""),
    _measure(":MEASure:CURRent[:DC]", "CURR"),
    _measure(":MEASure:VOLTage[:DC]", "VOLT"),
    _measure(":MEASure:RESistance", "RES"),
    Command(":TRACe:DATA", query=_data),
    Command(":TRACe:ACTual", query=_of_buffer(lambda buffer: str(len(buffer.readings)))),
    Command(":TRACe:ACTual:STARt", query=_of_buffer(lambda buffer: str(int(bool(buffer.readings))))),
    Command(":TRACe:ACTual:END", query=_of_buffer(lambda buffer: str(len(buffer.readings)))),
    Command(":TRACe:CLEar", _clear),
    Command(":TRACe:POINts", _set_points, _of_buffer(lambda buffer: str(buffer.points))),
    Command(":TRACe:MAKE", _make),
    Command(":TRACe:DELete", _delete),
    Command(":TRACe:TRIGger", _take),
    Command(":TRACe:FILL:MODE", _set_fill, _of_buffer(lambda buffer: "ONCE" if buffer.once else "CONT")),
    Command(":TRACe:LOG:STATe", _set_logging, _of_buffer(lambda buffer: str(int(buffer.logging)))),
    Command(":TRACe:SAVE", _save),
    Command(":TRACe:SAVE:APPend", _save),
    _statistic("AVERage", "MEAN"),
    _statistic("MAXimum", "MAX"),
    _statistic("MINimum", "MIN"),
    _statistic("STDDev", "SDEV"),
    _statistic("PK2Pk", "PKPK"),
    Command(":TRACe:STATistics:CLEar", lambda smu, call: _named(smu, call.expect(0, 1))),
    setting.text(":DISPlay:BUFFer:ACTive", "active_buffer", 31, of=lambda smu, _: smu.panel),
)
