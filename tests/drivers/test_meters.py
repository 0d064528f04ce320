"""Several meters: a column each at the same time, with currents, limits and safety as with one."""

import re
from importlib.resources import files

import numpy as np
import pytest

from crossbar_hil.backend import Pulse
from crossbar_hil.bench.file import load_bench
from crossbar_hil.bench.opening import open_backend
from crossbar_hil.drivers.bench_chip import BenchChip
from crossbar_hil.drivers.schemes.wiring import Wiring
from crossbar_hil.errors import ComplianceError, ImpossibleReading, InstrumentError, LimitError
from crossbar_hil.instrument import Reading, SourceSettings
from crossbar_hil.shipped import data_file
from crossbar_hil.sim_backend.emulation.bench import EmulatedBench
from crossbar_hil.training.patterns import PatternSet
from crossbar_hil.training.trainer import Trainer

from ..called import called

VOLTS = np.where(np.random.default_rng(5).random((5, 4)) < 0.5, 0.1, -0.1)
LETTERS, CHANNELS = "BDEF", ("smu.b", "second.a", "second.b", "third.a")


def bench_file(folder, meters, **more):
    """A bench of 4 x 4 cells with some meters: a 2602B, and of others as many as it takes; return its path."""
    text = files("crossbar_hil.data").joinpath("benches/emulated.toml").read_text(encoding="utf-8")
    ports = {f"meter{number}": (LETTERS[number - 1], CHANNELS[number - 1]) for number in range(2, meters + 1)}
    for old, new in (
        ('ground = "C"', ", ".join(['ground = "C"', *(f'{port} = "{row}"' for port, (row, _) in ports.items())])),
        ('meter = "smu.b"', ", ".join(['meter = "smu.b"', *(f'{port} = "{of}"' for port, (_, of) in ports.items())])),
        *more.items(),
    ):
        assert old in text, old
        text = text.replace(old, new)
    boxes = dict.fromkeys(channel.partition(".")[0] for _, channel in ports.values())
    text += "".join(f'\n[instruments.{box}]\ndriver = "keithley2602b"\n' for box in boxes)
    path = folder / "bench.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.fixture
def emulated(tmp_path):
    """An emulated bench of some meters and its chip: `emulated(meters)` is a context that gives both."""

    def opened(meters, nemesis=None, **more):
        bench = load_bench(bench_file(tmp_path, meters, **more))
        return EmulatedBench(bench, np.random.default_rng(1), nemesis=nemesis), bench

    with called():
        yield opened


def read(opened, voltages=VOLTS):
    """Currents of a batch, with the bench that they were read on and the time that it took there."""
    served, bench = opened
    with served, open_backend(bench, seed=1, resources=served.resources) as chip:
        chip.read_currents(voltages[:1])  # what only the first batch has to do
        began_s = served.world.clock.elapsed()
        currents = chip.read_currents(voltages)
        return currents, served.world, served.world.clock.elapsed() - began_s


def read_on(world):
    """Matrix rows of the columns, and how long the drive was at its last voltage, for each state in a physical log."""
    closed, began_s, found = set(), 0.0, []
    for event in world.log.events:
        if event["event"] == "relays":
            closed = closed - set(event["opened"]) | set(event["closed"])
        elif event["event"] == "source" and event["name"] == "smu.a" and event["level_v"]:
            began_s = event["t"]
        elif event["event"] == "source" and event["name"] == "smu.a" and event["on"] and began_s:
            on = {column.rpartition(".")[2]: row.rpartition(".")[2] for row, column in closed}
            found.append(("".join(on[str(column)] for column in range(5, 9)), event["t"] - began_s))
            began_s = 0.0
    return found


def test_readings_of_channels_and_of_boxes_take_the_time_of_one_and_are_those_of_one_meter(emulated):
    one, _, one_s = read(emulated(1))
    for meters in (2, 4):
        currents, world, seconds = read(emulated(meters))
        assert (currents == one).all()
        assert world.log.of("violation") == []
        assert seconds == pytest.approx(one_s / meters, rel=0.03)  # integrations and moves, and little besides
        # Rows of the matrix: 2 is meter, 3 ground, 4 to 6 are the further meters.
        assert {on for on, _ in read_on(world)} == ({"2433", "3324"} if meters == 2 else {"2456"})
        assert {round(lasted_s, 6) for _, lasted_s in read_on(world)} == {0.0225}  # one reading, not one for each meter


