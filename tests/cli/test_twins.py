import json
import shutil
from pathlib import Path

import pytest

from crossbar_hil.bench.calibrating import clock_of, plan_calibration, steps_of, twin_of
from crossbar_hil.bench.file import load_bench
from crossbar_hil.bench.opening import open_backend
from crossbar_hil.guard.opening import open_checked
from crossbar_hil.twins.file import read_twin
from crossbar_hil.twins.readings import load_readings, new_readings

HIDDEN = '[chip]\nstep_spread = 0.3\nstep_variation = 0.3\nread_noise = "1 %"\n'


@pytest.fixture
def bench(tmp_path):
    (tmp_path / "bench.toml").write_text(f'backend = "simulated"\n{HIDDEN}')
    return "bench.toml"


@pytest.fixture(scope="module")
def calibrated(tmp_path_factory):
    """File of the twin of a chip of such a bench."""
    folder = tmp_path_factory.mktemp("calibrated")
    (folder / "bench.toml").write_text(f'backend = "simulated"\n{HIDDEN}')
    plan = plan_calibration(load_bench(folder / "bench.toml"), pulses=2, reads=5, read_v=0.1)
    kept = folder / "readings.jsonl"
    with open_backend(plan.bench, seed=3) as backend, new_readings(kept, plan.facts(backend, 3)) as file:
        for step in steps_of(plan, backend, clock=clock_of(backend, plan.bench), watch_s=0.0):
            file.add(step)
    twin_of(load_readings(kept), plan.curve, draws=20).write(folder / "twin.toml")
    return folder / "twin.toml"


@pytest.fixture
def twin(calibrated, tmp_path):
    """The same in the folder of a test."""
    return shutil.copyfile(calibrated, tmp_path / calibrated.name).name


def test_a_calibration_leaves_a_twin_a_picture_and_its_readings(cli, bench, tmp_path):
    done = cli("calibrate", bench, "--seed", "3", "--reads", "5", "--draws", "20")
    assert done.code == 0
    assert "calibration sends 2 pulse(s) of 2 V, 50 ms to each of 16 cells" in done.err
    assert "32 in all, 0.2 V s a cell" in done.err
    # 2 V, 50 ms: the curve rises by 66 nS in two pulses, 210.37 nS in all, times K = 10
    assert "raises a cell by 660 nS of the 2.1 uS that it can rise, for good" in done.err
    assert [line.split("  ")[0] for line in done.out.splitlines()[1:6]] == [
        "read noise", "step variation", "step spread", "mean factor", "device spread",
    ]  # fmt: skip
    assert (tmp_path / "twin.png").read_bytes().startswith(b"\x89PNG")
    assert "step spread" in (tmp_path / "twin.html").read_text(encoding="utf-8")
    assert len((tmp_path / "twin.readings.jsonl").read_text().splitlines()) == 1 + 3 * 5 + 2
    twin = read_twin(tmp_path / "twin.toml")
    assert (twin.source.bench, twin.source.kind, twin.source.seed, twin.source.pulses) == ("bench", "simulated", 3, 2)


def test_nothing_that_is_there_is_overwritten_and_nothing_sent_then(cli, bench, tmp_path):
    for name in ("twin.toml", "twin.png", "twin.readings.jsonl"):
        (tmp_path / name).write_text("mine")
        done = cli("calibrate", bench)
        assert done.code == 1
        assert f"{name} exists already and is not overwritten" in done.err
        assert (tmp_path / name).read_text() == "mine"
        (tmp_path / name).unlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bench.toml"]


@pytest.mark.usefixtures("unpictured")
def test_readings_are_fitted_anew_without_a_pulse(cli, bench, tmp_path):
    cli("calibrate", bench, "--seed", "3", "--reads", "5", "--draws", "20", "--operator", "Ada")
    assert '"conditions": {"operator": "Ada"}' in (tmp_path / "twin.readings.jsonl").read_text()
    refused = cli("calibrate", bench, "--from", "twin.readings.jsonl", "--to", "again.toml", "--operator", "Ada")
    assert "twin.readings.jsonl holds the conditions under which it was read, so none can be given" in refused.err
    done = cli("calibrate", bench, "--from", "twin.readings.jsonl", "--to", "again.toml", "--draws", "20")
    assert done.code == 0
    assert done.err == ""
    assert (tmp_path / "again.toml").read_text() == (tmp_path / "twin.toml").read_text()
    assert not (tmp_path / "again.readings.jsonl").exists()


