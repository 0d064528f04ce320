"""Status model of a TSP instrument: registers, their enables, and the status byte."""

from collections.abc import Callable

from .tsp_objects import Node, number

STANDARD = {
    "OPERATION_COMPLETE": 1,
    "OPC": 1,
    "QUERY_ERROR": 4,
    "QYE": 4,
    "DEVICE_DEPENDENT_ERROR": 8,
    "DDE": 8,
    "EXECUTION_ERROR": 16,
    "EXE": 16,
    "COMMAND_ERROR": 32,
    "CME": 32,
    "USER_REQUEST": 64,
    "URQ": 64,
    "POWER_ON": 128,
    "PON": 128,
}
ERROR_AVAILABLE, EVENT_SUMMARY, MASTER_SUMMARY = 4, 32, 64


def _nothing() -> float:
    return 0.0


class Register:
    """One register set: condition, event (latched, cleared when read), enable, transition filters."""

    def __init__(self, condition: Callable[[], float] = _nothing) -> None:
        self.latched = 0
        self.node = Node(owner=self)
        self.node.attribute("condition", condition)
        self.node.attribute("event", self.take)
        self.node.settings(number(0, 65535), enable=0.0, ntr=0.0, ptr=65535.0)

    @property
    def enable(self) -> int:
        """Which bits are summed up."""
        return int(self.node.values["enable"])

    def take(self) -> float:
        """Return what happened since the last time."""
        taken, self.latched = self.latched, 0
        return float(taken)


class Status:
    """The ``status`` object."""

    def __init__(self, errors_waiting: Callable[[], bool]) -> None:
        self._errors_waiting = errors_waiting
        self.standard = Register()
        self.standard.latched = STANDARD["PON"]
        self.node = Node()
        self.node.attribute("condition", self.byte)
        self.node.settings(number(0, 255), request_enable=0.0, node_enable=0.0)
        self.node.attribute("request_event", self.byte)
        self.node.attribute("node_event", self.byte)
        self.node.methods["reset"] = self.reset
        self.node.constants |= {"EAV": 4, "ERROR_AVAILABLE": 4, "ESB": 32, "MSS": 64, "MAV": 16}
        self.node.child("standard", self.standard.node).constants |= STANDARD
        for name in ("measurement", "operation", "questionable", "system"):
            self.add(name)

    def add(self, path: str, condition: Callable[[], float] = _nothing) -> Register:
        """Add a register set under a dotted name."""
        *above, name = path.split(".")
        node = self.node
        for each in above:
            node = node.child(each)
        register = Register(condition)
        node.child(name, register.node)
        return register

    def byte(self) -> float:
        """Return the status byte."""
        byte = ERROR_AVAILABLE if self._errors_waiting() else 0
        if self.standard.latched & self.standard.enable:
            byte |= EVENT_SUMMARY
        if byte & int(self.node.values["request_enable"]):
            byte |= MASTER_SUMMARY
        return float(byte)

    def reset(self) -> tuple[()]:
        """Bring every register to its default."""
        self.node.reset()
        self.standard.latched = 0
        return ()
