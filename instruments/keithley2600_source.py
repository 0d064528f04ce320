"""The role of a source-measure channel, played by one SMU of a Keithley Series 2600B. Emulated only."""

import math
from typing import NamedTuple

from crossbar_hil.errors import ConfigError, InstrumentError, LimitError
from crossbar_hil.instrument import Identity, Reading, SourceMeter, SourceSettings

from .keithley2600_channel import Keithley2600Channel
from .keithley2600_pulse import (
    COMPLIANCE_BIT,
    FUNCTION,
    GAP_S,
    LEAST_WIDTH_S,
    MOST_PULSES,
    PulsingBox,
)
from .transport import allowing
from .tsp import printed

OVERRANGE = 9.9e37
"""A reading of 9.91e37 is an overrange (Keithley 2600B reference manual, smuX.measure.Y)."""
DELAY_AUTO = -1
"""The box waits before each reading for as long as the range needs to settle (same manual, smuX.measure.delay)."""
LEAST_NPLC, MOST_NPLC = 0.001, 25.0
SLOWEST_LINE_HZ = 50.0
"""Line frequency that gives the longest readings."""
CLOSE = 1e-6
"""Relative difference within which a number reads back as it was set."""


class _Setting(NamedTuple):
    """One line of what is written and then read back."""

    path: str
    value: float
    reads_back: tuple[float, float]
    """Least and most that it may read back as."""


