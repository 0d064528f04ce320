"""Trigger timers of an emulated Keithley 2450 (reference manual, ``:TRIGger:TIMer<n>``)."""

from dataclasses import dataclass


@dataclass
class Timer:
    """A timer that ticks from its stimulus on."""

    delay_s: float = 1e-5
    count: int = 1
    """Ticks after each start; 0 for ever."""
    stimulus: str = "NONE"
    at_start: bool = False
    """Whether the start itself is a tick."""
    enabled: bool = False
    start_s: float = 0.0
    fraction_s: float = 0.0
    began_s: float | None = None
    ticks: int = 0

    def hear(self, event: str, now_s: float) -> None:
        """Start if an event is the stimulus."""
        if self.enabled and event == self.stimulus:
            self.start(now_s)

    def start(self, now_s: float) -> None:
        """Begin to tick."""
        self.began_s, self.ticks = now_s, 0 if self.at_start else 1

    def next_tick(self) -> float | None:
        """Return when the next tick comes, in seconds of the clock, and use it up; None if there is none."""
        if self.began_s is None or (self.count and self.ticks > self.count):
            return None
        at_s = self.began_s + self.ticks * self.delay_s
        self.ticks += 1
        return at_s
