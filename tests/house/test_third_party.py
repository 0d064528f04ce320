"""A package of somebody else, taken word for word from docs/extending.md, built and used as that page says."""

import json
import re
import subprocess
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from ..forking import FORKED
from .wheels import built

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "extending.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"`([\w/]+\.(?:py|toml))`[^`\n]*:\n\n```\w+\n(.*?)```", PAGE, re.DOTALL))
ON_THE_BENCH = """
from crossbar_hil.testing import BackendContract

class TestBench(BackendContract):
    pass
"""
TRAIN = "train --quiet --no-report --seed 1 --bench"
TEST = "-q -p no:cacheprovider -p no:xdist --bench toy"
SOUND, DISTURBED = f"{TEST} tests", f"{TEST} test_disturbed.py"
TYPED = (
    f"{TRAIN} my.toml",
    f"{TRAIN} broken",
    "runs --json",
    f"{TRAIN} toy",
    "show latest --json",
    f"{TRAIN} toy.toml",
    f"{TRAIN} bent.toml",
    f"{TRAIN} toy --rule patient --rule-option wait=3",
)
DISTURBING = ("** counts\n", "** counts.sum()\n")
"""What makes the chip on the page disturb the neighbours of a cell."""
DOING = """
import contextlib, io, json, pathlib, sys
lab, typed, tested, disturbing = json.loads(sys.argv[1])
sys.path.insert(0, lab)
import pytest
from crossbar_hil.cli.verbs import main

def told(call, *words):
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        try:
            code = int(call(*words) or 0)
        except SystemExit as ending:
            code = ending.code or 0
    return {"code": code, "out": out.getvalue(), "err": err.getvalue()}

answers = {}
for words in typed:
    sys.argv = ["crossbar-hil", *words.split()]
    answers[words] = told(main)
for words in tested:
    answers[words] = told(pytest.main, words.split())
    module = pathlib.Path(lab, "my_lab", "chip.py")
    module.write_text(module.read_text().replace(*disturbing))
    for name in [name for name in sys.modules if name.partition(".")[0] == "my_lab"]:
        del sys.modules[name]
print(json.dumps(answers))
"""


def install(wheel, folder):
    """Make a folder look like site-packages with the lab's package installed, one entry point of which is broken."""
    zipfile.ZipFile(wheel).extractall(folder)
    points = next(folder.glob("*.dist-info")) / "entry_points.txt"
    points.write_text(points.read_text().replace("toy =", "broken = my_lab.chip:NoSuchName\ntoy ="))
    for name in ("toy.toml", "bent.toml", "tests/test_chip.py"):
        (folder / "work" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "work" / name).write_text(FILES[name])
    for name in (Path("tests") / "test_bench.py", "test_disturbed.py"):
        (folder / "work" / name).write_text(ON_THE_BENCH)
    (folder / "work" / "my.toml").write_text('backend = "toy"\n[options]\nstep = 2e-7\n')


def shown(command):
    """What the page shows below a command."""
    return re.search(rf"^\$ {re.escape(command)}\n(.*?)^(?:```|\$)", PAGE, re.MULTILINE | re.DOTALL)[1]


def test_the_page_shows_every_file_of_its_package():
    listed = re.search(r"```text\nmy-lab/\n(.*?)```", PAGE, re.DOTALL)[1].replace("(empty)", "").split()
    assert {*listed} - {"my_lab/__init__.py"} == {*FILES}


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """What is answered in a folder where the lab's package is installed, by what was typed, and what pytest finds.

    One process does it all, one after the other: a process of its own for each takes longer than what it does.
    """
    source, lab = tmp_path_factory.mktemp("my-lab"), tmp_path_factory.mktemp("answers")
    for name, text in {**FILES, "my_lab/__init__.py": ""}.items():
        (source / name).parent.mkdir(exist_ok=True)
        (source / name).write_text(text, encoding="utf-8")
    install(built(source), lab)
    given = json.dumps([str(lab), TYPED, [SOUND, DISTURBED], DISTURBING])
    done = subprocess.run([FORKED, "-c", DOING, given], cwd=lab / "work", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {typed: SimpleNamespace(**told) for typed, told in json.loads(done.stdout).items()}


def test_a_backend_of_another_package_trains_by_its_name(answers):
    done = answers[f"{TRAIN} toy"]
    assert done.code == 0, done.err
    assert shown("crossbar-hil train --bench toy --seed 1") in done.out
    assert '"backend": "ToyChip"' in answers["show latest --json"].out


def test_its_options_and_a_rule_of_another_package_come_from_the_bench_file(answers):
    done = answers[f"{TRAIN} toy.toml"]
    assert done.code == 0, done.err
    assert shown("crossbar-hil train --bench toy.toml --seed 1") in done.out
    assert "_bold_4x4_" in done.out


def test_a_rule_with_state_of_another_package_takes_its_option(answers):
    done = answers[f"{TRAIN} toy --rule patient --rule-option wait=3"]
    assert done.code == 0, done.err
    assert shown("crossbar-hil train --bench toy --rule patient --rule-option wait=3 --seed 1") in done.out


def test_a_cell_model_of_another_package_trains(answers):
    done = answers[f"{TRAIN} bent.toml"]
    assert done.code == 0, done.err
    assert shown("crossbar-hil train --bench bent.toml --seed 1") in done.out


def test_a_wrong_option_is_named(answers):
    done = answers[f"{TRAIN} my.toml"]
    assert done.code == 2
    assert "unexpected keyword argument 'step'" in done.err
    assert answers["runs --json"].out.strip() in {"", "[]"}


@pytest.mark.fault("F6", "X12")
def test_a_plug_in_that_cannot_be_loaded_is_named(answers):
    done = answers[f"{TRAIN} broken"]
    assert done.code == 2
    assert "backend 'broken' cannot be loaded from my_lab.chip:NoSuchName" in done.err


def test_the_contract_runs_on_it_through_the_pytest_plug_in(answers):
    done = answers[SOUND]
    assert done.code == 0, done.out
    assert " passed" in done.out


@pytest.mark.fault("F6", "V20")
def test_the_contract_notices_a_backend_that_disturbs_its_neighbours(answers):
    done = answers[DISTURBED]
    assert done.code == 1, done.out
    assert "FAILED test_disturbed.py::TestBench::test_pulses_leave_every_other_cell" in done.out
