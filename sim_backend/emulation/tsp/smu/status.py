"""Status registers of a 2600B: which channel sweeps, measures, is limited, has readings."""

from collections.abc import Callable, Sequence

from ..time.status import Status
from .channel import CURRENT_LIMIT, VOLTAGE_LIMIT, Smu

READING_OVERFLOW, BUFFER_AVAILABLE = 128, 256
MEASUREMENT = {
    "VLMT": 1, "VOLTAGE_LIMIT": 1, "ILMT": 2, "CURRENT_LIMIT": 2, "ROF": 128, "READING_OVERFLOW": 128, "BAV": 256,
    "BUFFER_AVAILABLE": 256,
}  # fmt: skip
OPERATION = {
    "CAL": 1, "CALIBRATING": 1, "SWE": 8, "SWEEPING": 8, "MEAS": 16, "MEASURING": 16, "TRGOVR": 1024,
    "TRIGGER_OVERRUN": 1024, "REM": 2048, "REMOTE": 2048, "USER": 4096, "INST": 8192, "INSTRUMENT_SUMMARY": 8192,
}  # fmt: skip
QUESTIONABLE = {
    "CAL": 256, "CALIBRATION": 256, "UO": 512, "UNSTABLE_OUTPUT": 512, "OTEMP": 4096, "OVER_TEMPERATURE": 4096,
    "INST": 8192, "INSTRUMENT_SUMMARY": 8192,
}  # fmt: skip
INSTRUMENT = 8192
TRIGGERS = ("trigger_timer", "trigger_blender", "tsplink", "digio", "lan")
"""What else of the instrument could miss a trigger; none does here."""


def add_smu_status(status: Status, smus: Sequence[Smu], too_hot: Callable[[], bool]) -> None:
    """Add the registers of the channels ``smua``, ``smub``, which get too hot together."""
    channels = {f"SMU{letter}": 2 << place for place, letter in zip(range(len(smus)), "AB", strict=False)}

    def of_each(holds: Callable[[Smu], bool]) -> Callable[[], float]:
        each = list(zip(channels.values(), smus, strict=True))
        return lambda: float(sum([bit for bit, smu in each if holds(smu)]))

    limits = (
        ("voltage_limit", VOLTAGE_LIMIT, lambda smu: bool(smu.limits_seen & VOLTAGE_LIMIT)),
        ("current_limit", CURRENT_LIMIT, lambda smu: bool(smu.limits_seen & CURRENT_LIMIT)),
        ("reading_overflow", READING_OVERFLOW, lambda smu: smu.measure.overflowed),
        ("buffer_available", BUFFER_AVAILABLE, lambda smu: any(buffer.count() for buffer in smu.measure.buffers)),
    )
    for name, bit, holds in limits:
        status.add(f"measurement.{name}", of_each(holds), bit=bit, bits=channels)
    status.add("operation.sweeping", of_each(lambda smu: smu.trigger.sweeping()), bit=OPERATION["SWE"], bits=channels)
    status.add("operation.measuring", bit=OPERATION["MEAS"], bits=channels)
    status.add("operation.calibrating", bit=OPERATION["CAL"], bits=channels)
    status.add("operation.trigger_overrun", bit=OPERATION["TRGOVR"], bits=channels)
    for name in ("operation.remote", "operation.user"):
        status.add(name, bit=OPERATION[name.partition(".")[2].upper()])
    for name, condition in (
        ("calibration", None),
        ("unstable_output", None),
        ("over_temperature", of_each(lambda _: too_hot())),
    ):
        status.add(f"questionable.{name}", condition, bit=QUESTIONABLE[name.upper()], bits=channels)
    for above, bits in (("measurement", MEASUREMENT), ("operation", OPERATION), ("questionable", QUESTIONABLE)):
        status.node.children[above].constants |= bits
        status.add(f"{above}.instrument", bit=INSTRUMENT, bits=channels)
        for (name, bit), smu in zip(channels.items(), smus, strict=True):
            condition = smu.limit_state if above == "measurement" else None
            status.add(f"{above}.instrument.{name.lower()}", condition, bit=bit, bits=bits)
    for name in (*(name.lower() for name in channels), *TRIGGERS):
        if name in TRIGGERS:
            status.add(f"operation.instrument.{name}")
        status.add(f"operation.instrument.{name}.trigger_overrun")
