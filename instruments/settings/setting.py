"""One setting of an instrument, and the table that holds all those of a family.

From a table come what a driver writes when it sets a channel up, what it reads back then, what it asks for again before
a batch and before a pulse, the PyMeasure properties, and the table in the documentation.
"""

from collections.abc import Callable, ItemsView, Iterator, Mapping, ValuesView
from dataclasses import dataclass
from enum import Enum
from math import inf

from crossbar_hil.instrument import SourceSettings

SHORTEST_READING_NPLC = 0.01
"""Integration time inside pulses: 0.2 ms at 50 Hz, so that a pulse is timed by its delay and not by its reading."""
Expected = str | float | bool | tuple[float, float]
"""A word, a number, a switch, or the two ends of an interval."""


class Asked(Enum):
    """When a setting is asked for again after it was set up; each includes those above it."""

    NEVER = "cannot be asked for"
    SET_UP = "when set up"
    BATCH = "before a batch"
    PULSE = "before a pulse"


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is asked of a channel, with the ranges that hold it."""

    settings: SourceSettings
    range_v: float
    """Voltage range, in volts."""
    range_a: float
    """Measure range, in amperes."""
    channel: int | str = ""
    """Name of the channel in commands; none where there is only one."""


@dataclass(frozen=True, slots=True)
class Words:
    """A setting that is one of some words."""

    words: tuple[str, ...]
    quoted: bool = False
    """Whether it is written in quotes."""


@dataclass(frozen=True, slots=True)
class Text:
    """A setting that is any text, read as it stands."""


@dataclass(frozen=True, slots=True)
class Switch:
    """A setting that is on or off."""


@dataclass(frozen=True, slots=True)
class Number:
    """A setting that is a number within bounds."""

    least: float = -inf
    most: float = inf
    form: str = "%.9e"
    """How it is written."""
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Action:
    """No setting but something that is done in its place among them; it has no value and cannot be asked for."""


Kind = Words | Text | Switch | Number | Action


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: what it is called on the wire, what it must be, and how often that is asked."""

    name: str
    """What the PyMeasure property is called, such as ``compliance_current``."""
    command: str
    """What is written before the value; ``{n}`` stands for the channel."""
    does: str
    """What it changes for a cell or for a reading, with its unit; a phrase that goes on after "Control"."""
    kind: Kind
    page: str
    """Where the manual describes it."""
    value: Expected | Callable[[Chosen], Expected] | None = None
    """What is written when a channel is set up; None if it is left as the person at the instrument chose."""
    asked: Asked = Asked.PULSE
    reads_back: Expected | Callable[[Chosen], Expected] | None = None
    """What it must read back as, where that is not what was written."""
    query: str = ""
    """How it is asked for, where that is not the command with a question mark."""
    settable: bool = True
    """Whether it can be written, and not only asked for."""

    def written(self, chosen: Chosen) -> Expected | None:
        """Return what is written for a channel."""
        return self.value(chosen) if callable(self.value) else self.value

    def expected(self, chosen: Chosen) -> Expected | None:
        """Return what it must read back as."""
        told = self.written(chosen) if self.reads_back is None else self.reads_back
        return told(chosen) if callable(told) else told


def full_scale(nominal: float) -> tuple[float, float]:
    """Return between which values a range reads back: some models answer its name, others its full scale."""
    return nominal, nominal * 1.06


class SettingTable(Mapping[str, Setting]):
    """The settings of a family of models by name, in the order in which they are written.

    Raises
    ------
    ValueError
        If two have the same name or the same command.
    """

    def __init__(self, *settings: Setting) -> None:
        self._by_name = {each.name: each for each in settings}
        commands = {each.command for each in settings}
        if not len(settings) == len(self._by_name) == len(commands):
            raise ValueError("two settings of a table have the same name or the same command")
        moments = list(Asked)
        self._asked = {
            when: [each for each in settings if each.asked in moments[place:]] for place, when in enumerate(moments)
        }

    def __getitem__(self, name: str) -> Setting:
        return self._by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)

    def values(self) -> ValuesView[Setting]:
        """Return the settings."""
        return self._by_name.values()

    def items(self) -> ItemsView[str, Setting]:
        """Return the settings with their names."""
        return self._by_name.items()

    def asked(self, when: Asked) -> list[Setting]:
        """Return what is asked for at a moment."""
        return list(self._asked[when])
