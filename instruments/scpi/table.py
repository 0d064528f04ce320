"""A table of settings as SCPI writes it: lines that set, questions, and what must come back.

A setting of a channel has its number where ``{n}`` stands. What must come back is kept by question, because several
are asked in one message.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from ..settings.setting import Action, Asked, Chosen, Expected, Number, Setting, SettingTable, Text, Words
from .answers import flag, number, one_of, word

Questions = dict[str, Expected]
"""What must come back, by question."""


def question(setting: Setting, channel: int | str = "") -> str:
    """Return how a setting is asked for.

    >>> from ..settings.setting import Switch
    >>> question(Setting(name="on", command=":OUTP{n}", does="", kind=Switch(), page=""), 2)
    ':OUTP2?'
    """
    return (setting.query or f"{setting.command}?").replace("{n}", str(channel))


def value_text(setting: Setting, value: Expected) -> str:
    """Return how a value is written."""
    if isinstance(setting.kind, Number):
        return f"{round(float(str(value)))}" if setting.kind.whole else setting.kind.form % value
    if isinstance(value, bool):
        return "ON" if value else "OFF"
    return f'"{value}"' if isinstance(setting.kind, Words) and setting.kind.quoted else str(value)


def line(setting: Setting, value: Expected | None, channel: int | str = "") -> str:
    """Return the line that sets a value; a command that ends with a comma has arguments already."""
    command = setting.command.replace("{n}", str(channel))
    if value is None or isinstance(setting.kind, Action):
        return command
    return f"{command}{'' if command.endswith(',') else ' '}{value_text(setting, value)}"


def lines(table: SettingTable, chosen: Chosen) -> list[str]:
    """Return what sets a channel up, in the order of the table."""
    return [line(each, each.written(chosen), chosen.channel) for each in table.values() if is_written(each)]


def is_written(setting: Setting) -> bool:
    """Say whether a setting is written when a channel is set up."""
    return setting.settable and (setting.value is not None or isinstance(setting.kind, Action))


def left_alone(table: SettingTable) -> list[Setting]:
    """Return what stays as the person at the instrument chose it."""
    return [each for each in table.asked(Asked.SET_UP) if each.value is None and each.reads_back is None]


def must_read_back(settings: Iterable[Setting], chosen: Chosen, found: Mapping[str, Expected]) -> Questions:
    """Return what must come back of settings; of those that were left alone what was found, by question."""
    wanted: Questions = {}
    for each in settings:
        asked, expected = question(each, chosen.channel), each.expected(chosen)
        wanted[asked] = found[asked] if expected is None else expected
    return wanted


def parse_found(setting: Setting) -> Callable[[str], Expected]:
    """Return what makes a value of the answer to a setting that is left alone."""
    if isinstance(setting.kind, Words):
        return partial(one_of, words=setting.kind.words) if setting.kind.words else word
    if isinstance(setting.kind, Text):
        return word  # which is how words are compared
    return number if isinstance(setting.kind, Number) else flag


class Together:
    """Questions that are asked in one message, with the error queue, and the reply to it that was right before.

    What must come back, by question, is not changed afterwards.
    """

    def __init__(self, expected: Questions) -> None:
        self.expected = expected
        self.message = together(expected)
        self.right = ""
        """A reply in which all was as it must be, so that the same one need not be taken apart again."""


def together(questions: Iterable[str]) -> str:
    """Return the message that asks several questions, and for the oldest error.

    >>> together([":OUTP?", "*OPC?"])
    ':OUTP?;*OPC?;:SYST:ERR?'
    """
    return ";".join((*map(from_the_root, questions), ":SYST:ERR?"))


def from_the_root(part: str) -> str:
    """Return a part of a message as it must be behind another one: its header would go on where that of it ended.

    >>> from_the_root("ROUT:OPEN:ALL"), from_the_root(":OUTP?"), from_the_root("*OPC?")
    (':ROUT:OPEN:ALL', ':OUTP?', '*OPC?')
    """
    return part if part.startswith("*") else f":{part.removeprefix(':')}"
