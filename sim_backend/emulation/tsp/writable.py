"""All that a foreign hand can change on an emulated TSP instrument: read off its objects, and what methods change.

For tests: the statements that a second program, or a person at the front panel, could send.
"""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import NamedTuple

from .lua.objects import Check, Node, Refused, Value
from .machine import TspMachine

MOST_VALUES = 3
CANDIDATES: tuple[Value, ...] = (
    0.0, 1.0, 2.0, 3.0, -1.0, 0.02, 1e-3, 0.5, 5.0, 10.0, 40.0, 100.0, 1e-4, 1e-6, 1e-9, 50.0, 60.0, 128.0, 7174.0,
    True, False, "foreign",
)  # fmt: skip
"""Values that are tried; what a setting takes of them is what is sent."""
ALIASES = frozenset({"localnode", "node"})
"""Below these the objects are there a second time; of the first only its own settings count."""
SMU_ACTIONS = """
{smu}.reset()
{smu}.abort()
{smu}.trigger.source.listv({{1.5}})
{smu}.trigger.source.linearv(0, 1, 3)
{smu}.trigger.measure.v({smu}.nvbuffer1)
{smu}.trigger.initiate()
{smu}.trigger.source.set()
{smu}.nvbuffer1.clear()
{smu}.measure.v({smu}.nvbuffer1)
"""
MATRIX_ACTIONS = """
channel.close('{one}')
channel.open('allslots')
channel.exclusiveclose('{one}')
channel.reset('allslots')
channel.setdelay('allslots', 0.5)
channel.setdelay('{one}', 2)
channel.setforbidden('{one}')
channel.setforbidden('allslots')
channel.setlabel('{one}', 'foreign')
channel.pattern.setimage('{one}', 'foreign')
channel.setpole('allslots', 2)
scan.create('{one}')
scan.create('{one}') scan.execute()
scan.create('{one}') scan.background()
scan.reset()
"""
BOX_ACTIONS = """
reset()
localnode.reset()
setup.recall(0)
trigger.timer[1].reset()
trigger.timer[1].clear()
trigger.timer[2].delaylist = {1, 2}
trigger.blender[1].stimulus[1] = 29
digio.writeport(0)
status.reset()
errorqueue.clear()
timer.reset()
collectgarbage()
display.clear()
"""
"""What methods change, of a channel, of a matrix, and of every box (manuals), a statement a line."""


class Writable(NamedTuple):
    """An attribute that scripts can set."""

    path: str
    """Such as ``smua.source.highc``."""
    values: tuple[Value, ...]
    """Some values that it takes: the first `MOST_VALUES` of `CANDIDATES`."""


def writable(instrument: TspMachine) -> list[Writable]:
    """Return every attribute that can be set, by path; the instrument is one that nothing else is done with."""
    return sorted(_below("", instrument.root))


def statements(instrument: TspMachine) -> list[str]:
    """Return what sets each of them to each of its values, and the actions that change a state."""
    assignments = [f"{each.path} = {_lua(value)}" for each in writable(instrument) for value in each.values]
    children = instrument.root.children
    smus = [name for name in ("smua", "smub") if name in children]
    actions = [each for smu in smus for each in SMU_ACTIONS.format(smu=smu).split("\n")]
    if "channel" in children:
        actions += MATRIX_ACTIONS.format(one=_crosspoint(children["slot"].children)).split("\n")
    return [*assignments, *filter(None, [*actions, *BOX_ACTIONS.split("\n")])]


def _below(path: str, node: Node) -> Iterator[Writable]:
    for key in node.setters:
        yield Writable(f"{path}{key}", tuple(islice(_values(node, key), MOST_VALUES)))
    for name, child in node.children.items():
        step = f"{path[:-1]}[{name}]." if isinstance(name, int) else f"{path}{name}."
        if path == "" and name in ALIASES:
            if name == "localnode":
                yield from (
                    Writable(f"{step}{key}", tuple(islice(_values(child, key), MOST_VALUES))) for key in child.setters
                )
            continue
        yield from _below(step, child)


def _values(node: Node, key: str) -> Iterator[Value]:
    check: Check = node.checks.get(key, lambda value: value)
    seen: set[str] = set()
    for candidate in CANDIDATES:
        try:
            taken = check(candidate)
        except Refused:
            continue
        if key not in node.checks and not isinstance(candidate, float):
            continue  # what is worked out takes numbers
        if repr(taken) not in seen:
            seen.add(repr(taken))
            yield candidate


def _crosspoint(slots: Mapping[str | int, Node]) -> str:
    told = str(slots[1].read("idn"))
    return "1107" if told.startswith("37") else "1A07"


def _lua(value: Value) -> str:
    if isinstance(value, str):
        return f"'{value}'"
    return str(value).lower() if isinstance(value, bool) else f"{value:.9g}"
