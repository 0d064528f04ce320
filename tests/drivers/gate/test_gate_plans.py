"""A batch is judged whole before it begins, and a verdict does not outlive what it rests on."""

from dataclasses import replace

import numpy as np
import pytest

from crossbar_hil.backend import Limits, Pulse
from crossbar_hil.drivers.schemes.read_schemes import Guarded, VirtualGround
from crossbar_hil.drivers.schemes.write_schemes import SymmetricHalfSelect
from crossbar_hil.errors import LimitError

READS = np.array([[0.1, 0.0, 0.0, 0.1]])
ONE = np.eye(4, dtype=int) * [1, 0, 0, 0]


@pytest.fixture(params=[True, False], ids=["two sources", "one source"])
def bench(request, fakes):
    return fakes.FakeBench(fakes.drawn_chip(), dual=request.param)


def test_a_scheme_that_asks_for_too_much_is_refused_before_anything_is_sent(bench, monkeypatch):
    backend = bench.backend()
    sent = list(bench.journal)
    for scheme in (VirtualGround, Guarded):
        volts = scheme.source_volts
        monkeypatch.setattr(scheme, "source_volts", lambda self, v, volts=volts: volts(self, 3 * v))
    with pytest.raises(LimitError, match=r"0\.3 V on smu.* exceeds the 0\.2 V that may last longer than a pulse"):
        backend.read_currents(READS)
    assert bench.journal == sent


def test_a_scheme_that_joins_lines_is_refused_before_anything_is_sent(bench, monkeypatch):
    backend = bench.backend()
    sent = list(bench.journal)
    for scheme in (VirtualGround, Guarded):
        joined = ("drive", "drive", "ground", "ground", "drive", "ground", "ground", "ground")
        monkeypatch.setattr(scheme, "assignment", lambda *_, joined=joined: joined)
    with pytest.raises(LimitError, match="relays would join"):
        backend.read_currents(READS)
    assert bench.journal == sent


def test_a_plan_of_pulses_for_another_cell_than_the_relays_select_is_refused(fakes):
    backend = fakes.FakeBench(fakes.drawn_chip()).backend()
    scheme = SymmetricHalfSelect(())
    volts = scheme.source_volts(2.0)
    backend.gate.check_pulse_plan({scheme.assignment((0, 0), (4, 4)): (0, 0)}, volts)
    with pytest.raises(LimitError, match=r"for cell \[0, 1\] .* find the relays select \[0, 0\] \(row 1, column 1\)"):
        backend.gate.check_pulse_plan({scheme.assignment((0, 0), (4, 4)): (0, 1)}, volts)
    with pytest.raises(LimitError, match=r"is none of write scheme symmetric half-select"):
        backend.gate.check_pulse_plan({scheme.assignment((0, 0), (4, 4)): (0, 0)}, {"drive": 2.0})


def test_a_range_that_does_not_hold_a_pulse_is_refused_before_anything_is_sent(bench):
    backend = bench.backend()
    backend.gate.channels["drive"].settings = replace(backend.gate.channels["drive"].settings, range_v=0.5)
    sent = list(bench.journal)
    with pytest.raises(LimitError, match=r"V on port drive exceeds its range of 0\.5 V"):
        backend.send_pulses(ONE, Pulse(2.0, 0.05))
    assert bench.journal == sent


def test_a_verdict_ends_with_the_limits_that_it_was_given_under(bench):
    backend = bench.backend()
    backend.read_currents(READS)
    drive = backend._rig.sources["drive"]
    backend.gate.limits = Limits(read_v=0.05, pulse_v=3.0, width_s=0.1)
    with pytest.raises(LimitError, match=r"exceeds the 0\.05 V"):
        drive.set_voltage(-0.1)
    with pytest.raises(LimitError, match=r"exceeds the 0\.05 V"):
        drive.set_voltage(0.1)


def test_a_voltage_that_was_judged_in_one_state_is_judged_anew_in_another(bench):
    backend = bench.backend()
    backend.read_currents(READS)
    drive = backend._rig.sources["drive"]
    drive.set_voltage(0.1 if bench.dual else -0.1)
    drive.set_voltage(0.0)
    drive.wait(1.0)
    backend._rig.matrix.connect([])
    with pytest.raises(LimitError, match="finds no cell to be read"):
        drive.set_voltage(0.1 if bench.dual else -0.1)


def test_a_voltage_that_was_judged_beside_a_certain_source_is_refused_beside_an_uncertain_one(fakes):
    bench = fakes.FakeBench(fakes.drawn_chip())
    backend = bench.backend()
    backend.read_currents(READS)
    drive, meter = (backend._rig.sources[port] for port in ("drive", "meter"))
    drive.set_voltage(0.1)
    drive.set_voltage(0.0)
    meter.close()  # nothing is certain of it now, not even that it is off
    with pytest.raises(LimitError, match=r"smu\.b is not known to be at 0 V"):
        drive.set_voltage(0.1)


def test_a_voltage_that_was_judged_beside_a_source_at_0_v_is_judged_anew_beside_one_that_is_not(fakes):
    bench = fakes.FakeBench(fakes.drawn_chip())
    backend = bench.backend()
    backend.read_currents(READS)
    drive, meter = (backend._rig.sources[port] for port in ("drive", "meter"))
    drive.set_voltage(0.2)
    drive.set_voltage(0.0)
    meter.set_voltage(-0.1)
    with pytest.raises(LimitError, match=r"0\.2 V on smu\.a could put 0\.3 V across cell"):
        drive.set_voltage(0.2)