class Keithley2600SourceMeter(SourceMeter):
    """One SMU; the channels of a box share its session.

    Parameters
    ----------
    box : PulsingBox
        The box.
    channel : Keithley2600Channel
        The SMU.
    name : str
        Name in messages, such as ``smu.a``.
    """

    has_guard = False  # the guard is always driven, but no manual page states with how much current

    def __init__(self, box: PulsingBox, channel: Keithley2600Channel, name: str) -> None:
        self.name = name
        self.least_compliance_a = channel.least_compliance_a
        self._box, self._channel = box, channel
        self._smu = f"smu{channel.id}"
        self._settings: SourceSettings | None = None

    def identify(self) -> Identity:
        """Ask who answers."""
        return self._box.identify()

    def prepare(self, settings: SourceSettings) -> None:
        """Set the channel up as a voltage source at 0 V, output off, and read every safety setting back."""
        table = self._table(settings)
        smu = self._smu
        self._settings = None
        self.output_off()
        self._box.recover()
        self._box.write(f"errorqueue.clear() {smu}.reset() localnode.prompts=0 localnode.showerrors=0")
        self._box.write(" ".join(f"{smu}.{each.path}={_written(each.value)}" for each in table))
        query = printed("errorqueue.count", *(f"{smu}.{each.path}" for each in table))
        with allowing(self._box.adapter, 1.0):
            count, *found = self._box.ask_numbers(query, 1 + len(table))
        try:
            self._box.raise_errors(count, query)
            for each, value in zip(table, found, strict=True):
                least, most = each.reads_back
                if not least - CLOSE * abs(least) <= value <= most + CLOSE * abs(most):
                    raise InstrumentError(
                        f"{self.name} was set to {each.path} = {each.value:g} but reads back {value:g}"
                    )
        except InstrumentError:
            self.output_off()
            raise
        self._settings = settings

    def enable(self) -> None:
        """Switch the output on, at 0 V."""
        self._prepared()
        self._box.command(f"{self._smu}.source.levelv=0", f"{self._smu}.source.output=1")
        if not self.output_is_on():
            raise InstrumentError(f"{self.name} was switched on but its output reads back as off")

    def set_voltage(self, voltage_v: float) -> None:
        """Source a voltage from now on."""
        self._check_voltage(voltage_v)
        self._box.command(f"{self._smu}.source.levelv={_written(voltage_v)}")

    def measure(self) -> Reading:
        """Measure the current at the present voltage."""
        settings = self._prepared()
        query = f'print(string.format("%.9e", {self._smu}.measure.i()), {self._smu}.source.compliance)'
        with allowing(self._box.adapter, 2 * settings.nplc / SLOWEST_LINE_HZ):
            current, tripped = self._box.ask_fields(query, 2)
        return Reading(self._current(self._box.number(current, query)), self._flag(tripped, query))

    def pulse(self, amplitude_v: float, width_s: float, count: int = 1) -> list[Reading]:
        """Send `count` pulses from 0 V, timed by the instrument, and return the current inside each. Never repeat it.

        A reading takes at most half of the pulse: where the integration time is longer, it is cut for the pulse.

        Raises
        ------
        LimitError
            If amplitude, width or count are out of bounds; nothing was sent.
        InstrumentError
            If the box refused, or did not send every pulse.
        """
        return self._pulses([(self, amplitude_v)], width_s, count)[0]

    def pulse_together(
        self, amplitude_v: float, other: SourceMeter, other_amplitude_v: float, width_s: float, count: int = 1
    ) -> list[tuple[Reading, Reading]]:
        """Send `count` pulses on this channel and on another one of the same instrument at the same time."""
        if not isinstance(other, Keithley2600SourceMeter) or other._box is not self._box or other._smu == self._smu:
            raise ConfigError(f"{other.name} is no other channel of the instrument of {self.name}")
        first, second = self._pulses([(self, amplitude_v), (other, other_amplitude_v)], width_s, count)
        return list(zip(first, second, strict=True))

    def output_off(self) -> None:
        """Bring the channel to 0 V and switch its output off, by writing only: no answer is waited for."""
        smu = self._smu
        self._box.blind(f"{smu}.abort() {smu}.source.levelv=0 {smu}.source.output=0")

    def output_is_on(self) -> bool:
        """Ask whether the output is on."""
        (state,) = self._box.ask_numbers(f"print({self._smu}.source.output)", 1)
        return state == 1

    def limit_tripped(self) -> bool:
        """Ask whether the source is at its current limit now."""
        query = f"print({self._smu}.source.compliance)"
        (tripped,) = self._box.ask_fields(query, 1)
        return self._flag(tripped, query)

    def close(self) -> None:
        """End the session of the whole box; outputs stay as they are."""
        self._box.close()

    # ------------------------------------------------------------------ inside

    def _table(self, settings: SourceSettings) -> list[_Setting]:
        """Return what `prepare` writes, in the order in which the box wants it."""
        channel = self._channel
        for what, value, least, most in (
            ("range_v", settings.range_v, 0.0, channel.ranges_v[-1]),
            ("compliance_a", settings.compliance_a, channel.least_compliance_a, channel.most_current_a),
            ("range_a", settings.range_a, channel.least_range_a, channel.most_current_a),
            ("nplc", settings.nplc, LEAST_NPLC, MOST_NPLC),
        ):
            if not (least <= value <= most and value > 0):
                raise ConfigError(f"{self.name} cannot have {what} = {value:g}: it takes {least:g} to {most:g}")
        if settings.guard:
            raise ConfigError(
                f"{self.name} cannot promise a guard at low impedance; its manual states no guard current"
            )
        range_v = next(each for each in channel.ranges_v if each >= settings.range_v)
        # The reference that autozero takes belongs to one integration time, so it comes last.
        return [
            _exactly("sense", 0),
            _exactly("source.func", 1),
            _exactly("source.offmode", 0),
            _exactly("source.offfunc", 1),
            _exactly("source.autorangev", 0),
            _exactly("measure.autorangei", 0),
            _exactly("source.rangev", range_v),
            _exactly("source.levelv", 0),
            _exactly("source.limiti", settings.compliance_a),
            _Setting("measure.rangei", settings.range_a, (settings.range_a, math.inf)),
            _exactly("measure.nplc", settings.nplc),
            _exactly("measure.delay", DELAY_AUTO),
            _exactly("measure.count", 1),
            _exactly("measure.filter.enable", 0),
            _Setting("measure.autozero", 1, (0, 1)),
            _exactly("source.output", 0),
        ]

    def _prepared(self) -> SourceSettings:
        if self._settings is None:
            raise LimitError(f"{self.name} has not been prepared, so nothing is sourced or measured")
        return self._settings

    def _check_voltage(self, voltage_v: float) -> None:
        most = self._prepared().range_v
        if not abs(voltage_v) <= most:
            raise LimitError(f"{self.name} was prepared for {most:g} V, so {voltage_v:g} V is refused")

    def _pulses(
        self, parts: list[tuple["Keithley2600SourceMeter", float]], width_s: float, count: int
    ) -> list[list[Reading]]:
        """Send one train on one or two channels and return the readings of each."""
        for unit, amplitude_v in parts:
            unit._check_voltage(amplitude_v)
        if not LEAST_WIDTH_S <= width_s <= 100.0:
            raise LimitError(f"{self.name} sends pulses of {LEAST_WIDTH_S:g} to 100 s, not of {width_s:g} s")
        if not 1 <= count <= MOST_PULSES:
            raise LimitError(f"{self.name} sends 1 to {MOST_PULSES} pulses at a time, not {count}")
        self._box.upload_pulses()
        channels = ", ".join(f"{unit._smu}, {_written(amplitude_v)}" for unit, amplitude_v in parts)
        query = f"{FUNCTION}({count}, {_written(width_s)}, {_written(GAP_S)}, {channels})"
        zeroing_s = 10 * max(unit._prepared().nplc for unit, _ in parts) / SLOWEST_LINE_HZ
        with allowing(self._box.adapter, count * (width_s + GAP_S) + zeroing_s):
            reply = self._box.ask(query)
        if reply.strip() == "refused":
            raise InstrumentError(f"{self.name} sent no pulse: an output is off or not at 0 V")
        return self._taken_apart(reply, query, parts, count)

    def _taken_apart(
        self, reply: str, query: str, parts: list[tuple["Keithley2600SourceMeter", float]], count: int
    ) -> list[list[Reading]]:
        fields = [self._box.number(field, query) for field in reply.split("\t")]
        errors, rest = fields[0], fields[1:]
        self._box.raise_errors(errors, query)
        found: list[list[Reading]] = []
        for unit, _ in parts:
            if not rest or rest[0] != count:
                raise InstrumentError(f"{unit.name} measured {rest[0] if rest else 0:g} of {count} pulses")
            mine, rest = rest[1 : 1 + 2 * count], rest[1 + 2 * count :]
            if len(mine) != 2 * count or not all(0 <= status < 256 for status in mine[1::2]):
                raise self._box.garbled(query, reply, f"{count} readings with their status")
            found.append(
                [
                    Reading(unit._current(current), bool(int(status) & COMPLIANCE_BIT))
                    for current, status in zip(mine[::2], mine[1::2], strict=True)
                ]
            )
        if rest:
            raise self._box.garbled(query, reply, f"{count} readings with their status")
        return found

    def _current(self, value: float) -> float:
        """Return a reading, if it is one."""
        if not abs(value) < OVERRANGE:
            raise InstrumentError(f"{self.name} measured {value:g} A, which is an overrange and no current")
        return value

    def _flag(self, field: str, query: str) -> bool:
        if field not in {"true", "false"}:
            raise self._box.garbled(query, field, "true or false")
        return field == "true"


def _exactly(path: str, value: float) -> _Setting:
    return _Setting(path, value, (value, value))


def _written(value: float) -> str:
    """Return a number as it is sent.

    >>> _written(1e-7), _written(0)
    ('1.000000000e-07', '0')
    """
    return str(value) if isinstance(value, int) else f"{value:.9e}"
