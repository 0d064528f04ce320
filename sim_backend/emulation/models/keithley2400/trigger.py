"""Commands of an emulated Keithley 2400 that start readings and fetch them, and those of its trigger model."""

from typing import TYPE_CHECKING

from ...scpi import settings as setting
from ...scpi import values
from ...scpi.messages import Answer, Call, Command
from ...scpi.source import LONGEST_LIST
from ...scpi.status import ScpiError
from ...scpi.values import OVERFLOW

if TYPE_CHECKING:
    from .model import EmulatedKeithley2400

ARM_SOURCES = ("IMMediate", "TIMer", "BUS", "MANual", "TLINk", "NSTest", "PSTest", "BSTest")
ENDLESS = 0
"""Arm count for ``INFinite``."""


def _count(pattern: str, key: str, other: str) -> Command:
    """Declare one of the two counts, whose product is the number of readings of a start."""

    def write(smu: "EmulatedKeithley2400", call: Call) -> None:
        text = call.expect(1)[0]
        if key == "arm_count" and values.matches(text, "INFinite"):
            smu.now.arm_count = ENDLESS
            return
        count = values.integer(text, 1, LONGEST_LIST, 1)
        if count * getattr(smu.now, other) > LONGEST_LIST:
            raise ScpiError(-222)
        setattr(smu.now, key, count)

    def query(smu: "EmulatedKeithley2400", call: Call) -> str:
        if call.expect(0, 1):
            return str(round(setting.named_bound(call.arguments[0], 1, LONGEST_LIST, 1)))
        count = getattr(smu.now, key)
        return values.nr3(OVERFLOW) if count == ENDLESS else str(count)

    return Command(pattern, write, query)


def _read(smu: "EmulatedKeithley2400", call: Call) -> Answer:
    call.expect(0)
    return smu.read()


def _fetch(smu: "EmulatedKeithley2400", call: Call) -> Answer:
    call.expect(0)
    return smu.fetched()


def _latest(smu: "EmulatedKeithley2400", call: Call) -> str:
    call.expect(0)
    return ",".join(map(values.nr3, smu.readings()[-1].numbers(smu.now.elements)))


def _configure(function: str, short: str) -> Command:
    def write(smu: "EmulatedKeithley2400", call: Call) -> None:
        call.expect(0)
        smu.configure(short)

    return Command(f":CONFigure:{function}", write)


def _configured(smu: "EmulatedKeithley2400", call: Call) -> str:
    call.expect(0)
    return ",".join(f'"{each}"' for each in ("VOLT", "CURR", "RES") if each in smu.now.measured) or '""'


def _measure(function: str, short: str) -> Command:
    def query(smu: "EmulatedKeithley2400", call: Call) -> Answer:
        call.expect(0)
        smu.configure(short)
        return smu.read()

    return Command(f":MEASure:{function}", query=query)


def _measure_again(smu: "EmulatedKeithley2400", call: Call) -> Answer:
    """Answer ``:MEAS?`` without a function: the one measured now, else current."""
    call.expect(0)
    smu.configure(next((each for each in ("CURR", "VOLT", "RES") if each in smu.now.measured), "CURR"))
    return smu.read()


_TRIG, _ARM = ":TRIGger[:SEQuence#]", ":ARM[:SEQuence#][:LAYer#]"
_LINE = "[:TCONfigure][:ASYNchronous]"

COMMANDS: tuple[Command, ...] = (
    setting.action(":INITiate[:IMMediate]", lambda smu: smu.initiate()),
    setting.action(":ABORt", lambda smu: smu.abort()),
    Command(":READ", query=_read),
    Command(":FETCh", query=_fetch),
    Command("[:SENSe#]:DATA[:LATest]", query=_latest),
    Command(":CONFigure", query=_configured),
    Command(":MEASure", query=_measure_again),
    *(
        make(function, short)
        for make in (_configure, _measure)
        for function, short in (("VOLTage[:DC]", "VOLT"), ("CURRent[:DC]", "CURR"), ("RESistance", "RES"))
    ),
    setting.action(":TRIGger:CLEar"),
    _count(_TRIG + ":COUNt", "trigger_count", "arm_count"),
    setting.number(_TRIG + ":DELay", "trigger_delay_s", 0.0, 999.9999, 0.0),
    setting.choice(_TRIG + ":SOURce", "trigger_source", "IMMediate", "TLINk"),
    setting.choice(_TRIG + "[:TCONfigure]:DIRection", "trigger_direction", "SOURce", "ACCeptor"),
    *(
        setting.choices(_TRIG + _LINE + node, key, "SOURce", "DELay", "SENSe", "NONE")
        for node, key in ((":INPut", "trigger_input"), (":OUTPut", "trigger_output"))
    ),
    setting.integer(_TRIG + _LINE + ":ILINe", "trigger_in", 1, 4, 1),
    setting.integer(_TRIG + _LINE + ":OLINe", "trigger_out", 1, 4, 2),
    setting.choice(":TRIGger:SEQuence2:SOURce", "contact_source", "CCHeck", "IMMediate"),
    setting.number(":TRIGger:SEQuence2:TOUT", "contact_timeout_s", 0.0, 999.99, 0.0),
    _count(_ARM + ":COUNt", "arm_count", "trigger_count"),
    setting.choice(_ARM + ":SOURce", "arm_source", *ARM_SOURCES),
    setting.number(_ARM + ":TIMer", "arm_timer_s", 1e-3, 99999.99, 0.1),
    setting.choice(_ARM + "[:TCONfigure]:DIRection", "arm_direction", "SOURce", "ACCeptor"),
    setting.choices(_ARM + _LINE + ":OUTPut", "arm_output", "TENTer", "TEXit", "NONE"),
    setting.integer(_ARM + _LINE + ":ILINe", "arm_in", 1, 4, 1),
    setting.integer(_ARM + _LINE + ":OLINe", "arm_out", 1, 4, 2),
)
"""A source that is neither immediate nor the timer makes the trigger model wait, until ``*TRG`` (BUS) or ``:ABOR``."""
