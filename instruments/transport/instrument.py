"""What every driver with a language shares: opening, the error queue, blind commands, and getting back in step."""

from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import partial
from typing import Any, ClassVar, Self

from pymeasure.adapters import Adapter
from pymeasure.instruments.instrument import Instrument

from crossbar_hil.defaults import DEADLINE_S
from crossbar_hil.errors import InstrumentError, TransportError
from crossbar_hil.instrument import SourceMeter

from .adapter import BenchAdapter, blind_write
from .members import KnownMembers


class BenchInstrument(KnownMembers, Instrument):
    """A PyMeasure instrument that raises on every error and can be made safe without an answer.

    Parameters
    ----------
    adapter : pymeasure.adapters.Adapter, str or int
        The connection, or a VISA resource name for PyMeasure's own adapter.
    name : str
        Name in messages; that of the model if not given.
    **kwargs
        Passed on to PyMeasure.
    """

    model_name: ClassVar[str]
    """Name in messages if no other is given."""
    prompts: ClassVar[frozenset[bytes]] = frozenset()
    """What the instrument says by itself and that answers nothing."""
    __getattribute__ = object.__getattribute__
    """PyMeasure's looks three times for what it forbids to read, a fifth of the time of an exchange."""
    own_name = ""
    """What a home-made box answers to ``*IDN?`` if it may be of any form; empty for instruments that one can buy."""
    longest_queue: ClassVar[int]
    """No error queue is longer; an instrument that goes on is not answering the question."""

    def __init__(self, adapter: Adapter | str | int, name: str = "", **kwargs: Any) -> None:
        super().__init__(adapter, name or self.model_name, **{"includeSCPI": False, **kwargs})

    @classmethod
    def open(
        cls,
        resource: str,
        *,
        name: str,
        visa: str = "@py",
        deadline_s: float = DEADLINE_S,
        baud: int | None = None,
        ends: str = "\n",
    ) -> Self:
        """Connect to the instrument at a VISA resource name; nothing is sent.

        `baud` and `ends` are of an RS-232 line: bits a second, and what ends a message.

        Raises
        ------
        ConfigError
            If the resource name is none; nothing was opened.
        TransportError
            If nothing answers there.
        """
        adapter = BenchAdapter(
            resource,
            visa=visa,
            deadline_s=deadline_s,
            read_termination=ends,
            write_termination=ends,
            baud=baud,
            prompts=cls.prompts,
            name=name,
        )
        return cls(adapter, name=name)

    @classmethod
    def variant(cls, name: str, doc: str, **told: object) -> type[Self]:
        """Return the class, of some name, of a model that differs from this one by what is told."""
        return type(name, (cls,), {"__doc__": doc, "__module__": cls.__module__, **told})

    def check_errors(self, after: str = "", oldest: tuple[int, str] | None = None) -> list[tuple[int, str]]:
        """Empty the error queue.

        Parameters
        ----------
        after : str
            What was sent since it was empty, for the message.
        oldest : tuple of int and str, optional
            Its oldest entry, where that was taken out before.

        Raises
        ------
        InstrumentError
            If there was anything in it; all of it is named.
        """
        found: list[tuple[int, str]] = []
        while len(found) < self.longest_queue:
            entry, oldest = oldest or self._take_error(), None
            if entry[0] == 0:
                break
            found.append(entry)
        if found:
            told = f" after {after[:80]!r}" if after else ""
            raise InstrumentError(f"{self.name} reports {self._errors_text(found)}{told}")
        return found

    def blind(self, *commands: str) -> None:
        """Send commands that make the bench safe; no answer is waited for.

        Raises
        ------
        TransportError
            If they could not all be sent.
        """
        blind_write(self.adapter, *commands)

    def resync(self) -> None:
        """Open the session again after a failure and prove it in step.

        Raises
        ------
        TransportError
            If it does not answer, or there is nothing to prove it by; the session stays suspect.
        """
        marker = self._marker()
        if isinstance(self.adapter, BenchAdapter):
            self.adapter.resync(marker)

    def recover(self) -> None:
        """Bring the session in step if it is suspect; every `prepare` begins with it.

        Raises
        ------
        TransportError
            If it does not answer; the session stays suspect.
        """
        if isinstance(self.adapter, BenchAdapter) and not self.adapter.in_step:
            self.resync()

    def hurried(self, share: float) -> AbstractContextManager[None]:
        """Give all exchanges in the block together a share of the deadline of one; see `BenchAdapter.hurried`."""
        return self.adapter.hurried(share) if isinstance(self.adapter, BenchAdapter) else nullcontext()

    def heed(self, patience: Callable[[], float]) -> None:
        """Ask, while an answer is waited for, what share of the deadline there is patience for."""
        if isinstance(self.adapter, BenchAdapter):
            self.adapter.patience = patience

    def tell_silence(self, tell: Callable[[str, float | None], object]) -> None:
        """Have it told at once, by name, after how many seconds a deadline has passed, and None once it answers."""
        if isinstance(self.adapter, BenchAdapter):
            self.adapter.tell = partial(tell, self.name)

    def close(self) -> None:
        """End the session; outputs and relays stay as they are."""
        self.adapter.close()

    # ------------------------------------------------------------------ what a language says

    @abstractmethod
    def _take_error(self) -> tuple[int, str]:
        """Ask for the oldest entry of the error queue: code and text; code 0 is an empty queue."""

    @abstractmethod
    def _errors_text(self, errors: list[tuple[int, str]]) -> str:
        """Write errors as a person reads them."""

    @abstractmethod
    def _marker(self) -> tuple[str, str]:
        """Return a query that changes nothing, and its answer, which no other query gives."""


@contextmanager
def off_after_a_failure(*sources: SourceMeter) -> Iterator[None]:
    """Switch outputs off if the block fails, or is interrupted: that may have come in the middle of a pulse.

    The failure counts more than one of the attempt to switch off.
    """
    try:
        yield
    except BaseException:
        for source in sources:
            with suppress(TransportError):
                source.output_off()
        raise
