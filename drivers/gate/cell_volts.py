"""Voltages across cells: what every cell sees of what the sources do, in one state of the relays.

This is worked out from the relays alone, not from a scheme, so that it can contradict one. Wires are ideal here; what
their resistance takes away makes a cell see less.
"""

from collections.abc import Collection, Mapping
from itertools import product

import numpy as np

from crossbar_hil.arrays import FloatArray

from ..schemes.wiring import GROUND, OPEN
from .relay_states import RelayState

DIVIDED = 0.5
"""A divider port is half-way between its source and ground."""


class CellVolts:
    """The voltages of the ports of one bench.

    Parameters
    ----------
    sources : collection of str
        Ports with a source behind them.
    guarding : str, optional
        Port of the source that drives the port ``guard``; without one, that port floats.
    """

    def __init__(self, sources: Collection[str], guarding: str | None) -> None:
        self._sources = tuple(sources)
        self._guarding = guarding
        self._dividing = "drive" if "drive" in self._sources else "meter"

    def ports_fed_by(self, port: str) -> frozenset[str]:
        """Return the ports whose voltage a source sets: its own, its guard, its divider."""
        fed = {port}
        if port == self._guarding:
            fed.add("guard")
        if port == self._dividing:
            fed.add("divider")
        return frozenset(fed)

    def of_ports(self, source_volts: Mapping[str, float | None]) -> dict[str, float | None]:
        """Return the voltage of every port, None where it floats, by that of each source, None for one that is off."""
        found: dict[str, float | None] = {port: source_volts.get(port) for port in self._sources}
        above = found.get(self._dividing)
        found["guard"] = found.get(self._guarding) if self._guarding else None
        found["divider"] = None if above is None else DIVIDED * above
        return {**found, GROUND: 0.0, OPEN: None}

    def across(self, state: RelayState, source_volts: Mapping[str, float | None], rows: int) -> FloatArray:
        """Return the (R, C) voltages, row minus column; not a number at a line that floats."""
        volts = self.of_ports(source_volts)
        lines = np.array([volts.get(port) for port in state.assignment], dtype=np.float64)
        found: FloatArray = lines[:rows, None] - lines[rows:]
        return found

    def worst_steady(
        self, state: RelayState, source_volts: Mapping[str, float | None]
    ) -> tuple[tuple[int, int], float]:
        """Return which cell may see most, and the size of its voltage, now and on every way back to 0 V.

        On a way back each source is at its voltage or at 0 V already, whichever goes first. A line that floats is
        somewhere between the lines that do not.
        """
        worst, most = (0, 0), 0.0
        for choice in product(*[(volts, 0.0) if volts else (volts,) for volts in source_volts.values()]):
            volts = self.of_ports(dict(zip(source_volts, choice, strict=True)))
            held = [0.0, *[volt for port in state.ports if (volt := volts.get(port)) is not None]]
            span = max(held) - min(held)
            for upper, lower, cell in state.examples:
                above, below = volts.get(upper), volts.get(lower)
                seen = span if above is None or below is None else abs(above - below)
                if seen > most:
                    worst, most = cell, seen
        return worst, most
