"""A chip as the network on it sees it: its lines in another order, or some of them, and bad cells that get no pulse."""

from typing import Any

import numpy as np

from crossbar_hil.arrays import BoolArray, FloatArray, IntArray
from crossbar_hil.backend import DeviceBackend, Limits, Pulse
from crossbar_hil.survey.lines import Lines


class MappedChip(DeviceBackend):
    """The cells of a chip that a network uses, as a device of its own; what happens, happens on the chip.

    A read that ends by driving each row of the network alone is a read of every cell: then every row of the chip is
    driven alone, in the chip's own order, so that a guard sees a map of the whole chip, and records hold one.

    Parameters
    ----------
    chip : DeviceBackend
        The chip. From now on it refuses pulses to cells that are left out, whoever sends them.
    lines : Lines
        Which of its lines are used for what.
    left_out : ndarray of bool, shape (R, C) of the chip
        Cells that get no pulse.
    """

    def __init__(self, chip: DeviceBackend, lines: Lines, left_out: BoolArray) -> None:
        self.chip, self.lines = chip, lines
        chip.left_out = left_out if left_out.any() else None
        self.shape, self.kind = lines.size, chip.kind
        self.left_out = lines.of_chip(left_out) if left_out.any() else None
        self.limits = Limits(chip.limits.read_v, chip.limits.pulse_v, chip.limits.width_s, jump=chip.limits.jump)
        self.simulates_chip, self.noisy, self.training = chip.simulates_chip, chip.noisy, chip.training
        self.map: FloatArray | None = None
        """(R, C) of the chip, in siemens, of the last evaluation."""
        self.read_since: list[FloatArray] = []
        """(P, C) currents of every column of the chip, in amperes: of the patterns at that evaluation, and of each read
        since."""

    def _read_currents(self, voltages: FloatArray) -> FloatArray:
        rows, columns = np.array(self.lines.rows), np.array(self.lines.columns)
        patterns = len(voltages) - len(rows)
        alone = voltages[patterns:] if patterns >= 0 else voltages
        read_v = alone[0, 0]
        if patterns < 0 or read_v == 0 or not np.array_equal(alone, read_v * np.eye(len(rows))):
            self.read_since.append(self.read_columns(voltages))
            return self.read_since[-1][:, columns]
        size = self.lines.shape[0]
        currents = self.chip.read_currents(np.concatenate([self._on_rows(voltages[:patterns]), read_v * np.eye(size)]))
        if patterns:
            self.read_since, self.map = [currents[:patterns]], currents[patterns:] / read_v
        return currents[np.concatenate([np.arange(patterns), patterns + rows])][:, columns]

    def read_columns(self, voltages: FloatArray) -> FloatArray:
        """Apply (P, R) voltages of the network, and return the (P, C) currents of every column of the chip."""
        return self.chip.read_currents(self._on_rows(voltages))

    def _on_rows(self, voltages: FloatArray) -> FloatArray:
        found = np.zeros((len(voltages), self.lines.shape[0]))
        found[:, np.array(self.lines.rows)] = voltages
        return found

    def _send_pulses(self, counts: IntArray, pulse: Pulse) -> None:
        self.chip.send_pulses(self.lines.on_chip(counts), pulse)

    def check_pulses(self, counts: Any, pulse: Pulse) -> IntArray:
        """Refuse what the chip would refuse, and return the counts; nothing is sent."""
        found = super().check_pulses(counts, pulse)
        self.chip.check_pulses(self.lines.on_chip(found), pulse)
        return found

    def _check_pulse(self, pulse: Pulse) -> None:
        self.chip._check_pulse(pulse)

    def make_safe(self) -> None:
        """Bring the chip to 0 V, outputs off, contacts open."""
        self.chip.make_safe()

    def request_stop(self, cause: str) -> None:
        """Ask the chip for a stop."""
        self.chip.request_stop(cause)

    def identify(self) -> dict[str, Any]:
        """Say what answers."""
        return self.chip.identify()

    def saturated_cells(self) -> BoolArray:
        """Return the cells of the network known to be at the end of their curve."""
        return self.lines.of_chip(self.chip.saturated_cells())

    def pulses_left(self) -> int | None:
        """Return how many pulses every cell of the chip can have before one is at the end of its curve."""
        return self.chip.pulses_left()

    def flat_pulses(self, pulse: Pulse) -> int | None:
        """Return how many pulses in a row may change nothing."""
        return self.chip.flat_pulses(pulse)

    def state(self) -> dict[str, FloatArray]:
        """Return the state of the chip."""
        return self.chip.state()

    def restore(self, state: dict[str, FloatArray]) -> None:
        """Bring the chip back to a saved state."""
        self.chip.restore(state)
