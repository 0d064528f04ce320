r"""What becomes of one message and its answer when faults hit it.

An answer is what one message makes an instrument say: no line, or some lines, each with its line feed.
"""

import contextlib
import re
import socket
import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from math import inf
from typing import Any

import numpy as np

from .faults import CLOSING, Fault

_NUMBER = re.compile(rb"[-+]?\d+\.\d+(?:[eE][-+]?\d+)?")
_RESET = struct.pack("ii", 1, 0)
"""``SO_LINGER`` on, for no time: closing resets the connection."""


@dataclass
class Plan:
    """How to go on with a message; as it is made, nothing goes wrong."""

    message: str
    """What the instrument sees of it."""
    executed: bool = True
    late_s: float = 0.0
    per_byte_s: float = 0.0
    unread_s: float = 0.0
    """How long the client is not read after the answer."""
    swap: bool = False
    end: Callable[[socket.socket], None] | None = None
    """How the connection ends, if it does."""
    when: str = ""
    """Before the message, instead of the answer, inside or after it."""
    changes: list[Callable[[bytes], bytes]] = field(default_factory=list)
    """What is done to the answer, in order."""
    reboots: list[Fault] = field(default_factory=list)
    """Those that come when the message has been carried out."""


def plan_for(message: str, faults: Iterable[Fault], rng: np.random.Generator) -> Plan:
    """Return what faults make of a message, in their order."""
    plan = Plan(message)
    for fault in faults:
        args = fault.args
        match fault.verb:
            case "late":
                plan.late_s += _seconds(args)
            case "dribble":
                plan.per_byte_s = _seconds(args)
            case "noread":
                plan.unread_s = _seconds(args)
            case "fin" | "rst":
                plan.end, plan.when = (finish if fault.verb == "fin" else reset), args["when"]
            case "swap":
                plan.swap = True
            case "reboot" if args["when"] == "after" and args["of"] is None:
                plan.reboots.append(fault)
            case "drop_command":
                plan.executed = False
            case "err" if args["of"] is None:
                plan.executed = plan.executed and args["executed"]
            case "ignore" | "drop_close":
                plan.message = _shorten(fault, plan.message)
                plan.executed = plan.executed and bool(plan.message.strip(" ;"))
            case _:
                plan.changes.append(partial(change_answer, fault.verb, fault.args, rng))
    return plan


def linger_for_no_time(client: socket.socket) -> None:
    """Have a connection reset when it is closed."""
    with contextlib.suppress(OSError):  # gone already
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)


def reset(client: socket.socket) -> None:
    """End a connection by a reset."""
    linger_for_no_time(client)
    client.close()


def finish(client: socket.socket) -> None:
    """End a connection as somebody does who has nothing more to say."""
    with contextlib.suppress(OSError):  # gone already
        client.shutdown(socket.SHUT_WR)
    client.close()


def _shorten(fault: Fault, message: str) -> str:
    if fault.verb == "drop_close":
        return without_one_close(message)
    return re.sub(fault.args["pattern"], "", message) if fault.args["pattern"] else ""


def _seconds(args: Mapping[str, Any]) -> float:
    return inf if args["seconds"] is None else float(args["seconds"])


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


def change_answer(verb: str, args: Mapping[str, Any], rng: np.random.Generator, answer: bytes) -> bytes:
    r"""Return what is sent instead of an answer.

    >>> some = np.random.default_rng(0)
    >>> change_answer("cut", {"n": 7, "ended": True}, some, b"1.23456E-07\n")
    b'1.23456\n'
    >>> change_answer("extra", {"line": "*** event", "when": "before"}, some, b"1\n")
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


def swap_parts(answer: bytes) -> bytes | None:
    r"""Return an answer with its first two parts exchanged: lines, else what semicolons, commas or tabs separate.

    None if it has only one part.

    >>> swap_parts(b"1\n2\n"), swap_parts(b"1;2;3\n"), swap_parts(b"1\t2\n"), swap_parts(b"1\n")
    (b'2\n1\n', b'2;1;3\n', b'2\t1\n', None)
    """
    body = answer.removesuffix(b"\n")
    for separator in (b"\n", b";", b",", b"\t"):
        first, *rest = body.split(separator)
        if rest:
            return separator.join([rest[0], first, *rest[1:]]) + b"\n"
    return None
