"""What an emulated Keithley 2450 remembers: how it sources, how it measures, and the ranges it has."""

from dataclasses import dataclass, field

from ...scpi.messages import Stored
from ...scpi.sense import Sense
from ...scpi.source import Source

RANGES_V = (0.02, 0.2, 2.0, 20.0, 200.0)
RANGES_A = (1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
TEST_CURRENTS_A = {2.0: 0.1, 20.0: 0.1, 200.0: 1e-2, 2e3: 1e-3, 2e4: 1e-4, 2e5: 1e-5, 2e6: 1e-6, 2e7: 1e-7, 2e8: 1e-7}
"""Current that is sourced on each resistance range; an assumption, after the data sheet of the 2400."""
RANGES_OHM = tuple(TEST_CURRENTS_A)
MOST_V, MOST_A = 210.0, 1.05
LEAST_LIMIT_V, LEAST_LIMIT_A = 0.02, 1e-9
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


def sources() -> dict[str, SourceFunction]:
    """Return what is sourced after ``*RST``."""
    return {
        "VOLT": SourceFunction(RANGES_V, MOST_V, 20.0, limit=1.05e-4, lowest=RANGES_V[0]),
        "CURR": SourceFunction(RANGES_A, MOST_A, 1e-4, limit=21.0, lowest=RANGES_A[0]),
    }


@dataclass
class Sourcing:
    """All that an entry of a sweep keeps."""

    function: str = "VOLT"
    source: dict[str, SourceFunction] = field(default_factory=sources)
    stored: Stored = field(default_factory=dict)

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


def senses() -> dict[str, SenseFunction]:
    """Return how each function is measured after ``*RST``."""
    return {
        "VOLT": SenseFunction(RANGES_V, 20.0, lowest=RANGES_V[0], unit="VOLT"),
        "CURR": SenseFunction(RANGES_A, 1e-4, lowest=RANGES_A[0], unit="AMP"),
        "RES": SenseFunction(RANGES_OHM, 2e5, lowest=RANGES_OHM[0], highest=RANGES_OHM[-1], unit="OHM"),
    }


@dataclass
class Measuring:
    """How everything is measured."""

    function: str = "CURR"
    sense: dict[str, SenseFunction] = field(default_factory=senses)
    stored: Stored = field(default_factory=dict)

    @property
    def now(self) -> SenseFunction:
        """Return the function in use."""
        return self.sense[self.function]


@dataclass
class Settings:
    """What ``*RST`` resets."""

    sourcing: Sourcing = field(default_factory=Sourcing)
    measuring: Measuring = field(default_factory=Measuring)
    count: int = 1
    off_state: dict[str, str] = field(default_factory=lambda: {"VOLT": "NORM", "CURR": "NORM"})
    precision: int = 0
    stored: Stored = field(default_factory=dict)

    @property
    def source(self) -> dict[str, SourceFunction]:
        """What is sourced of each function."""
        return self.sourcing.source

    @property
    def sense(self) -> dict[str, SenseFunction]:
        """How each function is measured."""
        return self.measuring.sense
