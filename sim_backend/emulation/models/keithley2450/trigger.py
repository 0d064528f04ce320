"""Commands of an emulated Keithley 2450 that build trigger models block by block, and run them.

Names are those of the Model 2450 reference manual, chapter 6.
"""

from ...scpi import kinds
from ...scpi import settings as setting
from ...scpi.kinds import FLAG
from ...scpi.messages import Call, Command
from .blocks import BLOCKS, BlockKind, block_number
from .settings import plain
from .state import Keithley2450State
from .trigger_model import EVENT, Timer


def _block(name: str, kind: BlockKind) -> Command:
    """Declare the command of a block: its number, and its arguments."""

    def write(smu: Keithley2450State, call: Call) -> None:
        number, *texts = call.expect(1 + kind.least, 1 + kind.most)
        smu.trigger_model.put(block_number(number), kind.block_of(smu, texts))

    return Command(f":TRIGger:BLOCk:{name}", write)


def _passes(smu: Keithley2450State, call: Call) -> str:
    number, progress = block_number(call.expect(1)[0]), smu.trigger_model.progress
    return str(progress.counts.get(number, 0) if progress else 0)


def _list(smu: Keithley2450State, _: Call) -> str:
    return "; ".join(f"{number}) {each.name}" for number, each in sorted(smu.trigger_model.blocks.items())) or "EMPTY"


def _state(smu: Keithley2450State, _: Call) -> str:
    model = smu.trigger_model
    return f"{model.state};{model.state};{model.progress.last if model.progress else 0}"


def _timer(smu: Keithley2450State, call: Call) -> Timer:
    return smu.trigger_model.timers[call.suffixes[0]]


_T = ":TRIGger:TIMer{1-4}"
_TIMER = {
    f"{_T}:COUNt": ("count", kinds.integer(0, 1_048_575, 1)),
    f"{_T}:DELay": ("delay_s", kinds.number(8e-6, 1e5, 1e-5, reply=plain)),
    f"{_T}:STARt:GENerate": ("at_start", FLAG),
    f"{_T}:STARt:STIMulus": ("stimulus", EVENT),
    f"{_T}:STATe": ("enabled", FLAG),
}

COMMANDS: tuple[Command, ...] = (
    *(_block(name, kind) for name, kind in BLOCKS.items()),
    Command(":TRIGger:BLOCk:BRANch:COUNter:COUNt", query=_passes),
    setting.query(":TRIGger:BLOCk:LIST", _list),
    setting.query(":TRIGger:STATe", _state),
    setting.action(":INITiate[:IMMediate]", lambda smu: smu.trigger_model.initiate()),
    setting.action(":ABORt", lambda smu: smu.trigger_model.abort()),
    *setting.attributes(_TIMER, _timer),
    setting.channel_action(f"{_T}:CLEar", lambda smu, call: _timer(smu, call).stop()),
)
