"""A panel of cables or toggle switches, to rehearse a bench without relays: its circuit follows what was confirmed.

A person has no language, so this one is ours, spoken by `crossbar_hil.instruments.manual` alone: ``ANSWERS?`` is
answered by yes or no, ``CONNECT A-1,B-5`` leaves exactly these crosspoints connected, ``CONNECTED?`` names them.
Cables touch one after the other; here all are moved at the same instant.
"""

import re

from crossbar_hil.errors import ConfigError
from crossbar_hil.instrument import row_number

from ...world.instrument import EmulatedInstrument
from ...world.world import World

_CROSSPOINT = re.compile(r"(?:(\d+):)?([A-Z]|\d+)-(\d+)", re.ASCII)
SECONDS = 5.0
"""What a person takes to move a cable: a guess, for cells that forget."""


class EmulatedPanel(EmulatedInstrument):
    """Ports and lines, as many as are named, that a person joins.

    Parameters
    ----------
    answers : bool
        Whether it confirms by itself what the person is asked.
    """

    def __init__(self, world: World, name: str, serial: str = "0", *, answers: bool = True) -> None:
        super().__init__(world, name, serial)
        self.answers = answers
        self.joined: frozenset[str] = frozenset()
        world.add_matrix(name)

    def receive(self, message: str) -> bytes:
        """Answer a message."""
        command, _, rest = message.strip().partition(" ")
        if command == "ANSWERS?":
            return b"yes\n" if self.answers else b"no\n"
        if command == "CONNECTED?":
            return f"{','.join(sorted(self.joined)) or 'nothing'}\n".encode()
        if command != "CONNECT":
            return b"no such command\n"
        names = frozenset(filter(None, rest.split(",")))
        try:
            relays = [self._nodes(each) for each in names]
        except ConfigError as error:
            return f"{error}\n".encode()
        self.world.wait(SECONDS * len(names ^ self.joined))
        self.world.move_relays(self.name, relays)
        self.joined = names
        return b"done\n"

    def _nodes(self, crosspoint: str) -> tuple[str, str]:
        found = _CROSSPOINT.fullmatch(crosspoint)
        if found is None:
            raise ConfigError(f"no crosspoint is called {crosspoint[:20]!r}")
        slot, row, column = found.groups()
        return f"{self.name}.row.{slot or 1}.{row_number(row)}", f"{self.name}.column.{slot or 1}.{int(column)}"
