"""What a TSP instrument keeps for its users: strings, a queue of values, setups; and the flash drive that is not there.

All of it lasts as long as the emulated instrument.
"""

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from .objects import Node, Refused, Returned, Value, text, whole

MOST_STRINGS, LONGEST_STRING = 1000, 10_000
QUEUE_CAPACITY, LONGEST_QUEUED = 128, 10_000
NO_DRIVE = "there is no flash drive"
PASSES = 3
"""Times that settings are set again when a setup is recalled: one may be refused until another is set."""


def userstring() -> Node:
    """Make the object that keeps strings by name."""
    kept: dict[str, str] = {}

    def add(name: Value = None, value: Value = None) -> Returned:
        if len(kept) >= MOST_STRINGS:
            raise Refused(-225, "Out of memory")
        kept[_name(name)] = text(value)[:LONGEST_STRING]
        return ()

    def get(name: Value = None) -> Returned:
        if _name(name) not in kept:
            raise Refused(1401, f"there is no string {_name(name)}")
        return kept[_name(name)]

    def delete(name: Value = None) -> Returned:
        if kept.pop(_name(name), None) is None:
            raise Refused(1401, f"there is no string {_name(name)}")
        return ()

    node = Node()
    node.methods |= {"add": add, "get": get, "delete": delete, "catalog": lambda: tuple(kept)}
    node.iterators.add("catalog")
    return node


def dataqueue(wait: Callable[[float], None]) -> Node:
    """Make the queue; `wait` lets a time in seconds pass, as nobody fills or empties it meanwhile."""
    queue: deque[Value] = deque()

    def add(value: Value = None, timeout_s: Value = 0.0) -> Returned:
        if len(queue) >= QUEUE_CAPACITY:
            wait(float(whole(timeout_s)))
            return False
        if isinstance(value, str | list | dict) and len(value) > LONGEST_QUEUED:
            raise Refused(-225, "Out of memory")
        queue.append(value)
        return True

    def following(timeout_s: Value = 0.0) -> Returned:
        if not queue:
            wait(float(whole(timeout_s)))
            return None
        return queue.popleft()

    def clear() -> Returned:
        queue.clear()
        return ()

    node = Node()
    node.constants["CAPACITY"] = QUEUE_CAPACITY
    node.attribute("count", lambda: float(len(queue)))
    node.methods |= {"add": add, "next": following, "clear": clear}
    return node


class Setups:
    """``setup``: number 0 is the factory's, 1 to 5 are the user's.

    Parameters
    ----------
    roots : mapping of str to Node
        The objects whose settings are kept, filled in by the time of the first use.
    reset : callable
        Brings the factory setup.
    """

    leave = ("localnode", "node", "display", "errorqueue", "gpib", "lan", "comm", "setup", "status", "tsplink")
    """Objects that a setup does not hold."""

    def __init__(self, roots: Mapping[str, Node], reset: Callable[..., Returned]) -> None:
        self._roots, self._reset = roots, reset
        self._kept: dict[int, list[tuple[Node, str, Any]]] = {}
        self.node = Node()
        self.node.setting("poweron", 0.0, lambda value: float(whole(value, 0, 5)))
        self.node.methods |= {"save": self.save, "recall": self.recall}

    def save(self, place: Value = 1.0) -> Returned:
        """``setup.save([n])``; a text names a file on the flash drive."""
        found = [
            (node, key, node.getters[key]())
            for name, root in self._roots.items()
            if name not in self.leave
            for node in _all(root)
            for key in node.setters
            if key in node.getters and key != "output"
        ]
        self._kept[self._place(place, least=1)] = [each for each in found if each[2] is not None]
        return ()

    def recall(self, place: Value = 1.0) -> Returned:
        """``setup.recall(n)``."""
        found = self._place(place, least=0)
        self._reset()
        if found and found not in self._kept:
            raise Refused(1401, f"setup {found} has not been saved")
        for last in (*[False] * (PASSES - 1), True):
            for node, key, value in self._kept.get(found, []):
                try:
                    node.setters[key](value)
                except Refused:
                    if last:
                        raise
        return ()

    def _place(self, place: Value, *, least: int) -> int:
        if isinstance(place, str) and not place.isdigit():
            raise Refused(-250, f"Mass storage error: {NO_DRIVE}")
        return whole(float(place) if isinstance(place, str) else place, least, 5)


def file_system() -> Node:
    """Make ``fs``, without a flash drive in its socket."""

    def refuse(*_: Value) -> Returned:
        raise Refused(-250, f"Mass storage error: {NO_DRIVE}")

    node = Node()
    node.methods |= {"cwd": lambda: "/", "is_dir": lambda *_: False, "is_file": lambda *_: False}
    node.methods |= dict.fromkeys(("chdir", "mkdir", "rmdir", "readdir"), refuse)
    return node


def files() -> Node:
    """Make ``io``, which opens nothing without a flash drive."""
    node = Node()
    node.methods |= {"open": lambda *_: (None, NO_DRIVE), "type": lambda *_: None}
    return node


def save_buffer(*_: Value) -> Returned:
    """Do what ``savebuffer`` does without a flash drive."""
    raise Refused(-250, f"Mass storage error: {NO_DRIVE}")


def _name(name: Value) -> str:
    found = text(name)
    if not found or len(found) > 255:
        raise Refused(1401, f"Parameter 01 is invalid: {found[:40]}")
    return found


def _all(node: Node) -> list[Node]:
    return [node, *(below for child in node.children.values() for below in _all(child))]
