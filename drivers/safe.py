"""Make safe: outputs off and relays open, whatever fails on the way."""

from collections.abc import Callable, Iterable
from typing import Any

from crossbar_hil.defaults import DISCHARGE_S
from crossbar_hil.errors import InstrumentError
from crossbar_hil.instrument import SourceMeter, SwitchMatrix, names_text

TRIES = 3
"""So often a step is begun if the keyboard interrupts it; who is impatient presses more than once."""


def make_safe(sources: Iterable[SourceMeter], *matrices: SwitchMatrix, discharge_s: float = DISCHARGE_S) -> None:
    """Switch every output off by writing only, ask each whether it is, then open every relay and ask for them too.

    The question lets a source finish before a relay moves, and after it the lines have `discharge_s` seconds to
    discharge, so that none moves under voltage. Where a source does not answer, the relays are opened all the same: a
    contact is worth less than a chip. Every step is tried whatever happened before it, and switching off once more
    where the answer is that it did not help. An interruption from the keyboard waits until the last step, and the step
    that it hit is begun again.

    Raises
    ------
    InstrumentError
        If anything failed or is not as it should be, naming all of it.
    """
    sources = list(sources)
    failures: list[str] = []
    interruptions: list[BaseException] = []

    def attempt(what: str, step: Callable[[], Any]) -> Any:
        for _ in range(TRIES):
            try:
                return step()
            except Exception as error:  # the next step matters more, and all failures are told at the end
                failures.append(f"{what} failed ({type(error).__name__}: {error})")
                return None
            except BaseException as error:  # an impatient person must not leave an output on
                interruptions.append(error)
        failures.append(f"{what} was interrupted")
        return None

    def switch_off(source: SourceMeter) -> None:
        attempt(f"switching {source.name} off", source.output_off)

    def still_on(source: SourceMeter) -> Any:
        return attempt(f"asking {source.name} whether it is off", lambda: _in_step(source).output_is_on())

    def wait(matrix: SwitchMatrix) -> None:
        attempt(f"letting {matrix.name} wait", lambda: matrix.wait(discharge_s))

    def open_relays(matrix: SwitchMatrix) -> None:
        attempt(f"opening the relays of {matrix.name}", matrix.disconnect_all)

    def still_closed(matrix: SwitchMatrix) -> Any:
        return attempt(f"asking {matrix.name} which relays are closed", lambda: _in_step(matrix).connected())

    for source in sources:
        switch_off(source)
    for source in sources:
        told = len(failures)
        if still_on(source) is not False:  # on, or it does not say: the first message may have been lost
            switch_off(source)
            answer = still_on(source)
            if answer:
                failures.append(f"{source.name} is still on")
            elif answer is False:
                del failures[told:]
    for matrix in matrices:
        wait(matrix)
        open_relays(matrix)
        if still_closed(matrix):
            open_relays(matrix)
            closed = still_closed(matrix)
            if closed:
                failures.append(f"matrix {matrix.name} still has {names_text(closed, 'no crosspoint')} closed")
    message = f"the bench may not be safe: {'; '.join(failures)}"
    if interruptions:
        if failures:
            interruptions[0].add_note(message)
        raise interruptions[0]
    if failures:
        raise InstrumentError(message)


def _in_step(instrument: Any) -> Any:
    """Bring a session in step that a failure left suspect, or it would answer nothing; return the instrument."""
    instrument.recover()
    return instrument
