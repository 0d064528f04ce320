"""What somebody else changed on a bench stops it, whatever its drivers can tell, and leaves its shadow uncertain."""

import numpy as np
import pytest

from crossbar_hil.backend import Pulse
from crossbar_hil.errors import InstrumentError, LimitError

pytestmark = pytest.mark.fault("V14", "I13", "T16")
READS = np.array([[0.1, 0.0, 0.0, 0.0]])
ONE = np.eye(4, dtype=int) * [1, 0, 0, 0]


@pytest.fixture(params=[True, False], ids=["two sources", "one source"])
def bench(request, fakes):
    return fakes.FakeBench(fakes.drawn_chip(), dual=request.param)


def test_a_driver_that_does_not_say_how_to_ask_is_asked_for_its_output(bench):
    backend = bench.backend()
    backend.read_currents(READS)
    source = bench.sources["drive"]
    assert source.changes() == []
    bench.world.set_terminal(source.name, on=False)
    assert source.changes() == [f"{source.name} is off"]


def test_what_a_driver_names_stops_the_next_batch_and_leaves_the_source_uncertain(bench):
    backend = bench.backend()
    backend.read_currents(READS)
    gated = backend._rig.sources["drive"]
    bench.sources["drive"].changes = lambda **_: ["its limit is 0.5 A instead of 0.001 A"]
    assert gated.changes() == ["its limit is 0.5 A instead of 0.001 A"]
    with pytest.raises(LimitError, match="is not known to be at 0 V"):
        gated.set_voltage(0.1)
    with pytest.raises(LimitError, match="is not known to be at 0 V"):
        gated.changes()  # only one that is known to be on can have changed
    assert not bench.world._cell_volts().any()


@pytest.mark.parametrize("work", ["read", "pulse"])
def test_a_batch_on_a_changed_bench_names_the_change_and_ends_safely(bench, work):
    backend = bench.backend()
    backend.read_currents(READS)
    exposures = bench.world.log.of("exposure")
    bench.sources["drive"].changes = lambda **_: ["its limit is 0.5 A instead of 0.001 A"]
    with pytest.raises(InstrumentError, match=r"somebody else changed the bench: its limit is 0\.5 A"):
        backend.read_currents(READS) if work == "read" else backend.send_pulses(ONE, Pulse(2.0, 0.05))
    assert bench.world.log.of("exposure") == exposures
    assert bench.is_safe()


def test_a_source_is_asked_before_every_pulse_and_what_it_finds_then_is_not_pulsed_on(bench):
    backend, asked = bench.backend(), []

    def changes(*, pulsing):
        asked.append(pulsing)
        return ["smu.a was given another delay"] if asked.count(True) == 2 else []

    bench.sources["drive"].changes = changes
    with pytest.raises(InstrumentError, match=r"somebody else changed the bench: smu\.a was given another delay"):
        backend.send_pulses(np.eye(4, dtype=int), Pulse(2.0, 0.05))
    drive = bench.sources["drive"]
    assert drive.times("pulse_together") + drive.times("pulse") == 1  # the first of four
    assert bench.is_safe()


def test_a_relay_that_somebody_moved_between_two_batches_is_named_and_none_is_known_any_more(bench):
    backend = bench.backend()
    backend.read_currents(READS)
    closed = backend._rig.matrix.connected()
    bench.world.move_relays("matrix", [])
    assert backend._rig.matrix.changes(closed) == [
        f"matrix has no crosspoint closed instead of {', '.join(sorted(closed))}"
    ]
    assert backend.gate.relays is None
    with pytest.raises(InstrumentError, match=r"somebody else changed the bench|closed instead of"):
        backend.read_currents(READS)
    assert bench.is_safe()


def test_a_bench_that_was_made_safe_is_set_up_anew_and_compared_with_nothing(bench):
    backend = bench.backend()
    backend.read_currents(READS)
    backend.make_safe()
    bench.world.set_terminal(bench.sources["drive"].name, limit_a=1e-9)  # whatever was done meanwhile
    assert backend.read_currents(READS).shape == (1, 4)
