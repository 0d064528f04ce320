"""The trigger models that ``:TRIGger:LOAD`` of an emulated Keithley 2450 makes, by name and arguments.

Names and arguments are those of the Model 2450 reference manual, chapter 6.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from ...scpi import values
from ...scpi.messages import Call
from ...scpi.status import ScpiError
from . import models
from .arguments import MOST_COUNT, buffer_name, event, seconds

if TYPE_CHECKING:
    from .model import EmulatedKeithley2450


def _simple_loop(smu: "EmulatedKeithley2450", rest: list[str]) -> models.Blocks:
    return models.simple_loop(values.integer(rest[0], 1, MOST_COUNT), seconds(rest, 1), buffer_name(smu, rest[2:]))


def _duration_loop(smu: "EmulatedKeithley2450", rest: list[str]) -> models.Blocks:
    duration_s = values.bounded(rest[0], 5e-7, 1e5)
    return models.duration_loop(duration_s, seconds(rest, 1), buffer_name(smu, rest[2:]))


def _config_list(smu: "EmulatedKeithley2450", rest: list[str]) -> models.Blocks:
    names = tuple(name for name in map(values.string, rest[:2]) if name)
    lists = [smu.source_lists.get(name, smu.sense_lists.get(name)) for name in names]
    if not names or any(not each for each in lists):
        raise ScpiError(-224)
    count = max(len(each) for each in lists if each)
    return models.config_list(names, count, seconds(rest, 2), buffer_name(smu, rest[3:]))


def _loop_until_event(smu: "EmulatedKeithley2450", rest: list[str]) -> models.Blocks:
    forget = len(rest) > 2 and values.choice(rest[2], ("ENTer", "NEVer")) == "ENT"
    return models.loop_until_event(event(rest[0]), forget, seconds(rest, 3), buffer_name(smu, rest[4:]))


def _logic_trigger(smu: "EmulatedKeithley2450", rest: list[str]) -> models.Blocks:
    in_line, _, count = (
        values.integer(text, 1, MOST_COUNT if place == 2 else 6) for place, text in enumerate(rest[:3])
    )
    return models.logic_trigger(in_line, count, seconds(rest, 4), buffer_name(smu, rest[5:]))


LOADED: dict[str, tuple[int, Callable[["EmulatedKeithley2450", list[str]], models.Blocks]]] = {
    "EMPTY": (0, lambda *_: {}),
    "SIMPLELOOP": (1, _simple_loop),
    "DURATIONLOOP": (1, _duration_loop),
    "CONFIGLIST": (1, _config_list),
    "LOOPUNTILEVENT": (1, _loop_until_event),
    "LOGICTRIGGER": (3, _logic_trigger),
}
"""Models by name, with how many arguments each needs; those for binning by digital lines are not emulated."""


def load(smu: "EmulatedKeithley2450", call: Call) -> None:
    """Act on ``:TRIGger:LOAD``."""
    arguments = call.expect(1, 8)
    name, rest = values.string(arguments[0]).upper(), arguments[1:]
    least, make = LOADED.get(name, (0, None))
    if make is None:
        raise ScpiError(-224)
    if len(rest) < least:
        raise ScpiError(-109)
    smu.trigger_model.load(make(smu, rest))
