"""Factory functions for pulses of a 2600B, the KIPulse script: PulseVMeasureI, ConfigPulse..., InitiatePulseTest.

After the 2600B reference manual, KIPulse factory script. Triggers of the digital lines (``sync_in``, ``sync_out``) and
``QueryPulseConfig`` are not emulated.
"""

from collections.abc import Callable, Sequence
from functools import partial

from ..lua.objects import Node, Refused, Returned, Value, check_arguments, number, whole
from ..time.schedule import Schedule
from .buffer import Buffer, as_buffer
from .channel import Smu
from .pulse_train import PulseTest
from .sweep import linear, logarithmic

BETWEEN_ENDS_S = 40e-6
"""In a dual test the first pulse must be longer by more than this (2600B manual, InitiatePulseTestDual)."""
MOST_TESTS = 100
MOST_POINTS, LONGEST_S = 100_000, 100e3
SPANS: dict[str, Callable[[float, float, int], list[float]]] = {"SweepLin": linear, "SweepLog": logarithmic}


class PulseFunctions:
    """The functions, as methods of the global object."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self._tests: dict[int, PulseTest] = {}

    def add_to(self, functions: Node) -> None:
        """Add them."""
        functions.methods |= {
            "InitiatePulseTest": lambda *tags: self._initiate(tags[:1]),
            "InitiatePulseTestDual": self.initiate_dual,
        }
        for axis, name in (("v", "PulseVMeasureI"), ("i", "PulseIMeasureV")):
            functions.methods[name] = partial(self.pulse, axis, name)
            for span in ("", *SPANS):
                functions.methods[f"Config{name}{span}"] = partial(self.configure, axis, f"Config{name}{span}", span)

    def pulse(self, axis: str, name: str, *arguments: Value) -> None:
        """``PulseVMeasureI(smu, bias, level, ton, toff, points)``, readings into nvbuffer1."""
        check_arguments(arguments, 6, name)
        smu, bias, level, on, off, points, *_ = arguments
        channel = _smu(smu)
        buffer = channel.measure.buffers[0]
        buffer.clear()
        buffer.node.values.update(collecttimestamps=1.0, collectsourcevalues=1.0, appendmode=1.0)
        self._run(_pulse_test(channel, axis, bias, [level], on, off, points, buffer=buffer))

    def configure(self, axis: str, name: str, span: str, *arguments: Value) -> Returned:
        """``ConfigPulseVMeasureI(smu, bias, level, limit, ton, toff, points, buffer, tag)``: success and text.

        A sweep has start and stop in place of the level.
        """
        levels = 2 if span else 1
        check_arguments(arguments, 8 + levels, name)
        smu, bias, *rest = arguments
        limit, on, off, points, buffer, tag, *_ = rest[levels:]
        readings = None if buffer is None else as_buffer(buffer, 7 + levels)
        test = _pulse_test(_smu(smu), axis, bias, rest[:levels], on, off, points, limit, readings, span)
        trouble = test.trouble() or ("too many pulse tests" if len(self._tests) >= MOST_TESTS else None)
        if trouble:
            return False, trouble
        self._tests[whole(tag, 1)] = test
        return True, "PulseTest configured"

    def initiate_dual(self, *tags: Value) -> Returned:
        """``InitiatePulseTestDual(tag1, tag2)``; return success and text."""
        check_arguments(tags, 2, "InitiatePulseTestDual")
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
        """``InitiatePulseTest(tag)``; return success and text."""
        tests = [self._tests.get(whole(tag)) for tag in tags]
        for tag, test in zip(tags, tests, strict=True):
            if test is None:
                return False, f"there is no pulse test {whole(tag)}"
            trouble = test.trouble() or test.trouble_at_start()
            if trouble:
                return False, trouble
        self._run(*(test for test in tests if test))
        return True, "PulseTest complete"

    def _run(self, *tests: PulseTest) -> None:
        for test in tests:
            self._schedule.start(test.steps())
        self._schedule.finish()


def _pulse_test(
    smu: Smu,
    axis: str,
    bias: Value,
    ends: Sequence[Value],
    on: Value,
    off: Value,
    points: Value,
    limit: Value = None,
    buffer: Buffer | None = None,
    span: str = "",
) -> PulseTest:
    """Check what a script passed, and return the test."""
    count = whole(points, 1, MOST_POINTS)
    levels = [smu.source.check_level(level, axis) for level in ends]
    offs = off if isinstance(off, list) and off else [off]
    if len(offs) > MOST_POINTS:
        raise Refused(1401, f"toff has more than {MOST_POINTS} values")
    return PulseTest(
        smu,
        axis,
        smu.source.check_level(bias, axis),
        tuple(SPANS[span](levels[0], levels[1], count) if span else levels * count),
        number(0, LONGEST_S)(on),
        tuple(number(0, LONGEST_S)(each) for each in offs),
        buffer,
        None if limit is None else smu.source.node.checks[f"limit{'i' if axis == 'v' else 'v'}"](limit),
    )


def _smu(value: Value) -> Smu:
    owner = value.owner if isinstance(value, Node) else None
    if not isinstance(owner, Smu):
        raise Refused(1401, "Parameter 01 is invalid, it must be smua or smub")
    return owner
