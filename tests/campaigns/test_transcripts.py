"""What the pages show a command to print is what it prints.

Names of runs, which hold time and chance, and speeds are not compared. A page's commands run one after the other in one
folder, since later ones take up what earlier ones left.
"""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
GIVEN = {"my_curve.csv": "# 2 V, 50 ms\n", "my_patterns.csv": "pattern,label,set\n"}
"""Files that the tutorial shows, by how they begin."""
OWN = re.compile(r"runs/\S+|dry_runs/\S+|\d+ images/s")
VERBS = ("train", "predict", "tune", "snn train")


def shown(page):
    """Return the commands of a page and the lines that it shows of what each prints."""
    text = (DOCS / page).read_text(encoding="utf-8")
    for block in re.findall(r"^```(?:console|text)\n(\$ crossbar-hil .*?)^```", text, re.MULTILINE | re.DOTALL):
        for command, lines in re.findall(r"^\$ crossbar-hil (.*)\n((?:[^$].*\n)*)", block, re.MULTILINE):
            if lines and command.startswith(VERBS):
                yield command, [OWN.sub("...", line) for line in lines.splitlines() if line != "..."]


def printed(command, folder):
    call = [sys.executable, "-m", "crossbar_hil", *shlex.split(command)]
    done = subprocess.run(call, cwd=folder, capture_output=True, text=True, check=False)
    return [OWN.sub("...", line) for line in (done.stderr + done.stdout).replace("\r", "\n").splitlines()]


@pytest.mark.campaign
@pytest.mark.parametrize("page", ["tutorial.md", "dry_runs.md", "emulation.md", "spiking.md"])
def test_the_pages_show_what_is_printed(page, tmp_path):
    text = (DOCS / page).read_text(encoding="utf-8")
    for name, start in GIVEN.items():
        for found in re.findall(rf"^```text\n({re.escape(start)}.*?)^```", text, re.MULTILINE | re.DOTALL):
            (tmp_path / name).write_text(found, encoding="utf-8")
    for command, lines in shown(page):
        told = printed(command, tmp_path)
        assert [line for line in lines if line not in told] == [], f"{command}\n" + "\n".join(told)
