"""Zero readings that serve several batches, and how far they have drifted when they were taken again."""

import math
from typing import Any

from .schemes.wiring import Assignment


class KeptZeros:
    """The zero reading of each state of the relays, for so many batches; 1 keeps none.

    What drifts within these batches stays in the readings.
    """

    def __init__(self, every: int) -> None:
        self.every = every
        self._batch = 0
        self._kept: dict[Assignment, tuple[float, int]] = {}
        self._again = 0
        self._squares = 0.0
        self._largest_a = 0.0

    def begin_batch(self) -> None:
        """Count a batch; what was kept for all of its batches is read again."""
        self._batch += 1

    def kept(self, state: Assignment) -> float | None:
        """Return the zero of a state, in amperes as the meter shows it; None if it is to be read."""
        current_a, batch = self._kept.get(state, (0.0, -self.every))
        return current_a if self._batch - batch < self.every else None

    def note(self, state: Assignment, current_a: float) -> None:
        """Keep what was read, and take note of how far it is from what was kept before."""
        if self.every == 1:
            return
        if state in self._kept:
            drift_a = abs(current_a - self._kept[state][0])
            self._again += 1
            self._squares += drift_a**2
            self._largest_a = max(self._largest_a, drift_a)
        self._kept[state] = current_a, self._batch

    def forget(self) -> None:
        """Read every zero again, as after the bench was made safe; what is known of the drift stays."""
        self._kept.clear()

    def as_record(self) -> dict[str, Any]:
        """Return how far zeros were from those they took the place of, in amperes; nothing if none is kept."""
        if self.every == 1:
            return {}
        rms_a = math.sqrt(self._squares / self._again) if self._again else None
        return {
            "zero_every": self.every,
            "zeros_taken_again": self._again,
            "zero_drift_rms_a": rms_a,
            "zero_drift_largest_a": self._largest_a if self._again else None,
        }
