"""``localnode``: what a TSP instrument says about itself, and who may use it."""

from collections.abc import Callable, Mapping
from functools import partial

from .lua.objects import Node, Returned, choice, flag, number, text

LAN_NEEDS_PASSWORD = 2
"""From this ``passwordmode`` on a client on the LAN must give the password."""


def localnode(model: str, serial: str, firmware: str, reset: Callable[..., Returned]) -> Node:
    """Make the object, without what else of the instrument is reached through it."""
    node = Node()
    for key, value in {"model": model, "serialno": serial, "revision": firmware}.items():
        node.attribute(key, partial(str, value))
    node.setting("linefreq", 50.0, choice(50, 60), lambda: node.values.update(autolinefreq=False))
    node.setting("autolinefreq", True, flag)
    node.settings(choice(0, 1), prompts=0.0, prompts4882=1.0, showerrors=0.0)
    node.settings(text, description=f"Keithley {model}", password="")
    del node.getters["password"]  # it can only be set
    node.setting("passwordmode", 1.0, number(0, 3))
    node.constants |= {"PASSWORD_NONE": 0, "PASSWORD_WEB": 1, "PASSWORD_LAN": 2, "PASSWORD_ALL": 3}
    node.methods["reset"] = reset
    return node


def needs_password(node: Node) -> bool:
    """Return whether a client on the LAN has to give the password."""
    return bool(node.values["password"]) and node.values["passwordmode"] >= LAN_NEEDS_PASSWORD


def network(own: Node, roots: Mapping[str, Node]) -> Node:
    """Make ``node``, the instruments on the TSP-Link: this one only, as node 1.

    As on every node, the objects of the instrument are reached through it, and through ``localnode`` too.
    """
    for name, each in roots.items():
        if each is not own:
            own.child(name, each)
    nodes = Node()
    nodes.child(1, own)
    return nodes
