"""What an emulated Keithley 2450 stores for its user without any effect: one row a header.

Names are those of the Model 2450 reference manual, chapter 6, SCPI command reference.
"""

from dataclasses import replace

from ...scpi import kinds, sense, source
from ...scpi.kinds import ACTION, CONSTANT, FLAG, choice
from ...scpi.messages import Command
from ...scpi.stored import Row, commands
from .settings import plain

LIGHTS = ("ON100", "ON75", "ON50", "ON25", "OFF", "BLACkout")
DELAY = kinds.number(0.0, 1e4, reply=plain)

SOURCING = tuple(
    row
    for name in source.NAMES.values()
    for row in (
        Row(f":SOURce#:{name}:HIGH:CAPacitance", FLAG),
        Row(f":SOURce#:{name}:DELay:USER{{1-5}}", DELAY, 0.0),
    )
)
"""Part of what is sourced; nothing waits for a user delay."""
MEASURING = tuple(
    row
    for name in sense.NAMES.values()
    for row in (
        Row(f"[:SENSe#]:{name}:OCOMpensated", FLAG),
        Row(f":DISPlay:{name}:DIGits", kinds.integer(3, 6, 5)),
        Row(f"[:SENSe#]:{name}:DELay:USER{{1-5}}", DELAY, 0.0),
    )
)
"""Part of how it is measured."""
OTHERS = (
    Row(":OUTPut#:INTerlock:STATe", FLAG),
    Row(":OUTPut#:INTerlock:TRIPped", CONSTANT, "0"),
    Row("[:SENSe#]:AZERo:ONCE", ACTION),
    Row(":SYSTem:BEEPer[:IMMediate]", kinds.tone(20.0, 8000.0, 0.001, 100.0)),
    Row(":DISPlay:CLEar", ACTION),
    Row(":DISPlay:LIGHt:STATe", choice(*LIGHTS), "ON50", kept=True),
    Row(":DISPlay:USER{1-1}:TEXT[:DATA]", replace(kinds.text(20), answer=None), kept=True),
    Row(":DISPlay:USER{2-2}:TEXT[:DATA]", replace(kinds.text(32), answer=None), kept=True),
)

COMMANDS: tuple[Command, ...] = (
    *commands(SOURCING, lambda smu, _: smu.now.sourcing),
    *commands(MEASURING, lambda smu, _: smu.now.measuring),
    *commands(OTHERS),
)
