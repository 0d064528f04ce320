"""One SMU of a Keithley 2600 series box as a PyMeasure channel: a property for every setting of its table.

Numbers are sent with ``%.9e``: ``%f`` keeps six decimals and would send a limit of 100 nA as 0.000000.
"""

from typing import Any

from pymeasure.instruments import Channel
from pymeasure.instruments.validators import strict_discrete_set, strict_range

from ..settings.keithley2600 import settings_of
from ..settings.limits2600 import LIMITS, Limits
from ..settings.setting import Number, Setting, SettingTable, Switch, Words
from ..transport.members import KnownMembers

OF_A_CHANNEL = "smu{n}."


class Keithley2600Channel(KnownMembers, Channel):
    """An SMU, ``smua`` or ``smub``; the bounds of its properties are those of the model of its box.

    Parameters
    ----------
    parent, id
        The box, which has `limits`, and the letter of the SMU.
    """

    limits: Limits
    __getattribute__ = object.__getattribute__  # as of BenchInstrument

    def __init__(self, parent: Any, id: str) -> None:  # noqa: A002 - PyMeasure calls it that
        super().__init__(parent, id)
        self.limits = parent.limits
        for each in settings_of(self.limits).values():
            if isinstance(each.kind, Number) and each.command.startswith(OF_A_CHANNEL):
                setattr(self, f"{each.name}_values", (each.kind.least, each.kind.most))

    compliance_tripped = Channel.measurement(
        "print(smu{ch}.source.compliance)",
        """Get whether the source is at its limit (bool).""",
        cast=str,
        values={True: "true", False: "false"},
        map_values=True,
    )
    current = Channel.measurement(
        "print(smu{ch}.measure.i())", """Measure the current in amperes (float); 9.91e37 means overrange."""
    )
    voltage = Channel.measurement(
        "print(smu{ch}.measure.v())", """Measure the voltage in volts (float); 9.91e37 means overrange."""
    )


def _property_of(setting: Setting) -> Any:
    """Return a setting of a channel as a property."""
    path = setting.command.replace("{n}", "{ch}")
    if isinstance(setting.kind, Number):
        values: Any = (setting.kind.least, setting.kind.most)
    else:
        words = setting.kind.words if isinstance(setting.kind, Words) else (False, True)
        values = {word: number for number, word in enumerate(words)}
    number = isinstance(setting.kind, Number)
    return Channel.control(
        f"print({path})",
        f"{path}=%.9e" if number and not setting.kind.whole else f"{path}=%d",  # type: ignore[union-attr]
        f"Control {setting.does}.",
        validator=strict_range if number else strict_discrete_set,
        values=values,
        map_values=not number,
        dynamic=number,
        check_set_errors=True,
    )


def _give_properties(table: SettingTable) -> None:
    for each in table.values():
        if each.command.startswith(OF_A_CHANNEL) and isinstance(each.kind, Number | Switch | Words):
            made = _property_of(each)
            setattr(Keithley2600Channel, each.name, made)
            made.__set_name__(Keithley2600Channel, each.name)  # as a class does for what stands in its body


_give_properties(settings_of(LIMITS["2636B"]))  # the model with the most of them
