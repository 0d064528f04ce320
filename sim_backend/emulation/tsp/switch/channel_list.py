"""Channel lists of a TSP matrix: ``"1A01:1A05, 1C03; pattern, slot1"``."""

import re

from ..lua.objects import Refused, Value, text
from .cards import BAD_CHANNEL, Notation, Relay

LONGEST_PATTERN_NAME = 19
MOST_PATTERNS = 1000
LONGEST_LIST = 16_384
"""Characters of a list; no manual says how many an instrument takes."""


class ChannelNames:
    """Patterns, and the reading of lists that use them."""

    def __init__(self, notation: Notation) -> None:
        self.notation = notation
        self.patterns: dict[str, tuple[Relay, ...]] = {}
        self.beside: dict[Relay, tuple[Relay, ...]] = {}
        """Relays of the analog backplane that go with a crosspoint."""

    def read(
        self, value: Value, *, whole: bool = False, patterns: bool = True, empty: bool = False, beside: bool = False
    ) -> list[Relay]:
        """Return the crosspoints of a list, each once, in the list's order.

        Parameters
        ----------
        value : text
            The list as a script passed it.
        whole : bool
            Whether ``slotX`` and ``allslots`` are allowed.
        patterns : bool
            Whether patterns are.
        empty : bool
            Whether an empty list is.
        beside : bool
            Whether what goes with a channel is listed too; with patterns goes only what is in them.

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
            relays = self._read(word, whole=whole, patterns=patterns)
            found.update(dict.fromkeys(relays))
            if beside and word not in self.patterns:
                found.update((plane, None) for relay in relays for plane in self.beside.get(relay, ()))
        return list(found)

    def images(self, value: Value) -> list[tuple[Relay, ...]]:
        """Return the images of a list of patterns."""
        names = [name.strip() for name in re.split(r"[,;]", text(value)[:LONGEST_LIST])]
        for name in names:
            if name not in self.patterns:
                raise Refused(BAD_CHANNEL, f"Parameter error there is no pattern {name[:40]}")
        return [self.patterns[name] for name in names]

    def forget(self, relays: set[Relay]) -> None:
        """Delete the patterns that use any of these crosspoints."""
        self.patterns = {name: image for name, image in self.patterns.items() if not relays & set(image)}

    def set_pattern(self, name: Value, image: list[Relay]) -> None:
        """Keep a pattern under a name."""
        wanted = text(name)
        if not re.fullmatch(rf"[A-Za-z_]\w{{0,{LONGEST_PATTERN_NAME - 1}}}", wanted, re.ASCII):
            raise Refused(BAD_CHANNEL, f"Parameter error invalid pattern name: {wanted[:40]}")
        if len(self.patterns) >= MOST_PATTERNS:
            raise Refused(-225, "Out of memory")
        self.patterns[wanted] = tuple(image)

    def _read(self, word: str, *, whole: bool, patterns: bool) -> list[Relay]:
        if word == "allslots" or re.fullmatch(r"slot\d", word, re.ASCII):
            if not whole:
                raise Refused(BAD_CHANNEL, f"Parameter error {word} is not allowed here")
            return self.notation.all(None if word == "allslots" else int(word[4:]))
        if word in self.patterns:
            if not patterns:
                raise Refused(BAD_CHANNEL, f"Parameter error a pattern is not allowed here: {word}")
            return list(self.patterns[word])
        if ":" in word:
            first, last = (self.notation.relay(end.strip()) for end in word.split(":", 1))
            if first > last or first.slot != last.slot or first.on_backplane != last.on_backplane:
                raise Refused(BAD_CHANNEL, f"Parameter error invalid range: {word[:40]}")
            return [relay for relay in self.notation.all(first.slot) if first <= relay <= last]
        return [self.notation.relay(word)]
