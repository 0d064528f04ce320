"""One card of an emulated Keysight B2200A: its connection rule, its sequence, and what its idle outputs are joined to.

Bias mode joins every enabled output that is in no other use to the bias port, ground mode to the ground port
(B2200A/B2201A user's guide, page 5-33).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from ...scpi.matrix import Crosspoint

INPUTS, CARDS, OUTPUTS_OF_CARD = 14, 4, 12


@dataclass
class Idle:
    """Bias or ground mode of one card."""

    port: int
    outputs: set[int]
    on: bool = False
    unused: tuple[int, ...] = ()
    """Inputs whose connections do not count as a use of an output (ground mode only)."""


@dataclass
class Card:
    """Settings of one card."""

    columns: int
    rule: str = "SROU"
    sequence: str = "BBM"
    couple: bool = False
    couple_ports: tuple[int, ...] = ()
    bias: Idle = field(init=False)
    ground: Idle = field(init=False)

    def __post_init__(self) -> None:
        every = set(range(1, self.columns + 1))
        self.bias, self.ground = Idle(10, set(every)), Idle(12, set(every))

    @property
    def idle(self) -> Idle | None:
        """The mode that is on; never both."""
        return next((each for each in (self.bias, self.ground) if each.on), None)

    def automatic(self, requested: Iterable[Crosspoint], number: int) -> set[Crosspoint]:
        """Return the relays that the mode closes: every enabled output that is in no other use."""
        idle = self.idle
        if idle is None:
            return set()
        used = {each.column for each in requested if each.row not in (idle.port, *idle.unused)}
        return {Crosspoint(number, idle.port, output) for output in idle.outputs - used}
