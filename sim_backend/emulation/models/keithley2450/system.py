"""Commands of an emulated Keithley 2450 for system, status and formats; scripts are not emulated."""

from collections.abc import Mapping

from ...scpi import format as scpi_format
from ...scpi import settings as setting
from ...scpi import values
from ...scpi.common import clear_status
from ...scpi.kinds import Kind, choice, integer
from ...scpi.messages import Call, Command, clear_errors, error_count
from .buffer import BINARY_REFUSES, FULL
from .state import Keithley2450State

TEXTS: Mapping[int, str] = {
    BINARY_REFUSES: "Parameter 4, Syntax error, expected valid name parameters",
    FULL: "Attempting to store past capacity of reading buffer",
}


def _set_time(_: Keithley2450State, call: Call) -> None:
    """Take a date; the clock of the bench goes on by itself."""
    for text in call.expect(1, 6):
        values.number(text)


def _event_map(pattern: str) -> Command:
    """Declare which events set and clear a bit of a register; kept without effect, by the bit."""

    def read(texts: list[str], _: bool) -> str:
        return ",".join(str(values.integer(text, 0, 10_000)) for text in [*texts, "0"][:2])

    def key(bit: str) -> tuple[str, tuple[int, ...]]:
        return pattern, (values.integer(bit, 0, 14),)

    return Kind(read, most=2).addressed(
        pattern,
        0,
        lambda smu, bit, events: smu.kept.update({key(bit): events}),
        lambda smu, bit: smu.kept.get(key(bit), "0,0"),
    )


def _next_event(smu: Keithley2450State, call: Call) -> str:
    call.expect(0, 1)
    return smu.error_text(smu.status.next_error())


def _event_count(smu: Keithley2450State, call: Call) -> str:
    call.expect(0, 1)
    return str(len(smu.status.errors))


COMMANDS: tuple[Command, ...] = (
    # The command set that the next power-on would bring; this one stays.
    choice("SCPI", "SCPI2400", "TSP").command("*LANG", lambda *_: None, lambda *_: "SCPI"),
    *scpi_format.commands(
        {"ASCii": scpi_format.TEXT, "REAL": scpi_format.DOUBLE, "SREal": scpi_format.SINGLE},
        {scpi_format.TEXT: "ASC", scpi_format.DOUBLE: "REAL", scpi_format.SINGLE: "SRE"},
    ),
    setting.attribute(":FORMat:ASCii:PRECision", "precision", integer(0, 16, 0)),
    *setting.registers("OPERation", "QUEStionable"),
    _event_map(":STATus:OPERation:MAP"),
    _event_map(":STATus:QUEStionable:MAP"),
    setting.action(":STATus:CLEar", clear_status),
    # Front and rear terminals are the same nodes here.
    choice("FRONt", "REAR").command(
        ":ROUTe:TERMinals",
        lambda smu, _, chosen: smu.change(smu, "terminals", chosen),
        lambda smu, _: smu.terminals,
    ),
    Command(":SYSTem:CLEar", clear_errors),
    Command(":SYSTem:ERRor:CLEar", clear_errors),
    Command(":SYSTem:ERRor:COUNt", query=error_count),
    Command(":SYSTem:EVENtlog:COUNt", query=_event_count),
    Command(":SYSTem:EVENtlog:NEXT", query=_next_event),
    Command(":SYSTem:LFRequency", query=lambda smu, _: str(round(smu.line_hz))),
    Command(":SYSTem:TIME", _set_time, lambda smu, _: str(int(smu.world.clock.now()))),
)
