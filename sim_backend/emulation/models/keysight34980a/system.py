"""Commands of an emulated Keysight 34980A for status, stored setups and display."""

from ...scpi import settings as setting
from ...scpi import values
from ...scpi.messages import Call, Command, clear_errors
from .state import Keysight34980AState

LOCATIONS = range(6)


def _location(call: Call) -> int:
    return values.integer(call.expect(1)[0], LOCATIONS[0], LOCATIONS[-1])


def _forget(matrix: Keysight34980AState, call: Call) -> None:
    matrix.memory.pop(_location(call), None)


COMMANDS: tuple[Command, ...] = (
    setting.action(":SYSTem:PRESet", lambda matrix: matrix.reset()),
    Command(":SYSTem:ERRor:CLEar", clear_errors),
    *setting.register(":STATus:OPERation", "operation"),
    *setting.register(":STATus:QUEStionable", "questionable"),
    *setting.register(":STATus:ALARm", "alarm"),
    Command(":MEMory:STATe:DELete", _forget),
    Command(":MEMory:STATe:VALid", query=lambda matrix, call: str(int(_location(call) in matrix.memory))),
    setting.action(":DISPlay:TEXT:CLEar", lambda matrix: matrix.kept.pop((":DISPlay:TEXT", ()), None)),
)
