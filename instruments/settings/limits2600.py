"""What tells the models of the Keithley 2600 series apart: ranges, limits, channels.

From the tables "Measure ranges" and "Source ranges", smuX.source.limitY and the voltage source operating boundaries of
the Keithley 2600B reference manual, 2600BS-901-01 Rev. F (June 2021), for the B models, and from table 6-1 of the 2600A
one, 2600AS-901-01 Rev. B (September 2008), for the A models. The range of 10 A of the 200 V models is for pulses only
and not used.
"""

from dataclasses import dataclass, replace

LEAST_NPLC, MOST_NPLC = 0.001, 25.0
"""Integration time of every model, in power-line cycles (2600B manual, smuX.measure.nplc)."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of a model."""

    ranges_v: tuple[float, ...]
    """Voltage ranges, in volts, ascending; the last is the highest voltage too."""
    most_current_a: float
    """Largest current limit and measure range, in amperes."""
    least_compliance_a: float
    """Smallest current limit, in amperes."""
    least_range_a: float
    """Smallest measure range, in amperes."""
    full_power_v: float
    """Largest voltage range on which `most_current_a` is allowed, in volts."""
    most_high_a: float
    """Largest current limit on the ranges above it, in amperes."""
    analog_filter: bool = False
    """Whether there is a filter on its smallest ranges that can be switched."""
    bare: bool = False
    """Whether older firmware may lack some settings, which are then left out."""


_FORTY_V = Limits((0.1, 1.0, 6.0, 40.0), 3.0, 10e-9, 100e-9, 6.0, 1.0)
_TWO_HUNDRED_V = Limits((0.2, 2.0, 20.0, 200.0), 1.5, 10e-9, 100e-9, 20.0, 0.1)
_NANOAMPERE = replace(_TWO_HUNDRED_V, least_compliance_a=100e-12, least_range_a=1e-9, analog_filter=True)
_PICOAMPERE = replace(_NANOAMPERE, least_range_a=100e-12)
LIMITS: dict[str, Limits] = {
    "2601B": _FORTY_V, "2602B": _FORTY_V, "2604B": _FORTY_V,
    "2611B": _TWO_HUNDRED_V, "2612B": _TWO_HUNDRED_V, "2614B": _TWO_HUNDRED_V,
    "2634B": _NANOAMPERE, "2635B": _PICOAMPERE, "2636B": _PICOAMPERE,
    "2601A": replace(_FORTY_V, bare=True), "2602A": replace(_FORTY_V, bare=True),
    "2611A": replace(_TWO_HUNDRED_V, bare=True), "2612A": replace(_TWO_HUNDRED_V, bare=True),
    "2635A": replace(_PICOAMPERE, bare=True), "2636A": replace(_PICOAMPERE, bare=True),
}  # fmt: skip
"""By model."""
