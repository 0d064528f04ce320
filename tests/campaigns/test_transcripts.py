"""What the pages show a command to print is what it prints.

Names of runs, which hold time and chance, speeds and times are not compared. A page's commands run one after the other
in one folder, since later ones take up what earlier ones left.
"""

import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
GIVEN = {
    "my_curve.csv": "# 2 V, 50 ms\n",
    "my_patterns.csv": "pattern,label,set\n",
    "measured.txt": "Sample A7, cell (2, 3)",
}
"""Files that the pages show, by how they begin."""
OWN = re.compile(r"runs/\S+|dry_runs/\S+|[\d.]+ images/s")
TIMES = re.compile(r"  \d+ (?:s|min \d+ s|h \d+ min)(?:, (?:about|at most) .* left)?$")
"""What is gone and left, at the end of a line of a training that takes its time."""
VERBS = ("train", "predict", "tune", "snn train", "curve", "init", "check", "resume")


def shown(page):
    """Return the commands of a page and the lines that it shows of what each prints."""
    text = (DOCS / page).read_text(encoding="utf-8")
    for block in re.findall(r"^```(?:console|text)\n(\$ crossbar-hil .*?)^```", text, re.MULTILINE | re.DOTALL):
        for command, lines in re.findall(r"^\$ crossbar-hil (.*)\n((?:[^$].*\n)*)", block, re.MULTILINE):
            if lines and command.startswith(VERBS):
                yield command, [without_own(line) for line in lines.splitlines() if line != "..."]


def printed(command, folder):
    words = shlex.split(command, comments=True)
    if "RUN" in words:  # the first one of the page
        words[words.index("RUN")] = str(min((folder / "runs").iterdir()))
    call = [sys.executable, "-m", "crossbar_hil", *words]
    done = subprocess.run(call, cwd=folder, capture_output=True, text=True, check=False)
    return [without_own(line) for line in (done.stderr + done.stdout).replace("\r", "\n").splitlines()]


def without_own(line):
    """Return a line without what differs from one time to the next."""
    return TIMES.sub("", OWN.sub("...", line))


@pytest.mark.campaign
@pytest.mark.parametrize("page", ["tutorial.md", "dry_runs.md", "emulation.md", "spiking.md", "start/curve.md"])
def test_the_pages_show_what_is_printed(page, tmp_path):
    text = (DOCS / page).read_text(encoding="utf-8")
    for name, start in GIVEN.items():
        for found in re.findall(rf"^```text\n({re.escape(start)}.*?)^```", text, re.MULTILINE | re.DOTALL):
            (tmp_path / name).write_text(found, encoding="utf-8")
    for command, lines in shown(page):
        told = printed(command, tmp_path)
        assert [line for line in lines if line not in told] == [], f"{command}\n" + "\n".join(told)


@pytest.mark.campaign
@pytest.mark.skipif(sys.platform == "win32", reason="sends a signal")
def test_a_rehearsal_is_interrupted_and_gone_on_with_as_the_page_for_a_bench_shows(tmp_path):
    for command, lines in shown("start/bench.md"):
        told = interrupted(command, tmp_path, "epoch 9/") if command.startswith("train") else printed(command, tmp_path)
        assert [line for line in lines if line not in told] == [], f"{command}\n" + "\n".join(told)
    (verified,) = printed("verify latest", tmp_path)
    assert "112 pulses sent" in verified


def interrupted(command, folder, moment):
    """Return what a command prints that is interrupted once a line begins as told."""
    call = [sys.executable, "-m", "crossbar_hil", *shlex.split(command)]
    told = []
    with subprocess.Popen(call, cwd=folder, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        for line in process.stderr:
            told.append(without_own(line.rstrip("\n")))
            if line.startswith(moment):
                process.send_signal(signal.SIGINT)
    assert process.returncode == 1  # could not
    return told


@pytest.mark.campaign
def test_pytest_says_of_the_script_on_the_page_what_the_page_shows(tmp_path):
    text = (DOCS / "start" / "scripts.md").read_text(encoding="utf-8")
    for name, content in re.findall(r"`([\w.]+)`:\n\n```\w+\n(.*?)```", text, re.DOTALL):
        (tmp_path / name).write_text(content, encoding="utf-8")
    call = [sys.executable, "-m", "pytest", "-q"]
    done = subprocess.run(call, cwd=tmp_path, capture_output=True, text=True, check=False)
    wanted = re.search(r"^\$ pytest -q\n((?:E .*\n)+)1 failed", text, re.MULTILINE)[1]
    assert "1 failed" in done.stdout
    assert [line for line in wanted.splitlines() if OWN.sub("...", line) not in done.stdout] == []
