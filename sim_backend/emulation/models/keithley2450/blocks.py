"""Building blocks of the trigger model of an emulated Keithley 2450: their arguments, and what each does.

Names are those of the Model 2450 reference manual, ``:TRIGger:BLOCk``. The source delay does not act inside the
trigger model.
"""

from collections.abc import Callable, Mapping
from itertools import islice

from ...scpi import values
from ...scpi.status import ScpiError
from .reading import take
from .settings import USER_DELAYS
from .state import QUOTES, Keithley2450State
from .trigger_model import MOST_STEPS, Block, Progress, event_name

SOURCE_BLOCK_S, MEASURE_BLOCK_S = 1.2e-3, 2e-4
"""What a block takes after a change of the source, and a measurement besides its integration: a pulse of on, measure,
off makes the 1.6 ms, and without the measurement the 1.2 ms, that the vendor's example SimplePulse_SVMI states."""
MOST_BLOCKS, MOST_COUNT = 63, 268_435_455
LONGEST_S = 1e4
SHORTEST_DELAY_S = 167e-9
"""The delay block takes 167 ns to 10 ks (reference manual, trigger.BLOCK_DELAY_CONSTANT), or 0 for none."""
MOST_READINGS = 100_000
LIMIT_TYPES = ("ABOVe", "BELow", "INSide", "OUTside")
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
            smu.world.wait(MEASURE_BLOCK_S)
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


def _clear(smu: Keithley2450State, name: str) -> Block:
    return Block("BUFFER_CLEAR", lambda _: smu.buffer(name).readings.clear())


def _output(smu: Keithley2450State, on: bool) -> Block:
    def act(_: Progress) -> None:
        smu.switch(on)
        smu.world.wait(SOURCE_BLOCK_S)

    return Block("SOURCE_OUTPUT", act)


def _measure(smu: Keithley2450State, _: int, *arguments: str) -> Block:
    """Make a measure block; an endless one takes one reading each time it is reached."""
    name, rest = smu.split_buffer(arguments)
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


def _notify(smu: Keithley2450State, number: int) -> Block:
    return Block("NOTIFY", lambda _: smu.trigger_model.happened(f"NOT{number}"))


def _wait(smu: Keithley2450State, _: int, first: str, *arguments: str) -> Block:
    """Wait for one of some events, or for all of them (AND), and forget those that came before (ENTer)."""
    forget, needs_all, named = False, False, [event_name(first)]
    for text in arguments:
        if any(values.matches(text, name) for name in ("ENTer", "NEVer")):
            forget = values.matches(text, "ENTer")
        elif values.matches(text, "AND") or values.matches(text, "OR"):
            needs_all = values.matches(text, "AND")
        else:
            named.append(event_name(text))
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
        smu.world.wait(SOURCE_BLOCK_S)

    return Block("CONFIG_RECALL", act)


def _recall_neighbour(smu: Keithley2450State, step: int, *names: str) -> Block:
    """Bring back the next entries of configuration lists, or the previous, round and round."""

    def act(progress: Progress) -> None:
        for name in names:
            size = len(smu.entries(name))
            if not size:
                raise ScpiError(-200)
            progress.index[name] = (progress.index.get(name, 0) - 1 + step) % size + 1
            smu.recall(name, progress.index[name])
        smu.world.wait(SOURCE_BLOCK_S)

    return Block("CONFIG_NEXT" if step > 0 else "CONFIG_PREV", act)


def _reset_counter(number: int) -> Block:
    return Block("RESET_BRANCH_COUNT", lambda progress: progress.counts.pop(number, None))


def _branch_event(smu: Keithley2450State, name: str, target: int) -> Block:
    return branch("BRANCH_ON_EVENT", target, lambda _: smu.trigger_model.ready((name,)))


