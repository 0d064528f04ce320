"""How much one read costs between the caller and the wire, in calls and in changes of file: counts, and no times."""

import sys
from pathlib import Path

import numpy as np
import pytest

from crossbar_hil.bench.file import load_bench
from crossbar_hil.bench.opening import open_backend

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = tuple(str(ROOT / folder) for folder in ("crossbar_hil", "instruments", "drivers"))


class Counted:
    """Calls of the project's functions in this thread, and how often the file changed from one to the next."""

    def __init__(self):
        self.calls = self.changes = 0
        self.last = None

    def __call__(self, frame, event, _):
        name = frame.f_code.co_filename
        if event == "call" and name.startswith(FOLDERS):
            self.calls += 1
            self.changes += name != self.last
            self.last = name


# Before a batch was laid out once it was 5809 calls and 2086 changes on the one bench, 3008 and 892 on the other.
@pytest.mark.parametrize(("name", "calls", "changes"), [("emulated-single", 2900, 1100), ("emulated", 1800, 650)])
def test_the_first_read_of_a_pattern_stays_short_of_so_many_calls_and_changes_of_file(name, calls, changes):
    counted = Counted()
    with open_backend(load_bench(name), seed=1) as backend:
        before = sys.getprofile()
        sys.setprofile(counted)
        try:
            backend.read_currents(np.full((1, 4), 0.1))
        finally:
            sys.setprofile(before)
    assert 0 < counted.calls < calls
    assert 0 < counted.changes < changes
