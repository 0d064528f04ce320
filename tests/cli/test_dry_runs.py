import csv
import json
import re
import signal

import pytest

from crossbar_hil.studies.showing import Silent

SLOW = ("--set", "epochs=4", "--seed", "5", "--chips", "3")


@pytest.mark.usefixtures("unpictured")
def test_a_sweep_of_one_setting_leaves_a_table_a_map_and_the_settings_that_were_used(cli, tmp_path):
    done = cli("sweep", "--over", "target=0.5..0.9:3", *SLOW, "--spread", "10 nS", "100 nS", "--to", "out")
    assert done.code == 0
    lines = done.out.splitlines()
    assert len(lines) == 11
    assert [each.strip() for each in lines[0].split("  ") if each] == [
        "target", "converge", "95 % interval", "epochs", "pulses",
    ]  # fmt: skip
    assert [line.split()[0] for line in lines[1:4]] == ["0.5", "0.7", "0.9"]
    assert lines[4] == ""
    assert lines[7].startswith("chips   100 nS to 1 uS at the start, ")  # K = 10 times the spread
    assert lines[7].endswith("K = 10, shifts from 10 nS to 100 nS")
    assert lines[8:] == ["folder  out: points.csv, sweep.json", "map     out/map.png", "report  out/report.html"]
    assert "3 points" in done.err.splitlines()
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "chunks.jsonl", "given", "map.png", "plan.json", "points.csv", "report.html", "sweep.json",
    ]  # fmt: skip
    with (tmp_path / "out" / "points.csv").open() as file:
        rows = list(csv.DictReader(file))
    told = [[each.strip() for each in line.split("  ") if each] for line in lines[1:4]]
    assert [f"{100 * float(row['yield']):.1f}" for row in rows] == [f"{float(each[1][:-2]):.1f}" for each in told]
    for row, each in zip(rows, told, strict=True):
        ends = [float(end) for end in each[2].removesuffix(" %").split(" to ")]
        assert ends == pytest.approx([100 * float(row["yield_low"]), 100 * float(row["yield_high"])], abs=0.05)
        assert each[4] == f"{float(row['pulses_mean']):.0f}"
    assert [(row["target"], row["chips"]) for row in rows] == [("0.5", "3"), ("0.7", "3"), ("0.9", "3")]
    assert "low_siemens = 1e-08" in (tmp_path / "out" / "given" / "bench.toml").read_text()


