"""The window, off screen: it trains, asks, aborts, tells what failed, and closes once the bench is safe."""

import gc
import os
import re
import threading
from pathlib import Path

import numpy as np
import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
pytest.importorskip(
    "pymeasure.display.windows", reason="the window needs Qt: the extra gui brings it", exc_type=ImportError
)

from pymeasure.display.Qt import QtCore, QtWidgets
from pymeasure.experiment import Procedure

from crossbar_hil import Pulse, open_bench
from crossbar_hil.errors import DataError
from crossbar_hil.guard.inspection import left_safe
from crossbar_hil.guard.opening import JOURNAL
from crossbar_hil.gui.procedures import PROCEDURES, Read, Train
from crossbar_hil.gui.window import BenchWindow
from crossbar_hil.runs.store import list_runs

from ..campaigns.judge import findings

PATIENT_MS = 60_000
NO, YES = QtWidgets.QMessageBox.StandardButton.No, QtWidgets.QMessageBox.StandardButton.Yes


@pytest.fixture(scope="session")
def app():
    return QtWidgets.QApplication.instance() or QtWidgets.QApplication([])


@pytest.fixture
def opened(app, tmp_path, undrawn):
    """Open a window, which is closed in the end."""
    windows = []

    def opened(procedure, **given):
        windows.append(BenchWindow(procedure, tmp_path / "runs", **given))
        windows[-1].show()
        return windows[-1]

    yield opened
    for window in windows:
        window.close()
        wait(lambda window=window: not window.isVisible())
    windows.clear()
    gc.collect()  # here, as no other thread may take Qt's objects apart


def wait(is_so):
    """Let the window live until something is so."""
    loop, late = QtCore.QEventLoop(), QtCore.QTimer()
    looks = QtCore.QTimer()
    looks.timeout.connect(lambda: is_so() and loop.quit())
    looks.start(5)
    late.singleShot(PATIENT_MS, loop.quit)
    if not is_so():
        loop.exec()
    looks.stop()
    assert is_so()


def status_of(window, row=0):
    return Procedure.STATUS_STRINGS[window.manager.experiments[row].procedure.status]


def ended(window):
    return lambda: not window.manager.is_running()


class Waiting(Procedure):
    """Waits for its abort button, as whatever is under way on a bench would."""

    DATA_COLUMNS = ["step", "value"]  # noqa: RUF012 - PyMeasure's
    inputs, axes = (), ("step", "value")
    going, over = threading.Event(), False

    def execute(self):
        self.going.set()
        while not self.should_stop():
            pass

    def shutdown(self):
        type(self).over = True


@pytest.mark.parametrize("what", PROCEDURES)
def test_every_procedure_ends_with_its_lines_in_a_file_and_says_where_things_are(opened, what, tmp_path):
    given = {"pulses": 3} if what == "characterise" else {}
    window = opened(PROCEDURES[what], bench="simulated", seed="1", **given)
    window.queue()
    wait(ended(window))
    path = tmp_path / "runs" / f"{what}_1.csv"
    assert status_of(window) == "Finished"
    assert str(path) in window.statusBar().currentMessage()
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    assert len(lines) > 3
    if what == "train":
        (run,) = list_runs(tmp_path / "runs")
        assert str(run.folder) in window.statusBar().currentMessage()
        assert len(lines) == 1 + run.facts["epochs"]


def test_the_abort_button_stops_an_emulated_training_and_leaves_the_bench_safe(opened, tmp_path):
    window = opened(Train, bench="emulated", preset="reference", seed="2")
    window.queue()
    path = tmp_path / "runs" / "train_1.csv"
    wait(lambda: "\n2," in path.read_text())  # its second epoch
    window.abort_button.click()
    wait(ended(window))
    (run,) = list_runs(tmp_path / "runs")
    assert status_of(window) == "Aborted"
    assert run.status == "interrupted"
    assert 2 <= len(run.epochs) < 48
    assert left_safe(run.folder / JOURNAL)
    assert findings(run.folder) == []


