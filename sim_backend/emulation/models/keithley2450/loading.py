"""Trigger models that an emulated Keithley 2450 makes by itself: those of ``:TRIGger:LOAD`` and of sweeps.

Names, arguments and the order of blocks follow the Model 2450 reference manual, chapter 6; the numbers of the blocks
are an assumption. Only the models ``Empty`` and ``SimpleLoop`` can be loaded.
"""

from ...scpi import values
from ...scpi.messages import Call, Command
from ...scpi.status import ScpiError
from .blocks import BLOCKS, LONGEST_S
from .state import Keithley2450State
from .trigger_model import Block


def _from_texts(smu: Keithley2450State, name: str, *texts: str) -> Block:
    return BLOCKS[name].block_of(smu, texts)


def load_sweep(
    smu: Keithley2450State, levels: str, start: int, passes: int, delay_s: float, name: str, fail_abort: bool
) -> None:
    """Make the model that measures so often while it goes round a configuration list."""
    smu.trigger_model.load(
        [
            BLOCKS["BUFFer:CLEar"].block(smu, name),
            BLOCKS["CONFig:RECall"].block(smu, (levels, start)),
            BLOCKS["SOURce:STATe"].block(smu, True),
            BLOCKS["BRANch:ALWays"].block(smu, 6),
            BLOCKS["CONFig:NEXT"].block(smu, levels),
            BLOCKS["DELay:CONStant"].block(smu, delay_s),
            BLOCKS["MEASure"].block(smu, name, 1, 9 if fail_abort else 0),
            BLOCKS["BRANch:COUNter"].block(smu, passes, 5),
            BLOCKS["SOURce:STATe"].block(smu, False),
        ]
    )


def _simple_loop(smu: Keithley2450State, count: str, *rest: str) -> None:
    """Measure so often; time and buffer may be left out."""
    seconds = values.bounded(rest[0], 0.0, LONGEST_S) if rest else 0.0
    smu.trigger_model.load(
        [
            _from_texts(smu, "BUFFer:CLEar", *rest[1:2]),
            BLOCKS["SOURce:STATe"].block(smu, True),
            BLOCKS["DELay:CONStant"].block(smu, seconds),
            _from_texts(smu, "MEASure", *rest[1:2]),
            _from_texts(smu, "BRANch:COUNter", count, "3"),
            BLOCKS["SOURce:STATe"].block(smu, False),
        ]
    )


def _load(smu: Keithley2450State, call: Call) -> None:
    name, *rest = call.expect(1, 8)
    kind = values.string(name).upper()
    if kind == "EMPTY":
        smu.trigger_model.load([])
    elif kind != "SIMPLELOOP":
        raise ScpiError(-224)
    elif not rest:
        raise ScpiError(-109)
    else:
        _simple_loop(smu, *rest)


COMMANDS = (Command(":TRIGger:LOAD", _load),)
