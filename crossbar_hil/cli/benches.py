"""The verbs for a bench: ``check``, ``read``, ``characterise``, ``emulate`` and ``safe``."""

import json
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from crossbar_hil.cli.common import (
    COULD_NOT,
    DONE,
    as_json,
    bench_argument,
    condition_options,
    confirm,
    echo_aside,
    given_tables,
    instrument_options,
    loading,
    phases,
    print_json,
    print_lines,
    print_table,
    quiet_option,
    say_seed,
    task_option,
    yes_option,
)
from crossbar_hil.errors import ConfigError, CrossbarError, RunError

if TYPE_CHECKING:
    from crossbar_hil.bench.file import Bench
    from crossbar_hil.bench.instruments import Seen
    from crossbar_hil.instrument import Identity

LOOKS = 3
"""Times that a chip is read to be held against a map: so that the noise of a reading is known."""
MAKING_SAFE = "making the bench safe"
FINDING_HEADROOM = "finding out how many pulses each cell has left"
seed_option = click.option("--seed", type=click.IntRange(min=0), help="Seed of a virtual chip; fresh if not given.")


@click.command()
@bench_argument
@task_option
@instrument_options
@click.option("--wiring", is_flag=True, help="Read every pair of lines too, to find open, shorted and swapped ones.")
@click.option(
    "--like",
    metavar="RUN|MAP",
    help="With --wiring: what `read --json` printed when the wiring was right, or a run that ended on this chip, to "
    "tell lines that stand in each other's place from a chip that has changed.",
)
@click.option("--voltage", default="100 mV", show_default=True, help="Read voltage of --wiring.")
@seed_option
@as_json
def check(
    bench: str, task: str | None, wiring: bool, like: str | None, voltage: str, seed: int | None, as_json: bool
) -> None:
    """Name every problem of a BENCH at once; no voltage is sourced, except at read voltage with --wiring."""
    with loading():
        import numpy as np  # noqa: PLC0415 - --help must not wait for it

        from crossbar_hil.bench.checking import check_bench, check_wiring  # noqa: PLC0415
        from crossbar_hil.bench.file import load_bench  # noqa: PLC0415
        from crossbar_hil.bench.line_order import find_order  # noqa: PLC0415
        from crossbar_hil.bench.opening import words_of_opening  # noqa: PLC0415
        from crossbar_hil.guard.opening import held_for_a_look, open_bench  # noqa: PLC0415
        from crossbar_hil.quantities import si  # noqa: PLC0415
        from crossbar_hil.twins.read_noise import find_read_noise  # noqa: PLC0415

    laid, trains = _laid(task)
    reference, conductances, order = None if like is None else _map_of(like), None, None
    with phases() as view:
        view.phase("asking the instruments who they are", brief=True)
        identities: dict[str, Identity] = {}
        with held_for_a_look(bench, laid) as seen:
            problems = check_bench(bench, _noted(seen, identities), task=laid, trains=trains)
        problems = problems or _of_another_chip(load_bench(bench, task=laid))
        if trains and not problems:
            view.phase("training virtual chips, to see whether [limits] are enough", brief=True)
            problems = _short_budgets(load_bench(bench, task=laid))
    if wiring and not problems:
        checked = load_bench(bench, task=laid)
        say_seed(checked, seed)
        with phases(checked) as view:
            view.phase(words_of_opening(checked), brief=not checked.instruments)
            with open_bench(bench, seed=seed, task=laid) as backend:
                view.phase("reading every pair of lines", brief=not checked.instruments)
                problems = check_wiring(backend, si(voltage, "V"))
                if not problems:
                    view.phase("reading every cell", brief=True)
                    conductances = backend.read_conductances(si(voltage, "V"))
                    if reference is not None:
                        again = [backend.read_conductances(si(voltage, "V")) for _ in range(LOOKS - 1)]
                        noise = find_read_noise(np.array([conductances, *again])).share
                        order = find_order(conductances, reference, noise)
                        problems = order.problems
                view.phase(MAKING_SAFE, brief=not checked.instruments)
    sound = None if problems else load_bench(bench, task=laid)
    notes = [] if sound is None else [*(order.notes if order else []), *_notes_of(sound, identities, trains)]
    left, reach = (None, "") if sound is None or not trains else _what_is_left(sound, conductances)
    if as_json:
        print_json(bench=bench, problems=problems, notes=notes, headroom=left and left.as_record(), reach=reach)
    else:
        print_lines(notes, err=True)
        print_lines(problems or [f"bench {bench}{f' with task {task}' if task else ''} is sound"])
        print_lines([*([] if left is None else left.lines), *([f"warning: {reach}"] if reach else [])])
    raise click.exceptions.Exit(COULD_NOT if problems else DONE)


