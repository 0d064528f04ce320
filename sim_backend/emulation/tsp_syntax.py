"""What Lua 5.1 understands and the Lua 5.0.2 of the instruments does not."""

import re

_TOKEN = re.compile(
    r"""(?P<skip>\s+|--\[\[.*?\]\]|--[^\n]*)"""
    r"""|(?P<text>\[\[.*?\]\]|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')"""
    r"""|(?P<level>\[=+\[)"""
    r"""|(?P<name>[A-Za-z_]\w*)"""
    r"""|(?P<number>\d[\w.]*(?:(?<=[eE])[+-]\d+)?|\.\d+\w*)"""
    r"""|(?P<dots>\.{2,3})"""
    r"""|(?P<other>.)""",
    re.DOTALL | re.VERBOSE,
)


def newer_than_lua_5_0(source: str) -> str | None:
    """Return what a real instrument would not understand, or None.

    Those are the operators ``#`` and ``%``, long brackets with a level, and ``...`` anywhere but at the end of a
    function's parameters.

    >>> newer_than_lua_5_0("print(#t)")
    "tsp:1: unexpected symbol near '#'"
    >>> newer_than_lua_5_0("function f(a, ...) return arg.n end print('50 %')") is None
    True
    """
    line, in_parameters = 1, False
    for token in _TOKEN.finditer(source):
        word = token.group()
        if token.lastgroup == "level" or word in {"#", "%"} or (word == "..." and not in_parameters):
            return f"tsp:{line}: unexpected symbol near '{word}'"
        if word == "function":
            in_parameters = True
        elif word == ")":
            in_parameters = False
        line += word.count("\n")
    return None
