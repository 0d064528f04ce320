"""PyMeasure's window over procedures on a bench: a person is asked before a real chip is pulsed, closing it stops."""

import gc
import html
import logging
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pymeasure.display.Qt import QtCore, QtWidgets
from pymeasure.display.widgets.log_widget import HTMLFormatter
from pymeasure.display.windows import ManagedWindow
from pymeasure.experiment import Procedure

from crossbar_hil.gui.procedures import LOOK_S

_SIGNALS_MS = 200
"""Ctrl-C on the terminal is seen so often, in milliseconds: Qt gives Python no turn by itself."""
_TIDY_MS = 1000
"""Circles of objects are taken apart so often, in milliseconds."""


class Tidy(QtCore.QObject):
    """Takes circles of Python's objects apart in the thread of the window alone, until it is told to stop.

    Python does that in whatever thread makes the next object; if one of Qt's is among them anywhere else, the process
    is gone.
    """

    def __init__(self, parent: QtCore.QObject) -> None:
        super().__init__(parent)
        self._was_on = gc.isenabled()
        gc.disable()
        self._timer = QtCore.QTimer(self)
        self._timer.timeout.connect(self._look)
        self._timer.start(_TIDY_MS)

    def _look(self) -> None:
        due = [count > most for count, most in zip(gc.get_count(), gc.get_threshold(), strict=True)]
        if any(due):
            gc.collect(max(generation for generation, is_due in enumerate(due) if is_due))

    def stop(self) -> None:
        """Leave it to Python again."""
        self._timer.stop()
        gc.collect()
        if self._was_on:
            gc.enable()
            self._was_on = False


class Escaping(logging.Formatter):
    """Says what is said as it stands in HTML, whatever marks it holds."""

    def format(self, record: logging.LogRecord) -> str:
        """Return what was said, and where an error came from."""
        return html.escape(super().format(record), quote=False)


class AsText(HTMLFormatter, Escaping):
    """PyMeasure's colours and line breaks around it."""


class Question(QtCore.QObject):
    """Puts a question of a procedure, which runs in a thread of its own, to the person at the window."""

    asked = QtCore.Signal(str)
    withdrawn = QtCore.Signal()

    def __init__(self, parent: QtWidgets.QWidget) -> None:
        super().__init__(parent)
        self._answered, self._agreed = threading.Event(), False
        self.dialog: Any = None
        """The question that is on the screen; None if there is none."""
        self.asked.connect(self._show)
        self.withdrawn.connect(self._withdraw)

    def put(self, text: str, wanted: Callable[[], bool]) -> bool:
        """Ask, and wait for the answer as long as it is wanted; no answer is a no."""
        self._answered.clear()
        self._agreed = False
        self.asked.emit(text)
        while not self._answered.wait(LOOK_S):
            if not wanted():
                self.withdrawn.emit()
                return False
        return self._agreed

    def _show(self, text: str) -> None:
        buttons = QtWidgets.QMessageBox.StandardButton
        self.dialog = message(self.parent(), f"{text}.\n\nGo on?", buttons.Yes | buttons.No)
        self.dialog.setDefaultButton(buttons.No)
        self.dialog.setEscapeButton(buttons.No)
        self.dialog.finished.connect(lambda _: self._answer())

    def _answer(self) -> None:
        clicked = self.dialog.clickedButton()
        yes = QtWidgets.QMessageBox.StandardButton.Yes
        self._agreed = clicked is not None and self.dialog.standardButton(clicked) == yes
        self.dialog = None
        self._answered.set()

    def _withdraw(self) -> None:
        if self.dialog is not None:
            self.dialog.reject()


