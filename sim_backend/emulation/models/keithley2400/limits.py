"""What the models of the Keithley 2400 family can do: ranges and bounds, one row a model.

Sources: 2400 Series user's manual, pages 18-62 (power), 18-63 (ranges), 18-77 (levels), 18-79 (over-voltage limits),
18-98 (digital lines) and table 18-4 (off state); SPEC-2400 for the test currents of automatic resistance, which are
assumed for all models.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from ...scpi.reading import HEADROOM

TEST_CURRENTS_A: Mapping[float, float] = {
    20.0: 0.1, 200.0: 1e-2, 2e3: 1e-3, 2e4: 1e-4, 2e5: 1e-5, 2e6: 1e-6, 2e7: 1e-6, 2e8: 1e-7
}  # fmt: skip
"""Current that automatic resistance sources on each range (data sheet SPEC-2400)."""
RANGES_OHM = tuple(TEST_CURRENTS_A)
FULL_POWER_V = 20.0
"""Largest voltage range on which every current is allowed."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Ranges and bounds of one model."""

    ranges_v: tuple[float, ...]
    ranges_a: tuple[float, ...]
    most_v: float
    """Largest voltage, either sign."""
    protections_v: tuple[float, ...]
    """Over-voltage limits below none, which is `most_v`, or 40 V where that is less."""
    most_a_high: float = math.inf
    """Largest current on the voltage ranges above `FULL_POWER_V`."""
    off_state: str = "NORM"
    """Output-off state after ``*RST``."""
    digital: bool = True
    """Whether there are digital lines."""

    @property
    def most_a(self) -> float:
        """Largest current, either sign."""
        return self.ranges_a[-1] * HEADROOM

    @property
    def unprotected_v(self) -> float:
        """What stands for no over-voltage limit."""
        return max(self.most_v, 40.0)


_DECADES_A = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
LIMITS: Mapping[str, Limits] = {
    "2400": Limits((0.2, 2.0, 20.0, 200.0), _DECADES_A, 210.0, (20.0, 40.0, 60.0, 80.0, 100.0, 120.0, 160.0), 0.105),
    "2401": Limits((0.2, 2.0, 20.0), _DECADES_A, 21.0, (20.0,), digital=False),
    "2410": Limits(
        (0.2, 2.0, 20.0, 1000.0),
        (1e-6, 1e-5, 1e-4, 1e-3, 2e-2, 1e-1, 1.0),
        1100.0,
        (20.0, 40.0, 100.0, 200.0, 300.0, 400.0, 500.0),
        0.021,
        "GUAR",
    ),
}
