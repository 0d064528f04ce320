"""From the Lua 5.0.2 of the instruments to the Lua 5.1 that scripts run in here.

What both understand is handed on token by token, so that nothing depends on how 5.1 would read a comment or a long
string. What only 5.1 understands is refused. That is a matter of safety too: in Lua 5.1.5 a function that uses ``...``
in its body may write past the end of its stack when it is called with too few arguments (``adjust_varargs`` in
``ldo.c``).
"""

import re
from collections.abc import Iterator

_TOKEN = re.compile(
    r"""(?P<space>\s+)"""
    r"""|(?P<note>--\[\[)"""
    r"""|(?P<line_note>--[^\n]*)"""
    r"""|(?P<long>\[\[)"""
    r"""|(?P<text>"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?)"""
    r"""|(?P<level>\[=+\[)"""
    r"""|(?P<name>[A-Za-z_]\w*)"""
    r"""|(?P<number>(?:\d|\.\d)[\d.]*(?:[eE][+-]?)?\w*)"""
    r"""|(?P<dots>\.{2,3})"""
    r"""|(?P<other>.)""",
    re.DOTALL | re.VERBOSE | re.ASCII,
)
_SPECIAL = re.compile(r"--|\[\[|\[=|[#%\r]|\.\.\.")
"""Without any of these a script is the same in both."""
_BRACKET = re.compile(r"\[\[|\]\]")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\0": "\\000"}


class NotUnderstoodError(Exception):
    """What a real instrument would not understand, in the words of Lua: ``tsp:<line>: <what>``."""


def as_lua_5_1(source: str) -> str:
    r"""Return a script for Lua 5.1, line for line.

    Comments become blanks, long strings, which nest in 5.0, become short ones.

    Raises
    ------
    NotUnderstoodError
        At the operators ``#`` and ``%``, ``...`` anywhere but in a function's parameters, and long brackets with a
        level or without an end.

    Examples
    --------
    >>> as_lua_5_1("print([[a [[b]] ]]) -- 50 %")
    'print("a [[b]] ") '
    >>> as_lua_5_1("print(#t)")
    Traceback (most recent call last):
    crossbar_hil.sim_backend.emulation.tsp.lua.syntax.NotUnderstoodError: tsp:1: unexpected symbol near '#'
    """
    if not _SPECIAL.search(source):
        return source
    written: list[str] = []
    line, place = 1, ""
    for kind, word in _tokens(source.replace("\r\n", "\n").replace("\r", "\n")):
        if kind == "level" or word in {"#", "%"} or (word == "..." and place != "parameters"):
            raise NotUnderstoodError(f"tsp:{line}: unexpected symbol near '{word}'")
        if kind == "endless":
            raise NotUnderstoodError(f"tsp:{line}: unfinished long string or comment near '<eof>'")
        place = _next_place(place, word)
        if kind == "note":
            written.append("\n" * word.count("\n") or " ")
        elif kind == "long":
            written.append(_quote(word))
        elif kind != "line_note":
            written.append(word)
        line += word.count("\n")
    return "".join(written)


def _next_place(place: str, word: str) -> str:
    """Return whether a token leads into the parameters of a function, after its ``function`` or out of them."""
    if word == "function":
        return "name"
    if place == "name" and word == "(":
        return "parameters"
    return "" if word == ")" else place


def _tokens(source: str) -> Iterator[tuple[str, str]]:
    """Cut a script into its tokens; each part of it is looked at once."""
    place = 0
    while place < len(source):
        found = _TOKEN.match(source, place)
        if found is None:  # cannot be: `other` matches anything
            return
        kind, end = str(found.lastgroup), found.end()
        if kind in {"note", "long"}:
            end = _closing(source, end)
            if end < 0:
                yield "endless", source[place:]
                return
        yield kind, source[place:end]
        place = end


def _closing(source: str, place: int) -> int:
    """Return the end of a long bracket that was opened before a place, or -1."""
    depth = 1
    for bracket in _BRACKET.finditer(source, place):
        depth += 1 if bracket.group() == "[[" else -1
        if not depth:
            return bracket.end()
    return -1


def _quote(long: str) -> str:
    """Write a long string as a short one after as many line feeds; one at its begin is not part of it."""
    body = re.sub(r'["\\\n\0]', lambda found: _ESCAPES[found.group()], long[2:-2].removeprefix("\n"))
    return "\n" * long.count("\n") + f'"{body}"'
