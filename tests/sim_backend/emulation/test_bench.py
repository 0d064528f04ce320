import json
import os
import shutil
import signal
import subprocess
import sys
from importlib import resources

import numpy as np
import pytest

from crossbar_hil.bench.checking import check_bench
from crossbar_hil.bench.file import load_bench
from crossbar_hil.bench.opening import open_backend
from crossbar_hil.errors import ComplianceError, ConfigError, DataError, InstrumentError
from crossbar_hil.guard.opening import open_bench
from crossbar_hil.runs.store import load_run
from crossbar_hil.sim_backend.emulation.bench import EmulatedBench
from crossbar_hil.testing import BackendContract
from crossbar_hil.training.patterns import PatternSet
from crossbar_hil.training.settings import make_trainer

pytestmark = pytest.mark.usefixtures("called_instruments")
BENCHES = ("emulated", "emulated-single")
# The emulated meters read to a billionth of their range; a reply of seven digits and the source's milliohm add to it.
READ_TOLERANCE = 1e-6


def bare(name_or_file, seed=1):
    """Open a bench in this process, without a guard, which would take a second to start."""
    return open_backend(load_bench(name_or_file), seed=seed)


def trained(name, seed, chip=None, **training):
    bench = load_bench(name, overrides={"training": training, "chip": chip or {}})
    task = PatternSet.from_csv(bench.training.pattern_file)
    with open_backend(bench, seed=seed) as backend:
        return make_trainer(bench.training, backend).run(task.train, task.train_labels)


@pytest.mark.fault("V20")
class TestDualSource(BackendContract):
    relative_tolerance = 1e-5

    @pytest.fixture
    def backend(self):
        with bare("emulated") as backend:
            yield backend


class TestSingleSourceWithGuard(BackendContract):
    relative_tolerance = 1e-5

    @pytest.fixture
    def backend(self):
        with bare("emulated-single") as backend:
            yield backend


@pytest.mark.parametrize("name", BENCHES)
def test_reads_are_those_of_the_chip_behind(name):
    with open_bench("simulated", seed=5) as chip:
        true = chip.conductances
    with bare(name, seed=5) as backend:
        assert np.allclose(backend.read_conductances(0.1), true, rtol=READ_TOLERANCE)


@pytest.mark.fault("V19")
@pytest.mark.usefixtures("over_sockets")
@pytest.mark.parametrize("name", BENCHES)
def test_an_emulated_training_is_the_simulated_one(name):
    emulated, simulated = (trained(each, 1, epochs=3, pull_back=True) for each in (name, "simulated"))
    assert emulated.epochs == simulated.epochs == 3
    assert np.array_equal(emulated.counts, simulated.counts)
    assert np.allclose(emulated.conductances, simulated.conductances, rtol=READ_TOLERANCE)


@pytest.mark.parametrize(
    ("name", "chip"),
    [
        ("emulated", {"cell": "sinh", "cell_options": {"b_per_v": 2.0}}),
        ("emulated-single", {"cell": "cubic"}),
        ("emulated-single", {"cell": "sinh", "cell_options": {"b_per_v": 1.0}, "wire_ohm": 100.0}),
    ],
)
def test_an_emulated_training_of_cells_that_are_not_ohmic_is_the_simulated_one(name, chip):
    emulated, simulated = (trained(each, 1, chip, epochs=2) for each in (name, "simulated"))
    assert np.array_equal(emulated.counts, simulated.counts)
    assert np.allclose(emulated.conductances, simulated.conductances, rtol=READ_TOLERANCE)


# A cell of 2.42e-8 A at 50 mV that draws 1.81 mA at 2 V, as a lab published it; the template allows 100 uA.
STEEP = {"siemens": "484 nS", "reference_v": "50 mV", "current_a": "1.81 mA", "at_v": "2 V"}


@pytest.mark.parametrize(
    ("name", "compliance", "sentence"),
    [
        ("emulated", "100 uA", "smu.a on row 2 reached its current limit of 0.0001 A"),
        ("emulated-single", "100 uA", "smu on row 2 reached its current limit of 0.0001 A"),
        ("emulated", "10 mA", "smu.a measured 9.91e.37 A, which is an overrange"),
        ("emulated-single", "10 mA", "end of its measure range"),
    ],
)
def test_the_first_pulse_trips_on_a_cell_that_draws_more_than_the_bench_holds(name, compliance, sentence):
    overrides = {
        "chip": {"cell": "sinh", "cell_options": STEEP},
        "measurement": {"compliance_a": compliance, "range_a": "100 uA"},
    }
    bench = load_bench(name, overrides=overrides)
    counts = np.zeros((4, 4), dtype=int)
    counts[1, 2] = 1
    with open_backend(bench, seed=1) as backend:
        assert np.isfinite(backend.read_conductances(0.05)).all()
        with pytest.raises((ComplianceError, InstrumentError), match=sentence):
            backend.send_pulses(counts, bench.training.pulse)


