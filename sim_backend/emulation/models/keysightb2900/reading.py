"""How an emulated Keysight B2900 makes a reading, and what its status tells.

A measurement never uses a range above the smallest that holds the limit, and a pulsed channel always a fixed one
(B2900 user's guide, page 6-4); what flows beyond the range in use overflows.
"""

from ...scpi import reading
from ...scpi.sense import ohms_range
from ...scpi.values import NOT_MEASURED, OVERFLOW
from .settings import HEADROOM, ChannelState, headroom
from .state import KeysightB2900State

CURRENT_SOURCE, LIMITED, BEYOND_RANGE, OFFSET_COMPENSATED = 1 << 0, 1 << 1, 1 << 13, 1 << 14
"""Bits of a status element (B2900 SCPI command reference, table 1-2)."""
READING_AVAILABLE, READING_OVERFLOW = 1 << 1, 1 << 2
"""Bits of the measurement status register for channel 1 (table 4-6); those of channel 2 are six higher."""
CHANNEL_BITS = 6


def take(smu: KeysightB2900State, number: int) -> None:
    """Take a reading of a channel."""
    state, channel = smu.states[number - 1], smu.channels[number - 1]
    ampere, volt = _true_values(smu, state, number)
    function = smu.source_function(number)
    nplc = state.aperture_s * smu.line_hz
    seen = {}
    for name, value in (("CURR", ampere), ("VOLT", volt)):
        full = _range(smu, state, name, value, function)
        most = headroom(full) if name == "CURR" else HEADROOM
        seen[name] = reading.digitise(value, full, nplc, smu.rng, smu.world.resolution, headroom=most)
    seen["RES"] = reading.quotient(seen["VOLT"], seen["CURR"])
    beyond = OVERFLOW in (abs(seen["CURR"]), abs(seen["VOLT"]))
    status = (
        CURRENT_SOURCE * (function == "CURR")
        | LIMITED * smu.limited(number)
        | BEYOND_RANGE * beyond
        | OFFSET_COMPENSATED * state.offset_compensated
    )
    found = {
        **{name: seen[name] if name in state.measured else NOT_MEASURED for name in ("VOLT", "CURR", "RES")},
        "TIME": smu.elapsed_s(),
        "STAT": float(status),
        "SOUR": smu.world.terminal(channel).level_v if function == "VOLT" else state.level,
    }
    smu.readings[number - 1].append(found)
    bits = READING_OVERFLOW if beyond else READING_AVAILABLE
    for on in (False, True):
        smu.measurement.change(bits << CHANNEL_BITS * (number - 1), on)


def _true_values(smu: KeysightB2900State, state: ChannelState, number: int) -> tuple[float, float]:
    """Return current and voltage of a channel; automatic resistance first finds its range."""
    channel = smu.channels[number - 1]
    sense = state.sense["RES"]
    for _ in sense.ranges:
        ampere, _ = smu.world.measure(channel)
        volt = smu.world.volt(f"{channel}.hi")
        wanted = ohms_range(sense.ranges, reading.quotient(volt, ampere), sense)
        if not state.automatic_ohms or not sense.auto or wanted == sense.range:
            break
        sense.range = wanted
        smu.world.set_terminals(smu.drive(number, state.level))
    return ampere, volt


def _range(smu: KeysightB2900State, state: ChannelState, name: str, value: float, function: str) -> float:
    """Return the range in which a value is read (user's guide, page 6-4)."""
    if name == function and not state.automatic_ohms:
        # The side that is sourced is read in the range of the source, which a new level may have outgrown.
        source = state.source[name]
        return max(source.range, reading.fitting(source.ranges, value))
    sense, most = state.sense[name], smu.most_range(state, name)
    if state.automatic_ohms:
        return reading.fitting(sense.ranges, value)
    if sense.auto:
        wanted = most if state.shape == "PULS" else reading.fitting(sense.ranges, value, sense.lowest, HEADROOM)
        sense.range = min(wanted, most)
    return min(sense.range, most)
