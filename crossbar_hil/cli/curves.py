"""The verb ``curve``."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from crossbar_hil.cli.common import as_json, print_json, print_lines
from crossbar_hil.errors import ConfigError, RunError

if TYPE_CHECKING:
    from crossbar_hil.curves.files.options import Options
    from crossbar_hil.curves.files.questions import CurveUnclear
    from crossbar_hil.curves.reading import Understanding


@click.command()
@click.argument("file")
@click.option("--to", type=click.Path(path_type=Path), help="Write the project's own table here, and a PNG beside it.")
@click.option("--png", type=click.Path(path_type=Path), help="Draw the curve here.")
@click.option("--column", multiple=True, help="Column of the curve, by its name or its number from 1; again for more.")
@click.option("--unit", help="Of the column: S, ohm or A with any SI prefix, such as uS, Mohm, nA.")
@click.option("--voltage", help='At which the cell was read, such as "100 mV"; for currents, and to find the reads.')
@click.option("--up", type=int, help="Readings of one potentiation.")
@click.option("--down", type=int, help="Readings of one depression.")
@click.option(
    "--cycles",
    type=click.Choice(["columns", "rows", "stacked"]),
    help="Cycles of one cell: in columns (rows of a matrix), or one below the other.",
)
@click.option("--leave-out", multiple=True, type=int, metavar="LINE", help="Leave a reading out; again for more.")
@click.option("--zero-negative", is_flag=True, help="Set readings below zero, within noise, to zero.")
@click.option("--skip", type=click.IntRange(min=0), default=0, help="Leave the first lines of the file away.")
@click.option("--lines", metavar="FIRST:LAST", help="First and last line of the numbers.")
@click.option("--separator", type=click.Choice(["tab", "semicolon", "comma", "bar", "blanks", "none"]))
@click.option("--decimal", type=click.Choice([".", ","]), help="Decimal sign.")
@click.option("--encoding", help="Such as utf-8, utf-16, latin-1.")
@click.option("--sheet", help="Of a workbook.")
@click.option("--amplitude", help="Of the potentiating pulse the curve was measured with, such as 2.")
@click.option("--width", help='Of the pulses, such as "50 ms".')
@click.option("--depress-amplitude", help="Of the depressing pulse, below zero: --depress-amplitude=-2.8.")
@click.option("--depress-width", help="Of the depressing pulse, if it is another.")
@as_json
def curve(file: str, to: Path | None, png: Path | None, as_json: bool, **given: Any) -> None:
    """Look at a measured curve FILE of any shape, and say what it says; with --to, write it as the project's own table.

    FILE is text, a workbook (.xlsx, .xls, .ods), a .mat, or the name of a shipped curve. What it leaves open is asked
    for by one sentence with the option that settles it; train, tune, sweep and snn take what leaves nothing open.
    """
    from crossbar_hil.curves.files.questions import CurveUnclear  # noqa: PLC0415
    from crossbar_hil.curves.reading import understand  # noqa: PLC0415
    from crossbar_hil.shipped import data_file  # noqa: PLC0415

    for path in (to, png):
        if path is not None and path.exists():
            raise RunError(f"{path} exists already and is not overwritten")
    options = _options(**given)
    try:
        found = understand(data_file(file), options)
    except CurveUnclear as unclear:
        _tell_before(unclear, as_json)
        raise
    if to is not None:
        _write(to, found, file, options)
        png = png or to.with_suffix(".png")
    if png is not None:
        _draw(png, found, file)
    if as_json:
        print_json(**_record(found, to, png))
    else:
        _tell(found, to, png)


def _options(**given: Any) -> "Options":
    from crossbar_hil.curves.files.options import Options  # noqa: PLC0415
    from crossbar_hil.quantities import si  # noqa: PLC0415

    pulses = (("voltage", "V"), ("amplitude", "V"), ("width", "s"), ("depress_amplitude", "V"), ("depress_width", "s"))
    for name, unit in pulses:
        given[name] = None if given[name] is None else si(given[name], unit)
    if given["lines"] is not None:
        first, _, last = given["lines"].partition(":")
        if not (first.isdecimal() and last.isdecimal() and 0 < int(first) <= int(last)):
            raise ConfigError(f"--lines {given['lines']!r} is not a first and a last line, such as 12:42")
        given["lines"] = int(first), int(last)
    return Options(**given)


def _table(said: tuple[tuple[str, str], ...]) -> list[str]:
    margin = max((len(subject) for subject, _ in said), default=0)
    return [f"{subject:<{margin}}  {text}" for subject, text in said]


def _tell_before(unclear: "CurveUnclear", as_json: bool) -> None:
    """Print what was understood before something was open, and the readings if their order is."""
    from crossbar_hil.curves.measured import MeasuredCurve  # noqa: PLC0415
    from crossbar_hil.curves.showing import sketch  # noqa: PLC0415

    if as_json:
        print_json(understood=dict(unclear.understood), open=str(unclear))
        return
    print_lines(_table(unclear.understood))
    if len(unclear.readings) > 1 and max(unclear.readings) > 0:
        click.echo()
        print_lines(sketch([MeasuredCurve(True, None, unclear.readings)], told=False))


def _tell(found: "Understanding", to: Path | None, png: Path | None) -> None:
    from crossbar_hil.curves.showing import in_words, sketch  # noqa: PLC0415

    print_lines(_table((*found.said, *map(in_words, found.curves))))
    click.echo()
    print_lines(sketch(found.curves))
    facts = _facts(found)
    if facts:
        settings = " and ".join(
            f"{key}='{value}'" if " " in value else f"{key}={value}" for key, value in facts.items()
        )
        cycles = found.spreads[0][1].cycles
        click.echo(f"a dry run takes this spread, known from {cycles} cycles, by {settings}; the table of --to says it")
    if any(curve.pulse is None for curve in found.curves):
        click.echo("to name the pulses:" + _naming(found))
    for path in (to, png):
        if path is not None:
            click.echo(f"written {path}")


def _naming(found: "Understanding") -> str:
    """Return the options that say what nothing says of the pulses."""
    open_ones = [curve for curve in found.curves if curve.pulse is None]
    up = any(curve.potentiation and curve.height_v is None for curve in open_ones)
    down = any(not curve.potentiation and curve.height_v is None for curve in open_ones)
    unused = any(not curve.potentiation for curve in open_ones)
    return (
        f'{" --amplitude 2" if up else ""} --width "50 ms"{" --depress-amplitude=-2.8" if down else ""}'
        f"{' (without them the depression is not used)' if unused else ''}"
    )


def _record(found: "Understanding", to: Path | None, png: Path | None) -> dict[str, Any]:
    return {
        "sha256": found.sha256,
        "understood": dict(found.said),
        "curves": [
            {
                "polarity": "potentiation" if curve.potentiation else "depression",
                "amplitude_v": curve.pulse.amplitude_v if curve.pulse else curve.height_v,
                "width_s": curve.pulse and curve.pulse.width_s,
                "conductance_siemens": list(curve.levels_siemens),
            }
            for curve in found.curves
        ],
        "spreads": {way: spread._asdict() for way, spread in found.spreads},
        "files": [str(path) for path in (to, png) if path is not None],
    }


def _facts(found: "Understanding") -> dict[str, str]:
    """Return what cycles of potentiation tell of the cells, by the setting of [chip] that each is."""
    spread = next((spread for way, spread in found.spreads if way == "potentiation"), None)
    if spread is None:
        return {}
    told = {
        "step_variation": f"{spread.step_variation:.3g}" if spread.step_variation else "",
        "read_noise": f"{100 * spread.read_noise:.3g} %" if spread.read_noise else "",
    }
    return {key: value for key, value in told.items() if value}


def _write(to: Path, found: "Understanding", file: str, options: "Options") -> None:
    from crossbar_hil.bench.curve_facts import as_lines  # noqa: PLC0415
    from crossbar_hil.curves.own_table import write_own  # noqa: PLC0415
    from crossbar_hil.curves.showing import in_words  # noqa: PLC0415

    said = [f"understood {subject}: {text}" for subject, text in (*found.said, *map(in_words, found.curves))]
    facts = as_lines(_facts(found))
    command = f"crossbar-hil curve {Path(file).name} {' '.join(options.words())}"
    write_own(to, found.curves, [command, *said, *facts, *found.comments])


def _draw(png: Path, found: "Understanding", file: str) -> None:
    from crossbar_hil.curves.plotting import draw_curves  # noqa: PLC0415
    from crossbar_hil.figures.png import write_png  # noqa: PLC0415

    try:
        write_png(draw_curves(found.curves, Path(file).name), png)
    except ValueError as error:
        raise RunError(f"{png} cannot be drawn: {error}") from error


VERBS = (curve,)
