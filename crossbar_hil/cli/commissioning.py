"""The verb ``commission``."""

from pathlib import Path

import click

from crossbar_hil.cli.common import (
    COULD_NOT,
    DONE,
    as_json,
    bench_argument,
    confirm,
    instrument_options,
    loading,
    phases,
    print_json,
    print_lines,
    yes_option,
)
from crossbar_hil.text import printable


@click.command()
@bench_argument
@instrument_options
@click.option(
    "--resistors",
    required=True,
    metavar="VALUE|FILE",
    help='The board: "1 MOhm" for all, or a file, either lines of ohms with commas or what `read --json` prints.',
)
@click.option("--tolerance", default="1 %", show_default=True, help="Of a single resistor.")
@click.option("--to", type=click.Path(path_type=Path, file_okay=False), help="Folder for page and record, too.")
@yes_option
@as_json
def commission(bench: str, resistors: str, tolerance: str, to: Path | None, yes: bool, as_json: bool) -> None:
    """Prove a BENCH on a board of resistors in place of the chip; leaves a dated page and a record.

    Step by step, with what is expected, measured and allowed. Pulses of [training] are sent to the board. Exit code 1
    if a step failed.
    """
    with loading():
        from crossbar_hil.bench.file import load_bench  # noqa: PLC0415 - --help must not wait for it
        from crossbar_hil.commissioning.commissioning import commission as prove  # noqa: PLC0415
        from crossbar_hil.commissioning.report import keep  # noqa: PLC0415
        from crossbar_hil.commissioning.resistors import read_resistors  # noqa: PLC0415
        from crossbar_hil.commissioning.steps import Step  # noqa: PLC0415
        from crossbar_hil.errors import ConfigError  # noqa: PLC0415
        from crossbar_hil.quantities import share  # noqa: PLC0415

    checked = load_bench(bench)
    if checked.wiring is None:
        raise ConfigError(f"bench {bench} has no [wiring], so there is nothing to commission")
    within = share(tolerance)
    if not 0 < within <= 0.2:
        raise ConfigError(f"tolerance {tolerance} must be above 0 and up to 20 %")
    ohms = read_resistors(resistors, (len(checked.wiring.rows), len(checked.wiring.columns)))

    view = phases(checked)

    def agree() -> None:
        view.hide()
        confirm(
            checked.kind or "",
            yes,
            f"the board of resistors must be in place of the chip on bench {checked.name}: voltages and pulses follow",
        )

    def tell(step: Step) -> None:
        with view.aside():
            for line in step.lines():
                click.echo(printable(line), err=as_json)

    with view:
        found = prove(checked, ohms, tolerance=within, agreed=agree, tell=tell, file=bench, phase=view.phase)
        page, record = keep(found, to)
    if as_json:
        print_json(bench=bench, passed=found.passed, summary=found.summary, page=str(page), record=str(record))
    else:
        print_lines([found.summary, f"page    {page}", f"record  {record}"])
    raise click.exceptions.Exit(DONE if found.passed else COULD_NOT)
