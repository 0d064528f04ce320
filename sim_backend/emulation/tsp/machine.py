"""What is inside every TSP instrument: the objects and functions that scripts use, and its time.

Objects read an unknown attribute as nil; writing an unknown or a read-only one is a runtime error.
"""

import time
from abc import abstractmethod
from collections.abc import Mapping
from functools import partial

from ..world.instrument import EmulatedInstrument
from ..world.world import World
from .bits import BITS
from .clock import RealTimeClock, stop_watch
from .errors import ErrorQueue
from .lines import Lines
from .lua.objects import Node, Only, Refused, Row, Value, choice, number, text, whole
from .lua.sandbox import Sandbox
from .output import Output
from .settings import PORTS, SETTINGS, save_buffer
from .setups import Setups
from .time.events import EventObject
from .time.schedule import Schedule
from .time.status import STANDARD, Status
from .time.trigger import TRIG_KEY, Triggers

LONGEST_DELAY_S = 100e3


class TspMachine(EmulatedInstrument):
    """What all TSP instruments have in common; a model adds its objects to `root` and calls `power_on`.

    Parameters
    ----------
    world, name, serial
        As for every emulated instrument.
    **bounds : float
        What one message may take: `instructions` and `seconds`, see `Sandbox`.
    """

    model = ""
    firmware = ""
    rows: tuple[Row, ...] = ()
    """What a model only keeps or tells besides `SETTINGS`."""
    dead_socket_termination = True

    def __init__(self, world: World, name: str, serial: str = "1234567", **bounds: float) -> None:
        super().__init__(world, name, serial)
        self._bounds = bounds
        self.errors, self.output = ErrorQueue(), Output()
        self.schedule = Schedule(self._wait, self._expired, world.clock.elapsed)
        world.background[name] = self.schedule
        self.status = Status(lambda: bool(self.errors), self.schedule.note_question)
        self.schedule.before_time_passes.append(self.status.observe)
        self.triggers = Triggers(self.schedule)
        self._trigger_key = EventObject(self.triggers.bus, TRIG_KEY)
        self._clock = RealTimeClock(world.clock, self.schedule.spend_look)
        self.root = root = Node()
        """The global objects, and as its methods the global functions."""
        root.methods |= {
            "delay": self._delay,
            "waitcomplete": lambda *_group: self.schedule.finish(),
            "opc": lambda: self.schedule.when_done(self._note_completion),
            "reset": self._reset,
            "printnumber": self.output.printnumber,
            "printbuffer": self.output.printbuffer,
            "savebuffer": save_buffer,
            "settime": self._clock.set,
        }
        root.children |= {
            "errorqueue": self.errors.node,
            "status": self.status.node,
            "format": self.output.node,
            "trigger": self.triggers.node,
            "timer": stop_watch(world.clock, self.schedule.spend_look),
            "digio": Lines().node,
            "os": self._clock.node,
            "setup": Setups(root.children, self._reset).node,
        }
        root.child("bit").methods |= BITS
        root.child("display").child("trigger", self._trigger_key.node)
        root.child("display").methods["sendkey"] = self._press
        root.keep(SETTINGS)
        root.keep(self.rows)
        for key in PORTS:
            root.child("lan").child("status").child("port").attribute(key, partial(self._port, key))
        self.localnode = root.child("localnode")
        self._describe_node()

    def power_on(self, factory: Mapping[str, str] | None = None) -> None:
        """Build the Lua state, when every object is in its place, and run the factory scripts.

        The instrument is alone on the TSP-Link, as ``node[1]``. As on every node, its objects are reached through it,
        and through ``localnode`` too.
        """
        for name, each in self.root.children.items():
            if each is not self.localnode:
                self.localnode.child(name, each)
        self.root.child("node").child(1, self.localnode)
        self.sandbox = Sandbox(self.root, self.output.print, self.refuse, factory or {}, **self._bounds)

    @abstractmethod
    def restore_defaults(self) -> None:
        """Bring the model's own objects to their defaults, as ``reset()`` does."""

    def refuse(self, refused: Refused) -> None:
        """Take note of what was not done."""
        self.errors.refuse(refused)
        self.status.standard.latched |= STANDARD["EXE"]

    def _describe_node(self) -> None:
        """Have ``localnode`` tell who the instrument is."""
        own = self.localnode
        told = {"model": self.model, "serialno": self.serial, "revision": self.firmware}
        own.keep([("", Only.TOLD, told), ("", text, {"description": f"Keithley {self.model}"})])
        own.setting("linefreq", 50.0, choice(50, 60), lambda: own.values.update(autolinefreq=False))
        own.methods |= {"reset": self._reset, "settime": self._clock.set}

    def _wait(self, seconds: float) -> None:
        """Let time pass on the bench; what it really takes is not the script's fault."""
        before = time.monotonic()
        self.world.wait(seconds)
        self.sandbox.pause(time.monotonic() - before)

    def _expired(self) -> bool:
        """Return whether the script that runs has had its time."""
        return self.sandbox.expired()

    def _delay(self, seconds: Value = None) -> None:
        self.schedule.advance(number(0, LONGEST_DELAY_S)(seconds))

    def _port(self, kind: str) -> float:
        return float(self.ports.get(kind, PORTS[kind]))

    def _note_completion(self) -> None:
        self.status.standard.latched |= STANDARD["OPC"]

    def _press(self, code: Value = None) -> None:
        """``display.sendkey``: press a key of the front panel; only TRIG does anything."""
        if whole(code, 0, 255) == self.root.child("display").constants["KEY_TRIG"]:
            self.triggers.bus.emit(TRIG_KEY)

    def _reset(self, *_system: Value) -> None:
        self.schedule.cancel()
        for name in ("format", "display", "beeper", "digio", "tsplink"):
            self.root.child(name).reset()
        self.triggers.reset()
        self.restore_defaults()
