"""What the window does on a bench, as PyMeasure procedures: train, read, characterise; Qt is not needed for these."""

import itertools
import logging
import threading
import time
from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from pymeasure.experiment import IntegerParameter, Parameter, Procedure

from crossbar_hil.backend import DeviceBackend, Pulse
from crossbar_hil.bench.characterisation import Step, characterise, kind_of_cells, pulses_and_steps, write_curves
from crossbar_hil.bench.file import Bench, load_bench
from crossbar_hil.bench.opening import fresh_seed
from crossbar_hil.errors import ConfigError, CrossbarError, Declined, GuardError, RunError, Stopped, reason_of
from crossbar_hil.guard.client import describe_safe_report
from crossbar_hil.guard.opening import open_checked
from crossbar_hil.quantities import si
from crossbar_hil.recording import prepare_training
from crossbar_hil.runs.interruption import Button
from crossbar_hil.runs.report import make_report
from crossbar_hil.runs.store import load_run
from crossbar_hil.text import counted, printable
from crossbar_hil.training.result import Epoch

LOOK_S = 0.05
"""How often a procedure asks whether its abort button was pressed, in seconds."""
log = logging.getLogger(__name__)


class OnBench(Procedure):
    """What every procedure on a bench does: open it behind its guard, stop between two operations, make it safe.

    An abort ends the operation under way and sends nothing more; a real chip is pulsed only if `ask` says so.
    """

    bench = Parameter("Bench", default="simulated", description="Shipped bench, bench file or backend")
    seed = Parameter("Seed", default="", description="Seed of a virtual chip")
    out = Parameter("Folder for runs and curves", default="runs")
    inputs: ClassVar[tuple[str, ...]] = ("bench", "seed")
    hints: ClassVar[dict[str, str]] = {"seed": "a fresh one"}
    """What an empty field means."""
    axes: ClassVar[tuple[str, str]]
    """Columns that are drawn, across and up."""
    ask: Callable[[str], bool] | None = None
    """Puts a question to a person; without one no real chip is pulsed."""
    failure = ""
    """Why it failed, in a sentence."""
    left = ""
    """The folder or the file that it left, beside PyMeasure's."""

    def execute(self) -> None:
        """Do it, and leave the bench safe whatever happens.

        Raises
        ------
        CrossbarError
            If it failed, or the bench may not be safe.
        """
        try:
            bench = load_bench(self.bench, preset=getattr(self, "preset", None) or None, overrides=self.overrides)
            if bench.is_by_hand:
                raise ConfigError(
                    f"a person sets the switches of bench {bench.name} by hand and is asked on a terminal: use "
                    "crossbar-hil there"
                )
            with self._abort_button() as button:
                self.work(bench, button)
        except CrossbarError as error:
            self.failure = printable("; ".join([str(error), *getattr(error, "__notes__", ())]))
            if not (self.should_stop() and isinstance(error, Declined)):
                raise
            self.tell(self.failure)

    @property
    def overrides(self) -> dict[str, dict[str, str]]:
        """Keys of the bench file that are set otherwise here, by table."""
        return {}

    @abstractmethod
    def work(self, bench: Bench, button: Button) -> None:
        """Do it on a checked bench; `button` is pressed when it is to stop."""

    def tell(self, line: str) -> None:
        """Write a line into the log of the window."""
        log.info("%s", printable(line))

    def drawn_from(self) -> int:
        """Return the seed of a virtual chip; a fresh one if none is given.

        Raises
        ------
        ConfigError
            If it is no whole number that is not negative.
        """
        text = self.seed.strip()
        if not text:
            return fresh_seed()
        if not (text.isascii() and text.isdecimal()):
            raise ConfigError(f"seed {text} must be a whole number, not negative, or empty for a fresh one")
        return int(text)

    @contextmanager
    def session(self, bench: Bench, button: Button) -> Iterator[DeviceBackend]:
        """Open a bench for a session that is no run; an abort leaves the ``with`` block after the operation."""
        backend = open_checked(bench, seed=self.drawn_from())
        try:
            with backend, button.wired_to(backend.request_stop):
                yield backend
        except Stopped as stopped:
            safe = getattr(backend, "safe_report", None)
            if not (button.pressed and safe and safe["confirmed"]):
                raise
            self.tell(str(stopped))

    @contextmanager
    def _abort_button(self) -> Iterator[Button]:
        """Press a button as soon as the window says that this should stop."""
        button, over = Button(), threading.Event()

        def look() -> None:
            while not over.wait(LOOK_S):
                if self.should_stop():
                    button.press("Abort was pressed")
                    over.set()

        looker = threading.Thread(target=look, name="abort button", daemon=True)
        looker.start()
        try:
            yield button
        finally:
            over.set()
            looker.join()


