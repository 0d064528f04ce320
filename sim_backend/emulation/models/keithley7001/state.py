"""The relays of an emulated Keithley 7001 and their settling time."""

import re
from collections.abc import Iterable

from ...scpi import values
from ...scpi.kinds import Kind
from ...scpi.matrix import Crosspoint, MatrixInstrument
from ...scpi.messages import Call
from ...scpi.status import ScpiError
from ...world.world import World

MATRIX = "C7012"
"""The one card with channels here."""


def _read_card(texts: list[str], _: bool) -> str:
    name = texts[0].upper()
    if not re.fullmatch("C[0-9]{4}|NONE", name):
        raise ScpiError(-141)
    return name


CARD = Kind(_read_card, samples=("NONE", MATRIX, "C7011"))


class Keithley7001State(MatrixInstrument):
    """What every command of a 7001 acts on; for the parameters see `MatrixInstrument`."""

    channel_pattern = re.compile(r"([0-9]{1,3})\s*!\s*([0-9]{1,3})\s*!\s*([0-9]{1,3})")
    rows = 4
    columns = 10

    def __init__(self, world: World, name: str, serial: str = "1234567", *, settle_s: float = 4e-3) -> None:
        super().__init__(world, name, serial, settle_s=settle_s)
        self.extra_s: dict[int, float] = {}
        """Extra settling time of slots."""
        self._cards: dict[int, str] = {}

    def reset(self) -> None:
        """Open every relay; no extra settling."""
        super().reset()
        self.extra_s = {}

    def slots(self) -> Iterable[int]:
        """Return the slots that hold a matrix card."""
        return [each for each in range(1, self.most_suffix + 1) if self.card(each) == MATRIX]

    def card(self, slot: int) -> str:
        """Return which card a slot is taken to hold."""
        return self._cards.get(slot, MATRIX)

    def insert(self, slot: int, card: str) -> None:
        """Take a slot to hold a card; the relays of another one open."""
        if card != self.card(slot):
            self.move({each for each in self.closed if each.slot != slot})
        self._cards[slot] = card
        self._lists.clear()

    def channel_name(self, crosspoint: Crosspoint) -> str:
        """Write slot!row!column."""
        return "!".join(map(str, crosspoint))

    def channel_list(self, crosspoints: Iterable[Crosspoint]) -> str:
        """Write a channel list, sorted, columns that follow each other as a range."""
        runs: list[list[Crosspoint]] = []
        for each in sorted(crosspoints):
            if runs and each == runs[-1][-1]._replace(column=runs[-1][-1].column + 1):
                runs[-1].append(each)
            else:
                runs.append([each])
        ends = ([self.channel_name(place) for place in dict.fromkeys((run[0], run[-1]))] for run in runs)
        return f"(@{','.join(':'.join(each) for each in ends)})"

    def switch(self, closed: Iterable[Crosspoint]) -> None:
        """Move relays and wait for the extra settling time as well."""
        before = self.closed
        self.move(closed)
        if self.closed != before and self.extra_s:
            self.world.wait(max(self.extra_s.values()))

    def close(self, call: Call) -> None:
        """Close the relays of the channel list of a command."""
        self.switch({*self.closed, *self.crosspoints(call.expect(1)[0])})

    def open(self, call: Call) -> None:
        """Open the relays of the channel list of a command, or ``ALL``."""
        text = call.expect(1)[0]
        self.switch(set() if values.matches(text, "ALL") else self.closed - {*self.crosspoints(text)})
