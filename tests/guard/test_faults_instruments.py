"""Faults of source-measure unit and switch matrix: the run stops, or what was spoiled is set up and taken anew."""

import math
import re
import socket
from contextlib import suppress

import numpy as np
import pytest

from crossbar_hil.bench.checking import check_wiring
from crossbar_hil.errors import BackendError, ComplianceError, ImpossibleReading, InstrumentError
from crossbar_hil.guard.states import State
from crossbar_hil.sim_backend.emulation.world.damage import BadChannel, Damage

from .kept import ALL, FIRST

QUESTION = r"measure\.i\(|READ\?"
LIMIT_A = 1e-4


def assert_stopped(bench):
    """No cell was moved by anything but our pulses, everything is safe, and the journal says so."""
    assert bench.left_on == ([], set())
    assert bench.entries("safe")[-1]["confirmed"]
    assert bench.world.log.of("violation") == []
    assert bench.keeper.machine.state is State.SAFE


# ---------------------------------------------------------------------- somebody else


@pytest.mark.fault("I13", "T16", "I6", "V14")
@pytest.mark.parametrize(
    ("name", "command", "words"),
    [
        ("emulated", "smua.source.limiti = 0.5", r"smu\.a: smua\.source\.limiti is 0\.5 instead of 0\.0001"),
        ("emulated", "smub.measure.autorangei = 1", r"smub\.measure\.autorangei is 1 instead of 0"),
        ("emulated", "smua.source.output = 0", r"smua\.source\.output is 0 instead of 1"),
        ("emulated-single", ":SENS:CURR:PROT 0.01", r":SENS:CURR:PROT is \S+ instead of 0\.0001"),
        ("emulated-single", ":SOUR:VOLT:RANG 2", r":SOUR:VOLT:RANG is \S+ instead of 20"),
    ],
)
@pytest.mark.parametrize("work", ["read", "pulse"])
def test_what_somebody_changes_at_the_front_panel_stops_the_run_before_the_next_batch(kept, name, command, words, work):
    bench = kept(name)
    bench.read()
    with bench.world.lock:
        bench.emulated.instruments["smu"].receive(command)
    with pytest.raises(InstrumentError, match=rf"somebody else changed the bench: .*{words}"):
        getattr(bench, work)()
    assert bench.received.sum() == 0
    assert_stopped(bench)


@pytest.mark.fault("I13", "V14")
@pytest.mark.parametrize("sent", [0, 1])
def test_what_somebody_changes_just_before_a_pulse_is_seen_by_the_box_which_does_not_send_it(kept, sent):
    bench = kept()
    bench.read()
    number = rf'^crossbar_hil_pulse\("t", {sent + 1},'
    bench.strike("frontpanel", match=number, command="smua.source.limiti = 0.5")
    with pytest.raises(InstrumentError, match=r"sent no pulse: smua\.source\.limiti is 0\.5 instead of 0\.0001"):
        bench.pulse(ALL)
    assert bench.received.sum() == sent
    assert bench.outcomes == [*["done"] * sent, "not_sent"]
    assert_stopped(bench)


@pytest.mark.fault("T16", "X13", "V14", "X1")
def test_a_second_program_that_closes_a_relay_stops_the_run(kept):
    bench = kept()
    bench.read()
    bench.pulse(FIRST)
    _, host, port, _ = bench.emulated.resources["matrix"].split("::")
    with socket.create_connection((host, int(port)), timeout=60) as other:
        other.sendall(b'channel.close("1C12") print(1)\n')
        assert other.recv(64)
    with pytest.raises(InstrumentError, match=r"somebody else changed the bench: matrix has .*1C12"):
        bench.pulse(FIRST)
    assert bench.received.sum() == 1
    assert_stopped(bench)


# ---------------------------------------------------------------------- instruments that restart


@pytest.mark.fault("I3", "O12", "R10")
@pytest.mark.parametrize("name", ["emulated", "emulated-single"])
@pytest.mark.parametrize("who", ["smu", "matrix"])
def test_an_instrument_that_was_off_is_set_up_anew_and_never_works_with_its_defaults(kept, name, who):
    bench = kept(name)
    bench.read()
    bench.strike("reboot", instrument=who, skip=2)
    assert bench.read() == pytest.approx(bench.truth, rel=1e-5)
    assert bench.struck == ["reboot"]
    on = [each for each in bench.world.log.of("source") if each["on"]]
    assert on
    assert max(each["limit_a"] for each in on) <= 1.06 * LIMIT_A
    assert bench.received.sum() == 0
    assert bench.entries("note") != []


@pytest.mark.fault("I3", "R10", "V3")
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_pulse_during_which_the_instrument_lost_its_power_is_in_doubt_and_not_repeated(kept, when):
    bench = kept()
    bench.read()
    bench.strike("reboot", match=r"^crossbar_hil_pulse\(", when=when)
    bench.pulse(FIRST)
    assert bench.outcomes == ["in_doubt"]
    assert bench.received.sum() == (when == "after")