class BenchWindow(ManagedWindow):
    """PyMeasure's window over one of the procedures.

    Abort ends the operation under way, makes the bench safe and keeps what was measured; closing the window aborts,
    and it closes once that is done.

    Parameters
    ----------
    procedure : type of Procedure
        What it does: an `OnBench`, or another one with the names of its fields in ``inputs`` and the columns that are
        drawn, across and up, in ``axes``.
    out : str or Path
        Folder for PyMeasure's files, and for run folders.
    given : str
        Values that its fields begin with, by name.
    """

    def __init__(self, procedure: type[Procedure], out: str | Path = "runs", **given: str) -> None:
        across, up = procedure.axes
        shown = [name for name in procedure.inputs if name != "out"]
        super().__init__(procedure, inputs=procedure.inputs, displays=shown, x_axis=across, y_axis=up)
        name = procedure.__name__.lower()
        self.setWindowTitle(f"crossbar-hil: {name}")
        self.manager.port = None  # else PyMeasure serves what is measured to the network, if ZMQ is installed
        self.directory, self.filename = out, name
        start = procedure(out=str(out), **given)
        self.set_parameters(start.parameter_objects())
        for field, hint in getattr(procedure, "hints", {}).items():
            getattr(self.inputs, field).setPlaceholderText(hint)
        self.log_widget.handler.setFormatter(AsText(self.log_widget.fmt, self.log_widget.datefmt))
        self.question, self._tidy = Question(self), Tidy(self)
        self.trouble: Any = None
        """What is told of the last failure."""
        self._closing = False
        self.manager.failed.connect(self._tell_failure)
        for ended in (self.manager.finished, self.manager.abort_returned):
            ended.connect(self._tell_what_is_left)
        for ended in (self.manager.failed, self.manager.finished, self.manager.abort_returned):
            ended.connect(self._close_if_wanted)

    def make_procedure(self) -> Procedure:
        """Return a procedure with what stands in the fields, which asks at this window."""
        procedure = super().make_procedure()
        procedure.ask = lambda text: self.question.put(text, lambda: not procedure.should_stop())
        return procedure

    def closeEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Close, once nothing is under way."""
        if not self.manager.is_running():
            self._tidy.stop()
            logging.getLogger().removeHandler(self.log_widget.handler)
            event.accept()
            return
        event.ignore()
        if not self._closing:
            self._closing = True
            self.abort()
            self.statusBar().showMessage("stops after the operation under way, makes the bench safe, then closes")

    def _close_if_wanted(self, _: Any) -> None:
        if self._closing and (self.trouble is None or not self.trouble.isVisible()):
            self.close()

    def _tell_what_is_left(self, experiment: Any) -> None:
        left = filter(None, (getattr(experiment.procedure, "left", ""), experiment.data_filename))
        here = Path.cwd()
        paths = [path.relative_to(here) if path.is_relative_to(here) else path for path in map(Path, left)]
        self.statusBar().showMessage(f"left  {'   '.join(map(str, paths))}")

    def _tell_failure(self, experiment: Any) -> None:
        more = self.manager.experiments.has_next()
        self.abort_button.setText("Resume" if more else "Abort")
        self.abort_button.clicked.disconnect()
        self.abort_button.clicked.connect(self.resume if more else self.abort)
        self.abort_button.setEnabled(more)
        self.browser_widget.clear_button.setEnabled(True)
        why = getattr(experiment.procedure, "failure", "") or "it failed; the log says where"
        self.trouble = message(self, why, QtWidgets.QMessageBox.StandardButton.Ok)
        self.trouble.finished.connect(lambda _: self._close_if_wanted(experiment))


def message(parent: Any, text: str, buttons: Any) -> Any:
    """Show a text, as it stands, over a window that goes on meanwhile; return the dialog."""
    dialog = QtWidgets.QMessageBox(QtWidgets.QMessageBox.Icon.Warning, "crossbar-hil", "", buttons, parent)
    dialog.setTextFormat(QtCore.Qt.TextFormat.PlainText)
    dialog.setText(text)
    dialog.open()
    return dialog


def show_window(procedure: type[Procedure], out: str | Path = "runs", **given: str) -> None:
    """Show a `BenchWindow` until it is closed; Ctrl-C on the terminal closes it."""
    app = QtWidgets.QApplication(sys.argv[:1])
    window = BenchWindow(procedure, out, **given)
    before = signal.signal(signal.SIGINT, lambda *_: window.close())
    turns = QtCore.QTimer()
    turns.timeout.connect(lambda: None)
    turns.start(_SIGNALS_MS)
    try:
        window.show()
        app.exec()
        while window.manager.is_running():  # whoever else ended the loop
            window.close()
            app.processEvents(QtCore.QEventLoop.ProcessEventsFlag.WaitForMoreEvents)
    finally:
        signal.signal(signal.SIGINT, before)
