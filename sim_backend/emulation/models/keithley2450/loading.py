"""Trigger models that an emulated Keithley 2450 makes by itself: those of ``:TRIGger:LOAD`` and of sweeps.

Names, arguments and the order of blocks follow the Model 2450 reference manual, chapter 6; the numbers of the blocks
are an assumption. Models that wait for digital lines or sort components are not emulated.
"""

from collections.abc import Callable, Mapping

from ...scpi import values
from ...scpi.messages import Call, Command
from ...scpi.status import ScpiError
from . import blocks as block
from .arguments import MOST_COUNT, event, seconds
from .state import Keithley2450State
from .trigger_model import Block

Blocks = tuple[Block, ...]


def _between(smu: Keithley2450State, name: str, *inside: Block) -> Blocks:
    """Return blocks that clear a buffer and switch the output on, some others, and one that switches it off."""
    return block.clear(smu, name), block.output(smu, True), *inside, block.output(smu, False)


def _simple_loop(smu: Keithley2450State, rest: list[str]) -> Blocks:
    """Measure so often."""
    count, delay_s, name = values.integer(rest[0], 1, MOST_COUNT), seconds(rest, 1), smu.buffer_name(rest[2:])
    return _between(
        smu, name, block.delay(smu, delay_s), block.measure(smu, name), block.branch_counter(5, count, 3)
    )  # fmt: skip


def _duration_loop(smu: Keithley2450State, rest: list[str]) -> Blocks:
    """Measure for a while."""
    duration_s = values.bounded(rest[0], 5e-7, 1e5)
    delay_s, name = seconds(rest, 1), smu.buffer_name(rest[2:])
    again = block.branch(
        "BRANCH_ON_EVENT", 3, lambda progress: smu.world.clock.now() - progress.began_s < duration_s
    )  # fmt: skip
    return _between(smu, name, block.delay(smu, delay_s), block.measure(smu, name), again)


def _loop_until_event(smu: Keithley2450State, rest: list[str]) -> Blocks:
    """Wait for an event and then measure once.

    The instrument measures all the while; here nothing can come while a model runs.
    """
    awaited = (event(rest[0]),)
    forget = len(rest) > 2 and values.choice(rest[2], ("ENTer", "NEVer")) == "ENT"
    delay_s, name = seconds(rest, 3), smu.buffer_name(rest[4:])
    return _between(
        smu, name, block.wait(smu, awaited, forget), block.delay(smu, delay_s), block.measure(smu, name)
    )  # fmt: skip


def _config_list(smu: Keithley2450State, rest: list[str]) -> Blocks:
    """Go through configuration lists of the same length."""
    names = tuple(name for name in map(values.string, rest[:2]) if name)
    sizes = [len(smu.entries(name)) for name in names]
    if not names or not all(sizes):
        raise ScpiError(-224)
    delay_s, name = seconds(rest, 2), smu.buffer_name(rest[3:])
    return (
        block.clear(smu, name),
        block.recall(smu, *((each, 1) for each in names)),
        block.output(smu, True),
        block.delay(smu, delay_s),
        block.measure(smu, name),
        block.branch_counter(6, max(sizes), 8),
        block.branch_always(10),
        block.recall_next(smu, 1, *names),
        block.branch_always(4),
        block.output(smu, False),
    )


def sweep(
    smu: Keithley2450State, levels: str, start: int, passes: int, delay_s: float, name: str, fail_abort: bool
) -> Blocks:
    """Return the model that measures so often while it goes round a configuration list."""
    return (
        block.clear(smu, name),
        block.recall(smu, (levels, start)),
        block.output(smu, True),
        block.branch_always(6),
        block.recall_next(smu, 1, levels),
        block.delay(smu, delay_s),
        block.measure(smu, name, stop_at=9 if fail_abort else 0),
        block.branch_counter(8, passes, 5),
        block.output(smu, False),
    )


LOADED: Mapping[str, Callable[[Keithley2450State, list[str]], Blocks]] = {
    "SIMPLELOOP": _simple_loop,
    "DURATIONLOOP": _duration_loop,
    "CONFIGLIST": _config_list,
    "LOOPUNTILEVENT": _loop_until_event,
}


def _load(smu: Keithley2450State, call: Call) -> None:
    arguments = call.expect(1, 8)
    name = values.string(arguments[0]).upper()
    if name == "EMPTY":
        smu.trigger_model.load(())
        return
    if name not in LOADED:
        raise ScpiError(-224)
    if len(arguments) < 2:
        raise ScpiError(-109)
    smu.trigger_model.load(LOADED[name](smu, arguments[1:]))


COMMANDS = (Command(":TRIGger:LOAD", _load),)
