import json

import numpy as np
import pytest

UP = [2.0, 2.6, 3.1, 3.5, 3.8, 4.0, 4.15, 4.25, 4.3, 4.32]
DOWN = [3.7, 3.2, 2.85, 2.6, 2.45, 2.36, 2.3, 2.27]
"""Microsiemens."""


@pytest.fixture
def lab(tmp_path):
    def write(name, header, levels):
        (tmp_path / name).write_text("\n".join([header, *map(str, levels), ""]), encoding="utf-8")
        return name

    return write


def test_a_curve_is_told_drawn_and_written_with_its_origin(cli, lab, tmp_path):
    done = cli("curve", lab("a.txt", "G (uS)", UP), "--amplitude", "2", "--width", "50 ms", "--to", "my.csv")
    assert done.code == 0
    assert "potentiation  10 readings (9 pulses) from 2 uS to 4.32 uS, by pulses of 2 V, 50 ms" in done.out
    assert done.out.count("*") >= 10
    assert (tmp_path / "my.png").read_bytes().startswith(b"\x89PNG")
    written = (tmp_path / "my.csv").read_text(encoding="utf-8")
    assert written.startswith("# crossbar-hil curve a.txt --amplitude 2 --width 0.05\n")
    assert "SHA-256" in written
    assert "potentiation,2.0,0.05,1,2e-06\n" in written
    again = json.loads(cli("curve", "my.csv", "--json").out)
    assert [1e6 * level for level in again["curves"][0]["conductance_siemens"]] == pytest.approx(UP, rel=1e-12)
    assert again["curves"][0]["amplitude_v"] == 2.0


@pytest.mark.usefixtures("unpictured")
def test_what_is_open_is_one_sentence_and_its_command_settles_it(cli, lab):
    lab("b.txt", "G (uS)", UP + DOWN)
    done = cli("curve", "b.txt")
    assert done.code == 1
    assert "encoding   UTF-8, lines end with LF" in done.out
    assert len(done.err.splitlines()) == 1
    words = done.err.split("`")[1].split()
    assert words[:3] == ["crossbar-hil", "curve", "b.txt"]
    settled = cli(*words[1:])
    assert settled.code == 0
    assert "depression  " in settled.out
    assert "written my_chip.csv" in settled.out
    assert cli("train", "--curve", "my_chip.csv", "--seed", "1", "--quiet", "--no-report").code in {0, 3}


@pytest.mark.parametrize("verb", [("train", "--no-report"), ("tune", "--chips", "20"), ("sweep", "--over", "beta=1e7")])
def test_every_verb_refuses_what_the_curve_leaves_open_in_the_same_words(cli, lab, verb):
    lab("c.txt", "0.04", [0.05, 0.06])
    asked = [cli("curve", "c.txt").err, cli(*verb, "--curve", "c.txt", "--quiet").err]
    for said in asked:
        assert "no header says what its numbers are, as in line 1 (0.04); say it by `crossbar-hil curve " in said


@pytest.mark.usefixtures("unpictured")
def test_a_file_of_a_lab_trains_as_the_table_written_from_it(cli, lab):
    levels = [0.45 + 0.004 * step for step in range(60)]
    lab("lab.txt", "Leitwert (µS)", [str(level).replace(".", ",") for level in levels])
    assert cli("curve", "lab.txt", "--to", "own.csv").code == 0
    told = [
        json.loads(cli("train", "--curve", name, "--seed", "1", "--json", "--quiet", "--no-report").out)
        for name in ("lab.txt", "own.csv")
    ]
    for each in told:
        del each["run"]
    assert told[0] == told[1]


def test_nothing_is_overwritten(cli, lab, tmp_path):
    (tmp_path / "there.csv").write_text("mine")
    done = cli("curve", lab("a.txt", "G (uS)", UP), "--to", "there.csv")
    assert done.code == 1
    assert "there.csv exists already and is not overwritten" in done.err
    assert (tmp_path / "there.csv").read_text() == "mine"


@pytest.mark.usefixtures("unpictured")
def test_a_shipped_curve_and_what_characterise_writes_are_known(cli):
    assert "depression    51 readings (50 pulses)" in cli("curve", "figure2a").out
    assert cli("characterise", "simulated", "--cell", "1", "1", "--pulses", "3", "--yes").code == 0
    assert "the project's own, 2 curve(s)" in cli("curve", "curve_r1_c1.csv").out


@pytest.mark.usefixtures("unpictured")
def test_the_step_spread_of_cycles_goes_into_the_table_and_from_there_into_a_dry_run(cli, tmp_path):
    rows = "\n".join(f"{g}\t{1.02 * g:.4f}\t{0.98 * g:.4f}" for g in UP)
    (tmp_path / "c.txt").write_text(f"cycle 1 (uS)\tcycle 2 (uS)\tcycle 3 (uS)\n{rows}\n")
    assert "step_variation=0.02" in cli("curve", "c.txt", "--to", "c.csv").out
    assert "# step variation: 0.02\n" in (tmp_path / "c.csv").read_text()


@pytest.mark.usefixtures("unpictured")
def test_read_noise_of_cycles_goes_into_the_table_and_no_step_variation_that_is_not_seen(cli, tmp_path):
    # Readings 1 % above and below the curve in turn: every cycle makes the same steps but for them.
    curve = [2 + 2 * (1 - 0.8**n) for n in range(24)]
    signs = np.random.default_rng(2).choice([-0.01, 0.01], (24, 4))
    rows = "\n".join("\t".join(f"{g * (1 + s):.5f}" for s in line) for g, line in zip(curve, signs, strict=True))
    (tmp_path / "c.txt").write_text("\t".join(f"cycle {n} (uS)" for n in range(4)) + f"\n{rows}\n")
    done = cli("curve", "c.txt", "--to", "c.csv")
    assert "known from 4 cycles, by read_noise='" in done.out
    assert "step_variation=" not in done.out
    facts = [line for line in (tmp_path / "c.csv").read_text().splitlines() if line.startswith(("# read n", "# step"))]
    assert len(facts) == 1
    assert float(facts[0].removeprefix("# read noise: ").removesuffix(" %")) == pytest.approx(1.0, rel=0.3)


def test_the_height_of_pulses_between_readings_is_told_and_only_their_width_asked_for(cli, tmp_path):
    (tmp_path / "log.csv").write_text("V (V),I (A)\n" + "".join(f"0.1,{g * 1e-7:g}\n1.8,1e-3\n" for g in UP))
    told = cli("curve", "log.csv").out
    assert "by pulses of 1.8 V, nothing says how long" in told
    assert 'to name the pulses: --width "50 ms"\n' in told
    assert "by pulses of 1.8 V, 20 ms" in cli("curve", "log.csv", "--width", "20 ms").out


def test_wrong_options_are_bad_usage(cli, lab):
    lab("a.txt", "G (uS)", UP)
    assert cli("curve", "a.txt", "--lines", "9:3").code == 2
    assert cli("curve", "a.txt", "--voltage", "3 s").code == 2
