"""The verbs ``sweep`` and ``tune``, and what every dry run does with its folder and its workers."""

import json
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from crossbar_hil.cli.common import (
    COULD_NOT,
    DEVICE_SPREAD_HELP,
    PRESET_HELP,
    SPREAD_OF_HELP,
    as_json,
    chosen_spread,
    loading,
    phases,
    print_json,
    quiet_option,
    say_assumptions,
    task_option,
)
from crossbar_hil.cli.completion import complete_bench
from crossbar_hil.errors import ConfigError
from crossbar_hil.text import printable

if TYPE_CHECKING:
    from crossbar_hil.studies.study import Told

WHERE: tuple[Callable[[Any], Any], ...] = (
    click.option("--to", "folder", type=click.Path(path_type=Path), help="New folder; one in dry_runs/ if not given."),
    click.option("--resume", "begun", type=click.Path(path_type=Path), help="Go on with the one in this folder."),
    click.option("--workers", type=int, help="Threads or processes; as many as there are cores if not given."),
    click.option(
        "--scheduler",
        metavar="WHO",
        help="threads, processes, or the address of a Dask cluster such as tcp://10.0.0.5:8786. The result is the "
        "same, byte by byte.",
    ),
    quiet_option,
    as_json,
)
"""Options of every dry run."""


def with_options(verb: Any, options: Sequence[Callable[[Any], Any]]) -> Any:
    """Add options to a verb, the first one first in its help."""
    for option in reversed(options):
        verb = option(verb)
    return verb


def dry_run_options(verb: Any) -> Any:
    """Add the options of every dry run."""
    return with_options(verb, WHERE)


def check_nothing_else(begun: Path, given: Mapping[str, Any]) -> None:
    """Refuse options beside ``--resume``, which takes everything from its folder."""
    also = [f"--{name}" for name, value in given.items() if value not in {None, ()}]
    if also:
        raise ConfigError(f"--resume takes everything from {begun}, so {', '.join(also)} cannot be given with it")


def tell_dry_run(work: "Callable[[], Told]", folder: Path, as_json: bool, quiet: bool = False) -> None:
    """Do a dry run and print what came of it, or where it was interrupted; what it draws comes last."""
    try:
        with _ended_as_by_ctrl_c():
            told = work()
        if not as_json:
            click.echo("\n".join(map(printable, told.lines)))
        with phases(quiet=quiet) as view:
            if told.draw is not list:  # which draws nothing
                view.phase("drawing the map", brief=True)
            drawn = told.draw()
    except KeyboardInterrupt as interrupt:
        if as_json:
            print_json(folder=str(folder), status="interrupted")
        click.echo(f"crossbar-hil: {'; '.join(['interrupted', *getattr(interrupt, '__notes__', ())])}", err=True)
        raise click.exceptions.Exit(COULD_NOT) from None
    for line in [json.dumps(told.record)] if as_json else map(printable, drawn):
        click.echo(line)


