"""What every spiking run does beside training: it is shown, can be left, and writes down how it went."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from crossbar_hil.runs.interruption import Stop
from crossbar_hil.runs.recording import git_hash, versions
from crossbar_hil.spiking.network.network import SpikingNetwork
from crossbar_hil.spiking.runs import Progress, SpikingRun
from crossbar_hil.spiking.settings import SpikingSettings, data_hash
from crossbar_hil.spiking.tasks.images import Split


class Silent:
    """Shows nothing of a training; also what other views are made of."""

    def begin(self, total: int, shape: tuple[int, int]) -> None:
        """Take note of how many training images there are in all, and of the rows and columns."""

    def show(self, progress: Progress) -> None:
        """Take note of where the training stands."""

    def tick(self, what: str, done: int, total: int) -> None:
        """Take note of how far labelling or testing is."""


@dataclass(frozen=True, slots=True, eq=False)
class SpikingOutcome:
    """Where a run lies and how it ended."""

    run: SpikingRun
    kind: str
    status: str
    """``done`` or ``interrupted``."""
    reason: str
    progress: Progress | None
    safe: dict[str, Any] | None = None
    """How the bench was made safe; None without a guard."""


class Interrupted(Exception):  # noqa: N818 - it names what happened
    """Ctrl-C was pressed and what was under way is over."""


def account_of(
    run: SpikingRun,
    settings: SpikingSettings,
    split: Split,
    network: SpikingNetwork,
    *,
    seed: int,
    kind: str,
    label: str,
) -> dict[str, Any]:
    """Return what a run begins its account with."""
    protocol = network.protocol
    return {
        "name": run.name,
        "type": "spiking",
        "label": label,
        "kind": kind,
        "seed": seed,
        "status": "running",
        "settings": settings.as_plain(),
        "inputs": network.model.inputs,
        "neurons": network.model.outputs,
        "training_steps": protocol.training_steps,
        "test_steps": protocol.test_steps,
        "passes": protocol.passes,
        "readout": protocol.readout,
        "training_images": len(split.train),
        "test_images": len(split.test),
        "data_sha256": data_hash(split),
        "versions": versions(),
        "git": git_hash(),
        "started_utc": now(),
    }


def finish(run: SpikingRun, status: str, progress: Progress | None, reason: str, **more: Any) -> None:
    """Write down how a run ended, and what it came to."""
    about = {**run.about, "status": status, "reason": reason, "finished_utc": now(), **more}
    if progress is not None:
        about["shown"] = progress.shown
        about["spikes"] = progress.spikes
        if progress.result is not None:
            result = progress.result
            about |= {"accuracy": result.accuracy, "silent": result.silent, "images": result.images}
            about["verdict"] = f"accuracy {100 * result.accuracy:.2f} %"
    run.write_about(about)


def now() -> str:
    """Return the time as a run writes it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def leave_if_wanted(stop: Stop) -> None:
    """Leave the training if that is wanted.

    Raises
    ------
    Interrupted
        Then.
    """
    if stop.wanted:
        raise Interrupted("interrupted")


def ticking(stop: Stop, view: Silent) -> Callable[[str, int, int], None]:
    """Return what shows the progress of a test, and leaves it if that is wanted."""

    def tick(what: str, done: int, total: int) -> None:
        view.tick(what, done, total)
        leave_if_wanted(stop)

    return tick
