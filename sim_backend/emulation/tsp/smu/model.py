"""What tells the models of the 2600B series apart: ranges, limits, defaults."""

from dataclasses import dataclass

OVERRANGE = 9.91e37
FULL_SCALE = 1.02
"""A range measures up to 102 % of its name (2600B specifications)."""


@dataclass(frozen=True, slots=True)
class SmuModel:
    """Electrical limits of one model."""

    volts: tuple[float, ...]
    """Voltage ranges, in volts; the last is the highest level too."""
    source_amperes: tuple[float, ...]
    measure_amperes: tuple[float, ...]
    """Current ranges, in amperes; the last is the highest level too."""
    least_limit_a: float
    least_limit_v: float
    default_limit_a: float
    default_limit_v: float
    safe_limit_a: float
    """Largest current above the voltage `safe_below_v`."""
    safe_below_v: float
    measure_delay_s: float
    interlock_above_v: float = float("inf")

    def highest(self, axis: str) -> float:
        """Return the highest level, in volts or amperes."""
        return (self.volts if axis == "v" else self.source_amperes)[-1]


def _decades(first: int, last: int) -> tuple[float, ...]:
    return tuple(float(f"1e{exponent}") for exponent in range(first, last + 1))


MODEL_2602B = SmuModel(
    volts=(0.1, 1.0, 6.0, 40.0), source_amperes=(*_decades(-7, 0), 3.0), measure_amperes=(*_decades(-7, 0), 3.0),
    least_limit_a=10e-9, least_limit_v=10e-3, default_limit_a=1.0, default_limit_v=40.0,
    safe_limit_a=1.0, safe_below_v=6.0, measure_delay_s=0.0,
)  # fmt: skip
MODEL_2636B = SmuModel(
    volts=(0.2, 2.0, 20.0, 200.0), source_amperes=(*_decades(-9, 0), 1.5), measure_amperes=(*_decades(-10, 0), 1.5),
    least_limit_a=100e-12, least_limit_v=20e-3, default_limit_a=0.1, default_limit_v=20.0,
    safe_limit_a=0.1, safe_below_v=20.0, measure_delay_s=-1.0, interlock_above_v=20.0,
)  # fmt: skip


def resolution(full_scale: float, nplc: float, share: float = 1e-6) -> float:
    """Return the smallest step of a reading: that share of the range, coarser below one power-line cycle.

    This is a model, not a specification: the step grows in inverse proportion to the integration time.
    """
    return full_scale * share * max(1.0, 1.0 / nplc)


def auto_delay(full_scale_a: float) -> float:
    """Return the settling time of a current range, in seconds (2600B reference manual, range settling).

    The manual bounds it by 100 us for 1 mA, 2.5 ms for 1 uA and 90 ms for 10 nA; ranges in between take the longer one.
    """
    if full_scale_a >= 0.999e-3:
        return 100e-6
    return 2.5e-3 if full_scale_a >= 0.999e-6 else 90e-3
