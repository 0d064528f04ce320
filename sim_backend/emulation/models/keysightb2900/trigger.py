"""Commands of an emulated Keysight B2900 that trigger and measure: ``:ARM``, ``:TRIGger``, ``:INITiate``, ``:MEASure``.

Names are those of the B2900 SCPI command reference, edition 2.
"""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...scpi import values
from ...scpi.messages import Answer, Call, Command, Query, Write
from ...scpi.status import ScpiError
from .settings import LARGEST_TRAIN, LONGEST_S, ChannelState, Layer
from .source import SIGNALS, state_of

if TYPE_CHECKING:
    from .model import EmulatedKeysightB2900

ACTIONS = {":TRANsient": ("TRAN",), ":ACQuire": ("ACQ",), "[:ALL]": ("TRAN", "ACQ")}
SOURCES = ("AINTernal", "BUS", "TIMer", *SIGNALS)
ELEMENTS = {
    "VOLTage": "VOLT",
    "CURRent": "CURR",
    "RESistance": "RES",
    "TIME": "TIME",
    "STATus": "STAT",
    "SOURce": "SOUR",
}
FUNCTIONS = {"VOLTage[:DC]": "VOLT", "CURRent[:DC]": "CURR", "RESistance": "RES"}
LXI_LAN = "LXI:LAN"


def channels(smu: "EmulatedKeysightB2900", arguments: list[str]) -> list[int]:
    """Return the channels of a list such as ``(@1,2)`` or ``(@1:2)``; channel 1 if there is none."""
    if not arguments:
        return [1]
    found: list[int] = []
    for first, last in values.channel_items(arguments[0]):
        if not re.fullmatch("[12]", first) or not re.fullmatch("[12]", last) or first > last:
            raise ScpiError(-222)
        found += range(int(first), int(last) + 1)
    if max(found) > smu.most_suffix:
        raise ScpiError(-222)
    return sorted(set(found))


# ---------------------------------------------------------------------- layers


def _layer(kind: str, node: str, actions: tuple[str, ...]) -> tuple[Command, ...]:
    """Declare the arm or trigger commands of one action, or of both together."""
    key = "arms" if kind == "ARM" else "triggers"

    def places(smu: Any, call: Call) -> list[Layer]:
        layers: dict[str, Layer] = getattr(state_of(smu, call), key)
        return [layers[each] for each in actions]

    def stored(what: str, read: Callable[[str], object], write: Callable[[Any], str]) -> tuple[Write, Query]:
        def change(smu: "EmulatedKeysightB2900", call: Call) -> None:
            value = read(call.expect(1)[0])
            for each in places(smu, call):
                setattr(each, what, value)

        def query(smu: "EmulatedKeysightB2900", call: Call) -> str:
            call.expect(0)
            return write(getattr(places(smu, call)[0], what))

        return change, query

    def seconds(low: float, default: float) -> Callable[[str], float]:
        return lambda text: values.bounded(text, low, LONGEST_S, default, unit="S")

    def count(smu: "EmulatedKeysightB2900", call: Call) -> None:
        """Set a count, whose product with that of the other layer is bounded."""
        text, state = call.expect(1)[0], state_of(smu, call)
        endless = values.matches(text, "INFinite") or values.matches(text, "2147483647")
        others = _others(state, kind, actions)
        wanted = LARGEST_TRAIN // others if endless else values.integer(text, 1, LARGEST_TRAIN, 1)
        if wanted * others > LARGEST_TRAIN:
            raise ScpiError(-222)
        for each in places(smu, call):
            each.count = wanted

    def names(options: tuple[str, ...]) -> Callable[[str], str]:
        return lambda text: values.choice(text, options)

    pattern = f":{kind}#{node}"
    return (
        Command(f"{pattern}:COUNt", count, stored("count", str, str)[1]),
        Command(f"{pattern}:DELay", *stored("delay_s", seconds(0.0, 0.0), values.nr3)),
        Command(f"{pattern}:SOURce[:SIGNal]", *stored("source", names(SOURCES), str)),
        Command(f"{pattern}:SOURce:LAN", *stored("lan", names(tuple(f"LAN{n}" for n in range(8))), str)),
        Command(f"{pattern}:TIMer", *stored("interval_s", seconds(1e-5, 1e-5), values.nr3)),
        Command(f"{pattern}:BYPass", *stored("bypass", names(("ONCE", "OFF")), str)),
        Command(f"{pattern}:TOUTput[:STATe]", *stored("output", values.boolean, lambda on: str(int(on)))),
        Command(f"{pattern}:TOUTput:SIGNal", *stored("signal", names(SIGNALS), str)),
        Command(f":{kind}{node}[:IMMediate]", _released),
    )


def _others(state: ChannelState, kind: str, actions: tuple[str, ...]) -> int:
    """Return the largest count of the other layer."""
    layers = state.triggers if kind == "ARM" else state.arms
    return max(layers[each].count for each in actions)


def _released(smu: "EmulatedKeysightB2900", call: Call) -> None:
    """Send a trigger at once to what waits for one."""
    channels(smu, call.expect(0, 1))
    smu.release()