class Train(OnBench):
    """Train the chip and leave a recorded run, as ``crossbar-hil train`` does."""

    preset = Parameter("Preset", default="", description="Settings laid over the bench, such as reference")
    epochs = Parameter("Epochs at most", default="", description="Most evaluations")
    beta = Parameter("Beta (1/A)", default="", description="Gain of the activation")
    target = Parameter("Target", default="", description="Activation to reach for a 1")
    label = Parameter("Label", default="", description="A word of yours, kept with the run")
    inputs = ("bench", "preset", "seed", "epochs", "beta", "target", "label", "out")
    hints: ClassVar[dict[str, str]] = {
        **OnBench.hints,
        **dict.fromkeys(("epochs", "beta", "target"), "as the bench has it"),
        **dict.fromkeys(("preset", "label"), "none"),
    }
    axes = ("epoch", "error")
    DATA_COLUMNS: ClassVar[list[str]] = ["epoch", "error", "patterns met", "pulses"]

    @property
    def overrides(self) -> dict[str, dict[str, str]]:
        """What is not empty."""
        given = {name: getattr(self, name).strip() for name in ("epochs", "beta", "target")}
        return {"training": {name: text for name, text in given.items() if text}}

    def work(self, bench: Bench, button: Button) -> None:
        """Train, and write the report.

        Raises
        ------
        Stopped
            If something else than the button ended it.
        GuardError
            If the bench may not be safe.
        """
        prepared = prepare_training(bench, seed=self.drawn_from(), chips=None, tell=self.tell, ask=self.ask)

        def show(epoch: Epoch) -> None:
            values = (epoch.number, float(epoch.error), int(epoch.met), int(epoch.pulses))
            self.emit("results", dict(zip(self.DATA_COLUMNS, values, strict=True)))
            self.emit("progress", 100 * epoch.number / prepared.bench.training.epochs)

        outcome = prepared.run(
            out=Path(self.out), preset=self.preset or None, label=self.label, show=show, button=button
        )
        run = load_run(outcome.folder)
        self.left = str(run.folder)
        ending = run.ending()
        if ending.drawable:
            self.tell(f"report  {make_report(run, replace=True)}")
        for line in (*ending.lines, f"run     {run.folder}"):
            self.tell(line)
        if outcome.safe is not None and not outcome.safe["confirmed"]:
            raise GuardError(describe_safe_report(outcome.safe))
        if outcome.status != "done":
            self.tell(f"{outcome.reason}; what was done is kept, go on with: crossbar-hil resume {run.folder}")
            if not button.pressed:
                raise Stopped(outcome.reason)


