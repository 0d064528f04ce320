"""``digio``, the digital lines of a TSP instrument.

Nothing is wired to them: a line reads what was written to it, high after power-on. Their triggers are not emulated.
"""

from .lua.objects import Node, Refused, Value, number, whole

LINES = 14
ALL = 2**LINES - 1


class Lines:
    """The port; a line is counted from 1."""

    def __init__(self) -> None:
        self._state = ALL
        self.node = node = Node()
        node.settings(number(0, ALL), writeprotect=0.0)
        node.methods |= {
            "readbit": lambda line=None: float(self._state >> (self._line(line) - 1) & 1),
            "readport": lambda: float(self._state),
            "writebit": self._write_bit,
            "writeport": lambda data=None: self._write(whole(data, 0, ALL)),
        }

    def _line(self, line: Value) -> int:
        found = whole(line, 0, 1000)
        if not 1 <= found <= LINES:
            raise Refused(1801, "Invalid digital I/O line")
        return found

    def _write_bit(self, line: Value = None, bit: Value = None) -> None:
        mask = 1 << (self._line(line) - 1)
        self._write(self._state | mask if number()(bit) else self._state & ~mask)

    def _write(self, state: int) -> None:
        fixed = int(self.node.values["writeprotect"])
        self._state = (self._state & fixed) | (state & ~fixed)
