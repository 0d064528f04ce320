"""What an emulated Keysight B2900 stores for its user without any effect: one row a header.

Names are those of the B2900 SCPI command reference, edition 2.
"""

from ...scpi import kinds, sense, values
from ...scpi.kinds import ACTION, CONSTANT, FLAG, Kind, choice
from ...scpi.messages import Command
from ...scpi.settings import of_instrument
from ...scpi.stored import Row, commands
from .trigger import SIGNALS

_TRIPLE = Kind(lambda texts, _: ",".join(f"{values.integer(text, 0, 9999):+d}" for text in texts), least=3, most=3)
"""Date or time, which the clock of the bench does not follow."""
_CHANNELS = Kind(lambda texts, _: (values.channel_items(texts[0]), texts[0])[1])
_S, _WINDOW = "[:SOURce#]", ":DISPlay[:WINDow{1-2}]"

CHANNEL: tuple[Row, ...] = (
    Row(f"{_S}:FUNCtion:TRIGgered:CONTinuous", FLAG),
    Row(f"{_S}:SWEep:RANGing", choice("BEST", "AUTO", "FIXed")),
    *(
        row
        for name in (sense.NAMES["VOLT"], sense.NAMES["CURR"])
        for row in (
            Row(f":SENSe#:{name}:RANGe:AUTO:MODE", choice("NORMal", "RESolution", "SPEed")),
            Row(f":SENSe#:{name}:RANGe:AUTO:THReshold", kinds.number(11.0, 100.0, 90.0)),
        )
    ),
    Row(":SENSe#:REMote", FLAG),
    *(
        row
        for header in (_S, ":SENSe#")
        for row in (
            Row(f"{header}:WAIT[:STATe]", FLAG, True),
            Row(f"{header}:WAIT:AUTO", FLAG, True),
            Row(f"{header}:WAIT:GAIN", kinds.number(0.0, 100.0, 1.0)),
            Row(f"{header}:WAIT:OFFSet", kinds.number(0.0, 1.0, 0.0, "S")),
            Row(f"{header}:TOUTput[:STATe]", FLAG, kept=True),
            Row(f"{header}:TOUTput:SIGNal", kinds.choices(*SIGNALS), "EXT1", kept=True),
        )
    ),
    Row(":CALCulate#:CLIMits:STATe", FLAG),
    Row(":OUTPut#:FILTer[:LPASs][:STATe]", FLAG, True),
    Row(":OUTPut#:FILTer[:LPASs]:AUTO", FLAG),
    Row(":OUTPut#:HCAPacitance[:STATe]", FLAG),
    Row(":OUTPut#:LOW", choice("FLOat", "GROund"), "GRO"),
)
"""What each channel has of its own."""
INSTRUMENT: tuple[Row, ...] = (
    Row(":ARM#:LXI:LAN:DISable:ALL", ACTION),
    Row(":TRIGger#:LXI:LAN:DISable:ALL", ACTION),
    Row(
        "[:SOURce]:DIGital:EXTernal{1-14}:FUNCtion",
        choice("DIO", "DINPut", "TOUT", "TINPut", "HVOL", "BUSY", "EOT", "SOT"),
        kept=True,
    ),
    Row("[:SOURce]:DIGital:DATA", kinds.integer(0, 16383), 0, kept=True),
    Row("*OPT", CONSTANT, "0"),
    Row("*CAL", CONSTANT, "0"),
    Row(":SYSTem:BEEPer[:IMMediate]", kinds.tone(55.0, 6640.0, 0.05, 12.75)),
    Row(":SYSTem:BEEPer:STATe", FLAG, True, kept=True),
    Row(":SYSTem:DATE", _TRIPLE, "+2000,+1,+1", kept=True),
    Row(":SYSTem:TIME", _TRIPLE, "+0,+0,+0", kept=True),
    Row(":SYSTem:TIME:TIMer:COUNt:RESet:AUTO", FLAG, True, kept=True),
    Row(":SYSTem:GROup[:DEFinition]", _CHANNELS, "(@1)", kept=True),
    Row(":SYSTem:GROup:RESet", ACTION),
    Row(":SYSTem:INTerlock:TRIPped", CONSTANT, "0"),
    Row(":SYSTem:LANGuage", choice("DEFault", "2400"), kept=True),
    Row(":SYSTem:PON", choice("RST", *(f"RCL{n}" for n in range(5))), kept=True),
    Row(":SYSTem:LOCal", ACTION),
    Row(":SYSTem:REMote", ACTION),
    Row(":SYSTem:RWLock", ACTION),
    Row(":SYSTem:LOCK:REQuest", CONSTANT, "1"),
    Row(":SYSTem:LOCK:RELease", ACTION),
    Row(":SYSTem:LOCK:NAME", CONSTANT, '""'),
    Row(":SYSTem:LOCK:OWNer", CONSTANT, '"NONE"'),
    Row(":DISPlay:ENABle", FLAG, True, kept=True),
    Row(":DISPlay:DIGits", kinds.integer(4, 7, 6), kept=True),
    Row(":DISPlay:VIEW", choice("SINGle1", "SINGle2", "DUAL", "GRAPh", "ROLL"), kept=True),
    Row(":DISPlay:ZOOM", FLAG, kept=True),
    Row(":DISPlay:CSET", kinds.integer(1, 2, 1), kept=True),
    Row(f"{_WINDOW}:TEXT:DATA", kinds.text(32), kept=True),
    Row(f"{_WINDOW}:TEXT:STATe", FLAG, kept=True),
)

COMMANDS: tuple[Command, ...] = (*commands(CHANNEL), *commands(INSTRUMENT, of_instrument))