# ---------------------------------------------------------------------- limits, overflows, settings


@pytest.mark.fault("I7", "C1", "V4")
@pytest.mark.parametrize("name", ["emulated", "emulated-single"])
def test_a_cell_that_breaks_down_in_a_pulse_is_held_by_the_limit_and_stops_the_run(kept, name):
    bench = kept(name, measurement={"discharge_s": 0})
    bench.read()
    match = r"^crossbar_hil_pulse\(" if name == "emulated" else r"READ\?"
    bench.strike("trip", match=match, row=0, column=0)
    with pytest.raises(ComplianceError, match=r"row 1.*reached its current limit of 0\.0001 A"):
        bench.pulse(FIRST)
    assert bench.outcomes == ["done"]
    assert "current limit" in bench.entries("outcome")[0]["why"]
    assert_stopped(bench)


@pytest.mark.fault("I8", "V13")
@pytest.mark.parametrize("value", [9.9e37, -9.9e37, math.nan, math.inf])
@pytest.mark.parametrize("name", ["emulated", "emulated-single"])
def test_what_stands_for_an_overflow_is_no_current(kept, name, value):
    bench = kept(name)
    bench.strike("sentinel", match=QUESTION, skip=12, value=value)
    if math.isfinite(value):
        with pytest.raises(BackendError, match=r"overrange|overflow|limit|no number"):
            bench.read()
        assert_stopped(bench)
    else:  # no word of the model, so the answer is no answer, and the read is taken anew
        with suppress(BackendError):
            assert bench.read() == pytest.approx(bench.truth, rel=1e-5)
    assert bench.struck == ["sentinel"]


@pytest.mark.fault("I4", "V22")
def test_a_setting_that_is_refused_with_a_word_in_the_queue_alone_stops_before_the_output_is_on(kept):
    bench = kept()
    bench.keeper.make_safe("to begin anew")
    bench.strike("err", match=r"smua\.source\.limiti=", code=-222, text="Parameter data out of range")
    with pytest.raises(InstrumentError, match="-222"):
        bench.read()
    assert [each for each in bench.world.log.of("source") if each["on"]] == []


@pytest.mark.fault("I5")
def test_a_setting_that_is_silently_ignored_stops_before_the_output_is_on(kept):
    bench = kept()
    bench.keeper.make_safe("to begin anew")
    bench.strike("ignore", pattern=r"smua\.source\.limiti=\S+")
    with pytest.raises(InstrumentError, match=r"smua\.source\.limiti = 0\.0001 but reads back"):
        bench.read()
    assert [each for each in bench.world.log.of("source") if each["on"]] == []


# ---------------------------------------------------------------------- outputs


@pytest.mark.fault("I14", "I15", "V6")
@pytest.mark.parametrize(("verb", "args"), [("mode", {"what": "overtemp"}), ("interlock", {})])
@pytest.mark.parametrize("work", ["read", "pulse"])
def test_an_output_that_heat_or_an_interlock_takes_off_stops_the_run_with_that_reason(kept, verb, args, work):
    bench = kept()
    bench.read()
    bench.strike(verb, match=r"measure\.i\(|^crossbar_hil_pulse\(", of="smu", **args)
    with pytest.raises(InstrumentError) as caught:
        getattr(bench, work)()
    assert re.search("over temperature|interlock|off", str(caught.value))
    assert bench.received.sum() == 0
    assert bench.left_on == ([], set())


@pytest.mark.fault("I17", "H15", "D7", "V5")
@pytest.mark.parametrize("name", ["emulated", "emulated-single"])
def test_a_slow_link_makes_no_pulse_longer(kept, name):
    bench = kept(name, sockets=True, emulation={"clock": "real"}, measurement={"discharge_s": 0})
    bench.read()
    bench.strike("late", times=0, seconds=0.004)
    bench.pulse(FIRST)
    (exposure,) = bench.world.log.of("exposure")
    assert exposure["seconds"] == pytest.approx(0.05, rel=0.01)


@pytest.mark.fault("I18", "V7")
def test_an_output_that_sticks_stays_at_0_v_because_that_comes_before_off(kept):
    bench = kept()
    bench.strike("mode", what="output_stuck_on", of="smu")
    bench.read()
    bench.keeper.make_safe("the end")
    assert [bench.world.terminal(name).level_v for name in bench.channels] == [0.0, 0.0]
    assert bench.world.closed("matrix") == frozenset()
    assert bench.world.log.of("violation") == []


@pytest.mark.fault("I19", "V4")
@pytest.mark.parametrize("name", ["emulated", "emulated-single"])
def test_an_open_sense_line_does_nothing_because_sensing_is_local(kept, name):
    bench = kept(name)
    bench.read()
    bench.strike("mode", what="sense_open", of="smu", volt=20.0)
    assert bench.read() == pytest.approx(bench.truth, rel=1e-5)
    assert max(abs(each["level_v"]) for each in bench.world.log.of("source")) <= 0.2


