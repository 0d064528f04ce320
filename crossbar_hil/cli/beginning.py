"""The verb ``init``."""

import shlex
import sys
from pathlib import Path
from typing import Any

import click

from crossbar_hil.cli.common import as_json, print_json, print_lines
from crossbar_hil.errors import ConfigError, RunError, reason_of

KINDS = ("simulated", "emulated", "hardware")
_MODEL = "MODEL[@ADDRESS]"


@click.command("init")
@click.argument("file", type=click.Path(path_type=Path), default=Path("my_lab.toml"))
@click.option("--kind", type=click.Choice(KINDS), help="What its chip is; hardware if instruments are named.")
@click.option(
    "--source",
    "sources",
    multiple=True,
    metavar=_MODEL,
    help="Your source-measure unit and its VISA address, as keithley2400@GPIB0::24::INSTR; twice if you have two.",
)
@click.option("--matrix", metavar=_MODEL, help="Your switch matrix, likewise; manual if you move cables by hand.")
@click.option("--rows", type=int, help="Rows of the chip (word lines).  [default: 4]")
@click.option("--columns", type=int, help="Columns of the chip (bit lines), two for each output.  [default: 4]")
@as_json
def init(
    file: Path, kind: str | None, sources: tuple[str, ...], matrix: str | None, as_json: bool, **size: int | None
) -> None:
    """Write a bench FILE to begin with, or one in a folder, and a pattern file beside it.

    What is not said is asked on a terminal. Whatever only you can know of a real chip, such as what it may bear, is
    left open as "?", and `check` names it until it is filled in. Nothing is overwritten.
    """
    from crossbar_hil.bench.file import FILL_IN, load_bench  # noqa: PLC0415 - --help must not wait for it
    from crossbar_hil.commissioning.new_bench import Model, new_bench, new_patterns  # noqa: PLC0415
    from crossbar_hil.guard.storage import write_new  # noqa: PLC0415

    file = file / "my_lab.toml" if file.is_dir() else file
    if file.suffix != ".toml":
        raise ConfigError(f"{file} must end with .toml, as bench files do, or be a folder that is there")
    patterns = file.with_name(f"{file.stem}_patterns.csv")
    _refuse_what_is_there(file, patterns)
    if kind == "simulated" and (sources or matrix):
        raise ConfigError("a simulated bench has no instruments, so --source and --matrix cannot be given with it")
    kind = kind or ("hardware" if sources or matrix else _ask("Kind of the bench", "simulated", KINDS))
    if kind != "simulated":
        sources = sources or _ask_instrument("Source-measure unit", "keithley2602b", kind, "--source")
        matrix = matrix or _ask_instrument("Switch matrix", "keithley707b", kind, "--matrix")[0]
    rows, columns = (4 if each is None else each for each in (size["rows"], size["columns"]))
    text = new_bench(
        kind,
        file.name,
        patterns.name,
        source=[Model.parse(each) for each in sources],
        matrix=None if matrix is None else Model.parse(matrix),
        shape=(rows, columns),
    )
    bits = new_patterns((rows, columns))
    try:
        write_new(patterns, bits)
        try:
            write_new(file, text)
        except OSError:
            patterns.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise RunError(f"{file} cannot be written: {reason_of(error)}") from error
    left: list[str] = []
    try:
        load_bench(file)
    except ConfigError as error:
        left = [each.rpartition(": ")[2] for each in error.problems]
    if as_json:
        print_json(bench=str(file), patterns=str(patterns), left=left)
        return
    print_lines([f"bench     {file}", f"patterns  {patterns}"])
    if left:
        keys = [each.partition(" ")[0] for each in left]
        print_lines([f'fill in   {len(left)} keys that say "{FILL_IN}": {", ".join(keys)}'])
    print_lines([f"then      crossbar-hil check {shlex.quote(str(file))}"])


VERBS = (init,)


def _refuse_what_is_there(*files: Path) -> None:
    for each in files:
        if each.exists() or each.is_symlink():
            raise RunError(f"{each} exists already and is not overwritten")


def _ask(what: str, usual: str, choices: tuple[str, ...] | None = None) -> str:
    """Ask the person at the terminal."""
    if not sys.stdin.isatty():
        raise ConfigError(
            "nobody is there to ask what bench it is: say --kind simulated, or name your instruments by --source MODEL "
            "and --matrix MODEL"
        )
    kind: Any = click.Choice(choices) if choices else str
    return str(click.prompt(what, default=usual, type=kind, err=True))


def _ask_instrument(what: str, usual: str, kind: str, option: str) -> tuple[str, ...]:
    """Ask for a model, and for its address if it is a real one."""
    from crossbar_hil.plugins import names  # noqa: PLC0415 - --help must not wait for it

    if not sys.stdin.isatty():
        raise ConfigError(f"nobody is there to ask for the {what.lower()}: name it by {option} MODEL")
    click.echo(f"models    {', '.join(names('instruments'))}", err=True)
    model = _ask(what, usual)
    if kind != "hardware" or model == "manual":
        return (model,)
    address = click.prompt("Its VISA address (empty: filled in later)", default="", show_default=False, err=True)
    return (f"{model}@{address}" if address else model,)
