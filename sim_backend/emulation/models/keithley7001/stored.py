"""What an emulated Keithley 7001 stores without any effect on anything else: cards, lines and panel."""

from ...scpi import stored
from ...scpi.kinds import CONSTANT, FLAG, integer, text
from ...scpi.stored import Row

ROWS = (
    Row("[:ROUTe]:CONFigure:SLOT#:POLE", integer(1, 4), 2, kept=True),
    Row(":DISPlay[:WINDow1]:TEXT[:DATA]", text(20), kept=True),
    Row(":DISPlay[:WINDow1]:TEXT:STATe", FLAG, kept=True),
    Row(":DISPlay:ENABle", FLAG, True, kept=True),
    Row(":OUTPut:TTL{1-4}[:STATe]", FLAG, kept=True),
    Row(":SENSe:TTL:DATA", CONSTANT, "0"),
    Row("*OPT", CONSTANT, "0"),
)
COMMANDS = stored.commands(ROWS)
