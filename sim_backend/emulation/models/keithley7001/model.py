"""Emulated Keithley 7001 and 7002 switch systems with 7012 matrix cards of 4 by 10 crosspoints.

Crosspoints are written slot!row!column. Emulated only; the vendor's manual was not at hand, the commands are those of
public scripts. Assumed therefore: every slot holds a 7012; a move takes 4 ms (`settle_s`); a channel that does not
exist is error -222; ``:OPEN:ALL`` works as ``:OPEN ALL``; ``:ROUT:CLOS:STAT?`` answers the list of closed channels,
``(@)`` if there is none; ``:ROUT:CONF:SLOT<n>:STIM`` sets an extra settling time, and the longest of all slots counts.
"""

from ...scpi import memory as scpi_memory
from ...scpi import settings as setting
from ...scpi.matrix import relay_commands
from ...scpi.messages import Command, clear_errors
from ...scpi.status import ScpiError
from . import scan, stored
from .state import Keithley7001State


class EmulatedKeithley7001(Keithley7001State):
    """Model 7001 with two slots."""

    model = "MODEL 7001"
    firmware = "B05  /A02"
    most_suffix = 2
    commands = (
        *relay_commands(),
        Command("[:ROUTe]:CLOSe:STATe", query=lambda matrix, _: matrix.channel_list(matrix.closed)),
        setting.action("[:ROUTe]:OPEN:ALL", lambda matrix: matrix.switch(())),
        *scan.COMMANDS,
        *setting.registers("OPERation", "QUEStionable"),
        Command(":STATus:QUEue[:NEXT]", query=lambda matrix, _: matrix.error_text(matrix.status.next_error())),
        Command(":STATus:QUEue:CLEar", clear_errors),
        Command(":SYSTem:CLEar", clear_errors),
        setting.action(":SYSTem:PRESet", lambda matrix: matrix.reset()),
        *stored.COMMANDS,
        *scpi_memory.commands(range(10)),
    )

    def trigger(self) -> None:
        """Take the next step of a scan that waits for the bus."""
        if not any(each.source == "BUS" for each in self.scan.layers()):
            raise ScpiError(-211)
        scan.step(self)


class EmulatedKeithley7002(EmulatedKeithley7001):
    """Model 7002 with ten slots."""

    model = "MODEL 7002"
    most_suffix = 10
