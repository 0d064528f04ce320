"""Parts: whether sources, settings, wiring and schemes make a bench, before anything is sent."""

from collections.abc import Mapping

from crossbar_hil.errors import ConfigError
from crossbar_hil.instrument import SourceMeter, SourceSettings, listed

from .disturb import DisturbGate
from .read_schemes import ReadScheme, read_scheme
from .wiring import Wiring
from .write_schemes import write_scheme

SOURCE_PORTS = ("drive", "meter")
"""Ports that a source can be on; the others are fed by what is wired for good."""


def reading(name: str, wiring: Wiring, *, continuity_only: bool) -> ReadScheme:
    """Return the read scheme of a name, if the wiring holds what it needs and it is good for what it is meant for.

    Raises
    ------
    ConfigError
        If it is unknown, lacks a port, or reads more than the wanted cells on a bench that is not for continuity only.
    """
    scheme = read_scheme(name, wiring.ports)
    wiring.require(scheme.needs, f"read scheme {name}")
    if not scheme.for_training and not continuity_only:
        raise ConfigError(f"read scheme {name} reads other cells too, so it is allowed with continuity_only alone")
    return scheme


def writing(name: str | None, wiring: Wiring, disturb_v: float | None) -> DisturbGate:
    """Return the write scheme of a name behind its gate, if the wiring holds what it needs.

    Raises
    ------
    ConfigError
        If it is unknown, lacks a port, or shows other cells too much of a pulse.
    """
    if name is None:
        raise ConfigError("no write scheme is named, which only a bench for continuity may do")
    scheme = write_scheme(name, wiring.ports)
    wiring.require(scheme.needs, f"write scheme {name}")
    return DisturbGate(scheme, wiring.shape, disturb_v)


def check_sources(
    sources: Mapping[str, SourceMeter],
    settings: Mapping[str, SourceSettings],
    wiring: Wiring,
    *,
    needed: set[str],
    guarded: str | None,
) -> None:
    """Refuse sources that are missing, misplaced, or cannot do what the schemes ask.

    Parameters
    ----------
    sources, settings : mapping
        By port.
    wiring : Wiring
        The ports that there are.
    needed : set of str
        Ports on which the schemes need a source.
    guarded : str, optional
        Port of the source that must drive a guard.

    Raises
    ------
    ConfigError
        Naming the port, and what is wrong with it.
    """
    if set(settings) != set(sources):
        raise ConfigError(
            f"settings are given for {listed(settings, 'no port')}, but sources for {listed(sources, 'no port')}"
        )
    for port in sorted(needed):
        if port not in sources:
            raise ConfigError(f"no source is on the port {port}, only on {listed(sources, 'no port')}")
    port_of: dict[int, str] = {}
    for port, source in sources.items():
        if port not in SOURCE_PORTS:
            raise ConfigError(f"source {source.name} is on the port {port}, expected {' or '.join(SOURCE_PORTS)}")
        wiring.require([port], f"source {source.name}")
        first = port_of.setdefault(id(source), port)
        if first != port:
            raise ConfigError(f"source {source.name} is on the ports {first} and {port}, one channel has one HI")
        asked, least = settings[port].compliance_a, source.least_compliance_a
        if not asked >= least:
            raise ConfigError(f"source {source.name} cannot limit its current to {asked:g} A, {least:g} A is its least")
        if port == guarded and not (source.has_guard and settings[port].guard):
            lack = "its settings do not ask for one" if source.has_guard else "the model has none to drive"
            raise ConfigError(f"source {source.name} on the port {port} must drive a guard, but {lack}")
