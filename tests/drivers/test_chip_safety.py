import contextlib
from types import SimpleNamespace

import numpy as np
import pytest

from crossbar_hil.backend import Pulse
from crossbar_hil.drivers.rig import Rig
from crossbar_hil.drivers.safe import make_safe
from crossbar_hil.errors import ConfigError, InstrumentError
from crossbar_hil.instrument import Reading, SourceSettings

PULSE = Pulse(2.0, 0.05)
READS = np.array([[0.1, -0.1, 0.1, -0.1], [0.1, 0.0, 0.0, 0.0]])
SOME = np.eye(4, dtype=int)


@pytest.fixture
def bench(fakes):
    return fakes.FakeBench(fakes.drawn_chip())


def use(backend):
    backend.read_currents(READS)
    backend.send_pulses(SOME, PULSE)
    backend.read_currents(READS)


# ---------------------------------------------------------------------- what a careful bench does


@pytest.mark.fault("R5", "V8")
@pytest.mark.parametrize("dual", [True, False])
def test_no_relay_ever_moves_under_voltage(fakes, dual):
    bench = fakes.FakeBench(fakes.drawn_chip(), dual=dual)
    with bench.backend() as backend:
        use(backend)
    assert bench.world.log.of("relays")
    assert bench.world.log.of("violation") == []


@pytest.mark.fault("R4", "R5", "V8")
def test_every_source_is_told_to_be_at_0_v_before_relays_move(bench):
    use(bench.backend())
    level = {}
    for name, method, *details in bench.journal:
        if method == "enable":
            level[name] = 0.0
        elif method == "set_voltage":
            level[name] = details[0]
        elif method == "connect":
            assert level == {"smu.a": 0.0, "smu.b": 0.0}


def test_making_a_backend_switches_nothing_on_and_closes_nothing(bench):
    backend = bench.backend()
    assert bench.is_safe()
    assert backend.relay_operations == 0
    assert {call[1] for call in bench.journal} <= {
        "output_off", "recover", "output_is_on", "wait", "disconnect_all", "connected", "prepare"
    }  # fmt: skip


@pytest.mark.fault("I12", "O11")
def test_a_bench_that_was_left_on_is_taken_over_without_hot_switching(bench):
    bench.matrix._move({"1A01", "1B05"})
    bench.world.set_terminals({"smu.a": {"on": True, "level_v": 0.1}})
    bench.backend()
    assert bench.is_safe()
    assert bench.world.log.of("violation") == []


def test_a_source_is_set_up_with_nothing_connected_to_it_whoever_left_the_chip_connected(bench):
    bench.matrix._move({"1A01", "1B05"})
    for source in bench.sources.values():

        def prepare(settings, real=source.prepare):
            assert not bench.world.closed("matrix")
            real(settings)

        source.prepare = prepare
    bench.backend()
    assert [call[1] for call in bench.journal].count("prepare") == 3


def test_a_bench_that_cannot_be_made_safe_says_what_cannot_be_set_up(bench):
    bench.sources["meter"].broken.update(output_is_on=InstrumentError("TSP?"), prepare=ConfigError("it speaks TSP"))
    with pytest.raises(ConfigError, match="it speaks TSP"):
        bench.backend()


def test_outputs_go_on_while_all_relays_are_open(bench):
    bench.backend().read_currents(READS)
    methods = [call[1] for call in bench.journal]
    assert max(place for place, each in enumerate(methods) if each == "enable") < methods.index("connect")
    assert methods.count("enable") == 2


@pytest.mark.parametrize(("dual", "meters"), [(True, 1), (False, 1), (True, 3)])
def test_no_cell_is_left_under_voltage_between_two_batches(fakes, dual, meters):
    bench = fakes.FakeBench(fakes.drawn_chip(), dual=dual, meters=meters)
    backend = bench.backend()
    backend.read_currents(READS)
    assert not bench.world._cell_volts().any()
    backend.send_pulses(SOME, PULSE)
    assert not bench.world._cell_volts().any()


def test_every_line_of_the_chip_is_on_one_port_whenever_relays_are_closed(bench):
    use(bench.backend())
    connects = [call[2] for call in bench.matrix.calls if call[1] == "connect"]
    assert connects
    for crosspoints in connects:
        assert sorted(name[2:] for name in crosspoints) == [f"{line:02d}" for line in range(1, 9)]


def test_the_relays_that_moved_are_counted_by_the_matrix(bench):
    backend = bench.backend()
    use(backend)
    moved = sum(len(each["opened"]) + len(each["closed"]) for each in bench.world.log.of("relays"))
    assert backend.relay_operations == moved > 0


