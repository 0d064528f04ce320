"""Building blocks of the trigger model of an emulated Keithley 2450: their arguments, and what each does.

Names are those of the Model 2450 reference manual, ``:TRIGger:BLOCk``. The source delay does not act inside the
trigger model. Blocks that wait for events, branch on readings or drive digital lines are not emulated.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...scpi import values
from ...scpi.status import ScpiError
from .reading import take
from .state import QUOTES, Keithley2450State
from .trigger_model import MOST_STEPS, Block, Progress

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

    act: Callable[..., object]
    """What it does with the instrument, the progress of the model, and what was read of its arguments."""
    least: int
    most: int
    """How many arguments it has besides its number."""
    read: Read

    def block(self, smu: Keithley2450State, *found: Any) -> Block:
        """Return a block that acts with what was read."""
        return lambda progress: self.act(smu, progress, *found)

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
    seconds = values.within(text, 0.0, LONGEST_S)
    if 0 < seconds < SHORTEST_DELAY_S:
        raise ScpiError(-222)
    return seconds


def _each(*readers: Callable[[str], Any]) -> Read:
    """Return what reads each argument."""
    return lambda _, texts: [read(text) for read, text in zip(readers, texts, strict=True)]


def _buffer_and_count(smu: Keithley2450State, texts: Sequence[str]) -> tuple[str, int]:
    """Return where and how often a block measures; an endless one takes one reading each time it is reached."""
    name, rest = smu.split_buffer(texts)
    endless = not rest or values.matches(rest[0], "INFinite")
    return name, 1 if endless else values.integer(rest[0], 1, MOST_READINGS)


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
        smu.acquisition.run(take(smu, name))
    if stop_at and smu.limited():
        progress.at = stop_at


def _recall(smu: Keithley2450State, progress: Progress, *entries: tuple[str, int]) -> None:
    for name, index in entries:
        progress.index[name] = index
        smu.recall(name, index)
    smu.world.wait(SOURCE_BLOCK_S)


def _recall_next(smu: Keithley2450State, progress: Progress, *names: str) -> None:
    """Bring back the next entries of configuration lists, round and round."""
    for name in names:
        size = len(smu.entries(name))
        if not size:
            raise ScpiError(-200)
        progress.index[name] = progress.index.get(name, 0) % size + 1
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


BLOCKS: Mapping[str, BlockKind] = {
    "BUFFer:CLEar": BlockKind(_clear, 0, 1, lambda smu, texts: [smu.buffer_name(texts)]),
    "SOURce:STATe": BlockKind(_output, 1, 1, _each(values.boolean)),
    "MEASure": BlockKind(_measure, 0, 2, _buffer_and_count),
    "DELay:CONStant": BlockKind(lambda smu, _, seconds: smu.world.wait(seconds), 1, 1, _each(_delay)),
    "BRANch:ALWays": BlockKind(_branch, 1, 1, _each(block_number)),
    "BRANch:COUNter": BlockKind(_branch_counter, 2, 2, _each(_count, block_number)),
    "CONFig:RECall": BlockKind(_recall, 1, 4, _entries),
    "CONFig:NEXT": BlockKind(_recall_next, 1, 2, lambda _, texts: [*map(values.string, texts)]),
}
"""Blocks by header."""
