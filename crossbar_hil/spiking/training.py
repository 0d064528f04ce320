"""Training a spiking network and leaving a run folder."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from crossbar_hil.bench.file import Bench, load_bench
from crossbar_hil.results.conditions import Conditions
from crossbar_hil.runs.life import begin_work
from crossbar_hil.runs.run import RunOutcome
from crossbar_hil.spiking.device_work import make_spiking_work
from crossbar_hil.spiking.settings import SpikingSettings, data_of
from crossbar_hil.spiking.view import SilentView
from crossbar_hil.spiking.work import EVERY


def train_spiking(
    settings: SpikingSettings,
    *,
    seed: int,
    out: Path,
    label: str = "",
    every: int = EVERY,
    view: SilentView | None = None,
    conditions: Mapping[str, Any] = MappingProxyType({}),
) -> RunOutcome:
    """Train a spiking network and leave a run folder; see `crossbar_hil.runs.life.begin_work`.

    The seed is that of the network and of a virtual device. A computed network has a checkpoint every so many images, a
    device after each. Conditions are as ``[conditions]`` of a bench file has them, and laid over those of a bench.
    """
    view = view or SilentView()
    view.phase("loading the images", brief=True)
    bench = bench_of(settings, conditions)
    own = Conditions.of(conditions) if bench is None else None
    more: dict[str, Any] = {"view": view, "every": every, "conditions": own}
    work = make_spiking_work(settings, data_of(settings), bench, seed=seed, label=label, **more)
    return begin_work(work, out=out, show=view.show)


def bench_of(settings: SpikingSettings, conditions: Mapping[str, Any] = MappingProxyType({})) -> Bench | None:
    """Read and check the bench of a device, with its task laid over it; None of a computed network."""
    if settings.bench is None:
        return None
    return load_bench(settings.bench, task=settings.task, overrides={"conditions": dict(conditions)})
