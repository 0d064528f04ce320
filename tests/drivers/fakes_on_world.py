"""Instruments without a language: the roles played directly on the electrical world, and benches made of them."""

from collections import Counter
from functools import cache

import numpy as np

from crossbar_hil.backend import Limits
from crossbar_hil.bench.file import load_bench
from crossbar_hil.drivers.chip import ChipBackend
from crossbar_hil.drivers.schemes.wiring import Wiring
from crossbar_hil.errors import ConfigError, InstrumentError
from crossbar_hil.instrument import Identity, Reading, SourceMeter, SourceSettings, SwitchMatrix, row_number
from crossbar_hil.sim_backend.chip.curve import ConductanceCurve
from crossbar_hil.sim_backend.chip.simulated import SimulatedBackend
from crossbar_hil.sim_backend.emulation.world.terminals import Terminal
from crossbar_hil.sim_backend.emulation.world.world import World

LIMITS = Limits(read_v=0.2, pulse_v=3.0, width_s=0.1)


class Faulty:
    """Notes every call; a method that is named in `broken` raises instead."""

    def __init__(self):
        self.calls = []
        self.broken = {}

    def note(self, method, *details):
        self.calls.append((self.name, method, *details))
        self.journal.append((self.name, method, *details))
        error = self.broken.get(method)
        if error is not None:
            raise error

    def times(self, method):
        return Counter(call[1] for call in self.calls)[method]


class FakeSource(Faulty, SourceMeter):
    least_compliance_a = 1e-9

    def __init__(self, world, name, *, box="smu", has_guard=False, journal=None):
        super().__init__()
        self.world, self.name, self.box, self.has_guard = world, name, box, has_guard
        self.journal = [] if journal is None else journal
        world.add_source(name, Terminal())

    def identify(self):
        return Identity("Fake", "SMU", f"serial of {self.name}", "1.0")

    def check(self, settings):
        if settings.range_of_reads_a > settings.range_a:
            raise ConfigError(f"{self.name} has no range of {settings.range_of_reads_a:g} A")

    def pulses_with(self, other):
        return other is not self and other.box == self.box

    def set_range(self, range_a):
        """Glitch to 5 V for a millisecond, as a source may: harmless only if it is connected to nothing."""
        self.note("set_range", range_a)
        before = self.world.terminal(self.name)
        self.world.set_terminal(self.name, level_v=before.level_v + 5.0)
        self.world.wait(1e-3)
        self.world.set_terminal(self.name, level_v=before.level_v)
        self.range_a = range_a

    def recover(self):
        self.note("recover")

    def wait(self, seconds, nplc=1.0):
        self.world.wait(seconds)

    def prepare(self, settings):
        self.note("prepare")
        self.range_a = settings.range_a
        self.world.set_terminal(
            self.name, on=False, level_v=0.0, limit_a=settings.compliance_a, guard=settings.guard and self.has_guard
        )

    def enable(self):
        self.note("enable")
        self.world.set_terminal(self.name, on=True)

    def set_voltage(self, voltage_v):
        self.note("set_voltage", voltage_v)
        self.world.set_terminal(self.name, level_v=voltage_v)

    def measure(self):
        self.note("measure")
        if not self.output_is_on():
            raise InstrumentError(f"{self.name} is off")
        self.world.wait(0.02)
        return Reading(*self.world.measure(self.name))

    def pulse(self, amplitude_v, width_s, count=1):
        self.note("pulse", amplitude_v, count)
        return [pair[0] for pair in self._pulses({self: amplitude_v}, width_s, count)]

    def pulse_together(self, amplitude_v, other, other_amplitude_v, width_s, count=1):
        self.note("pulse_together", amplitude_v, other_amplitude_v, count)
        if other.box != self.box:
            raise ConfigError(f"{other.name} is no channel of {self.box}")
        return self._pulses({self: amplitude_v, other: other_amplitude_v}, width_s, count)

    def _pulses(self, amplitudes, width_s, count):
        found = []
        for _ in range(count):
            self.world.set_terminals({source.name: {"level_v": volt} for source, volt in amplitudes.items()})
            found.append(tuple(Reading(*self.world.measure(source.name)) for source in amplitudes))
            self.world.wait(width_s)
            self.world.set_terminals({source.name: {"level_v": 0.0} for source in amplitudes})
        return found

    def output_off(self):
        self.note("output_off")
        self.world.set_terminal(self.name, level_v=0.0, on=False)

    def output_is_on(self):
        self.note("output_is_on")
        return self.world.terminal(self.name).on

    def limit_tripped(self):
        self.note("limit_tripped")
        return self.world.measure(self.name)[1]

    def close(self):
        self.note("close")


@cache
def node_pair(matrix, crosspoint):
    """Nodes of the world between which a crosspoint is."""
    slot, row, column = crosspoint[0], row_number(crosspoint[1]), int(crosspoint[2:])
    return f"{matrix}.row.{slot}.{row}", f"{matrix}.column.{slot}.{column}"


@cache
def crosspoint_between(nodes):
    (_, _, slot, row), (_, _, _, column) = (node.split(".") for node in nodes)
    return f"{slot}{'ABCDEFGH'[int(row) - 1]}{int(column):02d}"


