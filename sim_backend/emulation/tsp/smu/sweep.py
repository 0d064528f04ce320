"""Trigger model of a 2600B channel: arm layer, trigger layer, sweeps and pulses.

After the 2600B reference manual, "Remote trigger model". A pulse lasts from the source action to the end-pulse action;
`latency_s` is added to it, for the delay that a real source has there (0 by default).
"""

import itertools
import math
from collections.abc import Callable, Iterator
from functools import partial

from ..lua.objects import Node, Refused, Value, choice, number, whole
from ..time.events import EventBus
from ..time.schedule import Detector, Process, Steps
from .buffer import Buffer
from .measure import AUTOZERO_AUTO, KINDS, SmuMeasure, as_buffers

DISABLE, ENABLE, ASYNC = 0, 1, 2
IDLE, HOLD = 0, 1
EVENTS = ("SWEEP_COMPLETE", "IDLE", "MEASURE_COMPLETE", "SOURCE_COMPLETE", "PULSE_COMPLETE", "ARMED")
FIRST_EVENT, FIRST_SWEEPING = 43, 63
MOST_POINTS = 100_000


class SmuTrigger:
    """The ``trigger`` object of a channel; `place` counts channels from 0."""

    def __init__(self, place: int, measure: SmuMeasure, bus: EventBus, latency_s: float) -> None:
        self._source, self._measure, self._latency_s = measure.source, measure, latency_s
        self._bus, self._schedule = bus, bus.schedule
        self._process: Process | None = None
        self._points: tuple[str, list[float]] | None = None
        self._recording: tuple[str, list[Buffer]] | None = None
        first = FIRST_EVENT + place * len(EVENTS)
        self._event = {name: first + number_of for number_of, name in enumerate(EVENTS)}
        self._event["SWEEPING"] = FIRST_SWEEPING + place
        self.node = node = Node()
        node.constants |= {f"{name}_EVENT_ID": event for name, event in self._event.items()}
        node.setting("count", 1.0, number(0, 1e6))
        node.settings(choice(0, 1), autoclear=0.0)
        node.methods["initiate"] = self._initiate
        self._detectors = {name: self._stage(name) for name in ("arm", "source", "measure", "endpulse")}
        node.child("arm").setting("count", 1.0, number(0, 1e6))
        node.child("source").setting("action", float(DISABLE), choice(DISABLE, ENABLE))
        node.child("source").settings(number(0), limiti=0.0, limitv=0.0)
        node.child("measure").setting("action", float(DISABLE), choice(DISABLE, ENABLE, ASYNC))
        node.child("endpulse").setting("action", float(HOLD), choice(IDLE, HOLD))
        node.child("endsweep").setting("action", float(IDLE), choice(IDLE, HOLD))
        for axis in "vi":
            methods = node.child("source").methods
            methods[f"list{axis}"] = partial(self._list, axis)
            methods[f"linear{axis}"] = partial(self._span, axis, linear)
            methods[f"log{axis}"] = partial(self._span, axis, logarithmic)
        node.child("measure").methods |= {kind: partial(self._record, kind) for kind in KINDS}

    def sweeping(self) -> bool:
        """Whether the trigger model is out of idle."""
        return self._process is not None and not self._process.ended

    def latency(self) -> Steps:
        """Wait as long as a pulse lasts longer than it should."""
        if self._latency_s:
            yield self._latency_s

    def abort(self) -> None:
        """Go back to idle, and to the programmed level."""
        if self._process:
            self._schedule.stop(self._process)
            self._schedule.run_now()

    def reset(self) -> None:
        """Go back to idle and to the defaults."""
        self.abort()
        self.node.reset()
        self._points = self._recording = None
        for detector in self._detectors.values():
            detector.stimulus, detector.seen = 0, False

    # ------------------------------------------------------------------ settings

    def _action(self, stage: str) -> float:
        return float(self.node.child(stage).values["action"])

    def _stage(self, name: str) -> Detector:
        detector = self._bus.detector()

        def put(value: Value) -> None:
            detector.stimulus = whole(value, 0, 1000)

        def happen() -> None:
            self._schedule.notice(detector)
            self._schedule.run_now()

        node = self.node.child(name)
        node.attribute("stimulus", lambda: float(detector.stimulus), put)
        node.methods["set"] = happen
        return detector

    def _list(self, axis: str, points: Value = None, *_: Value) -> None:
        if not isinstance(points, list) or not points or len(points) > MOST_POINTS:
            raise Refused(1401, "Parameter 01 is invalid")
        top = self._source.model.highest(axis)
        self._points = axis, [number(-top, top)(point) for point in points]

    def _span(self, axis: str, between: Callable[..., list[float]], *arguments: Value) -> None:
        """``linearY(start, stop, points)``, or ``logY`` with an asymptote too."""
        if len(arguments) < 3:
            raise Refused(1401, "Parameter 03 is invalid")
        first, last = (number()(each) for each in arguments[:2])
        asymptote = () if between is linear else [number()(each) for each in arguments[3:4]]
        self._list(axis, between(first, last, whole(arguments[2], 1, MOST_POINTS), *asymptote))

    def _record(self, kind: str, *arguments: Value) -> None:
        buffers = as_buffers(arguments)
        if len(buffers) != len(KINDS[kind]):
            raise Refused(1401, f"Parameter {len(buffers) + 1:02d} is invalid, it must be a reading buffer")
        self._recording = kind, buffers

    # ------------------------------------------------------------------ running

    def _initiate(self) -> None:
        sourcing, measuring = self._action("source"), self._action("measure")
        if self.sweeping():
            raise Refused(5042, "Cannot perform requested action while an overlapped operation is in progress")
        axis = self._source.axis
        if sourcing and (self._points is None or self._points[0] != axis):
            raise Refused(5059, "trigger.source.action enabled without configuration")
        if measuring and self._recording is None:
            raise Refused(5060, "trigger.measure.action enabled without configuration")
        if not self._source.on:
            raise Refused(5061, "Operation not permitted while OUTPUT is off")
        if measuring == ASYNC:
            self._check_asynchronous()
        if sourcing and self._points:
            for level in (min(self._points[1]), max(self._points[1])):
                self._source.check_level(level, axis)
        for buffer in self._recording[1] if self._recording else []:
            buffer.begin()
        for detector in self._detectors.values():
            detector.seen = False
        self._process = self._schedule.start(self._run())

    def _check_asynchronous(self) -> None:
        """Check what an asynchronous measurement needs (2600B manual, smuX.trigger.measure.action)."""
        for axis, code, what in (("v", 5043, "voltage"), ("i", 5044, "current")):
            if axis != self._source.axis and self._measure.ranges.automatic(axis):
                raise Refused(code, f"Cannot perform requested operation while {what} measure autorange is enabled")
        if self._measure.node.values["autozero"] == AUTOZERO_AUTO:
            raise Refused(5063, "Cannot perform requested operation while measure autozero is on")
        if self._recording and any(each.node.values["collectsourcevalues"] for each in self._recording[1]):
            raise Refused(5064, "Cannot use reading buffer that collects source values")

    def _run(self) -> Steps:
        done = False
        try:
            self._bus.emit(self._event["SWEEPING"])
            for _ in _times(self.node.child("arm").values["count"]):
                yield self._detectors["arm"]
                self._bus.emit(self._event["ARMED"])
                for point in _times(self.node.values["count"]):
                    yield from self._point(point)
                if self._action("endsweep") == IDLE:
                    self._source.sweep_to(None)
                self._bus.emit(self._event["SWEEP_COMPLETE"])
            done = True
            self._bus.emit(self._event["IDLE"])
        finally:
            if not done:
                self._source.sweep_to(None)

    def _point(self, point: int) -> Steps:
        yield self._detectors["source"]
        if self._action("source") and self._points:
            levels = self._points[1]
            limit = self.node.child("source").values["limiti" if self._source.sources_voltage else "limitv"]
            self._source.sweep_to(levels[point % len(levels)], limit)
        measuring = self._action("measure")
        if measuring == ASYNC:
            self._schedule.start(self._take_reading())
        yield self._source.settle_s()
        self._bus.emit(self._event["SOURCE_COMPLETE"])
        if measuring != ASYNC:
            yield from self._take_reading()
        yield self._detectors["endpulse"]
        yield from self.latency()
        if self._action("endpulse") == IDLE:
            self._source.sweep_to(None)
        self._bus.emit(self._event["PULSE_COMPLETE"])

    def _take_reading(self) -> Steps:
        yield self._detectors["measure"]
        if self._action("measure") and self._recording:
            kind, buffers = self._recording
            yield from self._measure.steps(kind, buffers, 1, [])
        self._bus.emit(self._event["MEASURE_COMPLETE"])


def _times(count: float) -> Iterator[int]:
    return iter(range(int(count))) if count else itertools.count()


def linear(start: float, stop: float, count: int) -> list[float]:
    """Return levels in equal steps.

    >>> linear(0.0, 1.0, 5)
    [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    return [start + (stop - start) * place / max(count - 1, 1) for place in range(count)]


def logarithmic(start: float, stop: float, count: int, asymptote: float = 0.0) -> list[float]:
    """Return levels whose distances from an asymptote are in equal ratios.

    >>> [round(level, 9) for level in logarithmic(1.0, 100.0, 3)]
    [1.0, 10.0, 100.0]
    """
    first, last = start - asymptote, stop - asymptote
    if first * last <= 0:
        raise Refused(1401, "a logarithmic sweep needs a start and a stop on one side of its asymptote")
    return [asymptote + first * math.exp(math.log(last / first) * place / max(count - 1, 1)) for place in range(count)]
