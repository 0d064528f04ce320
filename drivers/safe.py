"""Make safe: outputs off and relays open, whatever fails on the way."""

from collections.abc import Callable, Iterable
from typing import Any

from crossbar_hil.errors import InstrumentError
from crossbar_hil.instrument import SourceMeter, SwitchMatrix, listed


def make_safe(sources: Iterable[SourceMeter], matrix: SwitchMatrix) -> None:
    """Switch every output off and open every relay by writing only, then ask whether that is so.

    Every step is tried whatever happened before it; an interruption from the keyboard waits until the last.

    Raises
    ------
    InstrumentError
        If anything failed or is not as it should be, naming all of it.
    """
    sources = list(sources)
    failures: list[str] = []
    interruptions: list[BaseException] = []

    def attempt(what: str, step: Callable[[], Any]) -> Any:
        try:
            return step()
        except Exception as error:  # the next step matters more, and all failures are told at the end
            failures.append(f"{what} failed ({type(error).__name__}: {error})")
        except BaseException as error:  # an impatient person must not leave an output on
            interruptions.append(error)
            failures.append(f"{what} was interrupted")
        return None

    for source in sources:
        attempt(f"switching {source.name} off", source.output_off)
    attempt(f"opening the relays of {matrix.name}", matrix.disconnect_all)
    for source in sources:
        if attempt(f"asking {source.name} whether it is off", source.output_is_on):
            failures.append(f"{source.name} is still on")
    closed = attempt(f"asking {matrix.name} which relays are closed", matrix.connected)
    if closed:
        failures.append(f"matrix {matrix.name} still has {listed(closed, 'no crosspoint')} closed")
    message = f"the bench may not be safe: {'; '.join(failures)}"
    if interruptions:
        interruptions[0].add_note(message)
        raise interruptions[0]
    if failures:
        raise InstrumentError(message)
