"""Commands of an emulated Keysight B2900 that measure and hand out readings: ``:READ``, ``:FETCh``, ``:MEASure``.

Names are those of the B2900 SCPI command reference, edition 2.
"""

import math
from collections.abc import Iterable, Mapping

from ...scpi import values
from ...scpi.messages import Answer, Call, Command, Query
from ...scpi.values import NOT_MEASURED, OVERFLOW
from .state import ELEMENTS, KeysightB2900State
from .timing import initiate, measure
from .trigger import channels

NAMES = ("VOLTage", "CURRent", "RESistance", "TIME", "STATus", "SOURce")
"""Elements of a reading as headers and parameters name them, in the order of `ELEMENTS`."""
FUNCTIONS = {"VOLTage[:DC]": "VOLT", "CURRent[:DC]": "CURR", "RESistance": "RES"}


def element_names(smu: KeysightB2900State) -> tuple[str, ...]:
    """Return the elements of a reading in the order in which they go out."""
    return tuple(each for each in ELEMENTS if each in smu.elements)


def answer(smu: KeysightB2900State, found: Iterable[Mapping[str, float]], names: tuple[str, ...]) -> Answer:
    """Write elements of readings; in a binary format as IEEE 754 says infinity and no number."""
    numbers = [each[name] for each in found for name in names]
    if smu.format.width:
        infinite = {OVERFLOW: math.inf, -OVERFLOW: -math.inf, NOT_MEASURED: math.nan}
        numbers = [infinite.get(each, each) for each in numbers]
    return smu.format.encode(numbers)


def _readings(smu: KeysightB2900State, numbers: list[int], latest: bool) -> list[dict[str, float]]:
    """Return the readings of channels, all of them or the latest of each, in the order in which they go out."""
    none = [dict.fromkeys(ELEMENTS, NOT_MEASURED)]
    columns = [smu.readings[number - 1] or none for number in numbers]
    if latest:
        columns = [each[-1:] for each in columns]
    longest = max(map(len, columns))
    return [each[place] for place in range(longest) for each in columns if place < len(each)]


def _fetch(start: bool, latest: bool, element: str = "") -> Query:
    """Return what answers ``:READ`` or ``:FETCh``, for all elements or for one."""

    def query(smu: KeysightB2900State, call: Call) -> Answer:
        numbers = channels(smu, call.expect(0, 1))
        if start:
            initiate(smu, numbers)
        return answer(smu, _readings(smu, numbers, latest), (element,) if element else element_names(smu))

    return query


def _measure(function: str = "") -> Query:
    """Return what answers ``:MEASure``, for all elements or for one quantity, which is measured from then on."""

    def query(smu: KeysightB2900State, call: Call) -> Answer:
        numbers = channels(smu, call.expect(0, 1))
        for number in numbers if function else ():
            smu.states[number - 1].measured.add(function)
        measure(smu, numbers)
        return answer(smu, _readings(smu, numbers, latest=True), (function,) if function else element_names(smu))

    return query


def _set_elements(smu: KeysightB2900State, call: Call) -> None:
    smu.elements = tuple(dict.fromkeys(values.choice(text, NAMES) for text in call.expect(1, len(NAMES))))


COMMANDS: tuple[Command, ...] = (
    Command(
        ":FORMat:ELEMents:SENSe", _set_elements, lambda smu, _: ",".join(smu.elements), (*ELEMENTS, ",".join(ELEMENTS))
    ),
    *(
        Command(f"{pattern}{node}{part}", query=_fetch(pattern == ":READ", node == "[:SCALar]", element))
        for pattern in (":READ", ":FETCh")
        for node in ("[:SCALar]", ":ARRay")
        for part, element in (("", ""), *zip((f":{name}" for name in NAMES), ELEMENTS, strict=True))
    ),
    Command(":MEASure", query=_measure()),
    *(Command(f":MEASure:{name}", query=_measure(key)) for name, key in FUNCTIONS.items()),
)
