"""How cells are programmed, as a record keeps it: range, tolerance, budget, reads."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from crossbar_hil import defaults
from crossbar_hil.backend import Pulse
from crossbar_hil.errors import ConfigError
from crossbar_hil.tables import Second, Share, Siemens, Table, Volt, Whole

TOLERANCE, RESET_TOLERANCE = 0.01, 0.05
"""Share of the range; a reset is nearer to the low end of a curve, where a depressing pulse does least."""
PULSES = 60
"""Most pulses for each cell."""
MOST_READS = 20
"""Reads of each cell between two bursts, at most, of those that noise asks for."""


class ProgramSettings(Table):
    """``[program]`` of a record: what was asked of the cells, and with what."""

    purpose: Literal["program", "reset"] = "program"
    targets: str = ""
    """Where the targets come from, in words."""
    tolerance: Annotated[Share, Field(gt=0, lt=1)] = TOLERANCE
    """Share of the range within which a cell has reached its target."""
    range_siemens: Annotated[Siemens, Field(gt=0)]
    """What shares are shares of: the rise of the average cell over its curve, or what was given."""
    pulses: Annotated[Whole, Field(ge=1, le=10_000)] = PULSES
    """Most pulses for each cell."""
    read_v: Volt = 0.1
    """Voltage of a read."""
    reads: Annotated[Whole, Field(ge=1, le=1000)] = 1
    """Reads of each cell after a burst, whose mean counts."""
    amplitude_v: Volt = defaults.PULSE_V
    """Height of the potentiating pulse."""
    width_s: Second = defaults.PULSE_S
    """Width of the potentiating pulse."""
    depress_v: Volt | None = None
    """Height of the depressing pulse; without it an overshoot stays."""
    depress_s: Second | None = None
    """Width of the depressing pulse."""

    @model_validator(mode="after")
    def _pulses_fit(self) -> Self:
        if (self.depress_v is None) != (self.depress_s is None):
            raise ConfigError("depress_v goes with depress_s")
        if self.purpose == "reset" and self.depress_v is None:
            raise ConfigError("a reset sends depressing pulses, and none is known: give --depress VOLT")
        if self.amplitude_v <= 0 or (self.depress_v is not None and self.depress_v >= 0):
            raise ConfigError(
                f"amplitude_v = {self.amplitude_v:g} V must be above 0, depress_v = {self.depress_v} V below"
            )
        return self

    @property
    def up(self) -> Pulse:
        """The potentiating pulse."""
        return Pulse(self.amplitude_v, self.width_s)

    @property
    def down(self) -> Pulse | None:
        """The depressing pulse, if there is one."""
        if self.depress_v is None or self.depress_s is None:
            return None
        return Pulse(self.depress_v, self.depress_s)

    @property
    def tolerance_siemens(self) -> float:
        """The tolerance, in siemens."""
        return self.tolerance * self.range_siemens

    @property
    def dose_vs(self) -> float:
        """Largest dose that a cell can get, in volt seconds."""
        sent = [self.down] if self.purpose == "reset" else [self.up, self.down]
        return self.pulses * max(abs(each.amplitude_v) * each.width_s for each in sent if each is not None)
