"""The verbs for recorded runs, whatever they trained."""

import json
import sys
from collections.abc import Iterator, Sequence
from itertools import groupby, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from crossbar_hil.cli.common import (
    COULD_NOT,
    DONE,
    NOT_CONVERGED,
    as_json,
    confirm,
    instrument_options,
    loading,
    no_report_option,
    out_option,
    phases,
    print_json,
    print_lines,
    print_table,
    quiet_option,
    run_argument,
    yes_option,
)
from crossbar_hil.cli.completion import complete_run
from crossbar_hil.errors import DataError
from crossbar_hil.text import counted, shortened

TO_HELP = (
    "csv: a line a step, for PyMeasure. netcdf: named arrays with units, CF-1.8. pulses: a line a read or pulse of a "
    "cell. crate: an RO-Crate of one RUN or several."
)

if TYPE_CHECKING:
    from crossbar_hil.runs.run import Run, RunOutcome

WIDEST_VALUE = 24
"""Letters of a value that have a column of their own in `show`."""
DRAWING = "drawing the figures and writing the report"
"""What somebody waits for after a training."""


@click.command()
@run_argument
@click.option(
    "--accept-change",
    is_flag=True,
    help="This is the chip that the run left, although cells without a pulse read otherwise: go on from what they "
    "read now, and write the change into the journal.",
)
@instrument_options
@no_report_option
@quiet_option
@yes_option
@out_option
@as_json
def resume(run: str, accept_change: bool, no_report: bool, quiet: bool, yes: bool, out: Path, as_json: bool) -> None:
    """Go on with a RUN that was interrupted, failed or died; no pulse is repeated."""
    with loading(quiet=quiet):
        from crossbar_hil.runs.store import find_run  # noqa: PLC0415 - --help must not wait for it

        found = find_run(run, out)

    def agree(kind: str) -> bool:
        if kind == "emulated" and _varies(found.bench):
            click.echo(
                "note    readings of the epoch that was cut off are made anew, with noise and a time of their own, so "
                "the rest differs from a run that was not interrupted; no pulse is sent twice",
                err=True,
            )
        if kind == "hardware":
            although = ", whatever cells without a pulse read" if accept_change else ""
            chip = f"the chip {found.bench.chip_id or ''}"
            confirm(kind, yes, f"run {found.name} goes on with pulses to {chip}{although}")
        return True

    outcome = found.resume(quiet=quiet, agree=agree, accept_change=accept_change)
    tell_outcome(outcome, no_report=no_report, as_json=as_json, quiet=quiet)


@click.command()
@run_argument
@out_option
@as_json
def verify(run: str, out: Path, as_json: bool) -> None:
    """Check the journal of a RUN, entry by entry, and every number of its record against it.

    Nothing is missing, nothing was changed, every pulse is accounted for; each difference is a line.

    The folder of a session that was no run, such as a calibration, can be given too: docs/safety.md says where it is.
    """
    with loading():
        from crossbar_hil.runs.audit.verification import verify_run, verify_session  # noqa: PLC0415
        from crossbar_hil.runs.store import find_run, is_session  # noqa: PLC0415

    folder = Path(run)
    with phases() as view:
        view.phase("reading the journal, and training again by it", brief=True)
        found = None if is_session(folder) else find_run(run, out)
        verdict = verify_session(folder) if found is None else verify_run(found)
    if as_json:
        print_json(
            run=str(folder if found is None else found.folder),
            entries=verdict.entries,
            head=verdict.head,
            pulses=verdict.pulses,
            in_doubt=verdict.in_doubt,
            problems=list(verdict.problems),
        )
    else:
        print_lines(verdict.problems or [verdict.summary])
    raise click.exceptions.Exit(COULD_NOT if verdict.problems else DONE)


