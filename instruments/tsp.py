"""What the Keithley boxes that run Lua (TSP) have in common.

Each line sent is a Lua chunk of its own; a chunk with a runtime error says nothing, so the question whether there was
an error is a second line (Keithley 2600B reference manual, "TSP error summary list" and "errorqueue.next()").
"""

import math
import secrets
from typing import Any, Self

from pymeasure.adapters import Adapter
from pymeasure.instruments import Instrument

from crossbar_hil.errors import GarbledReply, InstrumentError
from crossbar_hil.instrument import Identity

from .identity import parse_identity
from .transport import BenchAdapter, blind_write, distrust, open_adapter

_TAB = r"\t"
MOST_ERRORS = 50
"""So many errors are read out of a queue; a longer one is an error of its own."""


class TspInstrument(Instrument):
    """A box that speaks TSP.

    Parameters
    ----------
    adapter : pymeasure.adapters.Adapter or str
        The connection, or a VISA resource name for PyMeasure's own adapter.
    name : str
        Name in messages.
    **kwargs
        Passed on to PyMeasure.
    """

    def __init__(self, adapter: Adapter | str, name: str = "TSP instrument", **kwargs: Any) -> None:
        super().__init__(adapter, name, includeSCPI=False, **kwargs)

    @classmethod
    def open(cls, resource: str, *, name: str, visa: str = "@py", deadline_s: float = 2.0) -> Self:
        """Connect; nothing is sent.

        Parameters
        ----------
        resource : str
            VISA resource name.
        name : str
            Name in messages.
        visa : str
            VISA library, as `pyvisa.ResourceManager` takes it.
        deadline_s : float
            Time that an exchange may take, in seconds.

        Raises
        ------
        ConfigError
            If the resource name is none; nothing was opened.
        ConnectionLost
            If nothing answers there.
        """
        return cls(open_adapter(resource, visa=visa, deadline_s=deadline_s), name=name)

    def identify(self) -> Identity:
        """Ask who answers."""
        reply = self.ask("*IDN?")
        try:
            return parse_identity(reply, self.name)
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
            raise self.garbled(query, reply, f"{count} values")
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
            raise self.garbled(query, field, "a number") from None

    def garbled(self, query: str, reply: str, wanted: str) -> GarbledReply:
        """Return the error for an answer that is not the one asked for, and make the session suspect."""
        error = GarbledReply(f"{self.name} answered {reply[:80]!r} to {query[:80]!r}, which is not {wanted}")
        distrust(self.adapter, error)
        return error

    def command(self, *statements: str) -> None:
        """Run statements as one chunk, and ask whether there was an error.

        Raises
        ------
        InstrumentError
            If there was one.
        """
        self.write(" ".join(statements))
        query = "print(errorqueue.count)"
        (count,) = self.ask_numbers(query, 1)
        self.raise_errors(count, query)

    def blind(self, command: str) -> None:
        """Send a command that makes the bench safe; no answer is waited for."""
        blind_write(self.adapter, command)

    # ------------------------------------------------------------------ errors

    @property
    def next_error(self) -> tuple[int, str]:
        """Get the oldest error of the queue and take it out: code and text, code 0 when there is none."""
        query = "print(errorqueue.next())"
        code, text, *_ = self.ask_fields(query, 4)
        number = self.number(code, query)
        if not math.isfinite(number) or number != int(number):
            raise self.garbled(query, code, "the code of an error")
        return int(number), text

    def check_errors(self) -> list[tuple[int, str]]:
        """Read all errors out of the queue.

        Returns
        -------
        list
            Always empty.

        Raises
        ------
        InstrumentError
            If there was an error; all of them are named.
        """
        found: list[tuple[int, str]] = []
        while len(found) < MOST_ERRORS:
            error = self.next_error
            if error[0] == 0:
                break
            found.append(error)
        if found:
            raise InstrumentError(f"{self.name} reports " + ", ".join(f"error {code} ({text})" for code, text in found))
        return found

    def raise_errors(self, count: float, query: str) -> None:
        """Raise what is in the error queue, if a query has said that there is something."""
        if count != 0:
            self.check_errors()
            raise self.garbled(query, f"{count:g}", "the number of errors in its queue")

    # ------------------------------------------------------------------ session

    def resync(self) -> None:
        """Open the session again after a failure and prove it in step.

        Raises
        ------
        TransportError
            If it does not answer; the session stays suspect.
        """
        if isinstance(self.adapter, BenchAdapter):
            token = f"tok-{secrets.token_hex(6)}"
            self.adapter.resync((f'print("{token}")', token))

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
        """End the session; the box stays as it is."""
        self.adapter.close()


def printed(*expressions: str) -> str:
    """Return the query for numbers with all their digits, whatever ``format.asciiprecision`` is.

    >>> printed("smua.source.levelv")
    'print(string.format("%.9e", smua.source.levelv))'
    """
    return f'print(string.format("{_TAB.join(["%.9e"] * len(expressions))}", {", ".join(expressions)}))'
