"""What the channels of a 2600B do to the world, gathered so that all of one instant is one change."""

from ...world.terminals import Terminal
from ...world.world import World


class Terminals:
    """The terminals of all channels."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._changes: dict[str, dict[str, object]] = {}

    @property
    def resolution(self) -> float:
        """Step of a reading at one power-line cycle, relative to its range."""
        return self._world.resolution

    def add(self, channel: str) -> None:
        """Add a channel, switched off."""
        self._world.add_source(channel, Terminal())

    def set(self, channel: str, **changes: object) -> None:
        """Change a channel when the gathered changes are next applied."""
        self._changes.setdefault(channel, {}).update(changes)

    def apply(self) -> None:
        """Apply what was gathered."""
        if self._changes:
            changes, self._changes = self._changes, {}
            self._world.set_terminals(changes)

    def measure(self, channel: str) -> tuple[float, float, bool]:
        """Return current, voltage and whether the channel is at its current limit."""
        self.apply()
        ampere, limited = self._world.measure(channel)
        return ampere, self._world.volt(f"{channel}.hi"), limited
