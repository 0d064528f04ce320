"""The command line ``crossbar-hil``: parse, call one function, print what a person needs.

Exit codes: 0 done, 1 could not, 2 bad usage, 3 trained but did not converge.
"""

import atexit
import gc
import os
import sys
import traceback
from importlib.metadata import version
from pathlib import Path

import click

from crossbar_hil.cli import (
    beginning,
    benches,
    commissioning,
    curves,
    dry_runs,
    programming,
    runs,
    spiking,
    surveying,
    tasks,
    training,
    twins,
    watching,
    window,
)
from crossbar_hil.cli.common import BAD_USAGE, COULD_NOT, DONE, RECORD_OPTION
from crossbar_hil.errors import ConfigError, CrossbarError, reason_of
from crossbar_hil.text import printable
from crossbar_hil.visa_record import RECORD, Recorder, begin

YOUNG = 300_000, 10, 10
"""New objects after which the collector of cycles looks at them, and so on: more than imports of a verb make, 230,000
by `sweep`. With the usual 700 it takes a tenth of the start, and finds nothing."""


def main() -> None:
    """Run the command line and exit; every error is one line, a traceback only with ``--debug``."""
    gc.set_threshold(*YOUNG)
    os.environ.setdefault(
        "PYDANTIC_DISABLE_PLUGINS", "true"
    )  # our tables need none, and to look for them takes a while
    atexit.register(gc.freeze)  # what ends with the process need not be looked through first, which takes a while
    debug = "--debug" in sys.argv[1:]
    recorder: Recorder | None = None
    try:
        words, target = _without_recording([word for word in sys.argv[1:] if word != "--debug"])
        if target is not None:
            recorder = begin(target, words, version("crossbar-hil"))
            os.environ[RECORD] = str(target.resolve())
        code = cli.main(args=words, standalone_mode=False)
    except click.exceptions.Exit as error:
        code = error.exit_code
    except click.ClickException as error:
        click.echo(f"crossbar-hil: {printable(error.format_message())}", err=True)
        code = BAD_USAGE
    except (KeyboardInterrupt, click.exceptions.Abort) as error:
        click.echo("crossbar-hil: interrupted", err=True)
        _tell_notes(error, error.__cause__)  # click makes an Abort of a Ctrl-C
        code = COULD_NOT
    except Exception as error:  # the one place where nothing may slip through
        if debug:
            traceback.print_exc()
        elif isinstance(error, CrossbarError):
            click.echo(f"crossbar-hil: {printable(str(error))}", err=True)
        elif isinstance(error, OSError) and error.filename:  # a name that no file can have, a folder without rights
            told = printable(f"{str(error.filename)[:80]}: {reason_of(error)}")
            click.echo(f"crossbar-hil: {told}", err=True)
        else:
            told = printable(f"unexpected {type(error).__name__}: {error}")
            click.echo(f"crossbar-hil: {told} (--debug shows where)", err=True)
        _tell_notes(error)
        code = BAD_USAGE if isinstance(error, ConfigError) else COULD_NOT
    code = code if isinstance(code, int) else DONE
    if recorder is not None:
        os.environ.pop(RECORD, None)
        recorder.end(code)
    sys.exit(code)


def _tell_notes(*errors: BaseException | None) -> None:
    """Tell what else is to be known, such as that a bench may not be safe; once, whoever said it."""
    for note in dict.fromkeys(note for error in errors for note in getattr(error, "__notes__", ())):
        click.echo(f"crossbar-hil: {printable(note)}", err=True)


def _without_recording(words: list[str]) -> tuple[list[str], Path | None]:
    """Take ``--record-visa FILE`` out of a command; every verb has it."""
    for place, word in enumerate(words):
        option, equals, name = word.partition("=")
        if option == RECORD_OPTION:
            rest = words[place + 1 :] if equals else words[place + 2 :]
            name = name or (words[place + 1] if len(words) > place + 1 else "")
            if not name:
                raise click.UsageError(f"{RECORD_OPTION} needs the name of a file")
            return [*words[:place], *rest], Path(name)
    return words, None


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="crossbar-hil")
def cli() -> None:
    """Train memristor crossbar chips in place, simulated or real.

    Add --debug to any verb for the traceback of an error, and --record-visa FILE to keep every exchange with
    instruments.
    """


for verb in (
    *training.VERBS,
    *programming.VERBS,
    *runs.VERBS,
    *benches.VERBS,
    *beginning.VERBS,
    commissioning.commission,
    surveying.survey,
    *curves.VERBS,
    *dry_runs.VERBS,
    *tasks.VERBS,
    *twins.VERBS,
    spiking.snn,
    watching.watch,
    window.gui,
):
    cli.add_command(verb)
