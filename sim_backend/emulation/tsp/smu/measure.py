"""Measuring with a 2600B channel: ranges, integration time, readings and buffers."""

import itertools
import math
import weakref
from collections.abc import Callable, Sequence

import numpy as np

from ..lua.objects import Node, Refused, Returned, Value, choice, number, whole
from ..time.schedule import Schedule, Steps
from .buffer import DEDICATED_CAPACITY, Buffer, Entry, as_buffer
from .model import FULL_SCALE, OVERRANGE, auto_delay, resolution
from .ranges import Ranges, range_for
from .source import SmuSource

AUTOZERO_AUTO = 2
AUTOZERO_CONVERSIONS = 3
"""With autozero AUTO a reading converts signal, reference and zero, and so takes three times as long (a model)."""
FOLLOW_LIMIT = 2
"""Of ``autorangeY``: the range that holds the limit."""
MOST_READINGS = 500_000
"""Readings that the dynamic buffers of a channel hold together; a model of the instrument's memory."""
STATUS_BITS = (0x04, 0x10, 0x20, 0x40, 0x80)
"""Of a reading: autorange, four-wire, relative, compliance, filter (2600B reference manual, bufferVar.statuses)."""
KINDS = {"i": ("i",), "v": ("v",), "r": ("r",), "p": ("p",), "iv": ("i", "v")}
LEAST_HIGHC_A = 1e-6
"""In high-capacitance mode the current range follows the limit, down to this (2600B reference manual, highc)."""


