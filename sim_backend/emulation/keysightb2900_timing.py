"""The trigger systems of an emulated Keysight B2900: what both channels do at which instant.

Each trigger of a channel starts a transient (its source) and an acquisition (its measurement). With shape PULS the
source goes to its peak after the trigger and pulse delays, stays for the pulse width, and returns to its base; a
measurement begins after its trigger delay, integrates for its aperture, and is taken at its end (B2900 user's guide,
page 6-7). With trigger source TIM triggers come at the interval, with AINT when the channel has done what the last one
started; a trigger that would come before that is late. Channels started by one command share their first instant, and
edges at the same instant are one change of the circuit.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from .keysightb2900 import KeysightB2902A
    from .world import World

LARGEST_TRAIN = 100_000
"""Most triggers of one start, as many as a trace buffer holds."""


@dataclass
class ChannelState:
    """What ``*RST`` resets for one channel."""

    function: str = "VOLT"
    level_v: float = 0.0
    level_a: float = 0.0
    trigger_v: float | None = None
    shape: str = "DC"
    mode: str = "FIX"
    list_v: list[float] = field(default_factory=lambda: [0.0])
    start_v: float = 0.0
    stop_v: float = 0.0
    points: int = 1
    range_v: float = 0.2
    range_v_auto: bool = True
    pulse_delay_s: float = 0.0
    pulse_width_s: float = 5e-5
    source_wait: bool = True
    limit_a: float = 1e-4
    limit_v: float = 2.0
    range_a: float = 1e-4
    range_a_auto: bool = True
    aperture_s: float = 0.0
    measured: set[str] = field(default_factory=lambda: {"VOLT", "CURR"})
    sense_wait: bool = True
    remote_sense: bool = False
    off_mode: str = "NORM"
    auto_on: bool = True
    auto_off: bool = False
    protection: bool = False
    filter: bool = True
    low: str = "GRO"
    transient_delay_s: float = 0.0
    acquire_delay_s: float = 0.0
    transient_count: int = 1
    acquire_count: int = 1
    arm_count: int = 1
    trigger_source: str = "AINT"
    interval_s: float = 1e-5

    def levels(self) -> list[float | None]:
        """Return the level that each transient goes to, in turn; None leaves it as it is."""
        if self.mode == "LIST":
            return list(self.list_v)
        if self.mode == "SWE":
            return [float(each) for each in np.linspace(self.start_v, self.stop_v, self.points)]
        return [self.trigger_v]


Action = Callable[[], dict[str, dict[str, object]]]
"""What happens at an instant; a source returns how its terminal changes, a measurement nothing."""


@dataclass(frozen=True, slots=True)
class Event:
    """One action at an instant of the run; measurements come before the edges of the same instant."""

    at_s: float
    order: Literal[0, 1]
    action: Action


def run(smu: "KeysightB2902A", numbers: Iterable[int], transient: bool = True, acquire: bool = True) -> None:
    """Run the trigger systems of some channels together, to their end."""
    events: list[Event] = []
    for number in numbers:
        events += _events(smu, number, transient, acquire)
    _played(smu.world, sorted(events, key=lambda each: (each.at_s, each.order)))


def spot(smu: "KeysightB2902A", numbers: Iterable[int]) -> None:
    """Measure once on some channels at the same time; a channel of shape PULS sends its pulse for that."""
    events: list[Event] = []
    for number in numbers:
        state = smu.states[number - 1]
        if state.shape == "PULS":
            events += _cycle(smu, number, 0.0, state.trigger_v, True, True)[0]
        else:
            events.append(Event(round(state.aperture_s, 9), 0, _taken(smu, number)))
    _played(smu.world, sorted(events, key=lambda each: (each.at_s, each.order)))


def _played(world: "World", events: list[Event]) -> None:
    now = 0.0
    edges: dict[str, dict[str, object]] = {}
    for event in events:
        if event.at_s > now:
            world.set_terminals(edges)
            edges = {}
            world.wait(event.at_s - now)
            now = event.at_s
        edges.update(event.action())
    world.set_terminals(edges)


def _events(smu: "KeysightB2902A", number: int, transient: bool, acquire: bool) -> list[Event]:
    state = smu.states[number - 1]
    levels = state.levels()
    transients = state.transient_count * state.arm_count if transient else 0
    acquisitions = state.acquire_count * state.arm_count if acquire else 0
    events, start = [], 0.0
    for trigger in range(max(transients, acquisitions)):
        level = levels[trigger % len(levels)]
        cycle, end = _cycle(smu, number, start, level, trigger < transients, trigger < acquisitions)
        events += cycle
        start = max(start + state.interval_s, end) if state.trigger_source == "TIM" else end
    return events


def _cycle(
    smu: "KeysightB2902A", number: int, start: float, level: float | None, transient: bool, acquire: bool
) -> tuple[list[Event], float]:
    """Return what one trigger starts, and when all of it is done."""
    state = smu.states[number - 1]
    events, end = [], start
    if transient:
        rise = start + state.transient_delay_s
        if state.shape == "PULS":
            rise += state.pulse_delay_s
            fall = rise + state.pulse_width_s
            peak = state.level_v if level is None else level
            events += [_edge(smu, number, rise, peak), _edge(smu, number, fall, state.level_v)]
            end = max(end, fall)
        elif level is not None:
            events.append(_edge(smu, number, rise, level, lasting=True))
            end = max(end, rise)
    if acquire:
        done = start + state.acquire_delay_s + state.aperture_s
        events.append(Event(round(done, 9), 0, _taken(smu, number)))
        end = max(end, done)
    return events, end


def _edge(smu: "KeysightB2902A", number: int, at_s: float, level_v: float, lasting: bool = False) -> Event:
    def action() -> dict[str, dict[str, object]]:
        if lasting:
            smu.states[number - 1].level_v = level_v
        return smu.drive(number, level_v)

    return Event(round(at_s, 9), 1, action)


def _taken(smu: "KeysightB2902A", number: int) -> Action:
    def action() -> dict[str, dict[str, object]]:
        smu.take(number)
        return {}

    return action
