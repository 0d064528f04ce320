"""What an emulated Keithley 2450 stores for its user without any effect: one row a header.

Names are those of the Model 2450 reference manual, chapter 6, SCPI command reference.
"""

from dataclasses import replace

from ...scpi import kinds, sense, source
from ...scpi.kinds import ACTION, CONSTANT, FLAG, choice
from ...scpi.messages import Command
from ...scpi.stored import Row, commands
from .settings import plain
from .trigger_model import EVENT

PROTECTIONS = ("PROT2", "PROT5", *(f"PROT{volt}" for volt in (10, 20, 40, 60, 80, 100, 120, 140, 160, 180)), "NONE")
SCREENS = (
    "ACTive", "HOME", "HOME_LARGe_reading", "READing_table", "GRAPh", "HISTogram", "GRAPH_SWIPE", "SETTINGS_SWIPE",
    "SOURCE_SWIPE", "STATISTICS_SWIPE", "USER_SWIPE", "PLOT_SWIPE", "PROCessing", "QUICksetup", "CONFIGURE_SWIPE",
)  # fmt: skip
LIGHTS = ("ON100", "ON75", "ON50", "ON25", "OFF", "BLACkout")

SOURCING = tuple(
    row
    for name in source.NAMES.values()
    for row in (
        Row(f":SOURce#:{name}:HIGH:CAPacitance", FLAG),
        Row(f":SOURce#:{name}:PROTection[:LEVel]", choice(*PROTECTIONS), "NONE"),
        Row(f":SOURce#:{name}:PROTection[:LEVel]:TRIPped", CONSTANT, "0"),
    )
)
"""Part of a source configuration list."""
MEASURING = tuple(
    row
    for name in sense.NAMES.values()
    for row in (
        Row(f"[:SENSe#]:{name}:OCOMpensated", FLAG),
        Row(f":CALCulate2:{name}:LIMit{{1-2}}:AUDible", choice("FAIL", "PASS", "NONE"), "NONE"),
        Row(f":DISPlay:{name}:DIGits", kinds.integer(3, 6, 5)),
    )
)
"""Part of a measure configuration list."""
TRIGGER = (
    Row(":TRIGger:TIMer{1-4}:STARt:SEConds", kinds.number(0.0, 2147483647.0, 0.0, reply=plain)),
    Row(":TRIGger:TIMer{1-4}:STARt:FRACtional", kinds.number(0.0, 1.0, 0.0, reply=plain)),
)
OTHERS = (
    Row(":OUTPut#:INTerlock:STATe", FLAG),
    Row(":OUTPut#:INTerlock:TRIPped", CONSTANT, "0"),
    Row("[:SENSe#]:AZERo:ONCE", ACTION),
    Row(":TRIGger:PAUSe", ACTION),
    Row(":TRIGger:RESume", ACTION),
    Row(":TRIGger:CONTinuous", choice("AUTO", "OFF", "REStart"), kept=True),
    Row(":TRIGger:TIMer{1-4}:STARt:OVERrun", CONSTANT, "0"),
    Row(":TRIGger:DIGital{1-6}:IN:OVERrun", CONSTANT, "0"),
    Row(":TRIGger:DIGital{1-6}:IN:CLEar", ACTION),
    Row(":TRIGger:DIGital{1-6}:IN:EDGE", choice("FALLing", "RISing", "EITHer"), kept=True),
    Row(":TRIGger:DIGital{1-6}:OUT:LOGic", choice("POSitive", "NEGative"), "NEG", kept=True),
    Row(":TRIGger:DIGital{1-6}:OUT:STIMulus", EVENT, kept=True),
    Row(":TRIGger:DIGital{1-6}:OUT:PULSewidth", kinds.number(0.0, 1e5, reply=plain), 1e-5, kept=True),
    Row(
        ":DIGital:LINE{1-6}:MODE",
        kinds.choices("DIGital", "TRIGger", "SYNChronous", "IN", "OUT", "OPENdrain"),
        "DIG,IN",
    ),
    Row(":DIGital:LINE{1-6}:STATe", FLAG, True, kept=True),
    Row(":SYSTem:ACCess", choice("FULL", "EXCLusive", "PROTected", "LOCKout"), kept=True),
    Row(":SYSTem:POSetup", choice("RST", *(f"SAV{n}" for n in range(5))), kept=True),
    Row(":SYSTem:BEEPer[:IMMediate]", kinds.tone(20.0, 8000.0, 0.001, 100.0)),
    Row(":SYSTem:GPIB:ADDRess", kinds.integer(1, 30), 18, kept=True),
    Row(":DISPlay:CLEar", ACTION),
    Row(":DISPlay:LIGHt:STATe", choice(*LIGHTS), "ON50", kept=True),
    Row(":DISPlay:READing:FORMat", choice("EXPonent", "PREFix"), "PREF", kept=True),
    Row(":DISPlay:SCReen", choice(*SCREENS), "HOME", kept=True),
    Row(":DISPlay:USER{1-1}:TEXT[:DATA]", replace(kinds.text(20), answer=None), kept=True),
    Row(":DISPlay:USER{2-2}:TEXT[:DATA]", replace(kinds.text(32), answer=None), kept=True),
    Row(":DISPlay:BUFFer:ACTive", kinds.text(31), "defbuffer1", kept=True),
)

COMMANDS: tuple[Command, ...] = (
    *commands(SOURCING, lambda smu, _: smu.now.sourcing),
    *commands(MEASURING, lambda smu, _: smu.now.measuring),
    *commands(TRIGGER, lambda smu, _: smu.trigger_model),
    *commands(OTHERS),
)