@click.command()
@click.option("--sort", metavar="FIELD", help="Order; -FIELD for the largest first.  [default: the oldest first]")
@click.option(
    "--where",
    "wanted",
    multiple=True,
    metavar="CONDITION",
    help="Only runs that fit, such as 'epochs<20', 'bench=emulated' or 'label=wafer 3*'; of several all must.",
)
@click.option(
    "--limit",
    type=click.IntRange(1, sys.maxsize),
    metavar="N",
    help="Only so many: the newest, or the first by --sort.",
)
@out_option
@as_json
def runs(sort: str | None, wanted: tuple[str, ...], limit: int | None, out: Path, as_json: bool) -> None:
    """List the runs, the oldest first, those that never began among them.

    FIELD is started, label, name, kind, bench, chip, status, verdict, epochs, pulses, error, accuracy or seed. A
    CONDITION is a field, one of = != < <= > >=, and a value, in which * stands for any letters.
    """
    from crossbar_hil.runs.many.conditions import Condition, check_field, sorted_by  # noqa: PLC0415
    from crossbar_hil.runs.many.listing import newest_rows  # noqa: PLC0415 - --help must not wait for it

    conditions = [Condition.parse(each) for each in wanted]
    if sort is not None:
        check_field(sort.removeprefix("-"))
    fitting = (row for row in newest_rows(out) if all(each.fits(row.fields) for each in conditions))
    found = list(islice(fitting, limit if sort is None else None))[::-1]
    if sort is not None:
        found = sorted_by(found, sort)[:limit]
    keys = ("name", "kind", "status", "verdict", "epochs", "pulses", "error", "seed", "label")
    listed = [{key: row.fields[key] for key in keys} for row in found]
    if as_json:
        click.echo(
            json.dumps([{**each, "bench": row.fields["bench"]} for each, row in zip(listed, found, strict=True)])
        )
    elif found:
        print_table(
            ["run", *keys[1:]],
            [[_text(each[key]) for key in keys[:-1]] + [shortened(_text(each["label"]))] for each in listed],
        )
    else:
        click.echo(f"no runs in {out}{' that fit' if conditions else ''}")


@click.command()
@click.argument("names", metavar="RUN RUN ...", nargs=-1, required=True, shell_complete=complete_run)
@out_option
@as_json
def compare(names: tuple[str, ...], out: Path, as_json: bool) -> None:
    """Lay runs side by side: settings that differ first, then what each came to.

    A RUN is a folder, a name, the start of a name, or 'latest'; of trainings and of spiking networks alike.
    """
    from crossbar_hil.runs.many.comparison import compare as lay_side_by_side  # noqa: PLC0415
    from crossbar_hil.runs.store import find_run  # noqa: PLC0415 - --help must not wait for it

    if len(names) < 2:
        raise click.UsageError("compare takes two runs or more")
    found = [find_run(each, out) for each in names]
    lines = lay_side_by_side(found, (run.wear() for run in found))
    if as_json:
        told = {name: [each.as_record() for each in of_one] for name, of_one in lines.items() if name != "same"}
        print_json(runs=[str(run.folder) for run in found], **told, same=len(lines["same"]))
        return
    numbers = [str(number) for number in range(1, len(found) + 1)]
    print_lines(f"{number}  {run.name}" for number, run in zip(numbers, found, strict=True))
    own = [each for each in lines["partly"] if each.said]
    tables = {"these settings differ": lines["differ"], "these not all of them have": own, "outcome": lines["outcome"]}
    for heading, of_one in tables.items():
        if of_one:
            click.echo()
            rows = [[each.key, *("-" if text is None else text for text in each.texts)] for each in of_one]
            if heading == "outcome":
                rows = [[shortened(text) for text in row] for row in rows]
            print_table([heading, *numbers], rows)
    usual = len(lines["partly"]) - len(own)
    words = [f"{counted(len(lines['same']), 'setting')} are the same in all"]
    words += [f"{usual} that not all of them have are at their defaults"] if usual else []
    click.echo(f"\n{', '.join(words)}")


@click.command()
@run_argument
@out_option
@as_json
def show(run: str, out: Path, as_json: bool) -> None:
    """Show the outcome and every setting of a RUN: its folder, its name or 'latest'."""
    from crossbar_hil.runs.store import find_run  # noqa: PLC0415

    found = find_run(run, out)
    if as_json:
        print_json(run=str(found.folder), **found.settings, tables=found.tables)
    else:
        print_lines(_lines_of(found))


