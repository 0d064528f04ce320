"""Read a bench again and again through its guard: nothing grows, nothing drifts, no cell moves.

``CROSSBAR_HIL_READS=2000 pytest -m campaign -s tests/campaigns/test_soak.py`` reads the whole chip so often.
"""

import os
from pathlib import Path

import numpy as np
import pytest

from crossbar_hil.bench.file import load_bench
from crossbar_hil.guard.inspection import verify_journal
from crossbar_hil.guard.opening import open_guarded

READS = int(os.environ.get("CROSSBAR_HIL_READS", "2000"))
WARM = 5
"""Reads before anything is measured."""
SMALL = {"wiring": {"rows": [1, 2], "columns": [5, 6]}, "chip": {"rows": 2, "columns": 2}}


def resident_kb(pid):
    """Return the memory that a process holds, in kB."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.split("VmRSS:")[1].split()[0])


def handles(pid):
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def soaked(folder, reads):
    """Return by how much the guard grew in memory (kB a read) and in open files, and the first and last map."""
    folder.mkdir()
    with open_guarded(load_bench("emulated", overrides=SMALL), seed=1, folder=folder) as backend:
        maps = [backend.read_conductances(0.1) for _ in range(WARM)]
        before = resident_kb(backend.guard_pid), handles(backend.guard_pid)
        for _ in range(reads):
            last = backend.read_conductances(0.1)
        after = resident_kb(backend.guard_pid), handles(backend.guard_pid)
    assert not verify_journal(folder / "journal.sqlite").problems
    return (after[0] - before[0]) / reads, after[1] - before[1], maps[0], last


@pytest.mark.fault("C13")
@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="reads /proc")
def test_reading_moves_no_cell_and_leaves_nothing_open(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    _, opened, first, last = soaked(tmp_path / "run", 20)
    assert opened == 0
    assert np.array_equal(first, last)


@pytest.mark.campaign
def test_many_reads_move_no_cell_and_nothing_grows(tmp_path, monkeypatch, real_starts):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    grown_kb, opened, first, last = soaked(tmp_path / "run", READS)
    print(f"{READS} reads of the chip: {grown_kb:.2f} kB a read, {opened} open files more", flush=True)  # noqa: T201
    assert opened == 0
    assert grown_kb < 2.0
    assert np.array_equal(first, last)