def test_what_was_read_before_a_failure_is_kept_and_named(cli, bench, tmp_path, monkeypatch):
    def open_and_break(*words, **more):
        backend = open_checked(*words, **more)
        read = backend.read_conductances

        def read_until(voltage):
            if len((tmp_path / "twin.readings.jsonl").read_text().splitlines()) > 8:
                raise OSError("the cable fell off")
            return read(voltage)

        backend.read_conductances = read_until
        return backend

    monkeypatch.setattr("crossbar_hil.guard.opening.open_checked", open_and_break)
    done = cli("calibrate", bench, "--reads", "5")
    assert done.code == 1
    assert "what was read is kept in twin.readings.jsonl" in done.err
    assert len((tmp_path / "twin.readings.jsonl").read_text().splitlines()) == 9
    assert not (tmp_path / "twin.toml").exists()
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("unpictured")
def test_a_spare_cell_is_given_up_and_its_curve_taken(cli, bench, tmp_path):
    done = cli(
        "calibrate", bench, "--seed", "3", "--reads", "4", "--draws", "10", "--spare", "2,3", "--spare-pulses", "6"
    )
    assert done.code == 0
    assert "6 pulses give up cell row 2, column 3 for its whole curve" in done.err
    twin = read_twin(tmp_path / "twin.toml")
    assert twin.source.spare == ((1, 2),)
    assert len(twin.curve_siemens) == 7
    assert twin.scale == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--spare", "5,1"), "spare cell row 5, column 1 is not on the chip of 4 by 4 cells"),
        (("--pulses", "99"), "--pulses 99 exceed the "),
        (("--spare", "two"), "--spare 'two' must be ROW,COLUMN"),
        (("--pulses", "0"), "at least 1 pulse"),
        (("--curve", "nowhere.csv"), "nowhere.csv"),
        (("--draws", "0"), "--draws 0 must be at least 1"),
        (("--watch", "-1 s"), "must be finite, not negative"),
        (("--scale", "-1"), "K of the curve is -1, it must be a finite number above 0"),
        (("--scale", "nan"), "K of the curve is nan"),
        (("--curve", "flat.csv"), "holds no potentiation curve"),
        (("--voltage", "0.5 V"), "read voltage 0.5 V exceeds the limit of 0.3 V"),
        (("--voltage", "0 V"), "read voltage 0 V must be finite and not zero"),
        (("--spare", "1,1", "--spare-pulses", "21"), "20"),
        (("--spare", "1,1", "--spare", "1,1"), "spare cell row 1, column 1 is given twice"),
        (("--to", "."), "names the twin, a TOML file"),
        (("--to", "twin.png"), "names the twin, a TOML file"),
        (("--to", "twin.html"), "names the twin, a TOML file"),
        (("--to", "nowhere/twin.toml"), "nowhere is not a folder"),
    ],
)
def test_what_cannot_be_calibrated_is_told_before_the_question_and_leaves_no_file(cli, bench, tmp_path, words, message):
    limits = '[limits]\nread_v = "0.3 V"\npulse_v = "3 V"\nwidth_s = 1\npulses = 20\n'
    (tmp_path / "bench.toml").write_text(f'backend = "simulated"\n{HIDDEN}{limits}')
    (tmp_path / "flat.csv").write_text("G (uS)\n2\n2\n1\n")
    done = cli("calibrate", bench, *words)
    assert done.code in (1, 2)
    assert message in done.err
    assert "calibration sends" not in done.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bench.toml", "flat.csv"]


def test_a_bench_with_a_twin_names_no_curve_to_be_calibrated_against(cli, bench, twin, tmp_path):
    (tmp_path / "bench.toml").write_text('backend = "simulated"\n[chip]\ntwin = "twin.toml"\n')
    done = cli("calibrate", bench, "--to", "again.toml")
    assert done.code == 2
    assert "names no curve to fit the cells against" in done.err


def test_runs_that_were_not_foretold_are_not_tallied(cli):
    done = cli("twins", "runs")
    assert done.code == 1
    assert "no run in runs was foretold and has ended" in done.err


def test_a_network_learns_with_cells_that_differ_as_those_of_a_twin(cli, twin):
    words = (
        "--classes",
        "0,1",
        "--neurons",
        "5",
        "--train",
        "20",
        "--passes",
        "1",
        "--steps",
        "20",
        "--test-steps",
        "10",
    )
    assert cli("snn", "train", "--twin", twin, *words, "--seed", "1", "--quiet", "--no-report").code == 0
    shown = json.loads(cli("show", "latest", "--json").out)
    numbers = read_twin(Path(twin)).numbers
    assert shown["tables"]["network"]["step_spread"] == numbers.step_spread.value
    assert shown["tables"]["network"]["read_noise"] == numbers.read_noise.value


@pytest.mark.usefixtures("unpictured")
def test_runs_of_a_twin_are_foretold_and_tallied(cli, twin, tmp_path):
    words = ("--twin", twin, "--forecast", "5", "--epochs", "24", "--quiet", "--no-report", "--json")
    outcomes = [json.loads(cli("train", *words, "--seed", seed).out)["converged"] for seed in "12"]
    done = cli("twins", "runs", "--json", "--to", "diagram.png")
    found = json.loads(done.out)
    assert (found["runs"], found["converged"]) == (2, sum(outcomes))
    assert 0 <= found["brier"] <= 1
    assert sum(each["runs"] for each in found["bins"]) == 2
    assert (tmp_path / "diagram.png").read_bytes().startswith(b"\x89PNG")
    assert cli("twins", "--kind", "hardware").code == 1
