"""What the SCPI drivers share: opening, identity, the error queue, checked answers, read-back and blind commands.

Every command and every query is a line of its own, because after an invalid command an instrument throws away the rest
of the line (Keithley 2400 user's manual, page 14-12); only settings that were read back before are asked for in one
line. While an instrument is being set up, the error queue is asked for
after each line, so that what it refuses is named by the line. Emulated only.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Self, TypeVar

from pymeasure.adapters.adapter import Adapter
from pymeasure.instruments.generic_types import SCPIMixin
from pymeasure.instruments.instrument import Instrument

from crossbar_hil.defaults import DEADLINE_S
from crossbar_hil.errors import GarbledReply, InstrumentError, TransportError
from crossbar_hil.instrument import Identity

from ..transport.adapter import BenchAdapter, blind_write, distrust, open_adapter
from ..transport.identity import parse_identity
from .answers import Expected, described, matches, parse_error

LONGEST_QUEUE = 32
"""No error queue is longer; an instrument that goes on is not answering the question."""

T = TypeVar("T")


class ScpiInstrument(SCPIMixin, Instrument):
    """A PyMeasure instrument that raises on every error and can be made safe without an answer."""

    def __init__(self, adapter: Adapter | str | int, name: str = "SCPI instrument", **kwargs: Any) -> None:
        # Past the constructor of the mixin, which only sets this and has no annotations.
        super(SCPIMixin, self).__init__(adapter, name, includeSCPI=False, **kwargs)
        self._identity = ""

    @classmethod
    def open(cls, resource: str, *, name: str, visa: str = "@py", deadline_s: float = DEADLINE_S) -> Self:
        """Connect to the instrument at a VISA resource name.

        Raises
        ------
        ConfigError
            If the resource name is none; nothing was opened.
        TransportError
            If nothing answers there.
        """
        return cls(open_adapter(resource, visa=visa, deadline_s=deadline_s), name=name)

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

    def apply(self, *lines: str) -> None:
        """Write lines one by one, and ask after each whether the instrument has taken it.

        Raises
        ------
        InstrumentError
            If it has not; the error names the line, and those after it are not sent.
        """
        for line in lines:
            self.write(line)
            self.check_errors(line)

    def apply_together(self, *lines: str) -> None:
        """Write lines as one message that ends with the question for errors: if it gets lost no answer comes.

        Raises
        ------
        InstrumentError
            If the instrument has not taken them all.
        """
        code, text = self.query(";".join((*lines, ":SYST:ERR?")), parse_error)
        if code:
            raise InstrumentError(f"{self.name} reports error {code}, {text} after {'; '.join(lines)[:80]!r}")

    def check_errors(self, after: str = "") -> list[tuple[int, str]]:
        """Empty the error queue.

        Parameters
        ----------
        after : str
            What was sent since it was empty, for the message.

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
            reported = "; ".join(f"error {code}, {text}" for code, text in found)
            raise InstrumentError(f"{self.name} reports {reported}{f' after {after[:80]!r}' if after else ''}")
        return found

    def read_back(self, expected: Mapping[str, Expected]) -> None:
        """Ask for settings and compare each with what it was set to.

        Raises
        ------
        InstrumentError
            If one is different; it names the setting, the value and what was expected.
        """
        for query, value in expected.items():
            answer = self.ask(query)
            if not self.parsed(query, answer, partial(matches, expected=value)):
                raise InstrumentError(
                    f"{self.name}: {query.replace('?', '')} reads back {answer.strip()}, expected {described(value)}"
                )

    def set_and_read_back(self, setting: str, value: float) -> None:
        """Write a number and ask for it: a line that got lost is found out, and one that was refused says why.

        Raises
        ------
        InstrumentError
            If the instrument has another value afterwards.
        """
        line = f"{setting} {value:.9e}"
        self.write(line)
        try:
            self.read_back({f"{setting}?": value})
        except TransportError:
            raise
        except InstrumentError:
            self.check_errors(line)
            raise

    def ask_together(self, queries: Sequence[str]) -> list[str]:
        """Ask several questions, and the error queue, in one message; return the answers to the questions.

        Raises
        ------
        InstrumentError
            If there is anything in the error queue.
        GarbledReply
            If there are fewer answers than questions; the session is then suspect.
        """
        message = ";".join(f":{query.removeprefix(':')}" for query in (*queries, ":SYST:ERR?"))
        reply = self.ask(message)
        # The text of an error may hold a semicolon, an answer to a setting none.
        answers = reply.split(";", len(queries))
        if len(answers) != len(queries) + 1:
            why = f"{self.name} gave {len(answers)} answers to {len(queries) + 1} questions: {reply!r:.80}"
            raise distrust(self.adapter, GarbledReply(why))
        code, text = self.parsed(":SYST:ERR?", answers.pop(), parse_error)
        if code:
            raise InstrumentError(f"{self.name} reports error {code}, {text}, which nothing here has caused")
        return answers

    def differences(self, expected: Mapping[str, Expected]) -> list[str]:
        """Ask for settings in one message, and name each that is not what it was set to.

        Raises
        ------
        InstrumentError
            If there is anything in the error queue.
        """
        return [
            f"{self.name}: {query.replace('?', '')} is {answer.strip()} instead of {described(value)}"
            for (query, value), answer in zip(expected.items(), self.ask_together(list(expected)), strict=True)
            if not self.parsed(query, answer, partial(matches, expected=value))
        ]

    def blind(self, *commands: str) -> None:
        """Write commands that make the bench safe; no answer is waited for.

        Raises
        ------
        TransportError
            If they could not all be sent.
        """
        blind_write(self.adapter, *commands)

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

    def recover(self) -> None:
        """Bring the session in step if it is suspect; every `prepare` begins with it.

        Raises
        ------
        TransportError
            If it does not answer; the session stays suspect.
        """
        if isinstance(self.adapter, BenchAdapter) and self.adapter.cause is not None:
            self.resync()

    def close(self) -> None:
        """End the session; outputs and relays stay as they are."""
        self.adapter.close()
