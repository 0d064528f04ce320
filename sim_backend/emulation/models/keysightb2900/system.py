"""Commands of an emulated Keysight B2900 for formats, status and time.

Names are those of the B2900 SCPI command reference, edition 2. Files, programs and screen dumps are not emulated.
"""

from ...scpi import format as scpi_format
from ...scpi import settings as setting
from ...scpi import values
from ...scpi.format import DOUBLE, SINGLE, TEXT
from ...scpi.kinds import choice
from ...scpi.messages import Call, Command, clear_errors, error_count
from ...scpi.status import ScpiError
from .state import KeysightB2900State


def _set_line(smu: KeysightB2900State, call: Call) -> None:
    wanted = values.number(call.expect(1)[0])
    if wanted not in (50, 60):
        raise ScpiError(-222)
    smu.line_hz = wanted


def _reset_time(smu: KeysightB2900State) -> None:
    smu.started_s = smu.world.clock.now()


COMMANDS: tuple[Command, ...] = (
    *scpi_format.commands(
        {"ASCii": TEXT, "REAL": DOUBLE, "REAL,32": SINGLE, "REAL32": SINGLE, "REAL,64": DOUBLE, "REAL64": DOUBLE},
        {TEXT: "ASC", SINGLE: "REAL,32", DOUBLE: "REAL,64"},
    ),
    setting.attribute(":FORMat:SREGister", "register_base", choice(*values.BASES), setting.of_instrument),
    *(
        command
        for name, key in (("MEASurement", "measurement"), ("OPERation", "operation"), ("QUEStionable", "questionable"))
        for command in setting.register(f":STATus:{name}", key, transitions=True)
    ),
    Command(":SYSTem:ERRor:COUNt", query=lambda smu, call: f"+{error_count(smu, call)}"),
    Command(":SYSTem:ERRor:CLEar", clear_errors),
    setting.action(":SYSTem:PRESet", lambda smu: smu.reset()),
    Command(":SYSTem:LFRequency", _set_line, lambda smu, _: str(round(smu.line_hz))),
    Command(":SYSTem:TIME:TIMer:COUNt", query=lambda smu, _: values.nr3(smu.world.clock.now() - smu.started_s)),
    setting.action(":SYSTem:TIME:TIMer:COUNt:RESet[:IMMediate]", _reset_time),
)
