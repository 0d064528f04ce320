"""The command line ``crossbar-hil``: parse, call one function, print what a person needs.

Exit codes: 0 done, 1 could not, 2 bad usage, 3 trained but did not converge.
"""

import json
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from crossbar_hil.cli import dry_runs as dry_run_cli
from crossbar_hil.cli import spiking as snn_cli
from crossbar_hil.cli.common import (
    BAD_USAGE,
    COULD_NOT,
    DONE,
    NOT_CONVERGED,
    as_json,
    out_option,
    print_json,
    printable,
    quiet_option,
    yes_option,
)
from crossbar_hil.errors import ConfigError, CrossbarError, DataError, RunError


def main() -> None:
    """Run the command line and exit; every error is one line, a traceback only with ``--debug``."""
    debug = "--debug" in sys.argv[1:]
    try:
        code = cli.main(args=[word for word in sys.argv[1:] if word != "--debug"], standalone_mode=False)
    except click.exceptions.Exit as error:
        code = error.exit_code
    except click.ClickException as error:
        click.echo(f"crossbar-hil: {printable(error.format_message())}", err=True)
        code = BAD_USAGE
    except (KeyboardInterrupt, click.exceptions.Abort):
        click.echo("crossbar-hil: interrupted", err=True)
        code = COULD_NOT
    except Exception as error:  # the one place where nothing may slip through
        if debug:
            traceback.print_exc()
        elif isinstance(error, CrossbarError):
            click.echo(f"crossbar-hil: {printable(str(error))}", err=True)
        elif isinstance(error, OSError) and error.filename:  # a name that no file can have, a folder without rights
            told = printable(f"{str(error.filename)[:80]}: {error.strerror}")
            click.echo(f"crossbar-hil: {told}", err=True)
        else:
            told = printable(f"unexpected {type(error).__name__}: {error}")
            click.echo(f"crossbar-hil: {told} (--debug shows where)", err=True)
        for note in getattr(error, "__notes__", ()):  # what else is to be known, such as a bench that may not be safe
            click.echo(f"crossbar-hil: {printable(note)}", err=True)
        code = BAD_USAGE if isinstance(error, ConfigError) else COULD_NOT
    sys.exit(code if isinstance(code, int) else DONE)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="crossbar-hil")
def cli() -> None:
    """Train memristor crossbar chips in place, simulated or real.

    Add --debug to any verb for the traceback of an error.
    """


for verb in (dry_run_cli.sweep, dry_run_cli.tune, snn_cli.snn):
    cli.add_command(verb)

run_argument = click.argument("run")
bench_argument = click.argument("bench")
seed_option = click.option("--seed", type=click.IntRange(min=0), help="Seed of a virtual chip; fresh if not given.")


def _setting(table: str, key: str, *names: str, help: str, **more: Any) -> Callable[[Any], Any]:  # noqa: A002
    """Make an option that overrides one key of the bench file."""
    return click.option(*names, f"{table}__{key}", metavar=more.pop("metavar", key.upper()), help=help, **more)


