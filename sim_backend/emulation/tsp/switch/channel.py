"""The ``channel`` object of a TSP matrix: closing and opening, all or nothing, and what is kept for each channel.

The delay of a user is waited for after closing. Relays of the analog backplane close and open with the channels they
are set to go with. Without its card's interlock such a relay stays open; that is a warning in the error queue and
hinders nothing else (an assumption: the 3700A manual says that it cannot be energized).
"""

from collections.abc import Callable, Iterable

from ..lua.objects import INFORMATIONAL, NIL, Node, Refused, Returned, Value, choice, number
from .cards import BAD_CHANNEL, Notation, Relay
from .channel_list import ChannelNames
from .relays import BREAK_BEFORE_MAKE, MAKE_BEFORE_BREAK, OFF, Relays

SETTINGS_CONFLICT = 1114
"""Error code for a channel that is forbidden to close, among others (3700A manual)."""
CLOSED = 1
ALL = "allslots"
LONGEST_DELAY_S = 60.0
POLES = 2


class Channels:
    """The channels of a mainframe.

    Parameters
    ----------
    relays : Relays
        The relays.
    notation : Notation
        The cards, and how their crosspoints are written.
    warn : callable
        Takes what was not done, where the rest was.
    disengaged : callable
        Says whether the interlock of a slot is open.
    """

    def __init__(
        self,
        relays: Relays,
        notation: Notation,
        warn: Callable[[Refused], None],
        disengaged: Callable[[int], bool],
    ) -> None:
        self._relays, self._notation, self._warn, self._disengaged = relays, notation, warn, disengaged
        self._names = ChannelNames(notation)
        self._delays: dict[Relay, float] = {}
        self._forbidden: set[Relay] = set()
        self.node = node = Node()
        node.constants |= {"OFF": 0, "ON": 1, "BREAK_BEFORE_MAKE": 1, "MAKE_BEFORE_BREAK": 2, "IND_CLOSED": 1}
        node.constants |= {"TYPE_SWITCH": 1, "TYPE_BACKPLANE": 2}
        node.setting("connectrule", float(BREAK_BEFORE_MAKE), choice(OFF, BREAK_BEFORE_MAKE, MAKE_BEFORE_BREAK))
        node.setting("connectsequential", 0.0, choice(0, 1), self._obey)
        node.methods |= {
            "close": self.close,
            "open": self.open,
            "exclusiveclose": self.exclusive_close,
            "exclusiveslotclose": self.exclusive_slot_close,
            "getclose": lambda channels=None: self._which(channels, self._relays.closed, ";"),
            "getstate": self._each(lambda relay: str(int(relay in self._relays.closed) * CLOSED)),
            "getcount": self._each(lambda relay: str(self._relays.counts[relay])),
            "gettype": self._each(lambda relay: str(1 + relay.on_backplane)),
            "getdelay": self._each(lambda relay: f"{self._delays.get(relay, 0.0):.5e}", crosspoints=True),
            "setdelay": self._set_delay,
            "getforbidden": lambda channels=None: self._which(channels, self._forbidden, ","),
            "setforbidden": self._set_forbidden,
            "clearforbidden": self._clear_forbidden,
            "getbackplane": self._each(lambda relay: self._list(self._names.beside.get(relay, ())), between=";"),
            "setbackplane": self._set_backplane,
            "reset": self.reset_channels,
            "setlabel": self._set_label,
            "getlabel": self._each(self._names.label_of),
            "getpole": self._each(lambda _: "2", crosspoints=True),
            "setpole": self._set_pole,
        }
        node.child("pattern").methods |= {
            "setimage": self._set_pattern,
            "snapshot": lambda name=None: self._names.keep_pattern(name, self._relays.closed),
            "getimage": lambda name=None: self._list(self._names.pattern(name)),
            "delete": self._names.delete_pattern,
            "catalog": lambda: tuple(sorted(self._names.patterns)) or NIL,
        }

    # ------------------------------------------------------------------ moving relays

    def close(self, channels: Value = None) -> None:
        """``channel.close``: close more."""
        wanted = self._relays_to_close(channels)
        self._relays.move(self._relays.closed | frozenset(wanted))
        self._user_delay(wanted)

    def open(self, channels: Value = None) -> None:
        """``channel.open``."""
        leaving = self._relays.closed if channels == ALL else self._names.read(channels, whole=True, beside=True)
        self._relays.move(self._relays.closed - frozenset(leaving))

    def exclusive_close(self, channels: Value = None) -> None:
        """``channel.exclusiveclose``: close these and open all others."""
        self._exchange(self._relays_to_close(channels, empty=True), self._relays.closed)

    def read(self, channels: Value) -> list[list[Relay]]:
        """Return what is closed step by step in a scan of a list."""
        return [[relay] for relay in self._check_permitted(self._names.read(channels))]

    def step(self, relays: list[Relay], leaving: Iterable[Relay]) -> None:
        """Close a step of a scan and open others, by the connection rule."""
        self._exchange(relays, leaving)

    def closed(self) -> frozenset[Relay]:
        """Return what is closed."""
        return self._relays.closed

    def exclusive_slot_close(self, channels: Value = None) -> None:
        """``channel.exclusiveslotclose``: close these and open all others of the slots they are in."""
        wanted = self._relays_to_close(channels)
        slots = {relay.slot for relay in wanted}
        self._exchange(wanted, [relay for relay in self._relays.closed if relay.slot in slots])

    def reset(self) -> None:
        """Open every relay and forget delays and what is forbidden."""
        self._relays.move(frozenset())
        self.node.reset()
        self._obey()
        self._delays.clear()
        self._forbidden.clear()
        self._names.clear()

    def reset_channels(self, channels: Value = None) -> None:
        """``channel.reset``."""
        relays = set(self._names.read(channels, whole=True))
        self._relays.move(self._relays.closed - relays)
        for relay in relays:
            self._delays.pop(relay, None)
            self._names.forget(relay)
        self._forbidden -= relays

    def _relays_to_close(self, channels: Value, *, empty: bool = False) -> list[Relay]:
        """Return the relays of a list that is to be closed, without those that an interlock holds open."""
        wanted = self._check_permitted(self._names.read(channels, empty=empty, beside=True))
        held = [relay for relay in wanted if relay.on_backplane and self._disengaged(relay.slot)]
        for relay in held:
            said = f"Interlock of slot {relay.slot} is disengaged, {self._notation.name(relay)} stays open"
            self._warn(Refused(SETTINGS_CONFLICT, said, INFORMATIONAL))
        return [relay for relay in wanted if relay not in held]

    def _check_permitted(self, relays: list[Relay]) -> list[Relay]:
        for relay in relays:
            if relay in self._forbidden:
                raise Refused(
                    SETTINGS_CONFLICT, f"Parameter error channel is forbidden to close: {self._notation.name(relay)}"
                )
        return relays

    def _exchange(self, wanted: list[Relay], present: Iterable[Relay]) -> None:
        kept = frozenset(wanted)
        self._relays.exchange(kept, frozenset(present) - kept, self.node.values["connectrule"])
        self._user_delay(wanted)

    def _obey(self) -> None:
        """Have the relays move one after the other, or together, as the setting says."""
        self._relays.sequential = bool(self.node.values["connectsequential"])

    def _user_delay(self, relays: Iterable[Relay]) -> None:
        delays = [self._delays.get(relay, 0.0) for relay in relays]
        self._relays.wait(sum(delays) if self.node.values["connectsequential"] else max(delays, default=0.0))

    # ------------------------------------------------------------------ settings and questions

    def _each(
        self, answer: Callable[[Relay], str], *, between: str = ",", crosspoints: bool = False
    ) -> Callable[..., Returned]:
        """Return a method that answers for each channel of a list; of a whole slot maybe for its crosspoints only."""

        def method(channels: Value = None) -> Returned:
            relays = self._names.read(channels, whole=True)
            return between.join(answer(relay) for relay in (self._crosspoints(relays) if crosspoints else relays))

        return method

    def _which(self, channels: Value, of: Iterable[Relay], between: str) -> Returned:
        found = set(of) if channels == ALL else set(self._names.read(channels, whole=True)).intersection(of)
        return self._list(sorted(found), between) or NIL

    def _list(self, relays: Iterable[Relay], between: str = ",") -> str:
        return between.join(self._notation.name(relay) for relay in relays)

    def _crosspoints(self, relays: list[Relay]) -> list[Relay]:
        found = [relay for relay in relays if not relay.on_backplane]
        if not found:
            raise Refused(BAD_CHANNEL, "Parameter error not for analog backplane relays")
        return found

    def _set_delay(self, channels: Value = None, seconds: Value = None) -> None:
        relays = self._crosspoints(self._names.read(channels, whole=True))
        self._delays |= dict.fromkeys(relays, number(0, LONGEST_DELAY_S)(seconds))

    def _set_forbidden(self, channels: Value = None) -> None:
        relays = set(self._names.read(channels, whole=True))
        self._forbidden |= relays
        self._names.drop_patterns_with(relays)

    def _clear_forbidden(self, channels: Value = None) -> None:
        self._forbidden -= set(self._names.read(channels, whole=True))

    def _set_label(self, channel: Value = None, label: Value = None) -> None:
        relays = self._names.read(channel)
        if len(relays) != 1:
            raise Refused(BAD_CHANNEL, "Parameter error one channel takes a label")
        self._names.set_label(relays[0], label)

    def _set_pole(self, channels: Value = None, poles: Value = None) -> None:
        """``channel.setpole``: the cards here have two poles and no pairs (an assumption for the 3730)."""
        self._crosspoints(self._names.read(channels, whole=True))
        if number()(poles) != POLES:
            raise Refused(SETTINGS_CONFLICT, "Parameter error invalid pole setting for channel")

    def _set_pattern(self, channels: Value = None, name: Value = None) -> None:
        self._names.keep_pattern(name, self._check_permitted(self._names.read(channels, empty=True)))

    def _set_backplane(self, channels: Value = None, planes: Value = None) -> None:
        relays = self._crosspoints(self._names.read(channels, whole=True))
        beside = tuple(self._names.read(planes, empty=True))
        if not all(relay.on_backplane for relay in beside):
            raise Refused(BAD_CHANNEL, "Parameter error not an analog backplane relay")
        self._names.beside |= dict.fromkeys(relays, beside)
