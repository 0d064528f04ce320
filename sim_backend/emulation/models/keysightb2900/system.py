"""Commands of an emulated Keysight B2900 for formats, status, system, display and digital lines.

Names are those of the B2900 SCPI command reference, edition 2. Files, programs and screen dumps are not emulated.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...scpi import format as scpi_format
from ...scpi import settings as setting
from ...scpi import values
from ...scpi.format import DOUBLE, SINGLE, TEXT
from ...scpi.messages import Call, Command, clear_errors, error_count
from ...scpi.status import ScpiError

if TYPE_CHECKING:
    from .model import EmulatedKeysightB2900

ELEMENTS = ("VOLTage", "CURRent", "RESistance", "TIME", "STATus", "SOURce")
CALCULATED = ("CALC", "TIME", "STATus")


@dataclass
class Panel:
    """Front panel, lines and interfaces: what ``*RST`` leaves alone, and does nothing here."""

    register_base: str = "ASC"
    digital_base: str = "ASC"
    outputs: dict[tuple[str, tuple[int, ...]], bool] = field(default_factory=dict)
    signals: dict[tuple[str, tuple[int, ...]], str] = field(default_factory=dict)
    lan: dict[str, str] = field(default_factory=dict)
    lit: bool = True
    digits: int = 6
    view: str = "SING1"
    zoom: bool = False
    colors: int = 1
    texts: dict[int, str] = field(default_factory=dict)
    shown: dict[int, bool] = field(default_factory=dict)
    beeper: bool = True
    date: str = "+2000,+1,+1"
    time: str = "+0,+0,+0"
    fan: str = "NORM"
    language: str = "DEF"
    power_on: str = "RST"
    group: str = "(@1)"
    locked: bool = False
    timer_auto: bool = True
    lines: int = 0
    functions: dict[int, str] = field(default_factory=dict)


def _panel(smu: "EmulatedKeysightB2900", _: Call) -> object:
    return smu.panel


def _set_elements(smu: "EmulatedKeysightB2900", call: Call) -> None:
    smu.elements = tuple(dict.fromkeys(values.choice(text, ELEMENTS) for text in call.expect(1, len(ELEMENTS))))


def _set_calculated(smu: "EmulatedKeysightB2900", call: Call) -> None:
    wanted = {values.choice(text, CALCULATED) for text in call.expect(1, len(CALCULATED))}
    smu.calculated_elements = tuple(name for name in map(values.short, CALCULATED) if name in wanted)


def _set_line(smu: "EmulatedKeysightB2900", call: Call) -> None:
    wanted = values.number(call.expect(1)[0])
    if wanted not in (50, 60):
        raise ScpiError(-222)
    smu.line_hz = wanted


def _reset_time(smu: "EmulatedKeysightB2900") -> None:
    smu.started_s = smu.world.clock.now()


def _beep(_: "EmulatedKeysightB2900", call: Call) -> None:
    frequency, seconds = call.expect(2)
    values.bounded(frequency, 55.0, 6640.0)
    values.bounded(seconds, 0.05, 12.75)


def _triple(key: str) -> Command:
    """Declare date or time, three numbers that the clock of the bench does not follow."""

    def write(smu: "EmulatedKeysightB2900", call: Call) -> None:
        setattr(smu.panel, key, ",".join(f"{values.integer(text, 0, 9999):+d}" for text in call.expect(3)))

    return Command(f":SYSTem:{key.upper()}", write, lambda smu, _: getattr(smu.panel, key))


def _set_group(smu: "EmulatedKeysightB2900", call: Call) -> None:
    text = call.expect(1)[0]
    values.channel_items(text)
    smu.panel.group = text


def _set_text(smu: "EmulatedKeysightB2900", call: Call) -> None:
    text = values.string(call.expect(1)[0])
    if len(text) > 32:
        raise ScpiError(-223)
    smu.panel.texts[call.suffixes[0]] = text


def _show_text(smu: "EmulatedKeysightB2900", call: Call) -> None:
    smu.panel.shown[call.suffixes[0]] = values.boolean(call.expect(1)[0])


def _set_lines(smu: "EmulatedKeysightB2900", call: Call) -> None:
    smu.panel.lines = values.integer(call.expect(1)[0], 0, 16383)


def _set_line_function(smu: "EmulatedKeysightB2900", call: Call) -> None:
    names = ("DIO", "DINPut", "TOUT", "TINPut", "HVOL", "BUSY", "EOT", "SOT")
    smu.panel.functions[call.suffixes[-1]] = values.choice(call.expect(1)[0], names)


def _count(smu: "EmulatedKeysightB2900", call: Call) -> str:
    """Answer how many errors are in the queue, with a sign."""
    return f"+{error_count(smu, call)}"


_WINDOW = ":DISPlay[:WINDow{1-2}]"

COMMANDS: tuple[Command, ...] = (
    *scpi_format.commands(
        {"ASCii": TEXT, "REAL": DOUBLE, "REAL,32": SINGLE, "REAL32": SINGLE, "REAL,64": DOUBLE, "REAL64": DOUBLE},
        {TEXT: "ASC", SINGLE: "REAL,32", DOUBLE: "REAL,64"},
    ),
    Command(":FORMat:ELEMents:SENSe", _set_elements, lambda smu, _: ",".join(smu.elements)),
    Command(":FORMat:ELEMents:CALCulate", _set_calculated, lambda smu, _: ",".join(smu.calculated_elements)),
    setting.choice(":FORMat:SREGister", "register_base", *values.BASES, of=_panel),
    setting.choice(":FORMat:DIGital", "digital_base", *values.BASES, of=_panel),
    *(
        command
        for name, key in (("MEASurement", "measurement"), ("OPERation", "operation"), ("QUEStionable", "questionable"))
        for command in setting.register(f":STATus:{name}", key, transitions=True)
    ),
    setting.constant("*OPT", "0"),
    setting.constant("*CAL", "0"),
    Command(":SYSTem:ERRor:COUNt", query=_count),
    Command(":SYSTem:ERRor:CLEar", clear_errors),
    setting.action(":SYSTem:PRESet", lambda smu: smu.reset()),
    Command(":SYSTem:LFRequency", _set_line, lambda smu, _: str(round(smu.line_hz))),
    Command(":SYSTem:BEEPer[:IMMediate]", _beep),
    setting.flag(":SYSTem:BEEPer:STATe", "beeper", of=_panel),
    _triple("date"),
    _triple("time"),
    Command(":SYSTem:TIME:TIMer:COUNt", query=lambda smu, _: values.nr3(smu.world.clock.now() - smu.started_s)),
    setting.action(":SYSTem:TIME:TIMer:COUNt:RESet[:IMMediate]", _reset_time),
    setting.flag(":SYSTem:TIME:TIMer:COUNt:RESet:AUTO", "timer_auto", of=_panel),
    setting.choice(":SYSTem:FAN:MODE", "fan", "NORMal", "RACK", of=_panel),
    Command(":SYSTem:GROup[:DEFinition]", _set_group, lambda smu, _: smu.panel.group),
    setting.action(":SYSTem:GROup:RESet"),
    setting.constant(":SYSTem:INTerlock:TRIPped", "0"),
    setting.choice(":SYSTem:LANGuage", "language", "DEFault", "2400", of=_panel),
    setting.choice(":SYSTem:PON", "power_on", "RST", *(f"RCL{n}" for n in range(5)), of=_panel),
    *(setting.action(f":SYSTem:{node}") for node in ("LOCal", "REMote", "RWLock")),
    Command(":SYSTem:LOCK:REQuest", query=lambda *_: "1"),
    setting.action(":SYSTem:LOCK:RELease"),
    setting.constant(":SYSTem:LOCK:NAME", '""'),
    setting.constant(":SYSTem:LOCK:OWNer", '"NONE"'),
    setting.flag(":DISPlay:ENABle", "lit", of=_panel),
    setting.integer(":DISPlay:DIGits", "digits", 4, 7, 6, of=_panel),
    setting.choice(":DISPlay:VIEW", "view", "SINGle1", "SINGle2", "DUAL", "GRAPh", "ROLL", of=_panel),
    setting.flag(":DISPlay:ZOOM", "zoom", of=_panel),
    setting.integer(":DISPlay:CSET", "colors", 1, 2, 1, of=_panel),
    Command(
        f"{_WINDOW}:TEXT:DATA", _set_text, lambda smu, call: values.quoted(smu.panel.texts.get(call.suffixes[0], ""))
    ),
    Command(
        f"{_WINDOW}:TEXT:STATe", _show_text, lambda smu, call: str(int(smu.panel.shown.get(call.suffixes[0], False)))
    ),
    Command(f"{_WINDOW}:DATA", query=lambda smu, call: values.quoted(smu.panel.texts.get(call.suffixes[0], ""))),
    Command("[:SOURce]:DIGital:DATA", _set_lines, lambda smu, _: values.whole(smu.panel.lines, smu.panel.digital_base)),
    Command(
        "[:SOURce]:DIGital:EXTernal{1-14}:FUNCtion",
        _set_line_function,
        lambda smu, call: smu.panel.functions.get(call.suffixes[-1], "DIO"),
    ),
    setting.action(":LXI:IDENtify[:STATe]"),
)
"""All of it is stored only, but for formats, status, line frequency and timer."""
