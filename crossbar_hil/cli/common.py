"""What the verbs of the command line share: exit codes, options, and how they ask and print."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from crossbar_hil.cli.completion import complete_bench, complete_run, complete_task
from crossbar_hil.errors import ConfigError, DataError
from crossbar_hil.text import printable, table_lines

if TYPE_CHECKING:
    from crossbar_hil.bench.file import Bench
    from crossbar_hil.screen.view import NothingShown

F = TypeVar("F", bound=Callable[..., Any])
DONE, COULD_NOT, BAD_USAGE, NOT_CONVERGED = 0, 1, 2, 3

run_argument = click.argument("run", shell_complete=complete_run)
bench_argument = click.argument("bench", shell_complete=complete_bench)
as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON line instead of text.")
quiet_option = click.option("--quiet", is_flag=True, help="Show no progress.")
yes_option = click.option("--yes", is_flag=True, help="Answer yes to every question.")
no_report_option = click.option("--no-report", is_flag=True, help="Draw no figures and write no report.")
label_option = click.option("--label", default="", help="A word of yours, kept with the run.")
_allow_loopback_option = click.option(
    "--allow-loopback",
    is_flag=True,
    expose_value=False,
    callback=lambda context, _, given: _allow_loopback(context) if given else None,
    help="Take what answers on this machine for a real instrument, if the bench is hardware: the end of a tunnel.",
)
RECORD_OPTION = "--record-visa"
_record_visa_option = click.option(
    RECORD_OPTION,
    metavar="FILE",
    expose_value=False,  # `crossbar_hil.cli.verbs.main` has taken it, for any verb, before a verb is looked for
    help="Keep every exchange with instruments in a new FILE, which replays as a test.",
)
task_option = click.option(
    "--task",
    shell_complete=complete_task,
    metavar="NAME",
    help="Published experiment laid over the bench, with its patterns, size and settings: `tasks` lists them.",
)
out_option = click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=True),
    default=Path("runs"),
    show_default=True,
    help="Folder that holds run folders.",
)

_CONDITIONS = (
    ("operator", "NAME", "Who measures."),
    ("orcid", "ID", "ORCID iD of who measures."),
    ("institution", "NAME", "Where that person works."),
    ("project", "NAME", "Project, or number of the grant."),
    ("sample", "NAME", "Wafer, die or device, as the lab names it."),
    ("temperature", "TEMPERATURE", 'Temperature of the sample, with its unit: "25 degC" or "298 K".'),
    ("atmosphere", "WORDS", 'What surrounds the sample, such as "vacuum".'),
)

SPREAD_OF_HELP = (
    "Chips of the kind of a measured one: geometric mean and spread of its cells, as `read --json` printed them."
)
PRESET_HELP = "Settings laid over the bench: 'reference', or those of a published array: 'kim2021', 'gong2022'."
DEVICE_SPREAD_HELP = 'Relative spread of the cells about the start of the curve, such as "10 %".'


def _allow_loopback(context: click.Context) -> None:
    from crossbar_hil.owners.addresses import loopback_allowed  # noqa: PLC0415 - --help must not wait for it

    context.with_resource(loopback_allowed())


def instrument_options(verb: F) -> F:
    """Give a verb the options of those that may speak to real instruments."""
    return _allow_loopback_option(_record_visa_option(verb))


def phases(bench: "Bench | None" = None, *, quiet: bool = False) -> "NothingShown":
    """Return what tells on standard error what somebody waits for; by lines where a bench asks a person, too."""
    from rich.console import Console  # noqa: PLC0415 - --help must not wait for it

    from crossbar_hil.screen.terminal import make_phases  # noqa: PLC0415

    return make_phases(Console(stderr=True), quiet=quiet, lines=bench is not None and bench.is_by_hand)


def echo_aside(view: "NothingShown", text: str, *, err: bool) -> None:
    """Print a line, without control characters, above what a view keeps in place."""
    with view.aside():
        click.echo(printable(text), err=err)


@contextmanager
def loading(*, quiet: bool = False) -> Iterator[None]:
    """Say on a terminal that the programs of a verb are being loaded."""
    with phases(quiet=quiet) as view:
        view.phase("loading", brief=True)
        yield


def condition_options(verb: F) -> F:
    """Give a verb the options that fill ``[conditions]``; none of them has a value that nobody gave."""
    for name, metavar, text in reversed(_CONDITIONS):
        key = "temperature_k" if name == "temperature" else name
        verb = click.option(f"--{name}", f"conditions__{key}", metavar=metavar, help=text)(verb)
    return verb


def given_tables(options: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what was given of options named ``table__key``, table by table, as a bench file would spell it."""
    tables: dict[str, dict[str, Any]] = {}
    for name, value in options.items():
        if value is not None:
            table, key = name.split("__")
            tables.setdefault(table, {})[key] = value
    return tables


def print_json(**values: Any) -> None:
    """Print one line of JSON."""
    click.echo(json.dumps(values))


def print_lines(lines: Iterable[str], *, err: bool = False) -> None:
    """Print lines of text, without control characters."""
    for line in lines:
        click.echo(printable(line), err=err)


def print_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table, its columns aligned."""
    click.echo("\n".join(table_lines(header, rows)))


def chosen_spread(span: tuple[str, str] | None, of: str | None) -> dict[str, Any]:
    """Return the [chip] overrides that ``--spread`` and ``--spread-of`` mean.

    Raises
    ------
    ConfigError
        If both are given.
    """
    from crossbar_hil.bench.start_map import spread_of_map  # noqa: PLC0415

    if span is not None and of is not None:
        raise ConfigError("--spread and --spread-of each say how the cells differ, so only one of them can be given")
    if of is not None:
        return {"spread": spread_of_map(Path(of)), "scale": 1.0}
    return {} if span is None else {"spread": {"low_siemens": span[0], "high_siemens": span[1]}}


def say_assumptions(bench: Any) -> None:
    """Say what is assumed of the virtual chips of a bench."""
    from crossbar_hil.bench.virtual_chips import assumptions  # noqa: PLC0415

    for each in assumptions(bench):
        click.echo(f"note    {printable(each)}", err=True)


def say_seed(bench: "Bench", seed: int | None, but: str = "") -> None:
    """Say that a seed that was given does nothing, where the chip is not drawn here."""
    if seed is not None and not bench.draws_chip:
        text = f"--seed draws virtual chips, and that of bench {bench.name} is not drawn here{but}"
        click.echo(f"note    {printable(text)}", err=True)


def confirm(kind: str | None, yes: bool, what: str) -> None:
    """Ask before a real chip is changed.

    Raises
    ------
    DataError
        If nobody can answer, as there is no terminal.
    """
    if kind != "hardware" or yes:
        return
    try:
        agreed = click.confirm(f"{what}. Go on?", err=True)
    except click.Abort as error:
        if isinstance(error.__context__, EOFError):  # no Ctrl-C
            raise DataError("nobody is there to answer, so no pulse was sent: --yes answers yes") from None
        raise
    if not agreed:
        raise click.exceptions.Exit(COULD_NOT)
