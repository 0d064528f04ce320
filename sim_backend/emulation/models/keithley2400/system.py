"""Commands of an emulated Keithley 2400 for system, status and formats."""

from ...scpi import format as scpi_format
from ...scpi import kinds, values
from ...scpi import settings as setting
from ...scpi.format import SINGLE, TEXT
from ...scpi.messages import Call, Command, clear_errors
from ...scpi.status import ScpiError
from .state import SourceMeter


def _preset(smu: SourceMeter) -> None:
    """Return to the state of the bench, which differs from ``*RST`` in the order of bytes (note of table 18-3)."""
    smu.reset()
    smu.format.swapped = True


def _set_line(smu: SourceMeter, call: Call) -> None:
    wanted = values.number(call.expect(1)[0])
    if wanted not in (50, 60):
        raise ScpiError(-222)
    smu.line_hz, smu.line_auto = wanted, False


def _reset_time(smu: SourceMeter) -> None:
    smu.started_s = smu.world.clock.now()


def _set_terminals(smu: SourceMeter, _: Call, chosen: str) -> None:
    """Choose front or rear terminals, which turns the output off; both are the same nodes here."""
    if chosen != smu.terminals:
        smu.switch(False)
    smu.terminals = chosen


COMMANDS: tuple[Command, ...] = (
    *scpi_format.commands(
        {"ASCii": TEXT, "REAL": SINGLE, "REAL,32": SINGLE, "SREal": SINGLE}, {TEXT: "ASC", SINGLE: "REAL"}
    ),
    setting.attribute(
        ":FORMat:ELEMents[:SENSe#]",
        "elements",
        # The order of the reply is that of Figure 18-1, whatever the order of the list.
        kinds.ordered("VOLTage", "CURRent", "RESistance", "TIME", "STATus"),
    ),
    setting.attribute(":FORMat:ELEMents:CALCulate", "calculated_elements", kinds.ordered("CALC", "TIME", "STATus")),
    setting.choice(":FORMat:SREGister", "register_base", *values.BASES),
    *setting.register(":STATus:MEASurement", "measurement"),
    *setting.register(":STATus:OPERation", "operation"),
    *setting.register(":STATus:QUEStionable", "questionable"),
    Command(":STATus:QUEue[:NEXT]", query=lambda smu, _: smu.error_text(smu.status.next_error())),
    *(Command(header, clear_errors) for header in (":STATus:QUEue:CLEar", ":SYSTem:CLEar", ":SYSTem:ERRor:CLEar")),
    setting.action(":SYSTem:PRESet", _preset),
    Command(":SYSTem:LFRequency", _set_line, lambda smu, _: str(round(smu.line_hz))),
    setting.flag(":SYSTem:LFRequency:AUTO", "line_auto", of=setting.of_instrument),
    Command(":SYSTem:AZERo:CACHing:NPLCycles", query=lambda smu, _: values.nr3(smu.now.nplc)),
    Command(":SYSTem:TIME", query=lambda smu, _: values.nr3(smu.world.clock.now() - smu.started_s)),
    setting.action(":SYSTem:TIME:RESet", _reset_time),
    setting.flag(":SYSTem:TIME:RESet:AUTO", "time_reset_auto"),
    setting.action(":SYSTem:MEMory:INITialize", lambda smu: smu.source_memory.clear()),
    kinds.choice("FRONt", "REAR").command(":ROUTe:TERMinals", _set_terminals, lambda smu, _: smu.terminals),
)
