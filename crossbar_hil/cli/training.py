"""The verb ``train``."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import click

from crossbar_hil.cli.benches import seed_option
from crossbar_hil.cli.common import (
    DEVICE_SPREAD_HELP,
    PRESET_HELP,
    SPREAD_OF_HELP,
    as_json,
    chosen_spread,
    condition_options,
    confirm,
    echo_aside,
    given_tables,
    instrument_options,
    label_option,
    loading,
    no_report_option,
    out_option,
    quiet_option,
    say_seed,
    task_option,
    yes_option,
)
from crossbar_hil.cli.completion import complete_bench
from crossbar_hil.cli.runs import tell_outcome
from crossbar_hil.errors import ConfigError
from crossbar_hil.text import printable


def _setting(table: str, key: str, *names: str, help: str, **more: Any) -> Callable[[Any], Any]:  # noqa: A002
    """Make an option that overrides one key of the bench file."""
    return click.option(*names, f"{table}__{key}", metavar=more.pop("metavar", key.upper()), help=help, **more)


@click.command()
@click.option(
    "--bench",
    shell_complete=complete_bench,
    default="simulated",
    show_default=True,
    help="Shipped bench, bench file or backend.",
)
@task_option
@click.option("--preset", help=PRESET_HELP)
@seed_option
@_setting("training", "epochs", "--epochs", help="Most evaluations.")
@_setting("training", "beta", "--beta", help="Gain of the activation, in 1/A.")
@_setting("training", "target", "--target", help="Activation to reach for a 1.")
@_setting("training", "target0", "--target0", help="Activation not to exceed for a 0; -target if not given.")
@_setting("training", "v0", "--v0", help='Row voltage of a 0, in V or as "-100 mV".')
@_setting("training", "v1", "--v1", help="Row voltage of a 1.")
@_setting("training", "amplitude_v", "--amplitude", metavar="VOLT", help="Height of the pulse.")
@_setting("training", "width_s", "--width", metavar="TIME", help='Width of the pulse, in s or as "10 ms".')
@_setting(
    "training",
    "patterns",
    "--patterns",
    metavar="FILE",
    help="Pattern file (pattern,label,set), or one that ships, such as letters.",
)
@_setting("training", "rule", "--rule", metavar="NAME", help="Learning rule, such as delta or stochastic.")
@click.option("--rule-option", "rule_options", multiple=True, metavar="KEY=VALUE", help="One option of the rule.")
@_setting("training", "cells", "--cells", metavar="FILE", help="Bad cells to leave out: what `survey` wrote.")
@_setting("training", "hidden", "--hidden", metavar="UNITS", help="Hidden units; 8,8 for two layers of them.")
@_setting("training", "bias", "--bias", metavar="YES|NO", help="Give every layer an input that is always a 1.")
@_setting("training", "shortcuts", "--shortcuts", metavar="YES|NO", help="Lead the inputs past hidden units too.")
@_setting("training", "pairs", "--pairs", metavar="COLUMNS|ROWS", help="Lines that make a differential pair.")
@_setting("training", "layers", "--layers", metavar="HOW", help='Lay layers "side by side", or stacked.')
@_setting("training", "pull_back", "--pull-back", metavar="YES|NO", help="Pull activations beyond their target back.")
@_setting("training", "dead_zone", "--dead-zone", help="Leave activations alone that are nearer to their target.")
@_setting("chip", "curve", "--curve", metavar="FILE", help="Measured conductance curve of your device.")
@_setting("chip", "twin", "--twin", metavar="FILE", help="Twin of a chip that `calibrate` made.")
@_setting("chip", "start", "--start", metavar="MAP", help="Where each cell starts: what `read --json` printed.")
@_setting("chip", "device_spread", "--device-spread", metavar="SHARE", help=DEVICE_SPREAD_HELP)
@_setting("chip", "scale", "--scale", metavar="K", help="K in G = K ((G_exp(m) - G_exp(0)) + shift).")
@_setting("chip", "rows", "--rows", help="Rows of a virtual chip.")
@_setting("chip", "columns", "--columns", help="Columns of a virtual chip.")
@_setting("chip", "wire_ohm", "--wire", metavar="OHM", help="Resistance of a wire segment of a virtual chip.")
@_setting("chip", "drive", "--drive", metavar="ENDS", help="Ends at which its rows are driven: left or both.")
@_setting("chip", "sense", "--sense", metavar="ENDS", help="Ends at which its columns are sensed: bottom or both.")
@_setting("chip", "tiles", "--tiles", metavar="RxC", help="Arrays below and beside each other that it is made of.")
@_setting("chip", "read_noise", "--read-noise", metavar="SHARE", help="Relative noise of a cell's current.")
@_setting("chip", "step_variation", "--step-variation", metavar="SHARE", help="Relative spread of a pulse's step.")
@click.option("--set", "fixed", multiple=True, metavar="KEY=VALUE", help="Set one key of [training] or [chip].")
@click.option("--spread-of", metavar="MAP", help=SPREAD_OF_HELP)
@click.option("--spread", nargs=2, metavar="LOW HIGH", help="Span that holds 95 % of the shifts, in S.")
@click.option(
    "--forecast",
    "forecast_chips",
    type=click.IntRange(min=0),
    metavar="CHIPS",
    help="Foretell the outcome by so many virtual chips, and keep that with the run.  [default: 1000 before a real "
    "chip is trained, 100 if they are trained one by one; 200 draws of a twin; 0 elsewhere]",
)
@label_option
@condition_options
@no_report_option
@quiet_option
@instrument_options
@yes_option
@out_option
@as_json
def train(
    bench: str,
    task: str | None,
    preset: str | None,
    seed: int | None,
    fixed: tuple[str, ...],
    rule_options: tuple[str, ...],
    spread: tuple[str, str] | None,
    forecast_chips: int | None,
    spread_of: str | None,
    label: str,
    no_report: bool,
    quiet: bool,
    yes: bool,
    out: Path,
    as_json: bool,
    **settings: str | None,
) -> None:
    """Train a chip until it recognises the pattern set, and leave a run folder with figures and a report."""
    with loading(quiet=quiet):
        from rich.console import Console  # noqa: PLC0415 - --help must not wait for what only training needs

        from crossbar_hil.bench.file import load_bench  # noqa: PLC0415
        from crossbar_hil.bench.opening import fresh_seed  # noqa: PLC0415
        from crossbar_hil.recording import prepare_training  # noqa: PLC0415
        from crossbar_hil.runs.live.progress import make_progress  # noqa: PLC0415
        from crossbar_hil.screen.view import hidden_while  # noqa: PLC0415
        from crossbar_hil.studies.settings import find_key, read_options, set_own_values  # noqa: PLC0415
        from crossbar_hil.training.settings import draws_of  # noqa: PLC0415

    overrides: dict[str, Any] = given_tables(settings)
    if rule_options:
        overrides.setdefault("training", {})["rule_options"] = read_options(rule_options)
    chosen = chosen_spread(spread, spread_of)
    if "scale" in chosen and settings["chip__scale"] is not None:
        raise ConfigError("--spread-of means measured siemens, so K = 1, and --scale cannot be given with it")
    if chosen:
        overrides["chip"] = chosen | overrides.get("chip", {})
    loaded = load_bench(bench, task=task, preset=preset, overrides=overrides)
    checked = set_own_values(loaded, fixed)
    if loaded.chip is not None and checked.chip is not None:
        said = {find_key(text.partition("=")[0]).name for text in fixed}
        checked.chip.check_companions(loaded.chip.model_fields_set | said)
    if not draws_of(checked.training):
        say_seed(checked, seed, "; the forecast alone uses it")
    seed = fresh_seed() if seed is None else seed
    with make_progress(
        Console(stderr=True), quiet=quiet, epochs=checked.training.epochs, lines=checked.is_by_hand
    ) as progress:
        prepared = prepare_training(
            checked,
            seed=seed,
            chips=forecast_chips,
            tell=lambda line: echo_aside(progress, line, err=True),
            ask=hidden_while(progress, partial(_agreed, checked.kind, yes)),
            phase=progress.phase,
        )
        outcome = prepared.run(out=out, task=task, preset=preset, label=label, show=progress.show, phase=progress.phase)
    tell_outcome(outcome, no_report=no_report, as_json=as_json, quiet=quiet)


def _agreed(kind: str | None, yes: bool, what: str) -> bool:
    """Ask the person at the terminal; a no ends the program."""
    if yes:
        click.echo(f"note    {printable(what)}", err=True)
    confirm(kind, yes, what)
    return True


VERBS = (train,)
