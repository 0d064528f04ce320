"""`survey` as a person uses it, and `train --cells` with what it wrote."""

import json

import pytest

from crossbar_hil.survey.file import read_cells

BENCH = """backend = "simulated"
kind = "simulated"
[chip]
dead = [[0, 0]]
stuck = [[2, 3]]
"""


@pytest.fixture
def bench(tmp_path):
    (tmp_path / "mine.toml").write_text(BENCH, encoding="utf-8")
    return "mine.toml"


def test_readings_alone_name_what_they_find_and_what_they_cannot(cli, bench, tmp_path, unpictured):
    done = cli("survey", bench, "--seed", 3)
    assert done.code == 0
    assert "1    1       open     0 S +- 0 S" in done.out
    assert "readings alone cannot tell a stuck or a weak cell" in done.out
    assert {each.name for each in tmp_path.glob("cells.*")} == {"cells.toml", "cells.png", "cells.html"}
    page = (tmp_path / "cells.html").read_text(encoding="utf-8")
    assert "no current within its noise" in page
    assert "lies 5 standard errors beyond its threshold" in page
    assert read_cells(tmp_path / "cells.toml").survey.sent == 0


def test_pulses_find_the_stuck_cell_and_a_training_leaves_both_out(cli, bench, unpictured):
    done = cli("survey", bench, "--seed", 3, "--pulses", 2, "--depress", "-2.8 V", "--to", "two.toml", "--json")
    found = json.loads(done.out)
    assert [(each["row"], each["column"], each["verdict"]) for each in found["found"]] == [
        (1, 1, "open"),
        (3, 4, "stuck low"),
    ]
    assert "sends each of 16 cells at most 2 of 2 V, 50 ms and 2 of -2.8 V, 50 ms" in done.err
    assert "potentiating pulses and" in found["notes"][0]
    trained = cli("train", "--bench", bench, "--seed", 3, "--cells", "two.toml", "--no-report", "--quiet")
    shown = cli("show", "latest")
    for each in (trained, shown):
        assert each.code == 0
        assert "bad cells left out: row 1 column 1 (open), row 3 column 4 (stuck low)" in each.out
        assert "inputs 1 to 4 on rows" in each.out


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("--depress", "-2 V"), 2, "--depress does nothing without --pulses N, which sends pulses"),
        (("--width", "1 ms", "--amplitude", "1 V"), 2, "--amplitude and --width does nothing without --pulses N"),
        (("--reads", 1), 1, "reads 1 must be at least 2"),
        (("--pulses", 101), 1, "pulses 101 must be from 1 to 100"),
        (("--pulses", 1, "--amplitude", "3.5 V"), 1, "pulse of 3.5 V, 50 ms is not in the measured curves"),
        (("--pulses", 1, "--depress", "1 V"), 1, "potentiation needs a positive and depression a negative pulse"),
        (("--to", "no/cells.toml"), 1, "there is no folder no for cells.toml: make it"),
        (("--to", "."), 2, "--to . names the cells, a TOML file"),
        (("--to", "cells.png"), 2, "--to cells.png names the cells, a TOML file"),
    ],
)
def test_what_makes_no_sense_is_refused_and_leaves_no_file(cli, bench, tmp_path, words, code, says):
    before = sorted(tmp_path.rglob("*"))
    done = cli("survey", bench, "--seed", 3, *words)
    assert (done.code, says in done.err) == (code, True), done.err
    assert sorted(tmp_path.rglob("*")) == before


def test_a_file_of_another_chip_is_refused_before_a_training_begins(cli, bench, tmp_path, unpictured):
    cli("survey", bench, "--seed", 3)
    done = cli("train", "--bench", bench, "--seed", 4, "--cells", "cells.toml")
    assert done.code == 2
    assert "is of the simulated chip of bench mine, seed 3, this one is drawn with seed 4: give --seed 3" in done.err
    assert not (tmp_path / "runs").exists()


def test_check_names_a_cells_file_that_is_of_another_chip_or_gone(cli, bench, tmp_path, unpictured):
    cli("survey", bench, "--seed", 3)
    other = BENCH.replace("[chip]", "[chip]\nrows = 5\ncolumns = 5")
    for file, says in (("cells.toml", "is of a chip of 4 by 4 cells, this one has 5 by 5"), ("gone.toml", "gone.toml")):
        (tmp_path / "other.toml").write_text(f'{other}[training]\ncells = "{file}"\n', encoding="utf-8")
        done = cli("check", "other.toml")
        assert (done.code, says in done.out) == (1, True), done.out
