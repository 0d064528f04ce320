"""Commands of an emulated Keysight B2900 that say what is measured, how, and within which limits: ``:SENSe``.

Names are those of the B2900 SCPI command reference, edition 2.
"""

import math
from collections.abc import Callable
from dataclasses import replace

from ...scpi import sense, values
from ...scpi import settings as setting
from ...scpi.kinds import FLAG, choice
from ...scpi.messages import Call, Command
from .settings import (
    LEAST_LIMIT_A,
    LEAST_LIMIT_V,
    LONGEST_APERTURE_S,
    MOST_A,
    MOST_V,
    SHORTEST_APERTURE_S,
    USUAL_NPLC,
    ChannelState,
    number,
    setting_text,
)
from .source import waits
from .state import KeysightB2900State

_LIMITS = {"VOLT": number(LEAST_LIMIT_V, MOST_V, 2.0, "V"), "CURR": number(LEAST_LIMIT_A, MOST_A, 1e-4, "A")}


def _limits(function: str) -> tuple[Command, ...]:
    """Declare the limits of one function: of both signs, or of one; the sign of a limit is of no account."""
    pattern, limit = f":SENSe#:{sense.NAMES[function]}:PROTection", _LIMITS[function]

    def command(node: str, *sides: str) -> Command:
        def store(smu: KeysightB2900State, call: Call, wanted: float) -> None:
            for side in sides:
                getattr(smu.settings(call), side)[function] = wanted
            smu.apply()

        return replace(limit, read=lambda texts, units: limit.value([texts[0].removeprefix("-")], units)).command(
            f"{pattern}[:LEVel]{node}", store, lambda smu, call: getattr(smu.settings(call), sides[0])[function]
        )

    def tripped(smu: KeysightB2900State, call: Call) -> str:
        number = call.suffixes[0]
        return str(int(smu.source_function(number) != function and smu.limited(number)))

    return (
        command("[:BOTH]", "limit_up", "limit_down"),
        command(":POSitive", "limit_up"),
        command(":NEGative", "limit_down"),
        setting.query(f"{pattern}:TRIPped", tripped),
    )


def _integration_time(node: str, per_second: Callable[[KeysightB2900State], float], unit: str = "") -> Command:
    """Declare the integration time in some unit, of which there are `per_second`; beyond its ends it is the end."""

    def ends(smu: KeysightB2900State) -> tuple[float, float, float]:
        second = per_second(smu)
        return SHORTEST_APERTURE_S * second, LONGEST_APERTURE_S * second, USUAL_NPLC / smu.line_hz * second

    def write(smu: KeysightB2900State, call: Call) -> None:
        text, (least, most, usual) = call.expect(1)[0], ends(smu)
        wide = (least, most) if text[:1].isalpha() else (-math.inf, math.inf)
        found = values.within(text, *wide, usual, unit)
        smu.settings(call).aperture_s = min(max(found, least), most) / per_second(smu)

    def query(smu: KeysightB2900State, call: Call) -> str:
        if call.expect(0, 1):
            return setting_text(values.named_bound(call.arguments[0], *ends(smu)))
        return setting_text(smu.settings(call).aperture_s * per_second(smu))

    return Command(node, write, query, ("0.001", "1"))


def _of_function(function: str) -> tuple[Command, ...]:
    """Declare all that one function has of its own; all share one integration time."""
    pattern = f":SENSe#:{sense.NAMES[function]}"
    return (
        *sense.commands(":SENSe#", function, ChannelState().sense[function], setting_text),
        _integration_time(f"{pattern}:NPLCycles", lambda smu: smu.line_hz),
        setting.attribute(f"{pattern}:NPLCycles:AUTO", "aperture_auto", FLAG),
        _integration_time(f"{pattern}:APERture", lambda _: 1.0, "S"),
        setting.attribute(f"{pattern}:APERture:AUTO", "aperture_auto", FLAG),
    )


COMMANDS: tuple[Command, ...] = (
    setting.attribute(":SENSe#:REMote", "remote", FLAG),
    *waits(":SENSe#", "SENS"),
    *sense.function_commands(":SENSe#", {name: f'"{name}"' for name in sense.NAMES}),
    *(command for function in sense.NAMES for command in _of_function(function)),
    *(command for function in _LIMITS for command in _limits(function)),
    setting.attribute(":SENSe#:RESistance:MODE", "ohm_mode", choice("MANual", "AUTO")),
    setting.attribute(":SENSe#:RESistance:OCOMpensated", "offset_compensated", FLAG),
)
"""The limit of a quantity also bounds its measure range."""