# ---------------------------------------------------------------------- relays are read back


def test_a_read_state_is_read_back_once_and_a_pulse_state_always(bench):
    backend = bench.backend()

    def asked(work):
        before = bench.matrix.times("connected")
        work()
        return bench.matrix.times("connected") - before

    first = asked(lambda: backend.read_currents(READS))
    assert first == len({call[2] for call in bench.matrix.calls if call[1] == "connect"})
    # A batch begins by asking: that no relay has to move for its first state is no proof that none has moved.
    assert asked(lambda: backend.read_currents(READS)) == 1
    for _ in range(2):
        assert asked(lambda: backend.send_pulses(SOME, PULSE)) == 1 + 4


def test_relays_are_not_read_back_where_that_is_not_wanted(bench):
    backend = bench.backend(verify_relays=False)
    before = bench.matrix.times("connected")
    use(backend)
    assert bench.matrix.times("connected") == before


@pytest.mark.fault("R6")
def test_a_relay_that_does_not_close_stops_a_read(bench):
    backend = bench.backend()
    bench.matrix.dead = frozenset({"1B06"})
    with pytest.raises(InstrumentError, match=r"matrix matrix has .* closed instead of .*1B06"):
        backend.read_currents(READS)
    assert bench.is_safe()


@pytest.mark.fault("R6", "R2")
def test_a_relay_that_sticks_stops_a_pulse_before_it_is_sent(bench):
    backend = bench.backend()
    backend.send_pulses(SOME, PULSE)
    before = bench.sources["drive"].times("pulse_together")
    bench.matrix.stuck = frozenset({"1A02"})
    with pytest.raises(InstrumentError, match="instead of"):
        backend.send_pulses(SOME[::-1], PULSE)
    # The one cell of row 1 is in order; every other state has the stuck relay in addition.
    assert bench.sources["drive"].times("pulse_together") - before <= 1


@pytest.mark.fault("R10")
def test_a_relay_that_opened_between_two_pulses_of_one_state_is_seen(bench):
    backend = bench.backend()
    one = np.zeros((4, 4), dtype=int)
    one[1, 1] = 1
    backend.send_pulses(one, PULSE)
    bench.world.move_relays("matrix", [])
    with pytest.raises(InstrumentError, match="has no crosspoint closed instead of"):
        backend.send_pulses(one, PULSE)
    assert bench.sources["drive"].times("pulse_together") == 1


def test_a_bench_whose_relays_do_not_open_is_not_begun(bench):
    bench.matrix.stuck = frozenset({"1A02"})
    with pytest.raises(InstrumentError, match="after the bench was prepared matrix matrix has 1A02 closed"):
        bench.backend()


@pytest.mark.fault("I18")
def test_a_bench_whose_output_stays_on_is_not_begun(bench):
    bench.sources["meter"].output_is_on = lambda: True
    with pytest.raises(InstrumentError, match=r"after the bench was prepared smu\.b is on"):
        bench.backend()


# ---------------------------------------------------------------------- make safe


def test_make_safe_switches_off_and_opens(bench):
    backend = bench.backend()
    use(backend)
    assert not bench.is_safe()
    backend.make_safe()
    assert bench.is_safe()
    assert bench.world.log.of("violation") == []


@pytest.mark.fault("V7")
def test_make_safe_switches_off_before_it_asks_anything_and_opens_relays_after_the_sources_answered(bench):
    backend = bench.backend()
    before = len(bench.journal)
    backend.make_safe()
    assert [call[:2] for call in bench.journal[before:] if call[1] not in ("recover", "wait")] == [
        ("smu.a", "output_off"),
        ("smu.b", "output_off"),
        ("smu.a", "output_is_on"),
        ("smu.b", "output_is_on"),
        ("matrix", "disconnect_all"),
        ("matrix", "connected"),
    ]


def test_make_safe_brings_every_session_in_step_before_it_asks(bench):
    backend = bench.backend()
    before = len(bench.journal)
    backend.make_safe()
    calls = [call[:2] for call in bench.journal[before:]]
    for name, question in (("smu.a", "output_is_on"), ("smu.b", "output_is_on"), ("matrix", "connected")):
        assert calls[calls.index((name, question)) - 1] == (name, "recover")