def _latest(smu: Keithley2450State, count: int) -> list[float]:
    """Return the latest readings of the default buffer, the latest first, as many as there are up to `count`."""
    return [each.value for each in islice(reversed(smu.buffer("defbuffer1").readings), count)]


def _branch_delta(smu: Keithley2450State, _: int, most: str, target: str, *_measure_block: str) -> Block:
    """Go to another block once two readings are close to each other."""
    wanted = values.number(most)

    def close(_: Progress) -> bool:
        latest = _latest(smu, 2)
        return len(latest) == 2 and abs(latest[1] - latest[0]) < wanted

    return branch("BRANCH_ON_DELTA", block_number(target), close)


def _meets(kind: str, value: float, low: float, high: float) -> bool:
    inside = low <= value <= high
    return {"ABOV": value > high, "BEL": value < low, "INS": inside, "OUT": not inside}[kind]


def _branch_constant_limit(
    smu: Keithley2450State, _: int, kind: str, low: str, high: str, target: str, *_measure_block: str
) -> Block:
    """Go to another block if the latest reading is on a certain side of two limits."""
    wanted, bounds = values.choice(kind, LIMIT_TYPES), (values.number(low), values.number(high))
    return branch(
        "BRANCH_LIMIT_CONSTANT",
        block_number(target),
        lambda _: any(_meets(wanted, value, *bounds) for value in _latest(smu, 1)),
    )


def _branch_dynamic_limit(
    smu: Keithley2450State, _: int, kind: str, test: str, target: str, *_measure_block: str
) -> Block:
    """Go to another block as with constant limits, but those of a limit test."""
    wanted, number = values.choice(kind, LIMIT_TYPES), values.integer(test, 1, 2)

    def met(_: Progress) -> bool:
        limit = smu.now.measuring.now.limits[number]
        return any(_meets(wanted, value, limit.lower, limit.upper) for value in _latest(smu, 1))

    return branch("BRANCH_LIMIT_DYNAMIC", block_number(target), met)


BLOCKS: Mapping[str, tuple[int, int, Make]] = {
    "BUFFer:CLEar": (0, 1, lambda smu, _, *buffer: _clear(smu, smu.buffer_name(buffer))),
    "SOURce:STATe": (1, 1, lambda smu, _, on: _output(smu, values.boolean(on))),
    "MEASure": (0, 2, _measure),
    "MDIGitize": (0, 2, _measure),
    "DELay:CONStant": (1, 1, _delay),
    "DELay:DYNamic": (1, 1, _user_delay),
    "NOP": (0, 0, lambda *_: Block("NO_OPERATION", lambda _: None)),
    "NOTify": (1, 1, lambda smu, _, number: _notify(smu, values.integer(number, 1, 8))),
    "WAIT": (1, 5, _wait),
    "BRANch:ALWays": (1, 1, lambda _, __, target: branch("BRANCH_ALWAYS", block_number(target))),
    "BRANch:COUNter": (
        2,
        2,
        lambda _, at, most, target: branch_counter(at, values.integer(most, 1, MOST_COUNT), block_number(target)),
    ),
    "BRANch:COUNter:RESet": (1, 1, lambda _, __, number: _reset_counter(block_number(number))),
    "BRANch:EVENt": (2, 2, lambda smu, _, event, at: _branch_event(smu, event_name(event), block_number(at))),
    "BRANch:DELTa": (2, 3, _branch_delta),
    "BRANch:LIMit:CONStant": (4, 5, _branch_constant_limit),
    "BRANch:LIMit:DYNamic": (3, 4, _branch_dynamic_limit),
    "CONFig:RECall": (1, 4, _recall),
    "CONFig:NEXT": (1, 2, lambda smu, _, *names: _recall_neighbour(smu, 1, *map(values.string, names))),
    "CONFig:PREVious": (1, 2, lambda smu, _, *names: _recall_neighbour(smu, -1, *map(values.string, names))),
}
"""Blocks by header, with how many arguments each has at least and at most."""
