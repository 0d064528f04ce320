"""What a TSP instrument keeps or tells without any work: front panel, interfaces, files, itself as a node."""

from .lua.objects import NIL, Only, Refused, Returned, Row, Value, choice, flag, number

NO_DRIVE = "there is no flash drive"
SETTINGS: tuple[Row, ...] = (
    ("beeper", Only.ANSWERED, {"beep": None}),
    ("beeper", Only.CONSTANT, {"ON": 1, "OFF": 0}),
    ("beeper", choice(0, 1), {"enable": 1.0}),
    ("comm.gpib|lan|usb", flag, {"enable": True}),
    ("display", Only.ANSWERED, {"clear": None, "setcursor": None, "settext": None}),
    ("display", Only.CONSTANT, {"KEY_EXIT": 75, "KEY_TRIG": 92}),
    ("display", number(0, 100), {"screen": 0.0}),
    ("display", choice(0, 1), {"locallockout": 0.0}),
    ("gpib", number(0, 30), {"address": 16.0}),
    ("io", Only.ANSWERED, {"open": (None, NO_DRIVE), "type": NIL}),
    ("lan", Only.ANSWERED, {"applysettings": None, "reset": None, "restoredefaults": None}),
    ("lan.status", Only.TOLD, {"ipaddress": "127.0.0.1", "subnetmask": "255.0.0.0", "gateway": "0.0.0.0"}),  # noqa: S104 - none
    ("localnode", choice(0, 1), {"prompts": 0.0, "prompts4882": 1.0, "showerrors": 0.0}),
    ("localnode", flag, {"autolinefreq": True}),
    ("tsplink", Only.TOLD, {"master": 1.0, "state": "online"}),
    ("tsplink", Only.ANSWERED, {"reset": 1.0, "initialize": 1.0}),
    ("tsplink", number(0, 64), {"node": 1.0, "group": 0.0}),
    ("os", Only.ANSWERED, {"remove": (None, NO_DRIVE), "rename": (None, NO_DRIVE)}),
)
PORTS = {"rawsocket": 5025, "dst": 5030, "telnet": 23, "vxi11": 1024}
"""Ports of a real instrument (2600B reference manual, lan.status.port)."""


def save_buffer(*_: Value) -> Returned:
    """Do what ``savebuffer`` does without a flash drive."""
    raise Refused(-250, f"Mass storage error: {NO_DRIVE}")
