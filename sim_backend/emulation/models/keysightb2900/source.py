"""Commands of an emulated Keysight B2900 that source and switch: ``:SOURce`` and ``:OUTPut``.

Names are those of the B2900 SCPI command reference, edition 2.
"""

import math

from ...scpi import settings as setting
from ...scpi import source, values
from ...scpi.kinds import FLAG, choice, integer
from ...scpi.messages import Call, Command
from ...scpi.source import LONGEST_LIST, NAMES
from .settings import (
    LEAST_TIME_CONSTANT_S,
    LONGEST_S,
    MOST_TIME_CONSTANT_S,
    SHORTEST_PULSE_S,
    ChannelState,
    Wait,
    number,
    setting_text,
)
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
        *source.commands(_S, function, initial, setting_text, setting_text, LONGEST_LIST),
        *source.sweep_commands(_S, function, initial, of, 1, setting_text),
        setting.attribute(f"{pattern}:POINts", "points", integer(1, LONGEST_LIST, 1), of),
        setting.attribute(
            f"{pattern}:RANGe:AUTO:LLIMit", "lowest", number(0.0, initial.ranges[-1], initial.lowest), of
        ),
    )


def waits(header: str, of: str) -> tuple[Command, ...]:
    """Declare the wait of a source or of a measurement."""

    def place(smu: KeysightB2900State, call: Call) -> Wait:
        return smu.settings(call).waits[of]

    table = {
        "[:STATe]": ("on", FLAG),
        ":AUTO": ("automatic", FLAG),
        ":GAIN": ("gain", number(0.0, 100.0, 1.0)),
        ":OFFSet": ("offset_s", number(0.0, 1.0, 0.0, "S")),
    }
    return setting.attributes({f"{header}:WAIT{node}": each for node, each in table.items()}, place)


def _set_frequency(smu: KeysightB2900State, call: Call, hertz: float) -> None:
    smu.settings(call).filter_s = 1 / (2 * math.pi * hertz)


def _frequency(smu: KeysightB2900State, call: Call) -> float:
    return 1 / (2 * math.pi * smu.settings(call).filter_s)


_S, _FILTER = "[:SOURce#]", ":OUTPut#:FILTer[:LPASs]"

COMMANDS: tuple[Command, ...] = (
    choice("VOLTage", "CURRent").command(
        f"{_S}:FUNCtion:MODE", _set_function, lambda smu, call: smu.settings(call).function
    ),
    setting.attribute(f"{_S}:FUNCtion[:SHAPe]", "shape", choice("DC", "PULSe")),
    *(command for function in NAMES for command in _of_function(function)),
    Command(
        f"{_S}:SWEep:POINts",
        _set_sweep_points,
        lambda smu, call: str(smu.settings(call).source_now.points),
        ("1", "5", str(LONGEST_LIST)),
    ),
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
    setting.attribute(f"{_FILTER}[:STATe]", "filtered", FLAG),
    setting.attribute(f"{_FILTER}:AUTO", "filter_auto", FLAG),
    setting.attribute(
        f"{_FILTER}:TCONstant",
        "filter_s",
        number(LEAST_TIME_CONSTANT_S, MOST_TIME_CONSTANT_S, LEAST_TIME_CONSTANT_S, "S"),
    ),
    number(31.830, 31.831e3, 31.831e3, "HZ").command(f"{_FILTER}:FREQuency", _set_frequency, _frequency),
    setting.attribute(f"{_S}:FUNCtion:TRIGgered:CONTinuous", "end_value", FLAG),
    *waits(_S, "SOUR"),
)
