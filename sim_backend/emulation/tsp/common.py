"""The common commands of a TSP instrument: ``*IDN?`` and its like, words of messages that are no Lua."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from .time.status import Status

SCRIPTS = {
    "*CLS": "status.reset()",
    "*OPC": "opc()",
    "*OPC?": "waitcomplete() print([[1]])",
    "*RST": "reset()",
    "*TST?": "print([[0]])",
    "*WAI": "waitcomplete()",
}
"""What they are short for (2600B reference manual, equivalent TSP commands)."""


@dataclass(frozen=True, slots=True)
class CommonCommands:
    """What the commands act on."""

    identity: str
    status: Status
    say: Callable[[str], None]
    run: Callable[[str], None]
    """Runs a script."""
    trigger: Callable[[], None]
    """Does what ``*TRG`` does."""
    clear: Callable[[], object]
    """Clears the error queue."""

    def act(self, word: str, rest: str) -> bool:
        """Act on a command in capitals, given apart from what follows it; return whether it is one."""
        standard = self.status.standard
        enables = {"*ESE": (standard.node, "enable"), "*SRE": (self.status.node, "request_enable")}
        answers: dict[str, Callable[[], str]] = {
            "*IDN?": lambda: self.identity,
            "*ESE?": lambda: str(standard.enable),
            "*ESR?": lambda: f"{standard.take():.0f}",
            "*SRE?": lambda: f"{self.status.node.values['request_enable']:.0f}",
            "*STB?": lambda: f"{self.status.byte():.0f}",
        }
        if word in enables:
            node, key = enables[word]
            node.setters[key](float(rest) if re.fullmatch(r"\s*\d+\s*", rest) else rest)
        elif rest:
            return False
        elif word in answers:
            self.say(answers[word]())
        elif word == "*TRG":
            self.trigger()
        elif word in SCRIPTS:
            if word == "*CLS":
                self.clear()
            self.run(SCRIPTS[word])
        else:
            return False
        return True
