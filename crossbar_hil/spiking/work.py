"""The training of a spiking network as work that a run records, of a computed network or of a device."""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from crossbar_hil.backend import DeviceBackend, Pulse
from crossbar_hil.bench.file import Bench
from crossbar_hil.errors import Stopped
from crossbar_hil.results.conditions import Conditions
from crossbar_hil.runs.folder import RunFolder
from crossbar_hil.runs.life import RecordedWork
from crossbar_hil.runs.provenance import provenance, utc_now
from crossbar_hil.runs.recorded_settings import dump_tables
from crossbar_hil.spiking.computed import computed_network
from crossbar_hil.spiking.folder import read_checkpoint, read_record, write_checkpoint, write_record
from crossbar_hil.spiking.network.network import SpikingNetwork
from crossbar_hil.spiking.progress import Progress
from crossbar_hil.spiking.settings import SpikingSettings, data_hash, describe_stretching, order_of
from crossbar_hil.spiking.tasks.images import Split
from crossbar_hil.spiking.teaching import first_progress, label_and_test, teach
from crossbar_hil.spiking.view import SilentView

EVERY = 250
"""Training images between two checkpoints of a computed network."""


class SpikingWork(RecordedWork[Progress]):
    """The training of a spiking network on the images of its settings, and its test."""

    first_step = "the first image"

    def __init__(
        self,
        settings: SpikingSettings,
        split: Split,
        bench: Bench | None,
        *,
        seed: int,
        label: str,
        view: SilentView,
        every: int,
        conditions: Conditions | None = None,
    ) -> None:
        super().__init__(bench, seed, f"snn-{settings.dataset if settings.task is None else settings.task.name}")
        self._settings, self._split, self._label, self._view = settings, split, label, view
        self.phase = view.phase
        self._conditions = conditions or Conditions()
        self._every, self._written = every, 0
        self._progress: Progress | None = None
        self._known: Progress | None = None
        """The last checkpoint of a resumed run."""
        self._folder: Path
        self._network: SpikingNetwork

    @property
    def shape(self) -> tuple[int, int]:
        """Inputs and neurons."""
        return self._network.model.inputs, self._network.model.outputs

    def begin(self, folder: RunFolder) -> None:
        """Make the record of a new run."""
        self._folder = folder.folder
        if self._settings.task is not None:
            self._settings.task.copy_into(self._folder)
        protocol = self._network.protocol
        record = {
            "name": folder.folder.name,
            "type": "spiking",
            "label": self._label,
            "kind": "simulated",
            "seed": self.seed,
            "status": "running",
            "settings": dump_tables(self._settings),
            "inputs": self.shape[0],
            "neurons": self.shape[1],
            "training_steps": protocol.training_steps,
            "test_steps": protocol.test_steps,
            "passes": protocol.passes,
            "readout": protocol.readout,
            "training_images": len(self._split.train),
            "test_images": len(self._split.test),
            "data_sha256": data_hash(self._split),
            **provenance(),
            "started_utc": folder.started_utc,
        }
        write_record(self._folder, record | self._facts_of_device())

    def _facts_of_device(self) -> dict[str, Any]:
        """Return what a record holds of the device."""
        return {}

    def reopen(self, folder: Path) -> None:
        """Go on with the record of a run."""
        self._folder, self._known = folder, read_checkpoint(folder)
        record = read_record(folder)
        write_record(folder, {**record, **self.resumed_facts, "resumed_shown": self._shown_at_resume})

    def steps(self, leave_if_wanted: Callable[[], None]) -> Iterator[Progress]:
        """Teach, part by part, then label the neurons and test the network.

        Raises
        ------
        Stopped
            If most images have fallen silent.
        """
        network, split = self._network, self._split
        self._view.begin(len(split.train) * network.protocol.passes, self.shape)
        progress = self._start()
        renew = self._settings.renew or 1
        part = -(-self._settings.part // renew) * renew  # so that shares are renewed as when all is shown at once
        for progress in teach(network, split, progress, part):  # noqa: B020 - the newest
            self._progress = progress
            yield progress
            self._keep(progress)
            if why := progress.why_to_stop():
                raise Stopped(why)

        def tick(what: str, done: int, total: int) -> None:
            self._view.tick(what, done, total)
            leave_if_wanted()

        self._checkpoint(progress)
        self._progress = label_and_test(network, split, progress, tick)
        yield self._progress

    @property
    def _shown_at_resume(self) -> int:
        """Images that a resumed training does not show again."""
        return 0

    @abstractmethod
    def _start(self) -> Progress:
        """Return where the training begins, or goes on."""

    def _keep(self, progress: Progress) -> None:
        """Keep where the training stands between two parts, if that is not done yet."""

    def _checkpoint(self, progress: Progress) -> None:
        """Write a checkpoint, unless a resumed run holds one that is further on."""
        if self._known is None or len(progress.record) >= len(self._known.record):
            write_checkpoint(self._folder, progress)

    @property
    def result(self) -> Progress | None:
        """Where the training stands."""
        return self._progress

    @property
    def is_complete(self) -> bool:
        """Whether the network was tested."""
        return self._progress is not None and self._progress.result is not None

    @property
    def reached(self) -> str:
        """Training images shown."""
        return f"{self._progress.shown if self._progress is not None else 0} images"

    def finish(self, status: str, reason: str) -> None:
        """Write down how it ended, and what it came to."""
        progress = self._progress
        facts = {"status": status, "reason": reason, "finished_utc": utc_now(), **self._counts()}
        if progress is not None:
            if status != "failed":
                self._checkpoint(progress)
            facts |= {"shown": progress.shown, "spikes": progress.spikes}
            if progress.result is not None:
                result = progress.result
                facts |= {"accuracy": result.accuracy, "silent": result.silent, "images": result.images}
                facts["verdict"] = f"accuracy {100 * result.accuracy:.2f} %"
        write_record(self._folder, read_record(self._folder) | facts)

    def _counts(self) -> dict[str, int]:
        """Return what a device was asked for."""
        return {}


class ComputedWork(SpikingWork):
    """The training of a network that is computed, with a checkpoint every so many images; it goes on from the last."""

    first_step = "compiling what trains the network, or loading it once that was done on this machine"

    def _facts_of_device(self) -> dict[str, Any]:
        found: dict[str, Any] = {"tables": {"conditions": dump_tables(self._conditions)}}
        if self._settings.curve is not None:
            found["curve_stretched"] = describe_stretching(self._settings, self._network.model.synapses)
        return found

    def prepare(self, backend: DeviceBackend | None) -> Sequence[Pulse]:  # noqa: ARG002 - there is none
        """Make the network."""
        self._network = computed_network(self._settings, self._split, self.seed)
        return ()

    def record(self, step: Progress) -> None:
        """Leave it to the next checkpoint."""

    @property
    def _shown_at_resume(self) -> int:
        return self._known.shown if self._known is not None else 0

    def _start(self) -> Progress:
        first = replace(first_progress(self._network, self._split), order=order_of(self._settings, self._split))
        progress = self._known or first
        self._progress, self._written = self._known, progress.shown
        return progress

    def _keep(self, progress: Progress) -> None:
        if progress.shown - self._written >= self._every:
            self._checkpoint(progress)
            self._written = progress.shown
