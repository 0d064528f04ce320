"""The trigger model of an emulated Keithley 2450: numbered blocks, run one after the other when initiated.

Block names are those of the Model 2450 reference manual, ``:TRIGger:BLOCk``. A block that changes the source takes
`source_block_s` after the change, a measurement `measure_block_s` besides its integration; together with a pulse of
on, measure, off they make the 1.6 ms, and without the measurement the 1.2 ms, that the vendor's example
SimplePulse_SVMI states. The source delay does not act inside the trigger model. A model runs as far as it gets before
``:INIT`` returns: to its end, or to a wait block whose event has not come.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...scpi.status import ScpiError
from .reading import take
from .timer import Timer

if TYPE_CHECKING:
    from .model import EmulatedKeithley2450

MOST_BLOCKS = 63
MOST_STEPS = 200_000
"""A model that has not come to its end after so many blocks and readings is aborted with an error."""
TIMERS = range(1, 5)


@dataclass
class Run:
    """Where a running trigger model stands."""

    at: int = 1
    last: int = 0
    """Block that was carried out last."""
    steps: int = 0
    """Blocks that were carried out, and readings that were taken."""
    began_s: float = 0.0
    counts: dict[int, int] = field(default_factory=dict)
    """How often each counting branch was passed."""
    passed: set[int] = field(default_factory=set)
    """Branches that are taken only once, or from the second time on, and were passed."""
    index: dict[str, int] = field(default_factory=dict)
    """Entry of each configuration list that was recalled last."""
    waits_for: tuple[str, ...] = ()
    """Events of the wait block that holds the model."""
    needs_all: bool = False


Act = Callable[["EmulatedKeithley2450", Run], object]


@dataclass(frozen=True, slots=True)
class Block:
    """One building block."""

    name: str
    act: Act


@dataclass
class TriggerModel:
    """Blocks, the run that is under way, timers, and events that have come."""

    blocks: dict[int, Block] = field(default_factory=dict)
    run: Run | None = None
    state: str = "EMPTY"
    timers: dict[int, Timer] = field(default_factory=lambda: {number: Timer() for number in TIMERS})
    events: set[str] = field(default_factory=set)

    def load(self, blocks: dict[int, Block]) -> None:
        """Take other blocks, as one that is built ready to run."""
        self.blocks = blocks
        self.run, self.state = None, "IDLE" if blocks else "EMPTY"

    def put(self, number: int, block: Block) -> None:
        """Set one block."""
        self.blocks[number] = block
        if self.state == "EMPTY":
            self.state = "IDLE"

    def initiate(self, smu: "EmulatedKeithley2450") -> None:
        """Run from the first block.

        Raises
        ------
        ScpiError
            -200 if there is none, a block is missing, or it does not end; -213 if a run is under way.
        """
        if self.run is not None and self.run.waits_for:
            raise ScpiError(-213)
        if not self.blocks:
            raise ScpiError(-200)
        self.run = Run(began_s=smu.world.clock.now())
        self.events.clear()
        self._go(smu, self.run)

    def abort(self) -> None:
        """Give up the run that is under way."""
        if self.run is not None and self.run.waits_for:
            self.run.waits_for = ()
            self.state = "ABORTED"

    def happened(self, smu: "EmulatedKeithley2450", event: str) -> None:
        """Take note of an event, which may start timers and let a model go on."""
        self.events.add(event)
        for timer in self.timers.values():
            timer.hear(event, smu.world.clock.now())
        if self.run is not None and self.run.waits_for and self.ready(smu, self.run.waits_for, self.run.needs_all):
            self.run.waits_for = ()
            self._go(smu, self.run)

    def ready(self, smu: "EmulatedKeithley2450", events: tuple[str, ...], needs_all: bool) -> bool:
        """Whether the events of a wait block have come, which uses them up; time passes up to that of a timer."""
        found = [self._come(smu, event) for event in events]
        if not (all(found) if needs_all else any(found)):
            return False
        self.events.difference_update(events)
        return True

    def _come(self, smu: "EmulatedKeithley2450", event: str) -> bool:
        if event in self.events:
            return True
        timer = self.timers.get(int(event[3:] or 0)) if event.startswith("TIM") else None
        tick_s = timer.next_tick() if timer else None
        if tick_s is None:
            return False
        smu.world.wait(tick_s - smu.world.clock.now())
        return True

    def _go(self, smu: "EmulatedKeithley2450", run: Run) -> None:
        """Carry out blocks until the end, or until one waits."""
        self.state = "RUNNING"
        end = max(self.blocks)
        while run.steps < MOST_STEPS:
            if run.at > end:
                self.state = "IDLE"
                smu.unsettled = False
                return
            run.steps += 1
            block = self.blocks.get(run.at)
            if block is None:
                break
            run.last, run.at = run.at, run.at + 1
            block.act(smu, run)
            if run.waits_for:
                self.state = "WAITING"
                return
        self.state = "FAILED"
        raise ScpiError(-200)


# ---------------------------------------------------------------------- blocks


def clear(name: str) -> Block:
    """Clear a buffer."""
    return Block("BUFFER_CLEAR", lambda smu, _: smu.buffer(name).readings.clear())


def output(on: bool) -> Block:
    """Switch the output."""

    def act(smu: "EmulatedKeithley2450", _: Run) -> None:
        smu.switch(on)
        smu.world.wait(smu.source_block_s)

    return Block("SOURCE_OUTPUT", act)


def measure(name: str, count: int = 1, stop_at: int = 0) -> Block:
    """Measure into a buffer; once the source is limited go on at block `stop_at`, if that is not 0."""

    def act(smu: "EmulatedKeithley2450", run: Run) -> None:
        for _ in range(min(count, MOST_STEPS - run.steps)):
            run.steps += 1
            smu.world.wait(smu.measure_block_s)
            take(smu, name)
        if stop_at and smu.limited():
            run.at = stop_at

    return Block("MEASURE", act)


def delay(seconds: float) -> Block:
    """Let time pass."""
    return Block("DELAY_CONSTANT", lambda smu, _: smu.world.wait(seconds))


def user_delay(kind: str, number: int) -> Block:
    """Let the time of a user delay pass, kind SOUR or MEAS, numbers from 1."""

    def act(smu: "EmulatedKeithley2450", _: Run) -> None:
        now = smu.now.sourcing.now if kind == "SOUR" else smu.now.measuring.now
        smu.world.wait(now.user_delays_s[number - 1])

    return Block("DELAY_DYNAMIC", act)


def nothing(name: str) -> Block:
    """Do nothing, as blocks of digital lines and of the event log do here."""
    return Block(name, lambda *_: None)


def notify(number: int) -> Block:
    """Tell that this block was reached."""
    return Block("NOTIFY", lambda smu, _: smu.trigger_model.happened(smu, f"NOT{number}"))


def wait(events: tuple[str, ...], forget: bool, needs_all: bool) -> Block:
    """Wait for one of some events, or for all of them; `forget` those that came before."""

    def act(smu: "EmulatedKeithley2450", run: Run) -> None:
        if forget:
            smu.trigger_model.events.difference_update(events)
        if "NONE" not in events and not smu.trigger_model.ready(smu, events, needs_all):
            run.waits_for, run.needs_all = events, needs_all

    return Block("WAIT", act)


def recall(*entries: tuple[str, int]) -> Block:
    """Bring back entries of configuration lists, each a name and an index from 1."""

    def act(smu: "EmulatedKeithley2450", run: Run) -> None:
        for name, index in entries:
            run.index[name] = index
            smu.recall(name, index)
        smu.world.wait(smu.source_block_s)

    return Block("CONFIG_RECALL", act)


def recall_next(step: int, *names: str) -> Block:
    """Bring back the next entries of configuration lists, or the previous, round and round."""

    def act(smu: "EmulatedKeithley2450", run: Run) -> None:
        for name in names:
            size = len(smu.source_lists.get(name, smu.sense_lists.get(name, [])))
            if not size:
                raise ScpiError(-200)
            run.index[name] = (run.index.get(name, 0) - 1 + step) % size + 1
            smu.recall(name, run.index[name])
        smu.world.wait(smu.source_block_s)

    return Block("CONFIG_NEXT" if step > 0 else "CONFIG_PREV", act)


def branch_counter(number: int, target_count: int, target: int) -> Block:
    """Go to another block until the way there and back was gone so often."""

    def act(_: "EmulatedKeithley2450", run: Run) -> None:
        run.counts[number] = run.counts.get(number, 0) + 1
        if run.counts[number] < target_count:
            run.at = target
        else:
            run.counts[number] = 0

    return Block("BRANCH_COUNTER", act)


def reset_counter(number: int) -> Block:
    """Set the count of a counting branch to zero."""
    return Block("RESET_BRANCH_COUNT", lambda _, run: run.counts.pop(number, None))


def branch_always(target: int) -> Block:
    """Go to another block."""

    def act(_: "EmulatedKeithley2450", run: Run) -> None:
        run.at = target

    return Block("BRANCH_ALWAYS", act)


def branch_if(name: str, condition: Callable[["EmulatedKeithley2450", Run], bool], target: int) -> Block:
    """Go to another block under a condition."""

    def act(smu: "EmulatedKeithley2450", run: Run) -> None:
        if condition(smu, run):
            run.at = target

    return Block(name, act)


def branch_once(number: int, target: int, excluded: bool = False) -> Block:
    """Go to another block the first time only, or every time but the first."""

    def first(_: "EmulatedKeithley2450", run: Run) -> bool:
        found = number not in run.passed
        run.passed.add(number)
        return found != excluded

    return branch_if("BRANCH_ONCE_EXCLUDED" if excluded else "BRANCH_ONCE", first, target)
