"""A whole emulated bench: the instruments of a bench file, served on loopback and wired to one simulated chip."""

from collections.abc import Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Self

import numpy as np

from crossbar_hil.config import Bench, EmulationTable
from crossbar_hil.errors import ConfigError
from crossbar_hil.instrument import row_number
from crossbar_hil.plugins import load

from ..simulated import SimulatedBackend
from .circuit import LO
from .clock import RealClock, SimulatedClock
from .instrument import EmulatedInstrument
from .server import InstrumentServer
from .world import World


class EmulatedBench:
    """Instruments, wires and chip of a bench file whose kind is ``emulated``.

    Parameters
    ----------
    bench : Bench
        The checked bench file.
    rng : numpy.random.Generator
        The chip is drawn from it, as the simulated backend draws it.

    Raises
    ------
    ConfigError
        If the bench file lacks what the wires need.
    """

    def __init__(self, bench: Bench, rng: np.random.Generator) -> None:
        settings = bench.emulation or EmulationTable()
        if bench.wiring is None:
            raise ConfigError(f"bench {bench.name} has no [wiring] table, by which its chip is connected")
        clock = RealClock() if settings.clock == "real" else SimulatedClock()
        chip = SimulatedBackend.from_bench(bench, rng)
        self.world = World(chip, clock, settings.line_ohm, settings.resolution)
        self.instruments: dict[str, EmulatedInstrument] = {
            name: load("emulators", table.driver)(
                self.world, name, **({"serial": table.serial} if table.serial else {})
            )
            for name, table in bench.instruments.items()
        }
        self._wire(bench, settings)
        self._servers = ExitStack()
        self._resources: dict[str, str] = {}

    @property
    def resources(self) -> Mapping[str, str]:
        """VISA resource name of each instrument, once the bench is served."""
        return self._resources

    def __enter__(self) -> Self:
        for name, instrument in self.instruments.items():
            self._resources[name] = self._servers.enter_context(InstrumentServer(instrument)).resource
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._servers.close()

    def _wire(self, bench: Bench, settings: EmulationTable) -> None:
        wiring = bench.wiring
        if wiring is None:
            return
        for port, row in wiring.ports.items():
            node = f"{wiring.matrix}.row.{wiring.slot}.{row_number(row)}"
            if port == "ground":
                self.world.add_wire(node, LO)
            elif port in wiring.sources:
                self.world.add_wire(node, f"{self._channel(wiring.sources[port])}.hi")
            elif port == "guard":
                self.world.add_wire(node, f"{self._channel(wiring.sources['drive'])}.guard")
            elif port == "divider":
                # Fed from the guard where there is one: its current is not measured, and a divider on HI would drown
                # the cells' current in its own.
                terminal = "guard" if "guard" in wiring.ports else "hi"
                upper = f"{self._channel(wiring.sources['drive'])}.{terminal}"
                self.world.add_resistor(upper, node, settings.divider_ohm)
                self.world.add_resistor(node, LO, settings.divider_ohm)
        for axis, columns in (("row", wiring.rows), ("column", wiring.columns)):
            for number, column in enumerate(columns):
                self.world.add_wire(f"{wiring.matrix}.column.{wiring.slot}.{column}", f"{axis}.{number}")

    def _channel(self, source: str) -> str:
        """Name in the world of a source channel written as ``smu.a``."""
        instrument = self.instruments.get(source.partition(".")[0])
        if instrument is None or source not in instrument.channels:
            known = [channel for each in self.instruments.values() for channel in each.channels]
            raise ConfigError(f"source {source!r} is not on the bench; there is {', '.join(known) or 'none'}")
        return source
