"""What an emulated Keithley 2400 remembers and ``*RST`` resets, and the ranges it has.

Page numbers are of the Keithley 2400 Series user's manual.
"""

from dataclasses import dataclass, field

from .scpi_reading import HEADROOM

RANGES_V = (0.2, 2.0, 20.0, 200.0)
RANGES_A = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
MOST_V, MOST_A = 200.0 * HEADROOM, 1.0 * HEADROOM
LONGEST_LIST = 2500
"""Most points of a sweep, and most readings of one start: arm count times trigger count."""


@dataclass
class Settings:
    """What ``*RST`` resets (pages 1-17, 1-18 and Table 18-6)."""

    function: str = "VOLT"
    level_v: float = 0.0
    level_a: float = 0.0
    trigger_v: float | None = None
    mode: str = "FIX"
    range_v: float = 20.0
    range_v_auto: bool = True
    source_range_a: float = 1e-4
    source_range_a_auto: bool = True
    overvoltage_v: float = 210.0
    delay_s: float = 1e-3
    delay_auto: bool = True
    list_v: list[float] = field(default_factory=lambda: [0.0])
    start_v: float = 0.0
    stop_v: float = 0.0
    points: int = 2500
    spacing: str = "LIN"
    clear_auto: bool = False
    protection_a: float = 1.05e-4
    protection_v: float = 21.0
    range_a: float = 1e-4
    range_a_auto: bool = True
    sense_range_v: float = 20.0
    sense_range_v_auto: bool = True
    range_ohm: float = 2.1e5
    range_ohm_auto: bool = True
    ohm_mode: str = "AUTO"
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
    trigger_delay_s: float = 0.0
    arm_timer_s: float = 0.1
    arm_source: str = "IMM"
    trigger_source: str = "IMM"
    trigger_output: str = "NONE"
    arm_output: str = "NONE"
    trigger_in: int = 1
    trigger_out: int = 2
    arm_in: int = 1
    arm_out: int = 2
    statistic: str = "MEAN"
    display: bool = True
    beeper: bool = True
    elements: tuple[str, ...] = ("VOLT", "CURR", "RES", "TIME", "STAT")
    data_format: str = "ASC"
