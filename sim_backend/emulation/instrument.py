"""What the server and the bench ask of an emulated instrument."""

from abc import ABC, abstractmethod

from .world import World


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

    def __init__(self, world: World, name: str, serial: str = "1234567") -> None:
        self.world = world
        self.name = name
        self.serial = serial

    @abstractmethod
    def receive(self, message: str) -> bytes:
        """Act on one message, given without its line feed, and return all that it makes the instrument say.

        Called under ``world.lock``. Every line of the answer ends with a line feed; no answer is ``b""``. It never
        raises: what is wrong with a message goes into the instrument's error queue.
        """