class Read(OnBench):
    """Read the conductance of every cell, as ``crossbar-hil read`` does."""

    voltage = Parameter("Read voltage", default="100 mV")
    repeat = IntegerParameter("Readings", default=1, minimum=1, maximum=10_000)
    inputs = ("bench", "seed", "voltage", "repeat")
    axes = ("cell", "conductance (S)")
    DATA_COLUMNS: ClassVar[list[str]] = ["reading", "cell", "row", "column", "conductance (S)"]

    def work(self, bench: Bench, button: Button) -> None:
        """Read so often, cell by cell in the file."""
        volts = si(self.voltage, "V")
        with self.session(bench, button) as backend:
            for reading in range(1, self.repeat + 1):
                conductances = backend.read_conductances(volts)
                _, columns = conductances.shape
                for cell, value in enumerate(conductances.ravel().tolist()):
                    values = (reading, cell + 1, cell // columns + 1, cell % columns + 1, value)
                    self.emit("results", dict(zip(self.DATA_COLUMNS, values, strict=True)))
                self.emit("progress", 100 * reading / self.repeat)
                if button.pressed:
                    break


class Characterise(OnBench):
    """Potentiate and depress one cell, as ``crossbar-hil characterise`` does, and leave its curve."""

    row = IntegerParameter("Row", default=1, minimum=1, maximum=10_000)
    column = IntegerParameter("Column", default=1, minimum=1, maximum=10_000)
    pulses = IntegerParameter("Pulses of each kind", default=50, minimum=1, maximum=1_000_000)
    amplitude = Parameter("Amplitude", default="2 V")
    depress = Parameter("Depress", default="-2.8 V")
    width = Parameter("Width", default="50 ms")
    voltage = Parameter("Read voltage", default="100 mV")
    reads = IntegerParameter("Reads of a step", default=3, minimum=1, maximum=10_000)
    rest = IntegerParameter("Reads at rest", default=40, minimum=0, maximum=10_000, description="To see relaxation")
    inputs = (
        *("bench", "seed", "row", "column", "pulses", "amplitude", "depress", "width", "voltage", "reads", "rest"),
        "out",
    )
    axes = ("step", "conductance (S)")
    DATA_COLUMNS: ClassVar[list[str]] = ["step", "pulses", "amplitude (V)", "conductance (S)"]

    def work(self, bench: Bench, button: Button) -> None:
        """Measure, and write what was measured as a curve that ``train --curve`` takes, also after an abort.

        Raises
        ------
        Declined
            If the chip is real and nobody agreed; no pulse was sent.
        """
        up, down = (Pulse(si(height, "V"), si(self.width, "s")) for height in (self.amplitude, self.depress))
        folder = Path(self.out)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(f"folder {folder} cannot be made: {reason_of(error)}; nothing was sent") from error
        numbered = (folder / f"curve_r{self.row}_c{self.column}_{number}.csv" for number in itertools.count(1))
        path = next(each for each in numbered if not each.exists())
        done: list[Step] = []
        many, total = pulses_and_steps(self.pulses, self.rest)
        volts = si(self.voltage, "V")
        try:
            with self.session(bench, button) as backend:
                where = f"{backend.kind} cell, row {self.row}, column {self.column}, read at {self.voltage}"
                cell = self.row - 1, self.column - 1
                steps = characterise(
                    backend,
                    cell,
                    pulses=self.pulses,
                    read_v=volts,
                    up=up,
                    down=down,
                    reads=self.reads,
                    rest=self.rest,
                    clock=time.monotonic if backend.kind == "hardware" else None,
                )
                if backend.kind == "hardware":
                    self._agree(bench, f"{counted(many, 'pulse')} of {up} and {down} change 1 cell for good")
                for step in steps:
                    done.append(step)
                    values = (len(done), step.number, step.pulse.amplitude_v, step.conductance_siemens)
                    self.emit("results", dict(zip(self.DATA_COLUMNS, values, strict=True)))
                    self.emit("progress", 100 * len(done) / total)
                    if button.pressed:
                        break
        finally:
            if done:
                whole = len(done) == total
                curve, facts = kind_of_cells([done]) if whole else (done, [])
                write_curves(path, curve, where, facts)
                self.left = str(path)
                self.tell(f"curve   {path}")

    def _agree(self, bench: Bench, what: str) -> None:
        if self.ask is None:
            raise ConfigError(f"bench {bench.name} has a real chip, and there is nobody to ask")
        if self.ask(what) is not True:
            raise Declined(f"the answer was no, so no pulse was sent to the chip on bench {bench.name}")


PROCEDURES: dict[str, type[OnBench]] = {"train": Train, "read": Read, "characterise": Characterise}
