"""Status registers of a 2600B: which channel sweeps, measures, is limited, has readings."""

from collections.abc import Callable, Mapping, Sequence

from ..time.status import Status
from .channel import CURRENT_LIMIT, VOLTAGE_LIMIT, Smu

MEASUREMENT = {
    "VLMT": 1, "VOLTAGE_LIMIT": 1, "ILMT": 2, "CURRENT_LIMIT": 2, "ROF": 128, "READING_OVERFLOW": 128, "BAV": 256,
    "BUFFER_AVAILABLE": 256,
}  # fmt: skip
OPERATION = {"SWE": 8, "SWEEPING": 8, "INST": 8192, "INSTRUMENT_SUMMARY": 8192}
QUESTIONABLE = {"OTEMP": 4096, "OVER_TEMPERATURE": 4096, "INST": 8192, "INSTRUMENT_SUMMARY": 8192}
BITS = {"measurement": MEASUREMENT, "operation": OPERATION, "questionable": QUESTIONABLE}
INSTRUMENT = 8192


def add_smu_status(status: Status, smus: Sequence[Smu], too_hot: Callable[[], bool]) -> None:
    """Add the registers of the channels ``smua``, ``smub``, which get too hot together."""
    channels = {f"SMU{letter}": 2 << place for place, letter in zip(range(len(smus)), "AB", strict=False)}
    holding: dict[str, Callable[[Smu], bool]] = {
        "measurement.voltage_limit": lambda smu: bool(smu.limits_seen & VOLTAGE_LIMIT),
        "measurement.current_limit": lambda smu: bool(smu.limits_seen & CURRENT_LIMIT),
        "measurement.reading_overflow": lambda smu: smu.measure.overflowed,
        "measurement.buffer_available": lambda smu: any(buffer.entries for buffer in smu.measure.buffers),
        "operation.sweeping": lambda smu: smu.trigger.sweeping(),
        "questionable.over_temperature": lambda _: too_hot(),
    }
    for path, holds in holding.items():
        above, _, name = path.partition(".")
        status.add(path, _condition(holds, channels, smus), bit=BITS[above][name.upper()], bits=channels)
    for above, bits in BITS.items():
        status.node.children[above].constants |= bits
        status.add(f"{above}.instrument", bit=INSTRUMENT, bits=channels)
        for (name, bit), smu in zip(channels.items(), smus, strict=True):
            condition = smu.limit_state if above == "measurement" else None
            status.add(f"{above}.instrument.{name.lower()}", condition, bit=bit, bits=bits)
    status.facts = lambda: [too_hot(), *map(_facts, smus)]


def _facts(smu: Smu) -> tuple[object, ...]:
    """Return what every condition above follows from, for one channel."""
    measure = smu.measure
    full = [bool(buffer.entries) for buffer in measure.buffers]
    return smu.limits_seen, measure.overflowed, smu.trigger.sweeping(), full


def _condition(holds: Callable[[Smu], bool], channels: Mapping[str, int], smus: Sequence[Smu]) -> Callable[[], float]:
    """Return what tells the bits of those channels for which something holds."""
    each = list(zip(channels.values(), smus, strict=True))
    return lambda: float(sum([bit for bit, smu in each if holds(smu)]))