@click.command()
@bench_argument
@instrument_options
@seed_option
@click.option("--voltage", default="100 mV", show_default=True, help="Read voltage.")
@click.option(
    "--repeat",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Read so often, print the means, and say how noisy a reading is.",
)
@click.option("--to", "folder", type=click.Path(path_type=Path), help="New folder for the map, figures and a report.")
@condition_options
@as_json
def read(
    bench: str, seed: int | None, voltage: str, repeat: int, folder: Path | None, as_json: bool, **given: str | None
) -> None:
    """Read the conductance of every cell of a BENCH, and say how many pulses each has left on its curve."""
    with loading():
        import numpy as np  # noqa: PLC0415 - --help must not wait for it

        from crossbar_hil.bench.file import load_bench  # noqa: PLC0415
        from crossbar_hil.bench.headroom import headroom  # noqa: PLC0415
        from crossbar_hil.bench.opening import words_of_opening  # noqa: PLC0415
        from crossbar_hil.guard.opening import open_bench  # noqa: PLC0415
        from crossbar_hil.guard.since import pulses_since_calibration  # noqa: PLC0415
        from crossbar_hil.guard.watch import NOTHING_THERE, OPEN_SIEMENS  # noqa: PLC0415
        from crossbar_hil.quantities import si  # noqa: PLC0415
        from crossbar_hil.results.chip_map import read_chip  # noqa: PLC0415
        from crossbar_hil.twins.read_noise import find_read_noise  # noqa: PLC0415

        if folder is not None and folder.exists():
            raise RunError(f"--to {folder} exists already and is not overwritten; nothing was read")
        tables = given_tables(given)
        checked = load_bench(bench, overrides=tables)
    say_seed(checked, seed)
    with phases(checked) as view:
        view.phase(words_of_opening(checked), brief=not checked.instruments)
        with open_bench(bench, seed=seed, overrides=tables) as backend:
            view.phase("reading every cell" + (f", {repeat} times" if repeat > 1 else ""), brief=True)
            found = read_chip(backend, si(voltage, "V"), reads=repeat)
            levels = backend.state().get("level")
            view.phase(MAKING_SAFE, brief=not checked.instruments)
    conductances = found.conductances
    if np.abs(conductances).max() < OPEN_SIEMENS:
        click.echo(f"warning: {NOTHING_THERE}", err=True)
    with phases() as view:
        view.phase(FINDING_HEADROOM, brief=True)
        left = headroom(checked, conductances, levels, pulses_since_calibration(checked))
    noise = find_read_noise(found.readings) if repeat > 1 else None
    record = {"kind": found.kind, "conductance_siemens": conductances.tolist(), "headroom": left.as_record()}
    record |= {} if noise is None else {"read_noise": noise.as_record()}
    record |= {"conditions": checked.conditions.said} if checked.conditions.said else {}
    kept: list[str] = []
    if folder is not None:
        from crossbar_hil.cli.measuring import keep_reading  # noqa: PLC0415

        said = [line for line in [checked.conditions.line] if line]
        lines = [*said, left.summary, *([] if noise is None else [noise.sentence])]
        about = f"bench {checked.name}, {found.kind} chip, read {repeat} time{'s' * (repeat > 1)} at {voltage}"
        kept = keep_reading(folder, record, lines, about)
    if as_json:
        print_json(**record)
        return
    print_table(
        ["row", *(f"column {column + 1} (uS)" for column in range(conductances.shape[1]))],
        [[str(row + 1), *(f"{1e6 * value:.6g}" for value in line)] for row, line in enumerate(conductances)],
    )
    print_lines([*left.lines, *([] if noise is None else [noise.sentence]), *kept])


