"""The verbs ``program`` and ``reset``."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from crossbar_hil.cli.benches import seed_option
from crossbar_hil.cli.common import (
    PRESET_HELP,
    as_json,
    bench_argument,
    condition_options,
    confirm,
    echo_aside,
    given_tables,
    instrument_options,
    label_option,
    loading,
    no_report_option,
    out_option,
    phases,
    quiet_option,
    say_seed,
    yes_option,
)
from crossbar_hil.cli.runs import tell_outcome
from crossbar_hil.errors import ConfigError

if TYPE_CHECKING:
    from crossbar_hil.bench.file import Bench
    from crossbar_hil.programming.planned import Planned

F = TypeVar("F", bound=Callable[..., Any])


def _options(tolerance: str) -> Callable[[F], F]:
    """Return what gives a verb the options that both have, with the tolerance that is usual."""
    given = (
        click.option("--preset", help=PRESET_HELP),
        seed_option,
        click.option(
            "--tolerance", metavar="SHARE", help=f"Share of the range that is near enough.  [default: {tolerance}]"
        ),
        click.option("--pulses", type=click.IntRange(min=1), help="Most pulses for each cell.  [default: 60]"),
        click.option(
            "--range",
            "ends",
            nargs=2,
            metavar="LOW HIGH",
            help="Range of conductances that shares are of; that of the curve if not given.",
        ),
        click.option("--voltage", default="100 mV", show_default=True, help="Read voltage."),
        click.option(
            "--reads",
            type=click.IntRange(min=1),
            help="Reads after each burst.  [default: as many as the noise of a reading asks for]",
        ),
        click.option("--amplitude", "training__amplitude_v", metavar="VOLT", help="Height of the potentiating pulse."),
        click.option("--width", "training__width_s", metavar="TIME", help="Width of the pulses."),
        click.option(
            "--depress",
            "depress",
            metavar="VOLT",
            help="Height of the depressing pulse; that of the curve if not given.",
        ),
        click.option(
            "--depress-width", "depress_width", metavar="TIME", help="Its width; that of the other if not given."
        ),
        click.option(
            "--cells", "training__cells", metavar="FILE", help="Bad cells that `survey` wrote: they are left alone."
        ),
        click.option("--curve", "chip__curve", metavar="FILE", help="Measured conductance curve of your device."),
        click.option("--wire", "chip__wire_ohm", metavar="OHM", help="Resistance of a wire segment of a virtual chip."),
        click.option("--drive", "chip__drive", metavar="ENDS", help="Ends at which its rows are driven: left or both."),
        click.option(
            "--sense", "chip__sense", metavar="ENDS", help="Ends at which its columns are sensed: bottom or both."
        ),
        click.option(
            "--tiles", "chip__tiles", metavar="RxC", help="Arrays below and beside each other that it is made of."
        ),
        label_option,
        condition_options,
        no_report_option,
        quiet_option,
        instrument_options,
        yes_option,
        out_option,
        as_json,
    )

    def give(verb: F) -> F:
        for option in reversed(given):
            verb = option(verb)
        return verb

    return give


@click.command()
@bench_argument
@click.argument("targets", type=click.Path(path_type=Path), required=False)
@click.option(
    "--weights",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Instead of TARGETS: weights of a network, a line an input, a number an output; they become pairs of columns.",
)
@_options("1 %")
def program(bench: str, targets: Path | None, weights: Path | None, **options: Any) -> None:
    """Bring each cell of the chip on a BENCH to its target, in closed loop, with pulses of both polarities.

    TARGETS is a file: a line a row, a number a column, in siemens or with a unit ("1.5 uS"); - leaves a cell alone.
    What a conductance is, a read says: with wires it is that of the whole path through a cell.
    """
    with loading(quiet=options["quiet"]):
        from crossbar_hil.programming.planned import plan_program  # noqa: PLC0415 - --help must not wait for it
        from crossbar_hil.programming.targets import read_targets, read_weights  # noqa: PLC0415

    if (targets is None) == (weights is None):
        raise ConfigError("program takes a file of TARGETS, or --weights FILE with those of a network, one of the two")
    file = weights if targets is None else targets
    given: dict[str, Any] = {"source": f"{'weights' if targets is None else 'targets'} {getattr(file, 'name', '')}"}
    if targets is not None:
        given["targets"] = read_targets(targets)
    elif weights is not None:
        given["weights"] = read_weights(weights)
    _run(bench, options, partial(plan_program, **given))


@click.command()
@bench_argument
@click.option(
    "--like",
    metavar="RUN|MAP",
    help="Where the cells started: a run, or what `read --json` printed while they were fresh. A virtual chip is taken "
    "up where that run left it. The low end of the curve if not given.",
)
@_options("5 %")
def reset(bench: str, like: str | None, **options: Any) -> None:
    """Bring the cells of the chip on a BENCH back towards their start, with the fewest depressing pulses.

    What cannot be brought back is named, with what it reads.
    """
    with loading(quiet=options["quiet"]):
        from crossbar_hil.programming.planned import plan_reset  # noqa: PLC0415 - --help must not wait for it
        from crossbar_hil.programming.settings import RESET_TOLERANCE  # noqa: PLC0415

    options["tolerance"] = options["tolerance"] or RESET_TOLERANCE
    _run(bench, options, partial(plan_reset, like=like, out=options["out"]))


def _run(bench: str, options: dict[str, Any], plan: "Callable[..., Planned]") -> None:
    """Lay it out, tell, ask, do it, and say what came of it."""
    from crossbar_hil.bench.opening import fresh_seed  # noqa: PLC0415 - --help must not wait for it
    from crossbar_hil.programming.showing import Told  # noqa: PLC0415
    from crossbar_hil.quantities import share, si  # noqa: PLC0415

    checked = _bench(bench, options)
    ends = options["ends"]
    planned = plan(
        checked,
        ends=None if ends is None else (si(ends[0], "siemens"), si(ends[1], "siemens")),
        tolerance=None if options["tolerance"] is None else share(options["tolerance"]),
        pulses=options["pulses"],
        reads=options["reads"],
        read_v=si(options["voltage"], "V"),
    )
    say_seed(checked, options["seed"])
    seed = planned.chip_seed if options["seed"] is None else options["seed"]
    quiet = options["quiet"]
    with phases(checked, quiet=quiet) as view:
        for note in planned.notes:
            echo_aside(view, f"note    {note}", err=True)
        if checked.kind != "hardware":
            echo_aside(view, f"note    {planned.question}", err=True)
        view.hide()
        planned.agree(partial(_agreed, checked.kind, options["yes"]))
        told = Told(view, planned.task.settings)
        outcome = planned.run(
            seed=fresh_seed() if seed is None else seed,
            out=options["out"],
            label=options["label"],
            show=told.show,
            phase=view.phase,
        )
    tell_outcome(outcome, no_report=options["no_report"], as_json=options["as_json"], quiet=quiet)


def _bench(bench: str, options: dict[str, Any]) -> "Bench":
    """Load the bench, with what the options say of its pulses and of a virtual chip laid over it."""
    from crossbar_hil.bench.file import load_bench  # noqa: PLC0415 - --help must not wait for it

    tables = given_tables({name: value for name, value in options.items() if "__" in name})
    if options["depress_width"] is not None and options["depress"] is None:
        raise ConfigError("--depress-width goes with --depress")
    if options["depress"] is not None:
        width = options["depress_width"] or tables.get("training", {}).get("width_s")
        width = load_bench(bench, preset=options["preset"]).training.width_s if width is None else width
        tables.setdefault("training", {}).update(depress_v=options["depress"], depress_s=width)
    return load_bench(bench, preset=options["preset"], overrides=tables)


def _agreed(kind: str | None, yes: bool, what: str) -> bool:
    """Ask the person at the terminal; a no ends the program."""
    if yes:
        click.echo(f"note    {what}", err=True)
    confirm(kind, yes, what)
    return True


VERBS = (program, reset)
