import json

import numpy as np
import pytest

from crossbar_hil.programming.record import ROUNDS, read_rounds, write_rounds
from crossbar_hil.runs.store import find_run

TARGETS = "1.5 uS, 1.2 uS, 1.8 uS, -\n2e-6, 1.3e-6, 1.4e-6, 5e-6\n" + "1.6 uS, 1.7 uS, 1.9 uS, 1.5 uS\n" * 2


@pytest.fixture
def targets(tmp_path):
    (tmp_path / "targets.csv").write_text(TARGETS, encoding="utf-8")
    return "targets.csv"


@pytest.mark.usefixtures("unpictured")
def test_program_tells_what_it_will_send_and_what_each_cell_reached(cli, targets, tmp_path):
    done = cli("program", "simulated", targets, "--seed", "1", "--quiet", "--label", "mine")
    assert done.code == 3  # one target no cell can have
    # 60 pulses of 2.8 V, 50 ms are 8.4 V s; the curve rises by 210.37 nS, times K = 10
    assert "at most 60 pulses (8.4 V s) a cell, 900 in all; they change the chip for good" in done.err
    assert "within 1 % of the range of 2.1 uS" in done.err
    assert "not     row 2 column 4: target outside the range of this cell" in done.out
    run = find_run("latest", tmp_path / "runs")
    assert (run.kind, run.facts["label"], run.facts["cells"]) == ("simulated", "mine", 15)
    found = run.programmed
    near = np.abs(found.conductances[-1] - found.targets) <= 0.01 * 2.1037e-6
    np.testing.assert_array_equal(near, found.standing == 0)
    assert json.loads(cli("show", "latest", "--json").out)["tables"]["program"]["pulses"] == 60
    listed = json.loads(cli("runs", "--json").out)
    assert [(each["verdict"], each["pulses"]) for each in listed] == [("partly", int(found.pulses.sum()))]
    shown = cli("show", "latest").out
    assert "targets.csv" in shown
    told = dict(line.split("  ", 1) for line in shown.partition("\n\n")[0].splitlines() if "  " in line)
    assert told["Size"].strip() == "4 rows, 4 columns"
    assert told["Current of a cell"].strip() == "follows Ohm's law"
    assert told["Cells at their target"].strip() == str(near.sum())
    assert cli("export", "latest", "--to", "csv").code == 0
    assert len(list(run.cell_tests())) == found.rounds * 16 + found.pulses.sum()
    assert {panel.name for panel in run.panels()} >= {"error", "conductance", "pulses"}


@pytest.mark.usefixtures("unpictured")
@pytest.mark.parametrize("bench", ["simulated", "mine.toml"])
def test_a_trained_virtual_chip_is_taken_up_where_its_run_left_it_and_brought_back(cli, tmp_path, bench):
    (tmp_path / "mine.toml").write_text('backend = "simulated"\n[chip]\n', encoding="utf-8")  # names no kind
    cli("train", "--seed", "1", "--no-report", "--quiet")
    trained = find_run("latest", tmp_path / "runs")
    first, last = trained.result.conductances[0], trained.wear().last
    done = cli("reset", bench, "--like", trained.name, "--no-report", "--quiet", "--json")
    assert done.code == 0
    reset = find_run("latest", tmp_path / "runs").programmed
    assert (reset.conductances[0] >= last - 1e-12).all()
    assert not reset.rising.any()
    assert (np.abs(reset.conductances[-1] - first) <= 0.05 * 2.1037e-6).all()
    assert json.loads(done.out)["reached"] == 16
    assert find_run("latest", tmp_path / "runs").facts["seed"] == 1  # that of the chip


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["program", "simulated"], 2, "program takes a file of TARGETS, or --weights FILE"),
        (["program", "simulated", "targets.csv", "--tolerance", "0"], 2, "tolerance = 0.0 must be above 0"),
        (["program", "simulated", "targets.csv", "--range", "2 uS", "1 uS"], 2, "it must rise"),
        (["program", "simulated", "targets.csv", "--depress", "2 V"], 2, "potentiated above 0 V and depressed below"),
        (["program", "simulated", "targets.csv", "--depress-width", "1 ms"], 2, "--depress-width goes with --depress"),
        (["program", "simulated", "nothing.csv"], 1, "nothing.csv cannot be read"),
        (["reset", "simulated"], 2, "the cells of bench simulated start where nobody knows"),
        (["reset", "simulated", "--like", "no-run"], 1, "run 'no-run': no such run folder"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence_before_anything_is_sent(cli, targets, tmp_path, words, code, said):
    done = cli(*words)
    assert said in done.err.replace("\n", " ")
    assert (done.code, done.out) == (code, "")
    assert not (tmp_path / "runs").exists()


@pytest.mark.usefixtures("unpictured")
def test_weights_become_pairs_in_the_range_that_all_cells_have_in_common(cli, tmp_path):
    (tmp_path / "weights.csv").write_text("0.5 -1\n0.25 0\n-0.75 1\n0 0.1\n", encoding="utf-8")
    cli("program", "simulated", "--weights", "weights.csv", "--seed", "3", "--quiet")
    targets = find_run("latest", tmp_path / "runs").programmed.targets
    # the shipped chips start at up to 1 uS, and those that start at 200 nS end 2.1037 uS higher
    assert (targets.min(), targets.max()) == pytest.approx((1e-6, 2.3037e-6))
    assert targets[0, 1] == targets.min()
    np.testing.assert_allclose(
        (targets[:, ::2] - targets[:, 1::2]) / 1.3037e-6, [[0.5, -1], [0.25, 0], [-0.75, 1], [0, 0.1]]
    )


@pytest.mark.usefixtures("unpictured")
def test_an_emulated_chip_is_programmed_behind_its_guard_and_the_record_is_held_against_the_journal(cli, tmp_path):
    (tmp_path / "targets.csv").write_text("-,1.5 uS,-,-\n" + "-,-,-,-\n" * 2 + "1.6 uS,-,-,-\n", encoding="utf-8")
    done = cli("program", "emulated", "targets.csv", "--seed", "1", "--quiet", "--json", "--no-report")
    sent = json.loads(done.out)["pulses"]
    run = find_run("latest", tmp_path / "runs")
    told = json.loads(cli("verify", "latest", "--json").out)
    assert (tmp_path / told["run"], told["pulses"], told["problems"]) == (run.folder, sent, [])
    assert f"{sent} pulses sent" in cli("verify", run.folder).out
    assert done.code == 0
    assert "is done (converged), there is nothing to resume" in cli("resume", "latest", "--yes").err
    rounds = read_rounds(run.folder)
    (run.folder / ROUNDS).unlink()
    write_rounds(run.folder, [rounds[0]._replace(rising=rounds[0].rising + 1), *rounds[1:]])
    assert "round 1: rising are not those of the journal" in cli("verify", "latest").out
