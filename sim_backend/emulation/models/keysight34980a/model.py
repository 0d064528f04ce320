"""An emulated Keysight 34980A multifunction switch unit with matrix modules.

Channels are written slot and then as the module in it numbers them: 1203 is slot 1, row 2, column 3 of a 34932A
(34980A command reference, ROUTe:CLOSe). Moves take 4 ms (data sheet, table 4). Emulated only. Assumed, as no page says
it: every slot holds a 34932A unless `modules` or `installed` say otherwise, an illegal channel is error -222, and an
exclusive close opens first, settles, then closes. The internal multimeter, an option, is not fitted.
"""

from ...scpi import settings as setting
from ...scpi.matrix import cycle_query, relay_commands
from ...scpi.messages import Command, clear_errors
from . import channels, relays, stored
from .state import Keysight34980AState


class EmulatedKeysight34980A(Keysight34980AState):
    """Model 34980A; for its parameters see `Keysight34980AState`."""

    model = "34980A"
    firmware = "2.51-2.43-2.07-1.05"
    queue_depth = 20
    accepts_units = True
    commands = (
        *relay_commands(channels.LISTS),
        cycle_query("+d"),
        *relays.COMMANDS,
        *channels.COMMANDS,
        setting.action(":SYSTem:PRESet", lambda matrix: matrix.reset()),
        Command(":SYSTem:ERRor:CLEar", clear_errors, samples=("",)),
        *setting.registers("OPERation", "QUEStionable", "ALARm"),
        setting.action(":DISPlay:TEXT:CLEar", lambda matrix: matrix.kept.pop((":DISPlay:TEXT", ()), None)),
        *stored.COMMANDS,
    )
