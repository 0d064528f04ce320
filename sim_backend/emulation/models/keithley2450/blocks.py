"""Building blocks of the trigger model of an emulated Keithley 2450, and what each does when it is reached.

Block names are those of the Model 2450 reference manual, ``:TRIGger:BLOCk``. A block that changes the source takes
`source_block_s` after the change, a measurement `measure_block_s` besides its integration; together with a pulse of
on, measure, off they make the 1.6 ms, and without the measurement the 1.2 ms, that the vendor's example
SimplePulse_SVMI states. The source delay does not act inside the trigger model.
"""

from collections.abc import Callable

from ...scpi.status import ScpiError
from .reading import take
from .state import Keithley2450State
from .trigger_model import MOST_STEPS, Block, Progress


def clear(smu: Keithley2450State, name: str) -> Block:
    """Clear a buffer."""
    return Block("BUFFER_CLEAR", lambda _: smu.buffer(name).readings.clear())


def output(smu: Keithley2450State, on: bool) -> Block:
    """Switch the output."""

    def act(_: Progress) -> None:
        smu.switch(on)
        smu.world.wait(smu.source_block_s)

    return Block("SOURCE_OUTPUT", act)


def measure(smu: Keithley2450State, name: str, count: int = 1, stop_at: int = 0) -> Block:
    """Measure into a buffer; once the source is limited go on at block `stop_at`, if that is not 0."""

    def act(progress: Progress) -> None:
        for _ in range(min(count, MOST_STEPS - progress.steps)):
            progress.steps += 1
            smu.world.wait(smu.measure_block_s)
            take(smu, name)
        if stop_at and smu.limited():
            progress.at = stop_at

    return Block("MEASURE", act)


def delay(smu: Keithley2450State, seconds: float) -> Block:
    """Let time pass."""
    return Block("DELAY_CONSTANT", lambda _: smu.world.wait(seconds))


def user_delay(smu: Keithley2450State, kind: str, number: int) -> Block:
    """Let the time of a user delay pass, kind SOUR or MEAS, numbers from 1."""

    def act(_: Progress) -> None:
        now = smu.now.sourcing.now if kind == "SOUR" else smu.now.measuring.now
        smu.world.wait(now.user_delays_s[number - 1])

    return Block("DELAY_DYNAMIC", act)


def nothing(name: str) -> Block:
    """Do nothing, as a block of the event log does here."""
    return Block(name, lambda _: None)


def notify(smu: Keithley2450State, number: int) -> Block:
    """Tell that this block was reached."""
    return Block("NOTIFY", lambda _: smu.trigger_model.happened(f"NOT{number}"))


def wait(smu: Keithley2450State, events: tuple[str, ...], forget: bool, needs_all: bool = False) -> Block:
    """Wait for one of some events, or for all of them; `forget` those that came before."""

    def act(progress: Progress) -> None:
        if forget:
            smu.trigger_model.events.difference_update(events)
        if "NONE" not in events and not smu.trigger_model.ready(events, needs_all):
            progress.waits_for, progress.needs_all = events, needs_all

    return Block("WAIT", act)


def recall(smu: Keithley2450State, *entries: tuple[str, int]) -> Block:
    """Bring back entries of configuration lists, each a name and an index from 1."""

    def act(progress: Progress) -> None:
        for name, index in entries:
            progress.index[name] = index
            smu.recall(name, index)
        smu.world.wait(smu.source_block_s)

    return Block("CONFIG_RECALL", act)


def recall_next(smu: Keithley2450State, step: int, *names: str) -> Block:
    """Bring back the next entries of configuration lists, or the previous, round and round."""

    def act(progress: Progress) -> None:
        for name in names:
            size = len(smu.entries(name))
            if not size:
                raise ScpiError(-200)
            progress.index[name] = (progress.index.get(name, 0) - 1 + step) % size + 1
            smu.recall(name, progress.index[name])
        smu.world.wait(smu.source_block_s)

    return Block("CONFIG_NEXT" if step > 0 else "CONFIG_PREV", act)


def branch(name: str, target: int, condition: Callable[[Progress], bool] = lambda _: True) -> Block:
    """Go to another block, under a condition if there is one."""

    def act(progress: Progress) -> None:
        if condition(progress):
            progress.at = target

    return Block(name, act)


def branch_always(target: int) -> Block:
    """Go to another block."""
    return branch("BRANCH_ALWAYS", target)


def branch_counter(number: int, most: int, target: int) -> Block:
    """Go to another block until the way there and back was gone so often; `number` is that of this block."""

    def again(progress: Progress) -> bool:
        passes = progress.counts.get(number, 0) + 1
        progress.counts[number] = passes if passes < most else 0
        return passes < most

    return branch("BRANCH_COUNTER", target, again)


def reset_counter(number: int) -> Block:
    """Set the count of a counting branch to zero."""
    return Block("RESET_BRANCH_COUNT", lambda progress: progress.counts.pop(number, None))


def branch_once(number: int, target: int, excluded: bool = False) -> Block:
    """Go to another block the first time only, or every time but the first; `number` is that of this block."""

    def first(progress: Progress) -> bool:
        found = number not in progress.passed
        progress.passed.add(number)
        return found != excluded

    return branch("BRANCH_ONCE_EXCLUDED" if excluded else "BRANCH_ONCE", target, first)
