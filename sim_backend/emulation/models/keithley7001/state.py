"""The relays of an emulated Keithley 7001, their settling time, and where a scan stands."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from ...scpi import values
from ...scpi.matrix import Crosspoint, MatrixInstrument
from ...scpi.messages import Call
from ...world.world import World

MOST_STEPS = 9999


@dataclass
class Layer:
    """One layer of the trigger model."""

    count: int = 1
    source: str = "IMM"
    delay_s: float = 0.0
    timer_s: float = 0.1


@dataclass
class Scan:
    """The scan list, the layers, and where a scan stands that is under way."""

    channels: list[Crosspoint] = field(default_factory=list)
    arm1: Layer = field(default_factory=Layer)
    arm2: Layer = field(default_factory=Layer)
    trigger: Layer = field(default_factory=lambda: Layer(count=0))
    """Count 0 stands for the length of the scan list."""
    steps_left: int = 0
    at: int = 0

    def layers(self) -> Iterable[Layer]:
        """Return the layers from the outermost in."""
        return self.arm1, self.arm2, self.trigger

    def stop(self) -> None:
        """Give up a scan that is under way."""
        self.steps_left = 0

    def steps(self) -> int:
        """Return how many triggers a start takes."""
        triggers = self.trigger.count or len(self.channels)
        return min(self.arm1.count * self.arm2.count * triggers, MOST_STEPS)


class Keithley7001State(MatrixInstrument):
    """What every command of a 7001 acts on; for the parameters see `MatrixInstrument`."""

    channel_pattern = re.compile(r"([0-9]{1,3})\s*!\s*([0-9]{1,3})\s*!\s*([0-9]{1,3})")
    rows = 4
    columns = 10

    def __init__(self, world: World, name: str, serial: str = "1234567", *, settle_s: float = 4e-3) -> None:
        super().__init__(world, name, serial, settle_s=settle_s)
        self.extra_s: dict[int, float] = {}
        """Extra settling time of slots."""
        self.break_before_make = True
        self.scan = Scan()
        self.patterns: dict[int, frozenset[Crosspoint]] = {}

    def reset(self) -> None:
        """Open every relay; no extra settling, break before make, no scan."""
        super().reset()
        self.extra_s = {}
        self.break_before_make = True
        self.scan = Scan()

    def slots(self) -> Iterable[int]:
        """Return the slots, from 1."""
        return range(1, self.most_suffix + 1)

    def channel_name(self, crosspoint: Crosspoint) -> str:
        """Write slot!row!column."""
        return "!".join(map(str, crosspoint))

    def switch(self, closed: Iterable[Crosspoint]) -> None:
        """Move relays and wait for the extra settling time as well."""
        before = self.closed
        self.move(closed)
        if self.closed != before and self.extra_s:
            self.world.wait(max(self.extra_s.values()))

    def close(self, call: Call) -> None:
        """Close the relays of the channel list of a command."""
        self.switch({*self.closed, *self.crosspoints(call.expect(1)[0])})

    def open(self, call: Call) -> None:
        """Open the relays of the channel list of a command, or ``ALL``."""
        text = call.expect(1)[0]
        self.switch(set() if values.matches(text, "ALL") else self.closed - {*self.crosspoints(text)})
