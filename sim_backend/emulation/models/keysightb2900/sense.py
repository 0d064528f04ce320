"""Commands of an emulated Keysight B2900 that say what is measured, how, and within which limits: ``:SENSe``.

Names are those of the B2900 SCPI command reference, edition 2.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...scpi import sense, values
from ...scpi import settings as setting
from ...scpi.messages import Call, Command, Query, Write
from .settings import (
    LEAST_LIMIT_A,
    LEAST_LIMIT_V,
    LONGEST_APERTURE_S,
    MOST_A,
    MOST_V,
    SHORTEST_APERTURE_S,
    ChannelState,
)
from .source import state_of, trigger_output, waiting

if TYPE_CHECKING:
    from .model import EmulatedKeysightB2900

_BOUNDS = {"VOLT": (LEAST_LIMIT_V, MOST_V, 2.0), "CURR": (LEAST_LIMIT_A, MOST_A, 1e-4)}
"""Smallest, largest and default limit."""


def _limit(function: str, *sides: str) -> tuple[Write, Query]:
    """Return what sets and asks a limit on some sides."""
    low, high, default = _BOUNDS[function]

    def write(smu: "EmulatedKeysightB2900", call: Call) -> None:
        text = call.expect(1)[0]
        limit = values.bounded(text.removeprefix("-"), low, high, default, unit=sense.UNITS[function])
        for side in sides:
            getattr(state_of(smu, call), side)[function] = limit
        smu.apply()

    def query(smu: "EmulatedKeysightB2900", call: Call) -> str:
        if call.expect(0, 1):
            return values.nr3(setting.named_bound(call.arguments[0], low, high, default))
        return values.nr3(getattr(state_of(smu, call), sides[0])[function])

    return write, query


def _tripped(function: str) -> Query:
    def query(smu: "EmulatedKeysightB2900", call: Call) -> str:
        call.expect(0)
        number = call.suffixes[0]
        return str(int(smu.sourced(number) != function and smu.limited(number)))

    return query


def _set_nplc(smu: "EmulatedKeysightB2900", call: Call) -> None:
    most = LONGEST_APERTURE_S * smu.line_hz
    cycles = values.bounded(call.expect(1)[0], SHORTEST_APERTURE_S * smu.line_hz, most, 1.0)
    state_of(smu, call).aperture_s = cycles / smu.line_hz


def _set_functions(smu: "EmulatedKeysightB2900", call: Call) -> None:
    state_of(smu, call).measured |= {sense.function(text) for text in call.expect(1, 3)}
    smu.apply()


def _drop_functions(smu: "EmulatedKeysightB2900", call: Call) -> None:
    state_of(smu, call).measured -= {sense.function(text) for text in call.expect(1, 3)}
    smu.apply()


def _all_functions(names: set[str]) -> Write:
    def write(smu: "EmulatedKeysightB2900", call: Call) -> None:
        call.expect(0)
        state_of(smu, call).measured = set(names)
        smu.apply()

    return write


def _functions(on: bool) -> Query:
    def query(smu: "EmulatedKeysightB2900", call: Call) -> str:
        call.expect(0)
        names = [name for name in sense.NAMES if (name in state_of(smu, call).measured) == on]
        return ",".join(map(values.quoted, names)) or '""'

    return query


def _is_measured(smu: "EmulatedKeysightB2900", call: Call) -> str:
    return str(int(sense.function(call.expect(1)[0]) in state_of(smu, call).measured))


def _held(pattern: str, key: str, function: str, read: Callable[[str], Any], write: Callable[[Any], str]) -> Command:
    """Declare something that is kept for voltage and current each."""

    def change(smu: "EmulatedKeysightB2900", call: Call) -> None:
        getattr(state_of(smu, call), key)[function] = read(call.expect(1)[0])

    return Command(pattern, change, lambda smu, call: write(getattr(state_of(smu, call), key)[function]))


def _of_function(function: str) -> tuple[Command, ...]:
    """Declare all that one function has of its own."""
    pattern, initial = f":SENSe#:{sense.NAMES[function]}", ChannelState().sense[function]
    every = (
        *sense.commands(":SENSe#", function, initial),
        # One integration time for all three functions.
        Command(f"{pattern}:NPLCycles", _set_nplc, lambda smu, call: values.nr3(smu.nplc_of(call.suffixes[0]))),
        setting.flag(f"{pattern}:NPLCycles:AUTO", "aperture_auto"),
        setting.number(f"{pattern}:APERture", "aperture_s", SHORTEST_APERTURE_S, LONGEST_APERTURE_S, unit="S"),
        setting.flag(f"{pattern}:APERture:AUTO", "aperture_auto"),
    )
    if function == "RES":
        return (
            *every,
            setting.choice(f"{pattern}:MODE", "ohm_mode", "MANual", "AUTO"),
            setting.flag(f"{pattern}:OCOMpensated", "offset_compensated"),
        )
    modes = ("NORMal", "RESolution", "SPEed")
    return (
        *every,
        Command(f"{pattern}:PROTection[:LEVel][:BOTH]", *_limit(function, "limit_up", "limit_down")),
        Command(f"{pattern}:PROTection[:LEVel]:POSitive", *_limit(function, "limit_up")),
        Command(f"{pattern}:PROTection[:LEVel]:NEGative", *_limit(function, "limit_down")),
        Command(f"{pattern}:PROTection:TRIPped", query=_tripped(function)),
        _held(f"{pattern}:RANGe:AUTO:MODE", "range_mode", function, lambda text: values.choice(text, modes), str),
        _held(
            f"{pattern}:RANGe:AUTO:THReshold",
            "range_threshold",
            function,
            lambda text: values.bounded(text, 11.0, 100.0, 90.0),
            values.nr3,
        ),
    )


COMMANDS: tuple[Command, ...] = (
    Command(":SENSe#:FUNCtion[:ON]", _set_functions, _functions(True)),
    Command(":SENSe#:FUNCtion[:ON]:ALL", _all_functions({"VOLT", "CURR", "RES"})),
    Command(":SENSe#:FUNCtion[:ON]:COUNt", query=lambda smu, call: str(len(state_of(smu, call).measured))),
    Command(":SENSe#:FUNCtion:OFF", _drop_functions, _functions(False)),
    Command(":SENSe#:FUNCtion:OFF:ALL", _all_functions(set())),
    Command(":SENSe#:FUNCtion:OFF:COUNt", query=lambda smu, call: str(3 - len(state_of(smu, call).measured))),
    Command(":SENSe#:FUNCtion:STATe", query=_is_measured),
    *(command for function in sense.NAMES for command in _of_function(function)),
    setting.flag(":SENSe#:REMote", "remote_sense"),
    *waiting(":SENSe#", "sense_wait"),
    *trigger_output(":SENSe#"),
)
"""How automatic ranging goes about it is stored only; the limit of a quantity also bounds its measure range."""
