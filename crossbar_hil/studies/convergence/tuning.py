"""Search for the settings with which most virtual chips converge and keep answering right once they have drifted.

The yield of what is found is stated on chips that were never searched on.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from crossbar_hil.bench.file import BENCH_FILE, Bench
from crossbar_hil.errors import ConfigError, CrossbarError
from crossbar_hil.results.arrays import Variable, cf_name
from crossbar_hil.results.result import Result, Series
from crossbar_hil.studies.axes import Axis
from crossbar_hil.studies.convergence.counting import Job, count
from crossbar_hil.studies.convergence.counts import Counts, describe_share, summary
from crossbar_hil.studies.convergence.folder import ChipStudyFolder
from crossbar_hil.studies.convergence.opened_chips import has_chips_of_its_own, whose
from crossbar_hil.studies.convergence.points import (
    LOCKSTEP_CHUNK,
    Point,
    ReadFile,
    check_drifts,
    check_numbers,
    check_point,
    check_points,
    chips_of_point,
    chunk_size,
)
from crossbar_hil.studies.convergence.promise import KINDS, Promise, draw_kinds, promise, unknown_of
from crossbar_hil.studies.convergence.searching import Candidate, Values, best, choose, first_axes, grid, neighbours
from crossbar_hil.studies.folder import write_json, write_text
from crossbar_hil.studies.scheduling import Scheduler
from crossbar_hil.studies.settings import Key, Value, find_key, virtual_chip, with_settings
from crossbar_hil.studies.showing import Silent
from crossbar_hil.studies.study import package_version
from crossbar_hil.studies.sweep import MOST_POINTS, as_csv
from crossbar_hil.training.confirmation import CONFIRM

KIND = "tune"
TUNE, CANDIDATES, TUNED = "tune.json", "candidates.csv", "tuned"
FRESH = 10**9
"""Number of the first chip of the confirmation; the search takes those from 0 on."""
DONE_BY, SPARE = 0.999, 2
"""The tuned training may take so many times the epochs by which that share of the converging chips has converged, and
confirmed it: a chip that is a little unlike the searched ones needs more, and one that has converged gets no pulse."""
DRIFT = 0.03
"""Settings are ranked by the chips that still answer right after this drift, unless others are given.

