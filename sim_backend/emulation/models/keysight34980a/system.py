"""Commands of an emulated Keysight 34980A for modules, channels, stored setups, status and display.

Names are those of the 34980A command reference. What concerns scanning and the internal multimeter is not emulated.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...scpi import settings as setting
from ...scpi import values
from ...scpi.matrix import Crosspoint
from ...scpi.messages import Call, Command, clear_errors
from ...scpi.status import ScpiError

if TYPE_CHECKING:
    from .model import EmulatedKeysight34980A

SLOTS = range(1, 9)
LONGEST_DELAY_S = 60.0
LOCATIONS = range(6)
LONGEST_NAME, LONGEST_SEQUENCE_NAME = 12, 30
"""Most letters of the name of a stored setup, and of a sequence (assumed)."""
LONGEST_TEXT, LONGEST_LABEL = 18, 18
PROTECTIONS = ("AUTO100", "AUTO0", "FIXed", "ISOlated")
HARDWARE_MISSING = -241


@dataclass
class Frame:
    """What the mainframe remembers besides its relays."""

    delays_s: dict[Crosspoint, float] = field(default_factory=dict)
    """Delay after a relay has closed."""
    labels: dict[Crosspoint, str] = field(default_factory=dict)
    protections: dict[int, str] = field(default_factory=dict)
    sequences: dict[str, str] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    """Names of stored setups."""
    recall_auto: bool = False
    text: str = ""
    lit: bool = True
    beeper: bool = True
    interlock_simulated: bool = False
    secured: bool = True
    clears_at_power_on: bool = True
    date: str = "+2000,+01,+01"
    time: str = "00,00,00.000"


def _frame(matrix: "EmulatedKeysight34980A", _: Call) -> object:
    return matrix.frame


def _slot(text: str) -> int:
    return values.integer(text, SLOTS[0], SLOTS[-1])


def _card(matrix: "EmulatedKeysight34980A", call: Call) -> str:
    slot = _slot(call.expect(1)[0])
    if slot not in matrix.modules:
        return f"{matrix.maker},0,0,0"
    module = matrix.modules[slot]
    layout = "" if module.dual else f"-{module.rows}x{module.columns}"
    return f"{matrix.maker},{module.model}{layout},{matrix.serial}{slot},1.00"


def _description(matrix: "EmulatedKeysight34980A", call: Call) -> str:
    slot = _slot(call.expect(1)[0])
    module = matrix.modules.get(slot)
    return values.quoted(f"{module.rows}x{module.columns} Matrix" if module else "Empty Slot")


def _terminal(matrix: "EmulatedKeysight34980A", call: Call) -> str:
    module = matrix.modules.get(_slot(call.expect(1)[0]))
    return module.terminal if module and not matrix.interlock_open else "NONE"


def _open_module(matrix: "EmulatedKeysight34980A", call: Call) -> None:
    """Bring a module, or all, to its power-on state: every relay open."""
    text = call.expect(1)[0]
    slots = set(SLOTS) if values.matches(text, "ALL") else {_slot(text)}
    matrix.move(each for each in matrix.closed if each.slot not in slots)


def _set_protection(matrix: "EmulatedKeysight34980A", call: Call) -> None:
    slot, mode = call.expect(2)
    chosen, number = values.choice(mode, PROTECTIONS), _slot(slot)
    if number not in matrix.modules or matrix.modules[number].dual:
        raise ScpiError(HARDWARE_MISSING)
    matrix.frame.protections[number] = chosen


def _protection(matrix: "EmulatedKeysight34980A", call: Call) -> str:
    slot = _slot(call.expect(1)[0])
    if slot not in matrix.modules or matrix.modules[slot].dual:
        raise ScpiError(HARDWARE_MISSING)
    return matrix.frame.protections.get(slot, "AUTO100")


# ---------------------------------------------------------------------- channels


def _with_list(matrix: "EmulatedKeysight34980A", call: Call) -> tuple[str, list[Crosspoint]]:
    text, channels = call.expect(2)
    return text, matrix.listed(values.channel_items(channels))


def _set_delay(matrix: "EmulatedKeysight34980A", call: Call) -> None:
    text, channels = _with_list(matrix, call)
    matrix.frame.delays_s.update(dict.fromkeys(channels, values.bounded(text, 0.0, LONGEST_DELAY_S, 0.0, unit="S")))


def _delay(matrix: "EmulatedKeysight34980A", call: Call) -> str:
    channels = matrix.listed(values.channel_items(call.expect(1)[0]))
    return ",".join(values.nr3(matrix.frame.delays_s.get(each, 0.0)) for each in channels)


def _set_label(matrix: "EmulatedKeysight34980A", call: Call) -> None:
    text, channels = _with_list(matrix, call)
    label = values.string(text)
    if len(label) > LONGEST_LABEL:
        raise ScpiError(-223)
    matrix.frame.labels.update(dict.fromkeys(channels, label))


def _label(matrix: "EmulatedKeysight34980A", call: Call) -> str:
    arguments = call.expect(1, 2)
    channels = matrix.listed(values.channel_items(arguments[-1]))
    return ",".join(values.quoted(matrix.frame.labels.get(each, matrix.written(each))) for each in channels)


def _clear_labels(matrix: "EmulatedKeysight34980A", call: Call) -> None:
    arguments = call.expect(0, 1)
    slots = {_slot(arguments[0])} if arguments and not values.matches(arguments[0], "ALL") else set(SLOTS)
    kept = {each: label for each, label in matrix.frame.labels.items() if each.slot not in slots}
    matrix.frame.labels = kept


# ---------------------------------------------------------------------- sequences and stored setups


def _define(matrix: "EmulatedKeysight34980A", call: Call) -> None:
    name, commands = call.expect(2)
    matrix.frame.sequences[_name(name)] = values.string(commands)


def _name(text: str, longest: int = LONGEST_SEQUENCE_NAME) -> str:
    if not text.isidentifier() or len(text) > longest:
        raise ScpiError(-141)
    return text.upper()


def _defined(matrix: "EmulatedKeysight34980A", call: Call) -> str:
    return values.quoted(_sequence(matrix, call.expect(1)[0]))


def _sequence(matrix: "EmulatedKeysight34980A", text: str) -> str:
    found = matrix.frame.sequences.get(_name(text))
    if found is None:
        raise ScpiError(-224)
    return found


def _run(matrix: "EmulatedKeysight34980A", call: Call) -> None:
    """Run the commands of a sequence; one that runs a sequence is refused."""
    commands = _sequence(matrix, call.expect(1)[0])
    if "SEQ" in commands.upper():
        raise ScpiError(-221)
    matrix.receive(commands)


def _catalog(matrix: "EmulatedKeysight34980A", call: Call) -> str:
    call.expect(0)
    return ",".join(map(values.quoted, sorted(matrix.frame.sequences))) or '""'


def _drop(matrix: "EmulatedKeysight34980A", call: Call) -> None:
    name = call.expect(1)[0]
    _sequence(matrix, name)
    del matrix.frame.sequences[_name(name)]


def _location(text: str) -> int:
    return values.integer(text, LOCATIONS[0], LOCATIONS[-1])


def _set_name(matrix: "EmulatedKeysight34980A", call: Call) -> None:
    arguments = call.expect(1, 2)
    location = _location(arguments[0])
    matrix.frame.names[location] = _name(arguments[1], LONGEST_NAME) if len(arguments) > 1 else f"STATE_{location}"


def _asked_name(matrix: "EmulatedKeysight34980A", call: Call) -> str:
    location = _location(call.expect(1)[0])
    return values.quoted(matrix.frame.names.get(location, f"STATE_{location}" if location else "AUTO_RECALL"))


def _names(matrix: "EmulatedKeysight34980A", call: Call) -> str:
    call.expect(0)
    named = (matrix.frame.names.get(each, f"STATE_{each}" if each else "AUTO_RECALL") for each in LOCATIONS)
    return ",".join(map(values.quoted, named))


def _forget(matrix: "EmulatedKeysight34980A", call: Call) -> None:
    matrix.memory.pop(_location(call.expect(1)[0]), None)


def _is_kept(matrix: "EmulatedKeysight34980A", call: Call) -> str:
    return str(int(_location(call.expect(1)[0]) in matrix.memory))


# ---------------------------------------------------------------------- frame


def _set_text(matrix: "EmulatedKeysight34980A", call: Call) -> None:
    text = values.string(call.expect(1)[0])
    if len(text) > LONGEST_TEXT:
        raise ScpiError(-223)
    matrix.frame.text = text


def _clear_text(matrix: "EmulatedKeysight34980A") -> None:
    matrix.frame.text = ""


def _triple(key: str, widths: tuple[str, ...]) -> Command:
    """Declare date or time, which the clock of the bench does not follow."""

    def write(matrix: "EmulatedKeysight34980A", call: Call) -> None:
        numbers = (values.number(text) for text in call.expect(3))
        setattr(matrix.frame, key, ",".join(format(each, width) for each, width in zip(numbers, widths, strict=True)))

    return Command(f":SYSTem:{key.upper()}", write, lambda matrix, _: getattr(matrix.frame, key))


def _secure(matrix: "EmulatedKeysight34980A", call: Call) -> None:
    """Secure calibration, or free it with a code, which is not looked at."""
    matrix.frame.secured = values.boolean(call.expect(1, 2)[0])


def _missing(*_: object) -> None:
    raise ScpiError(HARDWARE_MISSING)


_LAN = {
    "DHCP": "0", "IPADdress": '"127.0.0.1"', "SMASk": '"255.0.0.0"', "GATEway": '"0.0.0.0"', "DNS": '"0.0.0.0"',
    "DOMain": '""', "HOSTname": '"A-34980A"', "MAC": '"000000000000"', "BSTatus": '"LAN"',
}  # fmt: skip

COMMANDS: tuple[Command, ...] = (
    Command("[:ROUTe]:CHANnel:DELay", _set_delay, _delay),
    Command("[:ROUTe]:CHANnel:LABel[:DEFine]", _set_label, _label),
    Command("[:ROUTe]:CHANnel:LABel:CLEar:MODule", _clear_labels),
    Command("[:ROUTe]:SEQuence:DEFine", _define, _defined),
    Command("[:ROUTe]:SEQuence:TRIGger[:IMMediate]", _run),
    Command("[:ROUTe]:SEQuence:CATalog", query=_catalog),
    Command("[:ROUTe]:SEQuence:DELete[:NAME]", _drop),
    setting.action("[:ROUTe]:SEQuence:DELete:ALL", lambda matrix: matrix.frame.sequences.clear()),
    setting.constant("[:ROUTe]:SEQuence:BUSY", "0"),
    Command(":SYSTem:CTYPe", query=_card),
    Command(":SYSTem:CDEScription", query=_description),
    Command(":SYSTem:CPON", _open_module),
    Command(":SYSTem:MODule:TERMinal:TYPE", query=_terminal),
    Command(":SYSTem:MODule:ROW:PROTection", _set_protection, _protection),
    setting.flag(":SYSTem:ABUS:INTerlock:SIMulate", "interlock_simulated", of=_frame),
    setting.action(":SYSTem:PRESet", lambda matrix: matrix.reset()),
    _triple("date", ("+.0f", "+03.0f", "+03.0f")),
    _triple("time", ("02.0f", "02.0f", "06.3f")),
    *(setting.constant(f":SYSTem:COMMunicate:LAN:{node}", answer) for node, answer in _LAN.items()),
    *(setting.action(f":SYSTem:{node}") for node in ("LOCal", "REMote", "RWLock")),
    setting.flag(":SYSTem:BEEPer:STATe", "beeper", of=_frame),
    setting.action(":SYSTem:BEEPer[:IMMediate]"),
    Command(":SYSTem:ERRor:CLEar", clear_errors),
    *(
        command
        for name in ("operation", "questionable", "alarm")
        for command in setting.register(f":STATus:{name[:4].upper()}{name[4:]}", name)
    ),
    Command(":MEMory:STATe:NAME", _set_name, _asked_name),
    Command(":MEMory:STATe:CATalog", query=_names),
    Command(":MEMory:STATe:DELete", _forget),
    Command(":MEMory:STATe:VALid", query=_is_kept),
    setting.flag(":MEMory:STATe:RECall:AUTO", "recall_auto", of=_frame),
    setting.constant(":MEMory:NSTates", "+6"),
    setting.flag(":DISPlay", "lit", of=_frame),
    Command(":DISPlay:TEXT", _set_text, lambda matrix, _: values.quoted(matrix.frame.text)),
    setting.action(":DISPlay:TEXT:CLEar", _clear_text),
    setting.constant(":INSTrument:DMM:INSTalled", "0"),
    Command(":INSTrument:DMM[:STATe]", _missing, lambda *_: "0"),
    *(Command(f":INSTrument:DMM:{node}", _missing, lambda *_: "0") for node in ("CONNect", "DISConnect")),
    Command(":CALibration:SECure:STATe", _secure, lambda matrix, _: str(int(matrix.frame.secured))),
    setting.constant("*TST", "+0"),
    setting.flag("*PSC", "clears_at_power_on", of=_frame),
)
