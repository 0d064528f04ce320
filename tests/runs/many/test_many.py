"""Runs chosen, sorted and laid side by side, by the verbs `runs` and `compare` as a person uses them."""

import json
import shutil

import numpy as np
import pytest

from crossbar_hil.bench.file import load_bench
from crossbar_hil.programming.planned import plan_program
from crossbar_hil.results.conditions import Conditions
from crossbar_hil.runs.many import listing
from crossbar_hil.runs.many.comparison import compare
from crossbar_hil.runs.store import load_run
from crossbar_hil.runs.training import train_and_record
from crossbar_hil.spiking.settings import SpikingSettings
from crossbar_hil.spiking.training import train_spiking

SPIKING = SpikingSettings(dataset="digits", classes=(0, 1), neurons=4, train=40, passes=1, steps=20, test_steps=10)
NAMES = (
    "2026-01-01T00-00-00Z_manhattan_4x4_aaaa",
    "2026-01-02T00-00-00Z_manhattan_4x4_bbbb",
    "2026-01-03T00-00-00Z_manhattan_4x4_cccc",
    "2026-01-04T00-00-00Z_snn-digits_64x4_dddd",
)
CONVERGED, STALLED, OTHER, NETWORK = NAMES
NEVER = "2026-01-05T00-00-00Z_manhattan_4x4_eeee"


@pytest.fixture(scope="module")
def out(tmp_path_factory, converged_run, stalled_run):
    """Runs whose labels are none, wafer 3 and wafer 4, a spiking one, and one that never began."""
    out = tmp_path_factory.mktemp("many")
    overrides = {"chip_id": "D12", "training": {"epochs": 2, "beta": 4e7}}
    for name, folder in {
        CONVERGED: converged_run,
        STALLED: stalled_run,
        OTHER: train_and_record(
            load_bench("simulated", overrides=overrides), seed=4, out=out / "made", label="Wafer 3 left"
        ).folder,
        NETWORK: train_spiking(SPIKING, seed=1, out=out / "made", label="net").folder,
    }.items():
        shutil.copytree(folder, out / name)
    shutil.rmtree(out / "made")
    (out / NEVER).mkdir()
    return out


def listed(cli, out, *words):
    done = cli("runs", "--out", out, *words, "--json")
    assert done.code == 0, done.err
    return [each["name"] for each in json.loads(done.out)]


@pytest.mark.parametrize(
    ("conditions", "names"),
    [
        ([], [*NAMES, NEVER]),
        (["epochs<3"], [OTHER]),
        (["epochs <= 3"], [CONVERGED, OTHER]),
        (["epochs>3"], [STALLED]),
        (["epochs==60"], [STALLED]),
        (["pulses>=1", "verdict!=converged"], [STALLED, OTHER]),
        (["verdict=converged"], [CONVERGED]),
        (["verdict!=converged"], [STALLED, OTHER, NETWORK, NEVER]),  # who has none is not converged
        (["label=wafer 3*"], [OTHER]),
        (["label=*<*"], [CONVERGED]),
        (["accuracy>10 %"], [NETWORK]),
        (["chip=d1?"], [OTHER]),
        (["bench=simulated", "seed!=4"], [CONVERGED, STALLED]),
        (["status=never began*"], [NEVER]),
        (["started<2000"], []),
        (["name>2026-01-04"], [NETWORK, NEVER]),
    ],
)
def test_conditions_choose_runs(cli, out, conditions, names):
    assert listed(cli, out, *(word for each in conditions for word in ("--where", each))) == names


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["--limit", "2"], [NETWORK, NEVER]),  # the newest, the oldest of them first
        (["--limit", "1", "--where", "epochs>0"], [OTHER]),
        (["--sort", "epochs"], [OTHER, CONVERGED, STALLED, NEVER, NETWORK]),
        (["--sort=-epochs", "--limit", "2"], [STALLED, CONVERGED]),
        (["--sort", "label", "--where", "label=?*"], [CONVERGED, NETWORK, OTHER]),
    ],
)
def test_runs_are_sorted_and_limited(cli, out, words, names):
    found = listed(cli, out, *words)
    assert found[:3] == names[:3]
    assert set(found) == set(names)


