"""Front panel of a TSP instrument: it keeps texts and keys.

Where a script waits for a person, somebody presses ENTER at once: ``prompt`` and ``inputvalue`` return their default,
``menu`` its first item, ``waitkey`` that key if no other was sent. Nobody presses TRIG.
"""

import re
from collections import deque
from functools import partial

from .lua.objects import Node, Refused, Returned, Value, choice, number, text, whole
from .time.events import EventBus

ROWS = 2
COLUMNS = (20, 32)
"""Characters of the upper and of the lower row (2600B reference manual, display.setcursor)."""
LONGEST_TEXT = 1000
MOST_KEYS = 100
MOST_MENU_ITEMS = 100
LONGEST_NAME, LONGEST_ITEM = 32, 10_000
KEYS = {
    "KEY_NONE": 0, "KEY_RANGEUP": 65, "KEY_RELB": 67, "KEY_MENU": 68, "KEY_MODEA": 69, "KEY_RELA": 70, "KEY_RUN": 71,
    "KEY_DISPLAY": 72, "KEY_AUTO": 73, "KEY_FILTERB": 74, "KEY_EXIT": 75, "KEY_SRCB": 76, "KEY_FILTERA": 77,
    "KEY_STORE": 78, "KEY_SRCA": 79, "KEY_CONFIG": 80, "KEY_RANGEDOWN": 81, "KEY_ENTER": 82, "KEY_MEASB": 83,
    "KEY_DIGITSB": 84, "KEY_RECALL": 85, "KEY_MEASA": 86, "KEY_DIGITSA": 87, "KEY_OUTPUTA": 88, "KEY_LIMITB": 90,
    "KEY_SPEEDB": 91, "KEY_TRIG": 92, "KEY_LIMITA": 93, "KEY_SPEEDA": 94, "KEY_LOAD": 95, "KEY_OUTPUTB": 96,
    "WHEEL_ENTER": 97, "KEY_RIGHT": 103, "KEY_LEFT": 104, "WHEEL_LEFT": 107, "WHEEL_RIGHT": 114,
}  # fmt: skip
"""Codes of the keys; that of EXIT is known from a client, the others are made up: scripts should use the names."""


class Display:
    """The ``display`` object; a model adds what its front panel shows.

    Parameters
    ----------
    bus : EventBus
        Tells of the TRIG key.
    trigger_event : int
        Number of that event.
    """

    def __init__(self, bus: EventBus, trigger_event: int) -> None:
        self._rows = ["", ""]
        self._cursor = (1, 1, 0)
        self._keys: deque[int] = deque(maxlen=MOST_KEYS)
        self._items: dict[str, str] = {}
        self._event, self._bus = trigger_event, bus
        self._pressed = bus.detector(trigger_event)
        self.node = node = Node()
        node.constants |= KEYS
        node.methods |= {
            "settext": self.set_text,
            "gettext": self.get_text,
            "clear": self.clear,
            "setcursor": self.set_cursor,
            "getcursor": lambda: self._cursor,
            "getannunciators": lambda: 0.0,
            "sendkey": self.send_key,
            "getlastkey": lambda: float(self._keys.popleft() if self._keys else KEYS["KEY_NONE"]),
            "waitkey": self.wait_key,
            "numpad": lambda *_: (),
        }
        node.methods |= {"menu": _first_item, "inputvalue": _default}
        node.methods["prompt"] = lambda form=None, _units=None, _help=None, *rest: _default(form, *rest)
        node.settings(number(0, 100), screen=0.0)
        node.settings(choice(0, 1), locallockout=0.0, numpad=1.0)
        trigger = node.child("trigger")
        trigger.constants["EVENT_ID"] = trigger_event
        trigger.attribute("overrun", lambda: False)
        trigger.methods |= {"wait": partial(bus.wait, self._pressed), "clear": self._forget}
        menu = node.child("loadmenu")
        menu.methods |= {
            "add": self._add_item,
            "delete": self._delete_item,
            "catalog": lambda: tuple(self._items),
        }
        menu.iterators.add("catalog")

    def reset(self) -> None:
        """Bring the settings to their defaults; the text stays."""
        self.node.reset()

    def clear(self) -> Returned:
        """Clear both rows, cursor at the begin."""
        self._rows, self._cursor = ["", ""], (1, 1, 0)
        return ()

    def set_cursor(self, row: Value = None, column: Value = None, style: Value = 0.0) -> Returned:
        """``display.setcursor(row, column[, style])``."""
        upper = whole(row, 1, ROWS)
        self._cursor = (upper, whole(column, 1, COLUMNS[upper - 1]), whole(style, 0, 1))
        return ()

    def set_text(self, said: Value = None) -> Returned:
        """``display.settext``: write at the cursor; ``$N`` goes to the next row, other codes do not show."""
        for piece in re.findall(r"\$.|[^$]+", text(said)[:LONGEST_TEXT], re.DOTALL):
            if piece == "$N":
                self._cursor = (min(self._cursor[0] + 1, ROWS), 1, 0)
            elif piece[0] != "$":
                self._write(piece)
            elif piece == "$$":
                self._write("$")
        return ()

    def _write(self, shown: str) -> None:
        row, column, style = self._cursor
        old, width = self._rows[row - 1].ljust(column - 1), COLUMNS[row - 1]
        self._rows[row - 1] = (old[: column - 1] + shown + old[column - 1 + len(shown) :])[:width]
        self._cursor = (row, min(column + len(shown), width), style)

    def get_text(self, embellished: Value = False, row: Value = None, *_columns: Value) -> Returned:
        """``display.gettext([embellished[, row]])``: both rows, with ``$N`` between them if embellished, or one."""
        if row is not None:
            return self._rows[whole(row, 1, ROWS) - 1]
        return ("$N" if embellished else "").join(each for each in self._rows if each)

    def send_key(self, code: Value = None) -> Returned:
        """``display.sendkey``: press a key."""
        key = whole(code, 0, 255)
        self._keys.append(key)
        if key == KEYS["KEY_TRIG"]:
            self._bus.emit(self._event)
        return ()

    def wait_key(self) -> Returned:
        """``display.waitkey``: take the key that was pressed."""
        return float(self._keys.popleft() if self._keys else KEYS["KEY_ENTER"])

    def _forget(self) -> Returned:
        self._pressed.seen = False
        return ()

    def _add_item(self, name: Value = None, code: Value = None, *_memory: Value) -> Returned:
        if len(self._items) >= MOST_MENU_ITEMS:
            raise Refused(-225, "Out of memory")
        self._items[text(name)[:LONGEST_NAME]] = text(code)[:LONGEST_ITEM]
        return ()

    def _delete_item(self, name: Value = None) -> Returned:
        if self._items.pop(text(name), None) is None:
            raise Refused(1108, "Menu name does not exist")
        return ()


def beeper() -> Node:
    """Make the beeper, which is silent."""
    node = Node()
    node.settings(choice(0, 1), enable=1.0)
    node.constants |= {"ON": 1, "OFF": 0}
    node.methods["beep"] = lambda *_: ()
    return node


def _first_item(_name: Value = None, items: Value = None, *_: Value) -> Returned:
    """``display.menu(name, items)``: items are words in one text."""
    return text(items).split(" ")[0]


def _default(form: Value = None, default: Value = 0.0, least: Value = None, most: Value = None) -> Returned:
    """``display.inputvalue(format[, default[, minimum[, maximum]]])``: the default, within its bounds."""
    text(form)
    found = 0.0 if default is None else number()(default)
    for bound, nearer in ((least, max), (most, min)):
        found = found if bound is None else nearer(found, number()(bound))
    return found
