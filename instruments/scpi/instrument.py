"""What the SCPI drivers share: opening, identity, the error queue, checked answers, read-back and blind commands.

After an invalid command an instrument throws away the rest of the message (Keithley 2400 user's manual, page 14-12),
and then an answer is missing. So while an instrument is being set up, every command and every query is a message of its
own, and the error queue is asked for after each line, so that what it refuses is named by the line. Afterwards messages
hold what was taken once: a level within the range, and questions that were answered before. Emulated only.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypeVar

from pymeasure.instruments.generic_types import SCPIMixin
from pymeasure.instruments.instrument import Instrument

from crossbar_hil.errors import GarbledReply, InstrumentError, TransportError
from crossbar_hil.instrument import Identity

from ..settings.setting import Expected
from ..transport.adapter import distrust
from ..transport.identity import parse_identity
from ..transport.instrument import BenchInstrument
from .answers import expected_text, mismatch, parse_error
from .table import Together, together

T = TypeVar("T")


class ScpiInstrument(SCPIMixin, BenchInstrument):
    """A PyMeasure instrument that raises on every error and can be made safe without an answer."""

    model_name = "SCPI instrument"
    longest_queue = 32
    check_errors = BenchInstrument.check_errors  # and not that of the mixin, which returns what is wrong

    _identity = ""

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
        identity = self.parse_answer("*IDN?", reply, lambda text: parse_identity(text, self.name, self.own_name))
        self._identity = reply
        return identity

    def query(self, command: str, parse: Callable[[str], T]) -> T:
        """Ask and parse the answer; an answer of the wrong form makes the session suspect.

        Raises
        ------
        GarbledReply
            If the answer cannot be the one asked for.
        OverrangeError
            If it stands for an overflow.
        InstrumentError
            If it stands for no number.
        """
        return self.parse_answer(command, self.ask(command), parse)

    def parse_answer(self, command: str, reply: str, parse: Callable[[str], T]) -> T:
        """Parse the answer to a command, as `query` does."""
        try:
            return parse(reply)
        except GarbledReply as error:
            garbled = GarbledReply(f"{self.name}: {command[:60]} was answered: {error}")
            raise distrust(self.adapter, garbled) from error
        except InstrumentError as error:
            raise type(error)(f"{self.name}: {command[:60]}: {error}") from error

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

    def read_back(self, expected: Mapping[str, Expected]) -> None:
        """Ask for settings and compare each with what it was set to.

        Raises
        ------
        InstrumentError
            If one is different; it names the setting, the value and what was expected.
        """
        for query, value in expected.items():
            self.compare({query: value}, [self.ask(query)])

    def set_and_read_back(self, setting: str, value: float) -> None:
        """Write a number and ask for it, in one message: if it gets lost no answer comes.

        Raises
        ------
        InstrumentError
            If the instrument has another value afterwards; it says why, if it was refused.
        """
        line, query = f"{setting} {value:.9e}", f"{setting}?"
        self.compare({query: value}, self.ask_in_turn([line, query]), line)

    def apply_and_compare(self, line: str, expected: Mapping[str, Expected]) -> None:
        """Write a line, and ask for what it sets and for errors, in one message.

        Raises
        ------
        InstrumentError
            If the instrument has not taken it, or something else comes back.
        """
        reply = self.ask(f"{line};{together(expected)}")
        self.compare(expected, self._answers(reply, len(expected), [line]))

    def compare(self, expected: Mapping[str, Expected], answers: Sequence[str], after: str = "") -> None:
        """Compare the answers to questions with what they must be.

        Raises
        ------
        InstrumentError
            If one is different: with what is in the error queue, if something was sent before and is named, else with
            the setting, the value and what was expected.
        """
        for (query, value), answer in zip(expected.items(), answers, strict=True):
            wrong = self.parse_answer(query, answer, partial(mismatch, expected=value))
            if wrong is not None:
                if after:
                    self.check_errors(after)
                raise InstrumentError(
                    f"{self.name}: {query.replace('?', '')} reads back {wrong}, expected {expected_text(value)}"
                )

    def ask_in_turn(self, parts: Sequence[str]) -> list[str]:
        """Send lines and questions as one message, and return the answers to the questions.

        Raises
        ------
        GarbledReply
            If there are more or fewer answers than questions; the session is then suspect.
        """
        reply = self.ask(";".join(parts))
        answers, asked = reply.split(";"), sum("?" in part for part in parts)
        if len(answers) != asked:
            raise distrust(self.adapter, self._miscounted(reply, len(answers), asked))
        return answers

    def ask_together(self, queries: Sequence[str]) -> list[str]:
        """Ask several questions, and the error queue, in one message; return the answers to the questions.

        Raises
        ------
        InstrumentError
            If there is anything in the error queue.
        GarbledReply
            If there are fewer answers than questions; the session is then suspect.
        """
        return self._answers(self.ask(together(queries)), len(queries))

    def differences(self, asked: Together, lines: Sequence[str] = ()) -> list[str]:
        """Ask for settings in one message, after some lines, and name each that is not what it was set to.

        Raises
        ------
        InstrumentError
            If there is anything in the error queue.
        """
        reply = self.ask(";".join((*lines, asked.message)))
        if reply == asked.right:
            return []
        answers = zip(asked.expected.items(), self._answers(reply, len(asked.expected), lines), strict=True)
        wrong = [each for (query, value), answer in answers for each in self.change(query, answer, value)]
        if not wrong:
            asked.right = reply
        return wrong

    def change(self, query: str, answer: str, value: Expected) -> list[str]:
        """Return what an answer says of a setting that is not as it was set; empty if it is."""
        wrong = self.parse_answer(query, answer, partial(mismatch, expected=value))
        if wrong is None:
            return []
        return [f"{self.name}: {query.replace('?', '')} is {wrong} instead of {expected_text(value)}"]

    # ------------------------------------------------------------------ inside

    def _answers(self, reply: str, count: int, lines: Sequence[str] = ()) -> list[str]:
        """Return the answers to so many questions that were asked together with the error queue, after some lines."""
        answers, (code, text) = self._split(reply, count)
        if code:
            cause = f" after {'; '.join(lines)[:80]!r}" if lines else ", which nothing here has caused"
            raise InstrumentError(f"{self.name} reports error {code}, {text}{cause}")
        return answers

    def _split(self, reply: str, count: int) -> tuple[list[str], tuple[int, str]]:
        """Return the answers to so many questions, and the oldest error, which was asked for in the same message."""
        # The text of an error may hold a semicolon, an answer to a setting none.
        answers = reply.split(";", count)
        if len(answers) != count + 1:
            raise distrust(self.adapter, self._miscounted(reply, len(answers), count + 1))
        return answers, self.parse_answer(":SYST:ERR?", answers.pop(), parse_error)

    def _miscounted(self, reply: str, found: int, asked: int) -> GarbledReply:
        return GarbledReply(f"{self.name} gave {found} answers to {asked} questions: {reply!r:.80}")

    def _take_error(self) -> tuple[int, str]:
        return self.query(":SYST:ERR?", parse_error)

    def _errors_text(self, errors: list[tuple[int, str]]) -> str:
        return "; ".join(f"error {code}, {text}" for code, text in errors)

    def _marker(self) -> tuple[str, str]:
        """Return the identity that answered before."""
        if not self._identity:
            raise TransportError(f"{self.name} was never identified, so its session cannot be brought in step")
        return "*IDN?", self._identity
