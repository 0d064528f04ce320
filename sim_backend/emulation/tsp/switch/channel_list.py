"""Channel lists of a TSP matrix: ``"1A01:1A05, 1C03; slot1"``."""

import re

from ..lua.objects import Refused, Value, text
from .cards import BAD_CHANNEL, Notation, Relay

LONGEST_LIST = 16_384
"""Characters of a list; no manual says how many an instrument takes."""


class ChannelNames:
    """What goes with channels, and the reading of lists."""

    def __init__(self, notation: Notation) -> None:
        self.notation = notation
        self.beside: dict[Relay, tuple[Relay, ...]] = {}
        """Relays of the analog backplane that go with a crosspoint."""

    def read(self, value: Value, *, whole: bool = False, empty: bool = False, beside: bool = False) -> list[Relay]:
        """Return the crosspoints of a list, each once, in the list's order.

        Parameters
        ----------
        value : text
            The list as a script passed it.
        whole : bool
            Whether ``slotX`` and ``allslots`` are allowed.
        empty : bool
            Whether an empty list is.
        beside : bool
            Whether what goes with a channel is listed too.

        Raises
        ------
        Refused
            If the list is not one, or names what does not exist.
        """
        if len(text(value)) > LONGEST_LIST:
            raise Refused(BAD_CHANNEL, f"Parameter error channel list is longer than {LONGEST_LIST} characters")
        words = [word.strip() for word in re.split(r"[,;]", text(value))]
        if words == [""]:
            if empty:
                return []
            raise Refused(BAD_CHANNEL, "Parameter error no valid channels in channel list")
        found: dict[Relay, None] = {}
        for word in words:
            relays = self._read(word, whole=whole)
            found.update(dict.fromkeys(relays))
            if beside:
                found.update((plane, None) for relay in relays for plane in self.beside.get(relay, ()))
        return list(found)

    def _read(self, word: str, *, whole: bool) -> list[Relay]:
        if word == "allslots" or re.fullmatch(r"slot\d", word, re.ASCII):
            if not whole:
                raise Refused(BAD_CHANNEL, f"Parameter error {word} is not allowed here")
            return self.notation.all(None if word == "allslots" else int(word[4:]))
        if ":" in word:
            first, last = (self.notation.relay(end.strip()) for end in word.split(":", 1))
            if first > last or first.slot != last.slot or first.on_backplane != last.on_backplane:
                raise Refused(BAD_CHANNEL, f"Parameter error invalid range: {word[:40]}")
            return [relay for relay in self.notation.all(first.slot) if first <= relay <= last]
        return [self.notation.relay(word)]
