"""The trigger model of an emulated Keithley 2450: numbered blocks, run one after the other when initiated.

A model runs as far as it gets before ``:INIT`` returns: to its end, or to a wait block whose event has not come.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ...scpi import values
from ...scpi.kinds import Kind
from ...scpi.messages import Stored
from ...scpi.status import ScpiError
from ...world.world import World

EVENTS = ("NONE", "COMMand", "DISPlay", "ATRigger", "EXTernal", "SLIMit")
NUMBERED_EVENTS = ("NOTify", "DIGio", "TSPLink", "LAN", "BLENder", "TIMer")
MOST_OF_A_KIND = 14
"""Largest number of an event, which is that of a digital or LAN line."""
MOST_STEPS = 200_000
"""A model that has not come to its end after so many blocks and readings is aborted with an error."""
TIMERS = range(1, 5)


def event_name(text: str) -> str:
    """Return the short name of an event, with its number if it has one."""
    name = text.rstrip("0123456789")
    number = text[len(name) :]
    if number:
        if len(number) > 2 or not 1 <= int(number) <= MOST_OF_A_KIND:
            raise ScpiError(-222)
        return values.choice(name, NUMBERED_EVENTS) + str(int(number))
    return values.choice(name, EVENTS)


EVENT = Kind(lambda texts, _: event_name(texts[0]), default="NONE")
"""An event as the value of a setting."""


@dataclass
class Timer:
    """A timer that ticks from its stimulus on (reference manual, ``:TRIGger:TIMer<n>``)."""

    delay_s: float = 1e-5
    count: int = 1
    """Ticks after each start; 0 for ever."""
    stimulus: str = "NONE"
    at_start: bool = False
    """Whether the start itself is a tick."""
    enabled: bool = False
    began_s: float | None = None
    ticks: int = 0

    def hear(self, event: str, now_s: float) -> None:
        """Begin to tick if an event is the stimulus."""
        if self.enabled and event == self.stimulus:
            self.began_s, self.ticks = now_s, 0 if self.at_start else 1

    def stop(self) -> None:
        """Tick no more."""
        self.began_s = None

    def next_tick(self) -> float | None:
        """Return when the next tick comes, in seconds of the clock, and use it up; None if there is none."""
        if self.began_s is None or (self.count and self.ticks > self.count):
            return None
        at_s = self.began_s + self.ticks * self.delay_s
        self.ticks += 1
        return at_s


@dataclass
class Progress:
    """Where a trigger model stands that was initiated."""

    at: int = 1
    last: int = 0
    """Block that was carried out last."""
    steps: int = 0
    """Blocks that were carried out, and readings that were taken."""
    began_s: float = 0.0
    counts: dict[int, int] = field(default_factory=dict)
    """How often each counting branch was passed."""
    index: dict[str, int] = field(default_factory=dict)
    """Entry of each configuration list that was recalled last."""
    waits_for: tuple[str, ...] = ()
    """Events of the wait block that holds the model."""
    needs_all: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """One building block."""

    name: str
    act: Callable[[Progress], object]


@dataclass
class TriggerModel:
    """Blocks, how far they have come, timers, and events that have happened."""

    world: World
    at_end: Callable[[], object]
    """Called when the last block is done."""
    blocks: dict[int, Block] = field(default_factory=dict)
    progress: Progress | None = None
    state: str = "EMPTY"
    timers: dict[int, Timer] = field(default_factory=lambda: {number: Timer() for number in TIMERS})
    events: set[str] = field(default_factory=set)
    stored: Stored = field(default_factory=dict)

    def load(self, blocks: Iterable[Block]) -> None:
        """Take other blocks, numbered from 1, ready to run."""
        self.blocks = dict(enumerate(blocks, start=1))
        self.progress, self.state = None, "IDLE" if self.blocks else "EMPTY"

    def put(self, number: int, block: Block) -> None:
        """Set one block."""
        self.blocks[number] = block
        if self.state == "EMPTY":
            self.state = "IDLE"

    def initiate(self) -> None:
        """Run from the first block.

        Raises
        ------
        ScpiError
            -200 if there is none, a block is missing, or it does not end; -213 if it is waiting.
        """
        if self.progress is not None and self.progress.waits_for:
            raise ScpiError(-213)
        if not self.blocks:
            raise ScpiError(-200)
        self.progress = Progress(began_s=self.world.clock.now())
        self.events.clear()
        self._go_on(self.progress)

    def abort(self) -> None:
        """Give up what is under way."""
        if self.progress is not None and self.progress.waits_for:
            self.progress.waits_for = ()
            self.state = "ABORTED"

    def happened(self, event: str) -> None:
        """Take note of an event, which may start timers and let a model go on."""
        self.events.add(event)
        for timer in self.timers.values():
            timer.hear(event, self.world.clock.now())
        progress = self.progress
        if progress is not None and progress.waits_for and self.ready(progress.waits_for, progress.needs_all):
            progress.waits_for = ()
            self._go_on(progress)

    def ready(self, events: tuple[str, ...], needs_all: bool = False) -> bool:
        """Whether the events of a wait block have come, which uses them up; time passes up to that of a timer."""
        found = [self._has_come(event) for event in events]
        if not (all(found) if needs_all else any(found)):
            return False
        self.events.difference_update(events)
        return True

    def _has_come(self, event: str) -> bool:
        if event in self.events:
            return True
        timer = self.timers.get(int(event[3:] or 0)) if event.startswith("TIM") else None
        tick_s = timer.next_tick() if timer else None
        if tick_s is None:
            return False
        self.world.wait(tick_s - self.world.clock.now())
        return True

    def _go_on(self, progress: Progress) -> None:
        """Carry out blocks until the end, or until one waits."""
        self.state = "RUNNING"
        end = max(self.blocks)
        while progress.steps < MOST_STEPS:
            if progress.at > end:
                self.state = "IDLE"
                self.at_end()
                return
            progress.steps += 1
            block = self.blocks.get(progress.at)
            if block is None:
                break
            progress.last, progress.at = progress.at, progress.at + 1
            block.act(progress)
            if progress.waits_for:
                self.state = "WAITING"
                return
        self.state = "FAILED"
        raise ScpiError(-200)
