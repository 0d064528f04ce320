"""Commands of an emulated Keysight B2900 that trigger: ``:ARM``, ``:TRIGger``, ``:INITiate``, ``:ABORt``, ``:IDLE``.

Names are those of the B2900 SCPI command reference, edition 2.
"""

import re
from typing import Any

from ...scpi import settings as setting
from ...scpi import values
from ...scpi.kinds import Kind, choice
from ...scpi.messages import Call, Command, Write
from ...scpi.status import ScpiError
from .settings import LARGEST_TRAIN, LONGEST_S, SHORTEST_INTERVAL_S, Layer, number
from .state import KeysightB2900State
from .timing import initiate, release

ACTIONS = {":TRANsient": ("TRAN",), ":ACQuire": ("ACQ",), "[:ALL]": ("TRAN", "ACQ")}
LISTS = ("", "(@1)")
"""Lists of channels that every model has; none is channel 1."""
SIGNALS = ("INT1", "INT2", "LAN", *(f"EXT{pin}" for pin in range(1, 15)))
"""What triggers come from: internal lines, LAN, and pins of the digital connector."""
_LAYER: dict[str, tuple[str, Kind]] = {
    "DELay": ("delay_s", number(0.0, LONGEST_S, 0.0, "S")),
    "SOURce[:SIGNal]": ("source", choice("AINTernal", "BUS", "TIMer", *SIGNALS)),
    "TIMer": ("interval_s", number(SHORTEST_INTERVAL_S, LONGEST_S, SHORTEST_INTERVAL_S, "S")),
}
"""What every layer stores, by header; a model may want longer intervals."""


def channels(smu: KeysightB2900State, arguments: list[str]) -> list[int]:
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


def _layer(kind: str, node: str, actions: tuple[str, ...]) -> tuple[Command, ...]:
    """Declare the arm or trigger commands of one action, or of both together."""
    own, other = ("arms", "triggers") if kind == "ARM" else ("triggers", "arms")

    def layers(smu: Any, call: Call, which: str = own) -> list[Layer]:
        found: dict[str, Layer] = getattr(smu.settings(call), which)
        return [found[each] for each in actions]

    def stored(what: str, key: str, value_kind: Kind) -> Command:
        def store(smu: Any, call: Call, value: Any) -> None:
            if key == "interval_s" and value < smu.shortest_interval_s:
                if call.arguments[0][:1].isdigit():
                    raise ScpiError(-222)
                value = smu.shortest_interval_s
            for each in layers(smu, call):
                setattr(each, key, value)

        return value_kind.command(f":{kind}#{node}:{what}", store, lambda smu, call: getattr(layers(smu, call)[0], key))

    def set_count(smu: KeysightB2900State, call: Call) -> None:
        """Set a count, whose product with that of the other layer is bounded."""
        text = call.expect(1)[0]
        others = max(each.count for each in layers(smu, call, other))
        endless = values.matches(text, "INFinite") or values.matches(text, "2147483647")
        wanted = LARGEST_TRAIN // others if endless else values.integer(text, 1, LARGEST_TRAIN, 1)
        if wanted * others > LARGEST_TRAIN:
            raise ScpiError(-222)
        for each in layers(smu, call):
            each.count = wanted

    return (
        Command(f":{kind}#{node}:COUNt", set_count, samples=("1", "3", "INF")),
        setting.query(f":{kind}#{node}:COUNt", lambda smu, call: str(layers(smu, call)[0].count)),
        *(stored(what, key, value_kind) for what, (key, value_kind) in _LAYER.items()),
        Command(f":{kind}{node}[:IMMediate]", _release, samples=LISTS),
    )


def _release(smu: KeysightB2900State, call: Call) -> None:
    """Send a trigger at once to what waits for one."""
    channels(smu, call.expect(0, 1))
    release(smu)


def _initiate(actions: tuple[str, ...]) -> Write:
    def write(smu: KeysightB2900State, call: Call) -> None:
        named = channels(smu, call.expect(0, 1))
        initiate(smu, sorted({*named, *smu.group}) if set(named) & set(smu.group) else named, actions)

    return write


def _abort(smu: KeysightB2900State, call: Call) -> None:
    channels(smu, call.expect(0, 1))
    smu.waiting = None
    smu.acquisition.cancel()


def _idle(smu: KeysightB2900State, call: Call) -> str:
    busy = smu.acquisition.busy or (smu.waiting is not None and call.suffixes[0] in smu.waiting[0])
    return str(int(not busy))


COMMANDS: tuple[Command, ...] = tuple(
    command
    for node, actions in ACTIONS.items()
    for command in (
        *_layer("ARM", node, actions),
        *_layer("TRIGger", node, actions),
        Command(f":INITiate[:IMMediate]{node}", _initiate(actions), samples=LISTS),
        Command(f":ABORt{node}", _abort, samples=LISTS),
        setting.query(f":IDLE#{node}", _idle),
    )
)
