"""Commands of an emulated Keysight B2900 that say what is measured, how, and within which limits: ``:SENSe``.

Names are those of the B2900 SCPI command reference, edition 2.
"""

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


def _set_nplc(smu: KeysightB2900State, call: Call) -> None:
    most = LONGEST_APERTURE_S * smu.line_hz
    cycles = values.within(call.expect(1)[0], SHORTEST_APERTURE_S * smu.line_hz, most, 1.0)
    smu.settings(call).aperture_s = cycles / smu.line_hz


def _nplc(smu: KeysightB2900State, call: Call) -> str:
    return setting_text(smu.settings(call).aperture_s * smu.line_hz)


def _of_function(function: str) -> tuple[Command, ...]:
    """Declare all that one function has of its own; all share one integration time."""
    pattern = f":SENSe#:{sense.NAMES[function]}"
    return (
        *sense.commands(":SENSe#", function, ChannelState().sense[function], setting_text),
        Command(f"{pattern}:NPLCycles", _set_nplc, _nplc, ("0.001", "1", "50")),
        setting.attribute(f"{pattern}:NPLCycles:AUTO", "aperture_auto", FLAG),
        setting.attribute(
            f"{pattern}:APERture", "aperture_s", number(SHORTEST_APERTURE_S, LONGEST_APERTURE_S, unit="S")
        ),
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
