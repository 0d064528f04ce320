"""A caller who tries everything, with instruments that fail at any moment, judged by what physically happens."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbar_hil.backend import Limits
from crossbar_hil.drivers.gate.disturb import DisturbLimit
from crossbar_hil.drivers.gate.gate import Gate
from crossbar_hil.drivers.gate.matrix import put_behind_gate
from crossbar_hil.drivers.schemes.read_schemes import read_scheme
from crossbar_hil.drivers.schemes.write_schemes import write_scheme
from crossbar_hil.errors import DeadlineError, LimitError
from crossbar_hil.instrument import SourceSettings

READ_V, PULSE_V, WIDTH_S, PULSES, DOSE_VS, DISCHARGE_S = 0.2, 2.5, 0.1, 6, 0.9, 1e-3
SHAPE = (2, 3)
LINES = sum(SHAPE)
SETTINGS = SourceSettings(range_v=2.6, compliance_a=1e-3, range_a=1e-3, read_range_a=1e-5)
ACTING = ("prepare", "enable", "set_voltage", "set_range", "pulse", "pulse_together", "connect")


class Watched:
    """A bench of fakes behind a gate. Notes what every cell sees at every moment, whoever is to blame for it."""

    def __init__(self, fakes, dual, faults):
        self.dual = dual
        self.bench = bench = fakes.FakeBench(fakes.drawn_chip(rows=SHAPE[0], columns=SHAPE[1]), dual=dual)
        self.settings = SETTINGS if dual else SourceSettings(2.6, 2e-2, 1e-3, guard=True, read_range_a=1e-5)
        ports = bench.wiring.ports
        self.gate = Gate(
            bench.wiring.on(bench.matrix),
            limits=Limits(READ_V, PULSE_V, WIDTH_S, PULSES, DOSE_VS),
            settings=dict.fromkeys(bench.sources, self.settings),
            names={port: source.name for port, source in bench.sources.items()},
            read=read_scheme("virtual ground" if dual else "guarded", ports),
            write=DisturbLimit(write_scheme("symmetric half-select" if dual else "divider half-select", ports), SHAPE),
            discharge_s=DISCHARGE_S,
        )
        self.faults = list(faults)
        for fake in (*bench.sources.values(), bench.matrix):
            for method in ACTING:
                if hasattr(fake, method):
                    setattr(fake, method, self.flaky(getattr(fake, method)))
        sources, self.matrix = put_behind_gate(self.gate, bench.sources, bench.matrix)
        self.sources = list(sources.values())
        self.pulsing = False
        self.wrong = []
        self.refusals = []
        self.pulses, self.dose = np.zeros(SHAPE), np.zeros(SHAPE)
        self.width_s = 0.0
        self.hot_until = -1.0
        changed, waited = bench.world._changed, bench.world.wait

        def watch():
            changed()
            self.look()

        def wait(seconds):
            self.felt(seconds)
            waited(seconds)

        bench.world._changed, bench.world.wait = watch, wait

    def flaky(self, method):
        """Fail now and then, before the work is done or after."""

        def call(*details):
            fault = self.faults.pop(0) if self.faults else None
            if fault == "before":
                raise DeadlineError("no answer")
            if method.__name__.startswith("pulse"):
                self.pulsing = True
            try:
                result = method(*details)
            finally:
                self.pulsing = False
            if fault == "after":
                raise DeadlineError("no answer")
            return result

        return call

    def look(self):
        volts = np.abs(self.bench.world._cell_volts())
        now = self.bench.world.clock.now()
        if not self.pulsing and volts.max() > READ_V * (1 + 1e-6):
            self.wrong.append(f"{volts.max():g} V across a cell at {now:g} s, and no pulse")
        elif self.pulsing and volts.max() > PULSE_V * (1 + 1e-6):
            self.wrong.append(f"{volts.max():g} V across a cell in a pulse")
        elif self.pulsing and np.sort(volts, axis=None)[-2] > 0.55 * volts.max() + 1e-9:
            self.wrong.append(f"{np.sort(volts, axis=None)[-2]:g} V across a second cell in a pulse")
        if volts.max() > 0.05:
            self.hot_until = now

    def felt(self, seconds):
        volts = np.abs(self.bench.world._cell_volts())
        if volts.max() > 0.05:
            self.hot_until = self.bench.world.clock.now() + seconds
        if volts.max() > READ_V * (1 + 1e-6):
            hit = volts == volts.max()
            self.pulses += hit
            self.dose += hit * volts * seconds
            if seconds > WIDTH_S * (1 + 1e-9):
                self.wrong.append(f"a pulse of {seconds:g} s")

    def judge(self):
        log = self.bench.world.log
        assert self.wrong == []
        assert log.of("violation") == []
        assert self.pulses.max() <= PULSES
        assert self.dose.max() <= DOSE_VS * (1 + 1e-6)
        assert not [each for each in self.refusals if "\n" in each or ". " in each or each.endswith(".")]

    def tried(self, call, *details):
        """Call, and see that what is refused is refused in one sentence before anything moves."""
        before, events = len(self.bench.journal), len(self.bench.world.log.events)
        moved, hot_until = len(self.bench.world.log.of("relays")), self.hot_until
        try:
            call(*details)
        except LimitError as error:
            self.refusals.append(str(error))
            assert len(self.bench.journal) == before
            assert len(self.bench.world.log.events) == events
        except DeadlineError:
            pass
        for event in self.bench.world.log.of("relays")[moved:]:
            assert event["t"] - hot_until >= DISCHARGE_S * (1 - 1e-9) or self.told(before, event)
        self.judge()

    def told(self, before, event):
        """Whether a source was switched off in the same call, and the lines had their time after it."""
        off = [each for each in self.bench.world.log.of("source") if not each["on"]]
        return bool(off) and event["t"] - off[-1]["t"] >= DISCHARGE_S * (1 - 1e-9)


# ---------------------------------------------------------------------- what a hostile caller does

LEVELS = [0.0, 0.01, 0.05, -0.1, 0.1, 0.15, 0.2, -0.2, 0.21, 0.5, 1.0, -1.0, 1.25, 2.0, -2.0, 2.5, 3.0, 1e3]
voltages = st.sampled_from(LEVELS) | st.floats(-3.0, 3.0)
odd = st.sampled_from([float("nan"), float("inf"), True, "0.1", None])
widths = st.sampled_from([0.05, 0.1, 0.01, 0.11, 0.0, -1.0, 1e9])
counts = st.sampled_from([1, 2, 3, 5, 7, 0, -1, 10**6, True, 1.5])
seconds = st.sampled_from([0.0, 5e-4, 1e-3, 0.1, 20.0, -1.0])
which = st.integers(0, 1)
PORTS_DUAL = ("drive", "meter", "ground", "open")
PORTS_SINGLE = ("drive", "ground", "guard", "divider", "open")

on_source = st.one_of(
    st.tuples(st.just("prepare"), st.booleans()),
    st.tuples(st.just("enable")),
    st.tuples(st.just("set_voltage"), voltages | odd),
    st.tuples(st.just("set_voltage"), voltages),
    st.tuples(st.just("pulse"), voltages | odd, widths, counts),
    st.tuples(st.just("pulse_together"), voltages, voltages, widths, counts),
    st.tuples(st.just("set_range"), st.sampled_from([1e-3, 1e-5, 1.0])),
    st.tuples(st.sampled_from(["wait", "limit_then_rest"]), seconds),
    st.tuples(st.just("measure_at"), voltages | odd, st.booleans(), st.none() | seconds),
    st.tuples(st.sampled_from(["measure", "limit_tripped", "output_off", "output_is_on", "recover", "identify"])),
)
on_matrix = st.one_of(
    st.tuples(st.sampled_from(["prepare", "disconnect_all", "connected", "recover", "identify"])),
    st.tuples(st.just("wait"), seconds),
    st.tuples(st.just("connect"), st.lists(st.integers(0, 4), min_size=LINES, max_size=LINES)),
    st.tuples(st.just("close any"), st.sets(st.tuples(st.integers(0, 4), st.integers(0, LINES - 1)), max_size=8)),
)
# What a caller does who knows how; the others alone would hardly ever come so far.
knowing = st.one_of(
    st.tuples(st.just("set up")),
    st.tuples(st.just("cool")),
    st.tuples(st.just("select"), st.integers(0, SHAPE[0] - 1), st.integers(0, SHAPE[1] - 1)),
    st.tuples(st.just("send"), voltages, widths, counts),
    st.tuples(st.just("row"), st.integers(1, 2 ** SHAPE[0] - 1), st.integers(0, SHAPE[1] - 1)),
    st.tuples(
        st.just("write"),
        st.integers(0, SHAPE[0] - 1),
        st.integers(0, SHAPE[1] - 1),
        st.sampled_from([2.0, -2.0, 2.5, 1.0, 2.6]),
        st.sampled_from([0.05, 0.1]),
        st.sampled_from([1, 2, 4]),
    ),
    st.tuples(
        st.just("read"),
        st.integers(1, 2 ** SHAPE[0] - 1),
        st.integers(0, SHAPE[1] - 1),
        st.sampled_from([0.1, 0.2, -0.2, -0.1, 0.3]),
        voltages,
    ),
)
operations = st.lists(
    st.one_of(
        st.tuples(st.just("source"), which, on_source),
        st.tuples(st.just("matrix"), which, on_matrix),
        st.tuples(st.just("knowing"), which, knowing),
        st.tuples(st.just("knowing"), which, knowing),
    ),
    min_size=12,
    max_size=30,
)
faults = st.just([]) | st.lists(st.sampled_from([None] * 20 + ["before", "after"]), min_size=30, max_size=60)


def attack(watched, target, number, operation):
    name, *details = operation
    source = watched.sources[number % len(watched.sources)]
    other = watched.sources[(number + 1) % len(watched.sources)]
    ports = PORTS_DUAL if watched.dual else PORTS_SINGLE
    if target == "source":
        if name == "prepare":
            details = [watched.settings if details[0] else SourceSettings(200.0, 1.0, 1.0)]
        elif name == "pulse_together":
            details = [details[0], other, *details[1:]]
        elif name == "measure_at":
            voltage_v, itself, rest_s = details
            others = [other] if watched.dual else []
            measure_at = partial(source.measure_at, rest_s=rest_s)
            watched.tried(measure_at, voltage_v, source if itself else other, others)
            return
        watched.tried(getattr(source, name), *details)
    elif target == "matrix":
        if name == "connect":
            assignment = [ports[each % len(ports)] for each in details[0]]
            details = [crosspoints(watched, assignment)]
        elif name == "close any":
            letters = list(watched.bench.wiring.ports.values())
            name, details = "connect", [[f"1{letters[a % len(letters)]}{line + 1:02d}" for a, line in details[0]]]
        watched.tried(getattr(watched.matrix, name), *details)
    else:
        for step in steps(watched, name, details):
            watched.tried(*step)


def crosspoints(watched, assignment):
    return sorted(watched.bench.wiring.on(watched.bench.matrix).crosspoints(assignment, may_open=True))


def steps(watched, name, details):
    sources, matrix = watched.sources, watched.matrix
    if name == "set up":
        yield from ((each.prepare, watched.settings) for each in sources)
        yield (matrix.wait, DISCHARGE_S)
        yield (matrix.prepare,)
        yield from ((each.enable,) for each in sources)
    elif name == "cool":
        yield from ((each.set_voltage, 0.0) for each in sources)
        yield (sources[0].wait, DISCHARGE_S)
    elif name == "select":
        yield from steps(watched, "cool", ())
        yield (matrix.connect, crosspoints(watched, watched.gate._write.scheme.assignment(tuple(details), SHAPE)))
    elif name == "row":
        yield from steps(watched, "cool", ())
        active = np.array([bool(details[0] >> row & 1) for row in range(SHAPE[0])])
        yield (matrix.connect, crosspoints(watched, watched.gate._states._read.assignment(active, details[1:2], SHAPE)))
    elif name == "write":
        yield from steps(watched, "set up", ())
        yield from steps(watched, "select", details[:2])
        yield from steps(watched, "send", details[2:])
    elif name == "read":
        yield from steps(watched, "set up", ())
        yield from steps(watched, "row", details[:2])
        yield (sources[0].set_voltage, details[2])
        yield (sources[0].measure,)
        yield (sources[-1].set_voltage, details[3])
        yield (partial(sources[0].measure_at, rest_s=DISCHARGE_S), details[3], sources[0], sources[1:])
    elif watched.dual:
        volt, width, count = details
        yield (sources[0].pulse_together, volt / 2, sources[1], -volt / 2, width, count)
    else:
        yield (sources[0].pulse, *details)


fixed = settings(derandomize=True, database=None, deadline=None)


@pytest.mark.fault("R5")
@pytest.mark.fault("F7")
@pytest.mark.fault("V4")
@pytest.mark.fault("V5")
@pytest.mark.fault("V8")
@pytest.mark.fault("V18")
@pytest.mark.parametrize("attacks", [10, pytest.param(200, marks=pytest.mark.campaign)])
@pytest.mark.parametrize("dual", [True, False])
def test_whatever_a_hostile_caller_tries_no_cell_sees_more_than_it_may(fakes, dual, attacks):
    reached = {"pulses": 0, "reads": 0}

    @settings(fixed, max_examples=attacks)
    @given(operations, faults)
    def run(tried, failing):
        watched = Watched(fakes, dual, failing)
        for target, number, operation in (("knowing", 0, ("set up",)), *tried):
            attack(watched, target, number, operation)
        reached["pulses"] += watched.pulses.sum()
        reached["reads"] += len([each for each in watched.bench.world.log.of("source") if abs(each["level_v"]) > 0.05])

    run()
    # Or the attack has not come far enough to prove anything. What is tried depends on the modules that are loaded.
    assert min(reached.values()) > 2 / 3 * attacks


@pytest.mark.fault("C11")
@pytest.mark.fault("V5")
def test_a_caller_who_pulses_one_cell_for_ever_stops_at_its_budget(fakes):
    watched = Watched(fakes, True, [])
    for operation in (("set up",), ("select", 1, 2), *[("send", 1.2, 0.05, 1)] * 20):
        attack(watched, "knowing", 0, operation)
    assert watched.pulses.max() == watched.pulses.sum() == PULSES
    watched = Watched(fakes, True, [])
    for operation in (("set up",), ("select", 1, 2), *[("send", 2.5, 0.1, 1)] * 20):
        attack(watched, "knowing", 0, operation)
    assert watched.pulses.sum() == 3
    assert watched.dose.max() == pytest.approx(0.75, rel=1e-6)


def test_this_watch_sees_what_the_gate_is_for(fakes):
    """Without the gate each of these is noticed, so that the silence above means something."""
    for wrong in ("voltage", "pulse", "disturb", "hot"):
        watched = Watched(fakes, True, [])
        attack(watched, "knowing", 0, ("set up",))
        attack(watched, "knowing", 0, ("select", 0, 0))
        drive, meter = watched.bench.sources.values()
        if wrong == "voltage":
            drive.set_voltage(0.5)
        elif wrong == "pulse":
            drive.pulse_together(1.5, meter, -1.5, 0.05)
        elif wrong == "disturb":
            drive.pulse_together(1.5, meter, -0.5, 0.05)
        else:
            drive.set_voltage(0.1)
            watched.bench.matrix._move(frozenset())
        with pytest.raises(AssertionError):
            watched.judge()
