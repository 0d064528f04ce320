"""Configuration lists of an emulated Keithley 2450: named lists of whole source or measure settings."""

import copy
from typing import Any

from ...scpi import values
from ...scpi.messages import Call, Command
from ...scpi.status import ScpiError
from .state import Keithley2450State

MOST_ENTRIES = 300_000


def _commands(header: str, lists: str, now: str) -> tuple[Command, ...]:
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

    def entries(smu: Keithley2450State, text: str) -> list[Any]:
        found: list[Any] | None = getattr(smu, lists).get(values.string(text))
        if found is None:
            raise ScpiError(-224)
        return found

    def create(smu: Keithley2450State, call: Call) -> None:
        getattr(smu, lists)[values.string(call.expect(1)[0])] = []

    def store(smu: Keithley2450State, call: Call) -> None:
        arguments = call.expect(1, 2)
        present, entry = entries(smu, arguments[0]), copy.deepcopy(getattr(smu.now, now))
        if len(present) >= MOST_ENTRIES:
            raise ScpiError(-223)
        index = values.integer(arguments[1], 1, len(present) + 1) if len(arguments) > 1 else len(present) + 1
        present[index - 1 : index] = [entry]

    def recall(smu: Keithley2450State, call: Call) -> None:
        """Bring an entry back; a second list and its index may be of the other kind."""
        arguments = call.expect(1, 4)
        for place in range(0, len(arguments), 2):
            index = values.integer(arguments[place + 1], 1, MOST_ENTRIES) if len(arguments) > place + 1 else 1
            smu.recall(values.string(arguments[place]), index)

    def delete(smu: Keithley2450State, call: Call) -> None:
        arguments = call.expect(1, 2)
        present = entries(smu, arguments[0])
        if len(arguments) == 1:
            del getattr(smu, lists)[values.string(arguments[0])]
        else:
            del present[values.integer(arguments[1], 1, len(present)) - 1]

    def size(smu: Keithley2450State, call: Call) -> str:
        return str(len(entries(smu, call.expect(1)[0])))

    def catalog(smu: Keithley2450State, call: Call) -> str:
        """Answer one name after the other, and an empty one after the last."""
        call.expect(0)
        names = [*sorted(getattr(smu, lists)), ""]
        place = smu.catalogs.get(lists, 0)
        place = place if place < len(names) else len(names) - 1
        smu.catalogs[lists] = (place + 1) % len(names)
        return names[place]

    def content(smu: Keithley2450State, call: Call) -> str:
        arguments = call.expect(1, 2)
        present = entries(smu, arguments[0])
        index = values.integer(arguments[1], 1, len(present)) if len(arguments) > 1 else 1
        if not present:
            raise ScpiError(-222)
        return values.quoted(str(present[index - 1]))

    pattern = f"{header}:CONFiguration:LIST"
    return (
        Command(f"{pattern}:CREate", create),
        Command(f"{pattern}:STORe", store),
        Command(f"{pattern}:RECall", recall),
        Command(f"{pattern}:SIZE", query=size),
        Command(f"{pattern}:DELete", delete),
        Command(f"{pattern}:CATalog", query=catalog),
        Command(f"{pattern}:QUERy", query=content),
    )


COMMANDS = (*_commands(":SOURce#", "source_lists", "sourcing"), *_commands("[:SENSe#]", "sense_lists", "measuring"))
