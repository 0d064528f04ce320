"""Work on a device whose process dies at an entry of its journal, and is begun again until it ends."""

import json

import numpy as np

from crossbar_hil.bench.opening import open_backend
from crossbar_hil.guard.journal import Journal
from crossbar_hil.plugins import load


class Killed(BaseException):
    """Nothing may catch it, and nothing is written after it."""


class Mortal:
    """A journal whose process dies at the entry of a number: before it is written, or once it is."""

    def __init__(self, journal, at, *, written):
        self._journal, self.at, self.written, self.entries_written = journal, at, written, 0

    def __getattr__(self, name):
        return getattr(self._journal, name)

    def append(self, *entry):
        self.entries_written += 1
        if self.entries_written > self.at or (self.entries_written == self.at and not self.written):
            raise Killed
        number = self._journal.append(*entry)
        if self.entries_written == self.at:
            self._journal.commit()
            raise Killed
        return number


def killed_and_resumed(work, path, at, again, *, written):
    """Kill work(journal), and each resumed one `again` entries later; return its end, and how often it was killed."""
    journal = Journal.create(path, {"run": "r", "token": "t"}, needed_bytes=0)
    kills = 0
    while True:
        try:
            ended = work(Mortal(journal, again if kills else at, written=written))
        except Killed:
            kills += 1
            journal.close()
            journal = Journal.open(path, needed_bytes=0)
        else:
            journal.close()
            return ended, kills


class OnInstruments:
    """The chip of an emulated bench, kept in a file between two openings."""

    def __init__(self, folder, bench):
        folder.mkdir(parents=True)
        self.bench, self.state = bench, folder / "emulated.json"

    def open(self):
        made = load("emulation", "bench")(self.bench, np.random.default_rng(1), state=self.state)
        return _Opened(made, self.bench)

    @property
    def left(self):
        kept = json.loads(self.state.read_text(encoding="utf-8"))["chip"]  # a pulse too many would show in the levels
        return kept["level"], kept["curve_amplitude_v"]


class _Opened:
    """The emulated instruments, and a chip behind them."""

    def __init__(self, made, bench):
        self.made, self.bench = made, bench

    def __enter__(self):
        self.made.__enter__()
        self.chip = open_backend(self.bench, seed=0, resources=self.made.resources)
        return self.chip

    def __exit__(self, *error):
        self.chip.owned.close()
        self.made.__exit__(*error)
