"""What the window does on a bench, run by PyMeasure's worker as the window does it; no Qt is needed."""

import csv
import threading
from pathlib import Path

import numpy as np
import pytest
import tomli_w

from crossbar_hil import open_bench
from crossbar_hil.bench.file import load_bench
from crossbar_hil.errors import DataError
from crossbar_hil.guard.inspection import left_safe
from crossbar_hil.guard.opening import JOURNAL
from crossbar_hil.runs.interruption import Button
from crossbar_hil.runs.store import list_runs, load_run
from crossbar_hil.sim_backend import ConductanceCurve

from ..campaigns.judge import findings

PATIENT_S = 60.0


class Felt(Button):
    """A button of which one knows that its wish has gone where it goes."""

    felt = threading.Event()

    def press(self, cause):
        super().press(cause)
        self.felt.set()


@pytest.fixture
def gui():
    """The procedures, with which PyMeasure's, pandas and pint come: 0.6 s for each worker if they stood above."""
    from crossbar_hil.gui import procedures

    return procedures


@pytest.fixture
def perform(gui, tmp_path, monkeypatch):
    """Do a procedure in a worker's thread; return how it ended, and the lines of PyMeasure's file."""
    from pymeasure.experiment import Procedure, Results, Worker

    class Aborting(Worker):
        """A worker whose abort button is pressed, and felt, once so many results are there."""

        def __init__(self, results, after):
            super().__init__(results)
            self.left = after

        def emit(self, topic, record):
            super().emit(topic, record)
            if topic == "results":
                self.left -= 1
                if self.left == 0:
                    self.stop()
                    assert Felt.felt.wait(PATIENT_S)

    monkeypatch.setattr("crossbar_hil.gui.procedures.Button", Felt)

    def perform(procedure, abort_after=0):
        Felt.felt.clear()
        path = tmp_path / "data.csv"
        path.unlink(missing_ok=True)
        procedure.out = str(tmp_path / "runs")
        worker = Aborting(Results(procedure, str(path)), abort_after)
        worker.start()
        threading.Thread.join(worker)  # PyMeasure's own join waits for nothing
        lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
        return Procedure.STATUS_STRINGS[procedure.status], list(csv.DictReader(lines))

    return perform


def numbers(rows, column):
    return [float(row[column]) for row in rows]


def test_a_training_is_that_of_the_command_line_and_its_epochs_are_in_both_files(
    perform, gui, tmp_path, unpictured, converged_run
):
    procedure = gui.Train(seed="1", label="from the window", epochs="30")
    status, rows = perform(procedure)
    (run,) = list_runs(tmp_path / "runs")
    same = load_run(converged_run)
    assert (status, procedure.failure, procedure.left) == ("Finished", "", str(run.folder))
    assert (run.facts["label"], run.facts["verdict"]) == ("from the window", "converged")
    np.testing.assert_array_equal(run.result.conductances, same.result.conductances)
    assert np.allclose(numbers(rows, "error"), same.result.errors, rtol=1e-12)
    assert sum(numbers(rows, "pulses")) == same.result.pulses
    assert (run.folder / "report.html").exists()


def test_abort_ends_an_emulated_training_after_the_operation_under_way_and_leaves_it_safe(
    perform, gui, tmp_path, unpictured
):
    status, rows = perform(gui.Train(bench="emulated", seed="6"), abort_after=2)
    (run,) = list_runs(tmp_path / "runs")
    assert status == "Aborted"
    assert (run.status, run.facts["reason"]) == ("interrupted", "interrupted after epoch 2")
    assert len(rows) == len(run.epochs) == 2
    assert left_safe(run.folder / JOURNAL)
    assert findings(run.folder) == []


def test_every_reading_of_every_cell_is_in_the_file(perform, gui):
    status, rows = perform(gui.Read(seed="1", repeat=2))
    with open_bench("simulated", seed=1) as backend:
        expected = backend.read_conductances(0.1)
    assert status == "Finished"
    assert np.allclose(np.reshape(numbers(rows, "conductance (S)"), (2, 4, 4)), expected, rtol=1e-12)
    assert [(row["reading"], row["row"], row["column"]) for row in (rows[0], rows[7], rows[-1])] == [
        ("1", "1", "1"), ("1", "2", "4"), ("2", "4", "4"),
    ]  # fmt: skip