def test_results_are_told_before_their_map_is_drawn(cli, tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("crossbar_hil.studies.convergence.plotting.write_figures", interrupt)
    done = cli("sweep", "--over", "target=0.5,0.8", *SLOW, "--quiet", "--to", "out")
    assert (done.code, done.err) == (1, "crossbar-hil: interrupted\n")
    assert done.out.splitlines()[-1] == "folder  out: points.csv, sweep.json"
    assert json.loads((tmp_path / "out" / "sweep.json").read_text())["seed"] == 5


@pytest.mark.usefixtures("unpictured")
def test_the_last_line_of_json_output_says_where_the_results_are_and_which_point_is_best(cli, tmp_path):
    done = cli("sweep", "--over", "beta=1e5,5e7", "--over", "target=0.8,0.9", *SLOW, "--quiet", "--json", "--to", "out")
    answer = json.loads(done.out.splitlines()[-1])
    assert done.err == ""
    assert (answer["folder"], answer["status"], answer["points"], answer["seed"]) == ("out", "done", 4, 5)
    assert answer["best"]["beta"] == 5e7
    assert set(answer["files"]) == {"points.csv", "sweep.json", "map.png", "report.html"}


def test_more_than_two_settings_have_a_table_and_no_map(cli, tmp_path):
    done = cli(
        "sweep",
        "--over",
        "target=0.5,0.8",
        "--over",
        "beta=3e7,5e7",
        "--over",
        "K=5,10",
        *SLOW,
        "--quiet",
        "--to",
        "out",
    )
    assert "no map: more than two settings vary" in done.out
    assert not (tmp_path / "out" / "map.png").exists()


def test_the_same_seed_gives_the_same_files_and_a_finished_sweep_may_be_resumed(cli, tmp_path):
    for name in ("a", "b"):
        assert cli("sweep", "--over", "target=0.5,0.8", *SLOW, "--quiet", "--to", name).code == 0
    assert cli("sweep", "--resume", "b", "--quiet").code == 0
    for name in ("points.csv", "sweep.json", "map.png", "report.html", "chunks.jsonl"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


@pytest.mark.usefixtures("unpictured")
def test_a_curve_of_the_users_own_is_swept_and_tuned(cli, tmp_path):
    levels = [4.5e-7 + 4e-9 * step for step in range(60)]
    (tmp_path / "mine.csv").write_text("Conductance (S)\n" + "\n".join(f"{level:.6e}" for level in levels))
    given = ("--curve", "mine.csv", "--seed", "1", "--chips", "50", "--quiet")
    assert cli("sweep", "--over", "smoothed=true,false", *given).code == 0
    done = cli("tune", "--over", "target=0.9", "--over", "beta=3e7,1e8", *given, "--to", "tuned")
    assert done.code == 0
    assert done.out.splitlines()[-2:] == [
        "train   crossbar-hil train --bench tuned/tuned/bench.toml",
        "report  tuned/report.html",
    ]
    page = (tmp_path / "tuned" / "report.html").read_text(encoding="utf-8")
    links = re.findall(r'href="([^"]+)"', page)
    assert {"tune.json", "candidates.csv", "tuned/bench.toml", "tune.png"} <= set(links)
    assert all((tmp_path / "tuned" / link).is_file() for link in links)
    assert "50 simulated chips that were never searched on" in done.out


@pytest.mark.usefixtures("unpictured")
def test_chips_that_are_all_alike_have_no_yield(cli, tmp_path):
    (tmp_path / "map.json").write_text(json.dumps({"conductance_siemens": [[5e-7] * 4] * 4}))
    given = ("--start", "map.json", "--set", "scale=10", "--seed", "1", "--chips", "50", "--quiet")
    tuned = cli(
        "tune", "--over", "target=0.8", "--over", "beta=5e7", "--over", "width=0.05", *given, "--to", "tuned"
    ).out
    assert "yield   all or none: 50 of 50 trainings of one simulated chip converge" in tuned
    assert "warning every chip is the same, so the shares that converge are those of one training" in tuned
    swept = cli("sweep", "--over", "beta=5e7,6e7", *given)
    assert "warning every chip is the same" in swept.out
    (best,) = [line for line in swept.out.splitlines() if line.startswith("best")]
    assert best.endswith("; the share is the same at 1 other point")
    noisy = cli("sweep", "--over", "beta=5e7,6e7", *given, "--set", "read_noise=1 %")
    assert noisy.code == 0
    assert "every chip is the same" not in noisy.out


def test_a_gain_that_is_far_off_is_warned_of_before_the_training(cli, tmp_path):
    (tmp_path / "mine.csv").write_text("Conductance (S)\n1e-4\n1.3e-4\n1.6e-4\n")
    done = cli("train", "--curve", "mine.csv", "--seed", "1", "--epochs", "1", "--quiet", "--no-report")
    assert "warning beta 5e+07 / A is far off" in done.err


@pytest.mark.usefixtures("unpictured")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_sigterm_keep_what_was_done_and_say_how_to_go_on(cli, tmp_path, monkeypatch, number):
    class Interrupting(Silent):
        def __call__(self, chips):
            signal.raise_signal(number)

    with monkeypatch.context() as patched:
        patched.setattr("crossbar_hil.studies.showing.make_show", lambda console, quiet: Interrupting())
        done = cli("sweep", "--over", "target=0.5,0.8", *SLOW, "--to", "out", "--json")
    assert done.code == 1
    assert json.loads(done.out) == {"folder": "out", "status": "interrupted"}
    assert done.err == (
        "crossbar-hil: interrupted; what was done is kept, go on with: crossbar-hil sweep --resume out\n"
    )
    assert len((tmp_path / "out" / "chunks.jsonl").read_text().splitlines()) == 1
    assert cli("sweep", "--resume", "out", "--quiet").code == 0
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


BAD = [
    (("sweep",), 2, "a sweep needs at least one setting that varies, --over KEY=VALUES"),
    (("sweep", "--over", "beta=1e7..1e8"), 2, "a range is beta=LOW..HIGH:COUNT"),
    (("sweep", "--over", "target=0.8,1.2"), 1, "point target 1.2: target 1.2 must lie between -1 and 1"),
    (("sweep", "--over", "width=10 ms,1 s"), 1, "point width_s 1: pulse of 2 V, 1000 ms"),
    (("sweep", "--over", "beta=1e7,2e7", "--chips", "0"), 2, "0 chips, from 1 to 1000000000 are possible"),
    (("sweep", "--over", "beta=1e7,2e7", "--set", "targt=0.8"), 2, "'targt' is no setting"),
    (("sweep", "--over", "beta=1e7,2e7", "--set", "target"), 2, "--set 'target' must be KEY=VALUE"),
    (("sweep", "--over", "beta=1e7,2e7", "--curve", "missing.csv"), 1, "missing.csv cannot be read: No such file"),
    (("sweep", "--over", "beta=1e7,2e7", "--scheduler", "dask"), 2, "scheduler 'dask' is neither threads nor"),
    (("sweep", "--over", "beta=1e7,2e7", "--workers", "0"), 2, "0 workers, from 1 to 1024 are possible"),
    (("sweep", "--over", "beta=1e7,2e7", "--to", "here"), 1, "here exists already and is not overwritten"),
    (("sweep", "--resume", "here"), 1, "here is not the folder of a study: plan.json cannot be read"),
    (("sweep", "--resume", "here", "--chips", "3", "--over", "a=1"), 2, "so --chips, --over cannot be given with it"),
    (("sweep", "--over", "beta=1..2:9999", "--over", "v1=0.1..0.2:99"), 2, "a sweep of 989901 points, at most 100000"),
    (("tune", "--over", "target=0.8,1.2"), 1, "target 1.2 must lie between -1 and 1"),
    (("tune", "--spread", "1e-7", "1e-8"), 1, "must have 0 < low < high"),
    (("tune", "--bench", "simulatd"), 2, "did you mean 'simulated'?"),
]


@pytest.mark.parametrize(("words", "code", "sentence"), BAD, ids=[" ".join(words) for words, _, _ in BAD])
def test_bad_input_gives_one_sentence_and_leaves_nothing(cli, tmp_path, words, code, sentence):
    (tmp_path / "here").mkdir()
    done = cli(*words, "--quiet")
    assert sentence in done.err
    assert done.code == code
    assert done.out == ""
    assert len(done.err.strip().splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["here"]


def test_a_cluster_that_does_not_answer_leaves_no_folder(cli, tmp_path, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr("crossbar_hil.studies.cluster.PATIENCE_S", 0.1)
    done = cli("sweep", "--over", "target=0.5,0.8", *SLOW, "--quiet", "--scheduler", "tcp://127.0.0.1:1", "--to", "out")
    assert done.code == 1
    assert "no Dask scheduler answers at tcp://127.0.0.1:1" in done.err
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("unpictured")
def test_what_is_still_met_stands_in_text_table_and_json(cli, tmp_path):
    drifts = ("--drift", "3 %", "--drift", "0.1")
    noisy = (
        "--set",
        "read_noise=5 %",
        "--set",
        "confirm=1",
        "--set",
        "pull_back=no",
        "--seed",
        "5",
        "--chips",
        "50",
        *drifts,
    )
    done = cli("sweep", "--over", "target=0.5,0.8", *noisy, "--quiet", "--to", "out")
    assert "of these on a fresh read" in done.out.splitlines()[0]
    assert "after drift of 10 %" in done.out
    with (tmp_path / "out" / "points.csv").open() as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        assert 0 < int(row["fresh_met"]) < int(row["converged"])
        assert int(row["drift_0.1_met"]) < int(row["drift_0.03_met"]) <= int(row["converged"])
    points = json.loads((tmp_path / "out" / "sweep.json").read_text())["points"]
    assert [point["counts"]["fresh"] for point in points] == [int(row["fresh_met"]) for row in rows]
    assert json.loads((tmp_path / "out" / "plan.json").read_text())["drifts"] == [0.03, 0.1]


@pytest.mark.parametrize("drift", ["0", "-3 %", "100 %", "nan", "3 V"])
def test_a_drift_that_is_none_is_refused(cli, drift):
    done = cli("sweep", "--over", "target=0.5,0.8", *SLOW, "--drift", drift)
    assert done.code == 2
    assert "a share, such as" in done.err or "must be above 0 and below 1" in done.err


@pytest.mark.usefixtures("unpictured")
def test_without_noise_and_drift_nothing_is_said_of_afterwards(cli):
    assert "of these" not in cli("sweep", "--over", "target=0.5,0.8", *SLOW, "--quiet", "--to", "out").out
