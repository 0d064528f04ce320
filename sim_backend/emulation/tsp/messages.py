"""An instrument that is spoken to in TSP: the message layer above its Lua.

Each message is one chunk of Lua, compiled and run at once, except for the common commands (``*IDN?``) and for words
that make a script of the lines that follow (``loadscript``). Emulated only: written after the Keithley 2600B, 707B and
3700A reference manuals, and tried with PyMeasure, keithley2600 and other clients, never with an instrument.

What the manuals leave open: a script that runs for too long, or waits for an event that cannot come, ends with error
-286 where a real instrument would hang; a client that takes control over ends the loading of a script.
"""

import re
from dataclasses import dataclass, field

from ..world.instrument import Scratch
from ..world.world import World
from .errors import script_failure
from .lua.objects import Refused, ScriptError
from .machine import TspMachine
from .time.status import STANDARD

COMMON = {
    "*CLS": "status.reset()",
    "*OPC": "opc()",
    "*OPC?": "waitcomplete() print([[1]])",
    "*RST": "reset()",
    "*TST?": "print([[0]])",
    "*WAI": "waitcomplete()",
}
"""What common commands are short for (2600B reference manual, equivalent TSP commands)."""


LONGEST_LINE = 2048
"""Characters of a message; longer ones are lost with error -363. The manual has the error but no number: users report
it for lists of a few hundred values, so this is an assumption on the strict side."""
LONGEST_SCRIPT = 2**20
"""Characters of a script that comes in line by line, a line feed counted for each line."""


@dataclass
class Loading:
    """The lines so far of a script, after ``loadscript`` or ``loadandrunscript``."""

    name: str
    """Its name; empty for the anonymous one."""
    at_once: bool
    """Whether it runs when it is complete."""
    lines: list[str] = field(default_factory=list)
    length: int = 0


class EmulatedTspInstrument(TspMachine):
    """A TSP instrument as its clients see it; parameters as for `TspMachine`."""

    identity = ""
    """Answer to ``*IDN?``, with places for model, serial and firmware."""

    def __init__(self, world: World, name: str, serial: str = "1234567", **bounds: float) -> None:
        super().__init__(world, name, serial, **bounds)
        self._loading: Loading | None = None

    def receive(self, message: str) -> bytes:
        """Act on one message and return what it makes the instrument say."""
        line = message.rstrip("\r").encode("latin-1", "replace").decode("latin-1")
        self.sandbox.begin()
        with self.schedule.at_work():
            try:
                if len(line) > LONGEST_LINE:
                    raise Refused(-363, "Input buffer overrun")
                self._act(line)
                self.schedule.catch_up()
            except Refused as refused:
                self.refuse(refused)
            except ScriptError as error:
                self._note(("runtime", str(error)))
        return self.output.take() + self._prompt()

    def note_takeover(self) -> None:
        """End the loading of a script."""
        self._loading = None

    def report(self, code: int, text: str) -> None:
        """Put an error into the queue."""
        self.errors.push(code, text)

    def scratch(self) -> Scratch:
        """Return the numbers, texts and booleans among the globals that clients have set."""
        return self.sandbox.own_globals()

    def set_scratch(self, scratch: Scratch) -> None:
        """Set globals."""
        for name, value in scratch.items():
            self.sandbox.set_global(name, value)

    # ------------------------------------------------------------------ inside

    def _act(self, line: str) -> None:
        word, _, rest = line.strip().partition(" ")
        if self._loading is not None:
            self._load(line, self._loading)
        elif word.startswith("*"):
            if not self._common(word.upper(), rest):
                self._note(("syntax", "tsp:1: unexpected symbol near '*'"))
        elif word in {"loadscript", "loadandrunscript"}:
            self._loading = Loading(rest.strip(), at_once=word == "loadandrunscript")
        elif word == "abort" and not rest:
            self.schedule.cancel()
        elif word == "password" or (word in {"flash", "restoreglobals", "endflash"} and not rest):
            pass
        elif word:
            self._run(line)

    def _common(self, word: str, rest: str) -> bool:
        """Act on a common command in capitals, given apart from what follows it; return whether it is one."""
        status, standard = self.status, self.status.standard
        enables = {"*ESE": (standard.node, "enable"), "*SRE": (status.node, "request_enable")}
        answers = {
            "*IDN?": lambda: self.identity.format(model=self.model, serial=self.serial, firmware=self.firmware),
            "*ESE?": lambda: str(standard.enable),
            "*ESR?": lambda: f"{standard.take():.0f}",
            "*SRE?": lambda: f"{status.node.values['request_enable']:.0f}",
            "*STB?": lambda: f"{status.byte():.0f}",
        }
        if word in enables:
            node, key = enables[word]
            node.write(key, float(rest) if re.fullmatch(r"\s*\d+\s*", rest) else rest)
        elif rest:
            return False
        elif word in answers:
            self.output.say(answers[word]().encode())
        elif word == "*TRG":
            self.triggers.happen()
        elif word in COMMON:
            if word == "*CLS":
                self.errors.clear()
            self._run(COMMON[word])
        else:
            return False
        return True

    def _load(self, line: str, loading: Loading) -> None:
        """Take a line of the script that is being loaded."""
        word = line.strip()
        if word in {"abort", "endscript", "endflash"}:
            self._loading = None
        if word in {"endscript", "endflash"}:
            if loading.name and not re.fullmatch(r"[A-Za-z_]\w*", loading.name, re.ASCII):
                raise Refused(-285, f"script name {loading.name[:40]!r} is not a name")
            self._note(self.sandbox.store(loading.name, "\n".join(loading.lines), at_once=loading.at_once))
        elif word != "abort":
            loading.lines.append(line)
            loading.length += len(line) + 1
            if loading.length > LONGEST_SCRIPT:
                self._loading = None  # what is there is worth nothing
                raise Refused(-225, "Out of memory")

    def _run(self, source: str) -> None:
        self._note(self.sandbox.run(source))

    def _note(self, wrong: tuple[str, str] | None) -> None:
        if wrong:
            self.errors.push(*script_failure(*wrong))
            self.status.standard.latched |= STANDARD["CME" if wrong[0] == "syntax" else "EXE"]

    def _prompt(self) -> bytes:
        settings = self.localnode.values
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
