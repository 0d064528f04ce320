"""What is inside every TSP instrument: the objects and functions that scripts use, and its time.

Objects read an unknown attribute as nil; writing an unknown or a read-only one is a runtime error.
"""

import time
from abc import abstractmethod
from collections.abc import Mapping

from ..world.instrument import EmulatedInstrument
from ..world.world import World
from .bits import bits
from .clock import RealTimeClock, timer
from .display import Display, beeper
from .errors import ErrorQueue
from .lan import comm, gpib, lan
from .localnode import localnode, network
from .lua.memory import Setups, dataqueue, file_system, files, save_buffer, userstring
from .lua.objects import Node, Refused, Returned, Value, number
from .lua.sandbox import INSTRUCTIONS, SECONDS, Sandbox
from .net import tspnet
from .output import Output
from .time.lines import DIGITAL_LINES, Lines, link
from .time.schedule import Schedule
from .time.status import STANDARD, Status
from .time.trigger import FIRST_DIGITAL, FIRST_LAN, FIRST_LINK, TRIG_KEY, Triggers

LONGEST_DELAY_S = 100e3


class TspMachine(EmulatedInstrument):
    """What all TSP instruments have in common; a model adds its objects to `roots` and calls `power_on`.

    Parameters
    ----------
    world : World
        The circuit and the clock that all instruments share.
    name : str
        Name on the bench.
    serial : str
        Serial number in its identity.
    instructions : float
        Lua instructions, more or less, after which a message is stopped.
    seconds : float
        Time after which a message is stopped, not counting what the instrument waits, in seconds.
    """

    model = ""
    firmware = ""
    gpib_address = 16
    dead_socket_termination = True

    def __init__(
        self,
        world: World,
        name: str,
        serial: str = "1234567",
        *,
        instructions: float = INSTRUCTIONS,
        seconds: float = SECONDS,
    ) -> None:
        super().__init__(world, name, serial)
        self._bounds = (instructions, seconds)
        self.errors, self.output = ErrorQueue(), Output()
        self.schedule = Schedule(self._wait, self._expired)
        self.status = Status(lambda: bool(self.errors), self.schedule.polled)
        self.schedule.settled.append(self.status.observe)
        self.triggers = Triggers(self.schedule)
        self.display = Display(self.triggers.bus, TRIG_KEY)
        self._clock = RealTimeClock(world.clock, self.schedule.looked)
        self._lines = Lines(DIGITAL_LINES, self.triggers.bus, FIRST_DIGITAL)
        self._link = link(self.triggers.bus, FIRST_LINK)
        self.functions = Node()
        self.functions.methods |= {
            "delay": self._delay,
            "waitcomplete": self._waitcomplete,
            "opc": self._opc,
            "reset": self._reset,
            "printnumber": self.output.printnumber,
            "printbuffer": self.output.printbuffer,
            "savebuffer": save_buffer,
        }
        self.localnode = localnode(self.model, serial, self.firmware, self._reset)
        for each in (self.functions, self.localnode):
            self._clock.add_to(each)
        self.roots: dict[str, Node] = {
            "errorqueue": self.errors.node,
            "status": self.status.node,
            "format": self.output.node,
            "trigger": self.triggers.node,
            "localnode": self.localnode,
            "display": self.display.node,
            "beeper": beeper(),
            "timer": timer(world.clock, self.schedule.looked),
            "digio": self._lines.node,
            "tsplink": self._link.node,
            "tspnet": tspnet(),
            "lan": lan(self.ports, self.triggers.bus, FIRST_LAN),
            "comm": comm(),
            "gpib": gpib(self.gpib_address),
            "bit": bits(),
            "dataqueue": dataqueue(self.schedule.advance),
            "userstring": userstring(),
            "fs": file_system(),
            "io": files(),
            "os": self._clock.os(),
        }
        self.roots["setup"] = Setups(self.roots, self._reset).node

    def power_on(self, factory: Mapping[str, str] | None = None) -> None:
        """Build the Lua state, when every object is in its place, and run the factory scripts."""
        self.roots["node"] = network(self.localnode, self.roots)
        instructions, seconds = self._bounds
        self.sandbox = Sandbox(
            self.roots,
            self.functions,
            self.output.print,
            self.refuse,
            factory=factory,
            instructions=instructions,
            seconds=seconds,
        )

    @abstractmethod
    def restore_defaults(self) -> None:
        """Bring the model's own objects to their defaults, as ``reset()`` does."""

    def refuse(self, refused: Refused) -> None:
        """Take note of what was not done."""
        self.errors.refuse(refused)
        self.status.standard.latched |= STANDARD["EXE"]

    def since(self, own_s: float) -> float:
        """Return the time since 1970 of an instant in the instrument's own time, in seconds."""
        return self._clock.now() + own_s - self.schedule.now()

    def _wait(self, seconds: float) -> None:
        """Let time pass on the bench; what it really takes is not the script's fault."""
        before = time.monotonic()
        self.world.wait(seconds)
        self.sandbox.pause(time.monotonic() - before)

    def _expired(self) -> bool:
        """Return whether the script that runs has had its time."""
        return self.sandbox.expired()

    def _delay(self, seconds: Value = None) -> Returned:
        self.schedule.advance(number(0, LONGEST_DELAY_S)(seconds))
        return ()

    def _waitcomplete(self, *_group: Value) -> Returned:
        self.schedule.finish()
        return ()

    def _opc(self) -> Returned:
        self.schedule.when_done(self._completed)
        return ()

    def _completed(self) -> None:
        self.status.standard.latched |= STANDARD["OPC"]

    def _reset(self, *_system: Value) -> Returned:
        self.schedule.cancel()
        for each in (self.output.node, self.display, self.roots["beeper"], self._lines, self._link):
            each.reset()
        self.triggers.reset()
        self.restore_defaults()
        return ()
