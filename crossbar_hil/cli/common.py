"""What the verbs of the command line share: exit codes, options, and how they print."""

import json
from pathlib import Path
from typing import Any

import click

DONE, COULD_NOT, BAD_USAGE, NOT_CONVERGED = 0, 1, 2, 3

as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON line instead of text.")
quiet_option = click.option("--quiet", is_flag=True, help="Show no progress.")
yes_option = click.option("--yes", is_flag=True, help="Answer yes to every question.")
out_option = click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=True),
    default=Path("runs"),
    show_default=True,
    help="Folder that holds run folders.",
)


def print_json(**values: Any) -> None:
    """Print one line of JSON."""
    click.echo(json.dumps(values))


def printable(text: str) -> str:
    """Return a text without control characters, which could move the cursor of a terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