@pytest.mark.parametrize(("button", "agreed"), [(YES, True), (NO, False)])
def test_a_question_is_put_in_the_window_as_it_stands_and_only_yes_is_a_yes(opened, button, agreed):
    window, answers = opened(Read), []
    asking = threading.Thread(target=lambda: answers.append(window.question.put("pulses to <b>chip</b>", lambda: True)))
    asking.start()
    wait(lambda: window.question.dialog is not None)
    dialog = window.question.dialog
    assert dialog.text() == "pulses to <b>chip</b>.\n\nGo on?"
    assert dialog.textFormat() == QtCore.Qt.TextFormat.PlainText
    assert dialog.defaultButton() is dialog.button(NO)
    dialog.button(button).click()
    wait(lambda: answers)
    assert answers == [agreed]


def test_no_answer_is_a_no_once_nobody_wants_one(opened):
    window, answers, wanted = opened(Read), [], [True]
    asking = threading.Thread(target=lambda: answers.append(window.question.put("pulses", lambda: bool(wanted))))
    asking.start()
    wait(lambda: window.question.dialog is not None)
    wanted.clear()
    wait(lambda: answers and window.question.dialog is None)
    assert answers == [False]


def test_a_real_chip_is_asked_about_in_the_window_before_anything_is_opened(opened, tmp_path, real, monkeypatch):
    def foretell_nothing(*_, **__):
        raise DataError("no chips here")

    monkeypatch.setattr("crossbar_hil.recording.forecast", foretell_nothing)
    window = opened(Train, bench=real)
    window.queue()
    wait(lambda: window.question.dialog is not None)
    assert "was never commissioned" in window.question.dialog.text()
    window.question.dialog.button(NO).click()
    wait(ended(window))
    assert status_of(window) == "Failed"
    assert window.trouble.text() == "the answer was no, so nothing was sent to bench emulated"
    assert not window.abort_button.isEnabled()
    window.trouble.button(QtWidgets.QMessageBox.StandardButton.Ok).click()


def test_what_failed_is_told_as_it_stands_and_once_nothing_more_waits_there_is_nothing_to_abort(opened):
    window = opened(Train, bench="<b>none</b>")
    window.queue()
    wait(lambda: window.trouble is not None)
    assert "<b>none</b>" in window.trouble.text()
    assert "<b>none</b>" in window.log_widget.view.toPlainText()
    assert "<Train(" in window.log_widget.view.toPlainText(), "PyMeasure's own words, marks and all"
    assert not window.abort_button.isEnabled()
    window.trouble.button(QtWidgets.QMessageBox.StandardButton.Ok).click()


def test_a_window_that_is_closed_closes_once_what_is_under_way_has_ended(opened):
    window = opened(Waiting)
    Waiting.going.clear()
    Waiting.over = False
    window.queue()
    wait(Waiting.going.is_set)
    window.close()
    assert window.isVisible()
    assert "then closes" in window.statusBar().currentMessage()
    wait(lambda: not window.isVisible())
    assert Waiting.over
    assert not window.manager.is_running()


def test_the_procedure_on_the_page_runs_as_it_stands_and_stops_between_two_operations(opened, tmp_path, monkeypatch):
    page = (Path(__file__).parents[2] / "docs" / "gui.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"as it stands -->\n\n```python\n(.*?)```", page, re.DOTALL)
    assert len(code.splitlines()) < 35
    shown = []
    monkeypatch.setattr("crossbar_hil.gui.window.show_window", shown.append)
    exec(compile(code, "gui.md", "exec"), {"__name__": "__main__"})
    (procedure,) = shown
    window = opened(procedure, pulses=2)
    window.queue()
    wait(ended(window))
    assert status_of(window) == "Finished"
    window.inputs.pulses.setValue(1000)
    window.queue()
    path = tmp_path / "runs" / "potentiate_2.csv"
    wait(lambda: "\n2," in path.read_text())
    window.abort_button.click()
    wait(ended(window))
    assert status_of(window, 1) == "Aborted"
    lines = [line.split(",") for line in path.read_text().splitlines() if not line.startswith("#")]
    siemens = [float(value) for _, value in lines[1:]]
    with open_bench("simulated", seed=1) as chip:
        one = np.zeros(chip.shape, dtype=int)
        one[0, 0] = 1
        for value in siemens:
            assert value == pytest.approx(chip.read_conductances(0.1)[0, 0], rel=1e-6)
            chip.send_pulses(one, Pulse(2.0, 0.05))


def test_nothing_of_a_measurement_is_served_to_the_network(opened):
    assert opened(Read).manager.port is None, "PyMeasure's own is 5888, on every interface, where ZMQ is installed"
