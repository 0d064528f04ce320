"""An instrument that is spoken to in TSP: the message layer above its Lua.

Each message is one chunk of Lua, compiled and run at once, except for the common commands (``*IDN?``) and for words
that make a script of the lines that follow (``loadscript``). Emulated only: written after the Keithley 2600B, 707B and
3700A reference manuals, and tried with PyMeasure and the package keithley2600, never with an instrument.

Objects read an unknown attribute as nil; writing an unknown or a read-only one is a runtime error. What the manuals
leave open: a script that runs for too long, or waits for an event that cannot come, ends with error -286 where a real
instrument would hang.
"""

import re
import time
from collections.abc import Callable

from .instrument import EmulatedInstrument
from .tsp_errors import ErrorQueue, script_failure
from .tsp_objects import Node, Refused, Returned, ScriptError, Value, number
from .tsp_output import Output
from .tsp_panel import beeper, display, localnode, timer
from .tsp_sandbox import INSTRUCTIONS, SECONDS, Sandbox
from .tsp_schedule import Schedule
from .tsp_status import STANDARD, Status
from .tsp_trigger import Triggers
from .world import World

LONGEST_SCRIPT = 2**20
LONGEST_DELAY_S = 100e3


class TspInstrument(EmulatedInstrument):
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
    identity = ""
    """Answer to ``*IDN?``, with places for model, serial and firmware."""

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
        self.status = Status(lambda: bool(self.errors))
        self.schedule = Schedule(self._wait, self._expired)
        self.triggers = Triggers(self.schedule)
        self._loading: tuple[str, bool, list[str]] | None = None
        self.functions = Node()
        self.functions.methods |= {
            "delay": self._delay,
            "waitcomplete": self._waitcomplete,
            "opc": self._opc,
            "reset": self._reset,
            "printnumber": self.output.printnumber,
            "printbuffer": self.output.printbuffer,
        }
        self.roots: dict[str, Node] = {
            "errorqueue": self.errors.node,
            "status": self.status.node,
            "format": self.output.node,
            "trigger": self.triggers.node,
            "localnode": localnode(self.model, serial, self.firmware, self._reset),
            "display": display(),
            "beeper": beeper(),
            "timer": timer(world.clock),
        }

    def power_on(self) -> None:
        """Build the Lua state, when every object is in its place."""
        instructions, seconds = self._bounds
        self._sandbox = Sandbox(
            self.roots, self.functions, self.output.print, self.errors.push, instructions=instructions, seconds=seconds
        )

    def receive(self, message: str) -> bytes:
        """Act on one message and return what it makes the instrument say."""
        line = message.rstrip("\r").encode("latin-1", "replace").decode("latin-1")
        self._sandbox.begin()
        try:
            self._act(line)
            self.schedule.catch_up()
        except Refused as refused:
            self.errors.push(refused.code, str(refused))
        except ScriptError as error:
            self._note(("runtime", str(error)))
        return self.output.take() + self._prompt()

    def restore_defaults(self) -> None:
        """Bring the model's own objects to their defaults, as ``reset()`` does."""

    # ------------------------------------------------------------------ messages

    def _act(self, line: str) -> None:
        word, _, rest = line.strip().partition(" ")
        if self._loading is not None:
            self._load(line)
        elif word.startswith("*"):
            self._common(word.upper(), rest)
        elif word in {"loadscript", "loadandrunscript"}:
            self._loading = (rest.strip(), word == "loadandrunscript", [])
        elif word == "abort" and not rest:
            self.schedule.cancel()
        elif word == "password" or (word in {"flash", "restoreglobals", "endflash"} and not rest):
            pass
        elif word == "endscript" and not rest:
            self._run("endscript")
        elif word:
            self._run(line)

    def _load(self, line: str) -> None:
        """Take a line of a script that is being loaded."""
        name, at_once, lines = self._loading or ("", False, [])
        word = line.strip()
        if word == "abort":
            self._loading = None
        elif word in {"endscript", "endflash"}:
            self._loading = None
            self._note(self._sandbox.store(_checked_name(name), "\n".join(lines), at_once=at_once))
        elif sum(map(len, lines)) + len(line) > LONGEST_SCRIPT:
            self._loading = None
            raise Refused(-225, "Out of memory")
        else:
            lines.append(line)

    def _common(self, word: str, rest: str) -> None:
        standard = self.status.standard
        enables = {"*ESE": (standard.node, "enable"), "*SRE": (self.status.node, "request_enable")}
        answers: dict[str, Callable[[], str]] = {
            "*IDN?": lambda: self.identity.format(model=self.model, serial=self.serial, firmware=self.firmware),
            "*ESE?": lambda: str(standard.enable),
            "*ESR?": lambda: f"{standard.take():.0f}",
            "*SRE?": lambda: f"{self.status.node.values['request_enable']:.0f}",
            "*STB?": lambda: f"{self.status.byte():.0f}",
            "*TST?": lambda: "0",
        }
        if word in answers and not rest:
            self.output.say(answers[word]().encode())
        elif word == "*OPC?":
            self._run("waitcomplete() print([[1]])")
        elif word in enables:
            node, key = enables[word]
            node.setters[key](float(rest) if re.fullmatch(r"\s*\d+\s*", rest) else rest)
        elif word in _COMMON and not rest:
            if word == "*CLS":
                self.errors.clear()
            if word == "*TRG":
                self.triggers.command()
            else:
                self._run(_COMMON[word])
        else:
            self.errors.push(*script_failure("syntax", "tsp:1: unexpected symbol near '*'"))

    def _run(self, source: str) -> None:
        self._note(self._sandbox.run(source))

    def _note(self, wrong: tuple[str, str] | None) -> None:
        if wrong:
            self.errors.push(*script_failure(*wrong))
            self.status.standard.latched |= STANDARD["CME" if wrong[0] == "syntax" else "EXE"]

    def _prompt(self) -> bytes:
        settings = self.roots["localnode"].values
        said = b""
        if settings["showerrors"]:
            while self.errors:
                self.output.print(self.errors.next())
            said = self.output.take()
        if not settings["prompts"]:
            return said
        if self._loading is not None:
            return said + b">>>>\n"
        return said + (b"TSP?\n" if self.errors else b"TSP>\n")

    # ------------------------------------------------------------------ functions and objects

    def _wait(self, seconds: float) -> None:
        """Let time pass on the bench; what it really takes is not the script's fault."""
        before = time.monotonic()
        self.world.wait(seconds)
        self._sandbox.pause(time.monotonic() - before)

    def _expired(self) -> bool:
        return self._sandbox.expired()

    def _delay(self, seconds: Value = None) -> Returned:
        self.schedule.advance(number(0, LONGEST_DELAY_S)(seconds))
        return ()

    def _waitcomplete(self, *_group: Value) -> Returned:
        self.schedule.finish()
        return ()

    def _opc(self) -> Returned:
        self.schedule.finish()
        self.status.standard.latched |= STANDARD["OPC"]
        return ()

    def _reset(self, *_system: Value) -> Returned:
        self.schedule.cancel()
        for node in (self.output.node, self.roots["display"], self.roots["beeper"]):
            node.reset()
        self.triggers.reset()
        self.restore_defaults()
        return ()


_COMMON = {"*CLS": "status.reset()", "*OPC": "opc()", "*RST": "reset()", "*WAI": "waitcomplete()", "*TRG": ""}


def _checked_name(name: str) -> str:
    if name and not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII):
        raise Refused(-285, f"script name {name!r} is not a name")
    return name
