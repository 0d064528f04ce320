"""Settings of SCPI instruments as PyMeasure properties: one line that sets, one query that gets."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from pymeasure.instruments.channel import Channel
from pymeasure.instruments.instrument import Instrument
from pymeasure.instruments.validators import strict_discrete_set, strict_range

from ..settings.setting import Action, Number, Setting, SettingTable, Switch, Text, Words
from ..transport.members import KnownMembers
from .answers import flag, number, word
from .table import line, question

Class = TypeVar("Class", bound=type)
PARSE: Mapping[type, Callable[[str], Any]] = {Words: word, Text: str.strip, Number: number, Switch: flag}
"""How an answer is read, by the kind of setting."""


def offers(table: SettingTable, channel: str = "") -> Callable[[Class], Class]:
    """Return a decorator that gives a class a property for each setting of a table.

    Parameters
    ----------
    channel : str
        What stands for the number of a channel in commands; PyMeasure fills in ``{ch}``.
    """

    def give(kind: Class) -> Class:
        for each in table.values():
            if not isinstance(each.kind, Action):
                setattr(kind, each.name, setting_property(each, channel))
        return kind

    return give


def slots_with(table: SettingTable, numbers: Iterable[int], prefix: str) -> Any:
    """Return what makes a PyMeasure channel of each slot of a mainframe, with the settings of a table."""
    slot = offers(table, "{ch}")(
        type("Slot", (KnownMembers, Channel), {"__doc__": "One slot of the mainframe.", "table": table})
    )
    return Instrument.MultiChannelCreator(slot, list(numbers), prefix=prefix)


def setting_property(setting: Setting, channel: str = "") -> Any:
    """Return the property of one setting; what is beyond its bounds or none of its words is refused."""
    kind, asked = setting.kind, question(setting, channel)
    if not setting.settable:
        parse = PARSE[type(kind)]
        return Instrument.measurement(asked, f"Get {setting.does}.", cast=str, maxsplit=0, get_process=parse)
    before = line(setting, None, channel)
    before += "" if before.endswith(",") else " "
    if isinstance(kind, Switch):
        return Instrument.control(
            asked,
            f"{before}%s",
            f"Control {setting.does} (bool).",
            validator=strict_discrete_set,
            values={True: "ON", False: "OFF"},
            map_values=True,
            cast=str,
            get_process=lambda reply: "ON" if flag(reply) else "OFF",
        )
    if isinstance(kind, Words):
        return Instrument.control(
            asked,
            f'{before}"%s"' if kind.quoted else f"{before}%s",
            f"Control {setting.does} (str, strictly {', '.join(map(repr, kind.words))}).",
            validator=strict_discrete_set,
            values=kind.words,
            cast=str,
            maxsplit=0,
            get_process=word,
        )
    if isinstance(kind, Number):
        return Instrument.control(
            asked,
            before + ("%d" if kind.whole else kind.form),
            f"Control {setting.does} ({'int' if kind.whole else 'float'} strictly from {kind.least:.7g} to "
            f"{kind.most:.7g}).",
            validator=strict_range,
            values=(kind.least, kind.most),
            cast=int if kind.whole else float,
        )
    raise TypeError(f"{setting.name} has no value")


def number_property(header: str, doc: str, least: float, most: float) -> Any:
    """Return a property that is a number, strictly within bounds, and in no table."""
    return setting_property(Setting("", header.replace("{ch}", "{n}"), doc, Number(least, most), ""), "{ch}")


def tripped_property(query: str) -> Any:
    """Return a property that says whether a source is at its current limit."""
    return Instrument.measurement(
        query, "Get whether the source is at its current limit (bool).", cast=str, get_process=flag
    )
