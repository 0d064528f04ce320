"""Mathematics and limit tests of an emulated Keithley 2400: ``:CALCulate1`` and ``:CALCulate2``.

``CALC1`` works out a named expression, ``CALC2`` subtracts an offset and compares with limits. Binning by digital lines
and branching of memory sweeps are not emulated.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ...scpi import calculation as scpi_calculation
from ...scpi import settings as setting
from ...scpi import values
from ...scpi.calculation import Mathematics
from ...scpi.messages import Answer, Call, Command, Query
from ...scpi.values import NOT_MEASURED, OVERFLOW
from .reading import Reading

if TYPE_CHECKING:
    from .model import EmulatedKeithley2400

LARGEST = 9.999999e20
FEEDS = ("CALCulate", "VOLTage", "CURRent", "RESistance")
COMPLIANCE, CONTACT = 1, 4
"""Limits that compare no reading: compliance, and the contact check, where every contact is good."""
LIMIT_BITS = {1: (0, 0), 2: (1, 2), 3: (3, 4)}
"""Bits of the measurement event register for a limit failed low and high (appendix B of the user's manual)."""
ALL_PASSED = 1 << 5


@dataclass
class Limit:
    """One limit test."""

    on: bool = False
    upper: float = 1.0
    lower: float = -1.0
    patterns: dict[str, int] = field(default_factory=dict)


@dataclass
class Calculation:
    """What ``*RST`` resets of ``CALC1`` and ``CALC2``."""

    math: Mathematics = field(default_factory=Mathematics)
    feed: str = "VOLT"
    offset: float = 0.0
    offset_on: bool = False
    fails_in: str = "IN"
    """Whether limit 1 fails in compliance or out of it."""
    limits: dict[int, Limit] = field(default_factory=lambda: {number: Limit() for number in range(1, 13)})
    composite: dict[str, int | str] = field(default_factory=dict)
    bin_control: str = "IMM"
    mode: str = "GRAD"
    clear_auto: bool = True
    failed: dict[int, bool] = field(default_factory=dict)

    def calculated(self, readings: Sequence[Reading], place: int) -> float:
        """Return the result of the expression for one of several readings."""
        return self.math.result(readings[max(place - 1, 0)].named(), readings[place].named())

    def numbers(self, smu: "EmulatedKeithley2400", readings: Sequence[Reading], stage: str) -> list[float]:
        """Return the results of ``CALC1`` (stage CALC) or ``CALC2`` (stage CALC2) with the elements asked for."""
        found = []
        for place, each in enumerate(readings):
            value = self.calculated(readings, place) if stage == "CALC" else self.compared(readings, place)
            every = {"CALC": value, "TIME": each.time_s, "STAT": float(each.status)}
            found += [every[name] for name in smu.now.calculated_elements]
        return found

    def fed(self, readings: Sequence[Reading], place: int) -> float:
        """Return what goes into ``CALC2``."""
        return self.calculated(readings, place) if self.feed == "CALC" else readings[place].named()[self.feed]

    def compared(self, readings: Sequence[Reading], place: int) -> float:
        """Return what ``CALC2`` makes of a reading."""
        value = self.fed(readings, place)
        return value - self.offset if self.offset_on and abs(value) < OVERFLOW else value

    def test(self, smu: "EmulatedKeithley2400", readings: Sequence[Reading]) -> None:
        """Do the limit tests that are on, with the latest reading."""
        if not readings or not any(each.on for each in self.limits.values()):
            return
        value = self.compared(readings, len(readings) - 1)
        self.failed = {}
        bits = 0
        for number, limit in self.limits.items():
            if not limit.on:
                continue
            low, high = value < limit.lower, value > limit.upper
            if number == COMPLIANCE:
                low = high = smu.limited() == (self.fails_in == "IN")
            self.failed[number] = number != CONTACT and (low or high)
            for bit, found in zip(LIMIT_BITS.get(number, ()), (low, high), strict=False):
                bits |= found << bit
        smu.measurement.latch(bits if any(self.failed.values()) else ALL_PASSED)


def _calculation(smu: Any, _: Call) -> Calculation:
    found: Calculation = smu.calculation
    return found


def _mathematics(smu: Any, _: Call) -> Mathematics:
    found: Mathematics = smu.calculation.math
    return found


def _limit(smu: Any, call: Call) -> Limit:
    found: Limit = smu.calculation.limits[call.suffixes[-1]]
    return found


# ---------------------------------------------------------------------- results


def _results(stage: str, latest: bool) -> Query:
    def query(smu: "EmulatedKeithley2400", call: Call) -> Answer:
        call.expect(0)
        readings = smu.readings()
        if stage == "CALC" and not smu.calculation.math.on:
            return smu.format.written([NOT_MEASURED])
        found = smu.calculation.numbers(smu, readings, stage)
        size = len(smu.now.calculated_elements)
        return smu.format.written(found[-size:] if latest else found)

    return query


def _acquire(smu: "EmulatedKeithley2400") -> None:
    readings = smu.readings()
    smu.calculation.offset = smu.calculation.fed(readings, len(readings) - 1)


def _failed(smu: "EmulatedKeithley2400", call: Call) -> str:
    call.expect(0)
    return str(int(smu.calculation.failed.get(call.suffixes[-1], False)))


def _forget(smu: "EmulatedKeithley2400") -> None:
    smu.calculation.failed = {}


def _pattern(pattern: str, key: str) -> Command:
    """Declare the pattern that digital lines would show; stored only."""

    def write(smu: "EmulatedKeithley2400", call: Call) -> None:
        _limit(smu, call).patterns[key] = values.integer(call.expect(1)[0], 0, 15)

    def query(smu: "EmulatedKeithley2400", call: Call) -> str:
        return values.whole(_limit(smu, call).patterns.get(key, 15), smu.now.digital_base)

    return Command(pattern, write, query)


def _composite(key: str, what: str) -> Command:
    """Declare what a pass or a failure of all limits together would do; stored only."""

    def write(smu: "EmulatedKeithley2400", call: Call) -> None:
        text = call.expect(1)[0]
        if what == "SMLocation":
            smu.calculation.composite[key + what] = (
                "NEXT" if values.matches(text, "NEXT") else values.integer(text, 1, 100)
            )
        else:
            smu.calculation.composite[key + what] = values.integer(text, 0, 15)

    def query(smu: "EmulatedKeithley2400", call: Call) -> str:
        call.expect(0)
        return str(smu.calculation.composite.get(key + what, "NEXT" if what == "SMLocation" else 15))

    return Command(f":CALCulate2:CLIMits:{key}:{what}", write, query)


_LIMIT = ":CALCulate2:LIMit{1-12}"

COMMANDS: tuple[Command, ...] = (
    *scpi_calculation.commands(":CALCulate#:MATH", _mathematics),
    setting.flag(":CALCulate#:STATe", "on", of=_mathematics),
    Command(":CALCulate#:DATA", query=_results("CALC", latest=False)),
    Command(":CALCulate#:DATA:LATest", query=_results("CALC", latest=True)),
    setting.choice(":CALCulate2:FEED", "feed", *FEEDS, of=_calculation),
    setting.number(":CALCulate2:NULL:OFFSet", "offset", -LARGEST, LARGEST, 0.0, of=_calculation),
    setting.flag(":CALCulate2:NULL:STATe", "offset_on", of=_calculation),
    setting.action(":CALCulate2:NULL:ACQuire", _acquire),
    Command(":CALCulate2:DATA", query=_results("CALC2", latest=False)),
    Command(":CALCulate2:DATA:LATest", query=_results("CALC2", latest=True)),
    setting.choice(":CALCulate2:LIMit{1-1}:COMPliance:FAIL", "fails_in", "IN", "OUT", of=_calculation),
    _pattern(":CALCulate2:LIMit{1-1}:COMPliance:SOURce2", "fail"),
    setting.flag(_LIMIT + ":STATe", "on", of=_limit),
    Command(_LIMIT + ":FAIL", query=_failed),
    setting.number(":CALCulate2:LIMit{2-12}:LOWer[:DATA]", "lower", -LARGEST, LARGEST, -1.0, of=_limit),
    setting.number(":CALCulate2:LIMit{2-12}:UPPer[:DATA]", "upper", -LARGEST, LARGEST, 1.0, of=_limit),
    *(_pattern(f":CALCulate2:LIMit{{2-12}}:{end}:SOURce2", end) for end in ("LOWer", "UPPer", "PASS")),
    _pattern(":CALCulate2:LIMit{4-4}:SOURce2", "fail"),
    *(_composite(key, what) for key in ("PASS", "FAIL") for what in ("SOURce2", "SMLocation")),
    setting.choice(":CALCulate2:CLIMits:BCONtrol", "bin_control", "IMMediate", "END", of=_calculation),
    setting.choice(":CALCulate2:CLIMits:MODE", "mode", "GRADing", "SORTing", of=_calculation),
    setting.action(":CALCulate2:CLIMits:CLEar[:IMMediate]", _forget),
    setting.flag(":CALCulate2:CLIMits:CLEar:AUTO", "clear_auto", of=_calculation),
)
