"""What an emulated Keysight 34980A stores without any effect on anything else: clock, panel, and options not fitted."""

from ...scpi import stored, values
from ...scpi.kinds import ACTION, CONSTANT, FLAG, Kind, text
from ...scpi.stored import Row


def _three_numbers(*forms: str) -> Kind:
    """Return a date or a time, three numbers that are each written in a form."""

    def read(texts: list[str], _: bool) -> str:
        return ",".join(format(values.number(each), form) for each, form in zip(texts, forms, strict=True))

    return Kind(read, least=3, most=3, samples=("1,2,3",))


ROWS = (
    Row(":SYSTem:ABUS:INTerlock:SIMulate", FLAG, kept=True),
    Row(":SYSTem:DATE", _three_numbers("+.0f", "+03.0f", "+03.0f"), "+2000,+01,+01", kept=True),
    Row(":SYSTem:TIME", _three_numbers("02.0f", "02.0f", "06.3f"), "00,00,00.000", kept=True),
    *(Row(f":SYSTem:{node}", ACTION) for node in ("LOCal", "REMote", "RWLock")),
    Row(":SYSTem:BEEPer:STATe", FLAG, True, kept=True),
    Row(":SYSTem:BEEPer[:IMMediate]", ACTION),
    Row(":DISPlay", FLAG, True, kept=True),
    Row(":DISPlay:TEXT", text(18), kept=True),
    Row(":INSTrument:DMM:INSTalled", CONSTANT, "0"),
    Row(":INSTrument:DMM[:STATe]", CONSTANT, "0"),
    Row("*TST", CONSTANT, "+0"),
    Row("*PSC", FLAG, True, kept=True),
)
COMMANDS = stored.commands(ROWS)
