"""Source of a 2600B channel: level, limits, ranges and off states, brought to the terminals."""

import math
from collections.abc import Callable
from functools import partial

from ..lua.objects import Node, Refused, Value, choice, number
from .model import SmuModel
from .ranges import Ranges
from .terminals import Terminals

CURRENT, VOLTAGE = 0, 1
NORMAL, ZERO, HIGH_Z = 0, 1, 2
LEAST_SOURCED_A = 1e-15
OUTPUT_SETTLING_S = 100e-6
"""What DELAY_AUTO waits after a step: the order of the output settling times of the specifications (a model)."""
SOURCED_SHARE = 1.01
"""A range sources up to 101 % of its name (2600B reference manual, maximum source values)."""


class SmuSource:
    """The ``source`` object of a channel.

    A voltage source with a current limit is what the world has. A current source with a voltage limit is the same thing
    seen the other way round: a voltage source at the limit voltage that stays at its current limit.
    """

    def __init__(self, model: SmuModel, channel: str, terminals: Terminals, *, interlock: bool) -> None:
        self.model, self.channel, self.terminals, self._interlock = model, channel, terminals, interlock
        self.on = False
        self._cut = False  # OUTPUT_HIGH_Z: the relay is open whatever the off mode
        self._swept: float | None = None  # level of a sweep or pulse, in place of the programmed one
        self.step_taken: Callable[[], None] = lambda: None
        """Called when the level of an output that is on was programmed."""
        self._swept_limit = 0.0  # limit of a sweep, in place of the programmed one; 0 for that one
        self.node = node = Node()
        top_v, top_a = model.highest("v"), model.highest("i")
        node.setting("func", float(VOLTAGE), choice(CURRENT, VOLTAGE), self._reprogram)
        node.setting("levelv", 0.0, partial(self.check_level, axis="v"), self._reprogram)
        node.setting("leveli", 0.0, partial(self.check_level, axis="i"), self._reprogram)
        node.setting("limitv", model.default_limit_v, number(model.least_limit_v, top_v), self.refresh)
        node.setting("limiti", model.default_limit_a, self.check_limit, self.refresh)
        by_axis = {"v": model.volts, "i": model.source_amperes}
        self.ranges = Ranges(node, by_axis, self.range, check=self._check_range)
        node.setting("limitp", 0.0, number(0, top_v * top_a), self.refresh)
        node.setting("delay", 0.0, number(-1, 100e3))
        node.setting("offmode", float(NORMAL), choice(NORMAL, ZERO, HIGH_Z), self.refresh)
        node.setting("offfunc", float(VOLTAGE), choice(CURRENT, VOLTAGE), self.refresh)
        node.setting("offlimiti", 1e-3, number(model.least_limit_a, top_a), self.refresh)
        node.setting("offlimitv", 40.0, number(model.least_limit_v, top_v), self.refresh)
        node.attribute("output", lambda: float(self.on), self._switch)
        terminals.add(channel)
        self.refresh()

    @property
    def sources_voltage(self) -> bool:
        """Whether the channel is a voltage source."""
        return bool(self.node.values["func"])

    @property
    def axis(self) -> str:
        """What is sourced: ``v`` or ``i``."""
        return "v" if self.sources_voltage else "i"

    def level(self) -> float:
        """Return what is sourced now, in volts or amperes."""
        return float(self.node.values[f"level{self.axis}"] if self._swept is None else self._swept)

    def range(self, axis: str) -> float:
        """Return full scale of the range in use."""
        if not self.ranges.automatic(axis):
            return self.ranges.fixed[axis]
        return self.ranges.chosen(axis, self.level() if axis == self.axis else self.node.values[f"level{axis}"])

    def settle_s(self) -> float:
        """Return the delay after a change of the level, in seconds."""
        delay = float(self.node.values["delay"])
        return delay if delay >= 0 else OUTPUT_SETTLING_S

    def sweep_to(self, level: float | None, limit: float = 0.0) -> None:
        """Source a level other than the programmed one, or that one again, when changes are next applied.

        With a limit other than 0, in amperes or volts, the programmed limit does not count meanwhile.
        """
        self._swept, self._swept_limit = level, limit if level is not None else 0.0
        self._prepare()

    def check_level(self, value: Value, axis: str) -> float:
        """Check a level against the model and the safe operating area, and if it is sourced now against the rest."""
        top = self.model.highest(axis)
        level = number(-top, top)(value)
        if axis == "v":
            self._check_safe(level, self.node.values["limiti"])
        if self.on and axis == self.axis:
            self.check_output(level)
        return level

    def check_output(self, level: float) -> None:
        """Check that a level can be at the output: its range holds it, and the interlock allows that range.

        While the output is off a level may be beyond its fixed range (2600 reference manual, range considerations).
        """
        if not self.ranges.automatic(self.axis) and abs(level) > self.ranges.fixed[self.axis] * SOURCED_SHARE:
            raise Refused(5005, "Value too big for range")
        if self.sources_voltage and not self._interlock and self._range_v(level) > self.model.interlock_above_v:
            raise Refused(802, "OUTPUT blocked by interlock")

    def in_compliance(self) -> bool:
        """Return whether the limit controls the source."""
        _, _, limited = self.terminals.measure(self.channel)
        return self.on and limited == self.sources_voltage

    def refresh(self) -> None:
        """Bring the present settings to the terminals, at once."""
        self._prepare()
        self.terminals.apply()

    def reset(self) -> None:
        """Bring the settings to their defaults, output off."""
        self.on = self._cut = False
        self._swept = None
        self.node.reset()
        self.refresh()

    # ------------------------------------------------------------------ inside

    def _prepare(self) -> None:
        values = self.node.values
        level = self.level()
        if self.sources_voltage:
            limit = self._swept_limit or values["limiti"]
            volt = level
            if values["limitp"] and level:  # the lower of both (manual, smuX.source.limitY)
                limit = min(limit, values["limitp"] / abs(level))
        else:
            volt = math.copysign(self._swept_limit or values["limitv"], level)
            limit = max(abs(level), LEAST_SOURCED_A)
        off_state = "normal"
        if self._cut or values["offmode"] == HIGH_Z or (values["offmode"] == NORMAL and values["offfunc"] == CURRENT):
            off_state = "highz"
        elif values["offmode"] == ZERO:
            off_state = "zero"
        self.terminals.set(
            self.channel,
            level_v=volt,
            limit_a=limit if self.on else values["limiti"],
            on=self.on,
            off_state=off_state,
            off_limit_a=values["offlimiti"],
        )

    def _reprogram(self) -> None:
        self._swept = None
        self.refresh()
        if self.on:
            self.step_taken()

    def check_limit(self, value: Value) -> float:
        """Check a current limit against the model and the safe operating area."""
        limit = number(self.model.least_limit_a, self.model.highest("i"))(value)
        self._check_safe(self.level() if self.sources_voltage else 0.0, limit)
        return limit

    def _check_safe(self, level_v: float, limit_a: float) -> None:
        if self._range_v(level_v) > self.model.safe_below_v and limit_a > self.model.safe_limit_a:
            raise Refused(5007, "Operation would exceed safe operating area of the instrument")

    def _range_v(self, level_v: float) -> float:
        """Return what counts as voltage range: the level while the range is automatic."""
        return abs(level_v) if self.ranges.automatic("v") else self.ranges.fixed["v"]

    def _check_range(self, axis: str, wanted: float) -> None:
        if self.on and axis == self.axis and abs(self.level()) > wanted * SOURCED_SHARE:
            raise Refused(5005, "Value too big for range")
        if axis == "v" and wanted > self.model.safe_below_v and self.node.values["limiti"] > self.model.safe_limit_a:
            raise Refused(5007, "Operation would exceed safe operating area of the instrument")

    def _switch(self, value: Value) -> None:
        state = choice(0, 1, 2)(value)
        if state == 1:
            self.check_output(self.level())
        self.on, self._cut = state == 1, state == HIGH_Z
        self.refresh()
