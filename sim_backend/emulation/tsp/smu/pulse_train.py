"""One train of pulses of a 2600B channel: its levels, and how it runs in time."""

from dataclasses import dataclass

from ..time.schedule import Steps
from .buffer import Buffer
from .channel import Smu
from .measure import AUTOZERO_AUTO


@dataclass(frozen=True, slots=True)
class PulseTest:
    """A train of pulses from a bias level; levels are volts or amperes, as `axis` is ``v`` or ``i``."""

    smu: Smu
    axis: str
    bias: float
    levels: tuple[float, ...]
    on_s: float
    off_s: tuple[float, ...]
    buffer: Buffer | None
    limit: float | None = None

    def trouble(self) -> str | None:
        """Say why it cannot be run, or None."""
        source, measure = self.smu.source.node.values, self.smu.measure.node.values
        if source[f"autorange{self.axis}"] or (self.buffer and self.smu.measure.autoranges()):
            return "source and measure autorange must be off"
        if self.buffer and measure["autozero"] == AUTOZERO_AUTO:
            return "autozero must be off or once"
        if self.buffer and self.smu.measure.aperture_s() >= self.on_s:
            return f"measuring takes {self.smu.measure.aperture_s()} s, longer than the pulse of {self.on_s} s"
        return None

    def trouble_at_start(self) -> str | None:
        """Say why it cannot be run now, or None."""
        if not self.smu.source.on:
            return "the output is off"
        if self.smu.source.axis != self.axis:
            return "the channel has another source function"
        if self.buffer and len(self.levels) > 1 and not self.buffer.node.values["appendmode"]:
            return "the buffer must be in append mode"
        if self.buffer and self.buffer.capacity - self.buffer.count() < len(self.levels):
            return "the buffer has no room"
        return None

    def steps(self) -> Steps:
        """Run it: dwell at the bias, then pulse by pulse, with a reading at the end of each."""
        source, measure = self.smu.source, self.smu.measure
        key = f"level{self.axis}"
        programmed = source.node.values[key]
        if self.buffer:
            self.buffer.begin()
        aperture_s = measure.aperture_s() if self.buffer else 0.0
        try:
            source.node.values[key] = self.bias
            source.sweep_to(None)
            yield self.off_s[0]
            for point, level in enumerate(self.levels):
                source.sweep_to(level, self.limit or 0.0)
                yield self.on_s - aperture_s
                yield aperture_s
                if self.buffer:
                    measure.take("i" if self.axis == "v" else "v", [self.buffer])
                yield from self.smu.trigger.latency()
                source.sweep_to(None)
                yield self.off_s[point % len(self.off_s)]
        except GeneratorExit:
            source.node.values[key] = programmed
            source.sweep_to(None)
            raise