@click.command()
@bench_argument
@instrument_options
@seed_option
@click.option("--cell", "cells", nargs=2, type=int, multiple=True, required=True, help="Row and column, from 1.")
@click.option("--pulses", default=50, show_default=True, help="Pulses of each kind.")
@click.option("--width", default="50 ms", show_default=True, help="Width of the pulses.")
@click.option("--amplitude", default="2 V", show_default=True, help="Height of the potentiating pulses.")
@click.option("--depress", default="-2.8 V", show_default=True, help="Height of the depressing pulses.")
@click.option("--voltage", default="100 mV", show_default=True, help="Read voltage.")
@click.option("--reads", default=3, show_default=True, help="Reads of each step; how they differ is the noise.")
@click.option("--rest", default=40, show_default=True, help="Reads at rest, to see relaxation.")
@click.option(
    "--to",
    "to",
    type=click.Path(path_type=Path),
    default=Path(),
    help="Folder for the files, or the .csv file for the curve of the kind.",
)
@condition_options
@quiet_option
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
    reads: int,
    rest: int,
    to: Path,
    quiet: bool,
    yes: bool,
    as_json: bool,
    **given: str | None,
) -> None:
    """Measure potentiation and depression of cells of a BENCH, into files that `train --curve` takes.

    Of several cells each has a file as it was read, and there is one more: the curve of the kind that they are of,
    without what noise makes of it, below what was found of noise, relaxation and spread. The file of one cell has the
    same, but what one cell cannot tell. A picture of the curve stands beside it.
    """
    with loading(quiet=quiet):
        from crossbar_hil.backend import Pulse  # noqa: PLC0415
        from crossbar_hil.bench.characterisation import (  # noqa: PLC0415
            Step,
            curves_of,
            how_sure,
            kind_of_cells,
            pulses_and_steps,
            write_curves,
        )
        from crossbar_hil.bench.characterisation import characterise as measure  # noqa: PLC0415
        from crossbar_hil.bench.file import load_bench  # noqa: PLC0415
        from crossbar_hil.bench.opening import words_of_opening  # noqa: PLC0415
        from crossbar_hil.cli.measuring import Told, draw, prove  # noqa: PLC0415
        from crossbar_hil.guard.opening import open_bench  # noqa: PLC0415
        from crossbar_hil.quantities import si  # noqa: PLC0415

    up, down = (Pulse(si(height, "V"), si(width, "s")) for height in (amplitude, depress))
    paths, of_kind = _files_of(cells, to)
    picture = of_kind.with_suffix(".png")
    if len(set(cells)) < len(cells):
        raise ConfigError(f"--cell {' '.join(map(str, max(cells, key=cells.count)))} is given twice")
    prove(dict.fromkeys((*paths, of_kind, picture, picture.with_suffix(".html"))))
    measured: list[list[Step]] = []
    many, total = pulses_and_steps(pulses, rest)
    tables = given_tables(given)
    loaded = load_bench(bench, overrides=tables)
    say_seed(loaded, seed)
    with phases(loaded, quiet=quiet) as view:
        view.phase(words_of_opening(loaded), brief=not loaded.instruments)
        with open_bench(bench, seed=seed, overrides=tables) as backend:
            each_cell = [  # checked, all of them, before anything is sent
                measure(
                    backend,
                    (row - 1, column - 1),
                    pulses=pulses,
                    read_v=si(voltage, "V"),
                    up=up,
                    down=down,
                    reads=reads,
                    rest=rest,
                    clock=time.monotonic if backend.kind == "hardware" else None,
                )
                for row, column in cells
            ]
            view.hide()
            confirm(
                backend.kind,
                yes,
                f"{len(cells) * many} pulses of {up} and {down} change {len(cells)} cell(s) for good",
            )
            said = [line for line in [loaded.conditions.line] if line]
            where = [f"{backend.kind} cell, row {row}, column {column}, read at {voltage}" for row, column in cells]
            told = Told(view, total, len(cells))
            for cell, steps, path, comment in zip(cells, each_cell, paths, where, strict=True):
                done: list[Step] = []
                try:
                    for step in told.handed_out(steps, cell):
                        done.append(step)
                    measured.append(done)
                finally:  # whatever was measured is kept, also after a failure or Ctrl-C
                    if done and (len(cells) > 1 or not measured):
                        write_curves(path, done, comment, said)
            curve, facts = kind_of_cells(measured)
            facts += how_sure(measured)
            # kept before the bench is left, which may fail
            write_curves(of_kind, curve, "; ".join(where), [*said, *facts])
            view.phase(MAKING_SAFE, brief=not loaded.instruments)
        view.phase("drawing the curve", brief=True)
        measured_files = list(dict.fromkeys((*paths, of_kind)))
        drawn = draw(
            picture, curves_of(curve), "; ".join(where), [*said, *facts], [path.name for path in measured_files]
        )
    files = [str(path) for path in (*measured_files, picture, picture.with_suffix(".html"))]
    if as_json:
        print_json(files=files, facts=facts)
    else:
        print_lines([*drawn, *facts, *files])


