"""Parts: whether sources, settings, wiring and schemes make a bench, before anything is sent."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import combinations

from crossbar_hil.errors import ConfigError, LimitError
from crossbar_hil.instrument import SourceMeter, SourceSettings, names_text
from crossbar_hil.text import quantity

from .gate.disturb import DisturbLimit
from .schemes.read_schemes import ReadScheme, read_scheme
from .schemes.wiring import METERS, Wiring
from .schemes.write_schemes import WriteScheme, write_scheme

SOURCE_PORTS = ("drive", *METERS)
"""Ports that a source can be on; the others are fed by what is wired for good."""


def check_read_scheme(name: str, wiring: Wiring, *, continuity_only: bool) -> ReadScheme:
    """Return the read scheme of a name, if the wiring holds what it needs and it is good for what it is meant for.

    Raises
    ------
    ConfigError
        If it is unknown, lacks a port, has no use for one of a further meter, or reads more than the wanted cells on a
        bench that is not for continuity only.
    """
    scheme = read_scheme(name, wiring.ports)
    wiring.require(scheme.needs, f"read scheme {name}")
    for port in METERS[1:]:
        if port in wiring.ports and port not in scheme.meters:
            raise ConfigError(
                f"read scheme {name} measures with one channel, so it has no use for the port {port}: take it out of "
                "wiring"
            )
    if not scheme.for_training and not continuity_only:
        raise ConfigError(f"read scheme {name} reads other cells too, so it is allowed with continuity_only alone")
    return scheme


def check_write_scheme(name: str | None, wiring: Wiring, disturb_v: float | None) -> DisturbLimit:
    """Return the write scheme of a name with its disturb limit, if the wiring holds what it needs.

    Raises
    ------
    ConfigError
        If it is unknown, lacks a port, or shows other cells too much of a pulse.
    """
    if name is None:
        raise ConfigError("no write scheme is named, which only a bench for continuity may do")
    scheme = write_scheme(name, wiring.ports)
    wiring.require(scheme.needs, f"write scheme {name}")
    return DisturbLimit(scheme, wiring.shape, disturb_v)


def placement_problems(
    names: Mapping[str, str], behind: Mapping[str, object], wiring: Wiring, needed: Collection[str]
) -> Iterator[str]:
    """Say what is wrong with where the sources are, one sentence each.

    Parameters
    ----------
    names : mapping of str to str
        Name of each source, by port.
    behind : mapping of str to object
        What is the same for two ports if one source is on both.
    wiring : Wiring
        The ports that there are.
    needed : collection of str
        Ports on which the schemes need a source.
    """
    for port, name in names.items():
        if port not in SOURCE_PORTS:
            yield f"source {name} is on the port {port}, expected drive, meter, or meter2 to {METERS[-1]}"
        elif port not in wiring.ports:
            yield f"source {name} needs the port {port}, but only {', '.join(wiring.ports)} are wired"
    for port in sorted(set(needed) - set(names)):
        yield f"no source is on the port {port}, only on {names_text(names, 'no port')}"
    first_of: dict[object, str] = {}
    for port, thing in behind.items():
        first = first_of.setdefault(thing, port)
        if first != port:
            yield f"source {names[port]} is on the ports {first} and {port}, one channel has one HI"


def ability_problems(
    sources: Mapping[str, SourceMeter],
    settings: Mapping[str, SourceSettings],
    read: ReadScheme | None,
    write: WriteScheme | None,
) -> Iterator[str]:
    """Say what sources cannot do that their settings and the schemes ask of them, one sentence each.

    Sources and settings are by port; a source without settings is not judged by them.
    """
    for port, source in sources.items():
        each = settings.get(port)
        if each is None:
            continue
        if not each.compliance_a >= source.least_compliance_a:
            yield (
                f"source {source.name} cannot limit its current to {quantity(each.compliance_a, 'A')}, "
                f"{quantity(source.least_compliance_a, 'A')} is its least"
            )
        elif not (each.guard and not source.has_guard):
            try:
                source.check(each)
            except ConfigError as error:
                yield from error.problems
        if read is not None and read.needs_guard and port == read.meter and not (source.has_guard and each.guard):
            lack = "its settings do not ask for one" if source.has_guard else "the model has none to drive"
            yield f"source {source.name} on the port {port} must drive a guard, but {lack}"
    for (port, source), (other_port, other) in combinations(sources.items(), 2):
        if port in settings and other_port in settings:
            try:
                source.check_beside(settings[port], other, settings[other_port])
            except ConfigError as error:
                yield from error.problems
    if write is None:
        return
    together = [sources[port] for port in write.sources if port in sources]
    for other in together[1:]:
        if not together[0].pulses_with(other):
            yield (
                f"write scheme {write.name} pulses two sources at the same time, but {together[0].name} and "
                f"{other.name} are not channels of one instrument"
            )


def check_sources(
    sources: Mapping[str, SourceMeter],
    settings: Mapping[str, SourceSettings],
    wiring: Wiring,
    read: ReadScheme,
    write: WriteScheme | None,
) -> None:
    """Refuse sources that are missing, misplaced, or cannot do what the schemes ask; a ConfigError names all."""
    found = []
    if set(settings) != set(sources):
        found.append(
            f"settings are given for {names_text(settings, 'no port')}, "
            f"but sources for {names_text(sources, 'no port')}"
        )
    needed = {*read.sources, *(write.sources if write else ())}
    names = {port: source.name for port, source in sources.items()}
    found += placement_problems(names, {port: id(source) for port, source in sources.items()}, wiring, needed)
    if not found:
        found += ability_problems(sources, settings, read, write)
    if found:
        raise ConfigError("; ".join(found), found)


def check_width(width_s: float, sources: Iterable[SourceMeter]) -> None:
    """Refuse a pulse that is shorter than a source can time: a LimitError names source, width and bound."""
    for source in sources:
        if not width_s >= source.shortest_pulse_s:
            raise LimitError(
                f"pulse width {width_s:g} s is below the {source.shortest_pulse_s:g} s that {source.name} can time"
            )
