"""The door of the gate that a source is behind: it passes on only what the gate agrees to.

What a call does to the shadow is noted in this order: nothing is certain while the call is under way, and what it did
is certain once it has returned. So whatever goes wrong in between leaves the shadow uncertain. A question that the
instrument answers with an error is an answer, and changes nothing.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import ParamSpec, TypeVar

from crossbar_hil.errors import ConfigError, InstrumentError, LimitError, TransportError
from crossbar_hil.instrument import Identity, PulseMemory, Reading, SourceMeter, SourceSettings

from .gate import Charge, Gate, real, whole
from .shadow import Shadow

LONGEST_WAIT_S = 10.0
"""Nobody has a reason to wait longer at 0 V."""
P = ParamSpec("P")
T = TypeVar("T")


class GatedSource(SourceMeter):
    """One source behind the gate, which agrees to what is passed on and keeps a shadow of the channel.

    Raises
    ------
    LimitError
        By every method that the gate does not agree to; nothing was sent.
    """

    def __init__(self, driver: SourceMeter, gate: Gate, channel: Shadow) -> None:
        self.name = driver.name
        self.least_compliance_a = driver.least_compliance_a
        self.has_guard = driver.has_guard
        self.shortest_pulse_s = driver.shortest_pulse_s
        self.train_widths = driver.train_widths
        self._driver, self._gate, self._channel = driver, gate, channel

    # ------------------------------------------------------------------ what changes something

    def prepare(self, settings: SourceSettings) -> None:
        """Set the channel up, in the one way that the bench says; it is certain afterwards."""
        self._gate.check_settings(self._channel, settings)
        self._channel.forget()
        self._driver.prepare(self._channel.settings)
        self._channel.know(0.0, on=False)

    def set_range(self, range_a: float) -> None:
        """Change the measure range, at 0 V and with no line connected."""
        wanted = self._gate.check_range(self._channel, range_a)
        self._channel.act(self._driver.set_range, wanted, then_v=0.0, on=self._channel.on)

    def enable(self) -> None:
        """Switch the output on."""
        self._gate.check_enable(self._channel)
        self._channel.act(self._driver.enable, then_v=0.0, on=True)

    def set_voltage(self, voltage_v: float) -> None:
        """Source a voltage that every cell can bear."""
        volts = self._gate.check_voltage(self._channel, voltage_v)
        self._channel.act(self._driver.set_voltage, volts, then_v=volts, on=self._channel.on)

    def measure_at(
        self,
        voltage_v: float,
        source: SourceMeter,
        others: Sequence[SourceMeter] = (),
        *,
        rest_s: float | None = None,
        nplc: float = 1.0,  # noqa: ARG002 - the bench says what it is
    ) -> tuple[Reading, list[bool]]:
        """Source a voltage that every cell can bear, on this channel or one of the others, and measure beside them.

        Whatever fails, an answer that is no current too, that channel is uncertain.
        """
        theirs = [self._of_this_gate(other) for other in others]
        driven = self if source is self else self._of_this_gate(source)
        channel, wait_s = driven._channel, None if rest_s is None else waiting_time(rest_s)
        volts = self._gate.check_voltage(channel, voltage_v)
        for each in (self, driven, *theirs):
            each._check_question()
        ask = partial(self._driver.measure_at, rest_s=wait_s, nplc=channel.settings.nplc)
        drivers = [each._driver for each in theirs]
        found = channel.act(
            partial(self._ask, ask, volts, driven._driver, drivers, beside=[driven, *theirs]), then_v=volts, on=True
        )
        if wait_s is not None and not any((found[0].limited, *found[1])):
            channel.know(0.0, on=True)
            self._gate.note_rest(wait_s)
        return found

    def limit_then_rest(self, seconds: float, nplc: float = 1.0) -> bool:  # noqa: ARG002 - the bench says what it is
        """Ask for the limit, go to 0 V and let time pass; one that is at its limit counts as where it was."""
        wanted, channel = waiting_time(seconds), self._channel
        self._check_question()
        ask = partial(self._ask, self._driver.limit_then_rest)
        at_limit = channel.act(ask, wanted, channel.settings.nplc, then_v=channel.volts or 0.0, on=True)
        if not at_limit:
            channel.know(0.0, on=True)
            self._gate.note_rest(wanted)
        return at_limit

    def pulse(self, amplitude_v: float, width_s: float, count: int = 1) -> list[Reading]:
        """Send pulses to the one cell that is selected."""
        volt, width, number = self._volt(amplitude_v), real("pulse width", width_s, "s"), whole("pulse count", count)
        charge = self._gate.check_pulses({self._channel.port: volt}, width, number)
        return self._pulse([self._channel], charge, self._driver.pulse, volt, width, number)

    def pulse_together(
        self, amplitude_v: float, other: SourceMeter, other_amplitude_v: float, width_s: float, count: int = 1
    ) -> list[tuple[Reading, Reading]]:
        """Send pulses to the one cell that is selected, on two sources of this gate."""
        theirs = self._of_this_gate(other)
        volt, other_volt = self._volt(amplitude_v), theirs._volt(other_amplitude_v)
        width, number = real("pulse width", width_s, "s"), whole("pulse count", count)
        charge = self._gate.check_pulses({self._channel.port: volt, theirs._channel.port: other_volt}, width, number)
        channels, together = [self._channel, theirs._channel], self._driver.pulse_together
        return self._pulse(channels, charge, together, volt, theirs._driver, other_volt, width, number)

    def number_next(self, token: str, sequence: int) -> None:
        """Give the pulses that are sent next a number."""
        if not (isinstance(token, str) and token.isascii() and token.isalnum()):
            raise LimitError(f"the name of a run for {self.name} is {token!r:.40}, it must be letters and digits")
        self._driver.number_next(token, whole("number of the next pulses", sequence))

    def output_off(self) -> None:
        """Bring the channel to 0 V and switch it off; never refused."""
        self._channel.forget(told_off=True)
        self._driver.output_off()

    # ------------------------------------------------------------------ what changes nothing

    def identify(self) -> Identity:
        """Ask who answers."""
        return self._ask(self._driver.identify)

    def check(self, settings: SourceSettings) -> None:
        """Refuse settings that the model cannot have; nothing is sent."""
        self._driver.check(settings)

    def check_beside(self, settings: SourceSettings, other: SourceMeter, others: SourceSettings) -> None:
        """Refuse settings that the model cannot have beside those of another source; nothing is sent."""
        self._driver.check_beside(settings, self._of_this_gate(other)._driver, others)

    def pulses_with(self, other: SourceMeter) -> bool:
        """Say whether both can pulse together; nothing is sent."""
        return isinstance(other, GatedSource) and self._driver.pulses_with(other._driver)

    def clock_s(self) -> float | None:
        """Ask the instrument's own clock."""
        return self._ask(self._driver.clock_s)

    def pulse_memory(self, token: str) -> PulseMemory | None:
        """Ask which numbered pulses of a run were sent last."""
        return self._ask(self._driver.pulse_memory, token)

    def measure(self) -> Reading:
        """Measure with an output that is on."""
        self._check_question()
        return self._ask(self._driver.measure)

    def measure_beside(self, others: Sequence[SourceMeter]) -> tuple[Reading, list[bool]]:
        """Measure with an output that is on, and ask others of this gate for their limits."""
        theirs = [self._of_this_gate(other) for other in others]
        for each in (self, *theirs):
            each._check_question()
        return self._ask(self._driver.measure_beside, [each._driver for each in theirs], beside=theirs)

    def begin_beside(self, others: Sequence[SourceMeter] = ()) -> None:
        """Begin readings with outputs that are on."""
        theirs = [self._of_this_gate(other) for other in others]
        for each in (self, *theirs):
            each._check_question()
        self._ask(self._driver.begin_beside, [each._driver for each in theirs], beside=theirs)

    def fetch_beside(
        self, others: Sequence[SourceMeter] = (), asked: Sequence[SourceMeter] = ()
    ) -> tuple[list[Reading], list[bool]]:
        """Fetch readings that were begun, and ask others of this gate for their limits."""
        theirs, limits = ([self._of_this_gate(other) for other in of] for of in (others, asked))
        for each in (self, *theirs, *limits):
            each._check_question()
        drivers, asked_too = ([each._driver for each in of] for of in (theirs, limits))
        return self._ask(self._driver.fetch_beside, drivers, asked_too, beside=[*theirs, *limits])

    def limit_tripped(self) -> bool:
        """Ask an output that is on whether it is at its current limit."""
        self._check_question()
        return self._ask(self._driver.limit_tripped)

    def wait(self, seconds: float, nplc: float = 1.0) -> None:  # noqa: ARG002 - the bench says what it is
        """Let time pass, which counts as rest for every source at 0 V."""
        wanted = waiting_time(seconds)
        self._check_question()
        self._ask(self._driver.wait, wanted, self._channel.settings.nplc)
        self._gate.note_rest(wanted)

    def changes(self, *, pulsing: bool = False) -> list[str]:
        """Ask an output that is on what somebody else has changed; if anything, the shadow is uncertain."""
        return self.changes_beside((), pulsing=pulsing)

    def changes_beside(self, others: Sequence[SourceMeter], *, pulsing: bool = False) -> list[str]:
        """Ask outputs that are on what somebody else has changed; if anything, the shadow of each is uncertain."""
        theirs = [self._of_this_gate(other) for other in others]
        for each in (self, *theirs):
            each._check_question()
        ask = partial(self._driver.changes_beside, pulsing=pulsing)
        found = self._ask(ask, [each._driver for each in theirs], beside=theirs)
        for each in (self, *theirs) if found else ():
            each._channel.forget()
        return found

    def output_is_on(self) -> bool:
        """Ask whether the output is on; an answer that the gate did not expect makes the shadow uncertain."""
        on = self._ask(self._driver.output_is_on)
        if on != self._channel.on:
            self._channel.forget(told_off=self._channel.told_off and not on)
        return on

    def recover(self) -> None:
        """Bring the session in step again; the shadow stays as uncertain as it is."""
        self._driver.recover()

    def hurried(self, share: float) -> AbstractContextManager[None]:
        """Give all exchanges in the block together a share of the deadline of one."""
        return self._driver.hurried(share)

    def close(self) -> None:
        """End the session; outputs stay as they are."""
        self._channel.forget()
        self._driver.close()

    # ------------------------------------------------------------------ inside

    def _check_question(self) -> None:
        if self._channel.volts is None or not self._channel.on:
            self._gate.check_question(self._channel)

    def _ask(self, ask: Callable[..., T], *details: object, beside: Sequence["GatedSource"] = ()) -> T:
        """Ask a question; where none was answered, what was certain of the channels that it was for is no more."""
        try:
            return ask(*details)
        except BaseException as error:
            if not is_answer(error):
                for each in (self, *beside):
                    each._channel.forget(told_off=each._channel.told_off)
            raise

    def _pulse(
        self, channels: Sequence[Shadow], charge: Charge, send: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Send pulses, which are booked before they leave: after a failure it is open how many did."""
        for channel in channels:
            channel.forget()
        self._gate.spent.add(charge.pulses, charge.dose_vs)
        try:
            found = send(*args, **kwargs)
        except (LimitError, ConfigError):  # by the contract of the role nothing was sent
            self._gate.spent.add(-charge.pulses, -charge.dose_vs)
            raise
        for channel in channels:
            channel.know(0.0, on=True)
        return found

    def _volt(self, amplitude_v: float) -> float:
        return real(f"pulse of {self.name}", amplitude_v, "V")

    def _of_this_gate(self, other: SourceMeter) -> "GatedSource":
        if not isinstance(other, GatedSource) or other._gate is not self._gate or other is self:
            raise LimitError(
                f"{self.name} works together with another source of its bench alone, not with {other!r:.80}"
            )
        return other


def is_answer(error: BaseException) -> bool:
    """Say whether an error is what an instrument answered to a question, such as an overrange."""
    return isinstance(error, InstrumentError) and not isinstance(error, TransportError)


def waiting_time(seconds: float) -> float:
    """Return a time to wait, in seconds, if it is one."""
    wanted = real("time to wait", seconds, "s")
    if not 0 <= wanted <= LONGEST_WAIT_S:
        raise LimitError(f"time to wait is {wanted:g} s, it must be from 0 to {LONGEST_WAIT_S:g} s")
    return wanted
