"""Status model of a TSP instrument: registers that sum up into each other and into the status byte.

After the 2600B reference manual, "Status model". A bit of an event register is set when its condition bit rises, or
falls if ``ntr`` says so; that is looked at whenever time is about to pass, and when a client asks.
"""

from collections.abc import Callable, Mapping
from operator import attrgetter, itemgetter

from ..lua.objects import Node, number

STANDARD = {
    "OPC": 1, "OPERATION_COMPLETE": 1, "QYE": 4, "QUERY_ERROR": 4, "DDE": 8, "DEVICE_DEPENDENT_ERROR": 8, "EXE": 16,
    "EXECUTION_ERROR": 16, "CME": 32, "COMMAND_ERROR": 32, "URQ": 64, "USER_REQUEST": 64, "PON": 128, "POWER_ON": 128,
}  # fmt: skip
_BYTE_NAMES = {
    "MSB": 1, "MEASUREMENT_SUMMARY_BIT": 1, "SSB": 2, "SYSTEM_SUMMARY_BIT": 2, "EAV": 4, "ERROR_AVAILABLE": 4,
    "QSB": 8, "QUESTIONABLE_SUMMARY_BIT": 8, "MAV": 16, "MESSAGE_AVAILABLE": 16, "ESB": 32, "EVENT_SUMMARY_BIT": 32,
    "MSS": 64, "MASTER_SUMMARY_STATUS": 64, "OSB": 128, "OPERATION_SUMMARY_BIT": 128,
}  # fmt: skip
SUMMARIES = {"measurement": 1, "system": 2, "questionable": 8, "standard": 32, "operation": 128}
"""Bit of the status byte that each register set sums up into."""
ERROR_AVAILABLE, MASTER_SUMMARY = 4, 64
LATCHED, ENABLE = attrgetter("latched"), itemgetter("enable")
Condition = Callable[[], float]


class Register:
    """One register set: condition, event (latched, cleared when read), enable, transition filters.

    Parameters
    ----------
    condition : callable, optional
        What holds now; nothing ever does if it is not given.
    asked : callable
        Called when a client asks.
    """

    def __init__(self, condition: Condition | None = None, asked: Callable[[], None] = lambda: None) -> None:
        self._condition, self._asked = condition, asked
        self._before = 0
        self.below: dict[int, Register] = {}
        """Register sets that sum up into a bit of this one, by that bit."""
        self.latched = 0
        self.node = Node(owner=self)
        self.node.attribute("condition", self._condition_when_asked)
        self.node.attribute("event", self.take)
        self.node.settings(number(0, 65535), enable=0.0, ntr=0.0, ptr=65535.0)

    @property
    def enable(self) -> int:
        """Which bits are summed up."""
        return int(self.node.values["enable"])

    def condition(self) -> int:
        """Return what holds now."""
        now = int(self.holds())
        for bit, register in self.below.items():
            if register.latched and register.summary():
                now |= bit
        return now

    def summary(self) -> bool:
        """Return whether something happened that is enabled."""
        return bool(self.latched & self.enable)

    def can_change(self) -> bool:
        """Return whether a condition, here or below, could ever set a bit."""
        return self._condition is not None or any(register.can_change() for register in self.below.values())

    def holds(self) -> float:
        """Return what the condition of this register alone says."""
        return self._condition() if self._condition else 0.0

    def observe(self) -> None:
        """Latch what has changed."""
        if self._condition is None and not self.below:
            return
        for register in self.below.values():
            register.observe()
        now, before = self.condition(), self._before
        if now == before:
            return
        self._before = now
        values = self.node.values
        self.latched |= (now & ~before & int(values["ptr"])) | (before & ~now & int(values["ntr"]))

    def take(self) -> float:
        """Return what happened since the last time."""
        self._asked()
        self.observe()
        taken, self.latched = self.latched, 0
        return float(taken)

    def _condition_when_asked(self) -> float:
        self._asked()
        return float(self.condition())


class Status:
    """The ``status`` object.

    Parameters
    ----------
    errors_waiting : callable
        Says whether the error queue holds an entry.
    asked : callable
        Called when a client asks for the status.
    """

    def __init__(self, errors_waiting: Callable[[], bool], asked: Callable[[], None]) -> None:
        self._errors_waiting, self._asked = errors_waiting, asked
        self.node = node = Node()
        self._registers: dict[str, Register] = {}
        self._watched: list[Register] | None = None  # those that can change, found when first looked at
        self._values: list[dict[str, float]] = []
        self._seen: tuple[object, list[float], list[float]] | None = None
        self.facts: Callable[[], object] = lambda: [register.holds() for register in self._watched or ()]
        """What all conditions follow from."""
        node.attribute("condition", self.byte)
        node.settings(number(0, 255), request_enable=0.0)
        node.attribute("request_event", self.byte)
        node.methods["reset"] = self.reset
        node.constants |= _BYTE_NAMES
        for name in SUMMARIES:
            self.add(name)
        self.standard = self._registers["standard"]
        self.standard.latched = STANDARD["PON"]
        self.standard.node.constants |= STANDARD

    def add(
        self, path: str, condition: Condition | None = None, *, bit: int = 0, bits: Mapping[str, int] | None = None
    ) -> Register:
        """Add a register set.

        Parameters
        ----------
        path : str
            Its dotted name.
        condition : callable, optional
            What holds now.
        bit : int
            Bit of the register set above that it sums up into; 0 for none.
        bits : mapping of str to int, optional
            Constants of its bits.
        """
        above, _, name = path.rpartition(".")
        self._watched = None
        register = self._registers[path] = Register(condition, self._asked)
        register.node.constants |= bits or {}
        (self._registers[above].node if above else self.node).child(name, register.node)
        if bit:
            self._registers[above].below[bit] = register
        return register

    def observe(self) -> None:
        """Latch what has changed; nothing can have where every condition, mask and event is as it was."""
        if self._watched is None:
            self._watched = [register for register in self._registers.values() if register.can_change()]
            self._values = [register.node.values for register in self._watched]
            self._seen = None
        if self._decides() == self._seen:
            return
        for name in SUMMARIES:
            self._registers[name].observe()
        self._seen = self._decides()

    def _decides(self) -> tuple[object, list[float], list[float]]:
        """Return what decides about all registers: what their conditions follow from, masks, what is latched."""
        return self.facts(), list(map(LATCHED, self._watched or ())), list(map(ENABLE, self._values))

    def byte(self) -> float:
        """Return the status byte."""
        self._asked()
        self.observe()
        byte = ERROR_AVAILABLE if self._errors_waiting() else 0
        byte |= sum(bit for name, bit in SUMMARIES.items() if self._registers[name].summary())
        if byte & int(self.node.values["request_enable"]):
            byte |= MASTER_SUMMARY
        return float(byte)

    def reset(self) -> None:
        """Bring every register to its default."""
        self.node.reset()
        for register in self._registers.values():
            register.latched = 0
