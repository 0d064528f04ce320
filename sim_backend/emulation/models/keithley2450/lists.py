"""Configuration lists of an emulated Keithley 2450: named lists of whole source or measure settings."""

import copy
from typing import TYPE_CHECKING, Any

from ...scpi import values
from ...scpi.messages import Call, Command
from ...scpi.status import ScpiError

if TYPE_CHECKING:
    from .model import EmulatedKeithley2450

MOST_ENTRIES = 300_000


def commands(header: str, lists: str, now: str) -> tuple[Command, ...]:
    """Declare the commands of the source lists, or of the measure lists.

    Parameters
    ----------
    header : str
        How headers begin, such as ``:SOURce#``.
    lists : str
        Attribute of the instrument that holds the lists by name.
    now : str
        Attribute of its settings that an entry keeps.
    """

    def named(smu: "EmulatedKeithley2450", text: str) -> list[Any]:
        found: list[Any] | None = getattr(smu, lists).get(values.string(text))
        if found is None:
            raise ScpiError(-224)
        return found

    def create(smu: "EmulatedKeithley2450", call: Call) -> None:
        getattr(smu, lists)[values.string(call.expect(1)[0])] = []

    def store(smu: "EmulatedKeithley2450", call: Call) -> None:
        arguments = call.expect(1, 2)
        entries, entry = named(smu, arguments[0]), copy.deepcopy(getattr(smu.now, now))
        if len(entries) >= MOST_ENTRIES:
            raise ScpiError(-223)
        if len(arguments) == 1:
            entries.append(entry)
            return
        index = values.integer(arguments[1], 1, len(entries) + 1)
        entries[index - 1 : index] = [entry]

    def recall(smu: "EmulatedKeithley2450", call: Call) -> None:
        """Bring an entry back; a second list and its index may be of the other kind."""
        arguments = call.expect(1, 4)
        for place in range(0, len(arguments), 2):
            index = values.integer(arguments[place + 1], 1, MOST_ENTRIES) if len(arguments) > place + 1 else 1
            smu.recall(values.string(arguments[place]), index)

    def delete(smu: "EmulatedKeithley2450", call: Call) -> None:
        arguments = call.expect(1, 2)
        entries = named(smu, arguments[0])
        if len(arguments) == 1:
            del getattr(smu, lists)[values.string(arguments[0])]
            return
        del entries[values.integer(arguments[1], 1, len(entries)) - 1]

    def size(smu: "EmulatedKeithley2450", call: Call) -> str:
        return str(len(named(smu, call.expect(1)[0])))

    def catalog(smu: "EmulatedKeithley2450", call: Call) -> str:
        """Answer one name after the other, and an empty one after the last."""
        call.expect(0)
        names = sorted(getattr(smu, lists))
        asked: dict[str, int] = smu.panel.catalogs
        place = asked.get(lists, 0)
        asked[lists] = place + 1 if place < len(names) else 0
        return names[place] if place < len(names) else ""

    def inside(smu: "EmulatedKeithley2450", call: Call) -> str:
        arguments = call.expect(1, 2)
        entries = named(smu, arguments[0])
        index = values.integer(arguments[1], 1, len(entries)) if len(arguments) > 1 else 1
        if not entries:
            raise ScpiError(-222)
        return values.quoted(str(entries[index - 1]))

    pattern = f"{header}:CONFiguration:LIST"
    return (
        Command(f"{pattern}:CREate", create),
        Command(f"{pattern}:STORe", store),
        Command(f"{pattern}:RECall", recall),
        Command(f"{pattern}:SIZE", query=size),
        Command(f"{pattern}:DELete", delete),
        Command(f"{pattern}:CATalog", query=catalog),
        Command(f"{pattern}:QUERy", query=inside),
    )
