"""Waiting at a level is timed by the instrument: on an emulated one so much time passes, and nothing else happens."""

from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest
from pymeasure.adapters import FakeAdapter

from crossbar_hil.backend import Pulse
from crossbar_hil.instrument import Reading, SourceSettings, SwitchMatrix
from crossbar_hil.instruments.keithley707b import Keithley707B
from crossbar_hil.instruments.keithley2400 import Keithley2400
from crossbar_hil.instruments.keithley2450 import Keithley2450
from crossbar_hil.instruments.keithley2600 import Keithley2602B
from crossbar_hil.instruments.keithley3706a import Keithley3706A
from crossbar_hil.instruments.keysightb2900 import KeysightB2902A
from crossbar_hil.instruments.tsp import matrix as tsp_matrix
from crossbar_hil.instruments.tsp import source as tsp_source
from crossbar_hil.instruments.tsp.source import Keithley2600SourceMeter
from crossbar_hil.sim_backend import ConductanceCurve, SimulatedBackend
from crossbar_hil.sim_backend.emulation.models.keithley707b import model as keithley707b
from crossbar_hil.sim_backend.emulation.models.keithley2400 import model as keithley2400
from crossbar_hil.sim_backend.emulation.models.keithley2450 import model as keithley2450
from crossbar_hil.sim_backend.emulation.models.keithley2600 import model as keithley2600
from crossbar_hil.sim_backend.emulation.models.keysightb2900 import model as keysightb2900
from crossbar_hil.sim_backend.emulation.serving.server import InstrumentServer
from crossbar_hil.sim_backend.emulation.world.world import World

pytestmark = pytest.mark.usefixtures("called_instruments")
SMUS = {
    "2400": (keithley2400.EmulatedKeithley2400, Keithley2400),
    "2450": (keithley2450.EmulatedKeithley2450, Keithley2450),
    "2602B": (keithley2600.EmulatedKeithley2602B, Keithley2602B),
    "B2902A": (keysightb2900.EmulatedKeysightB2902A, KeysightB2902A),
}


@pytest.fixture
def world():
    curve = ConductanceCurve(np.array([1e-6, 2e-6]), Pulse(2.0, 0.05))
    return World(SimulatedBackend(curve, np.zeros((1, 1)), scale=1.0))


@pytest.mark.fault("V8")
@pytest.mark.parametrize("nplc", [1.0, 0.1])
@pytest.mark.parametrize("model", SMUS)
def test_a_source_waits_for_so_long_on_its_own_clock_and_stays_at_its_level(world, model, nplc):
    emulator, driver = SMUS[model]
    with InstrumentServer(emulator(world, "smu")) as server:
        box = driver.open(server.resource, name="smu")
        try:
            source = box.source_meters()[0]
            source.prepare(SourceSettings(range_v=2.0, compliance_a=1e-4, range_a=1e-4, nplc=nplc))
            source.enable()
            begin, events = world.clock.now(), len(world.log.of("source"))
            source.wait(5e-3, nplc)
            assert world.clock.now() - begin >= 5e-3
            assert len(world.log.of("source")) == events
            source.output_off()
            assert not source.output_is_on()
        finally:
            box.close()


@pytest.mark.fault("V8")
def test_a_matrix_that_speaks_tsp_waits_before_the_next_relay_moves(world):
    with InstrumentServer(keithley707b.EmulatedKeithley707B(world, "matrix")) as server:
        matrix = Keithley707B.open(server.resource, name="matrix")
        try:
            matrix.prepare()
            matrix.connect(["1A01"])
            begin = world.clock.now()
            matrix.wait(5e-3)
            matrix.disconnect_all()
            assert matrix.connected() == frozenset()
        finally:
            matrix.close()
    assert world.log.of("relays")[-1]["t"] - begin >= 5e-3


class WriteOnly(FakeAdapter):
    """Fails a read, so that a wait for an answer is found."""

    def __init__(self):
        super().__init__()
        self.written = []

    def _write(self, command, **kwargs):
        self.written.append(command)

    def _read(self, **kwargs):
        raise AssertionError("an answer was waited for")


@pytest.mark.fault("V7")
@pytest.mark.parametrize("model", [Keithley707B, Keithley3706A])
def test_a_matrix_that_speaks_tsp_is_told_to_wait_by_writing_only(model):
    adapter = WriteOnly()
    model(adapter, name="matrix").wait(1e-3)
    assert adapter.written == ["delay(0.001000)"]


def test_for_any_other_matrix_the_time_passes_here(monkeypatch):
    waited = []

    class Event:
        def wait(self, seconds):
            waited.append(seconds)

    monkeypatch.setattr("crossbar_hil.instrument.threading.Event", Event)
    SwitchMatrix.wait(object(), 2e-3)
    assert waited == [2e-3]


# ---------------------------------------------------------------------- time beyond the deadline


FIVE_CYCLES = SourceSettings(range_v=2.0, compliance_a=1e-4, range_a=1e-4, nplc=5.0)


@pytest.fixture
def allowed(monkeypatch):
    """The seconds that were allowed, in their order."""
    found = []

    @contextmanager
    def allowing(adapter, seconds):
        found.append(pytest.approx(seconds))
        yield

    for module in (tsp_matrix, tsp_source):
        monkeypatch.setattr(module, "allowing", allowing)
    return found


@pytest.mark.parametrize(("settle_s", "moving", "seconds"), [(0.0, 0, 0.05), (0.0, 1, 0.1), (0.25, 3, 0.45)])
def test_relays_that_move_one_after_the_other_have_the_time_of_each_and_of_one_more(allowed, settle_s, moving, seconds):
    said, matrix = [], Keithley707B.__new__(Keithley707B)
    ask = lambda query, count: said.append(query) or ["nil", "0"]  # noqa: E731
    matrix.__dict__.update(settle_s=settle_s, adapter=None, write=said.append, ask_fields=ask)
    assert matrix._carry_out(["channel.open()"], moving)[0] == frozenset()
    assert ("delay(0.250000)" in " ".join(said), allowed) == (settle_s > 0, [seconds])


@pytest.fixture
def smus():
    """Both channels of a box that answers alike to everything, set up with five power-line cycles."""
    box = SimpleNamespace(
        adapter=None,
        ask=lambda query: "0",
        ask_number=lambda query: 1e-6,
        ask_fields=lambda query, count: ["1e-6", *["false"] * (count - 1)] if count > 1 else ["false"],
        number=lambda field, query: float(field),
        raise_errors=lambda *_: None,
    )
    made = []
    for letter in "ab":
        each = Keithley2600SourceMeter.__new__(Keithley2600SourceMeter)
        each.__dict__.update(name=f"smu.{letter}", _box=box, _smu=f"smu{letter}", _settings=FIVE_CYCLES)
        made.append(each)
    return made


def test_a_reading_has_the_time_of_its_integration_twice_on_the_slowest_line_and_a_wait_has_its_own(allowed, smus):
    first, second = smus
    assert first.measure() == Reading(1e-6, False)
    assert first.measure_beside([second]) == (Reading(1e-6, False), [False])
    first.wait(0.3)
    assert allowed == [2 * 5 / 50, 2 * 5 / 50, 0.3]  # autozero measures the zero too, at 50 Hz
