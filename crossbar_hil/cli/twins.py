"""The verbs ``calibrate`` and ``twins``."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from crossbar_hil.cli.benches import MAKING_SAFE, seed_option
from crossbar_hil.cli.common import (
    as_json,
    bench_argument,
    condition_options,
    confirm,
    given_tables,
    instrument_options,
    loading,
    phases,
    print_json,
    print_lines,
    print_table,
    say_seed,
    yes_option,
)
from crossbar_hil.errors import ConfigError, RunError

if TYPE_CHECKING:
    from crossbar_hil.bench.calibrating import CalibrationPlan
    from crossbar_hil.twins.file import Twin
    from crossbar_hil.twins.readings import Readings

HEADER = ["number", "value", "95 % interval", "from"]


TOLD_EVERY = 10
"""Readings between two lines where there is no terminal, on which every one is told in place."""


def _cell(text: str) -> tuple[int, int]:
    """Read ROW,COLUMN, counted from 1; return them counted from 0."""
    row, _, column = text.partition(",")
    try:
        found = int(row) - 1, int(column) - 1
    except ValueError:
        found = -1, -1
    if min(found) < 0:
        raise ConfigError(f"--spare {text!r} must be ROW,COLUMN, counted from 1, such as 2,3")
    return found


@click.command()
@bench_argument
@instrument_options
@seed_option
@click.option("--pulses", default=2, show_default=True, help="Pulses for each cell; they change the chip for good.")
@click.option("--reads", default=20, show_default=True, help="Readings of each cell in each round; harmless.")
@click.option("--curve", metavar="FILE", help="Measured conductance curve of a sister chip; [chip] curve if not given.")
@click.option("--scale", type=float, metavar="K", help="K of that curve.")
@click.option(
    "--spare",
    "spares",
    multiple=True,
    metavar="ROW,COLUMN",
    help="A cell, counted from 1, that may be given up: its whole curve is measured and taken. None if not given.",
)
@click.option("--spare-pulses", default=50, show_default=True, help="Pulses for each spare cell.")
@click.option("--voltage", default="100 mV", show_default=True, help="Read voltage.")
@click.option("--watch", default="0 s", show_default=True, help="Read on for so long at the end, to see relaxation.")
@click.option("--draws", default=200, show_default=True, help="Chips that the file holds.")
@click.option(
    "--to", "path", type=click.Path(path_type=Path), default=Path("twin.toml"), show_default=True, help="The new file."
)
@click.option(
    "--from",
    "begun",
    type=click.Path(path_type=Path),
    help="Readings of a calibration that ended early, or that is to be fitted anew; nothing is sent.",
)
@condition_options
@yes_option
@as_json
def calibrate(
    bench: str,
    seed: int | None,
    pulses: int,
    reads: int,
    curve: str | None,
    scale: float | None,
    spares: tuple[str, ...],
    spare_pulses: int,
    voltage: str,
    watch: str,
    draws: int,
    path: Path,
    begun: Path | None,
    yes: bool,
    as_json: bool,
    **given: str | None,
) -> None:
    """Calibrate the chip on a BENCH with a few pulses a cell, and write its twin: what each of its cells is like.

    Chips that the readings leave possible are drawn by `train`, `tune`, `sweep` and `snn` with --twin.
    """
    with loading():
        from crossbar_hil.bench.calibrating import plan_calibration, sister_curve, twin_of  # noqa: PLC0415
        from crossbar_hil.bench.file import load_bench  # noqa: PLC0415
        from crossbar_hil.bench.opening import fresh_seed  # noqa: PLC0415
        from crossbar_hil.cli.measuring import picture_and_page  # noqa: PLC0415
        from crossbar_hil.quantities import si  # noqa: PLC0415
        from crossbar_hil.twins.readings import load_readings  # noqa: PLC0415

    tables = given_tables(given)
    if begun is not None and tables:
        raise ConfigError(f"--from {begun} holds the conditions under which it was read, so none can be given with it")
    checked = load_bench(bench, overrides=tables)
    if draws < 1:
        raise ConfigError(f"--draws {draws} must be at least 1")
    picture, page = picture_and_page(path, "twin")
    if not path.parent.is_dir():
        raise RunError(f"--to {path} cannot be written: {path.parent} is not a folder")
    kept = path.with_suffix(".readings.jsonl")
    for each in (path, picture, page, kept) if begun is None else (path, picture, page):
        if each.exists():
            raise RunError(f"{each} exists already and is not overwritten; --to names another file")
    if begun is None:
        plan = plan_calibration(
            checked,
            pulses=pulses,
            reads=reads,
            read_v=si(voltage, "V"),
            spare=tuple(map(_cell, spares)),
            spare_pulses=spare_pulses,
            curve_file=curve,
            scale=scale,
        )
        say_seed(checked, seed)
        _measure(plan, fresh_seed() if seed is None else seed, kept, yes=yes, watch_s=si(watch, "s"))
        found, fitted = load_readings(kept), plan.curve
    else:
        found = load_readings(begun)
        fitted = None if found.spares else sister_curve(checked, checked.training.pulse, curve, scale)
    with phases() as view:
        view.phase("finding out what the readings leave open, and drawing chips of it", brief=True)
        twin = twin_of(found, fitted, draws=draws)
        twin.write(path)
        view.phase("drawing the twin", brief=True)
        _write_page(twin, found, page, [path.name, (kept if begun is None else begun).name])
    _tell(twin, path, picture, as_json=as_json)


def _measure(plan: "CalibrationPlan", seed: int, path: Path, *, yes: bool, watch_s: float) -> None:
    """Ask, then read and pulse the chip; every reading is on disk before the next is taken."""
    from crossbar_hil.bench.calibrating import clock_of, steps_of  # noqa: PLC0415
    from crossbar_hil.bench.opening import words_of_opening  # noqa: PLC0415
    from crossbar_hil.guard.client import GuardedBackend  # noqa: PLC0415
    from crossbar_hil.guard.opening import open_checked  # noqa: PLC0415
    from crossbar_hil.screen.pace import Pace  # noqa: PLC0415
    from crossbar_hil.twins.readings import Sent, new_readings  # noqa: PLC0415

    with phases(plan.bench) as view:
        view.phase(words_of_opening(plan.bench), brief=not plan.bench.instruments)
        with open_checked(plan.bench, seed=seed) as backend:
            steps = steps_of(plan, backend, clock=clock_of(backend, plan.bench), watch_s=watch_s)
            said = plan.describe(backend.shape)
            view.hide()
            confirm(backend.kind, yes, said)
            if backend.kind != "hardware" or yes:
                click.echo(said, err=True)
            if isinstance(backend, GuardedBackend):
                click.echo(f"session {backend.folder}", err=True)
            pace, done = Pace(), 0
            with new_readings(path, plan.facts(backend, seed)) as file:
                for step in steps:
                    file.add(step)
                    if not isinstance(step, Sent):
                        done += 1
                        pace.step(done)
                        text = f"reading {done} of {max(done, plan.readings)}"
                        view.step(text, pace, plan.readings, brief=done % TOLD_EVERY > 0)
            view.phase(MAKING_SAFE, brief=not plan.bench.instruments)


def _tell(twin: "Twin", path: Path, picture: Path, *, as_json: bool) -> None:
    """Print the numbers of a twin, each with its interval, and the cells that a person should know of."""
    numbers = [(name, value) for name, value in twin.numbers if value is not None]
    page = picture.with_suffix(".html")
    if as_json:
        print_json(
            twin=str(path),
            picture=str(picture),
            report=str(page),
            pulses=twin.source.pulses,
            numbers={name: value.model_dump() for name, value in numbers},
            does_not_move=[list(each) for each in twin.unmoving()],
        )
        return
    print_table(HEADER, _rows(twin))
    print_lines(_warnings(twin))
    print_lines([f"twin    {path}", f"figure  {picture}", f"report  {page}"])


def _rows(twin: "Twin") -> list[list[str]]:
    """Return the numbers of a twin for a table."""
    return [
        [name.replace("_", " "), f"{each.value:.3g}", f"{each.low:.3g} to {each.high:.3g}", each.source]
        for name, each in twin.numbers
        if each is not None
    ]


def _warnings(twin: "Twin") -> list[str]:
    """Return a line for every cell that a person should know of."""
    return [
        f"cell row {row + 1}, column {column + 1} does not move as the curve does, so its draws leave it where it is"
        for row, column in twin.unmoving()
    ]


def _write_page(twin: "Twin", found: "Readings", page: Path, files: list[str]) -> None:
    """Draw a twin, and write its page."""
    from crossbar_hil.figures.pages import Sheet, Table, write_page  # noqa: PLC0415 - matplotlib
    from crossbar_hil.twins.plotting import draw_twin  # noqa: PLC0415

    source = twin.source
    sheet = Sheet(
        f"Twin of the chip on bench {source.bench}",
        f"{source.kind} chip, made {source.made_utc}, {source.pulses} pulses, curve {source.curve}",
        lines=_warnings(twin),
        tables=[Table("What the readings say of the cells", _rows(twin), HEADER)],
        figures=[("What was read, and what was made of it", draw_twin(twin, found))],
        files=files,
    )
    write_page(sheet, page, pictures=[page.with_suffix(".png")])


@click.command()
@click.argument("runs", type=click.Path(path_type=Path), default=Path("runs"))
@click.option("--kind", type=click.Choice(["simulated", "emulated", "hardware"]), help="Only runs on such devices.")
@click.option(
    "--to",
    "path",
    type=click.Path(path_type=Path),
    help="Draw the reliability diagram into this new PNG, and write a page beside it.",
)
@as_json
def twins(runs: Path, kind: str | None, path: Path | None, as_json: bool) -> None:
    """Tally what was foretold of the RUNS in a folder against what then happened.

    Brier score (0 is best), that of the base rate, and, for every fifth of the foretold probability, what happened.
    """
    from crossbar_hil.runs.many.foretold import foretold_runs  # noqa: PLC0415
    from crossbar_hil.twins.tally import tally  # noqa: PLC0415

    page = None if path is None else path.with_suffix(".html")
    if path is not None and path == page:
        raise ConfigError(f"--to {path} names the diagram, a PNG file, which gets a page of that name beside it")
    for each in (path, page):
        if each is not None and each.exists():
            raise RunError(f"{each} exists already and is not overwritten")
    told = foretold_runs(runs, kind)
    if not told:
        raise RunError(
            f"no run in {runs} was foretold and has ended; `train` foretells before it trains a real chip, and "
            "with --twin or --forecast"
        )
    found = tally(told)
    if path is not None and page is not None:
        from crossbar_hil.figures.pages import Sheet, write_page  # noqa: PLC0415
        from crossbar_hil.twins.plotting import draw_reliability  # noqa: PLC0415

        title, about = "What was foretold, and what happened", f"runs in {runs}" + (f", {kind} only" if kind else "")
        drawn = [("Share that converged against the probability that was predicted", draw_reliability(found))]
        write_page(Sheet(title, about, lines=found.lines()[:3], figures=drawn), page, pictures=[path])
    if as_json:
        print_json(**found.as_record(), figure=None if path is None else str(path))
    else:
        print_lines([*found.lines(), *([] if path is None else [f"figure  {path}", f"report  {page}"])])


VERBS = (calibrate, twins)
