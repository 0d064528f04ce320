"""Carry out a sweep or a search of chips: who does the work, and what is told of it."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Timer

from crossbar_hil.backend import Pulse
from crossbar_hil.bench.virtual_chips import lines_of_chips
from crossbar_hil.figures import REPORT
from crossbar_hil.studies.convergence.counts import describe_afterwards, describe_share, summary, table_of_counts
from crossbar_hil.studies.convergence.folder import ChipStudyFolder
from crossbar_hil.studies.convergence.opened_chips import whose
from crossbar_hil.studies.convergence.points import ALIKE, Point, chips_of_point
from crossbar_hil.studies.convergence.searching import best
from crossbar_hil.studies.convergence.sweeping import KIND as SWEEP_KIND
from crossbar_hil.studies.convergence.sweeping import ChipSweep, ChipSweepResult, run_sweep
from crossbar_hil.studies.convergence.tuning import CANDIDATES, TUNE, Tune, TuneResult, run_tune, tuned_bench_file
from crossbar_hil.studies.convergence.tuning import KIND as TUNE_KIND
from crossbar_hil.studies.scheduling import Processes, Scheduler, Threads, make_scheduler
from crossbar_hil.studies.showing import Silent
from crossbar_hil.studies.study import Told, keep_or_remove
from crossbar_hil.studies.sweep import describe_settings, lines_of_points

LOADED_S = 1.0
"""What was compiled before is loaded within this time."""
TOLD = 5
"""So many settings of the last round of a search are told."""
COMPILES = "compiling what trains such chips, which is done once on this machine and takes about ten seconds"
NOTHING_FOUND = (
    "was found: no chip converges with these settings either. What helps: more epochs (--set epochs=96), fewer "
    "evaluations in a row (--set confirm=1), less read noise, a pulse with larger steps (--set amplitude=...)"
)
"""Said in place of the command that trains, where `tune` found no setting with which a chip converges."""


def scheduler_for(work: ChipSweep | Tune, name: str | None, workers: int | None) -> Scheduler:
    """Choose who does the work: threads if the chips are trained side by side, else processes, unless told."""
    return make_scheduler(name or ("threads" if work.lockstep else "processes"), workers)


def carry_out(work: ChipSweep | Tune, folder: ChipStudyFolder, scheduler: Scheduler, progress: Silent) -> Told:
    """Do a study that was planned, and say what came of it.

    Raises
    ------
    CrossbarError
        If it failed; a folder with nothing in it is taken back, and what was done is kept otherwise.
    KeyboardInterrupt
        Likewise.
    """
    with keep_or_remove(folder, SWEEP_KIND if isinstance(work, ChipSweep) else TUNE_KIND), progress:
        if isinstance(work, ChipSweep):
            progress.expect(work.trainings, f"{len(work.points)} points")
        if work.lockstep and isinstance(scheduler, Threads | Processes) and not folder.done:
            _load(work, progress)  # so that the pace is that of chips, and workers find on disk what is compiled
        if isinstance(work, Tune):
            return _say_whose(work, _tell_tune(run_tune(work, folder, scheduler, progress), folder))
        progress.begin()
        result = run_sweep(work, folder, scheduler, progress, progress.found)
        return _say_whose(work, result.tell(folder.path, partial(_draw, result)))


def _load(work: ChipSweep | Tune, progress: Silent) -> None:
    """Load what trains chips side by side, which is compiled where it never was before: train one."""
    point = work.points[0] if isinstance(work, ChipSweep) else Point.of(work.bench, work.read)
    progress.phase("loading what trains such chips", brief=True)
    slow = Timer(LOADED_S, progress.phase, [COMPILES])
    slow.start()
    try:
        point.ensemble().train(work.seed, 0, 1, ())
    finally:
        slow.cancel()


def _draw(result: ChipSweepResult | TuneResult, folder: Path, told: Sequence[str] = ()) -> None:
    from crossbar_hil.studies.convergence.plotting import write_figures  # noqa: PLC0415 - loads matplotlib

    write_figures(result, folder, told)


def _say_whose(work: ChipSweep | Tune, told: Told) -> Told:
    """Say first whose chips were trained, where it is not plain from the bench."""
    chips = whose(work.bench)
    return replace(told, lines=[chips, *told.lines], record={**told.record, "chips_of": chips}) if chips else told


def _lines_of_search(result: TuneResult) -> list[str]:
    """Return a table of the best settings of the last round."""
    tune = result.tune
    last = max(number for number, _ in result.tried)
    others = best((found for number, found in result.tried if number == last), TOLD)
    header, cells = table_of_counts([each.counts for each in others], noisy=tune.noisy)
    table = lines_of_points(tune.axes, [each.values for each in others], header, cells)
    return [f"the best of the last round, on {others[0].counts.chips} chips each", *table, ""]


def _tell_tune(result: TuneResult, folder: ChipStudyFolder) -> Told:
    fresh, limits = result.fresh, result.limits
    path = tuned_bench_file(folder)
    numbers = summary(fresh)
    failed = fresh.chips - fresh.converged
    chips = chips_of_point(result.bench, fresh.chips)
    if ALIKE in chips.get("warnings", ()):
        share = f"all or none: {fresh.converged} of {fresh.chips} trainings of one simulated chip converge"
    else:
        share = f"{describe_share(fresh)}, on {fresh.chips} simulated chips that were never searched on"
    best_settings = _lines_of_search(result)
    lines = [f"tuned   {describe_settings(list(result.settings), list(result.settings.values()))}", f"yield   {share}"]
    if result.promise is not None:
        lines.append(f"promise {result.promise.line}")
    if later := describe_afterwards(fresh, noisy=result.tune.noisy):
        lines.append(f"later   {later}")
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
        *lines_of_chips(chips),
        f"limits  a cell gets at most {limits['pulses']} pulses of {Pulse(limits['pulse_v'], limits['width_s'])}, "
        f"a dose of {limits['dose_vs']:g} V s",
    ]
    on_page = list(lines)  # the table of the best is in a file that the page links
    lines = [
        *best_settings,
        *lines,
        f"folder  {folder.path}: {TUNE}, {CANDIDATES}",
        f"train   crossbar-hil train --bench {path}" if fresh.converged else f"nothing {NOTHING_FOUND}",
    ]
    record = {
        "folder": str(folder.path),
        "status": "done",
        "bench": path,
        "report": str(folder.path / REPORT),
        "settings": {str(key): value for key, value in result.settings.items()},
        **{name: numbers[name] for name in ("chips", "converged", "yield", "yield_low", "yield_high")},
        **{name: numbers[name] for name in ("epochs_mean", "epochs_50", "epochs_95", "pulses_mean")},
        **{name: value for name, value in numbers.items() if name.startswith(("fresh_", "drift_"))},
        "seed": result.tune.seed,
        "limits": limits,
        "virtual_chips": chips,
        **({"promise": result.promise.as_record()} if result.promise else {}),
    }

    def drawn() -> list[str]:
        _draw(result, folder.path, on_page)
        return [f"report  {folder.path / REPORT}"]

    return Told(lines, record, drawn)
