"""What hangs on the circuit: terminals of source channels, and relays."""

from dataclasses import dataclass
from typing import Literal

Relay = tuple[str, str]
"""The two nodes that a relay joins: row and column."""


@dataclass(frozen=True, slots=True)
class Terminal:
    """What one source channel does at its terminals."""

    level_v: float = 0.0
    on: bool = False
    limit_a: float = 1.0
    off_state: Literal["normal", "zero", "highz"] = "normal"
    off_limit_a: float = 1e-3
    guard: bool = False
    remote_sense: bool = True
    """Whether an open sense line lets it run away; an instrument that does not say so is asked when one opens."""