def _of_another_chip(bench: Any) -> list[str]:
    """Say if the cells that a bench leaves out are those of another chip."""
    from crossbar_hil.survey.on_bench.surveying import check_cells  # noqa: PLC0415

    try:
        check_cells(bench, None)
    except CrossbarError as error:
        return [str(error)]
    return []


def _files_of(cells: tuple[tuple[int, int], ...], to: Path) -> tuple[list[Path], Path]:
    """Return the file of each cell, and that of the kind that they are of, which is one and the same of one cell."""
    if len(cells) == 1:
        (row, column), *_ = cells
        of_kind = to if to.suffix == ".csv" else to / f"curve_r{row}_c{column}.csv"
        return [of_kind], of_kind
    folder = to.parent if to.suffix == ".csv" else to
    of_kind = to if to.suffix == ".csv" else to / f"curve_of_{len(cells)}_cells.csv"
    return [folder / f"curve_r{row}_c{column}.csv" for row, column in cells], of_kind


@click.command()
@bench_argument
@seed_option
@click.option("--port-file", type=click.Path(path_type=Path), help="Write the JSON line to this file too.")
def emulate(bench: str, seed: int | None, port_file: Path | None) -> None:
    """Serve the emulated instruments of a BENCH on loopback until stopped; prints name -> VISA resource as JSON."""
    with loading():
        from crossbar_hil.bench.opening import serve_emulated  # noqa: PLC0415
        from crossbar_hil.guard.storage import replace_file  # noqa: PLC0415

    with _ended_by_signal() as ended, phases() as view:
        view.phase("starting the emulated instruments", brief=True)
        with serve_emulated(bench, seed=seed) as resources:
            view.hide()
            line = json.dumps(dict(resources))
            if port_file is not None:
                replace_file(port_file, line + "\n")
            click.echo(line)
            ended.wait()


@click.command()
@bench_argument
@instrument_options
@as_json
def safe(bench: str, as_json: bool) -> None:
    """Make a BENCH safe now: sources to 0 V and off, every relay open; a run that is under way on it is stopped."""
    from crossbar_hil.bench.file import load_bench  # noqa: PLC0415
    from crossbar_hil.guard.opening import make_bench_safe  # noqa: PLC0415

    checked = load_bench(bench)
    try:
        with phases(checked) as view:
            view.phase(MAKING_SAFE, brief=True)
            failures = make_bench_safe(checked, tell=lambda text: echo_aside(view, text, err=True))
    except KeyboardInterrupt as stopped:
        stopped.add_note(
            f"bench {bench} may not be safe, as making it safe was interrupted: do it again, or look at it"
        )
        raise
    if as_json:
        print_json(bench=bench, kind=checked.kind or "simulated", safe=not failures, failures=failures)
    else:
        click.echo("\n".join(failures) if failures else f"bench {bench} is safe: outputs off, relays open")
    raise click.exceptions.Exit(COULD_NOT if failures else DONE)


