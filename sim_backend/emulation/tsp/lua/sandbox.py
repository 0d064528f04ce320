"""A Lua state that scripts from the network run in, with no way out: bounded, and without anything of Python."""

import functools
import time
from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Any

import lupa.lua51

from .objects import Node, Refused, Returned, ScriptError, Value
from .syntax import NotUnderstoodError, as_lua_5_1

MEMORY_BYTES = 32 * 2**20
INSTRUCTIONS = 20_000_000
SECONDS = 20.0
LINE = 500
"""Messages up to this many characters are remembered with their translation, as clients send the same ones again."""
FULL = 0.5
"""Share of the memory that scripts may keep from one message to the next."""
STEP = 1000
"""Instructions between two looks at the clock."""
PARTS = ("objects", "environment", "scripts")
COMPILING = b"return string.dump(assert(loadstring(..., '<python>')))"


class Sandbox:
    """One instrument's Lua.

    Scripts reach Python only through one function, which takes and returns nothing but numbers, texts, booleans and
    tables of them; it never raises, so that no exception object can be caught by a script either.

    Parameters
    ----------
    root : Node
        What is below it are the global objects, its methods the global functions.
    say : callable
        Takes the arguments of each ``print``.
    refuse : callable
        Takes what the instrument refused to do.
    factory : mapping of str to str
        Scripts that come with the instrument, by name; they run at power-on.
    instructions : float
        Lua instructions, more or less, that one message may take.
    seconds : float
        Time that one message may take, not counting what the instrument waits, in seconds.
    memory_bytes : float
        Memory of the Lua state.
    """

    def __init__(
        self,
        root: Node,
        say: Callable[[list[Value]], None],
        refuse: Callable[[Refused], None],
        factory: Mapping[str, str],
        *,
        instructions: float = INSTRUCTIONS,
        seconds: float = SECONDS,
        memory_bytes: float = MEMORY_BYTES,
    ) -> None:
        self._root, self._say, self._refuse, self._factory = root, say, refuse, dict(factory)
        self._instructions, self._seconds, self._memory_bytes = instructions, seconds, memory_bytes
        self._deadline = 0.0
        self.start()

    def start(self) -> None:
        """Begin with an empty Lua state, as after power-on."""
        self._nodes: dict[int, Node] = {}
        self._ids: dict[Node, int] = {}
        self._made = 0
        self._own: dict[str, float | str | bool] = {}
        self._lua = lupa.lua51.LuaRuntime(
            encoding="latin-1",
            register_eval=False,
            register_builtins=False,
            unpack_returned_tuples=True,
            attribute_filter=_nothing,
            max_memory=int(self._memory_bytes),
        )
        bounds = self._instructions, STEP, self._memory_bytes
        self._kit = self._lua.execute(_lua_chunk("bounds"), self._host, self.expired, *bounds)
        for part in PARTS:
            self._lua.execute(_lua_chunk(part), self._kit)
        self._table_of(self._root)
        for name in self._root.methods:
            self._kit["global"](name, self._ids[self._root], True)
        for place, node in self._root.children.items():
            self._table_of(node)
            self._kit["global"](place, self._ids[node], False)
        self._kit["node"](self._ids[self._root.children["localnode"]])
        self.begin()
        for name, source in self._factory.items():
            self._kit["factory"](name, _translate_known(source))
        self._kit["seal"]()

    def run(self, source: str) -> tuple[str, str] | None:
        """Compile and run a message; return what went wrong as ``syntax`` or ``runtime`` and a text."""
        return self._run_bounded(source, self._kit["run"])

    def store(self, name: str, source: str, *, at_once: bool) -> tuple[str, str] | None:
        """Compile a script, keep it under its name, and run it if it is to run at once."""
        return self._run_bounded(source, lambda translated: self._kit["store"](name, source, translated, at_once))

    def own_globals(self) -> dict[str, float | str | bool]:
        """Return the numbers, texts and booleans that scripts keep as globals of their own.

        It is the same object as the last time if nothing has changed since.
        """
        changed = self._kit["kept"]()
        if changed is not None:
            self._own = dict(changed.items())
        return self._own

    def set_global(self, name: str, value: float | str | bool) -> None:
        """Set a global, unless it is one of the instrument's own."""
        self._kit["keep"](name, value)

    def begin(self) -> None:
        """Start the time that a message may take."""
        self._deadline = time.monotonic() + self._seconds

    def expired(self) -> bool:
        """Return whether the message has taken too long."""
        return time.monotonic() > self._deadline

    def pause(self, seconds: float) -> None:
        """Do not count a time that the instrument waited, in seconds."""
        self._deadline += seconds

    def reclaim(self) -> None:
        """Let go of every object that no script can reach any more."""
        self._lua.gccollect()
        self._forget_ended()

    # ------------------------------------------------------------------ inside

    def _run_bounded(self, source: str, run: Callable[[str], Any]) -> tuple[str, str] | None:
        try:
            wrong: Any = run((_translate_known if len(source) <= LINE else _translate_script)(source))
        except NotUnderstoodError as error:
            return "syntax", str(error)
        except lupa.lua51.LuaError as error:  # memory gave out where Lua itself could not catch it
            wrong = "runtime", str(error)
        if self._used() > FULL:
            self._lua.gccollect()
        if self._used() > FULL:
            self.start()
            return "runtime", "not enough memory; what scripts had stored is lost"
        self._forget_ended()
        return (str(wrong[0]), str(wrong[1])) if isinstance(wrong, tuple) and wrong[0] else None

    def _used(self) -> float:
        return float(self._lua.get_memory_used()) / self._memory_bytes

    def _forget_ended(self) -> None:
        found = self._kit["take_ended"]()
        for identity in () if found is None else found.values():
            node = self._nodes.pop(int(identity))
            del self._ids[node]
            node.end()

    def _table_of(self, node: Node) -> Any:
        """Return the Lua table of an object, made if it is new.

        Most objects are never looked at: what one has, with the tables of those below it, is added when a script first
        looks at it; to one that is fleeting at once, as only its table keeps it.
        """
        known = self._ids.get(node)
        if known is not None:
            return self._kit["object_of"](known)
        identity = self._ids[node] = self._made
        self._made += 1
        self._nodes[identity] = node
        table = self._kit["object"](identity, node.luatype, node.item is not None, node.fleeting)
        if node.fleeting:
            self._fill(identity)
        return table

    def _fill(self, identity: int) -> None:
        """Give the Lua table of an object what it has."""
        node, add = self._nodes[identity], functools.partial(self._kit["add"], identity)
        for key, get in node.getters.items():
            add("get", key, functools.partial(node.values.__getitem__, key) if get is None else None)
        for key in node.setters:
            add("set", key)
        for key in node.methods:
            add("call", key)
        for key, value in node.constants.items():
            add("hold", key, value)
        for place, child in node.children.items():
            add("hold", place, self._table_of(child))

    def _host(self, kind: str, target: int, key: Any, *tagged: Any) -> tuple[Any, ...]:
        """Carry out what a script asks; return whether that went well, and the values or the error. Called by Lua."""
        try:
            try:
                values = [self._value(*each) for each in zip(tagged[::2], tagged[1::2], strict=True)]
                returned: Returned = self._carry_out(kind, target, key, values)
            except Refused as refused:
                self._refuse(refused)
                return (True,)
            if isinstance(returned, tuple):
                return True, *map(self._plain, returned)
            return True, self._plain(returned)
        except ScriptError as error:
            return False, str(error)
        except Exception as error:  # whatever it is, it must not travel through Lua, nor tell of the host
            return False, f"wrong parameters or emulator fault ({type(error).__name__})"

    def _carry_out(self, kind: str, target: int, key: Any, values: list[Value]) -> Returned:
        """Return what was asked for; a change returns nothing."""
        if kind == "syntax":
            return _try_to_translate(str(values[0]))
        if kind == "fill":
            self._fill(target)
            return ()
        node = self._nodes[target]
        if kind == "get":
            return node.read(key)
        if kind == "call":
            found = node.methods[key](*values)
            return () if found is None else found
        if kind == "item" and node.item:
            return node.item(int(key))
        if kind == "set":
            node.write(key, values[0])
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
            return self._table_of(value)
        if isinstance(value, list):
            return self._lua.table_from([self._plain(each) for each in value])
        if isinstance(value, bool | str) or value is None:
            return value
        return float(value)


@functools.lru_cache(maxsize=1024)
def _translate_known(source: str) -> str:
    return as_lua_5_1(source)


@functools.lru_cache(maxsize=8)  # a driver stores the same one whenever it connects
def _translate_script(source: str) -> str:
    return as_lua_5_1(source)


@functools.cache
def _lua_chunk(name: str) -> bytes:
    """Return a file of ours, compiled once for all Lua states of this process."""
    source = files(__package__).joinpath(f"{name}.lua").read_bytes()
    compiled: bytes = lupa.lua51.LuaRuntime(encoding=None).execute(COMPILING, source)
    return compiled


def _try_to_translate(source: str) -> tuple[str | None, str | None]:
    """Return what is wrong with a script, or it in Lua 5.1."""
    try:
        return None, as_lua_5_1(source)
    except NotUnderstoodError as error:
        return str(error), None


def _nothing(_thing: object, _name: object, _setting: bool) -> Any:
    """Refuse a script every attribute of every Python object."""
    raise AttributeError("no access")
