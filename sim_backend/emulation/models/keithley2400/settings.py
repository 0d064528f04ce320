"""What an emulated Keithley 2400 remembers and ``*RST`` resets, and the ranges it has.

Page numbers are of the Keithley 2400 Series user's manual.
"""

from dataclasses import dataclass, field

from ...scpi.messages import Stored
from ...scpi.reading import HEADROOM
from ...scpi.sense import Sense
from ...scpi.source import LONGEST_LIST, Source

RANGES_V = (0.2, 2.0, 20.0, 200.0)
RANGES_A = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
MOST_V, MOST_A = 200.0 * HEADROOM, 1.0 * HEADROOM
TEST_CURRENTS_A = {20.0: 0.1, 200.0: 1e-2, 2e3: 1e-3, 2e4: 1e-4, 2e5: 1e-5, 2e6: 1e-6, 2e7: 1e-6, 2e8: 1e-7}
"""Current that automatic resistance sources on each range (data sheet SPEC-2400)."""
RANGES_OHM = tuple(TEST_CURRENTS_A)


def sources() -> dict[str, Source]:
    """Return what is sourced after ``*RST``."""
    return {"VOLT": Source(RANGES_V, MOST_V, 20.0), "CURR": Source(RANGES_A, MOST_A, 1e-4)}


def senses() -> dict[str, Sense]:
    """Return how each function is measured after ``*RST``."""
    return {
        "VOLT": Sense(RANGES_V, 20.0, lowest=RANGES_V[0]),
        "CURR": Sense(RANGES_A, 1e-4, lowest=RANGES_A[0]),
        "RES": Sense(RANGES_OHM, 2e5, lowest=RANGES_OHM[0], highest=RANGES_OHM[-1]),
    }


@dataclass
class Settings:
    """What ``*RST`` resets (pages 1-17, 1-18 and Tables 18-1 to 18-11)."""

    function: str = "VOLT"
    source: dict[str, Source] = field(default_factory=sources)
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
    sense: dict[str, Sense] = field(default_factory=senses)
    ohm_mode: str = "AUTO"
    offset_compensated: bool = False
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

    @property
    def automatic_ohms(self) -> bool:
        """Whether resistance is measured with a current that its range chooses, whatever is set as the source."""
        return "RES" in self.measured and self.ohm_mode == "AUTO"

    @property
    def starts_at_once(self) -> bool:
        """Whether the trigger model waits for nothing when it is initiated."""
        return self.arm_source in ("IMM", "TIM") and self.trigger_source == "IMM"
