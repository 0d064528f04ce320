"""Commands of an emulated Keysight B2900 that source and switch: ``:SOURce`` and ``:OUTPut``.

Names are those of the B2900 SCPI command reference, edition 2.
"""

from ...scpi import settings as setting
from ...scpi import source, values
from ...scpi.kinds import FLAG, choice, integer, number
from ...scpi.messages import Call, Command
from ...scpi.source import LONGEST_LIST, NAMES
from .settings import LONGEST_S, SHORTEST_PULSE_S, ChannelState
from .state import KeysightB2900State


def _set_function(smu: KeysightB2900State, call: Call, chosen: str) -> None:
    """Choose what is sourced; that turns the output off."""
    if chosen != smu.settings(call).function:
        smu.on[call.suffixes[0] - 1] = False
    smu.settings(call).function = chosen
    smu.apply()


def _set_sweep_points(smu: KeysightB2900State, call: Call) -> None:
    points = values.integer(call.expect(1)[0], 1, LONGEST_LIST, 1)
    for each in smu.settings(call).source.values():
        each.points = points


def _of_function(function: str) -> tuple[Command, ...]:
    """Declare all that one function has of its own."""
    initial = ChannelState().source[function]
    pattern, of = f"{_S}:{NAMES[function]}", source.of_function(function)
    return (
        *source.commands(_S, function, initial, list_per_command=LONGEST_LIST),
        *source.sweep_commands(_S, function, initial, of, least_points=1),
        setting.attribute(f"{pattern}:POINts", "points", integer(1, LONGEST_LIST, 1), of),
        setting.attribute(
            f"{pattern}:RANGe:AUTO:LLIMit", "lowest", number(0.0, initial.ranges[-1], initial.lowest), of
        ),
    )


_S = "[:SOURce#]"

COMMANDS: tuple[Command, ...] = (
    choice("VOLTage", "CURRent").command(
        f"{_S}:FUNCtion:MODE", _set_function, lambda smu, call: smu.settings(call).function
    ),
    setting.attribute(f"{_S}:FUNCtion[:SHAPe]", "shape", choice("DC", "PULSe")),
    *(command for function in NAMES for command in _of_function(function)),
    Command(f"{_S}:SWEep:POINts", _set_sweep_points, lambda smu, call: str(smu.settings(call).source_now.points)),
    setting.attribute(f"{_S}:SWEep:SPACing", "spacing", choice("LINear", "LOGarithmic")),
    setting.attribute(f"{_S}:SWEep:DIRection", "direction", choice("UP", "DOWN")),
    setting.attribute(f"{_S}:SWEep:STAir", "stair", choice("SINGle", "DOUBle")),
    setting.attribute(f"{_S}:PULSe:DELay", "pulse_delay_s", number(0.0, LONGEST_S, 0.0, unit="S")),
    setting.attribute(
        f"{_S}:PULSe:WIDTh", "pulse_width_s", number(SHORTEST_PULSE_S, LONGEST_S, SHORTEST_PULSE_S, unit="S")
    ),
    FLAG.command(
        ":OUTPut#[:STATe]",
        lambda smu, call, on: smu.switch([call.suffixes[0]], on),
        lambda smu, call: smu.on[call.suffixes[0] - 1],
    ),
    setting.attribute(":OUTPut#:OFF:MODE", "off_mode", choice("NORMal", "HIZ", "ZERO")),
    setting.attribute(":OUTPut#:OFF:AUTO", "auto_off", FLAG),
    setting.attribute(":OUTPut#:ON:AUTO", "auto_on", FLAG),
    setting.attribute(":OUTPut#:PROTection[:STATe]", "protection", FLAG),
)
