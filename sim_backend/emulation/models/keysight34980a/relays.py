"""Commands of an emulated Keysight 34980A that move relays beyond closing and opening a list."""

from ...scpi import values
from ...scpi.messages import Call, Command
from .channels import LISTS
from .modules import BUS_ROW
from .state import SLOTS, Keysight34980AState, slot_number


def _close_only(matrix: Keysight34980AState, call: Call) -> None:
    """Open everything on the modules that the list names, then close the list."""
    wanted = matrix.crosspoints(call.expect(1)[0])
    modules = {each.slot for each in wanted}
    others = {each for each in matrix.closed if each.slot not in modules}
    matrix.move(others)
    matrix.move(others.union(wanted))


def _name_given(call: Call) -> str:
    """Return what a command names, empty if it names nothing or ``ALL``."""
    arguments = call.expect(0, 1)
    return "" if not arguments or values.matches(arguments[0], "ALL") else arguments[0]


def _open_all(matrix: Keysight34980AState, call: Call) -> None:
    text = _name_given(call)
    slots = {slot_number(text)} if text else set(SLOTS)
    matrix.move({each for each in matrix.closed if each.slot not in slots})


def _open_bus(matrix: Keysight34980AState, call: Call) -> None:
    """Open the relays to the analog bus, of one line of it or of all."""
    text = _name_given(call)
    column = 20 + values.integer(text, 1, 4) if text else 0
    matrix.move({each for each in matrix.closed if each.row != BUS_ROW or (text and each.column != column)})


def _open_module(matrix: Keysight34980AState, call: Call) -> None:
    """Bring a module, or all, to its power-on state: every relay open."""
    call.expect(1)
    _open_all(matrix, call)


def _clear_cycles(matrix: Keysight34980AState, call: Call) -> None:
    for each in matrix.crosspoints(call.expect(1)[0]):
        del matrix.operations[each]


COMMANDS: tuple[Command, ...] = (
    Command("[:ROUTe]:CLOSe:EXCLusive", _close_only, samples=LISTS),
    Command("[:ROUTe]:OPEN:ALL", _open_all, samples=("", "1", "ALL")),
    Command("[:ROUTe]:OPEN:ABUS", _open_bus, samples=("", "1", "ALL")),
    Command(":SYSTem:CPON", _open_module, samples=("1", "ALL")),
    Command(":DIAGnostic:RELay:CYCLes:CLEar", _clear_cycles, samples=LISTS),
)
