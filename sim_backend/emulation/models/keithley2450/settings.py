"""What an emulated Keithley 2450 remembers: how it sources, how it measures."""

import copy
import math
from dataclasses import dataclass, field, replace

from ...scpi.messages import Stored
from ...scpi.sense import Sense
from ...scpi.source import Source
from ...scpi.values import OVERFLOW
from .limits import Limits

TEST_CURRENTS_A = {2.0: 0.1, 20.0: 0.1, 200.0: 1e-2, 2e3: 1e-3, 2e4: 1e-4, 2e5: 1e-5, 2e6: 1e-6, 2e7: 1e-7, 2e8: 1e-7}
"""Current that is sourced on each resistance range; an assumption, after the data sheet of the 2400."""
RANGES_OHM = tuple(TEST_CURRENTS_A)
LEAST_SHARE = 0.106
"""Smallest source limit as a share of a fixed measure range (reference manual, smu.source.xlimit.level)."""
AUTO_DELAY_S = 1e-3


def plain(value: float) -> str:
    """Write a setting in its shortest form."""
    return f"{value + 0.0:.9G}"


@dataclass
class SourceFunction(Source):
    """Volts or amperes at the output, and what goes with them."""

    limit: float = 0.0
    """Limit of the other quantity, in its unit."""
    delay_s: float = 0.0
    delay_auto: bool = True
    read_back: bool = True


def sources(limits: Limits) -> dict[str, SourceFunction]:
    """Return what is sourced after ``*RST`` (smu.source.range, smu.source.xlimit.level)."""
    return {
        "VOLT": SourceFunction(
            limits.ranges_v, limits.most_v, limits.ranges_v[0], limit=1.05e-4, lowest=limits.ranges_v[0]
        ),
        "CURR": SourceFunction(
            limits.ranges_a, limits.most_a, limits.ranges_a[0], limit=limits.usual_v, lowest=limits.ranges_a[0]
        ),
    }


@dataclass
class Sourcing:
    """All that an entry of a sweep keeps."""

    source: dict[str, SourceFunction]
    function: str = "VOLT"
    protection: str = "NONE"
    """Over-voltage limit of both functions, such as ``PROT20``."""
    stored: Stored = field(default_factory=dict)

    def copied(self) -> "Sourcing":
        """Return one of its own; what a function holds is never changed in place."""
        functions = {name: copy.copy(each) for name, each in self.source.items()}
        return replace(self, source=functions, stored=dict(self.stored))

    @property
    def most_v(self) -> float:
        """Voltage that the output never exceeds, in volts."""
        return math.inf if self.protection == "NONE" else float(self.protection.removeprefix("PROT"))

    @property
    def now(self) -> SourceFunction:
        """Return the function in use."""
        return self.source[self.function]


@dataclass
class SenseFunction(Sense):
    """How one quantity is measured."""

    nplc: float = 1.0
    autozero: bool = True
    average: bool = False
    average_control: str = "REP"
    average_count: int = 10
    remote: bool = False
    unit: str = ""
    relative: bool = False
    offset: float = 0.0
    """What is taken off readings while `relative` is on, in the unit of the function."""
    math: bool = False
    formula: str = "PERC"
    factor: float = 1.0
    addend: float = 0.0
    percent_of: float = 1.0

    def calculated(self, value: float) -> float:
        """Return what a reading becomes: less the relative offset, then by the formula."""
        value -= self.offset if self.relative else 0.0
        if not self.math:
            return value
        if self.formula == "REC":
            return 1 / value if value else OVERFLOW
        if self.formula == "PERC":
            return (value - self.percent_of) / self.percent_of * 100 if self.percent_of else OVERFLOW
        return self.factor * value + self.addend


def senses(limits: Limits) -> dict[str, SenseFunction]:
    """Return how each function is measured after ``*RST``."""
    return {
        "VOLT": SenseFunction(limits.ranges_v, limits.ranges_v[0], lowest=limits.ranges_v[0], unit="VOLT"),
        "CURR": SenseFunction(limits.ranges_a, 1e-4, lowest=limits.ranges_a[0], unit="AMP"),
        "RES": SenseFunction(RANGES_OHM, 2e5, lowest=RANGES_OHM[0], highest=RANGES_OHM[-1], unit="OHM"),
    }


@dataclass
class Measuring:
    """How everything is measured."""

    sense: dict[str, SenseFunction]
    function: str = "CURR"
    stored: Stored = field(default_factory=dict)

    @property
    def now(self) -> SenseFunction:
        """Return the function in use."""
        return self.sense[self.function]


@dataclass
class Settings:
    """What ``*RST`` resets."""

    sourcing: Sourcing
    measuring: Measuring
    count: int = 1
    off_state: dict[str, str] = field(default_factory=lambda: {"VOLT": "NORM", "CURR": "NORM"})
    precision: int = 0
    stored: Stored = field(default_factory=dict)

    @classmethod
    def of(cls, limits: Limits) -> "Settings":
        """Return the settings of a model after ``*RST``."""
        return cls(Sourcing(sources(limits)), Measuring(senses(limits)))

    @property
    def source(self) -> dict[str, SourceFunction]:
        """What is sourced of each function."""
        return self.sourcing.source

    @property
    def sense(self) -> dict[str, SenseFunction]:
        """How each function is measured."""
        return self.measuring.sense
