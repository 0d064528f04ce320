"""What can be told to who looks on: in which phase the work is, and that the screen is needed for a question."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Generic, Protocol, Self, TypeVar

from crossbar_hil.screen.pace import Pace


class Phase(Protocol):
    """Is told what is waited for from now on, in words."""

    def __call__(self, what: str, *, brief: bool = False) -> object:
        """Take note; what is brief is no line of its own where there is no terminal."""


def no_phase(what: str, *, brief: bool = False) -> None:
    """Tell nobody."""


class NothingShown:
    """A view that shows nothing, in a ``with`` statement."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def phase(self, what: str, *, brief: bool = False) -> None:
        """Take note of what is waited for from now on; see `Phase`."""

    def step(self, what: str, pace: Pace, total: int, *, brief: bool = False) -> None:
        """Take note of a step of so many, in words, with the pace of all of them; see `phase`."""

    def hide(self) -> None:
        """Leave the screen to a question, until the next phase."""

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Leave the screen for the length of a ``with`` block, in which something is printed."""
        yield


View = TypeVar("View", bound=NothingShown)
Answer = TypeVar("Answer")


class Onlooker(Generic[View], NothingShown):
    """Another view, which ends at its first failure: who only looks on stops no work.

    Parameters
    ----------
    view : NothingShown
        What is shown until then.
    """

    def __init__(self, view: View) -> None:
        self._view = view
        self.failure: Exception | None = None
        """Why nothing more is shown."""

    def __enter__(self) -> Self:
        self._try(self._view.__enter__)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._try(lambda: self._view.__exit__(kind, error, trace))

    def phase(self, what: str, *, brief: bool = False) -> None:
        """Take note, as long as that works."""
        self._try(lambda: self._view.phase(what, brief=brief))

    def step(self, what: str, pace: Pace, total: int, *, brief: bool = False) -> None:
        """Take note, as long as that works."""
        self._try(lambda: self._view.step(what, pace, total, brief=brief))

    def hide(self) -> None:
        """Leave the screen, as long as that works."""
        self._try(self._view.hide)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Leave the screen and come back, as long as that works."""
        with ExitStack() as away:
            self._try(lambda: away.enter_context(self._view.aside()))
            yield
            self._try(away.close)

    def _try(self, act: Callable[[], object]) -> None:
        if self.failure is not None:
            return
        try:
            act()
        except Exception as error:  # a terminal that is gone, or cannot show a letter
            self.failure = error


def hidden_while(view: NothingShown, ask: Callable[[str], Answer]) -> Callable[[str], Answer]:
    """Hide a view while somebody is asked: a question in the middle of one could not be read."""

    def asked(what: str) -> Answer:
        view.hide()
        return ask(what)

    return asked