Ranked by the chips that converge alone, the targets would end next to each other, where nothing is left for what a real
chip does later. It is the middle one of the drifts of the realism table, 1, 3 and 10 % (`docs/realism.md`).
"""
LEAST_OF_A_KIND = 50
"""Chips that are trained of each kind that could have been measured, at least."""
_EPOCHS = find_key("epochs")


@dataclass(frozen=True, slots=True)
class Round:
    """One round of the search."""

    chips: int
    """For each setting."""
    kept: int
    """So many of the best of the round before are tried again."""
    around: int
    """Around so many of them their neighbours are tried too."""
    share: float
    """Distance to the neighbours, in steps of the first round."""


QUICK = (Round(512, 0, 0, 0.0), Round(2048, 8, 4, 0.5), Round(8192, 6, 2, 0.25))
"""For chips that are trained side by side."""
SLOW = (Round(16, 0, 0, 0.0), Round(64, 8, 2, 0.5), Round(256, 4, 1, 0.25))
"""For chips that are trained one by one, some hundred times as slowly."""


@dataclass(frozen=True, slots=True)
class Tune:
    """A search whose first settings were checked."""

    bench: Bench
    given: tuple[Axis, ...]
    """What the person wants to be searched."""
    axes: tuple[Axis, ...]
    """What is searched."""
    chips: int
    """Fresh chips of the confirmation."""
    seed: int
    rounds: tuple[Round, ...]
    lockstep: bool
    noisy: bool
    """Whether reads are noisy."""
    drifts: tuple[float, ...]
    """Relative drifts after which every chip is judged once more; the largest ranks."""
    read: dict[str, ReadFile]
    chunk: int
    """Most chips that a worker takes at a time."""

    @property
    def trainings(self) -> int:
        """How many chips search and confirmation train at most: beyond the end of a range no neighbours are tried."""
        first = len(grid(self.axes))
        return self.rounds[0].chips * first + _later(self, 0, first) + self.chips

    def at(self, values: Values) -> Bench:
        """Return the bench with some settings."""
        return with_settings(self.bench, dict(zip((axis.key for axis in self.axes), values, strict=True)))

    def plan(self) -> dict[str, Any]:
        """Return what was asked for, as the folder keeps it."""
        axes = [axis.as_record() for axis in self.axes]
        start = Point.of(self.bench, self.read).digest
        everything = json.dumps([start, axes, [repr(each) for each in self.rounds]])
        return {
            "kind": KIND,
            "version": package_version(),
            "seed": self.seed,
            "chips": self.chips,
            "chunk": self.chunk,
            "given": [axis.as_record() for axis in self.given],
            "axes": axes,
            "drifts": list(self.drifts),
            "digest": hashlib.sha256(everything.encode()).hexdigest(),
        }


@dataclass(frozen=True, slots=True, repr=False)
class TuneResult(Result):
    """The settings that were found, and what fresh chips make of them."""

    drawn_by: ClassVar[str] = "sweep"
    plots: ClassVar[tuple[str, ...]] = ("tune", "search", "convergence")

    tune: Tune
    found: Candidate
    """On the chips of the last round of the search."""
    settings: dict[Key, Value]
    bench: Bench
    fresh: Counts
    """On chips that were never searched on."""
    promise: Promise | None
    """For chips of the kind that was measured, if one was."""
    tried: tuple[tuple[int, Candidate], ...] = ()
    """Round, from 1, and what came of it, for all settings that were tried."""

    @property
    def limits(self) -> dict[str, float | int]:
        """What a chip must bear in a training with these settings; for the [limits] of a bench."""
        training = self.bench.training
        sent = [training.pulse] if training.depress is None else [training.pulse, training.depress]
        pulses = max(training.epochs - 1, 1) * (1 if training.verify_siemens is None else training.tries)
        return {
            "read_v": max(abs(training.v0), abs(training.v1)),
            "pulse_v": max(abs(pulse.amplitude_v) for pulse in sent),
            "width_s": max(pulse.width_s for pulse in sent),
            "pulses": pulses,
            "dose_vs": float(f"{pulses * max(abs(pulse.amplitude_v) * pulse.width_s for pulse in sent):.12g}"),
        }

    def told(self) -> list[tuple[str, str]]:
        """Return the settings, and what fresh chips make of them."""
        found = ", ".join(f"{key.label} {value}" for key, value in self.settings.items())
        return [
            ("settings", found),
            ("fresh chips", describe_share(self.fresh)),
            *([("promise", self.promise.line)] if self.promise else []),
        ]

    def series(self) -> Series:
        """Return one line: the settings, and the statistics of fresh chips."""
        return Series.of([{**{key.label: value for key, value in self.settings.items()}, **summary(self.fresh)}])

    def variables(self) -> dict[str, Variable]:
        """Return settings and the statistics of fresh chips, a single number each; not a number where there is none."""
        found = {
            cf_name(str(key)): Variable((), np.array(value), key.unit or "1", f"setting {key.table}.{key.name}")
            for key, value in self.settings.items()
        }
        for name, number in summary(self.fresh).items():
            value = np.array(np.nan if number is None else number)
            found[cf_name(f"fresh_{name}")] = Variable((), value, "1", f"{name.replace('_', ' ')}, fresh chips")
        return found

    def as_record(self) -> dict[str, Any]:
        """Return plan, settings and statistics."""
        return {
            **self.tune.plan(),
            "settings": {str(key): value for key, value in self.settings.items()},
            "fresh": summary(self.fresh),
            "searched": summary(self.found.counts),
            "limits": self.limits,
            "virtual_chips": chips_of_point(self.bench, self.fresh.chips),
            **({"promise": self.promise.as_record()} if self.promise else {}),
        }


def plan_tune(
    bench: Bench,
    given: Sequence[Axis],
    *,
    chips: int,
    seed: int,
    drifts: Sequence[float] = (),
    chunk: int | None = None,
) -> Tune:
    """Lay out a search and check its first settings; nothing is trained.

    Parameters
    ----------
    bench : Bench
        Settings that are not searched, and the virtual chip.
    given : sequence of Axis
        Settings to be searched instead of, or beside, gain, target and width; one value holds a setting fast.
    chips : int
        Fresh chips on which the yield is stated.
    seed : int
        Of the chips.
    drifts : sequence of float
        Relative standard deviations of the drift after which every chip is judged once more, of which the largest
        ranks the settings; `DRIFT` if none is given and the chips can be made to drift.
    chunk : int, optional
        That of a search that was begun; its rounds stay too.

    Raises
    ------
    CrossbarError
        If a setting is wrong.
    """
    check_numbers(chips, seed)
    read: dict[str, ReadFile] = {}
    held = with_settings(bench, {axis.key: axis.values[0] for axis in given})
    start = check_point(Point.of(held, read), seed, "")
    training = held.training
    volts = max(abs(training.v0), abs(training.v1))
    swing = start.rise * volts
    if swing <= 0:
        what = f"a cell of the {whose(held)}" if has_chips_of_its_own(held) else f"curve {virtual_chip(held).curve}"
        raise ConfigError(f"{what} never rises, so no training can converge")
    axes = first_axes(given, unit_beta=1 / swing, widths_s=start.widths_s)
    first = grid(axes)
    if len(first) > MOST_POINTS:
        raise ConfigError(f"a search that begins with {len(first)} settings, at most {MOST_POINTS} are possible")
    _, lockstep, noisy = check_points(bench, [axis.key for axis in axes], first, seed, read)
    size = chunk_size(lockstep, chunk)
    rounds = QUICK if size == LOCKSTEP_CHUNK else SLOW
    judged = check_drifts(drifts, bench) or (() if has_chips_of_its_own(bench) else (DRIFT,))
    return Tune(bench, tuple(given), axes, chips, seed, rounds, lockstep, noisy, judged, read, size)


def resume_tune(folder: ChipStudyFolder) -> Tune:
    """Lay out a search that was begun again; a RunError if a file of it was changed since."""
    return folder.lay_out_again(KIND, plan_tune, "given")


def run_tune(tune: Tune, folder: ChipStudyFolder, scheduler: Scheduler, progress: Silent) -> TuneResult:
    """Search, confirm on fresh chips, and write the results and the bench file.

    The folder was made for it or opened again, the scheduler is not yet started.
    """
    done: list[tuple[int, Candidate]] = []
    trained = 0

    def count_chips(number: int, settings: Sequence[Bench], first: int, chips: int) -> list[Counts]:
        jobs = [Job(number + place, Point.of(bench, tune.read), first, chips) for place, bench in enumerate(settings)]
        return count(
            jobs,
            seed=tune.seed,
            size=tune.chunk,
            scheduler=started,
            folder=folder,
            show=progress,
            found=progress.found,
            drifts=tune.drifts,
        )

    with scheduler as started:
        last: list[Candidate] = []
        for place, each in enumerate(tune.rounds):
            tried = _settings(tune, each, last) if place else grid(tune.axes)
            expected = trained + each.chips * len(tried) + _later(tune, place, len(tried)) + tune.chips
            progress.expect(expected, f"round {place + 1} of {len(tune.rounds)}: {len(tried)} settings")
            number = len(done)
            counts = count_chips(number, [tune.at(values) for values in tried], 0, each.chips)
            last = [Candidate(values, found) for values, found in zip(tried, counts, strict=True)]
            done += [(place + 1, found) for found in last]
            trained += each.chips * len(tried)
        found = choose(last)
        settings = dict(zip((axis.key for axis in tune.axes), found.values, strict=True))
        enough = found.counts.epoch_of(DONE_BY)
        if enough is not None and _EPOCHS not in settings:
            if not tune.noisy and tune.bench.training.confirm is None:
                enough += CONFIRM - 1  # a real chip is noisy, and confirms what a chip without noise meets at once
            settings[_EPOCHS] = min(SPARE * enough, tune.bench.training.epochs)
        bench = with_settings(tune.bench, settings)
        kinds = draw_kinds(bench, tune.seed)
        of_each = max(tune.chips // KINDS, LEAST_OF_A_KIND)
        progress.expect(trained + tune.chips + len(kinds) * of_each, f"{tune.chips} fresh chips")
        (fresh,) = count_chips(len(done), [bench], FRESH, tune.chips)
        of_kinds = count_chips(len(done) + 1, kinds, FRESH, of_each)
    folder.finish()
    unknown = unknown_of(virtual_chip(bench))
    told = promise(fresh, of_kinds, unknown) if kinds else None
    result = TuneResult(tune, found, settings, bench, fresh, told, tuple(done))
    _write(result, folder)
    return result


def _settings(tune: Tune, each: Round, last: Sequence[Candidate]) -> list[Values]:
    """Return what a later round tries: the best of the last one, and neighbours that can be trained."""
    kept = [found.values for found in best(last, each.kept)]
    near = [values for centre in kept[: each.around] for values in neighbours(tune.axes, centre, each.share)]
    tried = list(dict.fromkeys([*kept, *near]))
    return [values for values in tried if values in kept or _possible(tune, values)]


def _possible(tune: Tune, values: Values) -> bool:
    try:
        check_point(Point.of(tune.at(values), tune.read), tune.seed, "")
    except CrossbarError:  # between two settings that can be trained there may be one that cannot
        return False
    return True


def _later(tune: Tune, place: int, tried: int) -> int:
    """Return how many chips the rounds after one that tried so many settings take, at most."""
    ways = 3 ** sum(axis.spacing != "list" for axis in tune.axes) - 1
    chips = 0
    for each in tune.rounds[place + 1 :]:
        kept = min(each.kept, tried)
        tried = kept + min(each.around, kept) * ways
        chips += each.chips * tried
    return chips


def _write(result: TuneResult, folder: ChipStudyFolder) -> None:
    keys = [str(axis.key) for axis in result.tune.axes]
    rows = [
        {"round": number, **dict(zip(keys, found.values, strict=True)), **summary(found.counts)}
        for number, found in result.tried
    ]
    write_text(folder.path / CANDIDATES, as_csv(rows))
    write_json(folder.path / TUNE, result.as_record())
    tuned = folder.path / TUNED
    tuned.mkdir(exist_ok=True)
    result.bench.copy_into(tuned)


def tuned_bench_file(folder: ChipStudyFolder) -> str:
    """Return the path of the bench file with the tuned settings."""
    return str(folder.path / TUNED / BENCH_FILE)
