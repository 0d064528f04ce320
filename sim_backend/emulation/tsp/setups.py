"""``setup``: the settings that a TSP instrument keeps for its users, as long as it is emulated."""

from collections.abc import Callable, Mapping
from typing import Any

from .lua.objects import Node, Refused, Value, whole
from .settings import NO_DRIVE

PASSES = 3
"""Times that settings are set again when a setup is recalled: one may be refused until another is set."""


class Setups:
    """Number 0 is the factory's, 1 to 5 are the user's.

    Parameters
    ----------
    roots : mapping of str to Node
        The objects whose settings are kept, filled in by the time of the first use.
    reset : callable
        Brings the factory setup.
    """

    leave = ("localnode", "node", "display", "errorqueue", "gpib", "lan", "comm", "setup", "status", "tsplink")
    """Objects that a setup does not hold."""

    def __init__(self, roots: Mapping[str | int, Node], reset: Callable[[], None]) -> None:
        self._roots, self._reset = roots, reset
        self._kept: dict[int, list[tuple[Node, str, Any]]] = {}
        self.node = Node()
        self.node.setting("poweron", 0.0, lambda value: float(whole(value, 0, 5)))
        self.node.methods |= {"save": self.save, "recall": self.recall}

    def save(self, place: Value = 1.0) -> None:
        """``setup.save([n])``; a text names a file on the flash drive."""
        found = [
            (node, key, node.read(key))
            for name, root in self._roots.items()
            if name not in self.leave
            for node in _with_all_below(root)
            for key in node.setters
            if key in node.getters and key != "output"
        ]
        self._kept[self._place(place, least=1)] = [each for each in found if each[2] is not None]

    def recall(self, place: Value = 1.0) -> None:
        """``setup.recall(n)``."""
        found = self._place(place, least=0)
        self._reset()
        if found and found not in self._kept:
            raise Refused(1401, f"setup {found} has not been saved")
        for last in (*[False] * (PASSES - 1), True):
            for node, key, value in self._kept.get(found, []):
                try:
                    node.write(key, value)
                except Refused:
                    if last:
                        raise

    def _place(self, place: Value, *, least: int) -> int:
        if isinstance(place, str) and not place.isdigit():
            raise Refused(-250, f"Mass storage error: {NO_DRIVE}")
        return whole(float(place) if isinstance(place, str) else place, least, 5)


def _with_all_below(node: Node) -> list[Node]:
    return [node, *(below for child in node.children.values() for below in _with_all_below(child))]
