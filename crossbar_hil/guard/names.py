"""Names that people and bench files give, made into names of files and compared for meaning the same instrument."""

import hashlib
import re
from collections.abc import Callable

from crossbar_hil.errors import DataError
from crossbar_hil.instrument import Identity
from crossbar_hil.owners.addresses import host_of, numbers_of, with_host

_LONGEST = 40
_CLASSES = frozenset({"instr", "socket", "raw", "intfc", "memacc", "backplane", "servant"})
_INTERFACE = re.compile(r"(asrl|gpib|gpib-vxi|gpibvxi|prlgx-tcpip|prlgx-asrl|pxi|tcpip|usb|vicp|vxi)([0-9]*)")
_ON_NETWORK = frozenset({"tcpip", "vicp", "prlgx-tcpip"})
_NO_SERIAL = frozenset({"none", "n/a", "na", "unknown"})


def file_name(text: str, suffix: str) -> str:
    """Return a plain file name that stands for any text, and for no other.

    Letters and digits are kept so that a person can tell it; the rest of the name is a hash, so that no text leads out
    of the folder, is a reserved name, differs from another in case only, or is too long.

    Raises
    ------
    DataError
        If there is no text.

    Examples
    --------
    >>> file_name("../wafer 3 / die A", ".sqlite")
    'wafer-3-die-A-af1b612fbeaf8198.sqlite'
    """
    if not text.strip():
        raise DataError(f"name {text!r} has no letter in it")
    legible = re.sub(r"[^A-Za-z0-9]+", "-", text)[:_LONGEST].strip("-")
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{legible}-{digest}{suffix}" if legible else f"{digest}{suffix}"


def same_resource(name: str) -> str:
    """Return one spelling of a VISA resource name for all that mean the same instrument.

    Case, blanks, an omitted board number 0, an omitted ``INSTR`` or ``inst0`` and the base of numbers make no
    difference (VPP-4.3, address string grammar), nor does the board where the instrument is on a network. Host names
    are not looked up: a name and its address count as two.

    Examples
    --------
    >>> same_resource("GPIB::24") == same_resource("gpib0::24::INSTR")
    True
    >>> same_resource("USB::0x05E6::0x2450::04::INSTR")
    'usb0::1510::9296::04::0::instr'
    """
    words = [re.sub(r"\s*,\s*", ",", word.strip().lower()) for word in name.strip().split("::")]
    if words[0].startswith("asrl/") and len(words) == 1:  # a serial port by the name of its file
        words.append("instr")
    interface = _INTERFACE.fullmatch(words[0])
    if not interface:
        return "::".join(words)
    kind, board = interface.groups()
    words[0] = f"{kind}{0 if kind in _ON_NETWORK else int(board or 0)}"
    if words[-1] not in _CLASSES:
        words.append("instr")
    if kind == "tcpip" and words[-1] == "instr" and len(words) == 3:
        words.insert(2, "inst0")
    if kind in _ON_NETWORK and words[-1] == "socket":
        words[2:-1] = [_decimal(word) for word in words[2:-1]]
    if kind == "usb" and len(words) >= 5:
        words[1:3] = [_decimal(word) for word in words[1:3]]
        if words[-1] == "instr" and len(words) == 5:
            words.insert(4, "0")
    if kind in {"gpib", "vxi", "pxi"}:
        words[1:-1] = [_decimal(word) for word in words[1:-1]]
    return "::".join(words)


def same_places(name: str, numbers: Callable[[str], tuple[str, ...]] = numbers_of) -> tuple[str, ...]:
    """Return what `same_resource` does, with the host looked up: one spelling for each address that it has.

    Examples
    --------
    >>> same_places("TCPIP::localhost::05025::SOCKET")
    ('tcpip0::127.0.0.1::5025::socket',)
    >>> same_places("TCPIP0::localhost,1024::INSTR")
    ('tcpip0::127.0.0.1,1024::inst0::instr',)
    """
    spelling, host = same_resource(name), host_of(name)
    if host is None:
        return (spelling,)
    return tuple(with_host(spelling, number) for number in numbers(host))


def same_identity(identity: Identity) -> str:
    """Return by what an instrument is known whatever it is called: maker, model, serial; empty without a serial.

    Examples
    --------
    >>> same_identity(Identity("KEITHLEY", "2602B", "1398687", "3.0.0"))
    'keithley 2602b, serial 1398687'
    >>> same_identity(Identity("AGILENT", "B2200A", "0", "1.0"))
    ''
    """
    maker, model, serial = (
        " ".join(each.lower().split()) for each in (identity.maker, identity.model, identity.serial)
    )
    if serial in _NO_SERIAL or not re.search(r"[1-9a-z]", serial):
        return ""
    return f"{maker} {model}, serial {serial}"


def _decimal(word: str) -> str:
    if re.fullmatch(r"0x[0-9a-f]+", word):
        return str(int(word, 16))
    return str(int(word)) if re.fullmatch(r"[0-9]+", word) else word