@cli.command()
@click.option("--bench", default="simulated", show_default=True, help="Shipped bench, bench file or backend.")
@click.option("--preset", help="Settings laid over the bench: 'reference' are the reference study's.")
@seed_option
@_setting("training", "epochs", "--epochs", help="Most evaluations.")
@_setting("training", "beta", "--beta", help="Gain of the activation, in 1/A.")
@_setting("training", "target", "--target", help="Activation to reach for a 1.")
@_setting("training", "target0", "--target0", help="Activation not to exceed for a 0; -target if not given.")
@_setting("training", "v0", "--v0", help='Row voltage of a 0, in V or as "-100 mV".')
@_setting("training", "v1", "--v1", help="Row voltage of a 1.")
@_setting("training", "amplitude_v", "--amplitude", metavar="VOLT", help="Height of the pulse.")
@_setting("training", "width_s", "--width", metavar="TIME", help='Width of the pulse, in s or as "10 ms".')
@_setting("training", "patterns", "--patterns", metavar="FILE", help="Pattern file: pattern,label,set.")
@_setting("training", "rule", "--rule", help="Learning rule.")
@_setting("training", "pull_back", "--pull-back", metavar="YES|NO", help="Pull activations beyond their target back.")
@_setting("training", "dead_zone", "--dead-zone", help="Leave activations alone that are nearer to their target.")
@_setting("chip", "curve", "--curve", metavar="FILE", help="Measured conductance curve of your device.")
@_setting("chip", "scale", "--scale", metavar="K", help="K in G = K ((G_exp(m) - G_exp(0)) + shift).")
@_setting("chip", "rows", "--rows", help="Rows of a virtual chip.")
@_setting("chip", "columns", "--columns", help="Columns of a virtual chip.")
@_setting("chip", "wire_ohm", "--wire", metavar="OHM", help="Resistance of a wire segment of a virtual chip.")
@_setting("chip", "read_noise", "--read-noise", metavar="SHARE", help="Relative noise of a cell's current.")
@_setting("chip", "step_variation", "--step-variation", metavar="SHARE", help="Relative spread of a pulse's step.")
@click.option("--spread", nargs=2, metavar="LOW HIGH", help="Span that holds 95 % of the shifts, in S.")
@click.option("--label", default="", help="A word of yours, kept with the run.")
@click.option("--no-report", is_flag=True, help="Draw no figures and write no report.")
@quiet_option
@yes_option
@out_option
@as_json
def train(
    bench: str,
    preset: str | None,
    seed: int | None,
    spread: tuple[str, str] | None,
    label: str,
    no_report: bool,
    quiet: bool,
    yes: bool,
    out: Path,
    as_json: bool,
    **settings: str | None,
) -> None:
    """Train a chip until it recognises the pattern set, and leave a run folder with figures and a report."""
    from rich.console import Console  # noqa: PLC0415 - --help must not wait for what only training needs

    from crossbar_hil.bench.file import load_bench  # noqa: PLC0415
    from crossbar_hil.bench.opening import fresh_seed  # noqa: PLC0415
    from crossbar_hil.runs.progress import make_progress  # noqa: PLC0415
    from crossbar_hil.runs.session import dry_run, train_and_record  # noqa: PLC0415

    overrides: dict[str, Any] = {}
    for name, value in settings.items():
        if value is not None:
            table, key = name.split("__")
            overrides.setdefault(table, {})[key] = value
    if spread is not None:
        overrides.setdefault("chip", {})["spread"] = {"low_siemens": spread[0], "high_siemens": spread[1]}
    checked = load_bench(bench, preset=preset, overrides=overrides)
    seed = fresh_seed() if seed is None else seed
    if checked.kind == "hardware" and not yes:
        rehearsal = dry_run(checked, seed=seed)
        _confirm(
            checked.kind,
            yes,
            f"training sends pulses of {checked.training.pulse} to the chip on bench {checked.name}; "
            f"a dry run {rehearsal.verdict} after {rehearsal.pulses} pulses in {rehearsal.epochs} epochs",
        )
    console = Console(stderr=True)
    with make_progress(console, quiet=quiet, epochs=checked.training.epochs) as progress:
        outcome = train_and_record(checked, seed=seed, out=out, preset=preset, label=label, show=progress.show)
    _told(outcome, seed=seed, no_report=no_report, as_json=as_json)


