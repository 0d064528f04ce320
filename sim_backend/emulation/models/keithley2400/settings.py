"""What an emulated Keithley 2400 remembers and ``*RST`` resets.

Page numbers are of the Keithley 2400 Series user's manual.
"""

from dataclasses import dataclass, field

from ...scpi.messages import Stored
from ...scpi.sense import Sense
from ...scpi.source import LONGEST_LIST, Source
from .limits import RANGES_OHM, Limits


def sources(limits: Limits) -> dict[str, Source]:
    """Return what is sourced after ``*RST``."""
    return {
        "VOLT": Source(limits.ranges_v, limits.most_v, 20.0),
        "CURR": Source(limits.ranges_a, limits.most_a, 1e-4),
    }


def senses(limits: Limits) -> dict[str, Sense]:
    """Return how each function is measured after ``*RST``."""
    return {
        "VOLT": Sense(limits.ranges_v, 20.0, lowest=limits.ranges_v[0]),
        "CURR": Sense(limits.ranges_a, 1e-4, lowest=limits.ranges_a[0]),
        "RES": Sense(RANGES_OHM, 2e5, lowest=RANGES_OHM[0], highest=RANGES_OHM[-1]),
    }


@dataclass
class Settings:
    """What ``*RST`` resets (pages 1-17, 1-18 and Tables 18-1 to 18-11)."""

    source: dict[str, Source]
    sense: dict[str, Sense]
    over_voltage_v: float
    """Voltage that the output never exceeds."""
    function: str = "VOLT"
    from_memory: bool = False
    """Whether a start goes through setups of the source memory (page 18-73)."""
    memory_points: int = 1
    memory_start: int = 1
    delay_s: float = 1e-3
    delay_auto: bool = True
    points: int = LONGEST_LIST
    spacing: str = "LIN"
    direction: str = "UP"
    ranging: str = "BEST"
    abort_on_compliance: str = "NEV"
    clear_auto: bool = False
    clear_mode: str = "ALW"
    protection_a: float = 1.05e-4
    protection_v: float = 21.0
    ohm_mode: str = "AUTO"
    offset_compensated: bool = False
    range_follows_compliance: bool = False
    nplc: float = 1.0
    concurrent: bool = True
    measured: set[str] = field(default_factory=lambda: {"CURR"})
    average: bool = False
    average_control: str = "REP"
    average_count: int = 10
    autozero: bool = True
    remote_sense: bool = False
    guard: str = "CABL"
    off_state: str = "NORM"
    trigger_count: int = 1
    arm_count: int = 1
    """0 for ``INFinite``."""
    trigger_delay_s: float = 0.0
    arm_timer_s: float = 0.1
    arm_source: str = "IMM"
    trigger_source: str = "IMM"
    statistic: str = "MEAN"
    time_reset_auto: bool = False
    elements: tuple[str, ...] = ("VOLT", "CURR", "RES", "TIME", "STAT")
    stored: Stored = field(default_factory=dict)
    """Values without effect, see `stored`."""

    @classmethod
    def of(cls, limits: Limits) -> "Settings":
        """Return the settings of a model after ``*RST``."""
        return cls(sources(limits), senses(limits), limits.unprotected_v, off_state=limits.off_state)

    @property
    def automatic_ohms(self) -> bool:
        """Whether resistance is measured with a current that its range chooses, whatever is set as the source."""
        return "RES" in self.measured and self.ohm_mode == "AUTO"

    @property
    def starts_at_once(self) -> bool:
        """Whether the trigger model waits for nothing when it is initiated."""
        return self.arm_source in ("IMM", "TIM") and self.trigger_source == "IMM"
