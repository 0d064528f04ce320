"""What the emulated SCPI source-measure units have in common beyond their commands."""

from abc import abstractmethod
from collections.abc import Iterable
from typing import ClassVar

import numpy as np

from ..world.background import Acquisition
from ..world.world import World
from .format import DataFormat
from .instrument import EmulatedScpiInstrument
from .messages import Call, Command
from .source import Source
from .status import Register, ScpiError
from .values import number


class SmuInstrument(EmulatedScpiInstrument):
    """A source-measure unit in the world.

    Its settings hold what is sourced and what is measured by function: ``source`` has a `Source` for VOLT and CURR,
    ``sense`` a `Sense` for these and RES.

    Parameters
    ----------
    line_hz : float
        Power-line frequency, which times the integration.
    rng : numpy.random.Generator, optional
        Source of reading noise; without it there is none.
    """

    level_ends_triggered = True
    """Whether a new level takes the place of a triggered one that still waits."""
    most_setup: ClassVar[int] = 4
    """Largest number of a setup that is kept."""
    setup_names: ClassVar[tuple[str, ...]]
    """Attributes that make a setup."""

    def __init__(
        self, world: World, name: str, serial: str, line_hz: float = 50.0, rng: np.random.Generator | None = None
    ) -> None:
        super().__init__(world, name, serial)
        self.line_hz = line_hz
        self.rng = rng
        self.format = DataFormat()
        self.measurement, self.operation, self.questionable = Register(), Register(), Register()
        self.line_auto = False
        self.acquisition = Acquisition(world.clock.elapsed, world.wait)
        """Readings that were started and not yet taken."""
        world.background[name] = self.acquisition
        self.setups: dict[int, dict[str, object]] = {}
        """Setups that ``*SAV`` kept, by number; no reset forgets them."""
        self.restart_timer()

    def restart_timer(self) -> None:
        """Have the times of readings begin now."""
        self.started_s = self.world.clock.now()

    def elapsed_s(self) -> float:
        """Return how long ago the timer was started."""
        return self.world.clock.now() - self.started_s

    def before_level(self, source: Source) -> None:
        """Let the time pass that a new level takes, or refuse one that is not possible now."""

    def before_source_range(self, source: Source, wanted: float) -> None:
        """Refuse a range of a source that does not go with its limit."""

    def restore_factory(self) -> None:
        """Bring the instrument to what the factory left in its memory of setups."""
        self.reset()

    def before_range(self, call: Call, function: str, wanted: float) -> None:
        """Refuse a fixed measure range, or change what stands against it."""

    def before_command(self, header: str) -> None:
        """Let readings come to their end that were started: other commands queue meanwhile."""
        if self.acquisition.busy and not self.acts_meanwhile(header):
            self.acquisition.finish()

    def acts_meanwhile(self, header: str) -> bool:
        """Say whether a command is carried out while readings are taken that were started."""
        return header.upper().lstrip(":*").startswith(("ABOR", "RST"))

    @abstractmethod
    def upper_range(self, call: Call, function: str) -> float:
        """Return the largest range that automatic ranging of a measurement chooses."""

    def registers(self) -> Iterable[Register]:
        """Return the measurement, operation and questionable registers."""
        return self.measurement, self.operation, self.questionable

    def status_bits(self) -> int:
        """Measurement summary in bit 0, questionable in 3, operation in 7."""
        return self.measurement.summary | self.questionable.summary << 3 | self.operation.summary << 7


def _set_line(smu: SmuInstrument, call: Call) -> None:
    wanted = number(call.expect(1)[0])
    if wanted not in (50, 60):
        raise ScpiError(-222)
    smu.line_hz, smu.line_auto = wanted, False


LINE_FREQUENCY = Command(":SYSTem:LFRequency", _set_line, lambda smu, _: str(round(smu.line_hz)), ("50", "60"))
