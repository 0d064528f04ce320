"""Where a bench file may say that its instruments are: through which VISA library, and whether on this machine."""

import ipaddress
import re
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from crossbar_hil.errors import ConfigError

LIBRARIES = ("", "@py", "@ivi")
"""VISA libraries that a bench file may name besides files of pyvisa-sim: any other name could be that of a program."""
_SIMULATED = re.compile(r"[^@]+\.yaml@sim")
_ON_NETWORK = re.compile(r"(?:tcpip|vicp|prlgx-tcpip)\d*::\s*(.+?)\s*(?:,[^:]*)?::", re.IGNORECASE)
"""Resources with the name or number of a host (VPP-4.3, address string grammar; Prologix, and the port of a host after
a comma, as pyvisa-py writes them)."""
LookUp = Callable[..., list[tuple[Any, ...]]]
_allowed: ContextVar[bool] = ContextVar("loopback_allowed", default=False)


def is_simulation(visa: str) -> bool:
    """Say whether a VISA library is one of pyvisa-sim, which reads data alone and reaches no instrument."""
    return _SIMULATED.fullmatch(visa) is not None


def why_no_library(visa: str, kind: str | None) -> str:
    """Return why a bench file of a kind may not name a VISA library; empty if it may."""
    if visa in LIBRARIES or (is_simulation(visa) and kind == "emulated"):
        return ""
    if is_simulation(visa):
        return f"visa {visa!r} is a simulation, which goes with kind emulated alone, not with {kind or 'no kind'}"
    return (
        f"visa {visa!r} is no VISA library that a bench file may name, since opening it could run any program: "
        "'@py', '@ivi', '' for the one that is installed, or 'FILE.yaml@sim' if kind is emulated"
    )


def why_no_resource(resource: str) -> str:
    """Return why a bench file may not name a resource; empty if it may."""
    if "://" not in resource:
        return ""
    return (
        f"resource {resource!r} holds ://, by which pySerial opens files and connections instead of a serial line: "
        "write a device, such as ASRL/dev/ttyUSB0::INSTR or ASRL3::INSTR, or the host, such as "
        "TCPIP0::192.168.0.10::5025::SOCKET"
    )


def host_of(resource: str) -> str | None:
    """Return the host in a VISA resource name; None for an instrument that is not on a network.

    >>> host_of("TCPIP0::smu.lab::5025::SOCKET"), host_of("TCPIP::smu.lab,1024::INSTR"), host_of("GPIB0::24::INSTR")
    ('smu.lab', 'smu.lab', None)
    """
    found = _ON_NETWORK.match(f"{resource.strip()}::")
    return found[1] if found else None


def with_host(resource: str, host: str) -> str:
    """Return a VISA resource name of an instrument on a network with another host."""
    found = _ON_NETWORK.match(f"{resource}::")
    return resource if found is None else resource[: found.start(1)] + host + resource[found.end(1) :]


def numbers_of(host: str, look_up: LookUp = socket.getaddrinfo) -> tuple[str, ...]:
    """Return the IP addresses of a host, each in one spelling, every one of this machine as ``127.0.0.1``.

    A host that nobody knows is its own name, in small letters.
    """
    if re.fullmatch(r"(.+\.)?localhost\.?", host, re.IGNORECASE):  # whatever the machine is told of names (RFC 6761)
        return ("127.0.0.1",)
    try:
        found = {str(each[4][0]) for each in look_up(host, None, 0, socket.SOCK_STREAM)}
    except (OSError, UnicodeError):
        return (host.lower().rstrip("."),)
    return tuple(sorted({_one_spelling(number) for number in found}))


def is_here(resource: str, look_up: LookUp = socket.getaddrinfo) -> bool:
    """Say whether a VISA resource leads to this machine: the loopback interface, or an address of its own."""
    host = host_of(resource)
    return host is not None and "127.0.0.1" in numbers_of(host, look_up)


@contextmanager
def loopback_allowed(allowed: bool = True) -> Iterator[None]:
    """Let instruments of kind ``hardware`` be on this machine for the length of a ``with`` block, as a tunnel's end.

    It is what ``--allow-loopback`` does. A bench file cannot say it of itself.
    """
    before = _allowed.set(allowed)
    try:
        yield
    finally:
        _allowed.reset(before)


def is_loopback_allowed() -> bool:
    """Say whether `loopback_allowed` holds."""
    return _allowed.get()


def on_loopback(resources: Mapping[str, str | None]) -> list[str]:
    """Return the names of the instruments that are on this machine."""
    return [name for name, resource in resources.items() if resource is not None and is_here(resource)]


def check_hardware(bench: str, resources: Mapping[str, str | None]) -> None:
    """Refuse real instruments on this machine: whoever answers there is a tunnel or an emulation, not an instrument.

    Raises
    ------
    ConfigError
        Naming the instruments, unless `loopback_allowed` holds; nothing was opened.
    """
    found = on_loopback(resources)
    if found and not is_loopback_allowed():
        named = " and ".join(f"instruments.{name} is at {resources[name]}" for name in found)
        raise ConfigError(
            f"bench {bench} is hardware, but {named}, on this machine, where a tunnel or an emulation answers and no "
            "instrument: --allow-loopback takes it all the same, and says so in the record"
        )


def _one_spelling(number: str) -> str:
    try:
        address = ipaddress.ip_address(number.partition("%")[0])
    except ValueError:
        return number.lower()
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    # The unspecified address is this machine to whoever connects to it.
    here = address.is_loopback or address.is_unspecified or _is_own(address)
    return "127.0.0.1" if here else str(address)


def _is_own(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Say whether an address is one of this machine: that is where it would speak to itself from. Nothing is sent."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((str(address), 9))  # a datagram socket only looks up the way
            return bool(probe.getsockname()[0] == str(address))
    except OSError:
        return False
