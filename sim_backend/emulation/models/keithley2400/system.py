"""Commands of an emulated Keithley 2400 for system, status and formats."""

from ...scpi import format as scpi_format
from ...scpi import settings as setting
from ...scpi import values
from ...scpi.format import SINGLE, TEXT
from ...scpi.kinds import FLAG, choice, in_order
from ...scpi.messages import Call, Command, clear_errors
from ...scpi.smu import LINE_FREQUENCY
from .state import Keithley2400State


def _set_terminals(smu: Keithley2400State, _: Call, chosen: str) -> None:
    """Choose front or rear terminals, which turns the output off; both are the same nodes here."""
    if chosen != smu.terminals:
        smu.switch(False)
    smu.terminals = chosen


COMMANDS: tuple[Command, ...] = (
    *scpi_format.commands(
        {"ASCii": TEXT, "REAL": SINGLE, "REAL,32": SINGLE, "SREal": SINGLE}, {TEXT: "ASC", SINGLE: "REAL"}
    ),
    *setting.attributes(
        {
            # The order of the reply is that of Figure 18-1, whatever the order of the list.
            ":FORMat:ELEMents[:SENSe#]": ("elements", in_order("VOLTage", "CURRent", "RESistance", "TIME", "STATus")),
            ":SYSTem:TIME:RESet:AUTO": ("time_reset_auto", FLAG),
        }
    ),
    setting.attribute(
        ":FORMat:SREGister",
        "register_base",
        choice("ASCii", "HEXadecimal", "OCTal", "BINary"),
        setting.of_instrument,
    ),
    *setting.registers("MEASurement", "OPERation", "QUEStionable"),
    Command(":STATus:QUEue[:NEXT]", query=lambda smu, _: smu.error_text(smu.status.next_error())),
    *(
        Command(header, clear_errors, samples=("",))
        for header in (":STATus:QUEue:CLEar", ":SYSTem:CLEar", ":SYSTem:ERRor:CLEar")
    ),
    setting.action(":SYSTem:PRESet", lambda smu: smu.restore_factory()),
    LINE_FREQUENCY,
    setting.attribute(":SYSTem:LFRequency:AUTO", "line_auto", FLAG, setting.of_instrument),
    setting.query(":SYSTem:TIME", lambda smu, _: values.nr3(smu.elapsed_s())),
    setting.action(":SYSTem:TIME:RESet", lambda smu: smu.restart_timer()),
    choice("FRONt", "REAR").command(":ROUTe:TERMinals", _set_terminals, lambda smu, _: smu.terminals),
)
