"""The trigger systems of an emulated Keysight B2900: what its channels do at which instant.

A channel has two actions, the transient of its source and the acquisition of its measurement; each passes an arm layer
and a trigger layer, so often as their counts say. With shape PULS the source goes to its peak after the trigger and
pulse delays, stays for the pulse width, and returns to its base; a measurement begins after its trigger delay,
integrates for its aperture, and is taken at its end (B2900 user's guide, pages 6-7 and 6-27). With source TIM triggers
come at the interval, with AINT when the channel has done what the last one started: both actions together if both are
AINT. A trigger that would come before that is late. With any other source a layer waits. Channels started by one
command share their first instant, and edges at the same instant are one change of the circuit. A start of measurements
alone goes on while others are spoken to, and all but what aborts or asks for status waits for its end; one that moves a
source comes to its end at once. No triggered level
comes, and no measurement begins, before its wait is over, which begins with a level and with the end of a pulse.
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from ...scpi.status import ScpiError
from ...world.world import World
from .reading import take
from .settings import ChannelState
from .state import KeysightB2900State

Change = dict[str, dict[str, object]]
"""How terminals change."""
BOTH = ("TRAN", "ACQ")
BY_ITSELF = ("AINT", "TIM")
"""Trigger sources that need nobody else."""


@dataclass(frozen=True, slots=True)
class Event:
    """One action at an instant after the start; measurements come before the edges of the same instant."""

    at_s: float
    order: Literal[0, 1]
    action: Callable[[], Change]
    """A source returns how its terminal changes, a measurement nothing."""


# ---------------------------------------------------------------------- starts


def initiate(smu: KeysightB2900State, numbers: Iterable[int], actions: tuple[str, ...] = BOTH) -> None:
    """Run the trigger systems of channels, or have them wait for what starts them."""
    if smu.waiting is not None:
        raise ScpiError(-213)
    smu.waiting = tuple(numbers), actions
    if not _awaited_sources(smu):
        _go(smu)


def release(smu: KeysightB2900State, source: str = "") -> None:
    """Let a start go on that waits for a source, or for any; -211 if there is none."""
    if smu.waiting is None or (source and source not in _awaited_sources(smu)):
        raise ScpiError(-211)
    _go(smu)


def measure(smu: KeysightB2900State, numbers: Iterable[int]) -> None:
    """Measure once on channels at the same time; a channel of shape PULS sends its pulse for that."""
    events: list[Event] = []
    for number in numbers:
        state = smu.states[number - 1]
        moves = _moves(smu, number)
        if state.shape == "PULS":
            events += _transient(smu, number, 0.0, state.source_now.triggered, moves)[0]
            events += _acquisition(smu, number, 0.0, moves)[0]
        else:
            begin = max(0.0, moves[-1] + state.waits["SENS"].seconds)
            events.append(_measurement(smu, number, begin + state.aperture_s))
    smu.acquisition.run(_steps(smu, numbers, events))


def _awaited_sources(smu: KeysightB2900State) -> set[str]:
    """Return the sources that a start waits for."""
    numbers, actions = smu.waiting or ((), ())
    layers = (
        layers[action]
        for number in numbers
        for layers in (smu.states[number - 1].arms, smu.states[number - 1].triggers)
        for action in actions
    )
    return {layer.source for layer in layers} - {*BY_ITSELF}


def _go(smu: KeysightB2900State) -> None:
    """Run the trigger systems that wait, to their end but for measurements alone."""
    numbers, actions = smu.waiting or ((), ())
    smu.waiting = None
    events = [event for number in numbers for event in _events(smu, number, actions)]
    begin = smu.acquisition.start if actions == ("ACQ",) else smu.acquisition.run
    begin(_steps(smu, numbers, events))


def _steps(smu: KeysightB2900State, numbers: Iterable[int], events: Iterable[Event]) -> Iterator[float]:
    """Do what channels were started for, as waits in seconds.

    Outputs are switched as they say: on before, off after or at the limit.
    """
    before = {number: smu.states[number - 1].level for number in numbers}
    for number in numbers:
        smu.readings[number - 1].clear()
    smu.switch([each for each in numbers if smu.states[each - 1].auto_on], True)
    yield from _play(smu.world, events)
    for number, level in before.items():
        state = smu.states[number - 1]
        if state.source_now.mode != "FIX" and not state.end_value:
            state.source_now.level = level
    smu.reapply()
    tripped = [each for each in numbers if smu.states[each - 1].protection and smu.limited(each)]
    smu.switch([*tripped, *(each for each in numbers if smu.states[each - 1].auto_off)], False)


def _play(world: World, events: Iterable[Event]) -> Iterator[float]:
    """Let events happen in the world, those of the same instant together, as waits in seconds."""
    now = 0.0
    edges: Change = {}
    for event in sorted(events, key=lambda each: (each.at_s, each.order)):
        if event.at_s > now:
            world.set_terminals(edges)
            edges = {}
            yield event.at_s - now
            now = event.at_s
        edges.update(event.action())
    world.set_terminals(edges)


# ---------------------------------------------------------------------- what happens when


def _events(smu: KeysightB2900State, number: int, actions: tuple[str, ...]) -> list[Event]:
    """Return what one start of a channel does: its actions in step, or by timers each for itself."""
    state = smu.states[number - 1]
    in_step = all(layers[each].source != "TIM" for each in actions for layers in (state.arms, state.triggers))
    groups = [actions] if in_step else [(each,) for each in actions]
    moves = _moves(smu, number)
    return [event for group in groups for event in _events_in_step(smu, number, group, moves)]


def _moves(smu: KeysightB2900State, number: int) -> list[float]:
    """Return when a channel has begun its present level, in seconds from now; what a start does is appended."""
    return [smu.states[number - 1].moved_s - smu.world.clock.now()]


def _events_in_step(smu: KeysightB2900State, number: int, actions: tuple[str, ...], moves: list[float]) -> list[Event]:
    """Return what a start does that takes some actions together, one after the other."""
    state = smu.states[number - 1]
    levels = state.levels()
    events: list[Event] = []
    done, end = 0, 0.0
    arms, triggers = ([layers[each] for each in actions] for layers in (state.arms, state.triggers))
    most = {each: state.triggers[each].count * state.arms[each].count for each in actions}
    for _ in range(max(each.count for each in arms)):
        begin = end
        start = begin + max(each.delay_s for each in arms)
        for _ in range(max(each.count for each in triggers)):
            end = start
            for action in (each for each in BOTH if done < most.get(each, 0)):
                found, last = (
                    _transient(smu, number, start, levels[done % len(levels)], moves)
                    if action == "TRAN"
                    else _acquisition(smu, number, start, moves)
                )
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
    smu: KeysightB2900State, number: int, start: float, level: float | None, moves: list[float]
) -> tuple[list[Event], float]:
    """Return the edges that one trigger starts, and when they are done."""
    state = smu.states[number - 1]
    rise = start + state.triggers["TRAN"].delay_s
    if state.shape == "PULS":
        rise = max(rise + state.pulse_delay_s, moves[-1] + state.waits["SOUR"].seconds)
        fall = rise + state.pulse_width_s
        moves.append(fall)
        peak = state.level if level is None else level
        return [_edge(smu, number, rise, _reached(state, peak)), _edge(smu, number, fall, None)], fall
    if level is None:
        return [], rise
    rise = max(rise, moves[-1] + state.waits["SOUR"].seconds)
    moves.append(rise)
    return [_edge(smu, number, rise, level, lasting=True)], rise


def _reached(state: ChannelState, peak: float) -> float:
    """Return the level that a pulse reaches through the output filter until it ends."""
    if not state.time_constant_s:
        return peak
    return peak + (state.level - peak) * math.exp(-state.pulse_width_s / state.time_constant_s)


def _acquisition(smu: KeysightB2900State, number: int, start: float, moves: list[float]) -> tuple[list[Event], float]:
    """Return the measurement that one trigger starts, and when it is done."""
    state = smu.states[number - 1]
    last = moves[max(bisect_right(moves, start) - 1, 0)]
    done = max(start + state.triggers["ACQ"].delay_s, last + state.waits["SENS"].seconds) + state.aperture_s
    return [_measurement(smu, number, done)], done


def _edge(smu: KeysightB2900State, number: int, at_s: float, level: float | None, lasting: bool = False) -> Event:
    """Return a change to a level, or to the base of a pulse."""

    def action() -> Change:
        state = smu.states[number - 1]
        if lasting and level is not None:
            state.source_now.level = level
        if lasting or level is None:
            state.moved_s = smu.world.clock.now()
        return smu.drive(number, state.level if level is None else level)

    return Event(round(at_s, 9), 1, action)


def _measurement(smu: KeysightB2900State, number: int, at_s: float) -> Event:
    """Return the taking of a reading."""

    def action() -> Change:
        take(smu, number)
        return {}

    return Event(round(at_s, 9), 0, action)
