"""The source-delay-measure cycle of an emulated Keithley 2400: timing, automatic range and the reading.

A cycle is trigger delay, 0.1 ms of trigger latency (user's manual, Figure 6-1), the new level, the source delay, and
the integration: one power-line cycle times NPLC, three times that with autozero, as often as a repeating filter counts.
Time passes in the world only. With automatic output-off the output is on from the new level to the end of the
integration, which makes a pulse (page 13-10). If a reading has to change the range, source, delay and measurement are
repeated on it (page 7-3). Automatic delay is 1 ms on every range, an assumption.
"""

from collections.abc import Iterator

from ...scpi import reading
from ...scpi.sense import ohms_range
from ...scpi.values import NOT_MEASURED, OVERFLOW
from . import sweep
from .limits import RANGES_OHM
from .records import Record
from .state import INPUT_OHM, LATENCY_S, Keithley2400State

AUTO_DELAY_S = 1e-3
MOST_RANGE_CHANGES = 10
READING_AVAILABLE, READING_OVERFLOW, IN_COMPLIANCE = 1 << 6, 1 << 7, 1 << 14
"""Bits of the measurement event register (appendix B)."""


def acquire(smu: Keithley2400State, records: list[Record]) -> Iterator[float]:
    """Run the trigger model once, as waits in seconds, and append its readings."""
    now = smu.now
    source = now.source[now.function]
    fixed = source.level
    swept = sweep.levels(smu)
    if now.time_reset_auto:
        smu.restart_timer()
    total = max(now.arm_count, 1) * now.trigger_count
    for number in range(total):
        if number and number % now.trigger_count == 0 and now.arm_source == "TIM":
            yield now.arm_timer_s
        yield now.trigger_delay_s + LATENCY_S
        sweep.prepare_trigger(smu, number, swept)
        smu.switch(True)
        if swept and now.abort_on_compliance == "EARL" and smu.limited():
            break
        yield from _cycle(smu, records)
        stopped = bool(swept) and now.abort_on_compliance == "LATE" and smu.limited()
        last = stopped or number == total - 1
        if now.clear_auto and (now.clear_mode == "ALW" or last):
            smu.switch(False)
        if smu.processing_s:
            yield smu.processing_s
        if stopped:
            break
    if swept and smu.level_after_list == "fixed":
        source.level = fixed
        smu.apply()


def _cycle(smu: Keithley2400State, records: list[Record]) -> Iterator[float]:
    now = smu.now
    delay_s = AUTO_DELAY_S if now.delay_auto else now.delay_s
    averaged = now.average_count if now.average and now.average_control == "REP" else 1
    integration_s = now.nplc / smu.line_hz * (3 if now.autozero else 1) * averaged
    for _ in range(MOST_RANGE_CHANGES):
        yield delay_s + integration_s
        ampere, _ = smu.world.measure(smu.channels[0])
        volt = smu.world.volt(f"{smu.channels[0]}.hi")
        if not _autorange(smu, volt, ampere):
            break
        smu.apply()
    records.append(_reading(smu, volt, ampere, averaged))


def _autorange(smu: Keithley2400State, volt: float, ampere: float) -> bool:
    """Choose the automatic range anew, and return whether it changed."""
    now = smu.now
    if now.automatic_ohms:
        function, wanted = "RES", ohms_range(RANGES_OHM, reading.quotient(volt, ampere), now.sense["RES"])
    elif now.function == "VOLT":
        most = reading.range_holding(smu.limits.ranges_a, now.protection_a)
        function, wanted = "CURR", min(reading.fitting(smu.limits.ranges_a, ampere, now.sense["CURR"].lowest), most)
    else:
        sense = now.sense["VOLT"]
        function, wanted = "VOLT", reading.fitting(sense.ranges, volt, sense.lowest)
    sense = now.sense[function]
    if not sense.auto or wanted == sense.range:
        return False
    sense.range = wanted
    return True


def _reading(smu: Keithley2400State, volt: float, ampere: float, averaged: int) -> Record:
    now = smu.now
    function, level_v, level_a = smu.setpoint()
    sourcing_v = function == "VOLT"
    limited = smu.limited()
    range_v = (now.source if sourcing_v else now.sense)["VOLT"].range
    range_a = (now.sense if sourcing_v else now.source)["CURR"].range
    if abs(ampere) < abs(volt) / INPUT_OHM and not smu.world.is_wired(f"{smu.channels[0]}.hi"):
        ampere = volt / INPUT_OHM
    if limited and not sourcing_v:
        # How finely a current below the source range is read there is not documented: as on the range that fits it.
        range_a = reading.fitting(smu.limits.ranges_a, ampere)
    if now.automatic_ohms:
        range_v, range_a = (
            reading.fitting(now.sense["VOLT"].ranges, volt),
            reading.fitting(smu.limits.ranges_a, level_a),
        )
    seen_a = reading.digitise(ampere, range_a, now.nplc, smu.rng, smu.world.resolution, averaged=averaged)
    seen_v = reading.digitise(volt, range_v, now.nplc, smu.rng, smu.world.resolution, averaged=averaged)
    ohm = reading.quotient(seen_v, seen_a) if "RES" in now.measured else NOT_MEASURED
    shown_v = seen_v if "VOLT" in now.measured else level_v if sourcing_v else NOT_MEASURED
    shown_a = seen_a if "CURR" in now.measured else level_a if not sourcing_v else NOT_MEASURED
    overflow = OVERFLOW in (abs(shown_a), abs(shown_v), abs(ohm))
    real = limited and smu.limit_is_compliance()
    bits = {
        0: overflow,
        1: now.average,
        2: smu.terminals == "FRON",
        3: real,
        10: now.automatic_ohms,
        11: "VOLT" in now.measured,
        12: "CURR" in now.measured,
        13: "RES" in now.measured,
        14: sourcing_v,
        15: not sourcing_v,
        16: limited and not real,
        17: now.offset_compensated,
        22: now.remote_sense,
    }
    status = sum(1 << bit for bit, found in bits.items() if found)
    smu.measurement.latch(READING_AVAILABLE | (READING_OVERFLOW if overflow else 0) | (IN_COMPLIANCE if limited else 0))
    return Record(shown_v, shown_a, ohm, smu.elapsed_s(), status)
