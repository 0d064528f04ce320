"""Factory functions for pulses of a 2600B: PulseVMeasureI, ConfigPulseVMeasureI, InitiatePulseTest and the dual one."""

from dataclasses import dataclass

from .tsp_buffer import Buffer
from .tsp_measure import AUTOZERO_AUTO
from .tsp_objects import Node, Refused, Returned, Value, given, number, whole
from .tsp_schedule import Schedule, Steps
from .tsp_smu import Smu

BETWEEN_ENDS_S = 40e-6
"""In a dual test the first pulse must be longer by more than this (2600B manual, InitiatePulseTestDual)."""
MOST_TESTS = 100


@dataclass(frozen=True, slots=True)
class PulseTest:
    """A train of voltage pulses from a bias level."""

    smu: Smu
    bias_v: float
    level_v: float
    on_s: float
    off_s: tuple[float, ...]
    points: int
    buffer: Buffer
    limit_a: float | None = None

    def trouble(self) -> str | None:
        """Say why it cannot be run, or None."""
        source, measure = self.smu.source.node.values, self.smu.measure.node.values
        if source["autorangev"] or self.smu.measure.autoranges():
            return "source and measure autorange must be off"
        if measure["autozero"] == AUTOZERO_AUTO:
            return "autozero must be off or once"
        if self.smu.measure.aperture_s() >= self.on_s:
            return f"measuring takes {self.smu.measure.aperture_s()} s, longer than the pulse of {self.on_s} s"
        return None

    def steps(self) -> Steps:
        """Run it: dwell at the bias, then pulse by pulse, with a reading at the end of each."""
        smu = self.smu
        source = smu.source
        programmed = source.node.values["levelv"]
        limit = source.node.values["limiti"]
        self.buffer.begin()
        try:
            source.node.values["levelv"] = self.bias_v
            source.sweep_to(None)
            yield self.off_s[0]
            for point in range(self.points):
                if self.limit_a is not None:
                    source.node.values["limiti"] = self.limit_a
                source.sweep_to(self.level_v)
                yield self.on_s - smu.measure.aperture_s()
                yield smu.measure.aperture_s()
                smu.measure.take("i", [self.buffer])
                yield from smu.latency()
                source.node.values["limiti"] = limit
                source.sweep_to(None)
                yield self.off_s[point % len(self.off_s)]
        except GeneratorExit:
            source.node.values.update(levelv=programmed, limiti=limit)
            source.sweep_to(None)
            raise


class PulseFunctions:
    """The functions, as methods of the global object."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self._tests: dict[int, PulseTest] = {}

    def add_to(self, functions: Node) -> None:
        """Add them."""
        functions.methods |= {
            "PulseVMeasureI": self.pulse,
            "ConfigPulseVMeasureI": self.configure,
            "InitiatePulseTest": self.initiate,
            "InitiatePulseTestDual": self.initiate_dual,
        }

    def pulse(self, *arguments: Value) -> Returned:
        """``PulseVMeasureI(smu, bias, level, ton, toff, points)``, readings into nvbuffer1."""
        given(arguments, 6, "PulseVMeasureI")
        smu, bias, level, on, off, points, *_ = arguments
        channel = _smu(smu)
        buffer = channel.measure.buffers[0]
        buffer.clear()
        for key in ("collecttimestamps", "collectsourcevalues"):
            buffer.node.values[key] = 1.0
        self._run(self._test(channel, bias, level, None, on, off, points, buffer))
        return ()

    def configure(self, *arguments: Value) -> Returned:
        """``ConfigPulseVMeasureI(smu, bias, level, limit, ton, toff, points, buffer, tag)``: success and text."""
        given(arguments, 9, "ConfigPulseVMeasureI")
        smu, bias, level, limit, on, off, points, buffer, tag, *_ = arguments
        owner = buffer.owner if isinstance(buffer, Node) else None
        if not isinstance(owner, Buffer):
            raise Refused(1401, "Parameter 08 is invalid, it must be a reading buffer")
        test = self._test(_smu(smu), bias, level, limit, on, off, points, owner)
        trouble = test.trouble()
        if trouble is None and len(self._tests) >= MOST_TESTS:
            trouble = "too many pulse tests"
        if trouble:
            return False, trouble
        self._tests[whole(tag, 1)] = test
        return True, "PulseTest configured"

    def initiate(self, *tags: Value) -> Returned:
        """``InitiatePulseTest(tag)``; return success and text."""
        return self._initiate(tags[:1])

    def initiate_dual(self, *tags: Value) -> Returned:
        """``InitiatePulseTestDual(tag1, tag2)``; return success and text."""
        given(tags, 2, "InitiatePulseTestDual")
        first, second = (self._tests.get(whole(tag)) for tag in tags[:2])
        if first and second:
            if first.smu is second.smu:
                return False, "both tests are of the same channel"
            if first.off_s != second.off_s:
                return False, "toff of both tests must be equal"
            if first.on_s <= second.on_s + BETWEEN_ENDS_S:
                return False, "ton of the first test must be longer than that of the second by more than 40 us"
        return self._initiate(tags[:2])

    def _initiate(self, tags: tuple[Value, ...]) -> Returned:
        tests = [self._tests.get(whole(tag)) for tag in tags]
        for tag, test in zip(tags, tests, strict=True):
            if test is None:
                return False, f"there is no pulse test {whole(tag)}"
            trouble = test.trouble()
            if trouble:
                return False, trouble
            if not test.smu.source.on:
                return False, "the output is off"
            if test.points > 1 and not test.buffer.node.values["appendmode"]:
                return False, "the buffer must be in append mode"
            if test.buffer.room() < test.points:
                return False, "the buffer has no room"
        self._run(*(test for test in tests if test))
        return True, "PulseTest complete"

    def _run(self, *tests: PulseTest) -> None:
        for test in tests:
            self._schedule.start(test.steps())
        self._schedule.finish()

    def _test(
        self, smu: Smu, bias: Value, level: Value, limit: Value, on: Value, off: Value, points: Value, buffer: Buffer
    ) -> PulseTest:
        return PulseTest(
            smu,
            smu.source.check_level(bias, "v"),
            smu.source.check_level(level, "v"),
            number(0, 100e3)(on),
            tuple(number(0, 100e3)(each) for each in (off if isinstance(off, list) and off else [off])),
            whole(points, 1, 100_000),
            buffer,
            None if limit is None else smu.source.check_limit(limit),
        )


def _smu(value: Value) -> Smu:
    owner = value.owner if isinstance(value, Node) else None
    if not isinstance(owner, Smu):
        raise Refused(1401, "Parameter 01 is invalid, it must be smua or smub")
    return owner
