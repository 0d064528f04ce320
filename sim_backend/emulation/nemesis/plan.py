"""What becomes of one message and its answer when faults hit it."""

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

from .answers import changed, without_one_close
from .faults import Fault

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


def planned(message: str, faults: Iterable[Fault], rng: np.random.Generator) -> Plan:
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
                plan.message = _shortened(fault, plan.message)
                plan.executed = plan.executed and bool(plan.message.strip(" ;"))
            case _:
                plan.changes.append(partial(_changed, fault, rng))
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


def _shortened(fault: Fault, message: str) -> str:
    if fault.verb == "drop_close":
        return without_one_close(message)
    return re.sub(fault.args["pattern"], "", message) if fault.args["pattern"] else ""


def _changed(fault: Fault, rng: np.random.Generator, answer: bytes) -> bytes:
    return changed(fault.verb, answer, fault.args, rng)


def _seconds(args: Mapping[str, Any]) -> float:
    return inf if args["seconds"] is None else float(args["seconds"])
