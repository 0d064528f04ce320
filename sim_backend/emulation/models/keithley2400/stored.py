"""What an emulated Keithley 2400 stores without any effect on anything else.

It stands for wires, lines and a panel that are not there.
"""

from ...scpi import stored, values
from ...scpi.kinds import ACTION, CONSTANT, FLAG, Kind, choice, choices, integer, number, text
from ...scpi.messages import Command
from ...scpi.stored import Row
from .limits import Limits

_TRIG, _ARM = ":TRIGger[:SEQuence#]", ":ARM[:SEQuence#][:LAYer#]"
_LINE = "[:TCONfigure][:ASYNchronous]"
_EVENTS = ("SOURce", "DELay", "SENSe", "NONE")
POWER_ON = ("RST", "PRESet", "SAV0", "SAV1", "SAV2", "SAV3", "SAV4")
DIGITAL = ":SOURce2"


ROWS = (
    Row(":SOURce#:SOAK", number(0.0, 9999.999, 0.0)),
    Row("[:SENSe#]:CURRent[:DC]:RANGe:HOLDoff", FLAG),
    Row("[:SENSe#]:CURRent[:DC]:RANGe:HOLDoff:DELay", number(0.0, 999.9999, 0.0)),
    Row(":CALCulate#:STATe", FLAG),
    Row(":CALCulate#:MATH:UNITs", text(3)),
    Row(":CALCulate2:FEED", choice("VOLTage", "CURRent", "RESistance", "CALCulate")),
    Row(":CALCulate2:NULL:OFFSet", number(-9.999999e20, 9.999999e20, 0.0)),
    Row(":CALCulate2:NULL:STATe", FLAG),
    Row(":CALCulate2:NULL:ACQuire", ACTION),
    Row(":CALCulate2:LIMit{1-1}:STATe", FLAG),
    Row(":CALCulate2:LIMit{1-1}:COMPliance:FAIL", choice("IN", "OUT")),
    Row(":CALCulate2:LIMit{2-12}:STATe", FLAG),
    Row(":CALCulate2:LIMit{2-12}:UPPer[:DATA]", number(-9.999999e20, 9.999999e20, 1.0)),
    Row(":CALCulate2:LIMit{2-12}:LOWer[:DATA]", number(-9.999999e20, 9.999999e20, -1.0)),
    Row(":CALCulate2:CLIMits:CLEar:AUTO", FLAG, True),
    Row(":CALCulate2:CLIMits:MODE", choice("GRADing", "SORTing")),
    Row(":SOURce#:VOLTage:PROTection:TRIPped", CONSTANT, "0"),
    Row(":SOURce2:TTL[:LEVel][:DEFault]", integer(0, 15), 15),
    Row(":OUTPut#:ENABle[:STATe]", FLAG),
    Row(":OUTPut#:ENABle:TRIPped", CONSTANT, "0"),
    Row(":TRIGger:CLEar", ACTION),
    Row(_TRIG + _LINE + ":INPut", choices(*_EVENTS), "NONE"),
    Row(_TRIG + _LINE + ":OUTPut", choices(*_EVENTS), "NONE"),
    Row(_TRIG + _LINE + ":ILINe", integer(1, 4, 1)),
    Row(_TRIG + _LINE + ":OLINe", integer(1, 4, 2)),
    Row(_TRIG + "[:TCONfigure]:DIRection", choice("ACCeptor", "SOURce")),
    Row(_ARM + "[:TCONfigure]:DIRection", choice("ACCeptor", "SOURce")),
    Row(_ARM + _LINE + ":OUTPut", choices("TENTer", "TEXit", "NONE"), "NONE"),
    Row(_ARM + _LINE + ":ILINe", integer(1, 4, 1)),
    Row(_ARM + _LINE + ":OLINe", integer(1, 4, 2)),
    Row(":SYSTem:BEEPer[:IMMediate]", Kind(lambda texts, _: [values.number(each) for each in texts], None, most=2)),
    Row(":SYSTem:BEEPer:STATe", FLAG, True),
    Row(":SYSTem:KCLick", FLAG, True, kept=True),
    Row(":SYSTem:AZERo:CACHing[:STATe]", FLAG),
    Row(":SYSTem:POSetup", choice(*POWER_ON), kept=True),
    Row(":SYSTem:LOCal", ACTION),
    Row(":SYSTem:REMote", ACTION),
    Row(":SYSTem:RWLock", FLAG, kept=True),
    Row(":SYSTem:RCMode", choice("SINGle", "MULTiple")),
    Row("*OPT", CONSTANT, "0"),
    Row(":DISPlay:ENABle", FLAG, True, kept=True),
    Row(":DISPlay:DIGits", integer(4, 7, 6)),
    Row(":DISPlay[:WINDow#]:TEXT[:DATA]", text(20), kept=True),
    Row(":DISPlay[:WINDow#]:TEXT:STATe", FLAG, kept=True),
    Row(":DISPlay:WINDow2:TEXT[:DATA]", text(32), kept=True),
    Row(":DISPlay:WINDow2:TEXT:STATe", FLAG, kept=True),
)


def commands_of(limits: Limits) -> tuple[Command, ...]:
    """Return the commands of a model, which may have no digital lines (page 18-98)."""
    return stored.commands(row for row in ROWS if limits.digital or not row.pattern.startswith(DIGITAL))
