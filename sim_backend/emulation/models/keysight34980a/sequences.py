"""Commands of an emulated Keysight 34980A for sequences: commands that are stored under a name and run together."""

from ...scpi import settings as setting
from ...scpi import values
from ...scpi.messages import Call, Command
from ...scpi.status import ScpiError
from .state import Keysight34980AState

LONGEST_NAME = 30
"""Most letters of a name (assumed)."""


def _name(text: str) -> str:
    if not text.isidentifier() or len(text) > LONGEST_NAME:
        raise ScpiError(-141)
    return text.upper()


def _define(matrix: Keysight34980AState, call: Call) -> None:
    name, commands = call.expect(2)
    matrix.sequences[_name(name)] = values.string(commands)


def _defined_name(matrix: Keysight34980AState, call: Call) -> str:
    """Return the name of a sequence that there is, else -224."""
    name = _name(call.expect(1)[0])
    if name not in matrix.sequences:
        raise ScpiError(-224)
    return name


def _run(matrix: Keysight34980AState, call: Call) -> None:
    """Run the commands of a sequence; one that runs a sequence is refused."""
    commands = matrix.sequences[_defined_name(matrix, call)]
    if "SEQ" in commands.upper():
        raise ScpiError(-221)
    matrix.receive(commands)


COMMANDS: tuple[Command, ...] = (
    Command(
        "[:ROUTe]:SEQuence:DEFine",
        _define,
        lambda matrix, call: values.quoted(matrix.sequences[_defined_name(matrix, call)]),
    ),
    Command("[:ROUTe]:SEQuence:TRIGger[:IMMediate]", _run),
    setting.query(
        "[:ROUTe]:SEQuence:CATalog", lambda matrix, _: ",".join(map(values.quoted, sorted(matrix.sequences))) or '""'
    ),
    Command("[:ROUTe]:SEQuence:DELete[:NAME]", lambda matrix, call: matrix.sequences.pop(_defined_name(matrix, call))),
    setting.action("[:ROUTe]:SEQuence:DELete:ALL", lambda matrix: matrix.sequences.clear()),
)
