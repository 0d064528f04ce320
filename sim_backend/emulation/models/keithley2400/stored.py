"""What an emulated Keithley 2400 stores without any effect on anything else.

Page numbers are of the Keithley 2400 Series user's manual. It stands for wires, lines, a panel and a contact check that
are not there.
"""

from ...scpi import stored, values
from ...scpi.kinds import ACTION, CONSTANT, FLAG, Kind, choice, choices, integer, number, text
from ...scpi.status import ScpiError
from ...scpi.stored import Row

LONGEST_S = 9999.999
_TRIG, _ARM = ":TRIGger[:SEQuence#]", ":ARM[:SEQuence#][:LAYer#]"
_LINE = "[:TCONfigure][:ASYNchronous]"
_EVENTS = ("SOURce", "DELay", "SENSe", "NONE")


def _read_list(texts: list[str], _: bool) -> str:
    if not texts[0].startswith("("):
        raise ScpiError(-104)
    return texts[0]


ROWS = (
    Row(":SOURce#:VOLTage:PROTection[:LEVel]", number(20.0, 500.0, 210.0)),
    Row(":SOURce#:VOLTage:PROTection:TRIPped", CONSTANT, "0"),
    *(
        row
        for name in ("VOLTage", "CURRent")
        for row in (
            Row(f":SOURce#:{name}[:LEVel]:TRIGgered:SFACtor", number(-999.9999, 999.9999, 1.0)),
            Row(f":SOURce#:{name}[:LEVel]:TRIGgered:SFACtor:STATe", FLAG),
        )
    ),
    Row(":SOURce#:SOAK", number(0.0, LONGEST_S, 0.0)),
    Row(":SOURce2:TTL[:LEVel][:DEFault]", integer(0, 15), 15, kept=True),
    Row(":OUTPut#:ENABle[:STATe]", FLAG),
    Row(":OUTPut#:ENABle:TRIPped", CONSTANT, "0"),
    Row("[:SENSe#]:CURRent[:DC]:RANGe:HOLDoff", FLAG),
    Row("[:SENSe#]:CURRent[:DC]:RANGe:HOLDoff:DELay", number(0.0, 999.9999, 0.0)),
    Row(":TRIGger:CLEar", ACTION),
    Row(_TRIG + "[:TCONfigure]:DIRection", choice("SOURce", "ACCeptor"), "ACC"),
    Row(_TRIG + _LINE + ":INPut", choices(*_EVENTS), "NONE"),
    Row(_TRIG + _LINE + ":OUTPut", choices(*_EVENTS), "NONE"),
    Row(_TRIG + _LINE + ":ILINe", integer(1, 4, 1)),
    Row(_TRIG + _LINE + ":OLINe", integer(1, 4, 2)),
    Row(":TRIGger:SEQuence2:SOURce", choice("CCHeck", "IMMediate"), "IMM"),
    Row(":TRIGger:SEQuence2:TOUT", number(0.0, 999.99, 0.0)),
    Row(_ARM + "[:TCONfigure]:DIRection", choice("SOURce", "ACCeptor"), "ACC"),
    Row(_ARM + _LINE + ":OUTPut", choices("TENTer", "TEXit", "NONE"), "NONE"),
    Row(_ARM + _LINE + ":ILINe", integer(1, 4, 1)),
    Row(_ARM + _LINE + ":OLINe", integer(1, 4, 2)),
    Row(":STATus:QUEue:ENABle", Kind(_read_list), "(-440:+958)", kept=True),
    Row(":STATus:QUEue:DISable", Kind(_read_list), "()", kept=True),
    Row(":SYSTem:POSetup", choice("RST", "PRESet", *(f"SAV{n}" for n in range(5))), kept=True),
    Row(":SYSTem:BEEPer[:IMMediate]", Kind(lambda texts, _: [values.number(each) for each in texts], None, most=2)),
    Row(":SYSTem:BEEPer:STATe", FLAG, True, kept=True),
    Row(":SYSTem:KCLick", FLAG, True, kept=True),
    Row(":SYSTem:CCHeck", FLAG),
    Row(":SYSTem:CCHeck:RESistance", number(2.0, 50.0, 50.0)),
    Row(":SYSTem:AZERo:CACHing[:STATe]", FLAG, True, kept=True),
    Row(":SYSTem:AZERo:CACHing:REFResh", ACTION),
    Row(":SYSTem:AZERo:CACHing:RESet", ACTION),
    Row(":SYSTem:LOCal", ACTION),
    Row(":SYSTem:REMote", ACTION),
    Row(":SYSTem:RWLock", FLAG, kept=True),
    Row(":SYSTem:RCMode", choice("SINGle", "MULTiple"), kept=True),
    Row(":SYSTem:MEP[:STATe]", CONSTANT, "1"),
    Row(":SYSTem:MEP:HOLDoff", FLAG, kept=True),
    Row("*OPT", CONSTANT, "0"),
    Row(":DISPlay:ENABle", FLAG, True, kept=True),
    Row(":DISPlay:DIGits", integer(4, 7, 6), kept=True),
    Row(":DISPlay:CNDisplay", ACTION),
    Row(":DISPlay[:WINDow#]:TEXT[:DATA]", text(20), kept=True),
    Row(":DISPlay[:WINDow#]:TEXT:STATe", FLAG, kept=True),
    Row(":DISPlay:WINDow2:TEXT[:DATA]", text(32), kept=True),
    Row(":DISPlay:WINDow2:TEXT:STATe", FLAG, kept=True),
)
COMMANDS = stored.commands(ROWS)
