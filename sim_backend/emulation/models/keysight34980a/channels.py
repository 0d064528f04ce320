"""Commands of an emulated Keysight 34980A for its channels and modules: delays, row protection, identities."""

from ...scpi import kinds, values
from ...scpi.kinds import Kind
from ...scpi.messages import Call, Command
from ...scpi.status import ScpiError
from .state import Keysight34980AState, slot_number

HARDWARE_MISSING = -241
LISTS = ("(@1101)", "(@1816)", "(@1101:1116)", "(@1921,1922)")
"""Some channel lists of a frame whose first slot holds a 34932A."""

_DELAY = Kind(
    lambda texts, _: values.within(texts[0], 0.0, 60.0, 0.0, unit="S"),
    lambda found: ",".join(map(values.nr3, found)),
    samples=("0", "0.5"),
)


def _set_delay(matrix: Keysight34980AState, channels: str, seconds: float) -> None:
    matrix.delays_s.update(dict.fromkeys(matrix.crosspoints(channels), seconds))


def _delays(matrix: Keysight34980AState, channels: str) -> list[float]:
    return [matrix.delays_s.get(each, 0.0) for each in matrix.crosspoints(channels)]


def _card(matrix: Keysight34980AState, call: Call) -> str:
    slot = slot_number(call.expect(1)[0])
    if slot not in matrix.modules:
        return f"{matrix.maker},0,0,0"
    module = matrix.modules[slot]
    layout = "" if module.dual else f"-{module.rows}x{module.columns}"
    return f"{matrix.maker},{module.model}{layout},{matrix.serial}{slot},1.00"


def _terminal(matrix: Keysight34980AState, call: Call) -> str:
    module = matrix.modules.get(slot_number(call.expect(1)[0]))
    return module.terminal if module and not matrix.interlock_open else "NONE"


def _protected_slot(matrix: Keysight34980AState, text: str) -> int:
    """Return the number of a slot whose module has protection resistors, -241 if it has none."""
    slot = slot_number(text)
    if slot not in matrix.modules or matrix.modules[slot].dual:
        raise ScpiError(HARDWARE_MISSING)
    return slot


def _set_protection(matrix: Keysight34980AState, slot: str, chosen: str) -> None:
    matrix.protections[_protected_slot(matrix, slot)] = chosen


def _protection(matrix: Keysight34980AState, slot: str) -> str:
    return matrix.protections.get(_protected_slot(matrix, slot), "AUTO100")


COMMANDS: tuple[Command, ...] = (
    _DELAY.addressed("[:ROUTe]:CHANnel:DELay", -1, _set_delay, _delays, LISTS),
    Command(":SYSTem:CTYPe", query=_card),
    Command(":SYSTem:MODule:TERMinal:TYPE", query=_terminal),
    kinds.choice("AUTO100", "AUTO0", "FIXed", "ISOlated").addressed(
        ":SYSTem:MODule:ROW:PROTection", 0, _set_protection, _protection, ("1",)
    ),
)
