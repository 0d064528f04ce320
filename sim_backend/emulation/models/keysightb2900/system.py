"""Commands of an emulated Keysight B2900 for formats, status and time.

Names are those of the B2900 SCPI command reference, edition 2. Files, programs and screen dumps are not emulated.
"""

from ...scpi import format as scpi_format
from ...scpi import settings as setting
from ...scpi import values
from ...scpi.format import DOUBLE, SINGLE, TEXT
from ...scpi.messages import Call, Command, clear_errors, error_count
from ...scpi.smu import LINE_FREQUENCY
from .state import KeysightB2900State
from .trigger import channels


def _group(smu: KeysightB2900State, call: Call) -> None:
    smu.group = tuple(channels(smu, call.expect(1)))


COMMANDS: tuple[Command, ...] = (
    *scpi_format.commands(
        {"ASCii": TEXT, "REAL": DOUBLE, "REAL,32": SINGLE, "REAL32": SINGLE, "REAL,64": DOUBLE, "REAL64": DOUBLE},
        {TEXT: "ASC", SINGLE: "REAL,32", DOUBLE: "REAL,64"},
    ),
    *setting.registers("MEASurement", "OPERation", "QUEStionable"),
    Command(":SYSTem:ERRor:COUNt", query=lambda smu, call: f"+{error_count(smu, call)}"),
    Command(":SYSTem:ERRor:CLEar", clear_errors, samples=("",)),
    setting.action(":SYSTem:PRESet", lambda smu: smu.reset()),
    LINE_FREQUENCY,
    Command(":SYSTem:GROup[:DEFine]", _group, lambda smu, _: f"(@{','.join(map(str, smu.group))})", ("(@1)", "(@1:2)")),
    setting.action(":SYSTem:GROup:RESet", lambda smu: setattr(smu, "group", (1,))),
    setting.query(":SYSTem:TIME:TIMer:COUNt", lambda smu, _: values.nr3(smu.elapsed_s())),
    setting.action(":SYSTem:TIME:TIMer:COUNt:RESet[:IMMediate]", lambda smu: smu.restart_timer()),
)
