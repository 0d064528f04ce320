r"""What a nemesis does to messages and answers: bytes in, bytes out.

An answer is what one message makes an instrument say: no line, or some lines, each with its line feed.
"""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

CLOSING = re.compile(
    r"""(?P<tsp>[\w.]*close\(\s*["'])(?P<quoted>[^"']+)(?P<end>["']\s*\))"""
    r"""|(?P<scpi>:?[\w:]*CLOS[A-Z:]*\s*\(@)(?P<listed>[^)]+)\)""",
    re.IGNORECASE,
)
"""Where a message closes relays, in TSP or SCPI, and does not only ask which are."""
_NUMBER = re.compile(rb"[-+]?\d+\.\d+(?:[eE][-+]?\d+)?")


def without_one_close(message: str) -> str:
    """Return a message that closes one relay less: the last of its list.

    >>> without_one_close('channel.close("1A01,1C02") print(1)')
    'channel.close("1A01") print(1)'
    >>> without_one_close(":ROUT:CLOS (@1!1!1,1!2!3);*OPC?")
    ':ROUT:CLOS (@1!1!1);*OPC?'
    >>> without_one_close('channel.close("1A01") print(1)'), without_one_close(":CLOS (@10101)")
    (' print(1)', '')
    """

    def shorter(found: re.Match[str]) -> str:
        kept = ",".join((found["quoted"] or found["listed"]).split(",")[:-1])
        if not kept and "exclusive" not in found[0].lower():
            return ""
        return f"{found['tsp']}{kept}{found['end']}" if found["tsp"] else f"{found['scpi']}{kept})"

    return CLOSING.sub(shorter, message, count=1)


def changed(verb: str, answer: bytes, args: Mapping[str, Any], rng: np.random.Generator) -> bytes:
    r"""Return what is sent instead of an answer.

    >>> some = np.random.default_rng(0)
    >>> changed("cut", b"1.23456E-07\n", {"n": 7, "ended": True}, some)
    b'1.23456\n'
    >>> changed("extra", b"1\n", {"line": "*** event", "when": "before"}, some)
    b'*** event\n1\n'
    """
    line = f"{args.get('line')}\n".encode("latin-1", "replace")
    match verb:
        case "drop":
            answer = b""
        case "dup":
            answer *= 2
        case "extra":
            answer = line + answer if args["when"] == "before" else answer + line
        case "cut" if answer:
            answer = answer.removesuffix(b"\n")[: args["n"]] + (b"\n" if args["ended"] else b"")
        case "garbage" if answer:
            noise = rng.integers(0, 256, max(len(answer) - 1, 1), dtype=np.uint8).tobytes()
            answer = noise.replace(b"\n", b"\xff") + b"\n"
        case "sentinel" if not np.isfinite(args["value"]):
            for last in list(_NUMBER.finditer(answer))[-1:]:
                answer = answer[: last.start()] + f"{args['value']}".encode() + answer[last.end() :]
    return answer


def swapped(answer: bytes) -> bytes | None:
    r"""Return an answer with its first two parts exchanged: lines, else what semicolons, commas or tabs separate.

    None if it has only one part.

    >>> swapped(b"1\n2\n"), swapped(b"1;2;3\n"), swapped(b"1\t2\n"), swapped(b"1\n")
    (b'2\n1\n', b'2;1;3\n', b'2\t1\n', None)
    """
    body = answer.removesuffix(b"\n")
    for separator in (b"\n", b";", b",", b"\t"):
        first, *rest = body.split(separator)
        if rest:
            return separator.join([rest[0], first, *rest[1:]]) + b"\n"
    return None