def test_a_cell_is_characterised_into_a_curve_and_what_was_measured_before_an_abort_is_kept(perform, gui, tmp_path):
    procedure = gui.Characterise(seed="1", pulses=5)
    status, rows = perform(procedure)
    curve = ConductanceCurve.from_csv(Path(procedure.left))
    assert (status, len(rows), len(curve.levels_siemens)) == ("Finished", 14, 6)
    aborted = gui.Characterise(seed="1", pulses=100, reads=1)
    status, rows = perform(aborted, abort_after=3)
    assert (status, aborted.failure) == ("Aborted", "")
    assert len(rows) == 3
    kept = ConductanceCurve.from_csv(Path(aborted.left)).levels_siemens
    assert np.allclose(kept, numbers(rows, "conductance (S)"), rtol=1e-9)


@pytest.mark.parametrize("name", ["Train", "Characterise"])
def test_a_real_chip_is_not_pulsed_unless_somebody_agrees(perform, gui, real, tmp_path, name, monkeypatch):
    kind = getattr(gui, name)
    pulsed, asked = [], []

    def open_real(bench, seed):
        backend = open_bench("simulated", seed=seed)
        backend.kind, backend._send_pulses = "hardware", lambda counts, pulse: pulsed.append(counts.sum())
        return backend

    def foretell_nothing(*_, **__):
        raise DataError("no chips here")

    monkeypatch.setattr(
        "crossbar_hil.gui.procedures.open_checked", open_real
    )  # it is opened before the cell is asked about
    monkeypatch.setattr("crossbar_hil.recording.forecast", foretell_nothing)
    unasked, declined = kind(bench=real), kind(bench=real)
    assert perform(unasked)[0] == "Failed"
    assert "there is nobody to ask" in unasked.failure
    declined.ask = asked.append  # which is no yes
    assert perform(declined)[0] == "Failed"
    assert declined.failure.startswith("the answer was no, so no")
    assert len(asked) == 1
    assert not any(pulsed)
    assert not list((tmp_path / "runs").glob("*/run.sqlite"))
    if kind is gui.Characterise:
        agreed = kind(bench=real, pulses=2)
        agreed.ask = lambda text: not asked.append(text)
        assert perform(agreed)[0] == "Finished"
        assert asked[-1] == "5 pulses of 2 V, 50 ms and -2.8 V, 50 ms change 1 cell for good"
        assert sum(pulsed) == 5


def test_a_bench_whose_switches_a_person_sets_is_left_to_the_terminal(perform, gui, tmp_path):
    tables = load_bench("emulated").model_dump(mode="json", by_alias=True, exclude_none=True)
    tables["instruments"]["matrix"] = {"driver": "manual"}
    (tmp_path / "manual.toml").write_text(tomli_w.dumps(tables))
    procedure = gui.Read(bench=str(tmp_path / "manual.toml"))
    assert perform(procedure) == ("Failed", [])
    assert procedure.failure.endswith("by hand and is asked on a terminal: use crossbar-hil there")


@pytest.mark.parametrize(
    ("name", "settings", "why"),
    [("Train", {"seed": "-1"}, "seed -1 must be a whole number"), ("Train", {"bench": "no such"}, "no such"),
     ("Read", {"voltage": "1 A"}, "1 A"), ("Train", {"beta": "high"}, "high"),
     ("Characterise", {"width": "1 V"}, "1 V"), ("Characterise", {"row": 9}, "not on the chip")],
)  # fmt: skip
def test_what_makes_no_sense_is_told_in_a_sentence(perform, gui, name, settings, why):
    procedure = getattr(gui, name)(**settings)
    assert perform(procedure) == ("Failed", [])
    assert why in procedure.failure
    assert "\n" not in procedure.failure
