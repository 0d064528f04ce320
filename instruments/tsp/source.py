"""The role of a source-measure channel, played by one SMU of a Keithley Series 2600B. Emulated only."""

import math
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace

from crossbar_hil.errors import ConfigError, InstrumentError, LimitError, OverrangeError
from crossbar_hil.instrument import Identity, PulseMemory, Reading, SourceMeter, SourceSettings
from crossbar_hil.text import quantity

from ..settings.limits2600 import LEAST_NPLC, MOST_NPLC
from ..settings.setting import Chosen
from ..transport.adapter import allowing
from ..transport.instrument import off_after_a_failure
from ..transport.overlapped import begin_by_box, fetch_by_box
from .channel import Keithley2600Channel
from .overlapped import FIELDS_OF_READING, begin_line, fetch_line, limit_of
from .pulse import COMPLIANCE_BIT, FUNCTION, GAP_S, LEAST_WIDTH_S, MEMORY, MOST_PULSES, PulsingBox
from .values import holds, number_text
from .watched import WatchedSettings

OVERRANGE = 9.9e37
"""A reading of 9.91e37 is an overrange (Keithley 2600B reference manual, smuX.measure.Y)."""
SLOWEST_LINE_HZ = 50.0
"""Line frequency that gives the longest readings."""
RESET_S = 1.0
"""What a reset and an autozero may take beyond the deadline of an exchange, in seconds; an assumption."""


