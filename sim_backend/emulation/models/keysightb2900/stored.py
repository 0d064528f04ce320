"""What an emulated Keysight B2900 stores for its user without any effect: one row a header.

Names are those of the B2900 SCPI command reference, edition 2.
"""

from ...scpi import kinds, sense
from ...scpi.kinds import ACTION, CONSTANT, FLAG, choice
from ...scpi.messages import Command
from ...scpi.settings import of_instrument
from ...scpi.stored import Row, commands
from .settings import number

_S, _WINDOW = "[:SOURce#]", ":DISPlay[:WINDow{1-2}]"

CHANNEL: tuple[Row, ...] = (
    Row(f"{_S}:SWEep:RANGing", choice("BEST", "AUTO", "FIXed")),
    *(
        row
        for name in (sense.NAMES["VOLT"], sense.NAMES["CURR"])
        for row in (
            Row(f":SENSe#:{name}:RANGe:AUTO:MODE", choice("NORMal", "RESolution", "SPEed")),
            Row(f":SENSe#:{name}:RANGe:AUTO:THReshold", number(11.0, 100.0, 90.0)),
        )
    ),
    Row(":OUTPut#:HCAPacitance[:STATe]", FLAG),
    Row(":OUTPut#:LOW", choice("FLOat", "GROund"), "GRO"),
    *(Row(f":CALCulate#:{node}:STATe", FLAG) for node in ("MATH", "CLIMits")),
    Row(":TRACe#:FEED:CONTrol", choice("NEVer", "NEXT")),
)
"""What each channel has of its own."""
INSTRUMENT: tuple[Row, ...] = (
    Row("*OPT", CONSTANT, "0"),
    Row(":SYSTem:BEEPer[:IMMediate]", kinds.tone(55.0, 6640.0, 0.05, 12.75)),
    Row(":SYSTem:BEEPer:STATe", FLAG, True, kept=True),
    Row(":SYSTem:INTerlock:TRIPped", CONSTANT, "0"),
    Row(":SYSTem:LOCal", ACTION),
    Row(":SYSTem:REMote", ACTION),
    Row(":SYSTem:RWLock", ACTION),
    Row(":DISPlay:ENABle", FLAG, True, kept=True),
    Row(":DISPlay:DIGits", kinds.integer(4, 7, 6), kept=True),
    Row(f"{_WINDOW}:TEXT:DATA", kinds.text(32), kept=True),
    Row(f"{_WINDOW}:TEXT:STATe", FLAG, kept=True),
)

COMMANDS: tuple[Command, ...] = (*commands(CHANNEL), *commands(INSTRUMENT, of_instrument))