@contextmanager
def _ended_as_by_ctrl_c() -> Iterator[None]:
    """Let SIGTERM end a dry run as Ctrl-C does: it ends its worker processes in order, and says how to go on."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _dry_run_options(chips: int, over: str) -> Callable[[Any], Any]:
    """Add the options that `sweep` and `tune` share."""
    options = [
        click.option("--over", multiple=True, metavar="KEY=VALUES", help=over),
        click.option("--set", "fixed", multiple=True, metavar="KEY=VALUE", help="Set one key of [training] or [chip]."),
        click.option(
            "--bench", shell_complete=complete_bench, help="Shipped bench, bench file or backend.  [default: simulated]"
        ),
        task_option,
        click.option("--preset", help=PRESET_HELP),
        click.option("--curve", metavar="FILE", help="Measured conductance curve of your device."),
        click.option("--twin", metavar="FILE", help="Twin of a chip that `calibrate` made: its draws are the chips."),
        click.option("--start", metavar="MAP", help="Where each cell starts: what `read --json` printed."),
        click.option("--device-spread", metavar="SHARE", help=DEVICE_SPREAD_HELP),
        click.option("--spread-of", metavar="MAP", help=SPREAD_OF_HELP),
        click.option("--spread", nargs=2, metavar="LOW HIGH", help="Span that holds 95 % of the shifts, in S."),
        click.option(
            "--patterns", metavar="FILE", help="Pattern file (pattern,label,set), or one that ships, such as letters."
        ),
        click.option(
            "--drift",
            "drifts",
            multiple=True,
            metavar="SHARE",
            help='Judge every trained chip once more after each conductance has changed by so much, as "3 %"; '
            "may be given several times.",
        ),
        click.option("--chips", type=int, help=f"Simulated chips.  [default: {chips}]"),
        click.option("--seed", type=click.IntRange(min=0), help="Seed of the simulated chips; fresh if not given."),
        *WHERE,
    ]
    return lambda verb: with_options(verb, options)


@click.command()
@_dry_run_options(
    1000,
    "A setting that varies: beta=1e7..1e8:10 (10 values, equally spaced), beta=1e7..1e8:10log, target=0.5,0.8,0.95 "
    'or width="1 ms..50 ms:5". Any single key of [training] and [chip] of a bench file. Once for each setting.',
)
def sweep(chips: int | None, **options: Any) -> None:
    """Map the share of simulated chips that converge, and their epochs, over any settings."""
    from crossbar_hil.studies.convergence.sweeping import KIND, plan_sweep, resume_sweep  # noqa: PLC0415

    _dry_run(KIND, plan_sweep, resume_sweep, 1000, chips, **options)


@click.command()
@_dry_run_options(
    10000,
    "A setting to search, as `sweep` takes it; instead of the range of beta, target or width, or beside them. One "
    "value, such as target=0.8, holds it fast.",
)
def tune(chips: int | None, **options: Any) -> None:
    """Search for the settings with which most simulated chips converge, and write a bench file that `train` takes.

    The expected yield is stated on fresh chips, which were never searched on.
    """
    from crossbar_hil.studies.convergence.tuning import KIND, plan_tune, resume_tune  # noqa: PLC0415

    _dry_run(KIND, plan_tune, resume_tune, 10000, chips, **options)


VERBS = (sweep, tune)


def _dry_run(
    kind: str,
    plan: Callable[..., Any],
    resumed: Callable[[Any], Any],
    usual_chips: int,
    chips: int | None,
    *,
    begun: Path | None,
    folder: Path | None,
    workers: int | None,
    scheduler: str | None,
    quiet: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Carry out a sweep or a search, a new one or one that was begun."""
    with loading(quiet=quiet):
        from rich.console import Console  # noqa: PLC0415

        from crossbar_hil.bench.opening import fresh_seed  # noqa: PLC0415
        from crossbar_hil.quantities import share  # noqa: PLC0415
        from crossbar_hil.studies.axes import read_axes  # noqa: PLC0415
        from crossbar_hil.studies.convergence.carrying_out import carry_out, scheduler_for  # noqa: PLC0415
        from crossbar_hil.studies.convergence.folder import ChipStudyFolder  # noqa: PLC0415
        from crossbar_hil.studies.showing import make_show  # noqa: PLC0415
        from crossbar_hil.studies.study import check_fresh, new_folder  # noqa: PLC0415

    if begun is not None:
        told = {**given, "set": given["fixed"], "fixed": None, "drift": given["drifts"], "drifts": None}
        check_nothing_else(begun, {"chips": chips, "to": folder, **told})
        opened = ChipStudyFolder.reopen(begun, kind)
        work = resumed(opened)
        runner = scheduler_for(work, scheduler, workers)
    else:
        if folder is not None:
            check_fresh(folder)
        seed = fresh_seed() if given["seed"] is None else given["seed"]
        bench, axes = _virtual_bench(given), read_axes(given["over"])
        drifts = [share(each) for each in given["drifts"]]
        with phases(quiet=quiet) as view:
            view.phase("checking every setting", brief=True)
            work = plan(bench, axes, chips=usual_chips if chips is None else chips, seed=seed, drifts=drifts)
        runner = scheduler_for(work, scheduler, workers)
        opened = ChipStudyFolder.make(folder or new_folder(kind), work.plan(), work.bench)
    if not (work.lockstep or quiet):
        _say_pace(work, getattr(runner, "workers", None))
    tell_dry_run(
        lambda: carry_out(work, opened, runner, make_show(Console(stderr=True), quiet=quiet)),
        opened.path,
        as_json,
        quiet,
    )


def _say_pace(work: Any, workers: int | None) -> None:
    """Say how long chips take that are trained one by one: measured on the first that is.

    A cluster alone knows how many workers it has.
    """
    from crossbar_hil.studies.convergence.pace import describe_pace, seconds_a_chip  # noqa: PLC0415
    from crossbar_hil.studies.convergence.points import Point  # noqa: PLC0415

    points = getattr(work, "points", None) or [Point.of(work.bench, work.read)]
    with phases() as view:  # which may compile, too
        view.phase("training a first chip, to see how long they take", brief=True)
        slow = next((point for point in points if not point.ensemble().lockstep), points[0])
        seconds = seconds_a_chip(slow, work.seed, time.perf_counter)
    click.echo(describe_pace(seconds, work.trainings, workers), err=True)


def _virtual_bench(given: dict[str, Any]) -> Any:
    """Load the bench of a dry run with what the command line says."""
    from crossbar_hil.bench.file import load_bench  # noqa: PLC0415
    from crossbar_hil.studies.settings import set_values  # noqa: PLC0415

    overrides: dict[str, Any] = {}
    for key in ("curve", "start", "twin", "device_spread"):
        if given[key] is not None:
            overrides.setdefault("chip", {})[key] = given[key]
    chosen = chosen_spread(given["spread"], given["spread_of"])
    if chosen:
        overrides["chip"] = chosen | overrides.get("chip", {})
    if given["patterns"] is not None:
        overrides["training"] = {"patterns": given["patterns"]}
    layers = {"task": given["task"], "preset": given["preset"], "overrides": overrides}
    bench = load_bench(given["bench"] or "simulated", **layers)
    bench = set_values(bench, given["fixed"])
    say_assumptions(bench)
    return bench