@cli.command()
@run_argument
@click.option("--no-report", is_flag=True, help="Draw no figures and write no report.")
@quiet_option
@yes_option
@out_option
@as_json
def resume(run: str, no_report: bool, quiet: bool, yes: bool, out: Path, as_json: bool) -> None:
    """Go on with a RUN that was interrupted, failed or died; no pulse is repeated."""
    from rich.console import Console  # noqa: PLC0415

    from crossbar_hil.runs.progress import make_progress  # noqa: PLC0415
    from crossbar_hil.runs.session import resume_and_record  # noqa: PLC0415
    from crossbar_hil.runs.store import find_run  # noqa: PLC0415

    spiking = snn_cli.spiking(run, out)
    if spiking is not None:
        snn_cli.resume(spiking, quiet=quiet, yes=yes, no_report=no_report, as_json=as_json)
        return
    found = find_run(run, out)
    _confirm(
        found.settings["kind"], yes, f"run {found.name} goes on with pulses to the chip {found.bench.chip_id or ''}"
    )
    with make_progress(Console(stderr=True), quiet=quiet, epochs=found.bench.training.epochs) as progress:
        outcome = resume_and_record(found, show=progress.show)
    _told(outcome, seed=found.settings["seed"], no_report=no_report, as_json=as_json)


@cli.command()
@run_argument
@out_option
@as_json
def verify(run: str, out: Path, as_json: bool) -> None:
    """Check the journal of a RUN, entry by entry: nothing missing, nothing changed, every pulse accounted for."""
    from crossbar_hil.runs.store import find_run  # noqa: PLC0415
    from crossbar_hil.runs.verification import verify_run  # noqa: PLC0415

    spiking = snn_cli.spiking(run, out)
    verdict = verify_run(find_run(run, out)) if spiking is None else snn_cli.verify(spiking)
    if as_json:
        print_json(
            run=run,
            entries=verdict.entries,
            head=verdict.head,
            pulses=verdict.pulses,
            in_doubt=verdict.in_doubt,
            problems=list(verdict.problems),
        )
    else:
        click.echo("\n".join(verdict.problems) if verdict.problems else verdict.summary)
    raise click.exceptions.Exit(COULD_NOT if verdict.problems else DONE)


@cli.command()
@out_option
@as_json
def runs(out: Path, as_json: bool) -> None:
    """List the recorded runs, the oldest first."""
    from crossbar_hil.runs.store import list_runs  # noqa: PLC0415

    keys = ("name", "kind", "status", "verdict", "epochs", "pulses", "error", "seed", "label")
    every = [*(run.settings for run in list_runs(out)), *snn_cli.listed(out)]
    found = [{key: run.get(key) for key in keys} for run in sorted(every, key=lambda run: str(run.get("name")))]
    if as_json:
        click.echo(json.dumps(found))
        return
    if not found:
        click.echo(f"no runs in {out}")
        return
    _table(["run", *keys[1:]], [[_text(each[key]) for key in keys] for each in found])


@cli.command()
@run_argument
@out_option
@as_json
def show(run: str, out: Path, as_json: bool) -> None:
    """Show the settings and the outcome of a RUN: its folder, its name or 'latest'."""
    from crossbar_hil.runs.store import find_run  # noqa: PLC0415
    from crossbar_hil.training.patterns import as_text  # noqa: PLC0415

    spiking = snn_cli.spiking(run, out)
    if spiking is not None:
        snn_cli.show(spiking, as_json)
        return
    found = find_run(run, out)
    if as_json:
        click.echo(json.dumps({"run": str(found.folder), **found.settings}))
        return
    for name, value in found.settings.items():
        shown = ", ".join(f"{key} {each}" for key, each in value.items()) if isinstance(value, dict) else _text(value)
        click.echo(f"{name:14}{printable(shown)}")
    if found.epochs and found.result.misses:
        click.echo("missed targets")
        for miss in found.result.misses:
            bits = as_text(found.result.patterns[miss.pattern])
            click.echo(
                f"  pattern {bits}  output {miss.output + 1}  activation {miss.activation:+.4f}  "
                f"target {miss.target:+.4g}  short by {miss.shortfall:.4g}"
            )


