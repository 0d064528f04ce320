"""Interfaces of a TSP instrument as its scripts see them: ``lan``, ``comm``, ``gpib``; nothing of it has an effect."""

from collections.abc import Mapping
from functools import partial

from .lua.objects import Node, Returned, choice, flag, number, text
from .time.events import EventBus
from .time.lines import trigger_line

PORTS = {"rawsocket": 5025, "dst": 5030, "telnet": 23, "vxi11": 1024}
"""Ports of a real instrument (2600B reference manual, lan.status.port)."""
TRIGGERS = 8


def lan(ports: Mapping[str, int], bus: EventBus, first_event: int) -> Node:
    """Make the object.

    Parameters
    ----------
    ports : mapping of str to int
        Ports on which the emulated instrument is really served, told instead of those of a real one.
    bus : EventBus
        Carries the events of the LAN triggers, which nobody but the instrument itself sends.
    first_event : int
        Number of the first of them.
    """
    node = Node()
    node.methods |= dict.fromkeys(("applysettings", "reset", "restoredefaults"), _nothing)
    node.settings(number(0, 255), lxidomain=0.0, linktimeout=20.0)
    node.settings(choice(0, 1), autoconnect=1.0, nagle=0.0, timedwait=0.0, enable=1.0)
    node.constants |= {"ENABLE": 1, "DISABLE": 0, "AUTO": 0, "MANUAL": 1, "FULL": 1, "HALF": 0}
    node.constants |= {"PROTOCOL_TCP": 0, "PROTOCOL_UDP": 1, "PROTOCOL_MULTICAST": 2}
    config = node.child("config")
    config.settings(number(0, 1), method=0.0, duplex=1.0)
    config.settings(number(0, 1000), speed=100.0)
    config.settings(text, gateway="0.0.0.0", ipaddress="127.0.0.1", subnetmask="255.0.0.0")  # noqa: S104 - none
    dns = config.child("dns")
    dns.settings(text, domain="", hostname="")
    dns.settings(choice(0, 1), dynamic=1.0, verify=1.0)
    for place in (1, 2):
        dns.child("address").child(place).settings(text, address="0.0.0.0")  # noqa: S104 - none
    status = node.child("status")
    told = {
        "ipaddress": "127.0.0.1",
        "subnetmask": "255.0.0.0",
        "gateway": "0.0.0.0",  # noqa: S104 - none
        "macaddress": "00:00:00:00:00:00",
    }
    for key, value in told.items():
        status.attribute(key, partial(str, value))
    status.attribute("duplex", lambda: 1.0)
    status.attribute("speed", lambda: 100.0)
    for key, usual in PORTS.items():
        status.child("port").attribute(key, partial(_port, ports, key, usual))
    status.child("dns").attribute("name", lambda: "localhost")
    for place in range(1, TRIGGERS + 1):
        line = node.child("trigger").child(place, trigger_line(bus, first_event + place - 1, pulse=False))
        line.settings(number(0, 2), protocol=0.0)
        line.settings(flag, pseudostate=False, connected=False)
        line.settings(text, ipaddress="0.0.0.0")  # noqa: S104 - none
        line.methods |= dict.fromkeys(("connect", "disconnect"), _nothing)
    return node


def comm() -> Node:
    """Make the switches of the interfaces."""
    node = Node()
    for name in ("gpib", "lan", "usb"):
        node.child(name).setting("enable", True, flag)
    return node


def gpib(address: int) -> Node:
    """Make the object that keeps the address."""
    node = Node()
    node.settings(number(0, 30), address=float(address))
    return node


def _port(ports: Mapping[str, int], key: str, usual: int) -> float:
    return float(ports.get(key, usual))


def _nothing() -> Returned:
    return ()
