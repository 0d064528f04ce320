"""IEEE 488.2 status reporting: what went wrong, the error queue, event registers and the bytes that sum them up.

Codes and texts are those of SCPI-99, volume 2, chapter 21.8; an instrument adds its own.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

TEXTS: Mapping[int, str] = {
    0: "No error",
    -101: "Invalid character",
    -102: "Syntax error",
    -104: "Data type error",
    -108: "Parameter not allowed",
    -109: "Missing parameter",
    -113: "Undefined header",
    -114: "Header suffix out of range",
    -121: "Invalid character in number",
    -123: "Exponent too large",
    -128: "Numeric data not allowed",
    -131: "Invalid suffix",
    -141: "Invalid character data",
    -151: "Invalid string data",
    -171: "Invalid expression",
    -200: "Execution error",
    -211: "Trigger ignored",
    -213: "Init ignored",
    -214: "Trigger deadlock",
    -221: "Settings conflict",
    -222: "Parameter data out of range",
    -223: "Too much data",
    -224: "Illegal parameter value",
    -230: "Data corrupt or stale",
    -241: "Hardware missing",
    -250: "Mass storage error",
    -256: "File name not found",
    -310: "System error",
    -350: "Queue overflow",
}
POWER_ON, COMMAND, EXECUTION, DEVICE, QUERY, COMPLETE = 128, 32, 16, 8, 4, 1
"""Bits of the standard event register."""


class ScpiError(Exception):
    """What an instrument finds wrong with a command; it ends in the error queue, never at the caller."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@dataclass
class Register:
    """A condition with its latched events and the mask that lets them into the status byte."""

    condition: int = 0
    event: int = 0
    enable: int = 0

    def latch(self, bits: int) -> None:
        """Note that something happened."""
        self.event |= bits

    def change(self, bits: int, on: bool) -> None:
        """Set or clear bits of the condition; each that becomes 1 is an event."""
        before = self.condition
        self.condition = before | bits if on else before & ~bits
        self.event |= ~before & self.condition & 0x7FFF

    def take(self) -> int:
        """Return the events and clear them, as reading does."""
        event, self.event = self.event, 0
        return event

    @property
    def summary(self) -> bool:
        """Whether an enabled event is latched."""
        return bool(self.event & self.enable)


@dataclass
class Status:
    """The error queue and the standard event register of one instrument.

    Parameters
    ----------
    depth : int
        How many errors the queue holds; one more turns the last into -350.
    """

    depth: int = 10
    errors: deque[int] = field(default_factory=deque)
    standard: Register = field(default_factory=lambda: Register(event=POWER_ON))
    service_enable: int = 0

    def report(self, code: int) -> None:
        """Put an error into the queue and latch its class."""
        if len(self.errors) >= self.depth:
            self.errors[-1] = -350
        else:
            self.errors.append(code)
        classes = {1: COMMAND, 2: EXECUTION, 3: DEVICE, 4: QUERY}
        self.standard.latch(EXECUTION if code > 0 else classes.get(-code // 100, DEVICE))

    def next_error(self) -> int:
        """Return the oldest error and forget it; 0 if there is none."""
        return self.errors.popleft() if self.errors else 0

    def clear(self) -> None:
        """Forget all errors and events, as ``*CLS`` does."""
        self.errors.clear()
        self.standard.event = 0