class SmuMeasure:
    """The ``measure`` object of a channel, and its reading buffers.

    A reading is rounded to the resolution of its range (see `tsp.smu.model.resolution`); `noise` adds a normally
    distributed error with a standard deviation of that many steps.
    """

    def __init__(
        self,
        source: SmuSource,
        schedule: Schedule,
        line_frequency: Callable[[], float],
        *,
        noise: float = 0.0,
        rng: np.random.Generator | None = None,
    ) -> None:
        self.source, self._terminals, self._schedule = source, source.terminals, schedule
        self._line_frequency, self._noise, self._rng = line_frequency, noise, rng
        self.four_wire: Callable[[], bool] = lambda: False
        self.on_limit: Callable[[bool], None] = lambda _: None
        self.reclaim: Callable[[], None] = lambda: None
        self.overflowed = False
        """Whether the last reading was beyond its range."""
        self.buffers = [self._buffer(DEDICATED_CAPACITY) for _ in range(2)]
        self._made: weakref.WeakSet[Buffer] = weakref.WeakSet()
        model = source.model
        self.node = node = Node()
        node.setting("nplc", 1.0, number(0.001, 25))
        node.setting("autozero", 2.0, choice(0, 1, 2))
        node.setting("delay", model.measure_delay_s, number(-1, 100e3))
        node.setting("delayfactor", 1.0, number(0, 1000))
        node.setting("count", 1.0, number(1, 1e6))
        node.setting("interval", 0.0, number(0, 1))
        by_axis = {"v": model.volts, "i": model.measure_amperes}
        self.ranges = Ranges(node, by_axis, self._range_now, (0, 1, FOLLOW_LIMIT), locked=self._as_sourced)
        self.ranges.fixed["i"] = 0.1
        node.child("filter").setting("enable", 0.0, choice(0, 1))
        node.child("filter").setting("count", 1.0, self._check_filter_count)
        for kind in "ivrp":
            node.child("rel").setting(f"enable{kind}", 0.0, choice(0, 1))
            node.child("rel").setting(f"level{kind}", 0.0, number())
        for kind in KINDS:
            node.methods[kind] = lambda *buffers, kind=kind: self._measure(kind, buffers)
            node.methods[f"overlapped{kind}"] = lambda *buffers, kind=kind: self._overlap(kind, buffers)

    def reset(self) -> None:
        """Bring the settings to their defaults, buffers empty."""
        self.node.reset()
        for buffer in self.buffers:
            buffer.clear()
            buffer.node.reset()

    def aperture_s(self) -> float:
        """Return how long a reading takes, without its delay, in seconds."""
        values, averaged = self.node.values, self.node.child("filter").values
        conversions = AUTOZERO_CONVERSIONS if values["autozero"] == AUTOZERO_AUTO else 1
        repeats = averaged["count"] if averaged["enable"] else 1
        return float(values["nplc"] / self._line_frequency() * conversions * repeats)

    def delay_s(self) -> float:
        """Return the delay before a reading, in seconds."""
        delay = float(self.node.values["delay"])
        if delay >= 0:
            return delay
        return auto_delay(self._range_now("i")) * float(self.node.values["delayfactor"])

    def autoranges(self) -> bool:
        """Return whether a measure range is chosen by the instrument."""
        return bool(self.ranges.automatic("i") or self.ranges.automatic("v"))

    def steps(self, kind: str, buffers: Sequence[Buffer], count: int, found: list[tuple[float, ...]]) -> Steps:
        """Measure `count` times; the readings go into the buffers and, the last ones, into `found`."""
        for number_of in range(count):
            start = self._schedule.now()
            yield 0.0 if number_of else self.delay_s()  # the first only (manual, smuX.measure.delay)
            yield self.aperture_s()
            found[:] = [self.take(kind, buffers)]
            if number_of + 1 < count:
                yield max(0.0, self.node.values["interval"] - (self._schedule.now() - start))

    def take(self, kind: str, buffers: Sequence[Buffer]) -> tuple[float, ...]:
        """Take a reading at this instant."""
        ampere, volt, limited = self._terminals.measure(self.source.channel)
        limited = self.source.on and limited == self.source.sources_voltage
        self.on_limit(limited)
        values = {"i": self._read(ampere, "i"), "v": self._read(volt, "v")}
        true = OVERRANGE not in values.values()
        self.overflowed = not true
        values["r"] = values["v"] / values["i"] if true and values["i"] else OVERRANGE
        values["p"] = values["v"] * values["i"] if true else OVERRANGE
        relative = self.node.child("rel").values
        readings = tuple(
            values[each] - (relative[f"level{each}"] if relative[f"enable{each}"] and true else 0.0)
            for each in KINDS[kind]
        )
        for each, reading, buffer in zip(KINDS[kind], readings, buffers, strict=False):
            axis = each if each in "iv" else "i"
            buffer.add(
                Entry(
                    reading=reading,
                    time_s=self._schedule.now(),
                    source=self.source.level(),
                    status=self._status(limited, axis, bool(relative[f"enable{each}"])),
                )
            )
        return readings

    def range(self, axis: str, value: float) -> float:
        """Return full scale of the range on which a value is measured."""
        if self._as_sourced(axis):
            return self.source.range(axis)
        ranges = self.ranges.of[axis]
        if axis == "i" and self.source.node.values["highc"]:
            return max(range_for(self.source.node.values["limiti"], ranges), LEAST_HIGHC_A)
        automatic = self.ranges.automatic(axis)
        if not automatic:
            return self.ranges.fixed[axis]
        if automatic == FOLLOW_LIMIT:
            return range_for(self.source.node.values[f"limit{axis}"], ranges)
        return ranges[-1] if abs(value) > ranges[-1] else self.ranges.chosen(axis, value, FULL_SCALE)

    def wait_for_source(self) -> None:
        """Wait as long as a source waits after a step."""
        if self.source.node.values["delay"]:
            self._schedule.advance(self.source.settle_s())

    def make_buffer(self, capacity: Value = None) -> Node:
        """Do what ``makebuffer`` does."""
        wanted = whole(capacity, 1, DEDICATED_CAPACITY)
        if self._room_taken() + wanted > MOST_READINGS:
            self.reclaim()
        if self._room_taken() + wanted > MOST_READINGS:
            raise Refused(-225, "Out of memory")
        made = self._buffer(wanted, fleeting=True)
        self._made.add(made)
        return made.node

    # ------------------------------------------------------------------ inside

    def _check_filter_count(self, value: Value) -> float:
        count = number(1, 100)(value)
        if count > 1 and self.node.values["count"] > 1:
            raise Refused(5025, "Cannot set filter.count > 1 when measure.count > 1")
        return count

    def _room_taken(self) -> int:
        """Return how many readings the dynamic buffers have room for."""
        return sum(buffer.capacity for buffer in self._made)

    def _buffer(self, capacity: int, *, fleeting: bool = False) -> Buffer:
        return Buffer(capacity, self._schedule.note_question, fleeting=fleeting)

    def _as_sourced(self, axis: str) -> bool:
        """Whether the range is that of the source, as it is for what is sourced."""
        return axis == self.source.axis

    def _range_now(self, axis: str) -> float:
        ampere, volt, _ = self._terminals.measure(self.source.channel)
        return self.range(axis, ampere if axis == "i" else volt)

    def _read(self, value: float, axis: str) -> float:
        full_scale = self.range(axis, value)
        if abs(value) > full_scale * FULL_SCALE:
            return OVERRANGE
        step = resolution(full_scale, self.node.values["nplc"], self._terminals.resolution)
        if self._noise and self._rng is not None:
            value += float(self._rng.normal(0.0, self._noise * step))
        return float(f"{math.floor(value / step + 0.5) * step:.12g}")

    def _status(self, limited: bool, axis: str, relative: bool) -> int:
        filtered = bool(self.node.child("filter").values["enable"])
        holding = (bool(self.ranges.automatic(axis)), self.four_wire(), relative, limited, filtered)
        return sum(bit for bit, holds in zip(STATUS_BITS, holding, strict=True) if holds)

    def _measure(self, kind: str, arguments: Sequence[Value]) -> Returned:
        buffers = self._buffers_for(arguments)
        count = int(self.node.values["count"]) if buffers else 1
        found: list[tuple[float, ...]] = []
        self._schedule.do(self.steps(kind, buffers, count, found))
        return found[0]

    def _overlap(self, kind: str, arguments: Sequence[Value]) -> None:
        buffers = self._buffers_for(arguments)
        self._schedule.start(self.steps(kind, buffers, int(self.node.values["count"]), []))

    def _buffers_for(self, arguments: Sequence[Value]) -> list[Buffer]:
        """Return the buffers that a script passed, ready for a new measurement."""
        buffers = as_buffers(arguments)
        for buffer in buffers:
            buffer.begin()
        return buffers


def as_buffers(arguments: Sequence[Value]) -> list[Buffer]:
    """Return the buffers that a script passed; nil ends the list."""
    passed = itertools.takewhile(lambda each: each is not None, arguments)
    return [as_buffer(each, place) for place, each in enumerate(passed, 1)]
