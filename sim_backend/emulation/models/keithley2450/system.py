"""Commands of an emulated Keithley 2450 for system, status and formats; scripts are not emulated."""

from collections.abc import Mapping

from ...scpi import format as scpi_format
from ...scpi import settings as setting
from ...scpi.common import clear_status
from ...scpi.kinds import choice, integer
from ...scpi.messages import Command, clear_errors, error_count
from .buffer import BINARY_REFUSES, FULL

TEXTS: Mapping[int, str] = {
    BINARY_REFUSES: "Parameter 4, Syntax error, expected valid name parameters",
    FULL: "Attempting to store past capacity of reading buffer",
}


COMMANDS: tuple[Command, ...] = (
    # The command set that the next power-on would bring; this one stays.
    choice("SCPI", "SCPI2400", "TSP").command("*LANG", lambda *_: None, lambda *_: "SCPI"),
    *scpi_format.commands(
        {"ASCii": scpi_format.TEXT, "REAL": scpi_format.DOUBLE, "SREal": scpi_format.SINGLE},
        {scpi_format.TEXT: "ASC", scpi_format.DOUBLE: "REAL", scpi_format.SINGLE: "SRE"},
    ),
    setting.attribute(":FORMat:ASCii:PRECision", "precision", integer(0, 16, 0)),
    *setting.registers("OPERation", "QUEStionable"),
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
    Command(":SYSTem:LFRequency", query=lambda smu, _: str(round(smu.line_hz))),
    setting.query(":SYSTem:TIME", lambda smu, _: str(int(smu.world.clock.now()))),
)
