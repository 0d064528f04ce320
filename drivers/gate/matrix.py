"""The door of the gate that the matrix is behind: relays move only when and where the gate agrees, but always open."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TypeVar

from crossbar_hil.instrument import Identity, Place, SourceMeter, SwitchMatrix

from .gate import Gate
from .source import GatedSource, is_answer, waiting_time

T = TypeVar("T")


class GatedMatrix(SwitchMatrix):
    """The matrix behind the gate, which agrees to what is passed on.

    Parameters
    ----------
    sources : iterable of GatedSource
        Are switched off first if all relays are to open.

    Raises
    ------
    LimitError
        By every method that the gate does not agree to; nothing was sent.
    """

    def __init__(self, driver: SwitchMatrix, gate: Gate, sources: Iterable[GatedSource]) -> None:
        self.name = driver.name
        self.settle_s = driver.settle_s
        self.operations, self.rated_closings = driver.operations, driver.rated_closings
        self._driver, self._gate, self._sources = driver, gate, tuple(sources)

    @property
    def closings(self) -> Mapping[str, int]:
        """How often each crosspoint has closed since the instrument was opened."""
        return self._driver.closings

    def prepare(self) -> None:
        """Open every relay, with all sources at 0 V and discharged; it is certain afterwards."""
        self._gate.check_move()
        with self._moving():
            self._driver.prepare()
        self._gate.note_relays(())

    def connect(self, crosspoints: Iterable[str]) -> None:
        """Close exactly these crosspoints, with all sources at 0 V and discharged."""
        wanted = self._gate.check_connect(crosspoints)
        with self._moving():
            self._driver.connect(list(wanted.crosspoints))
        self._gate.relays = wanted

    def disconnect_all(self) -> None:
        """Open every relay; never refused.

        A source that is not at 0 V, and was not told to be, is switched off first, and its lines are given time to
        discharge. The relays are opened whatever becomes of that.
        """
        hot = [each for each in self._sources if each._channel.volts != 0 and not each._channel.told_off]
        with ExitStack() as steps:  # the last one in comes first
            steps.callback(self._open)
            if self._gate.discharge_s > 0 and (hot or any(each._channel.charged for each in self._sources)):
                steps.callback(self.wait, self._gate.discharge_s)
            for each in hot:
                steps.callback(each.output_off)

    def wait(self, seconds: float) -> None:
        """Let time pass, which counts as rest for every source at 0 V."""
        wanted = waiting_time(seconds)
        self._driver.wait(wanted)
        self._gate.note_rest(wanted)

    def identify(self) -> Identity:
        """Ask who answers."""
        return self._ask(self._driver.identify)

    def crosspoint(self, slot: int, port: str, line: int) -> str:
        """Name a crosspoint; nothing is sent."""
        return self._driver.crosspoint(slot, port, line)

    def explain(self, ports: Mapping[str, str], lines: Mapping[Place, str]) -> None:
        """Say what hangs on rows and columns; nothing is sent."""
        self._driver.explain(ports, lines)

    def connected(self) -> frozenset[str]:
        """Ask which crosspoints are closed; an answer that the gate did not expect makes the shadow uncertain."""
        found = self._ask(self._driver.connected)
        self._gate.note_relays(found)
        return found

    def changes(self, crosspoints: Iterable[str]) -> list[str]:
        """Ask whether exactly these crosspoints are closed; if not, the shadow is uncertain."""
        wanted = self._gate.state_of(crosspoints).crosspoints
        found = self._ask(self._driver.changes, wanted)
        if found:
            self._gate.relays = None
        else:
            self._gate.note_relays(wanted)
        return found

    def recover(self) -> None:
        """Bring the session in step again; the shadow stays as uncertain as it is."""
        self._driver.recover()

    def hurried(self, share: float) -> AbstractContextManager[None]:
        """Give all exchanges in the block together a share of the deadline of one."""
        return self._driver.hurried(share)

    def close(self) -> None:
        """End the session; relays stay as they are."""
        self._gate.relays = None
        self._driver.close()

    # ------------------------------------------------------------------ inside

    def _open(self) -> None:
        with self._moving():
            self._driver.disconnect_all()

    @contextmanager
    def _moving(self) -> Iterator[None]:
        self._gate.relays = None
        try:
            yield
        finally:
            self.operations = self._driver.operations

    def _ask(self, ask: Callable[..., T], *details: object) -> T:
        try:
            return ask(*details)
        except BaseException as error:
            if not is_answer(error):
                self._gate.relays = None
            raise


def put_behind_gate(
    gate: Gate, sources: Mapping[str, SourceMeter], matrix: SwitchMatrix
) -> tuple[dict[str, GatedSource], GatedMatrix]:
    """Put the sources, by port, and the matrix of a bench behind its gate."""
    found = {port: GatedSource(source, gate, gate.channels[port]) for port, source in sources.items()}
    return found, GatedMatrix(matrix, gate, found.values())
