"""The compiled engine of the spiking network on an array with wires, as settings ask for it."""

from typing import Any

from ..circuit import Topology, WireOhm
from ..circuit.cells import CellModel
from .attenuated import AttenuatedEngine
from .exact import ExactEngine


class WiredEngine(ExactEngine):
    """Shows images to a network on a crossbar with wires, every circuit solved; see `ExactEngine`."""

    @classmethod
    def arranged(
        cls,
        wire_ohm: WireOhm,
        cell: CellModel | None,
        *,
        drive: Any = "left",
        sense: Any = "bottom",
        renew: int | None = None,
        **more: Any,
    ) -> ExactEngine:
        """Return an engine for an arrangement in plain words, which renews shares or solves every circuit.

        Parameters
        ----------
        drive, sense
            As of `Topology`.
        renew
            Training images between two renewals of an `AttenuatedEngine`; every circuit is solved if not given.
        **more
            As of `ExactEngine`.
        """
        topology = Topology(drive=drive, sense=sense)
        if renew is None:
            return cls(wire_ohm, cell, topology=topology, **more)
        return AttenuatedEngine(wire_ohm, renew, cell=cell, topology=topology, **more)
