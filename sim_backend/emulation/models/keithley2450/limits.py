"""What the models of the Keithley 2450 family can do: ranges and bounds, one row a model.

Sources: the vendor's command references of the 2450, 2460, 2461 and 2470, at smu.source.range, smu.source.xlimit.level
and smu.source.protect.level.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Ranges and bounds of one model."""

    ranges_v: tuple[float, ...]
    ranges_a: tuple[float, ...]
    most_v: float
    """Largest voltage, either sign."""
    most_a: float
    """Largest current, either sign."""
    least_v: float
    """Smallest voltage limit of a current source."""
    least_a: float
    """Smallest current limit of a voltage source."""
    protections_v: tuple[int, ...]
    """Over-voltage limits; there is none besides."""
    usual_v: float = 21.0
    """Voltage limit of a current source after ``*RST``."""


_LOW_A = (1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
_HIGH_A = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 4.0, 5.0, 7.0)
_HIGH_V = (0.2, 2.0, 7.0, 10.0, 20.0, 100.0)
LIMITS: Mapping[str, Limits] = {
    "2450": Limits(
        (0.02, 0.2, 2.0, 20.0, 200.0), _LOW_A, 210.0, 1.05, 0.02, 1e-9,
        (2, 5, 10, 20, 40, 60, 80, 100, 120, 140, 160, 180),
    ),
    "2460": Limits(_HIGH_V, _HIGH_A, 105.0, 7.35, 0.2, 1e-6, (2, 5, 10, 20, 40, 60, 80), 7.35),
    "2461": Limits(_HIGH_V, (*_HIGH_A, 10.0), 105.0, 7.35, 0.02, 1e-7, (2, 5, 10, 20, 40, 60, 80), 7.35),
    # The 2470's own page bounds its limits from above only; the lower ones are those of the 2450.
    "2470": Limits(
        (0.2, 2.0, 20.0, 200.0, 1000.0), _LOW_A, 1100.0, 1.05, 0.02, 1e-9, (20, 40, 100, 200, 300, 400, 500)
    ),
}  # fmt: skip
