"""The witness: who is told of every pulse before it is sent and after, so that none goes unrecorded.

A backend that sends pulses one cell at a time calls its witness in this order: ``checkpoint``, ``intend``, then after
the pulses ``done``, or ``failed``. What ``intend`` writes down is on disk when it returns.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from crossbar_hil.arrays import FloatArray, IntArray
from crossbar_hil.backend import DeviceBackend, Pulse
from crossbar_hil.errors import GuardError
from crossbar_hil.instrument import PulseMemory, Reading

Volts = Mapping[str, float]
"""Voltage of each source, by the port that it is on."""
Sights = list[list[dict[str, Reading]]]
"""What sources showed: by state of the relays, by setting of the sources, by port."""
PulseOutcome = Literal["done", "not_sent", "in_doubt"]
"""How an intended pulse ended; in doubt only if the link failed and the instrument could not say."""


class Witness:
    """A witness that keeps no record and never stops anything: the one of a backend that nobody guards."""

    def checkpoint(self) -> None:
        """Stop here, by raising, if that was asked for; called between operations, when every source is at 0 V."""

    def intend(self, cell: tuple[int, int], count: int, pulse: Pulse) -> int | None:  # noqa: ARG002
        """Write down that a cell is about to be pulsed, and return the sequence number of these pulses.

        None means that pulses are not numbered here.
        """
        return None

    def done(self, sequence: int | None, readings: Sequence[Mapping[str, Reading]]) -> None:
        """Note that all of them were sent; the readings inside each are by port."""

    def failed(self, sequence: int | None, outcome: PulseOutcome, cause: BaseException) -> None:
        """Note that they failed, and what is known of what reached the chip."""

    def unsafe(self, why: str) -> None:
        """Tell a person at once that the bench may not be safe, and what to look at; empty if it is safe after all."""


@dataclass(frozen=True)
class Train:
    """What a train of pulses for one cell showed."""

    inside: list[dict[str, Reading]]
    """By pulse, by port."""
    clock_s: float | None
    """How long the instrument's clock says it took, with everything around it; None if it has none."""
    widths: tuple[int, int] = (0, 0)
    """As of `crossbar_hil.instrument.SourceMeter.train_widths`."""


class WitnessedBackend(DeviceBackend):
    """A backend that has a witness, and what else a guard needs of the one that it keeps."""

    witness: Witness

    @abstractmethod
    def line_conductances(self, voltage_v: float) -> FloatArray:
        """Measure the conductance between every two lines, (R + C, R + C)."""

    def look(self, sights: Sequence[tuple[Sequence[str], Sequence[Volts]]]) -> Sights:  # noqa: ARG002
        """Measure the raw currents of every source in some states of the relays.

        Nothing is subtracted from them, and one at its limit, or beyond its range (infinite), is no error: what is
        wrong with a bench shows in them.
        """
        raise GuardError(f"a {type(self).__name__} cannot be seen state by state")

    def last_train(self) -> Train:
        """Return what the last pulses showed, with the time of the instrument's clock now."""
        raise GuardError(f"a {type(self).__name__} does not tell what its pulses showed")

    @property
    def relay_closings(self) -> Mapping[str, int]:
        """How often each crosspoint of the matrix has closed since it was opened; nothing if nobody counts."""
        return {}

    @abstractmethod
    def exposed(self, counts: IntArray) -> IntArray:
        """Return the pulses that cells may have got besides their own, if one of them was shorted meanwhile, (R, C)."""

    @abstractmethod
    def pulse_currents(
        self, cell: tuple[int, int], pulse: Pulse, conductances: FloatArray
    ) -> tuple[str, float, float] | None:
        """Return a port, its current in a pulse if cells are whole, in amperes, and that if a short spreads the pulse.

        Of ohmic cells with these (R, C) conductances, in siemens. None where such a short trips a current limit.
        """

    @abstractmethod
    def number_pulses(self, token: str) -> PulseMemory | None:
        """Give all pulses from here on numbers, as those of one run; return what the instrument remembers of it."""
