"""Starting readings of an emulated Keithley 2400 and fetching them, and the commands of its trigger model.

A source that is neither immediate nor the timer makes the trigger model wait, until ``*TRG`` (BUS) or ``:ABOR``. A
reading of a fixed source goes on after ``:INIT`` while others are spoken to, and the next command but ``:ABOR`` or
``*RST`` waits for its end (page 11-13); a sweep comes to its end at once.
"""

from collections.abc import Iterator

from ...scpi import kinds, values
from ...scpi import settings as setting
from ...scpi.kinds import Kind
from ...scpi.messages import Answer, Call, Command
from ...scpi.source import LONGEST_LIST
from ...scpi.status import ScpiError
from ...scpi.values import OVERFLOW
from .cycle import acquire
from .records import Record
from .state import IDLE, WAITING_FOR_ARM, Keithley2400State

ARM_SOURCES = ("IMMediate", "TIMer", "BUS", "MANual", "TLINk", "NSTest", "PSTest", "BSTest")
ENDLESS = 0
"""Arm count for ``INFinite``."""
BUFFER_AVAILABLE, BUFFER_FULL = 1 << 8, 1 << 9
"""Bits of the measurement event register (appendix B of the user's manual)."""


def initiate(smu: Keithley2400State, *, to_end: bool = False) -> None:
    """Start the trigger model, or have it wait for what starts it; and let it come to its end, if asked to."""
    now = smu.now
    if not smu.on and not now.clear_auto:
        raise ScpiError(803)
    if smu.waiting or smu.endless:
        raise ScpiError(-213)
    if now.starts_at_once:
        _run(smu, to_end=to_end)
    else:
        smu.waiting = True
        smu.operation.change(IDLE, False)
        smu.operation.change(WAITING_FOR_ARM, True)


def trigger(smu: Keithley2400State) -> None:
    """Start the cycles that wait for a bus trigger."""
    if not smu.waiting or smu.now.arm_source != "BUS":
        raise ScpiError(-211)
    _run(smu)


def _run(smu: Keithley2400State, *, to_end: bool = False) -> None:
    smu.waiting = False
    smu.operation.change(WAITING_FOR_ARM, False)
    smu.operation.change(IDLE, False)
    now = smu.now
    sweeps = now.from_memory or now.source[now.function].mode != "FIX"
    begin = smu.acquisition.run if to_end or sweeps else smu.acquisition.start
    begin(_steps(smu))


def _steps(smu: Keithley2400State) -> Iterator[float]:
    yield from _acquire(smu)
    smu.endless = smu.now.arm_count == ENDLESS
    smu.operation.change(IDLE, not smu.endless)


def _acquire(smu: Keithley2400State) -> Iterator[float]:
    found: list[Record] = []
    yield from acquire(smu, found)
    smu.last = found
    if smu.buffer.storing and smu.last:
        smu.measurement.latch(BUFFER_AVAILABLE)
    if smu.buffer.store(smu.last):
        smu.measurement.latch(BUFFER_FULL)


def readings(smu: Keithley2400State) -> list[Record]:
    """Return the latest readings; -230 if there are none."""
    smu.acquisition.finish()
    if smu.endless:
        smu.acquisition.run(_acquire(smu))
    if not smu.last:
        raise ScpiError(-230)
    return smu.last


def _fetch(smu: Keithley2400State, _: Call) -> Answer:
    """Write the readings; +830 with an arm count that never ends (page 18-118)."""
    if smu.now.arm_count == ENDLESS:
        raise ScpiError(830)
    return smu.format.encode([value for each in readings(smu) for value in each.numbers(smu.now.elements)])


def _read(smu: Keithley2400State, call: Call) -> Answer:
    """Start the trigger model and write its readings; -214 if it waits for something, +830 if it never ends."""
    if smu.now.arm_count == ENDLESS:
        raise ScpiError(830)
    if not smu.now.starts_at_once:
        raise ScpiError(-214)
    initiate(smu, to_end=True)
    return _fetch(smu, call)


def _latest(smu: Keithley2400State, _: Call) -> str:
    return ",".join(map(values.nr3, readings(smu)[-1].numbers(smu.now.elements)))


def _configure(smu: Keithley2400State, function: str) -> None:
    """Make ready for one reading of a function: the trap of ``:MEAS?``, it turns the output on (page 17-3)."""
    now = smu.now
    now.measured = {function}
    now.arm_count = now.trigger_count = 1
    now.trigger_delay_s = 0.0
    now.arm_source = now.trigger_source = "IMM"
    now.autozero = True
    now.sense[function].auto = True
    smu.switch(True)


def _of_function(function: str, short: str) -> tuple[Command, ...]:
    def measure(smu: Keithley2400State, call: Call) -> Answer:
        _configure(smu, short)
        return _read(smu, call)

    return (
        setting.action(f":CONFigure:{function}", lambda smu: _configure(smu, short)),
        setting.query(f":MEASure:{function}", measure),
    )


def _count(pattern: str, key: str, other: str, endless: bool) -> Command:
    """Declare one of the two counts, whose product is the number of readings of a start."""
    plain = kinds.integer(1, LONGEST_LIST, 1)

    def read(texts: list[str], _: bool) -> int:
        if endless and values.matches(texts[0], "INFinite"):
            return ENDLESS
        return values.integer(texts[0], 1, LONGEST_LIST, 1)

    def store(smu: Keithley2400State, _: Call, count: int) -> None:
        if count * getattr(smu.now, other) > LONGEST_LIST:
            raise ScpiError(-222)
        setattr(smu.now, key, count)

    kind = Kind(read, lambda count: values.nr3(OVERFLOW) if count == ENDLESS else str(count), named=plain.named)
    return kind.command(pattern, store, lambda smu, _: getattr(smu.now, key))


_TRIG, _ARM = ":TRIGger[:SEQuence#]", ":ARM[:SEQuence#][:LAYer#]"

COMMANDS: tuple[Command, ...] = (
    setting.action(":INITiate[:IMMediate]", initiate),
    setting.action(":ABORt", lambda smu: smu.abort()),
    setting.query(":READ", _read),
    setting.query(":FETCh", _fetch),
    setting.query("[:SENSe#]:DATA[:LATest]", _latest),
    *_of_function("VOLTage[:DC]", "VOLT"),
    *_of_function("CURRent[:DC]", "CURR"),
    *_of_function("RESistance", "RES"),
    _count(_TRIG + ":COUNt", "trigger_count", "arm_count", endless=False),
    _count(_ARM + ":COUNt", "arm_count", "trigger_count", endless=True),
    *setting.attributes(
        {
            _TRIG + ":DELay": ("trigger_delay_s", kinds.number(0.0, 999.9999, 0.0)),
            _TRIG + ":SOURce": ("trigger_source", kinds.choice("IMMediate", "TLINk")),
            _ARM + ":SOURce": ("arm_source", kinds.choice(*ARM_SOURCES)),
            _ARM + ":TIMer": ("arm_timer_s", kinds.number(1e-3, 99999.99, 0.1)),
        }
    ),
)
