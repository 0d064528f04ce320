"""What the server and the bench ask of an emulated instrument."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

from crossbar_hil.errors import ConfigError

from .world import World

Scratch = Mapping[str, float | str | bool]
"""What clients keep in an instrument under names of their own."""


class EmulatedInstrument(ABC):
    """One instrument on the emulated bench: text in, text out, electrics in the world.

    Parameters
    ----------
    world : World
        The circuit and the clock that all instruments share.
    name : str
        Name on the bench, such as ``smu``; the instrument's nodes in the world begin with it.
    serial : str
        Serial number in its identity.
    """

    channels: tuple[str, ...] = ()
    """Names of its source channels in the world, the first the one that drives; a matrix has none."""
    dead_socket_termination = False
    """Whether it has a port on which closing a connection drops all others."""
    interlock_open = False
    """Whether the contact is open without which the instrument does not work."""
    too_hot = False
    """Whether it has switched its outputs off because it is too hot."""

    def __init__(self, world: World, name: str, serial: str = "1234567") -> None:
        self.world = world
        self.name = name
        self.serial = serial
        self.ports: dict[str, int] = {}
        """TCP ports on which it is served: ``rawsocket``, and ``dst`` if it has dead-socket termination."""

    @abstractmethod
    def receive(self, message: str) -> bytes:
        """Act on one message, given without its line feed, and return all that it makes the instrument say.

        Called under ``world.lock``. Every line of the answer ends with a line feed; no answer is ``b""``. It never
        raises: what is wrong with a message goes into the instrument's error queue.
        """

    def column_node(self, slot: int, row: int, column: int) -> str:  # noqa: ARG002 - one matrix a slot, mostly
        """Return the node in the world of a column of a matrix, as a port on some row reaches it."""
        return f"{self.name}.column.{slot}.{column}"

    def report(self, code: int, text: str) -> None:
        """Put an error into the instrument's queue, as if it had found one by itself."""
        raise ConfigError(f"a {type(self).__name__} has no queue for error {code}, {text}")

    def scratch(self) -> Scratch:
        """Return what clients have left in the instrument and would find again after a loss of the connection."""
        return {}

    def set_scratch(self, scratch: Scratch) -> None:
        """Bring back what `scratch` returned."""
        if scratch:
            raise ConfigError(f"a {type(self).__name__} does not keep {', '.join(sorted(scratch))}")

    def note_takeover(self) -> None:  # noqa: B027 - most instruments have nothing to forget
        """Take note that another client is in control from here on; called under ``world.lock``."""
