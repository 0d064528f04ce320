"""Source of a 2600B channel: level, limits, ranges and off states, brought to the terminals."""

import math
from functools import partial

from ...world.terminals import Terminal
from ...world.world import World
from ..lua.objects import Node, Refused, Value, choice, number
from .model import SmuModel, in_ranges, range_for

CURRENT, VOLTAGE = 0, 1
NORMAL, ZERO, HIGH_Z = 0, 1, 2
LEAST_SOURCED_A = 1e-15
SOURCED_SHARE = 1.01
"""A range sources up to 101 % of its name (2600B reference manual, maximum source values)."""


class Terminals:
    """Gathers what all channels do at one instant, so that the world sees it as one change."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._changes: dict[str, dict[str, object]] = {}

    @property
    def resolution(self) -> float:
        """Step of a reading at one power-line cycle, relative to its range."""
        return self._world.resolution

    def add(self, channel: str) -> None:
        """Add a channel, switched off."""
        self._world.add_source(channel, Terminal())

    def set(self, channel: str, **changes: object) -> None:
        """Change a channel when the gathered changes are next applied."""
        self._changes.setdefault(channel, {}).update(changes)

    def apply(self) -> None:
        """Apply what was gathered."""
        if self._changes:
            changes, self._changes = self._changes, {}
            self._world.set_terminals(changes)

    def measure(self, channel: str) -> tuple[float, float, bool]:
        """Return current, voltage and whether the channel is at its current limit."""
        self.apply()
        ampere, limited = self._world.measure(channel)
        return ampere, self._world.volt(f"{channel}.hi"), limited


class SmuSource:
    """The ``source`` object of a channel.

    A voltage source with a current limit is what the world has. A current source with a voltage limit is the same thing
    seen the other way round: a voltage source at the limit voltage that stays at its current limit.
    """

    def __init__(self, model: SmuModel, channel: str, terminals: Terminals, *, interlock: bool) -> None:
        self.model, self.channel, self._terminals, self._interlock = model, channel, terminals, interlock
        self.on = False
        self._cut = False  # OUTPUT_HIGH_Z: the relay is open whatever the off mode
        self._swept: float | None = None  # level of a sweep or pulse, in place of the programmed one
        self._swept_limit = 0.0  # limit of a sweep, in place of the programmed one; 0 for that one
        self.node = node = Node()
        top_v, top_a = model.highest_level_v, model.highest_level_a
        node.setting("func", float(VOLTAGE), choice(CURRENT, VOLTAGE), self._reprogram)
        node.setting("levelv", 0.0, partial(self.check_level, axis="v"), self._reprogram)
        node.setting("leveli", 0.0, partial(self.check_level, axis="i"), self._reprogram)
        node.setting("limitv", model.default_limit_v, number(model.least_limit_v, top_v), self.refresh)
        node.setting("limiti", model.default_limit_a, self.check_limit, self.refresh)
        node.setting("limitp", 0.0, number(0, 1000), self.refresh)
        for axis, ranges in (("v", model.volts), ("i", model.source_amperes)):
            node.attribute(
                f"range{axis}",
                partial(self.range, axis),
                partial(self._fix_range, axis),
            )
            node.setting(f"autorange{axis}", 1.0, partial(self._autorange, axis))
            node.setting(f"lowrange{axis}", ranges[0], in_ranges(ranges))
        node.setting("delay", 0.0, number(-1, 100e3))
        node.setting("highc", 0.0, choice(0, 1))
        node.settings(choice(0, 1), sink=0.0)
        node.settings(number(0, 3), settling=0.0, outputenableaction=0.0)
        node.setting("offmode", float(NORMAL), choice(NORMAL, ZERO, HIGH_Z), self.refresh)
        node.setting("offfunc", float(VOLTAGE), choice(CURRENT, VOLTAGE), self.refresh)
        node.setting("offlimiti", 1e-3, number(model.least_limit_a, top_a), self.refresh)
        node.setting("offlimitv", 40.0, number(model.least_limit_v, top_v), self.refresh)
        node.attribute("output", lambda: float(self.on), self._switch)
        node.attribute("compliance", self.in_compliance)
        self._fixed = {"v": model.volts[0], "i": model.source_amperes[0]}
        terminals.add(channel)
        self.refresh()

    @property
    def sources_voltage(self) -> bool:
        """Whether the channel is a voltage source."""
        return bool(self.node.values["func"])

    def level(self) -> float:
        """Return what is sourced now, in volts or amperes."""
        return self._programmed() if self._swept is None else self._swept

    def range(self, axis: str) -> float:
        """Return full scale of the range in use."""
        if not self.node.values[f"autorange{axis}"]:
            return self._fixed[axis]
        ranges = self.model.volts if axis == "v" else self.model.source_amperes
        matches = self.sources_voltage == (axis == "v")
        level = self.level() if matches else self.node.values[f"level{axis}"]
        return max(range_for(level, ranges), self.node.values[f"lowrange{axis}"])

    def settle_s(self) -> float:
        """Return the delay after a change of the level, in seconds."""
        return max(float(self.node.values["delay"]), 0.0)

    def sweep_to(self, level: float | None, limit: float = 0.0) -> None:
        """Source a level other than the programmed one, or that one again, when changes are next applied.

        With a limit other than 0, in amperes or volts, the programmed limit does not count meanwhile.
        """
        self._swept, self._swept_limit = level, limit if level is not None else 0.0
        self._prepare()

    def check_level(self, value: Value, axis: str) -> float:
        """Check a level against the model and the safe operating area, and if it is sourced now against the rest."""
        top = self.model.highest_level_v if axis == "v" else self.model.highest_level_a
        level = number(-top, top)(value)
        if axis == "v":
            self._check_safe(level, self.node.values["limiti"])
        if self.on and self.sources_voltage == (axis == "v"):
            self.check_output(level)
        return level

    def check_output(self, level: float) -> None:
        """Check that a level can be at the output: its range holds it, and the interlock allows that range.

        While the output is off a level may be beyond its fixed range (2600 reference manual, range considerations).
        """
        axis = "v" if self.sources_voltage else "i"
        fixed = not self.node.values[f"autorange{axis}"]
        if fixed and abs(level) > self._fixed[axis] * SOURCED_SHARE:
            raise Refused(5005, "Value too big for range")
        if axis == "v":
            self._check_interlock(level)

    def in_compliance(self) -> bool:
        """Return whether the limit controls the source."""
        _, _, limited = self._terminals.measure(self.channel)
        return self.on and limited == self.sources_voltage

    def refresh(self) -> None:
        """Bring the present settings to the terminals, at once."""
        self._prepare()
        self._terminals.apply()

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
            if values["limitp"] and level:
                limit = min(limit, values["limitp"] / abs(level))
            volt = level
        else:
            volt = math.copysign(self._swept_limit or values["limitv"], level)
            limit = max(abs(level), LEAST_SOURCED_A)
        off_state = "normal"
        if self._cut or values["offmode"] == HIGH_Z or (values["offmode"] == NORMAL and values["offfunc"] == CURRENT):
            off_state = "highz"
        elif values["offmode"] == ZERO:
            off_state = "zero"
        self._terminals.set(
            self.channel,
            level_v=volt,
            limit_a=limit if self.on else values["limiti"],
            on=self.on,
            off_state=off_state,
            off_limit_a=values["offlimiti"],
        )

    def _programmed(self) -> float:
        return float(self.node.values["levelv" if self.sources_voltage else "leveli"])

    def _reprogram(self) -> None:
        self._swept = None
        self.refresh()

    def check_limit(self, value: Value) -> float:
        """Check a current limit against the model and the safe operating area."""
        limit = number(self.model.least_limit_a, self.model.highest_level_a)(value)
        self._check_safe(self.level() if self.sources_voltage else 0.0, limit)
        return limit

    def _check_safe(self, level_v: float, limit_a: float) -> None:
        range_v = level_v if self.node.values["autorangev"] else self._fixed["v"]
        if abs(range_v) > self.model.safe_below_v and limit_a > self.model.safe_limit_a:
            raise Refused(5007, "Operation would exceed safe operating area of the instrument")

    def _check_interlock(self, level_v: float) -> None:
        range_v = level_v if self.node.values["autorangev"] else self._fixed["v"]
        if not self._interlock and abs(range_v) > self.model.interlock_above_v:
            raise Refused(802, "OUTPUT blocked by interlock")

    def _autorange(self, axis: str, value: Value) -> float:
        """Check the setting; a range that is no longer automatic stays what it is."""
        wanted = choice(0, 1)(value)
        if not wanted:
            self._fixed[axis] = self.range(axis)
        return wanted

    def _fix_range(self, axis: str, value: Value) -> None:
        ranges = self.model.volts if axis == "v" else self.model.source_amperes
        found = in_ranges(ranges)(value)
        sourced = self.on and self.sources_voltage == (axis == "v")
        if sourced and abs(self.level()) > found * SOURCED_SHARE:
            raise Refused(5005, "Value too big for range")
        if axis == "v" and found > self.model.safe_below_v and self.node.values["limiti"] > self.model.safe_limit_a:
            raise Refused(5007, "Operation would exceed safe operating area of the instrument")
        self._fixed[axis] = found
        self.node.values[f"autorange{axis}"] = 0.0

    def _switch(self, value: Value) -> None:
        state = choice(0, 1, 2)(value)
        if state == 1:
            self.check_output(self.level())
        self.on, self._cut = state == 1, state == HIGH_Z
        self.refresh()
