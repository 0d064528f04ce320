"""What read schemes and write schemes share: the ports that they need, and the voltages on them."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from typing import ClassVar, TypeVar

from crossbar_hil.errors import ConfigError

from .wiring import GROUND


class Scheme(ABC):
    """A way to use the lines of a chip. Made for the ports of one wiring."""

    name: ClassVar[str]

    def __init__(self, ports: Collection[str]) -> None:
        self.needs = self._needed_ports(ports)
        """Ports that must be wired."""

    @property
    def sources(self) -> tuple[str, ...]:
        """Ports on which there must be a source."""
        return tuple(self.source_volts(1.0))

    @abstractmethod
    def source_volts(self, voltage_v: float) -> dict[str, float]:
        """Return the voltage of each source that takes part, by its port, that puts one across the wanted cells."""

    def port_volts(self, voltage_v: float) -> dict[str, float]:
        """Return the voltage of every port of the scheme, in volts, not of open lines; ideal wires and dividers."""
        return {**self.source_volts(voltage_v), GROUND: 0.0}

    @abstractmethod
    def _needed_ports(self, ports: Collection[str]) -> tuple[str, ...]:
        """Return the ports that must be wired."""


AnyScheme = TypeVar("AnyScheme", bound=Scheme)


def make_scheme(kind: str, kinds: Mapping[str, type[AnyScheme]], name: str, ports: Collection[str]) -> AnyScheme:
    """Make the scheme of a name, for the ports that are wired.

    Raises
    ------
    ConfigError
        If there is no such scheme.
    """
    if name not in kinds:
        raise ConfigError(f"{kind} scheme {name!r} is unknown, expected one of {', '.join(kinds)}")
    return kinds[name](ports)
