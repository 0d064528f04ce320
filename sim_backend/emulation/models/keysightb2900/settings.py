"""What one channel of an emulated Keysight B2900 remembers and ``*RST`` resets, and the ranges it has.

Ranges and their ends are those of the B2900 user's guide, tables 2-2 to 2-5, and of the B2900 SCPI command reference,
tables 2-4 to 2-9.
"""

from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar

from ...scpi import kinds
from ...scpi.messages import Stored
from ...scpi.sense import TEST_CURRENTS_A, Sense
from ...scpi.source import Source, staircase

RANGES_V = (0.2, 2.0, 20.0, 200.0)
RANGES_A = (1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 1.5, 3.0)
RANGES_OHM = tuple(TEST_CURRENTS_A)
MOST_V, MOST_A = 210.0, 3.03
LEAST_LIMIT_V, LEAST_LIMIT_A = 0.02, 1e-9
"""Smallest limits (user's guide, Limit/Compliance): 20 mV; 1 % of the 100 nA range, and as much on the 10 nA range."""
HEADROOM, HEADROOM_HIGH = 1.06, 1.02
"""A measurement goes to 106 % of its range, above 1 A to 102 % (user's guide, table 2-5)."""
SHORTEST_PULSE_S, LONGEST_S = 5e-5, 1e5
"""User's guide, page 6-7."""
SHORTEST_APERTURE_S, LONGEST_APERTURE_S, USUAL_NPLC = 8e-6, 2.0, 0.1
"""Integration time: its ends, and what it is after ``*RST``, in power-line cycles (command reference, page 4-73)."""
SHORTEST_INTERVAL_S = 1e-5
"""Between triggers, of a B2911A and a B2912A (B2900A data sheet, timer and triggering)."""
LARGEST_TRAIN = 100_000
"""Most triggers of one start."""
INITIAL_WAIT_S = 1e-4
"""What a wait is made of that the instrument sets by itself; an assumption, its value is not published."""
LEAST_TIME_CONSTANT_S, MOST_TIME_CONSTANT_S = 5e-6, 5e-3
"""Output filter; an automatic one is taken to have the shortest time constant."""


def setting_text(value: float) -> str:
    """Write a setting as a B2912A does that somebody traced: nine digits, three of exponent.

    >>> setting_text(0.05)
    '+5.00000000E-002'
    """
    digits, exponent = f"{value + 0.0:+.8E}".split("E")
    return f"{digits}E{int(exponent):+04d}"


number = partial(kinds.number, reply=setting_text)
"""A number that is set."""


def headroom(full: float) -> float:
    """Return how far a measure range goes, as a share of its name."""
    return HEADROOM_HIGH if full > 1 else HEADROOM


@dataclass
class Layer:
    """The arm or the trigger layer of one action."""

    count: int = 1
    delay_s: float = 0.0
    source: str = "AINT"
    interval_s: float = SHORTEST_INTERVAL_S


@dataclass
class Wait:
    """How long a source keeps its level, or a measurement waits, after a level has begun or a pulse has ended.

    B2900 SCPI command reference, pages 2-14 and 4-91.
    """

    on: bool = True
    automatic: bool = True
    gain: float = 1.0
    offset_s: float = 0.0

    @property
    def seconds(self) -> float:
        """How long it is."""
        if not self.on:
            return 0.0
        return self.offset_s + (self.gain * INITIAL_WAIT_S if self.automatic else 0.0)


@dataclass
class ChannelState:
    """What ``*RST`` resets for one channel."""

    concurrent: ClassVar[bool] = True
    """Several functions may be measured at a time."""
    ranges_a: tuple[float, ...] = RANGES_A
    function: str = "VOLT"
    shape: str = "DC"
    source: dict[str, Source] = field(init=False)
    spacing: str = "LIN"
    direction: str = "UP"
    stair: str = "SING"
    pulse_delay_s: float = 0.0
    pulse_width_s: float = SHORTEST_PULSE_S
    limit_up: dict[str, float] = field(default_factory=lambda: {"VOLT": 2.0, "CURR": 1e-4})
    limit_down: dict[str, float] = field(default_factory=lambda: {"VOLT": 2.0, "CURR": 1e-4})
    """Limits of positive and of negative voltage and current, without their signs."""
    sense: dict[str, Sense] = field(init=False)
    ohm_mode: str = "MAN"
    offset_compensated: bool = False
    aperture_s: float = 0.002
    aperture_auto: bool = True
    measured: set[str] = field(default_factory=lambda: {"VOLT", "CURR"})
    off_mode: str = "NORM"
    auto_on: bool = True
    auto_off: bool = False
    protection: bool = False
    remote: bool = False
    """Whether the voltage is that of the sense terminals."""
    waits: dict[str, Wait] = field(default_factory=lambda: {"SOUR": Wait(), "SENS": Wait()})
    moved_s: float = -LONGEST_S
    """When a level has last begun, or a pulse ended."""
    end_value: bool = False
    """Whether the level after a sweep is its last one, and not the one before it."""
    filtered: bool = True
    filter_auto: bool = False
    filter_s: float = LEAST_TIME_CONSTANT_S
    triggers: dict[str, Layer] = field(default_factory=lambda: {"TRAN": Layer(), "ACQ": Layer()})
    arms: dict[str, Layer] = field(default_factory=lambda: {"TRAN": Layer(), "ACQ": Layer()})
    stored: Stored = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.source = {
            "VOLT": Source(RANGES_V, MOST_V, RANGES_V[0], lowest=RANGES_V[0]),
            "CURR": Source(self.ranges_a, MOST_A, 1e-4, lowest=self.ranges_a[0]),
        }
        self.sense = {
            "VOLT": Sense(RANGES_V, 2.0, lowest=RANGES_V[0]),
            "CURR": Sense(self.ranges_a, 1e-4, lowest=1e-6),
            "RES": Sense(RANGES_OHM, 2e5, lowest=RANGES_OHM[0], highest=RANGES_OHM[-1]),
        }

    @property
    def source_now(self) -> Source:
        """What is sourced of the function in use."""
        return self.source[self.function]

    @property
    def level(self) -> float:
        """The immediate level of the function in use, in volts or amperes; the base of a pulse."""
        return self.source_now.level

    @property
    def time_constant_s(self) -> float:
        """The time constant of the output, in seconds; 0 without a filter."""
        return (LEAST_TIME_CONSTANT_S if self.filter_auto else self.filter_s) if self.filtered else 0.0

    @property
    def automatic_ohms(self) -> bool:
        """Whether resistance is measured with a current that its range chooses, whatever is set as the source."""
        return "RES" in self.measured and self.ohm_mode == "AUTO"

    def levels(self) -> list[float | None]:
        """Return the level that each transient goes to, in turn; None leaves it as it is."""
        source = self.source_now
        if source.mode == "FIX":
            return [source.triggered]
        if source.mode == "LIST":
            return list(source.list_levels())
        found = staircase(source.start, source.stop, source.points, self.spacing == "LOG")
        if self.direction == "DOWN":
            found.reverse()
        return [*found, *(reversed(found) if self.stair == "DOUB" else ())]
