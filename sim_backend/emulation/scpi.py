"""What every emulated SCPI instrument does: act on messages by a table of commands, and report as IEEE 488.2 asks.

Commands that stand before an erroneous one in a message are carried out. A command error (-100 to -199) ends the
message, as the Keithley 2400 user's manual says on page 14-12; an execution error is reported and the message goes on,
as IEEE 488.2 section 6.1.7 allows. Every answer of one message comes in one line, joined with semicolons.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

from crossbar_hil.errors import CrossbarError

from . import scpi_syntax as syntax
from . import scpi_values as values
from .instrument import EmulatedInstrument
from .scpi_status import COMPLETE, TEXTS, ScpiError, Status
from .world import World


@dataclass(frozen=True, slots=True)
class Call:
    """One command as it was sent."""

    suffixes: tuple[int, ...]
    """Numeric suffixes of the header, in order; 1 where left out."""
    arguments: list[str]

    def expect(self, least: int, most: int | None = None) -> list[str]:
        """Return the arguments if there are as many as there must be; `most` defaults to `least`."""
        if len(self.arguments) < least:
            raise ScpiError(-109)
        if len(self.arguments) > (least if most is None else most):
            raise ScpiError(-108)
        return self.arguments


Write = Callable[[Any, Call], None]
Query = Callable[[Any, Call], str]


@dataclass(frozen=True, slots=True)
class Command:
    """One line of an instrument's table: how the header is written, what setting it does, what asking it answers."""

    pattern: str
    write: Write | None = None
    query: Query | None = None


class ScpiInstrument(EmulatedInstrument):
    """An instrument that follows a table of commands.

    A subclass names itself in `maker`, `model` and `firmware`, gives `commands`, and fills in `reset`.
    """

    maker = "KEITHLEY INSTRUMENTS INC."
    model = "MODEL 0"
    firmware = "1.0"
    commands: tuple[Command, ...] = ()
    texts: ClassVar[dict[int, str]] = {}
    """Errors of this instrument that SCPI does not know."""
    queue_depth = 10
    most_suffix = 1
    """Largest numeric suffix of a header."""
    accepts_units = False
    """Whether numbers may carry units."""

    def __init__(self, world: World, name: str, serial: str = "1234567") -> None:
        super().__init__(world, name, serial)
        self.status = Status(depth=self.queue_depth)

    # ------------------------------------------------------------------ what a subclass says

    def reset(self) -> None:
        """Bring the instrument to its ``*RST`` state."""
        raise NotImplementedError

    def trigger(self) -> None:
        """Act on ``*TRG``; an instrument that waits for none reports it."""
        raise ScpiError(-210)

    def error_text(self, code: int) -> str:
        """Write an error as ``SYST:ERR?`` answers it."""
        return f'{code:+d},"{self.text_of(code)}"'

    def apply(self) -> None:
        """Bring what was set to the terminals; called after every setting."""

    def settings(self, call: Call) -> object:  # noqa: ARG002 - an instrument with channels needs it
        """Return the object whose attributes a command sets."""
        return self

    def status_bits(self) -> int:
        """Return the instrument's own bits of the status byte."""
        return 0

    def preset_status(self) -> None:
        """Act on ``:STAT:PRES``: whatever the subclass's own registers need."""

    # ------------------------------------------------------------------ messages

    def receive(self, message: str) -> bytes:
        """Act on one message and return the line it makes the instrument say, or nothing."""
        answers: list[str] = []
        path = ""
        parts, broken = syntax.scanned(message.strip(), ";")
        for unit in parts:
            if not unit:
                continue
            try:
                header, query, arguments = syntax.header_and_arguments(unit)
                header, path = syntax.joined(path, header)
                answer = self._carried_out(header, query, arguments)
            except ScpiError as error:
                self.status.report(error.code)
                if -200 < error.code < 0:
                    break
            except CrossbarError as error:
                self.world.log.add(
                    self.world.clock.now(), "violation", what="the emulation failed", where=self.name, why=str(error)
                )
                self.status.report(-310)
                break
            else:
                if answer is not None:
                    answers.append(answer)
        else:
            if broken:
                self.status.report(broken)
        return f"{';'.join(answers)}\n".encode() if answers else b""

    def _carried_out(self, header: str, query: bool, arguments: list[str]) -> str | None:
        found = _found(type(self), header, query)
        if found is None:
            raise ScpiError(-113)
        command, numbers = found
        if not all(1 <= each <= self.most_suffix for each in numbers):
            raise ScpiError(-114)
        call = Call(numbers, arguments)
        if query:
            return command.query(self, call) if command.query else None
        if command.write:
            command.write(self, call)
        return None

    # ------------------------------------------------------------------ errors and the status byte

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
def _found(kind: type[ScpiInstrument], header: str, query: bool) -> tuple[Command, tuple[int, ...]] | None:
    """Return the first command of a table that a header fits and that can be asked or set."""
    for command in (*kind.commands, *COMMON):
        match = syntax.compiled(command.pattern).fullmatch(header)
        if match and (command.query if query else command.write):
            return command, syntax.suffixes(match)
    return None


def _clear(self: ScpiInstrument, call: Call) -> None:
    call.expect(0)
    self.status.clear()


def _reset(self: ScpiInstrument, call: Call) -> None:
    call.expect(0)
    self.reset()


def _trigger(self: ScpiInstrument, call: Call) -> None:
    call.expect(0)
    self.trigger()


def _set_event_enable(self: ScpiInstrument, call: Call) -> None:
    self.status.standard.enable = values.integer(call.expect(1)[0], 0, 255)


def _set_service_enable(self: ScpiInstrument, call: Call) -> None:
    self.status.service_enable = values.integer(call.expect(1)[0], 0, 255)


def _complete(self: ScpiInstrument, call: Call) -> None:
    call.expect(0)
    self.status.standard.latch(COMPLETE)


def _nothing(_: ScpiInstrument, call: Call) -> None:
    call.expect(0)


def _preset(self: ScpiInstrument, call: Call) -> None:
    call.expect(0)
    self.preset_status()


def _all_errors(self: ScpiInstrument, _: Call) -> str:
    codes: Iterable[int] = list(self.status.errors) or [0]
    self.status.errors.clear()
    return ",".join(self.error_text(code) for code in codes)


COMMON = (
    Command("*IDN", query=lambda self, _: self.identity()),
    Command("*RST", write=_reset),
    Command("*CLS", write=_clear),
    Command("*TST", query=lambda *_: "0"),
    Command("*TRG", write=_trigger),
    Command("*OPC", write=_complete, query=lambda *_: "1"),
    Command("*WAI", write=_nothing),
    Command("*ESR", query=lambda self, _: str(self.status.standard.take())),
    Command("*STB", query=lambda self, _: str(self.status_byte())),
    Command("*ESE", write=_set_event_enable, query=lambda self, _: str(self.status.standard.enable)),
    Command("*SRE", write=_set_service_enable, query=lambda self, _: str(self.status.service_enable)),
    Command(":SYSTem:ERRor[:NEXT]", query=lambda self, _: self.error_text(self.status.next_error())),
    Command(":SYSTem:ERRor:ALL", query=_all_errors),
    Command(":SYSTem:ERRor:COUNt", query=lambda self, _: str(len(self.status.errors))),
    Command(":SYSTem:VERSion", query=lambda *_: "1996.0"),
    Command(":STATus:PRESet", write=_preset),
)
"""Every operation here ends before the next command begins, so ``*OPC`` and ``*WAI`` have nothing to wait for."""