@pytest.mark.fault("H8", "V7")
@pytest.mark.parametrize("method", ["output_off", "output_is_on"])
def test_make_safe_goes_on_after_a_failure_and_reports_it(bench, method):
    backend = bench.backend()
    backend.read_currents(READS)
    bench.sources["drive"].broken[method] = TimeoutError("nobody there")
    with pytest.raises(InstrumentError, match=r"smu\.a .*failed \(TimeoutError: nobody there\)"):
        backend.make_safe()
    assert not bench.world.terminal("smu.b").on
    assert not bench.world.closed("matrix")


@pytest.mark.fault("H8")
def test_make_safe_reports_all_failures_together(bench):
    backend = bench.backend()
    backend.read_currents(READS)
    bench.sources["drive"].broken["output_off"] = OSError("first")
    bench.matrix.broken["disconnect_all"] = OSError("second")
    bench.matrix.broken["connected"] = OSError("third")
    with pytest.raises(InstrumentError) as caught:
        backend.make_safe()
    for words in ("first", "second", "third", "smu.a is still on"):
        assert words in str(caught.value)
    assert not bench.world.terminal("smu.b").on


@pytest.mark.fault("H8", "R2")
def test_make_safe_reports_relays_that_are_still_closed(bench):
    backend = bench.backend()
    bench.matrix.stuck = frozenset({"1C03"})
    with pytest.raises(InstrumentError, match="matrix matrix still has 1C03 closed"):
        backend.make_safe()


def interrupted_once(method):
    """The same, but the first time somebody presses Ctrl-C before it does anything."""
    pressed = []

    def wrapped(*arguments):
        if not pressed:
            pressed.append(True)
            raise KeyboardInterrupt
        return method(*arguments)

    return wrapped


@pytest.mark.fault("O1")
@pytest.mark.parametrize("step", ["output_off", "output_is_on", "disconnect_all", "connected"])
def test_a_step_to_safety_that_ctrl_c_hits_is_begun_again(bench, step):
    backend = bench.backend()
    backend.read_currents(READS)
    for instrument in (*bench.sources.values(), bench.matrix):
        if hasattr(instrument, step):
            setattr(instrument, step, interrupted_once(getattr(instrument, step)))
    with pytest.raises(KeyboardInterrupt) as caught:
        backend.make_safe()
    assert bench.is_safe()
    assert not getattr(caught.value, "__notes__", [])  # nothing is wrong, and nothing else is said


@pytest.mark.fault("I18")
def test_an_output_that_stays_on_is_switched_off_once_more(bench):
    backend = bench.backend()
    backend.read_currents(READS)
    drive, told = bench.sources["drive"], []
    output_off = drive.output_off

    def deaf_once():
        told.append(True)
        if len(told) > 1:
            output_off()

    drive.output_off = deaf_once
    backend.make_safe()
    assert bench.is_safe()
    assert len(told) == 2


@pytest.mark.fault("R2", "T5", "V7")
def test_relays_that_stay_closed_are_opened_once_more(bench):
    """As where the message that opens them was lost."""
    backend = bench.backend()
    backend.read_currents(READS)
    told, real = [], bench.matrix.disconnect_all

    def deaf_once():
        told.append(True)
        if len(told) > 1:
            real()

    bench.matrix.disconnect_all = deaf_once
    backend.make_safe()
    assert bench.is_safe()
    assert len(told) == 2


@pytest.mark.fault("R4", "V8")
def test_lines_have_time_to_discharge_also_where_no_gate_sees_to_it(bench):
    """As in a rescue, which knows nothing of what was done before: by the clock of the world."""
    wait, waited = bench.matrix.wait, []
    bench.matrix.wait = lambda seconds: (bench.matrix.note("wait"), waited.append(seconds), wait(seconds))
    make_safe(bench.sources.values(), bench.matrix, discharge_s=0.02)
    steps = [call[:2] for call in bench.journal]
    assert waited == [0.02]
    assert steps.index(("smu.b", "output_is_on")) < steps.index(("matrix", "wait"))
    assert steps.index(("matrix", "wait")) < steps.index(("matrix", "disconnect_all"))


@pytest.mark.fault("I11", "T13")
def test_relays_open_also_where_no_source_answers(bench):
    backend = bench.backend()
    backend.read_currents(READS)
    for source in bench.sources.values():
        for method in ("output_off", "output_is_on"):
            source.broken[method] = TimeoutError("nobody there")
    with pytest.raises(InstrumentError, match="nobody there"):
        backend.make_safe()
    assert not bench.world.closed("matrix")


