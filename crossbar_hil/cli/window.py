"""The verb ``gui``."""

from pathlib import Path

import click

from crossbar_hil.cli.common import instrument_options, out_option

PROCEDURES = ("train", "read", "characterise")


@click.command()
@click.argument("what", type=click.Choice(PROCEDURES), default="train")
@click.option("--bench", default="simulated", show_default=True, help="Shipped bench, bench file or backend.")
@click.option("--seed", default="", help="Seed of a virtual chip; fresh if not given.")
@out_option
@instrument_options
def gui(what: str, bench: str, seed: str, out: Path) -> None:
    """Open PyMeasure's window on a bench, to train its chip, read it, or characterise a cell.

    Needs the extra gui. A real chip is pulsed only after a question in the window, and its abort button ends the
    operation under way and makes the bench safe.
    """
    from crossbar_hil.errors import ConfigError, install  # noqa: PLC0415 - --help must not wait for it

    try:
        from crossbar_hil.gui.window import show_window  # noqa: PLC0415 - nothing else may load Qt
    except ImportError as error:
        raise ConfigError(f"the window needs Qt, which is not here: {install('gui')} brings it ({error})") from error
    from crossbar_hil.gui.procedures import PROCEDURES as FOUND  # noqa: PLC0415

    show_window(FOUND[what], out, bench=bench, seed=seed)
