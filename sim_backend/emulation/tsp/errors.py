"""Error queue of a TSP instrument."""

import re
from collections import deque

from .lua.objects import RECOVERABLE, SERIOUS, Node, Refused

LONGEST_QUEUE = 100
LONGEST_MESSAGE = 255
EMPTY = (0.0, "Queue Is Empty", 0.0, 1.0)


class ErrorQueue:
    """First in, first out; when it is full the last entry says so (error -350)."""

    def __init__(self) -> None:
        self._entries: deque[tuple[float, str, float, float]] = deque()
        self.node = Node()
        self.node.attribute("count", lambda: float(len(self._entries)))
        self.node.methods |= {"next": self.next, "clear": self.clear}

    def __bool__(self) -> bool:
        return bool(self._entries)

    def push(self, code: int, message: str, severity: int = RECOVERABLE) -> None:
        """Add an entry."""
        if len(self._entries) >= LONGEST_QUEUE:
            self._entries[-1] = (-350.0, "Queue overflow", float(SERIOUS), 1.0)
        else:
            self._entries.append((float(code), message[:LONGEST_MESSAGE], float(severity), 1.0))

    def refuse(self, refused: Refused) -> None:
        """Add what the instrument did not do."""
        self.push(refused.code, str(refused), refused.severity)

    def next(self) -> tuple[float, str, float, float]:
        """Take the oldest entry: code, message, severity, node."""
        return self._entries.popleft() if self._entries else EMPTY

    def clear(self) -> None:
        """Throw all entries away."""
        self._entries.clear()


def script_failure(kind: str, message: str) -> tuple[int, str]:
    """Return code and text for a script that could not be compiled (-285) or ended early (-286)."""
    code, what = (-285, "TSP Syntax error") if kind == "syntax" else (-286, "TSP Runtime error")
    message = re.sub(r'^\[string "<python>"\]:\d+: ', "", message)  # where the prelude found it
    placed = re.match(r"tsp:(\d+): (.*)", message, re.DOTALL)
    line, said = placed.groups() if placed else ("1", message)
    return code, f"{what} at line {line}: {' '.join(said.split())}"
