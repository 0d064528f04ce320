"""Zero readings that serve several batches, and how far they have drifted when they were taken again."""

import math
from collections.abc import Mapping
from typing import Any

from .schemes.wiring import Assignment


class KeptZeros:
    """The zero readings of each state of the relays, one of each meter, for so many batches; 1 keeps none.

    What drifts within these batches stays in the readings.
    """

    def __init__(self, every: int) -> None:
        self.every = every
        self._batch = 0
        self._kept: dict[Assignment, tuple[dict[str, float], int]] = {}
        self._again = 0
        self._squares = 0.0
        self._largest_a = 0.0

    def begin_batch(self) -> None:
        """Count a batch; what was kept for all of its batches is read again."""
        self._batch += 1

    def kept(self, state: Assignment) -> dict[str, float] | None:
        """Return the zeros of a state, in amperes as each meter shows its own, by port; None if they are to be read."""
        found, batch = self._kept.get(state, ({}, -self.every))
        return found if self._batch - batch < self.every else None

    def note(self, state: Assignment, currents_a: Mapping[str, float]) -> None:
        """Keep what was read, and take note of how far it is from what was kept before."""
        if self.every == 1:
            return
        if state in self._kept:
            for port, before_a in self._kept[state][0].items():
                drift_a = abs(currents_a[port] - before_a)
                self._again += 1
                self._squares += drift_a**2
                self._largest_a = max(self._largest_a, drift_a)
        self._kept[state] = dict(currents_a), self._batch

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