@cli.command()
@run_argument
@click.option("--to", "folder", type=click.Path(path_type=Path), help="Write a fresh report into this new folder.")
@out_option
@as_json
def report(run: str, folder: Path | None, out: Path, as_json: bool) -> None:
    """Write the report of a RUN, or say where it is if it is written already."""
    from crossbar_hil.runs.store import find_run  # noqa: PLC0415

    spiking = snn_cli.spiking(run, out)
    path = _report(find_run(run, out).folder, folder) if spiking is None else snn_cli.report(spiking, folder)
    if as_json:
        print_json(report=str(path))
    else:
        click.echo(path)


@cli.command()
@run_argument
@click.option("--to", "form", type=click.Choice(["csv", "netcdf"]), required=True, help="Format of the file.")
@click.option("--output", type=click.Path(path_type=Path), help="The new file; in the run's folder if not given.")
@out_option
@as_json
def export(run: str, form: str, output: Path | None, out: Path, as_json: bool) -> None:
    """Export a RUN: a CSV that PyMeasure opens, or NetCDF with labels and units."""
    from crossbar_hil.runs.export import export_run  # noqa: PLC0415
    from crossbar_hil.runs.store import find_run  # noqa: PLC0415

    path = export_run(find_run(run, out), form, output)
    if as_json:
        print_json(file=str(path))
    else:
        click.echo(path)


@cli.command()
@run_argument
@click.option("--patterns", type=click.Path(path_type=Path), help="Pattern file; every pattern in it is judged.")
@out_option
@as_json
def predict(run: str, patterns: Path | None, out: Path, as_json: bool) -> None:
    """Let the chip of a RUN, as training left it, judge patterns it was not trained on."""
    from crossbar_hil.runs.inference import predict_run  # noqa: PLC0415
    from crossbar_hil.runs.store import find_run  # noqa: PLC0415

    answer = predict_run(find_run(run, out), patterns)
    if as_json:
        click.echo(json.dumps(answer.as_dict()))
        return
    _table(
        ["pattern", "wanted", "says", "activations", ""],
        [
            [
                line.pattern,
                line.label,
                line.says,
                "  ".join(f"{value:+.3f}" for value in line.activations),
                line.verdict,
            ]
            for line in answer.lines
        ],
    )
    click.echo(answer.summary)


@cli.command()
@bench_argument
@click.option("--wiring", is_flag=True, help="Read every pair of lines too, to find open, shorted and swapped ones.")
@click.option(
    "--like",
    type=click.Path(path_type=Path),
    help="With --wiring: conductances as `read --json` printed them when the wiring was right, to find lines that "
    "stand in each other's place.",
)
@click.option("--voltage", default="100 mV", show_default=True, help="Read voltage of --wiring.")
@as_json
def check(bench: str, wiring: bool, like: Path | None, voltage: str, as_json: bool) -> None:
    """Name every problem of a BENCH at once; no voltage is sourced, except at read voltage with --wiring."""
    from crossbar_hil.bench.checking import check_bench, check_order, check_wiring, reachable_by_others  # noqa: PLC0415
    from crossbar_hil.bench.file import load_bench  # noqa: PLC0415
    from crossbar_hil.guard.opening import open_bench  # noqa: PLC0415
    from crossbar_hil.quantities import si  # noqa: PLC0415

    reference = None if like is None else _conductances_in(like)
    problems = check_bench(bench)
    if wiring and not problems:
        with open_bench(bench) as backend:
            problems = check_wiring(backend, si(voltage, "V"))
            if reference is not None and not problems:
                problems = check_order(backend.read_conductances(si(voltage, "V")), reference)
    notes = [] if problems else reachable_by_others(load_bench(bench))
    if as_json:
        print_json(bench=bench, problems=problems, notes=notes)
    else:
        for note in notes:
            click.echo(printable(note), err=True)
        click.echo("\n".join(map(printable, problems)) if problems else f"bench {bench} is sound")
    raise click.exceptions.Exit(COULD_NOT if problems else DONE)


