"""A Lua state that scripts from the network run in, with no way out: bounded, and without anything of Python."""

import time
from collections.abc import Callable, Iterator, Mapping
from importlib.resources import files
from typing import Any

import lupa.lua51

from .tsp_objects import Node, Refused, Returned, ScriptError, Value
from .tsp_syntax import newer_than_lua_5_0

MEMORY_BYTES = 32 * 2**20
INSTRUCTIONS = 20_000_000
SECONDS = 20.0
FULL = 0.5
"""Share of the memory that scripts may keep from one message to the next."""


class Sandbox:
    """One instrument's Lua.

    Scripts reach Python only through one function, which takes and returns nothing but numbers, texts and booleans;
    it never raises, so that no exception object can be caught by a script either.

    Parameters
    ----------
    roots : mapping of str to Node
        Global objects.
    functions : Node
        Its methods become global functions.
    say : callable
        Takes the arguments of each ``print``.
    refuse : callable
        Takes code and text of what the instrument refused to do.
    instructions : float
        Lua instructions, more or less, that one message may take.
    seconds : float
        Time that one message may take, not counting what the instrument waits, in seconds.
    memory_bytes : int
        Memory of the Lua state.
    """

    def __init__(
        self,
        roots: Mapping[str, Node],
        functions: Node,
        say: Callable[[list[Value]], None],
        refuse: Callable[[int, str], None],
        *,
        instructions: float = INSTRUCTIONS,
        seconds: float = SECONDS,
        memory_bytes: int = MEMORY_BYTES,
    ) -> None:
        self._roots, self._functions, self._say, self._refuse = roots, functions, say, refuse
        self._instructions, self._seconds, self._memory_bytes = instructions, seconds, memory_bytes
        self._deadline = 0.0
        self.start()

    def start(self) -> None:
        """Begin with an empty Lua state, as after power-on."""
        self._nodes: dict[int, Node] = {}
        self._ids: dict[Node, int] = {}
        self._tables: dict[int, Any] = {}
        self._lua = lupa.lua51.LuaRuntime(
            encoding="latin-1",
            register_eval=False,
            register_builtins=False,
            unpack_returned_tuples=False,
            attribute_filter=_nothing,
            max_memory=self._memory_bytes,
        )
        source = files(__package__).joinpath("tsp_prelude.lua").read_text(encoding="utf-8")
        self._api = self._lua.execute(source, self._host, self.expired, self._instructions, 1000, self._memory_bytes)
        self._build(self._functions)  # has id 0
        for name in self._functions.methods:
            self._api["global"](name, 0, name)
        for name, node in self._roots.items():
            self._api["global"](name, self._build(node))

    def run(self, source: str) -> tuple[str, str] | None:
        """Compile and run a message; return what went wrong as ``syntax`` or ``runtime`` and a text."""
        return self._guarded(source, lambda: self._api["run"](source))

    def store(self, name: str, source: str, *, at_once: bool) -> tuple[str, str] | None:
        """Compile a script, keep it under its name, and run it if it is to run at once."""
        return self._guarded(source, lambda: self._api["store"](name, source, at_once))

    def begin(self) -> None:
        """Start the time that a message may take."""
        self._deadline = time.monotonic() + self._seconds

    def expired(self) -> bool:
        """Return whether the message has taken too long."""
        return time.monotonic() > self._deadline

    def pause(self, seconds: float) -> None:
        """Do not count a time that the instrument waited, in seconds."""
        self._deadline += seconds

    def _guarded(self, source: str, run: Callable[[], Any]) -> tuple[str, str] | None:
        newer = newer_than_lua_5_0(source)
        if newer:
            return "syntax", newer
        try:
            wrong: Any = run()
        except lupa.lua51.LuaError as error:  # memory gave out where Lua itself could not catch it
            wrong = "runtime", str(error)
        if self._used() > FULL:
            self._lua.gccollect()
        if self._used() > FULL:
            self.start()
            return "runtime", "not enough memory; what scripts had stored is lost"
        return (str(wrong[0]), str(wrong[1])) if isinstance(wrong, tuple) and wrong[0] else None

    def _used(self) -> float:
        return float(self._lua.get_memory_used()) / self._memory_bytes

    def _build(self, node: Node) -> int:
        """Make the Lua table of an object and of all below it."""
        known = self._ids.get(node)
        if known is not None:
            return known
        identity = self._ids[node] = len(self._nodes)
        self._nodes[identity] = node
        api = self._api
        self._tables[identity] = api["object"](identity, node.luatype, node.item is not None)
        for key in node.getters:
            api["getter"](identity, key)
        for key in node.setters:
            api["setter"](identity, key)
        for key in node.methods:
            api["method"](identity, key, key in node.iterators)
        for key, value in node.constants.items():
            api["constant"](identity, key, value)
        for place, child in node.children.items():
            api["child"](identity, place, self._build(child))
        return identity

    def _host(self, kind: str, target: int, key: Any, *tagged: Any) -> Any:
        """Carry out what a script asks; called by Lua."""
        try:
            try:
                returned: Returned = self._done(kind, target, key, [self._value(*each) for each in _pairs(tagged)])
            except Refused as refused:
                self._refuse(refused.code, str(refused))
                returned = ()
            values = returned if isinstance(returned, tuple) else (returned,)
            return self._lua.table_from([0, len(values), *(self._plain(value) for value in values)])
        except ScriptError as error:
            return self._lua.table_from([1, 1, str(error)])
        except Exception as error:  # whatever it is, it must not travel through Lua, nor tell of the host
            return self._lua.table_from([1, 1, f"wrong parameters or emulator fault ({type(error).__name__})"])

    def _done(self, kind: str, target: int, key: Any, values: list[Value]) -> Returned:
        """Return what was asked for; a change returns nothing."""
        node = self._nodes[target]
        if kind == "get":
            return node.getters[key]()
        if kind == "call":
            return node.methods[key](*values)
        if kind == "item" and node.item:
            return node.item(int(key))
        if kind == "syntax":
            return newer_than_lua_5_0(str(values[0]))
        if kind == "set":
            node.setters[key](values[0])
        elif kind == "put" and node.put:
            node.put(int(key), values[0])
        elif kind == "print":
            self._say(values)
        else:
            raise ScriptError(f"cannot modify field '{key}'")
        return ()

    def _value(self, tag: str, value: Any) -> Value:
        if tag == "o":
            return self._nodes[value]
        if tag == "l":
            return [float(each) for each in value.split()]
        if tag == "u":
            raise Refused(-104, "Data type error")
        return None if tag == "z" else value

    def _plain(self, value: Value) -> Any:
        if isinstance(value, Node):
            return self._tables[self._build(value)]
        if isinstance(value, list):
            return self._lua.table_from(value)
        if isinstance(value, bool | str) or value is None:
            return value
        return float(value)


def _pairs(tagged: tuple[Any, ...]) -> Iterator[tuple[Any, Any]]:
    return zip(tagged[::2], tagged[1::2], strict=True)


def _nothing(_thing: object, _name: object, _setting: bool) -> Any:
    """Refuse a script every attribute of every Python object."""
    raise AttributeError("no access")
