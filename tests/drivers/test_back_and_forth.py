"""How much one read costs, in calls and in changes of file: counts, and no times."""

import sys
import threading
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from crossbar_hil.bench.file import load_bench
from crossbar_hil.bench.opening import open_backend

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = tuple(str(ROOT / folder) for folder in ("crossbar_hil", "instruments", "drivers", "sim_backend"))


class Counted:
    """Calls of the project's functions in every thread, and how often the file changed from one to the next."""

    def __init__(self):
        self.calls, self.changes, self.last = Counter(), Counter(), {}
        self.on = False

    def __call__(self, frame, event, _):
        if self.on and event == "call" and (name := frame.f_code.co_filename).startswith(FOLDERS):
            thread = threading.get_ident()
            self.calls[thread] += 1
            self.changes[thread] += name != self.last.get(thread)
            self.last[thread] = name


# Before a batch was laid out once, the reading thread made 5809 calls and 2086 changes of file on the one bench, 3008
# and 892 on the other; with the emulator's threads it was 20288 calls on the first.
@pytest.mark.parametrize(
    ("name", "calls", "changes", "with_emulator"),
    [("emulated-single", 2900, 1100, 10144), ("emulated", 1800, 650, 11000)],
)
def test_the_first_read_of_a_pattern_stays_short_of_so_many_calls_and_changes_of_file(
    name, calls, changes, with_emulator
):
    counted, here = Counted(), threading.get_ident()
    before = sys.getprofile()
    threading.setprofile(counted)
    try:
        with open_backend(load_bench(name), seed=1) as backend:
            sys.setprofile(counted)
            counted.on = True
            backend.read_currents(np.full((1, 4), 0.1))
            counted.on = False
    finally:
        sys.setprofile(before)
        threading.setprofile(None)
    assert 0 < counted.calls[here] < calls
    assert 0 < counted.changes[here] < changes
    assert counted.calls[here] < counted.calls.total() < with_emulator