@click.command()
@run_argument
@click.option("--to", "folder", type=click.Path(path_type=Path), help="Write a fresh report into this new folder.")
@out_option
@as_json
def report(run: str, folder: Path | None, out: Path, as_json: bool) -> None:
    """Write the report of a RUN, or say where it is if it is written already."""
    with loading():
        from crossbar_hil.runs.report import make_report, report_of  # noqa: PLC0415
        from crossbar_hil.runs.store import find_run  # noqa: PLC0415

        found = find_run(run, out)
    with phases() as view:
        view.phase(DRAWING, brief=True)
        path = report_of(found) if folder is None else make_report(found, folder)
    if as_json:
        print_json(report=str(path))
    else:
        click.echo(path)


@click.command()
@click.argument("names", metavar="[RUN]...", nargs=-1, shell_complete=complete_run)
@click.option("--to", "form", type=click.Choice(["csv", "netcdf", "pulses", "crate"]), required=True, help=TO_HELP)
@click.option("--where", "wanted", multiple=True, metavar="CONDITION", help="Crate of all runs that fit; see `runs`.")
@click.option("--output", type=click.Path(path_type=Path), help="New file or folder; in the run's folder if not given.")
@click.option("--licence", help="Of the data in a crate: its address, or its SPDX identifier such as CC-BY-4.0.")
@click.option("--title", default="", help="Of a crate.")
@out_option
@as_json
def export(
    names: tuple[str, ...],
    form: str,
    wanted: tuple[str, ...],
    output: Path | None,
    licence: str | None,
    title: str,
    out: Path,
    as_json: bool,
) -> None:
    """Export a RUN to another program, or runs to an archive: an RO-Crate says who made them with what."""
    with loading():
        from crossbar_hil.runs.exports.crate import export_crate  # noqa: PLC0415 - --help must not wait for it
        from crossbar_hil.runs.exports.export import export_run  # noqa: PLC0415
        from crossbar_hil.runs.many.conditions import Condition  # noqa: PLC0415
        from crossbar_hil.runs.many.listing import newest_rows  # noqa: PLC0415
        from crossbar_hil.runs.store import find_run, load_run  # noqa: PLC0415

    if form != "crate" and (len(names) != 1 or wanted or licence is not None or title):
        raise click.UsageError(f"--to {form} takes one RUN; several, --where, --licence and --title go with --to crate")
    found = [find_run(each, out) for each in names]
    if wanted:
        conditions = [Condition.parse(each) for each in wanted]
        fitting = (row for row in newest_rows(out) if all(each.fits(row.fields) for each in conditions))
        found += [load_run(row.folder) for row in fitting]
    if not found:
        raise click.UsageError(f"no run in {out} fits" if wanted else "no run to export: name a RUN, or give --where")
    if len(found) > 1 and output is None:
        raise click.UsageError(f"a crate of {len(found)} runs needs --output, the new folder or .zip file")
    licence = licence or (_ask_licence() if form == "crate" else None)
    with phases() as view:
        view.phase("writing the file", brief=True)
        if licence is None:
            path = export_run(found[0], form, output)
        else:
            path = export_crate(found, output or found[0].folder / "crate", licence=licence, title=title)
    if as_json:
        print_json(file=str(path))
    else:
        click.echo(path)


def _ask_licence() -> str:
    """Ask under which licence data are handed out; nobody else can know.

    Raises
    ------
    DataError
        If nobody can answer, as there is no terminal.
    """
    try:
        return str(click.prompt("licence of the data, such as CC-BY-4.0", err=True))
    except click.Abort as error:
        if isinstance(error.__context__, EOFError):
            raise DataError("a crate says under which licence its data are: --licence CC-BY-4.0, for example") from None
        raise


