"""A recorded training of a spiking network, read from its folder."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from crossbar_hil.bench.file import Bench
from crossbar_hil.bench.virtual_chips import lines_of_chips
from crossbar_hil.errors import CrossbarError, RunError
from crossbar_hil.guard.opening import JOURNAL
from crossbar_hil.guard.replay import tests_in_journal
from crossbar_hil.results.arrays import Variable
from crossbar_hil.results.cell_tests import READ, CellTest, states_of
from crossbar_hil.results.conditions import Conditions
from crossbar_hil.results.result import Drawing, Series
from crossbar_hil.runs.life import Agree, resume_work
from crossbar_hil.runs.live.panels import Panel, Standing
from crossbar_hil.runs.recorded_settings import Tables
from crossbar_hil.runs.run import Ending, Figure, Run, RunOutcome
from crossbar_hil.screen.view import hidden_while
from crossbar_hil.spiking.device_work import make_spiking_work
from crossbar_hil.spiking.examination import Faults, describe_accuracy, examine_network
from crossbar_hil.spiking.folder import CHECKPOINT, RECORD, read_checkpoint, read_record
from crossbar_hil.spiking.network.labels import Evaluation
from crossbar_hil.spiking.panels import spiking_panels, spiking_standing
from crossbar_hil.spiking.progress import Progress
from crossbar_hil.spiking.settings import SpikingSettings, data_hash, data_of
from crossbar_hil.spiking.tasks.images import Split
from crossbar_hil.spiking.tasks.small import SPIKE_V, is_task_file
from crossbar_hil.spiking.view import SilentView
from crossbar_hil.spiking.work import EVERY, SpikingWork


@dataclass(frozen=True, repr=False)
class SpikingRun(Run):
    """A spiking run; everything is read from its folder when first asked for."""

    noun: ClassVar[str] = "spiking run"
    trained: ClassVar[str] = "a spiking network"
    drawn_by: ClassVar[str] = Progress.drawn_by
    plots: ClassVar[tuple[str, ...]] = Progress.plots
    references: ClassVar[str] = "https://github.com/anddudkin/SNN_memristor_based"
    models: ClassVar[Mapping[str, type[Any]]] = {
        "network": SpikingSettings,
        "bench": Bench,
        "conditions": Conditions,
    }
    template: ClassVar[tuple[str, str]] = ("crossbar_hil.spiking", "spiking.html.j2")
    written: ClassVar[tuple[str, ...]] = (RECORD, CHECKPOINT)

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The facts, and beside them the settings of the network."""
        return {name: value for name, value in self._recorded.items() if name != "tables"}

    @cached_property
    def facts(self) -> dict[str, Any]:
        """What was run, by which versions, on which images, how it ended."""
        return {name: value for name, value in self.settings.items() if name != "settings"}

    @cached_property
    def tables(self) -> Tables:
        """The settings of the network, and of a device the checked tables of its bench file."""
        network, bench = {"network": self._recorded["settings"]}, self._recorded.get("tables")
        return network | (bench or (self._bench_as_filed() if "bench_sha256" in self._recorded else {}))

    @cached_property
    def _recorded(self) -> dict[str, Any]:
        return read_record(self.folder)

    @cached_property
    def network(self) -> SpikingSettings:
        """The settings of the network, checked; a task that does not ship is that of the folder."""
        try:
            said = self._recorded["settings"]
            if is_task_file(str(said.get("dataset"))):
                said = {**said, "dataset": str(self.folder / Path(said["dataset"]).name)}
            return SpikingSettings.from_plain(said)
        except (TypeError, CrossbarError) as error:
            raise RunError(f"the settings of spiking run {self.name} cannot be used: {error}") from error

    @cached_property
    def progress(self) -> Progress | None:
        """The last checkpoint; None before the first one.

        Raises
        ------
        RunError
            If it is damaged.
        """
        return read_checkpoint(self.folder)

    def resume(self, *, quiet: bool = True, agree: Agree = lambda _: None, accept_change: bool = False) -> RunOutcome:
        """Go on with the training, shown on standard error unless it is to be quiet."""
        from rich.console import Console  # noqa: PLC0415 - only who trains needs it

        from crossbar_hil.spiking.showing import make_view  # noqa: PLC0415

        view = make_view(Console(stderr=True), quiet=quiet)
        with view:
            return resume_spiking(self, view=view, agree=hidden_while(view, agree), accept_change=accept_change)

    @property
    def recorded_pulses(self) -> int:
        """Pulses that a device was sent."""
        return int(self.facts.get("pulses") or 0)

    def images(self, data: str | None = None) -> Split:
        """Load the images of the run, from another folder if they have moved.

        Raises
        ------
        RunError
            If they are not those that it was trained with.
        """
        settings = self.network if data is None else replace(self.network, data=data)
        split = data_of(settings)
        if data_hash(split) != self.facts["data_sha256"]:
            raise RunError(
                f"the images of dataset {settings.dataset} are not those that run {self.name} was trained with"
            )
        return split

    def test(
        self, faults: Faults | None = None, *, data: str | None = None, view: SilentView | None = None
    ) -> Evaluation:
        """Test the network on its test images, perhaps with faults that training did not have.

        Raises
        ------
        RunError
            If the run has no trained network yet.
        """
        faults = faults or Faults()
        progress = self.progress
        if progress is None or progress.labels is None:
            raise RunError(f"spiking run {self.name} is not trained to its end yet; crossbar-hil resume {self.folder}")
        if self.network.bench is not None and faults.of_cells:
            raise RunError(
                f"run {self.name} is of a device, which has its own wires and cells; only its noise can be varied"
            )
        return examine_network(
            self.network,
            self.images(data),
            progress.state,
            progress.labels,
            seed=self.facts["seed"],
            faults=faults,
            view=view or SilentView(),
        )

    def ending(self, target: float | None = None) -> Ending:
        """Return accuracy, spikes and pulses; without a target all answers of a device must be right."""
        facts = self.facts
        record: dict[str, Any] = {name: facts.get(name) for name in ("accuracy", "silent", "images")}
        record |= {name: facts.get(name, 0) for name in ("spikes", "shown")}
        record |= {name: facts.get(name) for name in ("reads", "pulses")}
        if self.status != "done" or record["accuracy"] is None:
            return Ending(record, (), reached=False, drawable=False)
        sent = f", {facts['reads']} vectors read, {facts['pulses']} pulses sent" if facts.get("reads") else ""
        lines = (
            describe_accuracy(facts["accuracy"], facts["images"], facts["silent"], facts.get("readout", "")),
            f"{facts['spikes']} output spikes in {facts['shown']} images{sent}, seed {facts['seed']}",
            *lines_of_chips(facts.get("virtual_chip")),
            *([f"curve   {facts['curve_stretched']}"] if facts.get("curve_stretched") else ()),
        )
        wanted = target if target is not None else (1.0 if self.network.bench else 0.0)
        return Ending(record, lines, reached=facts["accuracy"] >= wanted, drawable=True)

    def figures(self) -> Iterator[Figure]:
        """Draw every figure that there is something for."""
        from crossbar_hil.figures.png import as_png  # noqa: PLC0415 - matplotlib, if needed
        from crossbar_hil.spiking.figures import CAPTIONS, draw_figures  # noqa: PLC0415

        progress, facts = self._trained, self.facts
        drawn = draw_figures(self.network, progress, test_steps=facts["test_steps"], seed=facts["seed"])
        for name, figure in drawn.items():
            yield Figure(name, CAPTIONS[name], as_png(figure, dpi=160))

    def page_values(self) -> dict[str, Any]:
        """Return where the training stands."""
        return {"progress": self._trained}

    def told(self) -> Sequence[tuple[str, str]]:
        """Return what it came to, or how far it is."""
        progress = self.progress
        return [*super().told(), *([] if progress is None else progress.told())]

    def series(self) -> Series:
        """Return one line a part of the training."""
        return self._trained.series()

    def variables(self) -> dict[str, Variable]:
        """Return the network, the record of the training and the answers."""
        found = self._trained.variables()
        if self._unit:
            weight = Variable(("input", "neuron"), found["weight"].values, self._unit, "conductance of the synapse")
            found["weight"] = weight
        return found

    @property
    def has_cell_tests(self) -> bool:
        """Whether its synapses have conductances."""
        return bool(self._unit) or (self.folder / JOURNAL).exists()

    def cell_tests(self) -> Iterator[CellTest]:
        """Tell every read and every pulse of each synapse, if there is a journal, else its conductance in the end.

        Raises
        ------
        RunError
            If its weights have no unit, or it has no checkpoint yet.
        """
        weights, journal = self._trained.state.weights, self.folder / JOURNAL
        if journal.exists():
            yield from tests_in_journal(journal, weights.shape, None)
            return
        if not self._unit:
            raise RunError(
                f"run {self.name} has weights without a unit, so its synapses have no resistance; csv and netcdf hold "
                "the weights"
            )
        utc = self.facts.get("finished_utc") or ""
        for state in states_of(weights.astype(np.float64), utc):
            yield state if self.network.bench is None else state._replace(test_type=READ, voltage_v=SPIKE_V)

    def _to_be_drawn(self, what: str) -> Drawing:
        drawing = self._trained._to_be_drawn(what)
        return drawing._replace(options={"unit": self._unit}) if what == "fields" else drawing

    def standing(self) -> Standing:
        """Return images shown, accuracy and spikes over the last of them."""
        progress = self.progress
        step_s, before = None, int(self.facts.get("resumed_shown") or 0)
        if progress is not None and progress.result is None and progress.shown > before:
            began = datetime.fromisoformat(self.facts.get("resumed_utc") or self.facts["started_utc"])
            written = (self.folder / CHECKPOINT).stat().st_mtime
            step_s = max(written - began.timestamp(), 1e-3) / (progress.shown - before)
        return spiking_standing(progress, self.facts, step_s)

    def panels(self) -> list[Panel]:
        """Return accuracy, receptive fields, spikes, and the answers once it was tested."""
        progress = self.progress
        if progress is None or not len(progress.record):
            return []
        task = self.network.task
        return spiking_panels(progress, self._unit, () if task is None else task.tables.input.classes)

    @property
    def _unit(self) -> str:
        """Unit of its conductances; those of the published network have none."""
        return "" if self.network.preset == "published" and self.network.bench is None else "S"

    @property
    def _trained(self) -> Progress:
        progress = self.progress
        if progress is None or not len(progress.record):
            raise RunError(
                f"spiking run {self.name} has no checkpoint yet, so there is nothing of it to report or export; "
                f"crossbar-hil resume {self.folder} goes on with it"
            )
        return progress


def resume_spiking(
    run: SpikingRun,
    *,
    every: int = EVERY,
    view: SilentView | None = None,
    agree: Agree = lambda _: None,
    accept_change: bool = False,
) -> RunOutcome:
    """Go on with a run that was interrupted, failed or died; see `crossbar_hil.runs.life.resume_work`.

    A computed network goes on from its last checkpoint. On a device the training runs again from its seed.
    """
    view = view or SilentView()

    def make_work(run: SpikingRun) -> SpikingWork:
        bench = None if run.network.bench is None else run.bench
        return make_spiking_work(run.network, run.images(), bench, seed=run.facts["seed"], view=view, every=every)

    return resume_work(make_work, run, show=view.show, agree=agree, accept_change=accept_change)