@pytest.mark.parametrize(
    ("cell", "options", "sentence"),
    [
        (
            "tabulated",
            {"voltages": [0.5, 1.0], "currents": [1e-6, 9e-6]},
            "3 V across a cell lies outside the table.*limits.pulse_v of 3 V",
        ),
        ("sinh", {"b_per_v": 400.0}, "carry inf A at 3 V"),
        ("sinh", {"b_per_V": 2.0}, "cell 'sinh' cannot be made with the cell_options {'b_per_V': 2.0}"),
    ],
)
def test_cells_that_an_emulated_bench_cannot_ask_are_refused(cell, options, sentence):
    bench = load_bench("emulated", overrides={"chip": {"cell": cell, "cell_options": options}})
    with pytest.raises((ConfigError, DataError), match=sentence):
        EmulatedBench(bench, np.random.default_rng(1))


@pytest.mark.campaign
@pytest.mark.parametrize("pull_back", [False, True])
@pytest.mark.parametrize("name", BENCHES)
def test_fifty_emulated_trainings_are_the_simulated_ones(name, pull_back):
    for seed in range(50):
        emulated, simulated = (trained(each, seed, pull_back=pull_back) for each in (name, "simulated"))
        assert emulated.epochs == simulated.epochs, seed
        assert np.array_equal(emulated.counts, simulated.counts), seed
        assert np.allclose(emulated.conductances, simulated.conductances, rtol=READ_TOLERANCE), seed


@pytest.fixture
def own_bench(tmp_path, allow_loopback):
    """Write a bench file of kind hardware for emulated instruments: bench(served, **changes) -> path."""

    def write(served, name="emulated", **changes):
        text = (resources.files("crossbar_hil.data") / "benches" / f"{name}.toml").read_text(encoding="utf-8")
        text = text.replace('kind = "emulated"', 'kind = "hardware"\nchip_id = "a chip for tests"')
        for instrument, resource in served.resources.items():
            text = text.replace(f"[instruments.{instrument}]", f'[instruments.{instrument}]\nresource = "{resource}"')
        for old, new in changes.get("swap", ()):
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / "lab.toml"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


def test_a_training_switches_no_relay_hot_and_shorts_nothing(emulated_bench, own_bench):
    with bare(own_bench(emulated_bench)) as backend:
        bench = load_bench("emulated", overrides={"training": {"epochs": 2}})
        task = PatternSet.from_csv(bench.training.pattern_file)
        make_trainer(bench.training, backend).run(task.train, task.train_labels)
    log = emulated_bench.world.log
    assert log.of("exposure")
    assert log.of("violation") == []


@pytest.mark.fault("V4", "V5")
def test_every_exposure_is_one_pulse_that_was_sent_and_its_half_selected_cells_stay_below_the_threshold(
    emulated_bench, own_bench
):
    counts = np.zeros((4, 4), dtype=int)
    counts[1, 2] = 3
    bench = load_bench("emulated")
    with bare(own_bench(emulated_bench)) as backend:
        backend.send_pulses(counts, bench.training.pulse)
    seen = emulated_bench.world.log.of("exposure")
    assert [(each["row"], each["column"]) for each in seen] == [(1, 2)] * 3
    assert all(abs(each["volt"] - 2.0) < 1e-3 for each in seen)
    assert all(abs(each["seconds"] - 0.05) < 1e-3 for each in seen)


def test_after_the_with_block_outputs_are_off_and_relays_open_also_after_an_error(emulated_bench, own_bench):
    path = own_bench(emulated_bench)
    with pytest.raises(RuntimeError), bare(path) as backend:  # noqa: PT012
        backend.read_conductances(0.1)
        raise RuntimeError("the lamp went out")
    world = emulated_bench.world
    assert not any(world.terminal(f"smu.{channel}").on for channel in "ab")
    assert world.closed("matrix") == frozenset()