@pytest.mark.fault("I11", "T13", "V7", "V15")
def test_a_mute_source_keeps_the_relays_closed_for_a_share_of_its_deadline_at_most(bench, monkeypatch):
    backend = bench.backend()
    backend.read_currents(READS)
    bench.sources["drive"].broken["output_is_on"] = TimeoutError("mute")
    shares = []

    @contextlib.contextmanager
    def hurried(share):
        shares.append(share)
        bench.sources["drive"].note("hurried")
        yield
        bench.sources["drive"].note("had time")

    monkeypatch.setattr(bench.sources["drive"], "hurried", hurried, raising=False)
    before = len(bench.journal)
    with pytest.raises(
        InstrumentError, match=r"^the bench may not be safe: look at smu\.a: asking smu\.a whether"
    ) as told:
        backend.make_safe()
    calls = [call[:2] for call in bench.journal[before:] if call[1] not in ("recover", "wait")]
    again = ("smu.a", "output_off"), ("smu.a", "output_is_on")
    first = [("smu.a", "hurried"), again[1], *again, ("smu.b", "output_is_on"), ("smu.a", "had time")]
    relays = [("matrix", "disconnect_all"), ("matrix", "connected")]
    last = [("smu.a", each) for each in ("hurried", "output_off", "output_is_on", "had time")]
    assert calls == [("smu.a", "output_off"), ("smu.b", "output_off"), *first, *relays, *last]
    assert sum(shares) < 1.0  # so that a person is told within 2 s of a deadline of 2 s
    assert str(told.value).count("mute") == 1  # what failed twice is told once


def test_ctrl_c_on_the_way_to_0_v_after_a_reached_limit_leaves_the_bench_safe(fakes):
    bench = fakes.FakeBench(fakes.chip_of(np.full((4, 4), 1e-6)))
    settings = {port: SourceSettings(range_v=3.0, compliance_a=1e-8, range_a=1e-3) for port in bench.sources}
    backend = bench.backend(settings=settings)
    drive = bench.sources["drive"]
    set_voltage = drive.set_voltage

    def impatient(voltage_v):
        if voltage_v == 0 and bench.world.terminal("smu.a").level_v:
            raise KeyboardInterrupt
        set_voltage(voltage_v)

    drive.set_voltage = impatient
    with pytest.raises(KeyboardInterrupt):
        backend.read_currents(READS)
    assert bench.is_safe()


@pytest.mark.fault("R10", "V14")
def test_relays_that_opened_between_two_reads_of_one_state_are_seen(bench):
    backend = bench.backend()
    one = np.array([[0.1, 0.0, 0.0, 0.0]])
    backend.read_currents(one)
    bench.world.move_relays("matrix", [])
    with pytest.raises(InstrumentError, match="has no crosspoint closed instead of"):
        backend.read_currents(one)


@pytest.mark.fault("I13", "I15", "V14")
@pytest.mark.parametrize("port", ["drive", "meter"])
def test_a_read_with_an_output_that_somebody_switched_off_gives_no_numbers(bench, port):
    backend = bench.backend()
    backend.read_currents(READS)
    source = bench.sources[port]
    bench.world.set_terminal(source.name, on=False)
    source.measure = lambda: Reading(0.0, limited=False)  # as a model that measures with its output off
    with pytest.raises(InstrumentError, match=rf"{source.name} is off"):
        backend.read_currents(READS)
    assert bench.is_safe()


@pytest.mark.fault("O1")
def test_an_interruption_from_the_keyboard_waits_until_all_is_safe(bench):
    backend = bench.backend()
    backend.read_currents(READS)
    bench.sources["drive"].broken["output_off"] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt) as caught:
        backend.make_safe()
    assert not bench.world.terminal("smu.b").on
    assert not bench.world.closed("matrix")
    assert any("smu.a is still on" in note for note in caught.value.__notes__)


@pytest.mark.parametrize(
    "read",
    [
        lambda backend: backend.read_currents(READS),
        lambda backend: backend.line_conductances(0.1),
        lambda backend: backend.look([(("drive", *["ground"] * 3, "meter", *["ground"] * 3), [{"drive": 0.1}] * 3)]),
    ],
    ids=["currents", "lines", "raw currents"],
)
def test_a_read_during_which_an_output_goes_off_gives_no_numbers(bench, read):
    backend = bench.backend()
    backend.read_currents(READS)
    meter, taken = bench.sources["meter"], []

    def measure():
        taken.append(True)
        if len(taken) == 3:
            bench.world.set_terminal("smu.b", on=False)
        return Reading(0.0, limited=False)  # as a model that measures with its output off

    meter.measure = measure
    with pytest.raises(InstrumentError, match=r"the output of smu\.b is off, though nothing here switched it off"):
        read(backend)
    assert bench.is_safe()


