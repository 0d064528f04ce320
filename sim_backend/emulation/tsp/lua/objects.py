"""Objects of a TSP instrument: attributes, methods and constants, as a tree that a Lua state is built from."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum, auto
from functools import partial
from typing import Any, TypeAlias, Union

Value: TypeAlias = Union[float, str, bool, list[float], "Node", None]
"""What a script passes and gets: number, text, boolean, nil, table of numbers, object."""
Returned: TypeAlias = Value | tuple[Value, ...]
"""What a method returns: a value, several, or None for none at all; nil is `NIL`."""
NIL = (None,)
Check: TypeAlias = Callable[[Value], Any]
INFORMATIONAL, RECOVERABLE, SERIOUS = 10, 20, 30
"""How bad an entry of the error queue is (2600B reference manual, error queue)."""


class Only(Enum):
    """What a row of a table gives an object that is no setting."""

    TOLD = auto()
    """Attributes that can only be read."""
    ANSWERED = auto()
    """Methods that take anything and always return the same."""
    CONSTANT = auto()


Row: TypeAlias = tuple[str, Check | Only, Mapping[str, Any]]
"""What an object only keeps or tells: a path, where ``a|b`` means both; the check of settings; names and values."""


class Refused(Exception):  # noqa: N818 - it names what happened
    """The instrument does not do it: an entry in the error queue, and the script goes on."""

    def __init__(self, code: int, message: str, severity: int = RECOVERABLE) -> None:
        super().__init__(message)
        self.code, self.severity = code, severity


class ScriptError(Exception):
    """The script ends here, with a runtime error."""


class Node:
    """One object, such as ``smua.source``.

    Parameters
    ----------
    luatype : str
        What its metatable says it is; clients treat ``reading_buffer`` and ``synchronous_table`` as arrays.
    owner : object, optional
        What it stands for in Python.
    fleeting : bool
        Whether it ends when no script can reach it any more.
    """

    def __init__(self, luatype: str = "object", owner: object = None, *, fleeting: bool = False) -> None:
        self.luatype = luatype
        self.owner = owner
        self.fleeting = fleeting
        self.getters: dict[str, Callable[[], Value] | None] = {}
        """What works out an attribute; None if `values` holds it, a number, text or boolean: Lua reads it by itself."""
        self.setters: dict[str, Callable[[Value], None] | None] = {}
        """What takes an attribute; None if it is kept once its check has passed it."""
        self.methods: dict[str, Callable[..., Returned]] = {}
        self.constants: dict[str, float | str | bool] = {}
        self.children: dict[str | int, Node] = {}
        self.item: Callable[[int], Value] | None = None
        self.put: Callable[[int, Value], None] | None = None
        self.values: dict[str, Any] = {}
        self.checks: dict[str, Check] = {}
        """What each setting must pass."""
        self._defaults: dict[str, Any] = {}
        self._changed: dict[str, Callable[[], None]] = {}

    def child(self, key: str | int, node: "Node | None" = None) -> "Node":
        """Hang another object under this one, and return it."""
        found = self.children.get(key)
        if found is None:
            found = self.children[key] = node or Node()
        return found

    def attribute(self, key: str, get: Callable[[], Value], put: Callable[[Value], None] | None = None) -> None:
        """Add an attribute that is worked out when it is read."""
        self.getters[key] = get
        if put:
            self.setters[key] = put

    def setting(self, key: str, default: Any, check: Check, changed: Callable[[], None] | None = None) -> None:
        """Add an attribute that keeps what it is set to, once `check` has passed it."""
        self._defaults[key] = self.values[key] = default
        self.checks[key] = check
        self.getters[key] = self.setters[key] = None
        if changed:
            self._changed[key] = changed

    def settings(self, check: Check, **defaults: Any) -> None:
        """Add several attributes of one kind that only keep what they are set to."""
        for key, default in defaults.items():
            self.setting(key, default, check)

    def read(self, key: str) -> Value:
        """Return an attribute."""
        get = self.getters[key]
        return self.values[key] if get is None else get()

    def write(self, key: str, value: Value) -> None:
        """Set an attribute."""
        put = self.setters[key]
        if put is None:
            self.set(key, value)
        else:
            put(value)

    def set(self, key: str, value: Value) -> None:
        """Keep what a setting is set to, once its check has passed it."""
        self.values[key] = self.checks[key](value)
        if key in self._changed:
            self._changed[key]()

    def keep(self, rows: Iterable[Row]) -> None:
        """Add what a table says, to this object and those below it.

        >>> box = Node()
        >>> box.keep([("lamp.1|2", flag, {"on": False}), ("lamp", Only.CONSTANT, {"COUNT": 2})])
        >>> box.child("lamp").child(2).values
        {'on': False}
        """
        for path, kind, names in rows:
            for place in self._below(path):
                if kind is Only.CONSTANT:
                    place.constants |= names
                elif kind is Only.TOLD:
                    place.getters |= {key: partial(_same, value) for key, value in names.items()}
                elif kind is Only.ANSWERED:
                    place.methods |= {key: partial(_same, value) for key, value in names.items()}
                else:
                    place.settings(kind, **names)

    def _below(self, path: str) -> "list[Node]":
        """Return the objects at a path, made where they are missing."""
        places = [self]
        for step in path.split(".") if path else ():
            keys = [int(key) if key.isdigit() else key for key in step.split("|")]
            places = [place.child(key) for place in places for key in keys]
        return places

    def end(self) -> None:
        """Let go of what it stands for, once no script can reach it; its settings stay readable in Python."""
        self.owner = self.item = self.put = None
        for each in (self.getters, self.setters, self.checks, self.methods, self.children):
            each.clear()

    def reset(self) -> None:
        """Bring the settings of this object and of all below it to their defaults."""
        self.values.update(self._defaults)
        for node in self.children.values():
            node.reset()


def _same(value: Value, *_: Value) -> Value:
    return value


def number(low: float = float("-inf"), high: float = float("inf")) -> Callable[[Value], float]:
    """Return the check of a number within bounds."""

    def check(value: Value) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Refused(-104, "Data type error")
        if value > high:
            raise Refused(1101, "Parameter too big")
        if not value >= low:
            raise Refused(1102, "Parameter too small")
        return float(value)

    return check


def choice(*values: float, code: int = 1401) -> Callable[[Value], float]:
    """Return the check of one of a few numbers; true and false count as 1 and 0. `code` is the error of another."""

    def check(value: Value) -> float:
        if not isinstance(value, int | float):
            raise Refused(-104, "Data type error")
        if value not in values:
            raise Refused(code, "Parameter 01 is invalid")
        return float(value)

    return check


def flag(value: Value) -> bool:
    """Check a boolean; 0 and 1 count."""
    if not isinstance(value, int | float):
        raise Refused(-104, "Data type error")
    if value not in {0, 1}:
        raise Refused(1401, "Parameter 01 is invalid")
    return bool(value)


def text(value: Value) -> str:
    """Check a text."""
    if not isinstance(value, str):
        raise Refused(-104, "Data type error")
    return value


def whole(value: Value, low: int = 0, high: int = 2**31) -> int:
    """Check a whole number within bounds."""
    return int(number(low, high)(value))


def check_arguments(arguments: Sequence[Value], least: int, name: str) -> None:
    """Check that a method got its arguments."""
    if len(arguments) < least:
        raise Refused(1401, f"{name} needs {least} parameters, {len(arguments)} were given")
