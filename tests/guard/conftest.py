"""A chip in one process that sends its pulses one cell at a time, so that a keeper can be tested without a bench."""

import contextlib

import numpy as np
import pytest

from crossbar_hil.backend import DeviceBackend, Limits
from crossbar_hil.errors import ComplianceError, DeadlineError
from crossbar_hil.guard.journal import Journal
from crossbar_hil.instrument import PulseMemory, Reading
from crossbar_hil.witness import Witness

from .kept import KeptBench

SHAPE = (2, 2)


class FakeChip(DeviceBackend):
    """Every pulse adds 1 nS to its cell, or takes it; `fail` maps the number of a pulse to what happens to it."""

    def __init__(self, remembers=True):
        self.shape, self.kind, self.limits = SHAPE, "emulated", Limits(0.2, 3.0, 0.1)
        self.witness = Witness()
        self.conductances = np.full(SHAPE, 1e-6)
        self.sent = []
        self.calls = 0
        self.fail = {}
        self.reads_to_fail = 0
        self.short = False
        self.inside = []
        """Current inside each pulse to come, in amperes; the bench has no divider if it is empty."""
        self.unsafe = ""
        self.made_safe = 0
        self.remembers = remembers
        self.remembered = 0

    def _read_currents(self, voltages):
        self.witness.checkpoint()
        if self.short:
            raise ComplianceError("a cell is short")
        if self.reads_to_fail:
            self.reads_to_fail -= 1
            raise DeadlineError("smu did not answer")
        return voltages @ self.conductances

    def _send_pulses(self, counts, pulse):
        for row, column in np.argwhere(counts):
            cell, count = (int(row), int(column)), int(counts[row, column])
            self.witness.checkpoint()
            sequence = self.witness.intend(cell, count, pulse)
            self.calls += 1
            what = self.fail.get(self.calls)
            if what != "lost":
                self.sent += [cell] * count
                self.conductances[cell] += count * 1e-9 * np.sign(pulse.amplitude_v)
                self.remembered = sequence
            if what is not None:
                error = what if isinstance(what, BaseException) else DeadlineError(f"smu did not answer ({what})")
                outcome = "in_doubt"
                if self.remembers:
                    outcome = "done" if self.remembered == sequence else "not_sent"
                self.witness.failed(sequence, outcome, error)
                raise error
            drawn = self.inside[len(self.sent) - count : len(self.sent)]
            self.witness.done(sequence, [{"drive": Reading(each, limited=False)} for each in drawn])

    def line_conductances(self, voltage_v):
        return np.zeros((4, 4))

    def exposed(self, counts):
        """As on a bench with a divider: the cells of the row and of the column of every pulse."""
        return counts.sum(axis=0) + counts.sum(axis=1, keepdims=True) - 2 * counts

    def pulse_currents(self, cell, pulse, conductances):
        """By hand: 2 V on a cell of 1 uS and 1 V on its neighbour, or 2 V on both."""
        return ("drive", 3e-6, 4e-6) if self.inside else None

    def number_pulses(self, token):
        return PulseMemory(self.remembered, self.remembered) if self.remembers else None

    def work_done(self):
        return {}

    def make_safe(self):
        self.made_safe += 1
        if self.unsafe:
            raise RuntimeError(self.unsafe)


@pytest.fixture
def chip():
    return FakeChip()


@pytest.fixture
def journal(tmp_path):
    made = Journal.create(tmp_path / "journal.sqlite", {"run": "r", "token": "t"})
    yield made
    made.close()


@pytest.fixture
def kept(tmp_path):
    """Open a keeper on an emulated bench of 2 x 2 cells: kept("emulated", hurried=.., faults=.., limits=..)."""
    with contextlib.ExitStack() as stack:
        yield lambda *names, **more: stack.enter_context(KeptBench(tmp_path, *names, **more)).open()