@pytest.mark.fault("H7", "V6")
@pytest.mark.parametrize("error", [InstrumentError("refused"), KeyboardInterrupt(), RuntimeError("a mistake of ours")])
@pytest.mark.parametrize("method", ["set_voltage", "measure", "limit_tripped"])
def test_whatever_fails_in_a_read_leaves_the_bench_safe(bench, method, error):
    backend = bench.backend()
    backend.read_currents(READS)
    for source in bench.sources.values():
        source.broken[method] = error
    with pytest.raises(type(error)):
        backend.read_currents(READS)
    assert bench.is_safe()


def test_a_failure_on_the_way_to_safety_is_added_to_the_first_one_and_told_until_all_is_safe(bench):
    backend, told = bench.backend(), []
    backend.witness.unsafe = told.append
    backend.read_currents(READS)
    bench.sources["meter"].broken["measure"] = InstrumentError("refused")
    bench.sources["drive"].broken["output_off"] = OSError("unplugged")
    with pytest.raises(InstrumentError, match="refused") as caught:
        backend.read_currents(READS)
    assert any("unplugged" in note for note in caught.value.__notes__)
    assert "unplugged" in told[-1]
    bench.sources["drive"].broken.clear()
    with pytest.raises(InstrumentError, match="refused"):
        backend.read_currents(READS)
    assert told[-1] == ""


def test_a_source_that_cannot_be_brought_to_0_v_after_a_limit_is_switched_off(fakes):
    bench = fakes.FakeBench(fakes.chip_of(np.full((4, 4), 1e-6)))
    settings = {port: SourceSettings(range_v=3.0, compliance_a=1e-8, range_a=1e-3) for port in bench.sources}
    backend = bench.backend(settings=settings)
    drive = bench.sources["drive"]
    set_voltage = drive.set_voltage

    def only_up(voltage_v):
        if voltage_v == 0 and bench.world.terminal("smu.a").level_v:
            raise InstrumentError("stuck")
        set_voltage(voltage_v)

    drive.set_voltage = only_up
    with pytest.raises(InstrumentError.__base__, match="reached its current limit"):
        backend.read_currents(READS)
    assert bench.is_safe()


def test_a_bench_that_cannot_be_prepared_is_left_safe(bench):
    bench.sources["meter"].broken["prepare"] = InstrumentError("compliance reads back 1 A")
    bench.world.set_terminals({"smu.b": {"on": True, "level_v": 2.0}})
    with pytest.raises(InstrumentError, match="reads back 1 A"):
        bench.backend()
    assert bench.is_safe()


def test_after_make_safe_a_read_sets_the_instruments_up_anew(bench):
    backend = bench.backend()
    first = backend.read_currents(READS)
    backend.make_safe()
    before = len(bench.journal)
    np.testing.assert_array_equal(backend.read_currents(READS), first)
    assert [call[1] for call in bench.journal[before:]].count("prepare") == 3
    assert bench.world.log.of("violation") == []


# ---------------------------------------------------------------------- what is no bench


@pytest.mark.parametrize(
    ("dual", "changes", "words"),
    [
        (True, {"shape": (4, 3)}, "chip of 4 x 3 cells is wired as one of 4 x 4"),
        (True, {"kind": "simulated"}, "kind 'simulated' .* emulated or hardware"),
        (True, {"read_scheme": "guarded"}, "read scheme guarded needs the port guard"),
        (True, {"write_scheme": "divider half-select"}, "write scheme divider half-select needs the port divider"),
        (True, {"write_scheme": "row"}, r"write scheme row puts 100% of a pulse .* \(row 1, column 2\) too"),
        (True, {"write_scheme": None}, "no write scheme is named"),
        (True, {"disturb_v": 0.0}, "disturb_v 0.0 V"),
        (True, {"settings": {}}, "settings are given for no port, but sources for drive, meter"),
        (False, {"read_scheme": "virtual ground"}, "read scheme virtual ground needs the port meter"),
    ],
)
def test_parts_that_make_no_bench_are_refused_and_nothing_is_sent(fakes, dual, changes, words):
    bench = fakes.FakeBench(fakes.drawn_chip(), dual=dual)
    with pytest.raises(ConfigError, match=words):
        bench.backend(**changes)
    assert bench.journal == []


