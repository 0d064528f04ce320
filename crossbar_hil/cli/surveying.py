"""The verb ``survey``."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from crossbar_hil.cli.benches import MAKING_SAFE, seed_option
from crossbar_hil.cli.common import (
    as_json,
    bench_argument,
    confirm,
    instrument_options,
    loading,
    phases,
    print_json,
    print_lines,
    print_table,
    say_seed,
    yes_option,
)
from crossbar_hil.errors import ConfigError

if TYPE_CHECKING:
    from crossbar_hil.backend import DeviceBackend
    from crossbar_hil.bench.file import Bench
    from crossbar_hil.survey.file import Cells
    from crossbar_hil.survey.surveying import Probe, Survey

HEADER = ["row", "column", "verdict", "conductance", "first pulse", "pulses up, down"]


@click.command()
@bench_argument
@instrument_options
@seed_option
@click.option("--reads", default=20, show_default=True, help="Readings of each cell in each round; harmless.")
@click.option(
    "--pulses",
    default=0,
    show_default=True,
    help="Most pulses of each kind for a cell, to find stuck and weak ones; they change the chip.",
)
@click.option("--amplitude", help="Height of the potentiating pulses; that of [training] if not given.")
@click.option("--width", help="Width of the pulses; that of [training] if not given.")
@click.option(
    "--depress", help="Height of the depressing pulses; [training] depress_v if not given, else none is sent."
)
@click.option("--voltage", default="100 mV", show_default=True, help="Read voltage.")
@click.option(
    "--to",
    "path",
    type=click.Path(path_type=Path),
    default=Path("cells.toml"),
    show_default=True,
    help="The new file; a figure and a report get its name.",
)
@yes_option
@as_json
def survey(
    bench: str,
    seed: int | None,
    reads: int,
    pulses: int,
    amplitude: str | None,
    width: str | None,
    depress: str | None,
    voltage: str,
    path: Path,
    yes: bool,
    as_json: bool,
) -> None:
    """Find open, shorted, unformed, stuck and weak cells of the chip on a BENCH, for `train --cells`.

    Without --pulses the chip is only read, which cannot tell stuck and weak cells.
    """
    with loading():
        from crossbar_hil.bench.file import load_bench  # noqa: PLC0415 - --help must not wait for it
        from crossbar_hil.bench.opening import fresh_seed  # noqa: PLC0415
        from crossbar_hil.cli.measuring import picture_and_page, prove  # noqa: PLC0415
        from crossbar_hil.quantities import si  # noqa: PLC0415
        from crossbar_hil.survey.on_bench.surveying import cells_of, check_survey  # noqa: PLC0415

    picture, page = picture_and_page(path, "cells")
    prove((path, picture, page))
    loaded = load_bench(bench, overrides={"training": {"cells": None}})
    probe = _probe(loaded, pulses, amplitude, width, depress)
    check_survey(loaded, reads, probe)
    say_seed(loaded, seed)
    seed = fresh_seed() if seed is None else seed
    found, backend = _measure(loaded, seed, si(voltage, "V"), reads, probe, yes=yes)
    cells = cells_of(found, loaded, backend, seed, si(voltage, "V"), probe)
    cells.write(path)
    with phases() as view:
        view.phase("drawing the map", brief=True)
        _write_page(cells, page, picture, path.name)
    if as_json:
        print_json(
            cells=str(path),
            picture=str(picture),
            report=str(page),
            found=[each.model_dump() for each in cells.cell],
            notes=cells.notes,
            read_noise=cells.survey.read_noise,
        )
        return
    if cells.cell:
        print_table(HEADER, _rows(cells))
    print_lines([*cells.lines(), f"cells   {path}", f"figure  {picture}", f"report  {page}"])


def _probe(
    bench: "Bench", pulses: int, amplitude: str | None, width: str | None, depress: str | None
) -> "Probe | None":
    """Return what may be sent; None if nothing is to be."""
    from crossbar_hil.backend import Pulse  # noqa: PLC0415
    from crossbar_hil.quantities import si  # noqa: PLC0415
    from crossbar_hil.survey.surveying import Probe  # noqa: PLC0415

    if pulses == 0:
        said = {"--amplitude": amplitude, "--width": width, "--depress": depress}
        given = [name for name, value in said.items() if value is not None]
        if given:
            raise ConfigError(f"{' and '.join(given)} does nothing without --pulses N, which sends pulses")
        return None
    usual, lower = bench.training.pulse, bench.training.depress
    width_s = usual.width_s if width is None else si(width, "s")
    up = Pulse(usual.amplitude_v if amplitude is None else si(amplitude, "V"), width_s)
    if depress is not None:
        lower = Pulse(si(depress, "V"), width_s)
    return Probe(pulses, up, lower)


def _measure(
    bench: "Bench", seed: int, read_v: float, reads: int, probe: "Probe | None", *, yes: bool
) -> "tuple[Survey, DeviceBackend]":
    """Ask if pulses are to be sent, then survey the chip of a bench."""
    from crossbar_hil.bench.opening import words_of_opening  # noqa: PLC0415
    from crossbar_hil.guard.client import GuardedBackend  # noqa: PLC0415
    from crossbar_hil.guard.opening import open_checked  # noqa: PLC0415
    from crossbar_hil.survey.on_bench.surveying import healthy_of  # noqa: PLC0415
    from crossbar_hil.survey.surveying import survey as look  # noqa: PLC0415

    healthy = healthy_of(bench)
    with phases(bench) as view:
        view.phase(words_of_opening(bench), brief=not bench.instruments)
        with open_checked(bench, seed=seed) as backend:
            if probe is not None:
                rows, columns = backend.shape
                said = probe.describe(rows * columns)
                view.hide()
                confirm(backend.kind, yes, said)
                if backend.kind != "hardware" or yes:
                    click.echo(said, err=True)
            if isinstance(backend, GuardedBackend):
                click.echo(f"session {backend.folder}", err=True)
            found = look(backend, read_v=read_v, reads=reads, healthy=healthy, probe=probe, tell=view.phase)
            view.phase(MAKING_SAFE, brief=not bench.instruments)
    return found, backend


def _noise(share: float) -> str:
    """Say what one reading of the median cell varies by; a computed chip shows its rounding alone."""
    return f"{100 * share:.3g} % of one reading of the median cell" if share > 1e-9 else "none seen"


def _rows(cells: "Cells") -> list[list[str]]:
    from crossbar_hil.text import quantity  # noqa: PLC0415

    return [
        [
            str(each.row),
            str(each.column),
            each.verdict,
            f"{quantity(each.siemens, 'S')} +- {quantity(each.error_siemens, 'S', 2)}",
            "" if each.first_rise_siemens is None or not each.potentiating else quantity(each.first_rise_siemens, "S"),
            f"{each.potentiating}, {each.depressing}",
        ]
        for each in cells.cell
    ]


def _write_page(cells: "Cells", page: Path, picture: Path, name: str) -> None:
    from crossbar_hil.figures.pages import Sheet, Table, write_page  # noqa: PLC0415 - matplotlib
    from crossbar_hil.survey.plotting import draw_cells_found, words_of  # noqa: PLC0415
    from crossbar_hil.text import quantity  # noqa: PLC0415

    how, source = cells.survey, cells.source
    low, high = quantity(how.low_siemens, "S"), quantity(how.high_siemens, "S")
    conditions = [
        ("read", f"{how.reads} times a round at {quantity(how.read_v, 'V')}"),
        ("read noise", _noise(how.read_noise)),
        ("a verdict", f"lies {how.sigmas:g} standard errors beyond its threshold"),
        ("healthy cells", f"{low} to {high}, by {how.healthy}"),
        ("pulses", f"at most {how.pulses} of each kind for a cell, {how.sent} in all" if how.pulses else "none"),
        ("made", f"{source.made_utc} by version {source.version}"),
    ]
    sheet = Sheet(
        "Survey of a chip",
        f"{source.whose}: {words_of(cells).lower()}",
        lines=cells.lines(),
        tables=[
            *([Table("Cells in which something was found", _rows(cells), HEADER)] if cells.cell else []),
            Table("How it was found", conditions),
        ],
        figures=[("Conductance of every cell, as the survey left it", draw_cells_found(cells))],
        files=[name],
    )
    write_page(sheet, page, pictures=[picture])
