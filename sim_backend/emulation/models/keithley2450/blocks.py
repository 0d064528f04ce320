"""Building blocks of the trigger model of an emulated Keithley 2450: their arguments, and what each does.

Names are those of the Model 2450 reference manual, ``:TRIGger:BLOCk``. A block that changes the source takes
`source_block_s` after the change, a measurement `measure_block_s` besides its integration; together with a pulse of
on, measure, off they make the 1.6 ms, and without the measurement the 1.2 ms, that the vendor's example
SimplePulse_SVMI states. The source delay does not act inside the trigger model.
"""

from collections.abc import Callable, Mapping

from ...scpi import values
from ...scpi.status import ScpiError
from .arguments import LONGEST_S, MOST_COUNT, QUOTES, event
from .reading import take
from .settings import USER_DELAYS
from .state import Keithley2450State
from .trigger_model import MOST_STEPS, Block, Progress

MOST_BLOCKS = 63
SHORTEST_DELAY_S = 167e-9
"""The delay block takes 167 ns to 10 ks (reference manual, trigger.BLOCK_DELAY_CONSTANT), or 0 for none."""
MOST_READINGS = 100_000
Condition = Callable[[Progress], bool]
Make = Callable[..., Block]
"""Makes a block of the instrument, the number of the block and its arguments."""


def block_number(text: str) -> int:
    """Return the number of a block."""
    return values.integer(text, 1, MOST_BLOCKS)


def measure(smu: Keithley2450State, name: str, count: int = 1, stop_at: int = 0) -> Block:
    """Return a block that measures into a buffer; once the source is limited it goes on at `stop_at`, if not 0."""

    def act(progress: Progress) -> None:
        for _ in range(min(count, MOST_STEPS - progress.steps)):
            progress.steps += 1
            smu.world.wait(smu.measure_block_s)
            take(smu, name)
        if stop_at and smu.limited():
            progress.at = stop_at

    return Block("MEASURE", act)


def delay(smu: Keithley2450State, seconds: float) -> Block:
    """Return a block that lets time pass."""
    return Block("DELAY_CONSTANT", lambda _: smu.world.wait(seconds))


def branch(name: str, target: int, condition: Condition = lambda _: True) -> Block:
    """Return a block that goes to another one, under a condition if there is one."""

    def act(progress: Progress) -> None:
        if condition(progress):
            progress.at = target

    return Block(name, act)


def branch_counter(number: int, most: int, target: int) -> Block:
    """Return a block that goes to another one until the way there and back was gone so often."""

    def again(progress: Progress) -> bool:
        passes = progress.counts.get(number, 0) + 1
        progress.counts[number] = passes if passes < most else 0
        return passes < most

    return branch("BRANCH_COUNTER", target, again)


# ---------------------------------------------------------------------- blocks as arguments describe them


def _clear(smu: Keithley2450State, _: int, *buffer: str) -> Block:
    name = smu.buffer_name(buffer)
    return Block("BUFFER_CLEAR", lambda _: smu.buffer(name).readings.clear())


def _output(smu: Keithley2450State, _: int, state: str) -> Block:
    on = values.boolean(state)

    def act(_: Progress) -> None:
        smu.switch(on)
        smu.world.wait(smu.source_block_s)

    return Block("SOURCE_OUTPUT", act)


def _measure(smu: Keithley2450State, _: int, *arguments: str) -> Block:
    """Make a measure block; an endless one takes one reading each time it is reached."""
    named = arguments[:1] if arguments and arguments[0].startswith(QUOTES) else ()
    name, rest = smu.buffer_name(named), arguments[len(named) :]
    endless = not rest or values.matches(rest[0], "INFinite")
    return measure(smu, name, 1 if endless else values.integer(rest[0], 1, MOST_READINGS))


def _delay(smu: Keithley2450State, _: int, text: str) -> Block:
    seconds = values.bounded(text, 0.0, LONGEST_S)
    if 0 < seconds < SHORTEST_DELAY_S:
        raise ScpiError(-222)
    return delay(smu, seconds)


def _user_delay(smu: Keithley2450State, _: int, text: str) -> Block:
    name = text.rstrip("0123456789")
    kind = values.choice(name, ("SOURce", "MEASure"))
    place = values.integer(text[len(name) :] or "1", 1, USER_DELAYS) - 1

    def act(_: Progress) -> None:
        now = smu.now.sourcing.now if kind == "SOUR" else smu.now.measuring.now
        smu.world.wait(now.user_delays_s[place])

    return Block("DELAY_DYNAMIC", act)