@pytest.mark.parametrize("name", BENCHES)
def test_a_shipped_bench_is_sound(name):
    assert check_bench(name) == []


def test_checking_sources_no_voltage_and_moves_no_relay(emulated_bench, own_bench):
    assert check_bench(own_bench(emulated_bench)) == []
    assert emulated_bench.world.log.of("relays") == []
    assert not [each for each in emulated_bench.world.log.of("source") if each["on"] or each["level_v"]]


WRONG = {
    "a missing limit": (("read_v = \"200 mV\"\n", ""), "limits.read_v is missing"),
    "an unknown key": (("nplc = 1.0", "nplcs = 1.0"), "unknown key measurement.nplcs; did you mean 'nplc'?"),
    "a unit typo": (('"100 uA"', '"100 uV"'), "measurement.compliance_a: '100 uV' is not in A"),
    "a duplicate line": (("columns = [5, 6, 7, 8]", "columns = [5, 6, 7, 4]"), "4"),
    "an impossible line": (("columns = [5, 6, 7, 8]", "columns = [5, 6, 7, 13]"), "13"),
    "an impossible slot": (("slot = 1", "slot = 9"), "9"),
    "two ports on one row": (('meter = "B"', 'meter = "A"'), "A"),
    "a port that is no row": (('ground = "C"', 'ground = "Z"'), "no row 26"),
    "a missing port": ((', ground = "C"', ""), "ground"),
    "an unknown scheme": (('"virtual ground"', '"virtual grund"'), "virtual grund"),
    "a floating read for training": (('"virtual ground"', '"floating"'), "floating"),
    "a guard scheme without a guard": (('"virtual ground"', '"guarded"'), "guard"),
    "a write that disturbs": (('"symmetric half-select"', '"row"'), "row"),
    "an unknown driver": (('"keithley2602b"', '"keithley2602x"'), "did you mean 'keithley2602b'?"),
    "another model": (('"keithley2602b"', '"keithley2636b"'), "a 2602B answers, but driver keithley2636b"),
    "a compliance below the least": (('"100 uA"', '"1 nA"'), "limit its current to 1 nA, "),
    "an unknown channel": (('meter = "smu.b"', 'meter = "smu.c"'), "smu.c"),
    "no name of the chip": (('chip_id = "a chip for tests"', ""), "chip_id is missing, the name of the chip"),
    "a source on the matrix": (('meter = "smu.b"', 'meter = "matrix.a"'), "matrix"),
    "a pulse beyond the limit": (('pulse_v = "3 V"', 'pulse_v = "1 V"'), "training.amplitude_v of 2 V exceeds"),
    "a width beyond the limit": (('width_s = "100 ms"', 'width_s = "10 ms"'), "training.width_s of 0.05 s exceeds"),
    "a read beyond the limit": (('read_v = "200 mV"', 'read_v = "50 mV"'), "training.v0 of 0.1 V exceeds"),
    "too few lines": (("rows = [1, 2, 3, 4]", "rows = [1, 2, 3]"), "do not fit"),
    "odd columns": (("columns = [5, 6, 7, 8]", "columns = [5, 6, 7]"), "3 columns are odd"),
    "missing patterns": (('patterns = "perceptron"', 'patterns = "none.csv"'), "none.csv cannot be read"),
    "a wrong matrix name": (('matrix = "matrix"', 'matrix = "relays"'), "'relays' is not among the instruments"),
    "a wrong serial": (('driver = "keithley707b"', 'driver = "keithley707b"\nserial = "0"'), "expected 0"),
    "no measurement": (("[measurement]", "[emulation.x]"), "emulation"),
    "a simulated kind": (('kind = "hardware"', 'kind = "simulated"'), "kind simulated does not go with instruments"),
    "a backend for no instruments": (('backend = "chip"', 'backend = "chips"'), "did you mean 'chip'?"),
    "a backend that takes none": (('backend = "chip"', 'backend = "simulated"'), "not made of instruments"),
    "a port that does not exist": (('ground = "C"', 'sense = "C"'), "a port 'sense', expected one of"),
    "one channel on two ports": (('meter = "smu.b"', 'meter = "smu.a"'), "smu.a is on the ports drive and meter"),
    "a source missing": ((', meter = "smu.b"', ""), "no source is on the port meter, only on drive"),
    "a source on ground": (('meter = "smu.b"', 'ground = "smu.b"'), "source smu.b is on the port ground"),
    "the source for a matrix": (('matrix = "matrix"', 'matrix = "smu"'), "wiring.matrix 'smu' is no switch matrix"),
    "a range beyond the model": (('range_a = "100 uA"', 'range_a = "30 A"'), "smu.a cannot have range_a = 30 A"),
    "a read range beyond it": (('"10 uA"', '"30 A"'), "smu.b cannot have range_a = 30 A: it takes 100 nA to 3 A"),
    "a negative range": (('"10 uA"', '"-10 uA"'), "read_range_a = '-10 uA' must be above 0"),
    "no integration time": (("nplc = 1.0", "nplc = 0"), "measurement.nplc = 0 must be above 0"),
    "too long an integration": (("nplc = 1.0", "nplc = 30.0"), "smu.a cannot have nplc = 30"),
    "a read range too small": (('"10 uA"', '"1 uA"'), "measurement.read_range_a of 1 uA does not hold"),
    "steps that spread too far": (("[chip]\n", "[chip]\nstep_spread = 1.0\n"), "read_range_a of 10 uA does not hold"),
    "a compliance too small": (('compliance_a = "100 uA"', 'compliance_a = "20 uA"'), "compliance_a of 20 uA does"),
    "a pulse range too small": (('range_a = "100 uA"  ', 'range_a = "20 uA"  '), ".range_a of 20 uA does not"),
    "a pulse too short": (('width_s = "50 ms"', 'width_s = "50 us"'), "pulse width 5e-05 s is below the 0.0005 s"),
    "a small disturb": (('"symmetric half-select"', '"symmetric half-select"\ndisturb_v = 0.9'), "than the 0.9 V"),
    "no disturb": (('"symmetric half-select"', '"symmetric half-select"\ndisturb_v = 0'), "disturb_v 0.0 V must be"),
    "a missing curve": (('curve = "figure2a"', 'curve = "none.csv"'), "none.csv cannot be read"),
    "a rule that is not installed": (('rule = "manhattan"', 'rule = "manhatten"'), "did you mean 'manhattan'?"),
}  # fmt: skip


