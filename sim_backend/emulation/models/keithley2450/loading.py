"""Trigger models that an emulated Keithley 2450 makes by itself: those of ``:TRIGger:LOAD`` and of sweeps.

Names, arguments and the order of blocks follow the Model 2450 reference manual, chapter 6; the numbers of the blocks
are an assumption. Models that wait for digital lines or sort components are not emulated.
"""

from collections.abc import Callable, Mapping

from ...scpi import values
from ...scpi.messages import Call, Command
from ...scpi.status import ScpiError
from .blocks import BLOCKS, LONGEST_S
from .state import Keithley2450State
from .trigger_model import Block, Progress

Part = Block | tuple[str, ...]
"""A block, or its header and arguments."""
ON, OFF = ("SOURce:STATe", "ON"), ("SOURce:STATe", "OFF")


def load(smu: Keithley2450State, *parts: Part) -> None:
    """Make a trigger model of blocks that are numbered from 1."""
    smu.trigger_model.load(
        [part if isinstance(part, Block) else BLOCKS[part[0]].block_of(smu, part[1:]) for part in parts]
    )


def load_sweep(
    smu: Keithley2450State, levels: str, start: int, passes: int, delay_s: float, name: str, fail_abort: bool
) -> None:
    """Make the model that measures so often while it goes round a configuration list."""
    load(
        smu,
        BLOCKS["BUFFer:CLEar"].block(smu, name),
        BLOCKS["CONFig:RECall"].block(smu, (levels, start)),
        ON,
        ("BRANch:ALWays", "6"),
        BLOCKS["CONFig:NEXT"].block(smu, 1, levels),
        BLOCKS["DELay:CONStant"].block(smu, delay_s),
        BLOCKS["MEASure"].block(smu, name, 1, 9 if fail_abort else 0),
        BLOCKS["BRANch:COUNter"].block(smu, passes, 5),
        OFF,
    )


def _reading(smu: Keithley2450State, rest: tuple[str, ...]) -> tuple[Part, Part, Part]:
    """Return what clears a buffer, what waits, and what measures; time and buffer may be left out."""
    seconds = values.bounded(rest[0], 0.0, LONGEST_S) if rest else 0.0
    return ("BUFFer:CLEar", *rest[1:2]), BLOCKS["DELay:CONStant"].block(smu, seconds), ("MEASure", *rest[1:2])


def _simple_loop(smu: Keithley2450State, count: str, *rest: str) -> None:
    """Measure so often."""
    clear, wait, reading = _reading(smu, rest)
    load(smu, clear, ON, wait, reading, ("BRANch:COUNter", count, "3"), OFF)


def _duration_loop(smu: Keithley2450State, duration: str, *rest: str) -> None:
    """Measure for a while."""
    most_s = values.bounded(duration, 5e-7, 1e5)
    clear, wait, reading = _reading(smu, rest)

    def again(progress: Progress) -> None:
        if smu.world.clock.now() - progress.began_s < most_s:
            progress.at = 3

    load(smu, clear, ON, wait, reading, Block("BRANCH_ON_EVENT", again), OFF)


def _loop_until_event(smu: Keithley2450State, event: str, *rest: str) -> None:
    """Wait for an event and then measure once; a position comes before what else there is.

    The instrument measures all the while; here nothing can come while a model runs.
    """
    forget = [values.choice(text, ("ENTer", "NEVer")) for text in rest[1:2]]
    clear, wait, reading = _reading(smu, rest[2:])
    load(smu, clear, ON, ("WAIT", event, *forget), wait, reading, OFF)


def _config_list(smu: Keithley2450State, *arguments: str) -> None:
    """Go through configuration lists of the same length."""
    names = [text for text in arguments[:2] if values.string(text)]
    sizes = [len(smu.entries(values.string(text))) for text in names]
    if not all([names, *sizes]):
        raise ScpiError(-224)
    clear, wait, reading = _reading(smu, arguments[2:])
    again = ("BRANch:COUNter", str(max(sizes)), "8"), ("BRANch:ALWays", "10"), ("CONFig:NEXT", *names)
    load(smu, clear, ("CONFig:RECall", *names), ON, wait, reading, *again, ("BRANch:ALWays", "4"), OFF)


LOADED: Mapping[str, Callable[..., None]] = {
    "SIMPLELOOP": _simple_loop,
    "DURATIONLOOP": _duration_loop,
    "CONFIGLIST": _config_list,
    "LOOPUNTILEVENT": _loop_until_event,
}


def _load(smu: Keithley2450State, call: Call) -> None:
    name, *rest = call.expect(1, 8)
    kind = values.string(name).upper()
    if kind == "EMPTY":
        load(smu)
    elif kind not in LOADED:
        raise ScpiError(-224)
    elif not rest:
        raise ScpiError(-109)
    else:
        LOADED[kind](smu, *rest)


COMMANDS = (Command(":TRIGger:LOAD", _load),)
