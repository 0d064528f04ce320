"""Commands of an emulated Keithley 2450 that build trigger models block by block, and run them.

Names are those of the Model 2450 reference manual, chapter 6.
"""

from ...scpi import settings as setting
from ...scpi import values
from ...scpi.messages import Call, Command
from ...scpi.status import ScpiError
from .blocks import BLOCKS, BlockKind, block_number
from .state import Keithley2450State


def _block(name: str, kind: BlockKind) -> Command:
    """Declare the command of a block: its number, and its arguments."""

    def write(smu: Keithley2450State, call: Call) -> None:
        number, *texts = call.expect(1 + kind.least, 1 + kind.most)
        smu.trigger_model.put(block_number(number), kind.block_of(smu, texts))

    return Command(f":TRIGger:BLOCk:{name}", write)


def _load(smu: Keithley2450State, call: Call) -> None:
    """Take an empty model, the only one of those that the instrument has ready."""
    if values.string(call.expect(1, 8)[0]).upper() != "EMPTY":
        raise ScpiError(-224)
    smu.trigger_model.load([])


def _state(smu: Keithley2450State, _: Call) -> str:
    model = smu.trigger_model
    return f"{model.state};{model.state};{model.progress.last}"


COMMANDS: tuple[Command, ...] = (
    *(_block(name, kind) for name, kind in BLOCKS.items()),
    Command(":TRIGger:LOAD", _load),
    setting.query(":TRIGger:STATe", _state),
    setting.action(":INITiate[:IMMediate]", lambda smu: smu.trigger_model.initiate()),
    setting.action(":ABORt", lambda smu: smu.acquisition.cancel()),
)