@cli.command()
@bench_argument
@seed_option
@click.option("--voltage", default="100 mV", show_default=True, help="Read voltage.")
@as_json
def read(bench: str, seed: int | None, voltage: str, as_json: bool) -> None:
    """Read the conductance of every cell of a BENCH."""
    from crossbar_hil.guard.opening import open_bench  # noqa: PLC0415
    from crossbar_hil.quantities import si  # noqa: PLC0415

    with open_bench(bench, seed=seed) as backend:
        conductances = backend.read_conductances(si(voltage, "V"))
        kind = backend.kind
    if as_json:
        print_json(kind=kind, conductance_siemens=conductances.tolist())
        return
    _table(
        ["row", *(f"column {column + 1} (uS)" for column in range(conductances.shape[1]))],
        [[str(row + 1), *(f"{1e6 * value:.6g}" for value in line)] for row, line in enumerate(conductances)],
    )


@cli.command()
@bench_argument
@seed_option
@click.option("--cell", "cells", nargs=2, type=int, multiple=True, required=True, help="Row and column, from 1.")
@click.option("--pulses", default=50, show_default=True, help="Pulses of each kind.")
@click.option("--width", default="50 ms", show_default=True, help="Width of the pulses.")
@click.option("--amplitude", default="2 V", show_default=True, help="Height of the potentiating pulses.")
@click.option("--depress", default="-2.8 V", show_default=True, help="Height of the depressing pulses.")
@click.option("--voltage", default="100 mV", show_default=True, help="Read voltage.")
@click.option("--to", "folder", type=click.Path(path_type=Path), default=Path(), help="Folder for the files.")
@yes_option
@as_json
def characterise(
    bench: str,
    seed: int | None,
    cells: tuple[tuple[int, int], ...],
    pulses: int,
    width: str,
    amplitude: str,
    depress: str,
    voltage: str,
    folder: Path,
    yes: bool,
    as_json: bool,
) -> None:
    """Measure potentiation and depression of cells of a BENCH, into files that `train --curve` takes."""
    from crossbar_hil.backend import Pulse  # noqa: PLC0415
    from crossbar_hil.bench.characterisation import Step, write_curves  # noqa: PLC0415
    from crossbar_hil.bench.characterisation import characterise as measure  # noqa: PLC0415
    from crossbar_hil.guard.opening import open_bench  # noqa: PLC0415
    from crossbar_hil.quantities import si  # noqa: PLC0415

    up, down = (Pulse(si(height, "V"), si(width, "s")) for height in (amplitude, depress))
    files = []
    with open_bench(bench, seed=seed) as backend:
        _confirm(
            backend.kind,
            yes,
            f"{2 * pulses * len(cells)} pulses of {up} and {down} change {len(cells)} cell(s) for good",
        )
        for row, column in cells:
            path = folder / f"curve_r{row}_c{column}.csv"
            if path.exists():
                raise RunError(f"{path} exists already and is not overwritten")
            steps = measure(backend, (row - 1, column - 1), pulses=pulses, read_v=si(voltage, "V"), up=up, down=down)
            done: list[Step] = []
            try:
                for step in steps:
                    done.append(step)
            finally:  # whatever was measured is kept, also after a failure or Ctrl-C
                if done:
                    write_curves(path, done, f"{backend.kind} cell, row {row}, column {column}, read at {voltage}")
            files.append(str(path))
    if as_json:
        print_json(files=files)
    else:
        click.echo("\n".join(files))


@cli.command()
@bench_argument
@seed_option
@click.option("--port-file", type=click.Path(path_type=Path), help="Write the JSON line to this file too.")
def emulate(bench: str, seed: int | None, port_file: Path | None) -> None:
    """Serve the emulated instruments of a BENCH on loopback until stopped; prints name -> VISA resource as JSON."""
    from crossbar_hil.bench.opening import serve_emulated  # noqa: PLC0415

    with _ended_by_signal() as ended, serve_emulated(bench, seed=seed) as resources:
        line = json.dumps(dict(resources))
        if port_file is not None:
            port_file.write_text(line + "\n", encoding="utf-8")
        click.echo(line)
        ended.wait()


