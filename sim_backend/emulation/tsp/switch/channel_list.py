"""Channel lists of a TSP matrix: ``"1A01:1A05, 1C03; slot1"``."""

import re
from collections.abc import Collection, Iterable

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
        self.labels: dict[str, Relay] = {}
        self.patterns: dict[str, tuple[Relay, ...]] = {}

    def clear(self) -> None:
        """Forget everything."""
        for each in (self.beside, self.labels, self.patterns):
            each.clear()

    def forget(self, relay: Relay) -> None:
        """Forget what goes with a channel, as ``channel.reset`` does."""
        self.beside.pop(relay, None)
        self.labels = {label: each for label, each in self.labels.items() if each != relay}
        self.drop_patterns_with({relay})

    def set_label(self, relay: Relay, label: Value) -> None:
        """Give a channel a name of its own, or take it away with an empty one."""
        name = text(label)
        self.labels = {old: each for old, each in self.labels.items() if each != relay}
        if not name or name[0] == " ":
            return
        self._check_name(name)
        self.labels[name] = relay

    def label_of(self, relay: Relay) -> str:
        """Return the label of a channel."""
        return next((label for label, each in self.labels.items() if each == relay), "")

    def pattern(self, name: Value) -> tuple[Relay, ...]:
        """Return the channels of a pattern."""
        if name not in self.patterns:
            raise Refused(BAD_CHANNEL, "Parameter error pattern does not exist")
        return self.patterns[str(name)]

    def keep_pattern(self, name: Value, relays: Iterable[Relay]) -> None:
        """Keep channels under a name; an old pattern of that name is lost."""
        self._check_name(text(name), but=self.patterns)
        self.patterns[str(name)] = tuple(sorted(relays))

    def delete_pattern(self, name: Value = None) -> None:
        """``channel.pattern.delete``."""
        self.pattern(name)
        del self.patterns[str(name)]

    def drop_patterns_with(self, relays: Collection[Relay]) -> None:
        """Delete the patterns that hold one of these channels."""
        self.patterns = {name: each for name, each in self.patterns.items() if not set(each) & set(relays)}

    def _check_name(self, name: str, but: Collection[str] = ()) -> None:
        """Check a label or the name of a pattern: a word that is nothing else (manuals, channel.setlabel)."""
        taken = name not in but and name in {*self.labels, *self.patterns}
        if taken or not re.fullmatch(r"[A-Za-z_]\w{0,18}", name, re.ASCII):
            raise Refused(BAD_CHANNEL, f"Parameter error invalid name: {name[:20]}")

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
        if word in self.patterns:
            return list(self.patterns[word])
        return [self.labels[word] if word in self.labels else self.notation.relay(word)]
