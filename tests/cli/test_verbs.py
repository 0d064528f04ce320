import contextlib
import io
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys

import click
import pytest

from crossbar_hil.cli.common import confirm
from crossbar_hil.errors import DataError


def test_training_by_default_converges_and_shows_where_the_report_is(cli, tmp_path, undrawn):
    done = cli("train", "--seed", "1")
    assert done.code == 0
    assert "converged: every target is met" in done.out
    report = done.out.splitlines()[-1].removeprefix("report").strip()
    assert (tmp_path / report).is_file()
    assert done.err.startswith("epoch 1/48  error ")


def test_the_last_line_of_json_output_says_run_kind_converged_epochs_pulses_and_error(cli, tmp_path):
    done = cli("train", "--seed", "1", "--pull-back", "yes", "--json", "--quiet", "--no-report")
    answer = json.loads(done.out.splitlines()[-1])
    assert done.err == ""
    assert (tmp_path / answer["run"] / "run.sqlite").is_file()
    assert answer["kind"] == "simulated"
    assert answer["converged"] is True
    assert answer["error"] == 0
    assert answer["epochs"] > 1
    assert answer["pulses"] == 8 * (answer["epochs"] - 1)  # by equation 3 every synapse has a gradient


def test_the_same_seed_gives_the_same_run(cli):
    answers = [json.loads(cli("train", "--seed", "7", "--json", "--quiet", "--no-report").out) for _ in range(2)]
    for answer in answers:
        del answer["run"]
    assert answers[0] == answers[1]


@pytest.mark.fault("C14")
def test_training_that_does_not_converge_has_exit_code_3(cli):
    done = cli(
        "train", "--seed", "2", "--preset", "reference", "--beta", "1e5", "--epochs", "60", "--quiet", "--no-report"
    )
    assert done.code == 3
    assert "stalled" in done.out
    assert "end of its curve" in done.out


def test_quantities_are_read_with_their_units(cli):
    done = cli(
        "train", "--v0=-100 mV", "--v1", "100 mV", "--width", "50 ms", "--seed", "1", "--quiet", "--json", "--no-report"
    )
    plain = cli("train", "--seed", "1", "--quiet", "--json", "--no-report")
    assert json.loads(done.out)["epochs"] == json.loads(plain.out)["epochs"]


def test_a_curve_of_the_users_own_is_trained_on(cli, tmp_path):
    levels = [4.5e-7 + 4e-9 * step for step in range(60)]
    (tmp_path / "mine.csv").write_text("Conductance (S)\n" + "\n".join(f"{level:.6e}" for level in levels))
    assert cli("train", "--curve", "mine.csv", "--seed", "1", "--quiet", "--no-report").code in (0, 3)
    shown = json.loads(cli("show", "latest", "--json").out)
    assert shown["device"]["curve"] == "mine.csv"
    assert shown["device"]["pulse"] == "unknown"


FILES = {
    "nan.csv": "G (S)\n4.5e-7\nnan\n",
    "three.csv": "1,2,3\n4,5,6\n",
    "amps.csv": "pulse,current_a\n1,4.5e-8\n2,5e-8\n",
    "short.csv": "G (S)\n4.5e-7\n",
    "wide.csv": "pattern,label,set\n0001,011,train\n",
    "afile": "",
}
BAD = [
    (("--curve", "missing.csv"), 1, "missing.csv cannot be read: No such file"),
    (("--curve", "nan.csv"), 1, "nan.csv, line 3: conductance nan is not finite"),
    (("--curve", "three.csv"), 1, "three.csv: no header says what its numbers are, as in line 1 (1, 2, 3)"),
    (("--curve", "amps.csv"), 1, "holds currents, and nothing says at which voltage they were read"),
    (("--curve", "short.csv"), 1, "at least 2 needed"),
    (("--columns", "3"), 1, "column count 3 is odd"),
    (("--patterns", "wide.csv"), 1, "labels have 3 bits, but the chip of 4 columns has 2 output(s)"),
    (("--scale", "0"), 1, "scale 0.0 must be finite and above zero"),
    (("--scale=-1",), 1, "scale -1.0 must be finite and above zero"),
    (("--beta", "0"), 1, "beta 0.0 per ampere must be above zero and at most 1e+300"),
    (("--beta", "nan"), 2, "training.beta = nan must be a finite number"),
    (("--beta", "much"), 2, "'much' is not a number with a unit"),
    (("--target", "1"), 1, "target 1.0 must lie between -1 and 1"),
    (("--target", "1.2"), 1, "target 1.2 must lie between -1 and 1"),
    (("--epochs", "0"), 1, "epochs 0 must be a whole number of at least 1"),
    (("--out", "afile"), 1, "run folder cannot be made in afile"),
    (("--bench", "simulatd"), 2, "did you mean 'simulated'?"),
    (("--bench", "no.toml"), 2, "bench file no.toml cannot be read"),
    (("--v1", "5"), 1, "read voltage 5 V exceeds the limit of 1 V"),
    (("--v1", "5 ms"), 2, "training.v1: '5 ms' is not in V"),
    (("--amplitude=-2.8",), 1, "pulse amplitude -2.8 V must be positive"),
    (("--width", "100 ms"), 1, "2 V from 1 ms to 50 ms"),
    (("--spread", "1e-7", "1e-8"), 1, "must have 0 < low < high"),
    (("--seed", "many"), 2, "'many' is not a valid integer"),
    (("--no-such-option",), 2, "No such option"),
]