@cli.command()
@bench_argument
@as_json
def safe(bench: str, as_json: bool) -> None:
    """Make a BENCH safe now: sources to 0 V and off, every relay open; a run that is under way on it is stopped."""
    from crossbar_hil.bench.file import load_bench  # noqa: PLC0415
    from crossbar_hil.guard.opening import make_bench_safe  # noqa: PLC0415

    checked = load_bench(bench)
    failures = make_bench_safe(checked)
    if as_json:
        print_json(bench=bench, kind=checked.kind or "simulated", safe=not failures, failures=failures)
    else:
        click.echo("\n".join(failures) if failures else f"bench {bench} is safe: outputs off, relays open")
    raise click.exceptions.Exit(COULD_NOT if failures else DONE)


def _told(outcome: Any, *, seed: int, no_report: bool, as_json: bool) -> None:
    """Say how a training ended, and exit accordingly."""
    result = outcome.result
    report = None if no_report or result is None else _report(outcome.folder, fresh=True)
    if as_json:
        print_json(
            run=str(outcome.folder),
            kind=outcome.kind,
            status=outcome.status,
            converged=result is not None and result.converged,
            epochs=result.epochs if result is not None else 0,
            pulses=result.pulses if result is not None else 0,
            error=float(result.errors[-1]) if result is not None else None,
            verdict=result.verdict if result is not None else None,
            reason=outcome.reason or (result.reason if result is not None else ""),
            safe=outcome.safe["confirmed"] if outcome.safe is not None else None,
            seed=seed,
            report=str(report) if report else None,
        )
    else:
        if outcome.status == "interrupted":
            click.echo(f"{outcome.reason}; what was done is kept, go on with: crossbar-hil resume {outcome.folder}")
        if result is not None:
            click.echo(f"{result.verdict}: {result.reason}")
            click.echo(f"{result.pulses} pulses in {result.epochs} epochs, {outcome.kind} chip, seed {seed}")
        click.echo(f"run     {outcome.folder}")
        if report:
            click.echo(f"report  {report}")
    if outcome.status == "interrupted":
        raise click.exceptions.Exit(COULD_NOT)
    raise click.exceptions.Exit(DONE if result is not None and result.converged else NOT_CONVERGED)


def _conductances_in(path: Path) -> Any:
    """Read back what ``read --json`` printed."""
    from crossbar_hil.arrays import checked  # noqa: PLC0415

    try:
        found = json.loads(path.read_text(encoding="utf-8"))["conductance_siemens"]
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} is not what `read --json` printed: {error}") from error
    return checked(f"conductances of {path}", found, (None, None))


def _confirm(kind: str, yes: bool, what: str) -> None:
    """Ask before a real chip is changed."""
    if kind == "hardware" and not yes and not click.confirm(f"{what}. Go on?", err=True):
        raise click.exceptions.Exit(COULD_NOT)


@contextmanager
def _ended_by_signal() -> Iterator[threading.Event]:
    """Set an event at Ctrl-C or SIGTERM instead of dying."""
    ended = threading.Event()
    before = {each: signal.signal(each, lambda *_: ended.set()) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield ended
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _report(folder: Path, to: Path | None = None, *, fresh: bool = False) -> Path:
    """Write a report unless the run's own folder has one; a fresh one takes the place of that."""
    from crossbar_hil.runs.report import REPORT, make_report  # noqa: PLC0415
    from crossbar_hil.runs.store import load_run  # noqa: PLC0415

    written = folder / REPORT
    if to is None and written.exists() and not fresh:
        return written
    return make_report(load_run(folder), to, replace=fresh)


def _table(header: list[str], rows: list[list[str]]) -> None:
    rows = [[printable(cell) for cell in row] for row in rows]
    widths = [max(len(row[place]) for row in [header, *rows]) for place in range(len(header))]
    for row in [header, *rows]:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _text(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
