"""A whole emulated bench: the instruments of a bench file, served on loopback and wired to one simulated chip."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from crossbar_hil.arrays import FloatArray
from crossbar_hil.bench.file import Bench, Chip, EmulationTable, WiringTable
from crossbar_hil.commissioning.resistors import checked_resistors
from crossbar_hil.errors import ConfigError
from crossbar_hil.instrument import place_of, row_number
from crossbar_hil.plugins import load

from ..chip.simulated import SimulatedBackend
from .serving.proof import ProofPort
from .serving.server import InstrumentServer
from .state import StateFile
from .world.chip import check_cells
from .world.circuit import LO
from .world.clock import RealClock, SimulatedClock
from .world.damage import BrokenCell, Damage
from .world.instrument import EmulatedInstrument
from .world.log import LAST_BYTES, PhysicalLog
from .world.world import World

if TYPE_CHECKING:
    from .nemesis.blows import Blows
    from .nemesis.faults import Nemesis


class EmulatedBench:
    """Instruments, wires and chip of a bench file whose kind is ``emulated``.

    Parameters
    ----------
    bench : Bench
        The checked bench file.
    rng : numpy.random.Generator
        The chip is drawn from it, as the simulated backend draws it.
    state : Path, optional
        A file in which the chip, and what clients keep in the instruments, outlive this bench; see `StateFile`.
    log : Path, optional
        A file for the physical log, kept as ``[emulation]`` says; see `PhysicalLog`.
    remembered : bool
        Whether the physical log is in memory too, as ``world.log.events``: not for a bench that is served for days.
    nemesis : mapping, optional
        What goes wrong, as `Nemesis.as_json` writes it.
    proven : bool
        Whether programs of this user are given the means to see that it is emulated; see `ProofPort`.

    Raises
    ------
    ConfigError
        If the bench file lacks what the wires need, or a file cannot be used.
    """

    def __init__(
        self,
        bench: Bench,
        rng: np.random.Generator,
        *,
        state: Path | None = None,
        log: Path | None = None,
        remembered: bool = True,
        nemesis: Mapping[str, Any] | None = None,
        proven: bool = False,
    ) -> None:
        settings = bench.emulation or EmulationTable()
        if bench.wiring is None:
            raise ConfigError(f"bench {bench.name} has no [wiring] table, by which its chip is connected")
        clock = RealClock() if settings.clock == "real" else SimulatedClock()
        if bench.chip is not None:
            _check_chip(bench.chip, bench.wiring)
        chip = SimulatedBackend.from_bench(bench, rng)
        check_cells(chip.cell, bench.limits.pulse_v if bench.limits else bench.training.amplitude_v)
        kept = PhysicalLog(
            path=None if settings.log == "none" else log,
            remembered=remembered,
            most_bytes=LAST_BYTES if settings.log == "last" else None,
        )
        self.world = World(chip, clock, settings.line_ohm, settings.resolution, kept)
        if settings.resistors is not None:
            self._put_board(checked_resistors(settings.resistors, chip.shape, "emulation.resistors"))
        self._tables = bench.instruments
        self._panel_answers = settings.panel == "answers"
        self.instruments: dict[str, EmulatedInstrument] = {}
        for name in bench.instruments:
            self._make(name)
        self._wire(bench.wiring, settings)
        self._serve: Callable[..., InstrumentServer] = InstrumentServer
        self._blows: Blows | None = None
        if nemesis is not None:
            from .nemesis import blows, faults, server  # noqa: PLC0415 - most benches have none

            found = faults.Nemesis.from_json(nemesis)
            self._blows = blows.Blows(found, self.world, self.instruments, self._make)
            self._serve = partial(server.NemesisServer, blows=self._blows)
        self._state = StateFile(state, self.world, self.instruments) if state else None
        self._servers = ExitStack()
        self._proven = proven
        self._resources: dict[str, str] = {}
        self._dead_socket_ports: dict[str, int] = {}
        self.world.begin()

    @property
    def nemesis(self) -> "Nemesis | None":
        """Who counts the messages and says what goes wrong, if anything does."""
        return self._blows.nemesis if self._blows else None

    @property
    def resources(self) -> Mapping[str, str]:
        """VISA resource name of each instrument, once the bench is served."""
        return self._resources

    @property
    def dead_socket_ports(self) -> Mapping[str, int]:
        """TCP port of each instrument that has one on which closing a connection drops its clients."""
        return self._dead_socket_ports

    def __enter__(self) -> Self:
        for name, instrument in self.instruments.items():
            after = partial(self._state.update, name) if self._state else None
            server = self._servers.enter_context(self._serve(instrument, after))
            self._resources[name] = server.resource
            if server.dead_socket_port is not None:
                self._dead_socket_ports[name] = server.dead_socket_port
        if self._proven:
            try:
                self._servers.enter_context(ProofPort(self._resources.values()))
            except BaseException:
                self._servers.close()
                raise
        if self._blows:
            self._blows.begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._servers.close()
        self.world.end(**({"calls": dict(self.nemesis.calls_of)} if self.nemesis else {}))
        if self._state:
            self._state.close()
        self.world.log.close()

    @property
    def failure(self) -> str:
        """Why the state or the physical log is not whole; empty if both are."""
        return (self._state.failure if self._state else "") or self.world.log.failure

    def _put_board(self, ohms: FloatArray) -> None:
        """Put a resistor in place of every cell."""
        self.world.damage = Damage(np.random.default_rng(0))
        self.world.damage.cells = {
            (row, column): BrokenCell(siemens=1 / float(ohm)) for (row, column), ohm in np.ndenumerate(ohms)
        }

    def _make(self, name: str) -> EmulatedInstrument:
        """Make an instrument as it is after power-on, in place of the one of that name."""
        table = self._tables[name]
        more: dict[str, Any] = {"serial": table.serial} if table.serial else {}
        if table.driver == "manual":
            more["answers"] = self._panel_answers
        made: EmulatedInstrument = load("emulators", table.driver)(self.world, name, **more)
        if table.identity is not None:
            _answer_as(made, table.identity)
        self.instruments[name] = made
        return made

    def _wire(self, wiring: WiringTable, settings: EmulationTable) -> None:
        slots = sorted({slot for slot, _ in wiring.lines})
        for port, row in wiring.ports.items():
            node, *others = (f"{wiring.matrix}.row.{slot}.{row_number(row)}" for slot in slots)
            for other in others:  # joined by hand, as a person has to
                self.world.add_wire(node, other)
            if port == "ground":
                self.world.add_wire(node, LO)
            elif port in wiring.sources:
                self.world.add_wire(node, f"{self._channel(wiring.sources[port])}.hi")
            elif port == "guard":
                self.world.add_wire(node, f"{self._feeding(wiring, port)}.guard")
            elif port == "divider":
                # Fed from the guard where there is one: its current is not measured, and a divider on HI would drown
                # the cells' current in its own.
                terminal = "guard" if "guard" in wiring.ports else "hi"
                upper = f"{self._feeding(wiring, port)}.{terminal}"
                self.world.add_resistor(upper, node, settings.divider_ohm)
                self.world.add_resistor(node, LO, settings.divider_ohm)
        matrix, port_row = self.instruments.get(wiring.matrix), row_number(next(iter(wiring.ports.values())))
        if matrix is None:
            raise ConfigError(
                f"wiring.matrix {wiring.matrix!r} is not among the instruments {', '.join(self.instruments)}"
            )
        for axis, columns in (("row", wiring.rows), ("column", wiring.columns)):
            for number, line in enumerate(columns):
                slot, column = place_of(line, wiring.slot)
                self.world.add_wire(matrix.column_node(slot, port_row, column), f"{axis}.{number}")

    def _feeding(self, wiring: WiringTable, port: str) -> str:
        """Name of the channel that a guard or a divider hangs on: the drive, or the meter where there is no drive."""
        source = wiring.sources.get("drive") or wiring.sources.get("meter")
        if source is None:
            raise ConfigError(f"the port {port} hangs on the source at drive or meter, but wiring.sources has neither")
        return self._channel(source)

    def _channel(self, source: str) -> str:
        """Name in the world of a source channel written as ``smu.a``."""
        instrument = self.instruments.get(source.partition(".")[0])
        if instrument is None or source not in instrument.channels:
            known = [channel for each in self.instruments.values() for channel in each.channels]
            raise ConfigError(f"source {source!r} is not on the bench; there is {', '.join(known) or 'none'}")
        return source


def _answer_as(made: Any, identity: str) -> None:
    """Let an instrument answer ``*IDN?`` as a home-made box does that a bench file names."""
    whole = f"{identity},{made.serial},0" if identity.count(",") == 1 else identity
    made.identity = (lambda: whole) if callable(getattr(made, "identity", "")) else whole


def _check_chip(chip: Chip, wiring: WiringTable) -> None:
    """Refuse what the file says of its chip and an emulated bench cannot do."""
    wired = wiring.shape
    if (chip.rows, chip.columns) != wired:
        raise ConfigError(
            f"[chip] has {chip.rows} rows and {chip.columns} columns, but [wiring] connects {wired[0]} and {wired[1]}"
        )
    if chip.disturb:
        raise ConfigError(
            f"disturb {chip.disturb:g} is not emulated: on an emulated bench every cell sees its own voltage; give a "
            "curve with half pulses beside the whole ones, or a threshold below 0.5"
        )
    if chip.read_s != Chip.model_fields["read_s"].default:
        raise ConfigError(
            f"read_s {chip.read_s:g} s is not emulated: a reading on an emulated bench takes as long as its "
            "instruments need; set measurement.nplc"
        )