def _nothing(_smu: Keithley2450State, _: int) -> Block:
    return Block("NO_OPERATION", lambda _: None)


def _notify(smu: Keithley2450State, _: int, text: str) -> Block:
    name = f"NOT{values.integer(text, 1, 8)}"
    return Block("NOTIFY", lambda _: smu.trigger_model.happened(name))


def _wait(smu: Keithley2450State, _: int, first: str, *arguments: str) -> Block:
    """Wait for one of some events, or for all of them (AND), and forget those that came before (ENTer)."""
    forget, needs_all, named = False, False, [event(first)]
    for text in arguments:
        if any(values.matches(text, name) for name in ("ENTer", "NEVer")):
            forget = values.matches(text, "ENTer")
        elif values.matches(text, "AND") or values.matches(text, "OR"):
            needs_all = values.matches(text, "AND")
        else:
            named.append(event(text))
    events = tuple(each for each in named if each != "NONE")

    def act(progress: Progress) -> None:
        if forget:
            smu.trigger_model.events.difference_update(events)
        if events and not smu.trigger_model.ready(events, needs_all):
            progress.waits_for, progress.needs_all = events, needs_all

    return Block("WAIT", act)


def _recall(smu: Keithley2450State, _: int, *arguments: str) -> Block:
    """Bring back entries of configuration lists, each a name and an index, which is 1 if left out."""
    entries: list[tuple[str, int]] = []
    for text in arguments:
        if text.startswith(QUOTES):
            entries.append((values.string(text), 1))
        elif entries:
            entries[-1] = (entries[-1][0], values.integer(text, 1, 300_000))
    if not entries:
        raise ScpiError(-104)
    if any(index > len(smu.entries(name)) for name, index in entries):
        raise ScpiError(-222)

    def act(progress: Progress) -> None:
        for name, index in entries:
            progress.index[name] = index
            smu.recall(name, index)
        smu.world.wait(smu.source_block_s)

    return Block("CONFIG_RECALL", act)


def _recall_neighbour(step: int) -> Make:
    """Bring back the next entries of configuration lists, or the previous, round and round."""

    def make(smu: Keithley2450State, _: int, *arguments: str) -> Block:
        names = [values.string(text) for text in arguments]

        def act(progress: Progress) -> None:
            for name in names:
                size = len(smu.entries(name))
                if not size:
                    raise ScpiError(-200)
                progress.index[name] = (progress.index.get(name, 0) - 1 + step) % size + 1
                smu.recall(name, progress.index[name])
            smu.world.wait(smu.source_block_s)

        return Block("CONFIG_NEXT" if step > 0 else "CONFIG_PREV", act)

    return make


def _branch_always(_smu: Keithley2450State, _: int, target: str) -> Block:
    return branch("BRANCH_ALWAYS", block_number(target))


def _branch_counter(_: Keithley2450State, number: int, most: str, target: str) -> Block:
    return branch_counter(number, values.integer(most, 1, MOST_COUNT), block_number(target))


def _reset_counter(_smu: Keithley2450State, _: int, text: str) -> Block:
    number = block_number(text)
    return Block("RESET_BRANCH_COUNT", lambda progress: progress.counts.pop(number, None))


def _branch_event(smu: Keithley2450State, _: int, text: str, target: str) -> Block:
    wanted = (event(text),)
    return branch("BRANCH_ON_EVENT", block_number(target), lambda _: smu.trigger_model.ready(wanted))


BLOCKS: Mapping[str, tuple[int, int, Make]] = {
    "BUFFer:CLEar": (0, 1, _clear),
    "SOURce:STATe": (1, 1, _output),
    "MEASure": (0, 2, _measure),
    "DELay:CONStant": (1, 1, _delay),
    "DELay:DYNamic": (1, 1, _user_delay),
    "NOP": (0, 0, _nothing),
    "NOTify": (1, 1, _notify),
    "WAIT": (1, 5, _wait),
    "BRANch:ALWays": (1, 1, _branch_always),
    "BRANch:COUNter": (2, 2, _branch_counter),
    "BRANch:COUNter:RESet": (1, 1, _reset_counter),
    "BRANch:EVENt": (2, 2, _branch_event),
    "CONFig:RECall": (1, 4, _recall),
    "CONFig:NEXT": (1, 2, _recall_neighbour(1)),
    "CONFig:PREVious": (1, 2, _recall_neighbour(-1)),
}
"""Blocks by header, with how many arguments each has at least and at most."""
