"""Every command of an emulated SCPI instrument that changes something, with some values: what another hand may send."""

import re
from dataclasses import dataclass
from functools import cache

from .common import COMMON
from .instrument import EmulatedScpiInstrument
from .syntax import bounds

_NODE = re.compile(r"\[[^\]]*\]|:?[^\[\]:]+")


@dataclass(frozen=True, slots=True)
class Changing:
    """One command that can be written."""

    header: str
    """The shortest form, such as ``:SOUR:VOLT``, of one channel where there are several: ``:SOUR2:VOLT``."""
    values: tuple[str, ...]
    """Some values that it takes, one or more of them in a line; an empty one for none, no one where nothing tells."""
    asked: bool
    """Whether it can be asked for."""

    def lines(self) -> list[str]:
        """Return a line for each value, or the bare header."""
        return [f"{self.header} {value}".rstrip() for value in self.values] or [self.header]


def changing(kind: type[EmulatedScpiInstrument]) -> list[Changing]:
    """Return what can be written to an instrument; of two commands with one header the first.

    >>> from ..models.keithley2400.model import EmulatedKeithley2400
    >>> next(each for each in changing(EmulatedKeithley2400) if each.header == ":OUTP")
    Changing(header=':OUTP', values=('0', '1'), asked=True)
    """
    commands = [
        (header, each) for each in (*kind.commands, *COMMON) for header in headers(each.pattern, kind.most_suffix)
    ]
    asked = {header for header, each in commands if each.query}
    written = {header: each for header, each in reversed(commands) if each.write}
    return [Changing(header, each.samples, header in asked) for header, each in written.items()]


def headers(pattern: str, most: int) -> list[str]:
    """Return the shortest headers that fit a pattern, for every channel if there are several.

    >>> headers("[:SOURce#]:VOLTage[:LEVel]:TRIGgered", 2)
    [':SOUR1:VOLT:TRIG', ':SOUR2:VOLT:TRIG']
    """
    if most == 1 or "#" not in pattern:
        return [shortest(pattern)]
    channel = re.sub(r"\[(:?\w+#)\]", r"\1", pattern)
    return [shortest(channel.replace("#", str(number))) for number in range(1, most + 1)]


@cache
def shortest(pattern: str) -> str:
    """Return the shortest header that fits a pattern.

    >>> shortest("[:SENSe#]:CURRent[:DC]:RANGe[:UPPer]"), shortest(":CALCulate#:LIMit{2-12}:STATe"), shortest("*RST")
    (':CURR:RANG', ':CALC:LIM2:STAT', '*RST')
    """
    if pattern.startswith("*"):
        return pattern
    numbers = iter(bounds(pattern))
    nodes = []
    for node in _NODE.findall(pattern):
        bound = next(numbers) if re.search(r"#|\{", node) else None
        if not node.startswith("["):
            name = re.sub(r"#|\{.*\}", "", node)
            nodes.append(re.sub("[a-z]", "", name) + (str(bound[0]) if bound and bound[0] > 1 else ""))
    return "".join(nodes)