@pytest.mark.fault("I5", "T16")
def test_four_wires_left_on_by_another_program_are_two_again_and_stop_a_run_that_has_begun(kept):
    bench = kept("emulated", instruments={"smu": {"driver": "keysightb2902a"}, "matrix": {"driver": "keithley707b"}})
    smu = bench.emulated.instruments["smu"]
    smu.receive(":SENS1:REM ON;:SENS2:REM ON;:ARM1:ALL:COUN 5;:FORM REAL,64;:OUTP1:LOW FLO")
    bench.strike("mode", what="sense_open", of="smu", volt=20.0)
    assert bench.read() == pytest.approx(bench.truth, rel=1e-3)
    assert max(abs(each["level_v"]) for each in bench.world.log.of("source")) <= 0.2
    smu.receive(":SENS2:REM ON")
    with pytest.raises(InstrumentError, match="SENS2:REM is 1 instead of off"):
        bench.read()
    assert max(abs(each["level_v"]) for each in bench.world.log.of("source")) <= 0.2
    assert_stopped(bench)


# ---------------------------------------------------------------------- relays


@pytest.mark.fault("R1")
def test_a_relay_that_stays_open_stops_the_run_when_its_cells_are_gone(kept):
    bench = kept()
    bench.read()
    bench.strike("relay", what="stuck_open", row=1, column=1)
    with pytest.raises(
        BackendError, match=r"cell \[0, \d\] \(row 1, column \d\) went from .* although it was not pulsed"
    ):
        bench.read()
    assert_stopped(bench)


@pytest.mark.fault("R2", "R1", "R13")
@pytest.mark.parametrize(
    ("what", "row", "column", "words"), [("stuck_closed", 3, 2, "row 2"), ("stuck_open", 1, 2, "row 2")]
)
def test_a_welded_or_a_dead_relay_is_found_by_the_check_of_the_wiring(kept, what, row, column, words):
    bench = kept()
    assert check_wiring(bench.chip, 0.1) == []
    bench.strike("relay", what=what, row=row, column=column)
    assert any(words in problem for problem in check_wiring(bench.chip, 0.1))


@pytest.mark.fault("R14")
@pytest.mark.parametrize("name", ["emulated", "emulated-single"])
def test_what_flows_between_two_lines_at_0_v_is_found_by_the_check_of_the_wiring_and_offsets_of_data_sheets_are_not(
    kept, name
):
    bench = kept(name)
    bench.world.damage = Damage(np.random.default_rng(0))
    # 2602B: 1.8 mV of source offset, 0.025 % and 1.5 nA of 10 uA; one source off up, the other one down
    for channel, sign in zip(bench.channels, (1, -1), strict=False):
        bench.world.damage.channels[channel] = BadChannel(zero_v=sign * 1.8e-3, offset_a=sign * 4e-9, guard_v=-1e-3)
    bench.world.apply_damage()
    assert check_wiring(bench.chip, 0.1) == []
    measure = bench.chip._rig.measure

    def supplied(source_volts, **more):  # -5 uA where row 1 and column 2 are measured
        row, *others, column = bench.chip._rig.state
        return measure(source_volts, **more) - (0 if row == column or {row, column} & set(others) else 5e-6)

    bench.chip._rig.measure = supplied
    with pytest.raises(
        ImpossibleReading, match=r"(row 1|column 2) the meter shows -(5|4\.99|5\.01) uA while every source is at 0 V;"
    ):
        bench.keeper.line_conductances(0.1)
    assert_stopped(bench)


@pytest.mark.fault("R3", "R4")
def test_a_relay_that_is_slower_than_its_matrix_says_spoils_no_reading_unseen(kept):
    bench = kept()
    bench.read()
    bench.strike("relay", what="slow", row=1, column=1, seconds=5.0)
    with suppress(BackendError):  # this one may end before the relay has to close
        bench.read()
    with pytest.raises(BackendError, match=r"cell \[0, \d\] \(row 1, column \d\) went from|broken|safe"):
        bench.read()
    assert bench.left_on == ([], set())


@pytest.mark.fault("R6", "R7")
@pytest.mark.parametrize("work", ["read", "pulse"])
def test_a_relay_that_a_matrix_leaves_out_without_a_word_stops_the_run(kept, work):
    bench = kept()
    bench.read()
    bench.strike("drop_close", match=r"channel\.close")
    with pytest.raises(InstrumentError, match=r"matrix has .* closed, expected"):
        getattr(bench, work)()
    assert bench.received.sum() == 0
    assert_stopped(bench)


@pytest.mark.fault("R9")
def test_a_matrix_whose_relays_an_interlock_keeps_open_is_not_taken_for_ready(kept):
    bench = kept()
    bench.read()
    bench.strike("ignore", instrument="matrix", times=0, pattern=r'channel\.close\("[^"]*"\)')
    with pytest.raises(InstrumentError, match=r"closed, expected"):
        bench.read()
    assert np.array_equal(bench.received, 0 * ALL)
    assert bench.left_on == ([], set())