@pytest.mark.fault("F4", "V22")
@pytest.mark.parametrize(("words", "code", "sentence"), BAD, ids=[" ".join(words) for words, _, _ in BAD])
def test_bad_input_gives_one_sentence_and_leaves_nothing(cli, tmp_path, words, code, sentence):
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    done = cli("train", "--preset", "reference", "--quiet", *words)
    assert done.code == code
    assert done.out == ""
    assert sentence in done.err
    assert len(done.err.strip().splitlines()) == 1
    assert sorted(os.listdir(tmp_path)) == sorted(FILES)


def test_a_traceback_appears_only_with_debug(cli):
    assert "Traceback" not in cli("train", "--beta", "0").err
    assert "Traceback" in cli("train", "--beta", "0", "--debug").err


def test_verbs_after_training(cli, tmp_path, unpictured):
    cli("train", "--seed", "1", "--quiet", "--no-report", "--label", "mine")
    (listed,) = json.loads(cli("runs", "--json").out)
    assert listed["label"] == "mine"
    assert listed["name"] in cli("runs").out
    assert re.search(r"^beta +5e\+07 1/A  ", cli("show", "latest").out, re.MULTILINE)
    assert cli("export", "latest", "--to", "csv", "--output", "a.csv").out.strip() == "a.csv"
    assert cli("export", "latest", "--to", "csv", "--output", "a.csv").code == 1
    answer = json.loads(cli("predict", "latest", "--json").out)
    assert len(answer["lines"]) == 10
    assert "of 10 right" in cli("predict", listed["name"]).out
    report = cli("report", "latest").out.strip()
    assert (tmp_path / report).is_file()
    assert cli("report", "latest").out.strip() == report


def test_an_unknown_run_is_named(cli):
    done = cli("show", "nothing")
    assert done.code == 1
    assert "run 'nothing': no such run folder" in done.err


def test_an_empty_folder_has_no_runs(cli):
    assert cli("runs").out == "no runs in runs\n"


def test_help_lists_every_verb(cli):
    text = cli("--help").out
    for verb in ("train", "runs", "show", "report", "export", "predict"):
        assert f"  {verb}" in text


@pytest.mark.fault("O1")
@pytest.mark.skipif(os.name == "nt", reason="signals differ on Windows")
def test_ctrl_c_keeps_what_was_done_and_ends_cleanly(tmp_path):
    words = [
        "train",
        "--preset",
        "reference",
        "--beta",
        "1e6",
        "--epochs",
        "1000000",
        "--json",
        "--no-report",
        "--seed",
        "3",
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "crossbar_hil", *words],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    for line in process.stderr:
        if line.startswith("epoch 5/"):
            break
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    answer = json.loads(out.splitlines()[-1])
    assert process.returncode == 1
    assert answer["status"] == "interrupted"
    record = sqlite3.connect(tmp_path / answer["run"] / "run.sqlite")
    assert record.execute("SELECT COUNT(*) FROM epoch").fetchone()[0] == answer["epochs"] >= 5
    record.close()


def test_a_module_call_is_the_same_program():
    done = subprocess.run(
        [sys.executable, "-m", "crossbar_hil", "--version"], capture_output=True, text=True, check=True
    )
    assert "version 0." in done.stdout


def test_train_sets_any_key_of_chip_and_training(cli):
    from crossbar_hil.runs.store import load_run

    done = cli(
        "train", "--seed", "1", "--quiet", "--no-report", "--json", "--set", "step_spread=0.3", "--set", "telegraph=5 %"
    )
    chip = load_run(json.loads(done.out)["run"]).bench.chip
    assert (chip.step_spread, chip.telegraph) == (0.3, 0.05)
    assert "did you mean 'step_spread'" in cli("train", "--set", "step_sprea=0.3").err
    assert "relaxation_s" in cli("train", "--set", "relaxation=0.3").err


@pytest.mark.parametrize(("typed", "error"), [("", DataError), ("n\n", click.exceptions.Exit), ("y\n", None)])
def test_where_nobody_can_answer_the_way_out_is_named(monkeypatch, capsys, typed, error):
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    with contextlib.nullcontext() if error is None else pytest.raises(error, match="--yes" if not typed else None):
        confirm("hardware", False, "pulses follow")
    assert capsys.readouterr().err.startswith("pulses follow. Go on? [y/N]: ")
