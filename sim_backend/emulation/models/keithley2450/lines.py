"""Timers, digital and LAN lines and blenders of an emulated Keithley 2450, which trigger models wait for.

Names are those of the Model 2450 reference manual, chapter 6. All but the timers are stored only.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...scpi import settings as setting
from ...scpi import values
from ...scpi.messages import Call, Command
from .arguments import event
from .settings import plain
from .timer import Timer

if TYPE_CHECKING:
    from .model import EmulatedKeithley2450


def _timer(smu: Any, call: Call) -> Timer:
    found: Timer = smu.trigger_model.timers[call.suffixes[0]]
    return found


def _clear_timer(smu: "EmulatedKeithley2450", call: Call) -> None:
    call.expect(0)
    _timer(smu, call).began_s = None


def _set_stimulus(smu: "EmulatedKeithley2450", call: Call) -> None:
    _timer(smu, call).stimulus = event(call.expect(1)[0])


def _line_setting(pattern: str, default: str, read: Callable[[str], str]) -> Command:
    """Declare a setting of a line or a blender that has nothing to act on here."""

    def write(smu: "EmulatedKeithley2450", call: Call) -> None:
        smu.panel.lines[pattern, call.suffixes] = read(call.expect(1)[0])

    return Command(pattern, write, lambda smu, call: smu.panel.lines.get((pattern, call.suffixes), default))


def _one_of(*names: str) -> Callable[[str], str]:
    return lambda text: values.choice(text, names)


def _time(text: str) -> str:
    return plain(values.bounded(text, 0.0, 1e5))


_T, _D, _L, _M = ":TRIGger:TIMer{1-4}", ":TRIGger:DIGital{1-6}", ":TRIGger:LAN{1-8}", ":TRIGger:BLENder{1-2}"

COMMANDS: tuple[Command, ...] = (
    Command(f"{_T}:CLEar", _clear_timer),
    setting.integer(f"{_T}:COUNt", "count", 0, 1_048_575, 1, of=_timer),
    setting.number(f"{_T}:DELay", "delay_s", 8e-6, 1e5, 1e-5, reply=plain, of=_timer),
    setting.flag(f"{_T}:STARt:GENerate", "at_start", of=_timer),
    setting.number(f"{_T}:STARt:SEConds", "start_s", 0.0, 2147483647.0, 0.0, reply=plain, of=_timer),
    setting.number(f"{_T}:STARt:FRACtional", "fraction_s", 0.0, 1.0, 0.0, reply=plain, of=_timer),
    Command(f"{_T}:STARt:STIMulus", _set_stimulus, lambda smu, call: _timer(smu, call).stimulus),
    setting.constant(f"{_T}:STARt:OVERrun", "0"),
    setting.flag(f"{_T}:STATe", "enabled", of=_timer),
    *(setting.constant(f"{each}:IN:OVERrun", "0") for each in (_D, _L)),
    *(Command(f"{each}:IN:CLEar", lambda *_: None) for each in (_D, _L)),
    *(_line_setting(f"{each}:IN:EDGE", "FALL", _one_of("FALLing", "RISing", "EITHer")) for each in (_D, _L)),
    *(_line_setting(f"{each}:OUT:LOGic", "NEG", _one_of("POSitive", "NEGative")) for each in (_D, _L)),
    *(_line_setting(f"{each}:OUT:STIMulus", "NONE", event) for each in (_D, _L)),
    _line_setting(f"{_D}:OUT:PULSewidth", "1E-05", _time),
    _line_setting(f"{_L}:OUT:CONNect:STATe", "0", lambda text: str(int(values.boolean(text)))),
    _line_setting(f"{_L}:OUT:IP:ADDRess", '"0.0.0.0"', lambda text: values.quoted(values.string(text))),
    _line_setting(f"{_L}:OUT:PROTocol", "TCP", _one_of("TCP", "UDP", "MULTicast")),
    Command(f"{_M}:CLEar", lambda *_: None),
    _line_setting(f"{_M}:MODE", "AND", _one_of("AND", "OR")),
    setting.constant(f"{_M}:OVERrun", "0"),
    _line_setting(f"{_M}:STIMulus{{1-4}}", "NONE", event),
)