class Keithley2600SourceMeter(SourceMeter):
    """One SMU; the channels of a box share its session.

    Parameters
    ----------
    name : str
        Name in messages, such as ``smu.a``.
    """

    has_guard = False  # the guard is always driven, but no manual page states with how much current
    shortest_pulse_s = LEAST_WIDTH_S

    def __init__(self, box: PulsingBox, channel: Keithley2600Channel, name: str) -> None:
        self.name = name
        self.least_compliance_a = box.limits.least_compliance_a
        self._box, self._letter = box, channel.id
        self._smu = f"smu{channel.id}"
        self._watched = WatchedSettings(box, channel.id, name)
        self._settings: SourceSettings | None = None
        self._number = ("", 0)

    def identify(self) -> Identity:
        """Ask who answers."""
        return self._box.identify()

    def check(self, settings: SourceSettings) -> None:
        """Refuse settings that the model cannot have, those of reads and those of pulses; nothing is sent."""
        for range_a in (settings.range_a, settings.range_of_reads_a):
            self._chosen(replace(settings, range_a=range_a))

    def pulses_with(self, other: SourceMeter) -> bool:
        """Say whether another channel is the other one of this box."""
        return isinstance(other, Keithley2600SourceMeter) and other._box is self._box and other._smu != self._smu

    def prepare(self, settings: SourceSettings) -> None:
        """Set the channel up as a voltage source at 0 V, output off, and read every setting back."""
        chosen = self._chosen(settings)
        self._settings = None
        self.output_off()
        with off_after_a_failure(self):
            self._box.quieten()
            with allowing(self._box.adapter, RESET_S):
                self._box.command(f"{self._smu}.reset()")
                self._watched.write(chosen)
        self._settings = settings

    def set_range(self, range_a: float) -> None:
        """Fix the smallest measure range that holds a current, and read it back."""
        self._watched.write_range(self._chosen(replace(self._prepared(), range_a=range_a)))

    def enable(self) -> None:
        """Switch the output on, at 0 V."""
        self._prepared()
        self._box.command(f"{self._smu}.source.levelv=0", f"{self._smu}.source.output=1")
        if not self.output_is_on():
            raise InstrumentError(f"{self.name} was switched on but its output reads back as off")

    def set_voltage(self, voltage_v: float) -> None:
        """Source a voltage from now on."""
        self._check_voltage(voltage_v)
        path = f"{self._smu}.source.levelv"
        query = f"{path}={number_text(voltage_v)} print({path})"
        (found,) = self._box.ask_numbers(query, 1)  # a level that got lost would be there when a relay moves
        self._check_level(voltage_v, found, query)

    def measure(self) -> Reading:
        """Measure the current at the present voltage."""
        return self._measured((), None)[0]

    def measure_beside(self, others: Sequence[SourceMeter]) -> tuple[Reading, list[bool]]:
        """Measure the current, and ask for all limits in the same exchange where the sources share the box."""
        return self._measured(others, None)

    def begin_beside(self, others: Sequence[SourceMeter] = ()) -> None:
        """Begin readings in the background, those of this box in one line; the buffers are empty until they end."""
        begin_by_box([self, *others], self._is_here, self._begin_readings)

    def fetch_beside(
        self, others: Sequence[SourceMeter] = (), asked: Sequence[SourceMeter] = ()
    ) -> tuple[list[Reading], list[bool]]:
        """Wait until the readings have ended, and fetch those of this box, with all limits, in one exchange."""
        return fetch_by_box([self, *others], asked, self._is_here, self._fetch_readings)

    def measure_at(
        self,
        voltage_v: float,
        source: SourceMeter,
        others: Sequence[SourceMeter] = (),
        *,
        rest_s: float | None = None,
        nplc: float = 1.0,
    ) -> tuple[Reading, list[bool]]:
        """Source a voltage, ask for the level, measure, ask for all limits, and rest at 0 V, in one exchange."""
        if not isinstance(source, Keithley2600SourceMeter) or source._box is not self._box:
            return super().measure_at(voltage_v, source, others, rest_s=rest_s, nplc=nplc)
        source._check_voltage(voltage_v)
        return self._measured(others, source, voltage_v, rest_s)

    def limit_then_rest(self, seconds: float, nplc: float = 1.0) -> bool:  # noqa: ARG002 - the box has a delay of its own
        """Ask whether the source is at its limit, go to 0 V, wait, and ask for level and errors, in one exchange."""
        self._check_voltage(0.0)
        path = f"{self._smu}.source.levelv"
        query = (
            f"local limited={self._smu}.source.compliance {path}=0 delay({seconds:.6f}) "
            f"print({path}, errorqueue.count, limited)"
        )
        with allowing(self._box.adapter, seconds):
            *found, limited = self._box.ask_fields(query, 3)
        level, errors = [self._box.number(each, query) for each in found]
        at_limit = self._flag(limited, query)
        self._box.raise_errors(errors, query)
        self._check_level(0.0, level, query)
        return at_limit

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
        if not isinstance(other, Keithley2600SourceMeter) or not self.pulses_with(other):
            raise ConfigError(f"{other.name} is no other channel of the instrument of {self.name}")
        first, second = self._pulses([(self, amplitude_v), (other, other_amplitude_v)], width_s, count)
        return list(zip(first, second, strict=True))

    def number_next(self, token: str, sequence: int) -> None:
        """Give the pulses that are sent next a number."""
        if not (token.isascii() and token.isalnum()):
            raise LimitError(f"{self.name} takes letters and digits for the name of a run, not {token!r}")
        self._number = token, int(sequence)

    def pulse_memory(self, token: str) -> PulseMemory | None:
        """Ask which numbered pulses of a run were sent last; None if the box does not remember the run."""
        self._box.recover()
        numbers = (f'string.format("%d", {MEMORY}_{each} or 0)' for each in ("begun", "done"))
        query = f"print(tostring({MEMORY}_run), {', '.join(numbers)})"
        run, begun, done = self._box.ask_fields(query, 3)
        if run != token:
            return None
        return PulseMemory(int(self._box.number(begun, query)), int(self._box.number(done, query)))

    def output_off(self) -> None:
        """Bring the channel to 0 V and switch its output off, by writing only: no answer is waited for.

        A script that still runs, such as a pulse train whose answer was given up, is stopped first: the box carries
        nothing else out while it runs (same manual, "abort"). One that somebody made a current source is one of voltage
        again: a level of 0 V says nothing of it.
        """
        smu = self._smu
        self._box.blind(
            "abort", f"{smu}.abort()", f"{smu}.source.levelv=0", f"{smu}.source.func=1", f"{smu}.source.output=0"
        )

    def output_is_on(self) -> bool:
        """Ask whether the output is on."""
        query = f"print({self._smu}.source.output)"
        (state,) = self._box.ask_numbers(query, 1)
        if state not in {0, 1}:
            raise self._box.garbled_reply(query, f"{state:g}", "0 or 1")
        return state == 1

    def limit_tripped(self) -> bool:
        """Ask whether the source is at its current limit now."""
        query = f"print({self._smu}.source.compliance)"
        (tripped,) = self._box.ask_fields(query, 1)
        return self._flag(tripped, query)

    def changes(self, *, pulsing: bool = False) -> list[str]:
        """Ask in one exchange for all settings, or for those that shape a pulse, and for the error queue.

        The first time since `prepare` has the box remember them.
        """
        return self.changes_beside((), pulsing=pulsing)

    def changes_beside(self, others: Sequence[SourceMeter], *, pulsing: bool = False) -> list[str]:
        """Ask this channel and others; those of the same box in one exchange."""
        here = self._here(others)
        for each in (self, *here):
            each._prepared()
        found = self._watched.changes([each._watched for each in here], pulsing=pulsing)
        return found + [change for each in others if each not in here for change in each.changes(pulsing=pulsing)]

    train_widths = (1, 0)  # a pulse is timed by itself, the gap after it is fixed

    def clock_s(self) -> float:
        """Ask the timer of the box, in seconds since it was reset (timer.measure.t())."""
        query = 'print(string.format("%.9e", timer.measure.t()))'
        return self._box.number(self._box.ask(query), query)

    def wait(self, seconds: float, nplc: float = 1.0) -> None:  # noqa: ARG002 - the box has a delay of its own
        """Let the box wait, and have it say so: a wait that got lost on the way would be none."""
        query = f"delay({seconds:.6f}) print(errorqueue.count)"
        with allowing(self._box.adapter, seconds):
            self._box.raise_errors(self._box.number(self._box.ask(query), query), query)

    def recover(self) -> None:
        """Bring the session of the box in step if it is suspect."""
        self._box.recover()

    def hurried(self, share: float) -> AbstractContextManager[None]:
        """Give all exchanges in the block together a share of the deadline of one."""
        return self._box.hurried(share)

    def close(self) -> None:
        """End the session of the whole box; outputs stay as they are."""
        self._box.close()

    # ------------------------------------------------------------------ inside

    def _chosen(self, settings: SourceSettings) -> Chosen:
        """Return what is asked of the channel, with the ranges of the model that hold it."""
        limits = self._box.limits
        for what, unit, value, least, most in (
            ("range_v", "V", settings.range_v, 0.0, limits.ranges_v[-1]),
            ("compliance_a", "A", settings.compliance_a, limits.least_compliance_a, limits.most_current_a),
            ("range_a", "A", settings.range_a, limits.least_range_a, limits.most_current_a),
            ("nplc", "", settings.nplc, LEAST_NPLC, MOST_NPLC),
        ):
            if not (least <= value <= most and value > 0):
                told, low, high = (quantity(each, unit, 6) for each in (value, least, most))
                raise ConfigError(f"{self.name} cannot have {what} = {told}: it takes {low} to {high}")
        if settings.guard:
            raise ConfigError(
                f"{self.name} cannot promise a guard at low impedance; its manual states no guard current"
            )
        range_v = next(each for each in limits.ranges_v if each >= settings.range_v)
        if range_v > limits.full_power_v and settings.compliance_a > limits.most_high_a:
            raise ConfigError(
                f"{self.name} cannot have compliance_a = {quantity(settings.compliance_a, 'A', 6)} on its "
                f"{range_v:g} V range, which takes up to {quantity(limits.most_high_a, 'A', 6)}; with range_v up to "
                f"{limits.full_power_v:g} V it can"
            )
        return Chosen(settings, range_v, settings.range_a, self._letter)

    def _prepared(self) -> SourceSettings:
        if self._settings is None:
            raise LimitError(f"{self.name} has not been prepared, so nothing is sourced or measured")
        return self._settings

    def _check_voltage(self, voltage_v: float) -> None:
        most = self._prepared().range_v
        if not abs(voltage_v) <= most:
            raise LimitError(f"{self.name} was prepared for {most:g} V, so {voltage_v:g} V is refused")

    def _measured(
        self,
        others: Sequence[SourceMeter],
        driven: "Keithley2600SourceMeter | None",
        voltage_v: float = 0.0,
        rest_s: float | None = None,
    ) -> tuple[Reading, list[bool]]:
        """Measure in one exchange: at the present levels, or at a new one of a source, which may rest afterwards."""
        settings = self._prepared()
        here = self._here(others)
        parts = [f"{self._smu}.measure.i()", *(limit_of(each._smu) for each in (self, *here))]
        query, least_s = f"print({', '.join(parts)})", 2 * settings.nplc / SLOWEST_LINE_HZ
        if driven is not None:
            query = driven._at_level(voltage_v, parts, rest_s)
        extra = (driven is not None) + 2 * (rest_s is not None)
        with allowing(self._box.adapter, least_s + (rest_s or 0.0)):
            fields = self._box.ask_fields(query, extra + len(parts))
        *levels, current = [self._box.number(each, query) for each in fields[: extra + 1]]
        tripped = [self._flag(each, query) for each in fields[extra + 1 :]]
        if driven is not None:
            driven._check_levels(voltage_v, levels, query)
        reading = Reading(self._current(current), tripped[0])
        known = dict(zip(map(id, here), tripped[1:], strict=True))
        return reading, [known[id(each)] if id(each) in known else each.limit_tripped() for each in others]

    def _is_here(self, other: SourceMeter) -> bool:
        """Say whether a channel is in this box."""
        return isinstance(other, Keithley2600SourceMeter) and other._box is self._box

    def _here(self, others: Sequence[SourceMeter]) -> list["Keithley2600SourceMeter"]:
        """Return those of some channels that are in this box."""
        return [each for each in others if isinstance(each, Keithley2600SourceMeter) and self._is_here(each)]

    def _begin_readings(self, channels: Sequence[SourceMeter]) -> None:
        units = self._here(channels)
        for each in units:
            each._prepared()
        query = begin_line([each._smu for each in units])
        self._box.raise_errors(self._box.number(self._box.ask(query), query), query)

    def _fetch_readings(
        self, channels: Sequence[SourceMeter], asked: Sequence[SourceMeter]
    ) -> tuple[list[Reading], list[bool]]:
        """Fetch the readings of channels of this box that were begun, one each, and the limits of some."""
        units, others = self._here(channels), self._here(asked)
        query = fetch_line([each._smu for each in units], [each._smu for each in others])
        least_s = 2 * max(each._prepared().nplc for each in units) / SLOWEST_LINE_HZ
        with allowing(self._box.adapter, least_s):
            fields = self._box.ask_fields(query, FIELDS_OF_READING * len(units) + len(others))
        readings = []
        for place, each in enumerate(units):
            count, current, limited = fields[FIELDS_OF_READING * place :][:FIELDS_OF_READING]
            if (number := self._box.number(count, query)) != 1:
                self._box.check_errors(query)
                raise InstrumentError(f"{each.name} has {number:g} readings where one was begun")
            readings.append(Reading(each._current(self._box.number(current, query)), self._flag(limited, query)))
        return readings, [self._flag(each, query) for each in fields[FIELDS_OF_READING * len(units) :]]

    def _at_level(self, voltage_v: float, parts: Sequence[str], rest_s: float | None) -> str:
        """Return a line that goes to a level and prints it and some parts, at rest after the new level and errors."""
        path = f"{self._smu}.source.levelv"
        line, found = f"{path}={number_text(voltage_v)}", ", ".join([path, *parts])
        if rest_s is None:
            return f"{line} print({found})"
        rest = f"{path}=0 delay({rest_s:.6f}) print({path}, errorqueue.count, unpack(found))"
        return f"{line} local found={{{found}}} {rest}"

    def _check_levels(self, voltage_v: float, found: Sequence[float], query: str) -> None:
        """Compare what `_at_level` prints before the parts with what it must be."""
        *after, level = found
        self._check_level(voltage_v, level, query)
        if after:
            self._box.raise_errors(after[1], query)
            self._check_level(0.0, after[0], query)

    def _check_level(self, voltage_v: float, found: float, query: str) -> None:
        if not holds((voltage_v, voltage_v), found):
            self._box.check_errors(query)
            raise InstrumentError(f"{self.name} was set to {voltage_v:g} V but reads back {found:g} V")

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
        units = [unit for unit, _ in parts]
        run, number = parts[0][0]._number
        with off_after_a_failure(*units):
            # The run first: if the function cannot be stored then, the box can say that it has begun nothing.
            self._box.begin_run(run)
            for unit in units:
                changed = [] if unit._watched.remembered() else unit._watched.remember()
                if changed:
                    raise InstrumentError(f"{'; '.join(changed)}; no pulse was sent")
        channels = ", ".join(f"{unit._smu}, {number_text(amplitude_v)}" for unit, amplitude_v in parts)
        query = f'{FUNCTION}("{run}", {number}, {count}, {number_text(width_s)}, {number_text(GAP_S)}, {channels})'
        zeroing_s = 10 * max(unit._prepared().nplc for unit, _ in parts) / SLOWEST_LINE_HZ
        with off_after_a_failure(*units), allowing(self._box.adapter, count * (width_s + GAP_S) + zeroing_s):
            reply = self._box.ask(query)
        if reply.strip() == "repeated":
            raise InstrumentError(f"{self.name} refuses pulses {number}: it has begun them before and sent nothing now")
        if reply.startswith("changed\t"):
            self._refuse_changed(reply, query, units)
        with off_after_a_failure(*units):
            return self._parse_pulses(reply, query, parts, count)

    def _refuse_changed(self, reply: str, query: str, units: Sequence["Keithley2600SourceMeter"]) -> None:
        """Raise the error for an answer that says what has changed."""
        _, unit, place, text = (reply.split("\t") + [""] * 4)[:4]
        number = self._box.number(unit, query)
        if number not in range(1, len(units) + 1):
            raise self._box.garbled_reply(query, reply, "a setting that has changed")
        changed = units[int(number) - 1]
        told = changed._watched.told(self._box.number(place, query), text, query)
        raise InstrumentError(f"{changed.name} sent no pulse: {told}")

    def _parse_pulses(
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
                raise self._box.garbled_reply(query, reply, f"{count} readings with their status")
            found.append(
                [
                    Reading(unit._current(current), bool(int(status) & COMPLIANCE_BIT))
                    for current, status in zip(mine[::2], mine[1::2], strict=True)
                ]
            )
        if rest:
            raise self._box.garbled_reply(query, reply, f"{count} readings with their status")
        return found

    def _current(self, value: float) -> float:
        """Return a reading, if it is one."""
        if not math.isfinite(value):
            raise InstrumentError(f"{self.name} measured {value:g} A, which is no number")
        if abs(value) >= OVERRANGE:
            raise OverrangeError(f"{self.name} measured {value:g} A, which is an overrange and no current")
        return value

    def _flag(self, field: str, query: str) -> bool:
        if field not in {"true", "false"}:
            raise self._box.garbled_reply(query, field, "true or false")
        return field == "true"
