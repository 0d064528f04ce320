"""One sweep or search from start to end, as the command line runs it: folder, scheduler, results, words."""

import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from crossbar_hil.backend import Pulse
from crossbar_hil.bench.file import Bench
from crossbar_hil.errors import ConfigError, RunError
from crossbar_hil.studies.convergence.counts import Counts, summary
from crossbar_hil.studies.convergence.folder import ChipStudyFolder
from crossbar_hil.studies.convergence.sweeping import KIND as SWEEP_KIND
from crossbar_hil.studies.convergence.sweeping import (
    MAP,
    POINTS,
    SWEEP,
    Sweep,
    SweepResult,
    describe_settings,
    run_sweep,
)
from crossbar_hil.studies.convergence.tuning import CANDIDATES, TUNE, Tune, TuneResult, run_tune, tuned_bench_file
from crossbar_hil.studies.convergence.tuning import KIND as TUNE_KIND
from crossbar_hil.studies.folder import StudyFolder
from crossbar_hil.studies.scheduling import Scheduler, make_scheduler
from crossbar_hil.studies.settings import Key, Value, find_key, with_settings
from crossbar_hil.studies.showing import Silent

DRY_RUNS = Path("dry_runs")
"""Holds the folders of dry runs, unless told otherwise."""
MOST_LINES = 40
"""Points up to which each has a line on the terminal."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a person and a program are told of a dry run."""

    lines: list[str]
    record: dict[str, Any]


def set_values(bench: Bench, texts: Sequence[str]) -> Bench:
    """Return a bench with every ``KEY=VALUE`` set.

    Raises
    ------
    ConfigError
        If one cannot be read, or is out of bounds.
    """
    values: dict[Key, Value] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign:
            raise ConfigError(f"--set {text!r} must be KEY=VALUE")
        key = find_key(name)
        if key in values:
            raise ConfigError(f"--set names {key} twice")
        values[key] = key.read(value.strip())
    return with_settings(bench, values) if values else bench


def new_folder(kind: str, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Path:
    """Return a fresh name in `DRY_RUNS`."""
    return DRY_RUNS / f"{now():%Y-%m-%dT%H-%M-%SZ}_{kind}_{secrets.token_hex(2)}"


def scheduler_for(work: Sweep | Tune, name: str | None, workers: int | None) -> Scheduler:
    """Choose who does the work: threads if the chips are trained side by side, else processes, unless told."""
    return make_scheduler(name or ("threads" if work.lockstep else "processes"), workers)


def carry_out(work: Sweep | Tune, folder: ChipStudyFolder, scheduler: Scheduler, progress: Silent) -> Told:
    """Do a dry run that was planned, and say what came of it.

    Raises
    ------
    CrossbarError
        If it failed; a folder with nothing in it is taken back, and what was done is kept otherwise.
    KeyboardInterrupt
        Likewise.
    """
    with keep_or_remove(folder, SWEEP_KIND if isinstance(work, Sweep) else TUNE_KIND), progress:
        if isinstance(work, Sweep):
            progress.expect(work.chips * len(work.points), f"{len(work.points)} points")
            return _tell_sweep(run_sweep(work, folder, scheduler, progress), folder)
        return _tell_tune(run_tune(work, folder, scheduler, progress), folder)


@contextmanager
def keep_or_remove(folder: StudyFolder[Any], kind: str) -> Iterator[None]:
    """Close a folder in the end; after a failure say how to go on, or take it back if nothing is in it."""
    try:
        with folder:
            yield
    except BaseException as error:
        if folder.done:
            error.add_note(f"what was done is kept, go on with: crossbar-hil {kind} --resume {folder.path}")
        else:
            shutil.rmtree(folder.path, ignore_errors=True)
        raise


def _tell_sweep(result: SweepResult, folder: ChipStudyFolder) -> Told:
    from crossbar_hil.studies.convergence.plotting import save_map  # noqa: PLC0415 - matplotlib, only where it is drawn

    sweep = result.sweep
    drawn = save_map(result, folder.path / MAP)
    files = [POINTS, SWEEP, *([MAP] if drawn else [])]
    keys = [axis.key for axis in sweep.axes]
    lines = []
    if len(sweep.points) <= MOST_LINES:
        for values, counts in zip(sweep.values, result.counts, strict=True):
            epochs = counts.epoch_of(0.5)
            lines.append(
                f"{describe_settings(keys, values)}: {_share(counts)}, {epochs if epochs is not None else '-'} epochs in the "
                f"median, {counts.pulses_mean:.0f} pulses a chip"
            )
    best = result.counts[result.best]
    lines += [
        f"best    {describe_settings(keys, sweep.values[result.best])}: {_share(best)}",
        f"chips   {sweep.chips} simulated chips a point, seed {sweep.seed}",
        f"folder  {folder.path}: {', '.join(files)}",
    ]
    if not drawn:
        lines.append("no map: more than two settings vary")
    record = {
        "folder": str(folder.path),
        "status": "done",
        "points": len(sweep.points),
        "chips": sweep.chips,
        "seed": sweep.seed,
        "best": result.rows()[result.best],
        "files": files,
    }
    return Told(lines, record)


def _tell_tune(result: TuneResult, folder: ChipStudyFolder) -> Told:
    fresh, limits = result.fresh, result.limits
    path = tuned_bench_file(folder)
    numbers = summary(fresh)
    failed = fresh.chips - fresh.converged
    lines = [
        f"tuned   {describe_settings(list(result.settings), list(result.settings.values()))}",
        f"yield   {_share(fresh)}, on {fresh.chips} simulated chips that were never searched on",
    ]
    if fresh.converged:
        lines.append(
            f"effort  {numbers['epochs_50']} epochs in the median, 95 % of those that converge by epoch "
            f"{numbers['epochs_95']}; {fresh.pulses_mean:.0f} pulses a chip"
        )
    if failed:
        lines.append(
            f"failed  {failed}, of which {fresh.ended} had a cell at the end of its curve and "
            f"{failed - fresh.ended} only ran out of epochs"
        )
    lines += [
        f"limits  a cell gets at most {limits['pulses']} pulses of {Pulse(limits['pulse_v'], limits['width_s'])}, "
        f"a dose of {limits['dose_vs']:g} V s",
        f"folder  {folder.path}: {TUNE}, {CANDIDATES}",
        f"train   crossbar-hil train --bench {path}",
    ]
    record = {
        "folder": str(folder.path),
        "status": "done",
        "bench": path,
        "settings": {str(key): value for key, value in result.settings.items()},
        **{name: numbers[name] for name in ("chips", "converged", "yield", "yield_low", "yield_high")},
        **{name: numbers[name] for name in ("epochs_mean", "epochs_50", "epochs_95", "pulses_mean")},
        "seed": result.tune.seed,
        "limits": limits,
    }
    return Told(lines, record)


def check_fresh(path: Path) -> None:
    """Refuse to write into a folder that exists, before anything is planned."""
    if path.exists():
        raise RunError(f"{path} exists already and is not overwritten; --resume {path} goes on with a dry run")


def _share(counts: Counts) -> str:
    numbers = summary(counts)
    low, high = (100 * float(numbers[f"yield_{end}"] or 0) for end in ("low", "high"))
    digits = 1 if low >= 0.1 and high <= 99.9 else 3  # so that an interval at the end of its range shows its width
    share = 100 * counts.converged / counts.chips
    return f"{share:.{digits}f} % converge (95 % interval {low:.{digits}f} to {high:.{digits}f} %)"
