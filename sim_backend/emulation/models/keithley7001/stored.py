"""What an emulated Keithley 7001 stores without any effect on anything else: cards, lines and panel."""

import re

from ...scpi import stored
from ...scpi.kinds import CONSTANT, FLAG, Kind, integer, text
from ...scpi.status import ScpiError
from ...scpi.stored import Row


def _read_card(texts: list[str], _: bool) -> str:
    name = texts[0].upper()
    if not re.fullmatch("C[0-9]{4}|NONE", name):
        raise ScpiError(-141)
    return name


ROWS = (
    Row("[:ROUTe]:CONFigure:SLOT#:CTYPe", Kind(_read_card), "C7012", kept=True),
    Row("[:ROUTe]:CONFigure:BBMake", FLAG, True),
    Row("[:ROUTe]:CONFigure:SLOT#:POLE", integer(1, 4), 2, kept=True),
    Row(":DISPlay[:WINDow1]:TEXT[:DATA]", text(20), kept=True),
    Row(":DISPlay[:WINDow1]:TEXT:STATe", FLAG, kept=True),
    Row(":DISPlay:ENABle", FLAG, True, kept=True),
    Row(":OUTPut:TTL{1-4}[:STATe]", FLAG, kept=True),
    Row(":SENSe:TTL:DATA", CONSTANT, "0"),
    Row("*OPT", CONSTANT, "0"),
)
COMMANDS = stored.commands(ROWS)
