"""The states of a guarded bench and what is allowed in each: a small closed table, checked at every step."""

from enum import Enum

from crossbar_hil.errors import GuardError


class State(Enum):
    """Where a guarded bench stands."""

    REPLAYING = "replaying"
    """Requests are answered from the journal; no instrument has been asked for anything but its name."""
    READY = "ready"
    """Sources at 0 V between two operations."""
    READING = "reading"
    PULSING = "pulsing"
    SAFE = "safe"
    """Outputs off and relays open, read back."""
    BROKEN = "broken"
    """Making safe was tried and could not be confirmed: a person must look."""
    ENDED = "ended"
    """Sessions closed."""


ALLOWED: dict[State, frozenset[State]] = {
    State.REPLAYING: frozenset({State.READY, State.READING, State.SAFE, State.BROKEN}),
    State.READY: frozenset({State.READING, State.PULSING, State.SAFE, State.BROKEN}),
    State.READING: frozenset({State.READY, State.SAFE, State.BROKEN}),
    State.PULSING: frozenset({State.READY, State.SAFE, State.BROKEN}),
    State.SAFE: frozenset({State.SAFE, State.BROKEN, State.READY, State.READING, State.PULSING, State.ENDED}),
    State.BROKEN: frozenset({State.SAFE, State.BROKEN, State.ENDED}),
    State.ENDED: frozenset(),
}
"""Which states may follow which. From a broken bench there is no way back to work, only to safe and to the end."""


class Machine:
    """The present state; a step that the table does not hold is refused."""

    def __init__(self) -> None:
        self.state = State.REPLAYING

    def to(self, state: State) -> None:
        """Go on to a state.

        Raises
        ------
        GuardError
            If the table does not allow it.
        """
        if state not in ALLOWED[self.state]:
            raise GuardError(f"a bench that is {self.state.value} cannot become {state.value}")
        self.state = state
