"""What every emulated SCPI instrument does: act on messages by a table of commands, and report as IEEE 488.2 asks.

Commands that stand before an erroneous one in a message are carried out. A command error (-100 to -199) ends the
message; an execution error is reported and the message goes on, as IEEE 488.2 section 6.1.7 allows, unless a manual
says that every error ends it. Every answer of one message comes in one line, joined with semicolons.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import ClassVar

from crossbar_hil.errors import CrossbarError

from ..world.instrument import EmulatedInstrument
from ..world.world import World
from . import syntax
from .common import COMMON
from .messages import Answer, Call, Command, Stored
from .status import TEXTS, Register, ScpiError, Status


class EmulatedScpiInstrument(EmulatedInstrument):
    """An instrument that follows a table of commands.

    A subclass names itself in `maker`, `model` and `firmware`, gives `commands`, and fills in `reset`.
    """

    maker = "KEITHLEY INSTRUMENTS INC."
    model = "MODEL 0"
    firmware = "1.0"
    commands: tuple[Command, ...] = ()
    texts: ClassVar[Mapping[int, str]] = MappingProxyType({})
    """Errors of this instrument that SCPI does not know."""
    queue_depth = 10
    most_suffix = 1
    """Largest numeric suffix of a header."""
    accepts_units = False
    """Whether numbers may carry units."""
    open_end = False
    """Whether a comma may follow the last argument."""
    every_error_ends_message = False
    """Whether an execution error too has the rest of its message ignored."""

    def __init__(self, world: World, name: str, serial: str = "1234567") -> None:
        super().__init__(world, name, serial)
        self.status = Status(depth=self.queue_depth)
        self.stored: Stored = {}
        """Values without effect that `reset` forgets."""
        self.kept: Stored = {}
        """Values without effect that ``*RST`` leaves alone."""

    def reset(self) -> None:
        """Bring the instrument to its ``*RST`` state."""
        raise NotImplementedError

    def trigger(self) -> None:
        """Act on ``*TRG``; an instrument that waits for none reports it."""
        raise ScpiError(-211)

    def error_text(self, code: int) -> str:
        """Write an error as ``SYST:ERR?`` answers it."""
        return f'{code:+d},"{self.text_of(code)}"'

    def apply(self) -> None:
        """Bring what was set to the terminals; called after every setting."""

    def before_command(self, header: str) -> None:
        """Make ready for a command."""

    def settings(self, call: Call) -> object:  # noqa: ARG002 - an instrument with channels needs it
        """Return the object whose attributes a command sets."""
        return self

    def status_bits(self) -> int:
        """Return the instrument's own bits of the status byte."""
        return 0

    def register_text(self, value: int) -> str:
        """Write the value of a status register."""
        return str(value)

    def registers(self) -> Iterable[Register]:
        """Return the instrument's own registers, which ``:STAT:PRES`` presets and ``*CLS`` clears."""
        return ()

    def receive(self, message: str) -> bytes:
        """Act on one message and return the line it makes the instrument say, or nothing."""
        answers: list[bytes] = []
        units, broken = syntax.units(message.strip(), self.open_end)
        for header, query, arguments in units:
            try:
                answer = self._carry_out(header, query, list(arguments))
            except ScpiError as error:
                self.status.report(error.code)
                if self.every_error_ends_message or -200 < error.code < 0:
                    break
            except CrossbarError as error:
                self.world.log.add(
                    self.world.clock.now(), "violation", what="the emulation failed", where=self.name, why=str(error)
                )
                self.status.report(-310)
                break
            else:
                if answer is not None:
                    answers.append(answer.encode() if isinstance(answer, str) else answer)
        else:
            if broken:
                self.status.report(broken)
        return b";".join(answers) + b"\n" if answers else b""

    def _carry_out(self, header: str, query: bool, arguments: list[str]) -> Answer | None:
        self.before_command(header)
        command, numbers = _find(type(self), header, query)
        call = Call(numbers, arguments)
        if query:
            return command.query(self, call) if command.query else None
        if command.write:
            command.write(self, call)
        return None

    def report(self, code: int, text: str) -> None:  # noqa: ARG002 - every code has a text of its own
        """Put an error into the queue."""
        self.status.report(code)

    def text_of(self, code: int) -> str:
        """Return the text of an error."""
        return self.texts.get(code) or TEXTS.get(code, "Device-specific error")

    def status_byte(self) -> int:
        """Return the status byte, with the master summary in bit 6."""
        byte = self.status_bits() | (4 if self.status.errors else 0) | (32 if self.status.standard.summary else 0)
        return byte | (64 if byte & self.status.service_enable & ~64 else 0)

    def identity(self) -> str:
        """Return what ``*IDN?`` answers."""
        return f"{self.maker},{self.model},{self.serial},{self.firmware}"


@lru_cache(maxsize=4096)
def _find(kind: type[EmulatedScpiInstrument], header: str, query: bool) -> tuple[Command, tuple[int, ...]]:
    """Return the first command of a table that a header fits and that can be asked or set, and its suffixes."""
    code = -113
    for command in (*kind.commands, *COMMON):
        if not (command.query if query else command.write):
            continue
        try:
            numbers = syntax.suffixes(command.pattern, header, kind.most_suffix)
        except ScpiError as error:
            code = error.code
            continue
        if numbers is not None:
            return command, numbers
    raise ScpiError(code)
