"""Draw the picture of the window: a training that has ended, and one under way, on an emulated bench; off screen.

python docs/draw_gui.py
"""

import os
import tempfile
from contextlib import chdir
from pathlib import Path

os.environ["QT_QPA_PLATFORM"] = "offscreen"

PATH = Path(__file__).resolve().parent / "gui.png"
AT = 15
"""The epoch of the second training in which the picture is taken."""


def main():
    from pymeasure.display.Qt import QtCore, QtWidgets  # noqa: PLC0415 - of the extra gui, as is all that follows

    from crossbar_hil.gui.procedures import Train  # noqa: PLC0415
    from crossbar_hil.gui.window import BenchWindow  # noqa: PLC0415

    app = QtWidgets.QApplication([])
    loop, looks = QtCore.QEventLoop(), QtCore.QTimer()
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        window = BenchWindow(Train, "runs", bench="emulated", seed="2", preset="reference")
        window.show()
        window.resize(1000, 640)
        for label in ("die A", "die B"):
            window.inputs.label.setText(label)
            window.queue()
            window.inputs.seed.setText("3")

        def look():
            second = window.manager.experiments[1]
            if len(second.results.data) >= AT:
                looks.stop()
                QtCore.QTimer.singleShot(300, loop.quit)

        looks.timeout.connect(look)
        looks.start(20)
        loop.exec()
        window.grab().save(str(PATH))
        window.close()
        while window.isVisible():
            app.processEvents(QtCore.QEventLoop.ProcessEventsFlag.WaitForMoreEvents)
    print(f"{PATH.name}: {PATH.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
