"""The trigger model of an emulated Keithley 2450: numbered blocks, run one after the other when initiated.

Block names are those of the Model 2450 reference manual, ``:TRIGger:BLOCk``; ``:DELay:CONStant`` is an assumption. A
block that changes the source takes `Keithley2450.source_block_s` after the change, a measurement `measure_block_s`
besides its integration; together with a pulse of on, measure, off they make the 1.6 ms, and without the measurement the
1.2 ms, that the vendor's example SimplePulse_SVMI states. The source delay does not act inside the trigger model.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from . import scpi_values as values
from .scpi import Call, Command
from .scpi_status import ScpiError

if TYPE_CHECKING:
    from .keithley2450 import Keithley2450

MOST_BLOCKS = 63
MOST_STEPS = 200_000
"""A model that has not come to its end after so many blocks is aborted with an error."""
SWEEP_LIST = "VoltCustomSweepList"


@dataclass
class Run:
    """Where a running trigger model stands."""

    at: int = 1
    counts: dict[int, int] = field(default_factory=dict)
    """How often each counting branch was passed."""
    index: dict[str, int] = field(default_factory=dict)
    """Entry of each configuration list that was recalled last."""


Block = Callable[["Keithley2450", Run], None]


def run(smu: "Keithley2450") -> None:
    """Run the trigger model to its end.

    Raises
    ------
    ScpiError
        -200 if there is none, a block is missing, or it does not end.
    """
    state = Run()
    last = max(smu.blocks, default=0)
    if not last:
        raise ScpiError(-200)
    for _ in range(MOST_STEPS):
        if state.at > last:
            return
        block = smu.blocks.get(state.at)
        if block is None:
            raise ScpiError(-200)
        state.at += 1
        block(smu, state)
    raise ScpiError(-200)


# ---------------------------------------------------------------------- blocks


def clear(name: str) -> Block:
    """Clear a buffer."""
    return lambda smu, _: smu.buffer(name).readings.clear()


def output(on: bool) -> Block:
    """Switch the output."""

    def block(smu: "Keithley2450", _: Run) -> None:
        smu.switch(on)
        smu.world.wait(smu.source_block_s)

    return block


def measure(name: str, count: int = 1) -> Block:
    """Measure into a buffer."""

    def block(smu: "Keithley2450", _: Run) -> None:
        for _number in range(count):
            smu.world.wait(smu.measure_block_s)
            smu.take(name)

    return block


def delay(seconds: float) -> Block:
    """Let time pass."""
    return lambda smu, _: smu.world.wait(seconds)


def nothing(_: "Keithley2450", state: Run) -> None:
    """Do nothing, as ``:NOP`` and ``:NOTify`` do here."""


def recall(name: str, index: int) -> Block:
    """Bring the source to an entry of a configuration list."""

    def block(smu: "Keithley2450", state: Run) -> None:
        state.index[name] = index
        smu.recall(name, index)
        smu.world.wait(smu.source_block_s)

    return block


def recall_next(name: str, step: int) -> Block:
    """Bring the source to the next entry, or the previous, of a configuration list, round and round."""

    def block(smu: "Keithley2450", state: Run) -> None:
        size = len(smu.configurations.get(name, ()))
        if not size:
            raise ScpiError(-200)
        state.index[name] = (state.index.get(name, 0) - 1 + step) % size + 1
        smu.recall(name, state.index[name])
        smu.world.wait(smu.source_block_s)

    return block


def branch_counter(number: int, target_count: int, target: int) -> Block:
    """Go to another block until the way there and back was gone so often."""

    def block(_: "Keithley2450", state: Run) -> None:
        state.counts[number] = state.counts.get(number, 0) + 1
        if state.counts[number] < target_count:
            state.at = target
        else:
            state.counts[number] = 0

    return block


def branch_always(target: int) -> Block:
    """Go to another block."""

    def block(_: "Keithley2450", state: Run) -> None:
        state.at = target

    return block


def simple_loop(count: int, delay_s: float, name: str) -> dict[int, Block]:
    """Return the model of ``:TRIG:LOAD "SimpleLoop"``."""
    blocks = (clear(name), output(True), delay(delay_s), measure(name), branch_counter(5, count, 3), output(False))
    return dict(enumerate(blocks, start=1))


def list_sweep(points: int, start: int, delay_s: float, count: int) -> dict[int, Block]:
    """Return the model that ``:SOUR:SWE:VOLT:LIST`` makes."""
    blocks = (
        clear("defbuffer1"),
        recall(SWEEP_LIST, start),
        output(True),
        branch_always(6),
        recall_next(SWEEP_LIST, 1),
        delay(delay_s),
        measure("defbuffer1"),
        branch_counter(8, points * count, 5),
        output(False),
    )
    return dict(enumerate(blocks, start=1))


# ---------------------------------------------------------------------- commands


def _number(call: Call, least: int, most: int) -> tuple[int, list[str]]:
    arguments = call.expect(least, most)
    return values.integer(arguments[0], 1, MOST_BLOCKS), arguments[1:]


def _name(smu: "Keithley2450", arguments: list[str]) -> str:
    name = values.string(arguments[0]) if arguments else "defbuffer1"
    smu.buffer(name)
    return name


def _clear(smu: "Keithley2450", call: Call) -> None:
    number, rest = _number(call, 1, 2)
    smu.blocks[number] = clear(_name(smu, rest))


def _output(smu: "Keithley2450", call: Call) -> None:
    number, rest = _number(call, 2, 2)
    smu.blocks[number] = output(values.boolean(rest[0]))


def _measure(smu: "Keithley2450", call: Call) -> None:
    number, rest = _number(call, 1, 3)
    count = values.integer(rest[1], 1, 100_000) if len(rest) > 1 else 1
    smu.blocks[number] = measure(_name(smu, rest), count)


def _delay(smu: "Keithley2450", call: Call) -> None:
    number, rest = _number(call, 2, 2)
    # The block takes 167 ns to 10 ks (reference manual, trigger.BLOCK_DELAY_CONSTANT), or 0 for none.
    seconds = values.bounded(rest[0], 0.0, 1e4)
    if 0 < seconds < 167e-9:
        raise ScpiError(-222)
    smu.blocks[number] = delay(seconds)


def _nothing(smu: "Keithley2450", call: Call) -> None:
    number, _ = _number(call, 1, 2)
    smu.blocks[number] = nothing


def _branch_counter(smu: "Keithley2450", call: Call) -> None:
    number, rest = _number(call, 3, 3)
    count, target = values.integer(rest[0], 1, 268_435_455), values.integer(rest[1], 1, MOST_BLOCKS)
    smu.blocks[number] = branch_counter(number, count, target)


def _branch_always(smu: "Keithley2450", call: Call) -> None:
    number, rest = _number(call, 2, 2)
    smu.blocks[number] = branch_always(values.integer(rest[0], 1, MOST_BLOCKS))


def _recall(smu: "Keithley2450", call: Call) -> None:
    number, rest = _number(call, 2, 3)
    name = values.string(rest[0])
    index = values.integer(rest[1], 1, 300_000) if len(rest) > 1 else 1
    if index > len(smu.configurations.get(name, ())):
        raise ScpiError(-222)
    smu.blocks[number] = recall(name, index)


def _recall_next(step: int) -> Callable[["Keithley2450", Call], None]:
    def write(smu: "Keithley2450", call: Call) -> None:
        number, rest = _number(call, 2, 2)
        smu.blocks[number] = recall_next(values.string(rest[0]), step)

    return write


def _load(smu: "Keithley2450", call: Call) -> None:
    arguments = call.expect(1, 4)
    name = values.string(arguments[0]).upper()
    if name == "EMPTY":
        smu.blocks = {}
    elif name == "SIMPLELOOP":
        if len(arguments) == 1:
            raise ScpiError(-109)
        count = values.integer(arguments[1], 1, 268_435_455)
        delay_s = values.bounded(arguments[2], 0.0, 1e4) if len(arguments) > 2 else 0.0
        smu.blocks = simple_loop(count, delay_s, _name(smu, arguments[3:]))
    else:
        raise ScpiError(-224)


def _initiate(smu: "Keithley2450", call: Call) -> None:
    call.expect(0)
    run(smu)


def _abort(_: "Keithley2450", call: Call) -> None:
    call.expect(0)


_B = ":TRIGger:BLOCk"

COMMANDS: tuple[Command, ...] = (
    Command(f"{_B}:BUFFer:CLEar", _clear),
    Command(f"{_B}:SOURce:STATe", _output),
    Command(f"{_B}:MEASure", _measure),
    Command(f"{_B}:MDIGitize", _measure),
    Command(f"{_B}:DELay:CONStant", _delay),
    Command(f"{_B}:NOP", _nothing),
    Command(f"{_B}:NOTify", _nothing),
    Command(f"{_B}:BRANch:COUNter", _branch_counter),
    Command(f"{_B}:BRANch:ALWays", _branch_always),
    Command(f"{_B}:CONFig:RECall", _recall),
    Command(f"{_B}:CONFig:NEXT", _recall_next(1)),
    Command(f"{_B}:CONFig:PREVious", _recall_next(-1)),
    Command(":TRIGger:LOAD", _load),
    Command(":TRIGger:STATe", query=lambda smu, _: f"{'IDLE' if smu.blocks else 'EMPTY'};IDLE;0"),
    Command(":INITiate[:IMMediate]", _initiate),
    Command(":ABORt", _abort),
)
"""A trigger model ends before its ``:INIT`` returns, so nothing is left to abort."""
