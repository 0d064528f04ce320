"""`characterise` as a person uses it: nothing is sent for a file that cannot be, and what is measured is shown."""

import json
import os
import struct

import pytest

from crossbar_hil.sim_backend import SimulatedBackend

WORDS = ("characterise", "simulated", "--seed", 1, "--pulses", 12, "--rest", 0)


@pytest.fixture
def sent(monkeypatch):
    """Pulses that reached the chip."""
    real, counts = SimulatedBackend._send_pulses, []
    monkeypatch.setattr(
        SimulatedBackend, "_send_pulses", lambda chip, *what: counts.append(what[0].sum()) or real(chip, *what)
    )
    return counts


@pytest.mark.parametrize(
    ("to", "says"),
    [
        ("nowhere", "there is no folder nowhere for curve_r1_c1.csv: make it; nothing was sent"),
        ("nowhere/mine.csv", "there is no folder nowhere for mine.csv: make it; nothing was sent"),
        ("file", "file/curve_r1_c1.csv cannot be written: Not a directory; nothing was sent"),
        ("there.csv", "there.csv exists already and is not overwritten"),
        ("drawn.csv", "drawn.png exists already and is not overwritten"),
        ("linked.csv", "linked.csv exists already and is not overwritten"),
    ],
)
def test_a_file_that_cannot_be_written_is_told_before_the_first_pulse(cli, tmp_path, sent, to, says):
    for name in ("file", "there.csv", "drawn.png"):
        (tmp_path / name).write_text("mine")
    os.symlink(tmp_path / "prey", tmp_path / "linked.csv")
    before = sorted(tmp_path.rglob("*"))
    done = cli(*WORDS, "--cell", 1, 1, "--to", to)
    assert (done.code, done.err) == (1, f"crossbar-hil: {says}\n")
    assert (sum(sent), sorted(tmp_path.rglob("*"))) == (0, before)


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        (("--cell", 1, 1, "--cell", 9, 9), "cell [8, 8] (row 9, column 9) is not on the chip"),
        (("--cell", 1, 1, "--cell", 1, 1), "--cell 1 1 is given twice"),
    ],
)
def test_every_cell_is_checked_before_the_first_pulse(cli, sent, cells, says):
    done = cli(*WORDS, *cells)
    assert done.code in (1, 2)
    assert says in done.err
    assert sum(sent) == 0


def test_what_is_measured_is_told_and_the_curve_drawn(cli, tmp_path):
    done = cli(*WORDS, "--cell", 1, 1, "--cell", 2, 2, "--to", tmp_path)
    told = done.err.splitlines()
    assert [line.split("  ")[:2] for line in told] == [
        [f"row {cell}, column {cell}", f"{step}/26"] for cell in (1, 2) for step in (1, 11, 21, 26)
    ]
    drawn, files = done.out.splitlines()[:-5], done.out.splitlines()[-5:]
    assert files == [
        str(tmp_path / f"curve_{name}")
        for name in ("r1_c1.csv", "r2_c2.csv", "of_2_cells.csv", "of_2_cells.png", "of_2_cells.html")
    ]
    place = [line.strip() for line in drawn].index("reading 1 to 26; * potentiation o depression")
    assert [line.partition(":")[0] for line in drawn[place + 1 :]] == ["cells", "step variation interval"]
    picture = (tmp_path / "curve_of_2_cells.png").read_bytes()
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">2I", picture[16:24])
    assert min(width, height) > 300


@pytest.mark.usefixtures("unpictured")
def test_who_wants_it_quiet_is_told_nothing(cli):
    assert cli(*WORDS, "--cell", 1, 1, "--quiet").err == ""


def test_a_read_that_finds_no_chip_says_so(cli, tmp_path):
    dead = [[row, column] for row in range(2) for column in range(2)]
    (tmp_path / "none.toml").write_text(f'backend = "simulated"\n[chip]\nrows = 2\ncolumns = 2\ndead = {dead}\n')
    done = cli("read", "none.toml")
    assert done.code == 0
    assert "warning: no cell conducts more than 1e-09 S, so the chip is not in its socket" in done.err


def test_ctrl_c_in_safe_says_that_the_bench_may_not_be_safe(cli, monkeypatch):
    def pressed(bench, tell):
        raise KeyboardInterrupt

    monkeypatch.setattr("crossbar_hil.guard.opening.make_bench_safe", pressed)
    done = cli("safe", "simulated")
    assert done.code == 1
    assert "interrupted" in done.err
    assert "bench simulated may not be safe, as making it safe was interrupted: do it again" in done.err


@pytest.mark.usefixtures("unpictured")
def test_a_curve_is_kept_although_the_bench_could_not_be_left(cli, monkeypatch, tmp_path):
    def pressed(backend, *about):
        raise KeyboardInterrupt

    monkeypatch.setattr("crossbar_hil.sim_backend.SimulatedBackend.__exit__", pressed)
    words = "characterise simulated --cell 1 1 --pulses 2 --rest 0 --quiet --to c.csv"
    assert cli(*words.split()).code == 1
    assert (tmp_path / "c.csv").is_file()


@pytest.mark.usefixtures("unpictured")
def test_a_chip_that_is_read_into_a_folder_leaves_a_map_that_can_be_started_from(cli, tmp_path):
    done = cli("read", "simulated", "--seed", "1", "--repeat", "2", "--to", "chip")
    assert done.out.splitlines()[-2:] == ["map     chip/reading.json", "report  chip/report.html"]
    assert sorted(each.name for each in (tmp_path / "chip").iterdir()) == ["chip.png", "reading.json", "report.html"]
    printed = json.loads(cli("read", "simulated", "--seed", "1", "--repeat", "2", "--json").out)
    assert json.loads((tmp_path / "chip" / "reading.json").read_text()) == printed
    words = ("--quiet", "--no-report", "--json", "--epochs", "1", "--set", "K=1", "--seed", "1")
    assert cli("train", "--start", "chip/reading.json", *words).code in {0, 3}
    again = cli("read", "simulated", "--seed", "1", "--to", "chip")
    assert (again.code, again.err) == (
        1,
        "crossbar-hil: --to chip exists already and is not overwritten; nothing was read\n",
    )


@pytest.mark.usefixtures("unpictured")
def test_conditions_of_the_command_line_are_laid_over_those_of_the_bench_file(cli, tmp_path):
    (tmp_path / "mine.toml").write_text(
        'backend = "simulated"\n[chip]\n[conditions]\noperator = "Ada"\nsample = "die 3"\n'
    )
    said = ("--operator", "Grace", "--temperature", "25 degC")
    told = {"operator": "Grace", "sample": "die 3", "temperature_k": 298.15}
    assert json.loads(cli("read", "mine.toml", "--seed", 1, "--json", *said).out)["conditions"] == told
    (tmp_path / "folder").mkdir()
    cli("characterise", "mine.toml", *WORDS[2:], "--cell", 1, 1, "--to", "folder", "--quiet", *said)
    line = "conditions: operator Grace; sample die 3; temperature_k 298.15 K"
    assert line in (tmp_path / "folder" / "curve_r1_c1.csv").read_text()
    assert "operator Grace; sample die 3" in (tmp_path / "folder" / "curve_r1_c1.html").read_text()
    done = cli("characterise", "simulated", *WORDS[2:], "--cell", 2, 2, "--temperature", "25")
    assert done.code == 2
    assert "is not a temperature with its unit" in done.err
