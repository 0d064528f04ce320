import pytest

from crossbar_hil.runs.training_run import TrainingRun


@pytest.fixture
def unpictured(monkeypatch):
    """Leave pictures out of reports of trainings where a test reads their words: to draw them takes a second."""
    monkeypatch.setattr(TrainingRun, "figures", lambda self: iter(()))
