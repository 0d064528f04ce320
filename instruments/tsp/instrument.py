"""What the Keithley boxes that run Lua (TSP) have in common.

Each line sent is a Lua chunk of its own; a chunk with a runtime error says nothing, so the question whether there was
an error is a second line (Keithley 2600B reference manual, "TSP error summary list" and "errorqueue.next()"). So while
a box is being set up each statement is a line, too: one that fails does not take the next ones with it. What is done in
every read and every move is one line, which ends with what must come back: if it fails, nothing does.
"""

import math
import secrets

from crossbar_hil.errors import GarbledReply, InstrumentError
from crossbar_hil.instrument import Identity

from ..transport.adapter import distrust
from ..transport.identity import parse_identity
from ..transport.instrument import BenchInstrument

DIGITS = 10
"""Digits of a printed number: ``format.asciiprecision``, 6 after ``reset()`` (same manual)."""
PROMPTS = frozenset({b"TSP>", b"TSP?", b">>>>"})
"""What a box says after each message while ``localnode.prompts`` is 1 (same manual)."""


class TspInstrument(BenchInstrument):
    """A box that speaks TSP."""

    model_name = "TSP instrument"
    prompts = PROMPTS
    longest_queue = 50

    def identify(self) -> Identity:
        """Ask who answers."""
        reply = self.ask("*IDN?")
        try:
            return parse_identity(reply, self.name, self.own_name)
        except GarbledReply as error:
            raise distrust(self.adapter, error) from error

    # ------------------------------------------------------------------ exchanges

    def ask_fields(self, query: str, count: int) -> list[str]:
        """Send a query and return the TAB-separated fields of its answer, exactly so many.

        Raises
        ------
        GarbledReply
            If there are more or fewer; the session is then suspect.
        """
        reply = self.ask(query)
        fields = [field.strip() for field in reply.split("\t")]
        if len(fields) != count:
            raise self.garbled_reply(query, reply, f"{count} values")
        return fields

    def ask_numbers(self, query: str, count: int) -> list[float]:
        """Send a query and return the numbers of its answer; an overrange is a number here."""
        fields = self.ask_fields(query, count)
        return [self.number(field, query) for field in fields]

    def number(self, field: str, query: str) -> float:
        """Return a field of an answer as a number."""
        try:
            return float(field)
        except ValueError:
            raise self.garbled_reply(query, field, "a number") from None

    def garbled_reply(self, query: str, reply: str, wanted: str) -> GarbledReply:
        """Return the error for an answer that is not the one asked for, and make the session suspect."""
        error = GarbledReply(f"{self.name} answered {reply[:80]!r} to {query[:80]!r}, which is not {wanted}")
        distrust(self.adapter, error)
        return error

    def ask_number(self, expression: str) -> float:
        """Print an expression and return its value."""
        (value,) = self.ask_numbers(f"print({expression})", 1)
        return value

    def command(self, *statements: str) -> None:
        """Run statements, each as a line of its own, and ask whether there was an error.

        Raises
        ------
        InstrumentError
            If there was one; it names the statements.
        """
        for statement in statements:
            self.write(statement)
        self.raise_errors(self.ask_number("errorqueue.count"), "; ".join(statements))

    def quieten(self) -> None:
        """Bring the session in step, have the box say nothing of its own, and read earlier errors out of its queue."""
        self.recover()
        self.write("localnode.prompts=0")
        self.write("localnode.showerrors=0")
        for _ in range(self.longest_queue):
            if self.next_error[0] == 0:
                return
        raise InstrumentError(f"{self.name} has more than {self.longest_queue} errors in its queue")

    # ------------------------------------------------------------------ errors

    @property
    def next_error(self) -> tuple[int, str]:
        """Get the oldest error of the queue and take it out: code and text, code 0 when there is none."""
        query = "print(errorqueue.next())"
        reply = self.ask(query)
        # Simulators exist that separate by commas; a text may hold some of its own.
        fields = reply.split("\t") if "\t" in reply else reply.split(",")
        if len(fields) < 4 or ("\t" in reply and len(fields) > 4):
            raise self.garbled_reply(query, reply, "code, text, severity and node of an error")
        number = self.number(fields[0], query)
        if not math.isfinite(number) or number != int(number):
            raise self.garbled_reply(query, reply, "the code of an error")
        return int(number), ",".join(fields[1:-2]).strip().strip('"')

    def raise_errors(self, count: float, after: str) -> None:
        """Raise what is in the error queue, if the box counts anything there `after` what was sent last."""
        if count != 0:
            self.check_errors(after)
            raise self.garbled_reply("print(errorqueue.count)", f"{count:g}", "the number of errors in its queue")

    # ------------------------------------------------------------------ inside

    def _take_error(self) -> tuple[int, str]:
        return self.next_error

    def _errors_text(self, errors: list[tuple[int, str]]) -> str:
        return ", ".join(f"error {code} ({text})" for code, text in errors)

    def _marker(self) -> tuple[str, str]:
        token = f"tok-{secrets.token_hex(6)}"
        return f'print("{token}")', token
