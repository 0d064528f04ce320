"""The trigger model of an emulated Keithley 2450: numbered blocks, run one after the other when initiated.

A model runs to its end before ``:INIT`` returns.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from ...scpi.status import ScpiError

MOST_STEPS = 200_000
"""A model that has not come to its end after so many blocks and readings is aborted with an error."""


@dataclass
class Progress:
    """Where a trigger model stands that was initiated."""

    at: int = 1
    last: int = 0
    """Block that was carried out last."""
    steps: int = 0
    """Blocks that were carried out, and readings that were taken."""
    counts: dict[int, int] = field(default_factory=dict)
    """How often each counting branch was passed."""
    index: dict[str, int] = field(default_factory=dict)
    """Entry of each configuration list that was recalled last."""


Block: TypeAlias = Callable[[Progress], object]
"""What one building block does."""


@dataclass
class TriggerModel:
    """Blocks, and how far they have come."""

    at_end: Callable[[], object]
    """Called when the last block is done."""
    blocks: dict[int, Block] = field(default_factory=dict)
    progress: Progress = field(default_factory=Progress)
    state: str = "EMPTY"

    def load(self, blocks: Iterable[Block]) -> None:
        """Take other blocks, numbered from 1, ready to run."""
        self.blocks = dict(enumerate(blocks, start=1))
        self.progress, self.state = Progress(), "IDLE" if self.blocks else "EMPTY"

    def put(self, number: int, block: Block) -> None:
        """Set one block."""
        self.blocks[number] = block
        if self.state == "EMPTY":
            self.state = "IDLE"

    def initiate(self) -> None:
        """Run from the first block; -200 if there is none, one is missing, or they do not end."""
        if not self.blocks:
            raise ScpiError(-200)
        progress = self.progress = Progress()
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
            block(progress)
        self.state = "FAILED"
        raise ScpiError(-200)
