"""The ``channel`` object of a TSP matrix: closing and opening relays, in time and all or nothing.

A relay that moves takes `settle_s`; with ``connectsequential`` they move one after the other. The delay of a user is
waited for after closing. Exclusive closing follows ``connectrule``: break before make opens, waits, closes and waits;
make before break the other way round, so that both states are there for a while; off moves all at once.
"""

from collections import Counter
from collections.abc import Callable, Iterable

from .tsp_cards import Notation, Relay
from .tsp_channel_list import ChannelNames
from .tsp_objects import Node, Refused, Returned, Value, choice, given, number, whole
from .tsp_schedule import Schedule
from .world import World

OFF, BREAK_BEFORE_MAKE, MAKE_BEFORE_BREAK = 0, 1, 2
FORBIDDEN = 1114
"""Error code for a channel that is forbidden to close (settings conflict in the 3700A manual)."""
CLOSED = 1
LONGEST_DELAY_S = 60.0


class Channels:
    """The relays of a mainframe.

    Parameters
    ----------
    world, name
        Where the relays are, and the name of the matrix there.
    notation : Notation
        The cards, and how their crosspoints are written.
    schedule : Schedule
        Lets time pass.
    settle_s : float
        Settling time of a relay, in seconds.
    """

    def __init__(self, world: World, name: str, notation: Notation, schedule: Schedule, settle_s: float) -> None:
        self._world, self._name, self._schedule, self._settle_s = world, name, schedule, settle_s
        self._notation, self._names = notation, ChannelNames(notation)
        self._closed: set[Relay] = set()
        self._delays: dict[Relay, float] = {}
        self._forbidden: set[Relay] = set()
        self._counts: Counter[Relay] = Counter()
        world.add_matrix(name)
        self.node = node = Node()
        node.constants |= {"OFF": 0, "BREAK_BEFORE_MAKE": 1, "MAKE_BEFORE_BREAK": 2, "IND_CLOSED": 1, "TYPE_SWITCH": 1}
        node.setting("connectrule", float(BREAK_BEFORE_MAKE), choice(OFF, BREAK_BEFORE_MAKE, MAKE_BEFORE_BREAK))
        node.setting("connectsequential", 0.0, choice(0, 1))
        node.methods |= {
            "close": self.close,
            "open": self.open,
            "exclusiveclose": self.exclusive_close,
            "exclusiveslotclose": self.exclusive_slot_close,
            "getclose": lambda channels=None: self._names.written(
                [relay for relay in self._names.read(channels, whole=True) if relay in self._closed]
            ),
            "getstate": self._each(lambda relay: str(int(relay in self._closed) * CLOSED)),
            "getcount": self._each(lambda relay: str(self._counts[relay])),
            "gettype": self._each(lambda _: "1"),
            "getdelay": self._each(lambda relay: f"{self._delays.get(relay, 0.0):.5e}"),
            "setdelay": self._set_delay,
            "getforbidden": lambda channels=None: self._names.written(
                [relay for relay in self._names.read(channels, whole=True) if relay in self._forbidden]
            ),
            "setforbidden": self._set_forbidden,
            "clearforbidden": self._clear_forbidden,
            "createspecifier": self._create_specifier,
            "reset": self.reset_channels,
            "setlabel": lambda channel=None, label=None: self._label(channel, label, "channel"),
            "setlabelrow": lambda channel=None, label=None: self._label(channel, label, "row"),
            "setlabelcolumn": lambda channel=None, label=None: self._label(channel, label, "column"),
            "getlabel": self._each(lambda relay: self._names.labels.get(relay, self._notation.name(relay))),
        }
        pattern = node.child("pattern")
        pattern.methods |= {
            "setimage": self._set_image,
            "getimage": self._get_image,
            "delete": self._delete_pattern,
            "snapshot": self._snapshot,
            "catalog": lambda: tuple(sorted(self._names.patterns)),
        }
        pattern.iterators.add("catalog")

    # ------------------------------------------------------------------ moving relays

    def close(self, channels: Value = None) -> Returned:
        """``channel.close``: close more."""
        wanted = self._closable(channels)
        self._move(self._closed | set(wanted))
        self._user_delay(wanted)
        return ()

    def open(self, channels: Value = None) -> Returned:
        """``channel.open``."""
        self._move(self._closed - set(self._names.read(channels, whole=True)))
        return ()

    def exclusive_close(self, channels: Value = None) -> Returned:
        """``channel.exclusiveclose``: close these and open all others."""
        wanted = self._closable(channels, empty=True)
        self._exchange(set(wanted), self._closed - set(wanted), wanted)
        return ()

    def exclusive_slot_close(self, channels: Value = None) -> Returned:
        """``channel.exclusiveslotclose``: close these and open all others of the slots they are in."""
        wanted = self._closable(channels)
        slots = {relay.slot for relay in wanted}
        others = {relay for relay in self._closed if relay.slot in slots} - set(wanted)
        self._exchange(set(wanted), others, wanted)
        return ()

    def open_all(self) -> None:
        """Open every relay."""
        self._move(set())

    def reset(self) -> None:
        """Open every relay and forget delays, labels, patterns and what is forbidden."""
        self.open_all()
        self.node.reset()
        self._delays.clear()
        self._forbidden.clear()
        self._names = ChannelNames(self._notation)

    def reset_channels(self, channels: Value = None) -> Returned:
        """``channel.reset``."""
        relays = set(self._names.read(channels, whole=True))
        self._move(self._closed - relays)
        for relay in relays:
            self._delays.pop(relay, None)
            self._names.labels.pop(relay, None)
        self._forbidden -= relays
        self._names.forget(relays)
        return ()

    def _closable(self, channels: Value, *, empty: bool = False) -> list[Relay]:
        wanted = self._names.read(channels, empty=empty)
        for relay in wanted:
            if relay in self._forbidden:
                raise Refused(FORBIDDEN, f"Parameter error channel is forbidden to close: {self._notation.name(relay)}")
        return wanted

    def _exchange(self, wanted: set[Relay], leaving: set[Relay], listed: list[Relay]) -> None:
        after = (self._closed - leaving) | wanted
        rule = self.node.values["connectrule"]
        if rule == BREAK_BEFORE_MAKE:
            self._move(self._closed - leaving)
        elif rule == MAKE_BEFORE_BREAK:
            self._move(self._closed | wanted)
        self._move(after)
        self._user_delay(listed)

    def _move(self, closed: set[Relay]) -> None:
        """Bring the relays to a state, together or one after the other, and wait until they have settled."""
        moving = sorted(closed ^ self._closed)
        groups = [[relay] for relay in moving] if self.node.values["connectsequential"] else [moving]
        for group in groups:
            if not group:
                continue
            self._counts.update(relay for relay in group if relay not in self._closed)
            self._closed ^= set(group)
            self._world.move_relays(self._name, [self._nodes(relay) for relay in self._closed])
            self._schedule.advance(self._settle_s)

    def _user_delay(self, relays: Iterable[Relay]) -> None:
        delays = [self._delays.get(relay, 0.0) for relay in relays]
        together = sum(delays) if self.node.values["connectsequential"] else max(delays, default=0.0)
        self._schedule.advance(together)

    def _nodes(self, relay: Relay) -> tuple[str, str]:
        return (
            f"{self._name}.row.{relay.slot}.{relay.row}",
            f"{self._name}.column.{relay.slot}.{relay.column}",
        )

    # ------------------------------------------------------------------ settings and questions

    def _each(self, answer: Callable[[Relay], str]) -> Callable[..., Returned]:
        def method(channels: Value = None) -> Returned:
            return ",".join(answer(relay) for relay in self._names.read(channels, whole=True))

        return method

    def _set_delay(self, channels: Value = None, seconds: Value = None) -> Returned:
        relays = self._names.read(channels, whole=True, patterns=False)
        delay = number(0, LONGEST_DELAY_S)(seconds)
        self._delays.update(dict.fromkeys(relays, delay))
        return ()

    def _set_forbidden(self, channels: Value = None) -> Returned:
        relays = set(self._names.read(channels, whole=True, patterns=False))
        self._forbidden |= relays
        self._names.forget(relays)
        return ()

    def _clear_forbidden(self, channels: Value = None) -> Returned:
        self._forbidden -= set(self._names.read(channels, whole=True, patterns=False))
        return ()

    def _create_specifier(self, *numbers: Value) -> Returned:
        """``createspecifier(slot, row, column)``; with rows as digits a bank, 1, comes after the slot."""
        given(numbers, 3 if self._notation.lettered else 4, "createspecifier")
        slot, *bank, row, column = (whole(each, 1, 999) for each in numbers)
        if bank not in ([], [1]):
            raise Refused(1115, f"Parameter error card has no bank {bank[0]}")
        return self._notation.name(self._notation.checked(Relay(slot, row, column)))

    def _label(self, channel: Value, label: Value, kind: str) -> Returned:
        relay = self._names.one(channel)
        if kind == "channel":
            self._names.set_label(relay, label)
        else:
            self._names.set_line_label(relay, label, row=kind == "row")
        return ()

    def _set_image(self, channels: Value = None, name: Value = None) -> Returned:
        self._names.set_pattern(name, self._closable(channels))
        return ()

    def _get_image(self, name: Value = None) -> Returned:
        return self._names.written(list(self._pattern(name)))

    def _delete_pattern(self, name: Value = None) -> Returned:
        self._pattern(name)
        del self._names.patterns[str(name)]
        return ()

    def _snapshot(self, name: Value = None) -> Returned:
        self._names.set_pattern(name, sorted(self._closed))
        return ()

    def _pattern(self, name: Value) -> tuple[Relay, ...]:
        if not isinstance(name, str) or name not in self._names.patterns:
            raise Refused(1115, f"Parameter error there is no pattern {str(name)[:40]}")
        return self._names.patterns[name]
