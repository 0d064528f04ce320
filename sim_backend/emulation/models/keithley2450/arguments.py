"""Arguments that several trigger commands of an emulated Keithley 2450 take."""

from ...scpi import values
from ...scpi.kinds import Kind
from ...scpi.status import ScpiError

LONGEST_S = 1e4
MOST_COUNT = 268_435_455
EVENTS = ("NONE", "COMMand", "DISPlay", "ATRigger", "EXTernal", "SLIMit")
NUMBERED_EVENTS = ("NOTify", "DIGio", "TSPLink", "LAN", "BLENder", "TIMer")
QUOTES = ('"', "'")
MOST_OF_A_KIND = 14
"""Largest number of an event, which is that of a digital or LAN line."""


def event(text: str) -> str:
    """Return the short name of an event, with its number if it has one."""
    name = text.rstrip("0123456789")
    number = text[len(name) :]
    if number:
        if len(number) > 2 or not 1 <= int(number) <= MOST_OF_A_KIND:
            raise ScpiError(-222)
        return values.choice(name, NUMBERED_EVENTS) + str(int(number))
    return values.choice(name, EVENTS)


EVENT = Kind(lambda texts, _: event(texts[0]), default="NONE")