@pytest.fixture(scope="module")
def untouched():
    """A served bench on which nobody may source a voltage or move a relay, so that many tests can look at it."""
    with EmulatedBench(load_bench("emulated"), np.random.default_rng(1)) as served:
        yield served


@pytest.mark.fault("I1", "F2")
@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_bench_is_named_and_no_voltage_is_sourced(untouched, own_bench, what):
    swap, sentence = WRONG[what]
    problems = check_bench(own_bench(untouched, swap=[swap]))
    assert any(sentence in problem for problem in problems), problems
    assert not [each for each in untouched.world.log.of("source") if each["on"] or each["level_v"]]
    assert untouched.world.log.of("relays") == []
    assert len(problems) == len(set(problems))


def test_a_driver_that_is_not_installed_is_said_once_and_the_nearest_names_first(tmp_path):
    shipped = resources.files("crossbar_hil.data") / "benches" / "emulated.toml"
    text = shipped.read_text(encoding="utf-8").replace("keithley2602b", "keithly2602")
    (tmp_path / "b.toml").write_text(text, encoding="utf-8")
    (problem,) = check_bench(str(tmp_path / "b.toml"))
    assert "instrument driver 'keithly2602' is not installed; known are keithley2602a, keithley2602b, " in problem


@pytest.mark.parametrize("identity", ["Home Lab,Box 2", "Home Lab,Box 2,7,1.0", "crossbar box 3"])
def test_an_emulated_home_made_box_answers_as_the_file_says(tmp_path, identity):
    text = (resources.files("crossbar_hil.data") / "benches" / "emulated.toml").read_text(encoding="utf-8")
    for driver in ("keithley2602b", "keithley707b"):
        text = text.replace(f'driver = "{driver}"', f'driver = "{driver}"\nidentity = "{identity}"')
    (tmp_path / "box.toml").write_text(text, encoding="utf-8")
    bench = EmulatedBench(load_bench(str(tmp_path / "box.toml")), np.random.default_rng(1))
    for instrument in bench.instruments.values():
        assert instrument.receive("*IDN?").decode().startswith(identity)


def test_the_range_of_reads_must_hold_what_the_meter_measures_and_not_what_the_drive_delivers(untouched, own_bench):
    # Sixteen cells of 3.1 uS take 9.9 uA of the drive at 0.2 V, the four of a column 2.5 uA.
    assert check_bench(own_bench(untouched, swap=[('"10 uA"', '"2.6 uA"')])) == []
    (problem,) = check_bench(own_bench(untouched, swap=[('"10 uA"', '"2.4 uA"')]))
    assert "read_range_a of 2.4 uA does not hold 2.48 uA, which smu.b delivers in a read of 200 mV" in problem


