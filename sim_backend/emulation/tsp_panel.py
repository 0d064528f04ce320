"""What every TSP instrument has besides its function: ``localnode``, ``display``, ``beeper``, ``timer``."""

from collections.abc import Callable
from functools import partial

from .clock import Clock
from .tsp_objects import Node, Returned, Value, choice, flag, number, text

LONGEST_TEXT = 1000


def localnode(model: str, serial: str, firmware: str, reset: Callable[..., Returned]) -> Node:
    """Make the object that tells about the instrument."""
    node = Node()
    for key, value in {"model": model, "serialno": serial, "revision": firmware}.items():
        node.attribute(key, partial(str, value))
    node.setting("linefreq", 50.0, choice(50, 60), lambda: node.values.update(autolinefreq=False))
    node.setting("autolinefreq", True, flag)
    node.settings(choice(0, 1), prompts=0.0, prompts4882=1.0, showerrors=0.0)
    node.settings(text, description=f"Keithley {model}", password="")
    node.setting("passwordmode", 0.0, number(0, 7))
    node.methods["reset"] = reset
    return node


def display() -> Node:
    """Make the front panel, which keeps a text and nothing else."""
    node, shown = Node(), {"text": ""}

    def settext(value: Value = None) -> Returned:
        shown["text"] = text(value)[:LONGEST_TEXT]
        return ()

    def clear() -> Returned:
        shown["text"] = ""
        return ()

    node.methods |= {"settext": settext, "clear": clear, "gettext": lambda: shown["text"]}
    node.methods |= {"setcursor": lambda *_: (), "sendkey": lambda *_: (), "getlastkey": lambda: 0.0}
    node.settings(number(0, 100), screen=2.0)
    node.settings(choice(0, 1), locallockout=0.0)
    return node


def beeper() -> Node:
    """Make the beeper, which is silent."""
    node = Node()
    node.settings(choice(0, 1), enable=1.0)
    node.methods["beep"] = lambda *_: ()
    return node


def timer(clock: Clock) -> Node:
    """Make the stop watch."""
    started = [clock.now()]

    def reset() -> Returned:
        started[0] = clock.now()
        return ()

    node = Node()
    node.methods["reset"] = reset
    node.child("measure").methods["t"] = lambda: clock.now() - started[0]
    return node
