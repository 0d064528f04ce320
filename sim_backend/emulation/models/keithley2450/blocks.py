"""Building blocks of the trigger model of an emulated Keithley 2450: their arguments, and what each does.

Names are those of the Model 2450 reference manual, ``:TRIGger:BLOCk``. The source delay does not act inside the
trigger model.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

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
Read = Callable[[Keithley2450State, Sequence[str]], Sequence[Any]]
"""Makes what a block acts with of its arguments."""


@dataclass(frozen=True, slots=True)
class BlockKind:
    """One kind of building block."""

    name: str
    act: Callable[..., object]
    """What it does with the instrument, the progress of the model, and what was read of its arguments."""
    least: int
    most: int
    """How many arguments it has besides its number."""
    read: Read

    def block(self, smu: Keithley2450State, *found: Any) -> Block:
        """Return a block that acts with what was read."""
        return Block(self.name, lambda progress: self.act(smu, progress, *found))

    def block_of(self, smu: Keithley2450State, texts: Sequence[str]) -> Block:
        """Return the block that arguments describe."""
        return self.block(smu, *self.read(smu, texts))


# ---------------------------------------------------------------------- arguments


def block_number(text: str) -> int:
    """Return the number of a block."""
    return values.integer(text, 1, MOST_BLOCKS)


def _count(text: str) -> int:
    return values.integer(text, 1, MOST_COUNT)


def _delay(text: str) -> float:
    seconds = values.bounded(text, 0.0, LONGEST_S)
    if 0 < seconds < SHORTEST_DELAY_S:
        raise ScpiError(-222)
    return seconds


def _user_delay(text: str) -> tuple[str, int]:
    """Return whether a user delay is that of the source or of the measurement, and its place from 0."""
    name = text.rstrip("0123456789")
    kind = values.choice(name, ("SOURce", "MEASure"))
    return kind, values.integer(text[len(name) :] or "1", 1, USER_DELAYS) - 1


def _limit_test(text: str) -> int:
    return values.integer(text, 1, 2)


def _side(text: str) -> str:
    return values.choice(text, ("ABOVe", "BELow", "INSide", "OUTside"))


def _each(*readers: Callable[[str], Any]) -> Read:
    """Return what reads each argument; one beyond them, the number of a measure block, is of no account."""
    return lambda _, texts: [read(text) for read, text in zip(readers, texts, strict=False)]


def _buffer_and_count(smu: Keithley2450State, texts: Sequence[str]) -> tuple[str, int]:
    """Return where and how often a block measures; an endless one takes one reading each time it is reached."""
    name, rest = smu.split_buffer(texts)
    endless = not rest or values.matches(rest[0], "INFinite")
    return name, 1 if endless else values.integer(rest[0], 1, MOST_READINGS)


def _events(_: Keithley2450State, texts: Sequence[str]) -> tuple[tuple[str, ...], bool, bool]:
    """Return events, whether to wait for all of them, and whether to forget those that came before."""
    forget, needs_all, named = False, False, [event_name(texts[0])]
    for text in texts[1:]:
        if any(values.matches(text, name) for name in ("ENTer", "NEVer")):
            forget = values.matches(text, "ENTer")
        elif values.matches(text, "AND") or values.matches(text, "OR"):
            needs_all = values.matches(text, "AND")
        else:
            named.append(event_name(text))
    return tuple(each for each in named if each != "NONE"), needs_all, forget


def _entries(smu: Keithley2450State, texts: Sequence[str]) -> list[tuple[str, int]]:
    """Return entries of configuration lists, each a name and an index, which is 1 if left out."""
    entries: list[tuple[str, int]] = []
    for text in texts:
        if text.startswith(QUOTES):
            entries.append((values.string(text), 1))
        elif entries:
            entries[-1] = (entries[-1][0], values.integer(text, 1, 300_000))
    if not entries:
        raise ScpiError(-104)
    if any(index > len(smu.entries(name)) for name, index in entries):
        raise ScpiError(-222)
    return entries


# ---------------------------------------------------------------------- what blocks do


def _clear(smu: Keithley2450State, _: Progress, name: str) -> None:
    smu.buffer(name).readings.clear()


def _output(smu: Keithley2450State, _: Progress, on: bool) -> None:
    smu.switch(on)
    smu.world.wait(SOURCE_BLOCK_S)


def _measure(smu: Keithley2450State, progress: Progress, name: str, count: int = 1, stop_at: int = 0) -> None:
    """Measure into a buffer; once the source is limited go on at block `stop_at`, if that is not 0."""
    for _ in range(min(count, MOST_STEPS - progress.steps)):
        progress.steps += 1
        smu.world.wait(MEASURE_BLOCK_S)
        take(smu, name)
    if stop_at and smu.limited():
        progress.at = stop_at


def _wait_user_delay(smu: Keithley2450State, _: Progress, which: tuple[str, int]) -> None:
    kind, place = which
    now = smu.now.sourcing.now if kind == "SOUR" else smu.now.measuring.now
    smu.world.wait(now.user_delays_s[place])


def _wait(smu: Keithley2450State, progress: Progress, events: tuple[str, ...], needs_all: bool, forget: bool) -> None:
    if forget:
        smu.trigger_model.events.difference_update(events)
    if events and not smu.trigger_model.ready(events, needs_all):
        progress.waits_for, progress.needs_all = events, needs_all


def _recall(smu: Keithley2450State, progress: Progress, *entries: tuple[str, int]) -> None:
    for name, index in entries:
        progress.index[name] = index
        smu.recall(name, index)
    smu.world.wait(SOURCE_BLOCK_S)


def _recall_neighbour(smu: Keithley2450State, progress: Progress, step: int, *names: str) -> None:
    """Bring back the next entries of configuration lists, or the previous, round and round."""
    for name in names:
        size = len(smu.entries(name))
        if not size:
            raise ScpiError(-200)
        progress.index[name] = (progress.index.get(name, 0) - 1 + step) % size + 1
        smu.recall(name, progress.index[name])
    smu.world.wait(SOURCE_BLOCK_S)


def _branch(_: Keithley2450State, progress: Progress, target: int) -> None:
    progress.at = target


def _branch_counter(_: Keithley2450State, progress: Progress, most: int, target: int) -> None:
    """Go to another block until the way there and back was gone so often."""
    passes = progress.counts.get(progress.last, 0) + 1
    progress.counts[progress.last] = passes if passes < most else 0
    if passes < most:
        progress.at = target


def _branch_event(smu: Keithley2450State, progress: Progress, name: str, target: int) -> None:
    if smu.trigger_model.ready((name,)):
        progress.at = target


def _latest(smu: Keithley2450State, count: int) -> list[float]:
    """Return the latest readings of the default buffer, the latest first, as many as there are up to `count`."""
    return [each.value for each in islice(reversed(smu.buffer("defbuffer1").readings), count)]


def _branch_delta(smu: Keithley2450State, progress: Progress, most: float, target: int) -> None:
    """Go to another block once two readings are close to each other."""
    latest = _latest(smu, 2)
    if len(latest) == 2 and abs(latest[1] - latest[0]) < most:
        progress.at = target


def _branch_limit(smu: Keithley2450State, progress: Progress, side: str, low: float, high: float, target: int) -> None:
    """Go to another block if the latest reading is on a certain side of two limits."""
    for value in _latest(smu, 1):
        inside = low <= value <= high
        if {"ABOV": value > high, "BEL": value < low, "INS": inside, "OUT": not inside}[side]:
            progress.at = target


def _branch_limit_test(smu: Keithley2450State, progress: Progress, side: str, number: int, target: int) -> None:
    """Go to another block as the limits of a limit test say."""
    limit = smu.now.measuring.now.limits[number]
    _branch_limit(smu, progress, side, limit.lower, limit.upper, target)


BLOCKS: Mapping[str, BlockKind] = {
    "BUFFer:CLEar": BlockKind("BUFFER_CLEAR", _clear, 0, 1, lambda smu, texts: [smu.buffer_name(texts)]),
    "SOURce:STATe": BlockKind("SOURCE_OUTPUT", _output, 1, 1, _each(values.boolean)),
    "MEASure": BlockKind("MEASURE", _measure, 0, 2, _buffer_and_count),
    "MDIGitize": BlockKind("MEASURE", _measure, 0, 2, _buffer_and_count),
    "DELay:CONStant": BlockKind("DELAY_CONSTANT", lambda smu, _, s: smu.world.wait(s), 1, 1, _each(_delay)),
    "DELay:DYNamic": BlockKind("DELAY_DYNAMIC", _wait_user_delay, 1, 1, _each(_user_delay)),
    "NOP": BlockKind("NO_OPERATION", lambda *_: None, 0, 0, _each()),
    "NOTify": BlockKind(
        "NOTIFY",
        lambda smu, _, number: smu.trigger_model.happened(f"NOT{number}"),
        1,
        1,
        _each(lambda text: values.integer(text, 1, 8)),
    ),
    "WAIT": BlockKind("WAIT", _wait, 1, 5, _events),
    "BRANch:ALWays": BlockKind("BRANCH_ALWAYS", _branch, 1, 1, _each(block_number)),
    "BRANch:COUNter": BlockKind("BRANCH_COUNTER", _branch_counter, 2, 2, _each(_count, block_number)),
    "BRANch:COUNter:RESet": BlockKind(
        "RESET_BRANCH_COUNT", lambda _, progress, number: progress.counts.pop(number, None), 1, 1, _each(block_number)
    ),
    "BRANch:EVENt": BlockKind("BRANCH_ON_EVENT", _branch_event, 2, 2, _each(event_name, block_number)),
    "BRANch:DELTa": BlockKind("BRANCH_ON_DELTA", _branch_delta, 2, 3, _each(values.number, block_number)),
    "BRANch:LIMit:CONStant": BlockKind(
        "BRANCH_LIMIT_CONSTANT", _branch_limit, 4, 5, _each(_side, values.number, values.number, block_number)
    ),
    "BRANch:LIMit:DYNamic": BlockKind(
        "BRANCH_LIMIT_DYNAMIC",
        _branch_limit_test,
        3,
        4,
        _each(_side, _limit_test, block_number),
    ),
    "CONFig:RECall": BlockKind("CONFIG_RECALL", _recall, 1, 4, _entries),
    "CONFig:NEXT": BlockKind("CONFIG_NEXT", _recall_neighbour, 1, 2, lambda _, texts: [1, *map(values.string, texts)]),
    "CONFig:PREVious": BlockKind(
        "CONFIG_PREV", _recall_neighbour, 1, 2, lambda _, texts: [-1, *map(values.string, texts)]
    ),
}
"""Blocks by header."""
