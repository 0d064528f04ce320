"""Commands that every instrument has: those of IEEE 488.2, the error queue and the version of SCPI.

Every operation here ends before the next command begins, so ``*OPC`` and ``*WAI`` have nothing to wait for.
"""

from typing import Any

from .kinds import integer
from .messages import Command, error_count
from .settings import action, attribute
from .status import COMPLETE


def clear_status(self: Any) -> None:
    """Forget all errors and events."""
    self.status.clear()
    for each in self.registers():
        each.event = 0


def _preset(self: Any) -> None:
    for each in self.registers():
        each.enable = 0


def _take_errors(self: Any) -> list[int]:
    """Empty the error queue; 0 if it is empty already."""
    codes = list(self.status.errors) or [0]
    self.status.errors.clear()
    return codes


COMMON = (
    Command("*IDN", query=lambda self, _: self.identity()),
    action("*RST", lambda self: self.reset()),
    action("*CLS", clear_status),
    Command("*TST", query=lambda *_: "0"),
    action("*TRG", lambda self: self.trigger()),
    action("*OPC", lambda self: self.status.standard.latch(COMPLETE)),
    Command("*OPC", query=lambda *_: "1"),
    action("*WAI"),
    Command("*ESR", query=lambda self, _: str(self.status.standard.take())),
    Command("*STB", query=lambda self, _: str(self.status_byte())),
    attribute("*ESE", "enable", integer(0, 255), lambda self, _: self.status.standard),
    attribute("*SRE", "service_enable", integer(0, 255), lambda self, _: self.status),
    Command(":SYSTem:ERRor[:NEXT]", query=lambda self, _: self.error_text(self.status.next_error())),
    Command(":SYSTem:ERRor:ALL", query=lambda self, _: ",".join(map(self.error_text, _take_errors(self)))),
    Command(":SYSTem:ERRor:COUNt", query=error_count),
    Command(":SYSTem:ERRor:CODE[:NEXT]", query=lambda self, _: str(self.status.next_error())),
    Command(":SYSTem:ERRor:CODE:ALL", query=lambda self, _: ",".join(map(str, _take_errors(self)))),
    Command(":SYSTem:VERSion", query=lambda *_: "1996.0"),
    action(":STATus:PRESet", _preset),
)
