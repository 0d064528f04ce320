"""Every command of an instrument that changes its state, as somebody could send it."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from . import syntax, values
from .common import COMMON
from .instrument import EmulatedScpiInstrument


@dataclass(frozen=True, slots=True)
class Changing:
    """One command that changes something."""

    header: str
    """As it is sent, such as ``:SOUR2:VOLT``."""
    samples: tuple[str, ...]
    """Some parameters that it accepts: all where there are few, else the two ends and one between; empty for none."""

    def lines(self) -> tuple[str, ...]:
        """Return the command with each of its parameters."""
        return tuple(f"{self.header} {each}".rstrip() for each in self.samples)


def changing(kind: type[EmulatedScpiInstrument]) -> Iterator[Changing]:
    """Return all commands of an instrument that are no questions, those of every channel, each header once."""
    seen: set[str] = set()
    for command in (*kind.commands, *COMMON):
        if command.write is None:
            continue
        for header in headers(command.pattern, kind.most_suffix):
            if header not in seen:
                seen.add(header)
                yield Changing(header, command.samples)


def headers(pattern: str, most: int = 1) -> list[str]:
    """Return how a header is written, as short as it can be, for every channel.

    >>> headers("[:SOURce#]:VOLTage[:LEVel]:TRIGgered", 2), headers(":CALCulate#:LIMit{2-12}:STATe")
    ([':SOUR1:VOLT:TRIG', ':SOUR2:VOLT:TRIG'], [':CALC1:LIM2:STAT'])
    """
    if pattern.startswith("*"):
        return [pattern]
    nodes = [
        [f":{values.short(node)}{number}" for number in _suffixes(suffix, most)]
        for opened, node, suffix, _ in syntax.nodes(pattern)
        if suffix or not opened
    ]
    return ["".join(each) for each in product(*nodes)]


def _suffixes(suffix: str, most: int) -> list[str]:
    if suffix == "#":
        return [str(each) for each in range(1, most + 1)]
    return [suffix.strip("{}").partition("-")[0]]
