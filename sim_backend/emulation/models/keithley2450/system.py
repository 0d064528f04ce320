"""Commands of an emulated Keithley 2450 for system, status, display and formats."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...scpi import format as scpi_format
from ...scpi import sense, values
from ...scpi import settings as setting
from ...scpi.messages import Call, Command, clear_errors, error_count
from ...scpi.status import ScpiError
from .buffer import BINARY_REFUSES, FULL

if TYPE_CHECKING:
    from .model import EmulatedKeithley2450

TEXTS: Mapping[int, str] = {
    BINARY_REFUSES: "Parameter 4, Syntax error, expected valid name parameters",
    FULL: "Attempting to store past capacity of reading buffer",
}
SCREENS = (
    "ACTive", "HOME", "HOME_LARGe_reading", "READing_table", "GRAPh", "HISTogram", "GRAPH_SWIPE", "SETTINGS_SWIPE",
    "SOURCE_SWIPE", "STATISTICS_SWIPE", "USER_SWIPE", "PLOT_SWIPE", "PROCessing", "QUICksetup", "CONFIGURE_SWIPE",
)  # fmt: skip
LIGHTS = ("ON100", "ON75", "ON50", "ON25", "OFF", "BLACkout")


@dataclass
class Panel:
    """Front panel, lines and interfaces: what ``*RST`` leaves alone, and does nothing here."""

    texts: dict[int, str] = field(default_factory=lambda: {1: "", 2: ""})
    light: str = "ON50"
    reading_format: str = "PREF"
    screen: str = "HOME"
    active_buffer: str = "defbuffer1"
    access: str = "FULL"
    power_on: str = "RST"
    gpib: int = 18
    fan: str = "NORM"
    posted: list[str] = field(default_factory=list)
    lines: dict[tuple[str, tuple[int, ...]], str] = field(default_factory=dict)
    catalogs: dict[str, int] = field(default_factory=dict)
    maps: dict[tuple[str, int], str] = field(default_factory=dict)
    levels: dict[int, str] = field(default_factory=dict)
    continuous: str = "AUTO"


def _panel(smu: "EmulatedKeithley2450", _: Call) -> object:
    return smu.panel


def _set_terminals(smu: "EmulatedKeithley2450", call: Call) -> None:
    """Choose front or rear terminals, which turns the output off; both are the same nodes here."""
    chosen = values.choice(call.expect(1)[0], ("FRONt", "REAR"))
    if chosen != smu.terminals:
        smu.switch(False)
    smu.terminals = chosen


def _set_language(_: "EmulatedKeithley2450", call: Call) -> None:
    """Take the command set that the next power-on would bring; this one stays."""
    values.choice(call.expect(1)[0], ("SCPI", "SCPI2400", "TSP"))


def _beep(_: "EmulatedKeithley2450", call: Call) -> None:
    frequency, seconds = call.expect(2)
    values.bounded(frequency, 20.0, 8000.0)
    values.bounded(seconds, 0.001, 100.0)


def _set_time(_: "EmulatedKeithley2450", call: Call) -> None:
    """Take a date; the clock of the bench goes on by itself."""
    for text in call.expect(1, 6):
        values.number(text)


def _post(smu: "EmulatedKeithley2450", call: Call) -> None:
    arguments = call.expect(1, 2)
    smu.panel.posted.append(values.string(arguments[0]))


def _next_event(smu: "EmulatedKeithley2450", call: Call) -> str:
    call.expect(0, 1)
    if smu.panel.posted:
        return f'0,"{smu.panel.posted.pop(0)};4;0 0"'
    return smu.error_text(smu.status.next_error())


def _event_count(smu: "EmulatedKeithley2450", call: Call) -> str:
    call.expect(0, 1)
    return str(len(smu.status.errors) + len(smu.panel.posted))


def _clear_events(smu: "EmulatedKeithley2450") -> None:
    smu.status.errors.clear()
    smu.panel.posted.clear()


def _clear_status(smu: "EmulatedKeithley2450") -> None:
    for each in smu.registers():
        each.event = 0
    smu.status.clear()


def _map(pattern: str) -> Command:
    """Declare which events set and clear a bit of a register; stored only."""

    def write(smu: "EmulatedKeithley2450", call: Call) -> None:
        bit, *events = call.expect(2, 3)
        numbers = [values.integer(each, 0, 10_000) for each in events]
        smu.panel.maps[pattern, values.integer(bit, 0, 14)] = ",".join(map(str, [*numbers, 0][:2]))

    def query(smu: "EmulatedKeithley2450", call: Call) -> str:
        return smu.panel.maps.get((pattern, values.integer(call.expect(1)[0], 0, 14)), "0,0")

    return Command(pattern, write, query)


def _set_text(smu: "EmulatedKeithley2450", call: Call) -> None:
    text, line = values.string(call.expect(1)[0]), call.suffixes[0]
    if len(text) > (20, 32)[line - 1]:
        raise ScpiError(-223)
    smu.panel.texts[line] = text


def _set_level(smu: "EmulatedKeithley2450", call: Call) -> None:
    smu.panel.levels[call.suffixes[0]] = str(int(values.boolean(call.expect(1)[0])))


_DIGITS = (
    setting.integer(f":DISPlay:{name}:DIGits", "digits", 3, 6, 5, of=sense.of_function(function))
    for function, name in sense.NAMES.items()
)

COMMANDS: tuple[Command, ...] = (
    Command("*LANG", _set_language, lambda *_: "SCPI"),
    *scpi_format.commands(
        {"ASCii": scpi_format.TEXT, "REAL": scpi_format.DOUBLE, "SREal": scpi_format.SINGLE},
        {scpi_format.TEXT: "ASC", scpi_format.DOUBLE: "REAL", scpi_format.SINGLE: "SRE"},
    ),
    setting.integer(":FORMat:ASCii:PRECision", "precision", 0, 16, 0),
    *setting.register(":STATus:OPERation", "operation"),
    *setting.register(":STATus:QUEStionable", "questionable"),
    _map(":STATus:OPERation:MAP"),
    _map(":STATus:QUEStionable:MAP"),
    setting.action(":STATus:CLEar", _clear_status),
    Command(":ROUTe:TERMinals", _set_terminals, lambda smu, _: smu.terminals),
    setting.action(":SYSTem:CLEar", _clear_events),
    Command(":SYSTem:ERRor:CLEar", clear_errors),
    Command(":SYSTem:ERRor:COUNt", query=error_count),
    Command(":SYSTem:EVENtlog:COUNt", query=_event_count),
    Command(":SYSTem:EVENtlog:NEXT", query=_next_event),
    Command(":SYSTem:EVENtlog:POST", _post),
    Command(":SYSTem:LFRequency", query=lambda smu, _: str(round(smu.line_hz))),
    Command(":SYSTem:BEEPer[:IMMediate]", _beep),
    setting.choice(":SYSTem:ACCess", "access", "FULL", "EXCLusive", "PROTected", "LOCKout", of=_panel),
    setting.choice(":SYSTem:POSetup", "power_on", "RST", *(f"SAV{n}" for n in range(5)), of=_panel),
    setting.integer(":SYSTem:GPIB:ADDRess", "gpib", 1, 30, of=_panel),
    setting.choice(":SYSTem:FAN:LEVel", "fan", "NORMal", "QUIet", of=_panel),
    setting.constant(":SYSTem:COMMunication:LAN:CONFigure", '"auto,127.0.0.1,255.0.0.0,0.0.0.0"'),
    setting.constant(":SYSTem:COMMunication:LAN:MACaddress", '"00:00:00:00:00:00"'),
    Command(":SYSTem:PASSword:NEW", lambda _, call: values.string(call.expect(1)[0])),
    Command(":SYSTem:TIME", _set_time, lambda smu, _: str(int(smu.world.clock.now()))),
    setting.action(":DISPlay:CLEar", lambda smu: smu.panel.texts.update({1: "", 2: ""})),
    *_DIGITS,
    setting.choice(":DISPlay:LIGHt:STATe", "light", *LIGHTS, of=_panel),
    setting.choice(":DISPlay:READing:FORMat", "reading_format", "EXPonent", "PREFix", of=_panel),
    setting.choice(":DISPlay:SCReen", "screen", *SCREENS, of=_panel),
    Command(":DISPlay:USER{1-2}:TEXT[:DATA]", _set_text),
    Command(":DIGital:LINE{1-6}:STATe", _set_level, lambda smu, call: smu.panel.levels.get(call.suffixes[0], "1")),
    Command(":DIGital:LINE{1-6}:MODE", lambda *_: None, lambda *_: "DIG,IN"),
    setting.constant(":DIGital:READ", "63"),
    Command(":DIGital:WRITe", lambda _, call: values.integer(call.expect(1)[0], 0, 63)),
)
"""What concerns the panel, interfaces and digital lines is stored only; scripts are not emulated."""
