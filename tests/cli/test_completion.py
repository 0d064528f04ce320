"""What a shell completes, asked as bash asks: words so far and which of them is meant, in the environment."""

import subprocess
import sys
from types import SimpleNamespace

import pytest
from click.shell_completion import BashComplete

from crossbar_hil.cli.verbs import cli as verbs

NAMES = [f"2026-01-0{day}T00-00-00Z_manhattan_4x4_abcd" for day in (1, 2, 3)]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in NAMES:
        (tmp_path / "runs" / name).mkdir(parents=True)
    (tmp_path / "runs" / "2026-notes.txt").touch()
    (tmp_path / "other" / "2027-01-01_other").mkdir(parents=True)
    (tmp_path / "my_lab.toml").touch()
    (tmp_path / "my_notes.txt").touch()
    return tmp_path


def completed(*words):
    """What is told for the last word; a type other than plain is left to the shell."""
    *before, begun = words
    found = BashComplete(verbs, {}, "crossbar-hil", "_X").get_completions(list(before), begun)
    return [each.value if each.type == "plain" else each.type for each in found]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("show", ""), ["latest", *reversed(NAMES)]),
        (("show", "2026-01-02"), [NAMES[1]]),
        (("compare", NAMES[0], "2026-01-03"), [NAMES[2]]),
        (("resume", "la"), ["latest"]),
        (("show", "--out", "other", ""), ["latest", "2027-01-01_other"]),
        (("show", "./"), ["dir"]),
        (("show", "--out", "nowhere", ""), ["dir"]),
        (("check", "em"), ["emulated", "emulated-single"]),
        (("check", "my"), ["my_lab.toml"]),
        (("train", "--bench", "s"), ["simulated"]),
        (("sweep", "--bench", "./my"), ["./my_lab.toml"]),
        (("read", "nowhere/"), ["file"]),
        (("init", "--kind", "e"), ["emulated"]),
    ],
)
def test_runs_and_benches_are_completed(words, found):
    assert completed(*words) == found


def test_completing_loads_nothing_that_takes_a_while(folder):
    words = {"COMP_WORDS": "crossbar-hil show 2026", "COMP_CWORD": "2", "_CROSSBAR_HIL_COMPLETE": "bash_complete"}
    code = (
        "import os, sys; from crossbar_hil.cli.verbs import main; sys.argv = ['crossbar-hil']\n"
        f"os.environ.update({words!r})\n"
        "try:\n    main()\nfinally:\n    print(sorted({'numpy', 'rich', 'pydantic', 'matplotlib'} & set(sys.modules)))"
    )
    done = SimpleNamespace(
        **vars(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False))
    )
    assert done.stdout.splitlines() == [*(f"plain,{name}" for name in reversed(NAMES)), "[]"], done.stderr