class FakeMatrix(Faulty, SwitchMatrix):
    """Two slots of 8 rows and 12 columns; crosspoints are written like 1A05."""

    settle_s = 0.004

    def __init__(self, world, name="matrix", journal=None):
        super().__init__()
        self.world, self.name = world, name
        self.journal = [] if journal is None else journal
        self.operations = 0
        self.stuck = frozenset()
        self.dead = frozenset()
        world.add_matrix(name)

    def identify(self):
        return Identity("Fake", "MATRIX", "7", "1.0")

    def crosspoint(self, slot, port, line):
        number = row_number(port)
        if not (1 <= slot <= 2 and 1 <= number <= 8 and 1 <= line <= 12):
            raise ConfigError(f"{self.name} has no crosspoint of slot {slot}, row {port}, column {line}")
        return f"{slot}{'ABCDEFGH'[number - 1]}{line:02d}"

    def _move(self, wanted):
        wanted = (wanted | self.stuck) - self.dead
        moving = wanted ^ self._names()
        self.operations += len(moving)
        self.world.move_relays(self.name, [node_pair(self.name, each) for each in wanted])

    def _names(self):
        return frozenset(map(crosspoint_between, self.world.closed(self.name)))

    def prepare(self):
        self.note("prepare")
        self._move(frozenset())

    def connect(self, crosspoints):
        wanted = frozenset(crosspoints)
        self.note("connect", wanted)
        self._move(self._names() & wanted)
        self._move(wanted)
        self.world.wait(self.settle_s)

    def recover(self):
        self.note("recover")

    def wait(self, seconds):
        self.world.wait(seconds)

    def disconnect_all(self):
        self.note("disconnect_all")
        self._move(frozenset())

    def connected(self):
        self.note("connected")
        return self._names()

    def close(self):
        self.note("close")


simulated = cache(lambda: load_bench("simulated"))


def drawn_chip(seed=1, **chip):
    """The virtual chip that the bench `simulated` draws with this seed."""
    bench = load_bench("simulated", overrides={"chip": chip}) if chip else simulated()
    return SimulatedBackend.from_bench(bench, np.random.default_rng(seed))


def chip_of(conductances):
    """A chip whose cells begin at these conductances and rise by the shipped curve."""
    from crossbar_hil.shipped import data_file

    curve = ConductanceCurve.from_csv(data_file("figure2a"))
    return SimulatedBackend(curve, np.asarray(conductances) / 10, scale=10.0)


class FakeBench:
    """Sources, a matrix and the wires between them and a chip; `backend` makes the ChipBackend, with changes.

    `dual` is two channels and a common ground; otherwise it is one source with a guard, and a divider of two 500 ohm
    resistors between `divider_from` ("hi" or "guard") and the return. With `meters` above 1 there are further channels,
    each in a box of its own. `ranges` go into the settings of the sources. An emulated source has an output resistance
    of 1 milliohm, so a load of 1 kilohm takes a part in 10^6 of the voltage; without a divider (None) nothing does.
    """

    def __init__(self, chip, *, dual=True, line_ohm=0.0, divider_from="hi", meters=1, **ranges):
        self.chip = chip
        self.ranges = ranges
        self.world = World(chip, line_ohm=line_ohm)
        self.dual = dual
        self.journal = []
        rows, columns = chip.shape
        self.matrix = FakeMatrix(self.world, journal=self.journal)
        row_lines, column_lines = tuple(range(1, rows + 1)), tuple(range(rows + 1, rows + columns + 1))
        for number, place in enumerate(row_lines):
            self.world.add_wire(f"matrix.column.1.{place}", f"row.{number}")
        for number, place in enumerate(column_lines):
            self.world.add_wire(f"matrix.column.1.{place}", f"column.{number}")
        if dual:
            names = {"drive": "smu.a", "meter": "smu.b"}
            terminals = {"drive": "smu.a.hi", "meter": "smu.b.hi", "ground": "lo"}
        else:
            names = {"drive": "smu"}
            terminals = {"drive": "smu.hi", "ground": "lo", "guard": "smu.guard", "divider": "node"}
            if divider_from:
                self.world.add_resistor(f"smu.{divider_from}", "node", 500)
                self.world.add_resistor("node", "lo", 500)
        for number in range(2, meters + 1):
            names[f"meter{number}"] = f"smu{number}.a"
            terminals[f"meter{number}"] = f"smu{number}.a.hi"
        letters = dict(zip(terminals, "ABCDEFGH", strict=False))
        for port, node in terminals.items():
            self.world.add_wire(f"matrix.row.1.{row_number(letters[port])}", node)
        self.sources = {
            port: FakeSource(self.world, name, box=name.partition(".")[0], has_guard=not dual, journal=self.journal)
            for port, name in names.items()
        }
        self.wiring = Wiring(slot=1, ports=letters, rows=row_lines, columns=column_lines)

    def backend(self, **changes):
        compliance_a = 1e-3 if self.dual else 2e-2
        arguments = {
            "shape": self.chip.shape,
            "limits": LIMITS,
            "settings": {
                port: SourceSettings(
                    range_v=3.0,
                    compliance_a=compliance_a,
                    range_a=compliance_a,
                    guard=not self.dual and port == "drive",
                    **self.ranges,
                )
                for port in self.sources
            },
            "read_scheme": "virtual ground" if self.dual else "guarded",
            "write_scheme": "symmetric half-select" if self.dual else "divider half-select",
            "kind": "emulated",
        }
        arguments.update(changes)
        sources = arguments.pop("sources", self.sources)
        wiring = arguments.pop("wiring", self.wiring)
        return ChipBackend(sources, self.matrix, wiring, **arguments)

    def is_safe(self):
        return not self.world.closed("matrix") and not any(
            self.world.terminal(source.name).on for source in self.sources.values()
        )
