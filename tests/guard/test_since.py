"""Pulses since a calibration, by a ledger that holds the calibration as its second session."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import numpy as np
import pytest

from crossbar_hil.bench.file import Bench, Chip
from crossbar_hil.guard import since
from crossbar_hil.guard.ledger import DoseLedger, default_path

BEGUN = datetime(2026, 5, 1, 12, tzinfo=UTC)
OLD, CALIBRATION, TRAINED = [[9, 9], [9, 9]], [[2, 2], [2, 50]], [[0, 3], [1, 0]]


@pytest.fixture
def pulses_since(tmp_path, monkeypatch):
    """Say what came since, by a twin with a spare cell; `pulses` are those of its calibration."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    moment = BEGUN - timedelta(days=1)
    ledger = DoseLedger.open(default_path("A1"), (2, 2), now=lambda: moment)
    for run, first, counts in (("old", 0, OLD), ("calibration", 1, CALIBRATION), ("a", 2, TRAINED), ("b", 3, TRAINED)):
        moment = BEGUN + timedelta(days=first - 1, milliseconds=1)
        ledger.reserve(run, 1, np.array(counts), 0.1 * np.array(counts))
    ledger.close()

    def answer(chip_id="A1", pulses=2):
        source = SimpleNamespace(chip_id=chip_id, spare=((1, 1),), pulses=pulses, made_utc=BEGUN.isoformat())
        monkeypatch.setattr(since, "read_twin", lambda _: SimpleNamespace(rows=2, columns=2, source=source))
        chip = Chip(rows=2, columns=2, twin="twin.toml")
        found = since.pulses_since_calibration(
            Bench(name="lab", backend="chip", kind="hardware", chip_id=chip_id, chip=chip)
        )
        return None if found is None else found.tolist()

    return answer


def test_only_what_came_after_the_calibration_counts(pulses_since):
    assert pulses_since() == [[0, 6], [2, 0]]


def test_a_ledger_without_the_pulses_of_the_calibration_says_nothing(pulses_since):
    assert pulses_since(pulses=3) is None
    assert pulses_since(chip_id="B2") is None
