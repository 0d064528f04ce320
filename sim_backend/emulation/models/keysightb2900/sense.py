"""Commands of an emulated Keysight B2900 that say what is measured, how, and within which limits: ``:SENSe``.

Names are those of the B2900 SCPI command reference, edition 2.
"""

from collections.abc import Callable

from ...scpi import sense, values
from ...scpi import settings as setting
from ...scpi.messages import Call, Command, Write
from .settings import (
    LEAST_LIMIT_A,
    LEAST_LIMIT_V,
    LONGEST_APERTURE_S,
    MOST_A,
    MOST_V,
    SHORTEST_APERTURE_S,
    ChannelState,
)  # fmt: skip
from .state import KeysightB2900State

_BOUNDS = {"VOLT": (LEAST_LIMIT_V, MOST_V, 2.0), "CURR": (LEAST_LIMIT_A, MOST_A, 1e-4)}
"""Smallest, largest and default limit."""


def _limits(function: str) -> tuple[Command, ...]:
    """Declare the limits of one function: of both signs, or of one."""
    low, high, default = _BOUNDS[function]
    pattern = f":SENSe#:{sense.NAMES[function]}:PROTection"

    def limit(node: str, *sides: str) -> Command:
        def write(smu: KeysightB2900State, call: Call) -> None:
            text = call.expect(1)[0].removeprefix("-")
            found = values.bounded(text, low, high, default, unit=sense.UNITS[function])
            for side in sides:
                getattr(smu.settings(call), side)[function] = found
            smu.apply()

        def query(smu: KeysightB2900State, call: Call) -> str:
            if call.expect(0, 1):
                return values.nr3(values.named_bound(call.arguments[0], low, high, default))
            return values.nr3(getattr(smu.settings(call), sides[0])[function])

        return Command(f"{pattern}[:LEVel]{node}", write, query)

    def tripped(smu: KeysightB2900State, number: int) -> str:
        return str(int(smu.source_function(number) != function and smu.limited(number)))

    return (
        limit("[:BOTH]", "limit_up", "limit_down"),
        limit(":POSitive", "limit_up"),
        limit(":NEGative", "limit_down"),
        setting.query(f"{pattern}:TRIPped", lambda smu, call: tripped(smu, call.suffixes[0])),
    )


def _set_nplc(smu: KeysightB2900State, call: Call) -> None:
    most = LONGEST_APERTURE_S * smu.line_hz
    cycles = values.bounded(call.expect(1)[0], SHORTEST_APERTURE_S * smu.line_hz, most, 1.0)
    smu.settings(call).aperture_s = cycles / smu.line_hz


def _nplc(smu: KeysightB2900State, call: Call) -> str:
    # Nine digits: what was set as NPLC is answered as it was set.
    return values.nr3(float(f"{smu.settings(call).aperture_s * smu.line_hz:.9g}"))


def _choose_functions(how: Callable[[set[str], set[str]], set[str]], least: int = 1, most: int = 3) -> Write:
    """Return what changes the functions that are measured; `how` takes them and those that are named."""

    def write(smu: KeysightB2900State, call: Call) -> None:
        state, named = smu.settings(call), {sense.function(text) for text in call.expect(least, most)}
        state.measured = how(state.measured, named)
        smu.apply()

    return write


def _function_list(smu: KeysightB2900State, call: Call, measured: bool) -> str:
    """Return the functions that are measured, or those that are not."""
    names = [name for name in sense.NAMES if (name in smu.settings(call).measured) == measured]
    return ",".join(map(values.quoted, names)) or '""'


def _is_measured(smu: KeysightB2900State, call: Call) -> str:
    return str(int(sense.function(call.expect(1)[0]) in smu.settings(call).measured))


def _of_function(function: str) -> tuple[Command, ...]:
    """Declare all that one function has of its own; all share one integration time."""
    pattern = f":SENSe#:{sense.NAMES[function]}"
    return (
        *sense.commands(":SENSe#", function, ChannelState().sense[function]),
        Command(f"{pattern}:NPLCycles", _set_nplc, _nplc),
        setting.flag(f"{pattern}:NPLCycles:AUTO", "aperture_auto"),
        setting.number(f"{pattern}:APERture", "aperture_s", SHORTEST_APERTURE_S, LONGEST_APERTURE_S, unit="S"),
        setting.flag(f"{pattern}:APERture:AUTO", "aperture_auto"),
    )


_F = ":SENSe#:FUNCtion"

COMMANDS: tuple[Command, ...] = (
    Command(f"{_F}[:ON]", _choose_functions(lambda measured, named: measured | named)),
    setting.query(f"{_F}[:ON]", lambda smu, call: _function_list(smu, call, measured=True)),
    Command(f"{_F}[:ON]:ALL", _choose_functions(lambda *_: set(sense.NAMES), 0, 0)),
    setting.query(f"{_F}[:ON]:COUNt", lambda smu, call: str(len(smu.settings(call).measured))),
    Command(f"{_F}:OFF", _choose_functions(lambda measured, named: measured - named)),
    setting.query(f"{_F}:OFF", lambda smu, call: _function_list(smu, call, measured=False)),
    Command(f"{_F}:OFF:ALL", _choose_functions(lambda *_: set(), 0, 0)),
    setting.query(f"{_F}:OFF:COUNt", lambda smu, call: str(3 - len(smu.settings(call).measured))),
    Command(f"{_F}:STATe", query=_is_measured),
    *(command for function in sense.NAMES for command in _of_function(function)),
    *(command for function in _BOUNDS for command in _limits(function)),
    setting.choice(":SENSe#:RESistance:MODE", "ohm_mode", "MANual", "AUTO"),
    setting.flag(":SENSe#:RESistance:OCOMpensated", "offset_compensated"),
)
"""The limit of a quantity also bounds its measure range."""