def _noted(seen: "Seen", identities: dict[str, "Identity"]) -> "Seen":
    """Return what is told of each instrument that has said who it is: it tells `seen`, and keeps it."""

    def look(name: str, identity: "Identity") -> None:
        seen(name, identity)
        identities[name] = identity

    return look


def _laid(task: str | None) -> tuple[Any, bool]:
    """Return what is laid over a bench, and whether it trains on patterns: a spiking network does not.

    The task of one is read from its file, with its samples; any other is its name alone.
    """
    from crossbar_hil.spiking.tasks.small import SmallTask, is_task_file  # noqa: PLC0415 - --help must not wait for it

    if task is None or not (is_task_file(task) or task in SmallTask.names()):
        return task, True
    laid = SmallTask.read(task)
    laid.samples()
    return laid, False


def _notes_of(bench: "Bench", identities: Mapping[str, "Identity"], trains: bool) -> list[str]:
    """Say what a person should know of a sound bench: who reaches it, how an epoch is read, how worn its relays are."""
    from crossbar_hil.bench.checking import reachable_by_others  # noqa: PLC0415 - --help must not wait for it
    from crossbar_hil.bench.foretelling import epoch_reads  # noqa: PLC0415
    from crossbar_hil.guard.opening import wear_of_matrix  # noqa: PLC0415

    found = reachable_by_others(bench)
    if not trains:
        found.append("pulses of a spiking network are not foretold, so [limits] are not held against them")
    elif said := epoch_reads(bench):
        found.append(f"an epoch reads {said}")
    if bench.wiring is not None and bench.kind == "hardware":
        found += wear_of_matrix(bench, identities.get(bench.wiring.matrix))
    return found


VERBS = (check, read, characterise, emulate, safe)


def _what_is_left(bench: Any, conductances: Any) -> tuple[Any, str]:
    """Return the headroom of the cells of a sound bench, and a warning of what its training may reach."""
    from crossbar_hil.bench.foretelling import warning_of_reach  # noqa: PLC0415
    from crossbar_hil.bench.headroom import headroom  # noqa: PLC0415 - --help must not wait for it
    from crossbar_hil.guard.since import pulses_since_calibration  # noqa: PLC0415

    with phases() as view:
        view.phase(FINDING_HEADROOM, brief=True)
        left = headroom(bench, conductances, since=pulses_since_calibration(bench))
        return left, warning_of_reach(bench)


def _short_budgets(bench: Any) -> list[str]:
    """Name the budgets of a bench that its training cannot keep, after what the ledger of a real chip holds."""
    from crossbar_hil.errors import CrossbarError  # noqa: PLC0415
    from crossbar_hil.guard.ledger import DoseLedger, default_path  # noqa: PLC0415 - --help must not wait for it
    from crossbar_hil.studies.convergence.budgets import find_short_budgets  # noqa: PLC0415

    spent = 0, 0.0
    try:
        if bench.kind == "hardware" and bench.chip_id and default_path(bench.chip_id).exists():
            ledger = DoseLedger.open(default_path(bench.chip_id), bench.wiring.shape)
            pulses, dose_vs = ledger.totals()
            ledger.close()
            spent = int(pulses.max()), float(dose_vs.max())
        return [f"bench {bench.name}: {each}" for each in find_short_budgets(bench, spent)]
    except CrossbarError as error:
        return [f"bench {bench.name}: {error}"]


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


def _map_of(like: str) -> Any:
    """Return the conductances (R, C) of a map, in siemens, or those in which a run left its chip."""
    from crossbar_hil.bench.start_map import read_map  # noqa: PLC0415 - --help must not wait for it
    from crossbar_hil.runs.store import find_run  # noqa: PLC0415

    if Path(like).is_file():
        return read_map(Path(like), what="map")
    return find_run(like, Path("runs")).result.conductances[-1]