def test_check_says_that_the_ranges_do_not_hold_what_such_cells_draw(untouched, own_bench):
    steep = ", ".join(f'{key} = "{value}"' for key, value in STEEP.items())
    swap = [
        ("[chip]\n", f'[chip]\ncell = "sinh"\ncell_options = {{ {steep} }}\n'),
        ('pulse_v = "3 V"', 'pulse_v = "2 V"'),
    ]
    problems = check_bench(own_bench(untouched, swap=swap))
    in_pulses = [problem for problem in problems if "in a pulse of 2 V" in problem]
    assert [key for key in ("range_a", "compliance_a") if any(f".{key} of 100 uA does" in each for each in in_pulses)]


TOGETHER = {
    "a wiring that cannot be": (
        "two ports on one row", "an unknown scheme", "another model", "a pulse beyond the limit",
        "a read beyond the limit", "missing patterns", "a wrong matrix name", "a rule that is not installed",
        "a missing curve",
    ),
    "a matrix that is another one": (
        "an unknown scheme", "a write that disturbs", "an unknown channel", "a width beyond the limit",
        "a read beyond the limit", "too long an integration", "a wrong serial",
    ),
    "lines that the matrix lacks": (
        "an impossible line", "a floating read for training", "no disturb", "a width beyond the limit",
        "a range beyond the model", "a source on ground",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", TOGETHER)
def test_all_that_is_wrong_is_named_at_once_in_file_wiring_schemes_and_instruments(untouched, own_bench, case):
    problems = check_bench(own_bench(untouched, swap=[WRONG[what][0] for what in TOGETHER[case]]))
    for what in TOGETHER[case]:
        assert any(WRONG[what][1] in problem for problem in problems), (what, problems)
    assert len(problems) == len(set(problems))
    assert not [each for each in untouched.world.log.of("source") if each["on"] or each["level_v"]]


TWO_SOURCES = """
backend = "chip"
kind = "emulated"
[instruments]
left = { driver = "keithley2450" }
right = { driver = "keithley2450" }
matrix = { driver = "keithley707b" }
[wiring]
rows = [1, 2, 3, 4]
columns = [5, 6, 7, 8]
ports = { drive = "A", meter = "B", ground = "C", divider = "D" }
sources = { drive = "left.a", meter = "right.a" }
[scheme]
read = "virtual ground"
write = "symmetric half-select"
[measurement]
compliance_a = "10 mA"
range_a = "10 mA"
read_range_a = "10 uA"
[limits]
read_v = "200 mV"
pulse_v = "3 V"
width_s = "100 ms"
[chip]
"""


def test_two_instruments_that_cannot_pulse_together_are_refused_by_check_and_before_anything_is_set_up(tmp_path):
    file = tmp_path / "two.toml"
    file.write_text(TWO_SOURCES)
    sentence = (
        "write scheme symmetric half-select pulses two sources at the same time, but left and right are not channels "
        "of one instrument"
    )
    assert check_bench(str(file)) == [f"bench two: {sentence}"]
    with pytest.raises(ConfigError, match=sentence):
        open_backend(load_bench(str(file)), seed=1)


def test_two_instruments_read_in_a_range_of_their_own_and_write_by_a_divider(tmp_path):
    file = tmp_path / "two.toml"
    file.write_text(TWO_SOURCES.replace("symmetric half-select", "divider half-select"))
    assert check_bench(str(file)) == []
    counts = np.eye(4, dtype=int)
    bench = load_bench(str(file))
    with open_bench("simulated", seed=1) as simulated, open_backend(bench, seed=1) as backend:
        for _ in range(2):
            for chip in (simulated, backend):
                chip.send_pulses(counts, bench.training.pulse)
            # Seven digits of a reply, and a source of a milliohm at a divider of a kilohm.
            assert np.allclose(backend.read_conductances(0.1), simulated.conductances, rtol=1e-5)


@pytest.mark.parametrize("name", BENCHES)
def test_the_meter_of_a_shipped_bench_reads_in_a_smaller_range_than_it_pulses(name):
    bench = load_bench(name)
    assert bench.measurement.read_range_a < bench.measurement.range_a
    with open_backend(bench, seed=1) as backend:
        settings = backend.identify()["settings"]
        assert {each["read_range_a"] for each in settings.values()} == {bench.measurement.read_range_a}


@pytest.mark.fault("I2")
def test_swapped_addresses_are_recognised(emulated_bench, own_bench):
    smu, matrix = emulated_bench.resources["smu"], emulated_bench.resources["matrix"]
    problems = check_bench(own_bench(emulated_bench, swap=[(smu, "X"), (matrix, smu), ("X", matrix)]))
    assert len(problems) == 2
    assert all("addresses are probably swapped" in problem for problem in problems)


@pytest.mark.fault("T14")
def test_a_dead_port_is_named_quickly(emulated_bench, own_bench):
    smu = emulated_bench.resources["smu"]
    port = smu.split("::")[2]
    problems = check_bench(own_bench(emulated_bench, swap=[(f"::{port}::", "::1::")]))
    assert any("::1::" in problem for problem in problems), problems


def test_several_problems_are_named_at_once(emulated_bench, own_bench):
    swap = [('read_v = "200 mV"', 'read_v = "50 mV"'), ('pulse_v = "3 V"', 'pulse_v = "1 V"'), ("slot = 1", "slot = 9")]
    assert len(check_bench(own_bench(emulated_bench, swap=swap[:2]))) == 3


def test_the_command_line_trains_on_the_emulated_bench(cli):
    words = ("--seed", "2", "--epochs", "2", "--json", "--quiet", "--no-report")
    done = cli("train", "--bench", "emulated", *words)
    answer = json.loads(done.out)
    assert answer["kind"] == "emulated"
    simulated = json.loads(cli("train", *words).out)
    assert (answer["epochs"], answer["pulses"]) == (simulated["epochs"], simulated["pulses"])


@pytest.mark.usefixtures("undrawn")
def test_a_cell_is_characterised_into_a_file_that_a_dry_run_takes(cli):
    done = cli("characterise", "emulated", "--seed", "1", "--cell", "1", "2", "--pulses", "6", "--rest", "0", "--json")
    assert json.loads(done.out)["files"] == ["curve_r1_c2.csv", "curve_r1_c2.png", "curve_r1_c2.html"]
    again = cli("characterise", "emulated", "--seed", "1", "--cell", "1", "2", "--pulses", "2", "--rest", "0")
    assert again.code == 1
    assert "exists already" in again.err
    dry = cli("train", "--curve", "curve_r1_c2.csv", "--scale", "1", "--seed", "1", "--quiet", "--no-report")
    assert dry.code in (0, 3), dry.err


@pytest.mark.fault("O5", "O7", "O13")
@pytest.mark.usefixtures("over_sockets")
def test_hardware_asks_before_it_trains(emulated_bench, own_bench, cli, monkeypatch):
    import io

    path = own_bench(emulated_bench)
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\nn\n"))
    done = cli("train", "--bench", path, "--seed", "1", "--epochs", "2", "--quiet", "--no-report")
    assert done.code == 1
    assert "was never commissioned" in done.err
    assert "pulses of 2 V, 50 ms" in done.err
    assert "; of 1000 virtual chips " in done.err
    assert "headroom unknown: K = 10" in done.err
    assert emulated_bench.world.log.of("exposure") == []
    done = cli("train", "--bench", path, "--seed", "1", "--epochs", "2", "--quiet", "--no-report", "--yes", "--json")
    assert json.loads(done.out)["kind"] == "hardware"


def test_read_and_safe_verbs(cli):
    read = json.loads(cli("read", "emulated", "--seed", "1", "--json").out)
    assert np.shape(read["conductance_siemens"]) == (4, 4)
    assert "row" in cli("read", "emulated", "--seed", "1").out
    assert cli("safe", "emulated").out == "bench emulated is safe: outputs off, relays open\n"
    assert cli("check", "emulated").out.startswith("bench emulated is sound\n")


@pytest.mark.skipif(os.name == "nt", reason="signals differ on Windows")
def test_emulate_serves_until_it_is_stopped(tmp_path):
    command = [sys.executable, "-m", "crossbar_hil", "emulate", "emulated", "--port-file", "ports.json"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        served = json.loads(process.stdout.readline())
        assert served.keys() == {"smu", "matrix"}
        assert json.loads((tmp_path / "ports.json").read_text()) == served
        import pyvisa

        manager = pyvisa.ResourceManager("@py")
        with manager.open_resource(served["smu"], read_termination="\n", write_termination="\n") as smu:
            assert "Model 2602B" in smu.query("*IDN?")
        manager.close()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0


def test_the_template_of_a_lab_bench_names_only_what_is_not_there(tmp_path):
    with resources.as_file(resources.files("crossbar_hil.data") / "lab_template.toml") as template:
        shutil.copy(template, tmp_path / "lab.toml")
    bench = load_bench(str(tmp_path / "lab.toml"))
    assert bench.kind == "hardware"
    lines = (tmp_path / "lab.toml").read_text().replace('kind = "hardware"', 'kind = "emulated"').splitlines()
    (tmp_path / "lab.toml").write_text("\n".join(line for line in lines if not line.startswith("resource")))
    assert check_bench(str(tmp_path / "lab.toml")) == []


def wiring_problems(path):
    from crossbar_hil.bench.checking import check_wiring

    with bare(path) as backend:
        return check_wiring(backend, 0.1)


@pytest.mark.parametrize("name", BENCHES)
def test_a_chip_that_is_wired_right_has_no_wiring_problem(name):
    assert wiring_problems(name) == []


@pytest.mark.fault("R1")
def test_an_open_line_is_named(emulated_bench, own_bench):
    swap = ("rows = [1, 2, 3, 4]", "rows = [1, 9, 3, 4]")
    assert wiring_problems(own_bench(emulated_bench, swap=[swap])) == ["row 2 is open: nothing conducts to it"]


@pytest.mark.fault("R2")
def test_shorted_lines_are_named(emulated_bench, own_bench):
    emulated_bench.world.add_wire("column.1", "column.2")
    assert wiring_problems(own_bench(emulated_bench)) == ["column 2 and column 3 are shorted"]


@pytest.mark.fault("R13")
def test_a_row_swapped_with_a_column_is_named(emulated_bench, own_bench):
    swap = [("rows = [1, 2, 3, 4]", "rows = [5, 2, 3, 4]"), ("columns = [5, 6, 7, 8]", "columns = [1, 6, 7, 8]")]
    (problem,) = wiring_problems(own_bench(emulated_bench, swap=swap))
    assert problem.startswith("row 1 and column 1 are swapped")


def test_the_wiring_is_checked_at_read_voltage_only(emulated_bench, own_bench):
    wiring_problems(own_bench(emulated_bench))
    assert max(abs(each["level_v"]) for each in emulated_bench.world.log.of("source")) == 0.1
    assert emulated_bench.world.log.of("violation") == []


def test_an_emulated_bench_that_names_its_resources_talks_to_those(emulated_bench, own_bench):
    swap = [('kind = "hardware"', 'kind = "emulated"')]
    with bare(own_bench(emulated_bench, swap=swap)) as backend:
        assert backend.kind == "emulated"
        backend.read_conductances(0.1)
    assert emulated_bench.world.log.of("relays")


def test_a_bench_whose_matrix_is_a_person_asks_for_every_state(emulated_bench, own_bench, monkeypatch, capsys):
    asked = []
    monkeypatch.setattr("builtins.input", lambda text="": asked.append(text) or "y")
    no_resource = (f'resource = "{emulated_bench.resources["matrix"]}"\n', "")
    path = own_bench(emulated_bench, swap=[('driver = "keithley707b"', 'driver = "manual"'), no_resource])
    with bare(path) as backend:
        backend.read_currents(np.full((1, 4), 0.1))
    assert len(asked) >= 4
    assert "A" in capsys.readouterr().err + "".join(asked)


@pytest.mark.fault("O7", "X23", "V17")
def test_an_emulated_bench_never_talks_to_another_machine(emulated_bench, own_bench):
    smu = emulated_bench.resources["smu"]
    swap = [('kind = "hardware"', 'kind = "emulated"'), (smu, smu.replace("127.0.0.1", "192.0.2.10"))]
    path = own_bench(emulated_bench, swap=swap)
    with pytest.raises(ConfigError, match=r"instruments\.smu at TCPIP0::192\.0\.2\.10::.*not on the loopback"):
        bare(path)
    assert any("not on the loopback" in problem for problem in check_bench(path))


def test_a_depressing_pulse_beyond_the_limit_is_refused_before_any_potentiating_one(cli):
    done = cli("characterise", "emulated", "--seed", "1", "--cell", "1", "1", "--pulses", "2", "--depress=-5 V")
    assert done.code == 1
    assert "exceeds the limit" in done.err
    assert not os.path.exists("curve_r1_c1.csv")


def test_what_was_characterised_before_a_failure_is_kept(tmp_path):
    from crossbar_hil.backend import Pulse
    from crossbar_hil.bench.characterisation import characterise, write_curves

    done = []
    with open_bench("simulated", seed=1) as backend:
        for step in characterise(backend, (0, 0), pulses=5, read_v=0.1, up=Pulse(2.0, 0.05), down=Pulse(-2.8, 0.05)):
            done.append(step)
            if len(done) == 8:
                break
        write_curves(tmp_path / "half.csv", done, "interrupted")
    lines = (tmp_path / "half.csv").read_text().splitlines()
    assert len(lines) == 2 + 8
    assert lines[2].startswith("potentiation,2.0,0.05,1,")
    assert lines[-1].startswith("depression,-2.8,0.05,2,")


@pytest.mark.parametrize(  # each model beside one of its own language and beside one of the other
    ("smu", "matrix"),
    [
        ("keithley2636b", "keithley708b"),
        ("keithley2636b", "keithley7001"),
        ("keithley2636b", "keysightb2201a"),
        ("keysightb2912a", "keithley3706a"),
        ("keysightb2912a", "keysight34980a"),
        ("keysightb2912a", "keithley708b"),
    ],
)
def test_every_two_source_bench_reads_and_writes_the_chip(tmp_path, smu, matrix):
    text = (resources.files("crossbar_hil.data") / "benches" / "emulated.toml").read_text(encoding="utf-8")
    ports = 'ports = { drive = "1", meter = "2", ground = "3" }'
    text = text.replace("keithley2602b", smu).replace("keithley707b", matrix)
    (tmp_path / "other.toml").write_text(text.replace('ports = { drive = "A", meter = "B", ground = "C" }', ports))
    counts = np.zeros((4, 4), dtype=int)
    counts[2, 1] = 1
    with open_bench("simulated", seed=1) as simulated, bare(str(tmp_path / "other.toml")) as backend:
        for chip in (simulated, backend):
            chip.send_pulses(counts, load_bench("emulated").training.pulse)
        # Seven digits of a B2900's reply are 1e-7 of a reading from which a zero reading was subtracted.
        assert np.allclose(backend.read_conductances(0.1), simulated.conductances, rtol=5e-6)


@pytest.mark.fault("R13", "C9")
@pytest.mark.usefixtures("over_sockets")
def test_lines_in_each_others_place_are_found_by_the_chips_own_conductances(emulated_bench, own_bench, cli, tmp_path):
    found = emulated_bench.world.chip.conductances.tolist()
    (tmp_path / "right.json").write_text(json.dumps({"conductance_siemens": found}))
    assert cli("check", own_bench(emulated_bench), "--wiring", "--like", "right.json").code == 0
    swap = [("rows = [1, 2, 3, 4]", "rows = [3, 2, 1, 4]"), ("columns = [5, 6, 7, 8]", "columns = [5, 7, 6, 8]")]
    done = cli("check", own_bench(emulated_bench, swap=swap), "--wiring", "--like", "right.json")
    assert done.code == 1
    assert done.out.startswith("rows 1 and 3 swapped and columns 2 and 3 swapped: so the map is met within ")
    assert "(probability above 99.9 %)" in done.out
    (tmp_path / "wrong.json").write_text("[1]")
    assert "is neither what `crossbar-hil read" in cli("check", "emulated", "--wiring", "--like", "wrong.json").err


@pytest.mark.campaign
def test_a_chip_that_was_trained_since_is_not_taken_for_one_with_lines_in_each_others_place(
    emulated_bench, own_bench, cli, tmp_path
):
    path = own_bench(emulated_bench)
    (tmp_path / "before.json").write_text(cli("read", path, "--json").out)
    trained = cli("train", "--bench", path, "--seed", "1", "--quiet", "--no-report", "--yes", "--json")
    counts = load_run(json.loads(trained.out.splitlines()[-1])["run"]).result.counts
    pulsed = np.count_nonzero(counts.sum(axis=0))
    assert 0 < pulsed < 16
    done = cli("check", path, "--wiring", "--like", "before.json")
    assert done.code == 0, done.out
    assert f"the chip has changed since the map was read: {pulsed} of 16 cells, by a factor of " in done.err
    done = cli("check", path, "--wiring", "--like", "latest")
    assert (done.code, "has changed" in done.err) == (0, False)