@pytest.mark.parametrize("kind", [{}, {"dual": False, "divider_from": "guard"}], ids=["virtual ground", "guarded"])
@pytest.mark.parametrize("meters", [2, 3])
def test_currents_are_the_matrix_product_and_each_meter_loses_its_own_offset(fakes, meters, kind):
    bench = fakes.FakeBench(fakes.drawn_chip(2), meters=meters, **kind)
    for port, source in bench.sources.items():
        offset_a, measure = (0.0 if port == "drive" else 1e-9 * len(source.name) * ord(source.name[3])), source.measure

        def with_offset(measure=measure, offset_a=offset_a):
            return Reading(measure().current_a + offset_a, limited=False)

        source.measure = with_offset
    backend = bench.backend()
    np.testing.assert_allclose(backend.read_currents(VOLTS), VOLTS @ bench.chip.conductances, rtol=1e-6, atol=1e-13)
    assert backend.work_done()["meters"] == meters


def test_zeros_that_are_kept_are_kept_for_each_meter_and_their_drift_is_told(fakes):
    bench = fakes.FakeBench(fakes.drawn_chip(2), meters=2)
    backend, drift_a = bench.backend(zero_every=2), [0.0]
    second = bench.sources["meter2"]
    measure = second.measure
    second.measure = lambda: Reading(measure().current_a + drift_a[0], limited=False)
    for drift_a[0] in (0.0, 0.0, 2e-9):
        backend.read_currents(VOLTS[:1])
    work = backend.work_done()
    assert work["zero_drift_largest_a"] == pytest.approx(2e-9, rel=1e-3)
    assert work["zero_drift_rms_a"] == pytest.approx(2e-9 / np.sqrt(2), rel=1e-3)  # of two meters one has drifted


def test_a_training_is_that_of_the_simulated_chip_epoch_for_epoch(emulated):
    task = PatternSet.from_csv(data_file("perceptron"))

    def epochs(chip):
        return list(Trainer(chip).iterate(task.train, task.train_labels))

    served, bench = emulated(3)
    with open_backend(load_bench("simulated"), seed=1) as chip:
        dry = epochs(chip)
        siemens = chip.conductances
    with served, open_backend(bench, seed=1, resources=served.resources) as chip:
        wet = epochs(chip)
        np.testing.assert_allclose(served.world.chip.conductances, siemens, rtol=1e-6)
        assert served.world.log.of("violation") == []
    assert len(wet) == len(dry)
    assert all((one.counts == other.counts).all() for one, other in zip(wet, dry, strict=True))


def test_further_meters_are_on_no_line_and_keep_their_range_while_others_pulse(fakes):
    bench = fakes.FakeBench(fakes.drawn_chip(2), meters=2, read_range_a=1e-5)
    backend = bench.backend()
    counts = np.zeros((4, 4), dtype=int)
    counts[1, 2] = 1
    for _ in range(2):
        backend.read_currents(VOLTS[:1])
        backend.send_pulses(counts, Pulse(2.0, 0.05))
    assert bench.sources["meter2"].times("set_range") == 1
    assert bench.sources["meter"].times("set_range") == 4
    assert bench.world.log.of("violation") == []
    row, closed, pulses = f"matrix.row.1.{'ABCDEFGH'.index(bench.wiring.ports['meter2']) + 1}", set(), 0
    for event in bench.world.log.events:
        if event["event"] == "relays":
            closed = closed - set(event["opened"]) | set(event["closed"])
        elif event["event"] == "source" and event["level_v"] == 1.0:
            pulses += 1
            assert not any(row in relay for relay in closed)
    assert pulses == 2


@pytest.mark.fault("I22")
def test_a_further_meter_at_its_limit_is_named_and_the_sources_rest(fakes):
    conductances = np.full((4, 4), 1e-6)
    conductances[:, 1] = 1e-3  # 0.4 mA in all
    bench = fakes.FakeBench(fakes.chip_of(conductances), meters=2)
    limits_a = {"drive": 1e-3, "meter": 1e-3, "meter2": 2e-4}
    settings = {port: SourceSettings(range_v=3.0, compliance_a=each, range_a=each) for port, each in limits_a.items()}
    with pytest.raises(ComplianceError, match=r"smu2\.a on column 2 reached its current limit of 0\.0002 A"):
        bench.backend(settings=settings).read_currents(np.full((1, 4), 0.1))
    assert all(bench.world.terminal(source.name).level_v == 0 for source in bench.sources.values())


