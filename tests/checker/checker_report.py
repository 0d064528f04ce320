"""What a checker says of a run: violations, counts, and by how much a measured value may be off."""

from collections import Counter
from dataclasses import dataclass, field

RESOLUTION_S = 0.001
"""Times of the journal are whole milliseconds, rounded down."""
ROUNDING_S = 1e-5
"""What is left of a time after it was rounded, at most."""
HOT_V = 0.05
"""A relay that moves with more than this on a source moves hot (V8)."""
LIVE_V = 0.001
"""A line at more than this is under voltage."""
VOLT_SHARE = 0.02
"""Share by which a voltage may be off what was asked for."""
WIDTH_SHARE, WIDTH_S = 0.01, 0.2e-3
"""A pulse may be longer than asked for by this share and this time."""
DISTURB_SHARE = 0.55
"""Share of a pulse that an unselected cell may see, unless the bench says otherwise (docs/bench.md)."""
EXACT = 1e-9
"""Share by which two numbers that were written down as equal may differ."""


class CannotJudge(Exception):  # noqa: N818 - it names what happened
    """A file that is needed is not there or is none of its kind."""


@dataclass(frozen=True)
class Finding:
    """One violation."""

    invariant: str
    place: str
    """Entry of the journal or line of the log."""
    text: str

    def __str__(self) -> str:
        return f"{self.invariant} {self.place}: {self.text}"


@dataclass
class Report:
    """What a run shows."""

    findings: list[Finding] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, invariant: str, place: str, text: str) -> None:
        """Note a violation."""
        self.findings.append(Finding(invariant, place, text))

    @property
    def invariants(self) -> set[str]:
        """Those that are violated."""
        return {each.invariant for each in self.findings}
