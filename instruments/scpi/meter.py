"""What a SCPI source channel does in a read: go to a voltage, see that it is there, and measure, in one message.

An instrument that refuses a line may throw away the rest of its message, and then no answer comes. So a voltage is
compared with what the channel was prepared for before it is sent.
"""

import math
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from itertools import islice

from crossbar_hil.errors import InstrumentError, LimitError
from crossbar_hil.instrument import FASTEST_LINE_HZ, IMPOSSIBLE, Reading, SourceMeter, SourceSettings

from ..transport.adapter import allowing
from ..transport.overlapped import begin_by_box, fetch_by_box
from .answers import flag
from .bounds import check_within
from .instrument import ScpiInstrument

MOST_READINGS = 20
"""So many readings that only let time pass are asked for in one message; more one by one."""
SLOWEST_LINE_HZ = 50.0
"""Line frequency that gives the longest readings."""


class ScpiMeter(SourceMeter):
    """The part of a source channel that reads; a model says how it is asked."""

    number: int | str = ""
    """Number of the channel in commands; none where there is only one."""

    _settings: SourceSettings | None = None

    def set_voltage(self, voltage_v: float) -> None:
        """Source a voltage from now on."""
        self._check_voltage(voltage_v)
        self._unit.set_and_read_back(f":SOUR{self.number}:VOLT", voltage_v)

    def measure(self) -> Reading:
        """Measure the current at the present voltage, and ask whether it is limited."""
        return self._measured(())[0]

    def measure_beside(self, others: Sequence[SourceMeter]) -> tuple[Reading, list[bool]]:
        """Measure the current, and ask for all limits in one message where the sources share the instrument."""
        return self._measured(others)

    def begin_beside(self, others: Sequence[SourceMeter] = ()) -> None:
        """Begin readings of the channels of this instrument, then of the others."""
        begin_by_box([self, *others], self._is_here, self._begin_readings)

    def fetch_beside(
        self, others: Sequence[SourceMeter] = (), asked: Sequence[SourceMeter] = ()
    ) -> tuple[list[Reading], list[bool]]:
        """Wait until the readings have ended; fetch those of this instrument, with all limits, in one message."""
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
        """Source a voltage, ask for it, measure, ask for all limits, and rest at 0 V, in one message.

        The rest are readings at 0 V; where it takes many, it is by itself.
        """
        if not isinstance(source, ScpiMeter) or source._unit is not self._unit:
            return super().measure_at(voltage_v, source, others, rest_s=rest_s, nplc=nplc)
        source._check_voltage(voltage_v)
        count = None if rest_s is None else _readings_in(rest_s, nplc)
        if count is not None and count > MOST_READINGS:
            found = self._measured(others, source, voltage_v)
            source.set_voltage(0.0)
            source.wait(rest_s or 0.0, nplc)
            return found
        with allowing(self._unit.adapter, (count or 0) * nplc / SLOWEST_LINE_HZ):
            return self._measured(others, source, voltage_v, count)

    def wait(self, seconds: float, nplc: float = 1.0) -> None:
        """Take readings for so long, which the instrument times."""
        for _ in range(_readings_in(seconds, nplc)):
            self._pass(self.measure())

    def limit_then_rest(self, seconds: float, nplc: float = 1.0) -> bool:
        """Ask whether the source is at its limit, go to 0 V, ask for that, and take readings there, in one message."""
        count = _readings_in(seconds, nplc)
        if count > MOST_READINGS:
            return super().limit_then_rest(seconds, nplc)
        self._check_voltage(0.0)
        parts = [self._limit_query(), *self._to(0.0), *self._reading_queries() * count]
        with allowing(self._unit.adapter, count * nplc / SLOWEST_LINE_HZ):
            answers = iter(self._unit.ask_in_turn(parts))
        at_limit = self._unit.parse_answer(parts[0], next(answers), flag)
        self._rested(answers, count)
        return at_limit

    def limit_tripped(self) -> bool:
        """Ask whether the source is at its current limit now."""
        return self._unit.query(self._limit_query(), flag)

    # ------------------------------------------------------------------ what a model says

    @property
    @abstractmethod
    def _unit(self) -> ScpiInstrument:
        """Get the instrument that the channel belongs to."""

    @abstractmethod
    def _reading_queries(self) -> list[str]:
        """Return the questions that make a reading of the present voltage."""

    @abstractmethod
    def _reading_of(self, answers: Sequence[str]) -> Reading:
        """Return the reading that the answers to them make."""

    @abstractmethod
    def _start_readings(self, channels: Sequence["ScpiMeter"]) -> None:
        """Begin a reading on channels of this instrument; nothing is waited for."""

    @abstractmethod
    def _fetch_queries(self) -> list[str]:
        """Return the questions that wait for a reading which was begun and fetch it, with the limit of the channel."""

    @abstractmethod
    def _fetched(self, answers: Sequence[str]) -> Reading:
        """Return the reading that the answers to them make; an InstrumentError if it is not the one that was begun."""

    @abstractmethod
    def _limit_query(self) -> str:
        """Return how the channel is asked whether it is at its current limit now."""

    # ------------------------------------------------------------------ inside

    def _is_here(self, other: SourceMeter) -> bool:
        """Say whether a channel is one of this instrument."""
        return isinstance(other, ScpiMeter) and other._unit is self._unit

    def _begin_readings(self, channels: Sequence[SourceMeter]) -> None:
        here = [each for each in channels if isinstance(each, ScpiMeter)]
        for each in here:
            each._prepared()
        self._start_readings(here)

    def _fetch_readings(
        self, channels: Sequence[SourceMeter], asked: Sequence[SourceMeter]
    ) -> tuple[list[Reading], list[bool]]:
        """Fetch the readings of channels of this instrument that were begun, one each, and the limits of some."""
        here = [each for each in channels if isinstance(each, ScpiMeter)]
        limits = [each._limit_query() for each in asked if isinstance(each, ScpiMeter)]
        queries = [each._fetch_queries() for each in here]
        most_s = 2 * max(each._prepared().nplc for each in here) / SLOWEST_LINE_HZ
        with allowing(self._unit.adapter, most_s):
            answers = iter(self._unit.ask_in_turn([*(one for each in queries for one in each), *limits]))
        parts = [list(islice(answers, len(each))) for each in queries]
        readings = [each._fetched(part) for each, part in zip(here, parts, strict=True)]
        return readings, [self._unit.parse_answer(limit, next(answers), flag) for limit in limits]

    def _measured(
        self,
        others: Sequence[SourceMeter],
        driven: "ScpiMeter | None" = None,
        voltage_v: float = 0.0,
        readings_of_rest: int | None = None,
    ) -> tuple[Reading, list[bool]]:
        """Measure in one message: at the present voltages, or at a new one of a source, which may rest afterwards."""
        self._prepared()
        unit, asked = self._unit, self._reading_queries()
        here = {id(each): each._limit_query() for each in others if isinstance(each, ScpiMeter) and each._unit is unit}
        parts = [*asked, *here.values()]
        if driven is not None:
            parts = [*driven._to(voltage_v), *parts]
            if readings_of_rest is not None:
                parts += [*driven._to(0.0), *driven._reading_queries() * readings_of_rest]
        answers = iter(unit.ask_in_turn(parts))
        if driven is not None:
            driven._compare(voltage_v, answers)
        mine = list(islice(answers, len(asked)))
        known = {each: unit.parse_answer(query, next(answers), flag) for each, query in here.items()}
        if driven is not None and readings_of_rest is not None:
            driven._rested(answers, readings_of_rest)
        reading = self._reading_of(mine)
        return reading, [known[id(each)] if id(each) in known else each.limit_tripped() for each in others]

    def _to(self, voltage_v: float) -> list[str]:
        """Return what brings the source to a voltage and asks for it."""
        return [f":SOUR{self.number}:VOLT {voltage_v:.9e}", f":SOUR{self.number}:VOLT?"]

    def _compare(self, voltage_v: float, answers: Iterator[str]) -> None:
        """Compare the next of some answers with the voltage that it must be."""
        line, query = self._to(voltage_v)
        self._unit.compare({query: voltage_v}, [next(answers)], line)

    def _rested(self, answers: Iterator[str], readings: int) -> None:
        """Look at the next of some answers, which are 0 V and so many readings."""
        self._compare(0.0, answers)
        for _ in range(readings):
            self._pass(self._reading_of(list(islice(answers, len(self._reading_queries())))))

    def _pass(self, reading: Reading) -> None:
        """Look at a reading that only let time pass."""
        limit_a = self._prepared().compliance_a
        if abs(reading.current_a) > IMPOSSIBLE * limit_a:
            raise InstrumentError(
                f"{self.name} measured {reading.current_a:g} A at 0 V, which its limit of {limit_a:g} A rules out"
            )

    def _check_voltage(self, voltage_v: float) -> None:
        most = self._prepared().range_v
        if not abs(voltage_v) <= most:
            check_within(voltage_v, -most, most, f"{self.name}: voltage", "V")

    def _prepared(self) -> SourceSettings:
        if self._settings is None:
            raise LimitError(f"{self.name} has not been prepared, so nothing is sourced or measured")
        return self._settings


def _readings_in(seconds: float, nplc: float) -> int:
    """Return how many readings last so long at least."""
    return math.ceil(seconds * FASTEST_LINE_HZ / nplc)