@pytest.mark.fault("I22")
@pytest.mark.parametrize("broken", ["begin_beside", "fetch_beside", "measure"])
def test_a_meter_that_fails_amid_a_batch_leaves_every_output_off_and_every_relay_open(fakes, broken, monkeypatch):
    bench = fakes.FakeBench(fakes.drawn_chip(2), meters=3)
    backend = bench.backend()
    backend.read_currents(VOLTS[:1])

    def fails(*_):
        raise InstrumentError(f"{broken} of smu3.a failed")

    monkeypatch.setattr(bench.sources["meter3"], broken, fails)
    with pytest.raises(InstrumentError, match=f"{broken} of smu3.a failed"):
        backend.read_currents(VOLTS)
    assert bench.is_safe()
    monkeypatch.undo()
    np.testing.assert_allclose(backend.read_currents(VOLTS), VOLTS @ bench.chip.conductances, rtol=1e-6)


def test_a_voltage_beyond_its_limit_is_refused_before_anything_is_sent(fakes):
    bench = fakes.FakeBench(fakes.drawn_chip(2), meters=3)
    backend = bench.backend()
    before = len(bench.journal)
    with pytest.raises(LimitError, match="exceed"):
        backend.read_currents(np.full((1, 4), 0.3))
    second = backend._rig.sources["meter2"]
    with pytest.raises(LimitError, match=r"smu2\.a is off"):
        second.begin_beside()
    assert len(bench.journal) == before


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({'meter2 = "second.a", ': ""}, "no source is on the port meter2, only on drive, meter, meter3"),
        ({'meter2 = "D", ': ""}, "source second.a needs the port meter2, but only drive, meter, ground, meter3"),
        (
            {'meter3 = "E"': 'meter9 = "E"'},
            "wiring has a port 'meter9', expected one of drive, meter, meter2 to meter8",
        ),
        ({'"second.b"': '"second.a"'}, "source second.a is on the ports meter2 and meter3"),
        ({'"virtual ground"': '"floating"'}, "read scheme floating measures with one channel, so it has no use for"),
    ],
)
def test_what_is_wrong_with_further_meters_is_told_before_anything_is_sent(tmp_path, more, words):
    path = bench_file(tmp_path, 3)
    text = (tmp_path / "bench.toml").read_text(encoding="utf-8")
    for old, new in more.items():
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "bench.toml").write_text(text, encoding="utf-8")
    problems = BenchChip.problems(load_bench(path), sources={}, matrix=None)
    assert any(words in each for each in problems), problems


@pytest.mark.fault("I23")
def test_a_further_meter_that_hangs_on_another_row_is_named_by_a_check_of_the_wiring(fakes):
    bench = fakes.FakeBench(fakes.drawn_chip(2), meters=2, read_range_a=1e-5)
    siemens = bench.backend().line_conductances(0.1)
    np.testing.assert_allclose(siemens[:4, 4:], bench.chip.conductances, rtol=1e-6)
    ports = {**bench.wiring.ports, "meter2": "H"}  # where nothing is
    wiring = Wiring(slot=1, ports=ports, rows=bench.wiring.rows, columns=bench.wiring.columns)
    with pytest.raises(ImpossibleReading, match=r"smu2\.a on the port meter2 shows .* between row \d and column [24],"):
        bench.backend(wiring=wiring).line_conductances(0.1)
    assert bench.is_safe()


def test_the_plan_says_how_many_columns_are_read_at_a_time(tmp_path):
    told = BenchChip.reading(load_bench(bench_file(tmp_path, 3)), np.vstack([VOLTS, 0.1 * np.eye(4)]))
    found = re.match(r"by (pattern|cell): (\d+) readings, 3 at a time in the time of (\d+), where", told)
    assert found, told
    assert int(found[2]) / int(found[3]) == 2  # four columns in two rounds


def test_a_bench_on_trial_sees_every_meter_measure_every_column(tmp_path):
    plan = BenchChip.trial_plan(load_bench(bench_file(tmp_path, 3)))
    columns = [plan.reads[column].assignment[4:] for column in range(4)]
    assert columns[0] == ("meter", "meter2", "meter3", "ground")
    assert columns[3] == ("meter2", "meter3", "ground", "meter")
    assert all({each[column] for each in columns} == set(columns[0]) for column in range(4))
