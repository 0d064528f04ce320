"""Commands of an emulated Keysight B2900 that source and switch: ``:SOURce`` and ``:OUTPut``.

Names are those of the B2900 SCPI command reference, edition 2.
"""

import copy
import math
from typing import TYPE_CHECKING, Any

from ...scpi import settings as setting
from ...scpi import source, values
from ...scpi.messages import Call, Command
from ...scpi.source import LONGEST_LIST, NAMES
from .settings import LONGEST_S, SHORTEST_PULSE_S, ChannelState, Waiting

if TYPE_CHECKING:
    from .model import EmulatedKeysightB2900

LEAST_CUTOFF_HZ, MOST_CUTOFF_HZ = 31.830, 31831.0
SAVED = range(2)
"""Setups of a channel that ``:OUTP:SAVE`` keeps."""
SIGNALS = ("INT1", "INT2", "LAN", *(f"EXT{pin}" for pin in range(1, 15)))
"""What triggers come from and go to: internal lines, LAN, and pins of the digital connector."""


def state_of(smu: Any, call: Call) -> ChannelState:
    """Return the state of the channel that a header names."""
    found: ChannelState = smu.states[call.suffixes[0] - 1]
    return found


def waiting(header: str, key: str) -> tuple[Command, ...]:
    """Declare the wait time of the source or of the measurement."""

    def of(smu: Any, call: Call) -> Waiting:
        found: Waiting = getattr(state_of(smu, call), key)
        return found

    return (
        setting.flag(f"{header}:WAIT[:STATe]", "on", of=of),
        setting.flag(f"{header}:WAIT:AUTO", "auto", of=of),
        setting.number(f"{header}:WAIT:GAIN", "gain", 0.0, 100.0, 1.0, of=of),
        setting.number(f"{header}:WAIT:OFFSet", "offset_s", 0.0, 1.0, 0.0, unit="S", of=of),
    )


def trigger_output(header: str) -> tuple[Command, ...]:
    """Declare the trigger output of some stage, which is stored only."""

    def switch(smu: "EmulatedKeysightB2900", call: Call) -> None:
        smu.panel.outputs[header, call.suffixes] = values.boolean(call.expect(1)[0])

    def switched(smu: "EmulatedKeysightB2900", call: Call) -> str:
        return str(int(smu.panel.outputs.get((header, call.suffixes), False)))

    def choose(smu: "EmulatedKeysightB2900", call: Call) -> None:
        chosen = [values.choice(text, SIGNALS) for text in call.expect(1, len(SIGNALS))]
        smu.panel.signals[header, call.suffixes] = ",".join(chosen)

    def chosen(smu: "EmulatedKeysightB2900", call: Call) -> str:
        return smu.panel.signals.get((header, call.suffixes), "EXT1")

    return Command(f"{header}:TOUTput[:STATe]", switch, switched), Command(f"{header}:TOUTput:SIGNal", choose, chosen)


def _set_function(smu: "EmulatedKeysightB2900", call: Call) -> None:
    """Choose what is sourced; that turns the output off."""
    chosen, state = values.choice(call.expect(1)[0], ("VOLTage", "CURRent")), state_of(smu, call)
    if chosen != state.function:
        smu.on[call.suffixes[0] - 1] = False
    state.function = chosen
    smu.apply()


def _set_output(smu: "EmulatedKeysightB2900", call: Call) -> None:
    smu.switch([call.suffixes[0]], values.boolean(call.expect(1)[0]))


def _set_cutoff(smu: "EmulatedKeysightB2900", call: Call) -> None:
    hertz = values.bounded(call.expect(1)[0], LEAST_CUTOFF_HZ, MOST_CUTOFF_HZ, MOST_CUTOFF_HZ, unit="HZ")
    state_of(smu, call).filter_s = 1 / (2 * math.pi * hertz)


def _save(smu: "EmulatedKeysightB2900", call: Call) -> None:
    location = values.integer(call.expect(1)[0], SAVED[0], SAVED[-1])
    smu.saved_channels[call.suffixes[0], location] = copy.deepcopy(state_of(smu, call))


