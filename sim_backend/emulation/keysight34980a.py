"""An emulated Keysight 34980A multifunction switch unit with 34932A dual 4x16 armature matrix modules.

Channels are written slot, row, two digits of column: 1203 is slot 1, row 2, column 3 (34980A command reference,
ROUTe:CLOSe). Rows 1 to 4 are matrix 1, rows 5 to 8 matrix 2, two separate matrices of 16 columns each (34931A to 34933A
module guide, page 17): column c of matrix 2 is the node ``<name>.column.<slot>.<c + 16>``. Moves take 4 ms (data
sheet, table 4). Emulated only. Assumed, as no page says it: every slot holds a module unless `installed` says
otherwise, an illegal channel is error -222, and an exclusive close opens first, settles, then closes. The analog buses
are not emulated.
"""

import re
from collections.abc import Iterable

from . import scpi_values as values
from .scpi import Call, Command
from .scpi_matrix import Crosspoint, MatrixInstrument
from .scpi_status import ScpiError
from .world import World

_CHANNEL = re.compile(r"([0-9])([0-9])([0-9]{2})")
ROWS_OF_ONE, COLUMNS_OF_ONE = 4, 16
SLOTS = range(1, 9)


def _list(matrix: "Keysight34980A", call: Call) -> list[Crosspoint]:
    return matrix.listed(values.channel_items(call.expect(1)[0]))


def _close(matrix: "Keysight34980A", call: Call) -> None:
    matrix.move({*matrix.closed, *_list(matrix, call)})


def _close_only(matrix: "Keysight34980A", call: Call) -> None:
    """Open everything on the modules that the list names, then close the list."""
    wanted = _list(matrix, call)
    modules = {each.slot for each in wanted}
    kept = {each for each in matrix.closed if each.slot not in modules}
    matrix.move(kept)
    matrix.move(kept.union(wanted))


def _open(matrix: "Keysight34980A", call: Call) -> None:
    matrix.move(matrix.closed - {*_list(matrix, call)})


def _open_all(matrix: "Keysight34980A", call: Call) -> None:
    arguments = call.expect(0, 1)
    if not arguments or values.matches(arguments[0], "ALL"):
        matrix.move(())
        return
    slot = values.integer(arguments[0], SLOTS[0], SLOTS[-1])
    matrix.move({each for each in matrix.closed if each.slot != slot})


def _are_closed(matrix: "Keysight34980A", call: Call) -> str:
    return ",".join(str(int(each in matrix.closed)) for each in _list(matrix, call))


def _are_open(matrix: "Keysight34980A", call: Call) -> str:
    return ",".join(str(int(each not in matrix.closed)) for each in _list(matrix, call))


def _cycles(matrix: "Keysight34980A", call: Call) -> str:
    return ",".join(f"{matrix.operations[each]:+d}" for each in _list(matrix, call))


def _clear_cycles(matrix: "Keysight34980A", call: Call) -> None:
    for each in _list(matrix, call):
        del matrix.operations[each]


def _card(matrix: "Keysight34980A", call: Call) -> str:
    slot = values.integer(call.expect(1)[0], SLOTS[0], SLOTS[-1])
    if slot not in matrix.slots():
        return f"{matrix.maker},0,0,0"
    return f"{matrix.maker},34932A,{matrix.serial}{slot},1.00"


def _terminal_block(matrix: "Keysight34980A", call: Call) -> str:
    return "NONE" if values.integer(call.expect(1)[0], SLOTS[0], SLOTS[-1]) not in matrix.slots() else "GEN"


class Keysight34980A(MatrixInstrument):
    """Model 34980A.

    Parameters
    ----------
    installed : iterable of int
        Slots that hold a 34932A.
    settle_s : float
        Time that a move of relays takes, in seconds.
    """

    maker = "Agilent Technologies"
    model = "34980A"
    firmware = "2.51-2.43-2.07-1.05"
    queue_depth = 20
    accepts_units = True
    rows = 2 * ROWS_OF_ONE
    columns = COLUMNS_OF_ONE
    commands = (
        Command("[:ROUTe]:CLOSe", _close, _are_closed),
        Command("[:ROUTe]:CLOSe:EXCLusive", _close_only),
        Command("[:ROUTe]:OPEN", _open, _are_open),
        Command("[:ROUTe]:OPEN:ALL", _open_all),
        Command(":SYSTem:CTYPe", query=_card),
        Command(":SYSTem:MODule:TERMinal:TYPE", query=_terminal_block),
        Command(":DIAGnostic:RELay:CYCLes", query=_cycles),
        Command(":DIAGnostic:RELay:CYCLes:CLEar", _clear_cycles),
    )

    def __init__(
        self,
        world: World,
        name: str,
        serial: str = "MY44001234",
        *,
        installed: Iterable[int] = SLOTS,
        settle_s: float = 4e-3,
    ) -> None:
        super().__init__(world, name, serial, settle_s=settle_s)
        self._installed = tuple(sorted(installed))

    def slots(self) -> Iterable[int]:
        """Return the slots that hold a module."""
        return self._installed

    def nodes(self, crosspoint: Crosspoint) -> tuple[str, str]:
        """Return the two nodes that a relay joins; matrix 2 has columns of its own."""
        slot, row, column = crosspoint
        own = column if row <= ROWS_OF_ONE else column + COLUMNS_OF_ONE
        return f"{self.name}.row.{slot}.{row}", f"{self.name}.column.{slot}.{own}"

    def parsed(self, text: str) -> Crosspoint:
        """Read slot, row, two digits of column."""
        found = _CHANNEL.fullmatch(text)
        if found is None:
            raise ScpiError(-222)
        return self.checked(*(int(each) for each in found.groups()))

    def written(self, crosspoint: Crosspoint) -> str:
        """Write slot, row, two digits of column."""
        return f"{crosspoint.slot}{crosspoint.row}{crosspoint.column:02d}"