def settings_of(sources, **changes):
    return {
        port: SourceSettings(**({"range_v": 3, "compliance_a": 1e-3, "range_a": 1e-3} | changes)) for port in sources
    }


@pytest.mark.parametrize(
    ("sources", "words"),
    [
        (lambda a, b: {"drive": a}, "no source is on the port meter, only on drive"),
        (lambda a, b: {"drive": a, "meter": a}, r"source smu\.a is on the ports drive and meter"),
        (
            lambda a, b: {"drive": a, "meter": b, "ground": b},
            r"source smu\.b is on the port ground, expected drive, meter",
        ),
    ],
)
def test_sources_that_are_missing_or_misplaced_are_refused(bench, sources, words):
    chosen = sources(bench.sources["drive"], bench.sources["meter"])
    with pytest.raises(ConfigError, match=words):
        bench.backend(sources=chosen, settings=settings_of(chosen))
    assert bench.journal == []


def test_a_source_on_a_port_that_is_not_wired_is_refused(fakes):
    bench = fakes.FakeBench(fakes.drawn_chip(), dual=False)
    another = fakes.FakeSource(bench.world, "another", journal=bench.journal)
    chosen = {**bench.sources, "meter": another}
    with pytest.raises(ConfigError, match="source another needs the port meter"):
        bench.backend(sources=chosen, settings=settings_of(chosen, guard=True))


def test_a_limit_below_the_least_of_a_source_is_refused_before_any_source_is_set_up(bench):
    bench.sources["meter"].least_compliance_a = 1e-2
    with pytest.raises(ConfigError, match=r"smu\.b cannot limit its current to 1 mA, 10 mA is its least"):
        bench.backend()
    assert bench.journal == []


def test_the_guarded_scheme_asks_for_a_source_that_can_and_will_drive_a_guard(fakes):
    bench = fakes.FakeBench(fakes.drawn_chip(), dual=False)
    with pytest.raises(ConfigError, match="must drive a guard, but its settings do not ask for one"):
        bench.backend(settings=settings_of(bench.sources))
    bench.sources["drive"].has_guard = False
    with pytest.raises(ConfigError, match="must drive a guard, but the model has none"):
        bench.backend()
    assert bench.journal == []


def test_identify_names_every_instrument_the_schemes_and_the_wiring(bench):
    found = bench.backend().identify()
    assert found["backend"] == "ChipBackend"
    assert found["sources"]["meter"]["name"] == "smu.b"
    assert found["sources"]["meter"]["serial"] == "serial of smu.b"
    assert found["matrix"]["model"] == "MATRIX"
    assert (found["read_scheme"], found["write_scheme"]) == ("virtual ground", "symmetric half-select")
    assert found["settings"]["drive"]["compliance_a"] == 1e-3
    assert found["wiring"] == {
        "slot": 1,
        "ports": {"drive": "A", "meter": "B", "ground": "C"},
        "rows": [1, 2, 3, 4],
        "columns": [5, 6, 7, 8],
    }


def test_where_the_lines_are_is_not_known_once_a_move_has_failed():
    def stuck(crosspoints):
        raise InstrumentError("the relays do not move")

    rig = Rig({}, {}, SimpleNamespace(connect=stuck), None, meters=["meter"], verify_relays=False, may_open=True)
    rig.state = ("drive", "ground")
    with pytest.raises(InstrumentError, match="do not move"):
        rig._go(("ground", "drive"), frozenset({"1A05"}))
    assert rig.state is None


def test_the_last_source_rests_with_its_reading_only_while_the_others_are_at_0_v(fakes):
    bench = fakes.FakeBench(fakes.chip_of(np.full((4, 4), 1e-6)))
    waits = {port: [] for port in bench.sources}
    for port, source in bench.sources.items():
        source.wait = lambda seconds, nplc, port=port: waits[port].append(seconds)
    rig = bench.backend(discharge_s=2e-3)._rig
    rig.arm()
    rig.connect(("drive", "ground", "ground", "ground", "meter", "ground", "ground", "ground"))
    rig.measure({"drive": 0.1, "meter": 0.0}, then_rest=True)
    assert (bench.world.terminal("smu.a").level_v, waits["drive"]) == (0.0, [2e-3])
    rig.measure({"meter": 0.1, "drive": 0.05}, then_rest=True)
    assert (bench.world.terminal("smu.a").level_v, bench.world.terminal("smu.b").level_v) == (0.05, 0.1)
    rig.connect(("ground", "drive", "ground", "ground", "meter", "ground", "ground", "ground"))
    assert sum(map(len, waits.values())) == 2
