"""How an emulated Keithley 2450 makes a reading: integration, automatic range, and what is computed from it."""

import math
from collections.abc import Iterator

from ...scpi import reading
from ...scpi.sense import ohms_range
from ...scpi.values import OVERFLOW
from .buffer import FOUR_WIRE, LIMITED, OUTPUT_ON, READ_BACK, Entry
from .settings import AUTO_DELAY_S, RANGES_OHM
from .state import Keithley2450State

UNITS = {"AMP": "Amp DC", "VOLT": "Volt DC", "OHM": "Ohm", "WATT": "Watt DC"}
"""Units as a buffer names them."""


def read(smu: Keithley2450State, name: str) -> Iterator[float]:
    """Take as many readings into a buffer as ``:SENS:COUN`` says, after the source delay, as waits in seconds."""
    for _ in range(smu.now.count):
        if smu.unsettled:
            source = smu.now.sourcing.now
            yield AUTO_DELAY_S if source.delay_auto else source.delay_s
            smu.settle()
        yield from take(smu, name)


def take(smu: Keithley2450State, name: str) -> Iterator[float]:
    """Take one reading into a buffer, as waits in seconds."""
    measuring, channel = smu.now.measuring, smu.channels[0]
    sense = measuring.now
    averaged = sense.average_count if sense.average and sense.average_control == "REP" else 1
    integration_s = sense.nplc / smu.line_hz * (3 if sense.autozero else 1) * averaged
    for _ in RANGES_OHM:
        yield integration_s
        ampere, _ = smu.world.measure(channel)
        volt = smu.world.volt(f"{channel}.hi")
        if not _change_range(smu, volt, ampere):
            break
        smu.apply()
    function, level_v, level_a = smu.setpoint()
    sourcing_v = function == "VOLT"
    range_a, range_v = _ranges(smu, volt, level_a)
    resolution = smu.world.resolution
    seen_a = reading.digitise(ampere, range_a, sense.nplc, smu.rng, resolution, averaged=averaged)
    seen_v = reading.digitise(volt, range_v, sense.nplc, smu.rng, resolution, averaged=averaged)
    measured = {"CURR": seen_a, "VOLT": seen_v, "RES": reading.quotient(seen_v, seen_a)}[measuring.function]
    value = {"OHM": reading.quotient(seen_v, seen_a), "WATT": seen_v * seen_a}.get(sense.unit, measured)
    value = math.copysign(OVERFLOW, value) if abs(value) >= OVERFLOW else sense.calculated(value)
    source = smu.now.sourcing.source[function]
    programmed, seen = (level_v, seen_v) if sourcing_v else (level_a, seen_a)
    status = READ_BACK * source.read_back | LIMITED * smu.limited() | FOUR_WIRE * sense.remote | OUTPUT_ON * smu.on
    smu.buffer(name).store(
        Entry(
            value,
            seen if source.read_back else programmed,
            smu.world.clock.now(),
            status,
            UNITS[sense.unit],
            UNITS["VOLT" if sourcing_v else "AMP"],
        )
    )


def _change_range(smu: Keithley2450State, volt: float, ampere: float) -> bool:
    """Choose the automatic range anew, and return whether it is another one that has to be measured on."""
    measuring = smu.now.measuring
    senses = measuring.sense
    if senses["VOLT"].auto:
        senses["VOLT"].range = reading.fitting(senses["VOLT"].ranges, volt, senses["VOLT"].lowest)
    function = "RES" if measuring.function == "RES" else "CURR"
    sense = senses[function]
    if function == "RES":
        wanted = ohms_range(RANGES_OHM, reading.quotient(volt, ampere), sense)
    else:
        wanted = reading.fitting(smu.limits.ranges_a, ampere, sense.lowest)
    if not sense.auto or wanted == sense.range:
        return False
    sense.range = wanted
    return True


def _ranges(smu: Keithley2450State, volt: float, level_a: float) -> tuple[float, float]:
    """Return the ranges in which current and voltage are read."""
    sourcing, measuring = smu.now.sourcing, smu.now.measuring
    if measuring.function == "RES":
        return reading.fitting(smu.limits.ranges_a, level_a), reading.fitting(measuring.sense["VOLT"].ranges, volt)
    sourcing_v = sourcing.function == "VOLT"
    range_v = sourcing.source["VOLT"].range if sourcing_v else measuring.sense["VOLT"].range
    return measuring.sense["CURR"].range, range_v
