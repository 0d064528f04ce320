import json

import pytest

SMALL = ["--classes", "0,1", "--neurons", "5", "--train", "40", "--passes", "1", "--seed", "1"]
SMALL += ["--steps", "40", "--test-steps", "20"]


@pytest.fixture(scope="module")
def a_run(tmp_path_factory):
    from crossbar_hil.spiking.settings import SpikingSettings
    from crossbar_hil.spiking.training import train_spiking

    settings = SpikingSettings(
        classes=(0, 1), neurons=5, train=40, passes=1, steps=40, test_steps=20, preset="siemens", wire_ohm=0.01
    )
    return train_spiking(settings, seed=1, out=tmp_path_factory.mktemp("runs"), label="a <b>label</b>")


def test_training_shows_its_progress_on_standard_error_and_ends_with_one_json_line(cli, tmp_path):
    done = cli("snn", "train", *SMALL, "--json", "--no-report", "--show")
    answer = json.loads(done.out.splitlines()[-1])
    assert done.code == 0
    assert {"run", "kind", "accuracy", "silent", "images", "spikes"} <= set(answer)
    assert answer["kind"] == "simulated"
    assert (tmp_path / answer["run"] / "checkpoint.sqlite").is_file()
    assert "images/s  spikes per image" in done.err
    assert "▀" in done.err
    listed = json.loads(cli("runs", "--json").out)
    assert [each["status"] for each in listed] == ["done"]
    assert listed[0]["verdict"] == f"accuracy {100 * answer['accuracy']:.2f} %"
    assert json.loads(cli("show", "latest", "--json").out)["seed"] == 1
    assert cli("resume", "latest").err.startswith("crossbar-hil: spiking run")
    again = json.loads(cli("snn", "test", "latest", "--json", "--quiet").out)
    assert again["accuracy"] == answer["accuracy"]
    assert "is of a spiking network" in cli("predict", listed[0]["name"]).err


def test_a_device_learns_stripes_and_quiet_shows_nothing(cli):
    done = cli("snn", "train", "--dataset", "stripes", "--seed", "1", "--quiet", "--no-report", "--json")
    answer = json.loads(done.out)
    assert (done.code, done.err) == (0, "")
    assert answer["accuracy"] == 1.0
    assert answer["pulses"] > 0


def test_an_accuracy_below_the_target_has_exit_code_3(cli):
    assert cli("snn", "train", *SMALL, "--target", "1", "--quiet", "--no-report").code == 3


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--classes", "0,x"], "classes '0,x' must be digits"),
        (["--wire", "1 V"], "'1 V' is not in ohm"),
        (["--bench", "nowhere"], "nowhere"),
        (["--task", "zvn", "--dataset", "digits"], "--task zvn and --dataset digits cannot be given together"),
        (["--task", "zvm"], "task 'zvm' does not exist; known are"),
        (["--task", "zvn", "--bench", "emulated-single"], "task zvn trains 9 rows and 3 columns; wire 9 rows"),
        (["--task", "zvn", "--neurons", "4"], "neurons is a setting of a computed network"),
        (["--task", "zvn", "--preset", "siemens"], "preset is a setting of a computed network"),
        (["--task", "zvn", "--width", "10 ms"], "width is a setting of a computed network"),
        (["--width", "10 ms"], "--width 10 ms is that of the pulses of --curve, and does nothing without it"),
        (["--classes", "0,1,0"], "classes '0,1,0' name 0 twice; give each digit once"),
        (["--dataset", "mnist", "--data", "nowhere"], "nowhere holds neither train-images-idx3-ubyte"),
        (["--target", "2"], "target 2.0 is a share"),
        (["--cell", "sinh"], "cell 'sinh' cannot be made"),
    ],
)
def test_bad_usage_is_one_sentence_and_leaves_nothing_behind(cli, tmp_path, words, told):
    done = cli("snn", "train", *words)
    assert done.code in (1, 2)
    assert told in done.err
    assert len(done.err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_the_report_is_one_page_with_every_figure_inside_it_and_nothing_from_elsewhere(cli, a_run, tmp_path, undrawn):
    done = cli("report", a_run.folder, "--to", tmp_path / "page")
    assert done.code == 0, done.err
    page = (tmp_path / "page" / "report.html").read_text(encoding="utf-8")
    figures = {path.stem for path in (tmp_path / "page" / "figures").iterdir()}
    assert figures == {"fields", "confusion", "accuracy", "raster", "membranes", "voltages"}
    assert page.count("data:image/png;base64,") == 6
    assert "a &lt;b&gt;label&lt;/b&gt;" in page
    assert "http" not in page.replace('http-equiv="Content-Security-Policy"', "")
    assert cli("report", a_run.folder, "--to", tmp_path / "page").code == 1