def _recall(smu: "EmulatedKeysightB2900", call: Call) -> None:
    number, location = call.suffixes[0], values.integer(call.expect(1)[0], SAVED[0], SAVED[-1])
    kept = smu.saved_channels.get((number, location)) or ChannelState(smu.ranges_a, aperture_s=1 / smu.line_hz)
    states = list(smu.states)
    states[number - 1] = copy.deepcopy(kept)
    smu.on[number - 1] = False
    smu.states = tuple(states)
    smu.apply()


def _of_function(function: str) -> tuple[Command, ...]:
    """Declare all that one function has of its own."""
    initial = ChannelState().source[function]
    pattern, of = f"{_S}:{NAMES[function]}", source.of_function(function)
    return (
        *source.commands(_S, function, initial, list_per_command=LONGEST_LIST),
        *source.sweep_commands(_S, function, initial, of, least_points=1),
        setting.integer(f"{pattern}:POINts", "points", 1, LONGEST_LIST, 1, of=of),
        setting.number(f"{pattern}:RANGe:AUTO:LLIMit", "lowest", 0.0, initial.ranges[-1], initial.lowest, of=of),
    )


def _set_sweep_points(smu: "EmulatedKeysightB2900", call: Call) -> None:
    points = values.integer(call.expect(1)[0], 1, LONGEST_LIST, 1)
    for each in state_of(smu, call).source.values():
        each.points = points


_S = "[:SOURce#]"

COMMANDS: tuple[Command, ...] = (
    Command(f"{_S}:FUNCtion:MODE", _set_function, lambda smu, call: state_of(smu, call).function),
    setting.choice(f"{_S}:FUNCtion[:SHAPe]", "shape", "DC", "PULSe"),
    setting.flag(f"{_S}:FUNCtion:TRIGgered:CONTinuous", "continuous"),
    *(command for function in NAMES for command in _of_function(function)),
    Command(
        f"{_S}:SWEep:POINts",
        _set_sweep_points,
        lambda smu, call: str(state_of(smu, call).source[state_of(smu, call).function].points),
    ),
    setting.choice(f"{_S}:SWEep:SPACing", "spacing", "LINear", "LOGarithmic"),
    setting.choice(f"{_S}:SWEep:DIRection", "direction", "UP", "DOWN"),
    setting.choice(f"{_S}:SWEep:RANGing", "ranging", "BEST", "AUTO", "FIXed"),
    setting.choice(f"{_S}:SWEep:STAir", "stair", "SINGle", "DOUBle"),
    setting.number(f"{_S}:PULSe:DELay", "pulse_delay_s", 0.0, LONGEST_S, 0.0, unit="S"),
    setting.number(f"{_S}:PULSe:WIDTh", "pulse_width_s", SHORTEST_PULSE_S, LONGEST_S, SHORTEST_PULSE_S, unit="S"),
    *waiting(_S, "source_wait"),
    *trigger_output(_S),
    Command(":OUTPut#[:STATe]", _set_output, lambda smu, call: str(int(smu.on[call.suffixes[0] - 1]))),
    setting.choice(":OUTPut#:OFF:MODE", "off_mode", "NORMal", "HIZ", "ZERO"),
    setting.flag(":OUTPut#:OFF:AUTO", "auto_off"),
    setting.flag(":OUTPut#:ON:AUTO", "auto_on"),
    setting.flag(":OUTPut#:PROTection[:STATe]", "protection"),
    setting.flag(":OUTPut#:FILTer[:LPASs][:STATe]", "filter"),
    setting.flag(":OUTPut#:FILTer[:LPASs]:AUTO", "filter_auto"),
    setting.number(":OUTPut#:FILTer[:LPASs]:TCONstant", "filter_s", 5e-6, 5e-3, 5e-6, unit="S"),
    Command(
        ":OUTPut#:FILTer[:LPASs]:FREQuency",
        _set_cutoff,
        lambda smu, call: values.nr3(1 / (2 * math.pi * state_of(smu, call).filter_s)),
    ),
    setting.flag(":OUTPut#:HCAPacitance[:STATe]", "high_capacitance"),
    setting.choice(":OUTPut#:LOW", "low", "FLOat", "GROund"),
    Command(":OUTPut#:SAVE", _save),
    Command(":OUTPut#:RECall", _recall),
)
"""Continuous triggering, filter, high capacitance and the low terminal are stored only."""
