"""How ``characterise`` is shown while it measures, and what it and ``read`` leave: figures and a page."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crossbar_hil.errors import ConfigError
from crossbar_hil.screen.pace import Pace
from crossbar_hil.screen.view import NothingShown

if TYPE_CHECKING:
    from crossbar_hil.bench.characterisation import Step
    from crossbar_hil.curves.measured import MeasuredCurve
    from crossbar_hil.figures.pages import Table

READING = "reading.json"
"""What ``read --json`` prints, as a file."""
EVERY = 10
"""Steps between two lines where there is no terminal, on which one line is kept in place."""


class Told:
    """Tells of each step that is measured.

    Parameters
    ----------
    view : NothingShown
        What is told.
    total, cells : int
        Steps of a cell, and cells.
    """

    def __init__(self, view: NothingShown, total: int, cells: int) -> None:
        self._view, self._total, self._all = view, total, total * cells
        self._pace, self._done = Pace(), 0

    def handed_out(self, steps: Iterable["Step"], cell: tuple[int, int]) -> Iterator["Step"]:
        """Hand out the steps of a cell (row, column, from 1), each told once it is measured."""
        for done, step in enumerate(steps, start=1):
            self._done += 1
            self._pace.step(self._done)
            what = "at rest" if step.rest else f"after {step.number} pulses of {step.pulse}"
            where = f"row {cell[0]}, column {cell[1]}  {done}/{self._total}"
            text = f"{where}  {1e6 * step.conductance_siemens:.4g} uS {what}"
            self._view.step(text, self._pace, self._all, brief=done % EVERY != 1 and done != self._total)
            yield step


def picture_and_page(path: Path, what: str) -> tuple[Path, Path]:
    """Return what gets the name of a TOML file of --to beside it; a ConfigError if that is a name of one of these."""
    if not path.name or path.suffix in {".png", ".html"}:
        raise ConfigError(
            f"--to {path} names the {what}, a TOML file, which gets a picture and a page of that name too"
        )
    return path.with_suffix(".png"), path.with_suffix(".html")


def prove(paths: Iterable[Path]) -> None:
    """See that new files can be written, before anything is measured for them; nothing is left.

    Raises
    ------
    RunError
        If one exists, or cannot be made.
    """
    from crossbar_hil.errors import RunError, reason_of  # noqa: PLC0415 - --help must not wait for it
    from crossbar_hil.guard.storage import write_new  # noqa: PLC0415

    for path in paths:
        try:
            write_new(path, "")
            path.unlink()
        except FileExistsError as error:
            raise RunError(f"{path} exists already and is not overwritten") from error
        except FileNotFoundError as error:
            raise RunError(f"there is no folder {path.parent} for {path.name}: make it; nothing was sent") from error
        except OSError as error:
            raise RunError(f"{path} cannot be written: {reason_of(error)}; nothing was sent") from error


def draw(
    path: Path, curves: Sequence["MeasuredCurve"], about: str, facts: Sequence[str], files: Sequence[str]
) -> list[str]:
    """Draw curves into a new PNG, write their page beside it, and return the lines of a drawing for the terminal.

    Raises
    ------
    RunError
        If a file exists or cannot be written; the measured numbers are in their own.
    """
    from crossbar_hil.curves.plotting import draw_curves  # noqa: PLC0415 - matplotlib
    from crossbar_hil.curves.showing import in_words, sketch  # noqa: PLC0415
    from crossbar_hil.figures.pages import Sheet, Table, write_page  # noqa: PLC0415

    sheet = Sheet(
        "Measured curve",
        about,
        tables=[
            Table("What was measured", [in_words(curve) for curve in curves]),
            found("What it says of cells", facts),
        ],
        figures=[("Conductance against pulses", draw_curves(curves, path.stem))],
        files=files,
    )
    write_page(sheet, path.with_suffix(".html"), pictures=[path])
    return sketch(curves)


def found(heading: str, lines: Sequence[str]) -> "Table":
    """Return lines such as ``read noise: 1 %`` as a table."""
    from crossbar_hil.figures.pages import Table  # noqa: PLC0415 - matplotlib

    return Table(heading, [line.partition(": ")[::2] for line in lines])


def keep_reading(folder: Path, record: Mapping[str, Any], lines: Sequence[str], about: str) -> list[str]:
    """Write what was read into a new folder: the map that ``--start`` takes, figures and a page; return what to say.

    Raises
    ------
    RunError
        If the folder exists or cannot be written.
    """
    import json  # noqa: PLC0415 - only who keeps a reading needs them

    import numpy as np  # noqa: PLC0415

    from crossbar_hil.errors import RunError, reason_of  # noqa: PLC0415
    from crossbar_hil.figures import REPORT  # noqa: PLC0415
    from crossbar_hil.figures.chips import draw_reading  # noqa: PLC0415
    from crossbar_hil.figures.pages import Sheet, Table, write_page  # noqa: PLC0415
    from crossbar_hil.figures.panes import engineering  # noqa: PLC0415

    try:
        folder.mkdir(parents=True)
        (folder / READING).write_text(json.dumps(record) + "\n", encoding="utf-8")
    except OSError as error:
        raise RunError(f"--to {folder} cannot be written: {reason_of(error)}") from error
    siemens, head = np.array(record["conductance_siemens"]), record["headroom"]
    left = None if head["pulses_left"] is None else np.array(head["pulses_left"])
    factor, unit = engineering(siemens, "S")
    header = ["row", *(f"column {column + 1} ({unit})" for column in range(siemens.shape[1]))]
    rows = [[str(row + 1), *(f"{value:.6g}" for value in line)] for row, line in enumerate(factor * siemens)]
    sheet = Sheet(
        "A chip as it was read",
        about,
        lines=lines,
        tables=[Table("Conductance of every cell", rows, header)],
        figures=[
            ("Conductance of every cell, and its pulses left", draw_reading(siemens, left, head["pulses_of_curve"]))
        ],
        files=[READING],
    )
    write_page(sheet, folder / REPORT, pictures=[folder / "chip.png"])
    return [f"map     {folder / READING}", f"report  {folder / REPORT}"]
