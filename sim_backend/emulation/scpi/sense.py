"""One quantity that a source-measure unit can measure: its ranges, and the commands that choose them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import reading, values
from . import settings as setting
from .kinds import Store
from .messages import Call, Command
from .source import range_command
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

    def set_range(self: Any, call: Call, wanted: float) -> None:
        self.before_range(call, function, wanted)
        of(self, call).range, of(self, call).auto = wanted, False
        self.apply()

    def set_lowest(self: Any, call: Call, wanted: float) -> None:
        if wanted > self.upper_range(call, function):
            raise ScpiError(-221)
        of(self, call).lowest = wanted

    def set_highest(self: Any, call: Call, wanted: float) -> None:
        if wanted < of(self, call).lowest:
            raise ScpiError(-221)
        of(self, call).highest = wanted

    def ranged(node: str, store: Store, key: str) -> Command:
        return range_command(f"{pattern}{node}", of, store, key, initial, UNITS[function], reply)

    def upper(self: Any, call: Call) -> str:
        call.expect(0, 1)
        return reply(self.upper_range(call, function))

    return (
        ranged("[:UPPer]", set_range, "range"),
        setting.flag(f"{pattern}:AUTO", "auto", of=of),
        ranged(":AUTO:LLIMit", set_lowest, "lowest"),
        Command(
            f"{pattern}:AUTO:ULIMit", ranged("", set_highest, "highest").write if function == "RES" else None, upper
        ),
    )


def ohms_range(ranges: tuple[float, ...], ohm: float, sense: Sense) -> float:
    """Return the range to which automatic ranging of resistance goes, between its limits."""
    allowed = tuple(each for each in ranges if not sense.highest or each <= sense.highest * (1 + 1e-9))
    return reading.fitting(allowed or ranges[:1], ohm, sense.lowest)
