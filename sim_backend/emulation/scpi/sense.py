"""One quantity that a source-measure unit can measure: its ranges, and the commands that choose them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from . import kinds, reading, values
from . import settings as setting
from .kinds import Store
from .messages import Call, Command, Query
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
    return lambda self, call: self.settings(call).sense[function]


def commands(
    header: str, function: str, initial: Sense, reply: Callable[[float], str] = values.nr3
) -> tuple[Command, ...]:
    """Declare the ranges of one function of an `SmuInstrument`, which says what stands against one.

    `initial` is the state after ``*RST``, for bounds and defaults.
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
        setting.attribute(f"{pattern}:AUTO", "auto", kinds.FLAG, of),
        ranged(":AUTO:LLIMit", set_lowest, "lowest"),
        Command(
            f"{pattern}:AUTO:ULIMit",
            ranged("", set_highest, "highest").write if function == "RES" else None,
            upper,
            ranged("", set_highest, "highest").samples,
        ),
    )


def function_commands(header: str, replies: Mapping[str, str]) -> tuple[Command, ...]:
    """Declare which functions are measured, for settings with a set ``measured`` and a flag ``concurrent``.

    `replies` says how each function is answered.
    """

    def add(self: Any, call: Call) -> None:
        wanted, now = _functions(call), self.settings(call)
        if not now.concurrent and len(wanted) > 1:
            raise ScpiError(-221)
        now.measured = now.measured | wanted if now.concurrent else wanted
        self.apply()

    def drop(self: Any, call: Call) -> None:
        now = self.settings(call)
        now.measured = now.measured - _functions(call)
        self.apply()

    def add_all(self: Any, call: Call) -> None:
        self.settings(call).measured = set(replies) if self.settings(call).concurrent else {"RES"}
        self.apply()

    def drop_all(self: Any, call: Call) -> None:
        self.settings(call).measured = set()
        self.apply()

    def named(on: bool) -> Query:
        def query(self: Any, call: Call) -> str:
            call.expect(0)
            measured = self.settings(call).measured
            return ",".join(reply for name, reply in replies.items() if (name in measured) == on) or '""'

        return query

    node, samples = f"{header}:FUNCtion", tuple(f"'{name}'" for name in replies)
    return (
        Command(f"{node}[:ON]", add, named(True), samples),
        setting.channel_action(f"{node}[:ON]:ALL", add_all),
        Command(f"{node}:OFF", drop, named(False), samples),
        setting.channel_action(f"{node}:OFF:ALL", drop_all),
    )


def _functions(call: Call) -> set[str]:
    return {function(text) for text in call.expect(1, len(FUNCTIONS))}


def ohms_range(ranges: tuple[float, ...], ohm: float, sense: Sense) -> float:
    """Return the range to which automatic ranging of resistance goes, between its limits."""
    allowed = tuple(each for each in ranges if not sense.highest or each <= sense.highest * (1 + 1e-9))
    return reading.fitting(allowed or ranges[:1], ohm, sense.lowest)
