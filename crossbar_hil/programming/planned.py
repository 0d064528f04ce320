"""What is to be done to the chip on a bench, laid out from its file, told and asked before anything is sent."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from crossbar_hil.arrays import FloatArray
from crossbar_hil.bench.file import Bench
from crossbar_hil.bench.instruments import check_addresses
from crossbar_hil.bench.named_files import digests_of
from crossbar_hil.bench.opening import check_chip_keys
from crossbar_hil.bench.start_map import read_map
from crossbar_hil.bench.virtual_chips import in_siemens
from crossbar_hil.commissioning.record import why_not_proven
from crossbar_hil.errors import ConfigError, CrossbarError, DataError, Declined, RunError
from crossbar_hil.programming.api import checked_settings
from crossbar_hil.programming.foreknowledge import (
    common_range,
    curve_of,
    depressing_pulse,
    lows_of,
    noise_left,
    reads_for,
    response_of,
)
from crossbar_hil.programming.loop import Round
from crossbar_hil.programming.run import left_by
from crossbar_hil.programming.settings import ProgramSettings
from crossbar_hil.programming.targets import (
    carried_by_good_cells,
    check_fit,
    checked_targets,
    weights_to_targets,
)
from crossbar_hil.programming.work import ProgramWork, Task
from crossbar_hil.runs.life import Show, begin_work
from crossbar_hil.runs.run import Run, RunOutcome
from crossbar_hil.runs.store import find_run
from crossbar_hil.screen.view import Phase, no_phase
from crossbar_hil.shipped import data_file
from crossbar_hil.spent import chip_key
from crossbar_hil.survey.file import Cells, read_cells
from crossbar_hil.survey.on_bench.surveying import check_cells
from crossbar_hil.text import counted

Ask = Callable[[str], bool]
Tell = Callable[[str], object]


@dataclass(frozen=True)
class Planned:
    """Programming, or a reset, that nothing forbids; nothing was opened yet."""

    task: Task
    files: Mapping[str, str]
    """Digests of the files that the bench names."""
    chip_seed: int | None = None
    """Seed of the virtual chip that is taken up where another run left it; None if a fresh one is drawn."""

    @property
    def question(self) -> str:
        """What will be sent, and what that does to the chip."""
        task, settings = self.task, self.task.settings
        cells = int(np.isfinite(task.targets).sum())
        pulses = f"{settings.up} and {settings.down}" if settings.down is not None else f"{settings.up}"
        does = f"brings {counted(cells, 'cell')} to their targets by pulses of {pulses}"
        if settings.purpose == "reset":
            does = f"brings {counted(cells, 'cell')} back towards their start by pulses of {settings.down}"
        return (
            f"{settings.purpose} {does} on bench {task.bench.name}: at most {settings.pulses} pulses "
            f"({settings.dose_vs:.3g} V s) a cell, {cells * settings.pulses} in all; they change the chip for good"
        )

    @property
    def notes(self) -> list[str]:
        """What a person should know that is no question."""
        settings, known = self.task.settings, curve_of(self.task.bench)
        found = [
            f"a target is reached within {100 * settings.tolerance:g} % of the range of "
            f"{in_siemens(settings.range_siemens)}; a conductance is what a read gives, with wires that of its path"
        ]
        if known is None:
            found.append(
                f"bench {self.task.bench.name} names no curve, so the step of every pulse is learnt on the way"
            )
        if settings.down is None:
            found.append("no depressing pulse is known, so what overshoots stays there: --depress VOLT names one")
        if self.task.bench.training.cells is not None:
            found.append(f"cells that {data_file(self.task.bench.training.cells).name} names as bad are left alone")
        found += self.task.warnings
        if settings.reads > 1:
            found.append(f"every cell is read {settings.reads} times after each burst, as readings vary")
        if known is not None and (left := noise_left(known.noise, settings.tolerance, settings.reads)):
            found.append(
                f"{counted(settings.reads, 'reading')} of a cell together still vary by {left}, more than the "
                "tolerance: a cell that is called reached may be off by as much; more --reads, or a larger --tolerance"
            )
        return found

    def agree(self, ask: Ask | None) -> None:
        """Ask before a real chip is changed; a Declined if the answer is no."""
        bench = self.task.bench
        if bench.kind != "hardware":
            return
        if ask is None:
            raise ConfigError(f"bench {bench.name} has a real chip, and there is nobody to ask: give ask")
        unproven = why_not_proven(bench)
        if (unproven and ask(unproven) is not True) or ask(self.question) is not True:
            raise Declined(f"the answer was no, so nothing was sent to bench {bench.name}")

    def run(
        self, *, seed: int, out: Path, label: str = "", show: Show[Round] = lambda _: None, phase: Phase = no_phase
    ) -> RunOutcome:
        """Do it, and leave a run folder; see `crossbar_hil.runs.life.begin_work`.

        Raises
        ------
        DataError
            If a file that the bench names is not the one that was told of; nothing was sent.
        ConfigError
            If bad cells were surveyed on another virtual chip than that of the seed; likewise.
        """
        check_cells(self.task.bench, seed if self.chip_seed is None else self.chip_seed)
        now = digests_of(self.task.bench)
        for name, digest in self.files.items():
            if now[name] != digest:
                raise DataError(f"{name} was changed since it was asked about, so nothing was sent: start again")
        work = ProgramWork(self.task, seed, label=label)
        work.phase = phase
        return begin_work(work, out=out, show=show)


def plan_program(
    bench: Bench,
    targets: FloatArray | None = None,
    *,
    weights: FloatArray | None = None,
    source: str,
    ends: tuple[float, float] | None = None,
    after: Run | None = None,
    **given: Any,
) -> Planned:
    """Lay out the programming of a bench; nothing is opened.

    Parameters
    ----------
    bench : Bench
        With the pulses of its training.
    targets : ndarray of float, shape (R, C), optional
        In siemens; nan leaves a cell alone.
    weights : ndarray of float, shape (R, C / 2), optional
        Of a network, instead of targets.
    source : str
        Where they come from, in words.
    ends : (float, float), optional
        Ends of the range in siemens; for tolerances the curve's, for weights what all cells have in common, if not
        given.
    after : Run, optional
        A run whose virtual chip is taken up where it was left.
    **given
        Settings of `ProgramSettings`: tolerance, pulses, reads, read_v.

    Raises
    ------
    ConfigError, DataError
        If something is wrong or not known.
    """
    if (targets is None) == (weights is None):
        raise ConfigError("either targets or weights of a network are given")
    settings = _settings(bench, "program", source, ends, given)
    if weights is None:
        return _planned(bench, settings, checked_targets(targets), after)  # type: ignore[arg-type]  # one of the two
    low, high = common_range(bench) if ends is None else ends
    whole = weights_to_targets(weights, low, high)
    cells = _bad_cells(bench, whole)
    if cells is None:
        return _planned(bench, settings, whole, after)
    carried = carried_by_good_cells(whole, cells.conductances, cells.left_out, low, high)
    said = carried.told(np.asarray(weights, dtype=np.float64), settings.tolerance_siemens)
    return _planned(bench, settings, checked_targets(carried.targets), after, warnings=(said,) if said else ())


def plan_reset(
    bench: Bench, *, like: str | None = None, out: Path, ends: tuple[float, float] | None = None, **given: Any
) -> Planned:
    """Lay out a reset; nothing is opened.

    Parameters
    ----------
    bench : Bench
        With the pulses of its training.
    like : str, optional
        A map of where the cells started, or the run that found them there, by its folder or name. If not given they go
        to the low end of their curve: the start map of the bench, or the start of its curve.
    out : Path
        Folder that holds run folders.
    ends, **given
        As of `plan_program`.

    Raises
    ------
    ConfigError, DataError, RunError
        If something is wrong or not known.
    """
    after = None
    if like is None:
        targets, source = _low_ends(bench), "the low end of the curve"
    elif Path(like).is_file():
        targets, source = read_map(Path(like), what="map"), f"map {Path(like).name}"
    else:
        after = find_run(like, out)
        targets, source = _start_of(after), f"the start of run {after.name}"
    settings = _settings(bench, "reset", source, ends, given)
    return _planned(bench, settings, checked_targets(targets), after, low=targets)


def _start_of(run: Run) -> FloatArray:
    """Return the conductances (R, C) that a run found before its first pulse, in siemens."""
    wear = run.wear()
    if wear is None:
        raise RunError(f"run {run.name} did not record what its cells were before its first pulse")
    return wear.first


def _low_ends(bench: Bench) -> FloatArray:
    """Return the low ends of the cells of a bench, as far as its file says them."""
    known, chip, shape = curve_of(bench), bench.chip, bench.shape
    if known is None or chip is None or shape is None:
        raise ConfigError(
            f"nothing says where the cells of bench {bench.name} started: --like RUN or --like MAP names where"
        )
    found = lows_of(bench, np.full(shape, np.inf))
    if found is None:
        raise ConfigError(
            f"the cells of bench {bench.name} start where nobody knows (K = {chip.k:g}, shifts): --like RUN takes the "
            "recorded start of a run, --like MAP what `read --json` printed while the chip was fresh"
        )
    return np.maximum(found, 0.0)


def _settings(
    bench: Bench, purpose: str, source: str, ends: tuple[float, float] | None, given: Mapping[str, Any]
) -> ProgramSettings:
    """Return checked settings, by the curve if there is one."""
    known = curve_of(bench)
    up, down = bench.training.pulse, bench.training.depress
    if down is None and known is not None:
        down = depressing_pulse(known.curve, up)
    if ends is not None and not 0 <= ends[0] < ends[1]:
        raise ConfigError(f"--range {ends[0]:g} {ends[1]:g}: it must rise, from 0 S or above")
    if ends is None and known is None:
        raise ConfigError(
            f"bench {bench.name} names no curve, so nothing says of which range the tolerance is: --range LOW HIGH"
        )
    span = ends[1] - ends[0] if ends is not None else response_of(known, up, down).span  # type: ignore[arg-type]
    chosen = {name: value for name, value in given.items() if value is not None}
    settings = checked_settings(
        purpose=purpose,
        targets=source,
        range_siemens=span,
        amplitude_v=up.amplitude_v,
        width_s=up.width_s,
        depress_v=None if down is None else down.amplitude_v,
        depress_s=None if down is None else down.width_s,
        **chosen,
    )
    if "reads" not in chosen and known is not None and known.noise:
        settings = settings.model_copy(update={"reads": reads_for(known.noise, settings.tolerance)})
    return settings


def _planned(
    bench: Bench,
    settings: ProgramSettings,
    targets: FloatArray,
    after: Run | None,
    low: FloatArray | None = None,
    warnings: tuple[str, ...] = (),
) -> Planned:
    """Check what can be checked before a bench is opened."""
    check_chip_keys(bench)
    check_addresses(bench)
    cells = _bad_cells(bench, targets)
    limits = bench.limits
    if limits is not None and limits.read_v < abs(settings.read_v):
        raise ConfigError(f"read voltage {settings.read_v:g} V exceeds the limit of {limits.read_v:g} V of the bench")
    if cells is not None:
        targets = checked_targets(np.where(cells.left_out, np.nan, targets))
    kept = {} if after is None else _left_on(bench, after)
    chip_seed = int(after.facts["seed"]) if after is not None and kept else None
    check_cells(bench, chip_seed)
    task = Task(bench, settings, targets, low, warnings=warnings, **kept)
    return Planned(task, digests_of(bench), chip_seed)


def _bad_cells(bench: Bench, targets: FloatArray) -> Cells | None:
    """Return the bad cells that a bench names, if it does, once (R, C) targets are known to be for its chip."""
    if bench.shape is not None:
        check_fit(targets, bench.shape)
    if bench.training.cells is None:
        return None
    cells = read_cells(data_file(bench.training.cells))
    cells.check_shape(bench.training.cells, (targets.shape[0], targets.shape[1]))
    return cells


def _left_on(bench: Bench, after: Run) -> dict[str, Any]:
    """Return what a `Task` needs to take up the virtual chip of a run, nothing of a real one.

    Raises
    ------
    ConfigError
        If the chip on the bench is not the one of the run.
    RunError
        If the run keeps no virtual chip, as it has not ended.
    """
    kind = bench.kind or (after.kind if bench.backend == after.bench.backend else bench.backend)
    if kind != after.kind:
        raise ConfigError(
            f"run {after.name} is of a chip of kind {after.kind}, bench {bench.name} of kind {kind}: name a run of "
            "this chip, or a map of where its cells started"
        )
    if kind == "hardware":
        whose, here = after.bench.chip_id, bench.chip_id
        if chip_key(whose or "") != chip_key(here or ""):
            raise ConfigError(
                f"run {after.name} is of chip {whose}, bench {bench.name} has chip {here}: name a run of this chip, or "
                "a map of where its cells started"
            )
        return {}
    try:
        kept = left_by(after)
    except CrossbarError as error:
        raise RunError(f"run {after.name} keeps no chip to be taken up ({error}): resume it to its end") from error
    if not any(kept.values()):
        raise RunError(f"run {after.name} keeps no chip to be taken up: resume it to its end, or give --like MAP")
    return kept