def _lan(kind: str) -> tuple[Command, ...]:
    """Declare the trigger events over LAN, which are stored only."""

    def write(smu: "EmulatedKeysightB2900", call: Call) -> None:
        smu.panel.lan[kind] = ",".join(map(values.string, call.expect(1, 2)))

    def drop(smu: "EmulatedKeysightB2900", call: Call) -> None:
        call.expect(0, 1)
        smu.panel.lan.pop(kind, None)

    root = f":{kind}#:LXI:LAN[:INPut]"
    return (
        Command(f"{root}:ADD", write),
        Command(f"{root}:REMove[:EVENt]", drop),
        Command(f":{kind}#:{LXI_LAN}:DISable:ALL", drop),
        Command(f":{kind}#:{LXI_LAN}:REMove:ALL", drop),
        Command(f":{kind}#:{LXI_LAN}:LIST", query=lambda smu, _: values.quoted(smu.panel.lan.get(kind, ""))),
    )


# ---------------------------------------------------------------------- start and measure


def _initiate(actions: tuple[str, ...]) -> Write:
    def write(smu: "EmulatedKeysightB2900", call: Call) -> None:
        smu.initiate(channels(smu, call.expect(0, 1)), actions)

    return write


def _abort(smu: "EmulatedKeysightB2900", call: Call) -> None:
    channels(smu, call.expect(0, 1))
    smu.waiting = None


def _idle(smu: "EmulatedKeysightB2900", call: Call) -> str:
    call.expect(0)
    busy = smu.waiting is not None and call.suffixes[0] in smu.waiting[0]
    return str(int(not busy))


def _fetched(start: bool, latest: bool, element: str = "") -> Query:
    """Return what answers ``:READ`` or ``:FETCh``, for all elements or for one."""

    def query(smu: "EmulatedKeysightB2900", call: Call) -> Answer:
        numbers = channels(smu, call.expect(0, 1))
        if start:
            smu.initiate(numbers)
        return smu.written(smu.chosen(numbers, latest), (element,) if element else smu.names())

    return query


def _measure(smu: "EmulatedKeysightB2900", call: Call) -> Answer:
    numbers = channels(smu, call.expect(0, 1))
    smu.measure(numbers)
    return smu.written(smu.chosen(numbers, latest=True), smu.names())


def _measure_one(function: str) -> Query:
    def query(smu: "EmulatedKeysightB2900", call: Call) -> Answer:
        numbers = channels(smu, call.expect(0, 1))
        for number in numbers:
            smu.states[number - 1].measured.add(function)
        smu.measure(numbers)
        return smu.written(smu.chosen(numbers, latest=True), (function,))

    return query


def _own(latest: bool) -> Query:
    """Return what answers ``:SENSe:DATA``: offset and size may say which readings."""

    def query(smu: "EmulatedKeysightB2900", call: Call) -> Answer:
        arguments = call.expect(0, 0 if latest else 2)
        found = smu.chosen([call.suffixes[0]], latest)
        return smu.written(found if latest else windowed(found, arguments), smu.names())

    return query


def windowed(found: list[Any], arguments: list[str]) -> list[Any]:
    """Return some readings, as offset (a number, ``STARt`` or ``CURRent``) and size say; -222 if there are none."""
    if not arguments:
        return found
    if values.matches(arguments[0], "CURRent"):
        start = len(found) - 1
    else:
        start = 0 if values.matches(arguments[0], "STARt") else values.integer(arguments[0], 0, LARGEST_TRAIN)
    size = values.integer(arguments[1], 1, LARGEST_TRAIN) if len(arguments) > 1 else len(found)
    if start >= len(found):
        raise ScpiError(-222)
    return found[start : start + size]


def _clear(smu: "EmulatedKeysightB2900", call: Call) -> None:
    call.expect(0)
    smu.readings[call.suffixes[0] - 1].clear()


def _group(pattern: str, start: bool) -> tuple[Command, ...]:
    return tuple(
        command
        for node, latest in (("[:SCALar]", True), (":ARRay", False))
        for command in (
            Command(f"{pattern}{node}", query=_fetched(start, latest)),
            *(Command(f"{pattern}{node}:{name}", query=_fetched(start, latest, key)) for name, key in ELEMENTS.items()),
        )
    )


COMMANDS: tuple[Command, ...] = (
    *(
        command
        for kind in ("ARM", "TRIGger")
        for node, actions in ACTIONS.items()
        for command in _layer(kind, node, actions)
    ),
    *(command for kind in ("ARM", "TRIGger") for command in _lan(kind)),
    *(
        command
        for node, actions in ACTIONS.items()
        for command in (
            Command(f":INITiate[:IMMediate]{node}", _initiate(actions)),
            Command(f":ABORt{node}", _abort),
            Command(f":IDLE#{node}", query=_idle),
        )
    ),
    *_group(":READ", start=True),
    *_group(":FETCh", start=False),
    Command(":MEASure", query=_measure),
    *(Command(f":MEASure:{name}", query=_measure_one(key)) for name, key in FUNCTIONS.items()),
    Command(":SENSe#:DATA", query=_own(latest=False)),
    Command(":SENSe#:DATA:LATest", query=_own(latest=True)),
    Command(":SENSe#:DATA:CLEar", _clear),
)