@click.command()
@run_argument
@instrument_options
@click.option("--patterns", type=click.Path(path_type=Path), help="Pattern file; every pattern in it is judged.")
@click.option(
    "--repeat",
    type=click.IntRange(min=1),
    help="Reads of each pattern; the most frequent answer counts.  [default: 20 if readings vary, else 1]",
)
@out_option
@as_json
def predict(run: str, patterns: Path | None, repeat: int | None, out: Path, as_json: bool) -> None:
    """Let the chip of a RUN, as training left it, judge patterns it was not trained on."""
    with loading():
        from crossbar_hil.runs.store import find_run  # noqa: PLC0415

        found = find_run(run, out)
    with phases(None if found.kind == "simulated" else found.bench) as view:
        answer = found.predict(patterns, repeat=repeat, phase=view.phase)
    if as_json:
        print_json(**answer.as_dict())
        return
    again = answer.reads > 1
    print_table(
        ["pattern", "wanted", "says", "activations", *(["same answer"] if again else []), ""],
        [
            [
                *(line.pattern, line.label, line.says, "  ".join(f"{each:+.3f}" for each in line.activations)),
                *([f"{line.same} of {answer.reads}"] if again else []),
                line.verdict,
            ]
            for line in answer.lines
        ],
    )
    click.echo(answer.summary)


VERBS = (resume, runs, compare, show, report, export, verify, predict)


def tell_outcome(
    outcome: "RunOutcome", *, no_report: bool, as_json: bool, target: float | None = None, quiet: bool = False
) -> None:
    """Say how a training ended, draw its report, and exit accordingly."""
    from crossbar_hil.runs.store import load_run  # noqa: PLC0415

    run = load_run(outcome.folder)
    ending, done = run.ending(target), outcome.status == "done"
    if not as_json:  # before the report is drawn, which takes longer than many a training
        go_on = f"{outcome.reason}; what was done is kept, go on with: crossbar-hil resume {run.folder}"
        print_lines([*([] if done else [go_on]), *ending.lines, f"run     {run.folder}"])
    page = None
    if ending.drawable and not no_report:
        with phases(quiet=quiet) as view:
            view.phase(DRAWING)
            from crossbar_hil.runs.report import make_report  # noqa: PLC0415 - jinja2 takes a while

            page = make_report(run, replace=True)
    if as_json:
        print_json(
            run=str(run.folder),
            kind=outcome.kind,
            status=outcome.status,
            **ending.record,
            reason=run.facts["reason"],
            safe=outcome.safe["confirmed"] if outcome.safe is not None else None,
            seed=run.facts["seed"],
            report=str(page) if page else None,
        )
    elif page:
        click.echo(f"report  {page}")
    if not done:
        raise click.exceptions.Exit(COULD_NOT)
    raise click.exceptions.Exit(DONE if ending.reached else NOT_CONVERGED)


def _lines_of(run: "Run") -> Iterator[str]:
    """Yield what a person wants to see of a run: facts, settings that are not the usual ones, then every setting."""
    from crossbar_hil.runs.told_facts import told_facts  # noqa: PLC0415

    told = told_facts(run.facts)
    width = max(len(name) for name, _ in told)
    yield from (f"{name:{width}}  {text}" for name, text in told)
    yield from run.details()
    settings = run.all_settings
    changed = [each for each in settings if each.changed]
    yield ""
    if settings:
        yield "settings that differ from their defaults" if changed else "every setting has its default"
    yield from _in_columns([(f"  {each.key}", each.text, f"default {each.usual}") for each in changed])
    for table, of_table in groupby(settings, key=lambda each: each.table):
        yield ""
        yield f"[{table}]"
        yield from _in_columns([(each.name, each.text, each.about) for each in of_table])


def _in_columns(rows: Sequence[tuple[str, str, str]]) -> Iterator[str]:
    """Yield names, values and what they are below each other; a longer value moves what follows it alone."""
    names = max((len(name) for name, _, _ in rows), default=0)
    values = max((len(value) for _, value, _ in rows if len(value) <= WIDEST_VALUE), default=0)
    yield from (f"{name:{names}}  {value:{values}}  {about}".rstrip() for name, value, about in rows)


def _varies(bench: Any) -> bool:
    """Say whether two readings of the chip of an emulated bench differ by noise or time."""
    return bool(bench.noisy or (bench.chip and (bench.chip.relaxation or bench.chip.drift)))


def _text(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
