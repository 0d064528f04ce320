"""TOML and JSON of others, parsed within bounds: a small file must not cost minutes or gigabytes."""

import json
import re
import tomllib
from typing import Any

MOST_DEEP = 16
"""Levels of tables and arrays in TOML, and parts of one key; a bench file has three."""
MOST_TOML = 1 << 20
"""Bytes of a bench file or a preset; those that ship have two thousand."""
_PART = r"""(?:[\w-]+|"(?:\\.|[^"\\\n])*"|'[^'\n]*')"""
# A string of three quotes may end in five, of which two are its own (TOML v1.0.0, string).
# Whatever is matched is used up, also where a string has no end, so that the time is in proportion to the text.
_TOKEN = re.compile(
    rf"(?P<key>(?:{_PART}[ \t]*\.[ \t]*){{{MOST_DEEP},}})"
    r"|[\w-]+"
    r'|"""(?:\\[\s\S]|(?!""")[^\\])*(?:"{3,5})?'
    r"|'''(?:(?!''')[\s\S])*(?:'{3,5})?"
    r'|"(?:\\.|[^"\\\n])*"?'
    r"|'[^'\n]*'?"
    r"|\#[^\n]*"
    r"|(?P<open>[\[{])"
    r"|(?P<close>[\]}])"
)


def parse_toml(text: str, *, most_bytes: int | None = MOST_TOML) -> dict[str, Any]:
    """Return what TOML says.

    Parameters
    ----------
    text : str
        The whole of it.
    most_bytes : int or None
        Longest text; None for a file whose length is bounded elsewhere.

    Raises
    ------
    tomllib.TOMLDecodeError
        If it is none, longer, or nests deeper than `MOST_DEEP`; found before it is parsed.

    Examples
    --------
    >>> parse_toml("a.b = [1]")
    {'a': {'b': [1]}}
    """
    if most_bytes is not None and len(text) > most_bytes:
        raise tomllib.TOMLDecodeError(f"it has {len(text):,} characters, at most {most_bytes:,} are read")
    depth = 0
    for token in _TOKEN.finditer(text):
        if token.lastgroup == "close":
            depth = max(depth - 1, 0)
        elif token.lastgroup is not None:
            depth += 1
            if token.lastgroup == "key" or depth > MOST_DEEP:
                line = text.count("\n", 0, token.start()) + 1
                raise tomllib.TOMLDecodeError(f"it nests deeper than {MOST_DEEP} levels in line {line}")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise
    except (ValueError, RecursionError) as error:  # a number of thousands of digits
        raise tomllib.TOMLDecodeError(str(error)) from error


def parse_json(text: str | bytes) -> Any:
    """Return what JSON says.

    Raises
    ------
    ValueError
        If it is none, or nests deeper than the interpreter can follow.
    """
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("it nests too deep to be read") from error
