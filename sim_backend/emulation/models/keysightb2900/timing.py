"""The trigger systems of an emulated Keysight B2900: what its channels do at which instant.

A channel has two actions, the transient of its source and the acquisition of its measurement; each passes an arm layer
and a trigger layer, so often as their counts say. With shape PULS the source goes to its peak after the trigger and
pulse delays, stays for the pulse width, and returns to its base; a measurement begins after its trigger delay,
integrates for its aperture, and is taken at its end (B2900 user's guide, pages 6-7 and 6-27). With source TIM triggers
come at the interval, with AINT when the channel has done what the last one started: both actions together if both are
AINT. A trigger that would come before that is late. With any other source a layer waits. Channels started by one
command share their first instant, and edges at the same instant are one change of the circuit.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from .reading import take
from .settings import ChannelState

if TYPE_CHECKING:
    from ...world.world import World
    from .model import EmulatedKeysightB2900

Action = Callable[[], dict[str, dict[str, object]]]
"""What happens at an instant; a source returns how its terminal changes, a measurement nothing."""
BY_ITSELF = ("AINT", "TIM")
"""Trigger sources that need nobody else."""


@dataclass(frozen=True, slots=True)
class Event:
    """One action at an instant of the run; measurements come before the edges of the same instant."""

    at_s: float
    order: Literal[0, 1]
    action: Action


def waits_for(state: ChannelState, actions: Iterable[str]) -> set[str]:
    """Return the sources that a start has to wait for."""
    layers = [layer for each in actions for layer in (state.arms[each], state.triggers[each])]
    return {each.source for each in layers if each.source not in BY_ITSELF}


def run(smu: "EmulatedKeysightB2900", numbers: Iterable[int], actions: tuple[str, ...]) -> None:
    """Run the trigger systems of some channels together, to their end."""
    events: list[Event] = []
    for number in numbers:
        events += _events(smu, number, actions)
    _played(smu.world, events)


def spot(smu: "EmulatedKeysightB2900", numbers: Iterable[int]) -> None:
    """Measure once on some channels at the same time; a channel of shape PULS sends its pulse for that."""
    events: list[Event] = []
    for number in numbers:
        state = smu.states[number - 1]
        if state.shape == "PULS":
            events += _transient(smu, number, 0.0, state.source[state.function].triggered)[0]
            events += _acquisition(smu, number, 0.0)[0]
        else:
            events.append(Event(round(state.aperture_s, 9), 0, _taken(smu, number)))
    _played(smu.world, events)


def _played(world: "World", events: list[Event]) -> None:
    now = 0.0
    edges: dict[str, dict[str, object]] = {}
    for event in sorted(events, key=lambda each: (each.at_s, each.order)):
        if event.at_s > now:
            world.set_terminals(edges)
            edges = {}
            world.wait(event.at_s - now)
            now = event.at_s
        edges.update(event.action())
    world.set_terminals(edges)


def _events(smu: "EmulatedKeysightB2900", number: int, actions: tuple[str, ...]) -> list[Event]:
    """Return what one start of a channel does."""
    state = smu.states[number - 1]
    together = all(layers[each].source != "TIM" for each in actions for layers in (state.arms, state.triggers))
    return _side(smu, number, actions) if together else [
        event for each in actions for event in _side(smu, number, (each,))
    ]  # fmt: skip


def _side(smu: "EmulatedKeysightB2900", number: int, actions: tuple[str, ...]) -> list[Event]:
    """Return what a start does that takes some actions together, one after the other."""
    state = smu.states[number - 1]
    levels = state.levels()
    events: list[Event] = []
    done, end = 0, 0.0
    arms, triggers = ([layers[each] for each in actions] for layers in (state.arms, state.triggers))
    for _ in range(max(each.count for each in arms)):
        begin = end
        start = begin + max(each.delay_s for each in arms)
        for _ in range(max(each.count for each in triggers)):
            end = start
            if "TRAN" in actions and done < state.triggers["TRAN"].count * state.arms["TRAN"].count:
                found, last = _transient(smu, number, start, levels[done % len(levels)])
                events += found
                end = max(end, last)
            if "ACQ" in actions and done < state.triggers["ACQ"].count * state.arms["ACQ"].count:
                found, last = _acquisition(smu, number, start)
                events += found
                end = max(end, last)
            done += 1
            timer = triggers[0]
            start = max(start + timer.interval_s, end) if timer.source == "TIM" else end
        end = start
        if arms[0].source == "TIM":
            end = max(begin + arms[0].interval_s, end)
    return events


def _transient(
    smu: "EmulatedKeysightB2900", number: int, start: float, level: float | None
) -> tuple[list[Event], float]:
    """Return the edges that one trigger starts, and when they are done."""
    state = smu.states[number - 1]
    rise = start + state.triggers["TRAN"].delay_s
    if state.shape == "PULS":
        rise += state.pulse_delay_s
        fall = rise + state.pulse_width_s
        peak = state.level if level is None else level
        return [_edge(smu, number, rise, peak), _edge(smu, number, fall, None)], fall
    return ([] if level is None else [_edge(smu, number, rise, level, lasting=True)]), rise


def _acquisition(smu: "EmulatedKeysightB2900", number: int, start: float) -> tuple[list[Event], float]:
    """Return the measurement that one trigger starts, and when it is done."""
    state = smu.states[number - 1]
    done = start + state.triggers["ACQ"].delay_s + state.aperture_s
    return [Event(round(done, 9), 0, _taken(smu, number))], done


def _edge(smu: "EmulatedKeysightB2900", number: int, at_s: float, level: float | None, lasting: bool = False) -> Event:
    """Return a change to a level, or to the base of a pulse."""

    def action() -> dict[str, dict[str, object]]:
        state = smu.states[number - 1]
        if lasting and level is not None:
            state.source[state.function].level = level
        return smu.drive(number, state.level if level is None else level)

    return Event(round(at_s, 9), 1, action)


def _taken(smu: "EmulatedKeysightB2900", number: int) -> Action:
    def action() -> dict[str, dict[str, object]]:
        take(smu, number)
        return {}

    return action
