"""One quantity that a source-measure unit can measure: its ranges, and the commands that choose them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import reading, values
from . import settings as setting
from .messages import Call, Command
from .source import chosen_range
from .status import ScpiError

UNITS = {"VOLT": "V", "CURR": "A", "RES": "OHM"}
NAMES = {"VOLT": "VOLTage[:DC]", "CURR": "CURRent[:DC]", "RES": "RESistance"}
FUNCTIONS = ("VOLTage", "CURRent", "RESistance")
TEST_CURRENTS_A = {2.0: 1.0, 20.0: 0.1, 200.0: 1e-2, 2e3: 1e-3, 2e4: 1e-4, 2e5: 1e-5, 2e6: 1e-6, 2e7: 1e-7, 2e8: 1e-8}
"""Current that automatic resistance sources on each range (B2900 SCPI command reference, table 2-9)."""


@dataclass
class Sense:
    """How one quantity is measured."""

    ranges: tuple[float, ...]
    range: float
    auto: bool = True
    lowest: float = 0.0
    """Smallest range that automatic ranging chooses."""
    highest: float = 0.0
    """Largest range that automatic ranging chooses, where it can be set."""


def function(text: str) -> str:
    """Return the short name of a quoted function, with or without ``:DC``."""
    return values.choice(values.string(text).strip().upper().removesuffix(":DC"), FUNCTIONS)


def of_function(function: str) -> Callable[[Any, Call], Any]:
    """Return the place where the `Sense` of a function lives on an `SmuInstrument`."""
    return lambda self, call: self.sense(call, function)


def commands(
    header: str, function: str, initial: Sense, reply: Callable[[float], str] = values.nr3
) -> tuple[Command, ...]:
    """Declare the ranges of one function.

    They act on an `SmuInstrument`, which says where the `Sense` lives, what stands against a range, and how far
    automatic ranging goes.

    Parameters
    ----------
    header : str
        How headers begin, such as ``[:SENSe#]``.
    function : {"VOLT", "CURR", "RES"}
        The function.
    initial : Sense
        The state after ``*RST``, for bounds and defaults.
    reply : callable
        How ranges are written.
    """
    pattern, of = f"{header}:{NAMES[function]}:RANGe", of_function(function)

    def chosen(self: Any, call: Call) -> float:
        unit = UNITS[function] if self.accepts_units else ""
        return chosen_range(call, of(self, call).ranges, of(self, call).range, initial.range, unit)

    def set_range(self: Any, call: Call) -> None:
        wanted = chosen(self, call)
        self.before_range(call, function, wanted)
        of(self, call).range, of(self, call).auto = wanted, False
        self.apply()

    def asked(key: str) -> Callable[[Any, Call], str]:
        def query(self: Any, call: Call) -> str:
            present = of(self, call)
            if not call.expect(0, 1):
                return reply(getattr(present, key))
            low, high = present.ranges[0], present.ranges[-1]
            return reply(setting.named_bound(call.arguments[0], low, high, getattr(initial, key)))

        return query

    def set_lowest(self: Any, call: Call) -> None:
        wanted = chosen(self, call)
        if wanted > self.upper_range(call, function):
            raise ScpiError(-221)
        of(self, call).lowest = wanted

    def set_highest(self: Any, call: Call) -> None:
        wanted = chosen(self, call)
        if wanted < of(self, call).lowest:
            raise ScpiError(-221)
        of(self, call).highest = wanted

    def upper(self: Any, call: Call) -> str:
        call.expect(0, 1)
        return reply(self.upper_range(call, function))

    return (
        Command(f"{pattern}[:UPPer]", set_range, asked("range")),
        setting.flag(f"{pattern}:AUTO", "auto", of=of),
        Command(f"{pattern}:AUTO:LLIMit", set_lowest, asked("lowest")),
        Command(f"{pattern}:AUTO:ULIMit", set_highest if function == "RES" else None, upper),
    )


def ohms_range(ranges: tuple[float, ...], ohm: float, sense: Sense) -> float:
    """Return the range to which automatic ranging of resistance goes, between its limits."""
    allowed = tuple(each for each in ranges if not sense.highest or each <= sense.highest * (1 + 1e-9))
    return reading.fitting(allowed or ranges[:1], ohm, sense.lowest)
