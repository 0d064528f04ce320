"""Make safe: outputs off and relays open, whatever fails on the way."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TypeVar

from crossbar_hil.defaults import DISCHARGE_S
from crossbar_hil.errors import InstrumentError, Unconfirmed
from crossbar_hil.instrument import Instrument, SourceMeter, SwitchMatrix, names_text

T = TypeVar("T")
Role = TypeVar("Role", bound=Instrument)

AT_FIRST, AT_LAST = 0.5, 0.15
"""Shares of the deadline of an exchange (1 s if a bench file says nothing else) that a source has, once it has let one
pass, to say that it is off before relays move, and after that: with that deadline less than the 2 s of
docs/safety.md."""
UNSAFE = "the bench may not be safe"
TRIES = 3
"""So often a step is begun if the keyboard interrupts it; who is impatient presses more than once."""


def make_safe(sources: Iterable[SourceMeter], *matrices: SwitchMatrix, discharge_s: float = DISCHARGE_S) -> None:
    """Switch every output off by writing only, ask each whether it is, then open every relay and ask for them too.

    The question lets a source finish before a relay moves, and after it the lines have `discharge_s` seconds to
    discharge, so that none moves under voltage. Where a source does not answer within `AT_FIRST`, the relays are opened
    all the same: a contact is worth less than a chip. Then it is told and asked once more. Every step is tried whatever
    happened before it. An interruption from the keyboard waits until the last step, and the step that it hit is begun
    again.

    Raises
    ------
    InstrumentError
        If anything failed or is not as it should be, naming all of it and the instruments to look at.
    """
    way, sources = _Way(), list(sources)
    for source in sources:
        way.switch_off(source)
    told = list(way.failures)
    silent = []
    with _hurrying(sources, AT_FIRST):
        for source in sources:
            answer = way.still_on(source)
            if answer is not False:  # a message may have been lost
                answer = way.switch_off_again(source, told)
            if answer is None:
                silent.append(source)
    for matrix in matrices:
        way.attempt(matrix, f"letting {matrix.name} wait", partial(matrix.wait, discharge_s))
        way.open_relays(matrix)
        if way.still_closed(matrix):
            way.open_relays(matrix)
            closed = way.still_closed(matrix)
            if closed:
                way.note(matrix, f"matrix {matrix.name} still has {names_text(closed, 'no crosspoint')} closed")
    with _hurrying(silent, AT_LAST):
        for source in silent:
            way.switch_off_again(source, told)
    way.end()


class _Way:
    """The way to safety: steps of which each is tried whatever became of the others, and what failed on it."""

    def __init__(self) -> None:
        self.failures: list[tuple[str, str]] = []
        """Instrument and sentence."""
        self._interruptions: list[BaseException] = []

    def attempt(self, instrument: Instrument, what: str, step: Callable[[], T]) -> T | None:
        for _ in range(TRIES):
            try:
                return step()
            except Unconfirmed as unconfirmed:  # which says all
                self.note(instrument, str(unconfirmed).removeprefix(f"{instrument.name}: "))
                return None
            except Exception as error:  # the next step matters more, and all failures are told at the end
                self.note(instrument, f"{what} failed ({type(error).__name__}: {error})")
                return None
            except BaseException as error:  # an impatient person must not leave an output on
                self._interruptions.append(error)
        self.note(instrument, f"{what} was interrupted")
        return None

    def note(self, instrument: Instrument, failure: str) -> None:
        """Take note of a failure, instead of one of the same step before."""
        step = failure.partition(" failed")[0]
        self.failures = [each for each in self.failures if each[1].partition(" failed")[0] != step]
        self.failures.append((instrument.name, failure))

    def switch_off(self, source: SourceMeter) -> None:
        self.attempt(source, f"switching {source.name} off", source.output_off)

    def still_on(self, source: SourceMeter) -> bool | None:
        what = f"asking {source.name} whether it is off"
        return self.attempt(source, what, lambda: _in_step(source).output_is_on())

    def switch_off_again(self, source: SourceMeter, told: list[tuple[str, str]]) -> bool | None:
        """Switch off and ask once more; if it is off then, what failed of it besides what was told is forgiven."""
        self.switch_off(source)
        answer = self.still_on(source)
        if answer:
            self.note(source, f"{source.name} is still on")
        elif answer is False:
            self.failures = [each for each in self.failures if each in told or each[0] != source.name]
        return answer

    def open_relays(self, matrix: SwitchMatrix) -> None:
        self.attempt(matrix, f"opening the relays of {matrix.name}", matrix.disconnect_all)

    def still_closed(self, matrix: SwitchMatrix) -> frozenset[str] | None:
        what = f"asking {matrix.name} which relays are closed"
        with matrix.hurried(AT_LAST):
            return self.attempt(matrix, what, lambda: _in_step(matrix).connected())

    def end(self) -> None:
        """Raise what there is to raise."""
        names = " and ".join(dict.fromkeys(name for name, _ in self.failures))
        message = f"{UNSAFE}: look at {names}: {'; '.join(failure for _, failure in self.failures)}"
        if self._interruptions:
            if self.failures:
                self._interruptions[0].add_note(message)
            raise self._interruptions[0]
        if self.failures:
            raise InstrumentError(message)


@contextmanager
def _hurrying(instruments: Iterable[SourceMeter], share: float) -> Iterator[None]:
    """Give all exchanges of all these instruments together a share of a deadline."""
    with ExitStack() as stack:
        for each in instruments:
            stack.enter_context(each.hurried(share))
        yield


def _in_step(instrument: Role) -> Role:
    """Bring a session in step that a failure left suspect, or it would answer nothing; return the instrument."""
    instrument.recover()
    return instrument
