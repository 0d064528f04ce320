"""What tells the models of the 2600B series apart: ranges, limits, defaults."""

from dataclasses import dataclass, replace

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
    analog_filter: bool = False
    contact_check: bool = True

    def highest(self, axis: str) -> float:
        """Return the highest level, in volts or amperes."""
        return (self.volts if axis == "v" else self.source_amperes)[-1]


def _decades(first: int, last: int) -> tuple[float, ...]:
    return tuple(float(f"1e{exponent}") for exponent in range(first, last + 1))


_FORTY_V = SmuModel(
    volts=(0.1, 1.0, 6.0, 40.0), source_amperes=(*_decades(-7, 0), 3.0), measure_amperes=(*_decades(-7, 0), 3.0),
    least_limit_a=10e-9, least_limit_v=10e-3, default_limit_a=1.0, default_limit_v=40.0,
    safe_limit_a=1.0, safe_below_v=6.0, measure_delay_s=0.0,
)  # fmt: skip
_TWO_HUNDRED_V = SmuModel(
    volts=(0.2, 2.0, 20.0, 200.0), source_amperes=(*_decades(-7, 0), 1.5), measure_amperes=(*_decades(-7, 0), 1.5),
    least_limit_a=10e-9, least_limit_v=20e-3, default_limit_a=0.1, default_limit_v=20.0,
    safe_limit_a=0.1, safe_below_v=20.0, measure_delay_s=0.0, interlock_above_v=20.0,
)  # fmt: skip
_LOW_CURRENT = replace(
    _TWO_HUNDRED_V, source_amperes=(*_decades(-9, 0), 1.5), measure_amperes=(*_decades(-10, 0), 1.5),
    least_limit_a=100e-12, measure_delay_s=-1.0, analog_filter=True,
)  # fmt: skip
SMU_MODELS: dict[str, SmuModel] = {
    "2601B": _FORTY_V, "2602B": _FORTY_V, "2604B": replace(_FORTY_V, contact_check=False),
    "2611B": _TWO_HUNDRED_V, "2612B": _TWO_HUNDRED_V, "2614B": replace(_TWO_HUNDRED_V, contact_check=False),
    "2634B": replace(_LOW_CURRENT, measure_amperes=(*_decades(-9, 0), 1.5), contact_check=False),
    "2635B": _LOW_CURRENT, "2636B": _LOW_CURRENT,
    "2601A": _FORTY_V, "2602A": _FORTY_V, "2611A": _TWO_HUNDRED_V, "2612A": _TWO_HUNDRED_V,
    "2635A": _LOW_CURRENT, "2636A": _LOW_CURRENT,
}  # fmt: skip
"""By model (manuals, smuX.source.limitY, smuX.source.rangeY, smuX.measure.lowrangeY, smuX.measure.delay)."""
ONE_CHANNEL = ("2601", "2611", "2635")


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
