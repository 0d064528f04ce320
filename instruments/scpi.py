"""What the SCPI drivers share: opening, identity, the error queue, checked answers, read-back and blind commands.

Every setting is a line of its own, because after an invalid command an instrument throws away the rest of the line
(Keithley 2400 user's manual, page 14-12), and with it a query of the error queue. Lines that are only written cost no
round trip, so one query of the queue after them is all that waits. Emulated only.
"""

from collections.abc import Callable, Mapping
from typing import Any, Self, TypeVar

from pymeasure.adapters.adapter import Adapter
from pymeasure.instruments.generic_types import SCPIMixin
from pymeasure.instruments.instrument import Instrument

from crossbar_hil.errors import GarbledReply, InstrumentError, TransportError
from crossbar_hil.instrument import Identity

from .identity import parse_identity
from .scpi_answers import Expected, fields, matches, parse_error
from .transport import BenchAdapter, blind_write, distrust, open_adapter

LONGEST_QUEUE = 32
"""No error queue is longer; an instrument that goes on is not answering the question."""

T = TypeVar("T")


class ScpiInstrument(SCPIMixin, Instrument):
    """A PyMeasure instrument that raises on every error and can be made safe without an answer."""

    deadline_s: float = 2.0
    """Time that one exchange may take, in seconds."""

    def __init__(self, adapter: Adapter | str | int, name: str = "SCPI instrument", **kwargs: Any) -> None:
        # Past the constructor of the mixin, which only sets this and has no annotations.
        super(SCPIMixin, self).__init__(adapter, name, includeSCPI=False, **kwargs)
        self._identity = ""

    @classmethod
    def open(cls, resource: str, *, name: str, visa: str = "@py", deadline_s: float = 2.0) -> Self:
        """Connect to the instrument at a VISA resource name.

        Raises
        ------
        ConfigError
            If the resource name is none; nothing was opened.
        TransportError
            If nothing answers there.
        """
        found = cls(open_adapter(resource, visa=visa, deadline_s=deadline_s), name=name)
        found.deadline_s = deadline_s
        return found

    next_error = Instrument.measurement(
        ":SYST:ERR?",
        """Get the oldest entry of the error queue (tuple of code and text); code 0 is an empty queue.""",
        cast=str,
        maxsplit=0,
        get_process=parse_error,
    )

    def identify(self) -> Identity:
        """Ask who answers."""
        reply = self.query("*IDN?", str.strip)
        identity = self.parsed("*IDN?", reply, lambda text: parse_identity(text, self.name))
        self._identity = reply
        return identity

    def query(self, command: str, parse: Callable[[str], T]) -> T:
        """Ask and parse the answer; an answer of the wrong form makes the session suspect.

        Raises
        ------
        GarbledReply
            If the answer cannot be the one asked for.
        InstrumentError
            If it stands for an overflow or for no number.
        """
        return self.parsed(command, self.ask(command), parse)

    def parsed(self, command: str, reply: str, parse: Callable[[str], T]) -> T:
        """Parse the answer to a command, as `query` does."""
        try:
            return parse(reply)
        except GarbledReply as error:
            raise distrust(self.adapter, GarbledReply(f"{self.name}: {command[:60]} was answered: {error}")) from error
        except InstrumentError as error:
            raise InstrumentError(f"{self.name}: {command[:60]}: {error}") from error

    def check_errors(self) -> list[tuple[int, str]]:
        """Empty the error queue.

        Raises
        ------
        InstrumentError
            If there was anything in it.
        """
        found: list[tuple[int, str]] = []
        while len(found) < LONGEST_QUEUE:
            entry = self.query(":SYST:ERR?", parse_error)
            if entry[0] == 0:
                break
            found.append(entry)
        if found:
            raise InstrumentError(f"{self.name} reports {'; '.join(f'error {code}, {text}' for code, text in found)}")
        return found

    def read_back(self, expected: Mapping[str, Expected]) -> None:
        """Ask for settings in one compound query and compare each with what it was set to.

        Raises
        ------
        InstrumentError
            If one is different; it names the setting, the value and what was expected.
        """
        answers = self.query(";".join(expected), lambda reply: fields(reply, len(expected), ";"))
        for (query, value), answer in zip(expected.items(), answers, strict=True):
            if not matches(answer, value):
                raise InstrumentError(
                    f"{self.name}: {query.removesuffix('?')} reads back {answer.strip()}, expected {value}"
                )

    def blind(self, *commands: str) -> None:
        """Write commands that make the bench safe, each even if one before it failed.

        Raises
        ------
        TransportError
            The first failure, after all were tried.
        """
        failed: TransportError | None = None
        for command in commands:
            try:
                blind_write(self.adapter, command)
            except TransportError as error:
                failed = failed or error
        if failed is not None:
            raise failed

    def resync(self) -> None:
        """Bring a suspect session in step again, by the identity that answered before.

        Raises
        ------
        TransportError
            If it does not answer, or `identify` was never called.
        """
        if not self._identity:
            raise TransportError(f"{self.name} was never identified, so its session cannot be brought in step")
        if isinstance(self.adapter, BenchAdapter):
            self.adapter.resync(("*IDN?", self._identity))

    def close(self) -> None:
        """End the session; outputs and relays stay as they are."""
        self.adapter.close()
