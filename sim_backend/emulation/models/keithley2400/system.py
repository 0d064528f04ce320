"""Commands of an emulated Keithley 2400 for system, status, display, formats and digital lines."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...scpi import format as scpi_format
from ...scpi import settings as setting
from ...scpi import values
from ...scpi.messages import Call, Command, clear_errors
from ...scpi.status import ScpiError

if TYPE_CHECKING:
    from .model import EmulatedKeithley2400

ELEMENTS = ("VOLTage", "CURRent", "RESistance", "TIME", "STATus")
CALCULATED = ("CALC", "TIME", "STATus")
KEYS = range(1, 33)


@dataclass
class Panel:
    """Front panel and digital lines: what ``*RST`` leaves alone, and does nothing here."""

    lit: bool = True
    digits: int = 6
    texts: dict[int, str] = field(default_factory=lambda: {1: "", 2: ""})
    shown: dict[int, bool] = field(default_factory=lambda: {1: False, 2: False})
    beeper: bool = True
    click: bool = True
    key: int = 0
    power_on: str = "RST"
    locked: bool = False
    caching: bool = True
    range_change: str = "SING"
    holdoff: bool = False
    bits: int = 4
    lines: int = 15
    line4: str = "EOT"
    busy: bool = False
    lines_auto: bool = False
    lines_delay_s: float = 1e-4
    enabled: str = "(-440:+958)"
    disabled: str = "()"


def _panel(smu: "EmulatedKeithley2400", _: Call) -> object:
    return smu.panel


# ---------------------------------------------------------------------- display


def _window(window: int, pattern: str, longest: int) -> tuple[Command, ...]:
    def write(smu: "EmulatedKeithley2400", call: Call) -> None:
        text = values.string(call.expect(1)[0])
        if len(text) > longest:
            raise ScpiError(-223)
        smu.panel.texts[window] = text

    def show(smu: "EmulatedKeithley2400", call: Call) -> None:
        smu.panel.shown[window] = values.boolean(call.expect(1)[0])

    def data(smu: "EmulatedKeithley2400", call: Call) -> str:
        call.expect(0)
        if smu.panel.shown[window]:
            return values.quoted(smu.panel.texts[window])
        return values.quoted(",".join(map(values.nr3, smu.last[-1].numbers(("VOLT", "CURR")))) if smu.last else "")

    return (
        Command(f"{pattern}:TEXT[:DATA]", write, lambda smu, _: values.quoted(smu.panel.texts[window])),
        Command(f"{pattern}:TEXT:STATe", show, lambda smu, _: str(int(smu.panel.shown[window]))),
        Command(f"{pattern}:DATA", query=data),
        setting.constant(f"{pattern}:ATTRibutes", values.quoted("0" * longest)),
    )


# ---------------------------------------------------------------------- system


def _preset(smu: "EmulatedKeithley2400") -> None:
    """Return to the state of the bench, which differs from ``*RST`` in the order of bytes (note of table 18-3)."""
    smu.reset()
    smu.format.swapped = True


def _set_line(smu: "EmulatedKeithley2400", call: Call) -> None:
    wanted = values.number(call.expect(1)[0])
    if wanted not in (50, 60):
        raise ScpiError(-222)
    smu.line_hz, smu.line_auto = wanted, False


def _reset_time(smu: "EmulatedKeithley2400") -> None:
    smu.started_s = smu.world.clock.now()


def _beep(_: "EmulatedKeithley2400", call: Call) -> None:
    for text in call.expect(1, 2):
        values.number(text)


def _message_list(key: str, other: str) -> Command:
    """Declare a list of error numbers that may enter the queue, or may not; stored only."""

    def write(smu: "EmulatedKeithley2400", call: Call) -> None:
        text = call.expect(1)[0]
        if not text.startswith("("):
            raise ScpiError(-104)
        setattr(smu.panel, key, text)
        setattr(smu.panel, other, "()")

    pattern = f":STATus:QUEue:{'ENABle' if key == 'enabled' else 'DISable'}"
    return Command(pattern, write, lambda smu, _: getattr(smu.panel, key))


def _set_elements(smu: "EmulatedKeithley2400", call: Call) -> None:
    wanted = {values.choice(text, ELEMENTS) for text in call.expect(1, len(ELEMENTS))}
    # The order of the reply is that of Figure 18-1, whatever the order of the list.
    smu.now.elements = tuple(name for name in map(values.short, ELEMENTS) if name in wanted)


def _set_calculated(smu: "EmulatedKeithley2400", call: Call) -> None:
    wanted = {values.choice(text, CALCULATED) for text in call.expect(1, len(CALCULATED))}
    smu.now.calculated_elements = tuple(name for name in map(values.short, CALCULATED) if name in wanted)


def _digital(smu: "EmulatedKeithley2400", _: Call) -> str:
    return values.whole(smu.panel.lines, smu.now.digital_base)


def _set_digital(smu: "EmulatedKeithley2400", call: Call) -> None:
    smu.panel.lines = values.integer(call.expect(1)[0], 0, (1 << smu.panel.bits) - 1)


COMMANDS: tuple[Command, ...] = (
    *scpi_format.commands(
        {
            "ASCii": scpi_format.TEXT,
            "REAL": scpi_format.SINGLE,
            "REAL,32": scpi_format.SINGLE,
            "SREal": scpi_format.SINGLE,
        },
        {scpi_format.TEXT: "ASC", scpi_format.SINGLE: "REAL"},
    ),
    Command(":FORMat:ELEMents[:SENSe#]", _set_elements, lambda smu, _: ",".join(smu.now.elements)),
    Command(":FORMat:ELEMents:CALCulate", _set_calculated, lambda smu, _: ",".join(smu.now.calculated_elements)),
    setting.choice(":FORMat:SREGister", "register_base", *values.BASES),
    setting.choice(":FORMat:SOURce2", "digital_base", *values.BASES),
    *setting.register(":STATus:MEASurement", "measurement"),
    *setting.register(":STATus:OPERation", "operation"),
    *setting.register(":STATus:QUEStionable", "questionable"),
    Command(":STATus:QUEue[:NEXT]", query=lambda smu, _: smu.error_text(smu.status.next_error())),
    Command(":STATus:QUEue:CLEar", clear_errors),
    _message_list("enabled", "disabled"),
    _message_list("disabled", "enabled"),
    Command(":SYSTem:CLEar", clear_errors),
    Command(":SYSTem:ERRor:CLEar", clear_errors),
    setting.action(":SYSTem:PRESet", _preset),
    setting.choice(":SYSTem:POSetup", "power_on", "RST", "PRESet", *(f"SAV{n}" for n in range(5)), of=_panel),
    Command(":SYSTem:LFRequency", _set_line, lambda smu, _: str(round(smu.line_hz))),
    setting.flag(":SYSTem:LFRequency:AUTO", "line_auto", of=setting.of_instrument),
    Command(":SYSTem:BEEPer[:IMMediate]", _beep),
    setting.flag(":SYSTem:BEEPer:STATe", "beeper", of=_panel),
    setting.flag(":SYSTem:KCLick", "click", of=_panel),
    setting.integer(":SYSTem:KEY", "key", KEYS[0], KEYS[-1], of=_panel),
    setting.flag(":SYSTem:CCHeck", "contact_check"),
    setting.number(":SYSTem:CCHeck:RESistance", "contact_ohm", 2.0, 50.0, 50.0),
    setting.flag(":SYSTem:AZERo:CACHing[:STATe]", "caching", of=_panel),
    setting.action(":SYSTem:AZERo:CACHing:REFResh"),
    setting.action(":SYSTem:AZERo:CACHing:RESet"),
    Command(":SYSTem:AZERo:CACHing:NPLCycles", query=lambda smu, _: values.nr3(smu.now.nplc)),
    Command(":SYSTem:TIME", query=lambda smu, _: values.nr3(smu.world.clock.now() - smu.started_s)),
    setting.action(":SYSTem:TIME:RESet", _reset_time),
    setting.flag(":SYSTem:TIME:RESet:AUTO", "time_reset_auto"),
    setting.action(":SYSTem:MEMory:INITialize", lambda smu: smu.source_memory.clear()),
    *(setting.action(f":SYSTem:{node}") for node in ("LOCal", "REMote")),
    setting.flag(":SYSTem:RWLock", "locked", of=_panel),
    setting.choice(":SYSTem:RCMode", "range_change", "SINGle", "MULTiple", of=_panel),
    setting.constant(":SYSTem:MEP[:STATe]", "1"),
    setting.flag(":SYSTem:MEP:HOLDoff", "holdoff", of=_panel),
    setting.constant("*OPT", "0"),
    setting.flag(":DISPlay:ENABle", "lit", of=_panel),
    setting.integer(":DISPlay:DIGits", "digits", 4, 7, 6, of=_panel),
    setting.action(":DISPlay:CNDisplay"),
    *_window(1, ":DISPlay[:WINDow#]", 20),
    *_window(2, ":DISPlay:WINDow2", 32),
    setting.integer(":SOURce2:BSIZe", "bits", 3, 4, 4, of=_panel),
    Command(":SOURce2:TTL[:LEVel][:DEFault]", _set_digital, _digital),
    Command(":SOURce2:TTL[:LEVel]:ACTual", query=_digital),
    setting.choice(":SOURce2:TTL4:MODE", "line4", "EOTest", "BUSY", of=_panel),
    setting.flag(":SOURce2:TTL4:BSTate", "busy", of=_panel),
    setting.action(":SOURce2:CLEar[:IMMediate]"),
    setting.flag(":SOURce2:CLEar:AUTO", "lines_auto", of=_panel),
    setting.number(":SOURce2:CLEar:AUTO:DELay", "lines_delay_s", 0.0, 60.0, 1e-4, of=_panel),
)
"""What concerns the panel, its keys, digital lines and contact check is stored only."""
