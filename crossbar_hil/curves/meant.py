"""What is asked about a column whose name says that it holds no conductance, resistance or current of the cell."""

import re

from .files.names import Name
from .files.questions import Asker, CurveUnclear

_IN_PART = {
    "share": "holds shares or an arbitrary unit, and a curve is in siemens",
    "density": "is per length or area, and a curve is that of the whole cell",
}
_EXAMPLE = {"conductance": "100 uS", "resistance": "10 kohm", "current": "10 uA"}


def otherwise_question(name: Name, called: str, place: int, ask: Asker) -> CurveUnclear:
    """Return the sentence, to be raised, about a column at a place from 0 and called so, that `meant_otherwise`."""
    column = (str(place + 1),)
    density = re.search(r"A\s*[/·\s]|ohm|Ω", name.text) if name.meant == "density" else None
    of_density = "conductance" if density is None else "current" if density[0][0] == "A" else "resistance"
    quantity = name.quantity if name.quantity in _EXAMPLE else of_density
    voltage = {"voltage": ask.options.voltage or 0.1} if quantity == "current" else {}
    one = _EXAMPLE[quantity]
    scaled = f"{ask.command(column=column, unit=one, **voltage)} if 1 of it is {one}"
    if name.meant == "quanta":
        return ask.question(
            f"column {called} may hold conductance quanta or shares of the first conductance; say which by "
            f"{ask.command(column=column, unit='G0')} if it is quanta, or by {scaled}"
        )
    if name.meant in _IN_PART:
        return ask.question(f"column {called} {_IN_PART[name.meant]}; say what 1 of it is in this cell, as by {scaled}")
    if name.meant == "logarithm":
        return ask.question(
            f"column {called} holds logarithms, and a curve needs the numbers themselves: raise 10 (or e) to them and "
            "write them into a column with a unit"
        )
    what, instead = {
        "change": ("changes", "add what they are counted from, and write the sums into a column with a unit"),
        "error": ("the uncertainty of another", "write the conductances beside it"),
    }[name.meant or "error"]
    unit = "uS" if name.unit is None or name.unit.quantity != quantity else name.unit.text
    return ask.question(
        f"column {called} holds {what} by its name, and a curve needs the conductances themselves: {instead}; if they "
        f"are conductances all the same, say so by {ask.command(column=column, unit=unit, **voltage)}"
    )