def test_the_newest_are_listed_without_reading_the_others(cli, out, monkeypatch):
    read = []
    monkeypatch.setattr(listing, "load_run", lambda folder: read.append(folder.name) or load_run(folder))
    assert listed(cli, out, "--limit", "2") == [NETWORK, NEVER]
    assert read == [NEVER, NETWORK]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--where", "epoch<3"], "runs have no field 'epoch'; known are started, label, name, kind, bench, chip"),
        (["--sort", "epoch"], "did you mean 'epochs'?"),
        (["--where", "epochs<many"], "'epochs<many': epochs is a number, and 'many' is none"),
        (["--where", "epochs<nan"], "epochs is a number, and 'nan' is none"),
        (["--limit", "9" * 20], "is not in the range"),
        (["--where", "epochs"], "'epochs' is no condition, such as 'epochs<20'"),
        (["--where", "__import__('os')=1"], "is no condition"),
    ],
)
def test_what_is_no_condition_is_told_with_what_there_is(cli, out, words, says):
    done = cli("runs", "--out", out, *words)
    assert done.code == 2
    assert says in done.err


def test_compare_tells_first_what_differs_then_what_came_of_it(cli, out):
    done = cli("compare", CONVERGED, OTHER, "--out", out)
    assert done.code == 0, done.err
    parts = [part.splitlines() for part in done.out.split("\n\n")]
    assert parts[0] == [f"1  {CONVERGED}", f"2  {OTHER}"]
    differ = {line.split("  ")[0]: [word for word in line.split("  ")[1:] if word.strip()] for line in parts[1]}
    assert [each.strip() for each in differ["training.epochs"]] == ["48", "2"]
    assert [each.strip() for each in differ["training.beta"]] == ["5e+07 1/A", "4e+07 1/A"]
    assert set(differ) == {"these settings differ", "bench.chip_id", "training.epochs", "training.beta"}
    outcome = {line.split("  ")[0] for line in parts[2]}
    assert outcome >= {"verdict", "epochs", "pulses", "error", "dose", "most dose of a cell", "most pulses of a cell"}
    assert "settings are the same in all" in parts[3][0]


def test_compare_adds_up_what_the_pulses_were(cli, out):
    told = json.loads(cli("compare", STALLED, CONVERGED, NETWORK, "--out", out, "--json").out)
    outcome = {each["key"]: each["values"] for each in told["outcome"]}
    results = [load_run(out / name).result for name in (STALLED, CONVERGED)]
    assert outcome["dose"] == pytest.approx([*(result.counts.sum() * 2.0 * 0.05 for result in results), None])
    assert outcome["most pulses of a cell"] == [*(result.counts.sum(axis=0).max() for result in results), None]
    assert outcome["accuracy"][:2] == [None, None]
    assert 0 <= outcome["accuracy"][2] <= 1
    assert told["same"] == len(Conditions.model_fields)  # what both kinds of runs have


def test_compare_tells_what_cells_that_were_programmed_came_to(tmp_path):
    runs = []
    for top in (2.0984e-6, 2.0985e-6):  # at the ends of a range that six digits tell apart
        ends = (1e-7, 1e-7 + top)
        planned = plan_program(load_bench("simulated"), np.full((4, 4), 1e-6), source="t", ends=ends, pulses=1)
        runs.append(load_run(planned.run(seed=1, out=tmp_path).folder))
    lines = {name: {each.key: each for each in of} for name, of in compare(runs, [None, None]).items()}
    outcome = lines["outcome"]
    off = [abs(run.programmed.conductances[-1] - 1e-6) / run.asked.range_siemens for run in runs]
    assert outcome["cells at their target"].values == tuple(int((each <= 0.01).sum()) for each in off)
    assert outcome["cells asked for"].texts == ("16", "16")
    most = "off target, share of the range, at most"
    assert outcome[most].texts == tuple(f"{100 * each.max():.2f} %" for each in off)
    assert lines["differ"]["program.range_siemens"].texts == ("2.0984e-06 S", "2.0985e-06 S")


def test_compare_of_one_run_or_of_none_that_is_there_is_refused(cli, out):
    assert cli("compare", CONVERGED, "--out", out).err == "crossbar-hil: compare takes two runs or more\n"
    done = cli("compare", CONVERGED, "2027", "--out", out)
    assert (done.code, done.err) == (1, f"crossbar-hil: run '2027': no such run folder, in {out} there are 5 runs\n")
