"""`init` as a person uses it: what it writes is sound, or says what is left open, and nothing of anybody's is lost."""

import errno
import io
import itertools
import json
import os
import shlex

import pytest

from crossbar_hil.bench.checking import check_bench
from crossbar_hil.bench.file import load_bench
from crossbar_hil.commissioning.new_bench import Model, new_bench, new_patterns
from crossbar_hil.errors import ConfigError
from crossbar_hil.guard import storage
from crossbar_hil.plugins import load, names

SOURCES = [name for name in names("instruments") if hasattr(load("instruments", name), "source_meters")]
MATRICES = [name for name in names("instruments") if name not in SOURCES]
OPEN = [
    "chip_id", "instruments.smu.resource", "instruments.matrix.resource", "measurement.compliance_a", "limits.read_v",
    "limits.pulse_v", "limits.width_s", "limits.pulses", "limits.dose_vs",
]  # fmt: skip
"""What only the owner of a chip and of instruments can know: where they are, and what the chip may bear."""


@pytest.mark.parametrize(
    "words",
    [
        ("--kind", "simulated"),
        ("--kind", "simulated", "--rows", 9, "--columns", 6),
        ("--kind", "emulated", "--source", "keithley2400", "--matrix", "keithley7001"),
        ("--kind", "emulated", "--source", "keithley2450", "--matrix", "keithley707b", "--rows", 3, "--columns", 6),
    ],
)
def test_a_bench_without_a_real_chip_is_sound_as_it_is_written(cli, words):
    done = cli("init", *words)
    assert done.code == 0, done.err
    assert done.out.splitlines()[-1] == "then      crossbar-hil check my_lab.toml"
    assert check_bench("my_lab.toml") == []


@pytest.mark.parametrize(
    ("source", "matrix"),
    sorted({*itertools.product(SOURCES, ["keithley707b"]), *itertools.product(["keithley2602b"], MATRICES)}),
)
def test_every_model_that_there_is_a_driver_for_gets_a_whole_file(tmp_path, source, matrix):
    (tmp_path / "p.csv").write_text(new_patterns((4, 4)))
    text = new_bench("emulated", "b.toml", "p.csv", source=[Model(source)], matrix=Model(matrix))
    (tmp_path / "b.toml").write_text(text)
    bench = load_bench(tmp_path / "b.toml")
    problems = load("backends", bench.backend).problems(bench, sources={}, matrix=None)
    assert [each for each in problems if "no source is on" not in each] == []


def test_check_names_exactly_what_is_left_to_fill_in_and_a_filled_file_is_read(cli, tmp_path):
    done = cli("init", "mine.toml", "--source", "keithley2602b", "--matrix", "keithley707b", "--json")
    assert [each.partition(" ")[0] for each in json.loads(done.out)["left"]] == OPEN
    checked = cli("check", "mine.toml")
    assert checked.code == 1
    assert checked.out.splitlines() == [f"bench file mine.toml: {key} is left to fill in" for key in OPEN]
    text = (tmp_path / "mine.toml").read_text()
    for value in ('"D12"', '"TCPIP0::192.0.2.10::5025::SOCKET"', '"TCPIP0::192.0.2.11::5025::SOCKET"', '"50 uA"',
                  '"0.2 V"', '"2.1 V"', '"60 ms"', "5000", '"500 V s"'):  # fmt: skip
        text = text.replace('= "?"', f"= {value}", 1)
    (tmp_path / "mine.toml").write_text(text)
    bench = load_bench("mine.toml")
    assert (bench.kind, bench.limit_table.pulses, bench.measurement.compliance_a) == ("hardware", 5000, 50e-6)


def test_an_address_that_is_given_is_not_asked_for_again(cli):
    where = "keithley2400@GPIB0::24::INSTR"
    done = cli("init", "--source", where, "--matrix", "manual", "--json")
    left = [each.partition(" ")[0] for each in json.loads(done.out)["left"]]
    assert left == [key for key in OPEN if "instruments" not in key]


@pytest.mark.parametrize("name", ["mine.toml", "mine_patterns.csv"])
def test_nothing_is_overwritten_not_even_a_link_into_nowhere(cli, tmp_path, name):
    os.symlink(tmp_path / "nowhere", tmp_path / name)
    done = cli("init", "mine.toml", "--kind", "simulated")
    assert (done.code, done.err) == (1, f"crossbar-hil: {name} exists already and is not overwritten\n")
    assert sorted(os.listdir(tmp_path)) == [name]


def test_a_bench_file_that_cannot_be_written_leaves_no_pattern_file_behind(cli, tmp_path, monkeypatch):
    def write_patterns_alone(path, text):
        if path.suffix == ".toml":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        path.write_text(text)

    monkeypatch.setattr(storage, "write_new", write_patterns_alone)
    done = cli("init", "mine.toml", "--kind", "simulated")
    assert (done.code, done.err) == (
        1,
        "crossbar-hil: mine.toml cannot be written: the disk is full: make room on it\n",
    )
    assert os.listdir(tmp_path) == []


def test_what_is_not_said_is_asked_on_a_terminal(cli, tmp_path, monkeypatch):
    answers = io.StringIO("hardware\nkeithley2400\nGPIB0::24::INSTR\nkeithley7001\n\n")
    answers.isatty = lambda: True
    monkeypatch.setattr("sys.stdin", answers)
    (tmp_path / "lab").mkdir()
    done = cli("init", "lab")
    assert done.code == 0, done.err
    text = (tmp_path / "lab" / "my_lab.toml").read_text()
    assert 'resource = "GPIB0::24::INSTR"' in text
    assert 'read = "guarded"' in text
    assert 'patterns = "my_lab_patterns.csv"' in text


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "nobody is there to ask what bench it is"),
        (("--kind", "emulated"), "nobody is there to ask for the source-measure unit: name it by --source MODEL"),
        (("--kind", "simulated", "--matrix", "manual"), "a simulated bench has no instruments"),
        (("mine",), "mine must end with .toml"),
        (("--source", "keithley707b", "--matrix", "manual"), "keithley707b is no source-measure unit, but a matrix"),
        (("--source", "keithley24000", "--matrix", "manual"), "did you mean 'keithley2400'?"),
        (("--kind", "simulated", "--columns", 3), "3 columns are odd; an output is the difference of two columns"),
        (("--kind", "simulated", "--rows", 1, "--columns", 8), "1 row cannot tell apart patterns for 4 outputs"),
        (("--kind", "simulated", "--rows", 0), "0 rows must be 1 to 64"),
        (("--kind", "simulated", "--columns", 0), "0 columns must be 1 to 64"),
    ],
)
def test_what_cannot_be_is_told_and_nothing_is_written(cli, tmp_path, words, says):
    done = cli("init", *words)
    assert done.code == 2
    assert says in done.err
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["my lab.toml", "new\nchip_id = 3 #.toml", "it's \u202e.toml"])
def test_a_name_of_any_letters_is_a_name_and_nothing_more(cli, name):
    done = cli("init", name, "--kind", "simulated")
    assert done.code == 0, done.err
    assert check_bench(name) == []
    assert load_bench(name).chip_id is None
    if name.isprintable():
        assert shlex.split(done.out.splitlines()[-1]) == ["then", "crossbar-hil", "check", name]


def test_a_key_that_says_nothing_yet_is_refused_wherever_the_bench_is_used(tmp_path):
    (tmp_path / "b.toml").write_text('backend = "simulated"\n[limits]\nread_v = "?"\n')
    with pytest.raises(ConfigError, match=r"bench file .*b\.toml: limits\.read_v is left to fill in$"):
        load_bench(tmp_path / "b.toml")
