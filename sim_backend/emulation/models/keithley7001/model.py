"""Emulated Keithley 7001 and 7002 switch systems with 7012 matrix cards of 4 by 10 crosspoints.

Crosspoints are written slot!row!column. Emulated only; the vendor's manual was not at hand, the commands are those of
public scripts. Assumed therefore: every slot holds a 7012 until it is told that it holds another card, which opens its
relays and leaves it without channels; a move takes 4 ms (`settle_s`); a channel that does not exist is error -222;
``:OPEN:ALL`` works as ``:OPEN ALL``; ``:ROUT:CLOS:STAT?`` answers the list of closed channels, ``(@)`` if there is
none, and neighbours of a row as a range, as a program that asks a 7001 reads it; ``:ROUT:CONF:SLOT<n>:STIM`` sets an
extra settling time, and the longest of all slots counts. No public script has a command for break-before-make, so there
is none. Scans and stored relay patterns are not emulated.
"""

from ...scpi import kinds
from ...scpi import settings as setting
from ...scpi.matrix import relay_commands
from ...scpi.messages import Command, clear_errors
from . import stored
from .state import CARD, Keithley7001State

LONGEST_S = 99999.999
LISTS = ("(@1!1!1)", "(@1!4!10)", "(@1!1!1:1!1!10)")


class EmulatedKeithley7001(Keithley7001State):
    """Model 7001 with two slots."""

    model = "MODEL 7001"
    firmware = "B05  /A02"
    most_suffix = 2
    commands = (
        *relay_commands(LISTS),
        Command("[:ROUTe]:CLOSe:STATe", query=lambda matrix, _: matrix.channel_list(matrix.closed)),
        setting.action("[:ROUTe]:OPEN:ALL", lambda matrix: matrix.switch(())),
        kinds.number(0.0, LONGEST_S, 0.0).command(
            "[:ROUTe]:CONFigure:SLOT#:STIMe",
            lambda matrix, call, seconds: matrix.extra_s.update({call.suffixes[0]: seconds}),
            lambda matrix, call: matrix.extra_s.get(call.suffixes[0], 0.0),
        ),
        CARD.command(
            "[:ROUTe]:CONFigure:SLOT#:CTYPe",
            lambda matrix, call, card: matrix.insert(call.suffixes[0], card),
            lambda matrix, call: matrix.card(call.suffixes[0]),
        ),
        *setting.registers("OPERation", "QUEStionable"),
        Command(":STATus:QUEue[:NEXT]", query=lambda matrix, _: matrix.error_text(matrix.status.next_error())),
        Command(":STATus:QUEue:CLEar", clear_errors, samples=("",)),
        Command(":SYSTem:CLEar", clear_errors, samples=("",)),
        setting.action(":SYSTem:PRESet", lambda matrix: matrix.reset()),
        *stored.COMMANDS,
    )


class EmulatedKeithley7002(EmulatedKeithley7001):
    """Model 7002 with ten slots."""

    model = "MODEL 7002"
    most_suffix = 10
